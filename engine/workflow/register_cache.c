#include "engine/workflow/register_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct entry {
	struct str key;
	const struct value *row;
};

struct register_snapshot {
	atomic_int users; /* the cache, and each arena that holds it */
	struct register_stamp stamp;
	bool passed; /* too many rows, or one that does not fit its columns: the store is asked, row by row */
	struct value *rows; /* of any day */
	struct entry *by_key;
	size_t count;
	int64_t day;
	struct value *valid; /* on that day: `rows` itself when they have no dates */
	size_t valid_count;
	struct str digest; /* of these */
	struct arena *arena;
};

struct register_cache {
	pthread_mutex_t mutex;
	struct register_snapshot *newest; /* NULL: nobody has asked yet */
};

static void let_go(void *context) {
	struct register_snapshot *s = context;
	if (s && atomic_fetch_sub(&s->users, 1) == 1)
		arena_free(s->arena); /* it is in it */
}

static void end(void *context) {
	struct register_cache *c = context;
	let_go(c->newest);
	pthread_mutex_destroy(&c->mutex);
}

struct register_cache *register_cache_new(struct arena *a) {
	struct register_cache *c = ARENA_NEW(a, struct register_cache);
	pthread_mutex_init(&c->mutex, NULL);
	arena_defer(a, end, c);
	return c;
}

static int by_key(const void *a, const void *b) {
	return str_compare(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static void keep_valid(struct register_snapshot *s, const struct register_type *reg) {
	s->valid = ARENA_ARRAY(s->arena, s->count, struct value);
	s->valid_count = 0;
	for (size_t i = 0; i < s->count; i++)
		if (data_row_is_valid(reg, &s->rows[i], s->day))
			s->valid[s->valid_count++] = s->rows[i];
}

static bool read_rows(struct register_snapshot *s, struct view *v, const struct register_type *reg, struct err *err) {
	struct register_rows stored;
	if (!register_rows(v, reg->full_name, s->arena, &stored, err))
		return false;
	s->count = stored.count;
	s->rows = ARENA_ARRAY(s->arena, stored.count, struct value);
	s->by_key = ARENA_ARRAY(s->arena, stored.count, struct entry);
	for (size_t i = 0; i < stored.count; i++) {
		const struct register_row *row = &stored.items[i];
		if (!data_row_from_json(reg, row->key, row->version, row->data, s->arena, &s->rows[i], err))
			return false;
		s->by_key[i] = (struct entry){row->key, &s->rows[i]};
	}
	qsort(s->by_key, s->count, sizeof *s->by_key, by_key);
	s->valid = s->rows;
	s->valid_count = s->count;
	if (s->day != REGISTER_ANY_DAY)
		keep_valid(s, reg);
	s->digest = data_rows_digest(reg, s->valid, s->valid_count, s->arena);
	return true;
}

/* For its caller alone, so far. */
static struct register_snapshot *read_snapshot(struct view *v, const struct register_type *reg, struct register_stamp stamp, int64_t day, struct err *err) {
	struct arena *a = arena_new();
	struct register_snapshot *s = ARENA_NEW(a, struct register_snapshot);
	struct err why = {0};
	int64_t size;
	*s = (struct register_snapshot){.users = 1, .stamp = stamp, .day = day, .arena = a};
	bool known = register_size(v, reg->full_name, REGISTER_CACHE_ROWS + 1, &size, &why);
	s->passed = !known || size > REGISTER_CACHE_ROWS || !read_rows(s, v, reg, &why);
	if (known && why.kind != ERR_TRANSIENT)
		return s;
	*err = why;
	arena_free(a);
	return NULL;
}

static struct register_snapshot *take_newest(struct register_cache *c, struct register_stamp stamp, int64_t day) {
	pthread_mutex_lock(&c->mutex);
	struct register_snapshot *s = c->newest;
	bool same = s && s->stamp.store == stamp.store && s->stamp.generation == stamp.generation && (day == REGISTER_ANY_DAY || s->day == day);
	if (same)
		atomic_fetch_add(&s->users, 1);
	pthread_mutex_unlock(&c->mutex);
	return same ? s : NULL;
}

/* An old view's does not push a new one out. */
static void keep(struct register_cache *c, struct register_snapshot *s) {
	pthread_mutex_lock(&c->mutex);
	struct register_snapshot *old = c->newest;
	bool newer = !old || old->stamp.store != s->stamp.store || old->stamp.generation < s->stamp.generation ||
	             (old->stamp.generation == s->stamp.generation && old->day < s->day);
	if (newer) {
		atomic_fetch_add(&s->users, 1);
		c->newest = s;
	}
	pthread_mutex_unlock(&c->mutex);
	if (newer)
		let_go(old);
}

bool register_cache_get(struct register_cache *c, struct view *v, const struct register_type *reg, int64_t day, struct arena *a, const struct register_snapshot **out, struct err *err) {
	struct register_stamp stamp = register_stamp(v);
	if (reg->valid_from == SIZE_MAX && reg->valid_until == SIZE_MAX)
		day = REGISTER_ANY_DAY;
	*out = NULL;
	if (!c || stamp.store == 0)
		return true;
	struct register_snapshot *s = take_newest(c, stamp, day);
	if (!s) {
		s = read_snapshot(v, reg, stamp, day, err);
		if (!s)
			return false;
		keep(c, s);
	}
	*out = s->passed ? NULL : s;
	if (s->passed || arena_defers(a, s))
		let_go(s);
	else
		arena_defer(a, let_go, s);
	return true;
}

struct value register_snapshot_rows(const struct register_snapshot *s) {
	return data_row_list(s->valid, s->valid_count, s->digest);
}

const struct value *register_snapshot_find(const struct register_snapshot *s, struct str key) {
	struct entry wanted = {key, NULL};
	const struct entry *found = s->count ? bsearch(&wanted, s->by_key, s->count, sizeof wanted, by_key) : NULL;
	return found ? found->row : NULL;
}
