#include "engine/workflow/template.h"

#include "engine/base/escape.h"
#include "engine/workflow/link_spot.h"

#include <string.h>

enum { MAX_SOURCE = 64 * 1024, MAX_DEPTH = TEMPLATE_DEPTH, MAX_NODES = 5000, MAX_NAME = 100, MAX_STEPS = 1000000 };

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_SECTION, NODE_INVERTED };

/* In file order; what stands in a section follows it, up to its `end`. */
struct node {
	enum node_kind kind;
	struct str text; /* literal, or the name */
	size_t end;      /* section: index behind its last node */
	struct yaml_place place;
};

struct template {
	struct node *items;
	size_t count, cap;
};

/* compiling */

struct parser {
	struct arena *arena;
	struct problems *problems;
	struct template *t;
	struct str text;
	size_t at;
	struct yaml_place place; /* of text.at[at] */
	size_t open[MAX_DEPTH], depth; /* sections that are not closed yet */
};

static void move_to(struct parser *p, size_t to) {
	for (; p->at < to; p->at++) {
		unsigned char c = (unsigned char)p->text.at[p->at];
		if (c == '\n')
			p->place.line++, p->place.column = 1;
		else
			p->place.column += (c & 0xC0) != 0x80;
	}
}

static struct node *add_node(struct parser *p, enum node_kind kind, struct str text) {
	struct node *node = ARENA_PUSH(p->arena, p->t);
	*node = (struct node){.kind = kind, .text = text, .place = p->place};
	return node;
}

static void add_text(struct parser *p, size_t from, size_t to) {
	if (to > from)
		add_node(p, NODE_TEXT, arena_str(p->arena, (struct str){p->text.at + from, to - from}));
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t' || c == '\r';
}

/* A section's tag or a comment that is alone on its line takes the whole line with it. from..to: the tag, widened then. */
static void widen_to_line(struct str text, size_t *from, size_t *to) {
	size_t start = *from, end = *to;
	while (start > 0 && is_blank(text.at[start - 1]))
		start--;
	while (end < text.len && is_blank(text.at[end]))
		end++;
	if ((start > 0 && text.at[start - 1] != '\n') || (end < text.len && text.at[end] != '\n'))
		return;
	*from = start;
	*to = end < text.len ? end + 1 : end;
}

static bool is_name(struct str s) {
	if (str_is(s, "."))
		return true;
	if (s.len == 0 || s.len > MAX_NAME || s.at[s.len - 1] == '.')
		return false;
	while (s.len > 0)
		if (!name_valid(str_cut(&s, '.')))
			return false;
	return true;
}

static void open_section(struct parser *p, enum node_kind kind, struct str name) {
	if (p->depth == MAX_DEPTH) {
		problem_error(p->problems, p->place, "more than %d sections inside each other", MAX_DEPTH);
		return;
	}
	p->open[p->depth++] = p->t->count;
	add_node(p, kind, name);
}

static void close_section(struct parser *p, struct str name) {
	if (p->depth == 0) {
		problem_error(p->problems, p->place, "{{/%.*s}} closes a section that was not opened", STR_ARG(name));
		return;
	}
	struct node *section = &p->t->items[p->open[--p->depth]];
	section->end = p->t->count;
	if (!str_equal(section->text, name))
		problem_error(p->problems, p->place, "found {{/%.*s}}, expected {{/%.*s}} for the section of line %d", STR_ARG(name), STR_ARG(section->text), section->place.line);
}

/* inner: what stands between the braces. */
static void add_tag(struct parser *p, struct str inner) {
	char sign = inner.len > 0 ? inner.at[0] : '\0';
	bool has_sign = sign != '\0' && strchr("#^/!", sign);
	struct str name = str_trim((struct str){inner.at + has_sign, inner.len - has_sign});
	if (sign == '!')
		return;
	if (sign == '{' || sign == '&') {
		problem_error(p->problems, p->place, "there is no unescaped form; write {{name}}");
	} else if (sign == '>' || sign == '=') {
		problem_error(p->problems, p->place, "{{%c is not part of the template language", sign);
	} else if (!is_name(name)) {
		problem_error(p->problems, p->place, "'%.*s' is no name: expected a-z, 0-9, _ and -, with points in between", (int)(name.len < 60 ? name.len : 60), name.at);
	} else {
		name = arena_str(p->arena, name);
		if (sign == '/')
			close_section(p, name);
		else if (sign == '#' || sign == '^')
			open_section(p, sign == '#' ? NODE_SECTION : NODE_INVERTED, name);
		else
			add_node(p, NODE_VALUE, name);
	}
}

/* Position of the two braces at or behind `from`, or the text's end. */
static size_t find(struct str text, size_t from, const char *braces) {
	const char *found = from < text.len ? memmem(text.at + from, text.len - from, braces, 2) : NULL;
	return found ? (size_t)(found - text.at) : text.len;
}

static bool add_part(struct parser *p) {
	size_t open = find(p->text, p->at, "{{"), start = open;
	if (open == p->text.len) {
		add_text(p, p->at, open);
		move_to(p, open);
		return true;
	}
	size_t close = find(p->text, open + 2, "}}"), end = close + 2;
	struct str inner = {p->text.at + open + 2, close == p->text.len ? 0 : close - open - 2};
	if (inner.len > 0 && strchr("#^/!", inner.at[0]))
		widen_to_line(p->text, &start, &end);
	add_text(p, p->at, start);
	move_to(p, open);
	if (close == p->text.len) {
		problem_error(p->problems, p->place, "'{{' without '}}'");
		return false;
	}
	add_tag(p, inner);
	move_to(p, end);
	return true;
}

const struct template *template_compile(struct arena *a, struct str text, struct yaml_place place, struct problems *problems) {
	struct parser p = {.arena = a, .problems = problems, .t = ARENA_NEW(a, struct template), .text = text, .place = place};
	size_t errors = problems->errors;
	if (!str_utf8_valid(text)) {
		problem_error(problems, place, "the text is not UTF-8");
		return NULL;
	}
	if (text.len > MAX_SOURCE) {
		problem_error(problems, place, "found a text of %zu bytes, expected at most %d", text.len, MAX_SOURCE);
		return NULL;
	}
	while (p.at < text.len && p.t->count < MAX_NODES && add_part(&p))
		continue;
	if (p.t->count >= MAX_NODES)
		problem_error(problems, p.place, "more than %d placeholders in one text", MAX_NODES / 2);
	while (p.depth > 0) {
		const struct node *section = &p.t->items[p.open[--p.depth]];
		problem_error(problems, section->place, "section '%.*s' is not closed: expected {{/%.*s}}", STR_ARG(section->text), STR_ARG(section->text));
	}
	return problems->errors == errors ? p.t : NULL;
}

/* rendering */

/* The sections that rendering is inside of: where {{.}} and members are looked up first. */
struct frame {
	const struct template_value *item;
	const struct frame *outer;
};

struct rendering {
	const struct template *t;
	enum template_target target;
	const struct template_source *source;
	struct arena *arena;
	struct buf *out;
	struct err *err;
	struct link_spot spot; /* MARKDOWN */
	bool after_url;        /* SMS: what comes next must be white space */
	size_t line_at, seen;  /* MARKDOWN: where the last line of out begins, and how far that was looked for */
	size_t steps;          /* lists in lists that write nothing take time all the same */
};

static struct template_value look_up(const struct rendering *r, const struct frame *frame, struct str name) {
	if (str_is(name, "."))
		return frame ? *frame->item : (struct template_value){0};
	for (; frame; frame = frame->outer)
		for (size_t i = 0; i < frame->item->member_count; i++)
			if (str_equal(frame->item->members[i].name, name))
				return *frame->item->members[i].value;
	return r->source->lookup(r->source->context, name, r->arena);
}

static bool refuse(const struct rendering *r, const struct node *node, const char *why) {
	struct yaml_place at = node->place;
	return err_set(r->err, ERR_PERMANENT, "error.internal", "%s:%d:%d: {{%.*s}} %s", at.file ? at.file : "?", at.line, at.column, STR_ARG(node->text), why);
}

static bool write_header(const struct rendering *r, struct str text) {
	struct buf line;
	buf_init(&line, text.len);
	for (size_t i = 0; i < text.len; i++)
		buf_char(&line, (char)(text.at[i] == '\n' || text.at[i] == '\r' || text.at[i] == '\t' ? ' ' : text.at[i]));
	bool clean = escape_gate(buf_text(&line), text.len, "a header's value", r->err);
	buf_str(r->out, clean ? str_trim(buf_text(&line)) : STR(""));
	buf_free(&line);
	return clean;
}

static bool is_space(char c) {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool write_url(struct rendering *r, const struct node *node, struct str url) {
	bool word = r->out->len == 0 || is_space(r->out->at[r->out->len - 1]);
	for (size_t i = 0; i < url.len; i++)
		if (url.at[i] <= ' ' || url.at[i] > '~' || strchr("<>\"\\", url.at[i]))
			return refuse(r, node, "is no URL");
	switch (r->target) {
	case TEMPLATE_MARKDOWN:
		if (r->spot.kind != LINK_SPOT_TARGET)
			return refuse(r, node, "is a URL: it may only stand as the target of a link, [text]({{...}})");
		escape_markdown(r->out, url);
		link_spot_value(&r->spot);
		return true;
	case TEMPLATE_HEADER:
		return refuse(r, node, "is a URL, which may not stand in a header");
	case TEMPLATE_SMS:
		if (!word)
			return refuse(r, node, "is a URL: in an SMS it must be a word of its own");
		r->after_url = true;
		break;
	case TEMPLATE_PLAIN:
		break;
	}
	buf_str(r->out, url);
	return true;
}

/* A table's row ends where its line ends. */
static bool in_row(struct rendering *r) {
	for (; r->seen < r->out->len; r->seen++)
		if (r->out->at[r->seen] == '\n')
			r->line_at = r->seen + 1;
	return r->line_at < r->out->len && r->out->at[r->line_at] == '|';
}

static bool write_text(struct rendering *r, const struct node *node, struct str text) {
	if (text.len == 0)
		return true;
	switch (r->target) {
	case TEMPLATE_MARKDOWN:
		if (r->spot.kind != LINK_SPOT_NONE || r->spot.escaped)
			return refuse(r, node, r->spot.escaped ? "stands behind a backslash" : "is no URL: it may not stand in the target of a link");
		if (in_row(r))
			escape_markdown_cell(r->out, text);
		else
			escape_markdown(r->out, text);
		link_spot_value(&r->spot);
		return true;
	case TEMPLATE_HEADER:
		return write_header(r, text);
	case TEMPLATE_SMS:
		escape_sms(r->out, text);
		return true;
	case TEMPLATE_PLAIN:
		buf_str(r->out, text);
	}
	return true;
}

/* A list as a value: its own text, or its items in a row. */
static bool write_list(struct rendering *r, const struct node *node, const struct template_value *list) {
	bool ok = true;
	for (size_t i = 0; i < list->count && ok; i++) {
		buf_z(r->out, i > 0 ? ", " : "");
		ok = list->items[i].kind == TV_URL ? write_url(r, node, list->items[i].text) : write_text(r, node, list->items[i].text);
	}
	return ok;
}

static bool write_value(struct rendering *r, const struct node *node, const struct template_value *value) {
	size_t before = r->out->len;
	bool after_url = r->after_url, ok;
	r->after_url = false;
	if (value->kind == TV_NONE)
		ok = true;
	else if (value->kind == TV_URL)
		ok = write_url(r, node, value->text);
	else
		ok = value->kind == TV_LIST && value->text.len == 0 ? write_list(r, node, value) : write_text(r, node, value->text);
	if (ok && after_url && r->out->len == before)
		r->after_url = true;
	else if (ok && after_url && !is_space(r->out->at[before]))
		return refuse(r, node, "stands right behind a URL");
	return ok;
}

/* The text of the template itself. */
static bool write_literal(struct rendering *r, const struct node *node) {
	if (r->after_url && !is_space(node->text.at[0]))
		return err_set(r->err, ERR_PERMANENT, "error.internal", "%s:%d:%d: in an SMS there must be a blank behind a URL", node->place.file ? node->place.file : "?", node->place.line, node->place.column);
	r->after_url = false;
	if (r->target == TEMPLATE_MARKDOWN)
		link_spot_text(&r->spot, node->text);
	if (r->target == TEMPLATE_SMS)
		escape_sms(r->out, node->text);
	else
		buf_str(r->out, node->text);
	return true;
}

static bool is_shown(const struct template_value *value) {
	switch (value->kind) {
	case TV_TRUE: return true;
	case TV_TEXT:
	case TV_URL: return value->text.len > 0;
	case TV_LIST: return value->count > 0;
	case TV_NONE:
	case TV_FALSE: break;
	}
	return false;
}

static bool render_nodes(struct rendering *r, size_t from, size_t to, const struct frame *frame);

static bool render_section(struct rendering *r, size_t index, const struct frame *outer) {
	const struct node *node = &r->t->items[index];
	struct template_value value = look_up(r, outer, node->text);
	if (node->kind == NODE_INVERTED)
		return is_shown(&value) || render_nodes(r, index + 1, node->end, outer);
	if (!is_shown(&value))
		return true;
	size_t times = value.kind == TV_LIST ? value.count : 1;
	for (size_t i = 0; i < times; i++) {
		struct frame frame = {value.kind == TV_LIST ? &value.items[i] : &value, outer};
		if (!render_nodes(r, index + 1, node->end, &frame))
			return false;
	}
	return true;
}

/* As deep as sections stand in each other: MAX_DEPTH. */
static bool render_nodes(struct rendering *r, size_t from, size_t to, const struct frame *frame) {
	r->steps++;
	for (size_t i = from; i < to;) {
		const struct node *node = &r->t->items[i];
		bool ok;
		if (node->kind == NODE_TEXT) {
			ok = write_literal(r, node);
		} else if (node->kind == NODE_VALUE) {
			struct template_value value = look_up(r, frame, node->text);
			ok = write_value(r, node, &value);
		} else {
			ok = render_section(r, i, frame);
		}
		if (!ok)
			return false;
		if (r->out->overflow || ++r->steps > MAX_STEPS)
			return err_set(r->err, ERR_PERMANENT, "error.internal", "%s:%d: the text becomes too long", node->place.file ? node->place.file : "?", node->place.line);
		i = node->kind == NODE_SECTION || node->kind == NODE_INVERTED ? node->end : i + 1;
	}
	return true;
}

bool template_render(const struct template *t, enum template_target target, const struct template_source *source,
                     struct arena *a, struct buf *out, struct err *err) {
	struct rendering r = {.t = t, .target = target, .source = source, .arena = a, .out = out, .err = err, .line_at = out->len, .seen = out->len};
	return render_nodes(&r, 0, t->count, NULL);
}

/* names */

/* Is the name, or the record that it is a column of, the section's own? */
static bool guards(struct str section, struct str name) {
	return str_equal(section, name) || (str_starts(name, section) && name.at[section.len] == '.');
}

static bool is_guarded(const struct template *t, size_t index) {
	for (size_t i = 0; i < index; i++)
		if (t->items[i].kind == NODE_SECTION && t->items[i].end > index && guards(t->items[i].text, t->items[index].text))
			return true;
	return false;
}

void template_names(const struct template *t, struct arena *a, struct template_names *out) {
	for (size_t i = 0; i < t->count; i++) {
		const struct node *node = &t->items[i];
		if (node->kind == NODE_TEXT)
			continue;
		struct template_name *name = ARENA_PUSH(a, out);
		*name = (struct template_name){.name = node->text, .guarded = node->kind != NODE_VALUE || str_is(node->text, ".") || is_guarded(t, i), .place = node->place};
		for (size_t k = 0; k < i; k++)
			if (t->items[k].kind == NODE_SECTION && t->items[k].end > i)
				name->sections[name->section_count++] = t->items[k].text;
	}
}
