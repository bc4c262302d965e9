/* metrics: what a running site tells whoever watches it, in Prometheus' text format. No address, token or name of a person stands in it: labels are words of the
 * program alone. docs/operations.md lists them. */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include "cli/command.h"
#include "mailer/inbox.h"
#include "otp-portal/portal.h"

struct metrics_source {
	const struct open_site *site;
	const struct portal *portal;
	const struct mailer_tally *tally;
	const struct inbox *inbox; /* NULL: no mailbox is read */
};
void metrics_write(const struct metrics_source *source, struct buf *out);

#endif
