/* one_field: a page's only field: what somebody types to be let in or to confirm. */
#ifndef OTP_PORTAL_ONE_FIELD_H
#define OTP_PORTAL_ONE_FIELD_H

#include "otp-portal/response.h"

struct one_field {
	const char *label, *hint, *problem; /* message keys; problem NULL: none */
	const char *name, *attributes;
	struct str value;
};
/* The summary above the heading; nothing without a problem. */
void one_field_summary(struct request *r, const struct one_field *f, struct response *out);
void one_field_write(struct request *r, const struct one_field *f, struct response *out);

/* Of an input for a one-time code. */
#define CODE_INPUT "type=\"text\" class=\"short\" inputmode=\"numeric\" autocomplete=\"one-time-code\""

#endif
