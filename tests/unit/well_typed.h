/* well_typed: random expressions that must compile, by type over the whole grammar (docs/workflow-language.md, "Expressions"). What the table of functions holds is made from
 * the table; what has a form of its own (&&, ?:, macros, has, members, indexes, lists) is made here. A literal is written as a mark, so that a text can be
 * had with its literals in it, and with names of fields in their place. */
#ifndef TESTS_UNIT_WELL_TYPED_H
#define TESTS_UNIT_WELL_TYPED_H

#include "engine/workflow/expression_functions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WELL_LEAVES = 600, WELL_NAMES = 64, WELL_ROWS = 200, WELL_LOCALS = 6, WELL_MARK = 1 };

struct well_leaf {
	struct str text; /* as a literal */
	struct value value;
};

struct well_typed {
	struct arena *a;
	uint64_t random;
	int nodes; /* that may still be made */
	struct scope_name names[WELL_NAMES]; /* the fields, then the lets */
	size_t count;
	struct checker_locals locals[WELL_LOCALS];
	size_t local_count;
	struct well_leaf leaves[WELL_LEAVES];
	size_t leaf_count;
	size_t rows[WELL_ROWS]; /* how often each of the table's functions was made */
	struct buf out;
};

static const struct type well_scalars[] = {{.kind = KIND_BOOL}, {.kind = KIND_INT}, {.kind = KIND_DOUBLE}, {.kind = KIND_STRING}, {.kind = KIND_DATE}, {.kind = KIND_DATETIME}, {.kind = KIND_INSTANT}, {.kind = KIND_DURATION}};
static const struct type *const well_bool = &well_scalars[0], *const well_int = &well_scalars[1], *const well_string = &well_scalars[3];
static struct record_member well_members[] = {{{"id", 2}, {.kind = KIND_STRING}, false}, {{"n", 1}, {.kind = KIND_INT}, true}, {{"day", 3}, {.kind = KIND_DATE}, true}, {{"part", 4}, {.kind = KIND_DOUBLE}, false}, {{"ok", 2}, {.kind = KIND_BOOL}, false}};
static const struct record_type well_ref = {{"rows", 4}, well_members, 5, 0}, well_item = {{"items", 5}, well_members, 5, SIZE_MAX};
static const struct type well_ref_type = {.kind = KIND_RECORD, .record = &well_ref}, well_item_type = {.kind = KIND_RECORD, .record = &well_item}, well_map_type = {.kind = KIND_MAP, .item = &well_scalars[1]};

/* ---- chance (splitmix64) */

static uint64_t well_next(struct well_typed *g) {
	uint64_t z = g->random += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static size_t well_below(struct well_typed *g, size_t count) {
	return (size_t)(well_next(g) % count);
}

static bool well_one_in(struct well_typed *g, size_t count) {
	return well_below(g, count) == 0;
}

static const struct type *well_list_of(struct well_typed *g, const struct type *item) {
	struct type *type = ARENA_NEW(g->a, struct type);
	*type = (struct type){.kind = KIND_LIST, .item = item};
	return type;
}

static const struct type *well_type(struct well_typed *g, int depth) {
	size_t pick = well_below(g, 13);
	if (pick < 8)
		return &well_scalars[pick];
	if (pick == 8)
		return &well_map_type;
	if (pick == 9)
		return well_one_in(g, 2) ? &well_ref_type : &well_item_type;
	return depth == 0 ? well_int : well_list_of(g, well_type(g, depth - 1));
}

/* ---- literals */

static int64_t well_number(struct well_typed *g) {
	static const int64_t edges[] = {0, 1, -1, 2, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_C(1) << 53, 86400000, 1000000007, -719162, 2932896};
	return well_one_in(g, 4) ? edges[well_below(g, sizeof edges / sizeof edges[0])] : (int64_t)well_below(g, 40) - 8;
}

static double well_decimal(struct well_typed *g) {
	static const double edges[] = {0.0, 1.0, 0.1, 1e300, 1e-300, 9007199254740993.0, 9223372036854775808.0, 2.5};
	return edges[well_below(g, sizeof edges / sizeof edges[0])] * (well_one_in(g, 3) ? 0.5 : 1.0);
}

static struct str well_words(struct well_typed *g) {
	static const char *const words[] = {"", "a", "Åse", "x", "y", "12:00", "02:30", "24:00", "2026-03-29", "2026-10-25", "2027-03-28T02:30", "2026-02-30", "42", "-7", "1.5", "1e400", "true", "False",
	                                    "it's \"so\"", "back\\slash", "line\nbreak", "\xf0\x9f\x8c\xb2", "a,b;c", "STORE BOGSTAVER ÆØÅ", "9223372036854775808", "nan"};
	return str_from(words[well_below(g, sizeof words / sizeof words[0])]);
}

static struct str well_span(struct well_typed *g) {
	static const char *const units[] = {"s", "min", "h", "d", "w", " workdays", " months", " years"};
	size_t number = well_one_in(g, 20) ? well_below(g, 999999999) : well_below(g, 30);
	return arena_printf(g->a, "%zu%s", number, units[well_below(g, 8)]);
}

static void well_quote(struct well_typed *g, struct str s, struct buf *out) {
	bool plain = memchr(s.at, '\\', s.len) == NULL && memchr(s.at, '\'', s.len) == NULL && memchr(s.at, '\n', s.len) == NULL;
	size_t form = well_below(g, 4);
	if (form == 0 && plain) {
		buf_printf(out, "r'%.*s'", STR_ARG(s));
		return;
	}
	const char *quote = form == 1 ? "\"" : form == 2 ? "'''" : "'";
	buf_z(out, quote);
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\\' || s.at[i] == '\'' || s.at[i] == '"')
			buf_printf(out, "\\%c", s.at[i]);
		else if (s.at[i] == '\n')
			buf_z(out, form == 1 ? "\\x0a" : "\\n");
		else
			buf_char(out, s.at[i]);
	buf_z(out, quote);
}

static struct str well_written(struct well_typed *g, const struct value *v, struct str span) {
	struct buf text;
	buf_init(&text, 1000);
	if (v->kind == KIND_STRING)
		well_quote(g, v->string, &text);
	else if (v->kind == KIND_DURATION)
		buf_str(&text, span);
	else if (v->kind == KIND_INT && v->integer >= 0 && well_one_in(g, 5))
		buf_printf(&text, "0x%" PRIX64, (uint64_t)v->integer);
	else
		value_to_json(v, &text);
	struct str kept = arena_str(g->a, buf_text(&text));
	buf_free(&text);
	return kept;
}

static bool well_literal(struct well_typed *g, enum kind kind) {
	struct value v = {.kind = kind};
	struct str span = {0};
	if (kind == KIND_BOOL)
		v = value_bool(well_one_in(g, 2));
	else if (kind == KIND_INT)
		v = value_int(well_number(g));
	else if (kind == KIND_DOUBLE)
		v = value_double(well_decimal(g));
	else if (kind == KIND_STRING)
		v = value_string(well_words(g));
	else if (kind != KIND_DURATION || !span_parse(span = well_span(g), &v.span))
		return false;
	BUG_IF(g->leaf_count == WELL_LEAVES);
	buf_printf(&g->out, "%c%03zx", WELL_MARK, g->leaf_count);
	g->leaves[g->leaf_count++] = (struct well_leaf){well_written(g, &v, span), v};
	return true;
}

/* The text with its literals, or with the names c0, c1... of fields that hold them. */
static struct str well_text(const struct well_typed *g, struct str marked, bool names) {
	struct buf out;
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < marked.len; i++) {
		char digits[4] = {0};
		if (marked.at[i] != WELL_MARK) {
			buf_char(&out, marked.at[i]);
			continue;
		}
		memcpy(digits, marked.at + i + 1, 3);
		size_t leaf = strtoul(digits, NULL, 16);
		i += 3;
		if (names)
			buf_printf(&out, "c%zu", leaf);
		else
			buf_str(&out, g->leaves[leaf].text);
	}
	struct str text = arena_str(g->a, buf_text(&out));
	buf_free(&out);
	return text;
}

/* ---- expressions. `whole`: the type must be told entirely, for [] alone has no type of items. */

static void well_make(struct well_typed *g, const struct type *type, int depth, bool whole);

static bool well_hidden(const struct well_typed *g, struct str name, size_t above) {
	for (size_t i = above; i < g->local_count; i++)
		if (str_equal(g->locals[i].name, name))
			return true;
	return false;
}

/* A field, let or bound name of this type, any of them alike; false: there is none. */
static bool well_name(struct well_typed *g, const struct type *type) {
	struct str chosen = {0};
	size_t found = 0;
	for (size_t i = 0; i < g->local_count; i++)
		if (type_equal(&g->locals[i].type, type) && !well_hidden(g, g->locals[i].name, i + 1) && well_one_in(g, ++found))
			chosen = g->locals[i].name;
	for (size_t i = 0; i < g->count; i++)
		if (type_equal(&g->names[i].type, type) && !well_hidden(g, g->names[i].name, 0) && well_one_in(g, g->names[i].optional ? 12 * ++found : ++found))
			chosen = g->names[i].name;
	buf_str(&g->out, chosen);
	return chosen.len > 0;
}

static void well_list(struct well_typed *g, const struct type *item, int depth, bool whole) {
	size_t count = well_below(g, 4) + whole;
	buf_z(&g->out, "[");
	for (size_t i = 0; i < count; i++) {
		buf_z(&g->out, i ? ", " : "");
		well_make(g, item, depth - 1, whole && i == 0);
	}
	buf_z(&g->out, count && well_one_in(g, 10) ? ",]" : "]");
}

/* What is always there. */
static void well_leaf(struct well_typed *g, const struct type *type, bool whole) {
	if (well_one_in(g, 2) && well_name(g, type))
		return;
	if (type->kind == KIND_LIST) {
		well_list(g, type->item, 0, whole);
		return;
	}
	/* What has no literals has a field whose name is never hidden. */
	BUG_IF(!well_literal(g, type->kind) && !well_name(g, type));
}

static void well_logic(struct well_typed *g, int depth) {
	const char *operator = well_one_in(g, 2) ? "&&" : "||";
	buf_z(&g->out, "(");
	well_make(g, well_bool, depth - 1, true);
	for (size_t i = 0; i < 1 + well_below(g, 2); i++) {
		buf_printf(&g->out, " %s ", operator);
		well_make(g, well_bool, depth - 1, true);
	}
	buf_z(&g->out, ")");
}

static void well_condition(struct well_typed *g, const struct type *type, int depth, bool whole) {
	buf_z(&g->out, "(");
	well_make(g, well_bool, depth - 1, true);
	buf_z(&g->out, " ? ");
	well_make(g, type, depth - 1, whole);
	buf_z(&g->out, " : ");
	well_make(g, type, depth - 1, false);
	buf_z(&g->out, ")");
}

static void well_index(struct well_typed *g, const struct type *type, int depth) {
	bool map = type->kind == KIND_INT && well_one_in(g, 2), literal = !map && well_one_in(g, 2);
	if (literal)
		well_list(g, type, depth - 1, true);
	else
		well_make(g, map ? &well_map_type : well_list_of(g, type), depth - 1, true);
	buf_z(&g->out, "[");
	if (map || (!literal && well_one_in(g, 3)))
		well_make(g, map ? well_string : well_int, depth - 2, true);
	else
		buf_z(&g->out, "0");
	buf_z(&g->out, "]");
}

static bool well_member(struct well_typed *g, const struct type *type, int depth) {
	size_t at = well_below(g, 5), tries = 0;
	while (!type_equal(&well_members[at].type, type) && tries++ < 5)
		at = (at + 1) % 5;
	if (tries > 5 || !type_equal(&well_members[at].type, type))
		return false;
	bool ref = well_one_in(g, 2);
	well_make(g, ref ? &well_ref_type : &well_item_type, depth - 1, true);
	buf_z(&g->out, ".");
	buf_str(&g->out, ref && at == 0 && well_one_in(g, 2) ? STR("key") : well_members[at].name);
	return true;
}

static void well_has(struct well_typed *g, int depth) {
	buf_z(&g->out, "has(");
	size_t way = well_below(g, 3);
	bool named = way == 0 && well_name(g, well_type(g, 1));
	if (!named && way < 2)
		well_member(g, &well_members[well_below(g, 5)].type, depth);
	else if (!named)
		well_index(g, well_type(g, 1), depth);
	buf_z(&g->out, ")");
}

/* What a bound name stands for, and an expression over it. Names may hide fields and each other. */
static void well_bound(struct well_typed *g, const struct type *item, const struct type *body, int depth) {
	g->locals[g->local_count].type = *item;
	g->local_count++;
	well_make(g, body, depth - 1, true);
	g->local_count--;
}

static void well_macro(struct well_typed *g, const char *name, const struct type *item, const struct type *body, bool filtered, int depth) {
	static const char *const bound[] = {"x", "y", "z", "i", "s"};
	const struct type *over = well_list_of(g, item);
	if (item->kind == KIND_STRING && well_one_in(g, 3))
		over = &well_map_type;
	well_make(g, over, depth - 1, true);
	struct str local = str_from(bound[well_below(g, 5)]);
	buf_printf(&g->out, ".%s(%.*s, ", name, STR_ARG(local));
	g->locals[g->local_count].name = local;
	if (filtered) {
		well_bound(g, item, well_bool, depth);
		g->locals[g->local_count].name = local;
		buf_z(&g->out, ", ");
	}
	well_bound(g, item, body, depth);
	buf_z(&g->out, ")");
}

static void well_quantifier(struct well_typed *g, int depth) {
	static const char *const names[] = {"all", "exists", "exists_one"};
	const char *name = names[well_below(g, 3)];
	if (well_one_in(g, 15))
		buf_printf(&g->out, "[].%s(x, x.anything)", name);
	else
		well_macro(g, name, well_type(g, 1), well_bool, false, depth);
}

static void well_collect(struct well_typed *g, const struct type *item, int depth) {
	if (well_one_in(g, 2))
		well_macro(g, "filter", item, well_bool, false, depth);
	else
		well_macro(g, "map", well_type(g, 1), item, well_one_in(g, 3), depth);
}

/* ---- from the table */

static bool well_gives(const struct function *f, const struct type *type) {
	static const char letters[] = "bidsDTIP";
	static const enum kind kinds[] = {KIND_BOOL, KIND_INT, KIND_DOUBLE, KIND_STRING, KIND_DATE, KIND_DATETIME, KIND_INSTANT, KIND_DURATION};
	const char *letter = strchr(letters, f->result);
	if (letter)
		return type->kind == kinds[letter - letters];
	BUG_IF(f->result != '0' && f->result != '1');
	return f->args[0] == 'L' ? type->kind == KIND_LIST : type->kind >= KIND_BOOL && type->kind < KIND_DURATION;
}

static const struct type *well_argument(struct well_typed *g, char letter, const struct type *before) {
	static const char letters[] = "bidsDTIP";
	const char *scalar = strchr(letters, letter);
	if (scalar)
		return &well_scalars[scalar - letters];
	switch (letter) {
	case '=': return before;
	case 'o': return &well_scalars[well_below(g, 7)];
	case 'c': return &well_scalars[well_below(g, 8)];
	case '*':
	case 'e': return well_type(g, 2);
	case 'L': return well_list_of(g, before ? before : well_type(g, 1));
	case 'M': return &well_map_type;
	case 'R': return &well_ref_type;
	default: break;
	}
	fprintf(stderr, "well_typed.h knows no arguments '%c'\n", letter);
	BUG_IF(true);
	return NULL;
}

static bool well_is_word(const struct function *f) {
	return f->name[0] >= 'a' && f->name[0] <= 'z' && strcmp(f->name, "in") != 0;
}

/* What it can read, mostly: conversions of random texts would nearly all be errors. */
static bool well_readable(struct well_typed *g, const struct function *f) {
	static const struct {
		const char *name, *text;
	} readable[] = {{"date", "'2026-03-29'"}, {"date", "'28.3.2027'"}, {"datetime", "'2026-10-25T02:30'"}, {"datetime", "'2027-03-28 02:30'"}, {"at", "'02:30'"}, {"at", "'23:59'"}, {"int", "'-42'"}, {"double", "'1e3'"}, {"bool", "'true'"}};
	size_t found = 0, chosen = 0;
	for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++)
		if (strcmp(f->name, readable[i].name) == 0 && well_one_in(g, ++found))
			chosen = i;
	if (found == 0 || f->method || well_one_in(g, 6))
		return false;
	buf_z(&g->out, readable[chosen].text);
	return true;
}

/* A sign, an operator, a call or a method. */
static void well_arguments(struct well_typed *g, const struct function *f, const struct type *type, int depth, bool whole) {
	size_t count = strlen(f->args);
	bool as_result = f->result == '0' || f->result == '1';
	const struct type *before = NULL;
	if (count == 1 && !well_is_word(f))
		buf_printf(&g->out, "%s(", f->name);
	for (size_t i = 0; i < count; i++) {
		const struct type *here = i == 0 && as_result ? type : well_argument(g, f->args[i], before);
		if (i > (size_t)f->method && well_is_word(f))
			buf_z(&g->out, ", ");
		else if (i > 0 && !f->method)
			buf_printf(&g->out, " %s ", f->name);
		if (f->args[i] != 's' || !well_readable(g, f))
			well_make(g, here, depth - 1, whole && i == 0);
		if (f->method && i == 0)
			buf_printf(&g->out, ".%s(", f->name);
		before = here;
	}
	buf_z(&g->out, f->method || (count == 1 && !well_is_word(f)) ? "))" : ")");
}

static bool well_function(struct well_typed *g, const struct type *type, int depth, bool whole) {
	size_t chosen = 0, found = 0;
	for (size_t i = 0; i < expression_function_count; i++)
		if (well_gives(&expression_functions[i], type) && well_one_in(g, ++found))
			chosen = i;
	if (found == 0)
		return false;
	const struct function *f = &expression_functions[chosen];
	g->rows[chosen]++;
	buf_printf(&g->out, "%s(", well_is_word(f) && !f->method ? f->name : "");
	well_arguments(g, f, type, depth, whole);
	return true;
}

static void well_make(struct well_typed *g, const struct type *type, int depth, bool whole) {
	bool list = type->kind == KIND_LIST;
	if (depth <= 0 || --g->nodes <= 0) {
		well_leaf(g, type, whole);
		return;
	}
	size_t way = well_below(g, 20);
	if (way < 2)
		well_leaf(g, type, whole);
	else if (way == 2)
		well_condition(g, type, depth, whole);
	else if (way == 3)
		well_index(g, type, depth);
	else if (way < 6 && type->kind == KIND_BOOL)
		well_logic(g, depth);
	else if (way == 6 && type->kind == KIND_BOOL)
		well_has(g, depth);
	else if (way < 9 && type->kind == KIND_BOOL && g->local_count < WELL_LOCALS)
		well_quantifier(g, depth);
	else if (way < 8 && list)
		well_list(g, type->item, depth, whole);
	else if (way < 14 && list && g->local_count < WELL_LOCALS)
		well_collect(g, type->item, depth);
	else if (!((way < 7 && well_member(g, type, depth)) || well_function(g, type, depth, whole)))
		well_leaf(g, type, whole);
}

/* A mark for each literal; in the generator's arena. */
static struct str well_expression(struct well_typed *g, const struct type *type, int depth) {
	buf_clear(&g->out);
	well_make(g, type, depth, true);
	return arena_str(g->a, buf_text(&g->out));
}

/* ---- a compiled tree as text again, with the fewest brackets */

static int well_binds(const struct node *n) {
	static const char *const levels[] = {"?", "||", "&&", "< <= >= > == != in", "+ -", "* / %"};
	if (n->kind == NODE_UNARY)
		return 6;
	if (n->kind != NODE_BINARY && n->kind != NODE_CONDITION)
		return n->kind == NODE_LITERAL && n->literal.kind == KIND_INT && n->literal.integer < 0 ? 6 : 7;
	for (int i = 0; i < 6; i++) {
		struct str rest = str_from(levels[i]);
		while (rest.len > 0)
			if (str_equal(str_cut(&rest, ' '), n->name))
				return i;
	}
	BUG_IF(true);
	return 0;
}

static void well_print(const struct node *n, struct buf *out);

static void well_print_part(const struct node *n, int binds, struct buf *out) {
	bool brackets = well_binds(n) < binds;
	buf_z(out, brackets ? "(" : "");
	well_print(n, out);
	buf_z(out, brackets ? ")" : "");
}

static void well_print_literal(const struct node *n, struct buf *out) {
	struct well_typed chance = {.random = n->at};
	struct buf quoted;
	if (n->literal.kind != KIND_STRING) {
		buf_printf(out, "%s%.*s", n->literal.kind == KIND_INT && n->literal.integer < 0 ? "-" : "", STR_ARG(n->name));
		return;
	}
	buf_init(&quoted, 1000);
	well_quote(&chance, n->literal.string, &quoted);
	buf_str(out, buf_text(&quoted));
	buf_free(&quoted);
}

static void well_print_args(const struct node *n, size_t from, const char *end, struct buf *out) {
	for (size_t i = from; i < n->count; i++) {
		buf_z(out, i > from ? "," : "");
		well_print(n->args[i], out);
	}
	buf_z(out, end);
}

static void well_print(const struct node *n, struct buf *out) {
	int binds = well_binds(n);
	switch (n->kind) {
	case NODE_LITERAL: well_print_literal(n, out); return;
	case NODE_NAME: buf_str(out, n->name); return;
	case NODE_UNARY: {
		bool number = n->args[0]->kind == NODE_LITERAL && n->args[0]->literal.kind == KIND_INT;
		buf_str(out, n->name);
		well_print_part(n->args[0], number ? 8 : 6, out); /* -(5): else the sign were the number's */
		return;
	}
	case NODE_BINARY:
		well_print_part(n->args[0], binds, out);
		buf_printf(out, " %.*s ", STR_ARG(n->name));
		well_print_part(n->args[1], binds + 1, out);
		return;
	case NODE_CONDITION:
		well_print_part(n->args[0], 1, out);
		buf_z(out, " ? ");
		well_print(n->args[1], out);
		buf_z(out, " : ");
		well_print(n->args[2], out);
		return;
	default: break;
	}
	if (n->kind == NODE_CALL || n->kind == NODE_LIST) {
		buf_printf(out, "%.*s%s", STR_ARG(n->name), n->kind == NODE_CALL ? "(" : "");
		well_print_args(n, 0, n->kind == NODE_CALL ? ")" : "]", out);
		return;
	}
	well_print_part(n->args[0], 7, out);
	if (n->kind == NODE_INDEX) {
		buf_z(out, "[");
		well_print_args(n, 1, "]", out);
		return;
	}
	buf_printf(out, ".%.*s%s", STR_ARG(n->name), n->kind == NODE_METHOD ? "(" : "");
	if (n->kind == NODE_METHOD)
		well_print_args(n, 1, ")", out);
}

#endif
