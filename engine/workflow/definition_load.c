#include "engine/workflow/definition_reader.h"

#include "engine/base/escape.h"

enum { MAX_SOURCE = 1 << 20 };

/* readers' helpers */

const void *reader_find(struct reader *r, struct named list, const struct yaml *name) {
	const void *found = name ? named_find(list, name->text) : NULL;
	if (found || !name)
		return found;
	struct str *names = ARENA_ARRAY(r->arena, list.count, struct str);
	for (size_t i = 0; i < list.count; i++)
		names[i] = *(const struct str *)(const void *)((const char *)list.items + i * list.size);
	struct str near = name_nearest(name->text, names, list.count);
	if (near.len > 0) {
		problem_error(r->problems, name->place, "unknown %s '%.*s'; did you mean '%.*s'?", list.what, STR_ARG(name->text), STR_ARG(near));
		return NULL;
	}
	struct str all = {0};
	for (size_t i = 0; i < list.count && i < 20; i++)
		all = arena_printf(r->arena, "%.*s%s%.*s", STR_ARG(all), i ? ", " : "; expected one of ", STR_ARG(names[i]));
	problem_error(r->problems, name->place, "unknown %s '%.*s'%.*s", list.what, STR_ARG(name->text), STR_ARG(all));
	return NULL;
}

struct yaml_nodes reader_names(struct reader *r, const struct yaml *node) {
	struct yaml_nodes names = {0};
	if (!node)
		return names;
	if (node->kind == YAML_SCALAR)
		*(const struct yaml **)ARENA_PUSH(r->arena, &names) = node;
	for (size_t i = 0; i < node->count; i++)
		*(const struct yaml **)ARENA_PUSH(r->arena, &names) = node->items[i];
	return names;
}

const struct expression *reader_drawing(struct reader *r, const struct yaml *node, const struct scope *scope, const struct type *want) {
	if (!node)
		return NULL;
	const struct expression *expression = expression_compile(r->arena, node->text, node->place, scope, want, r->problems);
	if (expression)
		*(struct expression_use *)ARENA_PUSH(r->arena, &r->d->expressions) = (struct expression_use){expression, node->place};
	return expression;
}

const struct expression *reader_expression(struct reader *r, const struct yaml *node, const struct scope *scope, const struct type *want) {
	const struct expression *expression = reader_drawing(r, node, scope, want);
	if (expression && expression_seed(expression).len > 0)
		problem_error(r->problems, node->place, "draw() stands in the values of `set` alone: what is drawn is kept, and drawn once");
	return expression;
}

const struct expression *reader_guard(struct reader *r, const struct yaml *node) {
	static const struct type boolean = {.kind = KIND_BOOL};
	return reader_expression(r, node, &r->d->scope, &boolean);
}

/* The text that the hash is of: without comments, white space and ways of quoting, order of keys kept. null alone stays bare, since it is the one
 * scalar that YAML itself gives a meaning here. */
static void write_canonical(const struct yaml *node, struct buf *out) {
	if (node->kind == YAML_SCALAR) {
		if (yaml_is_null(node))
			buf_z(out, "null");
		else
			escape_json(out, node->text);
		return;
	}
	buf_char(out, node->kind == YAML_MAP ? '{' : '[');
	for (size_t i = 0; i < node->count; i++) {
		buf_z(out, i ? ",\n" : "");
		if (node->kind == YAML_MAP) {
			escape_json(out, node->items[i]->key->text);
			buf_z(out, ": ");
		}
		write_canonical(node->items[i], out);
	}
	buf_char(out, node->kind == YAML_MAP ? '}' : ']');
}

static bool keep_source(struct reader *r, const struct yaml *workflow, const struct yaml *registers) {
	struct buf out;
	buf_init(&out, MAX_SOURCE);
	buf_z(&out, "{\"workflow\": ");
	write_canonical(workflow, &out);
	buf_z(&out, ",\n\"registers\": ");
	if (registers)
		write_canonical(registers, &out);
	else
		buf_z(&out, "null");
	buf_z(&out, "}\n");
	if (out.overflow)
		problem_error(r->problems, workflow->place, "workflow.yaml and registers.yaml are together more than 1 MiB");
	else
		r->d->source = arena_str(r->arena, buf_text(&out));
	bool kept = !out.overflow;
	buf_free(&out);
	secret_hash(r->d->hash, &r->d->source, 1);
	return kept;
}

static bool reads_children(const struct definition *d) {
	for (size_t i = 0; i < d->expressions.count; i++)
		if (expression_reads(d->expressions.items[i].expression, d->fields.count + SLOT_CHILDREN))
			return true;
	return false;
}

static void read_parts(struct reader *r, const struct yaml *workflow, const struct yaml *registers) {
	const struct yaml *data = yaml_get(workflow, "data");
	r->d->name = yaml_get(workflow, "workflow")->text;
	r->d->keep = shape_span(yaml_get(workflow, "keep"), (struct span){0});
	read_registers(r, registers);
	read_pools(r, yaml_get(workflow, "pools"));
	read_fields(r, data);
	read_groups(r, yaml_get(workflow, "groups"));
	read_scope(r, yaml_get(workflow, "rules"), yaml_get(workflow, "let"));
	read_field_expressions(r, data);
	read_catalogues(r, yaml_get(workflow, "catalogues"));
	read_roles(r, yaml_get(workflow, "roles"));
	read_forms(r, yaml_get(workflow, "forms"));
	read_views(r, yaml_get(workflow, "views")); /* before the states: a send's link names a view or an event */
	read_states(r, yaml_get(workflow, "states"), yaml_get(workflow, "common"), yaml_get(workflow, "initial"));
	read_draws(r);
	read_acts(r, yaml_get(workflow, "views"));
	read_start(r, yaml_get(workflow, "start"));
	for (size_t i = 0; i < r->d->expressions.count; i++)
		r->d->reads_rows = r->d->reads_rows || definition_reads_rows(r->d, r->d->expressions.items[i].expression);
	r->d->reads_children = reads_children(r->d);
}

/* The walk comes first: what it refuses, the readers need not survive. */
static void read_definition(struct reader *r, const struct yaml *workflow, const struct yaml *registers) {
	bool good = shape_check(&shape_workflow, workflow, r->problems);
	good = (!registers || shape_check(&shape_registers, registers, r->problems)) && good;
	if (good && keep_source(r, workflow, registers))
		read_parts(r, workflow, registers);
}

static struct reader reader_open(struct problems *problems) {
	struct arena *arena = arena_new();
	struct definition *d = ARENA_NEW(arena, struct definition);
	d->arena = arena;
	return (struct reader){d, arena, problems};
}

/* Problems outlive the definition, so their places must not name a file in its arena. */
static struct definition *reader_close(struct reader *r, size_t first, size_t errors_before) {
	struct problems *p = r->problems;
	const char *from = NULL, *to = NULL;
	for (size_t i = first; i < p->count; i++) {
		const char *file = p->items[i].place.file;
		if (file && file != from) {
			from = file;
			to = arena_z(p->arena, str_from(file));
		}
		p->items[i].place.file = file ? to : NULL;
	}
	if (p->errors == errors_before)
		return r->d;
	definition_free(r->d);
	return NULL;
}

/* err->text is "file:line:column: what". */
static void tell_unread(struct reader *r, const char *file, const struct err *err) {
	struct str rest = str_from(err->text), prefix = str_from(file);
	struct yaml_place place = {file, 1, 1};
	if (str_starts(rest, prefix) && rest.len > prefix.len && rest.at[prefix.len] == ':') {
		int64_t line = 1, column = 1;
		rest = (struct str){rest.at + prefix.len + 1, rest.len - prefix.len - 1};
		(void)str_to_int(str_cut(&rest, ':'), &line);
		(void)str_to_int(str_cut(&rest, ':'), &column);
		place.line = (int)line;
		place.column = (int)column;
	}
	problem_error(r->problems, place, "%.*s", STR_ARG(str_trim(rest)));
}

static const struct yaml *read_file(struct reader *r, struct str folder, const char *name, bool needed) {
	const char *path = arena_printf(r->arena, "%.*s/%s", STR_ARG(folder), name).at;
	struct err err = {0};
	const struct yaml *root = yaml_read(r->arena, path, &err);
	if (!root && (needed || err.kind != ERR_NOT_FOUND))
		tell_unread(r, path, &err);
	return root;
}

struct definition *definition_load(const char *folder, struct problems *problems) {
	size_t first = problems->count, errors = problems->errors;
	struct reader r = reader_open(problems);
	struct str path = str_from(folder);
	while (path.len > 1 && path.at[path.len - 1] == '/')
		path.len--;
	r.d->folder = arena_str(r.arena, path);
	const struct yaml *workflow = read_file(&r, path, "workflow.yaml", true);
	const struct yaml *registers = read_file(&r, path, "registers.yaml", false);
	if (problems->errors == errors)
		read_definition(&r, workflow, registers);
	return reader_close(&r, first, errors);
}

struct definition *definition_parse(struct str source, struct problems *problems) {
	static const char file[] = "definition";
	size_t first = problems->count, errors = problems->errors;
	struct reader r = reader_open(problems);
	struct err err = {0};
	r.d->folder = STR("");
	const struct yaml *root = yaml_parse(r.arena, file, source, &err);
	const struct yaml *workflow = yaml_get(root, "workflow"), *registers = yaml_get(root, "registers");
	if (!root)
		tell_unread(&r, file, &err);
	else if (!workflow || !registers)
		problem_error(problems, root->place, "expected a kept definition with the keys 'workflow' and 'registers'");
	else
		read_definition(&r, workflow, yaml_is_null(registers) ? NULL : registers);
	return reader_close(&r, first, errors);
}
