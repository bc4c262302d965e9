/* scenario: a package's tests (scenarios/<name>.yaml) on a virtual clock, against the real engine and an in-memory store, with messages recorded instead of
 * sent. docs/workflow-language.md, "Scenarios", is the reference. One thread; moves the process's clock. */
#ifndef ENGINE_WORKFLOW_SCENARIO_H
#define ENGINE_WORKFLOW_SCENARIO_H

#include "engine/workflow/engine.h"

/* What the scenarios of one definition have touched. */
struct coverage;
struct coverage *coverage_new(const struct definition *d, struct coverage *next, struct arena *a); /* next: of the packages before, or NULL: what is noted for one is noted for each that it is of */
void coverage_note(struct coverage *c, const struct definition *d, const struct decision *decision);
/* "states 7/8 (never entered: expired)", transitions and guards likewise, one line each. True when everything was touched. */
bool coverage_report(const struct coverage *c, struct buf *out);

struct scenario_options {
	struct site *site;
	const struct package *package;
	/* Renders a message as it would be sent, so that every message a scenario sends is known to render; text in arena. NULL: not rendered. */
	bool (*render)(void *context, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a, struct str *text, struct err *err);
	void *context;
	/* Draws a document that was taken, and keeps it: drawing -> ready. NULL: documents are not drawn, and what they are attached to is not sent. */
	bool (*draw)(void *context, struct site *site, struct tx *tx, struct document *d, struct arena *a, struct err *err);
	/* Where a scenario is played instead (the demo's samples): `now` is then a span before this instant, such as 40d, an answer such as "=today + 14d" is computed, each
	 * message is given to keep, and in the end the clock stands at this instant. store NULL: each scenario has a store of its own in memory. */
	struct store *store;
	struct engine *engine;
	int64_t now;
	bool (*keep)(void *context, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct err *err);
	/* Is shown the store when a scenario has passed. NULL: nobody looks. */
	bool (*ended)(void *context, const char *path, struct view *v, struct err *err);
	struct coverage *coverage;
	struct buf *covers; /* requirement IDs of `covers` are appended, one a line */
	bool times;         /* of a scenario that passes: the seconds of the processor that each part of it took, in a line of its own */
};
/* Runs one file. Writes one line "ok ..." or "FAIL file:line:column: ..." to out; true when it passed. */
bool scenario_run(const struct scenario_options *options, const char *path, struct buf *out);

/* Loads the samples of all registers of the site's packages. */
bool samples_load(struct site *site, struct tx *tx, int64_t now, struct arena *a, struct problems *problems, struct err *err);
/* One register from a file (path ends with a zero byte), in place of what it held. */
bool sample_load(struct site *site, struct tx *tx, const struct register_type *reg, struct str path, int64_t now, struct arena *a, struct problems *problems, struct err *err);

#endif
