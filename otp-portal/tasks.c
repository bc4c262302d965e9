#include "otp-portal/tasks.h"

#include "engine/base/escape.h"
#include "otp-portal/columns.h"
#include "otp-portal/page.h"

#include <stdlib.h>

enum { TASKS = 100, WORDS = 2 };

static bool is_there(const struct tasks *tasks, const struct link *link) {
	for (size_t i = 0; i < tasks->count; i++) {
		const struct link *other = &tasks->items[i].look->link;
		if (other->instance_id == link->instance_id && str_equal(other->role, link->role) && str_equal(other->task, link->task))
			return true;
	}
	return false;
}

/* A link whose act is not possible in this state, or any more, waits for nobody. */
static bool add(struct request *r, struct view *v, const struct link *link, struct tasks *out, struct err *err) {
	struct engine *engine = r->world->options.engine;
	struct link_view *look = ARENA_NEW(r->arena, struct link_view);
	struct str token = engine_token(engine, link, r->arena);
	if (token.len == 0 || is_there(out, link))
		return true;
	if (!engine_look(engine, v, r->now, token, r->arena, look, err))
		return err->kind == ERR_NOT_FOUND;
	if (look->event && !look->expired && look->link.state == LINK_LIVE)
		*(struct task *)ARENA_PUSH(r->arena, out) = (struct task){look, arena_printf(r->arena, "/l/%.*s", STR_ARG(token))};
	return true;
}

static int by_end(const void *a, const void *b) {
	const struct link_view *x = ((const struct task *)a)->look, *y = ((const struct task *)b)->look;
	int64_t x_ends = x->ends_at ? x->ends_at : INT64_MAX, y_ends = y->ends_at ? y->ends_at : INT64_MAX;
	if (x_ends != y_ends)
		return x_ends < y_ends ? -1 : 1;
	return (x->link.created_at < y->link.created_at) - (x->link.created_at > y->link.created_at);
}

bool tasks_find(struct request *r, struct view *v, int64_t contact_id, struct tasks *out, struct err *err) {
	struct link_list links;
	*out = (struct tasks){0};
	if (!link_open_of_contact(v, contact_id, TASKS, r->arena, &links, err))
		return false;
	for (size_t i = 0; i < links.count; i++)
		if (!add(r, v, &links.items[i], out, err))
			return false;
	if (out->count > 1)
		qsort(out->items, out->count, sizeof *out->items, by_end);
	return true;
}

/* The words that this role knows the case by: the first columns of its own list. */
static void write_words(const struct prose *p, struct str role, struct buf *b) {
	const struct view_rule *list = NULL;
	for (size_t i = 0; i < p->definition->views.count && !list; i++)
		if (p->definition->views.items[i].kind == VIEW_LIST && view_rule_is_for(&p->definition->views.items[i], role))
			list = &p->definition->views.items[i];
	size_t written = 0;
	for (size_t i = 0; list && i < list->columns.count && written < WORDS; i++) {
		struct str column = list->columns.items[i];
		struct str value = definition_field(p->definition, column) ? column_value(p, column) : STR("");
		if (value.len == 0)
			continue;
		escape_html(b, value);
		buf_z(b, ", ");
		written++;
	}
	escape_html(b, p->instance->reference);
}

static void write_time(struct request *r, const char *key, int64_t at, struct response *out) {
	struct str text = language_datetime(r->language, r->arena, zone_local(site_zone(r->world->options.site), at));
	buf_z(&out->body, "<br>\n");
	page_text(r, out, key, text, STR(""));
}

static void write_task(struct request *r, const struct register_port *port, const struct task *t, struct response *out) {
	const struct link_view *look = t->look;
	struct prose p = {r, look->package, look->definition, look->values, &look->instance, port, STR("")};
	struct str title = prose_get(&p, "events", look->event->name, NULL, (struct str){0});
	buf_z(&out->body, "<li><a href=\"");
	escape_html(&out->body, page_path(r, t->path));
	buf_z(&out->body, "\">");
	escape_html(&out->body, title.len > 0 ? title : look->event->name);
	buf_z(&out->body, "</a>\n<p>");
	write_words(&p, look->link.role, &out->body);
	if (!look->event->optional)
		write_time(r, "login.task-since", look->link.created_at, out);
	if (look->opens_at > r->now && look->opens_at != INT64_MAX)
		write_time(r, "login.task-opens", look->opens_at, out);
	if (look->ends_at != 0)
		write_time(r, "login.task-until", look->ends_at, out);
	buf_z(&out->body, "</p></li>\n");
}

static size_t count(const struct tasks *tasks, bool optional) {
	size_t found = 0;
	for (size_t i = 0; i < tasks->count; i++)
		found += tasks->items[i].look->event->optional == optional;
	return found;
}

static void write_part(struct request *r, const struct register_port *port, const struct tasks *tasks, bool optional, struct response *out) {
	buf_z(&out->body, "<h2>");
	page_word(r, out, optional ? "login.may" : "login.tasks");
	buf_z(&out->body, "</h2>\n");
	if (count(tasks, optional) == 0) {
		buf_z(&out->body, "<p>");
		page_word(r, out, "login.no-tasks");
		buf_z(&out->body, "</p>\n");
		return;
	}
	buf_z(&out->body, "<ul class=\"tasks\">\n");
	for (size_t i = 0; i < tasks->count; i++)
		if (tasks->items[i].look->event->optional == optional)
			write_task(r, port, &tasks->items[i], out);
	buf_z(&out->body, "</ul>\n");
}

void tasks_write(struct request *r, struct view *v, const struct tasks *tasks, struct response *out) {
	struct register_port port = data_store_port(v);
	write_part(r, &port, tasks, false, out);
	if (count(tasks, true) > 0)
		write_part(r, &port, tasks, true, out);
}
