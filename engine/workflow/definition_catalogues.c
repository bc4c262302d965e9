#include "engine/workflow/definition_reader.h"

#include <string.h>

static const struct record_member *find_column(struct reader *r, const struct catalogue *c, const struct yaml *name) {
	return reader_find(r, (struct named){"column", c->reg->record.members, c->reg->record.count, sizeof *c->reg->record.members}, name);
}

static struct column_list read_columns(struct reader *r, const struct yaml *node, const char *key, const struct catalogue *c) {
	const struct yaml *names = yaml_get(node, key);
	struct column_list list = {0};
	for (size_t i = 0; names && i < names->count; i++) {
		const struct record_member *column = find_column(r, c, names->items[i]);
		if (column)
			*(size_t *)ARENA_PUSH(r->arena, &list) = (size_t)(column - c->reg->record.members);
	}
	return list;
}

static void check_filters(struct reader *r, const struct yaml *names, const struct catalogue *c) {
	for (size_t i = 0; i < c->filters.count; i++) {
		enum kind kind = c->reg->record.members[c->filters.items[i]].type.kind;
		if (kind != KIND_STRING && kind != KIND_BOOL && kind != KIND_DATE)
			problem_error(r->problems, names->items[i]->place, "'filters' of catalogue '%.*s': '%.*s' is a number, expected a column of type text, bool or date",
			              STR_ARG(c->name), STR_ARG(names->items[i]->text));
	}
	if (c->filters.count > CATALOGUE_FILTERS)
		problem_error(r->problems, names->place, "'filters' of catalogue '%.*s': at most %d", STR_ARG(c->name), CATALOGUE_FILTERS);
}

static size_t read_column(struct reader *r, const struct yaml *node, const char *key, const struct catalogue *c, enum kind kind, const char *type) {
	const struct yaml *name = yaml_get(node, key);
	const struct record_member *column = find_column(r, c, name);
	if (column && column->type.kind != kind)
		problem_error(r->problems, name->place, "'%s' of the map: expected a column of type %s", key, type);
	return column ? (size_t)(column - c->reg->record.members) : SIZE_MAX;
}

/* The outline is no part of the machine: it is there where the package's folder is. */
static void read_outline(struct reader *r, const struct yaml *name, struct catalogue_map *map) {
	if (memchr(name->text.at, '/', name->text.len) || str_starts(name->text, STR("."))) {
		problem_error(r->problems, name->place, "the outline '%.*s' must be a file beside workflow.yaml, without a folder", STR_ARG(name->text));
		return;
	}
	if (r->d->folder.len == 0)
		return;
	struct outline *shape = ARENA_NEW(r->arena, struct outline);
	if (outline_read(r->arena, arena_printf(r->arena, "%.*s/%.*s", STR_ARG(r->d->folder), STR_ARG(name->text)).at, name->place, shape, r->problems))
		map->shape = shape;
}

static void read_map(struct reader *r, const struct yaml *node, struct catalogue *c) {
	if (!node)
		return;
	size_t before = r->problems->errors;
	struct catalogue_map *map = ARENA_NEW(r->arena, struct catalogue_map);
	map->lat = read_column(r, node, "lat", c, KIND_DOUBLE, "decimal");
	map->lon = read_column(r, node, "lon", c, KIND_DOUBLE, "decimal");
	map->label = read_column(r, node, "label", c, KIND_STRING, "text");
	map->off = read_column(r, node, "off", c, KIND_BOOL, "bool");
	read_outline(r, yaml_get(node, "outline"), map);
	c->map = r->problems->errors == before ? map : NULL;
}

static void read_catalogue(struct reader *r, const struct yaml *node, struct catalogue *c) {
	static const struct type boolean = {.kind = KIND_BOOL};
	c->reg = reader_find(r, NAMED("register", r->d->registers), yaml_get(node, "register"));
	if (!c->reg)
		return;
	c->columns = read_columns(r, node, "columns", c);
	c->search = read_columns(r, node, "search", c);
	c->filters = read_columns(r, node, "filters", c);
	c->detail = read_columns(r, node, "detail", c);
	check_filters(r, yaml_get(node, "filters"), c);
	read_map(r, yaml_get(node, "map"), c);
	struct scope scope = reader_scope_with(r, "row", (struct type){.kind = KIND_RECORD, .record = &c->reg->record}, SLOT_ROW);
	c->available = reader_expression(r, yaml_get(node, "available"), &scope, &boolean);
}

void read_catalogues(struct reader *r, const struct yaml *catalogues) {
	if (!catalogues)
		return;
	READER_FIX(r, &r->d->catalogues, catalogues->count);
	for (size_t i = 0; i < catalogues->count; i++) {
		r->d->catalogues.items[i].name = catalogues->items[i]->key->text;
		r->d->catalogues.items[i].place = catalogues->items[i]->key->place;
	}
	for (size_t i = 0; i < catalogues->count; i++)
		read_catalogue(r, catalogues->items[i], &r->d->catalogues.items[i]);
}
