/* Erasure: what goes, what stays, and that the chain over what stays is still whole. */
#include "engine/store/db.h"
#include "engine/store/documents.h"
#include "engine/store/erasure.h"
#include "engine/store/handle.h"
#include "engine/store/listings.h"
#include "tests/unit/workflow_fixture.h"

static const char story[] =
        "workflow: story\n"
        "start: {by: teller, form: tell}\n"
        "keep: 1 year\n"
        "roles: {teller: {contact: mail, name: who}, hearer: {contact: other}}\n"
        "data:\n"
        "  who: {type: text}\n"
        "  mail: {type: email}\n"
        "  other: {type: email}\n"
        "  words: {type: longtext}\n"
        "forms: {tell: {fields: [who, mail, other, words]}, hear: {fields: [words]}}\n"
        "initial: told\n"
        "states:\n"
        "  told:\n"
        "    entry: [{send: {to: teller, message: told}}, {send: {to: hearer, message: hello, link: hear}}, {document: {name: paper, template: paper}}]\n"
        "    after: [{in: 90d, target: over}]\n"
        "    on:\n"
        "      hear: {by: hearer, form: hear, actions: [{start: {workflow: echo, data: {mail: mail}}}]}\n"
        "      end: {target: over}\n"
        "  over: {final: true}\n"
        "views:\n"
        "  list: {kind: list, for: teller, columns: [state, who], search: [words], page: one}\n"
        "  one: {kind: page, for: teller, fields: [who, words]}\n";
static const char echo[] =
        "workflow: echo\nstart: {by: teller, form: tell}\nroles: {teller: {contact: mail}}\ndata: {mail: {type: email}}\nforms: {tell: {fields: [mail]}}\n"
        "initial: a\nstates:\n  a: {on: {go: {target: b}}}\n  b: {final: true}\n";

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, story, NULL, NULL);
	package_write(f, echo, NULL, NULL);
	fixture_open(f, true);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t tell(struct fixture *f, const char *who, const char *other) {
	return start(f, "story", arena_printf(f->arena, "{\"who\":\"Ida Findbar\",\"mail\":\"%s\",\"other\":\"%s\",\"words\":\"unmistakable\"}", who, other).at);
}

static int64_t count(struct fixture *f, const char *sql) {
	struct view *v = store_view(f->store, &f->err);
	struct stmt *s = db_query(view_db(v), sql);
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	int64_t number = stmt_int(s, 0);
	stmt_end(s);
	view_close(v);
	return number;
}

static bool erase(struct fixture *f, int64_t id) {
	tx_open(f);
	return tx_end(f, erasure_of_instance(f->tx, id, clock_now(), &f->err));
}

/* Everywhere that rows name the case, but its skeleton. */
static void assert_gone(struct fixture *f) {
	static const char *const none[] = {
	        "SELECT count(*) FROM history_payloads p JOIN history h ON h.id = p.history_id WHERE h.instance_id = 1",
	        "SELECT count(*) FROM outbox WHERE instance_id = 1", "SELECT count(*) FROM documents WHERE instance_id = 1", "SELECT count(*) FROM blobs WHERE instance_id = 1",
	        "SELECT count(*) FROM participations WHERE instance_id = 1", "SELECT count(*) FROM timers WHERE instance_id = 1", "SELECT count(*) FROM mailbox WHERE instance_id = 1",
	        "SELECT count(*) FROM facts WHERE instance_id = 1", "SELECT count(*) FROM overdue WHERE instance_id = 1", "SELECT count(*) FROM links WHERE instance_id = 1 AND state = 'live'",
	        "SELECT count(*) FROM drafts", "SELECT count(*) FROM listings WHERE instance_id = 1 AND (fields <> '' OR search_text <> '')",
	        "SELECT count(*) FROM instances WHERE id = 1 AND (data <> '{}' OR erased_at IS NULL OR erase_at IS NOT NULL OR ended_at IS NULL)",
	};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (count(f, none[i]) != 0)
			fail_msg("%s is not 0", none[i]);
}

/* The bytes of the store: what was deleted is overwritten, in the file and, once that is checkpointed and begun anew, in the log. */
static bool in_file(struct fixture *f, const char *text) {
	FILE *file = fopen(f->data_path, "r");
	assert_non_null(file);
	char *bytes = malloc(8 << 20);
	size_t len = fread(bytes, 1, 8 << 20, file);
	bool found = memmem(bytes, len, text, strlen(text)) != NULL;
	fclose(file);
	free(bytes);
	return found;
}

static void reopen(struct fixture *f) {
	store_close(f->store);
	store_start(f, true);
}

static void test_the_skeleton_stays(void **state) {
	struct fixture *f = *state;
	int64_t id = tell(f, "ida@findbar.example", "bo@findbar.example");
	OK(act(f, id, "bo@findbar.example", "hear", "{\"words\":\"unmistakable too\"}"));
	OK(send_signal(f, id, "end", "{}"));
	reopen(f);
	assert_true(in_file(f, "unmistakable") && in_file(f, "findbar.example") && in_file(f, "Ida Findbar"));
	int64_t entries = count(f, "SELECT count(*) FROM history WHERE instance_id = 1");
	OK(erase(f, id));
	assert_gone(f);
	assert_int_equal(count(f, "SELECT count(*) FROM history WHERE instance_id = 1"), entries);
	assert_str(state_of(f, id), "over");
	assert_str(path_of(f, id), "start start >told; form hear told>; signal end told>over");
	assert_sound(f);
	/* Its child is a case of its own, and keeps the address of the one who told; the hearer is nobody's contact any more. */
	assert_int_equal(count(f, "SELECT count(*) FROM contacts WHERE value = 'ida@findbar.example'"), 1);
	assert_int_equal(count(f, "SELECT count(*) FROM contacts WHERE value = '' AND key LIKE 'erased-%'"), 1);
	struct view *v = store_view(f->store, &f->err);
	struct instance_list family = {0};
	OK(erasure_family(v, id, f->arena, &family, &f->err));
	view_close(v);
	assert_int_equal(family.count, 2);
	OK(erase(f, family.items[1].id));
	assert_int_equal(count(f, "SELECT count(*) FROM contacts WHERE value <> ''"), 0);
	OK(erase(f, id)); /* once more does no harm */
	assert_sound(f);
	reopen(f);
	assert_false(in_file(f, "unmistakable") || in_file(f, "findbar.example") || in_file(f, "Ida Findbar"));
	/* Whoever comes back is somebody new. */
	OK(try_start(f, "story", "{\"who\":\"Ida\",\"mail\":\"ida@findbar.example\",\"other\":\"bo@findbar.example\",\"words\":\"w\"}"));
	assert_sound(f);
}

static void test_a_change_is_still_seen(void **state) {
	struct fixture *f = *state;
	struct buf out;
	int64_t id = tell(f, "ida@findbar.example", "bo@findbar.example");
	OK(send_signal(f, id, "end", "{}"));
	OK(erase(f, id));
	tx_open(f);
	OK(stmt_run(db_query(tx_db(f->tx), "UPDATE history SET to_state = 'told' WHERE seq = 2"), NULL, &f->err));
	OK(tx_end(f, true));
	buf_init(&out, 10000);
	assert_true(faults_of(f, id, &out) > 0);
	buf_free(&out);
}

static int64_t due(struct fixture *f) {
	int64_t id = -1;
	tx_open(f);
	OK(tx_end(f, erasure_due(f->tx, clock_now(), &id, &f->err)));
	return id;
}

static void test_kept_for_a_time(void **state) {
	struct fixture *f = *state;
	int64_t first = tell(f, "ida@findbar.example", "bo@findbar.example"), other = tell(f, "eva@findbar.example", "bo@findbar.example");
	OK(send_signal(f, first, "end", "{}"));
	assert_str(local_text(f, instance_of(f, first).erase_at), "2027-03-02T10:00");
	assert_int_equal(instance_of(f, other).erase_at, 0);
	jump_to(f, "2027-03-02T09:59");
	assert_int_equal(due(f), 0);
	jump_to(f, "2027-03-02T10:00");
	/* A message that is being sent right now puts it off by an hour. */
	tx_open(f);
	OK(stmt_run(db_query(tx_db(f->tx), "UPDATE outbox SET state = 'leased', lease_until = 1 WHERE instance_id = 1"), NULL, &f->err));
	OK(tx_end(f, true));
	assert_int_equal(due(f), first);
	assert_int_equal(instance_of(f, first).erased_at, 0);
	assert_int_equal(due(f), 0);
	REFUSED(ERR_CONFLICT, "error.busy", erase(f, first));
	tx_open(f);
	OK(stmt_run(db_query(tx_db(f->tx), "UPDATE outbox SET state = 'sent', lease_until = NULL WHERE instance_id = 1"), NULL, &f->err));
	OK(tx_end(f, true));
	jump_to(f, "2027-03-02T11:00");
	assert_int_equal(due(f), first);
	assert_gone(f);
	assert_int_equal(due(f), 0);
	assert_str(field_of(f, other, "who"), "Ida Findbar");
	assert_int_equal(count(f, "SELECT count(*) FROM contacts WHERE value = 'bo@findbar.example'"), 1);
	assert_sound(f);
}

static void test_a_case_that_runs_ends(void **state) {
	struct fixture *f = *state;
	int64_t id = tell(f, "ida@findbar.example", "bo@findbar.example");
	struct link link = link_to(f, id, "bo@findbar.example", "hear");
	int64_t version = instance_of(f, id).version;
	OK(erase(f, id));
	assert_gone(f);
	assert_int_equal(instance_of(f, id).ended_at, clock_now());
	REFUSED(ERR_CONFLICT, "link.withdrawn", act_through(f, &link, version, "{\"words\":\"late\"}"));
	jump_to(f, "2026-09-02T10:00");
	OK(run_due(f));
	assert_str(state_of(f, id), "told");
	assert_sound(f);
}

/* Each of its statements fails once: it is all gone, or nothing is. */
static void test_all_or_nothing(void **state) {
	struct fixture *f = *state;
	int64_t id = tell(f, "ida@findbar.example", "bo@findbar.example");
	bool failed = true;
	for (int64_t n = 1; failed; n++) {
		struct err err = {0};
		assert_true(n < 200);
		OK(store_begin(f->store, &f->tx, &f->err));
		store_fail_at(f->store, n);
		bool ok = erasure_of_instance(f->tx, id, clock_now(), &err);
		store_fail_at(f->store, 0);
		if (ok)
			OK(store_commit(f->tx, &f->err));
		else
			store_rollback(f->tx);
		f->tx = NULL;
		failed = !ok;
		if (failed)
			assert_str(field_of(f, id, "who"), "Ida Findbar");
	}
	assert_gone(f);
	assert_sound(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_the_skeleton_stays), TEST(test_a_change_is_still_seen), TEST(test_kept_for_a_time), TEST(test_a_case_that_runs_ends), TEST(test_all_or_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
