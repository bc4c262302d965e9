/* expression_tree: what a text becomes: tokens, then a tree, then types and a function for each node. Private to expression*.c. */
#ifndef ENGINE_WORKFLOW_EXPRESSION_TREE_H
#define ENGINE_WORKFLOW_EXPRESSION_TREE_H

#include "engine/workflow/expression.h"

enum {
	EXPRESSION_BYTES = 4000,
	EXPRESSION_DEPTH = 64,
	EXPRESSION_NODES = 1000,
	EXPRESSION_HEIGHT = 1000,      /* of the tree, with the lets that it names: each level takes C stack */
	EXPRESSION_LET_HEIGHT = 8,     /* what naming a let adds: its machine is as large as several levels */
	EXPRESSION_STEPS = 100000,
	EXPRESSION_PAIR_STEPS = 6, EXPRESSION_MOST_STEPS = 4000000, /* for each pair of a register's rows that are read, and at most: registers are the site's own, what people send is not */
	EXPRESSION_STEP_BYTES = 64,    /* made or compared in one step */
	EXPRESSION_STEP_NODES = 8,     /* of a loop's body or of a let, evaluated in one step */
	EXPRESSION_LOCALS = 16,        /* nested macros */
	EXPRESSION_MEMBERS = 16,       /* that has() vouches for in one place; of more is warned in vain */
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

struct node;
struct machine;
typedef bool run_function(const struct node *n, struct machine *m, struct value *out);

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
	const struct pool *pool;    /* of a call that asks one */
	size_t weight;              /* nodes at and below this one */
	size_t height;              /* levels below this one, lets included */
	int64_t cost;               /* steps of one round of a macro, of one use of a let */
	bool linked;                /* && or || right below the same operator */
	run_function *run;
};

struct slot_set {
	uint64_t *words;
	size_t count;
	const struct node **members; /* of records, told by how they are written: c.email; NULL or room for EXPRESSION_MEMBERS */
	size_t member_count;
};
void slots_add(struct arena *a, struct slot_set *set, size_t slot);
void slots_join(struct arena *a, struct slot_set *set, const struct slot_set *other);
bool slots_have(const struct slot_set *set, size_t slot);
void slots_add_member(struct arena *a, struct slot_set *set, const struct node *member);
bool slots_have_member(const struct slot_set *set, const struct node *outer, struct str name); /* outer.name */

struct expression {
	struct str source;
	struct yaml_place place;
	const struct node *root;
	struct slot_set reads;      /* that it names, directly or through a let */
	bool asks;                  /* a pool or a group, directly or through a let */
	struct str seed;            /* that it draws with */
	struct slot_set vouched[2]; /* that are certainly set when it is false, when it is true */
};

/* One evaluation. */
struct machine {
	const struct expression *expression;
	const struct environment *env;
	struct arena *a;
	struct err *err;
	int64_t steps, most;
	bool asks;  /* only whether there is a value: what is wrong is not put into words */
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
	struct slot_set vouched;    /* has() stands around */
	bool asking;                /* inside has() */
	bool drawing;               /* inside the condition of a draw */
};
bool expression_check(struct checking *c, struct node *n);
__attribute__((format(printf, 3, 4))) bool check_error(struct checking *c, const struct node *n, const char *format, ...);
/* expression_vouch.c: adds the slots that are certainly set when the node is found to be `truth`. */
void expression_vouch(const struct checking *c, const struct node *n, bool truth, struct slot_set *set);
/* expression_bind.c: finds the operator or function for these argument types and sets type and run; false (told) when there is none. */
bool expression_bind(struct checking *c, struct node *n);

/* expression_rows.c: rows(register). */
bool expression_check_rows(struct checking *c, struct node *n);
run_function run_rows;
/* expression_pools.c: calls that ask a pool. */
bool expression_asks_pool(const struct node *n);
bool expression_check_pool(struct checking *c, struct node *n);

/* expression_draw.c: draw(list). */
bool expression_is_draw(const struct node *n);
bool expression_check_draw(struct checking *c, struct node *n);

/* expression_eval.c */
bool node_run(const struct node *n, struct machine *m, struct value *out);
__attribute__((format(printf, 3, 4))) bool run_error(struct machine *m, const struct node *n, const char *format, ...);
bool run_steps(const struct node *n, struct machine *m, int64_t steps);  /* false (told) when there were too many */
bool run_charge(const struct node *n, struct machine *m, size_t bytes);  /* the same for work on so many bytes */
void *run_alloc(const struct node *n, struct machine *m, size_t count, size_t size); /* zeroed, in arena; NULL (told): too many steps */
run_function run_literal, run_slot, run_local, run_let, run_rule, run_list, run_index, run_member, run_condition, run_and, run_or, run_has;
/* expression_macros.c: args are receiver, bound name, body (and for a map with a filter, the filter before the body). */
run_function run_all, run_exists, run_exists_one, run_filter, run_map;
run_function run_over_nothing; /* any of them over [], whose items have no type */
run_function run_sort_by;      /* expression_sort.c: receiver, bound name, keys */
bool expression_is_ordered(enum kind kind); /* expression_bind.c */
int run_order(const struct value *a, const struct value *b); /* expression_functions.c: of one ordered type: -1, 0, 1; 2: not comparable (nan) */

#endif
