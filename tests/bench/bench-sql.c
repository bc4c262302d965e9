/* make bench: a whole transition beside the bare store. The shipped declaration's `assess` with three recipients (form, link, idempotency key, timers, history with
 * its chain, document, messages) is done COUNT times; then the statements that it executed, with the values that they had, are executed once more by SQLite alone on
 * a copy of the same store. What lies between is all that is ours.
 * argv: package folder, COUNT, transitions in a commit. Prints: transitions a second, the bare store's, statements a transition. */
#include "cli/command.h"
#include "engine/workflow/scenario.h"
#include "tests/bench/assess.h"

#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

enum { TEMPLATES = 512, ROUNDS = 3 };

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *why) {
	fprintf(stderr, "bench-sql: %s\n", why);
	exit(1);
}

/* --- recording --- */

static struct {
	bool on;
	char **statements; /* with their values */
	const char **templates;
	size_t count, cap;
} record;

static const char *template_of(const char *sql) {
	static char *known[TEMPLATES];
	size_t i = 0;
	while (i < TEMPLATES && known[i] && strcmp(known[i], sql) != 0)
		i++;
	if (i == TEMPLATES)
		die("too many statements");
	if (!known[i])
		known[i] = strdup(sql);
	return known[i];
}

static int note(unsigned what, void *context, void *statement, void *text) {
	(void)what, (void)context;
	if (!record.on || strncmp(text, "--", 2) == 0)
		return 0;
	if (record.count == record.cap) {
		record.cap = record.cap ? record.cap * 2 : 1024;
		record.statements = realloc(record.statements, record.cap * sizeof *record.statements);
		record.templates = realloc(record.templates, record.cap * sizeof *record.templates);
	}
	char *expanded = sqlite3_expanded_sql(statement);
	record.statements[record.count] = strdup(expanded);
	record.templates[record.count++] = template_of(sqlite3_sql(statement));
	sqlite3_free(expanded);
	return 0;
}

static int watch(sqlite3 *db, char **fault, const void *api) {
	(void)fault, (void)api;
	sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note, NULL);
	return SQLITE_OK;
}

/* --- executing again --- */

struct value_read {
	enum { READ_NULL, READ_INT, READ_REAL, READ_TEXT, READ_BLOB } type;
	int64_t integer;
	double real;
	char *bytes;
	size_t len;
};

struct step {
	sqlite3_stmt *statement;
	size_t first, count; /* of its values */
};

static struct value_read *values;
static size_t value_count, value_cap;

static int nibble(char c) {
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* One literal as sqlite3_expanded_sql writes it; returns what follows. */
static const char *read_literal(const char *at, struct value_read *out) {
	*out = (struct value_read){0};
	if (strncmp(at, "NULL", 4) == 0)
		return at + 4;
	if (*at == '\'' || *at == 'x') {
		bool blob = *at == 'x';
		at += blob + 1;
		out->type = blob ? READ_BLOB : READ_TEXT;
		out->bytes = malloc(strlen(at) + 1);
		for (; *at != '\'' || at[1] == '\''; at += blob ? 2 : 1 + (*at == '\''))
			out->bytes[out->len++] = blob ? (char)(nibble(at[0]) * 16 + nibble(at[1])) : *at;
		return at + 1;
	}
	char *end, *real_end;
	out->integer = strtoll(at, &end, 10);
	out->real = strtod(at, &real_end);
	out->type = real_end > end ? READ_REAL : READ_INT;
	return real_end > end ? real_end : end;
}

/* Both walked together: where the template has a mark, the text has a value. A mark of a number stands for what its first use has. */
static void read_values(const char *template, const char *text, struct step *step) {
	step->first = value_count;
	for (bool quoted = false; *template; template++) {
		quoted = quoted != (*template == '\'');
		if (*template != '?' || quoted) {
			if (*template != *text++)
				die("a statement that is not understood");
			continue;
		}
		if (value_count == value_cap)
			values = realloc(values, (value_cap = value_cap ? value_cap * 2 : 1024) * sizeof *values);
		struct value_read v;
		text = read_literal(text, &v);
		size_t number = step->count + 1;
		if (template[1] >= '0' && template[1] <= '9')
			number = strtoul(template + 1, (char **)&template, 10), template--;
		if (number == step->count + 1)
			values[value_count++] = v, step->count++;
	}
}

struct cache {
	const char *templates[TEMPLATES];
	sqlite3_stmt *statements[TEMPLATES];
};

static sqlite3_stmt *prepared(sqlite3 *db, struct cache *cache, const char *template) {
	size_t i = 0;
	while (cache->templates[i] && cache->templates[i] != template)
		i++;
	if (!cache->templates[i] && sqlite3_prepare_v3(db, template, -1, SQLITE_PREPARE_PERSISTENT, &cache->statements[i], NULL) != SQLITE_OK)
		die(sqlite3_errmsg(db));
	cache->templates[i] = template;
	return cache->statements[i];
}

static void bind(sqlite3_stmt *s, int at, const struct value_read *v) {
	if (v->type == READ_INT)
		sqlite3_bind_int64(s, at, v->integer);
	else if (v->type == READ_REAL)
		sqlite3_bind_double(s, at, v->real);
	else if (v->type == READ_TEXT)
		sqlite3_bind_text(s, at, v->bytes, (int)v->len, SQLITE_STATIC);
	else if (v->type == READ_BLOB)
		sqlite3_bind_blob(s, at, v->bytes, (int)v->len, SQLITE_STATIC);
}

static double execute_again(const char *path) {
	sqlite3 *db;
	struct cache cache = {0};
	struct step *steps = calloc(record.count, sizeof *steps);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die("the copy cannot be opened");
	sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864", NULL, NULL, NULL);
	sqlite3_wal_autocheckpoint(db, 0);
	for (size_t i = 0; i < record.count; i++) {
		steps[i].statement = prepared(db, &cache, record.templates[i]);
		read_values(record.templates[i], record.statements[i], &steps[i]);
	}
	double since = seconds();
	for (size_t i = 0; i < record.count; i++) {
		int code;
		for (size_t k = 0; k < steps[i].count; k++)
			bind(steps[i].statement, (int)k + 1, &values[steps[i].first + k]);
		while ((code = sqlite3_step(steps[i].statement)) == SQLITE_ROW)
			for (int column = 0; column < sqlite3_column_count(steps[i].statement); column++)
				sqlite3_column_blob(steps[i].statement, column);
		if (code != SQLITE_DONE)
			die(sqlite3_errmsg(db));
		sqlite3_reset(steps[i].statement);
		sqlite3_clear_bindings(steps[i].statement);
	}
	double took = seconds() - since;
	for (size_t i = 0; cache.templates[i]; i++)
		sqlite3_finalize(cache.statements[i]);
	sqlite3_close(db);
	free(steps);
	return took;
}

/* --- the transitions --- */

struct bench {
	struct open_site s;
	struct assessing of; /* its err is everybody's */
	struct arena *arena;
	struct link *links;
	unsigned char fingerprint[SECRET_FINGERPRINT];
};

static void must(struct bench *b, bool ok) {
	assess_must(&b->of, ok);
}

static void begin_instances(struct bench *b, int count) {
	struct tx *tx;
	struct err *err = &b->of.err;
	must(b, store_begin(b->s.store, &tx, err) && samples_load(b->s.site, tx, clock_now(), b->s.arena, &(struct problems){.arena = b->arena}, err));
	for (int i = 0; i < count; i++) {
		b->links[i] = assess_begin(&b->of, tx, i);
		b->links[i].task = str_from(strdup(arena_z(b->of.turn, b->links[i].task)));
		b->links[i].role = str_from(strdup(arena_z(b->of.turn, b->links[i].role)));
		arena_reset(b->of.turn);
	}
	must(b, store_commit(tx, err));
}

static double assess(struct bench *b, const char *path, int count, int batch) {
	struct tx *tx = NULL;
	b->s.store = store_open(path, b->fingerprint, &b->of.err);
	must(b, b->s.store != NULL);
	double since = seconds();
	for (int i = 0; i < count; i++) {
		must(b, i % batch != 0 || store_begin(b->s.store, &tx, &b->of.err));
		assess_act(&b->of, tx, &b->links[i], assess_answer, ASSESS_VERSION);
		must(b, (i % batch != batch - 1 && i != count - 1) || store_commit(tx, &b->of.err));
		arena_reset(b->of.turn);
	}
	double took = seconds() - since;
	store_close(b->s.store);
	b->s.store = NULL;
	return took;
}

static const char *copied(struct bench *b, const char *path, const char *suffix) {
	const char *copy = arena_printf(b->arena, "%s%s", path, suffix).at;
	char *command = strdup(arena_printf(b->arena, "cp %s %s", path, copy).at);
	if (system(command) != 0)
		die("cannot copy the store");
	free(command);
	return copy;
}

int main(int argc, char **argv) {
	struct bench b = {.arena = arena_new(), .of = {.turn = arena_new()}};
	struct problems problems = {.arena = b.arena};
	char folder[] = "/tmp/stafet-bench-XXXXXX";
	int count = argc > 3 ? (int)strtol(argv[2], NULL, 10) : 0, batch = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
	if (count < 1 || batch < 1 || !mkdtemp(folder))
		die("usage: bench-sql PACKAGE COUNT BATCH");
	b.links = calloc((size_t)count, sizeof *b.links);
	must(&b, secret_init(&b.of.err) && site_for_check(&b.s, config_for_packages(b.arena, argv + 1, 1), &problems, &b.of.err));
	keyring_fingerprint(site_keys(b.s.site), b.fingerprint);
	const char *path = arena_printf(b.arena, "%s/stafet.db", folder).at;
	clock_simulate(INT64_C(1772445600000), 0);
	b.of.site = b.s.site;
	b.of.engine = b.s.engine = engine_open(b.s.site);
	b.s.store = store_open(path, b.fingerprint, &b.of.err);
	must(&b, b.s.store != NULL);
	begin_instances(&b, count);
	store_close(b.s.store);
	double ours = 1e9, bare = 1e9;
	for (int i = 0; i < ROUNDS; i++) {
		double took = assess(&b, copied(&b, path, arena_printf(b.arena, ".%d", i).at), count, batch);
		ours = took < ours ? took : ours;
	}
	sqlite3_auto_extension((void (*)(void))watch);
	const char *traced = copied(&b, path, ".traced");
	record.on = true;
	assess(&b, traced, count, batch);
	record.on = false;
	sqlite3_reset_auto_extension();
	for (int i = 0; i < ROUNDS; i++) {
		double took = execute_again(copied(&b, path, arena_printf(b.arena, ".bare%d", i).at));
		bare = took < bare ? took : bare;
	}
	printf("%.0f %.0f %.1f\n", count / ours, count / bare, (double)record.count / count);
	site_shut(&b.s);
	return system(arena_printf(b.arena, "rm -r %s", folder).at) != 0;
}
