/* stafet doctor: configuration and surroundings from end to end, each finding with what to do. */
#include "cli/doctor.h"

#include "engine/base/clock.h"
#include "engine/base/config_check.h"
#include "engine/base/dns.h"
#include "engine/base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STEP_SECONDS = 5, WHOLE_MS = 90000, CERTIFICATE_DAYS = 14, FINDING_MAX = 2000 };

static const int64_t DAY_MS = INT64_C(86400000);

static const char usage_text[] = "usage: stafet doctor [DIR] [--deep] [--sends-from IP] [--resolver IP:PORT] [--ca FILE]\n"
                                 "--deep        reads the whole store too\n"
                                 "--sends-from  the address by which the relay sends on, where it is another than it is reached by\n"
                                 "--resolver    asks this name server instead of the machine's\n"
                                 "--ca          certificates to trust for web addresses, instead of the system's\n";

void doctor_tell(struct doctor *d, enum verdict verdict, const char *what, const char *todo, const char *format, ...) {
	static const char *const words[] = {"good", "warning", "FAULT"};
	va_list args;
	struct buf said;
	d->counts[verdict]++;
	buf_init(&said, FINDING_MAX);
	va_start(args, format);
	buf_vprintf(&said, format, args);
	va_end(args);
	buf_printf(d->out, "%-8s %s: ", words[verdict], what);
	for (size_t i = 0; i < said.len; i++) /* what another server says may hold anything */
		buf_char(d->out, (unsigned char)said.at[i] < ' ' || said.at[i] == 0x7F ? ' ' : said.at[i]);
	buf_char(d->out, '\n');
	buf_free(&said);
	if (todo)
		buf_printf(d->out, "         %s\n", todo);
}

void doctor_progress(const struct doctor *d, const char *what) {
	(void)d;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "looking at %s ...\n", what);
}

int doctor_seconds(struct doctor *d, const char *what) {
	int64_t left = d->until - clock_monotonic();
	if (left < 1000) {
		doctor_tell(d, VERDICT_WARNING, what, "mend what does not answer, then run this again", "was not looked at: too much has not answered");
		return 0;
	}
	doctor_progress(d, what);
	return left / 1000 < STEP_SECONDS ? (int)(left / 1000) : STEP_SECONDS;
}

void doctor_certificate(struct doctor *d, const char *what, int64_t until) {
	int64_t days = (until - clock_now()) / DAY_MS;
	struct str day = civil_format_date(d->arena, civil_day_of(until));
	if (until == 0)
		return;
	if (until <= clock_now())
		doctor_tell(d, VERDICT_FAULT, what, "renew it", "expired on %.*s", STR_ARG(day));
	else if (days < CERTIFICATE_DAYS)
		doctor_tell(d, VERDICT_WARNING, what, "see to it that it is renewed in time", "expires in %lld days, on %.*s", (long long)days, STR_ARG(day));
	else
		doctor_tell(d, VERDICT_GOOD, what, NULL, "good until %.*s", STR_ARG(day));
}

struct str doctor_domain(struct str address) {
	str_cut(&address, '@');
	return address;
}

static struct str last_labels(struct str name, int count) {
	size_t at = name.len;
	while (at > 0 && (name.at[at - 1] != '.' || --count > 0))
		at--;
	return (struct str){name.at + at, name.len - at};
}

bool doctor_same_owner(struct str a, struct str b) {
	struct str one = last_labels(a, 2), other = last_labels(b, 2);
	return one.len == other.len && strncasecmp(one.at, other.at, one.len) == 0;
}

struct str doctor_host(struct str url) {
	const char *scheme = memmem(url.at, url.len, "://", 3);
	struct str rest = scheme ? (struct str){scheme + 3, url.len - (size_t)(scheme + 3 - url.at)} : url;
	rest = str_cut(&rest, '/');
	if (!str_starts(rest, STR("[")))
		return str_cut(&rest, ':');
	rest = (struct str){rest.at + 1, rest.len - 1};
	return str_cut(&rest, ']');
}

bool doctor_is_loopback(struct str host) {
	return str_is(host, "localhost") || str_is(host, "::1") || str_starts(host, STR("127."));
}

static int usage(struct buf *out) {
	buf_z(out, usage_text);
	return EXIT_USAGE;
}

static void look_at_all(struct doctor *d) {
	doctor_here(d);
	doctor_mail(d);
	doctor_domains(d);
	doctor_web(d);
}

int command_doctor(struct arguments *args, struct buf *out) {
	struct doctor d = {.out = out, .deep = arguments_flag(args, "--deep"), .ca_file = arguments_option(args, "--ca"), .sends_from = arguments_option(args, "--sends-from"), .until = clock_monotonic() + WHOLE_MS};
	const char *resolver = arguments_option(args, "--resolver");
	struct err err = {0};
	log_set_level(LOG_NOTHING);
	if (arguments_unknown(args, out) || args->count > 1 || (d.sends_from && !check_ip(str_from(d.sends_from), &err)))
		return usage(out);
	d.dns = dns_open(str_from(resolver), &err);
	if (!d.dns) {
		buf_printf(out, "stafet: --resolver: %s\n", err.text);
		return usage(out);
	}
	d.arena = arena_new();
	d.config = config_read(d.arena, args->count == 1 ? args->items[0] : ".", &err);
	if (d.config) {
		doctor_tell(&d, VERDICT_GOOD, "stafet.yaml", NULL, "can be read");
		look_at_all(&d);
	} else {
		doctor_tell(&d, VERDICT_FAULT, "stafet.yaml", "mend the file; docs/stafet.example.yaml explains every key", "%s", err.text);
	}
	buf_z(out, "Not seen from here: whether copies are taken of the store and, kept elsewhere, of the key file (docs/operations.md).\n");
	buf_printf(out, "%zu good, %zu warnings, %zu faults\n", d.counts[VERDICT_GOOD], d.counts[VERDICT_WARNING], d.counts[VERDICT_FAULT]);
	dns_close(d.dns);
	arena_free(d.arena);
	return d.counts[VERDICT_FAULT] == 0 ? EXIT_GOOD : EXIT_FAULT;
}
