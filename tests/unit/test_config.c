/* stafet.yaml: the example is good, everything it may not be is refused with its place. */
#include "engine/base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct arena *arena;
static struct err err;
static char folder[64], path[128];

static int setup(void **state) {
	(void)state;
	arena = arena_new();
	snprintf(folder, sizeof folder, "/tmp/test_config.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/stafet.yaml", folder);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	unlink(path);
	arena_free(arena);
	return rmdir(folder);
}

static struct site_config *read_text(const char *text) {
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	err = (struct err){0};
	return config_read(arena, folder, &err);
}

static void assert_text(struct str got, const char *expected) {
	assert_string_equal(arena_z(arena, got), expected);
}

static void assert_path(struct str got, const char *relative) {
	char expected[256];
	snprintf(expected, sizeof expected, "%s/%s", folder, relative);
	assert_text(got, expected);
}

static void test_example(void **state) {
	(void)state;
	static char text[1 << 15];
	FILE *f = fopen("docs/stafet.example.yaml", "r"); /* tests run in the repository's root */
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	struct site_config *c = read_text(text);
	if (!c)
		fail_msg("%s", err.text);
	assert_string_equal(c->folder, folder);
	assert_text(c->name, "Nordby Kommune");
	assert_text(c->base_url, "https://svar.nordby.example");
	assert_int_equal(c->package_count, 2);
	assert_path(c->packages[1], "packages/leave");
	assert_path(c->closed_days_file, "closed.txt");
	assert_text(local_text_in(&c->contact, STR("da")), "Skriv til hjaelp@nordby.example eller ring 70 10 20 30");
	assert_text(local_text_in(&c->contact, STR("en")), "Write to hjaelp@nordby.example or call +45 70 10 20 30");
	assert_text(local_text_in(&c->contact, STR("sv")), "");
	assert_text(c->colour, "#234f9d");
	assert_int_equal(c->trusted_proxy_count, 2);
	assert_text(c->trusted_proxies[1], "::1");
	assert_text(c->mail.relay, "smtp://mail.nordby.example:587");
	assert_path(c->mail.password_file, "smtp-password");
	assert_text(c->mail.from_name, "Nordby Kommune");
	assert_int_equal(c->mail.tls, TLS_REQUIRED);
	assert_text(c->sms.gateway, "gatewayapi");
	assert_path(c->sms.token_file, "sms-token");
	assert_int_equal(c->mail.per_minute, 300);
	assert_int_equal(c->mail.per_domain.count, 1);
	assert_text(c->mail.per_domain.domains[0], "outlook.com");
	assert_int_equal(c->mail.per_domain.per_minute[0], 60);
	assert_int_equal(c->mail.per_domain.other, 240);
	assert_text(c->mail.fallback->relay, "smtp://reserve.nordby.example:587");
	assert_path(c->mail.fallback->password_file, "smtp-password");
	assert_int_equal(c->mail.fallback->tls, TLS_REQUIRED);
	assert_text(c->mail.fallback->from_address, "svar@nordby.example");
	assert_true(c->sms.quiet.from == 22 * 3600000 && c->sms.quiet.until == 7 * 3600000 && !c->sms.quiet.days);
	assert_true(c->mail.quiet.from == c->mail.quiet.until && !c->mail.quiet.days);
	/* Every default that the example shows is the default. */
	for (char *at = text; (at = strstr(at, "\n  # "));) {
		at += 3;
		if (at[2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz_")] == ':' && strncmp(at + 2, "from_name:", 10) != 0 && strncmp(at + 2, "url:", 4) != 0 && strncmp(at + 2, "user:", 5) != 0 && strncmp(at + 2, "logo:", 5) != 0 && strncmp(at + 2, "help:", 5) != 0)
			memmove(at, at + 2, strlen(at + 2) + 1);
	}
	struct site_config *same = read_text(text);
	if (!same)
		fail_msg("%s", err.text);
	assert_true(str_equal(c->listen, same->listen) && str_equal(c->zone, same->zone) && str_equal(c->holidays, same->holidays));
	assert_true(str_equal(c->key_file, same->key_file) && str_equal(c->data_file, same->data_file) && str_equal(c->sms.country, same->sms.country));
	assert_int_equal(c->keep_received, same->keep_received);
	assert_int_equal(c->mail.connections, same->mail.connections);
	assert_int_equal(c->mail.per_connection, same->mail.per_connection);
	assert_int_equal(c->mail.idle_seconds, same->mail.idle_seconds);
	assert_int_equal(c->language_count, same->language_count);
	assert_int_equal(c->sms.allowed_count, same->sms.allowed_count);
	assert_memory_equal(c->sms.allowed, same->sms.allowed, 3 * sizeof(int64_t));
}

static void test_defaults(void **state) {
	(void)state;
	struct site_config *c = read_text("site: {name: A, base_url: 'http://127.0.0.1:8080/'}\n");
	assert_non_null(c);
	assert_text(c->base_url, "http://127.0.0.1:8080");
	assert_text(c->listen, "127.0.0.1:8080");
	assert_text(c->zone, "Europe/Copenhagen");
	assert_text(c->holidays, "dk");
	assert_path(c->key_file, "keys");
	assert_path(c->data_file, "data/stafet.db");
	assert_int_equal(c->language_count, 2);
	assert_text(c->languages[0], "da");
	assert_int_equal(c->mail.connections, 4);
	assert_int_equal(c->mail.per_connection, 100);
	assert_int_equal(c->mail.idle_seconds, 20);
	assert_int_equal(c->mail.per_minute + (int)c->mail.per_domain.count + (int)c->mail.per_domain.other, 0);
	assert_int_equal(c->mail.tls, TLS_REQUIRED);
	assert_int_equal(c->sms.allowed_count, 3);
	assert_text(c->sms.country, "45");
	assert_int_equal(c->package_count + c->trusted_proxy_count, 0);
	c = read_text("site: {name: A, base_url: 'https://x.dk'}\nmail: {per_domain: 30}\n");
	assert_non_null(c);
	assert_int_equal(c->mail.per_domain.other, 30);
	c = read_text("site: {name: A, base_url: 'https://x.dk', key_file: /etc/keys}\nmail: {tls: off, connections: 1}\nsms: {allowed: []}\n");
	assert_non_null(c);
	assert_text(c->key_file, "/etc/keys");
	assert_int_equal(c->mail.tls, TLS_OFF);
	assert_int_equal(c->mail.connections, 1);
	assert_int_equal(c->sms.allowed_count, 0);
}

#define SITE "site: {name: A, base_url: 'https://x.dk', "

static void test_refusals(void **state) {
	(void)state;
	static const char *const rows[][2] = {
	        {"", "stafet.yaml:"},
	        {"- a", ":1:1: expected the maps"},
	        {"mail: {}", "the map site is missing"},
	        {"site: {base_url: 'https://x.dk'}", ":1:7: site: the key name is missing"},
	        {"site: {name: A}", "the key base_url is missing"},
	        {"site:\n  name: A\n  bse_url: b\n", ":3:3: unknown key 'bse_url', did you mean base_url"},
	        {"sight: {}", ":1:1: unknown key 'sight'"},
	        {"mial: {}", "did you mean mail"},
	        {"site: {name: A, name: B}", "stafet.yaml:1:"},
	        {"site: A", "site: expected a map"},
	        {"site: {name: [A]}", "name: expected a text, not a list"},
	        {"site: {name: }", "name: expected a text"},
	        {"site: {name: \"A\\nB\"}", "name: "},
	        {"site: {name: A, base_url: x.dk}", ":1:27: base_url: expected an address that begins with http:// or https://"},
	        {"site: {name: A, base_url: 'ftp://x.dk'}", "base_url: "},
	        {"site: {name: A, base_url: 'https://'}", "base_url: "},
	        {"site: {name: A, base_url: 'https://x.dk/?a'}", "base_url: "},
	        {"site: {name: A, base_url: 'https://x.dk#a'}", "base_url: "},
	        {"site: {name: A, base_url: 'https://u@x.dk'}", "base_url: "},
	        {"site: {name: A, base_url: 'https://x.dk:99999'}", "base_url: "},
	        {"site: {name: A, base_url: 'https://x.dk/a b'}", "base_url: "},
	        {SITE "listen: 8080}", "listen: expected host:port"},
	        {SITE "metrics: '0.0.0.0:9101'}", "metrics: expected an address of this computer alone"},
	        {SITE "metrics: '10.0.0.1:9101'}", "metrics: "},
	        {SITE "metrics: '127.0.0.1'}", "metrics: "},
	        {SITE "metrics: '127.0.0.1:9101:1'}", "metrics: "},
	        {SITE "metrics: '[::]:9101'}", "metrics: "},
	        {SITE "listen: 'localhost'}", "listen: "},
	        {SITE "listen: '::1:80'}", "listen: "},
	        {SITE "listen: 'h:80x'}", "listen: "},
	        {SITE "listen: 'h:-1'}", "listen: "},
	        {SITE "listen: ':80'}", "listen: "},
	        {SITE "zone: Europe/Copenhagn}", "zone: expected a time zone"},
	        {SITE "holidays: se}", "holidays: no holidays 'se'"},
	        {SITE "languages: da}", "languages: expected a list"},
	        {SITE "languages: [d]}", "languages: expected a language code"},
	        {SITE "languages: ['../x']}", "languages: "},
	        {SITE "trusted_proxies: [nobody]}", ":1:61: trusted_proxies: expected an IP address"},
	        {SITE "trusted_proxies: ['10.0.0.0/8']}", "trusted_proxies: "},
	        {SITE "contact: {da: Ring}}", ":1:52: contact: the text for 'en' is missing"},
	        {SITE "contact: {da: Ring, en: Call, sv: Ring}}", "contact: 'sv' is not one of site.languages"},
	        {SITE "contact: {da: Ring, en: }}", "contact: expected a text"},
	        {SITE "contact: {da: Ring, en: [Call]}}", "contact: expected a text, not a list"},
	        {SITE "contact: {d: Ring, en: Call}}", "contact: expected a language code"},
	        {SITE "contact: {}}", "contact: expected a text, or one for each language"},
	        {SITE "contact: [Ring]}", "contact: expected a text, or one for each language"},
	        {SITE "contact: \"Ring\\n\"}", "contact: "},
	        {SITE "help: {da: stafet.yaml}}", "help: the text for 'en' is missing"},
	        {SITE "help: nothing.md}", "help: "},
	        {SITE "help: /dev/zero}", "help: "},
	        {SITE "colour: blue}", ":1:51: colour: expected a colour of six digits in quotes"},
	        {SITE "colour: '#12345'}", "colour: "},
	        {SITE "colour: '#12345g'}", "colour: "},
	        {SITE "colour: '#123456;}'}", "colour: "},
	        {SITE "colour: 123456}", "colour: "},
	        {SITE "logo: nothing.svg}", ":1:49: logo: "},
	        {SITE "logo: stafet.yaml}", "expected a picture in PNG or SVG"},
	        {SITE "logo: /dev/zero}", ":1:49: logo: "},
	        {SITE "packages: [[a]]}", "packages: expected a text, not a list"},
	        {SITE "}\nmail: {from_address: 'a'}", "stafet.yaml:2:23: from_address: expected a mail address"},
	        {SITE "}\nmail: {from_address: \"a@x.dk\\r\\nBcc: b@x.dk\"}", "from_address: "},
	        {SITE "}\nmail: {reply_to: 'a@x.dk, b@x.dk'}", "reply_to: "},
	        {SITE "}\nmail: {bounce_address: ' a@x.dk'}", "bounce_address: "},
	        {SITE "}\nmail: {relay: mail.x.dk}", "relay: expected smtp://"},
	        {SITE "}\nmail: {relay: 'smtp://u:p@mail.x.dk'}", "relay: "},
	        {SITE "}\nmail: {relay: 'smtp://mail.x.dk'}", "mail: the key from_address is missing"},
	        {SITE "}\nmail: {user: a}", "password_file is missing"},
	        {SITE "}\nmail: {tls: maybe}", "tls: expected required, optional or off"},
	        {SITE "}\nmail: {tls: [off]}", "tls: expected"},
	        {SITE "keep_received: 0}", "keep_received: expected a whole number from 1 to 36500"},
	        {SITE "}\nmail: {connections: 0}", "connections: expected a whole number from 1 to 64"},
	        {SITE "}\nmail: {connections: 1.5}", "connections: "},
	        {SITE "}\nmail: {fallback: 'smtp://x.dk'}", "fallback: expected a map"},
	        {SITE "}\nmail: {fallback: {user: a, relay: 'smtp://x.dk'}}", "fallback: user is given, but password_file is missing"},
	        {SITE "}\nmail: {fallback: {tls: off}}", "fallback: the key relay is missing"},
	        {SITE "}\nmail: {fallback: {relay: x}}", "relay: expected smtp://"},
	        {SITE "}\nmail: {fallback: {from_address: a@x.dk}}", "unknown key 'from_address'"},
	        {SITE "}\nmail: {per_minute: 0}", "per_minute: expected a whole number from 1 to 100000"},
	        {SITE "}\nmail: {per_domain: 0}", "per_domain: expected a whole number"},
	        {SITE "}\nmail: {per_domain: {example.dk: x}}", "per_domain: expected a whole number"},
	        {SITE "}\nmail: {per_domain: {Example.dk: 5}}", "per_domain: expected a domain in small letters"},
	        {SITE "}\nmail: {per_domain: [5]}", "per_domain: expected a number, or a map"},
	        {SITE "}\nmail: {password: x}", "unknown key 'password'"},
	        {SITE "}\nsms: {url: sms.example}", "url: "},
	        {SITE "}\ninbox: {starts: {a@x.dk: asking}}", "inbox: starts is given, but the key url is missing"},
	        {SITE "}\ninbox: {starts: asking}", "starts: expected a map, such as {spoerg@example.dk: contact-form}"},
	        {SITE "}\ninbox: {starts: {asking: asking}}", "starts: expected a mail address"},
	        {SITE "}\nsms: {starts: {a b: asking}}", "starts: expected one word"},
	        {SITE "}\nsms: {starts: {'*': asking}}", "sms: starts is given, but the key gateway is missing"},
	        {SITE "}\ninbox: {url: 'imap://mail.x.dk:143'}", "url: expected imaps://host:993"},
	        {SITE "}\ninbox: {url: 'imaps://mail.x.dk:993'}", "inbox: the keys user and password_file are missing"},
	        {SITE "}\nsms: {country: '+45'}", "country: expected a calling code"},
	        {SITE "}\nsms: {country: 045}", "country: "},
	        {SITE "}\nsms: {url: 'https://sms.example/send'}", "sms: the key gateway is missing"},
	        {SITE "}\nsms: {body: x}", "unknown key 'body'"},
	        {SITE "}\nsms: {allowed: [x]}", "allowed: expected a whole number"},
	        {SITE "}\nsms: {allowed: [1000]}", "allowed: "},
	        {SITE "}\nsms: {quiet_hours: 22-07}", "quiet_hours: expected two times such as 22:00-07:00"},
	        {SITE "}\nsms: {quiet_hours: 07:00-07:00}", "quiet_hours: "},
	        {SITE "}\nsms: {quiet_hours: [22:00, 07:00]}", "quiet_hours: "},
	        {SITE "}\nmail: {quiet_days: sundays}", "quiet_days: expected non-workdays or none"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_null(read_text(rows[i][0]));
		if (!strstr(err.text, rows[i][1]) || !str_starts(str_from(err.text), str_from(path)))
			fail_msg("'%s' gave '%s'", rows[i][0], err.text);
	}
}

static void test_accepted(void **state) {
	(void)state;
	static const char *const rows[] = {
	        SITE "listen: '[::1]:8080', holidays: none, zone: UTC}", SITE "listen: '127.0.0.1:0'}", SITE "listen: 'localhost:80'}",
	        "site: {name: A, base_url: 'https://x.dk/svar/'}", "site: {name: A, base_url: 'http://[::1]:8080'}",
	        SITE "contact: Ring 70 10 20 30, colour: '#FFD400'}", SITE "languages: [en], contact: {en: Call}}",
	        SITE "}\nsms: {gateway: ./x.yaml, url: 'https://x.dk/send?to={{to}}&text={{text}}'}", SITE "}\nmail: {quiet_hours: none, quiet_days: non-workdays}", SITE "}\nmail: {relay: 'smtps://[::1]:465', from_address: a.b+c@x.dk}",
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!read_text(rows[i]))
			fail_msg("'%s' gave '%s'", rows[i], err.text);
}

static void test_no_file(void **state) {
	(void)state;
	unlink(path);
	assert_null(config_read(arena, folder, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_null(config_read(arena, "/nonexistent/site", &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_example),  cmocka_unit_test(test_defaults), cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_accepted), cmocka_unit_test(test_no_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
