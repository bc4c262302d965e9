/* make bench: what grows by ten. Fills the store of a site folder that has the package tests/bench/growing, and measures what is done there in processor time.
 * argv: `fill SITE FROM TO`: starts instances. `measure SITE N`: prints what a start, a wake-up and a note cost in nanoseconds, the latter of an instance whose history has
 *       N entries; then the tokens of its links to note, page and list of all. */
#include "cli/command.h"
#include "engine/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IN_A_COMMIT = 1000, PEOPLE = 1000, TIMES = 31, TOLD = 1 << 20 };
static const int64_t year_s = 365 * 24 * 3600;

struct grow {
	struct open_site s;
	struct arena *a;
	struct err err;
	struct tx *tx;
	int64_t starts; /* so far */
};

static int64_t spent_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void must(struct grow *g, bool ok) {
	if (ok)
		return;
	fprintf(stderr, "bench-grow: %s\n", g->err.text[0] ? g->err.text : "refused");
	exit(1);
}

static void begin(struct grow *g) {
	must(g, store_begin(g->s.store, &g->tx, &g->err));
}

static void commit(struct grow *g) {
	must(g, store_commit(g->tx, &g->err));
	store_checkpoint(g->s.store, true);
	arena_reset(g->a);
}

/* Asleep for years, or due in two seconds. */
static int64_t start(struct grow *g, bool linked, bool soon) {
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt receipt;
	int64_t n = g->starts++, wake_s = clock_now() / 1000 + (soon ? 2 : year_s + n * 9973 % (10 * year_s));
	answers_put(&answers, g->a, STR("mail"), linked ? STR("linked@example.dk") : arena_printf(g->a, "p%lld@example.dk", (long long)(n % PEOPLE)));
	answers_put(&answers, g->a, STR("office"), STR("office@example.dk"));
	answers_put(&answers, g->a, STR("wake_at"), civil_format_datetime(g->a, zone_local(site_zone(g->s.site), wake_s * 1000)));
	answers_put(&answers, g->a, STR("subject"), STR("s0"));
	answers_put(&answers, g->a, STR("linked"), linked ? STR("true") : STR("false"));
	struct start_request request = {.workflow = site_package_at(g->s.site, 0)->definition->name, .answers = &answers};
	must(g, engine_start(g->s.engine, g->tx, clock_now(), &request, g->a, &problems, &receipt, &g->err));
	return receipt.instance_id;
}

/* The live one; contact 0: anybody's. Not through all links of the instance, which would leave the caches cold. */
static struct link find_link(struct grow *g, int64_t instance, int64_t contact, const char *task) {
	struct link_list list = {0};
	struct link link = {0};
	bool found = false;
	if (contact != 0)
		must(g, link_find(tx_view(g->tx), instance, contact, STR("owner"), str_from(task), g->a, &link, &found, &g->err) && found);
	else
		must(g, link_of_instance(tx_view(g->tx), instance, g->a, &list, &g->err));
	for (size_t i = 0; i < list.count && !found; i++) {
		link = list.items[i];
		found = link.state == LINK_LIVE && str_is(link.task, task);
	}
	must(g, found);
	return link;
}

static void tell_token(struct grow *g, int64_t instance, const char *task) {
	struct link link = find_link(g, instance, 0, task);
	printf("%s\n", arena_z(g->a, engine_token(g->s.engine, &link, g->a)));
}

/* A note, and what it costs; the arena is empty afterwards. */
static int64_t act(struct grow *g, int64_t instance, int64_t contact, int64_t version) {
	struct link link = find_link(g, instance, contact, "note");
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt receipt;
	answers_put(&answers, g->a, STR("note"), STR("Husk mælk."));
	struct act_request request = {.link = &link, .version = version, .answers = &answers};
	int64_t since = spent_ns();
	must(g, engine_act(g->s.engine, g->tx, clock_now(), &request, g->a, &problems, &receipt, &g->err));
	since = spent_ns() - since;
	arena_reset(g->a);
	return since;
}

static int64_t middle_of(int64_t *costs, size_t count) {
	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k > 0 && costs[k] < costs[k - 1]; k--) {
			int64_t more = costs[k - 1];
			costs[k - 1] = costs[k];
			costs[k] = more;
		}
	return costs[count / 2];
}

static void fill(struct grow *g, int64_t from, int64_t to) {
	for (g->starts = from; g->starts < to;) {
		begin(g);
		for (int i = 0; i < IN_A_COMMIT && g->starts < to; i++)
			start(g, false, false);
		commit(g);
	}
}

static int64_t start_cost(struct grow *g) {
	int64_t costs[TIMES];
	begin(g);
	for (size_t i = 0; i < TIMES; i++) {
		int64_t since = spent_ns();
		start(g, false, true);
		costs[i] = spent_ns() - since;
	}
	commit(g);
	return middle_of(costs, TIMES);
}

/* Of those that were just started. */
static int64_t wake_cost(struct grow *g) {
	enum { LATER_MS = 10000 };
	int64_t costs[TIMES];
	bool found;
	begin(g);
	for (size_t i = 0; i < TIMES; i++) {
		int64_t since = spent_ns();
		must(g, engine_step(g->s.engine, g->tx, clock_now() + LATER_MS, g->a, &found, &g->err) && found);
		costs[i] = spent_ns() - since;
	}
	commit(g);
	return middle_of(costs, TIMES);
}

/* Notes until its history has so many entries; the middle of what the last of them cost. */
static int64_t act_cost(struct grow *g, int64_t instance, int64_t entries) {
	int64_t costs[TIMES];
	begin(g);
	int64_t contact = find_link(g, instance, 0, "note").contact_id;
	commit(g);
	for (int64_t version = 1; version < entries + TIMES;) {
		begin(g);
		for (int i = 0; i < IN_A_COMMIT / 10 && version < entries + TIMES; i++, version++)
			costs[version % TIMES] = act(g, instance, contact, version);
		commit(g);
	}
	return middle_of(costs, TIMES);
}

static void measure(struct grow *g, int64_t entries) {
	begin(g);
	int64_t instance = start(g, true, false);
	commit(g);
	int64_t started = start_cost(g), woken = wake_cost(g), noted = act_cost(g, instance, entries);
	printf("%lld %lld %lld\n", (long long)started, (long long)woken, (long long)noted);
	begin(g);
	tell_token(g, instance, "note");
	tell_token(g, instance, "one");
	tell_token(g, instance, "all");
	commit(g);
}

int main(int argc, char **argv) {
	struct grow g = {.a = arena_new()};
	struct buf told;
	bool filling = argc == 5 && strcmp(argv[1], "fill") == 0, measuring = argc == 4 && strcmp(argv[1], "measure") == 0;
	buf_init(&told, TOLD);
	if (!filling && !measuring)
		return 2;
	if (!secret_init(&g.err) || !site_open_all(&g.s, argv[2], &told, &g.err)) {
		fprintf(stderr, "bench-grow: %s%s\n", buf_text(&told).at, g.err.text);
		return 1;
	}
	if (filling)
		fill(&g, strtoll(argv[3], NULL, 10), strtoll(argv[4], NULL, 10));
	else
		measure(&g, strtoll(argv[3], NULL, 10));
	site_shut(&g.s);
	return 0;
}
