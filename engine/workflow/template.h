/* template: a subset of mustache. {{name}} {{a.b}} {{.}} {{#section}} {{^inverted}} {{/section}} {{! comment}}. No partials, no lambdas, no
 * change of delimiters, no unescaped form: how a value is escaped is decided by the target. Values are never parsed again as a template.
 * Compiled templates are immutable: any thread. */
#ifndef ENGINE_WORKFLOW_TEMPLATE_H
#define ENGINE_WORKFLOW_TEMPLATE_H

#include "engine/base/yaml.h"

struct template;

enum { TEMPLATE_DEPTH = 16 }; /* sections in each other */

enum template_target {
	TEMPLATE_MARKDOWN, /* punctuation of values backslash-escaped, newlines as hard breaks, also in a table's row; URLs only as link targets */
	TEMPLATE_HEADER,   /* values through the gate: no control characters, newlines become blanks */
	TEMPLATE_SMS,      /* escape_sms */
	TEMPLATE_PLAIN     /* as they are */
};

/* Problems with line and column: unclosed section, bad name, {{{ }}}, more than 64 KiB, sections deeper than 16. NULL on error. */
const struct template *template_compile(struct arena *a, struct str text, struct yaml_place place, struct problems *problems);

/* What a name stands for at rendering. */
struct template_value {
	enum { TV_NONE, TV_TEXT, TV_URL, TV_TRUE, TV_FALSE, TV_LIST } kind;
	struct str text;                        /* TEXT, URL */
	size_t count;                           /* LIST */
	const struct template_value *items;     /* LIST */
	/* LIST items may have members: {{#levels}}{{label}} {{value}}{{/levels}} */
	const struct template_member {
		struct str name;
		const struct template_value *value;
	} *members;
	size_t member_count;
};
struct template_source {
	void *context;
	/* Whole dotted name; TV_NONE when it is unset. Memory in arena. */
	struct template_value (*lookup)(void *context, struct str name, struct arena *a);
};
/* Limits by the buffer, and a million steps. False: a URL stands where none may (MARKDOWN: outside a link target). */
bool template_render(const struct template *t, enum template_target target, const struct template_source *source,
                     struct arena *a, struct buf *out, struct err *err);
/* The names that it uses (section names too); in_section: only inside a section of the same name, so it may be unset. */
struct template_name {
	struct str name;
	bool guarded;
	struct yaml_place place;
	struct str sections[TEMPLATE_DEPTH]; /* around it, the outermost first */
	size_t section_count;
};
struct template_names {
	struct template_name *items;
	size_t count, cap;
};
void template_names(const struct template *t, struct arena *a, struct template_names *out);

#endif
