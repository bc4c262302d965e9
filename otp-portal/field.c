#include "otp-portal/field.h"

#include "engine/base/escape.h"
#include "engine/workflow/sealed.h"
#include "otp-portal/choices.h"
#include "otp-portal/file_field.h"
#include "otp-portal/group.h"
#include "otp-portal/matrix.h"
#include "otp-portal/page.h"
#include "otp-portal/repeated.h"

#include <string.h>

/* Texts of at most so many characters are asked for in a short input, and in one of few lines. */
enum { SHORT = 20, BRIEF = 500 };

static struct request *request_of(const struct field_view *v) {
	return v->filling->prose.r;
}

static int day_of_month(int64_t day) {
	int64_t year;
	int month, number;
	civil_split(day, &year, &month, &number);
	return number;
}

/* Today or soon, within the limits; late in its month if it can be, so that nobody reads the day as the month. */
static int64_t day_that_does(const struct field_view *v, const struct value *values) {
	const struct form_world *world = &v->filling->world;
	struct day_limits limits = form_day_limits(world, v->item->field, values, request_of(v)->arena);
	int64_t day = civil_day_of(zone_local(world->zone, world->now));
	if (limits.has_min && day < limits.min)
		day = limits.min;
	if (limits.has_max && day > limits.max)
		return limits.max;
	while (day_of_month(day) <= 12 && (!limits.has_max || day < limits.max))
		day++;
	return day;
}

bool field_open(struct field_view *v, const struct value *values, struct err *err) {
	const struct field *field = v->item->field;
	v->id = field->name;
	if (field->kind == FIELD_GROUP)
		return group_open(v, values, err);
	if (field->kind == FIELD_DATE)
		v->example = day_that_does(v, values);
	if (field->kind != FIELD_REF && field->kind != FIELD_MATRIX)
		return true;
	return form_rows(&v->filling->world, field, values, request_of(v)->arena, &v->rows, &v->row_count, err);
}

/* Of a matrix; row_count: none. */
static size_t row_of(const struct field_view *v, struct str problem) {
	size_t row = v->item->field->kind == FIELD_MATRIX ? 0 : v->row_count;
	while (row < v->row_count && !str_equal(problem, matrix_row_name(v, row)))
		row++;
	return row;
}

struct str field_anchor(const struct field_view *v, struct str problem) {
	struct arena *a = request_of(v)->arena;
	struct str name = v->item->field->name;
	struct field_view member;
	if (group_find(v, problem, &member))
		return arena_printf(a, "f-%.*s", STR_ARG(member.id));
	if (str_equal(problem, name))
		return arena_printf(a, "f-%.*s", STR_ARG(v->id));
	size_t row = row_of(v, problem);
	return row < v->row_count ? arena_printf(a, "f-%.*s-%zu", STR_ARG(name), row) : STR("");
}

struct str field_row(const struct field_view *v, struct str problem) {
	size_t row = row_of(v, problem);
	return row < v->row_count ? choice_row_label(v, row) : STR("");
}

static struct str example_of(const struct field_view *v) {
	int64_t year;
	int month, day;
	civil_split(v->example, &year, &month, &day);
	return arena_printf(request_of(v)->arena, "%d-%d-%lld", day, month, (long long)year);
}

/* The package's own, of the event that claims. */
static struct str taken_words(const struct field_view *v) {
	return prose_get(&v->filling->prose, "taken", v->filling->world.event, NULL, (struct str){0});
}

struct str field_problem_text(const struct field_view *v, const struct form_problem *problem) {
	struct request *r = request_of(v);
	struct field_view member;
	int64_t limit;
	if (!str_equal(problem->name, v->item->field->name) && group_find(v, problem->name, &member))
		return field_problem_text(&member, problem);
	/* What is wrong by the package's own rule, in the package's own words. */
	if (strcmp(problem->key, "field.invalid") == 0)
		return prose_get(&v->filling->prose, "fields", v->item->field->words, "invalid", (struct str){0});
	/* Why it is not among the choices, or not any more. */
	struct str excluded = prose_get(&v->filling->prose, "fields", v->item->field->words, "excluded", (struct str){0});
	if (strcmp(problem->key, "field.not-choice") == 0 && excluded.len > 0)
		return excluded;
	if (strcmp(problem->key, "field.taken") == 0 && taken_words(v).len > 0)
		return taken_words(v);
	if (v->item->field->kind == FIELD_DATE && problem->arg[0].len == 0)
		return language_text(r->language, r->arena, problem->key, example_of(v), STR(""));
	if (v->item->field->kind == FIELD_DATE && civil_parse_date(problem->arg[0], &limit))
		return language_text(r->language, r->arena, problem->key, language_date(r->language, r->arena, limit), STR(""));
	return language_text(r->language, r->arena, problem->key, problem->arg[0], problem->arg[1]);
}

struct str field_problem_subject(const struct field_view *v, const struct form_problem *problem) {
	struct str label = prose_label(&v->filling->prose, v->item->field->words);
	struct field_view member;
	if (strcmp(problem->key, "field.held") == 0 || strcmp(problem->key, "field.enough") == 0)
		return problem->arg[0];
	if (strcmp(problem->key, "field.taken") == 0) /* what is gone, where its own words do not name it */
		return taken_words(v).len > 0 ? problem->arg[0] : STR("");
	if (str_equal(problem->name, v->item->field->name))
		return label;
	/* A row of a matrix is named by field_row(). */
	return group_find(v, problem->name, &member) ? group_subject(v, problem->name, &member) : STR("");
}

static const struct form_problem *first_problem(const struct field_view *v) {
	for (size_t i = 0; i < v->problems->count; i++)
		if (str_equal(v->problems->items[i].name, v->item->field->name))
			return &v->problems->items[i];
	return NULL;
}

static const struct text *hint_of(const struct field_view *v) {
	return prose_find(&v->filling->prose, "fields", v->item->field->words, "hint", (struct str){0});
}

/* The hint that a kind needs when the package has none. */
static const char *format_hint(const struct field *field) {
	return field->kind == FIELD_DATE ? "form.date-hint" : field->kind == FIELD_FILE ? "form.file-hint" : NULL;
}

void field_write_label(const struct field_view *v) {
	struct buf *b = &v->out->body;
	escape_html(b, prose_label(&v->filling->prose, v->item->field->words));
	if (v->item->optional) {
		buf_z(b, " <span class=\"optional\">(");
		page_word(request_of(v), v->out, "form.optional");
		buf_z(b, ")</span>");
	}
}

static void write_hint(const struct field_view *v) {
	struct buf *b = &v->out->body;
	const struct text *hint = hint_of(v);
	const char *format = format_hint(v->item->field);
	if (!hint && !format)
		return;
	buf_printf(b, "<div class=\"hint\" id=\"h-%.*s\">", STR_ARG(v->id));
	prose_write(&v->filling->prose, hint, b);
	if (format) {
		buf_z(b, "<p>");
		if (v->item->field->kind == FIELD_FILE)
			escape_html(b, file_field_hint(v));
		else
			page_text(request_of(v), v->out, format, example_of(v), STR(""));
		buf_z(b, "</p>");
	}
	buf_z(b, "</div>\n");
}

static struct str kept_answer(const struct field_view *v) {
	const struct answer *kept = v->item->field->sensitive ? answers_get(v->shown, form_sealed_name(v->item->field, request_of(v)->arena)) : NULL;
	return kept && kept->texts.count == 1 ? kept->texts.items[0] : STR("");
}

/* An empty input keeps what is there, so that it may be left out needs a way of its own. */
static void write_clear(const struct field_view *v) {
	struct request *r = request_of(v);
	if (!v->item->optional)
		return;
	struct str name = form_cleared_name(v->item->field, r->arena);
	buf_printf(&v->out->body, "<label class=\"box\"><input type=\"checkbox\" name=\"%.*s\" value=\"1\"%s> <span>", STR_ARG(name), answers_get(v->shown, name) ? " checked" : "");
	page_word(r, v->out, "form.clear");
	buf_z(&v->out->body, "</span></label>\n");
}

/* Of an answer that is not shown again. */
static void write_kept(const struct field_view *v) {
	struct buf *b = &v->out->body;
	struct str kept = kept_answer(v), mask = sealed_mask(kept);
	if (mask.len > 0) {
		buf_printf(b, "<p class=\"hint\" id=\"k-%.*s\">", STR_ARG(v->id));
		page_text(request_of(v), v->out, "form.filled-in", mask, STR(""));
		buf_z(b, "</p>\n");
	}
	if (mask.len > 0 || answers_get(v->shown, form_cleared_name(v->item->field, request_of(v)->arena)))
		write_clear(v);
	if (filling_sealed_here(v->filling, v->item->field, kept))
		page_hidden(v->out, form_sealed_name(v->item->field, request_of(v)->arena).at, kept);
}

static void write_problem(const struct field_view *v) {
	const struct form_problem *problem = first_problem(v);
	struct buf *b = &v->out->body;
	if (!problem)
		return;
	buf_printf(b, "<p class=\"error\" id=\"e-%.*s\"><span class=\"sr\">", STR_ARG(v->id));
	page_word(request_of(v), v->out, "form.error-prefix");
	buf_z(b, "</span> ");
	escape_html(b, field_problem_text(v, problem));
	buf_z(b, "</p>\n");
}

void field_write_description(const struct field_view *v) {
	struct buf *b = &v->out->body;
	struct str name = v->id;
	const char *between = " aria-describedby=\"";
	const struct {
		bool is;
		char letter;
	} parts[] = {{hint_of(v) || format_hint(v->item->field), 'h'}, {sealed_mask(kept_answer(v)).len > 0, 'k'}, {first_problem(v) != NULL, 'e'}};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (!parts[i].is)
			continue;
		buf_printf(b, "%s%c-%.*s", between, parts[i].letter, STR_ARG(name));
		between = " ";
	}
	buf_z(b, *between == ' ' && between[1] == '\0' ? "\"" : "");
}

/* What the browser may fill in: only what is the person's own (WCAG 1.3.5). */
static const char *autocomplete(const struct field_view *v) {
	const struct field *field = v->item->field;
	const struct role *role = definition_role(v->filling->prose.definition, v->filling->role);
	if (role && role->contact == field && !field->many)
		return field->kind == FIELD_EMAIL ? "email" : "tel";
	return role && role->person == field ? "name" : "off";
}

static void write_attributes(const struct field_view *v) {
	struct buf *b = &v->out->body;
	const struct field *field = v->item->field;
	switch (field->kind) {
	case FIELD_EMAIL:
		buf_z(b, " type=\"email\" autocapitalize=\"none\" spellcheck=\"false\"");
		break;
	case FIELD_PHONE:
		buf_z(b, " type=\"tel\" class=\"short\"");
		break;
	case FIELD_DATETIME:
		buf_z(b, " type=\"datetime-local\"");
		break;
	case FIELD_DIGITS:
	case FIELD_INT:
	case FIELD_DATE:
		buf_printf(b, " type=\"text\" class=\"short\"%s", field->kind == FIELD_DATE ? "" : " inputmode=\"numeric\"");
		break;
	case FIELD_DECIMAL:
		buf_z(b, " type=\"text\" class=\"short\" inputmode=\"decimal\"");
		break;
	default:
		buf_z(b, field->has_max && field->max <= SHORT ? " type=\"text\" class=\"short\"" : " type=\"text\"");
	}
	buf_printf(b, " autocomplete=\"%s\"", autocomplete(v));
}

static struct str shown_text(const struct field_view *v, size_t index) {
	const struct answer *answer = v->item->field->sensitive ? NULL : answers_get(v->shown, v->item->field->name);
	return answer && index < answer->texts.count ? answer->texts.items[index] : STR("");
}

void field_write_input(const struct field_view *v, size_t index, bool focus) {
	struct buf *b = &v->out->body;
	struct str name = v->item->field->name;
	buf_printf(b, "<input name=\"%.*s\" id=\"f-%.*s", STR_ARG(name), STR_ARG(v->id));
	if (index > 0)
		buf_printf(b, "-%zu", index + 1);
	buf_char(b, '"');
	write_attributes(v);
	field_write_description(v);
	if (first_problem(v))
		buf_z(b, " aria-invalid=\"true\"");
	if (focus)
		buf_z(b, " autofocus");
	buf_z(b, " value=\"");
	escape_html(b, shown_text(v, index));
	buf_z(b, "\">\n");
}

static void write_textarea(const struct field_view *v) {
	struct buf *b = &v->out->body;
	struct str name = v->item->field->name;
	bool is_brief = v->item->field->max <= BRIEF;
	buf_printf(b, "<textarea rows=\"%d\" name=\"%.*s\" id=\"f-%.*s\"", is_brief ? 3 : 6, STR_ARG(name), STR_ARG(v->id));
	field_write_description(v);
	if (first_problem(v))
		buf_z(b, " aria-invalid=\"true\"");
	if (v->focus)
		buf_z(b, " autofocus");
	buf_z(b, ">\n"); /* a parser drops the first newline in a textarea */
	escape_html(b, shown_text(v, 0));
	buf_z(b, "</textarea>\n");
}

static void write_single(const struct field_view *v) {
	struct buf *b = &v->out->body;
	buf_printf(b, "<label for=\"f-%.*s\">", STR_ARG(v->id));
	field_write_label(v);
	buf_z(b, "</label>\n");
	write_hint(v);
	write_kept(v);
	write_problem(v);
	if (v->item->field->kind == FIELD_FILE)
		file_field_write(v, first_problem(v) != NULL);
	else if (v->item->field->kind == FIELD_LONGTEXT)
		write_textarea(v);
	else if (v->item->field->kind == FIELD_REF)
		choice_write_select(v);
	else if (v->item->field->kind == FIELD_CHOICE)
		choice_write_select(v);
	else
		field_write_input(v, 0, v->focus);
}

static void write_group(const struct field_view *v) {
	struct buf *b = &v->out->body;
	buf_z(b, "<fieldset");
	if (v->item->field->kind == FIELD_GROUP) /* others have inputs of this id */
		buf_printf(b, " id=\"f-%.*s\"", STR_ARG(v->id));
	field_write_description(v);
	buf_z(b, ">\n<legend>");
	field_write_label(v);
	buf_z(b, "</legend>\n");
	write_hint(v);
	write_problem(v);
	if (v->item->field->kind == FIELD_MATRIX)
		matrix_write(v);
	else if (choice_is_one(v->item->field))
		choice_write_boxes(v);
	else
		repeated_write(v);
	buf_z(b, "</fieldset>\n");
}

/* A lone tick box: its label is the question and the answer. */
static void write_tick(const struct field_view *v) {
	write_hint(v);
	write_problem(v);
	choice_write_boxes(v);
}

void field_write(const struct field_view *v) {
	const struct field *field = v->item->field;
	struct buf *b = &v->out->body;
	buf_z(b, first_problem(v) ? "<div class=\"field wrong\">\n" : "<div class=\"field\">\n");
	if (field->accept)
		write_tick(v);
	else if (field->kind == FIELD_MATRIX || (field->many && field->kind != FIELD_FILE) || (choice_is_one(field) && !choice_is_long(v)))
		write_group(v);
	else
		write_single(v);
	const struct text *help = prose_find(&v->filling->prose, "fields", field->words, "help", (struct str){0});
	if (help) {
		buf_z(b, "<details><summary>");
		page_word(request_of(v), v->out, "front.help");
		buf_z(b, "</summary>\n");
		prose_write(&v->filling->prose, help, b);
		buf_z(b, "</details>\n");
	}
	buf_z(b, "</div>\n");
}
