/* Commands on the instances of a site: start, list, show, history, verify, replay. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "engine/store/groups.h"
#include "engine/store/timers.h"
#include "engine/workflow/grants.h"
#include "engine/workflow/lots.h"

#include <string.h>

static int usage(struct buf *out, const char *text) {
	buf_printf(out, "usage: stafet %s\n", text);
	return EXIT_USAGE;
}

struct start_job {
	struct start_request request;
	struct answers answers;
	struct arena *a;
	struct form_problems problems;
	struct receipt receipt;
};

static bool start_run(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct start_job *job = context;
	job->problems.count = 0;
	return engine_start(engine, tx, now, &job->request, job->a, &job->problems, &job->receipt, err);
}

/* What was given and nothing asks for: a slip of the pen, or of the package, would go unseen. */
static void tell_left_out(struct open_site *s, const struct start_job *job, struct buf *out) {
	const struct package *package = site_package(s->site, job->request.workflow);
	const struct definition *d = package ? package->definition : NULL;
	for (size_t i = 0; d && i < job->answers.count; i++) {
		struct str name = job->answers.items[i].name, root = str_cut(&name, '.');
		const struct field *field = definition_field(d, root);
		bool asked = field && (form_item_of(d->start.form, field) || (d->start.who && form_item_of(d->start.who, field)));
		if (!asked)
			buf_printf(out, "%.*s: left out; the start of %.*s does not ask for it\n", STR_ARG(root), STR_ARG(d->name));
	}
}

static int command_start(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct arena *a = arena_new();
	struct start_job job = {.a = a};
	struct err err = {0};
	if (arguments_unknown(args, out) || args->count != 1) {
		arena_free(a);
		return usage(out, "start WORKFLOW --data FILE.json");
	}
	job.request = (struct start_request){.workflow = str_from(args->items[0]), .answers = &job.answers};
	bool ok = answers_from_json(input.len ? input : STR("{}"), a, &job.answers, &err) && site_write(s, start_run, &job, &err);
	if (ok)
		buf_printf(out, "%.*s %.*s\n", STR_ARG(job.receipt.reference), STR_ARG(job.receipt.state));
	if (ok)
		tell_left_out(s, &job, out);
	const struct language *english = language_get(site_languages(s->site), STR("en"));
	for (size_t i = 0; !ok && i < job.problems.count; i++) {
		const struct form_problem *p = &job.problems.items[i];
		struct str text = language_text(english, a, p->key, p->arg[0], p->arg[1]);
		buf_printf(out, "%.*s: %.*s\n", STR_ARG(p->name), STR_ARG(text));
	}
	int status = ok ? EXIT_GOOD : command_failed(out, &err);
	arena_free(a);
	return status;
}

static bool list_rows(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct instance_query *query = context;
	struct instance_list list = {0};
	int64_t total;
	if (!instance_query(v, query, a, &list, &total, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct instance *in = &list.items[i];
		struct str changed = site_time(s, a, in->changed_at);
		buf_printf(out, "%.*s  %-20.*s %-20.*s %.*s\n", STR_ARG(in->reference), STR_ARG(in->workflow), STR_ARG(in->state), STR_ARG(changed));
	}
	if ((int64_t)list.count < total)
		buf_printf(out, "... %lld in all; see --limit and --offset\n", (long long)total);
	return true;
}

static int command_list(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	const char *state = arguments_option(args, "--state"), *limit = arguments_option(args, "--limit"), *offset = arguments_option(args, "--offset");
	struct instance_query query = {.state = str_from(state), .limit = 100};
	(void)input;
	if (arguments_unknown(args, out) || args->count > 1 || (limit && !str_to_int(str_from(limit), &query.limit)) ||
	    (offset && !str_to_int(str_from(offset), &query.offset)))
		return usage(out, "list [WORKFLOW] [--state STATE] [--limit N] [--offset N]");
	query.workflow = str_from(args->count == 1 ? args->items[0] : NULL);
	return site_look(s, list_rows, &query, out);
}

static bool show_people(struct open_site *s, struct view *v, struct arena *a, int64_t id, struct buf *out, struct err *err) {
	struct participation_list people = {0};
	if (!participation_list(v, id, site_day(s->site, clock_now()), a, &people, err))
		return false;
	for (size_t i = 0; i < people.count; i++) {
		const struct participation *p = &people.items[i];
		buf_printf(out, "person     %.*s %.*s%s\n", STR_ARG(p->role), STR_ARG(p->contact.value), p->contact.verified_at ? " (has acted)" : "");
	}
	return true;
}

static bool show_messages(struct open_site *s, struct view *v, struct arena *a, int64_t id, struct buf *out, struct err *err) {
	struct outbox_list rows = {0};
	struct timer_list timers = {0};
	if (!outbox_of_instance(v, id, a, &rows, err) || !timer_list(v, id, a, &timers, err))
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		const struct outbox_row *row = &rows.items[i];
		struct str at = site_time(s, a, row->created_at);
		buf_printf(out, "message    %.*s %.*s to %.*s: %s%s%.*s\n", STR_ARG(at), STR_ARG(row->message), STR_ARG(row->recipient), outbox_state_name(row->state),
		           row->answer.len ? ", " : "", STR_ARG(row->answer));
	}
	for (size_t i = 0; i < timers.count; i++) {
		struct str at = site_time(s, a, timers.items[i].due_at);
		buf_printf(out, "timer      %.*s %.*s\n", STR_ARG(at), STR_ARG(timers.items[i].name));
	}
	return true;
}

static bool show_documents(struct open_site *s, struct view *v, struct arena *a, int64_t id, struct buf *out, struct err *err) {
	struct document_list list;
	if (!document_of_instance(v, id, a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct document *d = &list.items[i];
		struct str at = site_time(s, a, d->at), addendum = d->addendum ? arena_printf(a, "+%lld", (long long)d->addendum) : STR("");
		buf_printf(out, "document   %.*s %.*s %lld%.*s: %s\n", STR_ARG(at), STR_ARG(d->name), (long long)d->version, STR_ARG(addendum), document_state_name(d->state));
	}
	return true;
}

bool tell_shared(struct view *v, struct arena *a, int64_t id, const char *label, struct buf *out, struct err *err) {
	struct group_record_list list;
	if (!group_of_instance(v, id, a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct group_record *r = &list.items[i];
		buf_printf(out, "%s%.*s of %.*s: %.*s\n", label, STR_ARG(r->place.name), STR_ARG(r->place.value), STR_ARG(r->data.len ? r->data : STR("{}")));
	}
	return true;
}

static bool show_instance(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct str reference = *(const struct str *)context;
	struct instance in;
	if (!instance_by_reference(v, reference, a, &in, err))
		return false;
	struct str started = site_time(s, a, in.started_at), entered = site_time(s, a, in.entered_at);
	struct str hash = secret_hex(a, in.definition, 8), data = data_masked(in.data, a);
	buf_printf(out, "reference  %.*s\nworkflow   %.*s (machine %.*s)\nstate      %.*s since %.*s\nstarted    %.*s\nversion    %lld\ndata       %.*s\n", STR_ARG(in.reference),
	           STR_ARG(in.workflow), STR_ARG(hash), STR_ARG(in.state), STR_ARG(entered), STR_ARG(started), (long long)in.version, STR_ARG(data));
	return tell_shared(v, a, in.id, "shares     ", out, err) && show_people(s, v, a, in.id, out, err) && show_documents(s, v, a, in.id, out, err) && show_messages(s, v, a, in.id, out, err);
}

static bool show_history(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct str reference = *(const struct str *)context;
	struct instance in;
	struct history_list entries = {0};
	if (!instance_by_reference(v, reference, a, &in, err) || !history_list(v, in.id, a, &entries, err))
		return false;
	for (size_t i = 0; i < entries.count; i++) {
		const struct history *e = &entries.items[i];
		struct str at = site_time(s, a, e->at);
		struct str to = e->to.len ? e->to : e->refused ? STR("(refused)") : STR("(stays)");
		buf_printf(out, "%3lld  %.*s  %-6.*s %-20.*s %.*s -> %.*s%s%.*s\n", (long long)e->seq, STR_ARG(at), STR_ARG(e->kind), STR_ARG(e->event),
		           STR_ARG(e->from.len ? e->from : STR("(new)")), STR_ARG(to), e->role.len ? "  by " : "", STR_ARG(e->role));
	}
	return true;
}

static int read_one(struct open_site *s, struct arguments *args, struct buf *out, const char *name, look_run *show) {
	if (arguments_unknown(args, out) || args->count != 1) {
		buf_printf(out, "usage: stafet %s REFERENCE\n", name);
		return EXIT_USAGE;
	}
	struct str reference = str_from(args->items[0]);
	return site_look(s, show, &reference, out);
}

static int command_show(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	(void)input;
	return read_one(s, args, out, "show", show_instance);
}

static int command_history(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	(void)input;
	return read_one(s, args, out, "history", show_history);
}

/* Goes over all instances, or one. Each in a view of its own, so that a long walk over a busy store holds up no checkpoint. */
struct walk {
	struct open_site *s;
	bool (*look)(struct walk *w, struct view *v, const struct instance *in, struct err *err);
	struct buf *out;
	int64_t checked, faults;
	struct replay_sum sum;
	struct lots *lots; /* NULL: nobody asks */
};

static bool walk_next(struct walk *w, struct str reference, int64_t *after, bool *found, struct err *err) {
	struct arena *a = arena_new();
	struct instance in;
	struct view *v = store_view(w->s->store, err);
	*found = true;
	bool ok = v && (reference.len ? instance_by_reference(v, reference, a, &in, err) : instance_next(v, *after, a, &in, found, err));
	if (ok && *found) {
		ok = w->look(w, v, &in, err);
		*after = in.id;
	}
	if (v)
		view_close(v);
	arena_free(a);
	return ok;
}

static bool walk(struct walk *w, struct str reference, struct err *err) {
	int64_t after = 0;
	bool found = true;
	while (found) {
		if (!walk_next(w, reference, &after, &found, err))
			return false;
		found = found && reference.len == 0;
	}
	return true;
}

static bool verify_one(struct walk *w, struct view *v, const struct instance *in, struct err *err) {
	int64_t checked, faults = 0;
	bool ok = engine_verify(w->s->engine, v, in->id, w->out, &checked, &faults, err);
	w->checked++;
	w->faults += faults;
	return ok;
}

/* What registers give belongs to no instance. */
static bool verify_grants(struct walk *w, struct err *err) {
	struct view *v = store_view(w->s->store, err);
	bool ok = v && grants_verify(w->s->site, v, w->out, &w->faults, err);
	if (v)
		view_close(v);
	return ok;
}

bool site_verify(struct open_site *s, struct str reference, struct buf *out, int64_t *checked, int64_t *faults, struct err *err) {
	struct walk w = {.s = s, .look = verify_one, .out = out};
	bool ok = walk(&w, reference, err) && (reference.len > 0 || verify_grants(&w, err));
	*checked = w.checked;
	*faults = w.faults;
	return ok;
}

/* With whatever it started. */
static bool replay_one(struct walk *w, struct view *v, const struct instance *in, struct err *err) {
	struct arena *a = arena_new();
	struct instance_list children = {0};
	struct instance_query query = {.parent_id = in->id, .limit = INT32_MAX};
	bool ok = engine_replay(w->s->engine, v, in->id, w->out, w->lots, &w->sum, err) && instance_query(v, &query, a, &children, NULL, err);
	for (size_t i = 0; ok && i < children.count; i++)
		ok = replay_one(w, v, &children.items[i], err);
	arena_free(a);
	return ok;
}

static bool replay_tree(struct walk *w, struct view *v, const struct instance *in, struct err *err) {
	bool ok = replay_one(w, v, in, err);
	engine_replay_settle(w->s->engine, v, w->out, &w->sum);
	return ok;
}

/* Of all, each is begun with where it was started by nobody. */
static bool replay_root(struct walk *w, struct view *v, const struct instance *in, struct err *err) {
	return in->parent_id != 0 || replay_tree(w, v, in, err);
}

static void tell_replay(const struct replay_sum *sum, struct buf *out) {
	buf_printf(out, "%lld instances, %lld entries: %lld decided again, %lld lots drawn again, %lld faults\n", (long long)sum->instances, (long long)sum->entries,
	           (long long)sum->decided, (long long)sum->lots, (long long)sum->faults);
	if (sum->aside + sum->unknown + sum->erased > 0)
		buf_printf(out, "not decided again: %lld that were set aside, %lld written before Stafet kept what is needed, %lld erased\n", (long long)sum->aside, (long long)sum->unknown,
		           (long long)sum->erased);
}

static int command_replay(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	enum { LOTS_LIMIT = 64 << 20 };
	struct err err = {0};
	struct buf text;
	bool wanted = arguments_flag(args, "--lots");
	(void)input;
	if (arguments_unknown(args, out) || args->count > 1)
		return usage(out, "replay [REFERENCE] [--lots]");
	buf_init(&text, LOTS_LIMIT);
	struct lots lots = {.out = &text, .a = arena_new()};
	struct walk w = {.s = s, .look = args->count ? replay_tree : replay_root, .out = out, .lots = wanted ? &lots : NULL};
	bool ok = walk(&w, str_from(args->count ? args->items[0] : NULL), &err);
	replay_end(&w.sum);
	if (ok && text.overflow)
		ok = err_set(&err, ERR_INPUT, "error.input", "the lists are larger than %d MiB in all; ask for one case after the other", LOTS_LIMIT >> 20);
	if (ok && wanted && w.sum.faults == 0)
		buf_str(out, buf_text(&text));
	else if (ok)
		tell_replay(&w.sum, out);
	buf_free(&text);
	arena_free(lots.a);
	if (!ok)
		return command_failed(out, &err);
	return w.sum.faults ? EXIT_FAULT : EXIT_GOOD;
}

static int command_verify(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct err err = {0};
	int64_t checked, faults;
	(void)input;
	if (arguments_unknown(args, out) || args->count > 1)
		return usage(out, "verify [REFERENCE]");
	if (!site_verify(s, str_from(args->count ? args->items[0] : NULL), out, &checked, &faults, &err))
		return command_failed(out, &err);
	buf_printf(out, "%lld instances checked, %lld faults\n", (long long)checked, (long long)faults);
	return faults == 0 ? EXIT_GOOD : EXIT_FAULT;
}

static const struct store_command store_commands[] = {
        {"start", command_start}, {"list", command_list}, {"show", command_show},
        {"history", command_history}, {"verify", command_verify}, {"replay", command_replay}, {"import", command_import}, {"export", command_export}, {"graph", command_graph_instance},
        {"outbox", command_outbox},
        {"documents", command_documents}, {"inbox", command_inbox}, {"backup", command_backup_running}, {"suppressions", command_suppressions}, {"sessions", command_sessions},
        {"erase", command_erase}, {"export-person", command_export_person},
};

const struct store_command *store_command(const char *name) {
	for (size_t i = 0; i < sizeof store_commands / sizeof store_commands[0]; i++)
		if (strcmp(store_commands[i].name, name) == 0)
			return &store_commands[i];
	return NULL;
}
