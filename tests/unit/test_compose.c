#include "mailer/compose.h"

#include "engine/base/clock.h"
#include "engine/store/access.h"
#include "engine/store/registers.h"
#include "engine/workflow/gsm.h"
#include "mailer/mime.h"
#include "tests/unit/store_fixture.h"

#include <sys/stat.h>

static const int64_t NOW = 1772445600000; /* 2026-03-02T10:00Z, 11:00 in Copenhagen */

static const char workflow[] =
        "workflow: loan\n"
        "start: {by: borrower, form: ask}\n"
        "roles:\n"
        "  borrower: {contact: mail, name: who}\n"
        "  runner: {contact: phone}\n"
        "data:\n"
        "  who: {type: text}\n"
        "  mail: {type: email}\n"
        "  phone: {type: phone}\n"
        "  thing: {type: ref, register: things}\n"
        "  spares: {type: ref, register: things, many: 1..3}\n"
        "  until: {type: date}\n"
        "  worth: {type: decimal}\n"
        "  note: {type: longtext}\n"
        "  urgent: {type: bool}\n"
        "  fragile: {type: bool}\n"
        "  way: {type: choice, options: [fetch, bring]}\n"
        "  friends: {type: email, many: 1..3}\n"
        "  marks: {type: matrix, register: things, scale: 0..3}\n"
        "forms:\n"
        "  ask: {fields: [who, mail, phone, thing, spares, until, worth, note, urgent, fragile, way, friends, marks]}\n"
        "  answer: {fields: [note]}\n"
        "initial: asked\n"
        "states:\n"
        "  asked:\n"
        "    entry:\n"
        "      - send: {to: borrower, message: please, link: answer}\n"
        "      - send: {to: runner, message: hurry, link: one}\n"
        "      - send: {to: borrower, message: plain}\n"
        "    after: [{in: 9d, target: done}]\n"
        "    on:\n"
        "      answer: {by: borrower, form: answer, target: done}\n"
        "  done: {final: true}\n"
        "views:\n"
        "  one: {kind: page, for: [borrower, runner], fields: [thing]}\n";

static const char registers[] = "things: {key: id, label: name, columns: {id: text, name: text, shelf: text, count: int, new: bool}, sample: things.csv}\n";

static const char words_da[] =
        "title: Udlån\n"
        "roles: {borrower: Låner, runner: Bud}\n"
        "fields:\n"
        "  who: {label: a}\n  mail: {label: a}\n  phone: {label: a}\n  thing: {label: a}\n  spares: {label: a}\n  until: {label: a}\n  worth: {label: a}\n"
        "  note: {label: a}\n  urgent: {label: a}\n  fragile: {label: a}\n  friends: {label: a}\n"
        "  way: {label: a, options: {fetch: Hentes, bring: Bringes}}\n"
        "  marks: {label: a, scale: {0: Slet ikke, 2: Ret godt}}\n"
        "forms: {ask: {title: Spørg}, answer: {title: Svar}}\n"
        "states: {asked: Spurgt, done: Færdig}\n"
        "events: {answer: Svar}\n"
        "views: {one: {title: Vis}}\n";

static const char please_da[] =
        "subject: Vil {{who}} låne {{thing}}?\n"
        "---\n"
        "Hej {{recipient}} ({{role}})\n\n"
        "{{thing}} står på {{thing.shelf}} ({{thing.key}}, {{thing.count}} stk.).\n\n"
        "Indtil {{until}}. Værdi {{worth}}. {{way}}.\n\n"
        "{{#urgent}}Det haster.{{/urgent}}{{#fragile}}Pas på.{{/fragile}}{{^fragile}}Tåler slag.{{/fragile}}\n\n"
        "{{#friends}}\n- {{.}}\n{{/friends}}\n\n"
        "Alle: {{friends}}\n\n"
        "{{#marks}}\n- {{label}} = {{value}} ({{key}}, {{shelf}})\n{{/marks}}\n\n"
        "Ekstra:\n\n{{#spares}}\n- {{label}} fra {{shelf}}{{#new}}, ny{{/new}}\n{{/spares}}\n\n"
        "Note: {{note}}\n\n"
        "[Svar her]({{link}})\n\n"
        "Linket virker til {{link_expires}}. Sag {{reference}} er {{state}}.\n\n"
        "{{site}}\n";

struct house {
	struct fixture *f;
	char package[40];
	struct site_config config;
	struct site *site;
	struct engine *engine;
	struct instance instance;
	struct link link;
	struct login login;
};

static struct str languages[] = {{"da", 2}, {"en", 2}}, contact = {"Ring 70 10 20 30", 16};

static void write_file(const struct house *h, const char *name, const char *text) {
	char path[120];
	snprintf(path, sizeof path, "%s/%s", h->package, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void write_package(struct house *h) {
	char path[80];
	snprintf(h->package, sizeof h->package, "/tmp/compose-XXXXXX");
	assert_non_null(mkdtemp(h->package));
	snprintf(path, sizeof path, "%s/texts", h->package);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/messages", h->package);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(h, "workflow.yaml", workflow);
	write_file(h, "registers.yaml", registers);
	write_file(h, "things.csv", "id,name,shelf,count,new\na1,Boremaskine,R1,1500,true\n");
	write_file(h, "texts/da.yaml", words_da);
	write_file(h, "texts/en.yaml", words_da);
	write_file(h, "messages/please.da.md", please_da);
	write_file(h, "messages/please.en.md", "subject: \"{{who}}\"\n---\nUntil {{until}}, worth {{worth}}.\n\n[Answer]({{link}})\n");
	write_file(h, "messages/hurry.da.txt", "{{who}}: {{note}} {{link}}\n");
	write_file(h, "messages/hurry.en.txt", "{{who}} {{link}}\n");
	write_file(h, "messages/plain.da.md", "subject: Kvittering\n---\nHej {{who}}\n\n[Os](https://www.example.org/)\n");
	write_file(h, "messages/plain.en.md", "subject: Receipt\n---\nHi {{who}}\n");
}

static const char json[] =
        "{\"who\":\"Ida [x](https://evil.example) *Ib*\",\"mail\":\"ida@example.dk\",\"phone\":\"+4512345678\",\"thing\":{\"key\":\"a1\",\"version\":\"1\"},"
        "\"spares\":[{\"key\":\"a1\",\"version\":\"1\"},{\"key\":\"b2\",\"version\":\"1\"}],\"until\":\"2026-04-02\",\"worth\":12.5,"
        "\"note\":\"<b>1</b>\\nlinje \xE2\x80\x9Cto\xE2\x80\x9D\",\"urgent\":true,\"fragile\":false,\"way\":\"bring\",\"friends\":[\"a@b.dk\",\"c@d.dk\"],"
        "\"marks\":{\"a1\":2,\"b2\":1,\"gone\":0}}";

static void fill_store(struct house *h) {
	struct fixture *f = h->f;
	const struct definition *d = site_package_at(h->site, 0)->definition;
	const struct register_row rows[] = {
	        {.key = {"a1", 2}, .data = STR("{\"id\":\"a1\",\"name\":\"Boremaskine\",\"shelf\":\"R1\",\"count\":1500,\"new\":true}"), .position = 1},
	        {.key = {"b2", 2}, .data = STR("{\"id\":\"b2\",\"name\":\"Sav\",\"shelf\":\"R2\",\"count\":2,\"new\":false}"), .position = 2}};
	struct register_change change;
	h->instance = (struct instance){.workflow = STR("loan"), .state = STR("asked"), .data = STR("{}"), .version = 1,
	                                .started_at = NOW, .entered_at = NOW, .changed_at = NOW};
	memcpy(h->instance.definition, d->hash, sizeof d->hash);
	fixture_begin(f);
	OK(definition_keep(f->tx, d->hash, d->name, d->source, NOW, &f->err));
	OK(instance_insert(f->tx, f->arena, &h->instance, &f->err));
	OK(contact_ensure(f->tx, CHANNEL_MAIL, STR("ida@example.dk"), STR("ida@example.dk"), STR("da"), NOW, &f->contact, &f->err));
	OK(register_replace(f->tx, STR("loan.things"), rows, 2, NOW, &change, &f->err));
	h->link = (struct link){.id = {7}, .key_id = keyring_current(f->keys), .kind = LINK_TASK, .workflow = STR("loan"), .task = STR("answer"),
	                        .instance_id = h->instance.id, .contact_id = f->contact, .role = STR("borrower"), .created_at = NOW, .expires_at = NOW + 7 * CIVIL_DAY_MS};
	OK(link_insert(f->tx, &h->link, &f->err));
	h->login = (struct login){.id = {9}, .digits = 4, .key_id = keyring_current(f->keys), .contact_id = f->contact, .address = STR("Ida@example.dk"),
	                          .created_at = NOW, .expires_at = NOW + 600000, .max_tries = 3};
	OK(login_insert(f->tx, &h->login, &f->err));
}

static int set_up(void **state) {
	struct house *h = calloc(1, sizeof *h);
	assert_non_null(h);
	*state = h;
	clock_simulate(NOW, 0);
	struct fixture *f = h->f = fixture_files();
	fixture_open(f, NULL);
	write_package(h);
	static struct str packages[1];
	packages[0] = str_from(h->package);
	h->config = (struct site_config){
	        .folder = f->folder, .name = STR("Nordby <Bibliotek>"), .base_url = STR("https://svar.nordby.example"), .zone = STR("Europe/Copenhagen"), .holidays = STR("dk"),
	        .closed_days_file = STR(""), .languages = languages, .language_count = 2, .key_file = str_from(f->key_path), .contact = {NULL, &contact, 1}, .colour = STR("#7a1f3d"),
	        .packages = packages, .package_count = 1, .mail = {.from_name = STR("Nordby"), .from_address = STR("svar@nordby.example")}, .sms = {.country = STR("45")},
	};
	struct problems problems = {.arena = f->arena};
	h->site = site_open(&h->config, &problems, &f->err);
	for (size_t i = 0; i < problems.count && !h->site; i++)
		print_message("%s:%d: %.*s\n", problems.items[i].place.file, problems.items[i].place.line, STR_ARG(problems.items[i].text));
	OK(h->site != NULL);
	h->engine = engine_open(h->site);
	fill_store(h);
	return 0;
}

static int tear_down(void **state) {
	struct house *h = *state;
	char command[60];
	snprintf(command, sizeof command, "rm -rf '%s'", h->package);
	assert_int_equal(system(command), 0);
	engine_close(h->engine);
	site_close(h->site);
	void *fixture = h->f;
	fixture_tear_down(&fixture);
	free(h);
	return 0;
}

static struct outbox_row row_of(const struct house *h, enum channel channel, const char *message) {
	struct outbox_row row = {
	        .instance_id = h->instance.id, .contact_id = h->f->contact, .channel = channel, .recipient = channel == CHANNEL_MAIL ? STR("ida@example.dk") : STR("+4512345678"),
	        .recipient_name = STR("Ida Hansen"), .role = STR("borrower"), .language = STR("da"), .workflow = STR("loan"), .message = str_from(message), .has_link = true,
	        .data = str_from(json), .message_id = STR("<m1@nordby.example>"), .thread = STR("<t1@nordby.example>"), .created_at = NOW, .next_at = NOW,
	};
	memcpy(row.link_id, h->link.id, sizeof row.link_id);
	return row;
}

static struct outbox_row row_of_login(const struct house *h, enum channel channel, const char *message) {
	struct outbox_row row = row_of(h, channel, message);
	memcpy(row.link_id, h->login.id, sizeof row.link_id);
	row.instance_id = 0;
	row.workflow = row.thread = row.role = row.recipient_name = STR("");
	return row;
}

static bool compose(struct house *h, const struct outbox_row *row, struct composed *out) {
	h->f->err = (struct err){0};
	return compose_message(h->engine, h->site, tx_view(h->f->tx), row, h->f->arena, out, &h->f->err);
}

static void must_compose(struct house *h, const struct outbox_row *row, struct composed *out) {
	struct fixture *f = h->f;
	OK(compose(h, row, out));
}

static size_t count_of(struct str text, struct str wanted) {
	size_t count = 0;
	for (size_t i = 0; i + wanted.len <= text.len; i++)
		count += memcmp(text.at + i, wanted.at, wanted.len) == 0;
	return count;
}

static void assert_shows(struct str text, const char *wanted) {
	if (count_of(text, str_from(wanted)) == 0)
		fail_msg("'%s' is not in: %.*s", wanted, STR_ARG(text));
}

static void assert_hides(struct str text, const char *unwanted) {
	if (count_of(text, str_from(unwanted)) > 0)
		fail_msg("'%s' is in: %.*s", unwanted, STR_ARG(text));
}

static struct str link_of(struct house *h) {
	return arena_printf(h->f->arena, "https://svar.nordby.example/l/%.*s", STR_ARG(engine_token(h->engine, &h->link, h->f->arena)));
}

static void values_are_shown_in_the_readers_language(void **state) {
	struct house *h = *state;
	struct outbox_row row = row_of(h, CHANNEL_MAIL, "please");
	struct composed m;
	must_compose(h, &row, &m);
	assert_str(m.subject, "Vil Ida [x](https://evil.example) *Ib* låne Boremaskine?");
	assert_str(m.language, "da");
	assert_shows(m.text, "Hej Ida Hansen (Låner)");
	assert_shows(m.text, "Boremaskine står på R1 (a1, 1500 stk.).");
	assert_shows(m.text, "Indtil torsdag den 2. april 2026. Værdi 12,5. Bringes.");
	assert_shows(m.text, "Det haster.Tåler slag.");
	assert_shows(m.text, "- a@b.dk\n- c@d.dk\n");
	assert_shows(m.text, "Alle: a@b.dk og c@d.dk");
	assert_shows(m.text, "- Boremaskine = Ret godt (a1, R1)\n- Sav = 1 (b2, R2)\n- gone = Slet ikke (gone, )\n");
	assert_shows(m.text, "- Boremaskine fra R1, ny\n- Sav fra R2\n");
	assert_shows(m.text, "Note: <b>1</b>\nlinje \xE2\x80\x9Cto\xE2\x80\x9D\n");
	assert_shows(m.text, "mandag den 9. marts 2026 kl. 11.00");
	assert_shows(m.text, "Spurgt.\n");
	row.language = STR("en");
	must_compose(h, &row, &m);
	assert_str(m.language, "en");
	assert_shows(m.text, "worth 12.5.");
	row.language = STR("kl");
	must_compose(h, &row, &m);
	assert_str(m.language, "da");
}

static void each_body_has_the_link_once_and_a_footer(void **state) {
	struct house *h = *state;
	struct outbox_row row = row_of(h, CHANNEL_MAIL, "please");
	struct composed m;
	struct fixture *f = h->f;
	must_compose(h, &row, &m);
	struct str url = link_of(h);
	assert_true(str_equal(m.url, url));
	assert_int_equal(count_of(m.text, url), 1);
	assert_int_equal(count_of(m.html, arena_printf(f->arena, "href=\"%.*s\">Svar her</a>", STR_ARG(url))), 1);
	assert_int_equal(count_of(m.html, STR("href=")), 1);
	assert_shows(m.html, "<a class=\"button\" style=");
	/* A button that is one also where only the cell's ground is understood; the site's colour, and a lighter one for dark screens. */
	assert_int_equal(count_of(m.html, STR("<td bgcolor=\"#7a1f3d\" style=")), 1);
	assert_shows(m.html, "color:#ffffff;border:2px solid #7a1f3d");
	assert_hides(m.html, "<p style=\"margin:0 0 16px\"><a class=\"button\"");
	assert_hides(m.html, "~");
	assert_shows(m.html, "@media (prefers-color-scheme:dark)");
	for (struct str rest = m.text; rest.len > 0;)
		assert_true(str_utf8_count(str_cut(&rest, '\n')) <= 76);
	assert_shows(m.html, "<html lang=\"da\">");
	assert_shows(m.html, "<meta name=\"color-scheme\" content=\"light dark\">");
	assert_shows(m.html, "Nordby &lt;Bibliotek&gt;");
	assert_shows(m.html, "&lt;b&gt;1&lt;/b&gt;");
	assert_hides(m.html, "<p>");
	assert_hides(m.html, "<b>");
	assert_hides(m.html, "<img");
	for (int i = 0; i < 2; i++) {
		struct str body = i ? m.html : m.text;
		assert_shows(body, "Ring 70 10 20 30");
		assert_shows(body, arena_printf(f->arena, "Referencenummer: %.*s", STR_ARG(h->instance.reference)).at);
		assert_shows(body, i ? "Du får denne mail fra Nordby &lt;Bibliotek&gt;" : "Du får denne mail fra Nordby <Bibliotek>");
	}
}

static void a_mail_without_the_link_has_none(void **state) {
	struct house *h = *state;
	struct outbox_row row = row_of(h, CHANNEL_MAIL, "plain");
	struct composed m;
	row.has_link = false;
	must_compose(h, &row, &m);
	assert_int_equal(m.url.len, 0);
	assert_int_equal(count_of(m.html, STR("href=")), 1);
	assert_shows(m.text, "https://www.example.org/");
	assert_hides(m.html, "/l/");
	row.has_link = true;
	must_compose(h, &row, &m);
	assert_hides(m.html, "/l/");
}

static void what_is_composed_can_be_built(void **state) {
	struct house *h = *state;
	struct fixture *f = h->f;
	struct outbox_row row = row_of(h, CHANNEL_MAIL, "please");
	struct composed m;
	struct str raw;
	struct mime_parts parts;
	must_compose(h, &row, &m);
	OK(mime_build(&h->config.mail, &m, NOW, zone_local(site_zone(h->site), NOW), f->arena, &raw, &f->err));
	OK(mime_parse(raw, f->arena, &parts, &f->err));
	assert_true(str_equal(parts.text, m.text));
	assert_true(str_equal(parts.html, m.html));
}

static void an_sms_is_text_with_the_link_as_a_word(void **state) {
	struct house *h = *state;
	struct outbox_row row = row_of(h, CHANNEL_SMS, "hurry");
	struct composed m;
	must_compose(h, &row, &m);
	struct str url = link_of(h);
	assert_str(m.to, "+4512345678");
	assert_true(str_equal(m.text, arena_printf(h->f->arena, "Ida [x](https://evil.example) *Ib*: <b>1</b>\nlinje \"to\" %.*s", STR_ARG(url))));
	assert_int_equal(m.subject.len + m.html.len, 0);
}

static void a_log_in_code_is_the_portals(void **state) {
	struct house *h = *state;
	struct fixture *f = h->f;
	struct outbox_row row = row_of_login(h, CHANNEL_MAIL, "login-code");
	struct composed m;
	char code[9];
	OK(code_make(f->keys, h->login.key_id, h->login.id, h->login.address, 4, code));
	must_compose(h, &row, &m);
	assert_str(m.subject, "Din kode til at logge ind");
	assert_shows(m.text, arena_printf(f->arena, "Din kode er %s\n", code).at);
	assert_shows(m.html, arena_printf(f->arena, "Din kode er <strong>%s</strong>", code).at);
	assert_shows(m.text, "kl. 11.10");
	assert_hides(m.text, "http");
	assert_hides(m.html, "http");
	assert_int_equal(m.url.len, 0);
	row.channel = CHANNEL_SMS;
	must_compose(h, &row, &m);
	assert_shows(m.text, code);
	assert_int_equal(m.html.len, 0);
	row = row_of_login(h, CHANNEL_MAIL, "login-code");
	row.language = STR("en");
	must_compose(h, &row, &m);
	assert_str(m.subject, "Your code to log in");
}

static void a_log_in_link_is_the_portals(void **state) {
	struct house *h = *state;
	struct fixture *f = h->f;
	struct outbox_row row = row_of_login(h, CHANNEL_MAIL, "login-link");
	struct composed m;
	char token[SECRET_TOKEN + 1];
	OK(token_make(f->keys, h->login.key_id, "login", h->login.id, token));
	must_compose(h, &row, &m);
	struct str url = arena_printf(f->arena, "https://svar.nordby.example/home/otplogin?link=%s", token);
	assert_true(str_equal(m.url, url));
	assert_int_equal(count_of(m.text, url), 1);
	assert_int_equal(count_of(m.html, arena_printf(f->arena, "href=\"%.*s\"", STR_ARG(url))), 1);
}

static void a_link_to_finish_later_tells_no_answers(void **state) {
	struct house *h = *state;
	struct fixture *f = h->f;
	struct outbox_row row = row_of(h, CHANNEL_MAIL, "later");
	struct composed m;
	row.instance_id = row.contact_id = 0;
	row.workflow = row.thread = row.role = row.recipient_name = STR("");
	must_compose(h, &row, &m);
	struct str url = arena_printf(f->arena, "https://svar.nordby.example/l/%.*s", STR_ARG(engine_token(h->engine, &h->link, f->arena)));
	assert_true(str_equal(m.url, url));
	assert_int_equal(count_of(m.text, url), 1);
	assert_int_equal(count_of(m.html, arena_printf(f->arena, "href=\"%.*s\"", STR_ARG(url))), 1);
	assert_shows(m.text, arena_printf(f->arena, "%.*s", STR_ARG(texts_get(site_package_at(h->site, 0)->texts, STR("da"), "title"))).at);
	assert_hides(m.text, "Ida");
	assert_hides(m.html, "Ida");
	row.channel = CHANNEL_SMS;
	must_compose(h, &row, &m);
	assert_int_equal(count_of(m.text, url), 1);
	assert_int_equal(m.html.len, 0);
	row = row_of(h, CHANNEL_MAIL, "later");
	row.workflow = STR("");
	row.language = STR("en");
	must_compose(h, &row, &m);
	assert_shows(m.subject, "Go on where you stopped: ");
	row.link_id[0] = 99;
	assert_false(compose(h, &row, &m));
	assert_int_equal(f->err.kind, ERR_PERMANENT);
}

/* An SMS of one part, whose last line binds it to our pages. */
static void the_code_of_an_act_is_one_sms(void **state) {
	struct house *h = *state;
	struct fixture *f = h->f;
	struct outbox_row row = row_of_login(h, CHANNEL_SMS, "act-code");
	struct composed m;
	char code[9];
	uint32_t foreign;
	OK(code_make(f->keys, h->login.key_id, h->login.id, h->login.address, 4, code));
	for (int i = 0; i < 2; i++) {
		row.language = i ? STR("en") : STR("da");
		must_compose(h, &row, &m);
		assert_true(gsm_septets(m.text, &foreign) <= GSM_PART);
		assert_int_equal(foreign, 0);
		struct str last = arena_printf(f->arena, "\n\n@svar.nordby.example #%s", code);
		assert_true(m.text.len > last.len && memcmp(m.text.at + m.text.len - last.len, last.at, last.len) == 0);
		assert_shows(m.text, i ? "11:10" : "11.10");
	}
	row = row_of_login(h, CHANNEL_MAIL, "act-code");
	must_compose(h, &row, &m);
	assert_str(m.subject, "Din kode til at bekræfte");
	assert_shows(m.text, arena_printf(f->arena, "Din kode er %s\n", code).at);
	assert_hides(m.text, "http");
}

static void what_is_gone_fails_for_good(void **state) {
	struct house *h = *state;
	struct composed m;
	struct outbox_row rows[8];
	for (size_t i = 0; i < 6; i++)
		rows[i] = row_of(h, CHANNEL_MAIL, "please");
	rows[0].message = STR("no-such");
	rows[1].workflow = STR("other");
	rows[2].link_id[0] = 99;
	rows[3].instance_id = 999;
	rows[4].data = STR("{\"strange\":1}");
	rows[5].has_link = false, rows[5].channel = CHANNEL_SMS; /* no SMS of that name */
	rows[6] = row_of_login(h, CHANNEL_MAIL, "login-other");
	rows[7] = row_of_login(h, CHANNEL_MAIL, "login-code");
	rows[7].link_id[0] = 99;
	for (size_t i = 0; i < 8; i++) {
		if (compose(h, &rows[i], &m))
			fail_msg("row %zu is composed", i);
		assert_int_equal(h->f->err.kind, ERR_PERMANENT);
		assert_true(h->f->err.text[0] != '\0');
	}
}

static void nothing_evil_reaches_a_header(void **state) {
	struct house *h = *state;
	struct composed m;
	struct outbox_row row = row_of(h, CHANNEL_MAIL, "please");
	row.recipient = STR("ida@example.dk\r\nRCPT TO:<eve@evil.example>");
	assert_false(compose(h, &row, &m));
	assert_int_equal(h->f->err.kind, ERR_INPUT);
	row = row_of(h, CHANNEL_MAIL, "please");
	row.recipient_name = STR("Ida\nBcc: eve@evil.example");
	assert_false(compose(h, &row, &m));
	row = row_of(h, CHANNEL_MAIL, "please");
	row.data = STR("{\"who\":\"Ida\\u202e\"}");
	assert_false(compose(h, &row, &m));
	row.data = STR("{\"who\":\"Ida\\r\\nBcc: eve@evil.example\"}");
	must_compose(h, &row, &m);
	assert_str(m.subject, "Vil Ida  Bcc: eve@evil.example låne ?");
	row.message_id = STR("<m\n@x>");
	assert_false(compose(h, &row, &m));
}

static void a_long_subject_is_cut_between_characters(void **state) {
	struct house *h = *state;
	struct composed m;
	struct outbox_row row = row_of(h, CHANNEL_MAIL, "please");
	struct buf data;
	buf_init(&data, 1000);
	buf_z(&data, "{\"who\":\"");
	for (int i = 0; i < 200; i++)
		buf_z(&data, "ø");
	buf_z(&data, "\"}");
	row.data = buf_text(&data);
	row.recipient_name = arena_printf(h->f->arena, "%0*d", 100, 0);
	must_compose(h, &row, &m);
	assert_int_equal(str_utf8_count(m.subject), 150);
	assert_true(str_ends(m.subject, STR("ø\xE2\x80\xA6")));
	assert_int_equal(str_utf8_count(m.to_name), 80);
	buf_free(&data);
}

#define HOUSE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(values_are_shown_in_the_readers_language),
		HOUSE_TEST(each_body_has_the_link_once_and_a_footer),
		HOUSE_TEST(a_mail_without_the_link_has_none),
		HOUSE_TEST(what_is_composed_can_be_built),
		HOUSE_TEST(an_sms_is_text_with_the_link_as_a_word),
		HOUSE_TEST(a_log_in_code_is_the_portals),
		HOUSE_TEST(a_log_in_link_is_the_portals),
		HOUSE_TEST(a_link_to_finish_later_tells_no_answers),
		HOUSE_TEST(the_code_of_an_act_is_one_sms),
		HOUSE_TEST(what_is_gone_fails_for_good),
		HOUSE_TEST(nothing_evil_reaches_a_header),
		HOUSE_TEST(a_long_subject_is_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
