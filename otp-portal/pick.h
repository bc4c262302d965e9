/* pick: a page of a form on which one row of a catalogue is looked for and chosen. Its search is a GET, its choice the ordinary POST of the page, with the row's key as the answer. */
#ifndef OTP_PORTAL_PICK_H
#define OTP_PORTAL_PICK_H

#include "otp-portal/field.h"
#include "otp-portal/form_page.h"

/* Whether the page is one; it asks for nothing else then. */
bool pick_is(const struct form_page *page);
/* What was looked for when the row was chosen is kept beside the answer, so that whoever comes back to the list, because somebody else was faster, finds it as they left it. */
void pick_remember(const struct filling *f, size_t page, struct answers *typed);
/* The page as it is asked for: path and query. */
struct str pick_path(const struct form_view *v);
/* What stands in the place of the page's form. */
void pick_write(const struct form_view *v, const struct field_view *field, struct response *out);
/* The chosen row on the page to check the answers, whole; false: the field is no such. */
bool pick_check(const struct prose *p, const struct form_item *item, struct str change, struct response *out);
/* Below it: the way back to the catalogue, where there was one. */
void pick_regret(const struct filling *f, struct response *out);

#endif
