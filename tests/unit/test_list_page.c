/* Lists as people see them: search, filters, order, overdue marks, pages, rows that cannot be read. */
#include "tests/unit/portal_case.h"

#include "engine/store/handle.h"
#include "engine/store/people.h"

/* The session's cookie of a contact. */
static const char *log_in(struct portal_case *c, const char *address) {
	struct contact contact;
	struct session session;
	struct tx *tx;
	struct view *v = store_view(c->store, &c->err);
	assert_true(contact_find(v, CHANNEL_MAIL, str_from(address), c->arena, &contact, &c->err));
	view_close(v);
	struct str cookie = session_new(c->arena, contact.id, clock_now(), &session);
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(session_insert(tx, &session, &c->err));
	assert_true(store_commit(tx, &c->err));
	return arena_printf(c->arena, "Cookie: __Host-sid=%.*s", STR_ARG(cookie)).at;
}

static struct receipt start(struct portal_case *c, const char *person, const char *kind, const char *part, const char *day) {
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt receipt;
	struct tx *tx;
	const char *const pairs[][2] = {{"person", person}, {"email", "ida@example.dk"}, {"kind", kind}, {"amount", "3"}, {"part", part}, {"day", day}, {"boss_emails", "boss@firma.dk"}, {"rush", "true"}};
	for (size_t i = 0; i < 8; i++)
		answers_put(&answers, c->arena, str_from(pairs[i][0]), str_from(pairs[i][1]));
	if (strcmp(kind, "big") != 0)
		answers_clear(&answers, STR("rush"));
	struct start_request request = {.workflow = STR("order"), .answers = &answers};
	assert_true(store_begin(c->store, &tx, &c->err));
	if (!engine_start(c->engine, tx, clock_now(), &request, c->arena, &problems, &receipt, &c->err))
		fail_msg("%s %s", c->err.text, problems.count ? problems.items[0].key : "");
	assert_true(store_commit(tx, &c->err));
	return receipt;
}

/* The site's day so many days from now, as people type it. */
static const char *day(struct portal_case *c, int64_t days) {
	return civil_format_date(c->arena, civil_day_of(zone_local(site_zone(c->site), clock_now())) + days).at;
}

static const char *ask(struct portal_case *c, const char *query) {
	return arena_printf(c->arena, "/backend?view=order.mine%s%s", query[0] ? "&" : "", query[0] ? query + 1 : "").at;
}
#define ASK(query) assert_int_equal(case_ask(c, "GET", ask(c, (query)), NULL, cookie), 200)

static void test_filters(void **state) {
	struct portal_case *c = *state;
	start(c, "Søren Ågård", "big", "k1", "2026-12-05");
	start(c, "Anna", "small", "k 2", "2026-11-30");
	const char *cookie = log_in(c, "boss@firma.dk");
	ASK("");
	SHOWS("<details class=\"sieve\">");
	SHOWS("<label for=\"f-kind\">Størrelse</label>\n<select id=\"f-kind\" name=\"f.kind\">\n<option value=\"\">Alle</option>\n<option value=\"big\">Stor</option>");
	SHOWS("<option value=\"k1\">Hjul &lt;rundt&gt;</option>\n<option value=\"k 2\">Stel</option>");
	SHOWS("<option value=\"true\">Ja</option>");
	SHOWS("<option value=\"waiting\">Venter</option>");
	SHOWS("Antal: 2");
	ASK("?f.kind=big");
	SHOWS("<details class=\"sieve\" open>");
	SHOWS("<option value=\"big\" selected>");
	SHOWS("Ågård");
	HIDES("Anna");
	SHOWS("Vis alle");
	ASK("?f.part=k+2&f.kind=small");
	SHOWS("Anna");
	HIDES("Ågård");
	SHOWS("href=\"/backend?view=order.mine&amp;f.kind=small&amp;f.part=k%202&amp;lang=en\"");
	ASK("?f.rush=true");
	HIDES("Anna");
	ASK("?f.state=done");
	HIDES("Anna");
	SHOWS("Ingen passer");
	ASK("?f.kind=%22%3E%3Cb%3E&f.nothing=x");
	HIDES("<b>");
	SHOWS("Ingen passer");
}

static void test_search_and_order(void **state) {
	struct portal_case *c = *state;
	static const char *const finds[] = {"soeren", "aagaard", "%C3%85GA", "S%C3%98R+g%C3%A5rd", "5/12", "05-12", "5.12.2026", "2026-12-05"}, *const misses[] = {"soeren+anna", "6/12", "05-13"};
	start(c, "Søren Ågård", "big", "k1", "2026-12-05");
	start(c, "Anna", "small", "k1", "2026-11-30");
	const char *cookie = log_in(c, "boss@firma.dk");
	for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
		ASK(arena_printf(c->arena, "?q=%s", finds[i]).at);
		SHOWS("Ågård");
		HIDES("Anna");
	}
	for (size_t i = 0; i < sizeof misses / sizeof *misses; i++) {
		ASK(arena_printf(c->arena, "?q=%s", misses[i]).at);
		HIDES("Ågård</td>");
		HIDES("Anna</td>");
	}
	ASK("?sort=day");
	SHOWS("aria-sort=\"ascending\">Dag");
	assert_true(strstr(c->page.at, "Anna</td>") < strstr(c->page.at, "Ågård</td>"));
	ASK("?sort=-day");
	SHOWS("<option value=\"-day\" selected>Dag: nyeste først</option>");
	assert_true(strstr(c->page.at, "Anna</td>") > strstr(c->page.at, "Ågård</td>"));
	ASK("?sort=person&page=x");
	SHOWS("Anna</td>");
}

static void waits(struct portal_case *c, const struct receipt *receipt) {
	struct tx *tx;
	struct link link = {0};
	bool found;
	struct contact contact;
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt done;
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(contact_find(tx_view(tx), CHANNEL_MAIL, STR("ida@example.dk"), c->arena, &contact, &c->err));
	assert_true(link_find(tx_view(tx), receipt->instance_id, contact.id, STR("asker"), STR("confirm"), c->arena, &link, &found, &c->err) && found);
	answers_put(&answers, c->arena, STR("agreed"), STR("true"));
	struct act_request request = {.link = &link, .version = 1, .answers = &answers};
	if (!engine_act(c->engine, tx, clock_now(), &request, c->arena, &problems, &done, &c->err))
		fail_msg("%s", c->err.text);
	assert_true(store_commit(tx, &c->err));
}

static void test_overdue(void **state) {
	struct portal_case *c = *state;
	struct receipt late = start(c, "Sen", "big", "k1", day(c, -2)), soon = start(c, "Snart", "big", "k1", day(c, -1)), unconfirmed = start(c, "Ubekræftet", "big", "k1", day(c, -9));
	(void)unconfirmed;
	waits(c, &late);
	waits(c, &soon);
	const char *cookie = log_in(c, "boss@firma.dk");
	ASK("");
	SHOWS("<a class=\"tag late\" href=\"/backend?view=order.mine&amp;overdue=1\">Forsinkede: 1</a>");
	SHOWS("Venter <strong class=\"tag late\">Forsinket</strong>");
	SHOWS("<tr class=\"late\">");
	SHOWS("<input type=\"checkbox\" name=\"overdue\" value=\"1\">");
	ASK("?overdue=1");
	SHOWS(">Sen</td>");
	HIDES("Snart");
	SHOWS("name=\"overdue\" value=\"1\" checked>");
	/* time alone makes it so: at midnight of the site's zone, not before */
	int64_t midnight = zone_instant(site_zone(c->site), (civil_day_of(zone_local(site_zone(c->site), clock_now())) + 1) * CIVIL_DAY_MS);
	clock_simulate(midnight - 1, 0);
	cookie = log_in(c, "boss@firma.dk");
	ASK("");
	SHOWS("Forsinkede: 1<");
	clock_simulate(midnight, 0);
	ASK("");
	SHOWS("Forsinkede: 2<");
}

static void test_pages(void **state) {
	struct portal_case *c = *state;
	for (int i = 0; i < 102; i++)
		start(c, "Ida", "small", "k1", "2026-12-05");
	const char *cookie = log_in(c, "boss@firma.dk");
	ASK("?f.kind=small");
	SHOWS("1–50 af 102");
	SHOWS("<span>Side 1 af 3</span>");
	HIDES("Første side");
	SHOWS("href=\"/backend?view=order.mine&amp;f.kind=small&amp;page=3\">Sidste side</a>");
	ASK("?page=3&sort=-day");
	SHOWS("101–102 af 102");
	SHOWS("rel=\"prev\" href=\"/backend?view=order.mine&amp;sort=-day&amp;page=2\"");
	HIDES("Næste side");
	ASK("?page=9");
	SHOWS("Første side");
	SHOWS("Ingen passer");
}

static void test_an_unreadable_row_hides_no_other(void **state) {
	struct portal_case *c = *state;
	struct tx *tx;
	start(c, "Anna", "small", "k1", "2026-12-05");
	struct receipt broken = start(c, "Bo", "small", "k1", "2026-12-05");
	start(c, "Carl", "small", "k1", "2026-12-05");
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(db_script(tx_db(tx), "UPDATE instances SET data = '{\"person\":[1' WHERE data LIKE '%\"Bo\"%'", &c->err));
	assert_true(store_commit(tx, &c->err));
	const char *cookie = log_in(c, "boss@firma.dk");
	ASK("");
	SHOWS("Anna</td>");
	SHOWS("Carl</td>");
	SHOWS(arena_printf(c->arena, "<td colspan=\"5\">Sagen %.*s kan ikke vises", STR_ARG(broken.reference)).at);
}

/* The whole of a streamed answer. */
static const char *poured(struct portal_case *c) {
	struct buf out;
	size_t before;
	assert_non_null(c->response.stream);
	buf_init(&out, 8 << 20);
	do {
		before = out.len;
		struct buf piece;
		buf_init(&piece, 1 << 20);
		assert_true(c->response.stream->more(c->response.stream, &piece, &c->err));
		buf_str(&out, buf_text(&piece));
		buf_free(&piece);
	} while (out.len > before);
	const char *text = arena_str(c->arena, buf_text(&out)).at;
	buf_free(&out);
	return text;
}

static void stand(struct portal_case *c, int64_t id, const char *set) {
	struct tx *tx;
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(db_script(tx_db(tx), arena_printf(c->arena, "UPDATE outbox SET %s WHERE instance_id = %lld", set, (long long)id).at, &c->err));
	assert_true(store_commit(tx, &c->err));
}

/* In six words, those that somebody should look at in colour. */
static void test_delivery(void **state) {
	struct portal_case *c = *state;
	static const char *const told[][2] = {
	        {"state = 'queued'", "\">På vej</td>"}, {"state = 'begun'", "\">På vej</td>"}, {"state = 'sent'", "\">Sendt</td>"}, {"delivery = 'on-way'", "\">Sendt</td>"},
	        {"delivery = 'delivered'", "\">Afleveret</td>"}, {"delivery = 'failed'", "\"><strong class=\"tag wrong\">Kommet retur</strong></td>"},
	        {"channel = 2", "\"><strong class=\"tag wrong\">Stoppet</strong></td>"}, {"state = 'failed'", "\"><strong class=\"tag wrong\">Stoppet</strong></td>"},
	        {"state = 'expired'", "\"><strong class=\"tag wrong\">Ikke sendt i tide</strong></td>"},
	        {"state = 'unknown'", "\">Uvist</td>"}, {"state = 'cancelled'", "<td data-label=\"Besked til Bestiller\" class=\"brief\"></td>"},
	};
	int64_t id = start(c, "Ida", "small", "k1", "2026-12-05").instance_id;
	const char *cookie = log_in(c, "boss@firma.dk");
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		stand(c, id, told[i][0]);
		ASK("");
		SHOWS("<th scope=\"col\">Besked til Bestiller</th>");
		SHOWS(told[i][1]);
	}
}

static void test_export(void **state) {
	struct portal_case *c = *state;
	struct receipt first = start(c, "=HYPERLINK(1)", "big", "k1", "2026-12-05"), second = start(c, "Bo; \"Bo\"", "small", "k1", "2026-03-27");
	start(c, "Søren", "big", "k 2", "2026-12-06");
	const char *cookie = log_in(c, "boss@firma.dk");
	stand(c, first.instance_id, "state = 'sent', delivery = 'expired'");
	ASK("?f.part=k1&sort=day");
	SHOWS("href=\"/backend?view=order.mine&amp;f.part=k1&amp;export=csv\" download>Hent som regneark (CSV)</a>");
	ASK("?f.part=k1&sort=day&page=7&export=csv");
	const char *expected = arena_printf(c->arena, "\xEF\xBB\xBF" "Referencenummer;Dit navn;Status;Dag;Besked til Bestiller;Forsinket\r\n%.*s;\"Bo; \"\"Bo\"\"\";Ubekræftet;27-03-2026;På vej;Nej\r\n"
	                                    "%.*s;\"'=HYPERLINK(1)\";Ubekræftet;05-12-2026;Kommet retur;Nej\r\n", STR_ARG(second.reference), STR_ARG(first.reference)).at;
	assert_string_equal(poured(c), expected);
	assert_string_equal(c->response.type, "text/csv; charset=utf-8");
	const char *name = arena_printf(c->arena, "attachment; filename=\"mine-bestillinger-%s.csv\"", day(c, 0)).at;
	assert_string_equal(case_header(c, "Content-Disposition").at, name);
	ASK("?q=nobody&export=csv");
	assert_null(strchr(strchr(poured(c), '\n') + 1, '\n')); /* the heads alone */
	HIDES("download");
	assert_int_equal(case_ask(c, "GET", "/backend?export=csv", NULL, NULL), 303);
}

static void test_an_export_has_all_pages_and_damaged_rows(void **state) {
	struct portal_case *c = *state;
	struct tx *tx;
	for (int i = 0; i < 230; i++)
		start(c, i == 40 ? "Bo" : "Ida", "small", "k1", "2026-12-05");
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(db_script(tx_db(tx), "UPDATE instances SET data = '{\"person\":[1' WHERE data LIKE '%\"Bo\"%'", &c->err));
	assert_true(store_commit(tx, &c->err));
	const char *cookie = log_in(c, "boss@firma.dk");
	ASK("?export=csv");
	size_t lines = 0;
	for (const char *at = poured(c); (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 231);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_filters, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_search_and_order, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_pages, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_an_unreadable_row_hides_no_other, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_delivery, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_export, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_an_export_has_all_pages_and_damaged_rows, case_setup, case_teardown),
	        cmocka_unit_test_setup_teardown(test_overdue, case_setup, case_teardown), /* stops the clock: last */
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
