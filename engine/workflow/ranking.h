/* ranking: what one press does to a ranked list (a list of rows on a form with a catalogue). The list is the person's own and is changed where it is kept, so a press says what it does and not what
 * the list shall be: two devices never overwrite each other. Pure but for the register port. */
#ifndef ENGINE_WORKFLOW_RANKING_H
#define ENGINE_WORKFLOW_RANKING_H

#include "engine/workflow/form.h"

enum ranking_press { RANKING_ORDER, RANKING_ADD, RANKING_REMOVE, RANKING_UP, RANKING_DOWN };

struct ranking {
	enum ranking_press press;
	struct str key;  /* of the row; ORDER: none */
	struct str seen; /* ranking_mark of the list that was shown */
	struct ranking_numbers {
		struct ranking_number {
			struct str key;
			int64_t number;
		} *items; /* only those that differ from what was shown */
		size_t count, cap;
	} numbers; /* they count before the press */
};

/* A short text that differs when the rows or their order do. In arena. */
struct str ranking_mark(const struct value *list, struct arena *a);
/* What the press is, for an idempotency key. In arena. */
struct str ranking_text(const struct ranking *ranking, struct arena *a);
/* values, of which only the list changes, are judged as an answer would be; what cannot be is told in problems. *changed false: it is so already. CONFLICT "ranking.other": the list
 * is another than was shown, and what was pressed depends on it. */
bool ranking_apply(const struct form_world *world, const struct form_item *item, const struct ranking *ranking, struct arena *a, struct value *values, bool *changed,
                   struct form_problems *problems, struct err *err);

#endif
