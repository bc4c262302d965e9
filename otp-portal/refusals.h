/* refusals: requests that were turned away (forged, cross-site, too large, too often), told in the log: some of each minute, and how many more there were, so
 * that nobody fills the log. Any thread. */
#ifndef OTP_PORTAL_REFUSALS_H
#define OTP_PORTAL_REFUSALS_H

#include "otp-portal/request.h"

enum { REFUSALS_TOLD = 30 }; /* of one minute */

struct refusals;
struct refusals *refusals_open(void); /* caller closes */
void refusals_close(struct refusals *f);
/* Tells it when `status` is one; an address that does not exist is one only where addresses are secrets or rights. */
void refusals_note(struct refusals *f, struct request *r, unsigned status);

#endif
