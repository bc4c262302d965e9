#include "engine/store/links.h"

#include "tests/unit/store_fixture.h"

#include "engine/store/blobs.h"
#include "engine/store/handle.h"

static struct link make(struct fixture *f, unsigned char number, enum link_kind kind, const char *task) {
	struct link l = {.id = {number}, .key_id = 1, .kind = kind, .workflow = STR("case"), .task = str_from(task),
	                 .instance_id = kind == LINK_START ? 0 : f->instance, .contact_id = kind == LINK_START ? 0 : f->contact,
	                 .role = STR("worker"), .created_at = 1000, .expires_at = 5000};
	OK(link_insert(f->tx, &l, &f->err));
	return l;
}

static struct link load(struct fixture *f, unsigned char number) {
	const unsigned char id[SECRET_ID] = {number};
	struct link l;
	OK(link_load(tx_view(f->tx), id, f->arena, &l, &f->err));
	return l;
}

static void links_come_back_whole(void **state) {
	struct fixture *f = *state;
	make(f, 1, LINK_VIEW, "mine");
	struct link l = load(f, 1);
	assert_int_equal(l.id[0], 1);
	assert_int_equal(l.key_id, 1);
	assert_int_equal(l.kind, LINK_VIEW);
	assert_int_equal(l.state, LINK_LIVE);
	assert_str(l.workflow, "case");
	assert_str(l.task, "mine");
	assert_str(l.role, "worker");
	assert_int_equal(l.instance_id, f->instance);
	assert_int_equal(l.contact_id, f->contact);
	assert_int_equal(l.created_at, 1000);
	assert_int_equal(l.expires_at, 5000);
	const unsigned char none[SECRET_ID] = {99};
	REFUSED(ERR_NOT_FOUND, link_load(tx_view(f->tx), none, f->arena, &l, &f->err));
	struct link again = load(f, 1);
	REFUSED(ERR_CONFLICT, link_insert(f->tx, &again, &f->err));
}

static void a_link_is_used_once(void **state) {
	struct fixture *f = *state;
	struct link l = make(f, 1, LINK_TASK, "approve");
	REFUSED(ERR_CONFLICT, link_use(f->tx, l.id, f->instance + 1, 0, 2000, &f->err)); /* of another instance */
	OK(link_use(f->tx, l.id, f->instance, 0, 2000, &f->err));
	assert_int_equal(load(f, 1).state, LINK_USED);
	assert_int_equal(load(f, 1).used_at, 2000);
	tx_mark(f->tx);
	REFUSED(ERR_CONFLICT, link_use(f->tx, l.id, f->instance, 0, 2001, &f->err));
	assert_false(tx_dirty(f->tx));
	assert_int_equal(load(f, 1).used_at, 2000);
	const unsigned char none[SECRET_ID] = {99};
	REFUSED(ERR_NOT_FOUND, link_use(f->tx, none, f->instance, 0, 2001, &f->err));
}

static void nothing_leaves_an_end_state(void **state) {
	struct fixture *f = *state;
	static const char *const ends[] = {"used", "withdrawn", "superseded"};
	for (unsigned char i = 0; i < 3; i++) {
		struct link l = make(f, i, LINK_TASK, "approve");
		struct stmt *s = db_query(tx_db(f->tx), "UPDATE links SET state = ? WHERE id = ?");
		bind_text(s, str_from(ends[i]));
		bind_blob(s, l.id, sizeof l.id);
		OK(stmt_run(s, NULL, &f->err));
		REFUSED(ERR_CONFLICT, link_use(f->tx, l.id, f->instance, 0, 2000, &f->err));
		OK(link_close_task(f->tx, f->instance, STR("approve"), 0, 2000, &f->err));
		OK(link_withdraw_tasks(f->tx, f->instance, &f->err));
		OK(link_withdraw_contact(f->tx, f->instance, STR("worker"), f->contact, &f->err));
		assert_int_equal(load(f, i).state, LINK_USED + i);
	}
}

static void a_start_link_learns_its_instance(void **state) {
	struct fixture *f = *state;
	struct link l = make(f, 1, LINK_START, "request");
	assert_int_equal(load(f, 1).instance_id, 0);
	OK(link_use(f->tx, l.id, f->instance, 0, 2000, &f->err));
	assert_int_equal(load(f, 1).instance_id, f->instance);
}

static void only_a_live_link_is_found(void **state) {
	struct fixture *f = *state;
	struct link found, l = make(f, 1, LINK_TASK, "approve");
	bool is_there;
	OK(link_find(tx_view(f->tx), f->instance, f->contact, STR("worker"), STR("approve"), f->arena, &found, &is_there, &f->err));
	assert_true(is_there);
	assert_memory_equal(found.id, l.id, SECRET_ID);
	OK(link_find(tx_view(f->tx), f->instance, f->contact, STR("boss"), STR("approve"), f->arena, &found, &is_there, &f->err));
	assert_false(is_there);
	OK(link_use(f->tx, l.id, f->instance, 0, 2000, &f->err));
	OK(link_find(tx_view(f->tx), f->instance, f->contact, STR("worker"), STR("approve"), f->arena, &found, &is_there, &f->err));
	assert_false(is_there);
}

static void many_are_closed_at_once(void **state) {
	struct fixture *f = *state;
	make(f, 1, LINK_TASK, "approve"), make(f, 2, LINK_TASK, "approve"), make(f, 3, LINK_TASK, "reject"), make(f, 4, LINK_VIEW, "approve");
	OK(link_close_task(f->tx, f->instance, STR("approve"), 0, 3000, &f->err));
	assert_int_equal(load(f, 1).state, LINK_USED);
	assert_int_equal(load(f, 2).state, LINK_USED);
	assert_int_equal(load(f, 3).state, LINK_LIVE);
	assert_int_equal(load(f, 4).state, LINK_LIVE);
	OK(link_withdraw_tasks(f->tx, f->instance, &f->err));
	assert_int_equal(load(f, 2).state, LINK_USED);
	assert_int_equal(load(f, 3).state, LINK_WITHDRAWN);
	assert_int_equal(load(f, 4).state, LINK_LIVE);
	OK(link_withdraw_contact(f->tx, f->instance, STR("worker"), f->contact, &f->err));
	assert_int_equal(load(f, 4).state, LINK_WITHDRAWN);
}

static void drafts_live_with_their_link(void **state) {
	struct fixture *f = *state;
	struct link old = make(f, 1, LINK_START, "request"), used = make(f, 2, LINK_START, "request"), task = make(f, 3, LINK_TASK, "approve");
	struct str answers;
	bool left;
	OK(draft_load(tx_view(f->tx), old.id, old.task, f->arena, &answers, &f->err));
	assert_int_equal(answers.len, 0);
	OK(draft_save(f->tx, old.id, old.task, STR("{\"a\":1}"), 1000, &f->err));
	OK(draft_save(f->tx, old.id, old.task, STR("{\"a\":2}"), 1001, &f->err));
	OK(draft_save(f->tx, task.id, task.task, STR("{\"b\":1}"), 1001, &f->err));
	OK(draft_load(tx_view(f->tx), old.id, old.task, f->arena, &answers, &f->err));
	assert_str(answers, "{\"a\":2}");
	OK(link_use(f->tx, used.id, f->instance, 0, 2000, &f->err));
	OK(draft_sweep(f->tx, 4999, 10, &left, &f->err));
	assert_int_equal(load(f, 1).state, LINK_LIVE);
	OK(draft_sweep(f->tx, 5000, 10, &left, &f->err));
	struct link l;
	REFUSED(ERR_NOT_FOUND, link_load(tx_view(f->tx), old.id, f->arena, &l, &f->err));
	OK(draft_load(tx_view(f->tx), old.id, old.task, f->arena, &answers, &f->err));
	assert_int_equal(answers.len, 0);
	assert_int_equal(load(f, 2).state, LINK_USED);
	assert_int_equal(load(f, 3).state, LINK_LIVE);
	OK(draft_remove(f->tx, task.id, &f->err));
	OK(draft_load(tx_view(f->tx), task.id, task.task, f->arena, &answers, &f->err));
	assert_int_equal(answers.len, 0);
}

/* A renewed link goes on with the draft and with the files that belong to it. */
static void files_move_with_their_draft(void **state) {
	struct fixture *f = *state;
	struct link old = make(f, 1, LINK_TASK, "approve"), fresh = make(f, 2, LINK_TASK, "approve");
	struct str bytes = STR("hello"), answers;
	struct blob blob = {.size = (int64_t)bytes.len, .name = STR("a.txt"), .type = STR("text/plain"), .drafted = true, .task = old.task};
	struct blob_ids ids = {0};
	int64_t id;
	memcpy(blob.link_id, old.id, sizeof blob.link_id);
	OK(draft_save(f->tx, old.id, old.task, STR("{\"a\":1}"), 1000, &f->err));
	OK(blob_put(f->tx, &blob, bytes_of(&bytes), &id, &f->err));
	OK(draft_move(f->tx, old.id, fresh.id, &f->err));
	OK(draft_load(tx_view(f->tx), fresh.id, fresh.task, f->arena, &answers, &f->err));
	assert_str(answers, "{\"a\":1}");
	OK(draft_load(tx_view(f->tx), old.id, old.task, f->arena, &answers, &f->err));
	assert_int_equal(answers.len, 0);
	OK(blob_of_draft(tx_view(f->tx), fresh.id, fresh.task, f->arena, &ids, &f->err));
	assert_int_equal(ids.count, 1);
	assert_int_equal(ids.items[0], id);
	OK(blob_read(tx_view(f->tx), id, 0, f->arena, &answers, &f->err));
	assert_str(answers, "hello");
	OK(draft_remove(f->tx, fresh.id, &f->err));
	REFUSED(ERR_NOT_FOUND, blob_info(tx_view(f->tx), id, f->arena, &blob, &f->err));
}

/* Else a draft that still names the removed one would show somebody else's. */
static void a_file_never_gets_the_id_of_another(void **state) {
	struct fixture *f = *state;
	struct link mine = make(f, 1, LINK_TASK, "approve"), other = make(f, 2, LINK_TASK, "approve");
	struct str bytes = STR("hello");
	struct blob blob = {.size = (int64_t)bytes.len, .name = STR("a.txt"), .type = STR("text/plain"), .drafted = true, .task = mine.task};
	int64_t removed, next;
	OK(draft_save(f->tx, mine.id, mine.task, STR("{}"), 1000, &f->err));
	OK(draft_save(f->tx, other.id, other.task, STR("{}"), 1000, &f->err));
	memcpy(blob.link_id, mine.id, sizeof blob.link_id);
	OK(blob_put(f->tx, &blob, bytes_of(&bytes), &removed, &f->err));
	OK(blob_remove(f->tx, removed, mine.id, mine.task, &f->err));
	memcpy(blob.link_id, other.id, sizeof blob.link_id);
	OK(blob_put(f->tx, &blob, bytes_of(&bytes), &next, &f->err));
	assert_true(next > removed);
}

static void drafts_of_ended_tasks_are_swept(void **state) {
	struct fixture *f = *state;
	struct link live = make(f, 1, LINK_TASK, "approve"), closed = make(f, 2, LINK_TASK, "pass-on");
	struct str answers;
	bool left;
	OK(draft_save(f->tx, live.id, live.task, STR("{\"a\":1}"), 1000, &f->err));
	OK(draft_save(f->tx, closed.id, closed.task, STR("{\"b\":1}"), 1000, &f->err));
	OK(link_close_task(f->tx, f->instance, STR("pass-on"), 0, 2000, &f->err));
	OK(draft_sweep(f->tx, 2000, 10, &left, &f->err));
	OK(draft_load(tx_view(f->tx), closed.id, closed.task, f->arena, &answers, &f->err));
	assert_int_equal(answers.len, 0);
	OK(draft_load(tx_view(f->tx), live.id, live.task, f->arena, &answers, &f->err));
	assert_str(answers, "{\"a\":1}");
	/* A renewed link goes on with it, for 30 days. */
	OK(draft_sweep(f->tx, 5000 + INT64_C(29) * 86400000, 10, &left, &f->err));
	OK(draft_load(tx_view(f->tx), live.id, live.task, f->arena, &answers, &f->err));
	assert_str(answers, "{\"a\":1}");
	OK(draft_sweep(f->tx, 5000 + INT64_C(30) * 86400000, 10, &left, &f->err));
	OK(draft_load(tx_view(f->tx), live.id, live.task, f->arena, &answers, &f->err));
	assert_int_equal(answers.len, 0);
}

static void a_newer_link_supersedes(void **state) {
	struct fixture *f = *state;
	struct link old = make(f, 1, LINK_TASK, "approve"), newer = make(f, 2, LINK_TASK, "pass-on");
	struct str answers;
	OK(draft_save(f->tx, old.id, STR("a"), STR("{\"a\":1}"), 1000, &f->err));
	OK(draft_save(f->tx, old.id, STR("b"), STR("{\"b\":1}"), 1000, &f->err));
	OK(link_supersede(f->tx, f->instance, f->contact, old.role, STR("approve"), 2000, &f->err));
	assert_int_equal(load(f, 1).state, LINK_SUPERSEDED);
	assert_int_equal(load(f, 1).used_at, 2000);
	assert_int_equal(load(f, 2).state, LINK_LIVE);
	OK(draft_move(f->tx, old.id, newer.id, &f->err));
	OK(draft_load(tx_view(f->tx), newer.id, STR("b"), f->arena, &answers, &f->err));
	assert_str(answers, "{\"b\":1}");
	OK(draft_load(tx_view(f->tx), old.id, STR("a"), f->arena, &answers, &f->err));
	assert_int_equal(answers.len, 0);
	REFUSED(ERR_CONFLICT, link_use(f->tx, old.id, f->instance, 0, 3000, &f->err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(links_come_back_whole),
	        TEST(a_link_is_used_once),
	        TEST(nothing_leaves_an_end_state),
	        TEST(a_start_link_learns_its_instance),
	        TEST(only_a_live_link_is_found),
	        TEST(many_are_closed_at_once),
	        TEST(drafts_live_with_their_link),
	        TEST(files_move_with_their_draft),
	        TEST(a_file_never_gets_the_id_of_another),
	        TEST(drafts_of_ended_tasks_are_swept),
	        TEST(a_newer_link_supersedes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
