/* make bench: a round of templates/selection in which everybody may choose now, in the store of a site folder whose registers are imported.
 * argv: site folder, JSON file of the round, days since it was begun. Of each person who has to choose a line: the instance's number and the token of the link. */
#include "cli/command.h"
#include "engine/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { IN_A_COMMIT = 1000, RANKED = 5, RANKS = 3 /* one in so many */, DAY_MS = 24 * 3600 * 1000, TOLD = 1 << 20 };

struct choosing {
	struct open_site s;
	struct arena *a;
	struct err err;
	struct tx *tx;
	int64_t now;
};

static void must(struct choosing *c, bool ok) {
	if (ok)
		return;
	fprintf(stderr, "bench-choose: %s\n", c->err.text[0] ? c->err.text : "refused");
	exit(1);
}

static void begin(struct choosing *c) {
	must(c, store_begin(c->s.store, &c->tx, &c->err));
}

static void commit(struct choosing *c) {
	must(c, store_commit(c->tx, &c->err));
	arena_reset(c->a);
}

/* The live one for that task; id 0 of its instance: there is none. */
static struct link find_link(struct choosing *c, int64_t instance, const char *task) {
	struct link_list list = {0};
	must(c, link_of_instance(tx_view(c->tx), instance, c->a, &list, &c->err));
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].state == LINK_LIVE && str_is(list.items[i].task, task))
			return list.items[i];
	return (struct link){0};
}

static void act(struct choosing *c, const struct link *link, int64_t version, struct str json) {
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt receipt;
	struct act_request request = {.link = link, .version = version, .answers = &answers};
	must(c, answers_from_json(json, c->a, &answers, &c->err) && engine_act(c->s.engine, c->tx, c->now, &request, c->a, &problems, &receipt, &c->err));
}

static int64_t start(struct choosing *c, const char *path) {
	struct answers answers = {0};
	struct form_problems problems = {0};
	struct receipt receipt;
	struct str json;
	struct start_request request = {.workflow = STR("round"), .answers = &answers};
	must(c, file_read(c->a, path, TOLD, &json, &c->err) && answers_from_json(json, c->a, &answers, &c->err));
	must(c, engine_start(c->s.engine, c->tx, c->now, &request, c->a, &problems, &receipt, &c->err));
	struct link link = find_link(c, receipt.instance_id, "begin");
	must(c, link.instance_id != 0);
	act(c, &link, 1, STR("{\"confirmed\":\"true\"}"));
	return receipt.instance_id;
}

/* All that is due by then. */
static void live_until(struct choosing *c, int64_t then) {
	bool found = true;
	for (c->now = then; found;) {
		begin(c);
		for (int i = 0; i < IN_A_COMMIT && found; i++)
			must(c, engine_step(c->s.engine, c->tx, c->now, c->a, &found, &c->err));
		commit(c);
	}
}

/* Some rows, not the same for everybody. */
static struct str favourites(struct choosing *c, int64_t instance) {
	const struct definition *d = site_package(c->s.site, STR("choice"))->definition;
	struct register_port port = data_store_port(tx_view(c->tx));
	struct value rows;
	struct buf json;
	must(c, port.rows(port.context, definition_field(d, STR("favourites"))->reg, 0, c->a, &rows, &c->err) && rows.list.count > RANKED);
	buf_init(&json, TOLD);
	for (size_t i = 0; i < RANKED; i++) {
		const struct value *row = &rows.list.items[((size_t)instance * 7 + i * 31) % rows.list.count];
		struct str key = row->record.members[row->record.type->key].string;
		buf_printf(&json, "%s\"%.*s\"", i == 0 ? "{\"favourites\":[" : ",", STR_ARG(key));
	}
	struct str text = arena_printf(c->a, "%.*s]}", STR_ARG(buf_text(&json)));
	buf_free(&json);
	return text;
}

static void tell(struct choosing *c, const struct instance *instance) {
	struct link link = find_link(c, instance->id, "choose");
	if (link.instance_id == 0)
		return;
	if (instance->id % RANKS == 0) {
		struct page_act to = {instance->id, link.contact_id, STR("mine"), STR("rank")};
		struct link rank;
		must(c, engine_page_link(c->s.engine, c->tx, c->now, &to, c->a, &rank, &c->err));
		act(c, &rank, instance->version, favourites(c, instance->id));
	}
	printf("%lld %s\n", (long long)instance->id, arena_z(c->a, engine_token(c->s.engine, &link, c->a)));
}

static void tell_all(struct choosing *c, int64_t round) {
	struct instance_query query = {.workflow = STR("choice"), .parent_id = round};
	struct arena *a = arena_new();
	struct instance_list list = {0};
	begin(c);
	must(c, instance_query(tx_view(c->tx), &query, a, &list, NULL, &c->err));
	for (size_t i = 0; i < list.count; i++)
		tell(c, &list.items[i]);
	commit(c);
	arena_free(a);
}

int main(int argc, char **argv) {
	struct choosing c = {.a = arena_new()};
	int64_t days, now = clock_now();
	struct buf told;
	buf_init(&told, TOLD);
	if (argc != 4 || !str_to_int(str_from(argv[3]), &days))
		return 2;
	if (!secret_init(&c.err) || !site_open_all(&c.s, argv[1], &told, &c.err)) {
		fprintf(stderr, "bench-choose: %s%s\n", buf_text(&told).at, c.err.text);
		return 1;
	}
	c.now = now - days * DAY_MS;
	begin(&c);
	int64_t round = start(&c, argv[2]);
	commit(&c);
	for (; days >= 0; days--)
		live_until(&c, now - days * DAY_MS);
	tell_all(&c, round);
	site_shut(&c.s);
	return 0;
}
