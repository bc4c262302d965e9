/* check_page: the answers before they are sent, each with a way to change it. */
#ifndef OTP_PORTAL_CHECK_PAGE_H
#define OTP_PORTAL_CHECK_PAGE_H

#include "otp-portal/filling.h"

void check_page(const struct filling *f, struct value *values, struct response *out);

#endif
