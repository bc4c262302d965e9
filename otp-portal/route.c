#include "otp-portal/route.h"

#include "otp-portal/assets.h"
#include "otp-portal/demo_page.h"
#include "otp-portal/file_answer.h"
#include "otp-portal/help_page.h"
#include "otp-portal/link_page.h"
#include "otp-portal/login_page.h"
#include "otp-portal/page.h"
#include "otp-portal/report_page.h"
#include "otp-portal/rows_page.h"
#include "otp-portal/start_page.h"

#include <string.h>

static void health(struct request *r, struct response *out) {
	struct err err;
	struct view *v = store_view(r->world->options.store, &err);
	out->type = "text/plain; charset=utf-8";
	out->status = v ? 200 : 503;
	buf_z(&out->body, v ? "ok\n" : "the store does not open\n");
	if (v)
		view_close(v);
}

enum { READ = METHOD_GET | METHOD_HEAD, BOTH = READ | METHOD_POST, TOLD = METHOD_GET | METHOD_POST };

static const struct route {
	const char *path; /* ending in '/': a prefix with something behind it */
	int methods;
	bool demo;
	void (*answer)(struct request *r, struct response *out);
	bool (*takes_files)(struct request *r); /* NULL: never */
} routes[] = {
        {"/l/", BOTH, false, link_page, link_takes_files},
        {"/", READ, false, start_front, NULL},
        {"/start/", BOTH, false, start_page, start_takes_files},
        {"/rows/", BOTH, false, rows_page_public, NULL},
        {"/help", READ, false, help_page, NULL},
        {"/assets/", READ, false, asset_page, NULL},
        {"/home/otplogin", BOTH, false, login_page, NULL},
        {"/backend", BOTH, false, login_backend, NULL},
        {"/backend/logout", METHOD_POST, false, login_logout, NULL},
        {"/report/", TOLD, false, report_page, NULL},
        {"/inbound/", TOLD, false, inbound_page, NULL},
        {"/healthz", READ, false, health, NULL},
        {"/demo/inbox", READ, true, demo_inbox, NULL},
        {"/demo/inbox.json", READ, true, demo_inbox_json, NULL},
        {"/demo/inbox/", READ, true, demo_message, NULL},
        {"/demo/clock", METHOD_POST, true, demo_clock, NULL},
};

static const struct route *find_route(struct request *r) {
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		struct str path = str_from(routes[i].path);
		bool prefix = path.len > 1 && path.at[path.len - 1] == '/';
		if (routes[i].demo && !r->world->options.demo)
			continue;
		if (prefix ? !str_starts(r->path, path) || r->path.len == path.len : !str_equal(r->path, path))
			continue;
		r->rest = (struct str){r->path.at + path.len, r->path.len - path.len};
		return &routes[i];
	}
	return NULL;
}

static struct str allowed(int methods) {
	return methods == BOTH ? STR("GET, HEAD, POST") : methods == READ ? STR("GET, HEAD") : methods == TOLD ? STR("GET, POST") : STR("POST");
}

void route_answer(struct request *r, struct response *out) {
	const struct route *route = find_route(r);
	request_choose_language(r, STR(""));
	if (!request_host_known(r))
		page_error(r, out, 421, "error.not-found");
	else if (!route)
		page_not_found(r, out);
	else if (!(route->methods & (int)r->method))
		page_wrong_method(r, out, allowed(route->methods));
	else if (r->method == METHOD_POST && !request_same_site(r))
		page_error(r, out, 403, "error.cross-site");
	else
		route->answer(r, out);
	file_answer(r, out);
}

bool route_takes_files(struct request *r) {
	const struct route *route = find_route(r);
	return route && route->takes_files && r->method == METHOD_POST && request_host_known(r) && request_same_site(r) && route->takes_files(r);
}

bool route_takes_anything(struct request *r) {
	const struct route *route = find_route(r);
	return route && route->methods == TOLD;
}

/* Of nordby.example the neighbours are others' sites, which may speak http; below svar.nordby.example nobody but us is. */
static struct str strict_transport(struct str host) {
	const char *dot = memchr(host.at, '.', host.len);
	bool own = dot && memchr(dot + 1, '.', host.len - (size_t)(dot + 1 - host.at));
	return own ? STR("max-age=31536000; includeSubDomains") : STR("max-age=31536000");
}

void route_secure(struct request *r, struct response *out) {
	static const char strict[] = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; "
	                             "base-uri 'none'; frame-ancestors 'none'";
	response_header(out, r, "Content-Security-Policy", str_from(out->policy ? out->policy : strict));
	response_header(out, r, "Referrer-Policy", STR("no-referrer"));
	response_header(out, r, "X-Content-Type-Options", STR("nosniff"));
	response_header(out, r, "Cross-Origin-Opener-Policy", STR("same-origin"));
	response_header(out, r, "Cross-Origin-Resource-Policy", STR("same-origin"));
	response_header(out, r, "Permissions-Policy", STR("camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"));
	response_header(out, r, "X-Robots-Tag", STR("noindex, nofollow"));
	response_header(out, r, "Cache-Control", out->cacheable ? STR("public, max-age=31536000, immutable") : out->blob_id ? STR("private, no-store") : STR("no-store"));
	if (r->world->secure)
		response_header(out, r, "Strict-Transport-Security", strict_transport(r->world->host));
}
