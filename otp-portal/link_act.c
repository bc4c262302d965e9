#include "otp-portal/link_act.h"

#include "otp-portal/form_page.h"
#include "otp-portal/page.h"
#include "otp-portal/proof.h"

struct str link_task(const struct link_view *look) {
	return look->event ? look->event->name : look->link.task;
}

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
		struct act_request request = {&act->link, act->event, act->version, act->language, &act->answers, .proved = act->needs_proof};
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
		form_page_refused(&act->filling, &act->answers, &act->problems, out);
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

/* Nobody types a code for answers that cannot be sent any more: told where they stand, before one is texted. True: they were told, or it failed. */
static bool told_before(const struct filling *f, const struct answers *answers, struct response *out) {
	struct form_problems problems = {0};
	struct value *values;
	struct err err;
	if (!filling_values(f, f->form->pages.count, answers, &values, &problems, &err))
		page_failure(f->prose.r, out, &err);
	else if (problems.count > 0)
		form_page_filled(f, filling_page_of(f, problems.items[0].name), answers, &problems, values, out);
	else
		return false;
	return true;
}

void link_act(const struct filling *f, const struct link_view *look, const struct answers *answers, struct response *out) {
	if (nothing_chosen(answers)) {
		/* A lone press decides nothing, even where every field is optional: mail scanners press buttons. */
		page_message(f->prose.r, out, 422, "form.error-title", "field.choose", STR(""));
		return;
	}
	if (proof_needed(look)) {
		if (!told_before(f, answers, out))
			proof_ask(f, look, answers, out);
		return;
	}
	struct change *c = response_change(out, sizeof(struct act), run_act, after_act);
	struct act *act = c->context;
	struct request *r = f->prose.r;
	*act = (struct act){.filling = *f, .answers = *answers, .link = look->link, .event = link_task(look)};
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
	        .event = link_task(look),
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

bool link_act_code(const struct filling *f, const struct link_view *look, struct view *v, struct response *out) {
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
