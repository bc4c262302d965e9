/* list_sieve: the form above a list: search, filters, order. */
#ifndef OTP_PORTAL_LIST_SIEVE_H
#define OTP_PORTAL_LIST_SIEVE_H

#include "otp-portal/list_ask.h"

/* prose: of the list's package, without an instance. */
bool list_sieve(const struct list_ask *ask, struct view *v, const struct prose *prose, struct response *out, struct err *err);

#endif
