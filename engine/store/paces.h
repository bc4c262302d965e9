/* paces: how fast, and whether now, something is sent to: a relay, a gateway, a recipient domain. Kept here so that a restart forgets nothing.
 * What these numbers mean is the mailer's business (mailer/throttle.h). */
#ifndef ENGINE_STORE_PACES_H
#define ENGINE_STORE_PACES_H

#include "engine/store/store.h"

struct pace {
	struct str name;     /* a domain in small letters; ":mail", ":sms": the relay or gateway itself */
	int64_t open_at;     /* nothing is sent before */
	int64_t free_at;     /* when what its rate lets through is used up */
	int64_t interval_ms; /* slowed down to one in so long; 0: not slowed */
	int64_t strikes;     /* failures, or calls to slow down, since it went well */
	struct str answer;   /* the last of them */
};
struct pace_list {
	struct pace *items;
	size_t count, cap;
};

/* Zeros with that name when there is none. In arena. */
bool pace_load(struct view *v, struct str name, struct arena *a, struct pace *out, struct err *err);
bool pace_save(struct tx *tx, const struct pace *pace, struct err *err);
bool pace_list(struct view *v, struct arena *a, struct pace_list *out, struct err *err); /* by name */
/* Removes those that say nothing any more. */
bool pace_sweep(struct tx *tx, int64_t now, struct err *err);

#endif
