#include "otp-portal/login_page.h"

#include "engine/base/address.h"
#include "engine/base/escape.h"
#include "engine/base/log.h"
#include "otp-portal/code.h"
#include "otp-portal/limits.h"
#include "otp-portal/one_field.h"
#include "otp-portal/page.h"
#include "otp-portal/session.h"

enum { NEXT_MAX = 500, HOLD_MS = 250 }; /* asking takes as long for an address that nobody knows */

struct str login_next(const struct request *r) {
	struct str next = r->method == METHOD_POST ? request_form(r, "next") : request_query(r, "next"), home = STR("/backend");
	bool own = next.len <= NEXT_MAX && (str_equal(next, home) || str_starts(next, STR("/backend?")));
	for (size_t i = 0; own && i < next.len; i++)
		own = next.at[i] > ' ' && next.at[i] < 0x7f && next.at[i] != '\\';
	return own ? next : home;
}

/* A step of the log-in that does not forget where it leads. */
static struct str step_path(struct request *r, struct str path) {
	struct str next = login_next(r);
	struct buf query;
	if (str_is(next, "/backend"))
		return path;
	buf_init(&query, 4 * NEXT_MAX);
	buf_z(&query, "next=");
	escape_url(&query, next);
	struct str whole = page_with(r, path, arena_str(r->arena, buf_text(&query)));
	buf_free(&query);
	return whole;
}

/* One form with one field: address, code, or the address of a link. */
struct ask_form {
	const char *title, *text, *button; /* message keys */
	const char *step;
	struct one_field field;
	struct str token;
};

#define ADDRESS_INPUT "type=\"email\" autocomplete=\"email\" autocapitalize=\"none\" spellcheck=\"false\""

static const struct ask_form address_form = {
        "login.title", "login.intro", "login.send", "address", {"login.address", "login.address-hint", NULL, "address", ADDRESS_INPUT, {"", 0}}, {"", 0}};
static const struct ask_form code_form = {
        "login.sent-title", "login.sent-text", "login.submit", "code", {"login.code", "login.code-hint", NULL, "code", CODE_INPUT, {"", 0}}, {"", 0}};
static const struct ask_form link_form = {
        "login.link-title", "login.link-text", "login.submit", "link", {"login.address", "login.address-hint", NULL, "address", ADDRESS_INPUT, {"", 0}}, {"", 0}};

static void write_form_begin(struct request *r, const char *step, struct response *out) {
	buf_z(&out->body, "<form method=\"post\" action=\"/home/otplogin\" novalidate>\n");
	page_hidden(out, "step", str_from(step));
	if (!str_is(login_next(r), "/backend"))
		page_hidden(out, "next", login_next(r));
	page_hidden_language(r, out);
}

static void write_button(struct request *r, const char *key, const char *class, struct response *out) {
	buf_printf(&out->body, "<p class=\"buttons\"><button%s>", class);
	page_word(r, out, key);
	buf_z(&out->body, "</button></p>\n</form>\n");
}

/* Why somebody who was logged in is here again. */
static void write_ended(struct request *r, struct response *out) {
	struct str why = r->method != METHOD_POST ? request_query(r, "ended") : STR("");
	if (why.len == 0)
		return;
	buf_z(&out->body, "<p class=\"note\" role=\"status\">");
	page_word(r, out, str_is(why, "idle") ? "login.idle" : str_is(why, "code") ? "login.expired" : "login.ended");
	buf_z(&out->body, "</p>\n");
}

static void write_page(struct request *r, const struct ask_form *f, struct response *out) {
	struct page page = {.title = language_word(r->language, f->title), .error = f->field.problem != NULL};
	if (r->method != METHOD_POST && f->token.len == 0)
		page.here = step_path(r, f->step[0] == 'c' ? STR("/home/otplogin?step=code") : STR("/home/otplogin"));
	out->status = f->field.problem ? 422 : 200;
	page_begin(r, out, &page);
	one_field_summary(r, &f->field, out);
	write_ended(r, out);
	buf_z(&out->body, "<h1>");
	page_word(r, out, f->title);
	buf_z(&out->body, "</h1>\n<p>");
	page_word(r, out, f->text);
	buf_z(&out->body, "</p>\n");
	write_form_begin(r, f->step, out);
	if (f->token.len > 0)
		page_hidden(out, "link", f->token);
	one_field_write(r, &f->field, out);
	write_button(r, f->button, "", out);
	if (f->step[0] == 'c') {
		write_form_begin(r, "again", out);
		write_button(r, "login.again", " class=\"quiet\"", out);
		page_way(r, out, step_path(r, STR("/home/otplogin")), "login.other");
	}
	page_end(r, out);
}

static void show(struct request *r, const struct ask_form *form, const char *problem, struct str value, struct response *out) {
	struct ask_form f = *form;
	f.field.problem = problem;
	f.field.value = value;
	f.token = str_is(str_from(f.step), "link") ? r->method == METHOD_POST ? request_form(r, "link") : request_query(r, "link") : STR("");
	write_page(r, &f, out);
}

static void after_ask(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct code_ask *ask = c->context;
	if (!ok && err->kind == ERR_DENIED) {
		page_message(r, out, 429, "error.too-often-title", "login.too-many-asked", STR(""));
		return;
	}
	if (!ok) {
		page_failure(r, out, err);
		return;
	}
	if (ask->lost) { /* the browser has forgotten whom the code was for: so must the person be asked */
		response_redirect(out, r, page_path(r, step_path(r, STR("/home/otplogin?ended=code"))));
		return;
	}
	response_redirect(out, r, page_path(r, step_path(r, STR("/home/otplogin?step=code"))));
	response_cookie(out, r, "pre", ask->set_cookie, CODE_LIFE_MS / 1000);
}

static void post_address(struct request *r, bool again, struct response *out) {
	struct str typed = request_form(r, "address"), address = STR("");
	struct err err;
	if (!again && !address_email(r->arena, typed, &address, &err)) {
		show(r, &address_form, str_trim(typed).len > 0 ? err.key : "field.missing", typed, out);
		return;
	}
	struct change *c = response_change(out, sizeof(struct code_ask), code_ask, after_ask);
	*(struct code_ask *)c->context = (struct code_ask){
	        .world = r->world,
	        .address = address,
	        .language = language_code(r->language),
	        .network = limit_network(r),
	        .cookie = request_cookie(r, cookie_name(r, "pre")),
	        .new_cookie = code_cookie(r->arena),
	        .browser = request_cookie(r, cookie_name(r, "browser")),
	        .again = again,
	        .set_cookie = STR(""),
	};
	c->hold_ms = HOLD_MS;
}

static void after_try(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct code_try *t = c->context;
	if (!ok && err->kind == ERR_DENIED) {
		page_message(r, out, 429, "error.too-often-title", "login.too-many", STR(""));
	} else if (!ok) {
		page_failure(r, out, err);
	} else if (t->set_cookie.len > 0) {
		response_redirect(out, r, page_path(r, login_next(r)));
		response_cookie(out, r, "sid", t->set_cookie, SESSION_LIFE_MS / 1000);
		response_cookie(out, r, "pre", STR(""), 0);
		response_cookie(out, r, "browser", t->browser, BROWSER_LIFE_MS / 1000);
	} else if (t->token.len > 0) {
		show(r, &link_form, "login.link-wrong", t->typed, out);
	} else {
		show(r, &code_form, "login.wrong", t->typed, out);
	}
}

static struct str known_browser(const struct request *r) {
	unsigned char bytes[SECRET_HASH];
	struct str cookie = request_cookie(r, cookie_name(r, "browser"));
	return secret_base64url_decode(cookie, bytes, sizeof bytes) ? cookie : code_cookie(r->arena);
}

static void post_try(struct request *r, struct str typed, struct str token, struct response *out) {
	if (str_trim(typed).len == 0) {
		show(r, token.len > 0 ? &link_form : &code_form, "field.missing", STR(""), out);
		return;
	}
	struct change *c = response_change(out, sizeof(struct code_try), code_try, after_try);
	struct code_try *t = c->context;
	*t = (struct code_try){
	        .world = r->world,
	        .cookie = request_cookie(r, cookie_name(r, "pre")),
	        .typed = typed,
	        .token = token,
	        .network = limit_network(r),
	        .language = language_code(r->language),
	        .browser = known_browser(r),
	        .agent = request_header(r, "User-Agent"),
	};
	t->has_session = session_id(r, t->old_session);
}

void login_page(struct request *r, struct response *out) {
	struct str step = r->method == METHOD_POST ? request_form(r, "step") : request_query(r, "step");
	if (r->method != METHOD_POST && request_query(r, "link").len > 0)
		show(r, &link_form, NULL, STR(""), out);
	else if (r->method != METHOD_POST)
		show(r, str_is(step, "code") ? &code_form : &address_form, NULL, STR(""), out);
	else if (str_is(step, "code"))
		post_try(r, request_form(r, "code"), STR(""), out);
	else if (str_is(step, "link") && request_form(r, "link").len > 0)
		post_try(r, request_form(r, "address"), request_form(r, "link"), out);
	else
		post_address(r, str_is(step, "again"), out);
}

/* --- logging out --- */

struct logout {
	unsigned char id[SECRET_HASH];
	bool everywhere;
};

static bool run_logout(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	const struct logout *l = c->context;
	struct session session;
	(void)engine;
	if (!session_load(tx_view(tx), l->id, now, SESSION_LIFE_MS, &session, err))
		return false;
	log_event(LOG_INFO, "logout", "contact=%lld everywhere=%s", (long long)session.contact_id, l->everywhere ? "yes" : "no");
	return l->everywhere ? session_remove_all(tx, session.contact_id, err) : session_remove(tx, l->id, err);
}

static void after_logout(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct logout *l = c->context;
	if (!ok && err->kind != ERR_NOT_FOUND) {
		page_failure(r, out, err);
		return;
	}
	page_message(r, out, 200, "login.logout", ok && l->everywhere ? "login.logged-out-everywhere" : "login.logged-out", STR(""));
	/* Not "cookies": the one that says that this browser is known stays. */
	response_header(out, r, "Clear-Site-Data", STR("\"cache\", \"storage\""));
	response_cookie(out, r, "sid", STR(""), 0);
}

void login_logout(struct request *r, struct response *out) {
	struct logout logout = {.everywhere = str_is(request_form(r, "devices"), "all")};
	if (!session_id(r, logout.id)) {
		page_message(r, out, 200, "login.logout", "login.logged-out", STR(""));
		return;
	}
	struct change *c = response_change(out, sizeof logout, run_logout, after_logout);
	*(struct logout *)c->context = logout;
}
