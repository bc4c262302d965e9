/* filling: a form under way: what the instance knows, what the draft holds, what was typed now, and which page comes next.
 * One for a request, in its arena. */
#ifndef OTP_PORTAL_FILLING_H
#define OTP_PORTAL_FILLING_H

#include "otp-portal/prose.h"

struct filling {
	struct prose prose;         /* its values: those of the page shown */
	const struct form *form;
	struct str role;            /* who fills in */
	struct form_world world;
	const struct value *base;   /* the instance's values, or the defaults */
	struct answers draft;
	struct answers known;       /* what a logged-in visitor said before: shown on pages of a start form that were not saved yet */
	const char *note;           /* a word to whoever opens the first page; NULL: none */
	struct str path;            /* "/l/<token>", "/l/<token>?event=<event>", "/start/<workflow>" */
	struct str home;            /* the page that offered this event beside its own; empty: none */
	const struct event_rule *offers; /* whose `also` stand below the first page; NULL: none */
	int64_t version;            /* of the instance, as the form was shown */
	struct str once;            /* a start form's own number, so that a second press is known; empty: the link tells */
};

/* The defaults of a definition's fields, for a form whose instance does not exist yet. */
bool filling_defaults(const struct form_world *world, struct arena *a, struct value **out, struct err *err);
/* The same filling over another view of the store, with what stands there now. */
void filling_look_again(struct filling *f, const struct register_port *port);
/* The draft with this page's answers replaced by what was posted. */
struct answers filling_typed(const struct filling *f, size_t page);
bool filling_was_saved(const struct filling *f, size_t page);
/* Whether "add another" or "remove" was pressed, and not the button that goes on. */
bool filling_edits_inputs(const struct filling *f);
/* Whether the page that was posted had this field on it; true when it does not say so (it was not sent from one of our pages). */
bool filling_was_asked(const struct filling *f, struct str field);
/* For a page that was posted and checked. What is asked only because of its own answers is no fault yet: its problems go, and its inputs open with what the
 * instance knows. False: there is nothing such. */
bool filling_asks_more(const struct filling *f, size_t page, const struct value *values, struct answers *answers, struct form_problems *problems);
/* Values after pages [0, count) with these answers; what is wrong on them is appended to problems. */
bool filling_values(const struct filling *f, size_t count, const struct answers *answers, struct value **out,
                    struct form_problems *problems, struct err *err);
/* The same for one page over values, in place. */
bool filling_check(const struct filling *f, size_t page, const struct answers *answers, struct value *values,
                   struct form_problems *problems, struct err *err);
/* The first page that the draft does not answer; form->pages.count: none. */
bool filling_open_page(const struct filling *f, const struct answers *answers, size_t *page, struct err *err);
/* Where somebody who comes back goes on: the first page that they have not gone on from, and none behind `open`. */
bool filling_resume(const struct filling *f, size_t open, size_t *page, struct err *err);
/* The first page from `page` on that asks or shows something; form->pages.count: none. */
size_t filling_next(const struct filling *f, const struct value *values, size_t page);
/* The field of the page that an answer or a problem of that name belongs to (form_belongs). NULL: none. */
const struct field *filling_field(const struct form_page *page, struct str name);
/* The page where this problem belongs. */
size_t filling_page_of(const struct filling *f, struct str problem);
/* "<path>?step=2" with the language; page == form->pages.count: step=check. */
struct str filling_step(const struct filling *f, struct str path, size_t page);
/* Whether it was sealed by this form through this link, or on this page: such a one may come back with the page, and no other. */
bool filling_sealed_here(const struct filling *f, const struct field *field, struct str sealed);
/* The answers as a draft keeps them; empty: too large for one. */
struct str filling_json(const struct answers *answers, struct arena *a);

#endif
