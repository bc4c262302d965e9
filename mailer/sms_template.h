/* sms_template: the URL, its query, a header or the body of an SMS gateway's description, filled with one message. Pure. */
#ifndef MAILER_SMS_TEMPLATE_H
#define MAILER_SMS_TEMPLATE_H

#include "engine/base/err.h"

/* Where a placeholder stands decides how its value is escaped. In JSON a placeholder inside quotes becomes the inside of a string, one
 * outside of them a whole string, but what is a number a number. */
enum sms_place { SMS_PLACE_URL, SMS_PLACE_FORM, SMS_PLACE_JSON, SMS_PLACE_HEADER };

struct sms_fields {
	struct str to, digits, text, reference, report_url; /* digits: to without its + */
	struct str from, user, token;                       /* of the site: PERMANENT when one that is asked for is not given */
	struct str coding, minutes, seconds;                /* coding: the gateway's word for GSM or UCS-2; the others: how long it is of use */
};
/* Appends the template to out, each {{name}} replaced. PERMANENT: an unknown name, a {{ without }}, too long; INPUT: a value does not pass the gate. */
bool sms_template_fill(struct buf *out, struct str template, enum sms_place place, const struct sms_fields *fields, struct err *err);

#endif
