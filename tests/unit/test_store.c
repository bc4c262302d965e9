#include "engine/store/handle.h"

#include "tests/unit/store_fixture.h"

#include "engine/base/clock.h"
#include "engine/store/registers.h"
#include "engine/store/schema.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int set_up(void **state) {
	struct fixture *f = fixture_files();
	fixture_open(f, f->path);
	*state = f;
	return 0;
}

static void reopen(struct fixture *f) {
	store_close(f->store);
	f->store = NULL;
	fixture_open(f, f->path);
}

static int64_t file_size(struct fixture *f, const char *suffix) {
	char path[128];
	struct stat at;
	snprintf(path, sizeof path, "%s%s", f->path, suffix);
	return stat(path, &at) == 0 ? at.st_size : -1;
}

static int64_t read_number(struct fixture *f, struct view *v, const char *sql) {
	struct stmt *s = db_query(view_db(v), sql);
	if (stmt_step(s, &f->err) != DB_ROW)
		fail_msg("%s", f->err.text);
	int64_t n = stmt_int(s, 0);
	stmt_end(s);
	return n;
}

/* One commit of about 4 KB of log for each KB of data. */
static void write_some(struct fixture *f, int64_t count) {
	static char text[1000];
	memset(text, 'x', sizeof text);
	fixture_begin(f);
	struct register_row row = {.key = arena_printf(f->arena, "%lld", (long long)count), .data = {text, sizeof text}};
	struct register_change change;
	OK(register_replace(f->tx, STR("case.list"), &row, 1, count, &change, &f->err));
	fixture_commit(f);
}

static void a_second_process_is_refused(void **state) {
	struct fixture *f = *state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct err err = {0};
		char pid[32];
		snprintf(pid, sizeof pid, "%ld", (long)getppid());
		bool refused = store_open(f->path, f->fingerprint, &err) == NULL;
		_exit(refused && err.kind == ERR_CONFLICT && strcmp(err.arg[0], pid) == 0 && strstr(err.text, pid) ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_null(store_open(f->path, f->fingerprint, &f->err)); /* nor twice in one process */
	assert_int_equal(f->err.kind, ERR_CONFLICT);
	reopen(f); /* free again after closing */
}

static void another_key_file_is_refused(void **state) {
	struct fixture *f = *state;
	store_close(f->store);
	unsigned char other[SECRET_FINGERPRINT];
	memcpy(other, f->fingerprint, sizeof other);
	other[15] ^= 1;
	f->store = store_open(f->path, other, &f->err);
	assert_null(f->store);
	assert_int_equal(f->err.kind, ERR_PERMANENT);
	assert_string_equal(f->err.key, "store.wrong_key");
	fixture_open(f, f->path);
}

static void migrations_run_once(void **state) {
	struct fixture *f = *state;
	for (int i = 0; i < 3; i++) {
		struct view *v = store_view(f->store, &f->err);
		assert_non_null(v);
		assert_int_equal(read_number(f, v, "SELECT count(*) FROM schema_version"), schema_newest());
		assert_int_equal(read_number(f, v, "SELECT max(version) FROM schema_version"), schema_newest());
		assert_int_equal(read_number(f, v, "PRAGMA auto_vacuum"), 2);
		assert_int_equal(read_number(f, v, "PRAGMA application_id"), SCHEMA_APPLICATION);
		assert_int_equal(read_number(f, v, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
		assert_int_equal(read_number(f, v, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND strict = 0"), 0);
		view_close(v);
		reopen(f);
	}
	struct stat at;
	assert_int_equal(stat(f->path, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
}

/* The words of the checks were changed in the schema's own table. */
static void reworded_checks_still_refuse(void **state) {
	struct fixture *f = *state;
	static const char *const wrong[] = {
	        "INSERT INTO links (id, key_id, kind, state, workflow, task, role, created_at) VALUES (zeroblob(16), 1, 'tusk', 'live', '', '', '', 0)",
	        "INSERT INTO links (id, key_id, kind, state, workflow, task, role, created_at) VALUES (zeroblob(16), 1, 'task', 'dead', '', '', '', 0)",
	        "UPDATE outbox SET state = 'posted'",
	        "UPDATE outbox SET delivery = 'lost'",
	        "INSERT INTO documents (instance_id, history_id, at, name, version, addendum, roles, language, title, file, template_hash, digest, state, next_at, answer,"
	        " markdown, site, reference, day, pages, colour) VALUES (1, 1, 0, '', 1, 0, '', '', '', '', zeroblob(32), zeroblob(32), 'burnt', 0, '', '', '', '', '', '', '')",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct tx *tx;
		OK(store_begin(f->store, &tx, &f->err));
		OK(db_script(tx_db(tx), "INSERT INTO outbox (channel, recipient, recipient_name, role, language, workflow, message, task, data, message_id, thread, priority, state,"
		                        " created_at, next_at) VALUES (1, '', '', '', '', '', '', 0, '', '', '', 1, 'queued', 0, 0)", &f->err));
		assert_false(db_script(tx_db(tx), wrong[i], &f->err));
		assert_non_null(strstr(f->err.text, "CHECK constraint failed"));
		store_rollback(tx);
	}
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	assert_int_equal(read_number(f, v, "SELECT count(*) FROM sqlite_schema WHERE name IN ('outbox', 'links', 'documents') AND sql LIKE '%IN (''%'"), 0);
	assert_int_equal(read_number(f, v, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	view_close(v);
}

static void foreign_and_newer_files_are_refused(void **state) {
	struct fixture *f = *state;
	store_close(f->store);
	struct db *db;
	OK(db_open(&db, f->path, DB_WRITER, &f->err));
	OK(db_script(db, "INSERT INTO schema_version VALUES (9999, 0)", &f->err));
	db_close(db);
	f->store = store_open(f->path, f->fingerprint, &f->err);
	assert_null(f->store);
	assert_string_equal(f->err.key, "store.newer");
	unlink(f->path);
	OK(db_open(&db, f->path, DB_WRITER, &f->err));
	OK(db_script(db, "CREATE TABLE letters (id INTEGER PRIMARY KEY)", &f->err));
	db_close(db);
	f->store = store_open(f->path, f->fingerprint, &f->err);
	assert_null(f->store);
	assert_string_equal(f->err.key, "store.foreign");
}

static void a_view_is_a_snapshot(void **state) {
	struct fixture *f = *state;
	write_some(f, 1);
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	assert_int_equal(register_generation(v), 1);
	write_some(f, 2);
	assert_int_equal(register_generation(v), 1);
	view_close(v);
	v = store_view(f->store, &f->err);
	assert_int_equal(register_generation(v), 2);
	view_close(v);
}

static void a_transaction_is_all_or_nothing(void **state) {
	struct fixture *f = *state;
	fixture_begin(f);
	assert_true(tx_alive(f->tx));
	assert_false(tx_dirty(f->tx));
	fixture_instance(f, 0);
	assert_true(tx_dirty(f->tx));
	tx_mark(f->tx);
	assert_false(tx_dirty(f->tx));
	assert_int_equal(read_number(f, tx_view(f->tx), "SELECT count(*) FROM instances"), 1);
	store_rollback(f->tx);
	fixture_begin(f);
	assert_int_equal(read_number(f, tx_view(f->tx), "SELECT count(*) FROM instances"), 0);
	assert_false(tx_dirty(f->tx));
	fixture_instance(f, 0);
	store_fail_at(f->store, 1);
	REFUSED(ERR_TRANSIENT, store_commit(f->tx, &f->err));
	fixture_begin(f);
	assert_int_equal(read_number(f, tx_view(f->tx), "SELECT count(*) FROM instances"), 0);
	fixture_commit(f);
}

static void the_pool_is_bounded(void **state) {
	struct fixture *f = *state;
	struct view *views[16];
	size_t count = 0;
	while (count < 16 && (views[count] = store_view(f->store, &f->err)))
		count++;
	assert_int_equal(count, 8);
	assert_int_equal(f->err.kind, ERR_TRANSIENT);
	view_close(views[--count]);
	views[count] = store_view(f->store, &f->err);
	assert_non_null(views[count++]);
	while (count > 0)
		view_close(views[--count]);
}

struct reader {
	struct fixture *f;
	atomic_bool stop;
	atomic_int views, failures;
};

static void *read_for_ever(void *context) {
	struct reader *r = context;
	while (!atomic_load(&r->stop)) {
		struct err err;
		struct view *v = store_view(r->f->store, &err);
		if (!v || register_generation(v) < 0)
			atomic_fetch_add(&r->failures, 1);
		usleep(1000); /* so that by chance there is never a moment without an open view */
		view_close(v);
		atomic_fetch_add(&r->views, 1);
	}
	return NULL;
}

enum { SMALL_LIMIT = 512 * 1024, READER_THREADS = 6 };

/* Overlapping short reads alone would keep the log growing. */
static void the_gate_keeps_the_log_short(void **state) {
	struct fixture *f = *state;
	struct reader r = {.f = f};
	pthread_t threads[READER_THREADS];
	long long began = file_size(f, "-wal"); /* what making a new store has left there */
	store_set_wal_limit(f->store, SMALL_LIMIT);
	for (size_t i = 0; i < READER_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_for_ever, &r), 0);
	for (int64_t i = 1; i <= 2000; i++) {
		write_some(f, i);
		store_checkpoint(f->store, false);
	}
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < READER_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&r.failures), 0);
	assert_true(atomic_load(&r.views) > 100);
	assert_in_range(file_size(f, "-wal"), 1, began + SMALL_LIMIT);
	assert_true(file_size(f, "") > began + SMALL_LIMIT); /* more was written than the log ever held */
}

static void a_view_that_stays_open_only_delays(void **state) {
	struct fixture *f = *state;
	store_set_wal_limit(f->store, SMALL_LIMIT);
	struct view *v = store_view(f->store, &f->err);
	assert_int_equal(register_generation(v), 0);
	int64_t i = 0;
	while (file_size(f, "-wal") < SMALL_LIMIT + 16384)
		write_some(f, ++i);
	int64_t began_at = clock_monotonic();
	store_checkpoint(f->store, false);
	assert_in_range(clock_monotonic() - began_at, 400, 3000);
	assert_int_equal(register_generation(v), 0); /* still its snapshot */
	struct view *other = store_view(f->store, &f->err); /* the gate is open again */
	assert_int_equal(register_generation(other), i);
	view_close(other);
	view_close(v);
	write_some(f, ++i);
	store_checkpoint(f->store, true);
	int64_t before = file_size(f, "-wal");
	for (int more = 0; more < 10; more++)
		write_some(f, ++i);
	assert_int_equal(file_size(f, "-wal"), before); /* written from its beginning */
}

static void copy_file(const char *from, const char *to) {
	char bytes[4096];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	assert_true(in && out);
	for (size_t len; (len = fread(bytes, 1, sizeof bytes, in)) > 0;)
		assert_int_equal(fwrite(bytes, 1, len, out), len);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* It may be nowhere but in the kernel's memory, after a sync that failed. */
static void what_a_killed_run_left_in_the_log_is_put_into_the_file(void **state) {
	struct fixture *f = *state;
	char path[160];
	store_close(f->store);
	f->store = NULL;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		fixture_open(f, f->path);
		write_some(f, 7);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(file_size(f, "-wal") > 0);
	fixture_open(f, f->path);
	snprintf(path, sizeof path, "%s.copy", f->path);
	copy_file(f->path, path);
	struct store *copy = store_open(path, f->fingerprint, &f->err);
	assert_non_null(copy);
	struct view *v = store_view(copy, &f->err);
	assert_non_null(v);
	assert_int_equal(read_number(f, v, "SELECT count(*) FROM register_rows"), 1);
	view_close(v);
	store_close(copy);
	unlink(path);
	snprintf(path, sizeof path, "%s.copy.lock", f->path);
	unlink(path);
}

static void in_memory_it_works_in_one_thread(void **state) {
	struct fixture *f = *state;
	store_close(f->store);
	fixture_open(f, NULL);
	fixture_begin(f);
	int64_t id = fixture_instance(f, 0).id;
	struct view *v = store_view(f->store, &f->err);
	struct instance i;
	OK(instance_load(v, id, f->arena, &i, &f->err));
	view_close(v);
	fixture_commit(f);
	v = store_view(f->store, &f->err);
	OK(instance_load(v, id, f->arena, &i, &f->err));
	view_close(v);
	store_checkpoint(f->store, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(a_second_process_is_refused),
	        TEST(another_key_file_is_refused),
	        TEST(migrations_run_once),
	        TEST(reworded_checks_still_refuse),
	        TEST(foreign_and_newer_files_are_refused),
	        TEST(a_view_is_a_snapshot),
	        TEST(a_transaction_is_all_or_nothing),
	        TEST(the_pool_is_bounded),
	        TEST(the_gate_keeps_the_log_short),
	        TEST(a_view_that_stays_open_only_delays),
	        TEST(what_a_killed_run_left_in_the_log_is_put_into_the_file),
	        TEST(in_memory_it_works_in_one_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
