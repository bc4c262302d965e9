// Both stories, log-in and overview with the keys alone: Tab, Shift+Tab, Space, arrows, Enter.
import assert from 'node:assert/strict';
import { Demo, main, openBrowser, openPerson } from './lib.mjs';
import { Keys } from './hands.mjs';
import * as story from './stories.mjs';

const browser = await openBrowser();

async function person(demo, language) {
	const page = await openPerson(browser, { language });
	return Object.assign(new Keys(page, { language }), { origin: demo.url });
}

/** To the first row of the list, back, and out. */
async function readOverview(hand) {
	const page = hand.page;
	if ((await page.locator('main .overviews a').count()) > 0) await hand.follow(page.locator('main .overviews a'));
	await hand.follow(page.locator('main table.list a'));
	assert.equal(await page.locator('main dl.answers').count() > 0, true, await page.locator('main').innerText());
	await hand.follow(page.locator('.logout button'));
	await page.goto(`${hand.origin}/backend`);
	assert.match(page.url(), /otplogin/);
}

async function declaration(language) {
	const demo = await Demo.start();
	const hand = await person(demo, language);
	const told = await story.askForDeclaration(demo, hand);
	await story.confirmDeclaration(demo, hand, told);
	await story.assessDeclaration(demo, hand, told);
	assert.match(await hand.page.locator('main').innerText(), /Vinduer og døre/);
	await story.correctDeclaration(demo, hand, told);
	await story.logIn(demo, hand, told.apprentice);
	await readOverview(hand);
	await demo.stop();
}

async function leave(language) {
	const demo = await Demo.start();
	const hand = await person(demo, language);
	const refused = await story.askForLeave(demo, hand);
	await story.confirmLeave(demo, hand, refused);
	await story.refuseLeave(demo, hand, refused);
	const approved = await story.askForLeave(demo, hand, { kind: 'holiday' });
	await story.confirmLeave(demo, hand, approved);
	await story.approveLeave(demo, hand, approved);
	await story.logIn(demo, hand, approved.manager);
	await readOverview(hand);
	await demo.stop();
}

async function skipLink() {
	const demo = await Demo.start();
	const hand = await person(demo, 'da');
	await hand.open(demo.url);
	await hand.press('Tab');
	assert.ok((await hand.page.locator('.skip').boundingBox()).x >= 0, 'the way past the head of the page is not to be seen');
	await hand.press('Enter');
	await hand.press('Tab');
	assert.ok(await hand.page.evaluate(() => document.activeElement.closest('main')), 'and does not lead past it');
	await demo.stop();
}

/** The summary has the focus; Tab and Enter lead from it into each field that it names. */
async function fromSummaryToField() {
	const demo = await Demo.start();
	const hand = await person(demo, 'da');
	const told = await story.askForDeclaration(demo, hand);
	await story.confirmDeclaration(demo, hand, told);
	for (const url of [`${demo.url}/start/declaration`, `${demo.url}/start/leave-request`, `${demo.url}/home/otplogin`, told.task, `${told.change}?event=withdraw`]) {
		await hand.open(url);
		await hand.tabTo(hand.page.locator('main form[method="post"] .buttons button'));
		await hand.enter();
		const count = await hand.page.locator('.summary a').count();
		assert.ok(count > 0, `${url}: nothing is missing`);
		for (let i = 0; i < count; i++) {
			const link = hand.page.locator('.summary a').nth(i), field = (await link.getAttribute('href')).slice(1);
			await hand.page.locator('.summary').evaluate((e) => e.focus());
			await hand.tabTo(link);
			await hand.press('Enter');
			assert.equal((await hand.focus()).id, field, `${url}: the summary's link does not lead into ${field}`);
		}
	}
	await demo.stop();
}

await main({
	declaration_in_danish: () => declaration('da'),
	leave_in_english: () => leave('en'),
	skip_link: skipLink,
	from_summary_to_field: fromSummaryToField,
});
