#include "otp-portal/columns.h"

#include "engine/base/escape.h"

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
	return prose_caption(p, column);
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

void column_row(const struct prose *p, struct str column, struct response *out) {
	buf_z(&out->body, "<div><dt>");
	escape_html(&out->body, column_label(p, column));
	buf_z(&out->body, "</dt><dd>");
	escape_html(&out->body, column_value(p, column));
	buf_z(&out->body, "</dd></div>\n");
}
