#include "otp-portal/seen.h"

#include "otp-portal/form_page.h"

enum { MARK_BYTES = 16, FACTS_LIMIT = 4 << 20 };

/* The answers that belong to the page. */
static struct answers part_of(const struct filling *f, size_t page, const struct answers *all) {
	struct answers part = {0};
	if (page == f->form->pages.count)
		return *all;
	for (size_t i = 0; i < all->count; i++)
		for (size_t k = 0; filling_field(&f->form->pages.items[page], all->items[i].name) && k < all->items[i].texts.count; k++)
			answers_put(&part, f->prose.r->arena, all->items[i].name, all->items[i].texts.items[k]);
	return part;
}

static struct answers open_answers(const struct filling *f, size_t page) {
	struct answers shown = page == f->form->pages.count ? f->draft : form_page_shown(f, page);
	return part_of(f, page, &shown);
}

static struct str mark_of(const struct filling *f, struct str text) {
	unsigned char hash[SECRET_HASH];
	secret_hash(hash, &text, 1);
	return secret_base64url(f->prose.r->arena, hash, MARK_BYTES);
}

struct str seen_facts(const struct filling *f, size_t page) {
	const struct form_page *p = &f->form->pages.items[page];
	struct buf json;
	if (p->show.count == 0)
		return STR("");
	buf_init(&json, FACTS_LIMIT);
	for (size_t i = 0; i < p->show.count; i++)
		value_to_json(&f->base[p->show.items[i]->slot], &json);
	struct str mark = mark_of(f, buf_text(&json));
	buf_free(&json);
	return mark;
}

bool seen_other_facts(const struct filling *f, size_t page) {
	struct str seen = request_form(f->prose.r, ".facts");
	return seen.len > 0 && !str_equal(seen, seen_facts(f, page));
}

struct str seen_mark(const struct filling *f, size_t page) {
	struct answers shown = open_answers(f, page);
	return mark_of(f, filling_json(&shown, f->prose.r->arena));
}

bool seen_other(const struct filling *f, size_t page) {
	struct str seen = request_form(f->prose.r, ".seen");
	return seen.len > 0 && !str_equal(seen, seen_mark(f, page));
}

static bool same_texts(const struct answer *a, const struct answer *b) {
	bool same = b && a->texts.count == b->texts.count;
	for (size_t i = 0; same && i < a->texts.count; i++)
		same = str_equal(a->texts.items[i], b->texts.items[i]);
	return same;
}

static bool same_answers(const struct answers *a, const struct answers *b) {
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = same_texts(&a->items[i], answers_get(b, a->items[i].name));
	return same;
}

bool seen_overwrites(const struct filling *f, size_t page, const struct answers *typed) {
	if (!seen_other(f, page))
		return false;
	struct answers shown = open_answers(f, page), said = part_of(f, page, typed);
	return !same_answers(&shown, &said);
}
