#include "engine/workflow/graph.h"

/* One arrow, as both languages draw it. */
struct arrow {
	const struct state *from, *to; /* to NULL: stays */
	const struct transition *transition;
	const struct event_rule *event; /* one of these two */
	const struct timer_rule *timer;
	bool taken;
};

static bool visited(const struct history_path *path, struct str state) {
	for (size_t i = 0; path && i < path->count; i++)
		if (str_equal(path->items[i].from, state) || str_equal(path->items[i].to, state))
			return true;
	return false;
}

static bool taken(const struct history_path *path, struct str from, struct str to) {
	for (size_t i = 0; path && i < path->count; i++)
		if (str_equal(path->items[i].from, from) && str_equal(path->items[i].to, to))
			return true;
	return false;
}

static void span_label(struct buf *out, struct span span) {
	const struct {
		int64_t amount;
		const char *unit;
	} parts[] = {{span.months, "month"}, {span.days, "day"}, {span.workdays, "workday"}, {span.ms / 60000, "minute"}};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (parts[i].amount != 0)
			buf_printf(out, " %lld %s%s", (long long)parts[i].amount, parts[i].unit, parts[i].amount == 1 ? "" : "s");
}

static void short_source(struct buf *out, const struct expression *expression) {
	struct str source = str_trim(expression_source(expression));
	size_t at = 0;
	for (size_t count = 0; at < source.len && count < 40; count++)
		(void)str_utf8_next(source, &at);
	buf_str(out, (struct str){source.at, at});
	buf_z(out, at < source.len ? "..." : "");
}

/* "decide by keeper [guard]", "no-keeper: keeper unreachable", "after 3 workdays", "at until + 60d". */
static void label(struct buf *out, const struct arrow *arrow) {
	if (arrow->event) {
		buf_str(out, arrow->event->name);
		for (size_t i = 0; i < arrow->event->by.count; i++) {
			buf_z(out, i ? ", " : " by ");
			buf_str(out, arrow->event->by.items[i]->name);
		}
		if (arrow->event->bounced)
			buf_printf(out, ": mail to %.*s lost", STR_ARG(arrow->event->bounced->name));
		if (arrow->event->replied)
			buf_printf(out, ": %.*s replied", STR_ARG(arrow->event->replied->name));
		if (arrow->event->exhausted)
			buf_printf(out, ": %.*s exhausted", STR_ARG(arrow->event->exhausted->name));
		if (arrow->event->shared)
			buf_printf(out, ": %.*s changed", STR_ARG(arrow->event->shared->name));
		if (arrow->event->unreachable)
			buf_printf(out, ": %.*s unreachable", STR_ARG(arrow->event->unreachable->name));
	} else if (arrow->timer->kind == TIMER_AT) {
		buf_z(out, "at ");
		short_source(out, arrow->timer->at);
	} else {
		buf_z(out, arrow->timer->kind == TIMER_IN ? "after" : "every");
		span_label(out, arrow->timer->span);
	}
	if (arrow->transition->guard) {
		buf_z(out, " [");
		short_source(out, arrow->transition->guard);
		buf_char(out, ']');
	}
}

static void each_case(const struct transition_list *cases, struct arrow *arrow, const struct history_path *path, struct buf *out, void (*draw)(struct buf *out, const struct arrow *arrow)) {
	for (size_t i = 0; i < cases->count; i++) {
		arrow->transition = &cases->items[i];
		arrow->to = arrow->transition->target;
		arrow->taken = taken(path, arrow->from->name, arrow->to ? arrow->to->name : STR(""));
		draw(out, arrow);
	}
}

static void each_arrow(const struct definition *d, const struct history_path *path, struct buf *out, void (*draw)(struct buf *out, const struct arrow *arrow)) {
	for (size_t i = 0; i < d->states.count; i++) {
		const struct state *state = &d->states.items[i];
		for (size_t k = 0; k < state->on.count; k++)
			each_case(&state->on.items[k].cases, &(struct arrow){.from = state, .event = &state->on.items[k]}, path, out, draw);
		for (size_t k = 0; k < state->after.count; k++)
			each_case(&state->after.items[k].cases, &(struct arrow){.from = state, .timer = &state->after.items[k]}, path, out, draw);
	}
}

/* Everything that could mean something to Mermaid, as its entity codes. */
static void mermaid_text(struct buf *out, struct str s) {
	for (size_t at = 0; at < s.len;) {
		uint32_t c = str_utf8_next(s, &at);
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '_' || c == '.' || c == ',' || c >= 0xA0;
		if (c < ' ')
			buf_char(out, ' ');
		else if (plain)
			buf_utf8(out, c);
		else
			buf_printf(out, "#%u;", c);
	}
}

static void draw_mermaid(struct buf *out, const struct arrow *arrow) {
	struct buf text;
	buf_init(&text, 4096);
	label(&text, arrow);
	buf_printf(out, "    s%zu --> s%zu: ", arrow->from->index, (arrow->to ? arrow->to : arrow->from)->index);
	mermaid_text(out, buf_text(&text));
	buf_z(out, arrow->to ? "\n" : " #40;stays#41;\n");
	buf_free(&text);
}

void graph_mermaid(const struct definition *d, const struct history_path *path, struct buf *out) {
	buf_z(out, "stateDiagram-v2\n");
	for (size_t i = 0; i < d->states.count; i++) {
		buf_printf(out, "    s%zu: ", i);
		mermaid_text(out, d->states.items[i].name);
		buf_char(out, '\n');
	}
	buf_printf(out, "    [*] --> s%zu\n", d->initial->index);
	each_arrow(d, path, out, draw_mermaid);
	for (size_t i = 0; i < d->states.count; i++)
		if (d->states.items[i].final)
			buf_printf(out, "    s%zu --> [*]\n", i);
	if (!path)
		return;
	buf_z(out, "    classDef visited fill:#cde8d4,stroke:#1b6b34,stroke-width:2px\n");
	for (size_t i = 0; i < d->states.count; i++)
		if (visited(path, d->states.items[i].name))
			buf_printf(out, "    class s%zu visited\n", i);
}

static void dot_text(struct buf *out, struct str s) {
	buf_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '"' || s.at[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, (unsigned char)s.at[i] < ' ' ? ' ' : s.at[i]);
	}
	buf_char(out, '"');
}

static void draw_dot(struct buf *out, const struct arrow *arrow) {
	struct buf text;
	buf_init(&text, 4096);
	label(&text, arrow);
	buf_char(out, '\t');
	dot_text(out, arrow->from->name);
	buf_z(out, " -> ");
	dot_text(out, (arrow->to ? arrow->to : arrow->from)->name);
	buf_z(out, " [label=");
	dot_text(out, buf_text(&text));
	buf_z(out, arrow->to ? "" : ", style=dashed");
	buf_z(out, arrow->taken ? ", color=\"#1b6b34\", penwidth=2];\n" : "];\n");
	buf_free(&text);
}

void graph_dot(const struct definition *d, const struct history_path *path, struct buf *out) {
	buf_z(out, "digraph ");
	dot_text(out, d->name);
	buf_z(out, " {\n\tnode [shape=box, style=rounded];\n\t\"\" [shape=point];\n");
	for (size_t i = 0; i < d->states.count; i++) {
		const struct state *state = &d->states.items[i];
		buf_char(out, '\t');
		dot_text(out, state->name);
		buf_printf(out, " [peripheries=%d%s];\n", state->final ? 2 : 1, visited(path, state->name) ? ", style=\"rounded,filled\", fillcolor=\"#cde8d4\"" : "");
	}
	buf_z(out, "\t\"\" -> ");
	dot_text(out, d->initial->name);
	buf_z(out, ";\n");
	each_arrow(d, path, out, draw_dot);
	buf_z(out, "}\n");
}
