/* route: which page answers which path. The one place that judges method, host and origin. */
#ifndef OTP_PORTAL_ROUTE_H
#define OTP_PORTAL_ROUTE_H

#include "otp-portal/response.h"

/* Fills the response: finished, or with a change for the writer. */
void route_answer(struct request *r, struct response *out);
/* Asked when a head has come: whether its body may bring files, by method, host, origin and the form behind its path. */
bool route_takes_files(struct request *r);
/* The path takes a body of any type, unread and of at most REPORT_BYTES, and any query. */
bool route_takes_anything(struct request *r);
/* The headers that every answer carries. */
void route_secure(struct request *r, struct response *out);

#endif
