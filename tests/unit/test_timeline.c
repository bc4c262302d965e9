/* What a reader is told of an instance, and what not. */
#include "tests/unit/portal_case.h"

#include "engine/store/handle.h"
#include "engine/store/people.h"
#include "otp-portal/columns.h"
#include "otp-portal/show_page.h"

static struct receipt begin(struct portal_case *c) {
	static const char *const pairs[][2] = {{"person", "Ida Holm"}, {"email", "ida@example.dk"}, {"kind", "small"}, {"amount", "3"}, {"part", "k1"}, {"day", "2026-12-05"}, {"why", "hemmelig grund"}};
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt receipt;
	struct tx *tx;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		answers_put(&answers, c->arena, str_from(pairs[i][0]), str_from(pairs[i][1]));
	answers_put(&answers, c->arena, STR("boss_emails"), STR("boss@firma.dk"));
	answers_put(&answers, c->arena, STR("boss_emails"), STR("next@firma.dk"));
	struct start_request request = {.workflow = STR("order"), .answers = &answers};
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(engine_start(c->engine, tx, clock_now(), &request, c->arena, &problems, &receipt, &c->err));
	assert_true(store_commit(tx, &c->err));
	return receipt;
}

static int64_t contact_of(struct portal_case *c, struct view *v, const char *address) {
	struct contact contact;
	assert_true(contact_find(v, CHANNEL_MAIL, str_from(address), c->arena, &contact, &c->err));
	return contact.id;
}

static void act(struct portal_case *c, int64_t id, const char *address, const char *role, const char *event, const char *json) {
	struct form_problems problems = {0};
	struct answers answers = {0};
	struct instance instance;
	struct receipt receipt;
	struct link link;
	struct tx *tx;
	bool found;
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(instance_load(tx_view(tx), id, c->arena, &instance, &c->err));
	assert_true(link_find(tx_view(tx), id, contact_of(c, tx_view(tx), address), str_from(role), str_from(event), c->arena, &link, &found, &c->err) && found);
	assert_true(answers_from_json(str_from(json), c->arena, &answers, &c->err));
	struct act_request request = {.link = &link, .version = instance.version, .answers = &answers};
	if (!engine_act(c->engine, tx, clock_now(), &request, c->arena, &problems, &receipt, &c->err))
		fail_msg("%s: %s", c->err.text, problems.count ? problems.items[0].key : "");
	assert_true(store_commit(tx, &c->err));
}

/* The page view as this address sees it. */
static void look(struct portal_case *c, int64_t id, const char *address) {
	const struct package *package = site_package(c->site, STR("order"));
	struct view *v = store_view(c->store, &c->err);
	struct register_port port = data_store_port(v);
	struct instance instance;
	struct value *values = ARENA_ARRAY(c->arena, package->definition->fields.count, struct value);
	struct request r = {.arena = c->arena, .world = &c->world, .now = clock_now(), .language = language_get(site_languages(c->site), STR("da"))};
	assert_true(instance_load(v, id, c->arena, &instance, &c->err));
	assert_true(data_from_json(package->definition, instance.data, &port, c->arena, values, &c->err));
	struct show_view show = {.package = package, .definition = package->definition, .rule = definition_view(package->definition, STR("one")), .instance = &instance, .values = values};
	show.contact_id = address ? contact_of(c, v, address) : 0;
	response_init(&c->response);
	show_page(&r, v, &show, &c->response);
	view_close(v);
	buf_clear(&c->page);
	buf_str(&c->page, buf_text(&c->response.body));
	buf_free(&c->response.body);
	assert_int_equal(c->response.status, 200);
}

static void test_everybody_is_told_what_their_role_sees(void **state) {
	struct portal_case *c = *state;
	int64_t id = begin(c).instance_id;
	act(c, id, "ida@example.dk", "asker", "confirm", "{\"agreed\":\"true\"}");
	/* the asker typed the addresses, and knows them */
	look(c, id, "ida@example.dk");
	SHOWS("<h2>Sagens gang</h2>");
	SHOWS("<div>Sagen begyndte</div><div>Status: Ubekræftet</div>");
	SHOWS("<div>Udført: Bekræft</div><div class=\"caption\">Af Bestiller (dig)</div><div>Status: Venter</div>");
	SHOWS("<div>På vej: Anmodning til Chef (boss@firma.dk)</div>");
	SHOWS("<div>På vej: Anmodning til Chef (next@firma.dk)</div>");
	SHOWS("<div>På vej: Mail til Bestiller (dig)</div>");
	assert_true(strstr(c->page.at, "Sagen begyndte") < strstr(c->page.at, "Udført: Bekræft")); /* of one minute: as it happened */
	assert_null(strstr(strstr(c->page.at, "Det er sket") + 1, "</li>\n<li>"));
	/* the boss is shown the name by a form, but nobody's address */
	look(c, id, "boss@firma.dk");
	SHOWS("<div class=\"caption\">Af Bestiller (Ida Holm)</div>");
	SHOWS("På vej: Anmodning til Chef (dig)");
	SHOWS("<div>På vej: Anmodning til Chef</div>");
	HIDES("next@firma.dk");
	HIDES("ida@example.dk");
	/* somebody else is told the roles */
	look(c, id, NULL);
	SHOWS("<div class=\"caption\">Af Bestiller</div>");
	HIDES("Ida Holm");
	HIDES("@firma.dk");
	HIDES("(dig)");
	char *first = strstr(c->page.at, "På vej: Anmodning til Chef");
	assert_non_null(first);
	assert_null(strstr(first + 1, "På vej: Anmodning til Chef")); /* both bosses in one line */
	/* nobody is told what was written */
	HIDES("hemmelig grund");
	SHOWS("Ikke endnu");
	SHOWS("<dt>Størrelse</dt><dd>Lille</dd>"); /* but what the page's head is of */
	HIDES("Haster det?");
}

static void test_what_is_next(void **state) {
	struct portal_case *c = *state;
	int64_t id = begin(c).instance_id;
	look(c, id, "ida@example.dk");
	SHOWS("<h3>Det næste</h3>");
	SHOWS("<div>Frist</div><div>Derefter er status: Udløbet</div>");
	act(c, id, "ida@example.dk", "asker", "confirm", "{\"agreed\":\"true\"}");
	act(c, id, "boss@firma.dk", "boss", "decide", "{\"verdict\":\"yes\",\"marks\":{\"k1\":\"1\",\"k 2\":\"2\"}}");
	look(c, id, "boss@firma.dk");
	SHOWS("<div>Bestillingen er afgjort</div><div class=\"caption\">Af Chef (dig)</div><div>Status: Færdig</div>");
	HIDES("Det næste");
	SHOWS("Ja tak"); /* the page itself is ready */
	SHOWS("<dt>Størrelse</dt><dd>Lille</dd>");
	HIDES("Haster det?"); /* nobody was asked */
	look(c, id, NULL);
	SHOWS("Bestiller (Ida Holm)"); /* a field of the page */
}

static void report(struct portal_case *c, int64_t id, const char *to, enum outbox_state state, enum delivery delivery) {
	struct outbox_list rows;
	struct tx *tx;
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(outbox_of_instance(tx_view(tx), id, c->arena, &rows, &c->err));
	for (size_t i = 0; i < rows.count; i++) {
		const char *sql = arena_printf(c->arena, "UPDATE outbox SET state = '%s', delivery = '%s', sent_at = %lld WHERE id = %lld", outbox_state_name(state), delivery_name(delivery), (long long)clock_now(), (long long)rows.items[i].id).at;
		if (str_is(rows.items[i].recipient, to) && str_is(rows.items[i].message, "please"))
			assert_true(db_script(tx_db(tx), sql, &c->err));
	}
	assert_true(store_commit(tx, &c->err));
}

static void settle(struct portal_case *c, int64_t id, const char *to, enum outbox_state state) {
	report(c, id, to, state, DELIVERY_NONE);
}

static void test_messages_tell_their_fate(void **state) {
	struct portal_case *c = *state;
	int64_t id = begin(c).instance_id;
	act(c, id, "ida@example.dk", "asker", "confirm", "{\"agreed\":\"true\"}");
	settle(c, id, "boss@firma.dk", OUTBOX_SENT);
	settle(c, id, "next@firma.dk", OUTBOX_FAILED);
	look(c, id, "ida@example.dk");
	SHOWS("Sendt: Anmodning til Chef (boss@firma.dk)");
	SHOWS("Stoppet: Anmodning til Chef (next@firma.dk)");
	settle(c, id, "boss@firma.dk", OUTBOX_UNKNOWN);
	settle(c, id, "next@firma.dk", OUTBOX_CANCELLED);
	look(c, id, "ida@example.dk");
	SHOWS("Uvist: Anmodning til Chef (boss@firma.dk)");
	HIDES("next@firma.dk");
	report(c, id, "boss@firma.dk", OUTBOX_SENT, DELIVERY_FAILED);
	report(c, id, "next@firma.dk", OUTBOX_SENT, DELIVERY_DELIVERED);
	look(c, id, "ida@example.dk");
	SHOWS("Kommet retur: Anmodning til Chef (boss@firma.dk)");
	SHOWS("Afleveret: Anmodning til Chef (next@firma.dk)");
}

/* As an overview tells it of a role with two people. */
static const char *delivery(struct portal_case *c, int64_t id, const char *role, bool wrong) {
	struct request r = {.arena = c->arena, .world = &c->world, .now = clock_now(), .language = language_get(site_languages(c->site), STR("da"))};
	struct instance instance = {.id = id};
	struct prose p = {.r = &r, .instance = &instance};
	struct view *v = store_view(c->store, &c->err);
	struct delivered told;
	assert_true(column_delivery(&p, v, str_from(role), &told, &c->err));
	assert_int_equal(told.wrong, wrong);
	view_close(v);
	return arena_str(c->arena, column_delivered(&p, &told)).at;
}

static void test_an_overview_tells_what_needs_most_attention(void **state) {
	struct portal_case *c = *state;
	int64_t id = begin(c).instance_id;
	assert_string_equal(delivery(c, id, "boss", false), "");
	act(c, id, "ida@example.dk", "asker", "confirm", "{\"agreed\":\"true\"}");
	assert_string_equal(delivery(c, id, "boss", false), "På vej");
	settle(c, id, "boss@firma.dk", OUTBOX_SENT);
	assert_string_equal(delivery(c, id, "boss", false), "På vej (1 af 2)");
	report(c, id, "next@firma.dk", OUTBOX_SENT, DELIVERY_DELIVERED);
	assert_string_equal(delivery(c, id, "boss", false), "Sendt (1 af 2)");
	report(c, id, "boss@firma.dk", OUTBOX_SENT, DELIVERY_FAILED);
	assert_string_equal(delivery(c, id, "boss", true), "Kommet retur (1 af 2)");
	report(c, id, "next@firma.dk", OUTBOX_SENT, DELIVERY_EXPIRED);
	assert_string_equal(delivery(c, id, "boss", true), "Kommet retur");
	/* who was replaced is nobody's concern any more */
	struct tx *tx;
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(participation_remove(tx, id, STR("boss"), contact_of(c, tx_view(tx), "boss@firma.dk"), &c->err));
	assert_true(store_commit(tx, &c->err));
	settle(c, id, "next@firma.dk", OUTBOX_SENT);
	assert_string_equal(delivery(c, id, "boss", false), "Sendt");
	assert_string_equal(delivery(c, id, "nobody", false), "");
}

static void test_very_much_is_cut(void **state) {
	struct portal_case *c = *state;
	int64_t id = begin(c).instance_id;
	act(c, id, "ida@example.dk", "asker", "confirm", "{\"agreed\":\"true\"}");
	for (int i = 0; i < 101; i++) {
		act(c, id, "ida@example.dk", "asker", "remark", "{\"why\":\"x\"}");
		struct tx *tx;
		assert_true(store_begin(c->store, &tx, &c->err));
		assert_true(db_script(tx_db(tx), "UPDATE links SET state = 'live' WHERE task = 'remark'", &c->err));
		assert_true(store_commit(tx, &c->err));
	}
	look(c, id, "ida@example.dk");
	SHOWS("Det ældste er udeladt.");
	SHOWS("Udført: Bemærk");
	HIDES("Sagen begyndte");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_everybody_is_told_what_their_role_sees, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_what_is_next, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_messages_tell_their_fate, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_an_overview_tells_what_needs_most_attention, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_very_much_is_cut, case_setup, case_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
