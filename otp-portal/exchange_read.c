#include "otp-portal/exchange.h"

#include "engine/base/log.h"
#include "engine/store/reports.h"
#include "otp-portal/multipart.h"
#include "otp-portal/network.h"

#include <arpa/inet.h>

enum { TARGET = 8 * 1024 };
/* A body of up to this much that is refused at its head is read nevertheless: who is hung up on in the middle sees no page. */
enum { DROPPED_BODY = 32 * 1024 * 1024 };

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

enum MHD_Result exchange_begin(struct exchange *x, const char *method) {
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
	return exchange_refuse(x, status, key);
}

/* What is too much is read and dropped: an answer in the middle of a body is not possible. A body with files that never ends is cut off. */
enum MHD_Result exchange_take(struct exchange *x, const char *bytes, size_t *len) {
	x->received += (int64_t)*len;
	if (x->refusal) {
		/* dropped */
	} else if (x->spool) {
		spool_feed(x->spool, bytes, *len);
		/* For what came, not for what was announced: who stalls is cut off. */
		exchange_extend(x, x->begun_at + exchange_time(x->received) - clock_monotonic());
	} else {
		buf_add(&x->body, bytes, *len);
	}
	*len = 0;
	return x->spool && x->received > SPOOL_BODY ? MHD_NO : MHD_YES;
}

enum MHD_Result exchange_finish(struct exchange *x) {
	struct request *r = &x->request;
	struct err err;
	x->read_at = meter_begin();
	if (x->refusal)
		return exchange_refuse(x, x->refusal, x->refusal_key);
	if (x->body.overflow)
		return exchange_refuse(x, 413, "error.too-large");
	if (x->spool && !spool_finish(x->spool, &r->form, &x->files, &err)) {
		bool ours = err.kind == ERR_TRANSIENT;
		return exchange_refuse(x, ours ? 503 : 400, ours ? "error.busy" : "error.input");
	}
	if (x->spool)
		r->files = &x->files;
	else if (route_takes_anything(r))
		r->body_text = buf_text(&x->body);
	else if (r->method == METHOD_POST && !request_parse_fields(buf_text(&x->body), r->arena, &r->form, &err))
		return exchange_refuse(x, 400, "error.input");
	if (atomic_load(&x->portal->closing))
		x->response.close = true;
	route_answer(r, &x->response);
	return x->response.change ? exchange_wait(x) : exchange_send(x);
}
