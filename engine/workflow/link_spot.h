/* link_spot: where in a Markdown text one stands, by what its template literally says: in the target of a link, where only URLs may be put, or
 * elsewhere, where none may. Values are escaped and so can neither begin nor end a target. Any thread. */
#ifndef ENGINE_WORKFLOW_LINK_SPOT_H
#define ENGINE_WORKFLOW_LINK_SPOT_H

#include "engine/base/str.h"

/* All zero: at the beginning of a text. */
struct link_spot {
	enum {
		LINK_SPOT_NONE,
		LINK_SPOT_TARGET, /* right behind "](" */
		LINK_SPOT_INSIDE  /* further inside a target, or where a "[name]: target" or "<https:target>" may have it */
	} kind;
	bool bracket, escaped; /* right behind a ], behind a backslash */
	bool definition, word; /* of a "[name]: target"; its target has begun */
	bool stray;            /* behind a < in the middle of a target: what it begins may go on behind the target's end */
	bool angle, autolink;  /* behind a < that is not closed yet; behind a colon that follows one, outside of [](): "<https:" */
	unsigned parentheses;  /* that are open inside the target */
};

void link_spot_text(struct link_spot *spot, struct str literal);
void link_spot_value(struct link_spot *spot); /* some value (not an empty one) was put here */

#endif
