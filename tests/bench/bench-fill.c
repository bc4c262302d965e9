/* make bench: fills the store of a site folder that has the package tests/bench/sleeper.
 * argv: site folder, instances that sleep for years, instances that wake soon, after how many seconds the first of them, within how many seconds all. */
#include "cli/command.h"
#include "engine/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { IN_A_COMMIT = 5000, YEAR_S = 365 * 24 * 3600, PEOPLE = 1000 };

struct fill {
	struct open_site s;
	struct arena *a;
	struct err err;
	int64_t sleeping, soon, first_s, within_s;
};

static void must(struct fill *f, bool ok) {
	if (ok)
		return;
	fprintf(stderr, "bench-fill: %s\n", f->err.text);
	exit(1);
}

/* The second in which the nth wakes: those that wake soon first, evenly; the others over ten years. */
static int64_t wake_s(const struct fill *f, int64_t n) {
	int64_t now = clock_now() / 1000;
	return n < f->soon ? now + f->first_s + n * f->within_s / f->soon : now + YEAR_S + n * 9973 % (INT64_C(10) * YEAR_S);
}

static void start(struct fill *f, struct tx *tx, int64_t n) {
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt receipt;
	struct str at = civil_format_datetime(f->a, zone_local(site_zone(f->s.site), wake_s(f, n) * 1000));
	answers_put(&answers, f->a, STR("mail"), arena_printf(f->a, "p%lld@example.dk", (long long)(n % PEOPLE)));
	answers_put(&answers, f->a, STR("wake_at"), at);
	struct start_request request = {.workflow = site_package_at(f->s.site, 0)->definition->name, .answers = &answers};
	bool ok = engine_start(f->s.engine, tx, clock_now(), &request, f->a, &problems, &receipt, &f->err);
	must(f, ok);
	arena_reset(f->a);
}

int main(int argc, char **argv) {
	struct fill f = {.a = arena_new()};
	struct buf told;
	buf_init(&told, 1 << 20);
	if (argc != 6)
		return 2;
	f.sleeping = strtoll(argv[2], NULL, 10);
	f.soon = strtoll(argv[3], NULL, 10);
	f.first_s = strtoll(argv[4], NULL, 10);
	f.within_s = strtoll(argv[5], NULL, 10);
	if (!secret_init(&f.err) || !site_open_all(&f.s, argv[1], &told, &f.err)) {
		fprintf(stderr, "bench-fill: %s%s\n", buf_text(&told).at, f.err.text);
		return 1;
	}
	for (int64_t n = 0; n < f.soon + f.sleeping;) {
		struct tx *tx;
		must(&f, store_begin(f.s.store, &tx, &f.err));
		for (int i = 0; i < IN_A_COMMIT && n < f.soon + f.sleeping; i++)
			start(&f, tx, n++);
		must(&f, store_commit(tx, &f.err));
		store_checkpoint(f.s.store, true);
		if (n % 100000 == 0)
			fprintf(stderr, "%lld instances\n", (long long)n);
	}
	site_shut(&f.s);
	return 0;
}
