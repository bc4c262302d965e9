/* workflow_fixture: small packages written to a temporary folder, a site over them, a store, and an engine. A package is given as workflow.yaml (and registers.yaml
 * with CSV text); its texts and messages are made from the names in it, in English. Every act runs as the writer runs it: a refusal keeps what was marked,
 * a failure after a write undoes all. */
#ifndef TESTS_UNIT_WORKFLOW_FIXTURE_H
#define TESTS_UNIT_WORKFLOW_FIXTURE_H

#include "engine/base/address.h"
#include "engine/base/clock.h"
#include "engine/store/mailbox.h"
#include "engine/store/timers.h"
#include "engine/workflow/definition_check.h"
#include "engine/workflow/engine.h"
#include "engine/workflow/grants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST_PACKAGES = 4 };

struct fixture {
	char folder[40], key_path[60], data_path[60];
	struct arena *arena;
	struct site_config config;
	struct str languages[1], packages[MOST_PACKAGES];
	struct problems problems;
	struct site *site;
	struct store *store;
	struct engine *engine;
	struct tx *tx; /* open while a test writes by itself */
	struct form_problems refused; /* of the last start or act */
	struct receipt receipt;       /* likewise */
	struct err err;
};

#define OK(call)                                                \
	do {                                                    \
		if (!(call))                                    \
			fail_msg("%s: %s", #call, f->err.text); \
	} while (0)
#define REFUSED(error_kind, error_key, call)                                                                          \
	do {                                                                                                          \
		if (call)                                                                                             \
			fail_msg("%s was accepted", #call);                                                           \
		if (f->err.kind != (error_kind) || strcmp(f->err.key, error_key) != 0)                                \
			fail_msg("%s: kind %d key %s: %s", #call, (int)f->err.kind, f->err.key, f->err.text);         \
	} while (0)
#define assert_str(value, z)                                                                            \
	do {                                                                                            \
		struct str is_ = (value);                                                               \
		if (!str_is(is_, (z)))                                                                  \
			fail_msg("%s is '%.*s', not '%s'", #value, STR_ARG(is_), (z));                  \
	} while (0)

static inline void write_file(const char *folder, const char *name, struct str text) {
	char path[400];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

/* ---- texts and messages from the names of the machine */

static inline void texts_of_events(const struct definition *d, struct buf *out) {
	for (size_t i = 0; i < d->states.count; i++)
		for (size_t k = 0; k < d->states.items[i].on.count; k++) {
			const struct event_rule *event = &d->states.items[i].on.items[k];
			if (event->form && definition_event(d, event->name) == event)
				buf_printf(out, "  %.*s: Do it\n", STR_ARG(event->name));
		}
}

static inline void texts_of_claims(const struct definition *d, struct buf *out) {
	buf_z(out, "taken:\n  start: Taken\n");
	for (size_t i = 0; i < d->states.count; i++)
		for (size_t k = 0; k < d->states.items[i].on.count; k++) {
			const struct event_rule *event = &d->states.items[i].on.items[k];
			if (event->form && event_claims(event) && definition_event(d, event->name) == event)
				buf_printf(out, "  %.*s: Taken\n", STR_ARG(event->name));
		}
}

static inline void texts_of_forms(const struct definition *d, struct buf *out) {
	if (d->start.from)
		buf_z(out, "start:\n  missing: There is none\n");
	buf_z(out, "forms:\n");
	for (size_t i = 0; i < d->forms.count; i++) {
		buf_printf(out, "  %.*s:\n    title: Form\n", STR_ARG(d->forms.items[i].name));
		if (d->forms.items[i].pages.count > 1)
			buf_z(out, "    pages:\n");
		for (size_t k = 0; k < d->forms.items[i].pages.count && d->forms.items[i].pages.count > 1; k++)
			buf_printf(out, "      %.*s: Page\n", STR_ARG(d->forms.items[i].pages.items[k].name));
	}
	if (d->views.count > 0)
		buf_z(out, "views:\n");
	for (size_t i = 0; i < d->views.count; i++)
		buf_printf(out, "  %.*s: {title: View}\n", STR_ARG(d->views.items[i].name));
}

static inline void texts_of_field(const struct field *field, struct buf *out) {
	buf_printf(out, "%.*s: {label: A field%s", STR_ARG(field->name), field->valid ? ", invalid: Not so" : "");
	if (field->options.count > 0)
		buf_z(out, ", options: {");
	for (size_t k = 0; k < field->options.count; k++)
		buf_printf(out, "%s'%.*s': Option", k ? ", " : "", STR_ARG(field->options.items[k]));
	buf_z(out, field->options.count > 0 ? "}" : "");
	if (field->kind == FIELD_GROUP)
		buf_z(out, ", item: An item, fields: {");
	for (size_t k = 0; k < field->fields.count; k++) {
		buf_z(out, k ? ", " : "");
		texts_of_field(&field->fields.items[k], out);
	}
	buf_z(out, field->kind == FIELD_GROUP ? "}}" : "}");
}

static inline void texts_of_fields(const struct definition *d, struct buf *out) {
	buf_z(out, "fields:\n");
	for (size_t i = 0; i < d->fields.count; i++) {
		buf_z(out, "  ");
		texts_of_field(&d->fields.items[i], out);
		buf_char(out, '\n');
	}
}

static inline void texts_of_catalogues(const struct definition *d, struct buf *out) {
	buf_z(out, d->catalogues.count > 0 ? "catalogues:\n" : "");
	for (size_t i = 0; i < d->catalogues.count; i++) {
		const struct catalogue *c = &d->catalogues.items[i];
		buf_printf(out, "  %.*s:\n    columns:\n", STR_ARG(c->name));
		for (size_t k = 0; k < c->reg->record.count; k++)
			buf_printf(out, "      %.*s: A column\n", STR_ARG(c->reg->record.members[k].name));
	}
}

static inline void write_texts(const char *folder, const struct definition *d) {
	struct buf out;
	buf_init(&out, 1 << 20);
	buf_z(&out, "title: Test\nroles:\n");
	for (size_t i = 0; i < d->roles.count; i++)
		buf_printf(&out, "  %.*s: Role\n", STR_ARG(d->roles.items[i].name));
	buf_z(&out, "states:\n");
	for (size_t i = 0; i < d->states.count; i++)
		buf_printf(&out, "  %.*s: State\n", STR_ARG(d->states.items[i].name));
	struct buf events;
	buf_init(&events, 1 << 16);
	texts_of_events(d, &events);
	if (events.len > 0) {
		buf_z(&out, "events:\n");
		buf_str(&out, buf_text(&events));
	}
	buf_free(&events);
	texts_of_claims(d, &out);
	texts_of_fields(d, &out);
	texts_of_forms(d, &out);
	texts_of_catalogues(d, &out);
	write_file(folder, "texts/en.yaml", buf_text(&out));
	buf_free(&out);
}

static inline void write_messages(struct fixture *f, const char *folder, const struct action_list *actions) {
	for (size_t i = 0; i < actions->count; i++) {
		const struct action *action = &actions->items[i];
		if (action->kind == ACTION_DOCUMENT)
			write_file(folder, arena_printf(f->arena, "documents/%.*s.en.md", STR_ARG(action->template)).at, STR("title: A paper\n---\nIt says {{reference}}.\n"));
		if (action->kind != ACTION_SEND)
			continue;
		const char *body = action->link.len > 0 ? "[Go on]({{link}})" : "Hello";
		struct str mail = arena_printf(f->arena, "subject: A message\n---\n%s\n", body);
		write_file(folder, arena_printf(f->arena, "messages/%.*s.en.md", STR_ARG(action->message)).at, mail);
		write_file(folder, arena_printf(f->arena, "messages/%.*s.en.txt", STR_ARG(action->message)).at, action->link.len > 0 ? STR("Go {{link}}\n") : STR("Hello\n"));
	}
}

static inline void write_all_messages(struct fixture *f, const char *folder, const struct definition *d) {
	for (size_t i = 0; i < d->states.count; i++) {
		const struct state *state = &d->states.items[i];
		write_messages(f, folder, &state->entry);
		write_messages(f, folder, &state->exit);
		for (size_t k = 0; k < state->on.count; k++)
			for (size_t t = 0; t < state->on.items[k].cases.count; t++)
				write_messages(f, folder, &state->on.items[k].cases.items[t].actions);
		for (size_t k = 0; k < state->after.count; k++)
			for (size_t t = 0; t < state->after.items[k].cases.count; t++)
				write_messages(f, folder, &state->after.items[k].cases.items[t].actions);
	}
}

static inline void print_problems(const struct problems *problems) {
	struct buf out;
	buf_init(&out, 1 << 20);
	problems_print(problems, &out);
	print_message("%s", out.at ? out.at : "");
	buf_free(&out);
}

/* Writes a package; registers and csv (of the register's sample file, "rows.csv") may be NULL. */
static inline void package_write(struct fixture *f, const char *workflow, const char *registers, const char *csv) {
	struct problems problems = {.arena = f->arena};
	struct str folder = arena_printf(f->arena, "%s/p%zu", f->folder, f->config.package_count);
	assert_int_equal(mkdir(folder.at, 0700), 0);
	mkdir(arena_printf(f->arena, "%s/texts", folder.at).at, 0700);
	mkdir(arena_printf(f->arena, "%s/messages", folder.at).at, 0700);
	mkdir(arena_printf(f->arena, "%s/documents", folder.at).at, 0700);
	write_file(folder.at, "workflow.yaml", str_from(workflow));
	if (registers)
		write_file(folder.at, "registers.yaml", str_from(registers));
	if (csv)
		write_file(folder.at, "rows.csv", str_from(csv));
	struct definition *d = definition_load(folder.at, &problems);
	if (!d || problems.errors > 0)
		print_problems(&problems);
	assert_non_null(d);
	write_texts(folder.at, d);
	write_all_messages(f, folder.at, d);
	definition_free(d);
	assert_true(f->config.package_count < MOST_PACKAGES);
	f->packages[f->config.package_count++] = folder;
}

/* ---- site, store, engine */

static inline struct fixture *fixture_new(void) {
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	OK(secret_init(&f->err));
	f->arena = arena_new();
	snprintf(f->folder, sizeof f->folder, "/tmp/stafet-flow-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->key_path, sizeof f->key_path, "%s/keys", f->folder);
	snprintf(f->data_path, sizeof f->data_path, "%s/stafet.db", f->folder);
	OK(keyring_create(f->key_path, &f->err));
	f->languages[0] = STR("en");
	f->problems.arena = f->arena;
	f->config = (struct site_config){
	        .folder = f->folder,
	        .name = STR("Test"),
	        .base_url = STR("https://stafet.example"),
	        .listen = STR("127.0.0.1:8080"),
	        .zone = STR("Europe/Copenhagen"),
	        .holidays = STR("dk"),
	        .languages = f->languages,
	        .language_count = 1,
	        .packages = f->packages,
	        .key_file = str_from(f->key_path),
	        .data_file = str_from(f->data_path),
	        .mail = {.from_name = STR("Test"), .from_address = STR("stafet@stafet.example")},
	        .sms = {.from = STR("Test"), .country = STR("45")},
	};
	return f;
}

static inline void store_start(struct fixture *f, bool file) {
	unsigned char fingerprint[SECRET_FINGERPRINT];
	keyring_fingerprint(site_keys(f->site), fingerprint);
	f->store = store_open(file ? f->data_path : NULL, fingerprint, &f->err);
	if (!f->store)
		fail_msg("%s", f->err.text);
}

static inline void load_register(struct fixture *f, const struct package *package, const struct register_type *reg, const char *csv) {
	struct register_rows rows;
	struct register_change change;
	struct problems problems = {.arena = f->arena};
	if (!data_rows_from_csv(reg, 45, "rows.csv", str_from(csv), f->arena, &rows, &problems)) {
		print_problems(&problems);
		fail_msg("rows of %.*s", STR_ARG(package->folder));
	}
	OK(store_begin(f->store, &f->tx, &f->err));
	OK(grants_import(f->site, f->tx, reg->full_name, &rows, clock_now(), &change, &f->err));
	OK(store_commit(f->tx, &f->err));
	f->tx = NULL;
}

/* Opens everything over the packages written so far; file: a store on disk instead of in memory. */
static inline void fixture_open(struct fixture *f, bool file) {
	f->site = site_open(&f->config, &f->problems, &f->err);
	if (!f->site) {
		print_problems(&f->problems);
		fail_msg("%s", f->err.text);
	}
	store_start(f, file);
	f->engine = engine_open(f->site);
}

static inline void fixture_close(struct fixture *f) {
	char command[100];
	if (f->tx)
		store_rollback(f->tx);
	engine_close(f->engine);
	store_close(f->store);
	site_close(f->site);
	arena_free(f->arena);
	snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
}

static inline const struct definition *definition_of(struct fixture *f, const char *workflow) {
	const struct package *package = site_package(f->site, str_from(workflow));
	assert_non_null(package);
	return package->definition;
}

/* ---- time: "2026-03-02T10:00" in the site's zone */

static inline int64_t instant_at(struct fixture *f, const char *text) {
	int64_t local;
	assert_true(civil_parse_datetime(str_from(text), &local));
	return zone_instant(site_zone(f->site), local);
}

static inline struct str local_text(struct fixture *f, int64_t instant) {
	return civil_format_datetime(f->arena, zone_local(site_zone(f->site), instant));
}

/* ---- acts */

static inline void tx_open(struct fixture *f) {
	f->err = (struct err){0};
	f->refused = (struct form_problems){0};
	OK(store_begin(f->store, &f->tx, &f->err));
	tx_mark(f->tx);
}

static inline bool tx_end(struct fixture *f, bool ok) {
	struct err err = {0};
	if (ok || (tx_alive(f->tx) && !tx_dirty(f->tx))) {
		if (!store_commit(f->tx, &err)) {
			f->err = err;
			ok = false;
		}
	} else {
		store_rollback(f->tx);
	}
	f->tx = NULL;
	return ok;
}

static inline struct answers answers_of(struct fixture *f, const char *json) {
	struct answers answers;
	OK(answers_from_json(str_from(json), f->arena, &answers, &f->err));
	return answers;
}

static inline bool try_start(struct fixture *f, const char *workflow, const char *json) {
	struct answers answers = answers_of(f, json);
	struct start_request request = {.workflow = str_from(workflow), .answers = &answers};
	tx_open(f);
	return tx_end(f, engine_start(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err));
}

static inline int64_t start(struct fixture *f, const char *workflow, const char *json) {
	OK(try_start(f, workflow, json));
	return f->receipt.instance_id;
}

static inline struct instance instance_of(struct fixture *f, int64_t id) {
	struct instance instance;
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	OK(instance_load(v, id, f->arena, &instance, &f->err));
	view_close(v);
	return instance;
}

/* The newest link for that event of whoever has this address, whatever its state. */
static inline bool find_link(struct fixture *f, int64_t id, const char *address, const char *event, struct link *out) {
	struct link_list links;
	bool found = false;
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	OK(link_of_instance(v, id, f->arena, &links, &f->err));
	for (size_t i = 0; i < links.count; i++) {
		struct contact contact;
		if (links.items[i].contact_id == 0 || !str_is(links.items[i].task, event))
			continue;
		OK(contact_load(v, links.items[i].contact_id, f->arena, &contact, &f->err));
		/* Of links made at the same time the live one. */
		if (str_equal(contact.key, address_key(f->arena, str_from(address))) && (!found || links.items[i].state == LINK_LIVE || out->state != LINK_LIVE)) {
			*out = links.items[i];
			found = true;
		}
	}
	view_close(v);
	return found;
}

static inline struct link link_to(struct fixture *f, int64_t id, const char *address, const char *event) {
	struct link link;
	if (!find_link(f, id, address, event, &link))
		fail_msg("%s has no link for %s", address, event);
	return link;
}

static inline bool act_through(struct fixture *f, const struct link *link, int64_t version, const char *json) {
	struct answers answers = answers_of(f, json);
	struct act_request request = {.link = link, .version = version, .answers = &answers};
	tx_open(f);
	return tx_end(f, engine_act(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err));
}

static inline bool act(struct fixture *f, int64_t id, const char *address, const char *event, const char *json) {
	struct link link = link_to(f, id, address, event);
	return act_through(f, &link, instance_of(f, id).version, json);
}

static inline bool send_signal(struct fixture *f, int64_t id, const char *event, const char *json) {
	struct answers answers = answers_of(f, json);
	tx_open(f);
	return tx_end(f, engine_signal(f->engine, f->tx, clock_now(), id, str_from(event), &answers, f->arena, &f->err));
}

/* Everything that is due now, as the writer does it. */
static inline bool run_due(struct fixture *f) {
	bool more = true, ok = true;
	tx_open(f);
	while (ok && more)
		ok = engine_tick(f->engine, f->tx, clock_now(), 100, f->arena, &more, &f->err);
	return tx_end(f, ok);
}

/* To that wall-clock time, firing timers at their own times on the way. */
static inline void advance_to(struct fixture *f, const char *text) {
	int64_t target = instant_at(f, text), due_at;
	for (;;) {
		struct view *v = store_view(f->store, &f->err);
		OK(v && timer_next(v, &due_at, &f->err));
		view_close(v);
		if (due_at > target)
			break;
		if (due_at > clock_now())
			clock_simulate(due_at, 0);
		OK(run_due(f));
	}
	clock_simulate(target, 0);
}

/* The clock alone: nothing fires, as during an outage. */
static inline void jump_to(struct fixture *f, const char *text) {
	clock_simulate(instant_at(f, text), 0);
}

/* ---- looking */

static inline struct str state_of(struct fixture *f, int64_t id) {
	return instance_of(f, id).state;
}

static inline struct str field_of(struct fixture *f, int64_t id, const char *name) {
	struct instance instance = instance_of(f, id);
	struct view *v = store_view(f->store, &f->err);
	const struct definition *d = site_definition(f->site, v, instance.definition, &f->err);
	assert_non_null(d);
	struct value *values = ARENA_ARRAY(f->arena, d->fields.count, struct value);
	struct register_port port = data_store_port(v);
	OK(data_from_json(d, instance.data, &port, f->arena, values, &f->err));
	view_close(v);
	const struct field *field = definition_field(d, str_from(name));
	assert_non_null(field);
	return values[field->slot].kind == KIND_UNSET ? STR("unset") : value_text(f->arena, &values[field->slot]);
}

static inline struct history_list history_of(struct fixture *f, int64_t id) {
	struct history_list list;
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	OK(history_list(v, id, f->arena, &list, &f->err));
	view_close(v);
	return list;
}

/* "kind event from>to" of each entry, with ! when refused, parted by "; ". */
static inline struct str path_of(struct fixture *f, int64_t id) {
	struct history_list list = history_of(f, id);
	struct buf out;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < list.count; i++) {
		const struct history *h = &list.items[i];
		buf_printf(&out, "%s%.*s %.*s %.*s>%.*s%s", i ? "; " : "", STR_ARG(h->kind), STR_ARG(h->event), STR_ARG(h->from), STR_ARG(h->to), h->refused ? "!" : "");
	}
	struct str text = arena_str(f->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

/* "message>address state" of every message of the instance, parted by "; ". */
static inline struct str messages_of(struct fixture *f, int64_t id) {
	struct outbox_list rows;
	struct buf out;
	struct view *v = store_view(f->store, &f->err);
	OK(v && outbox_of_instance(v, id, f->arena, &rows, &f->err));
	view_close(v);
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < rows.count; i++)
		buf_printf(&out, "%s%.*s>%.*s %s", i ? "; " : "", STR_ARG(rows.items[i].message), STR_ARG(rows.items[i].recipient), outbox_state_name(rows.items[i].state));
	struct str text = arena_str(f->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

static inline struct timer_list timers_of(struct fixture *f, int64_t id) {
	struct timer_list list;
	struct view *v = store_view(f->store, &f->err);
	OK(v && timer_list(v, id, f->arena, &list, &f->err));
	view_close(v);
	return list;
}

/* When that timer is due, as local time; "none". */
static inline struct str due_of(struct fixture *f, int64_t id, const char *name) {
	struct timer_list list = timers_of(f, id);
	for (size_t i = 0; i < list.count; i++)
		if (str_is(list.items[i].name, name))
			return local_text(f, list.items[i].due_at);
	return STR("none");
}

static inline int64_t faults_of(struct fixture *f, int64_t id, struct buf *out) {
	int64_t checked, faults;
	struct view *v = store_view(f->store, &f->err);
	OK(v && engine_verify(f->engine, v, id, out, &checked, &faults, &f->err));
	view_close(v);
	return faults;
}

/* Each decision comes out the same when it is taken again. */
static inline struct replay_sum assert_replays(struct fixture *f, struct buf *out) {
	struct replay_sum sum = {0};
	struct instance instance;
	bool found = true;
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	for (int64_t after = 0; found;) {
		OK(instance_next(v, after, f->arena, &instance, &found, &f->err));
		if (found)
			OK(engine_replay(f->engine, v, instance.id, out, NULL, &sum, &f->err));
		after = instance.id;
	}
	engine_replay_settle(f->engine, v, out, &sum);
	replay_end(&sum);
	view_close(v);
	if (sum.faults > 0)
		fail_msg("%s", out->at);
	return sum;
}

static inline void assert_sound(struct fixture *f) {
	struct buf out;
	buf_init(&out, 1 << 16);
	if (faults_of(f, 0, &out) != 0)
		fail_msg("%s", out.at);
	assert_replays(f, &out);
	buf_free(&out);
}

/* The package with `to` in the place of `from` is told of with these words. registers, rows: its files, NULL for none. */
static inline void assert_told_of(struct fixture *f, const char *workflow, const char *from, const char *to, const char *registers, const char *rows, const char *said) {
	struct problems problems = {.arena = arena_new()};
	const char *at = strstr(workflow, from), *folder = arena_printf(f->arena, "%s/wrong", f->folder).at;
	bool found = false;
	assert_non_null(at);
	(void)mkdir(folder, 0700);
	write_file(folder, "workflow.yaml", arena_printf(f->arena, "%.*s%s%s", (int)(at - workflow), workflow, to, at + strlen(from)));
	if (registers)
		write_file(folder, "registers.yaml", str_from(registers));
	if (rows)
		write_file(folder, "rows.csv", str_from(rows));
	struct definition *d = definition_load(folder, &problems);
	if (d)
		definition_check(d, NULL, &problems);
	for (size_t i = 0; i < problems.count; i++)
		found = found || strstr(arena_z(problems.arena, problems.items[i].text), said);
	if (!found) {
		print_problems(&problems);
		fail_msg("'%s' is not told of: %s", said, to);
	}
	definition_free(d);
	arena_free(problems.arena);
}

#endif
