#include "otp-portal/filling.h"

#include "engine/workflow/sealed.h"
#include "otp-portal/form_page.h"
#include "otp-portal/page.h"
#include "otp-portal/pick.h"

#include <string.h>

enum { DRAFT_LIMIT = 2 * REQUEST_BODY };

bool filling_defaults(const struct form_world *world, struct arena *a, struct value **out, struct err *err) {
	const struct definition *d = world->definition;
	struct value *values = ARENA_ARRAY(a, d->fields.count, struct value);
	*out = values;
	return form_defaults(world, a, values, err);
}

void filling_look_again(struct filling *f, const struct register_port *port) {
	struct request *r = f->prose.r;
	struct form_world world = engine_world(r->world->options.engine, f->prose.definition, f->prose.instance, port, r->now, r->arena);
	world.actor = f->world.actor;
	world.event = f->world.event;
	f->world = world;
	f->prose.registers = port;
}

const struct field *filling_field(const struct form_page *page, struct str name) {
	for (size_t i = 0; i < page->items.count; i++)
		if (form_belongs(page->items.items[i].field, name))
			return page->items.items[i].field;
	return NULL;
}

/* A page that was saved leaves ".1" in the draft: no field's name. So what somebody emptied stays empty. Its value tells whether they went on from there. */
static struct str page_mark(const struct filling *f, size_t page) {
	return arena_printf(f->prose.r->arena, ".%zu", page + 1);
}

bool filling_was_saved(const struct filling *f, size_t page) {
	return answers_get(&f->draft, page_mark(f, page)) != NULL;
}

static const char WENT_ON[] = "1", STAYED[] = "0";

static bool went_on(const struct filling *f, size_t page) {
	const struct answer *mark = answers_get(&f->draft, page_mark(f, page));
	return mark && mark->texts.count == 1 && str_is(mark->texts.items[0], WENT_ON);
}

/* "boss_emails.2": the second input of that field, or item of that group, as they were sent, is taken away. */
static bool is_removed(const struct filling *f, struct str name, size_t number) {
	struct str removed = request_form(f->prose.r, ".remove");
	return removed.len > 0 && str_equal(removed, arena_printf(f->prose.r->arena, "%.*s.%zu", STR_ARG(name), number));
}

static size_t number_of(const struct request *r, size_t index) {
	size_t number = 0;
	for (size_t i = 0; i <= index; i++)
		number += str_equal(r->form.items[i].name, r->form.items[index].name);
	return number;
}

/* What was typed in an item that stays; *item: as it was sent. */
static const struct field *typed_member(const struct filling *f, const struct field *group, const struct pair *pair, size_t *item) {
	const struct field *member = form_item_member(group, pair->name, item);
	return member && str_trim(pair->value).len > 0 && !is_removed(f, group->name, *item) ? member : NULL;
}

/* Items are numbered anew, without those that were blank or taken away. */
static void type_group(const struct filling *f, const struct field *group, struct answers *typed) {
	struct request *r = f->prose.r;
	size_t most = 2 * (size_t)group->many_max, count = 0, item;
	size_t *number = ARENA_ARRAY(r->arena, most + 1, size_t);
	for (size_t i = 0; i < r->form.count; i++)
		if (typed_member(f, group, &r->form.items[i], &item))
			number[item] = 1;
	for (item = 1; item <= most; item++)
		if (number[item] > 0)
			number[item] = ++count;
	for (size_t i = 0; i < r->form.count; i++) {
		const struct field *member = typed_member(f, group, &r->form.items[i], &item);
		if (member)
			answers_put(typed, r->arena, form_item_name(group, number[item], member, r->arena), r->form.items[i].value);
	}
}

static void type_groups(const struct filling *f, size_t page, struct answers *typed) {
	const struct form_page *p = &f->form->pages.items[page];
	for (size_t i = 0; i < p->items.count; i++)
		if (p->items.items[i].field->kind == FIELD_GROUP)
			type_group(f, p->items.items[i].field, typed);
}

/* Nobody types a file: those that the page showed stay, but one that is to be removed. When the files of this post were attached that is done. */
static void keep_files(const struct filling *f, size_t page, struct answers *typed) {
	const struct form_page *p = &f->form->pages.items[page];
	struct answers shown = form_page_shown(f, page);
	for (size_t i = 0; i < p->items.count; i++) {
		const struct field *field = p->items.items[i].field;
		const struct answer *files = field->kind == FIELD_FILE ? answers_get(&shown, field->name) : NULL;
		for (size_t k = 0; files && k < files->texts.count; k++)
			if (f->prose.r->attached || !is_removed(f, field->name, k + 1))
				answers_put(typed, f->prose.r->arena, field->name, files->texts.items[k]);
	}
}

/* Of this very link, or this very page of a start form. */
static struct str own_seal(const struct filling *f) {
	struct str of[] = {STR("page"), f->prose.r->path, f->once};
	unsigned char hash[SECRET_HASH];
	secret_hash(hash, of, 3);
	struct str text = secret_base64url(f->prose.r->arena, hash, 12);
	return arena_printf(f->prose.r->arena, "page-%.*s", STR_ARG(text));
}

bool filling_sealed_here(const struct filling *f, const struct field *field, struct str sealed) {
	return str_equal(sealed_whose(sealed), arena_printf(f->prose.r->arena, "%.*s/%.*s", STR_ARG(own_seal(f)), STR_ARG(field->name)));
}

/* Somebody ticked that the answer goes; noted, so that a form with nothing else in it is no lone press. */
static bool is_cleared(const struct filling *f, const struct form_item *item, const struct answers *shown, struct answers *typed) {
	struct str name = form_cleared_name(item->field, f->prose.r->arena);
	bool cleared = item->optional && request_form(f->prose.r, name.at).len > 0;
	if (cleared)
		answers_put(typed, f->prose.r->arena, name, STR("1"));
	else if (answers_get(shown, name)) /* the tick was taken away */
		form_answers_again(item->field, &f->base[item->field->slot], f->prose.r->arena, typed);
	return cleared || answers_get(typed, form_sealed_name(item->field, f->prose.r->arena));
}

/* What is sensitive is never shown again: where nothing is typed over it, it stays. A page that comes again before it was saved brings it along, sealed. */
static void seal_page(const struct filling *f, size_t page, struct answers *typed) {
	const struct form_page *p = &f->form->pages.items[page];
	struct arena *a = f->prose.r->arena;
	struct answers shown = form_page_shown(f, page);
	form_seal_answers(&f->world, own_seal(f), typed, a);
	for (size_t i = 0; i < p->items.count; i++) {
		const struct field *field = p->items.items[i].field;
		struct str name = form_sealed_name(field, a), sent = request_form(f->prose.r, name.at);
		if (!field->sensitive || answers_get(typed, name) || is_cleared(f, &p->items.items[i], &shown, typed))
			continue;
		const struct answer *kept = answers_get(&shown, name);
		if (filling_sealed_here(f, field, sent))
			answers_put(typed, a, name, sent);
		else if (kept && kept->texts.count == 1)
			answers_put(typed, a, name, kept->texts.items[0]);
	}
}

struct answers filling_typed(const struct filling *f, size_t page) {
	const struct form_page *p = &f->form->pages.items[page];
	struct request *r = f->prose.r;
	struct answers typed = {0};
	struct str mark = page_mark(f, page);
	bool stays = filling_edits_inputs(f) || request_form(r, ".later").len > 0;
	for (size_t i = 0; i < f->draft.count; i++) {
		const struct answer *kept = &f->draft.items[i];
		for (size_t k = 0; !filling_field(p, kept->name) && !str_equal(kept->name, mark) && k < kept->texts.count; k++)
			answers_put(&typed, r->arena, kept->name, kept->texts.items[k]);
	}
	for (size_t i = 0; i < r->form.count; i++) {
		const struct pair *pair = &r->form.items[i];
		const struct field *field = filling_field(p, pair->name);
		if (field && field->sensitive && !str_equal(pair->name, field->name))
			continue; /* seal_page() takes it */
		if (field && field->kind != FIELD_FILE && field->kind != FIELD_GROUP && str_trim(pair->value).len > 0 && !is_removed(f, pair->name, number_of(r, i)))
			answers_put(&typed, r->arena, pair->name, pair->value);
	}
	type_groups(f, page, &typed);
	keep_files(f, page, &typed);
	seal_page(f, page, &typed);
	pick_remember(f, page, &typed);
	answers_put(&typed, r->arena, mark, str_from(stays ? STAYED : WENT_ON));
	return typed;
}

bool filling_edits_inputs(const struct filling *f) {
	return request_form(f->prose.r, ".add").len > 0 || request_form(f->prose.r, ".remove").len > 0;
}

bool filling_was_asked(const struct filling *f, struct str field) {
	const struct request *r = f->prose.r;
	bool told = false;
	for (size_t i = 0; i < r->form.count; i++) {
		struct str names = r->form.items[i].value;
		if (!str_is(r->form.items[i].name, ".asked"))
			continue;
		told = true;
		while (names.len > 0)
			if (str_equal(str_cut(&names, ' '), field))
				return true;
	}
	return !told;
}

static void forget_problems(struct form_problems *problems, const struct field *field) {
	size_t kept = 0;
	for (size_t i = 0; i < problems->count; i++)
		if (!form_belongs(field, problems->items[i].name))
			problems->items[kept++] = problems->items[i];
	problems->count = kept;
}

bool filling_asks_more(const struct filling *f, size_t page, const struct value *values, struct answers *answers, struct form_problems *problems) {
	const struct form_page *p = &f->form->pages.items[page];
	struct arena *a = f->prose.r->arena;
	bool more = false;
	for (size_t i = 0; i < p->items.count; i++) {
		const struct field *field = p->items.items[i].field;
		if (filling_was_asked(f, field->name) || !form_asked(&f->world, &p->items.items[i], values, a))
			continue;
		more = true;
		forget_problems(problems, field);
		if (field->kind != FIELD_FILE)
			form_answers_again(field, &f->base[field->slot], a, answers);
	}
	return more;
}

bool filling_check(const struct filling *f, size_t page, const struct answers *answers, struct value *values,
                   struct form_problems *problems, struct err *err) {
	return form_validate(&f->world, f->form, (int)page, answers, f->prose.r->arena, values, problems, err);
}

bool filling_values(const struct filling *f, size_t count, const struct answers *answers, struct value **out,
                    struct form_problems *problems, struct err *err) {
	size_t fields = f->prose.definition->fields.count;
	struct value *values = ARENA_ARRAY(f->prose.r->arena, fields, struct value);
	if (fields > 0)
		memcpy(values, f->base, fields * sizeof *values);
	*out = values;
	for (size_t page = 0; page < count; page++)
		if (!filling_check(f, page, answers, values, problems, err))
			return false;
	return true;
}

bool filling_open_page(const struct filling *f, const struct answers *answers, size_t *page, struct err *err) {
	struct form_problems problems = {0};
	struct value *values;
	if (!filling_values(f, 0, answers, &values, &problems, err))
		return false;
	for (*page = 0; *page < f->form->pages.count; ++*page) {
		if (!filling_check(f, *page, answers, values, &problems, err))
			return false;
		if (problems.count > 0)
			break;
	}
	return true;
}

static bool has_content(const struct filling *f, const struct form_page *page, const struct value *values) {
	bool content = page->show.count > 0;
	for (size_t i = 0; !content && i < page->items.count; i++)
		content = form_asked(&f->world, &page->items.items[i], values, f->prose.r->arena);
	return content;
}

size_t filling_next(const struct filling *f, const struct value *values, size_t page) {
	while (page < f->form->pages.count && !has_content(f, &f->form->pages.items[page], values))
		page++;
	return page;
}

bool filling_resume(const struct filling *f, size_t open, size_t *page, struct err *err) {
	struct form_problems problems = {0};
	struct value *values;
	if (!filling_values(f, f->form->pages.count, &f->draft, &values, &problems, err))
		return false;
	*page = filling_next(f, values, 0);
	while (*page < open && went_on(f, *page))
		*page = filling_next(f, values, *page + 1);
	if (*page == f->form->pages.count && !f->form->check)
		*page = f->form->pages.count - 1;
	return true;
}

size_t filling_page_of(const struct filling *f, struct str problem) {
	for (size_t page = 0; page < f->form->pages.count; page++)
		if (filling_field(&f->form->pages.items[page], problem))
			return page;
	return 0;
}

struct str filling_step(const struct filling *f, struct str path, size_t page) {
	struct arena *a = f->prose.r->arena;
	struct str step = page == f->form->pages.count ? STR("step=check") : arena_printf(a, "step=%zu", page + 1);
	return page_path(f->prose.r, page_with(f->prose.r, path, step));
}

struct str filling_json(const struct answers *answers, struct arena *a) {
	struct buf json;
	buf_init(&json, DRAFT_LIMIT);
	answers_to_json(answers, &json);
	struct str text = json.overflow ? STR("") : arena_str(a, buf_text(&json));
	buf_free(&json);
	return text;
}
