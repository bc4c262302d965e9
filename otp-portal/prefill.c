#include "otp-portal/prefill.h"

#include "engine/base/escape.h"
#include "engine/store/history.h"
#include "engine/store/listings.h"
#include "otp-portal/session.h"

enum { INSTANCES_SEEN = 100, LINK_MOST = 4000 };

/* The instance started last, of that workflow, in which this contact has that role and has acted. */
static bool find_newest(struct request *r, struct view *v, struct str workflow, struct str role, int64_t contact_id, struct instance *out, struct err *err) {
	struct listed_list list;
	struct listing_query query = {.workflow = workflow, .contact_id = contact_id, .roles = &role, .role_count = 1, .limit = INSTANCES_SEEN, .day = site_day(r->world->options.site, r->now)};
	*out = (struct instance){0};
	if (!listing_before(v, &query, INT64_MAX, r->arena, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		bool acted;
		if (!history_acted(v, list.items[i].instance_id, contact_id, &acted, err))
			return false;
		if (acted)
			return instance_load(v, list.items[i].instance_id, r->arena, out, err);
	}
	return true;
}

static bool is_known(const struct answers *known, const struct field *field) {
	bool found = false;
	for (size_t i = 0; i < known->count; i++)
		found = found || form_belongs(field, known->items[i].name);
	return found;
}

static void take(struct request *r, const struct form_page *page, const struct definition *from, const struct value *values, struct answers *out) {
	for (size_t i = 0; i < page->items.count; i++) {
		const struct field *field = page->items.items[i].field, *other = definition_field(from, field->name);
		if (other && !page->items.items[i].fresh && field_prefills(field) && field_alike(field, other) && !is_known(out, field))
			form_answers_again(other, &values[other->slot], r->arena, out);
	}
}

static bool take_from(struct request *r, struct view *v, const struct definition *d, struct str workflow, int64_t contact_id, struct answers *out, struct err *err) {
	struct register_port port = data_store_port(v);
	struct instance instance;
	if (!find_newest(r, v, workflow, d->start.by->name, contact_id, &instance, err))
		return false;
	if (instance.id == 0)
		return true;
	const struct definition *from = site_definition(r->world->options.site, v, instance.definition, err);
	if (!from)
		return false;
	struct value *values = ARENA_ARRAY(r->arena, from->fields.count, struct value);
	if (!data_from_json(from, instance.data, &port, r->arena, values, err))
		return false;
	for (size_t p = 0; p < d->start.form->pages.count; p++)
		take(r, &d->start.form->pages.items[p], from, values, out);
	return true;
}

bool prefill_answers(struct request *r, struct view *v, const struct definition *d, struct answers *out, struct err *err) {
	struct session session;
	if (d->start.prefill.count == 0)
		return true;
	if (!session_current(r, v, &session, err)) {
		bool nobody = err->kind == ERR_NOT_FOUND;
		if (nobody)
			*err = (struct err){0};
		return nobody;
	}
	for (size_t i = 0; i < d->start.prefill.count; i++)
		if (!take_from(r, v, d, d->start.prefill.items[i].workflow, session.contact_id, out, err))
			return false;
	return true;
}

static struct answers answers_of_link(const struct filling *f) {
	const struct definition *d = f->prose.definition;
	const struct request *r = f->prose.r;
	struct answers given = {0};
	for (size_t i = 0; i < d->start.from_link.count; i++)
		for (size_t k = 0; k < r->query.count; k++)
			if (str_equal(r->query.items[k].name, d->start.from_link.items[i]->name) && str_trim(r->query.items[k].value).len > 0)
				answers_put(&given, r->arena, r->query.items[k].name, r->query.items[k].value);
	return given;
}

/* The gate judges them as if they had been sent. */
static bool leave_out_wrong(const struct filling *f, struct answers *given, bool *wrong, struct err *err) {
	struct form_problems problems = {0};
	struct value *values;
	if (!filling_values(f, f->form->pages.count, given, &values, &problems, err))
		return false;
	for (size_t i = 0; i < problems.count; i++) {
		const struct field *field = filling_field(&f->form->pages.items[filling_page_of(f, problems.items[i].name)], problems.items[i].name);
		if (!field || !answers_get(given, field->name))
			continue;
		answers_clear(given, field->name);
		*wrong = true;
	}
	return true;
}

static struct str path_with(struct str path, const struct answers *given, struct arena *a) {
	struct buf b;
	buf_init(&b, LINK_MOST);
	buf_str(&b, path);
	char sign = '?';
	for (size_t i = 0; i < given->count; i++) {
		for (size_t k = 0; k < given->items[i].texts.count; k++) {
			buf_char(&b, sign);
			escape_url(&b, given->items[i].name);
			buf_char(&b, '=');
			escape_url(&b, given->items[i].texts.items[k]);
			sign = '&';
		}
	}
	struct str text = b.overflow ? STR("") : arena_str(a, buf_text(&b));
	buf_free(&b);
	return text;
}

bool prefill_from_link(struct filling *f, struct err *err) {
	struct answers given = answers_of_link(f);
	bool wrong = false;
	if (given.count == 0)
		return true;
	if (!leave_out_wrong(f, &given, &wrong, err))
		return false;
	struct str path = path_with(f->path, &given, f->prose.r->arena);
	if (path.len > 0) {
		f->draft = given;
		f->path = path;
	}
	f->note = wrong || path.len == 0 ? "form.from-link-wrong" : "form.from-link";
	return true;
}
