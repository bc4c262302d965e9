/* gateway: the description of an SMS gateway: what it is asked with, by which answer it has taken a message, and how its delivery reports read. Descriptions of some
 * are built in (gateways/<name>.yaml); a site may bring a file of its own. docs/sms-gateways.md tells every key. Immutable after opening: any thread. */
#ifndef MAILER_GATEWAY_H
#define MAILER_GATEWAY_H

#include "engine/base/config.h"
#include "engine/store/delivery.h"

struct text_list {
	struct str *items;
	size_t count;
};

struct gateway {
	struct str url, query, body, content_type; /* templates (sms_template.h); with a body it is a POST */
	struct text_list headers;
	struct str gsm, ucs2; /* what {{coding}} says */
	struct {
		struct text_list status; /* HTTP; none: any of 2xx */
		struct text_list begins; /* one of these begins the answer */
		struct str member;   /* the answer is JSON that has this */
	} success;
	struct {
		struct str member;   /* the answer is JSON, and this tells why it was refused; empty: the answer begins with the reason */
		struct text_list barred;    /* reasons: this number gets nothing */
		struct text_list no_number; /* reasons: there is no such number */
	} refusal;
	struct {
		struct str status; /* the parameter or member that tells it; empty: there are no reports */
		struct text_list words[DELIVERIES];
		struct text_list no_number; /* failed, and not because of this message */
		struct text_list reason; /* where a reason may stand, in this order */
	} report;
	struct {
		struct str from, text; /* the parameters or members that tell them; empty: texts do not come in */
		struct str id, charset;
	} inbound;
};

/* Reads the description that config->gateway names, and puts the site's own url into it. NULL: there is none, or it is wrong (INPUT, PERMANENT). In arena. */
struct gateway *gateway_open(struct arena *a, const struct sms_config *config, struct err *err);
/* The same from a text that is not trusted. */
struct gateway *gateway_parse(struct arena *a, const char *file, struct str text, struct err *err);

/* A report as it came. */
struct report_text {
	struct str query, type, body; /* type: Content-Type of the body */
};
/* What it says: NONE when that is not understood. *dead: there is no such number. *status and *reason: as told, made one plain line, in arena; empty: not told. */
enum delivery gateway_report(const struct gateway *g, const struct report_text *report, struct arena *a, bool *dead, struct str *status, struct str *reason);

/* A text from a phone. */
struct inbound {
	struct str from, text, id; /* text may have line ends; id empty: not told */
};
/* False: it does not say from whom and what. *names: of the parameters and members that came, in one line. In arena. */
bool gateway_inbound(const struct gateway *g, const struct report_text *came, struct arena *a, struct inbound *out, struct str *names);

#endif
