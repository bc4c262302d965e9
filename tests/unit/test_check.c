#include "tests/unit/definition_case.h"

#include "engine/workflow/definition_check.h"
#include "engine/workflow/gsm.h"
#include "engine/workflow/texts.h"

/* One change of the base package, and what the check tells at the mark. */
static const struct finding {
	const char *find, *replace;
	bool warning;
	const char *text;
} findings[] = {
        {"  gone: {final: true}", "  gone: {final: true}\n  ~island: {final: true}", false, "state 'island' is never reached"},
        {"  gone: {final: true}", "  ~gone: {}", false, "state 'gone' has neither 'on' nor 'after' and is not final"},
        {"  gone: {final: true}", "  ~gone: {on: {ping: {}}}", true, "state 'gone' is never left"},
        {"  unconfirmed:\n    entry:\n      - send: {to: borrower, message: confirm, link: confirm}\n    after:\n      - {in: 3d, target: gone}\n", "  ~unconfirmed:\n", true,
         "no timeout: state 'unconfirmed' waits for people"},
        /* ties */
        {"- {at: until + 1d, name: overdue, target: gone, priority: 60,", "- ~{at: until + 1d, name: overdue, target: gone,", false,
         "timers 'after-1' and 'overdue' of state 'asked' may be due at the same instant"},
        {"- {in: 3d, target: gone}", "- {every: 3d, actions: []}\n      - ~{in: 6d, target: gone}", false, "timers 'after-1' and 'after-2' of state 'unconfirmed'"},
        {"- {in: 3d, target: gone}", "- {in: 3 workdays, actions: []}\n      - ~{in: 6d, target: gone}", false, "give one another priority (both have 50)"},
        {"- {in: 3d, target: gone}", "- {in: 1h, actions: [], time: \"09:00\"}\n      - ~{in: 2h, target: gone}", false, "may be due at the same instant"},
        /* names and links */
        {"views:\n", "views:\n  closed: {kind: page, for: keeper, fields: [note]}\n", false, "'closed' is both an event and a view"},
        {"message: confirm, link: confirm", "message: confirm, link: confrm", false, "there is no event or view 'confrm'; did you mean 'confirm'?"},
        {"message: please, link: decide}\n", "message: please, link: confirm}\n", false, "role 'keeper' may not use the event 'confirm'"},
        {"message: confirm, link: confirm", "message: confirm, link: closed", false, "role 'borrower' may not use the event 'closed'"},
        /* public start */
        {"- send: {to: borrower, message: confirm", "- send: {to: [borrower, keeper], message: confirm", false, "start by strangers: 'keeper' would get this message before"},
        {"confirm: {by: borrower, form: confirm, target: asked}", "confirm: {by: [borrower, keeper], form: confirm, target: asked}", false, "start by strangers: 'keeper' would get"},
        {"- {in: 3d, target: gone}", "- {in: 3d, target: asked}", false, "start by strangers: 'keeper' would get"},
        {"- {in: 3d, target: gone}", "- {in: 3d, target: gone, actions: [{start: {workflow: other}}]}", false, "starts another workflow before"},
        {"  ask:\n    pages:\n      - {name: you, fields: [who, mail]}", "  ~ask:\n    pages:\n      - {name: you, fields: [who, {field: mail, optional: true}]}", false, "must ask for 'mail'"},
        {"  mail: {type: email}", "  ~mail: {type: email, many: 1..2}", false, "must be one contact, not many"},
        {"until, keeper_mails, {field", "until, {field", true, "role 'keeper' has no contact: no form asks for 'keeper_mails'"},
        /* documents */
        {"message: please, link: decide}\n    after", "message: please, link: decide, attach: pape}\n      - document: {name: paper, template: p}\n    after", false,
         "no action makes a document 'pape'; did you mean 'paper'?"},
        {"      - send: {to: keeper, message: please, link: decide}\n    after", "      - ~send: {to: keeper, message: please, link: decide, attach: paper}\n      - document: {name: paper, template: p}\n    after",
         false, "document 'paper' may not have been made in state 'asked'"},
        {"message: please, link: decide}\n    after", "message: please, link: decide, channel: sms, attach: paper}\n    after", false, "an SMS carries no document"},
        {"message: please, link: decide}\n    after", "message: please, link: decide}\n      - ~document: {name: paper, template: p, addendum: true}\n    after", false,
         "an addendum to document 'paper', which may not have been made"},
        {"message: please, link: decide}\n    after", "message: please, link: decide}\n      - {if: has(note), document: {name: paper, template: p}}\n      - ~send: {to: keeper, message: please, attach: paper}\n    after",
         false, "document 'paper' may not have been made"},
        /* reading what may be unset */
        {"guard: verdict == 'yes'", "guard: ~note == 'x'", true, "note"},
        {"form: confirm, target", "form: confirm, opens: \"~verdict == 'yes' ? until : until\", target", false, "verdict"},
        {"closed: {target: gone}", "closed: {target: gone, guard: ~verdict == 'yes'}", true, "verdict"},
        {"closed: {target: gone}", "closed: {target: gone, actions: [{if: ~note == 'x', set: {who: who}}]}", true, "note"},
        {"closed: {target: gone}", "closed: {target: gone, actions: [{set: {who: null}}, {set: {who: ~who}}]}", true, "who"},
        {"  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}, valid: \"note.all(n, n.~mail != mail)\"}", true, "'mail' may be left out of an item; ask has() first"},
};

/* Changes that must not be told of at all. */
static const struct {
	const char *find, *replace;
} quiet[] = {
        {NULL, NULL},
        {"  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}, valid: \"note.all(n, !has(n.mail) || n.mail != mail)\"}"},
        {"  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {from: {type: date, optional: true}, until: {type: date, min: item.from, valid: item.until > item.from}}}"},
        {"- {in: 3d, target: gone}", "- {in: 3d, actions: []}\n      - {in: 7d, target: gone}"},
        {"- {in: 3d, target: gone}", "- {every: 3d, times: 2, actions: []}\n      - {in: 9d, target: gone}"},
        {"- {in: 3d, target: gone}", "- {every: 7d, actions: []}\n      - {in: 60d, target: gone}"},
        {"- {in: 3d, target: gone}", "- {in: 7d, actions: [], time: \"08:00\"}\n      - {in: 7d, target: gone, time: \"09:00\"}"},
        {"- {in: 3d, target: gone}", "- {in: 3d, actions: []}\n      - {at: until, target: gone, priority: 51}"},
        {"start: {by: borrower, form: ask, public: true}", "start: {by: keeper, form: ask}"},
        {"guard: verdict == 'yes'", "guard: has(note) && note == 'x'"},
        {"form: confirm, target", "form: confirm, opens: until - 1d, target"},
        {"form: confirm, target", "form: confirm, opens: \"has(verdict) ? until : until\", target"},
        {"closed: {target: gone}", "closed: {target: gone, actions: [{if: has(note), set: {who: note}}]}"},
        {"message: please, link: decide}\n    after", "message: please, link: decide}\n      - document: {name: paper, template: p}\n      - send: {to: keeper, message: please, attach: paper}\n    after"},
        {"message: please, link: decide}\n    after", "message: please, link: decide}\n      - document: {name: paper, template: p}\n      - document: {name: paper, template: p, addendum: true}\n    after"},
        {"closed: {target: gone}", "closed: {target: gone, guard: has(note), actions: [{set: {who: note}}]}"},
        {"closed: {target: gone}", "closed: {target: gone, actions: [{set: {note: who}}, {set: {who: note}}]}"},
        {"  decide: {fields: [verdict], show: [thing]}\n", "  decide: {fields: [verdict, {field: note, when: verdict == 'yes'}]}\n"},
        {"  - {at: until + 1d, name: overdue", "  - {at: \"has(note) ? until + 1d : until\", name: overdue"},
};

static void test_findings(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
		struct definition_case c;
		case_open(&c, findings[i].find, findings[i].replace);
		if (c.definition)
			definition_check(c.definition, NULL, &c.problems);
		if (!c.definition || !case_told(&c, findings[i].warning, findings[i].text)) {
			print_message("%s\nexpected at %d:%d: %s\n", findings[i].replace, c.line, c.column, findings[i].text);
			case_print(&c);
			fail();
		}
		case_close(&c);
	}
}

static void test_quiet(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++) {
		struct definition_case c;
		case_open(&c, quiet[i].find, quiet[i].replace);
		if (c.definition)
			definition_check(c.definition, NULL, &c.problems);
		if (c.problems.count > 0) {
			print_message("%s\n", quiet[i].replace ? quiet[i].replace : "the base package");
			case_print(&c);
			fail();
		}
		case_close(&c);
	}
}

static bool always(struct definition_case *c, const char *state, const char *field) {
	const bool *set = definition_always_set(c->definition, c->problems.arena, definition_state(c->definition, str_from(state)));
	return set[definition_field(c->definition, str_from(field))->slot];
}

static void test_always_set(void **state) {
	(void)state;
	struct definition_case c;
	case_open(&c, NULL, NULL);
	assert_true(always(&c, "unconfirmed", "who"));
	assert_false(always(&c, "unconfirmed", "note"));
	assert_false(always(&c, "unconfirmed", "ok"));
	assert_true(always(&c, "asked", "ok"));
	assert_false(always(&c, "asked", "verdict"));
	assert_true(always(&c, "lent", "verdict"));
	assert_false(always(&c, "gone", "verdict")); /* by timer, signal or verdict */
	assert_false(always(&c, "gone", "ok"));
	case_close(&c);
	/* cleared while it waits; sent on when a guard tested it */
	case_open(&c, "closed: {target: gone}", "closed: {actions: [{set: {who: null}}]}");
	assert_false(always(&c, "asked", "who"));
	assert_false(always(&c, "lent", "who"));
	assert_true(always(&c, "unconfirmed", "who"));
	case_close(&c);
	/* what one way to start leaves unset */
	case_open(&c, "form: ask, public: true", "form: ask, mail: {subject: who, text: note}");
	assert_true(always(&c, "unconfirmed", "mail"));
	assert_false(always(&c, "unconfirmed", "who"));
	assert_false(always(&c, "unconfirmed", "note"));
	assert_false(always(&c, "unconfirmed", "until"));
	case_close(&c);
	case_open(&c, "guard: verdict == 'yes'", "guard: verdict == 'yes' && has(note)");
	assert_true(always(&c, "lent", "note"));
	assert_false(always(&c, "gone", "note"));
	case_close(&c);
	case_open(&c, "  decide: {fields: [verdict], show: [thing]}\n", "  decide: {fields: [verdict, {field: note, when: verdict=='yes'}]}\n");
	assert_true(always(&c, "lent", "note")); /* asked for when the guard holds */
	assert_false(always(&c, "gone", "note"));
	case_close(&c);
	case_open(&c, "  decide: {fields: [verdict], show: [thing]}\n", "  decide: {fields: [verdict, {field: note, when: verdict == 'no'}]}\n");
	assert_false(always(&c, "lent", "note"));
	case_close(&c);
	case_open(&c, "  note: {type: longtext}", "  note: {type: longtext, default: \"'x'\"}");
	assert_false(always(&c, "asked", "note")); /* the start form may clear it */
	case_close(&c);
}

/* messages and texts */

static const char base_texts[] =
        "title: Loans\n"
        "roles: {borrower: Borrower, keeper: Keeper}\n"
        "fields:\n"
        "  who: {label: Who}\n"
        "  mail: {label: Mail}\n"
        "  keeper_mails: {label: Keepers}\n"
        "  thing: {label: Thing}\n"
        "  until: {label: Until}\n"
        "  note: {label: Note}\n"
        "  ok: {label: OK}\n"
        "  verdict: {label: Verdict, options: {yes: Yes, no: No}}\n"
        "forms:\n"
        "  ask: {title: Ask, pages: {you: You, it: It}}\n"
        "  confirm: {title: Confirm}\n"
        "  decide: {title: Decide}\n"
        "states: {unconfirmed: Unconfirmed, asked: Asked, lent: Lent, gone: Gone}\n"
        "events: {confirm: Confirm it, decide: Decide it}\n"
        "views: {mine: {title: Mine}, one: {title: One}}\n";

static const char base_message[] = "subject: About {{thing.name}}\n---\nHello {{who}}, [here]({{link}}).\n{{#note}}{{note}}{{/note}}\n";

/* One file with other contents (NULL: not there), in addition a change of workflow.yaml. */
static const struct words {
	const char *file, *contents;
	const char *find, *replace;
	bool warning;
	const char *text; /* NULL: nothing is told */
} words[] = {
        {"README.md", "x", NULL, NULL, false, NULL},
        {"texts/en.yaml", "title: Loans\n", NULL, NULL, false, "text 'fields.verdict.options.yes' is missing"},
        {"texts/en.yaml", "title: Loans\n", NULL, NULL, false, "text 'states.asked' is missing"},
        {"texts/en.yaml", "title: Loans\n", NULL, NULL, false, "text 'events.decide' is missing"},
        {"texts/en.yaml", "title: Loans\n", NULL, NULL, false, "text 'forms.ask.pages.it' is missing"},
        {"texts/en.yaml", "title: Loans\n", NULL, NULL, false, "text 'views.one.title' is missing"},
        {"texts/en.yaml", "title: Loans\nfields: {who: {label: Who, date: short}}\n", NULL, NULL, false, "text 'fields.who.date': only a field of type date"},
        {"README.md", "x", "  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}}", false, "text 'fields.note.item' is missing"},
        {"README.md", "x", "  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}}", false, "text 'fields.note.fields.mail.label' is missing"},
        {"messages/please.da.md", "subject: x\n---\n{{#note}}{{nam}}{{/note}} [a]({{link}})\n", "  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}}", false, "unknown name '{{nam}}'"},
        {"messages/please.da.md", "subject: x\n---\n{{name}}{{#note}}{{name}}{{/note}} [a]({{link}})\n", "  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}}", false, "unknown name '{{name}}'"},
        {"messages/please.da.md", "subject: x\n---\n{{note.name}} [a]({{link}})\n", "  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}}", false, "'note' has no columns"},
        {"messages/please.da.md", "subject: x\n---\n{{note}} [a]({{link}})\n", "  note: {type: longtext}", "  note: {type: group, many: 1..3, fields: {name: {type: text}, mail: {type: email, optional: true}}}", false, "'{{note}}' may be unset"},
        {"README.md", "x", "initial: unconfirmed", "catalogues: {all: {register: things, columns: [shelf]}}\ninitial: unconfirmed", false, "text 'catalogues.all.columns.shelf' is missing"},
        {"texts/en.yaml", "title: Loans\ncatalogues: {all: {chose: Take}}\n", NULL, NULL, false, "unknown key 'chose'; did you mean 'choose'?"},
        {"texts/en.yaml", "title: Loans\nfields: {note: {fields: {mail: {labl: Mail}}}}\n", NULL, NULL, false, "unknown key 'labl'; did you mean 'label'?"},
        {"texts/en.yaml", "title: Loans\nfields: {note: {fields: {mail: {item: Mail}}}}\n", NULL, NULL, false, "unknown key 'item'"},
        {"texts/en.yaml", "title: Loans\nfields: {note: {item: \"{{who}}\"}}\n", NULL, NULL, false, "{{...}} may stand only in"},
        {"messages/please.en.md", NULL, NULL, NULL, false, "message 'please' is missing as mail in 'en': expected messages/please.en.md"},
        {"messages/old.da.md", base_message, NULL, NULL, true, "message 'old' is never sent"},
        {"messages/please.da.md", "subject: x\n---\nHello {{whoo}} {{link}}\n", NULL, NULL, false, "unknown name '{{whoo}}'; did you mean '{{who}}'?"},
        {"messages/please.da.md", "subject: x\n---\n{{thing.colour}} [a]({{link}})\n", NULL, NULL, false, "register 'things' has no column 'colour'"},
        {"messages/please.da.md", "subject: x\n---\n{{who.name}} [a]({{link}})\n", NULL, NULL, false, "'who' has no columns"},
        {"messages/please.da.md", "subject: x\n---\n{{note}} [a]({{link}})\n", NULL, NULL, false, "'{{note}}' may be unset when message 'please' is sent in state 'asked'"},
        {"messages/please.da.md", "subject: {{verdict}}\n---\n[a]({{link}})\n", NULL, NULL, false, "'{{verdict}}' may be unset"},
        {"messages/please.da.md", "subject: x\n---\nNo link\n", NULL, NULL, true, "does not use {{link}}"},
        {"messages/please.da.md", "subject: x\n---\nOn\n12. May we meet [a]({{link}})\n", NULL, NULL, true, "the line '12. May we meet"},
        {"messages/please.da.md", "subject: x\n---\n1. one [a]({{link}})\n2. two\n", NULL, NULL, false, NULL},
        {"README.md", "x", "message: lent, link: one", "message: lent", false, "'{{link}}', but when message 'lent' is sent in state 'lent' there is no 'link'"},
        {"README.md", "x", "- send: {to: keeper, message: please,", "- send: {to: keeper, message: please, channel: sms,", false, "nobody gets this message: none of its roles has a contact for SMS"},
        {"README.md", "x", "keeper_mails: {type: email", "keeper_mails: {type: phone", false, "message 'please' is missing as SMS in 'da': expected messages/please.da.txt"},
        {"messages/please.da.txt", "Answer: {{link}} \xd0\x96", "keeper_mails: {type: email", "keeper_mails: {type: phone", true, "U+0416"},
        {"messages/please.da.txt",
         "An answer that takes many words before it comes to what it wants, and then some more words, so that one part is not enough for all of them: {{link}}",
         "keeper_mails: {type: email", "keeper_mails: {type: phone", true, "longer than one part"},
};

static void write_texts(const char *folder) {
	static const char *const messages[] = {"confirm", "please", "lent"};
	static const char *const languages[] = {"da", "en"};
	char path[200];
	snprintf(path, sizeof path, "%s/texts", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/messages", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t l = 0; l < 2; l++) {
		snprintf(path, sizeof path, "texts/%s.yaml", languages[l]);
		case_write(folder, path, base_texts);
		for (size_t m = 0; m < 3; m++) {
			snprintf(path, sizeof path, "messages/%s.%s.md", messages[m], languages[l]);
			case_write(folder, path, base_message);
		}
	}
}

static void check_words_case(const struct words *w) {
	struct definition_case c;
	const struct str languages[] = {STR("da"), STR("en")};
	case_open(&c, w->find, w->replace);
	write_texts(c.folder);
	if (w->contents) {
		case_write(c.folder, w->file, w->contents);
	} else {
		char path[200];
		snprintf(path, sizeof path, "%s/%s", c.folder, w->file);
		assert_int_equal(unlink(path), 0);
	}
	assert_non_null(c.definition);
	struct texts *texts = texts_load(c.folder, languages, 2, &c.problems);
	if (texts)
		definition_check(c.definition, texts, &c.problems);
	texts_free(texts);
	if (w->text ? !case_told(&c, w->warning, w->text) : c.problems.count > 0) {
		print_message("%s: %s\nexpected: %s\n", w->file, w->contents ? w->contents : "(none)", w->text ? w->text : "nothing");
		case_print(&c);
		fail();
	}
	case_close(&c);
}

static void test_words(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		check_words_case(&words[i]);
}

static void test_gsm(void **state) {
	(void)state;
	uint32_t foreign;
	assert_int_equal(gsm_septets(STR("abc \xc3\xa6\xc3\xb8\xc3\xa5\n"), &foreign), 8);
	assert_int_equal(foreign, 0);
	assert_int_equal(gsm_septets(STR("{\xe2\x82\xac}"), &foreign), 6);
	assert_int_equal(foreign, 0);
	assert_int_equal(gsm_septets(STR("^{}\\[~]|\f@$_"), &foreign), 9 * 2 + 3);
	assert_int_equal(foreign, 0);
	gsm_septets(STR("a`b"), &foreign);
	assert_int_equal(foreign, '`');
	gsm_septets(STR("\xe2\x80\x9cx"), &foreign);
	assert_int_equal(foreign, 0x201C);
}

static struct gsm_cost cost_of_many(const char *text, size_t count) {
	struct buf many;
	buf_init(&many, 10000);
	while (count-- > 0)
		buf_z(&many, text);
	struct gsm_cost cost = gsm_cost(buf_text(&many));
	buf_free(&many);
	return cost;
}

static void test_gsm_parts(void **state) {
	(void)state;
	const struct {
		const char *text;
		size_t count, parts;
	} table[] = {
	        {"a", 0, 0}, {"a", 1, 1}, {"a", 160, 1}, {"a", 161, 2}, {"a", 306, 2}, {"a", 307, 3}, {"\xc3\xa6", 160, 1},
	        {"\xe2\x82\xac", 80, 1}, {"\xe2\x82\xac", 81, 2},
	        /* 76 of them fill 152 of 153: the next one goes whole into the next part */
	        {"\xe2\x82\xac", 152, 2}, {"\xe2\x82\xac", 153, 3},
	        {"\xc3\xa1", 70, 1}, {"\xc3\xa1", 71, 2}, {"\xc3\xa1", 134, 2}, {"\xc3\xa1", 135, 3},
	        /* a pair is two units: 33 of them in 67 */
	        {"\xf0\x9f\x98\x80", 35, 1}, {"\xf0\x9f\x98\x80", 36, 2}, {"\xf0\x9f\x98\x80", 66, 2}, {"\xf0\x9f\x98\x80", 67, 3},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct gsm_cost cost = cost_of_many(table[i].text, table[i].count);
		if (cost.parts != table[i].parts)
			fail_msg("%zu times \"%s\": %zu parts, expected %zu", table[i].count, table[i].text, cost.parts, table[i].parts);
	}
	assert_int_equal(cost_of_many("a", 200).foreign, 0);
	assert_int_equal(gsm_cost(STR("Hej \xf0\x9f\x98\x80\xc3\xa1")).foreign, 0x1F600);
}

int main(void) {
	struct err err;
	if (!secret_init(&err))
		return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_findings), cmocka_unit_test(test_quiet), cmocka_unit_test(test_always_set),
	        cmocka_unit_test(test_words),    cmocka_unit_test(test_gsm), cmocka_unit_test(test_gsm_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
