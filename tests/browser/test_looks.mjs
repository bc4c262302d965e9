// What the usual window does not show: forced colours, and paper.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Demo, main, openBrowser, openPerson, picture, pictures } from './lib.mjs';
import { Mouse } from './hands.mjs';
import * as story from './stories.mjs';

const browser = await openBrowser();
const demo = await Demo.start();
const page = await openPerson(browser);
const hand = Object.assign(new Mouse(page), { origin: demo.url });
const told = await story.askForDeclaration(demo, hand);
await story.confirmDeclaration(demo, hand, told);

/** With the system's own colours (high contrast) buttons have an edge, the focus a ring, a chosen level a mark. */
async function forcedColours() {
	await page.emulateMedia({ forcedColors: 'active' });
	for (const [name, url] of [['goals', told.task], ['start', `${demo.url}/start/declaration`], ['log-in', `${demo.url}/home/otplogin`], ['inbox', `${demo.url}/demo/inbox`]]) {
		await page.goto(url);
		const bare = await page.evaluate(() =>
			[...document.querySelectorAll('button, .button, input:not([type=hidden]), select, textarea')].filter((e) => {
				const style = getComputedStyle(e);
				if (e.matches('[type=radio], [type=checkbox]')) return style.appearance === 'none'; // the system draws its own
				return style.borderTopStyle === 'none' || parseFloat(style.borderTopWidth) < 1 || style.borderTopColor === getComputedStyle(document.body).backgroundColor;
			}).map((e) => e.outerHTML.slice(0, 80)));
		assert.deepEqual(bare, [], name);
		for (let i = 0; i < 6; i++) {
			await page.keyboard.press('Tab');
			const ringed = await page.evaluate(() => {
				const around = [document.activeElement];
				while (around[0].closest('label') && around.at(-1) !== around[0].closest('label')) around.push(around.at(-1).parentElement);
				return around.some((a) => getComputedStyle(a).outlineStyle !== 'none' && parseFloat(getComputedStyle(a).outlineWidth) >= 2);
			});
			assert.ok(ringed, `${name}: no ring around the focus`);
		}
		await picture(page, `forced-${name}`);
	}
	await page.emulateMedia({ forcedColors: 'none' });
}

function textOf(pdf, name) {
	const path = join(pictures, `${name}.pdf`);
	mkdirSync(pictures, { recursive: true });
	writeFileSync(path, pdf);
	return { text: execFileSync('pdftotext', ['-layout', path, '-'], { encoding: 'utf8' }), pages: Number(/Pages:\s+(\d+)/.exec(execFileSync('pdfinfo', [path], { encoding: 'utf8' }))[1]) };
}

/** A receipt and a declaration on paper: what was answered, and nothing that can only be pressed. */
async function onPaper() {
	await page.goto(told.task);
	told.goal = (await page.locator('.row legend').first().innerText()).slice(0, 20);
	await story.assessDeclaration(demo, hand, told);
	for (const [name, url] of [['receipt', told.task], ['declaration', told.shown]]) {
		await page.goto(url);
		const { text, pages } = textOf(await page.pdf({ format: 'A4', tagged: true }), `paper-${name}`);
		for (const words of ['Vinduer og døre', 'Mere tid ved maskinerne', 'Mester Madsen', told.goal]) assert.ok(text.includes(words), `${name}: no "${words}" on paper:\n${text}`);
		for (const words of ['Gå til indholdet', 'Sendte mails', 'Dette er en prøve', 'English', 'Det er sket']) assert.ok(!text.includes(words), `${name}: "${words}" on paper:\n${text}`);
		assert.ok(pages <= 3, `${name}: ${pages} pages`);
		assert.doesNotMatch(text, /\/l\/[A-Za-z0-9_-]{20}/, `${name}: the link is on the paper`);
	}
}

await main({ forced_colours: forcedColours, on_paper: onPaper });
