#include "mailer/sender_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A zone of a few lines, "name TYPE value". */
static const struct {
	const char *name;
	enum dns_type type;
	const char *value;
} zone[] = {
        {"all.dk", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.7 ip6:2001:db8:1::/48 ~all"},
        {"hosts.dk", DNS_TXT, "v=spf1 a a:www.hosts.dk/24 mx//64 -all"},
        {"hosts.dk", DNS_A, "203.0.113.1"},
        {"hosts.dk", DNS_MX, "mx.hosts.dk"},
        {"www.hosts.dk", DNS_A, "203.0.113.129"},
        {"mx.hosts.dk", DNS_AAAA, "2001:db8:2::1"},
        {"include.dk", DNS_TXT, "v=spf1 include:all.dk ?include:hosts.dk -all"},
        {"redirect.dk", DNS_TXT, "v=spf1 redirect=all.dk"},
        {"silent.dk", DNS_TXT, "something else"},
        {"silent.dk", DNS_TXT, "v=spf10 -all"},
        {"twice.dk", DNS_TXT, "v=spf1 -all"},
        {"twice.dk", DNS_TXT, "V=SPF1 +all"},
        {"circle.dk", DNS_TXT, "v=spf1 include:circle.dk -all"},
        {"dead.dk", DNS_TXT, "v=spf1 include:fails.dk -all"},
        {"late.dk", DNS_TXT, "v=spf1 ip4:192.0.2.1 include:fails.dk -all"},
        {"macro.dk", DNS_TXT, "v=spf1 exists:%{ir}.x.dk -all"},
        {"open.dk", DNS_TXT, "v=spf1"},
        {"wrong.dk", DNS_TXT, "v=spf1 ip4:2001:db8::1 -all"},
        {"many.dk", DNS_TXT, "v=spf1 a:1.dk a:2.dk a:3.dk a:4.dk a:5.dk a:6.dk a:7.dk a:8.dk a:9.dk a:10.dk a:11.dk -all"},
        {"enough.dk", DNS_TXT, "v=spf1 a:1.dk a:2.dk a:3.dk a:4.dk a:5.dk a:6.dk a:7.dk a:8.dk a:9.dk a:10.dk -all"},
};

static enum dns_outcome answer(void *context, struct str name, enum dns_type type, struct arena *a, struct dns_answer *out) {
	(void)context;
	if (str_is(name, "fails.dk"))
		return DNS_FAILED;
	out->items = ARENA_ARRAY(a, DNS_RECORDS, struct str);
	for (size_t i = 0; i < sizeof zone / sizeof *zone; i++)
		if (zone[i].type == type && str_is(name, zone[i].name))
			out->items[out->count++] = str_from(zone[i].value);
	return out->count > 0 ? DNS_FOUND : DNS_NONE;
}

static void each_address_is_judged(void **state) {
	(void)state;
	static const struct {
		const char *domain, *address;
		enum spf_result result;
	} table[] = {
	        {"all.dk", "192.0.2.255", SPF_PASS},      {"all.dk", "192.0.3.0", SPF_SOFTFAIL},     {"all.dk", "198.51.100.7", SPF_PASS},     {"all.dk", "198.51.100.6", SPF_SOFTFAIL},
	        {"all.dk", "2001:db8:1:ffff::1", SPF_PASS}, {"all.dk", "2001:db8:2::1", SPF_SOFTFAIL}, {"hosts.dk", "203.0.113.1", SPF_PASS},    {"hosts.dk", "203.0.113.200", SPF_PASS},
	        {"hosts.dk", "203.0.114.1", SPF_FAIL},    {"hosts.dk", "2001:db8:2::99", SPF_PASS},  {"hosts.dk", "2001:db8:3::1", SPF_FAIL},  {"include.dk", "192.0.2.1", SPF_PASS},
	        {"include.dk", "203.0.113.1", SPF_NEUTRAL}, {"include.dk", "203.0.115.1", SPF_FAIL}, {"redirect.dk", "192.0.2.1", SPF_PASS},   {"redirect.dk", "203.0.113.1", SPF_SOFTFAIL},
	        {"silent.dk", "192.0.2.1", SPF_NONE},     {"nowhere.dk", "192.0.2.1", SPF_NONE},     {"twice.dk", "192.0.2.1", SPF_BROKEN},    {"circle.dk", "192.0.2.1", SPF_BROKEN},
	        {"dead.dk", "192.0.2.1", SPF_UNSURE},     {"late.dk", "192.0.2.1", SPF_PASS},        {"late.dk", "192.0.2.2", SPF_UNSURE},     {"macro.dk", "192.0.2.1", SPF_UNSURE},
	        {"open.dk", "192.0.2.1", SPF_NEUTRAL},    {"wrong.dk", "192.0.2.1", SPF_BROKEN},     {"many.dk", "192.0.2.1", SPF_BROKEN},     {"enough.dk", "192.0.2.1", SPF_FAIL},
	        {"all.dk", "", SPF_SOFTFAIL},             {"fails.dk", "192.0.2.1", SPF_UNSURE},
	};
	const struct dns_port port = {NULL, answer};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct arena *a = arena_new();
		struct spf_seen seen;
		spf_look(&port, str_from(table[i].domain), str_from(table[i].address), a, &seen);
		if (seen.result != table[i].result)
			fail_msg("%s %s: %d, not %d (%s)", table[i].domain, table[i].address, (int)seen.result, (int)table[i].result, seen.why);
		assert_true((seen.result == SPF_BROKEN || seen.result == SPF_UNSURE) == (seen.why[0] != '\0') || seen.result == SPF_PASS);
		arena_free(a);
	}
}

static void policies_are_read(void **state) {
	(void)state;
	struct dmarc_seen seen;
	assert_true(dmarc_read(STR("v=DMARC1; p=reject; sp=none; aspf=s; rua=mailto:a@b.dk"), false, &seen));
	assert_true(seen.policy == DMARC_REJECT && seen.strict_spf && !seen.strict_dkim && seen.reports);
	assert_true(dmarc_read(STR("v=DMARC1; p=reject; sp=none"), true, &seen) && seen.policy == DMARC_NONE && !seen.reports);
	assert_true(dmarc_read(STR("v=DMARC1;p=Quarantine;"), true, &seen) && seen.policy == DMARC_QUARANTINE);
	assert_false(dmarc_read(STR("p=reject; v=DMARC1"), false, &seen));
	assert_false(dmarc_read(STR("v=DMARC12; p=none"), false, &seen));
	assert_false(dmarc_read(STR("v=DMARC1"), false, &seen));
}

static void keys_are_read(void **state) {
	(void)state;
	struct dkim_seen seen;
	assert_true(dkim_read(STR("p="), &seen) && seen.revoked);
	assert_true(dkim_read(STR("v=DKIM1; k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &seen) && !seen.rsa && !seen.revoked);
	/* An RSA key of 512 bits, as openssl writes it. */
	assert_true(dkim_read(STR("v=DKIM1; t=s:y; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL7dO3aT4P3JmV8bq0ZVq1cG1b6n9kq3d9M2Rr3o1m1y9cQ0dWq7b3J1pVxkq1uQ8m4mJ8yq0k3k9c8n2b7v1m8CAwEAAQ=="), &seen));
	assert_int_equal(seen.bits, 512);
	assert_true(seen.rsa && seen.testing && !seen.revoked);
	assert_true(dkim_read(STR("p=MFww"), &seen) && seen.bits == 0);
	assert_false(dkim_read(STR("v=DKIM2; p=MFww"), &seen));
	assert_false(dkim_read(STR("k=dsa; p=MFww"), &seen));
	assert_false(dkim_read(STR("v=DKIM1"), &seen));
	assert_false(dkim_read(STR("p=M!ww"), &seen));
}

static void reverse_names(void **state) {
	(void)state;
	struct arena *a = arena_new();
	assert_true(str_is(dns_reverse_name(a, STR("192.0.2.1")), "1.2.0.192.in-addr.arpa"));
	assert_true(str_is(dns_reverse_name(a, STR("2001:db8::1")), "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"));
	assert_int_equal(dns_reverse_name(a, STR("example.dk")).len, 0);
	arena_free(a);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_address_is_judged),
	        cmocka_unit_test(policies_are_read),
	        cmocka_unit_test(keys_are_read),
	        cmocka_unit_test(reverse_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
