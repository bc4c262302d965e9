/* later: "save and finish later". What is typed is saved, and the link to it goes by mail or SMS to whom it is for: the contact that the link was sent to, or
 * the one who starts, as typed in the start form. Nothing of the answers is in the message. */
#ifndef OTP_PORTAL_LATER_H
#define OTP_PORTAL_LATER_H

#include "otp-portal/filling.h"

/* Where the link goes. */
struct later {
	const struct portal_world *world;
	enum channel channel;
	struct str address;           /* normal; empty: nowhere */
	int64_t contact_id;           /* 0: typed in a start form */
	struct str language, network; /* network: hashed */
};

/* A form that is done with one press has no use for it. */
bool later_offered(const struct form *form);
bool later_pressed(const struct filling *f);
/* contact id 0: the starter's, as far as the answers give a valid one. */
bool later_find(const struct filling *f, const struct contact *contact, const struct answers *answers, struct later *out, struct err *err);
/* In the transaction that saved the draft. Where a limit is reached nothing is sent, and nobody is told. */
bool later_send(const struct later *l, const struct link *link, struct tx *tx, int64_t now, struct arena *a, struct err *err);
/* Says what happened, whether or not a limit was reached. */
void later_page(const struct filling *f, const struct contact *contact, const struct link *link, struct response *out);

#endif
