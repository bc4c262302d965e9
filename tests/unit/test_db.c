#include "engine/store/db.h"

#include "tests/unit/store_fixture.h"

#include "engine/base/clock.h"

static struct db *open_memory(struct fixture *f) {
	struct db *db;
	OK(db_open(&db, NULL, DB_MEMORY, &f->err));
	OK(db_script(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER CHECK (n < 100), x REAL, b BLOB) STRICT", &f->err));
	return db;
}

static bool insert(struct db *db, const char *name, int64_t n, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO t (name, n, x, b) VALUES (?, ?, ?, ?)");
	bind_text(s, str_from(name));
	bind_int(s, n);
	bind_double(s, 0.5);
	bind_blob(s, "\0\1", 2);
	return stmt_run(s, NULL, err);
}

static int64_t count(struct db *db, struct err *err) {
	struct stmt *s = db_query(db, "SELECT count(*) FROM t");
	int64_t n = stmt_step(s, err) == DB_ROW ? stmt_int(s, 0) : -1;
	stmt_end(s);
	return n;
}

static void values_come_back(void **state) {
	struct fixture *f = *state;
	struct db *db = open_memory(f);
	OK(db_begin(db, &f->err));
	OK(insert(db, "a\xC3\xA6", 7, &f->err));
	struct stmt *s = db_query(db, "INSERT INTO t (name, n, b) VALUES (?, ?, ?)");
	bind_text(s, STR(""));
	bind_int_or_null(s, 5, false);
	bind_blob(s, NULL, 0);
	OK(stmt_run(s, NULL, &f->err));
	assert_int_equal(db_last_id(db), 2);
	OK(db_commit(db, &f->err));
	s = db_query(db, "SELECT name, n, x, b FROM t ORDER BY id");
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	unsigned char two[2] = {9, 9}, three[3];
	assert_str(stmt_text(s, 0, f->arena), "a\xC3\xA6");
	assert_int_equal(stmt_int(s, 1), 7);
	assert_true(stmt_double(s, 2) > 0.4 && stmt_double(s, 2) < 0.6);
	assert_true(stmt_bytes(s, 3, two, 2) && two[0] == 0 && two[1] == 1);
	assert_false(stmt_bytes(s, 3, three, 3));
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	assert_false(stmt_is_null(s, 0)); /* an empty text is no NULL */
	assert_true(stmt_is_null(s, 1));
	assert_false(stmt_is_null(s, 3));
	assert_int_equal(stmt_step(s, &f->err), DB_DONE);
	stmt_end(s);
	db_close(db);
}

static void errors_have_their_kind(void **state) {
	struct fixture *f = *state;
	struct db *db = open_memory(f);
	OK(db_begin(db, &f->err));
	OK(insert(db, "one", 1, &f->err));
	REFUSED(ERR_CONFLICT, insert(db, "one", 2, &f->err));
	assert_true(db_in_transaction(db)); /* only the statement was undone */
	REFUSED(ERR_PERMANENT, insert(db, "two", 100, &f->err));
	assert_true(db_in_transaction(db));
	OK(insert(db, "two", 2, &f->err));
	OK(db_commit(db, &f->err));
	assert_int_equal(count(db, &f->err), 2);
	db_close(db);
}

static void nothing_is_written_outside_a_transaction(void **state) {
	struct fixture *f = *state;
	struct db *db = open_memory(f);
	REFUSED(ERR_TRANSIENT, insert(db, "alone", 1, &f->err));
	REFUSED(ERR_TRANSIENT, db_commit(db, &f->err));
	assert_int_equal(count(db, &f->err), 0);
	db_close(db);
}

static void a_fault_undoes_the_whole_transaction(void **state) {
	struct fixture *f = *state;
	struct db *db = open_memory(f);
	OK(db_begin(db, &f->err));
	OK(insert(db, "one", 1, &f->err));
	db_fail_at(db, 2);
	OK(insert(db, "two", 2, &f->err));
	REFUSED(ERR_TRANSIENT, insert(db, "three", 3, &f->err));
	assert_false(db_in_transaction(db));
	REFUSED(ERR_TRANSIENT, insert(db, "four", 4, &f->err)); /* would have been committed alone */
	REFUSED(ERR_TRANSIENT, db_commit(db, &f->err));
	assert_int_equal(count(db, &f->err), 0);
	OK(db_begin(db, &f->err));
	OK(insert(db, "five", 5, &f->err));
	OK(db_commit(db, &f->err));
	assert_int_equal(count(db, &f->err), 1);
	db_close(db);
}

static void a_real_full_disk_is_noticed(void **state) {
	struct fixture *f = *state;
	struct db *db;
	OK(db_open(&db, f->path, DB_WRITER, &f->err));
	OK(db_script(db, "CREATE TABLE big (id INTEGER PRIMARY KEY, b BLOB) STRICT; PRAGMA max_page_count = 40", &f->err));
	OK(db_begin(db, &f->err));
	bool ok = true;
	for (int i = 0; ok && i < 100; i++) {
		struct stmt *s = db_query(db, "INSERT INTO big (b) VALUES (zeroblob(4000))");
		ok = stmt_run(s, NULL, &f->err);
	}
	assert_false(ok);
	assert_int_equal(f->err.kind, ERR_TRANSIENT);
	db_rollback(db);
	struct stmt *s = db_query(db, "SELECT count(*) FROM big");
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	assert_int_equal(stmt_int(s, 0), 0);
	stmt_end(s);
	db_close(db);
}

static void a_reader_cannot_write_and_is_cut(void **state) {
	struct fixture *f = *state;
	struct db *writer, *reader;
	OK(db_open(&writer, f->path, DB_WRITER, &f->err));
	OK(db_script(writer, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)", &f->err));
	OK(db_open(&reader, f->path, DB_READER, &f->err));
	OK(db_begin(reader, &f->err));
	struct stmt *s = db_query(reader, "INSERT INTO t VALUES (3)");
	REFUSED(ERR_PERMANENT, stmt_run(s, NULL, &f->err));

	int64_t began_at = clock_monotonic(); /* a statement that computes for ever */
	s = db_query(reader, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c");
	assert_int_equal(stmt_step(s, &f->err), DB_FAIL);
	assert_int_equal(f->err.kind, ERR_TRANSIENT);
	stmt_end(s);
	assert_in_range(clock_monotonic() - began_at, 190, 4000);

	s = db_query(reader, "SELECT id FROM t ORDER BY id"); /* one that was stepped once and forgotten */
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	usleep(2100000);
	assert_int_equal(stmt_step(s, &f->err), DB_FAIL);
	stmt_end(s);
	s = db_query(reader, "SELECT count(*) FROM t"); /* the next one has its own time */
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	stmt_end(s);
	db_close(reader);
	db_close(writer);
}

static void a_file_that_is_no_database_is_refused(void **state) {
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", file);
	fclose(file);
	struct db *db;
	REFUSED(ERR_TRANSIENT, db_open(&db, f->path, DB_WRITER, &f->err));
	assert_string_equal(f->err.key, "store.broken");
	REFUSED(ERR_TRANSIENT, db_open(&db, "/nonexistent/folder/x.db", DB_WRITER, &f->err));
}

static int set_up(void **state) {
	*state = fixture_files();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(values_come_back),
	        TEST(errors_have_their_kind),
	        TEST(nothing_is_written_outside_a_transaction),
	        TEST(a_fault_undoes_the_whole_transaction),
	        TEST(a_real_full_disk_is_noticed),
	        TEST(a_reader_cannot_write_and_is_cut),
	        TEST(a_file_that_is_no_database_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
