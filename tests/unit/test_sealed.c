/* Sensitive fields: what the checker demands, what the gate makes of them, where they go, and what nobody can do with them. */
#include "engine/store/db.h"
#include "engine/store/handle.h"
#include "engine/workflow/sealed.h"
#include "tests/unit/workflow_fixture.h"

static const char visit[] =
        "workflow: visit\n"
        "start: {by: guest, form: ask}\n"
        "roles: {guest: {contact: mail, name: who}}\n"
        "data:\n"
        "  who: {type: text}\n"
        "  mail: {type: email}\n"
        "  number: {type: digits, length: 4, sensitive: true, mask: 2, valid: number != '1111'}\n"
        "  words: {type: longtext, sensitive: true}\n"
        "  born: {type: date, sensitive: true, max: today}\n"
        "  told: {type: bool}\n"
        "let: {known: has(number)}\n"
        "forms:\n"
        "  ask: {fields: [who, mail, number, {field: words, optional: true}, {field: born, optional: true}]}\n"
        "  again: {fields: [number]}\n"
        "initial: open\n"
        "states:\n"
        "  open:\n"
        "    entry: [{send: {to: guest, message: hello, link: again}}]\n"
        "    on:\n"
        "      again: {by: guest, form: again}\n"
        "      heard: {guard: known, actions: [{set: {told: 'true', words: null}}]}\n"
        "      pass: {actions: [{start: {workflow: lab, data: {mail: mail, code: number}}}]}\n"
        "      end: {target: over}\n"
        "  over: {final: true}\n"
        "views:\n"
        "  list: {kind: list, for: guest, columns: [state, who], page: one}\n"
        "  one: {kind: page, for: guest, fields: [who, number, words], reveal: [number]}\n";
static const char lab[] =
        "workflow: lab\n"
        "start: {by: desk, form: begin}\n"
        "roles: {desk: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  code: {type: digits, length: 4, sensitive: true}\n"
        "forms: {begin: {fields: [mail, code]}}\n"
        "initial: waiting\n"
        "states:\n"
        "  waiting: {on: {more: {actions: []}, end: {target: over}}}\n"
        "  over: {final: true}\n";

/* ---- the checker */

static const struct {
	const char *find, *replace, *text;
} wrongs[] = {
        {"told: {type: bool}", "told: {type: bool, sensitive: true}", "key 'sensitive' in field 'told': it is not for the type 'bool'"},
        {"words: {type: longtext,", "words: {type: longtext, mask: 3,", "key 'mask' in field 'words': it is not for the type 'longtext'"},
        {"length: 4, sensitive: true, mask", "length: 4, mask", "'mask' of field 'number' needs 'sensitive: true' beside it"},
        {"mask: 2", "mask: 21", "found 21, expected from 0 to 20"},
        {"mask: 2", "many: 1..2", "cannot be both 'sensitive' and 'many'"},
        {"max: today", "default: today", "its value cannot stand in a package as 'default'"},
        {"who: {type: text}", "who: {type: text, sensitive: true}", "role 'guest': 'who' is sensitive"},
        {"mail: {type: email}", "mail: {type: email, sensitive: true}", "role 'guest': 'mail' is sensitive"},
        {"known: has(number)", "known: number", "would be a sensitive value under another name"},
        {"known: has(number)", "known: number == '1234'", "what is sensitive can only be asked for with has()"},
        {"known: has(number)", "known: number == number", "what is sensitive can only be asked for with has()"},
        {"known: has(number)", "known: \"size([number]) > 0\"", "what is sensitive can only be asked for with has()"},
        {"known: has(number)", "known: \"has(number) ? number : number\"", "what is sensitive can only be asked for with has()"},
        {"known: has(number)", "known: \"['a'].exists(a, number in [a])\"", "what is sensitive can only be asked for with has()"},
        {"known: has(number)", "known: number.size() > 1", "what is sensitive can only be asked for with has()"},
        {"words: {type: longtext,", "words: {type: longtext, valid: number != 'a',", "what is sensitive can only be asked for with has()"},
        {"born: {type: date, sensitive: true, max: today", "born: {type: date, sensitive: true, max: \"words == 'a' ? today : today\"", "what is sensitive can only be asked for with has()"},
        {"words: null", "words: number", "'words' is sensitive: it can be asked for, passed on to another workflow, and set to null"},
        {"told: 'true'", "told: number", "this is sensitive value"},
        {"columns: [state, who]", "columns: [state, number]", "'number' is sensitive, which no list shows"},
        {"columns: [state, who]", "columns: [state], search: [number]", "'search' of view 'list': 'number' is sensitive"},
        {"reveal: [number]", "reveal: [who]", "'who' is not sensitive"},
        {"reveal: [number]", "reveal: [born]", "'born' is none of its fields"},
        {"form: ask}", "form: ask, public: true, from_link: [number]}", "which a link cannot fill in"},
        {"form: ask}", "form: ask, mail: {text: words}}", "no sensitive field can take it"},
};

static struct str changed(struct arena *a, const char *find, const char *replace) {
	const char *at = strstr(visit, find);
	if (!at)
		fail_msg("'%s' is not in the base text", find);
	return arena_printf(a, "%.*s%s%s", (int)(at - visit), visit, replace, at + strlen(find));
}

static void test_wrongs(void **state) {
	char folder[] = "/tmp/stafet-sealed-XXXXXX", command[64];
	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		struct arena *a = arena_new();
		struct problems problems = {.arena = a};
		write_file(folder, "workflow.yaml", changed(a, wrongs[i].find, wrongs[i].replace));
		struct definition *d = definition_load(folder, &problems);
		bool told = false;
		for (size_t k = 0; k < problems.count; k++)
			told = told || (!problems.items[k].warning && memmem(problems.items[k].text.at, problems.items[k].text.len, wrongs[i].text, strlen(wrongs[i].text)));
		if (!told || d) {
			print_problems(&problems);
			fail_msg("%s: not told: %s", wrongs[i].replace, wrongs[i].text);
		}
		definition_free(d);
		arena_free(a);
	}
	snprintf(command, sizeof command, "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

/* A number that a child would keep open is not passed on. */
static void test_children_must_seal(void **state) {
	struct fixture *f = fixture_new();
	(void)state;
	package_write(f, visit, NULL, NULL);
	package_write(f, "workflow: lab\nstart: {by: desk, form: begin}\nroles: {desk: {contact: mail}}\ndata:\n  mail: {type: email}\n  code: {type: text}\n"
	                 "forms: {begin: {fields: [mail, code]}}\ninitial: a\nstates:\n  a: {on: {go: {target: b}}}\n  b: {final: true}\n", NULL, NULL);
	assert_null(site_open(&f->config, &f->problems, &f->err));
	bool told = false;
	for (size_t i = 0; i < f->problems.count; i++)
		told = told || memmem(f->problems.items[i].text.at, f->problems.items[i].text.len, "must be sensitive, too", 22);
	assert_true(told);
	char command[100];
	snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
	assert_int_equal(system(command), 0);
	arena_free(f->arena);
	free(f);
}

/* ---- the gate, the engine, the store */

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, visit, NULL, NULL);
	package_write(f, lab, NULL, NULL);
	fixture_open(f, true);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t ask(struct fixture *f) {
	return start(f, "visit", "{\"who\":\"Ida\",\"mail\":\"ida@example.dk\",\"number\":\"12 34\",\"words\":\"a long story\",\"born\":\"24-12-2001\"}");
}

static struct value value_of(struct fixture *f, int64_t id, const char *name) {
	struct instance instance = instance_of(f, id);
	struct view *v = store_view(f->store, &f->err);
	const struct definition *d = site_definition(f->site, v, instance.definition, &f->err);
	struct value *values = ARENA_ARRAY(f->arena, d->fields.count, struct value);
	struct register_port port = data_store_port(v);
	OK(data_from_json(d, instance.data, &port, f->arena, values, &f->err));
	view_close(v);
	return values[definition_field(d, str_from(name))->slot];
}

static struct str opened(struct fixture *f, int64_t id, const char *name) {
	struct value value = value_of(f, id, name);
	struct str plain = STR("");
	assert_int_equal(value.kind, KIND_SEALED);
	assert_true(sealed_open(site_keys(f->site), value.string, f->arena, &plain));
	return plain;
}

static void test_sealed_behind_the_gate(void **state) {
	struct fixture *f = *state;
	int64_t id = ask(f);
	assert_str(field_of(f, id, "number"), "****"); /* four digits, of which the last four are never shown */
	assert_str(field_of(f, id, "words"), "****");
	assert_str(opened(f, id, "number"), "1234");
	assert_str(opened(f, id, "words"), "a long story");
	assert_str(opened(f, id, "born"), "24-12-2001");
	struct str whose = sealed_whose(value_of(f, id, "number").string);
	assert_str(whose, arena_printf(f->arena, "%.*s/number", STR_ARG(instance_of(f, id).reference)).at);
	/* Guards may ask for it; null takes it away. */
	OK(send_signal(f, id, "heard", "{}"));
	assert_str(field_of(f, id, "told"), "true");
	assert_str(field_of(f, id, "words"), "unset");
	assert_sound(f);
}

static void test_rules_are_judged_before(void **state) {
	struct fixture *f = *state;
	REFUSED(ERR_INPUT, "form.problems", try_start(f, "visit", "{\"who\":\"Ida\",\"mail\":\"ida@example.dk\",\"number\":\"1111\"}"));
	assert_str(f->refused.items[0].name, "number");
	assert_string_equal(f->refused.items[0].key, "field.invalid");
	REFUSED(ERR_INPUT, "form.problems", try_start(f, "visit", "{\"who\":\"Ida\",\"mail\":\"ida@example.dk\",\"number\":\"123\"}"));
	REFUSED(ERR_INPUT, "form.problems", try_start(f, "visit", "{\"who\":\"Ida\",\"mail\":\"ida@example.dk\",\"number\":\"1234\",\"born\":\"24-12-2030\"}"));
	REFUSED(ERR_INPUT, "form.problems", try_start(f, "visit", "{\"who\":\"Ida\",\"mail\":\"ida@example.dk\"}"));
	int64_t id = ask(f);
	OK(act(f, id, "ida@example.dk", "again", "{\"number\":\"5678\"}"));
	assert_str(opened(f, id, "number"), "5678");
}

/* A draft's answer is opened by the gate; one that was changed is none. */
static void test_sealed_answers(void **state) {
	struct fixture *f = *state;
	int64_t id = ask(f);
	struct str old = value_of(f, id, "number").string;
	struct str kept = arena_printf(f->arena, "{\"number.sealed\":\"%.*s\"}", STR_ARG(old));
	OK(act(f, id, "ida@example.dk", "again", kept.at));
	assert_true(str_equal(value_of(f, id, "number").string, old)); /* the same text of the same field: the same bytes, and no change in the history */
	char *broken = arena_printf(f->arena, "%.*s", STR_ARG(kept)).at ? strdup(kept.at) : NULL;
	broken[30] = broken[30] == 'A' ? 'B' : 'A';
	struct link link = link_to(f, id, "ida@example.dk", "again");
	REFUSED(ERR_CONFLICT, "link.used", act_through(f, &link, 7, broken));
	int64_t other = ask(f);
	REFUSED(ERR_INPUT, "form.problems", act(f, other, "ida@example.dk", "again", broken));
	free(broken);
}

static void test_passed_on_to_a_child(void **state) {
	struct fixture *f = *state;
	int64_t id = ask(f);
	OK(send_signal(f, id, "pass", "{}"));
	OK(run_due(f));
	assert_str(opened(f, id + 1, "code"), "1234");
	assert_str(sealed_whose(value_of(f, id + 1, "code").string), arena_printf(f->arena, "%.*s/code", STR_ARG(instance_of(f, id + 1).reference)).at);
	assert_false(str_equal(value_of(f, id + 1, "code").string, value_of(f, id, "number").string));
	/* A signal waits sealed. */
	tx_open(f);
	struct answers answers = answers_of(f, "{\"code\":\"9876\"}");
	engine_alone(f->engine, true);
	OK(tx_end(f, engine_signal(f->engine, f->tx, clock_now(), id + 1, STR("more"), &answers, f->arena, &f->err)));
	engine_alone(f->engine, false);
	struct signal_row row;
	bool found;
	struct view *v = store_view(f->store, &f->err);
	OK(mailbox_next(v, 0, f->arena, &row, &found, &f->err));
	view_close(v);
	assert_true(found && !memmem(row.data.at, row.data.len, "9876", 4) && memmem(row.data.at, row.data.len, "code.sealed", 11));
	OK(run_due(f));
	assert_str(opened(f, id + 1, "code"), "9876");
	assert_sound(f);
}

/* ---- registers */

static const char round_of[] =
        "workflow: round\nstart: {by: host, form: begin}\nroles: {host: {contact: mail}}\n"
        "data: {mail: {type: email}, who: {type: ref, register: people}}\nforms: {begin: {fields: [mail]}}\ninitial: a\n"
        "states:\n  a: {on: {go: {actions: [{start: {workflow: lab, each: \"rows(people).filter(p, has(p.number))\", data: {mail: mail, code: item.number}}}], target: b}}}\n  b: {final: true}\n";
static const char people[] = "people: {key: id, label: name, columns: {id: text, name: text, number: text}, sensitive: [number]}\n";

static bool read_people(struct fixture *f, const struct register_type *reg, const char *csv, struct register_rows *rows, struct problems *problems) {
	*problems = (struct problems){.arena = f->arena};
	return data_rows_from_csv(reg, 45, "people.csv", str_from(csv), f->arena, rows, problems);
}

static void test_columns_of_registers(void **state) {
	struct fixture *f = fixture_new();
	struct problems problems;
	struct register_rows rows, again;
	struct register_change change;
	(void)state;
	package_write(f, round_of, people, NULL);
	package_write(f, lab, NULL, NULL);
	fixture_open(f, true);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	const struct register_type *reg = &definition_of(f, "round")->registers.items[0];
	assert_true(read_people(f, reg, "id,name,number\na b/1,Ida,1234\nx,Bo,5678\ny,Eva,\n", &rows, &problems));
	data_seal_rows(reg, site_keys(f->site), &rows, f->arena);
	for (size_t i = 0; i < rows.count; i++)
		assert_null(memmem(rows.items[i].data.at, rows.items[i].data.len, "1234", 4));
	OK(store_begin(f->store, &f->tx, &f->err));
	OK(register_replace(f->tx, reg->full_name, rows.items, rows.count, clock_now(), &change, &f->err));
	OK(store_commit(f->tx, &f->err));
	f->tx = NULL;
	/* The same once more is no change. */
	assert_true(read_people(f, reg, "id,name,number\na b/1,Ida,1234\nx,Bo,5678\ny,Eva,\n", &again, &problems));
	data_seal_rows(reg, site_keys(f->site), &again, f->arena);
	for (size_t i = 0; i < rows.count; i++)
		assert_true(str_equal(rows.items[i].data, again.items[i].data));
	/* A mask that comes back from an export is no value; what is wrong is not told in the open. */
	assert_false(read_people(f, reg, "id,name,number\nx,Bo,****\n", &again, &problems));
	assert_non_null(memmem(problems.items[0].text.at, problems.items[0].text.len, "'...' is not text of at most 2000 bytes that is no mask", 55));
	/* Each child has its row's number as its own. */
	int64_t id = start(f, "round", "{\"mail\":\"ida@example.dk\"}");
	OK(send_signal(f, id, "go", "{}"));
	OK(run_due(f));
	assert_str(opened(f, id + 1, "code"), "1234");
	assert_str(opened(f, id + 2, "code"), "5678");
	assert_sound(f);
	fixture_close(f);
}

static void test_wrong_columns(void **state) {
	static const struct {
		const char *registers, *text;
	} wrong[] = {
	        {"people: {key: id, label: name, columns: {id: text, name: text, number: text}, sensitive: [id]}\n", "cannot be sensitive: it is its key"},
	        {"people: {key: id, label: name, columns: {id: text, name: text, number: text}, sensitive: name}\n", "cannot be sensitive: it is its label"},
	        {"people: {key: id, label: name, columns: {id: text, name: text, number: int}, sensitive: number}\n", "it is its type, which must be text"},
	        {"people: {key: id, label: name, columns: {id: text, name: text, number: text}, sensitive: nmuber}\n", "did you mean 'number'?"},
	};
	char folder[] = "/tmp/stafet-sealed-XXXXXX", command[64];
	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct arena *a = arena_new();
		struct problems problems = {.arena = a};
		write_file(folder, "workflow.yaml", str_from(round_of));
		write_file(folder, "registers.yaml", str_from(wrong[i].registers));
		assert_null(definition_load(folder, &problems));
		bool told = false;
		for (size_t k = 0; k < problems.count; k++)
			told = told || memmem(problems.items[k].text.at, problems.items[k].text.len, wrong[i].text, strlen(wrong[i].text));
		if (!told) {
			print_problems(&problems);
			fail_msg("not told: %s", wrong[i].text);
		}
		arena_free(a);
	}
	snprintf(command, sizeof command, "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

static void test_masks(void **state) {
	struct arena *a = arena_new();
	(void)state;
	static const struct {
		const char *plain;
		int64_t shown;
		const char *mask;
	} masks[] = {{"0707611234", 6, "070761****"}, {"0707611234", 0, "****"}, {"0707611234", 10, "070761****"}, {"1234", 2, "****"}, {"", 6, "****"}, {"æøåæøå", 2, "æø****"}};
	for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
		assert_str(sealed_mask_of(str_from(masks[i].plain), masks[i].shown, a), masks[i].mask);
	assert_str(data_masked(STR("{\"a\":1,\"b\":{\"sealed\":\"1.abc X/b 07 ****\"},\"c\":{\"key\":\"æ\"}}"), a), "{\"a\":1,\"b\":\"07 ****\",\"c\":{\"key\":\"æ\"}}");
	arena_free(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_wrongs), cmocka_unit_test(test_children_must_seal), cmocka_unit_test(test_masks), cmocka_unit_test(test_columns_of_registers), cmocka_unit_test(test_wrong_columns), TEST(test_sealed_behind_the_gate),
	        TEST(test_rules_are_judged_before), TEST(test_sealed_answers), TEST(test_passed_on_to_a_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
