/* register_past: registers as they were behind a replacement of long ago, for decisions that are taken again. What was read once is kept, for it does not change. */
#ifndef ENGINE_WORKFLOW_REGISTER_PAST_H
#define ENGINE_WORKFLOW_REGISTER_PAST_H

#include "engine/workflow/data.h"

struct past_registers {
	struct view *view;
	int64_t generation; /* set it before asking */
	struct arena *a;    /* its own */
	struct {
		struct past_register {
			const struct register_type *reg;
			int64_t changed; /* the newest replacement of this register up to generation */
			const struct value *rows;
			const struct value **by_key;
			size_t count;
			struct str digest;
		} *items;
		size_t count, cap;
	} known;
	struct {
		const struct register_type *reg;
		int64_t generation;
		size_t at; /* of known */
	} last;
};
struct past_registers *past_registers_new(void);
void past_registers_begin(struct past_registers *past, struct view *v); /* what was given out before is gone; call it for each instance */
void past_registers_free(struct past_registers *past);
struct register_port past_registers_port(struct past_registers *past); /* borrows it */

#endif
