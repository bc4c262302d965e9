#include "engine/workflow/expression_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct node *parse_expression(struct parser *p);

static struct node *fail(struct parser *p, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));

static struct node *fail(struct parser *p, size_t at, const char *format, ...) {
	if (p->error[0])
		return NULL;
	va_list args;
	va_start(args, format);
	vsnprintf(p->error, sizeof p->error, format, args);
	va_end(args);
	p->error_at = at;
	return NULL;
}

static bool advance(struct parser *p) {
	if (lexer_next(&p->lexer, &p->token))
		return true;
	fail(p, p->token.at, "%s", p->lexer.error);
	p->token.kind = TOKEN_END;
	return false;
}

static bool at_mark(const struct parser *p, const char *mark) {
	return p->token.kind == TOKEN_MARK && str_is(p->token.text, mark);
}

static bool take_mark(struct parser *p, const char *mark) {
	return at_mark(p, mark) && advance(p);
}

static struct node *unexpected(struct parser *p, const char *wanted) {
	if (p->token.kind == TOKEN_END)
		return fail(p, p->token.at, "%s is expected, but the expression ends", wanted);
	if (p->token.kind == TOKEN_STRING)
		return fail(p, p->token.at, "%s is expected, not a string", wanted);
	return fail(p, p->token.at, "%s is expected, not '%.*s'", wanted, STR_ARG(p->token.text));
}

static bool expect_mark(struct parser *p, const char *mark) {
	char wanted[8];
	if (take_mark(p, mark))
		return true;
	snprintf(wanted, sizeof wanted, "'%s'", mark);
	unexpected(p, wanted);
	return false;
}

static struct node *node_new(struct parser *p, enum node_kind kind, struct str name, size_t at) {
	if (++p->nodes > EXPRESSION_NODES)
		return fail(p, at, "the expression has more than %d parts", EXPRESSION_NODES);
	struct node *n = ARENA_NEW(p->a, struct node);
	n->kind = kind;
	n->name = name;
	n->at = at;
	return n;
}

static void add_arg(struct parser *p, struct node *n, struct node *arg) {
	struct node **args = ARENA_ARRAY(p->a, n->count + 1, struct node *);
	if (n->count > 0)
		memcpy(args, n->args, n->count * sizeof *args);
	args[n->count++] = arg;
	n->args = args;
}

/* Up to `end`, separated by commas; a list may have one more at its end. */
static bool parse_args(struct parser *p, struct node *n, const char *end) {
	bool more = false, list = str_is(str_from(end), "]");
	while (!at_mark(p, end) || (more && !list)) {
		struct node *arg = parse_expression(p);
		if (!arg)
			return false;
		add_arg(p, n, arg);
		more = take_mark(p, ",");
		if (!more)
			break;
	}
	return expect_mark(p, end);
}

static struct node *literal(struct parser *p, struct value v) {
	struct node *n = node_new(p, NODE_LITERAL, p->token.text, p->token.at);
	if (n)
		n->literal = v;
	return advance(p) ? n : NULL;
}

static struct node *parse_int(struct parser *p, bool negative) {
	struct str text = p->token.text;
	bool hex = text.len > 2 && (text.at[1] == 'x' || text.at[1] == 'X');
	uint64_t number = 0, base = hex ? 16 : 10;
	for (size_t i = hex ? 2 : 0; i < text.len; i++) {
		char c = text.at[i];
		uint64_t digit = c <= '9' ? (uint64_t)(c - '0') : (uint64_t)((c | 0x20) - 'a' + 10);
		if (__builtin_mul_overflow(number, base, &number) || __builtin_add_overflow(number, digit, &number))
			return fail(p, p->token.at, "the number is too large");
	}
	if (number > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return fail(p, p->token.at, "the number is too large");
	return literal(p, value_int(negative ? (int64_t)(0 - number) : (int64_t)number));
}

static struct node *parse_double(struct parser *p) {
	char text[64];
	if (p->token.text.len >= sizeof text)
		return fail(p, p->token.at, "the number has too many digits");
	memcpy(text, p->token.text.at, p->token.text.len);
	text[p->token.text.len] = '\0';
	return literal(p, value_double(strtod(text, NULL)));
}

static struct node *parse_name(struct parser *p) {
	struct token name = p->token;
	if (!advance(p))
		return NULL;
	if (str_is(name.text, "true") || str_is(name.text, "false")) {
		struct node *n = node_new(p, NODE_LITERAL, name.text, name.at);
		if (n)
			n->literal = value_bool(str_is(name.text, "true"));
		return n;
	}
	if (str_is(name.text, "null"))
		return fail(p, name.at, "there is no null; has(x) asks whether x is set");
	if (!take_mark(p, "("))
		return node_new(p, NODE_NAME, name.text, name.at);
	struct node *call = node_new(p, NODE_CALL, name.text, name.at);
	return call && parse_args(p, call, ")") ? call : NULL;
}

static struct node *parse_primary(struct parser *p) {
	struct node *n;
	switch (p->token.kind) {
	case TOKEN_NAME: return parse_name(p);
	case TOKEN_INT: return parse_int(p, false);
	case TOKEN_DOUBLE: return parse_double(p);
	case TOKEN_STRING: return literal(p, value_string(p->token.text));
	case TOKEN_SPAN: return literal(p, (struct value){.kind = KIND_DURATION, .span = p->token.span});
	default: break;
	}
	if (take_mark(p, "(")) {
		n = parse_expression(p);
		return n && expect_mark(p, ")") ? n : NULL;
	}
	if (at_mark(p, "[")) {
		n = node_new(p, NODE_LIST, STR("["), p->token.at);
		return n && advance(p) && parse_args(p, n, "]") ? n : NULL;
	}
	return unexpected(p, "a value");
}

static struct node *parse_dot(struct parser *p, struct node *receiver) {
	struct token name = p->token;
	if (name.kind != TOKEN_NAME)
		return unexpected(p, "a name after '.'");
	if (!advance(p))
		return NULL;
	bool method = at_mark(p, "(");
	struct node *n = node_new(p, method ? NODE_METHOD : NODE_MEMBER, name.text, name.at);
	if (!n)
		return NULL;
	add_arg(p, n, receiver);
	return !method || (advance(p) && parse_args(p, n, ")")) ? n : NULL;
}

static struct node *parse_index(struct parser *p, struct node *receiver, size_t at) {
	struct node *n = node_new(p, NODE_INDEX, STR("["), at);
	struct node *index = parse_expression(p);
	if (!n || !index || !expect_mark(p, "]"))
		return NULL;
	add_arg(p, n, receiver);
	add_arg(p, n, index);
	return n;
}

static struct node *parse_member(struct parser *p) {
	struct node *n = parse_primary(p);
	while (n) {
		size_t at = p->token.at;
		if (take_mark(p, "."))
			n = parse_dot(p, n);
		else if (take_mark(p, "["))
			n = parse_index(p, n, at);
		else
			return p->error[0] ? NULL : n;
	}
	return NULL;
}

static struct node *parse_unary(struct parser *p) {
	struct token sign = p->token;
	if (!at_mark(p, "!") && !at_mark(p, "-"))
		return parse_member(p);
	if (!advance(p))
		return NULL;
	if (str_is(sign.text, "-") && p->token.kind == TOKEN_INT) {
		/* The smallest int has no positive counterpart, so its sign belongs to the literal. */
		struct node *number = parse_int(p, true);
		return number;
	}
	if (++p->depth > EXPRESSION_DEPTH)
		return fail(p, sign.at, "the expression nests deeper than %d levels", EXPRESSION_DEPTH);
	struct node *n = node_new(p, NODE_UNARY, sign.text, sign.at), *operand = parse_unary(p);
	p->depth--;
	if (!n || !operand)
		return NULL;
	add_arg(p, n, operand);
	return n;
}

/* Binary operators from the weakest binding to the strongest. */
static const char *const levels[][8] = {
        {"||", NULL}, {"&&", NULL}, {"<", "<=", ">=", ">", "==", "!=", "in", NULL}, {"+", "-", NULL}, {"*", "/", "%", NULL},
};
enum { LEVELS = sizeof levels / sizeof levels[0] };

static bool at_operator(const struct parser *p, size_t level) {
	for (size_t i = 0; levels[level][i]; i++) {
		bool word = str_is(str_from(levels[level][i]), "in");
		if (p->token.kind == (word ? TOKEN_NAME : TOKEN_MARK) && str_is(p->token.text, levels[level][i]))
			return true;
	}
	return false;
}

static struct node *parse_binary(struct parser *p, size_t level) {
	if (level == LEVELS)
		return parse_unary(p);
	struct node *left = parse_binary(p, level + 1);
	while (left && at_operator(p, level)) {
		struct node *n = node_new(p, NODE_BINARY, p->token.text, p->token.at);
		struct node *right = advance(p) ? parse_binary(p, level + 1) : NULL;
		if (!n || !right)
			return NULL;
		add_arg(p, n, left);
		add_arg(p, n, right);
		left = n;
	}
	return p->error[0] ? NULL : left;
}

static struct node *parse_condition(struct parser *p, struct node *condition) {
	struct node *n = node_new(p, NODE_CONDITION, STR("?"), p->token.at);
	if (!n || !advance(p))
		return NULL;
	struct node *yes = parse_expression(p);
	if (!yes || !expect_mark(p, ":"))
		return NULL;
	struct node *no = parse_expression(p);
	if (!no)
		return NULL;
	add_arg(p, n, condition);
	add_arg(p, n, yes);
	add_arg(p, n, no);
	return n;
}

static struct node *parse_expression(struct parser *p) {
	if (++p->depth > EXPRESSION_DEPTH)
		return fail(p, p->token.at, "the expression nests deeper than %d levels", EXPRESSION_DEPTH);
	struct node *n = parse_binary(p, 0);
	if (n && at_mark(p, "?"))
		n = parse_condition(p, n);
	p->depth--;
	return n;
}

struct node *expression_parse(struct parser *p, struct arena *a, struct str text) {
	*p = (struct parser){.a = a, .lexer = {.a = a, .text = text}};
	if (text.len > EXPRESSION_BYTES)
		return fail(p, 0, "the expression is longer than %d bytes", EXPRESSION_BYTES);
	if (!advance(p))
		return NULL;
	struct node *n = parse_expression(p);
	if (n && p->token.kind != TOKEN_END)
		return unexpected(p, "an operator or the end");
	return p->error[0] ? NULL : n;
}
