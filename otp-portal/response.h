/* response: what goes back: finished, or a change that the writer makes first. */
#ifndef OTP_PORTAL_RESPONSE_H
#define OTP_PORTAL_RESPONSE_H

#include "otp-portal/request.h"

struct response;

/* A change for the writer. It has an arena of its own, because the request's may be in use by an answer that came too late
 * to wait for it; the request's strings are only read. */
struct change {
	struct arena *arena;
	void *context; /* the handler's */
	/* In the writer's thread, maybe twice: as struct job's run. */
	bool (*run)(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err);
	/* Afterwards, in a portal thread: fills the response. */
	void (*then)(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out);
	int64_t hold_ms; /* the answer goes no sooner than this, so that its time tells nothing */
};

/* A body that is too long to be made at once. It lies in the request's arena, which lives as long as the answer; the request is only read. */
struct stream {
	void *context; /* the page's */
	/* In a thread of its own: appends the next piece (some 50 KB); nothing appended: the end. TRANSIENT: is asked again; else the answer is cut off. */
	bool (*more)(struct stream *s, struct buf *out, struct err *err);
};

struct response {
	unsigned status;
	const char *type;    /* Content-Type */
	const char *policy;  /* Content-Security-Policy; NULL: the strict one */
	bool cacheable;      /* for a year: its path holds a hash */
	bool close;          /* the connection ends afterwards */
	struct pairs headers;
	struct buf body;     /* what is sent, unless `fixed` */
	struct str fixed;    /* borrowed for ever */
	int64_t blob_id, blob_size; /* a file of the store, sent piece by piece; 0: none */
	struct change *change; /* not NULL: not finished */
	struct stream *stream; /* not NULL: the body */
};

void response_init(struct response *out);
void response_header(struct response *out, struct request *r, const char *name, struct str value);
/* 303; target is a path of our own. */
void response_redirect(struct response *out, struct request *r, struct str target);
/* Makes this response wait for a change. */
struct change *response_change(struct response *out, size_t context_size,
                               bool (*run)(struct change *, struct engine *, struct tx *, int64_t, struct err *),
                               void (*then)(struct request *, struct change *, bool, const struct err *, struct response *));
/* Makes this response's body a stream. */
struct stream *response_stream(struct response *out, struct request *r, size_t context_size, bool (*more)(struct stream *, struct buf *, struct err *));
/* Cookie with the attributes that the site's scheme allows. name without prefix; max_age 0 removes it. Only in answers to POST. */
void response_cookie(struct response *out, struct request *r, const char *name, struct str value, int64_t max_age);
/* The cookie's name as sent: "__Host-sid" on https, "sid" on loopback http. */
const char *cookie_name(const struct request *r, const char *name);

#endif
