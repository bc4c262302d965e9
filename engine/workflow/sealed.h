/* sealed: what a sensitive field holds: its text encrypted, whose it is, and what people may see of it (design.md promise 9). Kept and passed on as
 * one text, "KEY.BASE64URL whose mask"; a value of kind KIND_SEALED holds it. Only the gate (form.h) and a page that reveals ever open one. */
#ifndef ENGINE_WORKFLOW_SEALED_H
#define ENGINE_WORKFLOW_SEALED_H

#include "engine/base/secret.h"

/* whose: "K7QF-3MXP/number" without blanks: it opens as this alone. In arena. */
struct str sealed_make(const struct keyring *keys, struct str whose, struct str mask, struct str plain, struct arena *a);
/* False: another key, or it was changed. *plain in arena. */
bool sealed_open(const struct keyring *keys, struct str sealed, struct arena *a, struct str *plain);
struct str sealed_whose(struct str sealed); /* borrowed, as the next */
struct str sealed_mask(struct str sealed);  /* "0707****"; empty: what was typed was no answer */
/* The first `shown` characters, but never the last four, and four stars. In arena. */
struct str sealed_mask_of(struct str plain, int64_t shown, struct arena *a);

#endif
