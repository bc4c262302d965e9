/* register_past: registers as they were behind a replacement of long ago, for a decision that is taken again. What was read once is kept as long as the arena. */
#ifndef ENGINE_WORKFLOW_REGISTER_PAST_H
#define ENGINE_WORKFLOW_REGISTER_PAST_H

#include "engine/workflow/data.h"

struct past_registers {
	struct view *view;
	struct arena *a;
	int64_t generation; /* set it before asking */
	struct {
		struct past_register {
			const struct register_type *reg;
			int64_t changed; /* the newest replacement of this register up to generation */
			const struct value *rows;
			const struct value **by_key;
			size_t count;
		} *items;
		size_t count, cap;
	} known;
};
struct register_port past_registers_port(struct past_registers *past); /* borrows it */

#endif
