/* A typical transition, whose Nth call to the database fails, N = 1, 2, 3... until a run has no failure. After each
 * the store is opened anew: everything of it is there, or nothing. */
#include "engine/store/access.h"
#include "engine/store/attachments.h"
#include "engine/store/blobs.h"
#include "engine/store/facts.h"
#include "engine/store/handle.h"
#include "engine/store/history.h"
#include "engine/store/links.h"
#include "engine/store/mailbox.h"
#include "engine/store/outbox.h"
#include "engine/store/registers.h"
#include "engine/store/timers.h"

#include "tests/unit/store_fixture.h"

static const unsigned char link_id[SECRET_ID] = {5};

static bool write_people_and_start(struct fixture *f, struct err *err) {
	int64_t contact;
	struct signal_row signal = {.instance_id = f->instance, .root_id = f->instance, .event = STR("e"), .data = STR("{}"), .at = 2000};
	struct instance child = {.workflow = STR("case"), .definition = {1}, .state = STR("open"), .data = STR("{}"), .version = 1,
	                         .parent_id = f->instance, .started_at = 2000, .entered_at = 2000, .changed_at = 2000};
	return contact_ensure(f->tx, CHANNEL_MAIL, STR("bo@example.org"), STR("bo@example.org"), STR("da"), 2000, &contact, err) &&
	       participation_add(f->tx, f->instance, STR("boss"), contact, STR("Bo"), err) &&
	       instance_insert(f->tx, f->arena, &child, err) && mailbox_put(f->tx, &signal, err);
}

static bool write_messages(struct fixture *f, int64_t history_id, struct err *err) {
	struct outbox_row row = {.instance_id = f->instance, .history_id = history_id, .contact_id = f->contact, .channel = CHANNEL_MAIL,
	                         .recipient = STR("ann@example.org"), .message = STR("done"), .data = STR("{}"), .created_at = 2000};
	struct outbox_row sms = row;
	sms.channel = CHANNEL_SMS;
	struct attachments papers = {0};
	return cancel_tasks(f, err) && attachments_of_series(tx_view(f->tx), f->instance, STR("paper"), f->arena, &papers, err) &&
	       attachment_put(f->tx, &row, &papers, err) && outbox_put(f->tx, &sms, err);
}

/* One that is drawn at once, and one that waits. */
static bool write_documents(struct fixture *f, int64_t history_id, struct err *err) {
	struct document paper = {.instance_id = f->instance, .history_id = history_id, .at = 2000, .name = STR("paper"), .version = 1, .roles = STR(""), .language = STR("da"),
	                         .title = STR("A"), .file = STR("a.pdf"), .answer = STR("")}, note = paper, taken;
	struct document_sheet sheet = {STR("x"), STR("s"), STR("r"), STR("d"), STR("p"), STR("c"), STR("picture")};
	struct str content = STR("%PDF");
	struct blob file = {.instance_id = f->instance, .name = STR("a.pdf"), .type = STR("application/pdf"), .size = 4, .at = 2000};
	bool found;
	note.name = STR("note");
	if (!document_put(f->tx, &note, &sheet, err) || !document_take(f->tx, 2000, f->arena, &taken, &found, err))
		return false;
	return document_put(f->tx, &paper, &sheet, err) && blob_put(f->tx, &file, bytes_of(&content), &taken.blob_id, err) && document_ready(f->tx, &taken, err) &&
	       attachment_release(f->tx, taken.id, 2000, err);
}

/* All or nothing is the caller's to keep: the first refusal ends it. */
static bool transition(struct fixture *f, struct err *err) {
	struct instance i;
	struct history h = {.instance_id = f->instance, .seq = 1, .at = 2000, .kind = STR("form"), .event = STR("approve"), .key = {1},
	                    .from = STR("open"), .to = STR("done"), .contact_id = f->contact, .role = STR("worker"), .payload = STR("{}")};
	struct timer t = {.instance_id = f->instance, .root_id = f->instance, .state = STR("done"), .name = STR("later"), .due_at = 9000};
	struct register_row row = {.key = STR("k"), .data = STR("{}")};
	struct register_change change;
	struct fact fact = {.instance_id = f->instance, .item = STR("x"), .basis = STR("hand"), .at = 2000};
	int64_t blob, count;
	struct str content = STR("bytes");
	struct blob file = {.name = STR("a"), .type = STR("b"), .size = 5, .at = 2000};
	if (!instance_load(tx_view(f->tx), f->instance, f->arena, &i, err))
		return false;
	i.version++, i.state = STR("done"), i.changed_at = 2000;
	return history_append(f->tx, f->keys, &h, err) && link_use(f->tx, link_id, f->instance, h.id, 2000, err) &&
	       link_close_task(f->tx, f->instance, STR("approve"), h.id, 2000, err) && draft_remove(f->tx, link_id, err) &&
	       timer_cancel_all(f->tx, f->instance, err) && timer_set(f->tx, &t, err) && write_documents(f, h.id, err) && write_messages(f, h.id, err) &&
	       write_people_and_start(f, err) && fact_put(f->tx, &fact, err) &&
	       register_replace(f->tx, STR("case.list"), &row, 1, 2000, &change, err) &&
	       counter_add(f->tx, STR("n"), STR("k"), 2000, 1000, &count, err) &&
	       blob_put(f->tx, &file, bytes_of(&content), &blob, err) && blob_claim(f->tx, blob, link_id, f->instance, err) && instance_update(f->tx, &i, err);
}

static void prepare(struct fixture *f) {
	struct link l = {.id = {5}, .kind = LINK_TASK, .workflow = STR("case"), .task = STR("approve"), .role = STR("worker")};
	struct timer t = {.state = STR("open"), .name = STR("reminder"), .due_at = 5000};
	struct outbox_row row = {.channel = CHANNEL_MAIL, .message = STR("please"), .task = true};
	fixture_begin(f);
	f->instance = fixture_instance(f, 0).id;
	OK(contact_ensure(f->tx, CHANNEL_MAIL, STR("ann@example.org"), STR("ann@example.org"), STR("da"), 1000, &f->contact, &f->err));
	l.instance_id = t.instance_id = t.root_id = row.instance_id = f->instance;
	l.contact_id = row.contact_id = f->contact;
	OK(link_insert(f->tx, &l, &f->err));
	OK(draft_save(f->tx, l.id, l.task, STR("{}"), 1000, &f->err));
	OK(timer_set(f->tx, &t, &f->err));
	OK(outbox_put(f->tx, &row, &f->err));
	fixture_commit(f);
}

/* One line of numbers that differ between before and after in every table. */
static struct str summary(struct fixture *f) {
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	struct stmt *s = db_query(view_db(v), "SELECT (SELECT group_concat(state || version) FROM instances) || '/' || (SELECT count(*) FROM history)"
	                                      " || (SELECT count(*) FROM history_payloads) || (SELECT group_concat(state) FROM links)"
	                                      " || (SELECT count(*) FROM drafts) || (SELECT group_concat(name) FROM timers)"
	                                      " || (SELECT group_concat(state) FROM outbox) || (SELECT count(*) FROM contacts)"
	                                      " || (SELECT count(*) FROM participations) || (SELECT count(*) FROM mailbox)"
	                                      " || (SELECT count(*) FROM facts) || (SELECT count(*) FROM register_rows)"
	                                      " || (SELECT count(*) FROM counters) || (SELECT count(*) FROM blob_chunks)"
	                                      " || coalesce((SELECT group_concat(state) FROM documents), '-') || (SELECT count(*) FROM document_logos)"
	                                      " || (SELECT count(*) FROM attachments)");
	if (stmt_step(s, &f->err) != DB_ROW)
		fail_msg("%s", f->err.text);
	struct str text = stmt_text(s, 0, f->arena);
	stmt_end(s);
	view_close(v);
	return text;
}

static bool run(struct fixture *f, int64_t fail_at) {
	store_fail_at(f->store, fail_at);
	if (!store_begin(f->store, &f->tx, &f->err))
		return false;
	bool ok = transition(f, &f->err);
	assert_true(ok || f->err.kind == ERR_TRANSIENT);
	assert_true(ok || !tx_alive(f->tx));
	if (ok)
		ok = store_commit(f->tx, &f->err);
	else
		store_rollback(f->tx);
	f->tx = NULL;
	store_fail_at(f->store, 0);
	return ok;
}

static void reopen(struct fixture *f) {
	store_close(f->store);
	f->store = NULL;
	fixture_open(f, f->path);
}

static void every_call_may_fail(void **state) {
	struct fixture *f = *state;
	struct str before = summary(f);
	int64_t nth = 1;
	while (!run(f, nth)) {
		reopen(f);
		struct str after = summary(f);
		if (!str_equal(before, after))
			fail_msg("after the failure of call %lld: %.*s", (long long)nth, STR_ARG(after));
		nth++;
	}
	assert_in_range(nth, 30, 200);
	reopen(f);
	assert_str(summary(f), "done2,open1/11used0latercancelled,queued,queued2111112ready,waiting11");
}

/* A caller that goes on after a failure writes nothing alone. */
static void nothing_is_committed_alone(void **state) {
	struct fixture *f = *state;
	struct str before = summary(f);
	for (int64_t nth = 1; nth <= 20; nth++) {
		fixture_begin(f);
		store_fail_at(f->store, nth);
		struct timer t = {.instance_id = f->instance, .root_id = f->instance, .state = STR("open"), .due_at = 1};
		bool failed = false;
		for (int i = 0; i < 20; i++) {
			t.name = arena_printf(f->arena, "t%d", i);
			failed = !timer_set(f->tx, &t, &f->err) || failed;
		}
		assert_true(failed);
		assert_false(tx_alive(f->tx));
		assert_false(store_commit(f->tx, &f->err));
		f->tx = NULL;
		assert_true(str_equal(before, summary(f)));
	}
}

static int set_up(void **state) {
	struct fixture *f = fixture_files();
	*state = f;
	fixture_open(f, f->path);
	prepare(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(every_call_may_fail),
	        TEST(nothing_is_committed_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
