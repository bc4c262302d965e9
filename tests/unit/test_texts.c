#include "engine/workflow/texts.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/definition_case.h"

static const char words_da[] =
        "title: Udlån\n"
        "intro: |\n"
        "  Hej **{{who}}**\n"
        "roles: {borrower: Låner}\n"
        "fields:\n"
        "  who: {label: Navn, hint: \"Dit _navn_\"}\n"
        "  thing: {label: Ting, title: shelf}\n"
        "  verdict: {label: Svar, options: {'yes': Ja tak, 'no': Nej tak}}\n"
        "  marks: {label: Karakterer, scale: {0: Slet ikke, 2: Ret godt}}\n"
        "forms:\n"
        "  ask: {title: Spørg, submit: Send, pages: {you: Om dig}, receipt: {title: Tak, text: \"Vi skriver til {{mail}}\"}}\n"
        "states: {asked: Spurgt}\n"
        "events: {decide: Afgør}\n"
        "views: {mine: {title: Mine, empty: Ingen, not-ready: Vent}}\n";
static const char words_en[] = "title: Loan\nroles: {borrower: Borrower}\n";
static const char mail_da[] = "subject: Svar til {{who}}\n---\nHej {{who}}\n\n[Åbn]({{link}})\n";

static const struct str both[] = {{"da", 2}, {"en", 2}};

static struct definition_case c;
static struct texts *texts;

static void write_at(const char *name, const char *text) {
	char path[120];
	snprintf(path, sizeof path, "%s/texts", c.folder);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/messages", c.folder);
	mkdir(path, 0700);
	case_write(c.folder, name, text);
}

static int set_up(void **state) {
	(void)state;
	case_open(&c, NULL, NULL);
	if (c.problems.count > 0)
		case_print(&c);
	assert_non_null(c.definition);
	write_at("texts/da.yaml", words_da);
	write_at("texts/en.yaml", words_en);
	write_at("messages/please.da.md", mail_da);
	write_at("messages/please.en.md", "subject: To {{who}}\r\n---\r\nHi\r\n");
	write_at("messages/please.da.txt", "Hej: {{link}}\n");
	write_at("messages/please.fr.md", "not read\n");
	write_at("messages/.hidden", "not read\n");
	texts = NULL;
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	texts_free(texts);
	case_close(&c);
	return 0;
}

static void load(void) {
	texts = texts_load(c.folder, both, 2, &c.problems);
	if (!texts)
		case_print(&c);
	assert_non_null(texts);
}

#define DA STR("da")
#define EN STR("en")
#define assert_str(got, expected)                                                         \
	do {                                                                              \
		struct str got_ = (got);                                                  \
		if (!str_is(got_, expected))                                              \
			fail_msg("'%.*s' is not '%s'", STR_ARG(got_), expected);          \
	} while (0)

static void looks_up(void **state) {
	(void)state;
	load();
	assert_str(texts_get(texts, EN, "title"), "Loan");
	assert_str(texts_get(texts, EN, "states.asked"), "Spurgt");
	assert_str(texts_get(texts, STR("fr"), "title"), "Udlån");
	assert_str(texts_get(texts, DA, "forms.ask.receipt.text"), "Vi skriver til {{mail}}");
	assert_str(texts_get(texts, DA, "fields.verdict"), "");
	assert_str(texts_get(texts, DA, "title.more"), "");
	assert_str(texts_get(texts, DA, ""), "");
	assert_str(texts_get(texts, DA, "a.b.c.d.e.f.g.h"), "");
	assert_str(texts_at(texts, DA, STR("fields"), STR("verdict"), STR("options"), STR("yes")), "Ja tak");
	assert_str(texts_at(texts, DA, STR("roles"), STR("borrower"), STR(""), STR("")), "Låner");
	assert_true(texts_has(texts, DA, "views.mine.not-ready"));
	assert_false(texts_has(texts, EN, "views.mine.not-ready"));
	assert_false(texts_has(texts, STR("fr"), "title"));
}

static const struct text *find(const char *path) {
	return texts_find(texts, DA, str_from(path), STR(""), STR(""), STR(""));
}

/* What pages show is made once: HTML, or a template where something is filled in. */
static void prepares_markdown(void **state) {
	(void)state;
	load();
	assert_str(find("fields.who.hint")->html, "<p>Dit <em>navn</em></p>\n");
	assert_null(find("fields.who.hint")->template);
	assert_str(find("fields.who.hint")->written, "Dit _navn_");
	assert_non_null(find("intro")->template);
	assert_str(find("intro")->html, "");
	assert_str(find("views.mine.not-ready")->html, "<p>Vent</p>\n");
	assert_null(find("title")->template);
	assert_str(find("title")->html, "");
}

static void finds_by_pieces(void **state) {
	(void)state;
	char many[1000];
	load();
	const struct text *label = find("fields.thing.label");
	assert_non_null(label);
	assert_ptr_equal(texts_find(texts, DA, STR("fields"), STR("thing"), STR("label"), STR("")), label);
	assert_ptr_equal(texts_find(texts, DA, STR("fields.thing"), STR("label"), STR(""), STR("no more")), label);
	assert_ptr_equal(texts_find(texts, EN, STR("fields"), STR("thing.label"), STR(""), STR("")), label);
	assert_null(texts_find(texts, DA, STR("fields"), STR("thing"), STR(""), STR("")));
	assert_null(texts_find(texts, DA, STR("fields"), STR("thing"), STR("labels"), STR("")));
	assert_null(texts_find(texts, DA, STR("field"), STR("thing"), STR("label"), STR("")));
	assert_null(texts_find(texts, DA, STR(""), STR("title"), STR(""), STR("")));
	assert_str(texts_own(texts, DA, STR("fields"), STR("thing"), STR("title")), "shelf");
	assert_str(texts_own(texts, EN, STR("fields"), STR("thing"), STR("title")), "");
	memset(many, 'x', sizeof many);
	assert_null(texts_find(texts, DA, STR("fields"), (struct str){many, sizeof many}, STR("label"), STR("")));
	assert_null(texts_find(texts, DA, (struct str){many, 400}, STR("x"), STR(""), STR("")));
}

static void has_messages(void **state) {
	(void)state;
	load();
	assert_int_equal(texts_message_count(texts), 3);
	const struct message *m = texts_message(texts, STR("please"), CHANNEL_MAIL, EN);
	assert_str(m->language, "en");
	assert_non_null(m->subject);
	assert_str(texts_message(texts, STR("please"), CHANNEL_SMS, EN)->language, "da");
	assert_null(texts_message(texts, STR("please"), CHANNEL_SMS, EN)->subject);
	assert_null(texts_message(texts, STR("other"), CHANNEL_MAIL, DA));
	struct template_names names = {0};
	template_names(texts_message(texts, STR("please"), CHANNEL_MAIL, DA)->body, c.problems.arena, &names);
	assert_int_equal(names.count, 2);
	assert_int_equal(names.items[1].place.line, 5);
	assert_int_equal(names.items[1].place.column, 7);
	assert_non_null(strstr(names.items[1].place.file, "messages/please.da.md"));
}

/* Each file is refused, with a text that holds `why`, at this line. */
static void tells_what_is_wrong(void **state) {
	static const struct {
		const char *file, *text, *why;
		int line;
	} table[] = {
	        {"texts/da.yaml", "title: A\ntitle: B\n", "title", 2},
	        {"texts/da.yaml", "titel: A\n", "unknown key 'titel'; did you mean 'title'?", 1},
	        {"texts/da.yaml", "fields:\n  who: {lable: A}\n", "did you mean 'label'?", 2},
	        {"texts/da.yaml", "forms: {ask: {receipt: {xyz: A}}}\n", "unknown key 'xyz'; expected one of title, text", 1},
	        {"texts/da.yaml", "title: [a]\n", "'title': found a list, expected a text", 1},
	        {"texts/da.yaml", "title: A\nintro:\n", "'intro': found nothing", 2},
	        {"texts/da.yaml", "fields: A\n", "'fields': expected a map", 1},
	        {"texts/da.yaml", "- a\n", "'the file': expected a map", 1},
	        {"texts/da.yaml", "intro: Hej {{#a}}\n", "section 'a' is not closed", 1},
	        {"texts/da.yaml", "title: Hej {{who}}\n", "'title': {{...}} may stand only in", 1},
	        {"messages/please.da.md", "Hej\n", "found 'Hej', expected 'subject: ...' or ---", 1},
	        {"messages/please.da.md", "---\nHej\n", "the subject is missing", 1},
	        {"messages/please.da.md", "subject: A\n", "expected a line of ---", 2},
	        {"messages/please.da.md", "subject: A\nsubject: B\n---\nHej\n", "'subject' stands twice", 2},
	        {"messages/please.da.md", "subject:\n---\nHej\n", "found a subject of 0 bytes", 1},
	        {"messages/please.da.md", "subject: {{a\n---\nHej\n", "'{{' without '}}'", 1},
	        {"messages/please.da.md", "subject: A\n---\n\n", "the message has no text", 3},
	        {"messages/please.da.md", "subject: A\n---\nHej\n{{b c}}\n", "'b c' is no name", 4},
	        {"messages/please.da.md", "subject: A\n---\n\xFF\n", "not UTF-8", 3},
	        {"messages/please.da.txt", "Hej\n\x01\n", "control character (U+0001)", 2},
	        {"messages/please.da.txt", "", "the message has no text", 1},
	        {"messages/please.md", "x", "expected a file name such as confirm.da.md", 1},
	        {"messages/please.da.html", "x", "expected a file name such as confirm.da.md", 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char path[120];
		tear_down(NULL);
		set_up(NULL);
		write_at(table[i].file, table[i].text);
		texts = texts_load(c.folder, both, 2, &c.problems);
		assert_null(texts);
		c.line = table[i].line;
		bool told = false;
		snprintf(path, sizeof path, "%s/%s", c.folder, table[i].file);
		for (size_t k = 0; k < c.problems.count; k++) {
			const struct problem *p = &c.problems.items[k];
			told = told || (p->place.line == c.line && strcmp(p->place.file, path) == 0 && memmem(p->text.at, p->text.len, table[i].why, strlen(table[i].why)));
		}
		if (!told) {
			case_print(&c);
			fail_msg("%s: '%s' was not told in line %d", table[i].file, table[i].why, c.line);
		}
	}
}

static void files_may_be_missing(void **state) {
	char path[120];
	(void)state;
	snprintf(path, sizeof path, "%s/texts/en.yaml", c.folder);
	assert_int_equal(unlink(path), 0);
	load();
	assert_str(texts_get(texts, EN, "title"), "Udlån");
	texts_free(texts);
	snprintf(path, sizeof path, "%s/texts/da.yaml", c.folder);
	assert_int_equal(unlink(path), 0);
	texts = texts_load(c.folder, both, 2, &c.problems);
	assert_null(texts);
	assert_true(case_told(&c, false, "no texts: expected texts/da.yaml"));
	texts = texts_load("/tmp/no-such-folder", both, 2, &c.problems);
	assert_null(texts);
}

static bool row(void *context, const struct register_type *reg, struct str key, int64_t version, struct arena *a, struct value *out, struct err *err) {
	static struct value members[4];
	(void)context, (void)version, (void)a;
	if (!str_is(key, "sav"))
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "no such row");
	members[0] = value_string(STR("sav"));
	members[1] = value_string(STR("Rundsav"));
	members[2] = value_string(STR("Hylde 2"));
	members[3] = value_int(1350);
	*out = (struct value){.kind = KIND_RECORD, .record = {&reg->record, members, STR("1")}};
	return true;
}

static struct str shown(const struct language *l, struct zone *zone, const char *field, struct value value) {
	struct register_port port = {.row = row};
	return texts_value(texts, c.definition, l, zone, definition_field(c.definition, str_from(field)), &value, &port, c.problems.arena);
}

static void values_for_people(void **state) {
	struct err err = {0};
	struct languages *languages = languages_open(NULL, &err);
	struct zone *zone = zone_open("Europe/Copenhagen", &err);
	struct value saw, mails[] = {value_string(STR("a@x.dk")), value_string(STR("b@x.dk"))}, levels[] = {value_int(2), value_int(1)};
	struct str keys[] = {STR("sav"), STR("gone")};
	(void)state;
	load();
	const struct language *da = language_get(languages, DA), *en = language_get(languages, EN);
	const struct register_type *things = definition_register(c.definition, STR("things"));
	assert_true(row(NULL, things, STR("sav"), 0, NULL, &saw, &err));
	assert_str(shown(da, zone, "who", value_string(STR("Ida"))), "Ida");
	assert_str(shown(da, zone, "who", VALUE_UNSET), "");
	assert_str(shown(da, zone, "verdict", value_string(STR("yes"))), "Ja tak");
	assert_str(shown(da, zone, "verdict", value_string(STR("maybe"))), "maybe");
	assert_str(shown(da, zone, "ok", value_bool(true)), "Ja");
	assert_str(shown(en, zone, "ok", value_bool(false)), "No");
	assert_str(shown(da, zone, "until", value_date(civil_day(2024, 4, 2))), "tirsdag den 2. april 2024");
	assert_str(shown(en, zone, "until", value_date(civil_day(2024, 4, 2))), "Tuesday 2 April 2024");
	assert_str(shown(da, zone, "thing", saw), "Hylde 2");
	assert_str(shown(en, zone, "thing", saw), "Rundsav"); /* what Danish shows is not English */
	assert_str(shown(da, zone, "who", value_int(2024)), "2024");
	assert_str(shown(da, zone, "who", value_int(-13500)), "-13.500");
	assert_str(shown(da, zone, "who", value_double(12.5)), "12,5");
	assert_str(shown(da, zone, "who", value_datetime(civil_day(2024, 4, 2) * CIVIL_DAY_MS + 12 * 3600000)), "tirsdag den 2. april 2024 kl. 12.00");
	assert_str(shown(da, zone, "keeper_mails", (struct value){.kind = KIND_LIST, .list = {mails, NULL, 2}}), "a@x.dk og b@x.dk");
	assert_str(shown(da, zone, "marks", (struct value){.kind = KIND_MAP, .list = {levels, keys, 2}}), "Rundsav: Ret godt\ngone: 1");
	zone_close(zone);
	languages_close(languages);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(looks_up, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(prepares_markdown, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(finds_by_pieces, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(has_messages, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(tells_what_is_wrong, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(files_may_be_missing, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(values_for_people, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
