/* proof: what a binding act (an event with `code: true`) asks for beyond its link. Here it is a one-time code of six digits, sent to the field that the
 * role's `code` names; another proof of who acts (a log-in at an identity provider) would take the place of these functions.
 *
 * A code is bound to the link, the event, the version that was shown, where it was sent and the answers: changed answers need a new code. It works for 10 minutes and three
 * tries that are counted before they are compared. Ten wrong codes to one address or number in a day end it there. */
#ifndef OTP_PORTAL_PROOF_H
#define OTP_PORTAL_PROOF_H

#include "otp-portal/filling.h"

/* What the act of a page needs to be proved for, as the job of the writer sees it. */
struct proof {
	const struct portal_world *world;
	struct link link;
	struct str event;
	int64_t version;
	struct str to;          /* where the code goes; empty: nobody knows */
	enum channel channel;
	struct str language;
	struct str typed;       /* the code */
};
enum proof_outcome { PROOF_GOOD, PROOF_WRONG, PROOF_GONE }; /* GONE: no code is open for these answers */

bool proof_needed(const struct link_view *look);
struct proof proof_of(struct request *r, const struct link_view *look, int64_t version);
/* Instead of acting: keeps the answers as the draft (NULL: they are the draft), sends the code, and leads to its page. */
void proof_ask(const struct filling *f, const struct link_view *look, const struct answers *answers, struct response *out);
/* Whether a code was *sent for the answers as they are, and is still *open. */
bool proof_state(const struct proof *p, struct view *v, int64_t now, struct arena *a, bool *sent, bool *open, struct err *err);
/* Where somebody types it. problem: a message key, or NULL. */
void proof_page(const struct filling *f, const struct proof *p, const char *problem, struct response *out);
/* In the writer, inside the act's transaction: counts the try, compares, uses the code up; *draft: the answers that it was sent for. What is not GOOD must
 * be committed and nothing acted. DENIED "code.too-many": too many wrong ones. CONFLICT: the link is not live. */
bool proof_check(const struct proof *p, struct tx *tx, int64_t now, struct arena *a, enum proof_outcome *outcome, struct str *draft, struct err *err);

#endif
