#include "otp-portal/link_form.h"

#include "otp-portal/attach.h"
#include "otp-portal/check_page.h"
#include "otp-portal/form_page.h"
#include "otp-portal/later.h"
#include "otp-portal/link_act.h"
#include "otp-portal/link_page.h"
#include "otp-portal/page.h"
#include "otp-portal/prefill.h"
#include "otp-portal/rank.h"
#include "otp-portal/seen.h"

static bool open_filling(struct request *r, struct view *v, const struct link_view *look, struct register_port *port, struct filling *f,
                         struct err *err) {
	struct str draft = STR("");
	*port = data_store_port(v);
	*f = (struct filling){
	        .prose = {r, look->package, look->definition, look->values, look->instance.id ? &look->instance : NULL, port, STR("")},
	        .form = look->form,
	        .role = look->link.role,
	        .base = look->values,
	        .path = look->event != look->own ? page_with(r, r->path, arena_printf(r->arena, "event=%.*s", STR_ARG(look->event->name))) : r->path,
	        .home = look->event != look->own ? r->path : STR(""),
	        .offers = look->event == look->own ? look->own : NULL,
	        .version = look->instance.version,
	};
	f->world = engine_world(r->world->options.engine, look->definition, look->instance.id ? &look->instance : NULL, port, r->now, r->arena);
	f->world.event = look->link.kind == LINK_START ? STR("start") : link_task(look);
	f->world.actor = look->contact.value;
	if (look->link.kind == LINK_START && look->instance.id == 0 && !prefill_answers(r, v, look->definition, &f->known, err))
		return false;
	if (!draft_load(v, look->link.id, link_task(look), r->arena, &draft, err))
		return false;
	return draft.len == 0 || answers_from_json(draft, r->arena, &f->draft, err);
}

/* "1".."n" -> 0..n-1, "check" -> n; false: neither. */
static bool parse_step(const struct filling *f, struct str step, size_t *page) {
	int64_t number = 1;
	if (str_is(step, "check")) {
		*page = f->form->pages.count;
		return f->form->check;
	}
	if (step.len > 0 && (!str_to_int(step, &number) || number < 1 || number > (int64_t)f->form->pages.count))
		return false;
	*page = (size_t)number - 1;
	return true;
}

static void get_check(const struct filling *f, struct response *out) {
	struct form_problems problems = {0};
	struct value *values;
	struct err err;
	if (filling_values(f, f->form->pages.count, &f->draft, &values, &problems, &err))
		check_page(f, values, out);
	else
		page_failure(f->prose.r, out, &err);
}

/* The page with what was saved or changed elsewhere since it was opened, and what was typed. Sent from there, the typed counts. */
static void show_elsewhere(const struct filling *f, size_t page, const struct answers *typed, struct response *out) {
	struct form_problems told = {0}, none = {0};
	struct answers shown = form_page_shown(f, page);
	struct value *saved, *values;
	struct err err;
	bool change = str_is(request_form(f->prose.r, "change"), "1");
	bool stale = seen_other_facts(f, page);
	if (filling_values(f, page + 1, &shown, &saved, &told, &err) && filling_values(f, page + 1, typed, &values, &told, &err))
		form_page(&(struct form_view){f, page, values, typed, &none, change, stale ? NULL : saved, stale}, out);
	else
		page_failure(f->prose.r, out, &err);
}

static void get_form(const struct filling *f, struct response *out) {
	struct request *r = f->prose.r;
	struct form_problems told = {0}, none = {0};
	struct value *values;
	struct err err;
	size_t page, open;
	if (!parse_step(f, request_query(r, "step"), &page)) {
		page_not_found(r, out);
		return;
	}
	if (!filling_open_page(f, &f->draft, &open, &err)) {
		page_failure(r, out, &err);
		return;
	}
	if (request_query(r, "step").len == 0 && !filling_resume(f, open, &page, &err)) {
		page_failure(r, out, &err);
		return;
	}
	/* Nobody lands behind a page that is not answered yet. */
	page = open < page ? open : page;
	if (page == f->form->pages.count) {
		get_check(f, out);
		return;
	}
	size_t upto = filling_was_saved(f, page) ? page + 1 : page;
	struct answers shown = form_page_shown(f, page);
	if (filling_values(f, upto, &f->draft, &values, &told, &err))
		form_page_filled(f, page, &shown, &none, values, out);
	else
		page_failure(r, out, &err);
}

struct saving {
	struct link link;
	struct str task, json, next;
	struct str language; /* empty: none was chosen */
	struct later later;
	const struct form *form;
	struct answers answers;
};

static bool run_save(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	const struct saving *s = c->context;
	struct link link;
	(void)engine;
	/* Another tab may have decided meanwhile: its draft is gone, and none comes after it. */
	if (!link_load(tx_view(tx), s->link.id, c->arena, &link, err))
		return false;
	if (link.state != LINK_LIVE)
		return err_set(err, ERR_CONFLICT, "link.used", "the link was used before");
	bool chosen = s->language.len > 0 && link.contact_id != 0;
	return draft_save(tx, s->link.id, s->task, s->json, now, err) && attach_sweep(tx, s->form, s->link.id, s->task, &s->answers, c->arena, err) &&
	       (!chosen || contact_set_language(tx, link.contact_id, s->language, err)) &&
	       later_send(&s->later, &link, tx, now, c->arena, err);
}

static void after_save(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct saving *s = c->context;
	if (ok)
		response_redirect(out, r, s->next);
	else if (err->kind == ERR_CONFLICT || err->kind == ERR_NOT_FOUND)
		response_redirect(out, r, page_path(r, r->path)); /* the link itself says what has happened */
	else
		page_failure(r, out, err);
}

static void save_page(const struct filling *f, const struct link_view *look, const struct answers *answers, struct str next, const struct later *later,
                      struct response *out) {
	struct str json = filling_json(answers, f->prose.r->arena);
	if (json.len == 0) {
		page_error(f->prose.r, out, 413, "error.too-large");
		return;
	}
	struct change *c = response_change(out, sizeof(struct saving), run_save, after_save);
	*(struct saving *)c->context = (struct saving){
	        .link = look->link,
	        .task = link_task(look),
	        .json = json,
	        .next = next,
	        .language = f->prose.r->language_chosen ? language_code(f->prose.r->language) : STR(""),
	        .form = f->form,
	        .answers = *answers,
	        .later = later ? *later : (struct later){0},
	};
}

/* Where a valid page leads: onwards, or back to the check page when all is answered. */
static bool next_page(const struct filling *f, const struct answers *answers, const struct value *values, size_t page, size_t *next, struct err *err) {
	*next = filling_next(f, values, page + 1);
	if (!str_is(request_form(f->prose.r, "change"), "1"))
		return true;
	return filling_open_page(f, answers, next, err);
}

/* "Add another" and "Remove": what is typed is kept, whatever it is, and the page comes again. */
static void save_inputs(const struct filling *f, const struct link_view *look, size_t page, struct response *out) {
	struct request *r = f->prose.r;
	struct answers answers = filling_typed(f, page);
	struct str path = f->path, field = request_form(r, ".add"), removed = request_form(r, ".remove");
	const char *change = field.len > 0 ? "more" : "less";
	if (field.len == 0)
		field = str_cut(&removed, '.');
	if (str_is(request_form(r, "change"), "1"))
		path = page_with(r, path, STR("change=1"));
	if (field.len > 0 && definition_field(f->prose.definition, field))
		path = page_with(r, path, arena_printf(r->arena, "%s=%.*s", change, STR_ARG(field)));
	save_page(f, look, &answers, filling_step(f, path, page), NULL, out);
}

static void save_for_later(const struct filling *f, const struct link_view *look, const struct answers *typed, struct response *out) {
	struct later later;
	struct err err;
	if (later_find(f, &look->contact, typed, &later, &err))
		save_page(f, look, typed, page_path(f->prose.r, page_with(f->prose.r, f->path, STR("later=1"))), &later, out);
	else
		page_failure(f->prose.r, out, &err);
}

static void post_page(const struct filling *f, const struct link_view *look, size_t page, struct response *out) {
	struct form_problems before = {0}, problems = {0};
	struct answers answers = filling_typed(f, page);
	struct value *values;
	struct err err;
	size_t next;
	if (!filling_values(f, page, &answers, &values, &before, &err) || !filling_check(f, page, &answers, values, &problems, &err))
		page_failure(f->prose.r, out, &err);
	else if (filling_asks_more(f, page, values, &answers, &problems) || attach_problems(f, page, &problems))
		form_page_filled(f, page, &answers, &problems, values, out);
	else if (!next_page(f, &answers, values, page, &next, &err))
		page_failure(f->prose.r, out, &err);
	else if (next == f->form->pages.count && !f->form->check)
		link_act(f, look, &answers, out);
	else
		save_page(f, look, &answers, filling_step(f, f->path, next), NULL, out);
}

static void post_form(const struct filling *f, const struct link_view *look, struct response *out) {
	size_t page;
	struct answers typed;
	struct str step = request_form(f->prose.r, "step");
	if (step.len == 0 || !parse_step(f, step, &page)) {
		page_error(f->prose.r, out, 422, "error.input");
		return;
	}
	bool check = page == f->form->pages.count;
	if (!check)
		typed = filling_typed(f, page);
	if (check && seen_other(f, page))
		response_redirect(out, f->prose.r, filling_step(f, page_with(f->prose.r, f->path, STR("changed=1")), page));
	else if (!check && (seen_other_facts(f, page) || seen_overwrites(f, page, &typed)))
		show_elsewhere(f, page, &typed, out);
	else if (check)
		link_act(f, look, &f->draft, out);
	else if (attach_files(f, &look->link, link_task(look), page, link_page, out))
		return;
	else if (later_pressed(f) && f->prose.r->file_problems.count == 0)
		save_for_later(f, look, &typed, out);
	else if (filling_edits_inputs(f) && f->prose.r->file_problems.count == 0)
		save_inputs(f, look, page, out);
	else
		post_page(f, look, page, out);
}

void link_form(struct request *r, struct view *v, const struct link_view *look, struct response *out) {
	struct register_port port;
	struct filling f;
	struct err err;
	if (!open_filling(r, v, look, &port, &f, &err))
		page_failure(r, out, &err);
	else if (look->event && look->event->repeat)
		rank_page(&f, look, out);
	else if (link_act_code(&f, look, v, out))
		return;
	else if (r->method == METHOD_POST)
		post_form(&f, look, out);
	else if (str_is(request_query(r, "later"), "1") && later_offered(f.form))
		later_page(&f, &look->contact, &look->link, out);
	else
		get_form(&f, out);
}

bool link_form_late(struct request *r, struct view *v, const struct link_view *look, struct response *out) {
	struct register_port port;
	struct filling f;
	struct err err;
	size_t page;
	if (r->method != METHOD_POST || look->link.state != LINK_LIVE || !look->own || request_query(r, "event").len > 0 || !open_filling(r, v, look, &port, &f, &err))
		return false;
	if (request_form(r, "step").len == 0 || !parse_step(&f, request_form(r, "step"), &page) || page == f.form->pages.count)
		return false;
	if (attach_files(&f, &look->link, link_task(look), page, link_page, out))
		return true;
	struct answers answers = filling_typed(&f, page);
	save_page(&f, look, &answers, page_path(r, r->path), NULL, out);
	return true;
}
