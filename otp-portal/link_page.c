#include "otp-portal/link_page.h"

#include "otp-portal/attach.h"
#include "otp-portal/check_page.h"
#include "otp-portal/closed_page.h"
#include "otp-portal/form_page.h"
#include "otp-portal/later.h"
#include "otp-portal/list_page.h"
#include "otp-portal/page.h"
#include "otp-portal/prefill.h"
#include "otp-portal/proof.h"
#include "otp-portal/receipt_page.h"
#include "otp-portal/renewal.h"
#include "otp-portal/seen.h"
#include "otp-portal/show_page.h"

#include <string.h>

/* The event that the page is about, or the form of a start. */
static struct str task_of(const struct link_view *look) {
	return look->event ? look->event->name : look->link.task;
}

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
	f->world = engine_world(r->world->options.engine, look->definition, look->instance.id ? &look->instance : NULL, port, r->now);
	f->world.actor = look->contact.value;
	if (look->link.kind == LINK_START && look->instance.id == 0 && !prefill_answers(r, v, look->definition, &f->known, err))
		return false;
	if (!draft_load(v, look->link.id, task_of(look), r->arena, &draft, err))
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

static void show_form(const struct filling *f, size_t page, const struct answers *shown, const struct form_problems *problems,
                      struct value *values, struct response *out) {
	bool change = str_is(request_query(f->prose.r, "change"), "1") || str_is(request_form(f->prose.r, "change"), "1");
	form_page(&(struct form_view){f, page, values, shown, problems, change, NULL, false}, out);
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
		show_form(f, page, &shown, &none, values, out);
	else
		page_failure(r, out, &err);
}

/* --- the decision --- */

struct act {
	struct filling filling;
	struct answers answers;
	struct link link;
	struct str event;
	int64_t version;
	struct str language;
	struct form_problems problems;
	bool needs_proof;
	struct proof proof;
	enum proof_outcome outcome;
};

/* The code was sent for the answers of the draft: these are carried out. */
static bool prove(struct act *act, struct tx *tx, int64_t now, struct arena *a, struct err *err) {
	struct str draft;
	act->answers = (struct answers){0};
	return proof_check(&act->proof, tx, now, a, &act->outcome, &draft, err) &&
	       (act->outcome != PROOF_GOOD || answers_from_json(draft, a, &act->answers, err));
}

static bool run_act(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct act *act = c->context;
	struct receipt receipt;
	act->problems = (struct form_problems){0};
	if (act->link.kind == LINK_TASK) {
		struct act_request request = {&act->link, act->event, act->version, act->language, &act->answers, act->needs_proof};
		if (act->needs_proof && !prove(act, tx, now, c->arena, err))
			return false;
		if (act->needs_proof && act->outcome != PROOF_GOOD)
			return true;
		return engine_act(engine, tx, now, &request, c->arena, &act->problems, &receipt, err);
	}
	struct start_request request = {.workflow = act->link.workflow, .language = act->language, .answers = &act->answers, .link = &act->link};
	engine_act_key(&act->link, STR(""), 0, request.key);
	return engine_start(engine, tx, now, &request, c->arena, &act->problems, &receipt, err);
}

/* The page where the first problem is, with everything that was typed. */
static void show_problems(struct request *r, struct act *act, struct response *out) {
	struct filling *f = &act->filling;
	struct form_problems told = {0};
	struct value *values;
	struct err err;
	struct view *v = store_view(r->world->options.store, &err);
	if (!v) {
		page_failure(r, out, &err);
		return;
	}
	struct register_port port = data_store_port(v);
	size_t page = filling_page_of(f, act->problems.items[0].name);
	f->world.registers = f->prose.registers = &port;
	if (filling_values(f, page + 1, &act->answers, &values, &told, &err))
		show_form(f, page, &act->answers, &act->problems, values, out);
	else
		page_failure(r, out, &err);
	view_close(v);
}

static void after_act(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	struct act *act = c->context;
	struct str home = act->filling.home.len > 0 ? act->filling.home : act->filling.path;
	if (ok && act->needs_proof && act->outcome != PROOF_GOOD)
		proof_page(&act->filling, &act->proof, act->outcome == PROOF_WRONG ? "code.wrong" : "code.gone", out);
	else if (!ok && act->needs_proof && err->kind == ERR_DENIED)
		page_message(r, out, 429, "error.title", "code.too-many", STR(""));
	else if (ok)
		response_redirect(out, r, page_path(r, home));
	else if (err->kind == ERR_INPUT && act->problems.count > 0)
		show_problems(r, act, out);
	else if (err->kind == ERR_CONFLICT && !str_is(str_from(err->key), "event.refused"))
		response_redirect(out, r, page_path(r, home)); /* the link itself says what has happened */
	else
		page_failure(r, out, err);
}

static bool nothing_chosen(const struct answers *answers) {
	for (size_t i = 0; i < answers->count; i++)
		if (!str_starts(answers->items[i].name, STR(".")))
			return false;
	return true;
}

static void link_act(const struct filling *f, const struct link_view *look, const struct answers *answers, struct response *out) {
	if (nothing_chosen(answers)) {
		/* A lone press decides nothing, even where every field is optional: mail scanners press buttons. */
		page_message(f->prose.r, out, 422, "form.error-title", "field.choose", STR(""));
		return;
	}
	if (proof_needed(look)) {
		proof_ask(f, look, answers, out);
		return;
	}
	struct change *c = response_change(out, sizeof(struct act), run_act, after_act);
	struct act *act = c->context;
	struct request *r = f->prose.r;
	*act = (struct act){.filling = *f, .answers = *answers, .link = look->link, .event = task_of(look)};
	if (!str_to_int(request_form(r, "version"), &act->version) || act->version < 1 || act->version > f->version)
		act->version = f->version;
	act->language = language_code(r->language); /* the next mail speaks as the page did */
}

/* --- the code of a binding act --- */

static void post_code(const struct filling *f, const struct link_view *look, struct response *out) {
	struct request *r = f->prose.r;
	int64_t version;
	if (!str_to_int(request_form(r, "version"), &version))
		version = f->version;
	struct proof proof = proof_of(r, look, version);
	if (str_trim(proof.typed).len == 0) {
		proof_page(f, &proof, "field.missing", out);
		return;
	}
	struct change *c = response_change(out, sizeof(struct act), run_act, after_act);
	*(struct act *)c->context = (struct act){
	        .filling = *f,
	        .link = look->link,
	        .event = task_of(look),
	        .version = version,
	        .language = r->language_chosen ? language_code(r->language) : STR(""),
	        .needs_proof = true,
	        .proof = proof,
	};
}

/* Where no code was sent for the answers as they are now, it is asked for from their page. */
static void get_code(const struct filling *f, const struct link_view *look, struct view *v, struct response *out) {
	struct request *r = f->prose.r;
	int64_t version;
	bool sent, open;
	struct err err;
	struct proof proof = proof_of(r, look, str_to_int(request_query(r, "version"), &version) ? version : f->version);
	if (!proof_state(&proof, v, r->now, r->arena, &sent, &open, &err))
		page_failure(r, out, &err);
	else if (!sent)
		response_redirect(out, r, filling_step(f, f->path, f->form->check ? f->form->pages.count : 0));
	else
		proof_page(f, &proof, open ? NULL : "code.gone", out);
}

/* False: the step is none of a code's. */
static bool code_step(const struct filling *f, const struct link_view *look, struct view *v, struct response *out) {
	struct request *r = f->prose.r;
	struct str step = r->method == METHOD_POST ? request_form(r, "step") : request_query(r, "step");
	if (!proof_needed(look) || (!str_is(step, "code") && !str_is(step, "code-again")))
		return false;
	if (r->method != METHOD_POST)
		get_code(f, look, v, out);
	else if (str_is(step, "code"))
		post_code(f, look, out);
	else
		proof_ask(f, look, NULL, out);
	return true;
}

/* --- a page of the form --- */

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
	        .task = task_of(look),
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
		show_form(f, page, &answers, &problems, values, out);
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
	else if (attach_files(f, &look->link, task_of(look), page, link_page, out))
		return;
	else if (later_pressed(f) && f->prose.r->file_problems.count == 0)
		save_for_later(f, look, &typed, out);
	else if (filling_edits_inputs(f) && f->prose.r->file_problems.count == 0)
		save_inputs(f, look, page, out);
	else
		post_page(f, look, page, out);
}

/* --- what stands behind the link --- */

static void form_link(struct request *r, struct view *v, const struct link_view *look, struct response *out) {
	struct register_port port;
	struct filling f;
	struct err err;
	if (!open_filling(r, v, look, &port, &f, &err))
		page_failure(r, out, &err);
	else if (code_step(&f, look, v, out))
		return;
	else if (r->method == METHOD_POST)
		post_form(&f, look, out);
	else if (str_is(request_query(r, "later"), "1") && later_offered(f.form))
		later_page(&f, &look->contact, &look->link, out);
	else
		get_form(&f, out);
}

/* The link expired while somebody was writing: what was typed is kept, and goes along to the new link. */
static bool save_late(struct request *r, struct view *v, const struct link_view *look, struct response *out) {
	struct register_port port;
	struct filling f;
	struct err err;
	size_t page;
	if (r->method != METHOD_POST || look->link.state != LINK_LIVE || !look->own || request_query(r, "event").len > 0 || !open_filling(r, v, look, &port, &f, &err))
		return false;
	if (request_form(r, "step").len == 0 || !parse_step(&f, request_form(r, "step"), &page) || page == f.form->pages.count)
		return false;
	if (attach_files(&f, &look->link, task_of(look), page, link_page, out))
		return true;
	struct answers answers = filling_typed(&f, page);
	save_page(&f, look, &answers, page_path(r, r->path), NULL, out);
	return true;
}

static void view_link(struct request *r, struct view *v, const struct link_view *look, struct response *out) {
	if (look->view->kind == VIEW_PAGE) {
		struct show_view show = {look->package, look->definition, look->view, &look->instance, look->values, r->path, STR(""), false, look->link.contact_id};
		show_page(r, v, &show, out);
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
	else if (post && look->link.kind == LINK_VIEW)
		page_wrong_method(r, out, STR("GET, HEAD"));
	else if (post && look->link.state == LINK_USED)
		response_redirect(out, r, page_path(r, r->path)); /* a second press finds the receipt */
	else if (look->link.state == LINK_USED)
		receipt_page(r, v, look, r->path, out);
	else if (gone && save_late(r, v, look, out))
		return;
	else if (gone)
		closed_page(r, v, look, NULL, out);
	else if (look->link.kind == LINK_VIEW)
		view_link(r, v, look, out);
	else if (event.len > 0 && !(task && engine_look_also(r->world->options.engine, r->now, look, event, r->arena)))
		page_not_found(r, out);
	else if (task && !look->open)
		closed_page(r, v, look, NULL, out);
	else
		form_link(r, v, look, out);
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
