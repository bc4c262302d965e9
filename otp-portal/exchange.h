/* exchange: one request and its answer, as libmicrohttpd brings the one and takes the other. Private to portal.c and exchange*.c, which are all that know that library;
 * read portal.c first. */
#ifndef OTP_PORTAL_EXCHANGE_H
#define OTP_PORTAL_EXCHANGE_H

#include "engine/base/clock.h"
#include "otp-portal/door.h"
#include "otp-portal/page.h"
#include "otp-portal/patrol.h"
#include "otp-portal/portal.h"
#include "otp-portal/pump.h"
#include "otp-portal/refusals.h"
#include "otp-portal/route.h"
#include "otp-portal/share.h"
#include "otp-portal/spool.h"

#include <microhttpd.h>
#include <stdatomic.h>

enum { REQUEST_MS = 60000, ANSWER_MS = 120000 };

struct portal {
	struct portal_world world;
	struct arena *arena;
	struct patrol *patrol;
	struct pump *pump;
	struct door *door;
	struct MHD_Daemon *daemon;
	int listener;
	atomic_int jobs;      /* changes that the writer has not answered yet */
	atomic_int suspended; /* connections that wait for one, or for their time */
	struct share *uploads; /* bodies with files under way, or held by the writer */
	struct refusals *refusals;
	struct traffic traffic;
	atomic_bool closing;
};

/* One request from its first line to its last byte. The connection holds it, and so does the writer while it has its job.
 *
 *   reading -> answering -> answered
 *                 \-> waiting -> answering (settled or too late) -> answered */
struct exchange {
	struct portal *portal;
	struct MHD_Connection *connection;
	struct request request;
	struct response response;
	struct buf body;
	struct spool *spool;     /* of a body with files, instead of `body` */
	struct sent_files files;
	int64_t received, begun_at;
	struct str network; /* that has a share of the uploads, while there is a spool */
	atomic_int holders;
	bool begun, refused, waiting;
	unsigned refusal;        /* the status that comes when the body is over; 0: none */
	const char *refusal_key;
	struct job job;
	struct waiter waiter;
	struct pour pour; /* of a streamed answer */
	struct change *change;
	int64_t asked_at;
	int64_t read_at; /* meter_begin: when it was whole */
};

/* One connection. The library forgets to tell the end of a request whose cookies do not fit into its memory: so its end is seen here too. */
struct caller {
	struct visitor visitor;
	struct exchange *exchange;
};

struct caller *caller_of(struct MHD_Connection *connection);

struct exchange *exchange_new(struct portal *p, const char *target);
void exchange_drop(struct exchange *x); /* by each of its holders; the last one frees it */
void exchange_extend(struct exchange *x, int64_t ms); /* so long from now the connection may last */
int64_t exchange_time(int64_t bytes);   /* ms that a body or a file of that size may take */

/* Reading: its head, its body piece by piece, its end, where the page is asked. */
enum MHD_Result exchange_begin(struct exchange *x, const char *method);
enum MHD_Result exchange_take(struct exchange *x, const char *bytes, size_t *len);
enum MHD_Result exchange_finish(struct exchange *x);

/* What the page wants to be changed goes to the writer, while the connection sleeps; then the page goes on. */
enum MHD_Result exchange_wait(struct exchange *x);
enum MHD_Result exchange_go_on(struct exchange *x);

/* Answering. */
enum MHD_Result exchange_send(struct exchange *x);
enum MHD_Result exchange_refuse(struct exchange *x, unsigned status, const char *key);

#endif
