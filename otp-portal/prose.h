/* prose: a package's texts on a page: Markdown with {{field}} placeholders, labels, and values as people read them. */
#ifndef OTP_PORTAL_PROSE_H
#define OTP_PORTAL_PROSE_H

#include "otp-portal/response.h"

/* Whose words, about what. */
struct prose {
	struct request *r;
	const struct package *package;
	const struct definition *definition;
	const struct value *values;       /* by slot; NULL: none */
	const struct instance *instance;  /* NULL: none yet */
	const struct register_port *registers;
	struct str here;                  /* path and query of the page, where files that it shows can be fetched; empty: nowhere */
};

/* Turns to an instance, read as its own definition says; in the request's arena. */
bool prose_read(struct prose *p, struct view *v, const struct instance *instance, struct err *err);
int64_t prose_day(const struct prose *p); /* today, at the site */
/* A text of the package in the request's language (texts_find); NULL: none. c may be NULL, d (struct str){0}. */
const struct text *prose_find(const struct prose *p, const char *a, struct str b, const char *c, struct str d);
/* The same as it is written; empty: none. */
struct str prose_get(const struct prose *p, const char *a, struct str b, const char *c, struct str d);
struct str prose_title(const struct prose *p); /* of the package */
struct str prose_start(const struct prose *p); /* what starting it is called: the title of its start form */
/* Label of a field, or its name; field: its words. */
struct str prose_label(const struct prose *p, struct str field);   /* where it is asked */
struct str prose_caption(const struct prose *p, struct str field); /* where its value is shown; else the label */
struct str prose_item(const struct prose *p, const struct field *group); /* what one of its items is called */
struct str prose_state(const struct prose *p, struct str state);
struct str prose_value(const struct prose *p, const struct field *field, const struct value *value);
/* The same in a row of a table or description list: a date is short where the texts say so. */
struct str prose_cell(const struct prose *p, const struct field *field, const struct value *value);
/* Appends a text of Markdown as HTML; NULL: nothing. */
void prose_write(const struct prose *p, const struct text *markdown, struct buf *out);
/* A description list of fields with their values: one row for dl; `change` NULL or the href of a link to change it. */
void prose_row(const struct prose *p, const struct field *field, struct str change, struct response *out);

#endif
