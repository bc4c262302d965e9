// How a person does what a story tells: with a mouse, or with nothing but the keys.
import assert from 'node:assert/strict';
import { fill, goOn } from './lib.mjs';

const BUTTON = 'main form[method="post"] .buttons button';
const MOST_PAGES = 20;

/** A hand belongs to one open page. look is called with every page that comes. */
export class Mouse {
	constructor(page, { language = 'da', look = async () => {} } = {}) {
		Object.assign(this, { page, language, look });
	}

	async open(url) {
		await this.page.goto(url);
		await this.look(this.page);
	}

	async fill(answers) {
		await fill(this.page, answers);
	}

	async goOn() {
		await goOn(this.page);
	}

	async follow(link) {
		await Promise.all([this.page.waitForNavigation(), link.click()]);
	}

	/** Answers the page that is open, and looks at the next one. */
	async answer(answers) {
		await this.fill(answers);
		await this.goOn();
		await this.look(this.page);
	}

	/** Page by page until no form is left. A page that comes twice in a row was refused. */
	async walk(url, answers) {
		if (url) await this.open(url);
		for (let i = 0, before = ''; i < MOST_PAGES; i++) {
			if ((await this.page.locator(BUTTON).count()) === 0) return;
			await this.refuse?.();
			const place = `${this.page.url()} ${await this.page.title()}`;
			assert.ok(place !== before, `${place}: ${await this.page.locator('main').innerText()}`);
			before = place;
			await this.answer(answers);
		}
		assert.fail(`no end: ${this.page.url()}`);
	}

	/** From the front page, by the link that leads to that form. */
	async start(workflow, answers) {
		const front = new URL('/', this.origin);
		await this.open(front.href);
		await this.follow(this.page.locator(`main a[href^="/start/${workflow}"]`));
		await this.look(this.page);
		await this.walk(null, answers);
	}
}

/** Presses each button once with nothing filled in: the page comes back with a summary that has the focus, and whose links lead to the fields. */
export class Careless extends Mouse {
	async refuse() {
		const page = this.page;
		if ((await page.locator('main form[method="post"] .field').count()) === 0) return;
		const prefix = this.language === 'da' ? 'Fejl: ' : 'Error: ', title = (await page.title()).replace(prefix, '');
		await goOn(page);
		if ((await page.locator('.summary').count()) === 0) return;
		await this.look(page);
		assert.equal(await page.evaluate(() => document.activeElement.className), 'summary', `${page.url()}: the summary has no focus`);
		const status = page.document.status();
		assert.equal(status, 422);
		assert.equal(await page.title(), prefix + title);
		for (const link of await page.locator('.summary a').all()) {
			await link.click();
			const field = new URL(await link.evaluate((a) => a.href)).hash.slice(1);
			assert.ok(await page.locator(`[id="${field}"]`).count(), `no field ${field}`);
			const reached = await page.evaluate((id) => document.activeElement.id === id || document.getElementById(id).getBoundingClientRect().top < innerHeight, field);
			assert.ok(reached, `the summary does not lead to ${field}`);
		}
	}
}
