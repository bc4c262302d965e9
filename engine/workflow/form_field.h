/* form_field: one typed text becomes one value of a field's kind, or is refused with a message key. Pure. */
#ifndef ENGINE_WORKFLOW_FORM_FIELD_H
#define ENGINE_WORKFLOW_FORM_FIELD_H

#include "engine/workflow/form.h"

struct field_refusal {
	const char *key; /* of languages/<lang>.yaml */
	struct str arg[2];
};

/* text is not blank. Every kind but ref and matrix, which need the register, and group, which is no single value. values: for date limits. */
bool field_parse(const struct form_world *world, const struct field *field, struct str text, const struct value *values,
                 struct arena *a, struct value *out, struct field_refusal *refusal);

#endif
