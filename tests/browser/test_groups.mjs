// Groups in a form, on the package tests/packages/equipment: every page judged (valid HTML, axe in light and dark, 320 px, large text, Tab), on a small phone without scripts,
// and with the keys alone.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { day, Demo, main, openBrowser, openPerson } from './lib.mjs';
import { Careless, Keys } from './hands.mjs';
import { layoutProblems, Pages } from './pages.mjs';
import * as story from './stories.mjs';

const browser = await openBrowser();
const open = () => Demo.start(fileURLToPath(new URL('../packages/equipment', import.meta.url)));
const people = { borrower_name: 'Ida Ærlig', borrower_email: 'ida@example.dk', keeper_email: 'bo@example.dk' };
const text = (hand) => hand.page.locator('main').innerText();

/** Answers to the fields of one item. */
const item = (number, answers) => Object.fromEntries(Object.entries(answers).map(([name, answer]) => [`things.${number}.${name}`, answer]));
const drill = { name: 'Boremaskine', kind: 'tool', number: '2', from: day(7), until: day(9), room: 'k', note: 'Den store, i kassen' };
const ladder = { name: 'Stige', kind: 'other', number: '1', from: day(7) };
const book = { name: 'Håndbog', kind: 'book', number: '1', from: day(8) };

/** Presses one of the buttons that add and remove. */
async function press(hand, button, value) {
	await hand.follow(hand.page.locator(`button[name="${button}"][value="${value}"]`));
	await hand.look(hand.page);
}

/** A loan from the front page to what came back. Every item is added; the ladder is taken away again. */
async function lend(demo, hand) {
	const page = hand.page;
	await hand.open(demo.url);
	await hand.follow(page.locator('main a[href^="/start/equipment"]'));
	await hand.look(page);
	await hand.answer(people);
	await hand.refuse?.();
	await hand.fill(item(1, drill));
	await press(hand, '.add', 'things');
	assert.equal(await page.evaluate(() => document.activeElement.name), 'things.2.name', 'the new item has the focus');
	assert.equal(await page.inputValue('[name="things.1.note"]'), drill.note, 'what was typed stays');
	await hand.fill(item(2, ladder));
	await press(hand, '.add', 'things');
	await hand.fill(item(3, { ...book, number: '2', until: day(1) }));
	await hand.answer({});
	assert.deepEqual(await page.locator('.summary a').evaluateAll((all) => all.map((a) => a.hash)), ['#f-things-3-number', '#f-things-3-until']);
	await press(hand, '.remove', 'things.2');
	assert.equal(await page.locator('fieldset.item').count(), 2);
	await hand.answer(item(2, { ...book, until: '' }));
	await hand.fill({ 'fetchers.1.name': 'Per', 'fetchers.1.key': 'true', 'fetchers.1.email': 'per@example.dk' });
	await hand.answer({});
	for (const part of ['Boremaskine', 'Håndbog', 'Per', hand.language === 'da' ? 'Ikke udfyldt' : 'Not provided']) assert.ok((await text(hand)).includes(part), part);
	assert.ok(!(await text(hand)).includes('Stige'));
	await hand.answer({});
	await hand.walk(await demo.link('ida@example.dk'), { agreed: 'true' });
	await hand.walk(await demo.link('bo@example.dk'), { answer: 'yes' });
	await hand.open(await demo.link('per@example.dk'));
	assert.match(await text(hand), /Håndbog/);
	await hand.walk((await demo.message('bo@example.dk', hand.language === 'da' ? 'tilbage' : 'back')).links[0], {});
}

async function judged(language) {
	const demo = await open(), pages = new Pages(`groups-${language}`);
	try {
		const page = await pages.watch(await openPerson(browser, { language }));
		const hand = Object.assign(new Careless(page, { language, look: (p) => pages.look(p) }), { origin: demo.url });
		await lend(demo, hand);
		await story.logIn(demo, hand, 'bo@example.dk');
		await pages.crawl(page, [`${demo.url}/backend`, page.url(), ...(await demo.inbox()).flatMap((m) => m.links)]);
	} finally {
		await demo.stop();
	}
	console.log(`${language}: ${[...pages.seen.values()].join(', ')}`);
	assert.equal(pages.problems.length, 0, `\n${pages.problems.join('\n')}`);
	assert.ok(pages.seen.size >= 15, `only ${pages.seen.size} pages`);
}

async function phone(language) {
	const demo = await open(), problems = [];
	const page = await new Pages(language).watch(await openPerson(browser, { language, width: 320, height: 568, scripts: false }));
	const look = async () => problems.push(...(await layoutProblems(page)).map((p) => `${page.url().slice(-30)}: ${p}`));
	await lend(demo, Object.assign(new Careless(page, { language, look }), { origin: demo.url }));
	await demo.stop();
	assert.deepEqual(problems, []);
}

/** From field to field, to the button that adds, into the new item, to the button that takes the first away, and on in the list. */
async function keys() {
	const demo = await open();
	const page = await openPerson(browser, { language: 'da' });
	const hand = Object.assign(new Keys(page, { language: 'da' }), { origin: demo.url });
	await hand.open(`${demo.url}/start/equipment`);
	await hand.answer(people);
	await hand.fill(item(1, drill));
	await hand.tabTo(page.locator('button[name=".add"]'));
	await hand.enter();
	assert.equal((await hand.focus()).name, 'things.2.name', 'a new item has the focus');
	await page.keyboard.type('Stige');
	const order = [];
	for (let i = 0; i < 20 && order.at(-1) !== '.add'; i++) {
		await hand.press('Tab');
		order.push((await hand.focus()).name);
	}
	assert.deepEqual(order, ['kind', 'number', 'from', 'until', 'room', 'note'].map((name) => `things.2.${name}`).concat('.remove', '.add'));
	await hand.tabTo(page.locator('button[name=".remove"][value="things.1"]'));
	await hand.enter();
	assert.deepEqual([(await hand.focus()).name, (await hand.focus()).value], ['things.1.name', 'Stige'], 'the reader stays with the list');
	await hand.fill(item(1, ladder));
	await hand.goOn();
	assert.match(await page.locator('h1').innerText(), /Afhentning/);
	await demo.stop();
}

await main({
	judged: () => judged('da'), // in English the same pages have other words, and none of Stafet's own that test_pages does not see
	phone_without_scripts: () => phone('da'),
	keys_alone: keys,
});
