/* The shipped declaration up to its `assess`, for the parts of the benchmark that carry it out: three people will be told. */
#ifndef TESTS_BENCH_ASSESS_H
#define TESTS_BENCH_ASSESS_H

#include "engine/base/clock.h"
#include "engine/workflow/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASSESS_PEOPLE = 1000, ASSESS_VERSION = 2 };

/* period_end lies two months ahead of when it is asked. */
static const char assess_request[] = "{\"apprentice_name\":\"Ida Holm\",\"apprentice_email\":\"ida%d@example.dk\",\"training_form\":\"company\",\"education\":\"furniture\","
                                     "\"period_end\":\"%s\",\"main_course\":\"2\",\"school\":\"nordby\",\"class_name\":\"B2\",\"workplace\":\"Holms Snedkeri\","
                                     "\"cvr\":\"13585628\",\"supervisor_emails\":[\"a@example.dk\"],\"school_emails\":[\"c@example.dk\"]}";
static const char assess_answer[] = "{\"levels\":{\"f01\":\"3\",\"f02\":\"2\",\"f03\":\"2\",\"f04\":\"1\",\"f05\":\"0\"},\"work_areas\":\"Skabe og borde efter tegning\","
                                    "\"goals_reached\":\"partly\",\"special_needs\":\"none\",\"together\":\"true\",\"supervisor_name\":\"Bo Holm\"}";

struct assessing {
	struct engine *engine;
	struct site *site;
	struct arena *turn; /* reset by the caller after each */
	struct err err;
};

static void assess_must(struct assessing *b, bool ok) {
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", b->err.text[0] ? b->err.text : "refused");
	exit(1);
}

static void assess_read(struct assessing *b, struct str json, struct answers *out) {
	*out = (struct answers){0};
	assess_must(b, answers_from_json(json, b->turn, out, &b->err));
}

static void assess_act(struct assessing *b, struct tx *tx, const struct link *link, const char *json, int64_t version) {
	struct answers answers;
	struct form_problems problems = {0};
	struct receipt receipt;
	assess_read(b, str_from(json), &answers);
	struct act_request acted = {.link = link, .version = version, .answers = &answers};
	assess_must(b, engine_act(b->engine, tx, clock_now(), &acted, b->turn, &problems, &receipt, &b->err));
}

/* Texts in b->turn. */
static struct link assess_find_link(struct assessing *b, struct tx *tx, int64_t instance, const char *task) {
	struct link_list list = {0};
	assess_must(b, link_of_instance(tx_view(tx), instance, b->turn, &list, &b->err));
	for (size_t i = 0; i < list.count; i++)
		if (str_is(list.items[i].task, task))
			return list.items[i];
	assess_must(b, false);
	return (struct link){0};
}

/* The nth instance: asked for and confirmed; the supervisor's link. Texts in b->turn. */
static struct link assess_begin(struct assessing *b, struct tx *tx, int n) {
	enum { AHEAD_DAYS = 60 };
	struct answers answers;
	struct form_problems problems = {0};
	struct receipt receipt;
	struct str end = civil_format_date(b->turn, civil_day_of(zone_local(site_zone(b->site), clock_now())) + AHEAD_DAYS);
	assess_read(b, arena_printf(b->turn, assess_request, n % ASSESS_PEOPLE, end.at), &answers);
	struct start_request start = {.workflow = site_package_at(b->site, 0)->definition->name, .answers = &answers};
	assess_must(b, engine_start(b->engine, tx, clock_now(), &start, b->turn, &problems, &receipt, &b->err));
	struct link confirm = assess_find_link(b, tx, receipt.instance_id, "confirm");
	assess_act(b, tx, &confirm, "{\"confirmed\":\"true\"}", 1);
	return assess_find_link(b, tx, receipt.instance_id, "assess");
}

#endif
