/* prefill: what stands in a start form to begin with: what a logged-in visitor has said before (`start.prefill`), and what the link to it says (`start.from_link`). Shown to that visitor alone and never trusted: what is
 * posted goes through the gate like anything else. One request, in its arena. */
#ifndef OTP_PORTAL_PREFILL_H
#define OTP_PORTAL_PREFILL_H

#include "otp-portal/filling.h"

/* Adds answers to fields of d's start form to *out. None when nobody is logged in. Only instances in which the visitor has acted count: an address
 * that somebody else typed says nothing. */
bool prefill_answers(struct request *r, struct view *v, const struct definition *d, struct answers *out, struct err *err);
/* What the address of a start form fills in (`start.from_link`) becomes f's draft, and stays in f->path; what is wrong is left out, and f->note says so.
 * Nothing is stored by it. */
bool prefill_from_link(struct filling *f, struct err *err);

#endif
