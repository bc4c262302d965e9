// What a good Node program would do: fastify and better-sqlite3 (WAL, synchronous=FULL). Requests that came in the same turn of the event loop share a commit, and
// are answered when it is on disk. argv: file of the database, instances. Prints its port.
import Database from "better-sqlite3";
import fastify from "fastify";
import { draft, merged, messages, request, timers } from "./answer.mjs";

const [path, count] = [process.argv[2], Number(process.argv[3])];
const db = new Database(path);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`CREATE TABLE instances (id INTEGER PRIMARY KEY, state TEXT NOT NULL, data TEXT NOT NULL, version INTEGER NOT NULL, changed_at INTEGER NOT NULL);
  CREATE TABLE links (token TEXT PRIMARY KEY, instance_id INTEGER NOT NULL, state TEXT NOT NULL, used_at INTEGER);
  CREATE TABLE drafts (token TEXT PRIMARY KEY, answers TEXT NOT NULL);
  CREATE TABLE history (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL, from_state TEXT NOT NULL,
    to_state TEXT NOT NULL, key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL, UNIQUE (instance_id, seq));
  CREATE TABLE timers (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL, name TEXT NOT NULL, due_at INTEGER NOT NULL, UNIQUE (instance_id, name));
  CREATE INDEX timers_due ON timers (due_at, id);
  CREATE TABLE outbox (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL, role TEXT NOT NULL, recipient TEXT NOT NULL, message TEXT NOT NULL, data TEXT NOT NULL,
    state TEXT NOT NULL, next_at INTEGER NOT NULL);
  CREATE INDEX outbox_queued ON outbox (next_at, id) WHERE state = 'queued'`);
db.transaction(() => {
	const instance = db.prepare("INSERT INTO instances VALUES (?, 'requested', ?, 2, 0)"), link = db.prepare("INSERT INTO links VALUES (?, ?, 'live', NULL)");
	const kept = db.prepare("INSERT INTO drafts VALUES (?, ?)");
	for (let i = 1; i <= count; i++) {
		instance.run(i, request);
		link.run(`token-${i}`, i);
		kept.run(`token-${i}`, draft);
	}
})();

const done = db.prepare("SELECT 1 FROM history WHERE key = ?");
const use = db.prepare("UPDATE links SET state = 'used', used_at = ? WHERE token = ? AND state = 'live' RETURNING instance_id");
const load = db.prepare("SELECT state, data, version FROM instances WHERE id = ?");
const take = db.prepare("DELETE FROM drafts WHERE token = ? RETURNING answers");
const move = db.prepare("UPDATE instances SET state = ?, data = ?, version = ?, changed_at = ? WHERE id = ?");
const note = db.prepare("INSERT INTO history (instance_id, seq, at, event, from_state, to_state, key, payload) VALUES (?, ?, ?, 'assess', ?, 'completed', ?, ?)");
const wait = db.prepare("INSERT INTO timers (instance_id, name, due_at) VALUES (?, ?, ?)");
const put = db.prepare("INSERT INTO outbox (instance_id, role, recipient, message, data, state, next_at) VALUES (?, ?, ?, ?, ?, 'queued', ?)");

function assess({ token, version }) {
	const now = Date.now(), key = `${token}-${version}`;
	if (done.get(key))
		return 303;
	const link = use.get(now, token);
	if (!link)
		return 409;
	const id = link.instance_id, instance = load.get(id), { answers } = take.get(token);
	if (instance.version !== version)
		return 409;
	move.run("completed", merged(instance.data, answers), version + 1, now, id);
	note.run(id, version + 1, now, instance.state, key, answers);
	for (const [name, due] of timers(now))
		wait.run(id, name, due);
	for (const m of messages(id, now))
		put.run(id, m.role, m.to, m.message, m.data, m.due);
	return 303;
}

let waiting = [];
const flush = db.transaction(jobs => jobs.map(assess));
function write(job) { // resolves when it is on disk
	return new Promise((resolve, reject) => {
		waiting.push({ job, resolve, reject });
		if (waiting.length > 1)
			return;
		setImmediate(() => {
			const jobs = waiting;
			waiting = [];
			try {
				const results = flush(jobs.map(j => j.job));
				jobs.forEach((j, i) => j.resolve(results[i]));
			} catch (error) {
				jobs.forEach(j => j.reject(error));
			}
		});
	});
}

const app = fastify();
app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_, body, next) => next(null, new URLSearchParams(body)));
app.post("/l/:token", async (asked, reply) => {
	const status = await write({ token: asked.params.token, version: Number(asked.body.get("version")) });
	return reply.code(status).header("location", `/l/${asked.params.token}`).send("");
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`port=${app.server.address().port}`);
process.on("SIGTERM", async () => {
	await app.close();
	db.close();
});
