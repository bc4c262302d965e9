/* scenario_run: one scenario under way. Private to scenario*.c. */
#ifndef ENGINE_WORKFLOW_SCENARIO_RUN_H
#define ENGINE_WORKFLOW_SCENARIO_RUN_H

#include "engine/workflow/scenario.h"

struct scenario {
	const struct scenario_options *options;
	const struct yaml *root;
	struct arena *a, *brief; /* brief: of one tick or one message */
	struct buf *out;
	struct store *store;
	struct engine *engine;
	int64_t instance_id;  /* the first one started */
	bool failed;          /* told already */
	LIST_OF(struct sent {
		struct outbox_row row;
		struct str text;  /* as rendered; empty without a renderer */
		struct str attached; /* "agreement, agreement+1" */
	}) sent;
	size_t seen;          /* of `sent`, by expectations so far */
	struct outbox_list expired; /* in the order in which it was found out */
	size_t expired_seen;
	bool held;            /* nothing is sent in this step */
	int64_t drawn_ms, written_ms; /* spent on documents, on messages */
};

/* Tells the first failure with its place; always false. */
__attribute__((format(printf, 3, 4))) bool scenario_fail(struct scenario *s, const struct yaml *at, const char *format, ...);
bool scenario_keys(struct scenario *s, const struct yaml *map, const char *const *allowed); /* NULL-terminated, at most 15 */
struct str scenario_text(const struct yaml *map, const char *key); /* empty: not there */
bool scenario_begin(struct scenario *s, const struct yaml *at, struct tx **tx);
bool scenario_end(struct scenario *s, const struct yaml *at, struct tx *tx, bool ok, const struct err *why);
bool scenario_instance(struct scenario *s, const struct yaml *step, struct view *v, struct instance *out);
/* The answers of a step's map; a map gives "name.key". */
bool scenario_answers(struct scenario *s, const struct yaml *map, struct answers *out);
/* A list of {file: scan.pdf, size: 20kB}; NULL: none. */
bool scenario_files(struct scenario *s, const struct yaml *list, struct reply *out);
/* Renders and "sends" everything that is queued, unless the step is held. */
bool scenario_deliver(struct scenario *s, const struct yaml *at);
/* scenario_documents.c */
bool scenario_draw(struct scenario *s, const struct yaml *at, struct tx *tx); /* everything that waits to be drawn */
bool scenario_attached(struct scenario *s, const struct yaml *at, struct view *v, int64_t outbox_id, struct str *names);
bool scenario_expect_documents(struct scenario *s, const struct yaml *list, struct view *v, const struct instance *instance);
/* scenario_claims.c */
bool scenario_expect_claims(struct scenario *s, const struct yaml *wanted, struct view *v, const struct instance *instance);
/* scenario_people.c */
bool scenario_expect_people(struct scenario *s, const struct yaml *wanted, struct view *v, const struct instance *instance);
bool scenario_contains(struct arena *a, struct str text, struct str wanted); /* wherever lines break */
struct str scenario_words(struct scenario *s, const struct yaml *node); /* a text, or a list as "a, b" */
bool scenario_expect(struct scenario *s, const struct yaml *step, const struct yaml *body);

#endif
