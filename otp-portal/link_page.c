#include "otp-portal/link_page.h"

#include "otp-portal/attach.h"
#include "otp-portal/closed_page.h"
#include "otp-portal/link_form.h"
#include "otp-portal/list_page.h"
#include "otp-portal/page.h"
#include "otp-portal/receipt_page.h"
#include "otp-portal/renewal.h"
#include "otp-portal/rows_page.h"
#include "otp-portal/show_page.h"

static void view_link(struct request *r, struct view *v, const struct link_view *look, struct response *out) {
	if (look->view->kind == VIEW_PAGE) {
		struct show_view show = {look->package, look->definition, look->view, &look->instance, look->values, r->path, STR(""), false, look->link.contact_id};
		show_page(r, v, &show, out);
		return;
	}
	if (look->view->kind == VIEW_ROWS) {
		struct rows_view rows = {look->package, look->definition, look->view, &look->instance, look->values, r->path, false, look->link.contact_id};
		rows_page(r, v, &rows, out);
		return;
	}
	struct list_view list = {look->package, look->view, look->link.contact_id, r->path, false};
	list_page(r, v, &list, out);
}

static void answer(struct request *r, struct view *v, struct link_view *look, struct response *out) {
	bool post = r->method == METHOD_POST, task = look->link.kind == LINK_TASK;
	bool gone = look->link.state != LINK_LIVE || look->expired || (task && !look->own);
	struct str event = request_query(r, "event");
	if (gone && renewal_asked(r) && engine_renewable(look))
		renewal_post(r, look, out);
	else if (post && look->link.kind == LINK_VIEW && request_form(r, "act").len == 0)
		page_wrong_method(r, out, STR("GET, HEAD"));
	else if (post && look->link.state == LINK_USED)
		response_redirect(out, r, page_path(r, r->path)); /* a second press finds the receipt */
	else if (look->link.state == LINK_USED)
		receipt_page(r, v, look, r->path, out);
	else if (gone && link_form_late(r, v, look, out))
		return;
	else if (gone)
		closed_page(r, v, look, NULL, out);
	else if (look->link.kind == LINK_VIEW)
		view_link(r, v, look, out);
	else if (event.len > 0 && !(task && engine_look_also(r->world->options.engine, r->now, look, event, r->arena)))
		page_not_found(r, out);
	else if ((task || look->missing) && !look->open)
		closed_page(r, v, look, NULL, out);
	else
		link_form(r, v, look, out);
}

static bool has_files(const struct definition *d) {
	for (size_t i = 0; i < d->fields.count; i++)
		if (d->fields.items[i].kind == FIELD_FILE)
			return true;
	return false;
}

/* Where the form is no longer there, the page says so to who sends it twice or too late. */
bool link_takes_files(struct request *r) {
	struct err err;
	struct link_view look;
	struct str event = request_query(r, "event");
	struct view *v = store_view(r->world->options.store, &err);
	bool takes = v && engine_look(r->world->options.engine, v, r->now, r->rest, r->arena, &look, &err);
	if (takes && event.len > 0 && look.link.kind == LINK_TASK)
		engine_look_also(r->world->options.engine, r->now, &look, event, r->arena);
	if (takes) {
		bool open = look.link.state == LINK_LIVE && !look.expired && look.form;
		takes = open ? attach_asks(look.form) : has_files(look.definition);
	}
	if (v)
		view_close(v);
	return takes;
}

void link_page(struct request *r, struct response *out) {
	struct err err;
	struct link_view *look = ARENA_NEW(r->arena, struct link_view); /* what waits for the writer points into it */
	struct view *v = store_view(r->world->options.store, &err);
	if (!v) {
		page_failure(r, out, &err);
		return;
	}
	if (engine_look(r->world->options.engine, v, r->now, r->rest, r->arena, look, &err)) {
		request_choose_language(r, look->contact.language);
		answer(r, v, look, out);
	} else if (err.kind == ERR_NOT_FOUND) {
		page_message(r, out, 404, "link.unknown-title", "link.unknown", STR(""));
	} else {
		page_failure(r, out, &err);
	}
	view_close(v);
}
