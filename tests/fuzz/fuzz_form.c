/* Answers of any name, in UTF-8 without NUL as the portal and the command line hand them on, through the validation gate, over a form with every kind of field: refused and told, or a value that is within its bounds, can be kept, and comes
 * back the same through its own answers. A line is an answer: name=text; a name that comes again has more texts. */
#include "engine/workflow/form.h"

#include <string.h>

static const char source[] =
        "workflow: {workflow: w, start: {by: owner, form: ask}, roles: {owner: {contact: mail}},\n"
        "  data: {mail: {type: email}, text: {type: text, max: 10}, lines: {type: longtext, max: 50}, phone: {type: phone}, digits: {type: digits, length: 3, prefix: DK, weights: [1, 2, 3], modulo: 11},\n"
        "    number: {type: int, min: -5, max: 9}, amount: {type: decimal}, tick: {type: bool, accept: true}, day: {type: date, min: today}, moment: {type: datetime}, pick: {type: choice, options: [a, b]},\n"
        "    ref: {type: ref, register: things}, marks: {type: matrix, register: things, scale: 0..3}, paper: {type: file, extensions: [pdf]}, mails: {type: email, many: 1..3},\n"
        "    people: {type: group, many: 1..3, fields: {name: {type: text, max: 5}, born: {type: date}, died: {type: date, min: item.born, optional: true}, mail: {type: email, valid: item.mail != mail, optional: true},\n"
        "      note: {type: longtext, optional: true}, size: {type: decimal, optional: true}, tall: {type: bool, optional: true}, kind: {type: choice, options: [a, b], optional: true},\n"
        "      likes: {type: ref, register: things, optional: true}, at: {type: datetime, optional: true}}, valid: \"people.all(p, p.name != 'x')\"}},\n"
        "  forms: {ask: {fields: [mail, text, lines, phone, digits, number, amount, tick, day, moment, pick, ref, marks, paper, mails, people]}},\n"
        "  initial: a, states: {a: {on: {go: {target: b}}}, b: {final: true}}}\n"
        "registers: {things: {key: id, label: name, columns: {id: text, name: text}}}\n";

static struct value row_of(const struct register_type *reg, struct arena *a, struct str key) {
	struct value *members = ARENA_ARRAY(a, 2, struct value);
	members[0] = members[1] = value_string(key);
	return (struct value){.kind = KIND_RECORD, .record = {&reg->record, members, STR("1")}};
}

static bool rows(void *context, const struct register_type *reg, int64_t today, struct arena *a, struct value *out, struct err *err) {
	(void)today;
	struct value *items = ARENA_ARRAY(a, 2, struct value);
	(void)context, (void)err;
	items[0] = row_of(reg, a, STR("x"));
	items[1] = row_of(reg, a, STR("y"));
	*out = data_row_list(items, 2, STR(""));
	return true;
}

static bool row(void *context, const struct register_type *reg, struct str key, int64_t version, struct arena *a, struct value *out, struct err *err) {
	(void)context, (void)version, (void)err;
	*out = row_of(reg, a, arena_str(a, key));
	return true;
}

static bool clean(struct str s) {
	return str_utf8_valid(s) && (s.len == 0 || !memchr(s.at, '\0', s.len));
}

static struct answers read_answers(struct arena *a, struct str input) {
	struct answers answers = {0};
	while (input.len > 0 && answers.count < 500) {
		struct str text = str_cut(&input, '\n'), name = str_cut(&text, '=');
		if (clean(name) && clean(text))
			answers_put(&answers, a, name, text);
	}
	return answers;
}

static void check_value(const struct field *field, const struct value *v) {
	struct err err = {0};
	BUG_IF(!data_storable(v, &err));
	if (!field->many || v->kind == KIND_UNSET)
		return;
	BUG_IF(v->kind != KIND_LIST || (int64_t)v->list.count < field->many_min || (int64_t)v->list.count > field->many_max);
	for (size_t i = 0; i < v->list.count; i++)
		for (size_t k = 0; k < field->fields.count; k++)
			BUG_IF(v->list.items[i].record.members[k].kind == KIND_UNSET && !field->fields.items[k].optional);
}

/* As a draft, and as the store keeps them: the same again. */
static void check_way_back(struct arena *a, const struct form_world *world, const struct value *values) {
	const struct definition *d = world->definition;
	struct value *again = ARENA_ARRAY(a, d->fields.count, struct value), *kept = ARENA_ARRAY(a, d->fields.count, struct value);
	struct form_problems problems = {0};
	struct answers answers = {0}, drafted;
	struct err err = {0};
	struct buf json;
	buf_init(&json, 1 << 20);
	for (size_t i = 0; i < d->fields.count; i++)
		form_answers_of(&d->fields.items[i], &values[i], a, &answers);
	answers_to_json(&answers, &json);
	BUG_IF(!answers_from_json(buf_text(&json), a, &drafted, &err));
	BUG_IF(!form_validate(world, &d->forms.items[0], -1, &drafted, a, again, &problems, &err) || problems.count > 0);
	buf_clear(&json);
	data_to_json(d, values, &json);
	BUG_IF(!data_from_json(d, buf_text(&json), world->registers, a, kept, &err));
	for (size_t i = 0; i < d->fields.count; i++)
		BUG_IF(!value_equal(&values[i], &again[i]) || !value_equal(&values[i], &kept[i]));
	buf_free(&json);
}

static void check(struct arena *a, const struct definition *d, const struct zone *zone, struct str input) {
	struct register_port port = {.rows = rows, .row = row};
	struct form_world world = {.definition = d, .registers = &port, .zone = zone, .now = 1772442000000, .country = 45};
	struct answers answers = read_answers(a, input);
	struct value *values = ARENA_ARRAY(a, d->fields.count, struct value);
	struct form_problems problems = {0};
	struct err err = {0};
	BUG_IF(!form_validate(&world, &d->forms.items[0], -1, &answers, a, values, &problems, &err));
	BUG_IF(problems.count > 500);
	for (size_t i = 0; i < problems.count; i++) {
		bool ours = false;
		for (size_t k = 0; k < d->fields.count; k++)
			ours = ours || form_belongs(&d->fields.items[k], problems.items[i].name);
		BUG_IF(!ours || !problems.items[i].key);
	}
	if (problems.count > 0)
		return;
	for (size_t i = 0; i < d->fields.count; i++)
		check_value(&d->fields.items[i], &values[i]);
	check_way_back(a, &world, values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct definition *d;
	static struct zone *zone;
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct err err = {0};
	if (!d) {
		BUG_IF(!secret_init(&err));
		d = definition_parse(str_from(source), &problems);
		zone = zone_open("Europe/Copenhagen", &err);
	}
	BUG_IF(!d || !zone);
	check(a, d, zone, (struct str){(const char *)data, size});
	arena_free(a);
	return 0;
}
