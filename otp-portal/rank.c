#include "otp-portal/rank_parts.h"

#include "otp-portal/page.h"

enum { MOST_NUMBER = 1000000 };

static struct request *request_of(const struct ranked_page *p) {
	return p->f->prose.r;
}

struct pressed {
	struct ranked_page page;
	struct filling filling;
	struct ranking ranking;
	struct link link;
	struct str event, language, back, anchor;
	int64_t version;
	struct form_problems problems;
};

static bool run_press(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct pressed *s = c->context;
	struct receipt receipt;
	struct act_request request = {.link = &s->link, .event = s->event, .version = s->version, .language = s->language, .ranking = &s->ranking};
	s->problems = (struct form_problems){0};
	return engine_act(engine, tx, now, &request, c->arena, &s->problems, &receipt, err);
}

/* The page as it is now, with what was refused. */
static void show_refused(struct request *r, struct pressed *s, struct response *out) {
	struct err err;
	struct view *v = store_view(r->world->options.store, &err);
	if (!v) {
		page_failure(r, out, &err);
		return;
	}
	struct register_port port = data_store_port(v);
	s->filling.world.registers = s->filling.prose.registers = &port;
	s->page.f = &s->filling;
	s->page.problems = &s->problems;
	rank_write(&s->page, out);
	view_close(v);
}

static void after_press(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	struct pressed *s = c->context;
	if (ok)
		response_redirect(out, r, arena_printf(r->arena, "%.*s%.*s", STR_ARG(page_path(r, page_with(r, s->back, STR("note=kept")))), STR_ARG(s->anchor)));
	else if (err->kind == ERR_INPUT && s->problems.count > 0)
		show_refused(r, s, out);
	else if (err->kind == ERR_CONFLICT && str_is(str_from(err->key), "ranking.other"))
		response_redirect(out, r, page_path(r, page_with(r, s->back, STR("note=other"))));
	else if (err->kind == ERR_CONFLICT && !str_is(str_from(err->key), "event.refused"))
		response_redirect(out, r, page_path(r, s->filling.home.len > 0 ? s->filling.home : s->filling.path)); /* the link itself says what has happened */
	else
		page_failure(r, out, err);
}

/* Numbers that differ from those that were shown; false: one is no number. */
static bool read_numbers(struct ranked_page *p, struct ranking *ranking) {
	struct request *r = request_of(p);
	int64_t shown;
	if (!str_to_int(request_form(r, "first"), &shown))
		shown = 1;
	for (size_t i = 0; i < r->form.count; i++) {
		struct str key = r->form.items[i].name, typed = str_trim(r->form.items[i].value);
		int64_t number = shown;
		if (!str_starts(key, STR("n.")))
			continue;
		key = (struct str){key.at + 2, key.len - 2};
		if (typed.len > 0 && (!str_to_int(typed, &number) || number < 0 || number > MOST_NUMBER)) {
			p->wrong = typed;
			p->wrong_key = key;
			return false;
		}
		if (number != shown)
			*(struct ranking_number *)ARENA_PUSH(r->arena, &ranking->numbers) = (struct ranking_number){key, number};
		shown++;
	}
	return true;
}

static bool read_press(const struct request *r, struct ranking *ranking) {
	static const struct {
		const char *name;
		enum ranking_press press;
	} buttons[] = {{"put", RANKING_ADD}, {"drop", RANKING_REMOVE}, {"up", RANKING_UP}, {"down", RANKING_DOWN}};
	ranking->seen = request_form(r, "seen");
	for (size_t i = 0; i < sizeof buttons / sizeof *buttons; i++) {
		ranking->key = request_form(r, buttons[i].name);
		ranking->press = buttons[i].press;
		if (ranking->key.len > 0)
			return true;
	}
	ranking->press = RANKING_ORDER;
	return request_form(r, "order").len > 0;
}

/* Where the eye was: the row of the catalogue that was pressed, else the list. */
static struct str anchor_of(struct ranked_page *p, const struct ranking *ranking) {
	struct err ignored;
	if (ranking->press != RANKING_ADD)
		return STR("#mine");
	for (size_t i = 0; rank_open(p, &ignored) && i < p->found.count; i++)
		if (str_equal(rank_key(&p->found.rows[i]), ranking->key))
			return arena_printf(request_of(p)->arena, "#r-%zu", i + 1);
	return STR("");
}

static void post(struct ranked_page *p, const struct link_view *look, struct response *out) {
	struct request *r = request_of(p);
	struct ranking ranking = {0};
	struct form_problems problems = {0};
	if (!read_press(r, &ranking)) {
		page_error(r, out, 422, "error.input");
		return;
	}
	if (!read_numbers(p, &ranking)) {
		*(struct form_problem *)ARENA_PUSH(r->arena, &problems) = (struct form_problem){p->item->field->name, "field.not-int", {STR(""), STR("")}};
		p->problems = &problems;
		rank_write(p, out);
		return;
	}
	rank_find(p);
	struct catalogue_ask ask = catalogue_ask_read(r, p->item->catalogue, rank_path(p, p->first));
	struct str anchor = anchor_of(p, &ranking);
	struct change *c = response_change(out, sizeof(struct pressed), run_press, after_press);
	struct pressed *s = c->context;
	*s = (struct pressed){.page = *p, .filling = *p->f, .ranking = ranking, .link = look->link, .event = look->event->name, .back = catalogue_ask_path(&ask), .anchor = anchor};
	if (!str_to_int(request_form(r, "version"), &s->version) || s->version < 1 || s->version > p->f->version)
		s->version = p->f->version;
	s->language = language_code(r->language);
}

void rank_page(struct filling *f, const struct link_view *look, struct response *out) {
	struct form_problems none = {0};
	struct ranked_page page = {.f = f, .item = form_ranking(f->form), .problems = &none};
	f->prose.values = f->base;
	if (f->prose.r->method == METHOD_POST)
		post(&page, look, out);
	else
		rank_write(&page, out);
}
