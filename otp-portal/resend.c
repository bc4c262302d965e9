#include "otp-portal/resend.h"

#include "engine/base/escape.h"
#include "engine/store/fate.h"
#include "otp-portal/acquaintance.h"
#include "otp-portal/limits.h"
#include "otp-portal/page.h"

enum { RESENDS_AN_HOUR = 3 }; /* to one address, whatever they are of */

static bool may(const struct participation_list *people, const struct view_rule *rule, int64_t contact_id) {
	for (size_t i = 0; i < people->count; i++)
		for (size_t k = 0; k < rule->resend_by.count; k++)
			if (people->items[i].contact_id == contact_id && str_equal(people->items[i].role, rule->resend_by.items[k]->name))
				return true;
	return false;
}

/* The newest message to each person of those roles; none when it is not for the reader. */
static bool find_rows(const struct show_view *show, struct view *v, int64_t day, struct arena *a, struct outbox_list *out, struct err *err) {
	struct participation_list people = {0};
	*out = (struct outbox_list){0};
	if (!show->logged_in || show->rule->resend_to.count == 0)
		return true;
	if (!participation_list(v, show->instance->id, day, a, &people, err))
		return false;
	for (size_t i = 0; may(&people, show->rule, show->contact_id) && i < show->rule->resend_to.count; i++) {
		struct outbox_list rows;
		if (!outbox_newest(v, show->instance->id, show->rule->resend_to.items[i]->name, day, a, &rows, err))
			return false;
		for (size_t k = 0; k < rows.count; k++)
			*(struct outbox_row *)ARENA_PUSH(a, out) = rows.items[k];
	}
	return true;
}

static void write_button(const struct prose *p, const struct show_view *show, const struct outbox_row *row, struct str what, struct response *out) {
	buf_z(&out->body, "<form method=\"post\" action=\"");
	escape_html(&out->body, page_path(p->r, show->here));
	buf_z(&out->body, "\">\n");
	page_hidden(out, "resend", arena_printf(p->r->arena, "%lld", (long long)row->id));
	page_hidden_language(p->r, out);
	buf_z(&out->body, "<p class=\"buttons\"><button class=\"quiet\">");
	page_word(p->r, out, "resend.again");
	buf_z(&out->body, "<span class=\"sr\">: ");
	escape_html(&out->body, what);
	buf_z(&out->body, "</span></button></p>\n</form>\n");
}

static void write_row(const struct prose *p, struct view *v, const struct show_view *show, const struct acquaintance *known, const struct outbox_row *row, struct response *out) {
	struct request *r = p->r;
	struct err why = {0};
	enum fate fate = fate_of(row);
	struct str label = prose_get(p, "messages", row->message, NULL, (struct str){0});
	if (label.len == 0)
		label = language_word(r->language, row->channel == CHANNEL_SMS ? "timeline.sms" : "timeline.mail");
	struct str to = acquaintance_who(known, row->role, row->contact_id, row->recipient_name, row->recipient);
	struct str what = language_text(r->language, r->arena, "timeline.message", label, to);
	int64_t at = row->sent_at ? row->sent_at : row->created_at;
	buf_z(&out->body, "<li>\n<p><strong>");
	page_word(r, out, fate_key(fate));
	buf_z(&out->body, "</strong>: ");
	escape_html(&out->body, what);
	buf_z(&out->body, "<br>\n<span class=\"caption\">");
	escape_html(&out->body, language_datetime(r->language, r->arena, zone_local(site_zone(r->world->options.site), at)));
	buf_z(&out->body, "</span></p>\n");
	bool can = fate != FATE_WAITING && engine_may_resend(r->world->options.engine, v, r->now, row, r->arena, &why);
	if (can)
		write_button(p, show, row, what, out);
	else if (why.kind == ERR_DENIED) {
		buf_z(&out->body, "<p>");
		page_text(r, out, why.key, str_from(why.arg[0]), STR(""));
		buf_z(&out->body, "</p>\n");
	}
	buf_z(&out->body, "</li>\n");
}

bool resend_write(const struct prose *p, struct view *v, const struct show_view *show, bool ready, struct response *out, struct err *err) {
	struct acquaintance known;
	struct outbox_list rows;
	if (!find_rows(show, v, prose_day(p), p->r->arena, &rows, err) || !acquaintance_read(p, v, show->rule, show->contact_id, ready, &known, err))
		return false;
	if (rows.count == 0)
		return true;
	buf_z(&out->body, "<section class=\"acts\">\n<h2>");
	page_word(p->r, out, "resend.title");
	buf_z(&out->body, "</h2>\n");
	struct str again = request_query(p->r, "again");
	if (str_is(again, "1") || str_is(again, "later")) {
		buf_z(&out->body, "<p class=\"note\" role=\"status\">");
		page_word(p->r, out, str_is(again, "1") ? "resend.done" : "resend.too-often");
		buf_z(&out->body, "</p>\n");
	}
	buf_z(&out->body, "<ul class=\"tasks\">\n");
	for (size_t i = 0; i < rows.count; i++)
		write_row(p, v, show, &known, &rows.items[i], out);
	buf_z(&out->body, "</ul>\n</section>\n");
	return true;
}

struct again {
	struct show_view show;
	const struct portal_world *world;
	int64_t instance_id, outbox_id;
};

/* As the page stands in this transaction: a second press finds it on its way. */
static bool run_again(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct again *g = c->context;
	struct instance instance = {.id = g->instance_id};
	struct outbox_list rows;
	const struct outbox_row *row = NULL;
	int64_t id;
	g->show.instance = &instance;
	if (!find_rows(&g->show, tx_view(tx), site_day(g->world->options.site, now), c->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.count && !row; i++)
		if (rows.items[i].id == g->outbox_id)
			row = &rows.items[i];
	if (!row || fate_of(row) == FATE_WAITING)
		return err_set(err, ERR_CONFLICT, "link.not-now", "message %lld is not one that this page offers to send again", (long long)g->outbox_id);
	if (!engine_may_resend(engine, tx_view(tx), now, row, c->arena, err)) {
		err->kind = err->kind == ERR_DENIED ? ERR_CONFLICT : err->kind; /* the page says why */
		return false;
	}
	return limit_count(tx, "resend", limit_address(g->world, row->recipient, c->arena), RESENDS_AN_HOUR, LIMIT_HOUR, now, err) &&
	       engine_resend(engine, tx, now, g->outbox_id, c->arena, &id, err);
}

static void after_again(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct again *g = c->context;
	if (ok || err->kind == ERR_DENIED)
		response_redirect(out, r, page_path(r, page_with(r, g->show.here, ok ? STR("again=1") : STR("again=later"))));
	else if (err->kind == ERR_CONFLICT)
		response_redirect(out, r, page_path(r, g->show.here));
	else
		page_failure(r, out, err);
}

bool resend_asked(struct request *r, const struct show_view *show) {
	return show->logged_in && request_form(r, "resend").len > 0;
}

void resend_post(struct request *r, const struct show_view *show, struct response *out) {
	struct change *c = response_change(out, sizeof(struct again), run_again, after_again);
	struct again *g = c->context;
	*g = (struct again){.show = *show, .world = r->world, .instance_id = show->instance->id};
	if (!str_to_int(request_form(r, "resend"), &g->outbox_id))
		g->outbox_id = 0;
}
