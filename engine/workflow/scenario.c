#include "engine/workflow/scenario_run.h"

#include "engine/base/address.h"
#include "engine/base/clock.h"
#include "engine/store/timers.h"

#include <string.h>

enum { MOST_TIMERS = 100000, DUE_AT_ONCE = 100 };

bool scenario_fail(struct scenario *s, const struct yaml *at, const char *format, ...) {
	if (s->failed)
		return false;
	s->failed = true;
	buf_printf(s->out, "FAIL %s:%d:%d: ", at->place.file, at->place.line, at->place.column);
	va_list args;
	va_start(args, format);
	buf_vprintf(s->out, format, args);
	va_end(args);
	buf_char(s->out, '\n');
	return false;
}

bool scenario_keys(struct scenario *s, const struct yaml *map, const char *const *allowed) {
	struct str names[16];
	size_t count = 0;
	if (!map || map->kind != YAML_MAP)
		return scenario_fail(s, map ? map : s->root, "a map {key: value} is expected");
	while (allowed[count]) {
		names[count] = str_from(allowed[count]);
		count++;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml *key = map->items[i]->key;
		bool known = false;
		for (size_t k = 0; k < count; k++)
			known = known || str_equal(names[k], key->text);
		struct str near = name_nearest(key->text, names, count);
		if (!known)
			return scenario_fail(s, key, "unknown key '%.*s'%s%.*s%s", STR_ARG(key->text), near.len ? "; did you mean '" : "", STR_ARG(near), near.len ? "'?" : "");
	}
	return true;
}

struct str scenario_text(const struct yaml *map, const char *key) {
	const struct yaml *node = yaml_get(map, key);
	return node && node->kind == YAML_SCALAR ? node->text : STR("");
}

bool scenario_begin(struct scenario *s, const struct yaml *at, struct tx **tx) {
	struct err err;
	if (!store_begin(s->store, tx, &err))
		return scenario_fail(s, at, "%s", err.text);
	tx_mark(*tx);
	return true;
}

/* Commits what went well, undoes the rest. */
bool scenario_end(struct scenario *s, const struct yaml *at, struct tx *tx, bool ok, const struct err *why) {
	struct err err;
	if (!ok) {
		store_rollback(tx);
		return scenario_fail(s, at, "%s", why->text);
	}
	return store_commit(tx, &err) || scenario_fail(s, at, "%s", err.text);
}

static void describe_problems(const struct form_problems *problems, struct buf *text) {
	for (size_t i = 0; i < problems->count; i++)
		buf_printf(text, "%s%.*s: %s", i ? ", " : "", STR_ARG(problems->items[i].name), problems->items[i].key);
}

/* An act that was or was not accepted, against what the step expects. */
static bool judge(struct scenario *s, const struct yaml *step, const struct yaml *body, struct tx *tx, bool ok, const struct form_problems *problems, const struct err *err) {
	bool refused = str_is(scenario_text(body, "refused"), "true");
	struct buf text;
	bool inner = err->kind != ERR_TRANSIENT && err->kind != ERR_PERMANENT;
	if (!ok && refused && inner)
		return scenario_end(s, step, tx, true, err);
	if (ok && refused) {
		store_rollback(tx);
		return scenario_fail(s, step, "was accepted, but a refusal is expected");
	}
	if (ok)
		return scenario_end(s, step, tx, true, err);
	buf_init(&text, 2000);
	describe_problems(problems, &text);
	store_rollback(tx);
	scenario_fail(s, step, "refused: %s", text.len ? text.at : err->text);
	buf_free(&text);
	return false;
}

/* The newest of the workflow in which the person with that address or number takes part. */
static bool instance_of(struct scenario *s, const struct yaml *of, struct str workflow, struct view *v, struct instance *out) {
	static const enum channel channels[] = {CHANNEL_MAIL, CHANNEL_SMS};
	int64_t newest = 0, one;
	struct contact contact;
	struct err err;
	for (size_t i = 0; i < 2; i++) {
		if (contact_find(v, channels[i], address_key(s->a, of->text), s->a, &contact, &err)) {
			if (!participation_newest(v, contact.id, workflow, site_day(s->options->site, clock_now()), &one, &err))
				return scenario_fail(s, of, "%s", err.text);
			newest = one > newest ? one : newest;
		} else if (err.kind != ERR_NOT_FOUND)
			return scenario_fail(s, of, "%s", err.text);
	}
	if (newest == 0)
		return scenario_fail(s, of, "no instance of workflow '%.*s' has %.*s in it", STR_ARG(workflow), STR_ARG(of->text));
	return instance_load(v, newest, s->a, out, &err) || scenario_fail(s, of, "%s", err.text);
}

/* The instance that the step is about: the first one started, or the newest of a workflow, or that of a person. */
bool scenario_instance(struct scenario *s, const struct yaml *step, struct view *v, struct instance *out) {
	struct str workflow = scenario_text(step, "workflow");
	const struct yaml *of = yaml_get(step, "of");
	struct err err;
	if (of)
		return instance_of(s, of, workflow.len ? workflow : s->options->package->definition->name, v, out);
	if (workflow.len == 0) {
		if (s->instance_id == 0)
			return scenario_fail(s, step, "nothing was started yet");
		return instance_load(v, s->instance_id, s->a, out, &err) || scenario_fail(s, step, "%s", err.text);
	}
	if (instance_latest(v, workflow, s->a, out, &err))
		return true;
	return err.kind == ERR_NOT_FOUND ? scenario_fail(s, step, "no instance of workflow '%.*s' was started", STR_ARG(workflow)) : scenario_fail(s, step, "%s", err.text);
}

static bool step_start(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	struct answers answers;
	struct form_problems problems = {0};
	struct receipt receipt = {0};
	struct err err = {0};
	struct tx *tx;
	struct str workflow = scenario_text(step, "workflow");
	struct start_request request = {.workflow = workflow.len ? workflow : s->options->package->definition->name, .answers = &answers};
	if (!scenario_answers(s, body, &answers) || !scenario_begin(s, step, &tx))
		return false;
	bool ok = engine_start(s->engine, tx, clock_now(), &request, s->a, &problems, &receipt, &err);
	if (ok && s->instance_id == 0)
		s->instance_id = receipt.instance_id;
	return judge(s, step, step, tx, ok, &problems, &err);
}

/* Somebody writes of themselves: a mail or a text that answers nothing. */
static bool start_by(struct scenario *s, const struct yaml *step, const struct yaml *body, enum channel channel) {
	static const char *const keys[] = {"from", "subject", "text", NULL};
	struct form_problems problems = {0};
	struct receipt receipt = {0};
	struct err err = {0};
	struct tx *tx;
	struct str workflow = scenario_text(step, "workflow");
	struct start_post post = {
	        .channel = channel,
	        .workflow = workflow.len ? workflow : s->options->package->definition->name,
	        .from = scenario_text(body, "from"),
	        .subject = scenario_text(body, "subject"),
	        .text = scenario_text(body, "text"),
	        .id = arena_printf(s->a, "%d:%d", step->place.line, step->place.column),
	};
	if (!scenario_keys(s, body, keys) || !scenario_begin(s, step, &tx))
		return false;
	bool ok = engine_start_post(s->engine, tx, clock_now(), &post, s->a, &problems, &receipt, &err);
	if (ok && s->instance_id == 0)
		s->instance_id = receipt.instance_id;
	return judge(s, step, step, tx, ok, &problems, &err);
}

static bool step_mail(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	return start_by(s, step, body, CHANNEL_MAIL);
}

static bool step_sms(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	return start_by(s, step, body, CHANNEL_SMS);
}

/* The person's link for that event, or for one whose page offers it now. */
static bool find_link_of(struct scenario *s, struct view *v, const struct instance *instance, const struct participation *p, struct str event, struct link *out, bool *found, struct err *err) {
	const struct definition *d = site_definition(s->options->site, v, instance->definition, err);
	const struct state *state = d ? definition_state(d, instance->state) : NULL;
	if (!d || !link_find(v, instance->id, p->contact_id, p->role, event, s->a, out, found, err))
		return false;
	for (size_t i = 0; state && i < state->on.count && !*found; i++)
		if (state_offer(state, state->on.items[i].name, p->role, event) &&
		    !link_find(v, instance->id, p->contact_id, p->role, state->on.items[i].name, s->a, out, found, err))
			return false;
	return true;
}

/* A link from a page that offers the event; a refusal leaves *found false. */
static bool take_link(struct scenario *s, struct tx *tx, const struct instance *instance, const struct participation *p, struct str event, struct link *out, bool *found, struct err *err) {
	const struct definition *d = site_definition(s->options->site, tx_view(tx), instance->definition, err);
	for (size_t i = 0; d && i < d->views.count && !*found; i++) {
		struct page_act act = {instance->id, p->contact_id, d->views.items[i].name, event};
		*found = engine_page_link(s->engine, tx, clock_now(), &act, s->a, out, err);
		if (!*found && err->kind != ERR_CONFLICT)
			return false;
	}
	return d != NULL;
}

/* The link through which somebody with that address can do the event: one that was sent to them, or that a page gives them. */
static bool find_link(struct scenario *s, struct tx *tx, const struct instance *instance, struct str event, struct str address, struct link *out, bool *found) {
	struct participation_list people = {0};
	struct err err;
	struct str key = address_key(s->a, address);
	*found = false;
	if (!participation_list(tx_view(tx), instance->id, site_day(s->options->site, clock_now()), s->a, &people, &err))
		return scenario_fail(s, s->root, "%s", err.text);
	for (size_t i = 0; i < people.count && !*found; i++)
		if (str_equal(people.items[i].contact.key, key) && !find_link_of(s, tx_view(tx), instance, &people.items[i], event, out, found, &err))
			return scenario_fail(s, s->root, "%s", err.text);
	for (size_t i = 0; i < people.count && !*found; i++)
		if (str_equal(people.items[i].contact.key, key) && !take_link(s, tx, instance, &people.items[i], event, out, found, &err))
			return scenario_fail(s, s->root, "%s", err.text);
	return true;
}

static bool step_do(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	static const char *const keys[] = {"event", "by", "with", "code", "refused", NULL};
	struct instance instance;
	struct link link;
	struct tx *tx;
	struct err err = {0};
	bool found;
	struct answers answers;
	struct str event = scenario_text(body, "event"), by = scenario_text(body, "by"), code = scenario_text(body, "code");
	if (code.len > 0 && !str_is(code, "wrong"))
		return scenario_fail(s, body, "code: found '%.*s', expected wrong (the right code is given without it)", STR_ARG(code));
	if (!scenario_keys(s, body, keys) || !scenario_answers(s, yaml_get(body, "with"), &answers) || !scenario_begin(s, step, &tx))
		return false;
	if (!scenario_instance(s, step, tx_view(tx), &instance) || !find_link(s, tx, &instance, event, by, &link, &found)) {
		store_rollback(tx);
		return false;
	}
	struct form_problems problems = {0};
	struct receipt receipt;
	struct act_request request = {.link = &link, .event = event, .version = instance.version, .answers = &answers, .proved = !str_is(code, "wrong")};
	bool ok = found ? engine_act(s->engine, tx, clock_now(), &request, s->a, &problems, &receipt, &err)
	                : err_set(&err, ERR_NOT_FOUND, "link.unknown", "no live link for '%.*s' was sent to %.*s", STR_ARG(event), STR_ARG(by));
	return judge(s, step, body, tx, ok, &problems, &err);
}

static bool step_signal(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	static const char *const keys[] = {"event", "with", NULL};
	struct instance instance;
	struct tx *tx;
	struct err err = {0};
	struct answers answers;
	if (!scenario_keys(s, body, keys) || !scenario_answers(s, yaml_get(body, "with"), &answers) || !scenario_begin(s, step, &tx))
		return false;
	if (!scenario_instance(s, step, tx_view(tx), &instance)) {
		store_rollback(tx);
		return false;
	}
	bool ok = engine_signal(s->engine, tx, clock_now(), instance.id, scenario_text(body, "event"), &answers, s->a, &err);
	return scenario_end(s, step, tx, ok, &err);
}

static const struct outbox_row *newest_to(const struct scenario *s, struct str address) {
	for (size_t i = s->sent.count; i > 0; i--)
		if (str_equal(s->sent.items[i - 1].row.recipient, address))
			return &s->sent.items[i - 1].row;
	return NULL;
}

/* The newest message to that address comes back: there is nobody. */
static bool step_bounce(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	const struct outbox_row *row = newest_to(s, body->text);
	struct tx *tx;
	struct err err = {0};
	if (!row)
		return scenario_fail(s, body, "nothing was sent to '%.*s'", STR_ARG(body->text));
	if (!scenario_begin(s, step, &tx))
		return false;
	return scenario_end(s, step, tx, engine_undelivered(tx, clock_now(), row, true, &err), &err);
}

static bool step_reply(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	static const char *const keys[] = {"by", "text", "files", NULL};
	struct tx *tx;
	struct err err = {0};
	struct reply reply = {.text = scenario_text(body, "text")};
	struct str told;
	if (!scenario_keys(s, body, keys) || !scenario_files(s, yaml_get(body, "files"), &reply))
		return false;
	const struct outbox_row *row = newest_to(s, scenario_text(body, "by"));
	if (!row)
		return scenario_fail(s, body, "nothing was sent to '%.*s'", STR_ARG(scenario_text(body, "by")));
	if (!scenario_begin(s, step, &tx))
		return false;
	return scenario_end(s, step, tx, engine_replied(s->engine, tx, clock_now(), row, &reply, s->a, &told, &err), &err);
}

static bool next_due(struct scenario *s, const struct yaml *step, int64_t *due_at) {
	struct err err;
	struct view *v = store_view(s->store, &err);
	bool ok = v && timer_next(v, due_at, &err);
	if (v)
		view_close(v);
	return ok || scenario_fail(s, step, "%s", err.text);
}

static bool fire_due(struct scenario *s, const struct yaml *step) {
	struct tx *tx;
	struct err err;
	bool more = true, ok = true;
	if (!scenario_begin(s, step, &tx))
		return false;
	while (ok && more) {
		ok = engine_tick(s->engine, tx, clock_now(), DUE_AT_ONCE, s->brief, &more, &err);
		arena_reset(s->brief);
	}
	return scenario_end(s, step, tx, ok, &err) && scenario_deliver(s, step);
}

/* Timers fire at their own times on the way, as they would have. */
static bool advance_to(struct scenario *s, const struct yaml *at, int64_t target) {
	int64_t due_at;
	for (int i = 0; i < MOST_TIMERS; i++) {
		if (!next_due(s, at, &due_at))
			return false;
		if (due_at > target)
			break;
		if (due_at > clock_now())
			clock_simulate(due_at, 0);
		if (!fire_due(s, at))
			return false;
	}
	clock_simulate(target, 0);
	return true;
}

static bool step_advance(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	struct span span;
	int64_t local, target;
	const struct zone *zone = site_zone(s->options->site);
	if (span_parse(body->text, &span))
		target = civil_add(zone, site_calendar(s->options->site), clock_now(), span);
	else if (civil_parse_datetime(body->text, &local))
		target = zone_instant(zone, local);
	else
		return scenario_fail(s, body, "'%.*s' is neither a duration such as 7d nor a datetime such as 2026-03-29T12:00", STR_ARG(body->text));
	if (target < clock_now())
		return scenario_fail(s, body, "the clock cannot go back");
	return advance_to(s, step, target);
}

static const struct register_type *find_register(struct scenario *s, struct str name) {
	struct str workflow = str_cut(&name, '.');
	const struct package *package = name.len > 0 ? site_package(s->options->site, workflow) : s->options->package;
	return package ? definition_register(package->definition, name.len > 0 ? name : workflow) : NULL;
}

/* Registers get new rows, from files beside the scenario. */
static bool step_import(struct scenario *s, const struct yaml *step, const struct yaml *body) {
	struct problems problems = {.arena = s->a};
	struct err err = {0};
	struct tx *tx;
	const char *slash = strrchr(s->root->place.file, '/');
	int folder = slash ? (int)(slash + 1 - s->root->place.file) : 0;
	if (body->kind != YAML_MAP)
		return scenario_fail(s, body, "a map {register: file.csv} is expected");
	bool ok = scenario_begin(s, step, &tx);
	for (size_t i = 0; ok && i < body->count; i++) {
		const struct register_type *reg = find_register(s, body->items[i]->key->text);
		struct str path = arena_printf(s->a, "%.*s%.*s", folder, s->root->place.file, STR_ARG(body->items[i]->text));
		if (!reg)
			err_set(&err, ERR_INPUT, "error.input", "there is no register '%.*s'", STR_ARG(body->items[i]->key->text));
		ok = reg && sample_load(s->options->site, tx, reg, path, clock_now(), s->a, &problems, &err);
		if (!ok && problems.count > 0)
			err_set(&err, ERR_INPUT, "error.input", "%s:%d: %.*s", problems.items[0].place.file, problems.items[0].place.line, STR_ARG(problems.items[0].text));
		if (!ok)
			return scenario_end(s, body->items[i], tx, false, &err);
	}
	return ok && scenario_end(s, step, tx, true, &err);
}

static bool run_step(struct scenario *s, const struct yaml *step) {
	static const char *const keys[] = {"start", "mail", "sms", "do", "signal", "bounce", "reply", "import", "advance", "expect", "workflow", "of", "refused", "held", NULL};
	static const struct {
		const char *key;
		bool (*run)(struct scenario *s, const struct yaml *step, const struct yaml *body);
	} kinds[] = {{"start", step_start}, {"mail", step_mail}, {"sms", step_sms}, {"do", step_do}, {"signal", step_signal}, {"bounce", step_bounce}, {"reply", step_reply}, {"import", step_import}, {"advance", step_advance}, {"expect", scenario_expect}};
	if (!scenario_keys(s, step, keys))
		return false;
	s->held = str_is(scenario_text(step, "held"), "true");
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct yaml *body = yaml_get(step, kinds[i].key);
		if (body)
			return kinds[i].run(s, step, body) && fire_due(s, step);
	}
	return scenario_fail(s, step, "a step is one of start, mail, sms, do, signal, bounce, reply, import, advance, expect");
}

static void decided(void *context, const struct definition *d, const struct state *from, const struct event *event, const struct decision *decision) {
	struct scenario *s = context;
	(void)from;
	(void)event;
	if (s->options->coverage)
		coverage_note(s->options->coverage, d, decision);
}

static bool run_steps(struct scenario *s) {
	const struct yaml *steps = yaml_get(s->root, "steps");
	if (!steps || steps->kind != YAML_LIST)
		return scenario_fail(s, s->root, "a list of `steps` is expected");
	for (size_t i = 0; i < steps->count; i++)
		if (!run_step(s, steps->items[i]))
			return false;
	return true;
}

static bool set_clock(struct scenario *s) {
	struct str now = scenario_text(s->root, "now");
	const struct zone *zone = site_zone(s->options->site);
	struct span span;
	int64_t local;
	if (s->options->store && !span_parse(now, &span))
		return scenario_fail(s, s->root, "`now` is no span of time before the demo's start, such as 40d");
	if (!s->options->store && !civil_parse_datetime(now.len ? now : STR("2026-03-02T10:00"), &local))
		return scenario_fail(s, s->root, "`now` is no datetime such as 2026-03-02T10:00");
	if (s->options->store)
		span = (struct span){-span.months, -span.days, -span.workdays, -span.ms};
	clock_simulate(s->options->store ? civil_add(zone, site_calendar(s->options->site), s->options->now, span) : zone_instant(zone, local), 0);
	return true;
}

static bool open_own(struct scenario *s) {
	struct err err = {0};
	struct problems problems = {.arena = s->a};
	unsigned char fingerprint[SECRET_FINGERPRINT];
	struct tx *tx;
	keyring_fingerprint(site_keys(s->options->site), fingerprint);
	s->store = store_open(NULL, fingerprint, &err);
	if (!s->store)
		return scenario_fail(s, s->root, "%s", err.text);
	s->engine = engine_open(s->options->site);
	engine_watch(s->engine, (struct engine_watch){s, decided});
	engine_rehearse(s->engine, arena_z(s->a, scenario_text(s->root, "scenario")));
	if (!scenario_begin(s, s->root, &tx))
		return false;
	bool ok = samples_load(s->options->site, tx, clock_now(), s->a, &problems, &err);
	if (!ok && problems.count > 0)
		err_set(&err, ERR_INPUT, "error.input", "%s:%d: %.*s", problems.items[0].place.file, problems.items[0].place.line, STR_ARG(problems.items[0].text));
	return scenario_end(s, s->root, tx, ok, &err);
}

static bool set_up(struct scenario *s) {
	if (!set_clock(s))
		return false;
	if (!s->options->store)
		return open_own(s);
	s->store = s->options->store;
	s->engine = s->options->engine;
	return true;
}

static void note_covers(struct scenario *s) {
	const struct yaml *covers = yaml_get(s->root, "covers");
	for (size_t i = 0; s->options->covers && covers && i < covers->count; i++)
		buf_printf(s->options->covers, "%.*s\n", STR_ARG(covers->items[i]->text));
}

/* Whatever happened must come out the same when it is decided again. */
static bool replay_all(struct scenario *s) {
	struct replay_sum sum = {0};
	struct instance instance;
	struct buf faults;
	struct err err = {0};
	bool found = true, ok = true;
	struct view *v = store_view(s->store, &err);
	buf_init(&faults, 1 << 16);
	for (int64_t after = 0; v && ok && found; after = instance.id) {
		ok = instance_next(v, after, s->brief, &instance, &found, &err) && (!found || engine_replay(s->engine, v, instance.id, &faults, NULL, &sum, &err));
		arena_reset(s->brief);
	}
	if (v) {
		engine_replay_settle(s->engine, v, &faults, &sum);
		view_close(v);
	}
	replay_end(&sum);
	struct str text = arena_str(s->a, buf_text(&faults)), first = str_cut(&text, '\n');
	buf_free(&faults);
	if (!v || !ok)
		return scenario_fail(s, s->root, "%s", err.text);
	return sum.faults + sum.unknown == 0 || scenario_fail(s, s->root, "%lld decisions do not come out the same again; %.*s", (long long)(sum.faults + sum.unknown), STR_ARG(first));
}

static bool show_end(struct scenario *s, const char *path) {
	struct err err;
	struct view *v = s->options->ended ? store_view(s->store, &err) : NULL;
	bool ok = !s->options->ended || (v && s->options->ended(s->options->context, path, v, &err));
	if (v)
		view_close(v);
	return ok || scenario_fail(s, s->root, "%s", err.text);
}

/* Of all that took `whole`, deciding again took `again`. */
static void tell_times(const struct scenario *s, int64_t whole, int64_t again) {
	int64_t steps = whole - again - s->drawn_ms - s->written_ms;
	buf_printf(s->out, "     %.2f s: steps %.2f, messages %.2f, documents %.2f, decided again %.2f\n", (double)whole / 1e3, (double)steps / 1e3, (double)s->written_ms / 1e3,
	           (double)s->drawn_ms / 1e3, (double)again / 1e3);
}

bool scenario_run(const struct scenario_options *options, const char *path, struct buf *out) {
	static const char *const keys[] = {"scenario", "covers", "now", "steps", NULL};
	struct scenario s = {.options = options, .out = out, .a = arena_new(), .brief = arena_new()};
	struct err err = {0};
	s.root = yaml_read(s.a, path, &err);
	if (!s.root) {
		buf_printf(out, "FAIL %s\n", err.text);
		arena_free(s.brief);
		arena_free(s.a);
		return false;
	}
	int64_t began = clock_processor();
	bool played = scenario_keys(&s, s.root, keys) && set_up(&s) && run_steps(&s);
	int64_t decided = clock_processor();
	bool again = played && (options->store ? advance_to(&s, s.root, options->now) : replay_all(&s));
	int64_t ended = clock_processor();
	bool ok = again && show_end(&s, path);
	if (ok) {
		struct str name = scenario_text(s.root, "scenario");
		note_covers(&s);
		buf_printf(out, "ok   %s: %.*s\n", path, STR_ARG(name));
		if (options->times)
			tell_times(&s, ended - began, ended - decided);
	}
	if (!options->store) {
		engine_close(s.engine);
		if (s.store)
			store_close(s.store);
	}
	arena_free(s.brief);
	arena_free(s.a);
	return ok;
}
