/* What the tests of the store begin with: a folder, a key ring, a store with one instance. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "engine/base/secret.h"
#include "engine/store/instances.h"
#include "engine/store/outbox.h"
#include "engine/store/people.h"
#include "engine/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[32], path[64], key_path[64];
	struct arena *arena;
	struct keyring *keys;
	unsigned char fingerprint[SECRET_FINGERPRINT];
	struct store *store;
	struct tx *tx;        /* open while a test writes */
	int64_t instance, contact;
	struct err err;
};

#define OK(call)                                                        \
	do {                                                            \
		if (!(call))                                            \
			fail_msg("%s: %s", #call, f->err.text);         \
	} while (0)
#define REFUSED(error_kind, call)                                       \
	do {                                                            \
		assert_false(call);                                     \
		assert_int_equal(f->err.kind, error_kind);              \
	} while (0)
#define assert_str(value, z) assert_true(str_is((value), (z)))

static inline void fixture_begin(struct fixture *f) {
	OK(store_begin(f->store, &f->tx, &f->err));
}

static inline void fixture_commit(struct fixture *f) {
	OK(store_commit(f->tx, &f->err));
	f->tx = NULL;
}

static inline struct fixture *fixture_files(void) {
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	OK(secret_init(&f->err));
	snprintf(f->folder, sizeof f->folder, "/tmp/stafet-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/stafet.db", f->folder);
	snprintf(f->key_path, sizeof f->key_path, "%s/keys", f->folder);
	OK(keyring_create(f->key_path, &f->err));
	f->keys = keyring_open(f->key_path, &f->err);
	assert_non_null(f->keys);
	keyring_fingerprint(f->keys, f->fingerprint);
	f->arena = arena_new();
	return f;
}

static inline void fixture_open(struct fixture *f, const char *path) {
	f->store = store_open(path, f->fingerprint, &f->err);
	if (!f->store)
		fail_msg("%s", f->err.text);
}

static inline struct instance fixture_instance(struct fixture *f, int64_t parent_id) {
	static const unsigned char hash[SECRET_HASH] = {1};
	struct instance i = {.workflow = STR("case"), .state = STR("open"), .data = STR("{}"), .version = 1,
	                     .parent_id = parent_id, .started_at = 1000, .entered_at = 1000, .changed_at = 1000};
	memcpy(i.definition, hash, sizeof hash);
	OK(definition_keep(f->tx, hash, STR("case"), STR("source"), 1000, &f->err));
	OK(instance_insert(f->tx, f->arena, &i, &f->err));
	return i;
}

/* In memory unless a test opens the file itself; a transaction is open. */
static inline int fixture_set_up(void **state) {
	struct fixture *f = fixture_files();
	fixture_open(f, NULL);
	fixture_begin(f);
	f->instance = fixture_instance(f, 0).id;
	OK(contact_ensure(f->tx, CHANNEL_MAIL, STR("Ann@example.org"), STR("ann@example.org"), STR("da"), 1000, &f->contact, &f->err));
	*state = f;
	return 0;
}

/* As when a state is left and none of its tasks stays. */
static inline bool cancel_tasks(struct fixture *f, struct err *err) {
	struct outbox_tasks tasks;
	bool ok = outbox_tasks(tx_view(f->tx), f->instance, f->arena, &tasks, err);
	for (size_t i = 0; ok && i < tasks.count; i++)
		ok = outbox_cancel(f->tx, tasks.items[i].id, err);
	return ok;
}

static inline int fixture_tear_down(void **state) {
	struct fixture *f = *state;
	if (f->tx)
		store_rollback(f->tx);
	store_close(f->store);
	keyring_close(f->keys);
	arena_free(f->arena);
	const char *names[] = {"stafet.db", "stafet.db-wal", "stafet.db-shm", "stafet.db.lock", "keys"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
		unlink(path);
	}
	rmdir(f->folder);
	free(f);
	return 0;
}

#endif
