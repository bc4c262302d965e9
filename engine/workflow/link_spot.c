#include "engine/workflow/link_spot.h"

static bool is_space(char c) {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* In "(<target>)" neither a parenthesis nor a blank ends the target. */
static void step_in_target(struct link_spot *spot, char c) {
	bool space = is_space(c), opens = c == '<' && !spot->word;
	bool ends = spot->definition ? space && spot->word : c == ')' && spot->parentheses == 0;
	spot->stray = !space && c != '>' && (spot->stray || (c == '<' && spot->word && !spot->angle));
	if (ends && !spot->angle && spot->stray) {
		*spot = (struct link_spot){.kind = LINK_SPOT_INSIDE, .autolink = true};
		return;
	}
	if (ends && !spot->angle)
		spot->kind = LINK_SPOT_NONE;
	else if (!space && !opens)
		spot->kind = LINK_SPOT_INSIDE;
	spot->angle = opens || (spot->angle && c != '>' && c != '\n');
	spot->word = spot->word || !space;
	if (c == '(' && !spot->angle)
		spot->parentheses++;
	else if (c == ')' && !spot->angle && spot->parentheses > 0)
		spot->parentheses--;
}

static void step_outside(struct link_spot *spot, char c) {
	if (spot->bracket && (c == '(' || c == ':'))
		*spot = (struct link_spot){.kind = c == '(' ? LINK_SPOT_TARGET : LINK_SPOT_INSIDE, .definition = c == ':'};
	else if (is_space(c) || c == '<' || c == '>')
		*spot = (struct link_spot){.angle = c == '<'};
	else if (c == ':' && spot->angle)
		spot->kind = LINK_SPOT_INSIDE, spot->autolink = true;
}

static void step(struct link_spot *spot, char c) {
	if (spot->escaped || c == '\\') {
		spot->escaped = !spot->escaped;
		spot->bracket = false;
		if (spot->kind != LINK_SPOT_NONE)
			spot->kind = LINK_SPOT_INSIDE;
		return;
	}
	if (spot->kind == LINK_SPOT_NONE || spot->autolink)
		step_outside(spot, c);
	else
		step_in_target(spot, c);
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
