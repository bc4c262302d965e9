// What the browser tests share: a demo server of the real binary, Chromium driven by playwright-core, and what a person does on a page.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const binary = process.env.STAFET ?? join(root, 'build', 'stafet');
export const pictures = join(process.env.BUILD ?? join(root, 'build'), 'screenshots');
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A demo server on a free port, with its inbox and its clock. */
export class Demo {
	static running = new Set();

	static async start(...packages) {
		const demo = new Demo();
		demo.process = spawn(binary, ['demo', ...packages, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
		for await (const line of createInterface({ input: demo.process.stdout })) {
			demo.url = /^event=ready url=(\S+)/.exec(line)?.[1];
			break;
		}
		if (!demo.url) throw new Error('the demo does not start');
		Demo.running.add(demo);
		return demo;
	}

	async stop() {
		Demo.running.delete(this);
		const ended = new Promise((done) => this.process.once('exit', done));
		this.process.kill('SIGTERM');
		await ended;
	}

	/** Every message so far, oldest first; each is asked for once. */
	async inbox() {
		this.kept ??= [];
		const more = await (await fetch(`${this.url}/demo/inbox.json?after=${this.kept.at(-1)?.id ?? 0}`)).json();
		this.kept.push(...more.filter((m) => m.id > (this.kept.at(-1)?.id ?? 0)));
		return [...this.kept];
	}

	/** The newest message to that address with that in subject or text, waiting until it is there. */
	async message(to, part = '') {
		for (const end = Date.now() + 15000; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
			const found = (await this.inbox()).filter((m) => m.to === to && (m.subject || m.text).includes(part));
			if (found.length > 0) return found.at(-1);
		}
		throw new Error(`no "${part}" to ${to}`);
	}

	async link(to, part) {
		return (await this.message(to, part)).links[0];
	}

	/** The oldest message to that address that next() has not given before, with that in subject or text; its link. */
	async next(to, part = '') {
		this.read ??= new Map();
		for (const end = Date.now() + 15000; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
			const found = (await this.inbox()).find((m) => m.to === to && m.id > (this.read.get(to) ?? 0) && `${m.subject}\n${m.text}`.includes(part));
			if (!found) continue;
			this.read.set(to, found.id);
			return found;
		}
		throw new Error(`no further "${part}" to ${to}`);
	}

	async clock(fields) {
		const answer = await fetch(`${this.url}/demo/clock`, { method: 'POST', body: new URLSearchParams(fields) });
		return (await answer.json()).now;
	}
}

/** One Chromium, a context for each kind of person: phone or desk, with or without scripts. */
export async function openBrowser() {
	return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell', args: QUIET });
}

export async function openPerson(browser, { width = 1280, height = 900, language = 'da', dark = false, scripts = true } = {}) {
	const context = await browser.newContext({
		viewport: { width, height },
		locale: language === 'da' ? 'da-DK' : 'en-GB',
		colorScheme: dark ? 'dark' : 'light',
		javaScriptEnabled: scripts,
		timezoneId: 'Europe/Copenhagen',
		reducedMotion: 'reduce', // or a colour may be judged half way to the next
	});
	return context.newPage();
}

/** Fills what the page asks: {field: text, option value, true, or a list for repeated fields}; unknown names are left alone. */
export async function fill(page, answers) {
	for (const [name, answer] of Object.entries(answers)) {
		const inputs = page.locator(`[name="${name}"]`);
		const count = await inputs.count();
		if (count === 0) continue;
		const type = await inputs.first().getAttribute('type');
		const tag = await inputs.first().evaluate((e) => e.tagName);
		if (type === 'radio' || type === 'checkbox') await page.locator(`[name="${name}"][value="${answer}"]`).check();
		else if (tag === 'SELECT') await inputs.first().selectOption(String(answer));
		else for (const [i, text] of [answer].flat().entries()) {
			if (i >= (await inputs.count())) await Promise.all([page.waitForNavigation(), page.locator(`button[name=".add"][value="${name}"]`).click()]);
			await inputs.nth(i).fill(text);
		}
	}
	for (const level of await page.locator('[name^="levels."][value="2"]').all()) if ('levels' in answers) await level.check();
}

/** The button that goes on. */
export async function goOn(page) {
	await Promise.all([page.waitForNavigation(), page.locator('main form[method="post"] .buttons button').first().click()]);
}

/** Page by page until no form is left. look is called with each page. */
export async function walk(page, url, answers, look = async () => {}) {
	await page.goto(url);
	for (let i = 0; i < 15; i++) {
		await look(page);
		if ((await page.locator('main form[method="post"] .buttons button').count()) === 0) return;
		await fill(page, answers);
		await goOn(page);
	}
	throw new Error(`no end: ${await page.locator('main').innerText()}`);
}

export async function picture(page, name) {
	mkdirSync(pictures, { recursive: true });
	await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

/** A day in Denmark, as dd-mm-yyyy, days after now. */
export function day(days, from = Date.now()) {
	return new Date(from + days * 86400000).toLocaleDateString('da-DK', { day: '2-digit', month: '2-digit', year: 'numeric', timeZone: 'Europe/Copenhagen' }).replaceAll('.', '-');
}

/** Runs the named tests, one after the other, and says how each went. */
export async function main(tests) {
	let failed = 0;
	for (const [name, test] of Object.entries(tests)) {
		const begin = Date.now();
		try {
			await test();
			console.log(`ok   ${name} ${((Date.now() - begin) / 1000).toFixed(1)} s`);
		} catch (problem) {
			failed++;
			console.log(`FAIL ${name}\n${problem.stack}`);
		}
	}
	console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
	for (const demo of Demo.running) await demo.stop();
	process.exit(failed ? 1 : 0);
}
