#include "otp-portal/portal.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/reports.h"
#include "otp-portal/assets.h"
#include "otp-portal/door.h"
#include "otp-portal/multipart.h"
#include "otp-portal/network.h"
#include "otp-portal/page.h"
#include "otp-portal/patrol.h"
#include "otp-portal/pump.h"
#include "otp-portal/refusals.h"
#include "otp-portal/route.h"
#include "otp-portal/session.h"
#include "otp-portal/share.h"
#include "otp-portal/spool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POOL = 2, CONNECTIONS = 2000, CONNECTIONS_OF_ONE = 500, MEMORY = 32 * 1024, TARGET = 8 * 1024 };
enum { IDLE_SECONDS = 15, REQUEST_MS = 60000, ANSWER_MS = 120000, WRITER_MS = 20000, CLOSING_MS = 30000, STREAM_MS = 600000 };
enum { STREAM_BLOCK = 32 * 1024, STREAM_PIECE = 16 * 1024 * 1024 };
/* Files take longer: a second for each 32 KiB that came or goes, but not for ever. */
enum { BYTES_A_MS = 32, LONGEST_MS = 900000, UPLOADS_AT_ONCE = 32, UPLOADS_OF_ONE = 12 };
/* A body of up to this much that is refused at its head is read nevertheless: who is hung up on in the middle sees no page. */
enum { DROPPED_BODY = 32 * 1024 * 1024 };

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

static struct exchange *exchange_new(struct portal *p, const char *target) {
	struct arena *a = arena_new();
	struct exchange *x = ARENA_NEW(a, struct exchange);
	x->portal = p;
	x->request = (struct request){.arena = a, .world = &p->world, .now = clock_now()};
	x->request.path = arena_str(a, str_from(target));
	x->read_at = meter_begin();
	buf_init(&x->body, REQUEST_BODY);
	response_init(&x->response);
	atomic_init(&x->holders, 1);
	return x;
}

static void exchange_drop(struct exchange *x) {
	if (atomic_fetch_sub(&x->holders, 1) != 1)
		return;
	if (x->change)
		arena_free(x->change->arena);
	if (x->spool)
		share_give(x->portal->uploads, x->network);
	spool_close(x->spool);
	buf_free(&x->body);
	buf_free(&x->response.body);
	buf_free(&x->pour.ready);
	buf_free(&x->pour.piece);
	arena_free(x->request.arena);
}

/* One connection. The library forgets to tell the end of a request whose cookies do not fit into its memory: so its end is seen here too. */
struct caller {
	struct visitor visitor;
	struct exchange *exchange;
};

static struct caller *caller_of(struct MHD_Connection *connection) {
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	BUG_IF(info == NULL || info->socket_context == NULL);
	return info->socket_context;
}

static void extend(struct exchange *x, int64_t ms) {
	patrol_extend(x->portal->patrol, &caller_of(x->connection)->visitor, clock_monotonic() + ms);
}

static int64_t time_for(int64_t bytes) {
	int64_t ms = REQUEST_MS + bytes / BYTES_A_MS;
	return ms < LONGEST_MS ? ms : LONGEST_MS;
}

/* --- answering --- */

static struct exchange *exchange_of_pour(struct pour *pour) {
	return (struct exchange *)((char *)pour - offsetof(struct exchange, pour));
}

static bool pour_more(struct pour *pour, struct buf *out, struct err *err) {
	struct stream *s = exchange_of_pour(pour)->response.stream;
	return s->more(s, out, err);
}

static void pour_sleep(struct pour *pour) {
	struct exchange *x = exchange_of_pour(pour);
	atomic_fetch_add(&x->portal->suspended, 1);
	MHD_suspend_connection(x->connection);
}

static void pour_wake(struct pour *pour) {
	struct exchange *x = exchange_of_pour(pour);
	struct portal *p = x->portal;
	MHD_resume_connection(x->connection); /* x may be gone now */
	atomic_fetch_sub(&p->suspended, 1);
}

static void pour_gone(struct pour *pour) {
	exchange_drop(exchange_of_pour(pour));
}

static ssize_t read_stream(void *context, uint64_t at, char *to, size_t max) {
	struct exchange *x = context;
	(void)at;
	int64_t count = pump_take(x->portal->pump, &x->pour, to, max);
	return count == PUMP_END ? MHD_CONTENT_READER_END_OF_STREAM : count == PUMP_FAILED ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)count;
}

static void end_stream(void *context) {
	struct exchange *x = context;
	pump_drop(x->portal->pump, &x->pour);
}

/* Of a length that nobody knows yet. It holds the exchange until the library lets go of it. */
static struct MHD_Response *make_stream(struct exchange *x) {
	pump_init(&x->pour, STREAM_PIECE);
	x->pour.more = pour_more;
	x->pour.sleep = pour_sleep;
	x->pour.wake = pour_wake;
	x->pour.gone = pour_gone;
	atomic_fetch_add(&x->holders, 1);
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, x, end_stream);
}

/* A file on its way out; the exchange may end before it does. */
struct download {
	struct store *store;
	int64_t blob_id;
};

/* The library asks for what comes next; what the store cannot give ends the connection. */
static ssize_t read_download(void *context, uint64_t at, char *out, size_t room) {
	const struct download *d = context;
	struct arena *a = arena_new();
	struct err err = {0};
	struct str part = STR("");
	struct view *v = store_view(d->store, &err);
	bool ok = v && blob_read(v, d->blob_id, (int64_t)at, a, &part, &err);
	if (v)
		view_close(v);
	if (!ok)
		log_err(LOG_WARN, "download-failed", &err);
	size_t len = part.len < room ? part.len : room;
	if (len > 0)
		memcpy(out, part.at, len);
	arena_free(a);
	return len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_download(struct exchange *x) {
	struct download *d = malloc(sizeof *d);
	BUG_IF(d == NULL);
	*d = (struct download){x->portal->world.options.store, x->response.blob_id};
	return MHD_create_response_from_callback((uint64_t)x->response.blob_size, BLOB_CHUNK, read_download, d, free);
}

static struct MHD_Response *make_response(struct exchange *x) {
	struct response *out = &x->response;
	if (out->stream)
		return make_stream(x);
	if (out->blob_id > 0)
		return make_download(x);
	if (out->fixed.len > 0)
		return MHD_create_response_from_buffer(out->fixed.len, (void *)out->fixed.at, MHD_RESPMEM_PERSISTENT);
	struct buf body = out->body;
	buf_init(&out->body, 0); /* the library frees it */
	return MHD_create_response_from_buffer(body.len, body.at, body.at ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
}

static void add_headers(struct MHD_Response *response, const struct response *out) {
	MHD_add_response_header(response, "Content-Type", out->type);
	if (out->close)
		MHD_add_response_header(response, "Connection", "close");
	for (size_t i = 0; i < out->headers.count; i++)
		MHD_add_response_header(response, out->headers.items[i].name.at, out->headers.items[i].value.at);
}

static void count_answer(struct exchange *x) {
	struct traffic *t = &x->portal->traffic;
	atomic_fetch_add(&t->statuses[x->response.status % TRAFFIC_STATUSES], 1);
	meter_add(x->asked_at ? &t->changes : &t->pages, x->read_at);
}

static enum MHD_Result send_answer(struct exchange *x) {
	struct response *out = &x->response;
	if (out->body.overflow) {
		struct err err;
		err_set(&err, ERR_PERMANENT, "error.internal", "a page is larger than its limit");
		buf_free(&out->body);
		page_failure(&x->request, out, &err);
	}
	if (out->blob_id > 0)
		extend(x, time_for(out->blob_size) + ANSWER_MS - REQUEST_MS);
	if (out->status == 303)
		buf_clear(&out->body);
	refusals_note(x->portal->refusals, &x->request, out->status);
	route_secure(&x->request, out);
	count_answer(x);
	struct MHD_Response *response = make_response(x);
	BUG_IF(response == NULL);
	add_headers(response, out);
	if (out->stream)
		extend(x, STREAM_MS);
	enum MHD_Result result = MHD_queue_response(x->connection, out->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct exchange *x, unsigned status, const char *key) {
	x->refused = true;
	x->response.close = true;
	request_choose_language(&x->request, STR(""));
	page_error(&x->request, &x->response, status, key);
	return send_answer(x);
}

/* --- waiting for the writer --- */

static struct exchange *exchange_of_job(struct job *job) {
	return (struct exchange *)((char *)job - offsetof(struct exchange, job));
}

static bool run_job(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct exchange *x = exchange_of_job(job);
	return x->change->run(x->change, engine, tx, now, err);
}

static void wake(struct waiter *w) {
	struct exchange *x = (struct exchange *)((char *)w - offsetof(struct exchange, waiter));
	struct portal *p = x->portal;
	MHD_resume_connection(x->connection); /* x may be gone now */
	atomic_fetch_sub(&p->suspended, 1);
}

static void settle(struct exchange *x, bool ok, const struct err *err) {
	struct portal *p = x->portal;
	x->job.ok = ok;
	if (!ok)
		x->job.err = *err;
	if (!patrol_settle(p->patrol, &x->waiter, x->asked_at + x->change->hold_ms))
		log_event(LOG_WARN, "answer-too-late", "path=%.*s", STR_ARG(x->request.path));
	exchange_drop(x);
	atomic_fetch_sub(&p->jobs, 1);
}

static void job_done(struct job *job, bool ok, const struct err *err) {
	settle(exchange_of_job(job), ok, err);
}

static enum MHD_Result wait_for_writer(struct exchange *x) {
	struct portal *p = x->portal;
	struct err err;
	x->change = x->response.change;
	x->response.change = NULL;
	x->waiting = true;
	x->asked_at = clock_monotonic();
	x->job = (struct job){.run = run_job, .done = job_done};
	x->waiter = (struct waiter){.wake = wake}; /* maybe for the second time */
	atomic_fetch_add(&x->holders, 1);
	atomic_fetch_add(&p->jobs, 1);
	/* Suspended before the job is handed over: it may be done at once. */
	atomic_fetch_add(&p->suspended, 1);
	MHD_suspend_connection(x->connection);
	patrol_wait(p->patrol, &x->waiter, x->asked_at + WRITER_MS);
	if (atomic_load(&p->closing)) {
		err_set(&err, ERR_TRANSIENT, "error.busy", "the server is closing");
		settle(x, false, &err);
	} else if (!writer_submit(p->world.options.writer, &x->job, &err)) {
		settle(x, false, &err);
	}
	return MHD_YES;
}

/* The writer has answered, or has taken too long. */
static enum MHD_Result go_on(struct exchange *x) {
	struct err late;
	x->waiting = false;
	if (!x->waiter.settled) {
		err_set(&late, ERR_TRANSIENT, "error.busy", "the writer took more than %d ms", WRITER_MS);
		page_failure(&x->request, &x->response, &late);
		/* The change may still be running; only the last holder frees its arena. */
		return send_answer(x);
	}
	struct change *done = x->change;
	x->change = NULL;
	done->then(&x->request, done, x->job.ok, &x->job.err, &x->response);
	/* Files were kept, and now comes the rest of the page. */
	arena_free(done->arena);
	return x->response.change ? wait_for_writer(x) : send_answer(x);
}

/* --- reading --- */

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
	struct exchange *x = context;
	struct pair *pair = ARENA_PUSH(x->request.arena, &x->request.headers);
	(void)kind;
	pair->name = arena_str(x->request.arena, str_from(name));
	pair->value = str_trim(arena_str(x->request.arena, str_from(value)));
	return MHD_YES;
}

static struct str peer_address(struct exchange *x) {
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char text[INET6_ADDRSTRLEN] = "";
	if (info && info->client_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)info->client_addr)->sin_addr, text, sizeof text);
	else if (info && info->client_addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)info->client_addr)->sin6_addr, text, sizeof text);
	return arena_str(x->request.arena, str_from(text));
}

static size_t header_bytes(const struct request *r) {
	size_t bytes = 0;
	for (size_t i = 0; i < r->headers.count; i++)
		bytes += r->headers.items[i].name.len + r->headers.items[i].value.len + 4;
	return bytes;
}

static struct str folder_of(struct arena *a, struct str file) {
	while (file.len > 0 && file.at[file.len - 1] != '/')
		file.len--;
	return file.len > 0 ? arena_str(a, file) : STR(".");
}

static bool begin_spool(struct exchange *x, struct str boundary) {
	struct portal *p = x->portal;
	struct arena *a = x->request.arena;
	struct err err;
	x->network = network_of(x->request.client, a);
	if (!share_take(p->uploads, x->network)) {
		log_event(LOG_WARN, "upload-refused", "text=\"too many at once\"");
		return false;
	}
	x->begun_at = clock_monotonic();
	x->spool = spool_open(folder_of(a, site_config(p->world.options.site)->data_file), boundary, a, &err);
	if (x->spool)
		return true;
	log_err(LOG_ERROR, "upload-refused", &err);
	share_give(p->uploads, x->network);
	return false;
}

/* Everything that can be judged before the body is read. Zero: go on. */
static unsigned judge_head(struct exchange *x, int64_t *length, const char **key) {
	struct request *r = &x->request;
	struct err err;
	*key = "error.input";
	if (!request_judge_framing(r, length, &err) || r->path.len > TARGET || !request_cut_target(r->path, r, &err))
		return 400;
	bool any = route_takes_anything(r);
	if (!any && !request_parse_fields(r->query_text, r->arena, &r->query, &err))
		return 400;
	if (header_bytes(r) > REQUEST_HEADERS)
		return 431;
	*key = "error.method";
	if (r->method == METHOD_OTHER)
		return 405;
	struct str boundary;
	bool files = multipart_boundary(request_header(r, "Content-Type"), &boundary) && route_takes_files(r);
	*key = "error.too-large";
	if (*length > (files ? SPOOL_BODY : any ? REPORT_BYTES : REQUEST_BODY))
		return 413;
	*key = "error.type";
	bool body = *length > 0 || request_header(r, "Transfer-Encoding").len > 0;
	if (!files)
		return body && !any && !request_is_form(r) ? 415 : 0;
	*key = "error.busy";
	return begin_spool(x, boundary) ? 0 : 503;
}

static enum MHD_Result begin(struct exchange *x, const char *method) {
	struct request *r = &x->request;
	const struct site_config *config = site_config(r->world->options.site);
	const char *key;
	int64_t length = 0;
	x->begun = true;
	r->method = request_method(method);
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, x);
	request_parse_cookies(request_header(r, "Cookie"), r->arena, &r->cookies);
	r->client = network_client(peer_address(x), request_header_list(r, "X-Forwarded-For"), config->trusted_proxies, config->trusted_proxy_count, r->arena);
	unsigned status = judge_head(x, &length, &key);
	if (status == 0)
		return MHD_YES;
	if (r->method == METHOD_POST && status != 400 && length > 0 && length <= DROPPED_BODY) {
		x->refusal = status;
		x->refusal_key = key;
		return MHD_YES;
	}
	if (status == 405)
		response_header(&x->response, r, "Allow", STR("GET, HEAD, POST"));
	return refuse(x, status, key);
}

/* What is too much is read and dropped: an answer in the middle of a body is not possible. A body with files that never ends is cut off. */
static enum MHD_Result take_body(struct exchange *x, const char *bytes, size_t *len) {
	x->received += (int64_t)*len;
	if (x->refusal) {
		/* dropped */
	} else if (x->spool) {
		spool_feed(x->spool, bytes, *len);
		/* For what came, not for what was announced: who stalls is cut off. */
		extend(x, x->begun_at + time_for(x->received) - clock_monotonic());
	} else {
		buf_add(&x->body, bytes, *len);
	}
	*len = 0;
	return x->spool && x->received > SPOOL_BODY ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct exchange *x) {
	struct request *r = &x->request;
	struct err err;
	x->read_at = meter_begin();
	if (x->refusal)
		return refuse(x, x->refusal, x->refusal_key);
	if (x->body.overflow)
		return refuse(x, 413, "error.too-large");
	if (x->spool && !spool_finish(x->spool, &r->form, &x->files, &err)) {
		bool ours = err.kind == ERR_TRANSIENT;
		return refuse(x, ours ? 503 : 400, ours ? "error.busy" : "error.input");
	}
	if (x->spool)
		r->files = &x->files;
	else if (route_takes_anything(r))
		r->body_text = buf_text(&x->body);
	else if (r->method == METHOD_POST && !request_parse_fields(buf_text(&x->body), r->arena, &r->form, &err))
		return refuse(x, 400, "error.input");
	if (atomic_load(&x->portal->closing))
		x->response.close = true;
	route_answer(r, &x->response);
	return x->response.change ? wait_for_writer(x) : send_answer(x);
}

static void caller_turn(struct caller *caller, struct exchange *next) {
	if (caller->exchange)
		exchange_drop(caller->exchange);
	caller->exchange = next;
}

static void *new_target(void *context, const char *target, struct MHD_Connection *connection) {
	struct exchange *x = exchange_new(context, target);
	x->connection = connection;
	caller_turn(caller_of(connection), x);
	return x;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **exchange) {
	struct exchange *x = *exchange;
	(void)context, (void)connection, (void)url, (void)version;
	if (!x->begun)
		return begin(x, method);
	if (*upload_size > 0) {
		return take_body(x, upload, upload_size);
	}
	if (x->refused)
		return MHD_YES;
	if (x->waiting)
		return go_on(x);
	extend(x, ANSWER_MS);
	return finish(x);
}

static void completed(void *context, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code) {
	struct portal *p = context;
	struct caller *caller = caller_of(connection);
	(void)code;
	patrol_extend(p->patrol, &caller->visitor, clock_monotonic() + REQUEST_MS);
	caller_turn(caller, NULL);
	*exchange = NULL;
}

static void connected(void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code) {
	struct portal *p = context;
	struct caller *caller = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		caller = calloc(1, sizeof *caller);
		BUG_IF(caller == NULL || info == NULL);
		patrol_enter(p->patrol, &caller->visitor, info->connect_fd, clock_monotonic() + REQUEST_MS);
		*socket_context = caller;
		atomic_fetch_add(&p->traffic.connections, 1);
	} else {
		atomic_fetch_sub(&p->traffic.connections, 1);
		patrol_leave(p->patrol, &caller->visitor);
		caller_turn(caller, NULL);
		free(caller);
		*socket_context = NULL;
	}
}

/* Paths and queries are unescaped by request.c, where it is told what is broken. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text) {
	(void)context, (void)connection;
	return strlen(text);
}

static void tell_mhd(void *context, const char *format, va_list args) {
	struct buf line;
	(void)context;
	buf_init(&line, 400);
	buf_vprintf(&line, format, args);
	struct str text = str_trim(buf_text(&line));
	log_event(LOG_DEBUG, "http", "text=\"%.*s\"", STR_ARG(text));
	buf_free(&line);
}

/* --- opening and closing --- */

static int bind_listener(struct portal *p, const char *listen_at, struct err *err) {
	struct str host;
	int port, on = 1;
	struct sockaddr_storage address = {0};
	struct sockaddr_in *four = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;
	socklen_t len = sizeof *four;
	if (!network_split(str_from(listen_at), p->arena, &host, &port)) {
		err_set(err, ERR_INPUT, "error.input", "listen: '%s' is no address and port such as 127.0.0.1:8080", listen_at);
		return -1;
	}
	bool is_six = inet_pton(AF_INET, arena_z(p->arena, host), &four->sin_addr) != 1;
	address.ss_family = is_six ? AF_INET6 : AF_INET;
	if (is_six) {
		inet_pton(AF_INET6, arena_z(p->arena, host), &six->sin6_addr);
		len = sizeof *six;
	}
	four->sin_port = htons((uint16_t)port); /* the same place in both */
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 511) != 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		err_set(err, ERR_PERMANENT, "error.internal", "cannot listen on %s: %s", listen_at, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	p->world.port = ntohs(four->sin_port);
	p->world.loopback = p->world.options.demo || network_is_loopback(host);
	p->world.url = arena_printf(p->arena, is_six ? "http://[%.*s]:%d" : "http://%.*s:%d", STR_ARG(host), p->world.port);
	return fd;
}

static void read_base_url(struct portal *p) {
	struct str base = site_config(p->world.options.site)->base_url, scheme = str_starts(base, STR("https://")) ? STR("https://") : STR("http://");
	p->world.secure = scheme.len == strlen("https://");
	if (str_starts(base, scheme))
		base = (struct str){base.at + scheme.len, base.len - scheme.len};
	p->world.host = arena_str(p->arena, str_cut(&base, '/'));
}

static bool start_daemon(struct portal *p, struct err *err) {
	/* Behind a proxy all connections are the proxy's. */
	bool proxied = site_config(p->world.options.site)->trusted_proxy_count > 0;
	p->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, p,
	                             MHD_OPTION_EXTERNAL_LOGGER, tell_mhd, NULL,
	                             MHD_OPTION_LISTEN_SOCKET, p->listener,
	                             MHD_OPTION_THREAD_POOL_SIZE, (unsigned)POOL,
	                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
	                             MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)(proxied ? 0 : CONNECTIONS_OF_ONE),
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
	                             MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	                             MHD_OPTION_STRICT_FOR_CLIENT, 1,
	                             MHD_OPTION_URI_LOG_CALLBACK, new_target, p,
	                             MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
	                             MHD_OPTION_NOTIFY_COMPLETED, completed, p,
	                             MHD_OPTION_NOTIFY_CONNECTION, connected, p,
	                             MHD_OPTION_END);
	return p->daemon || err_set(err, ERR_PERMANENT, "error.internal", "the web server does not start: %s", strerror(errno));
}

static bool open_door(struct portal *p, struct err *err) {
	const struct portal_options *o = &p->world.options;
	if (!o->socket_path)
		return true;
	p->door = door_open(&(struct door_options){o->socket_path, o->command, o->context}, err);
	return p->door != NULL;
}

struct portal *portal_open(const struct portal_options *options, struct err *err) {
	struct portal *p = calloc(1, sizeof *p);
	BUG_IF(p == NULL);
	p->arena = arena_new();
	p->world.options = *options;
	read_base_url(p);
	p->world.assets = assets_make(p->arena, site_config(options->site));
	p->listener = bind_listener(p, options->listen, err);
	if (p->listener < 0) {
		arena_free(p->arena);
		free(p);
		return NULL;
	}
	p->world.sessions = sessions_open();
	p->refusals = refusals_open();
	p->patrol = patrol_open();
	p->pump = pump_open();
	p->uploads = share_open(UPLOADS_AT_ONCE, UPLOADS_OF_ONE);
	bool ok = (p->patrol && p->pump) || err_set(err, ERR_TRANSIENT, "error.busy", "no thread for the portal can be started: %s", strerror(errno));
	if (ok && start_daemon(p, err) && open_door(p, err))
		return p;
	portal_close(p);
	return NULL;
}

/* Whatever the writer has is answered before the connections go. */
static void wait_for_jobs(struct portal *p) {
	int64_t until = clock_monotonic() + CLOSING_MS;
	while ((atomic_load(&p->jobs) > 0 || atomic_load(&p->suspended) > 0) && clock_monotonic() < until)
		usleep(5000);
}

void portal_close(struct portal *p) {
	if (!p)
		return;
	atomic_store(&p->closing, true);
	if (p->door)
		door_close(p->door);
	if (p->daemon)
		MHD_quiesce_daemon(p->daemon);
	pump_stop(p->pump);
	wait_for_jobs(p);
	if (atomic_load(&p->jobs) > 0)
		return; /* the writer hangs: it may still answer into this memory */
	if (p->daemon)
		MHD_stop_daemon(p->daemon);
	close(p->listener);
	pump_close(p->pump);
	share_close(p->uploads);
	refusals_close(p->refusals);
	patrol_close(p->patrol);
	sessions_save(p->world.sessions, p->world.options.writer);
	sessions_close(p->world.sessions);
	arena_free(p->arena);
	free(p);
}

const char *portal_url(const struct portal *p) {
	return p->world.url.at;
}

const struct traffic *portal_traffic(const struct portal *p) {
	return &p->traffic;
}
