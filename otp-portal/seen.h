/* seen: what a page of a form showed when it was sent. Somebody may have saved or changed it since: on another device, in another window. Nobody's newer
 * answers are overwritten unseen. The mark stands in a hidden input named .seen; a post without it is judged by nothing. */
#ifndef OTP_PORTAL_SEEN_H
#define OTP_PORTAL_SEEN_H

#include "otp-portal/filling.h"

/* Of what the page opens with now; page == form->pages.count: of all answers, for the check page. In arena. */
struct str seen_mark(const struct filling *f, size_t page);
/* Of what the page tells beside its inputs (`show`), which stands in .facts; empty: nothing. In arena. */
struct str seen_facts(const struct filling *f, size_t page);
/* Whether the page that was posted told something else than it would tell now. */
bool seen_other_facts(const struct filling *f, size_t page);
/* Whether something else stood on the page that was posted than stands there now. */
bool seen_other(const struct filling *f, size_t page);
/* And the typed answers do not say just that. */
bool seen_overwrites(const struct filling *f, size_t page, const struct answers *typed);

#endif
