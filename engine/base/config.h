/* config: a site's stafet.yaml, read once. Immutable: any thread. */
#ifndef ENGINE_BASE_CONFIG_H
#define ENGINE_BASE_CONFIG_H

#include "engine/base/logo.h"
#include "engine/base/quiet.h"

/* What comes in starts a workflow: by the address that a mail was for, or by the first word of a text ("*": by any other). */
struct start_names {
	struct str *names, *workflows;
	size_t count;
};

struct mail_config {
	struct str from_name, from_address; /* From:, and MAIL FROM unless bounce_address is set */
	struct str bounce_address, reply_to;
	struct str relay;    /* "smtp://host:587", "smtps://host:465"; empty: capture (demo only) */
	struct str user, password_file;
	enum { TLS_REQUIRED, TLS_OPTIONAL, TLS_OFF } tls; /* STARTTLS; default required */
	struct str ca_file;  /* PEM; empty: the system's */
	int connections;     /* sender threads, default 4 */
	struct str *dkim_selectors; /* that the relay signs with: their keys can be looked at */
	size_t dkim_selector_count;
	struct quiet quiet;  /* what need not go at once waits for its end; default none */
	int per_connection;  /* mails that one connection takes, default 100 */
	int idle_seconds;    /* after so long without a mail a connection is closed, default 20 */
	int per_minute;      /* mails that the relay takes in a minute; 0: no limit */
	struct mail_rates {
		struct str *domains;        /* with a rate of their own */
		int64_t *per_minute;
		size_t count;
		int64_t other;       /* of each other recipient domain; 0: no limit */
	} per_domain;
	struct mail_config *fallback; /* a second relay, while the first does not work: relay, user, password_file, tls, ca_file; NULL: none */
};

struct sms_config {
	struct str gateway; /* name of a description that is built in, or path of one; empty: no SMS is sent */
	struct str url;     /* instead of the one in the description */
	struct str from, user, token_file;
	struct str country; /* calling code for numbers without +, default 45 */
	int64_t *allowed; /* calling codes that may be sent to; default 45 298 299; NULL: any */
	size_t allowed_count;
	int64_t per_day, per_number; /* parts that a day may cost, in all (default 2000) and to one number (30) */
	struct quiet quiet;
	struct start_names starts;
};

/* Where mail comes in. */
struct inbox_config {
	struct str url; /* imaps://host:port, imap:// only to this computer; empty: none is read */
	struct str user, password_file, ca_file;
	struct str folder; /* default INBOX */
	struct start_names starts;
};

/* A text for readers: in each language, or one for all of them. */
struct local_text {
	struct str *languages; /* NULL: one text for all */
	struct str *texts;
	size_t count;
};

struct site_config {
	const char *folder;   /* of the site */
	struct str name;      /* shown on pages and in mails */
	struct str base_url;  /* without slash at the end */
	struct str listen;    /* "127.0.0.1:8080" */
	struct str metrics;   /* "127.0.0.1:9101": only this machine; empty: off */
	struct str zone, holidays, closed_days_file;
	struct str *languages; /* offered, first is the default: da, en */
	size_t language_count;
	struct str *packages; /* absolute paths */
	size_t package_count;
	struct str *trusted_proxies; /* addresses whose X-Forwarded-For is believed; default none */
	size_t trusted_proxy_count;
	struct local_text contact; /* a line with whom to ask for help */
	struct local_text help;    /* Markdown of the page /help; none: there is no such page */
	struct str colour;    /* "#0b5e56"; empty: the product's own */
	struct str logo_file; /* absolute path */
	struct logo logo;     /* read from it */
	int keep_received;    /* days that what came in is kept after its case has ended; default 365 */
	struct str key_file;  /* absolute path, default <folder>/keys */
	struct str data_file; /* absolute path, default <folder>/data/stafet.db */
	struct mail_config mail;
	struct sms_config sms;
	struct inbox_config inbox;
};

/* Reads <folder>/stafet.yaml. NULL on error (text begins with file:line:column); memory in arena. */
struct site_config *config_read(struct arena *a, const char *folder, struct err *err);

/* Whether a number (+4520123456) may be sent to: its calling code is allowed. */
bool config_texts_to(const struct sms_config *sms, struct str number);
/* In that language; empty when there is none. */
struct str local_text_in(const struct local_text *text, struct str language);

#endif
