// covers: D4 D16
// Both stories on a small phone, 320 pixels wide, with JavaScript off, and with each mistake made once.
import assert from 'node:assert/strict';
import { Demo, main, openBrowser, openPerson } from './lib.mjs';
import { Careless } from './hands.mjs';
import { layoutProblems, Pages } from './pages.mjs';
import * as story from './stories.mjs';

const browser = await openBrowser();

async function play(language, tell) {
	const demo = await Demo.start(), problems = [];
	const page = await new Pages(language).watch(await openPerson(browser, { language, width: 320, height: 568, scripts: false }));
	const look = async () => problems.push(...(await layoutProblems(page)).map((p) => `${page.url().slice(-30)}: ${p}`));
	const hand = Object.assign(new Careless(page, { language, look }), { origin: demo.url });
	await tell(demo, hand);
	await demo.stop();
	assert.deepEqual(problems, []);
	assert.equal(await page.evaluate(() => document.documentElement.lang), language);
}

async function declaration(demo, hand) {
	const told = await story.askForDeclaration(demo, hand);
	await story.confirmDeclaration(demo, hand, told);
	await story.assessDeclaration(demo, hand, told);
	await story.correctDeclaration(demo, hand, told);
	await story.logIn(demo, hand, told.school);
	assert.match(await hand.page.locator('main').innerText(), /Ida Ærlig/);
}

async function leave(demo, hand) {
	const told = await story.askForLeave(demo, hand);
	await story.confirmLeave(demo, hand, told);
	await story.approveLeave(demo, hand, told);
	await story.logIn(demo, hand, told.employee);
}

await main({
	declaration_in_danish: () => play('da', declaration),
	declaration_in_english: () => play('en', declaration),
	leave_in_danish: () => play('da', leave),
	leave_in_english: () => play('en', leave),
});
