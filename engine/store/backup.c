#include "engine/store/backup.h"

#include "engine/base/file.h"
#include "engine/store/handle.h"
#include "engine/store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_PAGES = 128, MARK_AT = 68 };

struct backup {
	struct arena *arena;
	const char *store, *file, *part;
	struct store *open;
	struct db *reader; /* of a store that nobody has open */
	struct db_copy *copy;
	bool overwrite, whole;
	bool ours; /* the part: locked, so no other backup writes it */
	int fd;
};

static bool refuse(struct err *err, enum err_kind kind, const char *path, const char *why) {
	return err_set(err, kind, "file.unwritable", "%s: %s", path, why);
}

static bool is_there(const char *path) {
	struct stat info;
	return lstat(path, &info) == 0;
}

static bool same_file(const char *a, const char *b) {
	struct stat one, other;
	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* By the mark that SQLite keeps in the head of the file: application_id, big-endian. */
static bool has_mark(const char *path) {
	unsigned char head[MARK_AT + 4] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd >= 0 ? pread(fd, head, sizeof head, 0) : -1;
	if (fd >= 0)
		close(fd);
	uint32_t mark = (uint32_t)head[MARK_AT] << 24 | (uint32_t)head[MARK_AT + 1] << 16 | (uint32_t)head[MARK_AT + 2] << 8 | head[MARK_AT + 3];
	return got == (ssize_t)sizeof head && memcmp(head, "SQLite format 3", 16) == 0 && mark == SCHEMA_APPLICATION;
}

/* A log beside a file would be taken for the file's own by whoever opens it. */
static bool has_log(struct arena *a, const char *path) {
	struct stat info;
	return stat(arena_printf(a, "%s-wal", path).at, &info) == 0 && info.st_size > 0;
}

static bool may_write(const struct backup *b, struct err *err) {
	if (same_file(b->file, b->store))
		return refuse(err, ERR_CONFLICT, b->file, "this is the store itself");
	if (is_there(b->file) && !b->overwrite)
		return refuse(err, ERR_CONFLICT, b->file, "it is there already (--force replaces an earlier backup)");
	if (is_there(b->file) && !has_mark(b->file))
		return refuse(err, ERR_CONFLICT, b->file, "it is no backup, so it is not replaced");
	return !has_log(b->arena, b->file) || refuse(err, ERR_CONFLICT, b->file, "a log (-wal) stands beside it: somebody uses it as a store");
}

static bool make_part(struct backup *b, struct err *err) {
	b->fd = open(b->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->fd < 0)
		return refuse(err, ERR_PERMANENT, b->part, strerrordesc_np(errno));
	if (flock(b->fd, LOCK_EX | LOCK_NB) != 0)
		return refuse(err, ERR_CONFLICT, b->part, "another backup writes it");
	b->ours = true;
	/* What an earlier one left when it was killed. */
	return (fchmod(b->fd, 0600) == 0 && ftruncate(b->fd, 0) == 0) || refuse(err, ERR_PERMANENT, b->part, strerrordesc_np(errno));
}

struct backup *backup_open(const struct backup_wish *wish, struct err *err) {
	struct arena *a = arena_new();
	struct backup *b = ARENA_NEW(a, struct backup);
	*b = (struct backup){.arena = a, .open = wish->open, .overwrite = wish->overwrite, .fd = -1};
	b->store = arena_str(a, str_from(wish->store)).at;
	b->file = arena_str(a, str_from(wish->file)).at;
	b->part = arena_printf(a, "%s" BACKUP_PART, wish->file).at;
	if (may_write(b, err) && make_part(b, err) && (b->open || db_open(&b->reader, b->store, DB_PATIENT, err)))
		return b;
	backup_close(b);
	return NULL;
}

bool backup_turn(struct backup *b, bool *done, struct err *err) {
	if (!b->copy && !db_copy_open(&b->copy, b->open ? store_writer(b->open) : b->reader, b->part, err))
		return false;
	bool ok = db_copy_step(b->copy, b->open ? PIECE_PAGES : -1, done, err);
	if (ok && !*done)
		return true;
	db_copy_close(b->copy);
	b->copy = NULL;
	b->whole = ok;
	return ok;
}

bool backup_finish(struct backup *b, int64_t *bytes, struct err *err) {
	struct stat info;
	BUG_IF(!b->whole);
	if (fstat(b->fd, &info) != 0 || !file_put_in_place(b->part, b->file, b->overwrite, err))
		return false;
	*bytes = info.st_size;
	b->ours = false; /* there may be another by now */
	return true;
}

void backup_close(struct backup *b) {
	if (!b)
		return;
	db_copy_close(b->copy);
	db_close(b->reader);
	if (b->ours)
		unlink(b->part);
	if (b->fd >= 0)
		close(b->fd);
	arena_free(b->arena);
}

/* --- putting it in place --- */

static const char *place_of(struct arena *a, const char *store) {
	return arena_printf(a, "%s.restore", store).at;
}

static const char *folder_of(struct arena *a, const char *path) {
	const char *slash = strrchr(path, '/');
	return slash ? arena_z(a, (struct str){path, slash > path ? (size_t)(slash - path) : 1}) : ".";
}

/* What root puts in place is for the user whose site it is. */
static bool give_away(const char *path, const char *like, struct err *err) {
	struct stat info;
	if (geteuid() != 0)
		return true;
	return (stat(like, &info) == 0 && lchown(path, info.st_uid, info.st_gid) == 0) || refuse(err, ERR_PERMANENT, path, strerrordesc_np(errno));
}

/* A new machine has the site's folder from its copy, but no data yet. */
static bool make_folder(struct arena *a, const char *store, struct err *err) {
	const char *folder = folder_of(a, store);
	if (is_there(folder))
		return true;
	return (mkdir(folder, 0700) == 0 || refuse(err, ERR_PERMANENT, folder, strerrordesc_np(errno))) && give_away(folder, folder_of(a, folder), err);
}

static void remove_store(struct arena *a, const char *path) {
	static const char *const parts[] = {"", "-wal", "-shm", ".lock"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		unlink(arena_printf(a, "%s%s", path, parts[i]).at);
}

const char *restore_open(struct arena *a, const char *store, const char *file, struct err *err) {
	const char *place = place_of(a, store), *folder = folder_of(a, store);
	if (is_there(file) && !has_mark(file)) {
		refuse(err, ERR_INPUT, file, "it is no store of Stafet, or it is broken from its first page on");
		return NULL;
	}
	if (same_file(file, store) || has_log(a, file)) {
		refuse(err, ERR_CONFLICT, file, "it is a store in use, not a backup: `stafet backup` makes one");
		return NULL;
	}
	if (!make_folder(a, store, err))
		return NULL;
	int lock = store_lock(place, err); /* another one that looks at its copy */
	if (lock < 0)
		return NULL;
	unlink(place); /* left by one that was killed */
	unlink(arena_printf(a, "%s-wal", place).at);
	unlink(arena_printf(a, "%s-shm", place).at);
	bool ok = file_copy(file, place, 0600, err) && give_away(place, folder, err);
	if (!ok)
		remove_store(a, place);
	close(lock);
	return ok ? place : NULL;
}

void restore_drop(struct arena *a, const char *store) {
	remove_store(a, place_of(a, store));
}

bool restore_possible(const char *store, struct err *err) {
	if (!is_there(store))
		return true;
	int lock = store_lock(store, err);
	if (lock >= 0)
		close(lock);
	return lock >= 0;
}

/* Brings what is in its log into the store, so that one file is all of it. What is broken keeps its log. */
static void fold_log(const char *store) {
	struct db *db;
	struct err err;
	if (db_open(&db, store, DB_WRITER, &err))
		db_close(db);
}

static bool keep_old(struct arena *a, const char *store, struct str stamp, struct str *kept, struct err *err) {
	static const char *const parts[] = {"-wal", "-shm"};
	*kept = arena_printf(a, "%s.before-restore-%.*s", store, STR_ARG(stamp));
	if (!is_there(store)) {
		*kept = STR("");
	} else {
		fold_log(store);
		/* A second name: at no instant is there no store. */
		if (link(store, kept->at) != 0)
			return refuse(err, ERR_TRANSIENT, kept->at, strerrordesc_np(errno));
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		const char *from = arena_printf(a, "%s%s", store, parts[i]).at;
		if (is_there(from) && (kept->len > 0 ? rename(from, arena_printf(a, "%.*s%s", STR_ARG(*kept), parts[i]).at) : unlink(from)) != 0)
			return refuse(err, ERR_TRANSIENT, from, strerrordesc_np(errno));
	}
	return true;
}

bool restore_finish(struct arena *a, const char *store, struct str stamp, struct str *kept, struct err *err) {
	int lock = store_lock(store, err);
	if (lock < 0)
		return false;
	bool ok = give_away(arena_printf(a, "%s.lock", store).at, folder_of(a, store), err) && keep_old(a, store, stamp, kept, err) && file_put_in_place(place_of(a, store), store, true, err);
	close(lock);
	return ok;
}
