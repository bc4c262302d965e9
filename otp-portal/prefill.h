/* prefill: what a logged-in visitor has said before, put into a start form (`start.prefill`). Shown to that visitor alone and never trusted: what is
 * posted goes through the gate like anything else. One request, in its arena. */
#ifndef OTP_PORTAL_PREFILL_H
#define OTP_PORTAL_PREFILL_H

#include "otp-portal/response.h"

/* Adds answers to fields of d's start form to *out. None when nobody is logged in. Only instances in which the visitor has acted count: an address
 * that somebody else typed says nothing. */
bool prefill_answers(struct request *r, struct view *v, const struct definition *d, struct answers *out, struct err *err);

#endif
