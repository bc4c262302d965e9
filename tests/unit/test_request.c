/* What a browser or an attacker sends: fields, cookies, targets, framing, origin, addresses, the door's requests. */
#include "otp-portal/door.h"
#include "otp-portal/network.h"
#include "otp-portal/request.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct err err;
static struct portal_world world;
static struct request request;

static int setup(void **state) {
	(void)state;
	arena = arena_new();
	world = (struct portal_world){.host = STR("stafet.example.dk"), .port = 8080};
	request = (struct request){.arena = arena, .world = &world, .method = METHOD_POST};
	return 0;
}

static int teardown(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static void header(const char *name, const char *value) {
	*(struct pair *)ARENA_PUSH(arena, &request.headers) = (struct pair){str_from(name), str_from(value)};
}

static void no_headers(void) {
	request.headers = (struct pairs){0};
}

static void test_fields_are_decoded(void **state) {
	(void)state;
	struct pairs *f = &request.form;
	assert_true(request_parse_fields(STR("name=Ida+S%C3%B8rensen&empty=&list=a&list=b&flag&%26=%3D"), arena, f, &err));
	assert_int_equal(f->count, 6);
	assert_true(str_is(request_form(&request, "name"), "Ida Sørensen"));
	assert_true(str_is(request_form(&request, "empty"), ""));
	assert_true(str_is(request_form(&request, "list"), "a"));
	assert_true(str_is(f->items[3].value, "b"));
	assert_true(str_is(request_form(&request, "&"), "="));
	assert_true(str_is(request_form(&request, "nothing"), ""));
}

static void test_broken_fields_are_refused(void **state) {
	(void)state;
	static const char *const broken[] = {"a=%", "a=%4", "a=%zz", "a=%00", "a=%C3%28", "%FF=a", "a=%ED%A0%80"};
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		struct pairs out = {0};
		if (request_parse_fields(str_from(broken[i]), arena, &out, &err))
			fail_msg("accepted: %s", broken[i]);
		assert_int_equal(err.kind, ERR_INPUT);
	}
}

static void test_limits_of_fields(void **state) {
	(void)state;
	struct buf text;
	struct pairs out = {0};
	buf_init(&text, 1 << 20);
	for (int i = 0; i < REQUEST_FIELDS; i++)
		buf_z(&text, "a=b&");
	assert_true(request_parse_fields(buf_text(&text), arena, &out, &err));
	assert_int_equal(out.count, REQUEST_FIELDS);
	buf_z(&text, "a=b");
	out = (struct pairs){0};
	assert_false(request_parse_fields(buf_text(&text), arena, &out, &err));
	buf_clear(&text);
	buf_z(&text, "a=");
	while (text.len < REQUEST_FIELD)
		buf_char(&text, 'x');
	out = (struct pairs){0};
	assert_true(request_parse_fields(buf_text(&text), arena, &out, &err));
	buf_char(&text, 'x');
	out = (struct pairs){0};
	assert_false(request_parse_fields(buf_text(&text), arena, &out, &err));
	buf_free(&text);
}

static void test_cookies(void **state) {
	(void)state;
	request_parse_cookies(STR("a=1; __Host-sid=x=y ;broken; b=\"2\";; =z"), arena, &request.cookies);
	assert_true(str_is(request_cookie(&request, "a"), "1"));
	assert_true(str_is(request_cookie(&request, "__Host-sid"), "x=y"));
	assert_true(str_is(request_cookie(&request, "b"), "\"2\""));
	assert_true(str_is(request_cookie(&request, "broken"), ""));
}

static void test_targets(void **state) {
	(void)state;
	assert_true(request_parse_target(STR("/l/abc?step=2&lang=da"), &request, &err));
	assert_true(str_is(request.path, "/l/abc"));
	assert_true(str_is(request_query(&request, "step"), "2"));
	assert_false(request_parse_target(STR("http://else.where/"), &request, &err));
	assert_false(request_parse_target(STR("/a b"), &request, &err));
	assert_false(request_parse_target(STR("/a\x7F"), &request, &err));
	assert_false(request_parse_target(STR(""), &request, &err));
	assert_false(request_parse_target(STR("/?a=%0"), &request, &err));
}

static bool framing(int64_t *length) {
	bool ok = request_judge_framing(&request, length, &err);
	no_headers();
	return ok;
}

static void test_framing(void **state) {
	(void)state;
	int64_t length;
	header("host", "a"), header("Content-Length", "12");
	assert_true(framing(&length));
	assert_int_equal(length, 12);
	header("Host", "a"), header("Transfer-Encoding", "Chunked");
	assert_true(framing(&length));
	assert_int_equal(length, -1);
	header("Host", "a"), header("Content-Length", "12"), header("Transfer-Encoding", "chunked");
	assert_false(framing(&length));
	header("Host", "a"), header("Content-Length", "12"), header("content-length", "12");
	assert_false(framing(&length));
	header("Host", "a"), header("Content-Length", "12"), header("Content-Length ", "3");
	assert_false(framing(&length));
	header("Host", "a"), header("Transfer-Encoding", "gzip, chunked");
	assert_false(framing(&length));
	header("Host", "a"), header("Transfer-Encoding", "chunked"), header("Transfer-Encoding", "chunked");
	assert_false(framing(&length));
	static const char *const lengths[] = {"-1", "+1", "0x10", "1 2", "", "99999999999999999999", "1,1"};
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		header("Host", "a"), header("Content-Length", lengths[i]);
		if (framing(&length))
			fail_msg("accepted: %s", lengths[i]);
	}
	header("Host", "a"), header("Host", "b");
	assert_false(framing(&length));
	assert_false(framing(&length)); /* no Host */
	request.method = METHOD_GET;
	header("Host", "a"), header("Content-Length", "1");
	assert_false(framing(&length));
	header("Host", "a"), header("Content-Length", "0");
	assert_true(framing(&length));
}

static bool host(const char *value) {
	header("Host", value);
	bool known = request_host_known(&request);
	no_headers();
	return known;
}

static void test_hosts(void **state) {
	(void)state;
	assert_true(host("stafet.example.dk"));
	assert_true(host("Stafet.Example.DK"));
	assert_false(host("stafet.example.dk.evil.dk"));
	assert_false(host("localhost:8080"));
	world.loopback = true;
	assert_true(host("localhost:8080"));
	assert_true(host("127.0.0.1:8080"));
	assert_true(host("[::1]:8080"));
	assert_false(host("127.0.0.1:8081"));
	assert_false(host("127.0.0.1"));
	assert_false(host("evil.dk:8080"));
	assert_false(host(":8080"));
}

static bool posted(const char *site, const char *origin) {
	header("Host", "stafet.example.dk");
	if (site)
		header("Sec-Fetch-Site", site);
	if (origin)
		header("Origin", origin);
	bool same = request_same_site(&request);
	no_headers();
	return same;
}

static void test_cross_site(void **state) {
	(void)state;
	assert_true(posted("same-origin", "null"));
	assert_true(posted("none", NULL));
	assert_false(posted("cross-site", NULL));
	assert_false(posted("same-site", "https://stafet.example.dk"));
	assert_true(posted(NULL, NULL));
	assert_true(posted(NULL, "null"));
	assert_true(posted(NULL, "https://stafet.example.dk"));
	assert_false(posted(NULL, "https://evil.dk"));
	assert_false(posted(NULL, "https://stafet.example.dk.evil.dk"));
	assert_false(posted(NULL, "ftp://stafet.example.dk"));
}

static void test_client_behind_proxies(void **state) {
	(void)state;
	static const struct str trusted[] = {{"10.0.0.1", 8}, {"10.0.0.2", 8}};
	struct {
		const char *peer, *forwarded, *client;
	} cases[] = {
	        {"203.0.113.9", "198.51.100.1", "203.0.113.9"}, /* nobody trusts this peer */
	        {"10.0.0.1", "", "10.0.0.1"},
	        {"10.0.0.1", "198.51.100.1", "198.51.100.1"},
	        {"10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"},
	        {"10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"},
	        {"10.0.0.1", "junk", "10.0.0.1"},
	        {"10.0.0.1", "2001:db8::1", "2001:db8::1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct str client = network_client(str_from(cases[i].peer), str_from(cases[i].forwarded), trusted, 2, arena);
		if (!str_is(client, cases[i].client))
			fail_msg("%s, %s: %.*s", cases[i].peer, cases[i].forwarded, STR_ARG(client));
	}
	assert_true(str_is(network_client(STR("10.0.0.1"), STR("1.2.3.4"), NULL, 0, arena), "10.0.0.1"));
}

static void test_networks(void **state) {
	(void)state;
	assert_true(str_is(network_of(STR("192.0.2.7"), arena), "192.0.2.7"));
	assert_true(str_is(network_of(STR("2001:db8:1:2:3:4:5:6"), arena), "2001:db8:1:2::/64"));
	assert_true(str_is(network_of(STR("::ffff:192.0.2.7"), arena), "192.0.2.7"));
	struct str name;
	int port;
	assert_true(network_split(STR("127.0.0.1:8080"), arena, &name, &port));
	assert_int_equal(port, 8080);
	assert_true(network_split(STR("[::1]:0"), arena, &name, &port));
	assert_true(str_is(name, "::1"));
	assert_true(network_split(STR("localhost:1"), arena, &name, &port));
	assert_true(network_is_loopback(name));
	static const char *const wrong[] = {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "example.dk:80", ":80", "127.0.0.1:x"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (network_split(str_from(wrong[i]), arena, &name, &port))
			fail_msg("accepted: %s", wrong[i]);
}

static void test_door(void **state) {
	(void)state;
	size_t length;
	bool expects;
	int argc;
	char **argv;
	assert_true(door_parse_head(STR("POST /command HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue"), &length, &expects));
	assert_int_equal(length, 9);
	assert_true(expects);
	assert_false(door_parse_head(STR("GET / HTTP/1.1\r\nContent-Length: 9"), &length, &expects));
	assert_false(door_parse_head(STR("POST /command HTTP/1.1"), &length, &expects));
	assert_false(door_parse_head(STR("POST /command HTTP/1.1\r\nContent-Length: -2"), &length, &expects));
	assert_false(door_parse_head(STR("POST /command HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1"), &length, &expects));
	assert_false(door_parse_head(STR("POST /command HTTP/1.1\r\nContent-Length: 99999999999"), &length, &expects));
	assert_false(door_parse_head(STR("POST /command HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1"), &length, &expects));
	assert_true(door_parse_body(STR("arg=list&arg=a%20b&arg="), arena, &argc, &argv));
	assert_int_equal(argc, 3);
	assert_string_equal(argv[1], "a b");
	assert_string_equal(argv[2], "");
	assert_null(argv[3]);
	assert_false(door_parse_body(STR(""), arena, &argc, &argv));
	assert_false(door_parse_body(STR("other=x"), arena, &argc, &argv));
	assert_false(door_parse_body(STR("arg=%ff"), arena, &argc, &argv));
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_fields_are_decoded, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_broken_fields_are_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_limits_of_fields, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_cookies, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_framing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_hosts, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_cross_site, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_client_behind_proxies, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_door, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
