// Collects every distinct page that a walk meets, and judges each once: valid HTML, axe-core in light and dark, 320 px, targets, the way of the Tab key.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { HtmlValidate } from 'html-validate';
import { picture } from './lib.mjs';

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/* The recommended rules, but for those that ask for a habit of writing and not for valid or usable HTML, and with what axe does not see in a part that is folded: */
const validator = new HtmlValidate({
	root: true,
	extends: ['html-validate:recommended'],
	rules: {
		'long-title': 'off', // a title holds the name of the site, whose length is the school's own
		'no-implicit-button-type': 'off', // the buttons submit, which is what a button without a type does
		'tel-non-breaking': 'off', // telephone numbers are people's own text
		'prefer-tbody': 'off', // a table without a head needs none
		'form-dup-name': 'off', // a list is asked for with one input a value, all of the same name
		'no-trailing-whitespace': 'off', // so is what stands in a textarea
		'input-missing-label': 'error',
		'no-missing-references': 'error',
	},
});

// They take a fifth of the time: with PICTURES=all there are those of every page, and at 1280 px too.
export const ALL_PICTURES = process.env.PICTURES === 'all';

export const htmlProblems = async (html) =>
	(await validator.validateString(html)).results.flatMap((r) => r.messages).map((m) => `html ${m.ruleId} at ${m.line}:${m.column}: ${m.message}`);

export const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

/** axe-core on what the page shows now; only: these rules; without: not these; of: these elements, by their numbers in the body, and what is in them. */
export async function axeProblems(page, { only, without = [], of } = {}) {
	const found = await page.evaluate(async ([only, without, of]) => {
		if (!window.axe) window.loadAxe();
		const rules = Object.fromEntries(without.map((rule) => [rule, { enabled: false }])), all = document.body.querySelectorAll('*');
		const options = { resultTypes: ['violations'], iframes: false, rules, ...(only ? { runOnly: { type: 'rule', values: only } } : {}) };
		return (await window.axe.run(of ? { include: of.map((i) => all[i]) } : document, options)).violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html.slice(0, 120)} ${n.failureSummary?.split('\n')[1] ?? ''}`).join(' | ')}`);
	}, [only, without, of]);
	return found.map((text) => `axe ${text}`);
}

/** What is wider than the window, and what is too small for a thumb. An inline link's size is axe's matter (target-size). */
export function layoutProblems(page) {
	return page.evaluate(() => {
		const problems = [], root = document.documentElement;
		if (root.scrollWidth > root.clientWidth) {
			const wide = [...document.body.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
			problems.push(`wider than the window: ${root.scrollWidth} > ${root.clientWidth}: ${wide.slice(-1).map((e) => e.outerHTML.slice(0, 120))}`);
		}
		for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
			if (e.matches('.skip, [tabindex="-1"]') || (e.tagName === 'A' && getComputedStyle(e).display === 'inline')) continue;
			if (e.closest('details:not([open])') && !e.matches('summary')) continue;
			// What stands around a tick within its label can be pressed too.
			const around = [e];
			while (e.matches('[type=radio], [type=checkbox]') && e.closest('label') && around.at(-1) !== e.closest('label')) around.push(around.at(-1).parentElement);
			const box = around.map((a) => a.getBoundingClientRect()).reduce((a, b) => (b.height > a.height ? b : a));
			const least = e.matches('button, .button, input, select, textarea') ? 44 : 24;
			if (box.height < least || box.width < 24) problems.push(`a target of ${box.width} x ${box.height}: ${e.outerHTML.slice(0, 100)}`);
		}
		return problems;
	});
}

/** What is lost with that style in force: text that is cut off, or a page that must be scrolled sideways. */
export function lossProblems(page, style) {
	return page.evaluate((text) => {
		const sheet = new CSSStyleSheet(), root = document.documentElement, problems = [];
		sheet.replaceSync(text);
		document.adoptedStyleSheets = [sheet];
		if (root.scrollWidth > root.clientWidth) problems.push(`wider than the window: ${root.scrollWidth} > ${root.clientWidth}`);
		for (const e of document.body.querySelectorAll('*')) {
			const { overflowX, overflowY } = getComputedStyle(e);
			const { width, height } = e.getBoundingClientRect();
			if (width <= 1 || height <= 1 || e.matches('iframe, select') || (overflowX === 'visible' && overflowY === 'visible')) continue;
			if (e.matches('textarea, pre')) continue; // these scroll
			if (e.scrollHeight > e.clientHeight + 2 || (e.scrollWidth > e.clientWidth + 2 && e.tagName !== 'INPUT')) problems.push(`cut off: ${e.outerHTML.slice(0, 100)}`);
		}
		document.adoptedStyleSheets = [];
		return problems;
	}, style);
}

// WCAG 1.4.12 and 1.4.4
export const SPACED = '* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }';
export const TWICE = 'html { font-size: 200% !important }';

/** Where the focus is: in the window's own document, and, for a frame that has it, where in that. */
async function focused(page) {
	const at = await page.evaluate(() => {
		const e = document.activeElement, box = e.getBoundingClientRect();
		const ringed = (a) => [null, '::after'].some((part) => getComputedStyle(a, part).outlineStyle !== 'none' && parseFloat(getComputedStyle(a, part).outlineWidth) >= 2);
		const around = [e];
		while (e.closest('label') && around.at(-1) !== e.closest('label')) around.push(around.at(-1).parentElement);
		return {
			tag: e.tagName, text: e.outerHTML.slice(0, 100), place: [...document.querySelectorAll('*')].indexOf(e),
			shown: around.some(ringed),
			inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
		};
	});
	if (at.tag === 'IFRAME') at.within = await page.frames()[1].evaluate(() => [...document.querySelectorAll('*')].indexOf(document.activeElement));
	return at;
}

/** Presses Tab, and says where the focus came to. A mail in a frame is another process: until the two have agreed, the focus is nowhere, or still where it was. */
async function pressTab(page, before) {
	await page.keyboard.press('Tab');
	const patience = page.frames().length > 1 ? 2000 : 0;
	for (const end = Date.now() + patience; ; await page.waitForTimeout(20)) {
		const at = await focused(page);
		if (Date.now() >= end || (at.tag !== 'BODY' && (at.place !== before.place || at.within !== before.within))) return at;
	}
}

/** Tab from the top to the end: every control is reached, in the page's own order, and the focus is to be seen. */
export async function tabProblems(page) {
	const wanted = await page.evaluate(() => {
		const groups = new Set();
		document.body.tabIndex = -1;
		document.body.focus();
		document.body.removeAttribute('tabindex');
		return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter((e) => {
			if (e.disabled || e.tabIndex < 0 || e.getClientRects().length === 0 || (!e.matches('summary') && e.closest('details:not([open])'))) return false;
			const group = `${[...document.forms].indexOf(e.form)} ${e.name}`, first = !groups.has(group);
			if (e.type === 'radio') groups.add(group);
			return e.type !== 'radio' || first;
		}).length;
	});
	const problems = [];
	let reached = 0, last = { place: -1 };
	for (let i = 0; i < wanted + 20; i++) {
		const at = await pressTab(page, last);
		const inFrame = at.tag === 'IFRAME'; // what is in it is the mail's own
		if (at.tag === 'BODY' || at.place < last.place || (at.place === last.place && !inFrame)) break;
		if (!inFrame && !at.shown) problems.push(`no visible focus on ${at.text}`);
		if (!inFrame && !at.inside) problems.push(`the focus is outside the window on ${at.text}`);
		last = at;
		reached += inFrame ? 0 : 1;
	}
	if (reached !== wanted) problems.push(`Tab reaches ${reached} of ${wanted} controls`);
	return problems;
}

const kindOfPath = (url) => new URL(url).pathname.replace(/^\/l\/.+/, '/l/').replace(/\d+/g, 'N');

/** What makes a page another page in whatever language: status, kind of path, and the kinds of elements on it. */
function structureOf(url, status, html) {
	const body = html.slice(html.indexOf('<main')).replace(/srcdoc="[^"]*"/g, '');
	const kinds = new Set([...body.matchAll(/<([a-z0-9]+)(?: [^>]*?class="([^"]*)")?/g)].map((m) => `${m[1]}.${m[2] ?? ''}`));
	return [status, kindOfPath(url), ...[...kinds].sort()].join(' ');
}

/** And its heading. */
export function shapeOf(url, status, html) {
	const heading = kindOfPath(url) === '/demo/inbox/N' ? '' : /<h1[^>]*>([^]*?)<\/h1>/.exec(html)?.[1].replace(/\d+/g, 'N') ?? ''; // a subject is no other page
	return `${heading} ${structureOf(url, status, html)}`;
}

// Colours are judged, in light and dark, where an element of that kind stands in one of that kind on one of that kind for the first time, in any language: they cost most of the time.
const coloured = new Set();

/** The numbers of those elements of the page. */
async function newColours(page) {
	const kinds = await page.evaluate(() => {
		const kind = (e) => `${e.tagName}.${e.className} ${e.type ?? ''}${e.disabled ? ' disabled' : ''}`;
		const ground = (e) => (e === document.body || getComputedStyle(e).backgroundColor !== 'rgba(0, 0, 0, 0)' ? kind(e) : ground(e.parentElement));
		return [...document.body.querySelectorAll('*')].map((e) => `${kind(e.parentElement)} > ${kind(e)} on ${ground(e)}`);
	});
	return kinds.flatMap((k, i) => (coloured.size < coloured.add(k).size ? [i] : []));
}

// What does not depend on the words is looked at once in pages of one structure, in any language: axe-core's rules, and the way of the Tab key. They take longest.
const judged = new Set();

export class Pages {
	/** name: what the pictures of this collection begin with; pictures: whether there are any, at 320 px, without PICTURES=all. */
	constructor(name, { pictures = true } = {}) {
		Object.assign(this, { name, pictures, seen: new Map(), problems: [] });
	}

	/** The person's page can be judged, and is watched: its newest document, what it refuses to load, what it fetches from elsewhere. */
	async watch(page) {
		await page.addInitScript(`window.loadAxe = () => { ${axe}\n }`); // half a megabyte: sent once, and read where it is wanted
		page.on('response', (r) => {
			if (r.request().isNavigationRequest() && r.frame() === page.mainFrame()) page.document = r;
		});
		page.on('console', (m) => m.type() === 'error' && !/status of 4\d\d/.test(m.text()) && this.problems.push(`${page.url()}: console: ${m.text()}`));
		page.on('request', (r) => {
			const own = page.document ? new URL(page.document.url()).host : new URL(r.url()).host;
			if (!/^(data|blob|about):/.test(r.url()) && new URL(r.url()).host !== own) this.problems.push(`${page.url()}: fetches ${r.url()}`);
		});
		return page;
	}

	isNew(url, status, html) {
		return !this.seen.has(shapeOf(url, status, html));
	}

	/** Judges the page that is open, if it is the first of its shape. */
	async look(page) {
		const status = page.document.status(), html = (await page.document.body()).toString('utf8');
		const shape = shapeOf(page.url(), status, html);
		if (this.seen.has(shape)) return;
		const headings = await page.evaluate(() => [...document.querySelectorAll('h1')].map((h) => h.textContent));
		const slug = `${this.name}-${String(this.seen.size + 1).padStart(2, '0')}-${status === 200 ? '' : `${status}-`}${(headings[0] ?? '').toLowerCase().replace(/[^a-z0-9æøå]+/g, '-').slice(0, 40)}`.replace(/-$/, '');
		this.seen.set(shape, slug);
		const found = [...(await htmlProblems(html)), ...(await this.judge(page, slug, structureOf(page.url(), status, html)))];
		if (headings.length !== 1) found.push('not one h1');
		if (/<script|<style|\son[a-z]+=|javascript:/i.test(html.replace(/srcdoc="[^"]*"/g, ''))) found.push('a script or a style in the page');
		this.problems.push(...found.map((text) => `${slug} (${new URL(page.url()).pathname.slice(0, 24)}): ${text}`));
	}

	async judge(page, slug, structure) {
		const found = [];
		const size = page.viewportSize();
		const focus = await page.evaluateHandle(() => document.activeElement);
		const colours = { only: COLOUR_RULES, of: await newColours(page) }, anew = !judged.has(structure);
		judged.add(structure);
		if (ALL_PICTURES) {
			await page.setViewportSize({ width: 1280, height: 900 });
			await picture(page, `${slug}-1280`);
		}
		await page.setViewportSize({ width: 320, height: 640 });
		found.push(...(await layoutProblems(page)).map((t) => `320: ${t}`));
		if (anew) found.push(...(await axeProblems(page, { without: COLOUR_RULES })));
		if (colours.of.length > 0) {
			found.push(...(await axeProblems(page, colours)));
			await page.emulateMedia({ colorScheme: 'dark' });
			found.push(...(await axeProblems(page, colours)).map((t) => `dark: ${t}`));
			await page.emulateMedia({ colorScheme: 'light' });
		}
		if (ALL_PICTURES || this.pictures) await picture(page, `${slug}-320`);
		found.push(...(await lossProblems(page, SPACED)).map((t) => `320, spaced: ${t}`));
		await page.setViewportSize({ width: 640, height: 480 });
		found.push(...(await lossProblems(page, '')).map((t) => `zoom 200 %: ${t}`), ...(await lossProblems(page, TWICE)).map((t) => `text 200 %: ${t}`));
		await page.setViewportSize(size);
		if (anew) found.push(...(await tabProblems(page)));
		await focus.evaluate((e) => e.focus());
		return found;
	}

	/** Every page that can be reached by reading: what GET changes nothing is free to open. urls: where to begin. */
	async crawl(page, urls, most = 400) {
		const queue = [...urls], known = new Set(queue);
		const base = new URL(urls[0]).origin;
		const headers = { 'Accept-Language': await page.evaluate(() => navigator.language), Cookie: (await page.context().cookies(base)).map((c) => `${c.name}=${c.value}`).join('; ') };
		for (let i = 0; i < queue.length && i < most; i++) {
			const answer = await fetch(queue[i], { headers });
			const html = await answer.text();
			if (!answer.headers.get('content-type')?.startsWith('text/html')) continue;
			if (this.isNew(answer.url, answer.status, html)) {
				await page.goto(queue[i]);
				await this.look(page);
			}
			for (const [, href] of html.replace(/srcdoc="[^"]*"/g, '').matchAll(/<a [^>]*?href="([^"#]*)[^"]*"/g)) {
				const url = new URL(href.replaceAll('&amp;', '&'), queue[i]);
				if (url.origin !== base || url.searchParams.has('lang') || known.has(url.href)) continue;
				known.add(url.href);
				// A map and a long list have a way for each place, section and row: of each page one of a kind will do.
				const kind = ['place', 'box', 'row'].find((name) => url.searchParams.has(name));
				if (kind && known.has(`${url.pathname} ${kind}`)) continue;
				if (kind) known.add(`${url.pathname} ${kind}`);
				queue.push(url.href);
			}
		}
	}
}
