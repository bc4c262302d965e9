/* form_page: the one form renderer. */
#ifndef OTP_PORTAL_FORM_PAGE_H
#define OTP_PORTAL_FORM_PAGE_H

#include "otp-portal/filling.h"

/* Page `page` of a form with what stands in its inputs. values: those that conditions and rows are judged by. problems may hold some of
 * other pages; what is of this one makes it a 422 page with a summary. change: it was opened from the check page, and goes back there. */
struct form_view {
	const struct filling *filling;
	size_t page;
	struct value *values;
	const struct answers *shown;
	const struct form_problems *problems;
	bool change;
	const struct value *saved; /* not NULL: what was saved elsewhere since the page was opened is shown above what was typed */
	bool stale;                /* what the page tells has changed since it was opened */
};
void form_page(const struct form_view *v, struct response *out);
/* What a page opens with: the draft's answers; before it was saved the first time, the values (but never a yes or no). */
struct answers form_page_shown(const struct filling *f, size_t page);
/* The page with answers and what is wrong with them; on the way to a change when the request says so. */
void form_page_filled(const struct filling *f, size_t page, const struct answers *shown, const struct form_problems *problems, struct value *values,
                      struct response *out);
/* After a refusal: the page where the first problem is, of what is true now, with everything that was typed. */
void form_page_refused(struct filling *f, const struct answers *answers, const struct form_problems *problems, struct response *out);

#endif
