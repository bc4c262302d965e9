/* expression_tree: what a text becomes: tokens, then a tree, then types and a function for each node. Private to expression*.c. */
#ifndef ENGINE_WORKFLOW_EXPRESSION_TREE_H
#define ENGINE_WORKFLOW_EXPRESSION_TREE_H

#include "engine/workflow/expression.h"

enum {
	EXPRESSION_BYTES = 4000,
	EXPRESSION_DEPTH = 64,
	EXPRESSION_NODES = 1000,
	EXPRESSION_STEPS = 100000,
	EXPRESSION_LOCALS = 16,        /* nested macros */
	EXPRESSION_STRING = 1 << 20,   /* bytes of a computed string */
	EXPRESSION_ITEMS = 100000      /* of a computed list */
};

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_INT, TOKEN_DOUBLE, TOKEN_STRING, TOKEN_SPAN, TOKEN_MARK };
struct token {
	enum token_kind kind;
	struct str text;   /* as written; STRING: what it means, in arena */
	struct span span;
	size_t at;         /* byte offset */
};
struct lexer {
	struct arena *a;
	struct str text;
	size_t at;
	char error[120];   /* empty: none */
};
/* The next token; false: error says why, at the token's place. Marks: one of ( ) [ ] , . ? : ! + - * / % < > <= >= == != && || */
bool lexer_next(struct lexer *lexer, struct token *token);

enum node_kind {
	NODE_LITERAL, NODE_NAME, NODE_LIST, NODE_INDEX, NODE_MEMBER, NODE_CALL, NODE_METHOD, NODE_UNARY, NODE_BINARY, NODE_CONDITION
};

struct machine;
struct node {
	enum node_kind kind;
	struct str name;            /* NAME, MEMBER, CALL, METHOD; operator of UNARY, BINARY */
	size_t at;                  /* byte offset of the name or operator */
	struct node **args;         /* METHOD: the receiver first */
	size_t count;
	struct value literal;
	/* filled in by the checker */
	struct type type;
	size_t slot;                /* of a name, of a local (bound name), of a member */
	const struct expression *let;
	bool (*run)(const struct node *n, struct machine *m, struct value *out);
};

struct expression {
	struct str source;
	struct yaml_place place;
	const struct node *root;
	const struct expression **lets; /* that it names */
	size_t let_count, let_cap;
	size_t *reads;                  /* slots that it names */
	size_t read_count, read_cap;
};

/* One evaluation. */
struct machine {
	const struct expression *expression;
	const struct environment *env;
	struct arena *a;
	struct err *err;
	int64_t steps;
	struct value locals[EXPRESSION_LOCALS];
};

struct parser {
	struct arena *a;
	struct lexer lexer;
	struct token token;         /* looked at, not taken */
	size_t nodes;
	int depth;
	size_t error_at;
	char error[200];            /* empty: none */
};
/* NULL: parser->error at parser->error_at. */
struct node *expression_parse(struct parser *parser, struct arena *a, struct str text);

struct checker_locals {
	struct str name;
	struct type type;
};
struct checking {
	struct arena *a;
	struct expression *e;
	const struct scope *scope;
	struct problems *problems;
	struct checker_locals locals[EXPRESSION_LOCALS];
	size_t local_count;
	const bool *vouched;        /* by scope index: has() stands around */
};
bool expression_check(struct checking *c, struct node *n);
__attribute__((format(printf, 3, 4))) bool check_error(struct checking *c, const struct node *n, const char *format, ...);

/* expression_functions.c: finds the operator or function for these argument types and sets type and run; false (told) when there is none. */
bool expression_bind(struct checking *c, struct node *n);
bool expression_is_function(struct str name, bool method);

/* expression_eval.c */
bool node_run(const struct node *n, struct machine *m, struct value *out);
__attribute__((format(printf, 3, 4))) bool run_error(struct machine *m, const struct node *n, const char *format, ...);
bool run_literal(const struct node *n, struct machine *m, struct value *out);
bool run_slot(const struct node *n, struct machine *m, struct value *out);
bool run_local(const struct node *n, struct machine *m, struct value *out);
bool run_let(const struct node *n, struct machine *m, struct value *out);
bool run_list(const struct node *n, struct machine *m, struct value *out);
bool run_index(const struct node *n, struct machine *m, struct value *out);
bool run_member(const struct node *n, struct machine *m, struct value *out);
bool run_condition(const struct node *n, struct machine *m, struct value *out);
bool run_and(const struct node *n, struct machine *m, struct value *out);
bool run_or(const struct node *n, struct machine *m, struct value *out);
bool run_has(const struct node *n, struct machine *m, struct value *out);
/* expression_macros.c: args are receiver, bound name, body (and for a map with a filter, the filter before the body). */
bool run_all(const struct node *n, struct machine *m, struct value *out);
bool run_exists(const struct node *n, struct machine *m, struct value *out);
bool run_exists_one(const struct node *n, struct machine *m, struct value *out);
bool run_filter(const struct node *n, struct machine *m, struct value *out);
bool run_map(const struct node *n, struct machine *m, struct value *out);

#endif
