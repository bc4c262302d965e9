/* report_page: /report/<token>, where an SMS gateway tells what became of a message, and /inbound/<token>, where it brings texts from phones. They are no pages for people: the token is the gateway's right, the answer says
 * only that what came is on disk. Nothing is understood here; the mailer does that. */
#ifndef OTP_PORTAL_REPORT_PAGE_H
#define OTP_PORTAL_REPORT_PAGE_H

#include "otp-portal/response.h"

void report_page(struct request *r, struct response *out);
void inbound_page(struct request *r, struct response *out);

#endif
