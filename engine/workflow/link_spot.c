#include "engine/workflow/link_spot.h"

static bool is_space(char c) {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void step_in_link(struct link_spot *spot, char c) {
	bool space = is_space(c);
	if (spot->definition && space && spot->word)
		spot->kind = LINK_SPOT_NONE;
	else if (!spot->definition && c == ')' && spot->parentheses == 0)
		spot->kind = LINK_SPOT_NONE;
	else if (!space && c != '<')
		spot->kind = LINK_SPOT_INSIDE;
	spot->word = spot->word || !space;
	if (c == '(')
		spot->parentheses++;
	else if (c == ')' && spot->parentheses > 0)
		spot->parentheses--;
}

static void step(struct link_spot *spot, char c) {
	if (spot->escaped || c == '\\') {
		spot->escaped = !spot->escaped;
		spot->bracket = false;
		if (spot->kind != LINK_SPOT_NONE)
			spot->kind = LINK_SPOT_INSIDE;
		return;
	}
	if (spot->kind != LINK_SPOT_NONE)
		step_in_link(spot, c);
	else if (spot->bracket && (c == '(' || c == ':'))
		*spot = (struct link_spot){.kind = c == '(' ? LINK_SPOT_TARGET : LINK_SPOT_INSIDE, .definition = c == ':'};
	spot->bracket = c == ']';
}

void link_spot_text(struct link_spot *spot, struct str literal) {
	for (size_t i = 0; i < literal.len; i++)
		step(spot, literal.at[i]);
}

void link_spot_value(struct link_spot *spot) {
	spot->bracket = spot->escaped = false;
	spot->word = true;
	if (spot->kind != LINK_SPOT_NONE)
		spot->kind = LINK_SPOT_INSIDE;
}
