#include "otp-portal/start_page.h"

#include "engine/base/escape.h"
#include "engine/store/access.h"
#include "engine/store/history.h"
#include "otp-portal/attach.h"
#include "otp-portal/filling.h"
#include "otp-portal/form_page.h"
#include "otp-portal/later.h"
#include "otp-portal/limits.h"
#include "otp-portal/link_page.h"
#include "otp-portal/own_start.h"
#include "otp-portal/page.h"
#include "otp-portal/prefill.h"
#include "otp-portal/rows_page.h"

#include <string.h>

enum { ONCE_BYTES = 16 };

static void write_start(struct request *r, const struct package *package, struct response *out) {
	struct prose p = {.r = r, .package = package, .definition = package->definition};
	struct buf *b = &out->body;
	buf_z(b, "<section class=\"start\">\n<h2>");
	escape_html(b, prose_title(&p));
	buf_z(b, "</h2>\n");
	prose_write(&p, prose_find(&p, "intro", (struct str){0}, NULL, (struct str){0}), b);
	buf_z(b, "<p><a class=\"button\" href=\"");
	escape_html(b, page_path(r, arena_printf(r->arena, "/start/%.*s", STR_ARG(package->definition->name))));
	buf_z(b, "\">");
	escape_html(b, prose_start(&p));
	buf_z(b, "</a></p>\n</section>\n");
}

static bool has_login(const struct definition *d) {
	for (size_t i = 0; i < d->views.count; i++)
		if (d->views.items[i].login)
			return true;
	return false;
}

static void write_login(struct request *r, struct response *out) {
	buf_z(&out->body, "<section class=\"start\">\n<h2>");
	page_word(r, out, "front.login-title");
	buf_z(&out->body, "</h2>\n<p>");
	page_word(r, out, "front.login-text");
	buf_z(&out->body, "</p>\n");
	page_way(r, out, STR("/home/otplogin"), "front.login");
	buf_z(&out->body, "</section>\n");
}

void start_front(struct request *r, struct response *out) {
	const struct site *site = r->world->options.site;
	struct page page = {.title = site_config(site)->name, .here = STR("/")};
	bool any = false;
	for (size_t i = 0; i < site_package_count(site); i++)
		page.enters = page.enters || has_login(site_package_at(site, i)->definition);
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	page_word(r, out, "front.title");
	buf_z(&out->body, "</h1>\n");
	for (size_t i = 0; i < site_package_count(site); i++) {
		const struct package *package = site_package_at(site, i);
		if (!package->definition->start.open)
			continue;
		write_start(r, package, out);
		any = true;
	}
	any = rows_page_ways(r, out) || any;
	if (!any) {
		buf_z(&out->body, "<p>");
		page_word(r, out, "front.none");
		buf_z(&out->body, "</p>\n");
	}
	if (page.enters)
		write_login(r, out);
	page_end(r, out);
}

/* --- the first page of a start form --- */

struct begin {
	struct filling filling;
	struct answers answers;
	struct str network, json, language;
	size_t next;
	bool decides; /* the form has no further page: it starts at once */
	unsigned char key[SECRET_HASH]; /* of this very form with these very answers */
	struct link link;
	struct form_problems problems;
	struct later later;
	bool keeps; /* saved to be finished later, as it is */
};

/* The link that an earlier press of the same button started with. */
static bool find_earlier(struct begin *b, struct view *v, struct arena *a, bool *found, struct err *err) {
	struct history entry;
	struct link_list links;
	*found = false;
	if (!history_by_key(v, b->key, a, &entry, err)) {
		bool none = err->kind == ERR_NOT_FOUND;
		if (none)
			*err = (struct err){0};
		return none;
	}
	if (!link_of_instance(v, entry.instance_id, a, &links, err))
		return false;
	for (size_t i = 0; i < links.count && !*found; i++) {
		*found = links.items[i].kind == LINK_START && links.items[i].history_id == entry.id;
		b->link = links.items[i];
	}
	return true;
}

static bool starts_left(const struct begin *b, struct view *v, int64_t now, struct err *err) {
	bool reached;
	if (!limit_reached(v, "start-form", b->network, STARTS_AN_HOUR, LIMIT_HOUR, now, &reached, err))
		return false;
	return !reached || err_set(err, ERR_DENIED, "error.too-often", "too many starts from one network");
}

static bool count_start(const struct begin *b, struct tx *tx, int64_t now, struct err *err) {
	int64_t count;
	return counter_add(tx, STR("start-form"), b->network, now, LIMIT_HOUR, &count, err);
}

/* Counted last: until then something may be refused, and nothing is written. */
static bool run_begin(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct begin *b = c->context;
	struct receipt receipt;
	bool found;
	b->problems = (struct form_problems){0};
	if (!find_earlier(b, tx_view(tx), c->arena, &found, err))
		return false;
	if (found)
		return true;
	struct str workflow = b->filling.prose.definition->name;
	if (!starts_left(b, tx_view(tx), now, err))
		return false;
	if (!b->decides)
		return engine_start_link(engine, tx, now, workflow, NULL, &b->link, err) && draft_save(tx, b->link.id, b->link.task, b->json, now, err) &&
		       later_send(&b->later, &b->link, tx, now, c->arena, err) && count_start(b, tx, now, err);
	struct start_request request = {.workflow = workflow, .language = b->language, .answers = &b->answers, .fresh = &b->link};
	memcpy(request.key, b->key, sizeof request.key);
	return engine_start(engine, tx, now, &request, c->arena, &b->problems, &receipt, err) && count_start(b, tx, now, err);
}

static void after_begin(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	struct begin *b = c->context;
	if (!ok && err->kind == ERR_INPUT && b->problems.count > 0) {
		/* What was still good when it was sent was taken meanwhile. */
		form_page_refused(&b->filling, &b->answers, &b->problems, out);
		return;
	}
	if (!ok) {
		page_failure(r, out, err);
		return;
	}
	struct str token = engine_token(r->world->options.engine, &b->link, r->arena);
	struct str path = arena_printf(r->arena, "/l/%.*s", STR_ARG(token));
	if (b->keeps) {
		response_redirect(out, r, page_path(r, page_with(r, path, STR("later=1"))));
		return;
	}
	response_redirect(out, r, b->decides ? page_path(r, path) : filling_step(&b->filling, path, b->next));
}

/* Nothing is judged when it is saved for later, but that the link must have somewhere to go. */
static void keep_only(const struct filling *f, struct form_problems *problems, bool known) {
	struct str contact = f->prose.definition->start.by->contact->name;
	size_t kept = 0;
	for (size_t i = 0; !known && i < problems->count; i++)
		if (str_equal(problems->items[i].name, contact))
			problems->items[kept++] = problems->items[i];
	problems->count = kept;
}

static void post_start(const struct filling *f, struct response *out) {
	struct request *r = f->prose.r;
	if (attach_files(f, NULL, f->form->name, 0, link_page, out))
		return;
	struct answers answers = filling_typed(f, 0);
	struct form_problems problems = {0};
	struct value *values;
	struct err err;
	if (!filling_values(f, 1, &answers, &values, &problems, &err)) {
		page_failure(r, out, &err);
		return;
	}
	struct later later = {0};
	bool keeps = later_pressed(f), edits = filling_edits_inputs(f), more = filling_asks_more(f, 0, values, &answers, &problems);
	if (keeps && !later_find(f, &(struct contact){0}, &answers, &later, &err)) {
		page_failure(r, out, &err);
		return;
	}
	if (keeps)
		keep_only(f, &problems, later.address.len > 0);
	else if (edits)
		problems.count = 0; /* nothing is judged before it is sent */
	bool wrong = attach_problems(f, 0, &problems);
	if (edits || (more && !keeps) || wrong) {
		form_page(&(struct form_view){f, 0, values, &answers, &problems, false, NULL, false}, out);
		return;
	}
	size_t next = filling_next(f, values, 1);
	bool decides = !keeps && next == f->form->pages.count && !f->form->check;
	struct str json = filling_json(&answers, r->arena);
	if (json.len == 0) {
		page_error(r, out, 413, "error.too-large");
		return;
	}
	struct change *c = response_change(out, sizeof(struct begin), run_begin, after_begin);
	*(struct begin *)c->context = (struct begin){
	        .filling = *f,
	        .answers = answers,
	        .network = limit_network(r),
	        .json = json,
	        .language = language_code(r->language),
	        .next = next,
	        .decides = decides,
	        .later = later,
	        .keeps = keeps,
	};
	struct str parts[] = {STR("start"), f->once, json};
	secret_hash(((struct begin *)c->context)->key, parts, 3);
}

/* A number of the form's own: that of the page that was posted, or a fresh one. */
static struct str form_number(struct request *r) {
	unsigned char bytes[ONCE_BYTES];
	struct str posted = request_form(r, "once");
	if (r->method == METHOD_POST && secret_base64url_decode(posted, bytes, sizeof bytes))
		return posted;
	secret_random(bytes, sizeof bytes);
	return secret_base64url(r->arena, bytes, sizeof bytes);
}

static void get_start(const struct filling *f, struct response *out) {
	struct form_problems none = {0};
	struct value *values;
	struct err err;
	struct answers shown = form_page_shown(f, 0);
	if (filling_values(f, 0, &f->draft, &values, &none, &err))
		form_page(&(struct form_view){f, 0, values, &shown, &none, false, NULL, false}, out);
	else
		page_failure(f->prose.r, out, &err);
}

static void fill_in(struct request *r, struct view *v, const struct package *package, struct response *out) {
	const struct definition *d = package->definition;
	struct register_port port = data_store_port(v);
	struct value *values;
	struct err err;
	struct filling f = {.prose = {.r = r, .package = package, .definition = d, .registers = &port}, .form = d->start.form, .role = d->start.by->name, .path = r->path};
	f.world = engine_world(r->world->options.engine, d, NULL, &port, r->now, r->arena);
	f.world.event = STR("start");
	if (!filling_defaults(&f.world, r->arena, &values, &err)) {
		page_failure(r, out, &err);
		return;
	}
	f.base = f.prose.values = values;
	if (!prefill_answers(r, v, d, &f.known, &err) || !prefill_from_link(&f, &err)) {
		page_failure(r, out, &err);
		return;
	}
	f.once = form_number(r);
	if (r->method == METHOD_POST)
		post_start(&f, out);
	else
		get_start(&f, out);
}

bool start_takes_files(struct request *r) {
	const struct package *package = site_package(r->world->options.site, r->rest);
	return package && package->definition->start.open && attach_asks(package->definition->start.form);
}

void start_page(struct request *r, struct response *out) {
	const struct package *package = site_package(r->world->options.site, r->rest);
	struct err err;
	if (!package || !(package->definition->start.open || package->definition->start.who)) {
		page_not_found(r, out);
		return;
	}
	struct view *v = store_view(r->world->options.store, &err);
	if (!v) {
		page_failure(r, out, &err);
		return;
	}
	if (package->definition->start.open)
		fill_in(r, v, package, out);
	else
		own_start_page(r, v, package, out);
	view_close(v);
}
