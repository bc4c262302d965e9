/* definition_checks: what the files of definition_check share. Internal. */
#ifndef ENGINE_WORKFLOW_DEFINITION_CHECKS_H
#define ENGINE_WORKFLOW_DEFINITION_CHECKS_H

#include "engine/workflow/definition_flow.h"
#include "engine/workflow/texts.h"

struct checker {
	const struct definition *d;
	const struct texts *texts; /* NULL: none */
	struct problems *problems;
	size_t first;              /* of the problems, the first of this check */
	struct flow *flow;
	struct arena *arena;       /* of this check */
};

/* As problem_error and problem_warn, but says the same thing in the same place once. */
__attribute__((format(printf, 4, 5))) void checker_tell(struct checker *c, bool warning, struct yaml_place place, const char *format, ...);

struct str_set {
	struct str *items;
	size_t count, cap;
};

void check_machine(struct checker *c); /* states: reachability, exits, timeouts, ties; names and links */
void check_ties(struct checker *c);
void check_start(struct checker *c);   /* public start, contacts of roles */
void check_draws(struct checker *c);   /* seeds that were not committed, or are revealed */
void check_reads(struct checker *c);   /* fields that are read where they may be unset */
void check_words(struct checker *c);   /* texts of pages, per language */
void check_messages(struct checker *c);
void check_series(struct checker *c);    /* documents that are attached or added to, and may not be there */
void check_documents(struct checker *c); /* their texts */

/* A template where it is used. */
struct template_use {
	const struct template *template;
	const char *const *own_names; /* that it may use beside fields; NULL-terminated */
	const char *kind;             /* "messages" */
	struct str when;              /* "message 'x' is sent" */
	bool without_link;
};
/* Tells unknown names, and fields that may be unset there. Whether it uses {{link}}. */
bool check_template_names(struct checker *c, const struct flow_point *point, const struct template_use *use);

/* A date such as "12. marts" at the start of a line becomes a numbered list in Markdown; the line, or empty. */
struct str check_list_start(struct str markdown);
/* Whether it stands in a section over a group, and is one of its fields. */
bool check_in_group(const struct definition *d, const struct template_name *name);

#endif
