#include "engine/base/clock.h"
#include "engine/store/handle.h"
#include "engine/store/lines.h"
#include "engine/store/links.h"

#include "tests/unit/store_fixture.h"

static int64_t put(struct fixture *f, int64_t priority, int64_t next_at) {
	struct outbox_row row = {.instance_id = f->instance, .contact_id = f->contact, .channel = CHANNEL_MAIL,
	                         .recipient = STR("ann@example.org"), .recipient_name = STR("Ann"), .role = STR("worker"),
	                         .language = STR("da"), .workflow = STR("case"), .message = STR("please"), .task = true,
	                         .has_link = true, .link_id = {7, 7}, .data = STR("{}"), .message_id = STR("<1@example.org>"),
	                         .thread = STR("<0@example.org>"), .priority = priority, .created_at = 1000, .next_at = next_at,
	                         .deadline_at = 9000};
	OK(outbox_put(f->tx, &row, &f->err));
	return row.id;
}

static struct outbox_row load(struct fixture *f, int64_t id) {
	struct outbox_row row;
	OK(outbox_load(tx_view(f->tx), id, f->arena, &row, &f->err));
	return row;
}

static const struct outbox_lane mails = {.channel = CHANNEL_MAIL, .most = OUTBOX_OTHER}, texts = {.channel = CHANNEL_SMS, .most = OUTBOX_OTHER};

static struct outbox_list leased(struct fixture *f, struct outbox_lane lane, int64_t now, int64_t limit) {
	struct outbox_list list = {0};
	OK(outbox_lease(f->tx, lane, STR("sender-1"), now, now + 100, limit, f->arena, &list, &f->err));
	return list;
}

static struct outbox_row lease(struct fixture *f, int64_t now) {
	struct outbox_list list = leased(f, mails, now, 1);
	assert_int_equal(list.count, 1);
	return list.items[0];
}

/* That line; next_at is INT64_MAX when there is none. */
static struct line line(struct fixture *f, struct outbox_lane lane, const char *name, int64_t now) {
	struct line_list lines;
	struct line none = {.next_at = INT64_MAX};
	OK(line_list(tx_view(f->tx), lane, now, f->arena, &lines, &f->err));
	for (size_t i = 0; i < lines.count; i++)
		if (str_is(lines.items[i].name, name))
			return lines.items[i];
	return none;
}

/* A fresh row in `state`, reached by the public functions. */
static int64_t row_in(struct fixture *f, enum outbox_state state) {
	int64_t id = put(f, 10, 0);
	if (state == OUTBOX_QUEUED)
		return id;
	if (state == OUTBOX_CANCELLED) {
		OK(cancel_tasks(f, &f->err));
		return id;
	}
	struct outbox_row row = lease(f, 2000);
	assert_int_equal(row.id, id);
	if (state != OUTBOX_LEASED)
		OK(outbox_begin(f->tx, id, row.fence, 2001, &f->err));
	if (state != OUTBOX_LEASED && state != OUTBOX_BEGUN)
		OK(outbox_settle(f->tx, id, row.fence, state, 0, STR("250 ok"), 2002, &f->err));
	return id;
}

/* Which settlements the table lists, per state; everything else is refused. */
static void settlements_follow_the_table(void **state) {
	struct fixture *f = *state;
	static const enum outbox_state targets[] = {OUTBOX_QUEUED, OUTBOX_SENT, OUTBOX_UNKNOWN, OUTBOX_FAILED, OUTBOX_EXPIRED, OUTBOX_CANCELLED};
	static const unsigned listed[] = {
	        [OUTBOX_LEASED] = 1u << OUTBOX_QUEUED | 1u << OUTBOX_FAILED | 1u << OUTBOX_EXPIRED | 1u << OUTBOX_CANCELLED,
	        [OUTBOX_BEGUN] = 1u << OUTBOX_QUEUED | 1u << OUTBOX_SENT | 1u << OUTBOX_UNKNOWN | 1u << OUTBOX_FAILED | 1u << OUTBOX_EXPIRED | 1u << OUTBOX_CANCELLED,
	        [OUTBOX_CANCELLED] = 0,
	};
	int allowed = 0;
	for (int from = OUTBOX_QUEUED; from <= OUTBOX_CANCELLED; from++)
		for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
			int64_t id = row_in(f, (enum outbox_state)from);
			int64_t fence = load(f, id).fence;
			bool done = outbox_settle(f->tx, id, fence, targets[i], 5000, STR("answer"), 2003, &f->err);
			assert_int_equal(done, (listed[from] >> targets[i]) & 1);
			assert_int_equal(load(f, id).state, done ? targets[i] : (enum outbox_state)from);
			allowed += done;
			if (load(f, id).state == OUTBOX_QUEUED || load(f, id).state == OUTBOX_LEASED)
				OK(cancel_tasks(f, &f->err));
		}
	assert_int_equal(allowed, 10);
}

static void begin_and_requeue_follow_the_table(void **state) {
	struct fixture *f = *state;
	for (int from = OUTBOX_QUEUED; from <= OUTBOX_CANCELLED; from++) {
		int64_t id = row_in(f, (enum outbox_state)from);
		bool begun = outbox_begin(f->tx, id, load(f, id).fence, 2003, &f->err);
		assert_int_equal(begun, from == OUTBOX_LEASED);
		assert_true(begun || f->err.kind == ERR_CONFLICT);
		OK(cancel_tasks(f, &f->err));
	}
	for (int from = OUTBOX_QUEUED; from <= OUTBOX_CANCELLED; from++) {
		int64_t id = row_in(f, (enum outbox_state)from);
		bool queued = outbox_requeue(f->tx, id, 3000, &f->err);
		assert_int_equal(queued, from == OUTBOX_UNKNOWN);
		assert_true(queued || f->err.kind == ERR_CONFLICT);
		if (queued)
			assert_str(load(f, id).message_id, "<1@example.org>");
		OK(cancel_tasks(f, &f->err));
	}
}

static void rows_come_back_whole(void **state) {
	struct fixture *f = *state;
	struct outbox_row row = load(f, put(f, 10, 1500));
	assert_int_equal(row.instance_id, f->instance);
	assert_int_equal(row.contact_id, f->contact);
	assert_int_equal(row.channel, CHANNEL_MAIL);
	assert_str(row.recipient, "ann@example.org");
	assert_str(row.recipient_name, "Ann");
	assert_str(row.role, "worker");
	assert_str(row.language, "da");
	assert_str(row.workflow, "case");
	assert_str(row.message, "please");
	assert_true(row.has_link && row.link_id[0] == 7 && row.link_id[2] == 0 && row.task);
	assert_str(row.data, "{}");
	assert_str(row.thread, "<0@example.org>");
	assert_int_equal(row.priority, 10);
	assert_int_equal(row.created_at, 1000);
	assert_int_equal(row.next_at, 1500);
	assert_int_equal(row.deadline_at, 9000);
	assert_int_equal(row.state, OUTBOX_QUEUED);
	REFUSED(ERR_NOT_FOUND, outbox_load(tx_view(f->tx), 999, f->arena, &row, &f->err));
}

static void the_lease_takes_the_most_urgent(void **state) {
	struct fixture *f = *state;
	int64_t late = put(f, 50, 100), waiting = put(f, 0, 9999), second = put(f, 10, 200), first = put(f, 10, 100), code = put(f, 0, 500);
	assert_int_equal(line(f, mails, "", 1000).priority, 0);
	assert_int_equal(line(f, mails, "", 99).next_at, 100);
	struct outbox_list list = leased(f, texts, 1000, 10);
	assert_int_equal(list.count, 0);
	list = leased(f, mails, 1000, 3);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[0].id, code);
	assert_int_equal(list.items[1].id, first);
	assert_int_equal(list.items[2].id, second);
	assert_int_equal(list.items[0].attempts, 1);
	assert_int_equal(list.items[0].fence, 1);
	list = leased(f, mails, 1000, 3);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].id, late);
	assert_int_equal(line(f, mails, "", 1000).next_at, 9999);
	assert_false(line(f, mails, "", 1000).due);
	list = leased(f, mails, 9999, 3);
	assert_int_equal(list.items[0].id, waiting);
	assert_true(line(f, mails, "", 9999).next_at == INT64_MAX);
}

static void an_old_fence_is_refused(void **state) {
	struct fixture *f = *state;
	int64_t id = put(f, 10, 0), count;
	struct outbox_row slow = lease(f, 1000);
	OK(outbox_reclaim(f->tx, 1099, &count, &f->err));
	assert_int_equal(count, 0);
	REFUSED(ERR_CONFLICT, outbox_begin(f->tx, id, slow.fence, 1100, &f->err)); /* the lease has ended */
	OK(outbox_reclaim(f->tx, 1100, &count, &f->err));
	assert_int_equal(count, 1);
	REFUSED(ERR_CONFLICT, outbox_begin(f->tx, id, slow.fence, 1050, &f->err));
	struct outbox_row quick = lease(f, 1200);
	assert_int_equal(quick.fence, slow.fence + 1);
	REFUSED(ERR_CONFLICT, outbox_begin(f->tx, id, slow.fence, 1201, &f->err));
	REFUSED(ERR_CONFLICT, outbox_settle(f->tx, id, slow.fence, OUTBOX_FAILED, 0, STR(""), 1201, &f->err));
	OK(outbox_begin(f->tx, id, quick.fence, 1201, &f->err));
	OK(outbox_settle(f->tx, id, quick.fence, OUTBOX_SENT, 0, STR("250 queued"), 1202, &f->err));
	assert_int_equal(load(f, id).sent_at, 1202);
	assert_str(load(f, id).answer, "250 queued");
	REFUSED(ERR_CONFLICT, outbox_settle(f->tx, id, quick.fence, OUTBOX_SENT, 0, STR(""), 1203, &f->err));
}

static void the_third_crash_sets_aside(void **state) {
	struct fixture *f = *state;
	int64_t id = put(f, 10, 0), count;
	for (int crash = 1; crash <= 3; crash++) {
		assert_int_equal(load(f, id).state, OUTBOX_QUEUED);
		lease(f, crash * 1000);
		OK(outbox_reclaim(f->tx, crash * 1000 + 100, &count, &f->err));
		assert_int_equal(load(f, id).crashes, crash);
	}
	assert_int_equal(load(f, id).state, OUTBOX_FAILED);
	assert_true(load(f, id).answer.len > 0);
}

static void a_settlement_is_no_crash(void **state) {
	struct fixture *f = *state;
	int64_t id = put(f, 10, 0);
	for (int64_t attempt = 1; attempt <= 5; attempt++) {
		struct outbox_row row = lease(f, attempt * 1000);
		assert_int_equal(row.attempts, attempt);
		OK(outbox_settle(f->tx, id, row.fence, OUTBOX_QUEUED, attempt * 1000 + 500, STR("451 later"), attempt * 1000, &f->err));
		assert_int_equal(load(f, id).next_at, attempt * 1000 + 500);
		assert_int_equal(load(f, id).crashes, 0);
	}
}

static void a_crash_after_begin_is_unknown(void **state) {
	struct fixture *f = *state;
	int64_t id = put(f, 10, 0), count;
	for (int crash = 1; crash <= 3; crash++) {
		struct outbox_row row = lease(f, crash * 1000);
		OK(outbox_begin(f->tx, id, row.fence, crash * 1000 + 1, &f->err));
		OK(outbox_reclaim(f->tx, crash * 1000 + 100, &count, &f->err));
		assert_int_equal(load(f, id).state, OUTBOX_UNKNOWN);
		OK(outbox_requeue(f->tx, id, crash * 1000 + 200, &f->err));
	}
	assert_int_equal(load(f, id).state, OUTBOX_FAILED);
}

static int64_t put_patient(struct fixture *f, const char *message_id, bool patient, int64_t deadline_at) {
	struct outbox_row row = {.instance_id = f->instance, .contact_id = f->contact, .channel = CHANNEL_SMS, .message_id = str_from(message_id),
	                         .priority = OUTBOX_TASK, .patient = patient, .created_at = 1000, .next_at = 1000, .deadline_at = deadline_at};
	OK(outbox_put(f->tx, &row, &f->err));
	return row.id;
}

/* Also one that stood there when the quiet hours began: it is the sending that waits, not the writing. */
static void in_quiet_hours_what_can_wait_waits(void **state) {
	struct fixture *f = *state;
	struct outbox_lane at_night = texts;
	at_night.quiet_until = 5000;
	int64_t waits = put_patient(f, "<1@x>", true, 0), late = put_patient(f, "<2@x>", true, 5001);
	struct outbox_list list = leased(f, at_night, 2000, 10);
	assert_int_equal(list.count, 0);
	assert_true(line(f, at_night, "", 2000).next_at == INT64_MAX);
	int64_t urgent = put_patient(f, "<3@x>", false, 0), last = put_patient(f, "<4@x>", true, 5000); /* in the morning it would be too late */
	assert_int_equal(line(f, at_night, "", 2000).next_at, 1000);
	list = leased(f, at_night, 2000, 10);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].id, urgent);
	assert_int_equal(list.items[1].id, last);
	OK(outbox_retry(f->tx, late, 2000, 9000, &f->err)); /* somebody wants it now */
	list = leased(f, at_night, 2000, 10);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].id, late);
	list = leased(f, texts, 5000, 10);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].id, waits);
	assert_int_equal(list.items[0].attempts, 1);
}

/* Four rows were held together when the process died; only one of them can have been the cause. */
static void what_was_held_in_a_crash_comes_alone(void **state) {
	struct fixture *f = *state;
	struct outbox_list list = {0};
	int64_t ids[4], count;
	for (int i = 0; i < 4; i++)
		ids[i] = put(f, 10, 100 + i);
	list = leased(f, mails, 1000, 8);
	assert_int_equal(list.count, 4);
	OK(outbox_reclaim(f->tx, 1100, &count, &f->err));
	int64_t fresh = put(f, 10, 0);
	for (int i = 0; i < 5; i++) {
			list = leased(f, mails, 1200, 8);
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0].id, i == 0 ? fresh : ids[i - 1]);
		assert_int_equal(list.items[0].attempts, 1);
	}
}

static void what_is_put_back_is_no_attempt(void **state) {
	struct fixture *f = *state;
	int64_t id = put(f, 10, 100);
	for (int i = 0; i < 5; i++) {
		struct outbox_row row = lease(f, 1000);
		if (i % 2)
			OK(outbox_begin(f->tx, id, row.fence, 1001, &f->err));
		OK(outbox_release(f->tx, id, row.fence, &f->err));
		row = load(f, id);
		assert_int_equal(row.attempts + row.crashes, 0);
		assert_int_equal(row.next_at, 100);
		assert_int_equal(row.state, OUTBOX_QUEUED);
		REFUSED(ERR_CONFLICT, outbox_release(f->tx, id, row.fence, &f->err));
	}
}

static void a_deadline_holds_for_what_waits(void **state) {
	struct fixture *f = *state;
	int64_t own = put(f, 10, 20000), held = put(f, 10, 0), count;
	lease(f, 8000); /* the one that is due */
	OK(outbox_expire(f->tx, 9000, 10, &count, &f->err));
	assert_int_equal(count, 0);
	OK(outbox_expire(f->tx, 9001, 10, &count, &f->err));
	assert_int_equal(count, 1);
	assert_int_equal(load(f, own).state, OUTBOX_EXPIRED);
	assert_str(load(f, own).answer, "not sent: its deadline has passed");
	assert_int_equal(load(f, held).state, OUTBOX_LEASED);
}

static void a_domain_has_a_line_of_its_own(void **state) {
	struct fixture *f = *state;
	struct outbox_lane lane = mails;
	struct line_rows first;
	int64_t code = put(f, 0, 10), task = put(f, 10, 20), other = put(f, 50, 30), later = put(f, 50, 5000);
	OK(line_first(tx_view(f->tx), lane, OUTBOX_CODE, 1000, 10, f->arena, &first, &f->err));
	assert_int_equal(first.count, 2);
	assert_int_equal(first.items[0].id, task);
	assert_str(first.items[1].domain, "example.org");
	OK(line_move(f->tx, task, STR("example.org"), &f->err));
	OK(line_move(f->tx, other, STR("example.org"), &f->err));
	assert_int_equal(line(f, mails, "example.org", 1000).priority, 10);
	assert_int_equal(line(f, mails, "example.org", 5).next_at, 20);
	assert_true(line(f, mails, "other.example", 1000).next_at == INT64_MAX);
	struct outbox_list list = leased(f, lane, 1000, 8);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].id, code);
	lane.line = STR("example.org");
	list = leased(f, lane, 1000, 1);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].id, task);
	REFUSED(ERR_CONFLICT, line_move(f->tx, task, STR(""), &f->err));
	assert_int_equal(line(f, mails, "", 1000).next_at, 5000);
	assert_int_equal(load(f, later).state, OUTBOX_QUEUED);
}

static void by_hand_only_what_is_at_rest_moves(void **state) {
	struct fixture *f = *state;
	for (int from = OUTBOX_QUEUED; from <= OUTBOX_CANCELLED; from++) {
		bool at_rest = from == OUTBOX_QUEUED || from == OUTBOX_UNKNOWN || from == OUTBOX_FAILED || from == OUTBOX_EXPIRED;
		int64_t id = row_in(f, (enum outbox_state)from);
		assert_int_equal(outbox_retry(f->tx, id, 7000, 9000, &f->err), at_rest);
		struct outbox_row row = load(f, id);
		assert_int_equal(row.state, at_rest ? OUTBOX_QUEUED : (enum outbox_state)from);
		if (at_rest)
			assert_true(row.next_at == 7000 && row.deadline_at == 9000 && row.crashes == 0);
		id = row_in(f, (enum outbox_state)from);
		assert_int_equal(outbox_drop(f->tx, id, &f->err), at_rest);
		assert_int_equal(load(f, id).state, at_rest ? OUTBOX_CANCELLED : (enum outbox_state)from);
		OK(cancel_tasks(f, &f->err)); /* out of the way of the next */
	}
	/* What failed is not sent when its task was left meanwhile. */
	int64_t id = row_in(f, OUTBOX_FAILED);
	OK(cancel_tasks(f, &f->err));
	REFUSED(ERR_CONFLICT, outbox_retry(f->tx, id, 7000, 9000, &f->err));
	assert_int_equal(load(f, id).state, OUTBOX_FAILED);
	REFUSED(ERR_NOT_FOUND, outbox_retry(f->tx, 99999, 7000, 9000, &f->err));
}

static void leaving_a_state_cancels_what_is_unsent(void **state) {
	struct fixture *f = *state;
	int64_t begun = row_in(f, OUTBOX_BEGUN), unknown = row_in(f, OUTBOX_UNKNOWN), leased = row_in(f, OUTBOX_LEASED), queued = put(f, 10, 0);
	struct outbox_row other = {.instance_id = f->instance, .contact_id = f->contact, .channel = CHANNEL_MAIL, .role = STR("worker"), .next_at = 9000};
	OK(outbox_put(f->tx, &other, &f->err));
	OK(cancel_tasks(f, &f->err));
	assert_int_equal(load(f, queued).state, OUTBOX_CANCELLED);
	assert_int_equal(load(f, leased).state, OUTBOX_CANCELLED);
	REFUSED(ERR_CONFLICT, outbox_begin(f->tx, leased, load(f, leased).fence, 2001, &f->err));
	assert_int_equal(load(f, other.id).state, OUTBOX_QUEUED); /* no task */
	assert_int_equal(load(f, begun).state, OUTBOX_BEGUN);
	OK(outbox_settle(f->tx, begun, load(f, begun).fence, OUTBOX_QUEUED, 5000, STR("451"), 2003, &f->err));
	assert_int_equal(load(f, begun).state, OUTBOX_CANCELLED); /* it would have been sent again */
	OK(outbox_requeue(f->tx, unknown, 5000, &f->err));
	assert_int_equal(load(f, unknown).state, OUTBOX_CANCELLED);
	OK(outbox_cancel_contact(f->tx, f->instance, STR("worker"), f->contact + 1, &f->err));
	OK(outbox_cancel_contact(f->tx, f->instance, STR("boss"), f->contact, &f->err)); /* who is both stays the other */
	assert_int_equal(load(f, other.id).state, OUTBOX_QUEUED);
	OK(outbox_cancel_contact(f->tx, f->instance, STR("worker"), f->contact, &f->err));
	assert_int_equal(load(f, other.id).state, OUTBOX_CANCELLED);
}

/* What is told of a link: whether it is good, and whose task it is. */
static void tasks_have_their_links(void **state) {
	struct fixture *f = *state;
	struct link link = {.id = {7, 7}, .kind = LINK_TASK, .workflow = STR("case"), .task = STR("approve"), .role = STR("worker"), .instance_id = f->instance, .contact_id = f->contact};
	struct outbox_tasks tasks;
	int64_t one = put(f, 10, 0), two = put(f, 10, 0);
	OK(outbox_tasks(tx_view(f->tx), f->instance, f->arena, &tasks, &f->err) && tasks.count == 2 && !tasks.items[0].live);
	OK(link_insert(f->tx, &link, &f->err));
	OK(outbox_tasks(tx_view(f->tx), f->instance, f->arena, &tasks, &f->err) && tasks.count == 2);
	assert_int_equal(tasks.items[0].id, one);
	assert_true(tasks.items[0].live && tasks.items[0].link_id[1] == 7 && tasks.items[0].history_id == 0);
	assert_str(tasks.items[0].task, "approve");
	assert_str(tasks.items[0].role, "worker");
	OK(outbox_cancel(f->tx, one, &f->err));
	OK(link_close_task(f->tx, f->instance, STR("approve"), 0, 2000, &f->err));
	OK(outbox_tasks(tx_view(f->tx), f->instance, f->arena, &tasks, &f->err) && tasks.count == 1);
	assert_int_equal(tasks.items[0].id, two);
	assert_false(tasks.items[0].live);
	REFUSED(ERR_NOT_FOUND, outbox_cancel(f->tx, 999, &f->err));
}

static void lists_are_by_state(void **state) {
	struct fixture *f = *state;
	int64_t ids[OUTBOX_CANCELLED + 1];
	static const enum outbox_state order[] = {OUTBOX_SENT, OUTBOX_UNKNOWN, OUTBOX_FAILED, OUTBOX_EXPIRED, OUTBOX_CANCELLED, OUTBOX_BEGUN, OUTBOX_LEASED, OUTBOX_QUEUED};
	for (size_t i = 0; i < 8; i++)
		ids[order[i]] = row_in(f, order[i]);
	struct outbox_list list;
	for (unsigned s = 0; s < 8; s++) {
		OK(outbox_list(tx_view(f->tx), 1u << s, 0, 10, f->arena, &list, &f->err));
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0].id, ids[s]);
		assert_int_equal(list.items[0].state, s);
	}
	OK(outbox_list(tx_view(f->tx), 1u << OUTBOX_SENT | 1u << OUTBOX_FAILED, ids[OUTBOX_SENT], 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
	OK(outbox_list(tx_view(f->tx), 0xFF, 0, 4, f->arena, &list, &f->err));
	assert_int_equal(list.count, 4);
	OK(outbox_of_instance(tx_view(f->tx), f->instance, f->arena, &list, &f->err));
	assert_int_equal(list.count, 8);
}

static int64_t put_for(struct fixture *f, int64_t instance, const char *role, int64_t contact, const char *workflow) {
	struct outbox_row row = {.instance_id = instance, .contact_id = contact, .channel = CHANNEL_MAIL, .recipient = STR("ann@example.org"), .role = str_from(role),
	                         .language = STR("da"), .workflow = str_from(workflow), .message = STR("please"), .data = STR("{}"), .message_id = STR("<1@example.org>"),
	                         .thread = STR("<0@example.org>"), .priority = 10, .created_at = 1000, .next_at = 0};
	OK(outbox_put(f->tx, &row, &f->err));
	return row.id;
}

static void the_newest_of_each_who_has_the_role(void **state) {
	struct fixture *f = *state;
	struct outbox_list list;
	int64_t bo;
	OK(contact_ensure(f->tx, CHANNEL_MAIL, STR("bo@example.org"), STR("bo@example.org"), STR("da"), 1000, &bo, &f->err));
	OK(participation_add(f->tx, f->instance, STR("boss"), f->contact, STR(""), &f->err));
	OK(participation_add(f->tx, f->instance, STR("boss"), bo, STR(""), &f->err));
	OK(outbox_newest(tx_view(f->tx), f->instance, STR("boss"), 0, f->arena, &list, &f->err));
	assert_int_equal(list.count, 0);
	put_for(f, f->instance, "boss", f->contact, "case");
	int64_t of_bo = put_for(f, f->instance, "boss", bo, "case"), newest = put_for(f, f->instance, "boss", f->contact, "case");
	int64_t dropped = put_for(f, f->instance, "boss", f->contact, "case");
	OK(outbox_drop(f->tx, dropped, &f->err));
	put_for(f, f->instance, "worker", f->contact, "case");
	put_for(f, f->instance, "boss", f->contact, ""); /* one of the product's own */
	OK(outbox_newest(tx_view(f->tx), f->instance, STR("boss"), 0, f->arena, &list, &f->err));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].id, of_bo);
	assert_int_equal(list.items[1].id, newest);
	OK(participation_remove(f->tx, f->instance, STR("boss"), bo, &f->err));
	OK(outbox_newest(tx_view(f->tx), f->instance, STR("boss"), 0, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
}

/* A page of 50 rows in a store of 100,000 messages asks for its own only: a scan for each row would read 5,000,000. */
static void the_newest_are_found_among_many(void **state) {
	struct fixture *f = *state;
	enum { MANY = 100000, ROWS = 50, MOST_MS = 500 };
	struct outbox_list list;
	int64_t id = put_for(f, f->instance, "boss", f->contact, "case");
	OK(participation_add(f->tx, f->instance, STR("boss"), f->contact, STR(""), &f->err));
	int64_t other = fixture_instance(f, 0).id;
	struct stmt *s = db_query(tx_db(f->tx), "INSERT INTO outbox (instance_id, contact_id, channel, recipient, recipient_name, role, language, workflow, message, task, data, message_id,"
	                                        " thread, priority, state, created_at, next_at, answer) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
	                                        " SELECT ?, contact_id, channel, recipient, '', role, language, workflow, message, 0, data, i, thread, priority, 'sent', 0, 0, '' FROM n, outbox WHERE id = ?");
	bind_int(s, MANY);
	bind_int(s, other);
	bind_int(s, id);
	OK(stmt_run(s, NULL, &f->err));
	int64_t began = clock_monotonic();
	for (int i = 0; i < ROWS; i++) {
		OK(outbox_newest(tx_view(f->tx), f->instance, STR("boss"), 0, f->arena, &list, &f->err));
		assert_int_equal(list.count, 1);
	}
	int64_t took = clock_monotonic() - began;
	print_message("the newest messages of %d instances among %d: %lld ms\n", ROWS, MANY, (long long)took);
	assert_true(took < MOST_MS);
}

static void captured_messages_are_kept(void **state) {
	struct fixture *f = *state;
	int64_t id = put(f, 10, 0);
	struct captured row = {.outbox_id = id, .at = 5, .channel = CHANNEL_MAIL, .to = STR("ann@example.org"), .raw = STR("To: a\r\n\r\n\xFF\x00z")};
	OK(captured_put(f->tx, &row, &f->err));
	OK(captured_put(f->tx, &row, &f->err));
	struct captured_list list;
	OK(captured_list(tx_view(f->tx), 0, 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 2);
	assert_true(str_equal(list.items[0].raw, row.raw));
	OK(captured_list(tx_view(f->tx), list.items[0].id, 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
	struct captured one;
	OK(captured_load(tx_view(f->tx), list.items[0].id, f->arena, &one, &f->err));
	assert_int_equal(one.outbox_id, id);
	assert_str(one.to, "ann@example.org");
	REFUSED(ERR_NOT_FOUND, captured_load(tx_view(f->tx), 99, f->arena, &one, &f->err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(settlements_follow_the_table),
	        TEST(begin_and_requeue_follow_the_table),
	        TEST(rows_come_back_whole),
	        TEST(the_lease_takes_the_most_urgent),
	        TEST(an_old_fence_is_refused),
	        TEST(the_third_crash_sets_aside),
	        TEST(a_settlement_is_no_crash),
	        TEST(a_crash_after_begin_is_unknown),
	        TEST(in_quiet_hours_what_can_wait_waits),
	        TEST(what_was_held_in_a_crash_comes_alone),
	        TEST(what_is_put_back_is_no_attempt),
	        TEST(a_deadline_holds_for_what_waits),
	        TEST(a_domain_has_a_line_of_its_own),
	        TEST(by_hand_only_what_is_at_rest_moves),
	        TEST(leaving_a_state_cancels_what_is_unsent),
	        TEST(tasks_have_their_links),
	        TEST(lists_are_by_state),
	        TEST(the_newest_of_each_who_has_the_role),
	        TEST(the_newest_are_found_among_many),
	        TEST(captured_messages_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
