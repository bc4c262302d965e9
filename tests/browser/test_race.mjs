// Two doctors of a round confirm the same post in the same instant, one on a phone and one at a desk. One has it, with its agreement; the other reads what happened where they stand,
// sees what is free now, still with what they were searching for, and takes another.
// covers: S77 S79 S81 S83
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Demo, main, openBrowser, openPerson, picture } from './lib.mjs';
import { axeProblems, htmlProblems, layoutProblems, Pages } from './pages.mjs';

const selection = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'templates', 'selection');
const MONTHS = 'januar februar marts april maj juni juli august september oktober november december'.split(' ');
const POST = 'esb-1';
const browser = await openBrowser();

const address = (who) => `${who.name}@laege.example.dk`;
const heading = (page) => page.locator('h1').innerText();
const press = async (page, button) => (await Promise.all([page.waitForNavigation(), button.click()]))[0];

/** The day on which the demo's round is chosen, "2026-11-23". */
async function dayOfRound(demo) {
	const text = (await demo.message('signe@laege.example.dk', 'Din tid')).text.replace(/[\s*]+/g, ' ');
	const [, day, month, year] = /fra \S+ den (\d+)\. (\S+) (\d+) kl/.exec(text);
	return `${year}-${String(MONTHS.indexOf(month) + 1).padStart(2, '0')}-${day.padStart(2, '0')}`;
}

/** From the mail to the page that asks for the code, which is typed there but not sent. */
async function upToTheCode(demo, page, who) {
	await page.goto(await demo.link(address(who), 'Du kan nu vælge'));
	await page.locator('#q').fill(who.search);
	await press(page, page.locator('form.search button').first());
	await press(page, page.locator(`button[name="wanted"][value="${POST}"]`));
	assert.equal(await heading(page), 'Er det dette forløb?');
	await press(page, page.locator('main form .buttons button').first());
	await typeTheCode(demo, page, who);
}

/** The next code that was texted to that phone, waited for while it is on its way. */
async function typeTheCode(demo, page, who) {
	const { text } = await demo.next(who.phone, ' er din kode');
	await page.locator('[name="code"]').fill(/#(\d{6})\s*$/.exec(text)[1]);
}

async function pictures(page, name) {
	const before = page.viewportSize();
	for (const width of [320, 1280]) {
		await page.setViewportSize({ width, height: 900 });
		await picture(page, `race-${name}-${width}`);
	}
	await page.setViewportSize(before);
}

async function twoAtOnePost() {
	const demo = await Demo.start(selection), pages = new Pages('race');
	const people = [
		{ name: 'signe', phone: '+4520000301', search: 'kirurgi 01-09', page: await pages.watch(await openPerson(browser, { width: 320 })) },
		{ name: 'adam', phone: '+4520000304', search: 'gastro', page: await pages.watch(await openPerson(browser)) },
	];
	try {
		const day = await dayOfRound(demo);
		for (const time of ['09:00', '12:00', '12:10', '12:20', '12:30']) await demo.clock({ set: `${day}T${time}` });
		for (const who of people) await upToTheCode(demo, who.page, who);
		const answers = await Promise.all(people.map((who) => press(who.page, who.page.locator('main form .buttons button').first())));
		const titles = await Promise.all(people.map((who) => heading(who.page)));
		assert.equal(titles.filter((title) => title === 'Forløbet er dit').length, 1, `${titles}`);
		const winner = people[titles.indexOf('Forløbet er dit')], loser = people.find((who) => who !== winner);
		await pictures(winner.page, 'won');
		await pictures(loser.page, 'lost');
		// The loser: why, no way to that post any more, and the list as it was searched.
		const page = loser.page;
		assert.match(await page.locator('.summary').innerText(), /ikke ledigt længere\s+Esbjerg Sygehus: Forløbet blev valgt af en anden/);
		assert.equal(await page.locator(`button[value="${POST}"]`).count(), 0);
		assert.equal(await page.locator('#q').inputValue(), loser.search);
		const problems = [...(await htmlProblems(await answers[people.indexOf(loser)].text())), ...(await axeProblems(page)), ...(await layoutProblems(page))];
		assert.deepEqual([...problems, ...pages.problems], []);
		// One agreement, and it is the winner's.
		await demo.message(address(winner), 'aftale');
		assert.equal((await demo.inbox()).filter((m) => m.to === address(loser) && m.subject.includes('aftale')).length, 0);
		await page.goto(await demo.link(address(loser), 'Din tid'));
		assert.equal(await page.locator('a[href*="?file="]').count(), 0);
		// Nothing stands in the way of another.
		await page.goto(await demo.link(address(loser), 'Du kan nu vælge'));
		await press(page, page.locator('button[name="wanted"]').first());
		await press(page, page.locator('main form .buttons button').first());
		await typeTheCode(demo, page, loser);
		await press(page, page.locator('main form .buttons button').first());
		assert.equal(await heading(page), 'Forløbet er dit');
	} finally {
		await demo.stop();
	}
}

await main({ twoAtOnePost });
