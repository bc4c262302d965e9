#include "otp-portal/exchange.h"

#include "engine/base/log.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_MS = 600000, STREAM_BLOCK = 32 * 1024, STREAM_PIECE = 16 * 1024 * 1024 };

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

enum MHD_Result exchange_send(struct exchange *x) {
	struct response *out = &x->response;
	if (out->body.overflow) {
		struct err err;
		err_set(&err, ERR_PERMANENT, "error.internal", "a page is larger than its limit");
		buf_free(&out->body);
		page_failure(&x->request, out, &err);
	}
	if (out->blob_id > 0)
		exchange_extend(x, exchange_time(out->blob_size) + ANSWER_MS - REQUEST_MS);
	if (out->status == 303)
		buf_clear(&out->body);
	refusals_note(x->portal->refusals, &x->request, out->status);
	route_secure(&x->request, out);
	count_answer(x);
	struct MHD_Response *response = make_response(x);
	BUG_IF(response == NULL);
	add_headers(response, out);
	if (out->stream)
		exchange_extend(x, STREAM_MS);
	enum MHD_Result result = MHD_queue_response(x->connection, out->status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result exchange_refuse(struct exchange *x, unsigned status, const char *key) {
	x->refused = true;
	x->response.close = true;
	request_choose_language(&x->request, STR(""));
	page_error(&x->request, &x->response, status, key);
	return exchange_send(x);
}
