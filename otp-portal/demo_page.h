/* demo_page: what exists in demo mode alone (design.md section 8): captured mail and SMS for people and as JSON, and the clock. */
#ifndef OTP_PORTAL_DEMO_PAGE_H
#define OTP_PORTAL_DEMO_PAGE_H

#include "otp-portal/response.h"

void demo_inbox(struct request *r, struct response *out);       /* /demo/inbox */
void demo_message(struct request *r, struct response *out);     /* /demo/inbox/<id> */
void demo_inbox_json(struct request *r, struct response *out);  /* /demo/inbox.json, oldest first; ?after=ID */
void demo_clock(struct request *r, struct response *out);       /* POST advance=7d or set=2024-04-02T12:00 */

#endif
