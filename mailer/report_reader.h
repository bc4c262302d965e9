/* report_reader: reads through the gateway's description what the portal kept of its reports. Any of the mailer's threads, one at a time. */
#ifndef MAILER_REPORT_READER_H
#define MAILER_REPORT_READER_H

#include "engine/store/reports.h"
#include "mailer/gateway.h"
#include "mailer/mailer.h"

/* The oldest that are not read yet, a page of them; more are left for the next call, and reading some wakes the mailer. One that is not understood is logged,
 * and changes nothing. */
bool reports_read(const struct mailer_options *options, const struct gateway *gateway, struct err *err);
/* report_read(), and an event of the instance when the message is lost by it. dead: there is no such address. */
bool report_tell(struct tx *tx, const struct report *report, enum delivery delivery, struct str reason, bool dead, int64_t now, struct err *err);

#endif
