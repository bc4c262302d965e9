#include "engine/workflow/schema.h"

#include "engine/base/escape.h"
#include "engine/workflow/definition_shape.h"

#include <string.h>

enum { MAX_PARTS = 64 };

/* Maps are written once, under $defs, by their name. */
struct schema {
	struct buf *out;
	const struct shape *parts[MAX_PARTS];
	size_t count;
};

static void write_shape(struct schema *s, const struct shape *shape, int depth);

static void line(struct schema *s, int depth) {
	buf_char(s->out, '\n');
	for (int i = 0; i < depth; i++)
		buf_z(s->out, "  ");
}

static void string(struct schema *s, const char *text) {
	escape_json(s->out, str_from(text));
}

static const char *scalar(enum shape_kind kind) {
	switch (kind) {
	case SHAPE_NAME:
		return "\"type\": \"string\", \"pattern\": \"^[a-z][a-z0-9_-]{0,39}$\"";
	case SHAPE_WORD:
		return "\"type\": \"string\", \"pattern\": \"^[a-z][a-z0-9_]{0,39}$\"";
	case SHAPE_OPTION:
		return "\"type\": [\"string\", \"integer\", \"boolean\"], \"pattern\": \"^[A-Za-z0-9_-]{1,40}$\"";
	case SHAPE_TRUTH:
		return "\"type\": \"boolean\"";
	case SHAPE_WHOLE:
		return "\"type\": \"integer\", \"minimum\": 0, \"maximum\": 1000000000";
	case SHAPE_RANGE:
		return "\"type\": \"string\", \"pattern\": \"^ *-?[0-9]+ *\\\\.\\\\. *-?[0-9]+ *$\"";
	case SHAPE_SPAN:
		return "\"type\": \"string\", \"pattern\": \"^ *[0-9]+ *[a-z]+ *$\"";
	case SHAPE_TIME:
		return "\"type\": \"string\", \"pattern\": \"^[0-9]{1,2}[:.][0-9]{2}\"";
	case SHAPE_ASSIGNED:
		return "\"type\": [\"string\", \"number\", \"boolean\", \"null\"]";
	default:
		return "\"type\": [\"string\", \"number\", \"boolean\"]";
	}
}

static void write_reference(struct schema *s, const struct shape *shape) {
	size_t i = 0;
	while (i < s->count && s->parts[i] != shape)
		i++;
	if (i == s->count && s->count < MAX_PARTS)
		s->parts[s->count++] = shape;
	buf_z(s->out, "{\"$ref\": \"#/$defs/");
	for (const char *c = shape->what; *c; c++)
		buf_char(s->out, *c == ' ' ? '-' : *c);
	buf_z(s->out, "\"}");
}

static void write_words(struct schema *s, const struct shape *shape) {
	buf_z(s->out, "{\"enum\": [");
	for (size_t i = 0; shape->words[i]; i++) {
		buf_z(s->out, i ? ", " : "");
		string(s, shape->words[i]);
	}
	buf_z(s->out, "]}");
}

static void write_list(struct schema *s, const struct shape *shape, int depth) {
	bool unique = shape->each->kind == SHAPE_NAME || shape->each->kind == SHAPE_WORD || shape->each->kind == SHAPE_OPTION;
	buf_printf(s->out, "{\"type\": \"array\", \"minItems\": %d, \"maxItems\": 1000,%s \"items\": ", shape->filled ? 1 : 0, unique ? " \"uniqueItems\": true," : "");
	write_shape(s, shape->each, depth);
	buf_char(s->out, '}');
}

static void write_named(struct schema *s, const struct shape *shape, int depth) {
	buf_printf(s->out, "{\"type\": \"object\", \"minProperties\": %d, \"maxProperties\": 1000, \"propertyNames\": {%s},", shape->filled ? 1 : 0,
	           scalar(shape->words_only ? SHAPE_WORD : SHAPE_NAME));
	line(s, depth + 1);
	buf_z(s->out, "\"additionalProperties\": ");
	write_shape(s, shape->each, depth + 1);
	buf_char(s->out, '}');
}

static void write_shape(struct schema *s, const struct shape *shape, int depth) {
	switch (shape->kind) {
	case SHAPE_MAP:
		write_reference(s, shape);
		break;
	case SHAPE_NAME_OR_MAP:
		buf_printf(s->out, "{\"oneOf\": [{%s}, ", scalar(SHAPE_WORD));
		write_reference(s, shape);
		buf_z(s->out, "]}");
		break;
	case SHAPE_NAMES:
		buf_printf(s->out, "{\"oneOf\": [{%s}, {\"type\": \"array\", \"minItems\": 1, \"uniqueItems\": true, \"items\": {%s}}]}", scalar(SHAPE_NAME), scalar(SHAPE_NAME));
		break;
	case SHAPE_ONE_OF:
		write_words(s, shape);
		break;
	case SHAPE_LIST:
		write_list(s, shape, depth);
		break;
	case SHAPE_NAMED:
		write_named(s, shape, depth);
		break;
	default:
		buf_printf(s->out, "{%s}", scalar(shape->kind));
	}
}

static void write_properties(struct schema *s, const struct shape *shape, int depth) {
	buf_z(s->out, "\"properties\": {");
	for (const struct shape_key *k = shape->keys; k->key; k++) {
		buf_z(s->out, k == shape->keys ? "" : ",");
		line(s, depth + 1);
		string(s, k->key);
		buf_z(s->out, ": ");
		if (k->help) {
			buf_z(s->out, "{\"description\": ");
			string(s, k->help);
			buf_z(s->out, ", \"allOf\": [");
		}
		write_shape(s, k->shape, depth + 1);
		buf_z(s->out, k->help ? "]}" : "");
	}
	buf_char(s->out, '}');
}

/* Keys picked from a table, as JSON strings with commas. */
static void write_keys(struct schema *s, const struct shape *shape, bool (*picked)(const struct shape_key *k, unsigned choice), unsigned choice, const char *before, const char *after) {
	size_t count = 0;
	for (const struct shape_key *k = shape->keys; k->key; k++) {
		if (!picked(k, choice))
			continue;
		buf_printf(s->out, "%s%s", count++ ? ", " : "", before);
		string(s, k->key);
		buf_z(s->out, after);
	}
}

static bool always_needed(const struct shape_key *k, unsigned choice) {
	(void)choice;
	return k->needed && !k->only;
}

static bool needed_for(const struct shape_key *k, unsigned choice) {
	return (k->needed && (k->only & choice)) || (k->need & choice);
}

static bool not_for(const struct shape_key *k, unsigned choice) {
	return k->only && !(k->only & choice);
}

static bool is_one(const struct shape_key *k, unsigned choice) {
	(void)choice;
	return k->one;
}

/* For each word of the choosing key: which keys are not for it, and which it needs. */
static void write_choices(struct schema *s, const struct shape *shape, int depth) {
	const struct shape_key *choose = shape->keys;
	while (strcmp(choose->key, shape->choose) != 0)
		choose++;
	buf_char(s->out, ',');
	line(s, depth);
	buf_z(s->out, "\"allOf\": [");
	for (size_t i = 0; choose->shape->words[i]; i++) {
		buf_z(s->out, i ? "," : "");
		line(s, depth + 1);
		buf_printf(s->out, "{\"if\": {\"properties\": {\"%s\": {\"const\": \"%s\"}}, \"required\": [\"%s\"]}, \"then\": {\"properties\": {", shape->choose, choose->shape->words[i], shape->choose);
		write_keys(s, shape, not_for, 1U << i, "", ": false");
		buf_z(s->out, "}, \"required\": [");
		write_keys(s, shape, needed_for, 1U << i, "", "");
		buf_z(s->out, "]}}");
	}
	buf_char(s->out, ']');
}

static void write_map(struct schema *s, const struct shape *shape, int depth) {
	bool ones = false;
	for (const struct shape_key *k = shape->keys; k->key; k++)
		ones = ones || k->one;
	buf_z(s->out, "\"type\": \"object\", \"additionalProperties\": false, \"required\": [");
	write_keys(s, shape, always_needed, 0, "", "");
	buf_z(s->out, "],");
	line(s, depth);
	if (ones) {
		buf_z(s->out, "\"oneOf\": [");
		write_keys(s, shape, is_one, 0, "{\"required\": [", "]}");
		buf_z(s->out, "],");
		line(s, depth);
	}
	write_properties(s, shape, depth);
	if (shape->choose)
		write_choices(s, shape, depth);
}

void schema_write(struct buf *out) {
	struct schema s = {.out = out};
	buf_z(out, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": \"Stafet workflow\",\n  ");
	write_map(&s, &shape_workflow, 1);
	buf_z(out, ",\n  \"$defs\": {\n    \"registers\": ");
	write_shape(&s, &shape_registers, 2);
	/* Writing one part may call for others. */
	for (size_t i = 0; i < s.count; i++) {
		buf_z(out, ",\n    \"");
		for (const char *c = s.parts[i]->what; *c; c++)
			buf_char(out, *c == ' ' ? '-' : *c);
		buf_z(out, "\": {");
		write_map(&s, s.parts[i], 3);
		buf_char(out, '}');
	}
	buf_z(out, "\n  }\n}\n");
}
