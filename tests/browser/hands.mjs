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
		const prefix = this.language === 'da' ? 'Fejl: ' : 'Error: ', title = (await page.title()).replace(prefix, '').replace(/^(Der er|There (is|are)) [^:]*: /, '');
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

/** Nothing but the keys: Tab to a control, then what its kind is worked with. */
export class Keys extends Mouse {
	press(key) {
		return this.page.keyboard.press(key);
	}

	/** What has the focus. */
	focus() {
		return this.page.evaluate(() => {
			const e = document.activeElement;
			const of = e.name ? [...document.querySelectorAll(`[name="${e.name}"]`)] : [];
			return { tag: e.tagName, type: e.type ?? '', name: e.name ?? '', value: e.value ?? '', checked: e.checked ?? false, index: of.indexOf(e), id: e.id, button: e.matches('.buttons button') };
		});
	}

	/** Tab until that element has the focus. */
	async tabTo(locator) {
		const wanted = await locator.first().elementHandle();
		for (let i = 0; i < 200; i++) {
			if (await wanted.evaluate((e) => e === document.activeElement)) return;
			await this.press('Tab');
		}
		assert.fail(`Tab does not reach ${await wanted.evaluate((e) => e.outerHTML)}`);
	}

	async enter() {
		await Promise.all([this.page.waitForNavigation(), this.press('Enter')]);
	}

	async follow(link) {
		await this.tabTo(link);
		await this.enter();
	}

	async choose(at, answer, key) {
		for (let i = 0; i < 60; i++) {
			const now = await this.focus();
			assert.equal(now.name, at.name, `${key} leaves ${at.name}`);
			if (now.value === String(answer)) return;
			await this.press(key);
		}
		assert.fail(`${key} does not reach ${answer} of ${at.name}`);
	}

	async answerAt(at, answer) {
		if (at.tag === 'SELECT') return this.choose(at, answer, 'ArrowDown');
		if (at.type === 'checkbox') return at.value === String(answer) && !at.checked ? this.press('Space') : null;
		if (at.type === 'radio') {
			await this.choose(at, answer, 'ArrowDown');
			return (await this.focus()).checked ? null : this.press('Space');
		}
		const text = [answer].flat()[at.index];
		if (text === undefined) return null;
		await this.press('Control+a');
		return this.page.keyboard.type(String(text));
	}

	/** More answers to that field than it has inputs. */
	async wants(name, answers) {
		return [answers[name] ?? []].flat().length > (await this.page.locator(`input[name="${name}"]`).count());
	}

	/** From the top of the page to its button. */
	async fill(answers) {
		for (let i = 0; i < 200; i++) {
			await this.press('Tab');
			const at = await this.focus();
			if (at.button) break;
			const known = at.name.startsWith('levels.') ? 'levels' : at.name;
			if (known in answers) await this.answerAt(at, answers[known]);
			if (at.name === '.add' && (await this.wants(at.value, answers))) {
				await this.enter();
				const next = await this.focus();
				assert.equal(next.name, at.value, 'a new input has the focus');
				await this.answerAt(next, answers[at.value]);
			}
		}
		await this.press('Shift+Tab');
		assert.ok(!(await this.focus()).button, 'Shift+Tab does not leave the button');
		await this.press('Tab');
		assert.ok((await this.focus()).button, 'Tab does not come back to the button');
	}

	goOn() {
		return this.enter();
	}
}
