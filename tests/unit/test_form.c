/* The validation gate: every kind of field good and refused with its key, many, optional, when, where, matrix, and the way back to answers. */
#include "tests/unit/workflow_fixture.h"

#include "engine/workflow/ranking.h"

static const char machine[] =
        "workflow: w\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail, code: phone}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  text: {type: text, max: 10}\n"
        "  tight: {type: text, min: 3, max: 5}\n"
        "  lines: {type: longtext, max: 20}\n"
        "  phone: {type: phone}\n"
        "  cvr: {type: digits, length: 8, prefix: DK, weights: [2, 7, 6, 5, 4, 3, 2, 1], modulo: 11}\n"
        "  pin: {type: digits, length: 4}\n"
        "  number: {type: int, min: -5, max: 1000}\n"
        "  any_number: {type: int}\n"
        "  amount: {type: decimal, max: 1000000}\n"
        "  any_amount: {type: decimal}\n"
        "  answer: {type: bool}\n"
        "  tick: {type: bool, accept: true}\n"
        "  day: {type: date}\n"
        "  late: {type: date, min: today, max: 'has(day) ? day + 1 month : today + 1 month'}\n"
        "  moment: {type: datetime}\n"
        "  pick: {type: choice, options: [a, b, Big-One]}\n"
        "  ref: {type: ref, register: things, where: \"row.shelf == 'top' || has(number) && number > 9\"}\n"
        "  any_ref: {type: ref, register: things}\n"
        "  marks: {type: matrix, register: things, scale: 0..3, where: row.shelf == 'top'}\n"
        "  none: {type: matrix, register: things, scale: 0..3, where: row.shelf == 'nowhere'}\n"
        "  mails: {type: email, many: 1..3}\n"
        "  words: {type: text, max: 5, many: 2..3}\n"
        "  picks: {type: choice, options: [a, b, c], many: 1..2}\n"
        "  refs: {type: ref, register: things, many: 1..2}\n"
        "  days: {type: date, many: 1..9}\n"
        "  other: {type: email, many: 1..2, valid: 'other.all(o, o != mail && o != actor)'}\n"
        "  people:\n"
        "    type: group\n"
        "    many: 2..3\n"
        "    fields:\n"
        "      name: {type: text, max: 10}\n"
        "      born: {type: date, max: today}\n"
        "      died: {type: date, min: item.born, optional: true}\n"
        "      mail: {type: email, optional: true, valid: 'item.mail != mail && item.name != string(number)'}\n"
        "      likes: {type: ref, register: things, where: row.shelf == 'top', optional: true}\n"
        "      tall: {type: bool, optional: true}\n"
        "    valid: people.exists(p, has(p.mail))\n"
        "forms:\n"
        "  ask: {fields: [mail]}\n"
        "  group: {fields: [{field: mail, optional: true}, people]}\n"
        "  no_group: {fields: [{field: people, optional: true}]}\n"
        "  all: {fields: [text, tight, lines, phone, cvr, pin, number, any_number, amount, any_amount, answer, tick, day, late, moment, pick, ref, any_ref, marks, none, mails, words, picks, refs, days]}\n"
        "  optional: {fields: [{field: text, optional: true}, {field: marks, optional: true}, {field: mails, optional: true}, {field: tick, optional: true}, {field: none, optional: true}]}\n"
        "  rule: {fields: [{field: mail, optional: true}, other]}\n"
        "  when:\n"
        "    pages:\n"
        "      - {name: one, fields: [pick, {field: text, when: pick == 'b'}]}\n"
        "      - {name: two, fields: [{field: number, when: has(text)}, {field: mails, optional: true}]}\n"
        "  pick: {fields: [{field: any_ref, catalogue: all}]}\n"
        "  rank: {fields: [{field: refs, catalogue: all}]}\n"
        "catalogues: {all: {register: things, columns: [shelf], available: \"row.shelf == 'top' && has(number) && number > 3\"}}\n"
        "initial: a\n"
        "states:\n"
        "  a: {on: {go: {target: b}}}\n"
        "  b: {final: true}\n";
static const char registers[] = "things: {key: id, label: name, columns: {id: text, name: text, shelf: text}, sample: rows.csv}\n";
static const char rows[] = "id,name,shelf\nx,The x,top\ny,The y,top\nz,The z,low\n";

static struct value *values;
static struct form_world world;
static struct register_port port;

static const struct field *field_named(const char *name) {
	const struct field *field = definition_field(world.definition, str_from(name));
	if (!field)
		fail_msg("no field %s", name);
	return field;
}

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, machine, registers, rows);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	const struct package *package = site_package(f->site, STR("w"));
	load_register(f, package, &package->definition->registers.items[0], rows);
	port = data_store_port(store_view(f->store, &f->err));
	world = (struct form_world){.definition = package->definition, .registers = &port, .zone = site_zone(f->site), .calendar = site_calendar(f->site),
	                            .now = clock_now(), .country = 45};
	values = ARENA_ARRAY(f->arena, package->definition->fields.count, struct value);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int rows_read, row_read;
static struct register_port counted;

static bool count_rows(void *context, const struct register_type *reg, int64_t today, struct arena *a, struct value *out, struct err *err) {
	rows_read++;
	return counted.rows(context, reg, today, a, out, err);
}

static bool count_row(void *context, const struct register_type *reg, struct str key, int64_t version, struct arena *a, struct value *out, struct err *err) {
	row_read++;
	return counted.row(context, reg, key, version, a, out, err);
}

static void clear(void) {
	for (size_t i = 0; i < world.definition->fields.count; i++)
		values[i] = VALUE_UNSET;
}

static void validate(struct fixture *f, const char *form, int page, const struct answers *answers) {
	f->refused = (struct form_problems){0};
	OK(form_validate(&world, definition_form(world.definition, str_from(form)), page, answers, f->arena, values, &f->refused, &f->err));
}

/* The field alone, through a form of one item. */
static void validate_field(struct fixture *f, const struct field *field, const struct answers *answers) {
	struct form_item item = {.field = field};
	struct form_page page = {.items = {&item, 1, 1}};
	struct form form = {.pages = {&page, 1, 1}};
	f->refused = (struct form_problems){0};
	OK(form_validate(&world, &form, -1, answers, f->arena, values, &f->refused, &f->err));
}

struct one {
	const char *field, *typed; /* several texts parted by | */
	const char *value;         /* as value_text writes it; NULL: refused with key (and arg) */
	const char *key, *arg;
};

static struct answers answers_typed(struct fixture *f, const char *field, const char *typed) {
	struct answers answers = {0};
	struct str rest = str_from(typed);
	bool more = true;
	while (more) {
		more = rest.len > 0 && memchr(rest.at, '|', rest.len);
		answers_put(&answers, f->arena, str_from(field), str_cut(&rest, '|'));
	}
	return answers;
}

/* The value as answers, and those through the gate again, give the same value. */
static void check_way_back(struct fixture *f, const struct field *field, const struct value *v) {
	struct answers back = {0};
	struct value before = *v;
	form_answers_of(field, v, f->arena, &back);
	validate_field(f, field, &back);
	if (f->refused.count > 0 || !value_equal(&before, &values[field->slot]))
		fail_msg("%.*s: %.*s does not come back: %s", STR_ARG(field->name), STR_ARG(value_text(f->arena, &before)), f->refused.count ? f->refused.items[0].key : "another value");
}

static void check(struct fixture *f, const struct one *one) {
	const struct field *field = field_named(one->field);
	struct answers answers = answers_typed(f, one->field, one->typed);
	validate_field(f, field, &answers);
	const struct value *v = &values[field->slot];
	struct str text = value_text(f->arena, v);
	if (one->value) {
		if (f->refused.count > 0 || !str_is(text, one->value))
			fail_msg("%s <%s>: '%.*s' %s, not '%s'", one->field, one->typed, STR_ARG(text), f->refused.count ? f->refused.items[0].key : "", one->value);
		check_way_back(f, field, v);
		return;
	}
	if (f->refused.count == 0)
		fail_msg("%s <%s> was accepted as '%.*s'", one->field, one->typed, STR_ARG(text));
	if (strcmp(f->refused.items[0].key, one->key) != 0 || (one->arg && !str_is(f->refused.items[0].arg[0], one->arg)) || !str_is(f->refused.items[0].name, one->field))
		fail_msg("%s <%s>: %s %.*s, not %s", one->field, one->typed, f->refused.items[0].key, STR_ARG(f->refused.items[0].arg[0]), one->key);
	if (!field->many && v->kind != KIND_UNSET)
		fail_msg("%s <%s>: refused, but the value is there", one->field, one->typed);
}

static void check_all(struct fixture *f, const struct one *table, size_t count) {
	for (size_t i = 0; i < count; i++) {
		clear();
		check(f, &table[i]);
	}
}
#define CHECK(table) check_all(*state, table, sizeof table / sizeof table[0])

static void test_texts(void **state) {
	static const struct one table[] = {
	        {"text", "  Ida  ", .value = "Ida"},
	        {"text", "1234567890", .value = "1234567890"},
	        {"text", "æøåÆØÅæøåÆ", .value = "æøåÆØÅæøåÆ"}, /* ten characters, twenty bytes */
	        {"text", "<b>&\"'\\{{", .value = "<b>&\"'\\{{"},
	        {"text", "12345678901", .key = "field.too-long", .arg = "10"},
	        {"text", "", .key = "field.missing"},
	        {"text", " \t ", .key = "field.missing"},
	        {"text", "a\nb", .key = "field.control"},
	        {"text", "a\tb", .key = "field.control"},
	        {"text", "a\x01" "b", .key = "field.control"},
	        {"text", "a\x7f", .key = "field.control"},
	        {"text", "a\xc2\x85", .key = "field.control"},         /* C1 */
	        {"text", "a\xe2\x80\xae" "b", .key = "field.control"}, /* right-to-left override */
	        {"text", "a\xe2\x81\xa6" "b", .key = "field.control"},
	        {"text", "a\xff" "b", .key = "field.control"},
	        {"text", "Ida\xe2\x80\xa8" "Holm\xe2\x80\xa9", .value = "Ida Holm"}, /* pasted line and paragraph ends */
	        {"text", "\xe2\x80\xa8", .key = "field.missing"}, /* nothing but one of them */
	        {"text", "a\xe2\x80", .key = "field.control"},
	        {"text", "a|b", .key = "field.too-many", .arg = "1"},
	        {"tight", "abc", .value = "abc"},
	        {"tight", "ab", .key = "field.too-short", .arg = "3"},
	        {"tight", "abcdef", .key = "field.too-long", .arg = "5"},
	        {"lines", "a\r\nb\rc\nd\te", .value = "a\nb\nc\nd\te"},
	        {"lines", "\r\n\r\na\r\n", .value = "a"},
	        {"lines", "1234567890\r\n123456789", .value = "1234567890\n123456789"}, /* CRLF counts as one */
	        {"lines", "1234567890\n1234567890", .key = "field.too-long", .arg = "20"},
	        {"lines", "a\xe2\x80\xa8" "b", .value = "a\nb"},
	        {"lines", "a\x0b" "b", .key = "field.control"},
	        {"lines", "a\x1b[0m", .key = "field.control"},
	};
	CHECK(table);
}

static void test_addresses(void **state) {
	static const struct one table[] = {
	        {"mail", " Ida@Example.DK ", .value = "Ida@example.dk"},
	        {"mail", "ida", .key = "field.email-at"},
	        {"mail", "ida@x@y.dk", .key = "field.email-two"},
	        {"mail", "ida@example.dk\nBcc: x@y.dk", .key = "field.email-two"},
	        {"mail", "ida@example.dk,bo@example.dk", .key = "field.email-two"},
	        {"mail", "", .key = "field.missing"},
	        {"phone", "20 12 34 56", .value = "+4520123456"},
	        {"phone", "+45 20123456", .value = "+4520123456"},
	        {"phone", "0046 70 123 45 67", .value = "+46701234567"},
	        {"phone", "12", .key = "field.phone-short"},
	        {"phone", "2233445", .key = "field.phone-danish"},
	        {"phone", "call me", .key = "field.phone-digits"},
	};
	CHECK(table);
	/* of a number that is texted, the country too */
	static int64_t codes[] = {45, 298};
	struct sms_config sms = {.allowed = codes, .allowed_count = 2};
	world.sms = &sms;
	static const struct one texted[] = {
	        {"phone", "+298 123456", .value = "+298123456"},
	        {"phone", "0046 70 123 45 67", .key = "field.phone-country", .arg = "+45, +298"},
	        {"phone", "+1 900 555 0123", .key = "field.phone-country", .arg = "+45, +298"},
	};
	CHECK(texted);
	sms.allowed_count = 0;
	static const struct one nobody[] = {{"phone", "20 12 34 56", .key = "field.phone-country", .arg = ""}};
	CHECK(nobody);
}

static void test_digits(void **state) {
	static const struct one table[] = {
	        {"cvr", "13585628", .value = "13585628"},
	        {"cvr", "DK 13 58 56 28", .value = "13585628"},
	        {"cvr", "dk13585628", .value = "13585628"},
	        {"cvr", "13585627", .key = "field.checksum"},
	        {"cvr", "1358562", .key = "field.not-digits", .arg = "8"},
	        {"cvr", "135856280", .key = "field.not-digits", .arg = "8"},
	        {"cvr", "SE13585628", .key = "field.not-digits"},
	        {"cvr", "DK", .key = "field.not-digits"},
	        {"pin", "0012", .value = "0012"},
	        {"pin", "00-12", .value = "0012"},
	        {"pin", "٠٠١٢", .key = "field.not-digits"},
	        {"pin", "-012", .key = "field.not-digits"},
	};
	CHECK(table);
}

static void test_numbers(void **state) {
	static const struct one table[] = {
	        {"number", " 12 ", .value = "12"},
	        {"number", "-5", .value = "-5"},
	        {"number", "+7", .value = "7"},
	        {"number", "-6", .key = "field.int-range", .arg = "-5"},
	        {"number", "1001", .key = "field.int-range", .arg = "-5"},
	        {"number", "1,5", .key = "field.int-range"},
	        {"number", "1e3", .key = "field.int-range"},
	        {"any_number", "9223372036854775808", .key = "field.not-int"},
	        {"any_number", "9223372036854775807", .value = "9223372036854775807"},
	        {"any_number", "-9223372036854775808", .value = "-9223372036854775808"},
	        {"amount", "1350.5", .value = "1350.5"},
	        {"amount", "1350,5", .value = "1350.5"},
	        {"amount", "1.350,5", .value = "1350.5"},
	        {"amount", "1,350.5", .value = "1350.5"},
	        {"amount", "1.350", .value = "1.35"}, /* a lone mark is the decimal mark */
	        {"amount", "1,350", .value = "1.35"},
	        {"amount", "999.350,25", .value = "999350.25"},
	        {"amount", "1.000.000", .value = "1000000.0"},
	        {"amount", "1 350,5", .value = "1350.5"},
	        {"amount", "-1.350,5", .value = "-1350.5"},
	        {"amount", ",5", .value = "0.5"},
	        {"amount", "0,1", .value = "0.1"},
	        {"amount", "1e3", .value = "1000.0"},
	        {"amount", "1.5,2", .key = "field.not-decimal"},
	        {"amount", "1,5.2", .key = "field.not-decimal"},
	        {"amount", "1.35,5", .key = "field.not-decimal"},
	        {"amount", ".350,5", .key = "field.not-decimal"},
	        {"amount", "1.3500,5", .key = "field.not-decimal"},
	        {"amount", "1,350,5", .key = "field.not-decimal"},
	        {"amount", "1,5,", .key = "field.not-decimal"},
	        {"amount", "1.2.3", .key = "field.not-decimal"},
	        {"amount", "12 kr", .key = "field.not-decimal"},
	        {"amount", ",", .key = "field.not-decimal"},
	        {"amount", "-", .key = "field.not-decimal"},
	        {"amount", "e", .key = "field.not-decimal"},
	        {"amount", "1e", .key = "field.not-decimal"},
	        {"amount", "nan", .key = "field.not-decimal"},
	        {"amount", "inf", .key = "field.not-decimal"},
	        {"amount", "0x10", .key = "field.not-decimal"},
	        {"amount", "1e999", .key = "field.not-decimal"},
	        {"amount", "1-2", .key = "field.not-decimal"},
	        {"amount", "1000000,01", .key = "field.too-large", .arg = "1000000"},
	        {"any_amount", "123456789012345678901234567890", .value = "1.2345678901234568e+29"},
	        {"any_amount", "0,0000001", .value = "1e-07"},
	        {"any_amount", "0,30000000000000004", .value = "0.30000000000000004"},
	        {"any_amount", "1111111111111111111111111111111111111111111111111111111111111111111111", .key = "field.not-decimal"},
	};
	CHECK(table);
}

static void test_choices(void **state) {
	static const struct one table[] = {
	        {"answer", "true", .value = "true"},
	        {"answer", "no", .value = "false"},
	        {"answer", "on", .value = "true"},
	        {"answer", " 0 ", .value = "false"},
	        {"answer", "", .key = "field.choose"},
	        {"answer", "maybe", .key = "field.not-choice"},
	        {"tick", "on", .value = "true"},
	        {"tick", "false", .key = "field.must-accept"},
	        {"tick", "", .key = "field.must-accept"},
	        {"pick", "a", .value = "a"},
	        {"pick", "Big-One", .value = "Big-One"},
	        {"pick", "big-one", .key = "field.not-choice"},
	        {"pick", "c", .key = "field.not-choice"},
	        {"pick", "", .key = "field.choose"},
	};
	CHECK(table);
}

static void test_dates(void **state) {
	static const struct one table[] = {
	        {"day", "2026-03-29", .value = "2026-03-29"},
	        {"day", "29-3-2026", .value = "2026-03-29"},
	        {"day", "29.03.26", .value = "2026-03-29"},
	        {"day", "290326", .value = "2026-03-29"},
	        {"day", "29-02-2026", .key = "field.not-date"},
	        {"day", "29-02-2028", .value = "2028-02-29"},
	        {"day", "2201-01-01", .key = "field.not-date"},
	        {"day", "1899-12-31", .key = "field.not-date"},
	        {"day", "1900-01-01", .value = "1900-01-01"},
	        {"day", "2200-12-31", .value = "2200-12-31"},
	        {"day", "yesterday", .key = "field.not-date"},
	        {"late", "2026-03-02", .value = "2026-03-02"},
	        {"late", "2026-04-02", .value = "2026-04-02"},
	        {"late", "2026-03-01", .key = "field.too-early", .arg = "2026-03-02"},
	        {"late", "2026-04-03", .key = "field.too-late", .arg = "2026-04-02"},
	        {"moment", "2026-03-29T12:30", .value = "2026-03-29T12:30"},
	        {"moment", "29-3-2026 12.30", .value = "2026-03-29T12:30"},
	        {"moment", "2026-03-29T12:30:15", .value = "2026-03-29T12:30:15"},
	        {"moment", "2026-03-29", .key = "field.not-datetime"},
	        {"moment", "2026-03-29T25:00", .key = "field.not-datetime"},
	};
	CHECK(table);
}

/* A limit that reads another field follows it. */
static void test_date_limits(void **state) {
	struct fixture *f = *state;
	clear();
	values[field_named("day")->slot] = value_date(civil_day(2026, 8, 31));
	struct one good = {"late", "30-09-2026", .value = "2026-09-30"}, bad = {"late", "1-10-2026", .key = "field.too-late", .arg = "2026-09-30"};
	check(f, &good);
	check(f, &bad);
}

static void test_many(void **state) {
	static const struct one table[] = {
	        {"mails", "a@x.dk", .value = "[\"a@x.dk\"]"},
	        {"mails", "a@x.dk| |b@x.dk|", .value = "[\"a@x.dk\",\"b@x.dk\"]"},
	        {"mails", "a@x.dk|a@X.dk|a@x.dk", .value = "[\"a@x.dk\"]"},
	        {"mails", "a@x.dk|b@x.dk|c@x.dk|a@x.dk", .value = "[\"a@x.dk\",\"b@x.dk\",\"c@x.dk\"]"},
	        {"mails", "a@x.dk|b@x.dk|c@x.dk|d@x.dk", .key = "field.too-many", .arg = "3"},
	        {"mails", "a@x.dk|b", .key = "field.email-at"},
	        {"mails", "", .key = "field.missing"},
	        {"words", "a|b", .value = "[\"a\",\"b\"]"},
	        {"words", "a|a", .key = "field.too-few", .arg = "2"},
	        {"words", "a", .key = "field.too-few", .arg = "2"},
	        {"words", "a|toolong", .key = "field.too-long", .arg = "5"},
	        {"picks", "b|a", .value = "[\"b\",\"a\"]"},
	        {"picks", "a|b|c", .key = "field.too-many", .arg = "2"},
	        {"picks", "x", .key = "field.not-choice"},
	        {"picks", "", .key = "field.choose"},
	        {"refs", "x|z", .value = "[{\"key\":\"x\",\"version\":\"1\"},{\"key\":\"z\",\"version\":\"1\"}]"},
	        {"refs", "x|q", .key = "field.not-choice"},
	        {"days", "1-1-2026|2026-01-02", .value = "[\"2026-01-01\",\"2026-01-02\"]"},
	};
	CHECK(table);
}

/* A flood of answers costs no more than a few. */
static void test_flood(void **state) {
	struct fixture *f = *state;
	struct answer answer = {.name = STR("refs")};
	struct answers answers = {&answer, 1, 1};
	clear();
	for (int i = 0; i < 100000; i++)
		*(struct str *)ARENA_PUSH(f->arena, &answer.texts) = i % 2 ? STR("x") : arena_printf(f->arena, "k%d", i);
	int64_t began = clock_monotonic();
	validate_field(f, field_named("refs"), &answers);
	assert_true(f->refused.count > 0 && f->refused.count < 10);
	answer.name = STR("mails");
	validate_field(f, field_named("mails"), &answers);
	assert_true(f->refused.count > 0 && f->refused.count < 10);
	for (int i = 0; i < 100000; i++)
		answer.texts.items[i] = arena_printf(f->arena, "a%d@x.dk", i);
	validate_field(f, field_named("mails"), &answers);
	assert_int_equal(f->refused.count, 1);
	assert_string_equal(f->refused.items[0].key, "field.too-many");
	assert_true(clock_monotonic() - began < 2000);
}

/* What cannot be chosen is refused by name, also when its rule cannot be computed; the answers so far count. */
static void test_catalogue(void **state) {
	struct fixture *f = *state;
	const struct catalogue *all = definition_catalogue(world.definition, STR("all"));
	const struct field *number = field_named("number"), *ref = field_named("any_ref");
	const struct value *all_rows;
	size_t count;
	struct answers y = answers_typed(f, "any_ref", "y");
	clear();
	validate(f, "pick", -1, &y);
	assert_int_equal(f->refused.count, 1);
	assert_string_equal(f->refused.items[0].key, "field.taken");
	assert_str(f->refused.items[0].arg[0], "The y");
	assert_int_equal(values[ref->slot].kind, KIND_UNSET);
	values[number->slot] = value_int(4);
	validate(f, "pick", -1, &y);
	assert_int_equal(f->refused.count, 0);
	assert_int_equal(values[ref->slot].kind, KIND_RECORD);
	OK(form_rows(&world, ref, values, f->arena, &all_rows, &count, &f->err));
	const bool *available = form_available(&world, all, values, all_rows, count, f->arena);
	assert_int_equal(count, 3);
	assert_true(available[0] && available[1] && !available[2]);
}

/* One press: *told is what was refused. Returns the keys as one text, or "other". */
static const char *pressed(struct fixture *f, const struct ranking *ranking, const char **told) {
	const struct form_item *item = form_ranking(definition_form(world.definition, STR("rank")));
	struct value *list = &values[item->field->slot];
	struct form_problems problems = {0};
	bool changed;
	char *keys = arena_alloc(f->arena, 10);
	f->err = (struct err){0};
	bool ok = ranking_apply(&world, item, ranking, f->arena, values, &changed, &problems, &f->err);
	if (!ok)
		assert_string_equal(f->err.key, "ranking.other");
	*told = problems.count ? problems.items[0].key : "";
	for (size_t i = 0; list->kind == KIND_LIST && i < list->list.count; i++)
		keys[i] = list->list.items[i].record.members[0].string.at[0];
	return ok ? keys : "other";
}

static void test_ranking(void **state) {
	struct fixture *f = *state;
	struct ranking_number up = {STR("y"), 1}, far = {STR("x"), 99};
	const char *told, *seen;
	clear();
	values[field_named("number")->slot] = value_int(4);
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ADD, .key = STR("x")}, &told), "x");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ADD, .key = STR("z")}, &told), "x");
	assert_string_equal(told, "field.taken");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ADD, .key = STR("q")}, &told), "x");
	assert_string_equal(told, "field.not-choice");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ADD, .key = STR("y")}, &told), "xy");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ADD, .key = STR("y")}, &told), "xy");
	assert_string_equal(told, "");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ADD, .key = STR("z")}, &told), "xy");
	assert_string_equal(told, "field.too-many");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_UP, .key = STR("y")}, &told), "other");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ORDER, .numbers = {&up, 1, 1}}, &told), "other");
	seen = ranking_mark(&values[field_named("refs")->slot], f->arena).at;
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_ORDER, .seen = str_from(seen), .numbers = {&up, 1, 1}}, &told), "yx");
	seen = ranking_mark(&values[field_named("refs")->slot], f->arena).at;
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_UP, .key = STR("y"), .seen = str_from(seen)}, &told), "yx");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_DOWN, .key = STR("y"), .seen = str_from(seen), .numbers = {&far, 1, 1}}, &told), "xy");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_REMOVE, .key = STR("x")}, &told), "y");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_REMOVE, .key = STR("x")}, &told), "y");
	assert_string_equal(pressed(f, &(struct ranking){.press = RANKING_REMOVE, .key = STR("y")}, &told), "");
	assert_int_equal(values[field_named("refs")->slot].kind, KIND_UNSET);
}

static void test_refs(void **state) {
	static const struct one table[] = {
	        {"ref", "x", .value = "{\"key\":\"x\",\"version\":\"1\"}"},
	        {"ref", "z", .key = "field.not-choice"}, /* not on the top shelf */
	        {"ref", "X", .key = "field.not-choice"},
	        {"ref", "", .key = "field.choose"},
	        {"any_ref", "z", .value = "{\"key\":\"z\",\"version\":\"1\"}"},
	};
	struct fixture *f = *state;
	CHECK(table);
	clear();
	values[field_named("number")->slot] = value_int(10);
	struct one now_good = {"ref", "z", .value = "{\"key\":\"z\",\"version\":\"1\"}"};
	check(f, &now_good);
	const struct value *offered;
	size_t count;
	OK(form_rows(&world, field_named("ref"), values, f->arena, &offered, &count, &f->err));
	assert_int_equal(count, 3);
	clear();
	OK(form_rows(&world, field_named("ref"), values, f->arena, &offered, &count, &f->err));
	assert_int_equal(count, 2);
	assert_str(value_member(&offered[1], STR("name"))->string, "The y");
}

static void test_matrix(void **state) {
	struct fixture *f = *state;
	const struct field *marks = field_named("marks");
	clear();
	struct answers answers = answers_of(f, "{\"marks\":{\"x\":2,\"y\":\"0\",\"z\":3}}");
	validate_field(f, marks, &answers);
	assert_int_equal(f->refused.count, 0);
	assert_str(value_text(f->arena, &values[marks->slot]), "{\"x\":2,\"y\":0}"); /* z is not offered */
	check_way_back(f, marks, &values[marks->slot]);
	answers = answers_of(f, "{\"marks\":{\"x\":4}}");
	validate_field(f, marks, &answers);
	assert_int_equal(f->refused.count, 2);
	assert_str(f->refused.items[0].name, "marks.x");
	assert_string_equal(f->refused.items[0].key, "field.row-missing");
	assert_str(f->refused.items[1].arg[0], "The y");
	answers = answers_of(f, "{\"marks\":{\"x\":-1,\"y\":\"1.0\"}}");
	validate_field(f, marks, &answers);
	assert_int_equal(f->refused.count, 2);
	/* Where nothing is offered an empty answer is the answer. */
	answers = answers_of(f, "{}");
	validate_field(f, field_named("none"), &answers);
	assert_int_equal(f->refused.count, 0);
	assert_int_equal(values[field_named("none")->slot].kind, KIND_MAP);
	assert_int_equal(values[field_named("none")->slot].list.count, 0);
}

static void test_optional(void **state) {
	struct fixture *f = *state;
	clear();
	values[field_named("text")->slot] = value_string(STR("before"));
	struct answers answers = answers_of(f, "{\"text\":\" \",\"marks\":{\"y\":1},\"mails\":[\"\"]}");
	validate(f, "optional", -1, &answers);
	assert_int_equal(f->refused.count, 0);
	assert_int_equal(values[field_named("text")->slot].kind, KIND_UNSET); /* left empty clears it */
	assert_int_equal(values[field_named("mails")->slot].kind, KIND_UNSET);
	assert_int_equal(values[field_named("tick")->slot].kind, KIND_UNSET);
	assert_int_equal(values[field_named("none")->slot].kind, KIND_UNSET);
	assert_str(value_text(f->arena, &values[field_named("marks")->slot]), "{\"y\":1}");
	answers = answers_of(f, "{\"text\":\"much too long a text\",\"marks\":{\"y\":9}}");
	validate(f, "optional", -1, &answers);
	assert_int_equal(f->refused.count, 2);
}

/* Whether a field is asked depends on those above it; an unasked one is cleared, whatever was sent for it; other pages stay as they are. */
static void test_when(void **state) {
	struct fixture *f = *state;
	clear();
	values[field_named("number")->slot] = value_int(7);
	struct answers answers = answers_of(f, "{\"pick\":\"a\",\"text\":\"smuggled\",\"number\":3,\"tick\":true,\"nothing\":\"x\"}");
	validate(f, "when", 0, &answers);
	assert_int_equal(f->refused.count, 0);
	assert_int_equal(values[field_named("text")->slot].kind, KIND_UNSET);
	assert_int_equal(values[field_named("number")->slot].integer, 7);
	validate(f, "when", 1, &answers);
	assert_int_equal(values[field_named("number")->slot].kind, KIND_UNSET);
	answers = answers_of(f, "{\"pick\":\"b\"}");
	validate(f, "when", -1, &answers);
	assert_int_equal(f->refused.count, 1);
	assert_str(f->refused.items[0].name, "text");
	answers = answers_of(f, "{\"pick\":\"b\",\"text\":\"hi\",\"number\":3,\"tick\":true}");
	validate(f, "when", -1, &answers);
	assert_int_equal(f->refused.count, 0);
	assert_int_equal(values[field_named("number")->slot].integer, 3);
	assert_int_equal(values[field_named("tick")->slot].kind, KIND_UNSET); /* not of this form */
}

static void check_rule(struct fixture *f, const char *typed, size_t refused, const char *key) {
	struct answers answers = answers_of(f, typed);
	clear();
	validate(f, "rule", -1, &answers);
	assert_int_equal(f->refused.count, refused);
	if (key)
		assert_string_equal(f->refused.items[0].key, key);
}

/* The package's own rule sees the answers before it and who fills in; what is refused for another reason is told once. */
static void test_valid(void **state) {
	struct fixture *f = *state;
	world.actor = STR("me@example.dk");
	check_rule(f, "{\"mail\":\"a@example.dk\",\"other\":[\"b@example.dk\"]}", 0, NULL);
	check_rule(f, "{\"mail\":\"a@example.dk\",\"other\":[\"b@example.dk\",\"a@example.dk\"]}", 1, "field.invalid");
	check_rule(f, "{\"mail\":\"a@example.dk\",\"other\":[\"me@example.dk\"]}", 1, "field.invalid");
	check_rule(f, "{\"mail\":\"a@example.dk\",\"other\":[\"nobody\"]}", 1, "field.email-at");
	check_rule(f, "{\"other\":[\"b@example.dk\"]}", 0, NULL); /* mail is not set: no rule */
	assert_str(value_text(f->arena, &values[field_named("other")->slot]), "[\"b@example.dk\"]");
}

/* ---- groups */

static void check_group(struct fixture *f, const char *form, const char *json, const char *value, const char *refused) {
	struct answers answers = answers_of(f, json);
	struct buf told;
	buf_init(&told, 4000);
	clear();
	validate(f, form, -1, &answers);
	const struct value *v = &values[field_named("people")->slot];
	for (size_t i = 0; i < f->refused.count; i++)
		buf_printf(&told, "%s%.*s %s %.*s", i ? "|" : "", STR_ARG(f->refused.items[i].name), f->refused.items[i].key, STR_ARG(f->refused.items[i].arg[0]));
	struct str text = arena_str(f->arena, buf_text(&told));
	buf_free(&told);
	if (!str_is(text, refused))
		fail_msg("%s: told '%.*s', not '%s'", json, STR_ARG(text), refused);
	if (value)
		assert_str(value_text(f->arena, v), value);
	if (value && v->kind != KIND_UNSET)
		check_way_back(f, field_named("people"), v);
}

#define IDA "{\"name\":\"Ida\",\"born\":\"1-2-2000\",\"mail\":\"ida@X.dk\"}"
#define BO "{\"name\":\"Bo\",\"born\":\"2001-02-03\"}"
#define IDA_VALUE "{\"name\":\"Ida\",\"born\":\"2000-02-01\",\"died\":null,\"mail\":\"ida@x.dk\",\"likes\":null,\"tall\":null}"
#define BO_VALUE "{\"name\":\"Bo\",\"born\":\"2001-02-03\",\"died\":null,\"mail\":null,\"likes\":null,\"tall\":null}"

static void test_groups(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *json, *value, *refused;
	} table[] = {
	        {"{\"people\":[" IDA "," BO "]}", "[" IDA_VALUE "," BO_VALUE "]", ""},
	        {"{\"people\":[" IDA ",{},{\"name\":\" \"}," BO "]}", "[" IDA_VALUE "," BO_VALUE "]", ""},
	        {"{\"people\":[" IDA "," IDA "]}", "[" IDA_VALUE "," IDA_VALUE "]", ""}, /* two alike are two */
	        {"{\"people\":[" BO ",{\"name\":\"Ann\",\"born\":\"2000-01-01\",\"died\":\"2000-01-01\",\"mail\":\"a@x.dk\",\"likes\":\"y\",\"tall\":true}]}",
	         "[" BO_VALUE ",{\"name\":\"Ann\",\"born\":\"2000-01-01\",\"died\":\"2000-01-01\",\"mail\":\"a@x.dk\",\"likes\":{\"key\":\"y\",\"version\":\"1\"},\"tall\":true}]", ""},
	        /* how many */
	        {"{}", "null", "people field.missing "},
	        {"{\"people\":[]}", "null", "people field.missing "},
	        {"{\"people\":[{}]}", "null", "people field.missing "},
	        {"{\"people\":[" IDA "]}", NULL, "people field.too-few 2"},
	        {"{\"people\":[" IDA "," BO "," BO "," BO "]}", "null", "people field.too-many 3"},
	        /* each field of each item, by its own name */
	        {"{\"people\":[{\"mail\":\"a@x.dk\"}," BO "]}", NULL, "people.1.name field.missing |people.1.born field.missing "},
	        {"{\"people\":[" IDA ",{\"name\":\"Much too long\",\"born\":\"soon\",\"mail\":\"nobody\",\"likes\":\"z\",\"tall\":\"perhaps\"}]}", NULL,
	         "people.2.name field.too-long 10|people.2.born field.not-date |people.2.mail field.email-at |people.2.likes field.not-choice |people.2.tall field.not-choice "},
	        {"{\"people\":[" IDA ",{},{\"name\":\"Bo\"}]}", NULL, "people.3.born field.missing "},
	        {"{\"people\":[" IDA ",{\"name\":\"Bo\",\"born\":\"2026-03-03\"}]}", NULL, "people.2.born field.too-late 2026-03-02"},
	        {"{\"people.1.name\":[\"Ida\",\"Ada\"],\"people.1.born\":\"2000-01-01\",\"people.1.mail\":\"a@x.dk\",\"people\":[{}," BO "]}", NULL, "people.1.name field.too-many 1"},
	        /* rules see the item, and the fields before it */
	        {"{\"people\":[" IDA ",{\"name\":\"Bo\",\"born\":\"2001-02-03\",\"died\":\"2001-02-02\"}]}", NULL, "people.2.died field.too-early 2001-02-03"},
	        {"{\"mail\":\"me@x.dk\",\"people\":[" IDA ",{\"name\":\"Bo\",\"born\":\"2001-02-03\",\"mail\":\"me@x.dk\"}]}", NULL, "people.2.mail field.invalid "},
	        {"{\"people\":[" IDA ",{\"name\":\"Bo\",\"died\":\"2001-02-02\"}]}", NULL, "people.2.born field.missing "}, /* no limit where nothing was said */
	        {"{\"people\":[" BO "," BO "]}", NULL, "people field.invalid "},
	        /* names that no page has */
	        {"{\"people.1\":\"x\",\"people.\":\"x\",\"people.x.name\":\"x\",\"people.1.nobody\":\"x\",\"people.1.name.2\":\"x\",\"people..name\":\"x\"}", "null", "people field.missing "},
	        {"{\"people.0.name\":\"x\",\"people.01.name\":\"x\",\"people.+1.name\":\"x\",\"people.-1.name\":\"x\",\"people. 1.name\":\"x\",\"people.1 .name\":\"x\",\"people.1e0.name\":\"x\"}", "null",
	         "people field.missing "},
	        {"{\"people.7.name\":\"x\",\"people.1000000000.name\":\"x\",\"people.18446744073709551617.name\":\"x\",\"people.9223372036854775808.name\":\"x\"}", "null", "people field.missing "},
	        {"{\"people.6.name\":\"x\",\"people.6.born\":\"2000-01-01\",\"people.2.name\":\"y\",\"people.2.born\":\"2000-01-01\",\"people.2.mail\":\"a@x.dk\"}",
	         "[{\"name\":\"y\",\"born\":\"2000-01-01\",\"died\":null,\"mail\":\"a@x.dk\",\"likes\":null,\"tall\":null},{\"name\":\"x\",\"born\":\"2000-01-01\",\"died\":null,\"mail\":null,\"likes\":null,\"tall\":null}]", ""},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		check_group(f, "group", table[i].json, table[i].value, table[i].refused);
	check_group(f, "no_group", "{}", "null", "");
	check_group(f, "no_group", "{\"people\":[{\"name\":\"\"}]}", "null", "");
	check_group(f, "no_group", "{\"people\":[{\"tall\":false}]}", NULL, "people.1.name field.missing |people.1.born field.missing ");
	/* Ticks are not given again. */
	struct answers again = {0};
	check_group(f, "group", "{\"people\":[" IDA ",{\"name\":\"Bo\",\"born\":\"2001-02-03\",\"tall\":true}]}", NULL, "");
	form_answers_again(field_named("people"), &values[field_named("people")->slot], f->arena, &again);
	assert_int_equal(again.count, 5);
	assert_null(answers_get(&again, STR("people.2.tall")));
	assert_str(answers_get(&again, STR("people.2.born"))->texts.items[0], "03-02-2001");
}

/* Registers are read once, however many items and answers come. */
static void test_group_flood(void **state) {
	struct fixture *f = *state;
	struct answers answers = {0};
	clear();
	for (int i = 1; i <= 20000; i++)
		*(struct answer *)ARENA_PUSH(f->arena, &answers) = (struct answer){.name = arena_printf(f->arena, "people.%d.likes", i)};
	for (size_t i = 0; i < answers.count; i++)
		*(struct str *)ARENA_PUSH(f->arena, &answers.items[i].texts) = STR("nothing");
	int64_t began = clock_monotonic();
	validate_field(f, field_named("people"), &answers);
	assert_int_equal(f->refused.count, 6 * 3);
	assert_true(clock_monotonic() - began < 2000);
}

/* Of a large register no more is read than what was chosen. */
static void test_rows_one_by_one(void **state) {
	static const struct {
		const char *typed, *field;
		int rows;
		size_t problems;
	} expected[] = {{"{\"ref\":\"y\"}", "ref", 1, 0}, {"{\"refs\":[\"x\",\"z\",\"x\"]}", "refs", 3, 0}, {"{\"ref\":\"z\"}", "ref", 1, 1}, {"{\"any_ref\":\"gone\"}", "any_ref", 1, 1}};
	struct fixture *f = *state;
	counted = port;
	port.rows = count_rows;
	port.row = count_row;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		struct answers answers = answers_of(f, expected[i].typed);
		clear();
		rows_read = row_read = 0;
		validate_field(f, field_named(expected[i].field), &answers);
		assert_int_equal(rows_read, 0);
		assert_int_equal(row_read, expected[i].rows);
		assert_int_equal(f->refused.count, expected[i].problems);
	}
	assert_int_equal(values[field_named("any_ref")->slot].kind, KIND_UNSET);
}

static void test_all_missing(void **state) {
	struct fixture *f = *state;
	struct answers none = {0};
	clear();
	validate(f, "all", -1, &none);
	size_t items = definition_form(world.definition, STR("all"))->pages.items[0].items.count;
	assert_int_equal(f->refused.count, items); /* marks tells two rows, none tells nothing */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_texts), TEST(test_addresses), TEST(test_digits), TEST(test_numbers), TEST(test_choices), TEST(test_dates), TEST(test_date_limits),
	        TEST(test_many), TEST(test_flood), TEST(test_refs), TEST(test_catalogue), TEST(test_ranking), TEST(test_matrix), TEST(test_optional), TEST(test_when), TEST(test_valid), TEST(test_groups), TEST(test_group_flood), TEST(test_rows_one_by_one), TEST(test_all_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
