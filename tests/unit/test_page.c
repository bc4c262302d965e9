/* The pages, without a network: layout, escaping, forms, links from their first page to the receipt, lists, log-in. */
#include "tests/unit/portal_case.h"

#include "engine/store/handle.h"
#include "engine/store/outbox.h"

static const char you[] = "step=1&version=0&person=Ida+%3Ci%3E&email=Ida%40Example.dk";
static const char what[] = "step=2&version=0&kind=big&amount=12&part=k1&day=2.4.2026&rush=false&boss_emails=boss%40firma.dk&boss_emails=&boss_emails=next%40firma.dk";

/* The path of a link, as the mailer would derive it: the newest row of the outbox with this message. */
static const char *mailed_link(struct portal_case *c, const char *message) {
	struct outbox_list rows = {0};
	struct link link;
	const char *path = NULL;
	struct view *v = store_view(c->store, &c->err);
	assert_non_null(v);
	assert_true(outbox_list(v, ~0u, 0, 100, c->arena, &rows, &c->err));
	for (size_t i = 0; i < rows.count; i++) {
		if (!str_is(rows.items[i].message, message))
			continue;
		assert_true(link_load(v, rows.items[i].link_id, c->arena, &link, &c->err));
		path = arena_printf(c->arena, "/l/%.*s", STR_ARG(engine_token(c->engine, &link, c->arena))).at;
	}
	view_close(v);
	if (!path)
		fail_msg("no message %s", message);
	return path;
}

static const char *location(struct portal_case *c) {
	assert_int_equal(c->response.status, 303);
	return case_header(c, "Location").at;
}

static const char *without_query(struct portal_case *c, const char *path) {
	struct str rest = str_from(path);
	return arena_str(c->arena, str_cut(&rest, '?')).at;
}

/* Starts one order; returns the path of its start link. */
static const char *start_order(struct portal_case *c) {
	assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 303);
	const char *path = without_query(c, location(c));
	assert_int_equal(case_ask(c, "POST", path, what, NULL), 303);
	assert_true(str_ends(str_from(location(c)), STR("?step=check")));
	assert_int_equal(case_ask(c, "POST", path, "step=check&version=0", NULL), 303);
	assert_string_equal(location(c), path);
	return path;
}

static const char *confirm_order(struct portal_case *c) {
	start_order(c);
	const char *path = mailed_link(c, "confirm");
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=1&agreed=true", NULL), 303);
	return mailed_link(c, "please");
}

static void test_layout(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "GET", "/", NULL, NULL), 200);
	SHOWS("<!DOCTYPE html>\n<html lang=\"da\">\n<head>\n<meta charset=\"utf-8\">\n<title>Prøve &amp; Co</title>");
	SHOWS("<a class=\"skip\" href=\"#main\">");
	SHOWS("<main id=\"main\"");
	SHOWS("<a href=\"/?lang=en\" lang=\"en\" hreflang=\"en\">English</a>");
	SHOWS("hjælp@example.dk");
	SHOWS("Bestilling &lt;b&gt;");
	SHOWS("<strong>noget</strong>");
	SHOWS("href=\"/start/order\"");
	SHOWS("href=\"/home/otplogin\"");
	HIDES("style=");
	HIDES("<script");
	HIDES("/demo/");
	assert_int_equal(case_ask(c, "GET", "/?lang=en", NULL, NULL), 200);
	SHOWS("<html lang=\"en\">");
	SHOWS("href=\"/start/order?lang=en\"");
	assert_int_equal(case_ask(c, "GET", "/", NULL, "Accept-Language: en-GB,en;q=0.9"), 200);
	SHOWS("<html lang=\"en\">");
	assert_int_equal(case_ask(c, "GET", "/?lang=%22%3E%3Cb%3E", NULL, NULL), 200);
	HIDES("<b>\"");
}

static void test_security_headers(void **state) {
	struct portal_case *c = *state;
	case_ask(c, "GET", "/nowhere", NULL, NULL);
	assert_int_equal(c->response.status, 404);
	assert_true(str_starts(case_header(c, "Content-Security-Policy"), STR("default-src 'none';")));
	assert_true(str_is(case_header(c, "Referrer-Policy"), "no-referrer"));
	assert_true(str_is(case_header(c, "X-Content-Type-Options"), "nosniff"));
	assert_true(str_is(case_header(c, "Cache-Control"), "no-store"));
	assert_true(str_is(case_header(c, "Strict-Transport-Security"), "max-age=31536000; includeSubDomains"));
	assert_true(case_header(c, "X-Robots-Tag").len > 0);
	assert_true(str_is(case_header(c, "Cross-Origin-Opener-Policy"), "same-origin"));
	assert_true(str_is(case_header(c, "Cross-Origin-Resource-Policy"), "same-origin"));
	assert_true(case_header(c, "Permissions-Policy").len > 0);
	c->world.host = STR("example.dk"); /* www.example.dk is somebody else's */
	case_ask(c, "GET", "/nowhere", NULL, NULL);
	assert_true(str_is(case_header(c, "Strict-Transport-Security"), "max-age=31536000"));
	c->world.host = STR("stafet.example.dk");
}

static void test_refusals(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "POST", "/", "", NULL), 405);
	assert_true(str_is(case_header(c, "Allow"), "GET, HEAD"));
	assert_int_equal(case_ask(c, "GET", "/demo/inbox", NULL, NULL), 404);
	assert_int_equal(case_ask(c, "GET", "/start/nothing", NULL, NULL), 404);
	assert_int_equal(case_ask(c, "GET", "/l/", NULL, NULL), 404);
	assert_int_equal(case_ask(c, "GET", "/assets/old/style.css", NULL, NULL), 404);
	assert_int_equal(case_ask(c, "POST", "/start/order", you, "Sec-Fetch-Site: cross-site"), 403);
	assert_int_equal(case_ask(c, "POST", "/start/order", you, "Origin: https://evil.dk"), 403);
	c->world.host = STR("other.dk");
	assert_int_equal(case_ask(c, "GET", "/", NULL, NULL), 421);
}

static void test_form_page(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "GET", "/start/order", NULL, NULL), 200);
	SHOWS("<h1>Om dig</h1>");
	SHOWS("<form method=\"post\" action=\"/start/order\" novalidate>");
	SHOWS("<label for=\"f-person\">Dit navn</label>");
	SHOWS("autocomplete=\"name\"");
	SHOWS("type=\"email\"");
	SHOWS("autocomplete=\"email\"");
	SHOWS("<div class=\"hint\" id=\"h-email\"><p>Vi skriver <a href=\"https://example.dk/\">dertil</a></p>");
	HIDES("role=\"alert\"");
	assert_true(case_header(c, "Set-Cookie").len == 0);
}

static void test_problems_keep_what_was_typed(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "POST", "/start/order", "step=1&person=%22%3E%3Cscript%3E&email=nobody", NULL), 422);
	SHOWS("<title>Fejl: Om dig");
	SHOWS("role=\"alert\"");
	SHOWS("<a href=\"#f-email\">Din e-mail: ");
	SHOWS("aria-describedby=\"h-email e-email\"");
	SHOWS("aria-invalid=\"true\"");
	SHOWS("value=\"nobody\"");
	SHOWS("value=\"&quot;&gt;&lt;script&gt;\"");
	HIDES("<script");
	assert_int_equal(case_ask(c, "POST", "/start/order", "", NULL), 422);
	SHOWS("<a href=\"#f-person\">");
}

static void test_second_page(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 303);
	const char *step = location(c), *path = without_query(c, step);
	assert_true(str_ends(str_from(step), STR("?step=2")));
	assert_int_equal(case_ask(c, "GET", step, NULL, NULL), 200);
	SHOWS("<input type=\"radio\" name=\"kind\" id=\"f-kind\" value=\"big\"> <span>Stor</span>");
	SHOWS("<span>Hjul &lt;rundt&gt;</span>");
	SHOWS("inputmode=\"numeric\"");
	SHOWS("<textarea");
	SHOWS("name=\"boss_emails\" id=\"f-boss_emails\"");
	HIDES("boss_emails-2");
	HIDES("f-rush");
	/* the condition holds now: the field appears, and is needed */
	assert_int_equal(case_ask(c, "POST", path, "step=2&kind=big&amount=0&part=k+2&day=31.2.2026&boss_emails=a%40b.dk", NULL), 422);
	SHOWS("value=\"big\" checked>");
	SHOWS("value=\"k 2\" checked>");
	SHOWS("href=\"#f-rush\"");
	SHOWS("href=\"#f-day\"");
	SHOWS("href=\"#f-amount\"");
	SHOWS("value=\"31.2.2026\"");
	SHOWS("value=\"a@b.dk\"");
	SHOWS("Skriv et helt tal fra 1 til 100");
	/* nobody lands behind it */
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?step=check", path).at, NULL, NULL), 200);
	SHOWS("<h1>Hvad</h1>");
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?step=9", path).at, NULL, NULL), 404);
	/* what was saved stands there on another device */
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?step=1", path).at, NULL, NULL), 200);
	SHOWS("value=\"Ida &lt;i&gt;\"");
}

/* What an answer brings up on the same page is asked, and not complained about. */
static void test_an_answer_asks_more(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 303);
	const char *path = without_query(c, location(c));
	static const char small[] = "step=2&.asked=kind+amount+part+day+why+boss_emails&amount=1&part=k1&day=2.4.2026&boss_emails=a%40b.dk";
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%s&kind=big", small).at, NULL), 200);
	SHOWS("<title>Der er et sp\xC3\xB8rgsm\xC3\xA5l mere: Hvad");
	SHOWS("<div class=\"note\" role=\"status\">\n<p>Der er et sp\xC3\xB8rgsm\xC3\xA5l mere</p>");
	SHOWS("<a href=\"#f-rush\">Haster det?</a>");
	SHOWS("name=\"rush\" id=\"f-rush\" value=\"true\" autofocus>");
	SHOWS("value=\"big\" checked>");
	SHOWS("value=\"a@b.dk\"");
	SHOWS("name=\".asked\" value=\"kind amount part day why rush boss_emails\"");
	HIDES("role=\"alert\"");
	/* with a fault of its own the page tells that, and still not what was never asked */
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%s&kind=big&amount=2", small).at, NULL), 422);
	SHOWS("href=\"#f-amount\">Antal: ");
	SHOWS("href=\"#f-rush\">Haster det?</a>");
	HIDES("href=\"#f-rush\">Haster det? ");
	/* asked and left out is a fault */
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%s&.asked=rush&kind=big", small).at, NULL), 422);
	SHOWS("href=\"#f-rush\">Haster det? ");
	/* what its condition no longer asks for is dropped */
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%s&.asked=rush&kind=small&rush=true", small).at, NULL), 303);
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	HIDES("Haster det?");
}

static void test_one_more_and_one_less(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 303);
	const char *path = without_query(c, location(c));
	/* nothing is judged, nothing is lost */
	assert_int_equal(case_ask(c, "POST", path, "step=2&.add=boss_emails&amount=lots&boss_emails=a%40b.dk", NULL), 303);
	assert_true(str_ends(str_from(location(c)), STR("?more=boss_emails&step=2")));
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("value=\"lots\"");
	SHOWS("id=\"f-boss_emails\" type=\"email\" autocapitalize=\"none\" spellcheck=\"false\" autocomplete=\"off\" value=\"a@b.dk\"");
	SHOWS("id=\"f-boss_emails-2\" type=\"email\" autocapitalize=\"none\" spellcheck=\"false\" autocomplete=\"off\" autofocus value=\"\"");
	SHOWS("<button class=\"quiet\" name=\".remove\" value=\"boss_emails.2\">Fjern");
	SHOWS("<button class=\"quiet\" name=\".add\" value=\"boss_emails\">Tilf\xC3\xB8j en mere");
	SHOWS("name=\".remove\" value=\"boss_emails.1\">Fjern");
	HIDES("role=\"alert\"");
	/* Enter presses a form's first button */
	assert_true(strstr(c->page.at, "<button class=\"sr\"") < strstr(c->page.at, "<button class=\"quiet\" name"));
	assert_int_equal(case_ask(c, "POST", path, "step=2&.add=boss_emails&boss_emails=a%40b.dk&boss_emails=b%40b.dk", NULL), 303);
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("id=\"f-boss_emails-3\"");
	HIDES("name=\".add\""); /* no more than three */
	assert_int_equal(case_ask(c, "POST", path, "step=2&.remove=boss_emails.2&boss_emails=a%40b.dk&boss_emails=b%40b.dk&boss_emails=c%40b.dk", NULL), 303);
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("value=\"c@b.dk\"");
	HIDES("value=\"b@b.dk\"");
	SHOWS("autofocus value=\"a@b.dk\""); /* the reader stays with the list */
	assert_int_equal(case_ask(c, "POST", path, "step=2&.remove=boss_emails.1&boss_emails=a%40b.dk&boss_emails=b%40b.dk", NULL), 303);
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("value=\"b@b.dk\"");
	HIDES("name=\".remove\""); /* the only one is emptied, not taken away */
	assert_int_equal(case_ask(c, "POST", path, "step=2&.add=%3Cb%3E&boss_emails=a%40b.dk", NULL), 303);
	assert_true(str_ends(str_from(location(c)), STR("?step=2")));
}

static void test_check_and_change(void **state) {
	struct portal_case *c = *state;
	case_ask(c, "POST", "/start/order", you, NULL);
	const char *path = without_query(c, location(c));
	assert_int_equal(case_ask(c, "POST", path, what, NULL), 303);
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("Ida &lt;i&gt;");
	SHOWS("<dd>Stor</dd>");
	SHOWS("<ul class=\"values\"><li>boss@firma.dk</li><li>next@firma.dk</li></ul>");
	SHOWS("<dt>Hvorfor</dt><dd>Ikke udfyldt</dd>");
	SHOWS(arena_printf(c->arena, "href=\"%s?step=2&amp;change=1#f-amount\"", path).at);
	SHOWS("Send bestilling");
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?step=1&change=1", path).at, NULL, NULL), 200);
	SHOWS("name=\"change\" value=\"1\"");
	assert_int_equal(case_ask(c, "POST", path, "step=1&change=1&person=Bo&email=bo%40example.dk", NULL), 303);
	assert_true(str_ends(str_from(location(c)), STR("?step=check")));
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("<dd>Bo</dd>");
}

static int64_t count_messages(struct portal_case *c, const char *message, struct outbox_row *last);

/* What is typed is kept as it is, and the link goes to the address that was typed; how often tells nobody anything. */
static void test_save_and_finish_later(void **state) {
	struct portal_case *c = *state;
	struct outbox_row row;
	assert_int_equal(case_ask(c, "GET", "/start/order", NULL, NULL), 200);
	SHOWS("<button class=\"quiet\" name=\".later\" value=\"1\">Gem og forts\xC3\xA6t senere</button>");
	assert_int_equal(case_ask(c, "POST", "/start/order", "step=1&.later=1&person=Ida&email=nobody", NULL), 422);
	SHOWS("href=\"#f-email\"");
	SHOWS("value=\"Ida\"");
	assert_int_equal(count_messages(c, "later", &row), 0);
	assert_int_equal(case_ask(c, "POST", "/start/order", "step=1&.later=1&person=&email=Ida%40Example.dk", NULL), 303);
	const char *later = location(c), *path = without_query(c, later);
	assert_true(str_ends(str_from(later), STR("?later=1")));
	assert_int_equal(count_messages(c, "later", &row), 1);
	assert_true(str_equal(row.recipient, STR("Ida@example.dk")));
	assert_string_equal(mailed_link(c, "later"), path);
	assert_int_equal(case_ask(c, "GET", later, NULL, NULL), 200);
	SHOWS("<h1>Dine svar er gemt</h1>");
	SHOWS("Ida@example.dk");
	SHOWS("Linket virker indtil ");
	struct str page = arena_str(c->arena, buf_text(&c->page));
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Om dig</h1>");
	SHOWS("value=\"Ida@Example.dk\"");
	HIDES("role=\"alert\"");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(case_ask(c, "POST", path, "step=1&.later=1&person=Ida&email=Ida%40Example.dk", NULL), 303);
		assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
		assert_true(str_equal(buf_text(&c->page), page));
	}
	assert_int_equal(count_messages(c, "later", &row), 1);
	for (int i = 0; i < 10; i++) {
		clock_simulate(clock_now() + 10 * 60000, 0);
		assert_int_equal(case_ask(c, "POST", path, "step=1&.later=1&person=Ida&email=Ida%40Example.dk", NULL), 303);
	}
	assert_int_equal(count_messages(c, "later", &row), 5);
}

/* An address may be written to only so often, and a network may ask only so often, whatever the links. */
static void test_later_has_budgets(void **state) {
	struct portal_case *c = *state;
	struct outbox_row row;
	for (int i = 0; i < 5; i++) /* twice the same mailbox */
		assert_int_equal(case_ask(c, "POST", "/start/order", arena_printf(c->arena, "step=1&.later=1&person=%d&email=%s%%40Example.dk", i, i % 2 ? "IDA" : "ida").at, NULL), 303);
	assert_int_equal(count_messages(c, "later", &row), 1);
	for (int i = 0; i < 24; i++)
		assert_int_equal(case_ask(c, "POST", "/start/order", arena_printf(c->arena, "step=1&.later=1&person=Bo&email=bo%d%%40Example.dk", i).at, NULL), 303);
	assert_int_equal(count_messages(c, "later", &row), 20);
}

/* The value of a hidden input on the page, as it is sent. */
static const char *hidden(struct portal_case *c, const char *name) {
	char *at = strstr(c->page.at, arena_printf(c->arena, "name=\"%s\" value=\"", name).at);
	assert_non_null(at);
	struct str rest = str_from(strstr(at, "value=\"") + 7);
	return arena_str(c->arena, str_cut(&rest, '"')).at;
}

/* Two devices with one link: the slower one sees what the faster one saved, and keeps what it typed. */
static void test_nobody_overwrites_unseen(void **state) {
	struct portal_case *c = *state;
	case_ask(c, "POST", "/start/order", you, NULL);
	const char *path = without_query(c, location(c)), *first = arena_printf(c->arena, "%s?step=1", path).at;
	assert_int_equal(case_ask(c, "GET", first, NULL, NULL), 200);
	const char *old = arena_printf(c->arena, "step=1&.seen=%s&email=a%%40b.dk&person=", hidden(c, ".seen")).at;
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%sBo", old).at, NULL), 303);
	/* a second press says the same: harmless */
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%sBo", old).at, NULL), 303);
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%sIda", old).at, NULL), 409);
	SHOWS("role=\"alert\"");
	SHOWS("<dt>Dit navn</dt><dd>Bo</dd>");
	SHOWS("value=\"Ida\"");
	const char *fresh = arena_printf(c->arena, "step=1&.seen=%s&email=a%%40b.dk&person=Ida", hidden(c, ".seen")).at;
	assert_int_equal(case_ask(c, "GET", first, NULL, NULL), 200);
	SHOWS("value=\"Bo\"");
	assert_int_equal(case_ask(c, "POST", path, fresh, NULL), 303);
	assert_int_equal(case_ask(c, "GET", first, NULL, NULL), 200);
	SHOWS("value=\"Ida\"");
}

/* Who decides has seen what is decided on. */
static void test_facts_that_change_are_shown_first(void **state) {
	struct portal_case *c = *state;
	const char *path = confirm_order(c);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	const char *facts = hidden(c, ".facts"), *answer = "step=1&version=2&verdict=yes&marks.k1=3&marks.k+2=0&.facts=";
	char *forged = arena_z(c->arena, str_from(facts));
	forged[0] = forged[0] == 'A' ? 'B' : 'A';
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%s%s", answer, forged).at, NULL), 409);
	SHOWS("role=\"alert\" tabindex=\"-1\" autofocus>Oplysningerne");
	SHOWS("value=\"3\" checked>");
	assert_string_equal(hidden(c, ".facts"), facts);
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%s%s", answer, facts).at, NULL), 303);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Afgjort</h1>");
}

/* What is sent from the check page is what stood there. */
static void test_only_what_was_shown_is_sent(void **state) {
	struct portal_case *c = *state;
	case_ask(c, "POST", "/start/order", you, NULL);
	const char *path = without_query(c, location(c));
	assert_int_equal(case_ask(c, "POST", path, what, NULL), 303);
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	const char *send = arena_printf(c->arena, "step=check&version=0&.seen=%s", hidden(c, ".seen")).at;
	assert_int_equal(case_ask(c, "POST", path, "step=1&change=1&person=Bo&email=bo%40example.dk", NULL), 303);
	assert_int_equal(case_ask(c, "POST", path, send, NULL), 303);
	assert_true(str_ends(str_from(location(c)), STR("?changed=1&step=check")));
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("role=\"alert\">Svarene er \xC3\xA6ndret");
	SHOWS("<dd>Bo</dd>");
	send = arena_printf(c->arena, "step=check&version=0&.seen=%s", hidden(c, ".seen")).at;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(case_ask(c, "POST", path, send, NULL), 303);
		assert_string_equal(location(c), path);
	}
	/* the back button leads to pages that are over */
	assert_int_equal(case_ask(c, "POST", path, you, NULL), 303);
	assert_string_equal(location(c), path);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Modtaget</h1>");
	SHOWS("<dd>Bo</dd>");
}

static void test_receipt(void **state) {
	struct portal_case *c = *state;
	const char *path = start_order(c);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
		SHOWS("<h1>Modtaget</h1>");
		SHOWS("<p>Tak, Ida &lt;i&gt;</p>");
		SHOWS("<dd>12</dd>");
		SHOWS("<dt>Hvorfor</dt><dd>Ikke udfyldt</dd>");
		HIDES("<form");
	}
	assert_int_equal(case_ask(c, "POST", path, "step=check&version=0", NULL), 303);
	assert_string_equal(location(c), path);
}

static void test_bare_press_decides_nothing(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	const char *path = mailed_link(c, "confirm");
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<input type=\"checkbox\" name=\"agreed\"");
	HIDES("checked");
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=1", NULL), 422);
	assert_int_equal(case_ask(c, "POST", path, "", NULL), 422);
	assert_int_equal(case_ask(c, "POST", path, "step=check&version=1", NULL), 422);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("name=\"agreed\"");
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=1&agreed=true", NULL), 303);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Bekræftet</h1>");
}

static void test_a_tick_says_its_label_once(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	assert_int_equal(case_ask(c, "GET", mailed_link(c, "confirm"), NULL, NULL), 200);
	assert_null(strstr(strstr(c->page.at, "Jeg er enig") + 1, "Jeg er enig"));
	HIDES("<fieldset");
	assert_int_equal(case_ask(c, "POST", mailed_link(c, "confirm"), "step=1&version=1", NULL), 422);
	SHOWS("<a href=\"#f-agreed\">Jeg er enig: ");
	SHOWS("aria-describedby=\"e-agreed\"");
}

/* Limits and hint are about the days around the one on the clock, in words that people use. */
static void test_dates_as_danes_write_them(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 303);
	const char *step = location(c), *path = without_query(c, step);
	assert_int_equal(case_ask(c, "GET", step, NULL, NULL), 200);
	SHOWS("<p>For eksempel 21-9-2026</p>");
	assert_int_equal(case_ask(c, "POST", path, "step=2&day=i+morgen", NULL), 422);
	SHOWS("Skriv en dato, der findes, for eksempel 21-9-2026");
	assert_int_equal(case_ask(c, "POST", path, "step=2&day=31.12.2025", NULL), 422);
	SHOWS("Datoen skal v\xC3\xA6re tidligst torsdag den 1. januar 2026");
	assert_int_equal(case_ask(c, "POST", path, "step=2&kind=small&amount=1&part=k1&boss_emails=a%40b.dk&day=5.+maj+2026", NULL), 303);
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("<dt>Dag</dt><dd>tirsdag den 5. maj 2026</dd>");
}

/* Who comes back goes on where they stopped: behind what they went on from, not behind what they only saved. */
static void test_back_where_one_stopped(void **state) {
	struct portal_case *c = *state;
	assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 303);
	const char *path = without_query(c, location(c));
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Hvad</h1>");
	static const char second[] = "step=2&kind=small&amount=1&part=k1&boss_emails=a%40b.dk&day=5.+maj+2026";
	assert_int_equal(case_ask(c, "POST", path, arena_printf(c->arena, "%s&.later=1", second).at, NULL), 303);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Hvad</h1>");
	SHOWS("value=\"5. maj 2026\"");
	assert_int_equal(case_ask(c, "POST", path, second, NULL), 303);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Tjek dine svar</h1>");
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?step=1", path).at, NULL, NULL), 200);
	SHOWS("<h1>Om dig</h1>");
}

/* A receipt has the form's own title, and does not repeat a tick that had to be set. */
static void test_receipt_of_a_tick(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	const char *path = mailed_link(c, "confirm");
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=1&agreed=true", NULL), 303);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<title>Bekræftet");
	SHOWS("<h1>Bekræftet</h1>");
	HIDES("Jeg er enig");
	HIDES("Dine svar");
}

/* Whoever comes too late is told what became of it, in the package's own words. */
static void test_the_end_in_the_packages_words(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	const char *path = mailed_link(c, "confirm");
	struct tx *tx;
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(db_script(tx_db(tx), "UPDATE instances SET state = 'gone', ended_at = 1", &c->err));
	assert_true(store_commit(tx, &c->err));
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 410);
	SHOWS("<p>Det blev for sent, Ida");
	SHOWS("Status: Udløbet");
	HIDES("linket kan ikke bruges mere");
}

static void test_bare_press_where_all_is_optional(void **state) {
	struct portal_case *c = *state;
	confirm_order(c);
	const char *path = mailed_link(c, "sent");
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=2", NULL), 422);
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=2&why=+", NULL), 422);
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=2&why=fordi", NULL), 303);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Bemærket</h1>");
}

static void test_matrix_and_two_people(void **state) {
	struct portal_case *c = *state;
	confirm_order(c);
	struct outbox_list rows = {0};
	const char *paths[2] = {NULL, NULL};
	struct view *v = store_view(c->store, &c->err);
	assert_true(outbox_list(v, ~0u, 0, 100, c->arena, &rows, &c->err));
	for (size_t i = 0; i < rows.count; i++) {
		struct link link;
		if (!str_is(rows.items[i].message, "please"))
			continue;
		assert_true(link_load(v, rows.items[i].link_id, c->arena, &link, &c->err));
		paths[paths[0] != NULL] = arena_printf(c->arena, "/l/%.*s", STR_ARG(engine_token(c->engine, &link, c->arena))).at;
	}
	view_close(v);
	assert_non_null(paths[1]);
	assert_int_equal(case_ask(c, "GET", paths[0], NULL, NULL), 200);
	SHOWS("<dt>Dit navn</dt><dd>Ida &lt;i&gt;</dd>");
	SHOWS("name=\"marks.k 2\" id=\"f-marks-1\" value=\"0\"");
	SHOWS("<dt>3</dt><dd>Meget</dd>");
	SHOWS("<b>3</b></span> <span class=\"words\">Meget</span>");
	assert_int_equal(case_ask(c, "POST", paths[0], "step=1&version=2&verdict=yes&marks.k1=3", NULL), 422);
	SHOWS("<li>V\xC3\xA6lg et svar ved:\n<ul>\n<li><a href=\"#f-marks-1\">Stel</a></li>\n</ul>");
	SHOWS("<fieldset class=\"row wrong\" aria-describedby=\"e-marks-1\">");
	SHOWS("<p class=\"error\" id=\"e-marks-1\"><span class=\"sr\">Fejl:</span> V\xC3\xA6lg et svar</p>");
	SHOWS("id=\"f-marks-0-3\" value=\"3\" checked>");
	assert_int_equal(case_ask(c, "POST", paths[0], "step=1&version=2&verdict=yes&marks.k1=3&marks.k+2=0", NULL), 303);
	assert_int_equal(case_ask(c, "GET", paths[0], NULL, NULL), 200);
	SHOWS("<h1>Afgjort</h1>");
	SHOWS("Ja tak");
	SHOWS("<tr><th scope=\"row\">Hjul &lt;rundt&gt;</th><td><b>3</b> Meget</td></tr>");
	SHOWS("<tr><th scope=\"row\">Stel</th><td><b>0</b> Ingen</td></tr>");
	assert_int_equal(case_ask(c, "GET", paths[1], NULL, NULL), 200);
	SHOWS("<h1>Opgaven er l\xC3\xB8st</h1>");
	SHOWS("Ja tak");
	HIDES("<form");
	assert_int_equal(case_ask(c, "POST", paths[1], "step=1&version=2&verdict=no&marks.k1=0&marks.k+2=0", NULL), 303);
	assert_int_equal(case_ask(c, "GET", paths[0], NULL, NULL), 200);
	SHOWS("Ja tak");
}

static void test_wrong_tokens_are_one_page(void **state) {
	struct portal_case *c = *state;
	const char *path = start_order(c);
	static const char *const tails[] = {"x", "", ".", "%00"};
	assert_int_equal(case_ask(c, "GET", "/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL, NULL), 404);
	struct str page = arena_str(c->arena, buf_text(&c->page));
	struct str cut = {path, strlen(path) - 1};
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%.*s%s", STR_ARG(cut), tails[i]).at, NULL, NULL), 404);
		assert_true(str_equal(buf_text(&c->page), page));
	}
	char *forged = arena_z(c->arena, str_from(path));
	forged[strlen(forged) - 10] = forged[strlen(forged) - 10] == 'A' ? 'B' : 'A';
	assert_int_equal(case_ask(c, "GET", forged, NULL, NULL), 404);
	assert_true(str_equal(buf_text(&c->page), page));
}

static void decide_order(struct portal_case *c) {
	const char *path = confirm_order(c);
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=2&verdict=yes&marks.k1=3&marks.k+2=0", NULL), 303);
}

static void test_list_and_row(void **state) {
	struct portal_case *c = *state;
	decide_order(c);
	const char *path = mailed_link(c, "result");
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Mine bestillinger</h1>");
	SHOWS("Færdig");
	char *row = strstr(c->page.at, "?row=");
	assert_non_null(row);
	struct str rest = str_from(row), query = str_cut(&rest, '"');
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s%.*s", path, STR_ARG(query)).at, NULL, NULL), 200);
	SHOWS("<h1>Bestilling</h1>");
	SHOWS("Ja tak");
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?row=AAAA-BBBB", path).at, NULL, NULL), 404);
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?q=ida", path).at, NULL, NULL), 200);
	SHOWS("?row=");
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "%s?q=%%3Cb%%3E", path).at, NULL, NULL), 200);
	SHOWS("value=\"&lt;b&gt;\"");
	HIDES("?row=");
	assert_int_equal(case_ask(c, "POST", path, "q=x", NULL), 405);
}

/* --- log-in --- */

static int64_t count_messages(struct portal_case *c, const char *message, struct outbox_row *last) {
	struct outbox_list rows = {0};
	int64_t count = 0;
	struct view *v = store_view(c->store, &c->err);
	assert_true(outbox_list(v, ~0u, 0, 100, c->arena, &rows, &c->err));
	for (size_t i = 0; i < rows.count; i++) {
		if (!str_is(rows.items[i].message, message))
			continue;
		*last = rows.items[i];
		count++;
	}
	view_close(v);
	return count;
}

/* "name=value" of the cookie that was set, as a Cookie header. */
static const char *cookie_back(struct portal_case *c, const char *name) {
	for (size_t i = 0; i < c->response.headers.count; i++) {
		struct str value = c->response.headers.items[i].value, all = value;
		if (strcmp(c->response.headers.items[i].name.at, "Set-Cookie") != 0 || !str_starts(value, str_from(name)))
			continue;
		assert_non_null(strstr(all.at, "; Secure"));
		assert_non_null(strstr(all.at, "; HttpOnly"));
		struct str cookie = str_cut(&value, ';');
		return arena_printf(c->arena, "Cookie: %.*s", STR_ARG(cookie)).at;
	}
	fail_msg("no cookie %s", name);
	return NULL;
}

static const char *code_of(struct portal_case *c) {
	struct outbox_row row;
	static char code[9];
	assert_true(count_messages(c, "login-code", &row) > 0);
	struct view *v = store_view(c->store, &c->err);
	struct login login;
	assert_true(login_load(v, row.link_id, c->arena, &login, &c->err));
	view_close(v);
	assert_true(code_make(site_keys(c->site), login.key_id, login.id, login.address, login.digits, code));
	return code;
}

static const char *ask_code(struct portal_case *c, const char *address) {
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", arena_printf(c->arena, "step=address&address=%s", address).at, NULL), 303);
	assert_string_equal(location(c), "/home/otplogin?step=code");
	return cookie_back(c, "__Host-pre=");
}

static unsigned try_code(struct portal_case *c, const char *cookie, const char *code) {
	return case_ask(c, "POST", "/home/otplogin", arena_printf(c->arena, "step=code&code=%s", code).at, cookie);
}

static const char *other_code(struct portal_case *c, const char *code) {
	char *other = arena_z(c->arena, str_from(code));
	other[0] = other[0] == '9' ? '0' : (char)(other[0] + 1);
	return other;
}

static void test_login(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	assert_int_equal(case_ask(c, "GET", "/backend", NULL, NULL), 303);
	assert_string_equal(location(c), "/home/otplogin");
	assert_int_equal(case_ask(c, "GET", "/home/otplogin", NULL, NULL), 200);
	SHOWS("autocomplete=\"email\"");
	const char *pre = ask_code(c, "IDA%40example.dk");
	const char *code = code_of(c);
	assert_int_equal(strlen(code), 4);
	assert_int_equal(case_ask(c, "GET", "/home/otplogin?step=code", NULL, pre), 200);
	SHOWS("autocomplete=\"one-time-code\"");
	HIDES("maxlength");
	assert_int_equal(try_code(c, pre, other_code(c, code)), 422);
	assert_int_equal(try_code(c, NULL, code), 422); /* only with the cookie that asked */
	assert_int_equal(try_code(c, pre, arena_printf(c->arena, "%.2s+%s", code, code + 2).at), 303);
	assert_string_equal(location(c), "/backend");
	const char *sid = cookie_back(c, "__Host-sid=");
	assert_int_equal(try_code(c, pre, code), 422); /* once */
	assert_int_equal(case_ask(c, "GET", "/backend", NULL, sid), 200);
	SHOWS("Mine bestillinger</a>");
	SHOWS("/backend/logout");
	assert_true(case_header(c, "Set-Cookie").len == 0);
	assert_int_equal(case_ask(c, "POST", "/backend/logout", "", sid), 200);
	assert_true(str_starts(case_header(c, "Clear-Site-Data"), STR("\"cache\"")));
	assert_int_equal(case_ask(c, "GET", "/backend", NULL, sid), 303);
}

static void test_home(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	const char *task = mailed_link(c, "confirm");
	const char *pre = ask_code(c, "ida%40example.dk");
	assert_int_equal(try_code(c, pre, code_of(c)), 303);
	const char *sid = cookie_back(c, "__Host-sid=");
	assert_int_equal(case_ask(c, "GET", "/backend?view=home", NULL, sid), 200);
	SHOWS("<h2>Det venter på dig</h2>");
	SHOWS(arena_printf(c->arena, "<a href=\"%s\">Bekræft</a>", task).at);
	SHOWS("Har ventet på dig siden");
	HIDES("Det kan du også gøre");
	SHOWS("href=\"/start/order\">Bestil noget</a>");
	/* what may be done, but waits for nobody, stands apart */
	assert_int_equal(case_ask(c, "POST", task, "step=1&version=1&agreed=true", NULL), 303);
	assert_int_equal(case_ask(c, "GET", "/backend?view=home", NULL, sid), 200);
	SHOWS("Der er ikke noget, der venter på dig lige nu.</p>\n<h2>Det kan du også gøre</h2>");
	SHOWS(">Bemærk</a>");
	HIDES("Har ventet på dig siden");
	clock_simulate(clock_now() + 29 * 60000, 0);
	assert_int_equal(case_ask(c, "GET", "/backend", NULL, sid), 200);
	clock_simulate(clock_now() + 30 * 60000 + 1, 0);
	assert_int_equal(case_ask(c, "GET", "/backend?view=home&lang=en", NULL, sid), 303);
	assert_string_equal(location(c), "/home/otplogin?ended=idle&next=%2Fbackend%3Fview%3Dhome&lang=en");
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("because nothing has happened for 30 minutes");
	SHOWS("name=\"next\" value=\"/backend?view=home\"");
}

static void test_three_tries(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	const char *pre = ask_code(c, "ida%40example.dk"), *code = code_of(c), *wrong = other_code(c, code);
	for (int i = 0; i < 3; i++)
		assert_int_equal(try_code(c, pre, wrong), 422);
	assert_int_equal(try_code(c, pre, code), 422);
}

static void test_unknown_address_looks_the_same(void **state) {
	struct portal_case *c = *state;
	struct outbox_row row;
	start_order(c);
	ask_code(c, "ida%40example.dk");
	size_t headers = c->response.headers.count;
	assert_int_equal(count_messages(c, "login-code", &row), 1);
	const char *pre = ask_code(c, "stranger%40example.dk");
	assert_int_equal(c->response.headers.count, headers);
	assert_int_equal(count_messages(c, "login-code", &row), 1);
	assert_int_equal(try_code(c, pre, "0000"), 422);
}

static void test_again_repeats_the_code(void **state) {
	struct portal_case *c = *state;
	struct outbox_row first, second;
	start_order(c);
	const char *pre = ask_code(c, "ida%40example.dk");
	assert_int_equal(count_messages(c, "login-code", &first), 1);
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", "step=again", pre), 303);
	assert_int_equal(count_messages(c, "login-code", &second), 1); /* not within a minute */
	clock_simulate(clock_now() + 61000, 0);
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", "step=again", pre), 303);
	assert_int_equal(count_messages(c, "login-code", &second), 2);
	assert_memory_equal(first.link_id, second.link_id, SECRET_ID);
	clock_simulate(clock_now() + 10 * 60000, 0);
	assert_int_equal(try_code(c, pre, code_of(c)), 422); /* sending again does not extend the ten minutes */
	/* a browser that has forgotten the cookie is asked for the address, not sent to wait for nothing */
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", "step=again", NULL), 303);
	assert_string_equal(location(c), "/home/otplogin?ended=code");
	assert_int_equal(case_ask(c, "GET", location(c), NULL, NULL), 200);
	SHOWS("Koden gælder ikke mere. Bed om en ny kode.");
	SHOWS("name=\"address\"");
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", "step=address&address=", NULL), 422);
	SHOWS("<a href=\"#f-address\">Mailadresse: Udfyld feltet</a>");
}

/* From another network each time: the system-wide budget is what ends it. */
static void test_guessing_everywhere_leads_to_links(void **state) {
	struct portal_case *c = *state;
	struct outbox_row row;
	start_order(c);
	for (int i = 0; i < 50; i++) {
		c->client = arena_printf(c->arena, "198.51.100.%d", i);
		const char *pre = ask_code(c, arena_printf(c->arena, "stranger%d%%40example.dk", i).at);
		assert_int_equal(try_code(c, pre, "0000"), 422);
	}
	ask_code(c, "ida%40example.dk");
	assert_int_equal(count_messages(c, "login-code", &row), 0);
	assert_int_equal(count_messages(c, "login-link", &row), 1);
	clock_simulate(clock_now() + CIVIL_DAY_MS + 1, 0);
	ask_code(c, "ida%40example.dk");
	assert_int_equal(count_messages(c, "login-code", &row), 1);
}

static void test_a_network_may_fail_ten_times(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	for (int i = 0; i < 9; i++)
		assert_int_equal(try_code(c, NULL, "0000"), 422);
	const char *pre = ask_code(c, "ida%40example.dk");
	assert_int_equal(try_code(c, pre, code_of(c)), 303); /* and who is right clears it */
	for (int i = 0; i < 10; i++)
		assert_int_equal(try_code(c, NULL, "0000"), 422);
	assert_int_equal(try_code(c, NULL, "0000"), 429);
	SHOWS("Vent en time");
	clock_simulate(clock_now() + 15 * 60000 + 1, 0);
	assert_int_equal(try_code(c, NULL, "0000"), 422);
}

static void test_failures_lead_to_a_link(void **state) {
	struct portal_case *c = *state;
	struct outbox_row row;
	char token[SECRET_TOKEN + 1];
	start_order(c);
	int64_t now = clock_now();
	for (int day = 0; day < 4; day++) {
		clock_simulate(now + day * 2 * CIVIL_DAY_MS, 0);
		const char *pre = ask_code(c, "ida%40example.dk"), *wrong = other_code(c, code_of(c));
		for (int i = 0; i < 3; i++)
			assert_int_equal(try_code(c, pre, wrong), 422);
	}
	clock_simulate(now + 9 * CIVIL_DAY_MS, 0);
	ask_code(c, "ida%40example.dk");
	assert_int_equal(count_messages(c, "login-link", &row), 1);
	assert_true(token_make(site_keys(c->site), keyring_current(site_keys(c->site)), "login", row.link_id, token));
	assert_int_equal(case_ask(c, "GET", arena_printf(c->arena, "/home/otplogin?link=%s", token).at, NULL, NULL), 200);
	SHOWS("name=\"link\"");
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", arena_printf(c->arena, "step=link&link=%s", token).at, NULL), 422);
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", arena_printf(c->arena, "step=link&link=%s&address=x%%40example.dk", token).at, NULL), 422);
	assert_int_equal(case_ask(c, "POST", "/home/otplogin", arena_printf(c->arena, "step=link&link=%s&address=ida%%40example.dk", token).at, NULL), 303);
	assert_string_equal(location(c), "/backend");
}

static void test_start_limit(void **state) {
	struct portal_case *c = *state;
	for (int i = 0; i < 30; i++)
		assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 303);
	assert_int_equal(case_ask(c, "POST", "/start/order", you, NULL), 429);
}

static void test_full_disk(void **state) {
	struct portal_case *c = *state;
	start_order(c);
	const char *path = mailed_link(c, "confirm");
	c->disk_full = true;
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=1&agreed=true", NULL), 503);
	SHOWS("Intet er gået tabt");
	assert_true(case_header(c, "Retry-After").len > 0);
	c->disk_full = false;
	assert_int_equal(case_ask(c, "POST", path, "step=1&version=1&agreed=true", NULL), 303);
	assert_int_equal(case_ask(c, "GET", path, NULL, NULL), 200);
	SHOWS("<h1>Bekræftet</h1>");
}

static int fixed_clock(void **state) {
	clock_simulate(INT64_C(1790000000000), 0);
	return case_setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixed_clock, case_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_layout),
	        TEST(test_security_headers),
	        TEST(test_refusals),
	        TEST(test_form_page),
	        TEST(test_problems_keep_what_was_typed),
	        TEST(test_second_page),
	        TEST(test_an_answer_asks_more),
	        TEST(test_one_more_and_one_less),
	        TEST(test_check_and_change),
	        TEST(test_save_and_finish_later),
	        TEST(test_later_has_budgets),
	        TEST(test_nobody_overwrites_unseen),
	        TEST(test_facts_that_change_are_shown_first),
	        TEST(test_only_what_was_shown_is_sent),
	        TEST(test_receipt),
	        TEST(test_bare_press_decides_nothing),
	        TEST(test_a_tick_says_its_label_once),
	        TEST(test_dates_as_danes_write_them),
	        TEST(test_back_where_one_stopped),
	        TEST(test_receipt_of_a_tick),
	        TEST(test_the_end_in_the_packages_words),
	        TEST(test_bare_press_where_all_is_optional),
	        TEST(test_matrix_and_two_people),
	        TEST(test_wrong_tokens_are_one_page),
	        TEST(test_list_and_row),
	        TEST(test_login),
	        TEST(test_home),
	        TEST(test_three_tries),
	        TEST(test_unknown_address_looks_the_same),
	        TEST(test_again_repeats_the_code),
	        TEST(test_failures_lead_to_a_link),
	        TEST(test_guessing_everywhere_leads_to_links),
	        TEST(test_a_network_may_fail_ten_times),
	        TEST(test_start_limit),
	        TEST(test_full_disk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
