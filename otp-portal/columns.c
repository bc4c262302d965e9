#include "otp-portal/columns.h"

#include "engine/base/escape.h"
#include "engine/store/fate.h"

static const struct {
	const char *name, *key;
} built_in[] = {
        {"state", "list.state"},
        {"started_at", "list.started_at"},
        {"changed_at", "list.changed_at"},
        {"reference", "list.reference"},
};

struct str column_label(const struct prose *p, struct str column) {
	for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
		if (str_is(column, built_in[i].name))
			return language_word(p->r->language, built_in[i].key);
	struct str role;
	if (!view_column_delivery(column, &role))
		return prose_caption(p, column);
	struct str own = prose_get(p, "deliveries", role, NULL, (struct str){0}), label = prose_get(p, "roles", role, NULL, (struct str){0});
	if (own.len > 0)
		return own;
	return language_text(p->r->language, p->r->arena, "fate.column", label.len > 0 ? label : role, STR(""));
}

bool column_delivery(const struct prose *p, struct view *v, struct str role, struct delivered *out, struct err *err) {
	const struct language *language = p->r->language;
	struct outbox_list rows;
	enum fate worst = FATE_NONE;
	int64_t alike = 0;
	if (!outbox_newest(v, p->instance->id, role, prose_day(p), p->r->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		enum fate fate = fate_of(&rows.items[i]);
		alike = fate > worst ? 1 : alike + (fate == worst);
		worst = fate > worst ? fate : worst;
	}
	*out = (struct delivered){STR(""), STR(""), worst == FATE_RETURNED || worst == FATE_STOPPED || worst == FATE_EXPIRED};
	if (worst == FATE_NONE)
		return true;
	out->word = language_word(language, fate_key(worst));
	if (alike < (int64_t)rows.count)
		out->of = language_text(language, p->r->arena, "list.range", language_int(language, p->r->arena, alike), language_int(language, p->r->arena, (int64_t)rows.count));
	return true;
}

struct str column_delivered(const struct prose *p, const struct delivered *d) {
	return d->of.len > 0 ? arena_printf(p->r->arena, "%.*s (%.*s)", STR_ARG(d->word), STR_ARG(d->of)) : d->word;
}

static struct str local_day(const struct prose *p, int64_t instant) {
	int64_t local = zone_local(site_zone(p->r->world->options.site), instant);
	return language_date_short(p->r->language, p->r->arena, civil_day_of(local));
}

struct str column_value(const struct prose *p, struct str column) {
	const struct field *field = definition_field(p->definition, column);
	if (field)
		return prose_cell(p, field, &p->values[field->slot]);
	if (str_is(column, "state"))
		return prose_state(p, p->instance->state);
	if (str_is(column, "started_at"))
		return local_day(p, p->instance->started_at);
	if (str_is(column, "changed_at"))
		return local_day(p, p->instance->changed_at);
	return str_is(column, "reference") ? p->instance->reference : STR("");
}

static struct str plain_day(const struct prose *p, int64_t day) {
	int64_t year;
	int month, of_month;
	civil_split(day, &year, &month, &of_month);
	return arena_printf(p->r->arena, "%02d-%02d-%lld", of_month, month, (long long)year);
}

static struct str plain_datetime(const struct prose *p, int64_t local) {
	int64_t day = civil_day_of(local), minutes = (local - day * CIVIL_DAY_MS) / 60000;
	struct str date = plain_day(p, day);
	return arena_printf(p->r->arena, "%.*s %02d:%02d", STR_ARG(date), (int)(minutes / 60), (int)(minutes % 60));
}

static struct str plain_decimal(const struct prose *p, double value) {
	struct str whole = arena_printf(p->r->arena, "%.15g", value), fraction = whole;
	whole = str_cut(&fraction, '.');
	if (fraction.len == 0)
		return whole;
	return arena_printf(p->r->arena, "%.*s%.*s%.*s", STR_ARG(whole), STR_ARG(language_word(p->r->language, "decimal")), STR_ARG(fraction));
}

struct str column_plain(const struct prose *p, struct str column) {
	const struct field *field = definition_field(p->definition, column);
	const struct zone *zone = site_zone(p->r->world->options.site);
	const struct value *value = field ? &p->values[field->slot] : NULL;
	if (!field && str_is(column, "started_at"))
		return plain_datetime(p, zone_local(zone, p->instance->started_at));
	if (!field && str_is(column, "changed_at"))
		return plain_datetime(p, zone_local(zone, p->instance->changed_at));
	if (!field)
		return column_value(p, column);
	switch (value->kind) {
	case KIND_DATE: return plain_day(p, value->integer);
	case KIND_DATETIME: return plain_datetime(p, value->integer);
	case KIND_INT: return arena_printf(p->r->arena, "%lld", (long long)value->integer);
	case KIND_DOUBLE: return plain_decimal(p, value->decimal);
	default: return field->kind == FIELD_GROUP ? prose_cell(p, field, value) : prose_value(p, field, value);
	}
}

void column_row(const struct prose *p, struct str column, struct response *out) {
	buf_z(&out->body, "<div><dt>");
	escape_html(&out->body, column_label(p, column));
	buf_z(&out->body, "</dt><dd>");
	escape_html(&out->body, column_value(p, column));
	buf_z(&out->body, "</dd></div>\n");
}
