// DBOS on PostgreSQL, with fastify in front: a workflow whose id is the idempotency key, of one step, which is one transaction of the application: the least that
// DBOS can do durably. argv: address of the database, instances. Prints its port.
import { DBOS } from "@dbos-inc/dbos-sdk";
import fastify from "fastify";
import postgres from "postgres";
import { CONNECTIONS, draft, merged, messages, request, timers } from "./answer.mjs";

const [url, count] = [process.argv[2], Number(process.argv[3])];
const { hostname, port, username, password, pathname } = new URL(url);
const options = { host: hostname, port: Number(port), user: username, password, database: pathname.slice(1), max: CONNECTIONS, onnotice: () => {} };
const sql = postgres({ ...options, max: 1 });
await sql.unsafe(`CREATE TABLE instances (id BIGINT PRIMARY KEY, state TEXT NOT NULL, data TEXT NOT NULL, version INTEGER NOT NULL, changed_at BIGINT NOT NULL);
  CREATE TABLE links (token TEXT PRIMARY KEY, instance_id BIGINT NOT NULL, state TEXT NOT NULL, used_at BIGINT);
  CREATE TABLE drafts (token TEXT PRIMARY KEY, answers TEXT NOT NULL);
  CREATE TABLE history (id BIGSERIAL PRIMARY KEY, instance_id BIGINT NOT NULL, seq INTEGER NOT NULL, at BIGINT NOT NULL, event TEXT NOT NULL, from_state TEXT NOT NULL,
    to_state TEXT NOT NULL, key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL, UNIQUE (instance_id, seq));
  CREATE TABLE timers (id BIGSERIAL PRIMARY KEY, instance_id BIGINT NOT NULL, name TEXT NOT NULL, due_at BIGINT NOT NULL, UNIQUE (instance_id, name));
  CREATE INDEX timers_due ON timers (due_at, id);
  CREATE TABLE outbox (id BIGSERIAL PRIMARY KEY, instance_id BIGINT NOT NULL, role TEXT NOT NULL, recipient TEXT NOT NULL, message TEXT NOT NULL, data TEXT NOT NULL,
    state TEXT NOT NULL, next_at BIGINT NOT NULL);
  CREATE INDEX outbox_queued ON outbox (next_at, id) WHERE state = 'queued'`);
await sql`INSERT INTO instances SELECT i, 'requested', ${request}, 2, 0 FROM generate_series(1, ${count}::int) i`;
await sql`INSERT INTO links SELECT 'token-' || i, i, 'live', NULL FROM generate_series(1, ${count}::int) i`;
await sql`INSERT INTO drafts SELECT 'token-' || i, ${draft} FROM generate_series(1, ${count}::int) i`;
await sql.unsafe("ANALYZE");
await sql.end();

const store = postgres(options);

// DBOS has checked the idempotency key before it comes here; where it does the step again after a crash, the link is used. Statements that need no answer are sent
// together.
async function write(tx, token, version) {
	const now = Date.now();
	const [link] = await tx`UPDATE links SET state = 'used', used_at = ${now} WHERE token = ${token} AND state = 'live' RETURNING instance_id`;
	if (!link)
		return 409;
	const id = link.instance_id;
	const [[instance], [{ answers }]] = await Promise.all([tx`SELECT state, data, version FROM instances WHERE id = ${id} FOR UPDATE`,
		tx`DELETE FROM drafts WHERE token = ${token} RETURNING answers`]);
	if (instance.version !== version)
		return 409;
	const waiting = timers(now).map(([name, due_at]) => ({ instance_id: id, name, due_at }));
	const told = messages(id, now).map(m => ({ instance_id: id, role: m.role, recipient: m.to, message: m.message, data: m.data, state: "queued", next_at: m.due }));
	await Promise.all([
		tx`UPDATE instances SET state = 'completed', data = ${merged(instance.data, answers)}, version = ${version + 1}, changed_at = ${now} WHERE id = ${id}`,
		tx`INSERT INTO history (instance_id, seq, at, event, from_state, to_state, key, payload)
		   VALUES (${id}, ${version + 1}, ${now}, 'assess', ${instance.state}, 'completed', ${`${token}-${version}`}, ${answers})`,
		tx`INSERT INTO timers ${tx(waiting)}`,
		tx`INSERT INTO outbox ${tx(told)}`,
	]);
	return 303;
}

const step = (token, version) => DBOS.runStep(() => store.begin(tx => write(tx, token, version)), { name: "assess" });
const assess = DBOS.registerWorkflow(step, { name: "assess" });
DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, systemDatabasePoolSize: CONNECTIONS, logLevel: "error" });
await DBOS.launch();

const app = fastify();
app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_, body, next) => next(null, new URLSearchParams(body)));
app.post("/l/:token", async (asked, reply) => {
	const version = Number(asked.body.get("version")), { token } = asked.params;
	const handle = await DBOS.startWorkflow(assess, { workflowID: `${token}-${version}` })(token, version);
	return reply.code(await handle.getResult()).header("location", `/l/${token}`).send("");
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`port=${app.server.address().port}`);
process.on("SIGTERM", async () => {
	await app.close();
	await DBOS.shutdown();
	await store.end();
	process.exit(0);
});
