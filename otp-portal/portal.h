/* portal: the web server (libmicrohttpd: epoll, a pool of 2 threads; never blocks one of them: a request that writes is suspended until the
 * writer has committed). Parses and limits requests, hands them to route.c, sends what comes back. The only file that includes libmicrohttpd. */
#ifndef OTP_PORTAL_PORTAL_H
#define OTP_PORTAL_PORTAL_H

#include "engine/workflow/writer.h"
#include "otp-portal/traffic.h"

struct portal;

/* One captured message, for people. */
struct inbox_entry {
	int64_t id, at;
	enum channel channel;
	struct str message_id, to, subject, text, html;
	struct {
		struct str name, value;
	} *headers;
	size_t header_count;
	struct str *links;
	size_t link_count;
	struct inbox_file {
		struct str name, type, bytes;
	} *files; /* that came along */
	size_t file_count;
};

struct portal_options {
	struct site *site;
	struct store *store;
	struct engine *engine;
	struct writer *writer;
	const char *listen;  /* "127.0.0.1:8080"; port 0: a free one */
	bool demo;           /* /demo/... exists */
	void (*clock_moved)(void *context); /* demo: wakes mailer and writer */
	/* Parses a captured mail for /demo/inbox, so that portal and mailer need not know each other: fills the members that design.md section 8 names. */
	bool (*inbox_entry)(void *context, const struct captured *row, struct arena *a, struct inbox_entry *out, struct err *err);
	void *context;
	/* The command line's door: a unix socket that only the same user (or root) may use. NULL: none. argv of a command; its output and exit status. */
	const char *socket_path;
	int (*command)(void *context, int argc, char **argv, struct buf *out);
};

struct portal *portal_open(const struct portal_options *options, struct err *err); /* accepts connections when it returns */
void portal_close(struct portal *p); /* answers what is under way, then stops */
const struct traffic *portal_traffic(const struct portal *p); /* borrowed until portal_close */
const char *portal_url(const struct portal *p); /* "http://127.0.0.1:8080" with the real port */

#endif
