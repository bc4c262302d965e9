#include "otp-portal/response.h"

#include <string.h>

enum { BODY_LIMIT = 8 * 1024 * 1024 };

void response_init(struct response *out) {
	*out = (struct response){.status = 200, .type = "text/html; charset=utf-8"};
	buf_init(&out->body, BODY_LIMIT);
}

void response_header(struct response *out, struct request *r, const char *name, struct str value) {
	struct pair *pair = ARENA_PUSH(r->arena, &out->headers);
	*pair = (struct pair){str_from(name), arena_str(r->arena, value)};
}

void response_redirect(struct response *out, struct request *r, struct str target) {
	BUG_IF(target.len == 0 || target.at[0] != '/');
	out->status = 303;
	buf_clear(&out->body);
	response_header(out, r, "Location", target);
}

struct change *response_change(struct response *out, size_t context_size,
                               bool (*run)(struct change *, struct engine *, struct tx *, int64_t, struct err *),
                               void (*then)(struct request *, struct change *, bool, const struct err *, struct response *)) {
	struct arena *a = arena_new();
	struct change *c = ARENA_NEW(a, struct change);
	*c = (struct change){.arena = a, .context = arena_alloc(a, context_size), .run = run, .then = then};
	out->change = c;
	return c;
}

struct stream *response_stream(struct response *out, struct request *r, size_t context_size, bool (*more)(struct stream *, struct buf *, struct err *)) {
	struct stream *s = ARENA_NEW(r->arena, struct stream);
	*s = (struct stream){.context = arena_alloc(r->arena, context_size), .more = more};
	out->stream = s;
	return s;
}

const char *cookie_name(const struct request *r, const char *name) {
	return r->world->secure ? arena_printf(r->arena, "__Host-%s", name).at : name;
}

void response_cookie(struct response *out, struct request *r, const char *name, struct str value, int64_t max_age) {
	BUG_IF(r->method != METHOD_POST);
	struct str cookie = arena_printf(r->arena, "%s=%.*s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s", cookie_name(r, name),
	                                 STR_ARG(value), (long long)max_age, r->world->secure ? "; Secure" : "");
	response_header(out, r, "Set-Cookie", cookie);
}
