/* Names to slots, types, and warnings for fields that may be unset where they are read. */
#include "engine/workflow/expression_tree.h"

#include <stdio.h>
#include <string.h>

/* Line and column of a byte of the expression in its file. */
static struct yaml_place place_of(const struct expression *e, size_t at) {
	struct yaml_place place = e->place;
	for (size_t i = 0; i < at && i < e->source.len; i++) {
		place.column += (e->source.at[i] & 0xC0) != 0x80; /* characters, not bytes */
		if (e->source.at[i] == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return place;
}

bool check_error(struct checking *c, const struct node *n, const char *format, ...) {
	char text[400];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	problem_error(c->problems, place_of(c->e, n->at), "%s", text);
	return false;
}

/* Checks a part where `condition` has been found to be `truth`. */
static bool check_where(struct checking *c, struct node *n, const struct node *condition, bool truth) {
	struct slot_set before = c->vouched, known = {0};
	slots_join(c->a, &known, &before);
	expression_vouch(c, condition, truth, &known);
	c->vouched = known;
	bool ok = expression_check(c, n);
	c->vouched = before;
	return ok;
}

static void take_let(struct checking *c, struct node *n, const struct scope_name *name) {
	n->let = name->let;
	n->cost = 1 + (int64_t)name->let->root->weight / EXPRESSION_STEP_NODES;
	slots_join(c->a, &c->e->reads, &name->let->reads);
	c->e->asks = c->e->asks || name->let->asks;
}

static const struct scope_name *find_rule(const struct checking *c, struct str name) {
	for (size_t i = 0; i < c->scope->count; i++)
		if (c->scope->items[i].row && str_equal(c->scope->items[i].name, name))
			return &c->scope->items[i];
	return NULL;
}

static bool check_rule(struct checking *c, struct node *n, const struct scope_name *rule) {
	if (n->count != 1)
		return check_error(c, n, "the rule '%.*s' is about one row", STR_ARG(n->name));
	if (!expression_check(c, n->args[0]))
		return false;
	struct str is = type_name(c->a, &n->args[0]->type), should = type_name(c->a, rule->row);
	if (!type_equal(&n->args[0]->type, rule->row))
		return check_error(c, n->args[0], "the rule '%.*s' is about a %.*s, this is %.*s", STR_ARG(n->name), STR_ARG(should), STR_ARG(is));
	n->type = rule->type;
	n->run = run_rule;
	take_let(c, n, rule);
	return true;
}

static bool check_scope_name(struct checking *c, struct node *n, size_t index) {
	const struct scope_name *name = &c->scope->items[index];
	n->type = name->type;
	if (name->row)
		return check_error(c, n, "'%.*s' is a rule about a row; it is asked as %.*s(row)", STR_ARG(n->name), STR_ARG(n->name));
	if (name->let) {
		take_let(c, n, name);
		n->run = run_let;
		return true;
	}
	n->slot = name->slot;
	n->run = run_slot;
	slots_add(c->a, &c->e->reads, name->slot);
	c->e->asks = c->e->asks || name->outside;
	if (name->optional && !c->asking && !slots_have(&c->vouched, name->slot))
		problem_warn(c->problems, place_of(c->e, n->at), "'%.*s' may be unset here; ask has(%.*s) first", STR_ARG(n->name), STR_ARG(n->name));
	return true;
}

static bool unknown_name(struct checking *c, const struct node *n) {
	size_t count = c->scope->count + c->local_count;
	struct str *names = ARENA_ARRAY(c->a, count, struct str);
	for (size_t i = 0; i < count; i++)
		names[i] = i < c->scope->count ? c->scope->items[i].name : c->locals[i - c->scope->count].name;
	struct str near = name_nearest(n->name, names, count);
	if (near.len > 0)
		return check_error(c, n, "unknown name '%.*s'; did you mean '%.*s'?", STR_ARG(n->name), STR_ARG(near));
	return check_error(c, n, "unknown name '%.*s'", STR_ARG(n->name));
}

static bool check_name(struct checking *c, struct node *n) {
	for (size_t i = c->local_count; i-- > 0;) {
		if (!str_equal(c->locals[i].name, n->name))
			continue;
		n->type = c->locals[i].type;
		n->slot = i;
		n->run = run_local;
		return true;
	}
	for (size_t i = 0; i < c->scope->count; i++)
		if (str_equal(c->scope->items[i].name, n->name))
			return check_scope_name(c, n, i);
	return unknown_name(c, n);
}

/* The type that all of the nodes have, in *out; the first that does not fit is told. */
static bool join_types(struct checking *c, struct node *const *nodes, size_t count, const char *what, struct type *out) {
	*out = nodes[0]->type;
	for (size_t i = 1; i < count; i++) {
		struct type all = *out;
		if (type_join(c->a, &all, &nodes[i]->type, out))
			continue;
		struct str before = type_name(c->a, &all), here = type_name(c->a, &nodes[i]->type);
		return check_error(c, nodes[i], "%s: %.*s first, %.*s here", what, STR_ARG(before), STR_ARG(here));
	}
	return true;
}

static bool check_list(struct checking *c, struct node *n) {
	n->run = run_list;
	n->type = (struct type){.kind = KIND_LIST};
	for (size_t i = 0; i < n->count; i++)
		if (!expression_check(c, n->args[i]))
			return false;
	if (n->count == 0)
		return true;
	struct type *item = ARENA_NEW(c->a, struct type);
	n->type.item = item;
	return join_types(c, n->args, n->count, "a list holds values of one type", item);
}

static bool check_index(struct checking *c, struct node *n) {
	if (!expression_check(c, n->args[0]) || !expression_check(c, n->args[1]))
		return false;
	const struct type *outer = &n->args[0]->type;
	struct str name = type_name(c->a, outer);
	enum kind wanted = outer->kind == KIND_MAP ? KIND_STRING : KIND_INT;
	if (outer->kind != KIND_LIST && outer->kind != KIND_MAP)
		return check_error(c, n, "%.*s has no [ ]", STR_ARG(name));
	if (n->args[1]->type.kind != wanted)
		return check_error(c, n->args[1], "%s is expected between [ ]", wanted == KIND_INT ? "an int" : "a string");
	if (!outer->item)
		return check_error(c, n, "the empty list has no items");
	n->type = *outer->item;
	n->run = run_index;
	return true;
}

static bool check_member(struct checking *c, struct node *n) {
	if (!expression_check(c, n->args[0]))
		return false;
	const struct type *outer = &n->args[0]->type;
	struct str name = type_name(c->a, outer);
	if (outer->kind != KIND_RECORD)
		return check_error(c, n, "%.*s has no members", STR_ARG(name));
	const struct record_type *record = outer->record;
	struct str *names = ARENA_ARRAY(c->a, record->count, struct str);
	n->run = run_member;
	for (size_t i = 0; i < record->count; i++) {
		names[i] = record->members[i].name;
		bool key = record->key == i && str_is(n->name, "key");
		if (!str_equal(names[i], n->name) && !key)
			continue;
		n->slot = i;
		n->type = record->members[i].type;
		if (record->members[i].optional && c->scope->warns && !c->asking && !slots_have_member(&c->vouched, n->args[0], n->name))
			problem_warn(c->problems, place_of(c->e, n->at), "'%.*s' may be %s; ask has() first", STR_ARG(n->name), n->args[0]->run == run_slot ? "unset here" : "left out of an item");
		return true;
	}
	struct str near = name_nearest(n->name, names, record->count);
	return check_error(c, n, "%.*s has no '%.*s'%s%.*s%s", STR_ARG(name), STR_ARG(n->name), near.len ? "; did you mean '" : "", STR_ARG(near), near.len ? "'?" : "");
}

static bool check_bool(struct checking *c, const struct node *n, const char *what) {
	struct str name = type_name(c->a, &n->type);
	return n->type.kind == KIND_BOOL || check_error(c, n, "%s must be bool, not %.*s", what, STR_ARG(name));
}

static bool check_condition(struct checking *c, struct node *n) {
	if (!expression_check(c, n->args[0]) || !check_bool(c, n->args[0], "what stands before ?") || !check_where(c, n->args[1], n->args[0], true) ||
	    !check_where(c, n->args[2], n->args[0], false))
		return false;
	if (!join_types(c, n->args + 1, 2, "both sides of : must have one type", &n->type))
		return false;
	n->run = run_condition;
	return true;
}

/* What one side of && vouches for, the other may read, whichever stands first: an error on one side counts only when the other does not decide. */
static bool check_logic(struct checking *c, struct node *n) {
	bool and = str_is(n->name, "&&");
	struct slot_set before = c->vouched;
	n->type = (struct type){.kind = KIND_BOOL};
	n->run = and ? run_and : run_or;
	if (!n->linked) {
		c->vouched = (struct slot_set){0};
		slots_join(c->a, &c->vouched, &before);
		expression_vouch(c, n, and, &c->vouched);
	}
	for (size_t i = 0; i < n->count; i++)
		n->args[i]->linked = n->args[i]->kind == NODE_BINARY && str_equal(n->args[i]->name, n->name);
	bool ok = expression_check(c, n->args[0]) && expression_check(c, n->args[1]);
	c->vouched = before;
	return ok && check_bool(c, n->args[0], "what stands before && or ||") && check_bool(c, n->args[1], "what stands after && or ||");
}

static bool check_has(struct checking *c, struct node *n) {
	if (n->count != 1 || (n->args[0]->kind != NODE_NAME && n->args[0]->kind != NODE_MEMBER && n->args[0]->kind != NODE_INDEX))
		return check_error(c, n, "has() takes one field, member or item");
	/* Asking is no reading: no warning. */
	bool before = c->asking;
	c->asking = true;
	bool ok = expression_check(c, n->args[0]);
	c->asking = before;
	n->type = (struct type){.kind = KIND_BOOL};
	n->run = run_has;
	return ok;
}

static const struct {
	const char *name;
	run_function *run;
} macros[] = {{"all", run_all}, {"exists", run_exists}, {"exists_one", run_exists_one}, {"filter", run_filter}, {"map", run_map}, {"sortBy", run_sort_by}};

static bool is_macro(const struct node *n) {
	for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++)
		if (str_is(n->name, macros[i].name))
			return n->kind == NODE_METHOD;
	return false;
}

static bool check_keys(struct checking *c, const struct node *n) {
	for (size_t i = 2; i < n->count; i++) {
		struct str name = type_name(c->a, &n->args[i]->type);
		if (!expression_is_ordered(n->args[i]->type.kind))
			return check_error(c, n->args[i], "sortBy takes keys of ordered types, not %.*s", STR_ARG(name));
	}
	return true;
}

static bool check_body(struct checking *c, struct node *n, const struct type *item) {
	bool ok = true, map = str_is(n->name, "map");
	n->slot = c->local_count;
	c->locals[c->local_count++] = (struct checker_locals){n->args[1]->name, *item};
	size_t weight = 0;
	for (size_t i = 2; i < n->count; i++) {
		ok = ok && (i == 3 && map ? check_where(c, n->args[i], n->args[2], true) : expression_check(c, n->args[i]));
		weight += n->args[i]->weight;
	}
	n->cost = 1 + (int64_t)weight / EXPRESSION_STEP_NODES;
	c->local_count--;
	if (str_is(n->name, "sortBy"))
		return ok && check_keys(c, n);
	return ok && ((map && n->count == 3) || check_bool(c, n->args[2], "the condition"));
}

/* What a filter leaves has what its condition asked for: things.filter(t, has(t.note)). */
static struct type filtered(struct checking *c, const struct node *n, const struct type *list) {
	struct slot_set known = {0};
	if (!list->item || list->item->kind != KIND_RECORD)
		return *list;
	const struct record_type *record = list->item->record;
	expression_vouch(c, n->args[2], true, &known);
	struct record_type *left = ARENA_NEW(c->a, struct record_type);
	*left = *record;
	left->members = ARENA_ARRAY(c->a, record->count, struct record_member);
	for (size_t i = 0; i < record->count; i++) {
		left->members[i] = record->members[i];
		left->members[i].optional = record->members[i].optional && !slots_have_member(&known, n->args[1], record->members[i].name);
	}
	struct type *item = ARENA_NEW(c->a, struct type);
	*item = (struct type){.kind = KIND_RECORD, .record = left};
	return (struct type){.kind = KIND_LIST, .item = item};
}

/* receiver.all(name, body): the name is each item of a list, each key of a map. */
static bool check_macro(struct checking *c, struct node *n) {
	static const struct type string = {.kind = KIND_STRING};
	bool map = str_is(n->name, "map"), sort = str_is(n->name, "sortBy");
	if (n->count != 3 && !(map && n->count == 4) && !(sort && n->count > 3))
		return check_error(c, n, "%.*s takes a name and an expression: list.%.*s(x, ...)", STR_ARG(n->name), STR_ARG(n->name));
	if (n->args[1]->kind != NODE_NAME)
		return check_error(c, n->args[1], "a name for the item is expected");
	if (!expression_check(c, n->args[0]))
		return false;
	const struct type *outer = &n->args[0]->type;
	struct str name = type_name(c->a, outer);
	if (outer->kind != KIND_LIST && (outer->kind != KIND_MAP || sort))
		return check_error(c, n, "%.*s is no list", STR_ARG(name));
	if (c->local_count == EXPRESSION_LOCALS)
		return check_error(c, n, "more than %d names are bound inside each other", EXPRESSION_LOCALS);
	/* Over [] the body has no type, and never runs. */
	bool empty = outer->kind == KIND_LIST && !outer->item;
	if (!empty && !check_body(c, n, outer->kind == KIND_MAP ? &string : outer->item))
		return false;
	for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++)
		if (str_is(n->name, macros[i].name))
			n->run = empty ? run_over_nothing : macros[i].run;
	n->type = (struct type){.kind = KIND_BOOL};
	if (map)
		n->type = (struct type){.kind = KIND_LIST, .item = empty ? NULL : &n->args[n->count - 1]->type};
	else if (sort)
		n->type = *outer;
	else if (str_is(n->name, "filter"))
		n->type = outer->kind == KIND_MAP ? (struct type){.kind = KIND_LIST, .item = &string} : filtered(c, n, outer);
	return true;
}

/* Nothing is made of a sensitive value: it stands alone, or in has(). */
static bool check_open(struct checking *c, const struct node *n) {
	for (size_t i = 0; i < n->count; i++)
		if (n->args[i]->type.kind == KIND_SEALED && !(n->kind == NODE_CALL && str_is(n->name, "has")))
			return check_error(c, n->args[i], "what is sensitive can only be asked for with has(), or passed on whole to a sensitive field of another workflow");
	return true;
}

static bool check_call(struct checking *c, struct node *n) {
	if (expression_asks_pool(n))
		return expression_check_pool(c, n);
	if (expression_is_draw(n))
		return expression_check_draw(c, n);
	for (size_t i = 0; i < n->count; i++)
		if (!expression_check(c, n->args[i]))
			return false;
	return check_open(c, n) && expression_bind(c, n);
}

static bool check_kind(struct checking *c, struct node *n) {
	switch (n->kind) {
	case NODE_LITERAL:
		n->type = (struct type){.kind = n->literal.kind};
		n->run = run_literal;
		return true;
	case NODE_NAME: return check_name(c, n);
	case NODE_LIST: return check_list(c, n);
	case NODE_INDEX: return check_index(c, n);
	case NODE_MEMBER: return check_member(c, n);
	case NODE_CONDITION: return check_condition(c, n);
	case NODE_BINARY: return str_is(n->name, "&&") || str_is(n->name, "||") ? check_logic(c, n) : check_call(c, n);
	case NODE_CALL:
		if (find_rule(c, n->name))
			return check_rule(c, n, find_rule(c, n->name));
		return str_is(n->name, "has") ? check_has(c, n) : str_is(n->name, "rows") ? expression_check_rows(c, n) : check_call(c, n);
	case NODE_METHOD: return is_macro(n) ? check_macro(c, n) : check_call(c, n);
	case NODE_UNARY: return check_call(c, n);
	}
	return false;
}

bool expression_check(struct checking *c, struct node *n) {
	if (!check_kind(c, n))
		return false;
	if (!check_open(c, n))
		return false;
	n->weight = 1;
	n->height = n->let ? n->let->root->height + EXPRESSION_LET_HEIGHT : 0;
	for (size_t i = 0; i < n->count; i++) {
		n->weight += n->args[i]->weight;
		if (n->args[i]->height >= n->height)
			n->height = n->args[i]->height + 1;
	}
	return n->height <= EXPRESSION_HEIGHT || check_error(c, n, "named expressions build on each other more than %d levels deep", EXPRESSION_HEIGHT);
}

const struct expression *expression_compile(struct arena *a, struct str text, struct yaml_place place, const struct scope *scope, const struct type *want, struct problems *problems) {
	struct parser parser;
	struct expression *e = ARENA_NEW(a, struct expression);
	struct checking c = {.a = a, .e = e, .scope = scope, .problems = problems};
	if (scope->row)
		c.locals[c.local_count++] = (struct checker_locals){STR("row"), *scope->row};
	e->source = arena_str(a, text);
	e->place = place;
	struct node *root = expression_parse(&parser, a, e->source);
	if (!root) {
		problem_error(problems, place_of(e, parser.error_at), "%s", parser.error);
		return NULL;
	}
	e->root = root;
	if (!expression_check(&c, root))
		return NULL;
	if (want && !type_equal(&root->type, want)) {
		struct str is = type_name(a, &root->type), should = type_name(a, want);
		problem_error(problems, place_of(e, root->at), "%.*s is expected, this is %.*s", STR_ARG(should), STR_ARG(is));
		return NULL;
	}
	expression_vouch(&c, root, false, &e->vouched[false]);
	expression_vouch(&c, root, true, &e->vouched[true]);
	return e;
}

const struct type *expression_type(const struct expression *e) {
	return &e->root->type;
}

struct str expression_source(const struct expression *e) {
	return e->source;
}

bool expression_asks(const struct expression *e) {
	return e->asks;
}

struct str expression_seed(const struct expression *e) {
	return e->seed;
}

bool expression_reads(const struct expression *e, size_t slot) {
	return slots_have(&e->reads, slot);
}
