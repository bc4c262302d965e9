#include "otp-portal/rows_page.h"

#include "engine/base/escape.h"
#include "engine/base/log.h"
#include "engine/store/listings.h"
#include "otp-portal/banner.h"
#include "otp-portal/catalogue_list.h"
#include "otp-portal/page.h"
#include "otp-portal/session.h"

struct looking {
	struct request *r;
	struct view *v;
	const struct rows_view *rows;
	struct prose prose;
	struct form_world world;
	struct participation_list people;
	struct catalogue_ask ask;
	struct catalogue_rows found;
	struct catalogue_list list;
};

static struct str key_of(const struct value *row) {
	return row->record.members[row->record.type->key].string;
}

static struct str path_with(const struct looking *l, struct str path, const char *name, struct str value) {
	struct buf query;
	buf_init(&query, 4000);
	buf_printf(&query, "%s=", name);
	escape_url(&query, value);
	struct str out = page_with(l->r, path, buf_text(&query));
	buf_free(&query);
	return out;
}

/* The event of the view's `acts` that the reader may do now; NULL: none. */
static const struct event_rule *may(const struct looking *l, struct str event) {
	const struct rows_view *rows = l->rows;
	const struct event_rule *rule = NULL;
	if (!rows->instance || rows->contact_id == 0)
		return NULL;
	const struct state *state = definition_state(rows->definition, rows->instance->state);
	for (size_t i = 0; i < l->people.count && !rule; i++)
		if (l->people.items[i].contact_id == rows->contact_id)
			rule = view_act(rows->rule, state, l->people.items[i].role, event);
	bool open = rule && engine_opening(l->r->world->options.engine, l->r->now, rows->definition, rows->instance, rows->values, rule, l->r->arena) <= l->r->now;
	return open ? rule : NULL;
}

/* Which place the row has on the reader's ranked list; 0: none. */
static size_t place_of(const struct looking *l, const struct value *row) {
	const struct definition *d = l->rows->definition;
	for (size_t i = 0; i < d->forms.count && l->rows->values; i++) {
		const struct form_item *item = form_ranking(&d->forms.items[i]);
		if (!item || item->catalogue->reg != l->rows->rule->catalogue->reg)
			continue;
		const struct value *list = &l->rows->values[item->field->slot];
		for (size_t k = 0; list->kind == KIND_LIST && k < list->list.count; k++)
			if (str_equal(key_of(&list->list.items[k]), key_of(row)))
				return k + 1;
	}
	return 0;
}

static void write_place(const struct looking *l, const struct value *row, struct response *out) {
	size_t place = place_of(l, row);
	if (place == 0)
		return;
	buf_z(&out->body, "<span class=\"tag\">");
	page_text(l->r, out, "rank.place", arena_printf(l->r->arena, "%zu", place), STR(""));
	buf_z(&out->body, "</span>\n");
}

/* Below each row: its place on the reader's list, and its own page. */
static void write_act(void *context, size_t index, bool available, struct response *out) {
	const struct looking *l = context;
	const struct value *row = &l->found.rows[index];
	(void)available;
	buf_z(&out->body, "<p class=\"act\">");
	write_place(l, row, out);
	buf_z(&out->body, "<a class=\"button quiet\" href=\"");
	escape_html(&out->body, page_path(l->r, path_with(l, l->rows->path, "row", key_of(row))));
	buf_z(&out->body, "\">");
	page_word(l->r, out, "catalogue.open");
	buf_z(&out->body, "<span class=\"sr\">: ");
	escape_html(&out->body, catalogue_label(&l->prose, l->rows->rule->catalogue, row));
	buf_z(&out->body, "</span></a></p>\n");
}

static struct str title_of(const struct looking *l) {
	struct str title = prose_get(&l->prose, "views", l->rows->rule->name, "title", (struct str){0});
	return title.len > 0 ? title : l->rows->rule->name;
}

static void begin(const struct looking *l, struct str title, struct str here, bool wide, struct response *out) {
	struct page page = {.title = title, .here = here, .logged_in = l->rows->logged_in, .wide = wide};
	struct err err = {0};
	page_begin(l->r, out, &page);
	if (!banner_write(&l->prose, l->v, l->rows->contact_id, out, &err))
		log_err(LOG_WARN, "banner-failed", &err);
	if (!wide)
		page_way(l->r, out, l->rows->path, "list.back");
	buf_z(&out->body, "<h1>");
	escape_html(&out->body, title);
	buf_z(&out->body, "</h1>\n");
}

static void write_all(struct looking *l, struct response *out) {
	begin(l, title_of(l), catalogue_ask_path(&l->ask), true, out);
	prose_write(&l->prose, prose_find(&l->prose, "views", l->rows->rule->name, "intro", (struct str){0}), &out->body);
	catalogue_write_sieve(&l->list, out);
	catalogue_write_count(&l->list, out);
	catalogue_write_rows(&l->list, out);
	catalogue_write_turning(&l->list, out);
	page_end(l->r, out);
}

/* --- one row --- */

static void write_buttons(const struct looking *l, const struct value *row, struct str here, struct response *out) {
	const struct view_rule *rule = l->rows->rule;
	for (size_t i = 0; i < rule->acts.count; i++) {
		const struct event_rule *event = may(l, rule->acts.items[i]);
		bool ranks = event && form_ranking(event->form);
		if (!event || (ranks && place_of(l, row) > 0))
			continue;
		buf_z(&out->body, "<form method=\"post\" action=\"");
		escape_html(&out->body, page_path(l->r, here));
		buf_z(&out->body, "\">\n");
		page_hidden(out, "act", event->name);
		page_hidden_language(l->r, out);
		buf_z(&out->body, "<p class=\"buttons\"><button class=\"quiet\">");
		escape_html(&out->body, catalogue_word(&l->prose, rule->catalogue, ranks ? "add" : "choose"));
		buf_z(&out->body, "</button></p>\n</form>\n");
	}
}

static void write_one(struct looking *l, size_t index, struct response *out) {
	const struct catalogue *c = l->rows->rule->catalogue;
	const struct value *row = &l->found.rows[index];
	bool available = !l->found.available || l->found.available[index];
	struct str here = path_with(l, l->rows->path, "row", key_of(row));
	begin(l, catalogue_label(&l->prose, c, row), here, false, out);
	buf_z(&out->body, "<p>");
	if (c->available)
		catalogue_write_mark(&l->list, available, &out->body);
	write_place(l, row, out);
	buf_z(&out->body, "</p>\n<dl class=\"answers\">\n");
	catalogue_write_whole(&l->prose, c, row, out);
	buf_z(&out->body, "</dl>\n");
	if (available)
		write_buttons(l, row, here, out);
	page_end(l->r, out);
}

static void show_row(struct looking *l, struct str key, struct response *out) {
	for (size_t i = 0; i < l->found.count; i++) {
		if (!str_equal(key_of(&l->found.rows[i]), key))
			continue;
		write_one(l, i, out);
		return;
	}
	page_not_found(l->r, out);
}

/* --- a way to an act --- */

struct taken {
	struct page_act act;
	struct link link;
	struct str here, query;
};

static bool run_take(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct taken *t = c->context;
	return engine_page_link(engine, tx, now, &t->act, c->arena, &t->link, err);
}

static void after_take(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct taken *t = c->context;
	if (ok)
		response_redirect(out, r, page_path(r, arena_printf(r->arena, "/l/%.*s?%.*s", STR_ARG(engine_token(r->world->options.engine, &t->link, r->arena)), STR_ARG(t->query))));
	else if (err->kind == ERR_CONFLICT)
		response_redirect(out, r, page_path(r, t->here));
	else
		page_failure(r, out, err);
}

/* The page of the form that has the catalogue; of a ranked list there is one. */
static struct str step_of(const struct looking *l, const struct form *form) {
	for (size_t i = 0; i < form->pages.count; i++)
		if (form->pages.items[i].items.count == 1 && form->pages.items[i].items.items[0].catalogue)
			return arena_printf(l->r->arena, "step=%zu&", i + 1);
	return STR("");
}

static void post(struct looking *l, struct str key, struct response *out) {
	const struct event_rule *event = may(l, request_form(l->r, "act"));
	struct str here = path_with(l, l->rows->path, "row", key);
	if (!event) {
		response_redirect(out, l->r, page_path(l->r, here));
		return;
	}
	struct str row = path_with(l, STR(""), "row", key), step = step_of(l, event->form);
	struct change *c = response_change(out, sizeof(struct taken), run_take, after_take);
	*(struct taken *)c->context = (struct taken){{l->rows->instance->id, l->rows->contact_id, l->rows->rule->name, event->name}, .here = here,
	                                             .query = arena_printf(l->r->arena, "%.*s%s", STR_ARG(step), row.at + 1)};
}

void rows_page(struct request *r, struct view *v, const struct rows_view *rows, struct response *out) {
	struct register_port port = data_store_port(v);
	const struct catalogue *c = rows->rule->catalogue;
	struct value all;
	struct err err;
	struct str key = request_query(r, "row");
	struct looking l = {.r = r, .v = v, .rows = rows, .prose = {r, rows->package, rows->definition, rows->values, rows->instance, &port, STR("")}};
	l.world = engine_world(r->world->options.engine, rows->definition, rows->instance, &port, r->now, r->arena);
	int64_t today = civil_day_of(zone_local(l.world.zone, r->now));
	const struct value *values = rows->values ? rows->values : ARENA_ARRAY(r->arena, rows->definition->fields.count + 1, struct value);
	if ((rows->instance && !participation_list(v, rows->instance->id, today, r->arena, &l.people, &err)) || !port.rows(port.context, c->reg, today, r->arena, &all, &err)) {
		page_failure(r, out, &err);
		return;
	}
	if (r->method == METHOD_POST) {
		post(&l, key, out);
		return;
	}
	l.ask = catalogue_ask_read(r, c, rows->path);
	catalogue_find(&l.ask, &l.world, values, all.list.items, all.list.count, &l.found);
	l.list = (struct catalogue_list){.ask = &l.ask, .rows = &l.found, .prose = &l.prose, .level = 2, .act = write_act, .context = &l};
	if (key.len > 0)
		show_row(&l, key, out);
	else
		write_all(&l, out);
}

/* --- whose case it is --- */

/* The newest case in which the contact has one of the view's roles; id 0: none. */
static bool find_own(struct request *r, struct view *v, const struct definition *d, const struct view_rule *rule, int64_t contact_id, struct instance *out, struct err *err) {
	struct str *roles = ARENA_ARRAY(r->arena, rule->roles.count + 1, struct str);
	struct listed_list found = {0};
	for (size_t i = 0; i < rule->roles.count; i++)
		roles[i] = rule->roles.items[i]->name;
	struct listing_query query = {.workflow = d->name, .contact_id = contact_id, .roles = roles, .role_count = rule->roles.count, .order = LISTING_STARTED, .limit = 1, .now = r->now, .day = site_day(r->world->options.site, r->now)};
	*out = (struct instance){0};
	return contact_id == 0 || (listing_query(v, &query, r->arena, &found, err) && (found.count == 0 || instance_load(v, found.items[0].instance_id, r->arena, out, err)));
}

/* As the definition of the case says, where it has such a view. */
static bool open_own(struct request *r, struct view *v, const struct instance *instance, struct rows_view *rows, struct err *err) {
	struct register_port port = data_store_port(v);
	struct prose p = {.r = r, .package = rows->package, .registers = &port};
	if (!prose_read(&p, v, instance, err))
		return false;
	const struct view_rule *rule = definition_view(p.definition, rows->rule->name);
	if (!rule || rule->kind != VIEW_ROWS)
		return true;
	rows->definition = p.definition;
	rows->rule = rule;
	rows->instance = instance;
	rows->values = p.values;
	return true;
}

static void show(struct request *r, struct view *v, struct rows_view *rows, bool needs, struct response *out) {
	struct instance *own = ARENA_NEW(r->arena, struct instance);
	struct err err;
	if (!find_own(r, v, rows->definition, rows->rule, rows->contact_id, own, &err) || (own->id != 0 && !open_own(r, v, own, rows, &err)))
		page_failure(r, out, &err);
	else if (needs && !rows->instance)
		page_not_found(r, out);
	else
		rows_page(r, v, rows, out);
}

void rows_page_own(struct request *r, struct view *v, const struct package *package, const struct view_rule *rule, struct str path, int64_t contact_id, struct response *out) {
	struct rows_view rows = {.package = package, .definition = package->definition, .rule = rule, .path = path, .logged_in = true, .contact_id = contact_id};
	show(r, v, &rows, true, out);
}

static const struct view_rule *find_public(struct request *r, const struct package **package) {
	struct str view = r->rest, workflow = str_cut(&view, '/');
	*package = site_package(r->world->options.site, workflow);
	const struct view_rule *rule = *package ? definition_view((*package)->definition, view) : NULL;
	return rule && rule->open ? rule : NULL;
}

void rows_page_public(struct request *r, struct response *out) {
	const struct package *package;
	const struct view_rule *rule = find_public(r, &package);
	struct session session;
	struct err err;
	if (!rule) {
		page_not_found(r, out);
		return;
	}
	struct view *v = store_view(r->world->options.store, &err);
	if (!v) {
		page_failure(r, out, &err);
		return;
	}
	struct rows_view rows = {.package = package, .definition = package->definition, .rule = rule, .path = r->path};
	if (session_id(r, (unsigned char[SECRET_HASH]){0}) && session_current(r, v, &session, &err)) {
		rows.contact_id = session.contact_id;
		rows.logged_in = true;
	}
	show(r, v, &rows, false, out);
	view_close(v);
}

bool rows_page_ways(struct request *r, struct response *out) {
	const struct site *site = r->world->options.site;
	bool any = false;
	for (size_t p = 0; p < site_package_count(site); p++) {
		const struct package *package = site_package_at(site, p);
		struct prose prose = {.r = r, .package = package, .definition = package->definition};
		for (size_t i = 0; i < package->definition->views.count; i++) {
			const struct view_rule *rule = &package->definition->views.items[i];
			if (!rule->open)
				continue;
			struct str path = arena_printf(r->arena, "/rows/%.*s/%.*s", STR_ARG(package->definition->name), STR_ARG(rule->name));
			struct str title = prose_get(&prose, "views", rule->name, "title", (struct str){0});
			buf_z(&out->body, "<section class=\"start\">\n<h2>");
			escape_html(&out->body, title.len > 0 ? title : rule->name);
			buf_z(&out->body, "</h2>\n<p><a class=\"button quiet\" href=\"");
			escape_html(&out->body, page_path(r, path));
			buf_z(&out->body, "\">");
			page_word(r, out, "catalogue.look");
			buf_z(&out->body, "<span class=\"sr\">: ");
			escape_html(&out->body, title.len > 0 ? title : rule->name);
			buf_z(&out->body, "</span></a></p>\n</section>\n");
			any = true;
		}
	}
	return any;
}
