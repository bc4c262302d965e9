// One walk through everything, in each language: every distinct page is judged by pages.mjs; those in Danish have their pictures in build/screenshots.
import assert from 'node:assert/strict';
import { Demo, main, openBrowser, openPerson } from './lib.mjs';
import { Careless } from './hands.mjs';
import { Pages } from './pages.mjs';
import * as story from './stories.mjs';

const browser = await openBrowser();

// Of mails with one subject the first and the last: what stands behind the others looks the same.
function linksOf(inbox) {
	const mails = new Map();
	for (const m of inbox)
		mails.set(m.subject, [...(mails.get(m.subject) ?? []).slice(0, 1), m]);
	return [...mails.values()].flat().flatMap((m) => m.links);
}

async function everything(language) {
	const demo = await Demo.start(), pages = new Pages(language, { pictures: language === 'da' });
	try {
		const page = await pages.watch(await openPerson(browser, { language }));
		const hand = new Careless(page, { language, look: (p) => pages.look(p) });
		hand.origin = demo.url;
		const declaration = await story.askForDeclaration(demo, hand);
		await story.confirmDeclaration(demo, hand, declaration);
		await pages.crawl(page, [declaration.change]);
		await story.assessDeclaration(demo, hand, declaration);
		await story.correctDeclaration(demo, hand, declaration);
		const leave = await story.askForLeave(demo, hand);
		await story.confirmLeave(demo, hand, leave);
		await pages.crawl(page, [leave.withdraw]);
		await story.approveLeave(demo, hand, leave);
		const refused = await story.askForLeave(demo, hand, { kind: 'holiday' });
		await story.confirmLeave(demo, hand, refused);
		await story.refuseLeave(demo, hand, refused);
		for (const address of [declaration.apprentice, declaration.school, leave.manager]) {
			await story.logIn(demo, hand, address);
			await pages.crawl(page, [`${demo.url}/backend`, page.url()]);
		}
		const links = linksOf(await demo.inbox());
		const odd = ['/nowhere', '/l/unknown', '/start/nothing', '/home/otplogin?step=code', '/home/otplogin?link=x', '/demo/inbox/999999', '/demo/clock'].map((p) => demo.url + p);
		await pages.crawl(page, [`${demo.url}/`, `${demo.url}/home/otplogin`, `${demo.url}/demo/inbox`, ...odd, ...links]);
		await demo.clock({ advance: '100d' });
		await pages.crawl(page, [`${demo.url}/demo/inbox`, ...linksOf(await demo.inbox())]);
	} finally {
		await demo.stop();
	}
	console.log(`${language}: ${pages.seen.size} pages: ${[...pages.seen.values()].join(', ')}`);
	assert.equal(pages.problems.length, 0, `\n${pages.problems.join('\n')}`);
	assert.ok(pages.seen.size >= 60, `only ${pages.seen.size} pages were found`);
}

const both = Promise.allSettled(['da', 'en'].map(everything));
await main({
	danish: async () => { const [r] = await both; if (r.reason) throw r.reason; },
	english: async () => { const [, r] = await both; if (r.reason) throw r.reason; },
});
