/* The writer: group commit, refusals and failures inside a batch, the queue's limit, due timers that fail, faults of the store under every statement. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/handle.h"
#include "engine/workflow/writer.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

static const char task[] =
        "workflow: task\n"
        "start: {by: owner, form: ask}\n"
        "roles:\n"
        "  owner: {contact: mail}\n"
        "  boss: {contact: boss}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  boss: {type: email}\n"
        "  verdict: {type: choice, options: ['yes', 'no']}\n"
        "  n: {type: int}\n"
        "forms:\n"
        "  ask: {fields: [mail, boss, {field: n, optional: true}]}\n"
        "  decide: {fields: [verdict]}\n"
        "initial: asked\n"
        "states:\n"
        "  asked:\n"
        "    entry: [{send: {to: boss, message: please, link: decide}}]\n"
        "    after:\n"
        "      - {every: 1d, name: nudge, times: 3, actions: [{send: {to: boss, message: please, link: decide}}]}\n"
        "      - {in: 10d, name: over, target: gone}\n"
        "    on:\n"
        "      decide: {by: boss, form: decide, target: done}\n"
        "      loop: {actions: [{signal: {to: self, event: loop}}]}\n"
        "  done:\n"
        "    final: true\n"
        "    entry:\n"
        "      - send: {to: owner, message: done}\n"
        "      - start: {workflow: step, data: {mail: mail, n: 'has(n) ? n : 1'}}\n"
        "  gone: {final: true}\n";

/* Its own child is one that the first decision cannot know of: with n = 7 it fails after the parent has written. */
static const char step[] =
        "workflow: step\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  n: {type: int}\n"
        "forms: {ask: {fields: [mail, n]}}\n"
        "initial: first\n"
        "states:\n"
        "  first:\n"
        "    after: [{in: 5d, name: late, target: second}]\n"
        "    on: {go: {target: second}}\n"
        "    entry: [{signal: {to: self, event: go}, if: n == 7 || n == 1}]\n"
        "  second: {final: true, entry: [{start: {workflow: deep, data: {mail: mail, n: n}}}]}\n";

static const char deep[] =
        "workflow: deep\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  n: {type: int}\n"
        "forms: {ask: {fields: [mail, n]}}\n"
        "initial: only\n"
        "states:\n"
        "  only: {final: true, entry: [{start: {workflow: deeper, data: {mail: mail, n: n}}, if: n > 5}]}\n";

static const char deeper[] =
        "workflow: deeper\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  n: {type: int, max: 3}\n"
        "forms: {ask: {fields: [mail, n]}}\n"
        "initial: only\n"
        "states:\n"
        "  only: {final: true}\n";

#define ASK "{\"mail\":\"ida@example.dk\",\"boss\":\"bo@example.dk\"}"
#define ASK_BAD "{\"mail\":\"ida@example.dk\",\"boss\":\"bo@example.dk\",\"n\":7}"

static struct writer *writer;

static int set_up_store(void **state, bool file) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, task, NULL, NULL);
	package_write(f, step, NULL, NULL);
	package_write(f, deep, NULL, NULL);
	package_write(f, deeper, NULL, NULL);
	fixture_open(f, file);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	writer = writer_open(f->store, f->engine, &f->err);
	assert_non_null(writer);
	return 0;
}

static int set_up(void **state) {
	return set_up_store(state, true);
}

static int tear_down(void **state) {
	writer_close(writer);
	fixture_close(*state);
	return 0;
}

/* A job whose kind of behaviour a test chooses. */
struct test_job {
	struct job job;
	struct fixture *f;
	enum { JOB_START, JOB_ACT, JOB_REFUSE, JOB_FAIL, JOB_WAIT, JOB_NOTHING } kind;
	const struct link *link;
	int64_t version;
	const char *json;
	atomic_int *gate;
	int64_t fail_at; /* sets the store's fault before (JOB_WAIT: after) its work, the first time; -1: takes it back */
	atomic_int runs;
	atomic_int done; /* 0: not yet, 1: ok, 2: not */
	struct receipt receipt;
	struct err err;
};

static void nap(void) {
	nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static bool run_start(struct test_job *t, struct engine *engine, struct tx *tx, int64_t now, struct arena *a, struct err *err) {
	struct answers answers;
	struct form_problems problems = {0};
	struct start_request request = {.workflow = STR("task"), .answers = &answers};
	struct receipt receipt;
	if (!answers_from_json(str_from(t->json ? t->json : ASK), a, &answers, err) || !engine_start(engine, tx, now, &request, a, &problems, &receipt, err))
		return false;
	t->receipt = receipt;
	return true;
}

static bool run_act(struct test_job *t, struct engine *engine, struct tx *tx, int64_t now, struct arena *a, struct err *err) {
	struct answers answers;
	struct form_problems problems = {0};
	struct act_request request = {.link = t->link, .version = t->version, .answers = &answers};
	return answers_from_json(str_from(t->json ? t->json : "{\"verdict\":\"yes\"}"), a, &answers, err) &&
	       engine_act(engine, tx, now, &request, a, &problems, &t->receipt, err);
}

static bool run_fail(struct tx *tx, int64_t now, struct err *err) {
	int64_t id;
	return contact_ensure(tx, CHANNEL_MAIL, STR("lost@example.dk"), STR("lost@example.dk"), STR(""), now, &id, err) &&
	       err_set(err, ERR_CONFLICT, "link.used", "after a write");
}

static void run_wait(struct test_job *t) {
	while (atomic_load(t->gate) == 0)
		nap();
}

static bool job_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct test_job *t = (struct test_job *)job;
	struct arena *a = arena_new();
	bool ok = true;
	atomic_fetch_add(&t->runs, 1);
	if (t->kind == JOB_WAIT)
		run_wait(t);
	if (t->fail_at != 0 && atomic_load(&t->runs) == 1)
		store_fail_at(t->f->store, t->fail_at < 0 ? 0 : t->fail_at);
	if (t->kind == JOB_REFUSE)
		ok = err_set(err, ERR_CONFLICT, "link.used", "no");
	else if (t->kind == JOB_START)
		ok = run_start(t, engine, tx, now, a, err);
	else if (t->kind == JOB_ACT)
		ok = run_act(t, engine, tx, now, a, err);
	else if (t->kind == JOB_FAIL)
		ok = run_fail(tx, now, err);
	t->receipt.reference = t->receipt.workflow = t->receipt.state = STR(""); /* they lie in the arena */
	arena_free(a);
	return ok;
}

static void job_done(struct job *job, bool ok, const struct err *err) {
	struct test_job *t = (struct test_job *)job;
	t->err = *err;
	atomic_store(&t->done, ok ? 1 : 2);
}

static void submit(struct fixture *f, struct test_job *t) {
	t->f = f;
	t->job.run = job_run;
	t->job.done = job_done;
	atomic_store(&t->done, 0);
	OK(writer_submit(writer, &t->job, &f->err));
}

static bool wait_for(struct test_job *t) {
	while (atomic_load(&t->done) == 0)
		nap();
	return atomic_load(&t->done) == 1;
}

static bool run_one(struct fixture *f, struct test_job *t) {
	submit(f, t);
	bool ok = wait_for(t);
	f->err = t->err;
	return ok;
}

static int64_t started(struct fixture *f) {
	struct test_job t = {.kind = JOB_START};
	OK(run_one(f, &t));
	return t.receipt.instance_id;
}

static int64_t count_instances(struct fixture *f) {
	struct instance_list list = {0};
	struct instance_query query = {0};
	int64_t total;
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, &total, &f->err));
	view_close(v);
	return total;
}

static bool wrote_and_failed_is_lost(struct fixture *f) {
	struct contact contact;
	struct err err = {0};
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	bool there = contact_find(v, CHANNEL_MAIL, STR("lost@example.dk"), f->arena, &contact, &err);
	view_close(v);
	return !there && err.kind == ERR_NOT_FOUND;
}

/* Until the writer has nothing to do any more: a job behind everything. */
static void settle(struct fixture *f) {
	for (int i = 0; i < 3; i++) {
		struct test_job t = {.kind = JOB_NOTHING};
		OK(run_one(f, &t));
	}
}

static void take_fault_back(struct fixture *f) {
	struct test_job t = {.kind = JOB_NOTHING, .fail_at = -1};
	for (bool ok = false; !ok;)
		ok = run_one(f, &t);
	settle(f);
}

/* Holds the writer inside a job, so that what is submitted meanwhile becomes one batch. */
static void hold(struct fixture *f, struct test_job *t, atomic_int *gate) {
	*t = (struct test_job){.kind = JOB_WAIT, .gate = gate};
	atomic_store(gate, 0);
	submit(f, t);
	while (atomic_load(&t->runs) == 0)
		nap();
}

static void test_group_commit(void **state) {
	struct fixture *f = *state;
	enum { COUNT = 200 };
	struct test_job holder, *jobs = calloc(COUNT, sizeof *jobs);
	atomic_int gate;
	hold(f, &holder, &gate);
	for (int i = 0; i < COUNT; i++)
		submit(f, &jobs[i]);
	assert_int_equal(writer_stats(writer).queued, COUNT);
	int64_t batches = writer_stats(writer).batches;
	atomic_store(&gate, 1);
	for (int i = 0; i < COUNT; i++)
		assert_true(wait_for(&jobs[i]));
	assert_int_equal(count_instances(f), COUNT);
	struct writer_stats stats = writer_stats(writer);
	assert_int_equal(stats.batches - batches, 1);
	assert_int_equal(stats.jobs, COUNT + 1);
	assert_int_equal(stats.refused + stats.failed + stats.queued, 0);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(atomic_load(&jobs[i].runs), 1);
	assert_sound(f);
	free(jobs);
}

struct crowd {
	struct fixture *f;
	atomic_int ok, refused;
};

static void *crowd_main(void *context) {
	struct crowd *crowd = context;
	for (int i = 0; i < 25; i++) {
		struct test_job t = {.kind = i % 5 == 4 ? JOB_REFUSE : i % 7 == 6 ? JOB_FAIL : JOB_START, .f = crowd->f, .job = {.run = job_run}};
		struct err err = {0};
		bool ok = writer_run(writer, &t.job, &err);
		atomic_fetch_add(ok ? &crowd->ok : &crowd->refused, 1);
		if (!ok && err.kind != ERR_CONFLICT)
			atomic_fetch_add(&crowd->refused, 1000000);
		(void)writer_stats(writer);
	}
	return NULL;
}

static atomic_int notified;

static void on_outbox(void *context) {
	(void)context;
	atomic_fetch_add(&notified, 1);
}

static void test_many_threads(void **state) {
	struct fixture *f = *state;
	struct crowd crowd = {.f = f};
	pthread_t threads[8];
	atomic_store(&notified, 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd), 0);
	for (int i = 0; i < 50; i++) {
		writer_on_outbox(writer, i % 2 ? NULL : on_outbox, &crowd);
		writer_wake(writer);
		nap();
	}
	writer_on_outbox(writer, on_outbox, &crowd);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crowd.ok) + atomic_load(&crowd.refused), 200);
	assert_int_equal(atomic_load(&crowd.ok), 8 * 17);
	assert_int_equal(count_instances(f), atomic_load(&crowd.ok));
	assert_true(wrote_and_failed_is_lost(f));
	assert_int_equal(writer_stats(writer).jobs, 200);
	assert_int_equal(writer_stats(writer).refused, 64);
	writer_on_outbox(writer, NULL, NULL);
	assert_sound(f);
}

static void test_refusal_in_a_batch(void **state) {
	struct fixture *f = *state;
	struct test_job holder, good = {.kind = JOB_START}, bad = {.kind = JOB_REFUSE}, last = {.kind = JOB_START};
	atomic_int gate;
	hold(f, &holder, &gate);
	submit(f, &good);
	submit(f, &bad);
	submit(f, &last);
	atomic_store(&gate, 1);
	assert_true(wait_for(&good) && wait_for(&last));
	assert_false(wait_for(&bad));
	assert_int_equal(bad.err.kind, ERR_CONFLICT);
	assert_int_equal(good.runs + bad.runs + last.runs, 3);
	assert_int_equal(count_instances(f), 2);
	assert_int_equal(writer_stats(writer).refused, 1);
}

/* It undoes the batch, the others are run again singly; only its own work is lost. */
static void test_failure_in_a_batch(void **state) {
	struct fixture *f = *state;
	struct test_job holder, good = {.kind = JOB_START}, bad = {.kind = JOB_FAIL}, last = {.kind = JOB_START};
	atomic_int gate;
	hold(f, &holder, &gate);
	submit(f, &good);
	submit(f, &bad);
	submit(f, &last);
	atomic_store(&gate, 1);
	assert_true(wait_for(&good) && wait_for(&last));
	assert_false(wait_for(&bad));
	assert_string_equal(bad.err.text, "after a write");
	assert_int_equal(count_instances(f), 2);
	assert_int_equal(good.runs, 2);
	assert_int_equal(bad.runs, 2);
	assert_int_equal(last.runs, 1);
	assert_true(wrote_and_failed_is_lost(f));
	assert_sound(f);
}

/* A job that fails alone is not run again with nothing changed: its refusal was no permanent failure. */
static void test_failure_alone(void **state) {
	struct fixture *f = *state;
	struct test_job bad = {.kind = JOB_FAIL};
	assert_false(run_one(f, &bad));
	assert_int_equal(bad.runs, 1);
	assert_true(wrote_and_failed_is_lost(f));
}

static void test_notified(void **state) {
	struct fixture *f = *state;
	atomic_store(&notified, 0);
	writer_on_outbox(writer, on_outbox, NULL);
	for (int i = 0; i < 20; i++) {
		writer_wake(writer);
		nap();
	}
	assert_int_equal(atomic_load(&notified), 0); /* looking at the timers is no commit */
	started(f);
	for (int i = 0; i < 1000 && atomic_load(&notified) == 0; i++)
		nap();
	assert_int_equal(atomic_load(&notified), 1);
	jump_to(f, "2026-03-03T10:00");
	writer_wake(writer);
	for (int i = 0; i < 1000 && atomic_load(&notified) < 2; i++)
		nap();
	assert_int_equal(atomic_load(&notified), 2);
	writer_on_outbox(writer, NULL, NULL);
}

static void test_queue_limit(void **state) {
	struct fixture *f = *state;
	enum { LIMIT = 10000 };
	struct test_job holder, one = {.kind = JOB_NOTHING, .job = {.run = job_run, .done = job_done}}, *jobs = calloc(LIMIT, sizeof *jobs);
	atomic_int gate;
	hold(f, &holder, &gate);
	for (int i = 0; i < LIMIT; i++) {
		jobs[i].kind = JOB_NOTHING;
		submit(f, &jobs[i]);
	}
	REFUSED(ERR_TRANSIENT, "error.busy", writer_submit(writer, &one.job, &f->err));
	REFUSED(ERR_TRANSIENT, "error.busy", writer_run(writer, &one.job, &f->err));
	atomic_store(&gate, 1);
	for (int i = 0; i < LIMIT; i++)
		assert_true(wait_for(&jobs[i]));
	assert_int_equal(atomic_load(&one.done), 0);
	assert_int_equal(atomic_load(&one.runs), 0);
	assert_true(run_one(f, &one));
	free(jobs);
}

static void *close_main(void *context) {
	(void)context;
	writer_close(writer);
	return NULL;
}

/* What is queued when it closes is done; what comes after is refused. */
static void test_close(void **state) {
	struct fixture *f = *state;
	enum { COUNT = 600 };
	struct test_job holder, late = {.kind = JOB_START, .job = {.run = job_run, .done = job_done}}, *jobs = calloc(COUNT, sizeof *jobs);
	pthread_t closer;
	atomic_int gate;
	hold(f, &holder, &gate);
	for (int i = 0; i < COUNT; i++)
		submit(f, &jobs[i]);
	assert_int_equal(pthread_create(&closer, NULL, close_main, NULL), 0);
	/* It may take a moment until it is closing; jobs of that time count as queued. */
	int extra = 0;
	struct test_job *others = calloc(1000, sizeof *others);
	bool refused = false;
	while (!refused && extra < 1000) {
		others[extra] = (struct test_job){.kind = JOB_NOTHING, .job = {.run = job_run, .done = job_done}};
		refused = !writer_submit(writer, &others[extra].job, &f->err);
		extra += !refused;
		nap();
	}
	assert_true(refused);
	REFUSED(ERR_TRANSIENT, "error.busy", writer_submit(writer, &late.job, &f->err));
	atomic_store(&gate, 1);
	pthread_join(closer, NULL);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(atomic_load(&jobs[i].done), 1);
	for (int i = 0; i < extra; i++)
		assert_int_equal(atomic_load(&others[i].done), 1);
	assert_int_equal(count_instances(f), COUNT);
	free(others);
	free(jobs);
	writer = writer_open(f->store, f->engine, &f->err);
	assert_non_null(writer);
}

static void test_timers(void **state) {
	struct fixture *f = *state;
	int64_t id = started(f);
	jump_to(f, "2026-03-03T10:00");
	writer_wake(writer);
	for (int i = 0; i < 2000 && instance_of(f, id).version < 2; i++)
		nap();
	assert_str(path_of(f, id), "start start >asked; timer nudge asked>");
	jump_to(f, "2026-04-03T10:00");
	writer_wake(writer);
	for (int i = 0; i < 2000 && str_is(state_of(f, id), "asked"); i++)
		nap();
	assert_str(path_of(f, id), "start start >asked; timer nudge asked>; timer nudge asked>; timer over asked>gone");
	settle(f);
	assert_int_equal(writer_stats(writer).timers, 3);
	assert_sound(f);
}

/* What follows from the act fails for good after it has written: the act stands, and what follows is written down as refused. */
static void test_follow_fails(void **state) {
	struct fixture *f = *state;
	struct test_job t = {.kind = JOB_START, .json = ASK_BAD};
	OK(run_one(f, &t));
	int64_t id = t.receipt.instance_id;
	struct link link = link_to(f, id, "bo@example.dk", "decide");
	struct test_job decide = {.kind = JOB_ACT, .link = &link, .version = 1};
	OK(run_one(f, &decide));
	assert_str(state_of(f, id), "done");
	int64_t child = id + 1;
	for (int i = 0; i < 3000 && history_of(f, child).count < 2; i++)
		nap();
	assert_str(path_of(f, child), "start start >first; signal go first>!");
	/* Its timer fails likewise: it is set aside, and neither it nor another instance waits for it. */
	int64_t other = started(f);
	jump_to(f, "2026-03-07T10:01");
	writer_wake(writer);
	for (int i = 0; i < 6000 && (history_of(f, child).count < 3 || history_of(f, other).count < 2); i++)
		nap();
	assert_str(path_of(f, child), "start start >first; signal go first>!; timer late first>!");
	assert_str(path_of(f, other), "start start >asked; timer nudge asked>");
	assert_int_equal(timers_of(f, child).count, 0);
	assert_sound(f);
}

/* The one that is set aside is the one that fails, not an innocent one of the same root that is due before it. */
static void test_set_aside_the_guilty(void **state) {
	struct fixture *f = *state;
	struct test_job t = {.kind = JOB_START, .json = "{\"mail\":\"ida@example.dk\",\"boss\":\"bo@example.dk\",\"n\":8}"};
	OK(run_one(f, &t));
	int64_t id = t.receipt.instance_id;
	struct link link = link_to(f, id, "bo@example.dk", "decide");
	struct test_job decide = {.kind = JOB_ACT, .link = &link, .version = 1};
	OK(run_one(f, &decide));
	int64_t guilty = id + 1;
	/* An innocent sister under the same root, due before the guilty one. */
	struct timer sister = {.root_id = id, .state = STR("asked"), .name = STR("nudge"), .due_at = instant_at(f, "2026-03-06T10:00")};
	sister.instance_id = started(f);
	writer_close(writer);
	tx_open(f);
	OK(tx_end(f, timer_set(f->tx, &sister, &f->err)));
	jump_to(f, "2026-03-08T10:00");
	writer = writer_open(f->store, f->engine, &f->err);
	for (int i = 0; i < 6000 && history_of(f, guilty).count < 2; i++)
		nap();
	assert_str(path_of(f, guilty), "start start >first; timer late first>!");
	assert_str(path_of(f, sister.instance_id), "start start >asked; timer nudge asked>");
	assert_sound(f);
}

/* An instance that cannot be read any more holds up nobody, and its timer is not lost: it is tried again later. */
static void test_unreadable(void **state) {
	struct fixture *f = *state;
	int64_t broken = started(f), good = started(f);
	char sql[100];
	writer_close(writer);
	snprintf(sql, sizeof sql, "UPDATE instances SET data = '{\"n\":\"x\"}' WHERE id = %lld", (long long)broken);
	tx_open(f);
	OK(db_script(tx_db(f->tx), sql, &f->err));
	OK(tx_end(f, true));
	jump_to(f, "2026-03-03T10:00");
	writer = writer_open(f->store, f->engine, &f->err);
	for (int i = 0; i < 6000 && history_of(f, good).count < 2; i++)
		nap();
	assert_str(path_of(f, good), "start start >asked; timer nudge asked>");
	assert_str(due_of(f, broken, "nudge"), "2026-03-03T10:10");
	assert_int_equal(history_of(f, broken).count, 1);
}

/* An endless chain of signals holds up nobody else. */
static void test_endless_signals(void **state) {
	struct fixture *f = *state;
	int64_t id = started(f);
	struct signal_row row = {.instance_id = id, .root_id = id, .event = STR("loop"), .data = STR("{}"), .at = clock_now()};
	writer_close(writer);
	tx_open(f);
	OK(tx_end(f, mailbox_put(f->tx, &row, &f->err)));
	writer = writer_open(f->store, f->engine, &f->err);
	int64_t other = started(f);
	struct link link = link_to(f, other, "bo@example.dk", "decide");
	struct test_job decide = {.kind = JOB_ACT, .link = &link, .version = 1};
	OK(run_one(f, &decide));
	assert_str(state_of(f, other), "done");
}

static struct str summary_of(struct fixture *f, int64_t id) {
	struct instance instance = instance_of(f, id);
	return arena_printf(f->arena, "%.*s %lld %zu %zu", STR_ARG(instance.state), (long long)instance.version, history_of(f, id).count, timers_of(f, id).count);
}

/* Each statement of an act fails in turn as if the disk were full. After each the instance is as before, or as after, and whole; the same request
 * again succeeds. */
static void test_faults(void **state) {
	struct fixture *f = *state;
	bool failed = true;
	int64_t runs = 0, kept = 0;
	for (int64_t nth = 1; failed; nth++) {
		int64_t id = started(f);
		struct link link = link_to(f, id, "bo@example.dk", "decide");
		struct str before = summary_of(f, id);
		struct test_job decide = {.kind = JOB_ACT, .link = &link, .version = 1}, again = decide;
		decide.fail_at = nth;
		bool ok = run_one(f, &decide);
		take_fault_back(f);
		failed = !ok;
		runs++;
		assert_true(runs < 1000);
		assert_sound(f);
		bool was_done = str_is(state_of(f, id), "done");
		if (!ok && decide.err.kind != ERR_TRANSIENT)
			fail_msg("nth %lld: kind %d: %s", (long long)nth, (int)decide.err.kind, decide.err.text);
		if (!was_done)
			assert_true(str_equal(summary_of(f, id), before));
		assert_int_equal(was_done, ok);
		OK(run_one(f, &again));
		assert_int_equal(again.receipt.repeated, was_done);
		assert_str(state_of(f, id), "done");
		kept += was_done;
		assert_sound(f);
	}
	print_message("%lld faults, %lld kept\n", (long long)runs - 1, (long long)kept);
	assert_true(runs > 30);
}

/* The same, with a batch: all is done or told, nobody gets half. */
static void test_faults_in_a_batch(void **state) {
	struct fixture *f = *state;
	for (int64_t nth = 1; nth < 400; nth += 7) {
		struct test_job holder, jobs[4] = {{.kind = JOB_START}, {.kind = JOB_FAIL}, {.kind = JOB_START}, {.kind = JOB_START}};
		atomic_int gate;
		int64_t before = count_instances(f), done = 0;
		hold(f, &holder, &gate);
		holder.fail_at = nth;
		for (int i = 0; i < 4; i++)
			submit(f, &jobs[i]);
		atomic_store(&gate, 1);
		for (int i = 0; i < 4; i++)
			done += wait_for(&jobs[i]);
		take_fault_back(f);
		assert_int_equal(count_instances(f), before + done);
		assert_true(done >= 2 || !wait_for(&holder));
		assert_true(wrote_and_failed_is_lost(f));
	}
	assert_sound(f);
}

static atomic_int turns_taken;

static bool three_turns(void *context, bool *done, struct err *err) {
	(void)err;
	assert_true(!db_in_transaction(store_writer(context)));
	*done = atomic_fetch_add(&turns_taken, 1) == 2;
	return true;
}

static bool failing_turn(void *context, bool *done, struct err *err) {
	(void)context, (void)done;
	return err_set(err, ERR_TRANSIENT, "store.busy", "no room");
}

static bool endless_turns(void *context, bool *done, struct err *err) {
	(void)context, (void)err;
	atomic_fetch_add(&turns_taken, 1);
	*done = false;
	return true;
}

static void *wait_endlessly(void *context) {
	struct err err = {0};
	(void)context;
	return (void *)(intptr_t)(writer_between(writer, endless_turns, NULL, &err) ? 0 : (intptr_t)err.kind);
}

/* Between batches: jobs go on meanwhile, one waits at a time, and closing ends what does not end by itself. */
static void test_between(void **state) {
	struct fixture *f = *state;
	pthread_t other;
	void *kind;
	atomic_store(&turns_taken, 0);
	OK(writer_between(writer, three_turns, f->store, &f->err));
	assert_int_equal(atomic_load(&turns_taken), 3);
	REFUSED(ERR_TRANSIENT, "store.busy", writer_between(writer, failing_turn, NULL, &f->err));
	assert_int_equal(pthread_create(&other, NULL, wait_endlessly, NULL), 0);
	while (atomic_load(&turns_taken) < 100)
		sched_yield();
	REFUSED(ERR_CONFLICT, "error.busy", writer_between(writer, three_turns, f->store, &f->err));
	started(f);
	writer_close(writer);
	assert_int_equal(pthread_join(other, &kind), 0);
	assert_int_equal((intptr_t)kind, ERR_TRANSIENT);
	writer = writer_open(f->store, f->engine, &f->err);
	assert_sound(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_group_commit), TEST(test_many_threads), TEST(test_refusal_in_a_batch), TEST(test_failure_in_a_batch), TEST(test_failure_alone),
	        TEST(test_notified), TEST(test_queue_limit), TEST(test_close), TEST(test_timers), TEST(test_follow_fails), TEST(test_set_aside_the_guilty), TEST(test_unreadable),
	        TEST(test_endless_signals), TEST(test_faults), TEST(test_faults_in_a_batch), TEST(test_between),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
