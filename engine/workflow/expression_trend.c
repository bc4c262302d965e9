/* How an expression goes as time passes and nothing else changes. */
#include "engine/workflow/expression_tree.h"

enum trend { STAYS, RISES, FALLS, EITHER };

static enum trend turned(enum trend t) {
	return t == RISES ? FALLS : t == FALLS ? RISES : t;
}

static enum trend joined(enum trend a, enum trend b) {
	return a == STAYS ? b : b == STAYS || a == b ? a : EITHER;
}

enum { LOOKS = 10000 }; /* lets that name each other could be looked at without end */

struct passing {
	const size_t *clocks; /* slots that rise */
	size_t count;
	int looks;
};

static enum trend trend_of(struct passing *p, const struct node *n);

static enum trend trend_of_name(struct passing *p, const struct node *n) {
	if (n->let)
		return trend_of(p, n->let->root);
	for (size_t i = 0; n->run == run_slot && i < p->count; i++)
		if (n->slot == p->clocks[i])
			return RISES;
	return STAYS;
}

static bool is_one_of(struct str name, const char *const *names) {
	for (; *names; names++)
		if (str_is(name, *names))
			return true;
	return false;
}

static enum trend trend_of_one(const struct node *n, enum trend a) {
	static const char *const keep[] = {"date", "datetime", "instant", NULL};
	if (n->kind == NODE_UNARY)
		return turned(a);
	return n->kind == NODE_CALL && is_one_of(n->name, keep) ? a : EITHER;
}

/* Operators and functions of two arguments: some turn one of their trends around. */
static enum trend trend_of_two(const struct node *n, enum trend a, enum trend b) {
	static const char *const second[] = {"-", ">", ">=", NULL}, *const first[] = {"<", "<=", "workdays", NULL};
	static const char *const neither[] = {"+", "&&", "||", "min", "max", "at", NULL};
	if (n->kind != NODE_BINARY && n->kind != NODE_CALL)
		return EITHER;
	if (is_one_of(n->name, second))
		return joined(a, turned(b));
	if (is_one_of(n->name, first))
		return joined(turned(a), b);
	return is_one_of(n->name, neither) ? joined(a, b) : EITHER;
}

static enum trend trend_of(struct passing *p, const struct node *n) {
	enum trend trends[3] = {STAYS, STAYS, STAYS};
	bool stays = true;
	if (p->looks++ > LOOKS)
		return EITHER;
	if (n->kind == NODE_NAME)
		return trend_of_name(p, n);
	if (n->run == run_rows)
		return EITHER; /* an import changes them at any time */
	for (size_t i = 0; i < n->count; i++) {
		enum trend trend = trend_of(p, n->args[i]);
		stays = stays && trend == STAYS;
		if (i < 3)
			trends[i] = trend;
	}
	if (stays)
		return STAYS;
	if (n->kind == NODE_CONDITION)
		return trends[0] == STAYS ? joined(trends[1], trends[2]) : EITHER;
	return n->count == 1 ? trend_of_one(n, trends[0]) : n->count == 2 ? trend_of_two(n, trends[0], trends[1]) : EITHER;
}

bool expression_never_falls(const struct expression *e, const size_t *clocks, size_t count) {
	enum trend trend = trend_of(&(struct passing){clocks, count, 0}, e->root);
	return trend == STAYS || trend == RISES;
}
