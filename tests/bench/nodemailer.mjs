// What a good Node program would do: nodemailer's pool, and an outbox in SQLite with the same durability (WAL, synchronous=FULL). Each message is a row, marked
// begun before it is sent and sent afterwards; what is written in one turn of the event loop shares a commit. argv: port, connections, count. Prints mails a second.
import Database from "better-sqlite3";
import nodemailer from "nodemailer";
import { mkdtempSync, rmSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [port, connections, count] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), "stafet-bench-"));
const db = new Database(join(folder, "outbox.db"));
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`CREATE TABLE outbox (id INTEGER PRIMARY KEY, recipient TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL, link TEXT NOT NULL, message_id TEXT NOT NULL,
  state TEXT NOT NULL, attempts INTEGER NOT NULL, answer TEXT NOT NULL, sent_at INTEGER);
  CREATE INDEX outbox_queued ON outbox (id) WHERE state = 'queued'`);

const put = db.prepare("INSERT INTO outbox (recipient, name, subject, link, message_id, state, attempts, answer) VALUES (?, ?, ?, ?, ?, 'queued', 0, '')");
db.transaction(() => {
	for (let i = 0; i < count; i++)
		put.run("ida@example.dk", "Ida Holm", "Bekræft din mailadresse", `https://stafet.example/l/${randomUUID()}${randomUUID().slice(0, 7)}`, `<${randomUUID()}@stafet.example>`);
})();

const escape = text => text.replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" })[c]);
const words = "Du har bedt om en erklæring. Bekræft, at mailadressen er din, så sender vi den videre. ".repeat(4);
// As much text and page as the mails on the other side have.
const style = "a.button:hover{text-decoration:underline} ".repeat(60);
const text = row => `Hej ${row.name}\n\n${words}\n\nBekræft:\n${row.link}\n`;
const page = row => `<!DOCTYPE html><html lang="da"><head><meta charset="utf-8"><title>${escape(row.subject)}</title><style>${style}</style></head><body><p>Hej ${escape(row.name)}</p>`
	+ `<p>${words}</p><p><a class="button" href="${escape(row.link)}">Bekræft</a></p></body></html>`;

const lease = db.prepare("UPDATE outbox SET state = 'leased', attempts = attempts + 1 WHERE id IN (SELECT id FROM outbox WHERE state = 'queued' ORDER BY id LIMIT ?) RETURNING *");
const begin = db.prepare("UPDATE outbox SET state = 'begun' WHERE id = ?");
const settle = db.prepare("UPDATE outbox SET state = ?, answer = ?, sent_at = ? WHERE id = ?");

let waiting = [];
const flush = db.transaction(jobs => jobs.map(job => job.run()));
function write(run) { // resolves when it is on disk, with all that was asked for in the same turn
	return new Promise((resolve, reject) => {
		waiting.push({ run, resolve });
		if (waiting.length === 1)
			setImmediate(() => {
				const jobs = waiting;
				waiting = [];
				try {
					const results = flush(jobs);
					jobs.forEach((job, i) => job.resolve(results[i]));
				} catch (error) {
					reject(error);
				}
			});
	});
}

const transport = nodemailer.createTransport({ host: "127.0.0.1", port, pool: true, maxConnections: connections, maxMessages: 100, secure: false, ignoreTLS: true, name: "stafet.example" });
const since = performance.now();

// What became of one message is written together with the beginning of the next, so that a message costs one commit.
async function sender() {
	let settled = () => {};
	for (let rows; (rows = await write(() => (settled(), lease.all(8)))).length > 0;) {
		settled = () => {};
		for (const row of rows) {
			const last = settled;
			await write(() => (last(), begin.run(row.id)));
			const mail = { from: "Stafet <stafet@stafet.example>", to: { name: row.name, address: row.recipient }, subject: row.subject, messageId: row.message_id, text: text(row), html: page(row) };
			try {
				const info = await transport.sendMail(mail);
				settled = () => settle.run("sent", info.response, Date.now(), row.id);
			} catch (error) {
				settled = () => settle.run("failed", String(error), null, row.id);
			}
		}
	}
}
await Promise.all(Array.from({ length: connections }, sender));
const took = (performance.now() - since) / 1000;
const sent = db.prepare("SELECT count(*) AS n FROM outbox WHERE state = 'sent'").get().n;
if (sent !== count)
	throw new Error(`${sent} of ${count} were sent`);
console.log((count / took).toFixed(1));
transport.close();
db.close();
rmSync(folder, { recursive: true });
