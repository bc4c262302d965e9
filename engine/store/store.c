#include "engine/store/handle.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/secret.h"
#include "engine/store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 8, VIEW_WAIT_MS = 1000, GATE_WAIT_MS = 500, WAL_LIMIT = 64 << 20, WAL_STEP = 4 << 20 };

struct store {
	char *path; /* NULL: in memory */
	int lock_fd;
	struct db *writer;
	struct tx tx;
	uint64_t number; /* of this one among all that the process has opened; 0: in memory */
	struct view borrowed; /* in memory: the one connection as a view */
	int64_t wal_limit;
	int64_t wal_seen; /* length of the log when it was last checkpointed */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	bool gate_closed;
	int open_views;
	struct view readers[READERS]; /* db NULL: not opened yet */
};

/* The file holds personal data, and the log files take over its mode. */
static int open_private(const char *path, struct err *err) {
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		err_set(err, ERR_PERMANENT, "store.broken", "%s: %s", path, strerror(errno));
	return fd;
}

static bool lock_refused(int fd, const char *path, struct err *err) {
	char pid[32] = "";
	ssize_t got = pread(fd, pid, sizeof pid - 1, 0);
	pid[got > 0 ? got : 0] = '\0';
	struct str holder = str_trim(str_from(pid));
	err_set(err, ERR_CONFLICT, "store.locked", "%s is held by process %.*s", path, STR_ARG(holder));
	err_arg(err, 0, holder);
	return false;
}

/* The lock is the flock, not the file: the file stays, so that no two processes lock two files of one name. */
int store_lock(const char *store, struct err *err) {
	struct arena *a = arena_new();
	char *path = arena_z(a, arena_printf(a, "%s.lock", store));
	int fd = open_private(path, err);
	bool ok = fd >= 0;
	if (ok && flock(fd, LOCK_EX | LOCK_NB) != 0)
		ok = lock_refused(fd, path, err);
	else if (ok && (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0))
		ok = err_set(err, ERR_TRANSIENT, "store.busy", "%s: %s", path, strerror(errno));
	if (!ok && fd >= 0)
		close(fd);
	arena_free(a);
	return ok ? fd : -1;
}

static bool fingerprint_keep(struct db *db, const unsigned char *fingerprint, struct err *err) {
	struct stmt *s = db_query(db, "INSERT INTO site (name, value) VALUES ('fingerprint', ?)");
	bind_blob(s, fingerprint, SECRET_FINGERPRINT);
	return stmt_run(s, NULL, err);
}

static bool fingerprint_check(struct db *db, const unsigned char *fingerprint, struct err *err) {
	unsigned char kept[SECRET_FINGERPRINT];
	struct stmt *s = db_query(db, "SELECT value FROM site WHERE name = 'fingerprint'");
	enum db_step step = stmt_step(s, err);
	bool same = step == DB_ROW && stmt_bytes(s, 0, kept, sizeof kept) &&
	            memcmp(kept, fingerprint, sizeof kept) == 0;
	stmt_end(s);
	if (step == DB_ROW && !same)
		return err_set(err, ERR_PERMANENT, "store.wrong_key", "this store was written with another key file");
	if (step != DB_DONE)
		return step == DB_ROW;
	bool ok = db_begin(db, err) && fingerprint_keep(db, fingerprint, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}

/* After a sync that failed, and a crash, what is read back from the log may be in the kernel's memory alone, and what came behind it would be lost with it when
 * the power goes. So it is copied into the file and synced there, and the log begun anew, before anything is built on it. */
static bool settle_log(struct store *s, struct err *err) {
	int64_t left;
	return db_checkpoint(s->writer, true, &left, err) || (err_context(err, "what the last run left in the log cannot be copied"), false);
}

static bool open_files(struct store *s, struct err *err) {
	if (!s->path)
		return db_open(&s->writer, NULL, DB_MEMORY, err);
	s->lock_fd = store_lock(s->path, err);
	if (s->lock_fd < 0)
		return false;
	int fd = open_private(s->path, err);
	if (fd < 0)
		return false;
	close(fd); /* made with the right mode; SQLite takes it from here */
	return db_open(&s->writer, s->path, DB_WRITER, err) && settle_log(s, err);
}

static void init_gate(struct store *s) {
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->mutex, NULL);
}

static _Atomic uint64_t numbers; /* of stores that were opened */

struct store *store_open(const char *path, const unsigned char fingerprint[16], struct err *err) {
	struct store *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	s->path = path ? strdup(path) : NULL;
	BUG_IF(path && !s->path);
	s->lock_fd = -1;
	s->wal_limit = WAL_LIMIT;
	init_gate(s);
	if (!open_files(s, err) || !schema_migrate(s->writer, err) || !fingerprint_check(s->writer, fingerprint, err)) {
		store_close(s);
		return NULL;
	}
	s->tx.db = s->tx.view.db = s->borrowed.db = s->writer;
	s->number = atomic_fetch_add(&numbers, 1) + 1;
	return s;
}

/* Readers first: whoever closes last checkpoints, and only the writer may. */
void store_close(struct store *s) {
	if (!s)
		return;
	BUG_IF(s->tx.open || s->open_views != 0);
	for (size_t i = 0; i < READERS; i++)
		db_close(s->readers[i].db);
	db_close(s->writer);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	free(s->path);
	free(s);
}

bool store_begin(struct store *s, struct tx **out, struct err *err) {
	BUG_IF(s->tx.open);
	if (!db_begin(s->writer, err))
		return false;
	s->tx.open = true;
	s->tx.view = (struct view){.db = s->writer, .store_number = s->number};
	tx_mark(&s->tx);
	*out = &s->tx;
	return true;
}

bool store_commit(struct tx *tx, struct err *err) {
	struct db *db = tx_db(tx);
	tx->open = false;
	return db_commit(db, err);
}

void store_rollback(struct tx *tx) {
	db_rollback(tx_db(tx));
	tx->open = false;
}

bool tx_alive(const struct tx *tx) {
	return tx->open && db_in_transaction(tx->db);
}

void tx_mark(struct tx *tx) {
	tx->changes_at_mark = db_changes_total(tx->db);
}

bool tx_dirty(const struct tx *tx) {
	return db_changes_total(tx->db) != tx->changes_at_mark;
}

struct view *tx_view(struct tx *tx) {
	return &tx->view;
}

struct db *store_writer(struct store *s) {
	BUG_IF(s->tx.open);
	return s->writer;
}

void store_fail_at(struct store *s, int64_t nth) {
	db_fail_at(s->writer, nth);
}

void store_set_wal_limit(struct store *s, int64_t bytes) {
	s->wal_limit = bytes;
}

static struct timespec monotonic_in(int64_t ms) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

static struct view *free_reader(struct store *s) {
	for (size_t i = 0; i < READERS && !s->gate_closed; i++)
		if (!s->readers[i].taken)
			return &s->readers[i];
	return NULL;
}

static struct view *take_reader(struct store *s) {
	struct timespec end = monotonic_in(VIEW_WAIT_MS);
	pthread_mutex_lock(&s->mutex);
	struct view *v = free_reader(s);
	while (!v && pthread_cond_timedwait(&s->changed, &s->mutex, &end) == 0)
		v = free_reader(s);
	if (v) {
		v->taken = true;
		s->open_views++;
	}
	pthread_mutex_unlock(&s->mutex);
	return v;
}

static void give_reader(struct store *s, struct view *v) {
	pthread_mutex_lock(&s->mutex);
	v->taken = false;
	s->open_views--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
}

struct view *store_view(struct store *s, struct err *err) {
	if (!s->path)
		return &s->borrowed;
	struct view *v = take_reader(s);
	if (!v) {
		err_set(err, ERR_TRANSIENT, "store.busy", "no reading connection became free within %d ms", VIEW_WAIT_MS);
		return NULL;
	}
	v->store = s;
	v->store_number = s->number;
	v->stamp_read = false;
	if ((v->db || db_open(&v->db, s->path, DB_READER, err)) && db_begin(v->db, err))
		return v;
	give_reader(s, v);
	return NULL;
}

void view_close(struct view *v) {
	if (!v || !v->store)
		return;
	db_rollback(v->db);
	give_reader(v->store, v);
}

static bool gate_close(struct store *s) {
	struct timespec end = monotonic_in(GATE_WAIT_MS);
	pthread_mutex_lock(&s->mutex);
	s->gate_closed = true;
	int late = 0;
	while (s->open_views > 0 && late == 0)
		late = pthread_cond_timedwait(&s->changed, &s->mutex, &end);
	bool empty = s->open_views == 0;
	pthread_mutex_unlock(&s->mutex);
	return empty;
}

static void gate_open(struct store *s) {
	pthread_mutex_lock(&s->mutex);
	s->gate_closed = false;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
}

/* A view that stays open for longer than the gate waits makes it a PASSIVE one; tried again after the next step. */
static void checkpoint_gated(struct store *s) {
	struct err err = {0};
	int64_t before = db_wal_bytes(s->writer), left, began_at = clock_monotonic();
	bool empty = gate_close(s);
	bool done = db_checkpoint(s->writer, empty, &left, &err);
	gate_open(s);
	if (!done)
		log_err(LOG_WARN, "checkpoint-failed", &err);
	else
		log_event(empty ? LOG_INFO : LOG_WARN, "checkpoint", "wal_bytes=%lld left=%lld readers=%s ms=%lld",
		          (long long)before, (long long)left, empty ? "none" : "open",
		          (long long)(clock_monotonic() - began_at));
}

void store_checkpoint(struct store *s, bool idle) {
	BUG_IF(s->tx.open);
	int64_t bytes = db_wal_bytes(s->writer), left;
	if (bytes < s->wal_seen)
		s->wal_seen = 0; /* the log was begun anew */
	int64_t step = s->wal_limit / 16 < WAL_STEP ? s->wal_limit / 16 : WAL_STEP;
	if (!s->path || bytes == s->wal_seen || (!idle && bytes - s->wal_seen < step))
		return;
	struct err err = {0};
	if (bytes >= s->wal_limit)
		checkpoint_gated(s);
	else if (!db_checkpoint(s->writer, false, &left, &err))
		log_err(LOG_WARN, "checkpoint-failed", &err);
	s->wal_seen = db_wal_bytes(s->writer);
}
