/* request: what a browser sent, parsed and limited. Everything here is made for one request and lies in its arena; one thread at a time.
 * Nothing of it is trusted: names and values are decoded UTF-8 without NUL, no more. */
#ifndef OTP_PORTAL_REQUEST_H
#define OTP_PORTAL_REQUEST_H

#include "otp-portal/portal.h"

enum {
	REQUEST_BODY = 256 * 1024,  /* bytes of a body */
	REQUEST_FIELDS = 500,       /* fields of a form or query */
	REQUEST_FIELD = 64 * 1024,  /* bytes of one field, encoded */
	REQUEST_HEADERS = 16 * 1024 /* bytes of all headers */
};

enum method { METHOD_GET = 1, METHOD_HEAD = 2, METHOD_POST = 4, METHOD_OTHER = 8 };

struct pair {
	struct str name, value;
};
struct pairs {
	struct pair *items;
	size_t count, cap;
};

struct assets;
struct sent_files;

/* What all requests of a portal share. Immutable while it is open. */
struct portal_world {
	struct portal_options options;
	struct str url;       /* of the listener: "http://127.0.0.1:8080" */
	struct str host;      /* of base_url: "example.org", with its port if it names one */
	int port;             /* of the listener */
	bool secure;          /* base_url is https */
	bool loopback;        /* loopback hosts with the listener's port are answered too */
	const struct assets *assets;
	struct sessions *sessions;
};

struct request {
	struct arena *arena;
	const struct portal_world *world;
	enum method method;
	struct str path;      /* as sent: nothing in it is unescaped */
	struct str rest;      /* what the route's pattern left open */
	struct pairs headers, query, form, cookies;
	struct str query_text; /* as sent */
	struct str body_text;  /* as sent, where the route takes any body */
	struct str client;    /* address of the visitor, behind trusted proxies */
	const struct language *language;
	bool language_chosen; /* by ?lang= or the hidden field of a form */
	int64_t now;          /* for what is shown; the writer has its own */
	const struct sent_files *files;     /* of a multipart body; NULL: none came */
	bool attached;                      /* those that could be taken are in the draft now */
	struct form_problems file_problems; /* of those that could not */
	int64_t file_found;                 /* the page that was asked for the file of ?file= shows it: its blob; 0: not (yet) */
};

enum method request_method(const char *name);
/* application/x-www-form-urlencoded: INPUT when a limit is passed or the text is broken. */
bool request_parse_fields(struct str text, struct arena *a, struct pairs *out, struct err *err);
/* Cookie header; what is no name=value is skipped. */
void request_parse_cookies(struct str text, struct arena *a, struct pairs *out);
/* Cuts path and query of a request target, which stays as it is; INPUT when it is no path. */
bool request_cut_target(struct str target, struct request *r, struct err *err);
/* The same, and reads the query; INPUT also when that is broken. */
bool request_parse_target(struct str target, struct request *r, struct err *err);
/* Refuses what could be read in two ways by two servers: INPUT. *length is -1 without Content-Length. */
bool request_judge_framing(const struct request *r, int64_t *length, struct err *err);
/* True when Host is the portal's own. */
bool request_host_known(const struct request *r);
/* True when a POST comes from one of our own pages, as far as the browser tells (Sec-Fetch-Site, else Origin). */
bool request_same_site(const struct request *r);
bool request_is_form(const struct request *r); /* Content-Type: urlencoded */
/* Sets language and language_chosen: form field or ?lang=, else `fallback` (a code, may be empty), else Accept-Language. */
void request_choose_language(struct request *r, struct str fallback);

/* The first value of that name; empty when there is none. Header names are compared without case. */
struct str request_header(const struct request *r, const char *name);
struct str request_header_list(const struct request *r, const char *name); /* of all of that name, with commas (RFC 9110 5.3). In arena. */
struct str request_query(const struct request *r, const char *name);
struct str request_form(const struct request *r, const char *name);
struct str request_cookie(const struct request *r, const char *name);

#endif
