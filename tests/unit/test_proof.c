/* What stafet verify and stafet replay prove together: a row of each kind is changed behind their back, and one of them names it. What is not found by design is listed, too
 * (docs/operations.md, "What verify and replay prove"): should it be found one day, the list is wrong. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/handle.h"

static const char round_[] =
        "workflow: round\n"
        "start: {by: host, form: ask}\n"
        "roles: {host: {contact: mail, name: who}, clerk: {grants: staff, contact: address, name: name, scope: {town: town}}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  who: {type: text}\n"
        "  town: {type: text}\n"
        "  guests: {type: email, many: 1..9}\n"
        "  words: {type: text}\n"
        "  ended: {type: int}\n"
        "pools: {seats: {capacity: places}}\n"
        "forms: {ask: {fields: [mail, who, town, guests]}, answer: {fields: [words]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry:\n"
        "      - start: {workflow: guest, each: guests, data: {mail: item}}\n"
        "      - document: {name: paper, template: paper}\n"
        "      - send: {to: [host, clerk], message: hello, link: answer, attach: paper}\n"
        "      - send: {to: clerk, message: quick, urgent: true, deadline: 2d}\n"
        "    on:\n"
        "      answer: {by: [host, clerk], form: answer, expires: 30d, actions: [{signal: {to: children, event: hear, data: {words: words}}}]}\n"
        "      leaves: {actions: [{set: {ended: \"has(ended) ? ended + 1 : 1\"}}]}\n"
        "      call: {actions: [{signal: {to: children, event: later, data: {words: words}}}]}\n"
        "      end: {target: b}\n"
        "    after:\n"
        "      - {in: 3d, name: nudge, priority: 20, actions: [{send: {to: host, message: hello, link: answer}}]}\n"
        "      - {every: 1d, name: daily, times: 9, actions: [{set: {words: \"'day'\"}}]}\n"
        "  b: {final: true}\n";
static const char guest[] =
        "workflow: guest\n"
        "start: {by: person, form: begin}\n"
        "roles: {person: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  words: {type: text}\n"
        "  seat: {type: text}\n"
        "  list: {type: ref, register: seats, many: 1..9}\n"
        "  told: {type: bool}\n"
        "pools: {seats: {of: parent}}\n"
        "forms: {begin: {fields: [mail]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    on:\n"
        "      hear: {actions: []}\n"
        "      like: {actions: []}\n"
        "      take: {actions: [{claim: {pool: seats, row: seat}}]}\n"
        "      give: {actions: [{release: {pool: seats, row: seat}}]}\n"
        "      gone: {exhausted: list, pool: seats, actions: [{set: {told: 'true'}}]}\n"
        "      off: {target: c}\n"
        "      rest: {target: b}\n"
        "  b: {final: true, entry: [{signal: {to: parent, event: leaves}}]}\n"
        "  c: {on: {later: {actions: []}}}\n";
static const char registers[] =
        "seats: {key: id, label: name, columns: {id: text, name: text, places: int}, sample: rows.csv}\n"
        "staff: {key: id, label: name, columns: {id: text, name: text, address: email, town: text, since: date, until: date}, valid: {from: since, until: until}, sample: staff.csv}\n";
static const char shared[] = "seats: {from: round, key: id, label: name, columns: {id: text, name: text, places: int}}\n";
static const char rows[] = "id,name,places\np,P,1\nq,Q,2\nr,R,1\ns,S,1\n";
static const char staff[] = "id,name,address,town,since,until\na,Ann,ann@x.dk,odense,2026-01-01,2027-01-01\nb,Bo,bo@x.dk,ribe,,\nc,Cy,cy@x.dk,odense,2026-01-01,\n";

static void load(struct fixture *f, const char *reg, const char *csv) {
	const struct package *package = site_package(f->site, STR("round"));
	load_register(f, package, definition_register(package->definition, str_from(reg)), csv);
}

static void signal_now(struct fixture *f, int64_t id, const char *event, const char *data) {
	OK(send_signal(f, id, event, data));
	OK(run_due(f));
}

/* A round of two guests: the first has claimed p and given it back, taken q, and likes r and s; the second holds p, and has left; a signal waits for the first. */
static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, round_, registers, rows);
	write_file(f->packages[0].at, "staff.csv", str_from(staff));
	package_write(f, guest, shared, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	load(f, "seats", rows);
	load(f, "staff", staff);
	int64_t id = start(f, "round", "{\"mail\":\"h@x.dk\",\"who\":\"Host\",\"town\":\"odense\",\"guests\":[\"a@x.dk\",\"b@x.dk\"]}"), one = id + 1, two = id + 2;
	clock_simulate(instant_at(f, "2026-03-02T11:00"), 0);
	OK(act(f, id, "ann@x.dk", "answer", "{\"words\":\"well\"}"));
	signal_now(f, one, "like", "{\"list\":[\"r\",\"s\"]}");
	signal_now(f, one, "take", "{\"seat\":\"p\"}");
	signal_now(f, one, "give", "{\"seat\":\"p\"}");
	signal_now(f, one, "take", "{\"seat\":\"q\"}");
	signal_now(f, two, "like", "{\"list\":[\"q\"]}");
	signal_now(f, two, "take", "{\"seat\":\"p\"}");
	signal_now(f, two, "rest", "{}");
	advance_to(f, "2026-03-03T12:00");
	signal_now(f, id, "call", "{}");
	assert_sound(f);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	clock_simulate(0, 0);
	return 0;
}

struct change {
	const char *sql, *said; /* said NULL: it is not found, by design */
};

static int64_t look(struct fixture *f, struct buf *out) {
	struct replay_sum sum = {0};
	struct instance instance;
	struct view *v = tx_view(f->tx);
	int64_t checked, faults;
	bool found = true;
	OK(engine_verify(f->engine, v, 0, out, &checked, &faults, &f->err));
	for (int64_t after = 0; found; after = instance.id) {
		OK(instance_next(v, after, f->arena, &instance, &found, &f->err));
		if (found)
			OK(engine_replay(f->engine, v, instance.id, out, NULL, &sum, &f->err));
	}
	engine_replay_settle(f->engine, v, out, &sum);
	replay_end(&sum);
	return faults + sum.faults;
}

static void assert_found(struct fixture *f, const struct change *changes, size_t count) {
	int wrong = 0;
	for (size_t i = 0; i < count; i++) {
		struct buf out;
		buf_init(&out, 1 << 20);
		tx_open(f);
		OK(db_script(tx_db(f->tx), changes[i].sql, &f->err));
		if (!tx_dirty(f->tx))
			fail_msg("it changes nothing: %s", changes[i].sql);
		int64_t faults = look(f, &out);
		store_rollback(f->tx);
		f->tx = NULL;
		bool as_told = changes[i].said ? out.len > 0 && strstr(out.at, changes[i].said) : faults == 0;
		if (!as_told)
			print_message("%s\n    should say: %s\n    says: %s\n", changes[i].sql, changes[i].said ? changes[i].said : "nothing", out.len ? out.at : "nothing");
		wrong += !as_told;
		buf_free(&out);
	}
	assert_int_equal(wrong, 0);
	assert_sound(f);
}

static void test_timers(void **state) {
	static const struct change changes[] = {
	        {"UPDATE timers SET due_at = due_at + 1 WHERE name = 'nudge'", "timer 'nudge', due at 2026-03-05T10:00:00.001"},
	        {"UPDATE timers SET set_at = set_at - 1 WHERE name = 'nudge'", "timer 'nudge'"},
	        {"UPDATE timers SET state = 'b' WHERE name = 'nudge'", "timer 'nudge'"},
	        {"UPDATE timers SET name = 'nudgf' WHERE name = 'nudge'", "timer 'nudgf' waits, but no decision set it"},
	        {"UPDATE timers SET root_id = 2 WHERE name = 'nudge'", "timer 'nudge'"},
	        {"UPDATE timers SET priority = 21 WHERE name = 'nudge'", "timer 'nudge'"},
	        {"UPDATE timers SET \"order\" = 1 WHERE name = 'nudge'", "timer 'nudge'"},
	        {"UPDATE timers SET fired = 0 WHERE name = 'daily'", "timer 'daily'"},
	        {"UPDATE timers SET instance_id = 2 WHERE name = 'daily'", "timer 'daily' does not wait, but is due at 2026-03-04T10:00"},
	        {"DELETE FROM timers WHERE name = 'daily'", "timer 'daily' does not wait, but is due at 2026-03-04T10:00"},
	        {"INSERT INTO timers (instance_id, root_id, state, name, due_at, priority, fired) VALUES (2, 1, 'a', 'mine', 1, 50, 0)", "timer 'mine' waits, but no decision set it"},
	        {"UPDATE history SET at = at - 86400000 WHERE kind = 'timer'", "fires a timer that is due at 2026-03-03T10:00"},
	};
	assert_found(*state, changes, sizeof changes / sizeof *changes);
}

static void test_messages(void **state) {
	static const struct change changes[] = {
	        {"DELETE FROM attachments WHERE outbox_id = 1; DELETE FROM outbox WHERE id = 1", "queues 'hello' for 1 people in the role 'host', but of these messages 0"},
	        {"UPDATE outbox SET history_id = 2 WHERE id = 1", "message 1 belongs to no entry"},
	        {"UPDATE outbox SET instance_id = 2 WHERE id = 1", "message 1 belongs to no entry"},
	        {"UPDATE outbox SET history_id = (SELECT id FROM history WHERE kind = 'form') WHERE id = 1", "message 1 ('hello' to 'host') was queued by no decision"},
	        {"UPDATE outbox SET contact_id = 2 WHERE id = 1", "message 1 ('hello' to 'host')"},
	        {"UPDATE outbox SET channel = 2 WHERE id = 1", "queues 'hello'"},
	        {"UPDATE outbox SET recipient = 'i@x.dk' WHERE id = 1", "queues 'hello'"},
	        {"UPDATE outbox SET recipient_name = 'Hoss' WHERE id = 1", "message 1 ('hello' to 'host') goes to somebody of another name"},
	        {"UPDATE outbox SET role = 'clerk' WHERE id = 1", "queues 'hello'"},
	        {"UPDATE outbox SET workflow = 'rounc' WHERE id = 1", "message 1 ('hello' to 'host') is of another workflow"},
	        {"UPDATE outbox SET message = 'hellp' WHERE id = 1", "queues 'hello'"},
	        {"UPDATE outbox SET message = 'quick' WHERE id = 2", "queues 'hello' for 2 people in the role 'clerk'"},
	        {"UPDATE outbox SET link_id = NULL WHERE id = 1", "message 1 ('hello' to 'host') has a link, or none"},
	        {"UPDATE outbox SET link_id = randomblob(16) WHERE id = 1", "message 1 ('hello' to 'host') has a link that is not there"},
	        {"UPDATE outbox SET link_id = (SELECT link_id FROM outbox WHERE id = 2) WHERE id = 1", "message 1 ('hello' to 'host') has a link for something else"},
	        {"UPDATE outbox SET task = 0 WHERE id = 1", "message 1 ('hello' to 'host') has another priority"},
	        {"UPDATE outbox SET priority = 11 WHERE id = 1", "message 1 ('hello' to 'host') has another priority"},
	        {"UPDATE outbox SET data = replace(data, 'odense', 'odensf') WHERE id = 1", "message 1 ('hello' to 'host') says something else"},
	        {"UPDATE outbox SET thread = '<' || thread WHERE id = 1", "message 1 ('hello' to 'host') is of another workflow or case"},
	        {"UPDATE outbox SET created_at = created_at + 1 WHERE id = 1", "message 1 ('hello' to 'host') was queued at another time"},
	        {"UPDATE outbox SET deadline_at = deadline_at + 1 WHERE id = 2", "message 2 ('hello' to 'clerk') goes until another time"},
	        {"UPDATE outbox SET deadline_at = NULL WHERE message = 'quick'", "('quick' to 'clerk') goes until another time"},
	        {"UPDATE outbox SET limit_at = limit_at + 1 WHERE message = 'quick'", "('quick' to 'clerk') says something that holds until another time"},
	        {"UPDATE outbox SET patient = 1 WHERE message = 'quick'", "('quick' to 'clerk') is held back in quiet hours, or not"},
	        {"INSERT INTO outbox (instance_id, history_id, contact_id, channel, recipient, recipient_name, role, language, workflow, message, task, data, message_id, thread, priority,"
	         " state, created_at, next_at) SELECT instance_id, history_id, contact_id, channel, recipient, recipient_name, role, language, workflow, 'more', task, data, message_id,"
	         " thread, priority, state, created_at, next_at FROM outbox WHERE id = 1", "('more' to 'host') was queued by no decision"},
	        {"DELETE FROM attachments WHERE outbox_id = 1", "message 1 ('hello' to 'host') carries other documents"},
	        {"UPDATE links SET expires_at = expires_at + 1 WHERE id = (SELECT link_id FROM outbox WHERE id = 1)", "message 1 ('hello' to 'host')"},
	        {"UPDATE links SET role = 'clerk' WHERE id = (SELECT link_id FROM outbox WHERE id = 1)", "has a link for something else"},
	        /* What becomes of a message nobody decides. */
	        {"UPDATE outbox SET state = 'sent', sent_at = 1, answer = 'ok', attempts = 1", NULL},
	        {"UPDATE outbox SET next_at = next_at + 1, language = 'da', message_id = '<x@y>'", NULL},
	};
	assert_found(*state, changes, sizeof changes / sizeof *changes);
}

static void test_grants(void **state) {
	static const struct change changes[] = {
	        {"UPDATE grants SET scope = '[\"ribe\"]' WHERE row_key = 'a'", "register round.staff: row 'a' gives the role 'clerk' for other cases"},
	        {"UPDATE grants SET contact_id = (SELECT contact_id FROM grants WHERE row_key = 'b') WHERE row_key = 'a'", "row 'a' gives the role 'clerk' to somebody else"},
	        {"UPDATE grants SET contact_id = 1 WHERE row_key = 'c'", "row 'c' gives the role 'clerk' to somebody else"},
	        {"UPDATE grants SET row_key = 'x' WHERE row_key = 'a'", "row 'x' gives the role 'clerk' to somebody, which it does not say"},
	        {"UPDATE grants SET row_key = 'x' WHERE row_key = 'a'", "row 'a' gives the role 'clerk' to nobody, though it names somebody"},
	        {"UPDATE grants SET version = 2 WHERE row_key = 'a'", "row 'a' gives the role 'clerk' as it was before"},
	        {"UPDATE grants SET name = 'Anm' WHERE row_key = 'a'", "row 'a' gives the role 'clerk' under another name"},
	        {"UPDATE grants SET from_day = from_day + 1 WHERE row_key = 'a'", "row 'a' gives the role 'clerk' for other days"},
	        {"UPDATE grants SET until_day = until_day + 1 WHERE row_key = 'a'", "row 'a' gives the role 'clerk' for other days"},
	        {"DELETE FROM grants WHERE row_key = 'b'", "row 'b' gives the role 'clerk' to nobody, though it names somebody"},
	        {"INSERT INTO grants SELECT NULL, rule_id, scope, contact_id, row_key, version, name, from_day, until_day FROM grants WHERE row_key = 'a'", "row 'a' gives the role 'clerk' to somebody, which it does not say"},
	        {"UPDATE contacts SET key = 'eve@x.dk' WHERE key = 'bo@x.dk'", "row 'b' gives the role 'clerk' to somebody else"},
	        {"UPDATE register_rows SET data = replace(data, 'ann@', 'eve@') WHERE key = 'a'", "row 'a' gives the role 'clerk' to somebody else"},
	        {"UPDATE grant_rules SET hash = randomblob(32)", "the rule of the role 'clerk' is not that of its workflow"},
	        {"UPDATE grant_rules SET register = 'round.seats'", "the rule of the role 'clerk' is not that of its workflow"},
	        {"UPDATE grant_rules SET role = 'host'", "gives the role 'host' to somebody, which it does not say"},
	        {"UPDATE scopes SET scope = '[\"ribe\"]'", "its people as 'clerk' are not those whom its data say"},
	        {"UPDATE scopes SET role = 'host'", "its people as 'clerk' are not those whom its data say"},
	        {"DELETE FROM scopes", "its people as 'clerk' are not those whom its data say"},
	};
	assert_found(*state, changes, sizeof changes / sizeof *changes);
}

static void test_claims(void **state) {
	static const struct change changes[] = {
	        {"UPDATE claims SET owner_id = 2 WHERE row_key = 'q'", "is of a pool that the instance has no share in"},
	        {"UPDATE claims SET pool = 'round.seatt' WHERE row_key = 'q'", "is of a pool that the instance has no share in"},
	        {"UPDATE claims SET row_key = 'r' WHERE row_key = 'q'", "claims 1 rows, but the table has 1, of which 0 are the same"},
	        {"UPDATE claims SET place = 1 WHERE row_key = 'q'", "of row q has another place than the lowest that was free"},
	        {"UPDATE claims SET place = 1 WHERE row_key = 'p' AND released_id IS NULL", "claims 1 rows, but the table has 1, of which 0 are the same"},
	        {"UPDATE claims SET hold = 1 WHERE row_key = 'q'", "of row q is not counted among what its holder has"},
	        {"UPDATE claims SET holder_id = 3, hold = 1 WHERE row_key = 'q'", "belongs to no entry"},
	        {"UPDATE claims SET at = at + 1 WHERE row_key = 'q'", "belongs to no entry"},
	        {"UPDATE claims SET history_id = 2 WHERE row_key = 'q'", "claims 0 rows, but the table has 1"},
	        {"UPDATE claims SET released_id = NULL, place = 7, hold = 7 WHERE released_id IS NOT NULL", "releases 1 rows, but the table has 0"},
	        {"UPDATE claims SET released_id = (SELECT max(id) FROM history) WHERE row_key = 'q'", "belongs to no entry"},
	        {"DELETE FROM claims WHERE row_key = 'q'", "claims 1 rows, but the table has 0"},
	        {"INSERT INTO claims SELECT NULL, owner_id, pool, 's', place, 1, holder_id, at, history_id, NULL FROM claims WHERE row_key = 'q'", "claims 1 rows, but the table has 2"},
	};
	assert_found(*state, changes, sizeof changes / sizeof *changes);
}

static void test_wishes(void **state) {
	static const struct change changes[] = {
	        {"UPDATE wishes SET owner_id = 2 WHERE row_key = 'r'", "row r is watched, but is not on the list 'list'"},
	        {"UPDATE wishes SET pool = 'round.seatt' WHERE row_key = 'r'", "row r is watched, but is not on the list 'list'"},
	        {"UPDATE wishes SET row_key = 'p' WHERE row_key = 'r'", "row p is watched, but is not on the list 'list'"},
	        {"UPDATE wishes SET instance_id = 3 WHERE row_key = 'r'", "of 2 rows in 'list' 1 are watched"},
	        {"UPDATE wishes SET field = 'lisu' WHERE row_key = 'r'", "row r is watched, but is not on the list 'lisu'"},
	        {"UPDATE wishes SET root_id = 2 WHERE row_key = 'r'", "row r is watched, but is not on the list 'list'"},
	        {"DELETE FROM wishes WHERE row_key = 'r'", "of 2 rows in 'list' 1 are watched"},
	        {"DELETE FROM wishes", "none of the rows in 'list' is watched, though somebody can still have one"},
	        {"INSERT INTO wishes SELECT owner_id, pool, 'q', 3, field, root_id FROM wishes WHERE row_key = 'r'", "1 rows are watched for it, but it has ended"},
	};
	assert_found(*state, changes, sizeof changes / sizeof *changes);
}

static void test_other_instances(void **state) {
	static const struct change changes[] = {
	        {"UPDATE mailbox SET event = 'latex'", "sends 'later' to"},
	        {"UPDATE mailbox SET event = 'latex'", "('latex') waits, but"},
	        {"UPDATE mailbox SET data = replace(data, 'day', 'dax')", "has neither taken it as it was sent, nor waits with it"},
	        {"UPDATE mailbox SET from_instance_id = NULL", "sends 'later' to"},
	        {"UPDATE mailbox SET instance_id = 1", "sends 'later' to"},
	        {"UPDATE mailbox SET root_id = 2", "waits under another root"},
	        {"UPDATE mailbox SET at = at + 1", "sends 'later' to"},
	        {"DELETE FROM mailbox", "sends 'later' to"},
	        {"INSERT INTO mailbox (instance_id, root_id, from_instance_id, event, data, at) VALUES (2, 1, 1, 'hear', '{}', 1)", "('hear') waits, but"},
	        {"UPDATE history_payloads SET payload = replace(payload, '\"words\":\"well\"', '\"words\":\"wexl\"') WHERE history_id IN (SELECT id FROM history WHERE instance_id = 2)",
	         "sends 'hear' to"},
	        {"UPDATE history SET event = 'like' WHERE instance_id = 2 AND event = 'hear'", "sends 'hear' to"},
	        {"UPDATE history SET event = 'call' WHERE instance_id = 1 AND event = 'leaves'", "sends 'leaves' to"},
	        {"UPDATE history_payloads SET payload = replace(payload, 'a@x.dk', 'e@x.dk') WHERE history_id = 2", "which began with something else"},
	        {"UPDATE instances SET parent_id = 3 WHERE id = 2", "starts 'guest', which is not there"},
	        {"UPDATE instances SET parent_id = 2 WHERE id = 3", "no decision started its child 3 ('guest')"},
	        {"UPDATE documents SET name = 'papes'", "makes other documents"},
	        {"UPDATE documents SET roles = 'x'", "makes other documents"},
	        {"UPDATE documents SET at = at + 1", "makes other documents"},
	        {"UPDATE documents SET markdown = markdown || '.'", "does not say what it said when it was made"},
	        {"DELETE FROM attachments; DELETE FROM documents", "makes other documents"},
	};
	assert_found(*state, changes, sizeof changes / sizeof *changes);
}

static void test_cases(void **state) {
	static const struct change changes[] = {
	        {"DELETE FROM history_payloads WHERE history_id = 2", "entry 1 says nothing any more, but the case was not erased"},
	        {"UPDATE instances SET erased_at = 1 WHERE id = 3", "still says something, but the case was erased"},
	        {"UPDATE instances SET started_at = started_at + 1 WHERE id = 2", "at another time than its history says"},
	        {"UPDATE instances SET entered_at = entered_at + 1 WHERE id = 2", "at another time than its history says"},
	        {"UPDATE instances SET changed_at = changed_at + 1 WHERE id = 2", "at another time than its history says"},
	        {"UPDATE instances SET ended_at = 1 WHERE id = 2", "it ended at another time than its history says"},
	        {"UPDATE instances SET root_id = 2 WHERE id = 2", "its root is not that of its parent"},
	        {"UPDATE instances SET parent_id = NULL WHERE id = 2", "its root is not that of its parent"},
	        {"UPDATE instances SET workflow = 'round' WHERE id = 2", "it is of the workflow 'round', but its definition of 'guest'"},
	        {"UPDATE instances SET state = 'b' WHERE id = 2", "its state is 'b', but its history ends in 'a'"},
	        {"UPDATE instances SET version = version + 1 WHERE id = 2", "its version is"},
	        {"UPDATE instances SET data = replace(data, 'a@x.dk', 'e@x.dk') WHERE id = 2", "its data are not what its history left"},
	        {"UPDATE history SET seq = 9 WHERE id = 2", "history entry 1 is missing"},
	        {"PRAGMA defer_foreign_keys = ON; UPDATE history SET id = 900 WHERE id = (SELECT max(id) FROM history)", "says nothing any more, but the case was not erased"},
	        {"UPDATE history SET instance_id = 2, seq = 90 WHERE id = 1", "history entry"},
	        {"UPDATE history SET at = at + 1 WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET kind = 'form' WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET event = 'x' WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET from_state = 'x' WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET to_state = 'b' WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET refused = 1 WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET contact_id = 1 WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET role = 'x' WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET key = randomblob(32) WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET key_id = 9 WHERE id = 2", "history entry 1 was written with an unknown key"},
	        {"UPDATE history SET mac = randomblob(32) WHERE id = 2", "history entry 1 was changed"},
	        {"UPDATE history SET digest = randomblob(32) WHERE id = 2", "history entry 1 has a payload that was changed"},
	        {"UPDATE history_payloads SET payload = payload || ' ' WHERE history_id = 2", "history entry 1 has a payload that was changed"},
	        {"UPDATE history_payloads SET salt = randomblob(16) WHERE history_id = 2", "history entry 1 has a payload that was changed"},
	};
	assert_found(*state, changes, sizeof changes / sizeof *changes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {TEST(test_timers), TEST(test_messages), TEST(test_grants), TEST(test_claims), TEST(test_other_instances), TEST(test_wishes), TEST(test_cases)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
