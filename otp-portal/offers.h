/* offers: the other events that an event's page offers (`also`), as ways to their own forms. */
#ifndef OTP_PORTAL_OFFERS_H
#define OTP_PORTAL_OFFERS_H

#include "otp-portal/prose.h"

/* path: of the link. Nothing when the event offers none. */
void offers_write(const struct prose *p, const struct event_rule *event, struct str path, struct response *out);

#endif
