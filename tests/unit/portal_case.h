/* What the tests of the portal's pages begin with: a site with one small workflow in a folder of its own, a store in memory, and requests
 * made by hand. A change for the writer is carried out at once. */
#ifndef TESTS_UNIT_PORTAL_CASE_H
#define TESTS_UNIT_PORTAL_CASE_H

#include "engine/base/clock.h"
#include "otp-portal/assets.h"
#include "otp-portal/route.h"
#include "otp-portal/session.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct portal_case {
	char folder[40];
	struct arena *arena;
	struct site_config config;
	struct site *site;
	struct store *store;
	struct engine *engine;
	struct portal_world world;
	struct request request;   /* the last one */
	struct response response;
	struct buf page;          /* its body */
	bool disk_full;           /* the writer refuses */
	struct str client;        /* who asks; empty: 192.0.2.1 */
	struct err err;
};

static const char case_workflow[] =
        "workflow: order\n"
        "start: {by: asker, form: ask, public: true}\n"
        "initial: unconfirmed\n"
        "roles:\n"
        "  asker: {contact: email, name: person}\n"
        "  boss: {contact: boss_emails}\n"
        "data:\n"
        "  person: {type: text, max: 40}\n"
        "  email: {type: email}\n"
        "  kind: {type: choice, options: [big, small]}\n"
        "  amount: {type: int, min: 1, max: 100}\n"
        "  part: {type: ref, register: parts}\n"
        "  day: {type: date, min: \"date('2026-01-01')\"}\n"
        "  why: {type: longtext}\n"
        "  boss_emails: {type: email, many: 1..3}\n"
        "  agreed: {type: bool, accept: true}\n"
        "  rush: {type: bool}\n"
        "  marks: {type: matrix, register: parts, scale: 0..3}\n"
        "  verdict: {type: choice, options: ['yes', 'no']}\n"
        "forms:\n"
        "  ask:\n"
        "    pages:\n"
        "      - {name: you, fields: [person, email]}\n"
        "      - {name: what, fields: [kind, amount, part, day, {field: why, optional: true}, {field: rush, when: \"kind == 'big'\"}, boss_emails]}\n"
        "  confirm: {fields: [agreed], check: false}\n"
        "  remark: {fields: [{field: why, optional: true}], check: false}\n"
        "  decide: {pages: [{name: one, fields: [verdict, marks], show: [person, amount]}], check: false}\n"
        "states:\n"
        "  unconfirmed:\n"
        "    entry: [{send: {to: asker, message: confirm, link: confirm}}]\n"
        "    after: [{in: 7d, target: gone}]\n"
        "    on:\n"
        "      confirm: {by: asker, form: confirm, target: waiting}\n"
        "  waiting:\n"
        "    entry: [{send: {to: boss, message: please, link: decide}}, {send: {to: asker, message: sent, link: remark}}]\n"
        "    after: [{in: 7d, target: gone}]\n"
        "    on:\n"
        "      remark: {by: asker, form: remark, optional: true}\n"
        "      decide: {by: boss, form: decide, target: done}\n"
        "  done: {final: true, entry: [{send: {to: asker, message: result, link: mine}}]}\n"
        "  gone: {final: true}\n"
        "views:\n"
        "  one: {kind: page, for: [asker, boss], when: \"state == 'done'\", head: [kind], fields: [person, verdict, marks, rush], timeline: true}\n"
        "  mine: {kind: list, for: [asker, boss], columns: [reference, person, state, day, {delivery: asker}], search: [person, day], page: one, login: true, digits: 4, export: true,\n"
        "    filters: [state, kind, part, rush], overdue: \"state == 'waiting' && has(day) && today > day + 1d\"}\n";
static const char case_registers[] = "parts: {key: id, label: title, columns: {id: text, title: text}}\n";
static const char case_texts[] =
        "title: Bestilling <b>\n"
        "intro: Bestil **noget**\n"
        "roles: {asker: Bestiller, boss: Chef}\n"
        "fields:\n"
        "  person: {label: Dit navn}\n"
        "  email: {label: Din e-mail, hint: \"Vi skriver [dertil](https://example.dk/)\"}\n"
        "  kind: {label: Størrelse, options: {big: Stor, small: Lille}}\n"
        "  amount: {label: Antal}\n"
        "  part: {label: Del}\n"
        "  day: {label: Dag}\n"
        "  why: {label: Hvorfor}\n"
        "  boss_emails: {label: Chefens e-mail}\n"
        "  agreed: {label: Jeg er enig}\n"
        "  rush: {label: Haster det?}\n"
        "  marks: {label: Karakterer, scale: {0: Ingen, 1: Lidt, 2: Noget, 3: Meget}}\n"
        "  verdict: {label: Svar, options: {'yes': Ja tak, 'no': Nej tak}}\n"
        "forms:\n"
        "  ask: {title: Bestil noget, submit: Send bestilling, pages: {you: Om dig, what: Hvad}, receipt: {title: Modtaget, text: \"Tak, {{person}}\"}}\n"
        "  confirm: {title: Bekræft, submit: Bekræft, receipt: {title: Bekræftet, text: Tak}}\n"
        "  remark: {title: Bemærk, submit: Bemærk, receipt: {title: Bemærket, text: Tak}}\n"
        "  decide: {title: Afgør, submit: Afgør, pages: {one: Afgør}, receipt: {title: Afgjort, text: Tak}}\n"
        "states: {unconfirmed: Ubekræftet, waiting: Venter, done: Færdig, gone: Udløbet}\n"
        "ended: {gone: \"Det blev for sent, {{person}}\"}\n"
        "done: {decide: Bestillingen er afgjort}\n"
        "messages: {please: Anmodning}\n"
        "events: {confirm: Bekræft, remark: Bemærk, decide: Afgør}\n"
        "views: {one: {title: Bestilling, not-ready: Ikke endnu}, mine: {title: Mine bestillinger, empty: Ingen}}\n";
static const char case_message[] = "subject: Hej\n---\nHej {{recipient}}\n\n[Åbn]({{link}})\n";

static inline void case_write(struct portal_case *c, const char *name, const char *text) {
	FILE *f = fopen(arena_printf(c->arena, "%s/%s", c->folder, name).at, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline void case_folder(struct portal_case *c) {
	snprintf(c->folder, sizeof c->folder, "/tmp/stafet-portal-XXXXXX");
	assert_non_null(mkdtemp(c->folder));
	mkdir(arena_printf(c->arena, "%s/texts", c->folder).at, 0700);
	mkdir(arena_printf(c->arena, "%s/messages", c->folder).at, 0700);
	case_write(c, "workflow.yaml", case_workflow);
	case_write(c, "registers.yaml", case_registers);
	case_write(c, "texts/da.yaml", case_texts);
	case_write(c, "texts/en.yaml", case_texts);
	static const char *const messages[] = {"confirm", "please", "sent", "result"};
	for (size_t i = 0; i < 4; i++) {
		case_write(c, arena_printf(c->arena, "messages/%s.da.md", messages[i]).at, case_message);
		case_write(c, arena_printf(c->arena, "messages/%s.en.md", messages[i]).at, case_message);
	}
}

static inline void case_open_site(struct portal_case *c) {
	static struct str languages[] = {{"da", 2}, {"en", 2}}, contact = {"hjælp@example.dk", 17};
	unsigned char fingerprint[SECRET_FINGERPRINT];
	struct problems problems = {.arena = c->arena};
	c->config = (struct site_config){
	        .folder = c->folder,
	        .name = STR("Prøve & Co"),
	        .base_url = STR("https://stafet.example.dk"),
	        .zone = STR("Europe/Copenhagen"),
	        .holidays = STR("dk"),
	        .languages = languages,
	        .language_count = 2,
	        .contact = {NULL, &contact, 1},
	        .packages = ARENA_NEW(c->arena, struct str),
	        .package_count = 1,
	        .key_file = arena_printf(c->arena, "%s/keys", c->folder),
	};
	c->config.mail.from_address = STR("stafet@example.dk");
	c->config.sms.country = STR("45");
	c->config.packages[0] = str_from(c->folder);
	assert_true(secret_init(&c->err));
	assert_true(keyring_create(c->config.key_file.at, &c->err));
	c->site = site_open(&c->config, &problems, &c->err);
	if (!c->site) {
		problems_print(&problems, &c->page);
		fail_msg("%s\n%s", c->err.text, c->page.at ? c->page.at : "");
	}
	keyring_fingerprint(site_keys(c->site), fingerprint);
	c->store = store_open(NULL, fingerprint, &c->err);
	assert_non_null(c->store);
	c->engine = engine_open(c->site);
}

static inline void case_import(struct portal_case *c) {
	struct register_row rows[] = {{.key = STR("k1"), .data = STR("{\"id\":\"k1\",\"title\":\"Hjul <rundt>\"}"), .position = 1},
	                              {.key = STR("k 2"), .data = STR("{\"id\":\"k 2\",\"title\":\"Stel\"}"), .position = 2}};
	struct register_change change;
	struct tx *tx;
	assert_true(store_begin(c->store, &tx, &c->err));
	assert_true(register_replace(tx, STR("order.parts"), rows, 2, clock_now(), &change, &c->err));
	assert_true(store_commit(tx, &c->err));
}

static inline int case_setup(void **state) {
	struct portal_case *c = calloc(1, sizeof *c);
	c->arena = arena_new();
	buf_init(&c->page, 8 << 20);
	case_folder(c);
	case_open_site(c);
	case_import(c);
	c->world = (struct portal_world){
	        .options = {.site = c->site, .store = c->store, .engine = c->engine},
	        .url = STR("http://127.0.0.1:8080"),
	        .host = STR("stafet.example.dk"),
	        .port = 8080,
	        .secure = true,
	        .assets = assets_make(c->arena, &c->config),
	        .sessions = sessions_open(),
	};
	*state = c;
	return 0;
}

static inline int case_teardown(void **state) {
	struct portal_case *c = *state;
	static const char *const names[] = {"texts/da.yaml", "texts/en.yaml", "texts", "messages/confirm.da.md", "messages/confirm.en.md", "messages/please.da.md",
	                                    "messages/please.en.md", "messages/sent.da.md", "messages/sent.en.md", "messages/result.da.md", "messages/result.en.md", "messages", "workflow.yaml", "registers.yaml", "keys"};
	engine_close(c->engine);
	store_close(c->store);
	site_close(c->site);
	sessions_close(c->world.sessions);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		remove(arena_printf(c->arena, "%s/%s", c->folder, names[i]).at);
	rmdir(c->folder);
	buf_free(&c->page);
	arena_free(c->arena);
	free(c);
	return 0;
}

static inline void case_change(struct portal_case *c, struct change *change) {
	struct err err = {0};
	struct tx *tx;
	assert_true(store_begin(c->store, &tx, &c->err));
	bool ok = change->run(change, c->engine, tx, clock_now(), &err);
	if (ok && c->disk_full)
		ok = err_set(&err, ERR_TRANSIENT, "error.busy", "the disk is full");
	if (ok)
		assert_true(store_commit(tx, &c->err));
	else
		store_rollback(tx);
	c->response.change = NULL;
	change->then(&c->request, change, ok, &err, &c->response);
	arena_free(change->arena);
}

/* One request, answered; extra: "Name: value" headers, one a line, or NULL. */
static inline unsigned case_ask(struct portal_case *c, const char *method, const char *target, const char *body, const char *extra) {
	struct request *r = &c->request;
	*r = (struct request){.arena = c->arena, .world = &c->world, .method = request_method(method), .client = c->client.len > 0 ? c->client : STR("192.0.2.1"), .now = clock_now()};
	*(struct pair *)ARENA_PUSH(c->arena, &r->headers) = (struct pair){STR("Host"), STR("stafet.example.dk")};
	struct str lines = str_from(extra);
	while (lines.len > 0) {
		struct str value = str_cut(&lines, '\n');
		struct pair *pair = ARENA_PUSH(c->arena, &r->headers);
		pair->name = str_cut(&value, ':');
		pair->value = str_trim(value);
	}
	request_parse_cookies(request_header(r, "Cookie"), c->arena, &r->cookies);
	assert_true(request_parse_target(arena_str(c->arena, str_from(target)), r, &c->err));
	assert_true(request_parse_fields(arena_str(c->arena, str_from(body)), c->arena, &r->form, &c->err));
	response_init(&c->response);
	route_answer(r, &c->response);
	if (c->response.change)
		case_change(c, c->response.change);
	route_secure(r, &c->response);
	buf_clear(&c->page);
	buf_str(&c->page, buf_text(&c->response.body));
	buf_free(&c->response.body);
	return c->response.status;
}

static inline struct str case_header(struct portal_case *c, const char *name) {
	for (size_t i = 0; i < c->response.headers.count; i++)
		if (strcmp(c->response.headers.items[i].name.at, name) == 0)
			return c->response.headers.items[i].value;
	return STR("");
}

static inline bool case_shows(struct portal_case *c, const char *text) {
	return c->page.at && strstr(c->page.at, text);
}
#define SHOWS(text)                                                       \
	do {                                                              \
		if (!case_shows(c, (text)))                               \
			fail_msg("\"%s\" is not on\n%s", (text), c->page.at); \
	} while (0)
#define HIDES(text)                                                       \
	do {                                                              \
		if (case_shows(c, (text)))                                \
			fail_msg("\"%s\" is on\n%s", (text), c->page.at); \
	} while (0)

#endif
