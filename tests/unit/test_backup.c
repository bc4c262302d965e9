#include "engine/store/backup.h"
#include "engine/store/handle.h"

#include "tests/unit/store_fixture.h"

#include "engine/store/registers.h"
#include "engine/store/store_look.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char file[80], part[96];

static int set_up(void **state) {
	struct fixture *f = fixture_files();
	fixture_open(f, f->path);
	snprintf(file, sizeof file, "%s/copy", f->folder);
	snprintf(part, sizeof part, "%s.part", file);
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	static const char *const others[] = {"", ".part", "-wal", "-shm"};
	struct fixture *f = *state;
	char path[160];
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		snprintf(path, sizeof path, "%s%s", file, others[i]);
		unlink(path);
	}
	restore_drop(f->arena, f->path);
	return fixture_tear_down(state);
}

/* Each time another text of 40 KB in one row of a register. */
static void write_some(struct fixture *f, int64_t number) {
	static char text[40000];
	memset(text, 'a' + (char)(number % 20), sizeof text);
	fixture_begin(f);
	struct register_row row = {.key = arena_printf(f->arena, "%lld", (long long)number), .data = {text, sizeof text}};
	struct register_change change;
	OK(register_replace(f->tx, STR("case.list"), &row, 1, number, &change, &f->err));
	fixture_commit(f);
}

static int64_t rows_in(const char *path, const char *sql) {
	struct db *db;
	struct err err = {0};
	if (!db_open(&db, path, DB_PATIENT, &err))
		fail_msg("%s", err.text);
	struct stmt *s = db_query(db, sql);
	if (stmt_step(s, &err) != DB_ROW)
		fail_msg("%s", err.text);
	int64_t n = stmt_int(s, 0);
	stmt_end(s);
	db_close(db);
	return n;
}

#define ROWS "SELECT count(*) FROM register_rows"
#define NEWEST "SELECT max(CAST(key AS INTEGER)) FROM register_rows WHERE valid_until IS NULL"

static struct backup_wish wish_of(struct fixture *f, bool overwrite) {
	return (struct backup_wish){.store = f->path, .file = file, .overwrite = overwrite, .open = f->store};
}

static int64_t wal_bytes(struct fixture *f) {
	char path[128];
	struct stat at;
	snprintf(path, sizeof path, "%s-wal", f->path);
	return stat(path, &at) == 0 ? at.st_size : 0;
}

/* Writes between any two pieces, a checkpoint that begins the log anew, a transaction that is rolled back: the copy is the store at its end. */
static void what_is_written_meanwhile_is_in_it(void **state) {
	struct fixture *f = *state;
	struct backup_wish wish = wish_of(f, false);
	struct stat info;
	int64_t number = 0, bytes;
	bool done = false;
	store_set_wal_limit(f->store, 1 << 20);
	for (; number < 200; store_checkpoint(f->store, false))
		write_some(f, ++number);
	struct backup *b = backup_open(&wish, &f->err);
	assert_non_null(b);
	int turns = 0;
	for (; !done && turns < 1000; turns++) {
		OK(backup_turn(b, &done, &f->err));
		if (turns % 2 == 0 && number < 300)
			write_some(f, ++number);
		if (turns == 5) {
			fixture_begin(f);
			f->instance = fixture_instance(f, 0).id;
			store_rollback(f->tx);
			f->tx = NULL;
		}
		store_checkpoint(f->store, false);
	}
	assert_true(done && turns > 10);
	assert_true(wal_bytes(f) < 4 << 20); /* nobody held the log */
	assert_int_equal(access(file, F_OK), -1);
	OK(backup_finish(b, &bytes, &f->err));
	backup_close(b);
	assert_int_equal(stat(file, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(info.st_size, bytes);
	assert_int_equal(access(part, F_OK), -1);
	assert_int_equal(rows_in(file, ROWS), rows_in(f->path, ROWS));
	assert_int_equal(rows_in(file, NEWEST), number);
	assert_int_equal(rows_in(file, "SELECT count(*) FROM instances"), 0);
	OK(store_check(file, &f->err));
}

static void write_file(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void take(struct fixture *f, bool overwrite) {
	struct backup_wish wish = wish_of(f, overwrite);
	int64_t bytes;
	bool done = false;
	struct backup *b = backup_open(&wish, &f->err);
	if (!b)
		fail_msg("%s", f->err.text);
	while (!done)
		OK(backup_turn(b, &done, &f->err));
	OK(backup_finish(b, &bytes, &f->err));
	backup_close(b);
}

/* Where the copy goes there is no room: it fails, and the store it is taken of does not notice. */
static void a_full_disk_fails_the_copy_alone(void **state) {
	struct fixture *f = *state;
	struct backup_wish wish = wish_of(f, false);
	struct rlimit before, small;
	bool done = false;
	int64_t number = 0;
	for (; number < 60; store_checkpoint(f->store, true))
		write_some(f, ++number);
	signal(SIGXFSZ, SIG_IGN);
	struct backup *b = backup_open(&wish, &f->err);
	assert_non_null(b);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){600 * 1024, before.rlim_max};
	bool ok = true;
	for (int turns = 0; ok && !done && turns < 1000; turns++) {
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		ok = backup_turn(b, &done, &f->err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		write_some(f, ++number);
	}
	assert_false(ok || done);
	assert_int_equal(f->err.kind, ERR_TRANSIENT);
	backup_close(b);
	assert_int_equal(access(part, F_OK), -1);
	assert_int_equal(access(file, F_OK), -1);
	f->err = (struct err){0};
	write_some(f, ++number);
	assert_int_equal(rows_in(f->path, NEWEST), number);
	OK(store_check(f->path, &f->err));
	take(f, false);
	assert_int_equal(rows_in(file, NEWEST), number);
}

static void only_an_earlier_backup_gives_way(void **state) {
	struct fixture *f = *state;
	struct backup_wish wish = wish_of(f, false);
	take(f, false);
	REFUSED(ERR_CONFLICT, backup_open(&wish, &f->err));
	write_some(f, 7);
	take(f, true);
	assert_int_equal(rows_in(file, NEWEST), 7);
	wish.overwrite = true;
	wish.file = f->path;
	REFUSED(ERR_CONFLICT, backup_open(&wish, &f->err)); /* the store itself */
	wish.file = f->key_path;
	REFUSED(ERR_CONFLICT, backup_open(&wish, &f->err)); /* no backup */
	wish.file = file;
	struct backup *first = backup_open(&wish, &f->err);
	assert_non_null(first);
	REFUSED(ERR_CONFLICT, backup_open(&wish, &f->err)); /* one at a time */
	assert_int_equal(access(part, F_OK), 0);
	backup_close(first);
	assert_int_equal(access(part, F_OK), -1);
	assert_int_equal(rows_in(file, NEWEST), 7);
	write_file(part, "left by one that was killed");
	take(f, true);
	OK(store_check(file, &f->err));
}

static void a_log_beside_it_is_refused(void **state) {
	struct fixture *f = *state;
	char log[128];
	take(f, false);
	snprintf(log, sizeof log, "%s-wal", file);
	write_file(log, "x");
	struct backup_wish wish = wish_of(f, true);
	REFUSED(ERR_CONFLICT, backup_open(&wish, &f->err));
	REFUSED(ERR_CONFLICT, restore_open(f->arena, f->path, file, &f->err));
	assert_int_equal(unlink(log), 0);
	assert_non_null(restore_open(f->arena, f->path, file, &f->err));
}

static void it_is_put_in_place_of_a_closed_store_only(void **state) {
	struct fixture *f = *state;
	struct str kept;
	write_some(f, 1);
	take(f, false);
	write_some(f, 2);
	REFUSED(ERR_CONFLICT, restore_possible(f->path, &f->err));
	assert_non_null(restore_open(f->arena, f->path, file, &f->err));
	REFUSED(ERR_CONFLICT, restore_finish(f->arena, f->path, STR("now"), &kept, &f->err));
	store_close(f->store);
	f->store = NULL;
	OK(restore_finish(f->arena, f->path, STR("now"), &kept, &f->err));
	assert_int_equal(rows_in(f->path, NEWEST), 1);
	assert_int_equal(rows_in(kept.at, NEWEST), 2);
	unlink(kept.at);
	fixture_open(f, f->path);
	assert_int_equal(rows_in(file, NEWEST), 1);
}

/* The log of a store that was killed belongs to the store that is kept, never to the one that comes. */
static void the_log_of_the_old_store_is_not_taken_for_the_new_one(void **state) {
	struct fixture *f = *state;
	struct str kept;
	char log[160], saved[200], command[900];
	write_some(f, 1);
	take(f, false);
	for (int64_t i = 2; i < 30; i++)
		write_some(f, i);
	snprintf(log, sizeof log, "%s-wal", f->path);
	snprintf(saved, sizeof saved, "%s/saved", f->folder);
	snprintf(command, sizeof command, "cp %s %s && cp %s %s-wal", f->path, saved, log, saved);
	assert_int_equal(system(command), 0);
	store_close(f->store);
	f->store = NULL;
	snprintf(command, sizeof command, "mv %s %s && mv %s-wal %s", saved, f->path, saved, log);
	assert_int_equal(system(command), 0);
	assert_non_null(restore_open(f->arena, f->path, file, &f->err));
	OK(restore_finish(f->arena, f->path, STR("now"), &kept, &f->err));
	assert_int_equal(access(log, F_OK), -1);
	assert_int_equal(rows_in(f->path, NEWEST), 1);
	assert_int_equal(rows_in(kept.at, NEWEST), 29);
	unlink(kept.at);
}

static void what_is_no_store_is_refused(void **state) {
	struct fixture *f = *state;
	REFUSED(ERR_NOT_FOUND, restore_open(f->arena, f->path, file, &f->err));
	write_file(file, "");
	REFUSED(ERR_INPUT, restore_open(f->arena, f->path, file, &f->err));
	write_file(file, "SQLite format 3 and no more");
	REFUSED(ERR_INPUT, restore_open(f->arena, f->path, file, &f->err));
	REFUSED(ERR_INPUT, restore_open(f->arena, f->path, f->key_path, &f->err));
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_is_written_meanwhile_is_in_it, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_full_disk_fails_the_copy_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(only_an_earlier_backup_gives_way, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_log_beside_it_is_refused, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(it_is_put_in_place_of_a_closed_store_only, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_log_of_the_old_store_is_not_taken_for_the_new_one, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_is_no_store_is_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
