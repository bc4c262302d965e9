// Every life of a link in Chromium, in both languages, judged as every other page: not open yet, expired, sent anew, done by somebody else, passed on, called off.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Demo, day, main, openBrowser, openPerson, walk } from './lib.mjs';
import { Pages } from './pages.mjs';

const errand = join(dirname(fileURLToPath(import.meta.url)), '..', 'packages', 'errand');
const browser = await openBrowser();

async function lives(language, words) {
	const demo = await Demo.start(errand), pages = new Pages(`links-${language}`), met = [];
	const page = await pages.watch(await openPerson(browser, { language }));
	const heading = () => page.locator('h1').innerText();
	const look = async () => {
		await pages.look(page);
		met.push(await heading());
	};
	const open = async (url) => {
		await page.goto(url);
		await look();
	};
	const ask = async (asker, helpers, more = {}) => {
		await walk(page, `${demo.url}/start/errand`, { asker_name: 'Ida', asker_email: asker, task: words.task, helper_emails: helpers, ...more }, look);
		await walk(page, await demo.link(asker), { agreed: 'true' }, look);
		return Promise.all(helpers.map((h) => demo.link(h)));
	};
	try {
		const [first, second] = await ask('ida@example.dk', ['bo@example.dk', 'eva@example.dk']);
		await open(first);
		await page.getByRole('link', { name: words.passOn }).click();
		assert.equal(await heading(), words.passOnTitle);
		await look();
		await page.getByRole('link', { name: words.back }).click();
		await walk(page, `${first}?event=pass-on`, { helper_emails: ['per@example.dk', ''] }, look);
		await open(second);
		const [waiting] = await ask('ib@example.dk', ['mo@example.dk'], { ready_on: day(5) });
		await open(waiting);
		const [done, late] = await ask('lene@example.dk', ['ane@example.dk', 'kim@example.dk']);
		await walk(page, done, { result: 'done', remark: words.task }, look);
		await open(late);
		const view = await demo.link('lene@example.dk', words.answerSubject);
		const [off] = await ask('ulla@example.dk', ['tom@example.dk']);
		await walk(page, `${await demo.link('ulla@example.dk', words.askedSubject)}?event=call-off`, { agreed: 'true' }, look);
		await open(off);
		const [old] = await ask('lis@example.dk', ['jon@example.dk']);
		await demo.clock({ advance: '8d' });
		await open(old);
		await Promise.all([page.waitForNavigation(), page.getByRole('button').first().click()]);
		await look();
		await open(old);
		await demo.clock({ advance: '60d' });
		await open(view);
		await open(waiting);
		await open(`${demo.url}/l/unknown`);
	} finally {
		await demo.stop();
	}
	assert.deepEqual(pages.problems, []);
	for (const title of words.titles) assert.ok(met.includes(title), `${title} was not met: ${met}`);
	console.log(`${language}: ${pages.seen.size} pages`);
}

await main({
	danish: () => lives('da', {
		task: 'Hent nøglen', passOn: 'Er det ikke dig? Send videre', passOnTitle: 'Send ærindet videre', back: 'Tilbage', answerSubject: 'Der er svar', askedSubject: 'Vi har spurgt',
		titles: ['Ærindet er sendt videre', 'Opgaven er sendt videre', 'Linket er ikke åbent endnu', 'Opgaven er løst', 'Sagen er afsluttet', 'Linket er udløbet', 'Vi har sendt et nyt link', 'Der er sendt et nyere link', 'Linket virker ikke'],
	}),
	english: () => lives('en', {
		task: 'Fetch the key', passOn: 'Not you? Pass it on', passOnTitle: 'Pass the errand on', back: 'Back', answerSubject: 'There is an answer', askedSubject: 'We have asked',
		titles: ['The errand has been passed on', 'The task has been passed on', 'The link is not open yet', 'The task is done', 'The case is closed', 'The link has expired', 'We have sent a new link', 'A newer link has been sent', 'The link does not work'],
	}),
});
