/* Events through the engine: idempotency, races, link states, catch-up, signals, children, participations, public starts, verify. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/handle.h"
#include "engine/store/listings.h"

static const char order[] =
        "workflow: order\n"
        "start: {by: buyer, form: ask, public: true, expires: 2d}\n"
        "roles:\n"
        "  buyer: {contact: mail, name: who}\n"
        "  boss: {contact: bosses}\n"
        "data:\n"
        "  who: {type: text, max: 40}\n"
        "  mail: {type: email}\n"
        "  bosses: {type: email, many: 1..3}\n"
        "  ok: {type: bool, accept: true}\n"
        "  verdict: {type: choice, options: ['yes', 'no']}\n"
        "  note: {type: text}\n"
        "  parcels: {type: int, default: '0'}\n"
        "  papers: {type: file, extensions: [pdf], many: 1..2}\n"
        "forms:\n"
        "  ask: {fields: [who, mail, bosses]}\n"
        "  confirm: {fields: [ok], check: false}\n"
        "  decide: {fields: [verdict, {field: note, optional: true}]}\n"
        "  pass-on: {fields: [bosses]}\n"
        "initial: unconfirmed\n"
        "states:\n"
        "  unconfirmed:\n"
        "    entry: [{send: {to: buyer, message: confirm, link: confirm}}]\n"
        "    after: [{in: 3d, target: gone}]\n"
        "    on:\n"
        "      confirm: {by: buyer, form: confirm, target: asked, expires: 2d}\n"
        "  asked:\n"
        "    entry:\n"
        "      - send: {to: boss, message: please, link: decide}\n"
        "      - send: {to: boss, message: other, link: pass-on, urgent: true}\n"
        "    after:\n"
        "      - {in: 7d, name: nudge, actions: [{send: {to: boss, message: reminder, link: decide}}]}\n"
        "      - {in: 14d, name: over, target: gone}\n"
        "    on:\n"
        "      decide:\n"
        "        by: boss\n"
        "        form: decide\n"
        "        cases:\n"
        "          - {guard: verdict == 'yes', target: packing}\n"
        "          - {guard: verdict == 'no' && has(note), target: gone}\n"
        "      pass-on: {by: boss, form: pass-on, actions: [{send: {to: boss, message: please, link: decide}}]}\n"
        "      stop: {target: gone}\n"
        "      lost: {bounced: boss, actions: [{set: {note: actor}}, {send: {to: buyer, message: lost}}]}\n"
        "      nobody: {unreachable: boss, guard: '!has(verdict)', target: gone}\n"
        "      said: {replied: boss, files: papers, actions: [{set: {note: \"actor + ': ' + reply_text\"}}, {send: {to: buyer, message: said}}]}\n"
        "  packing:\n"
        "    entry:\n"
        "      - start: {workflow: parcel, each: \"distinct(['for', 'and', 'for'])\", data: {mail: mail, label: \"item + ' ' + who\"}}\n"
        "    after: [{in: 30d, target: gone}]\n"
        "    on:\n"
        "      paid: {actions: [{set: {note: \"'paid'\"}}]}\n"
        "      packed:\n"
        "        cases:\n"
        "          - {guard: 'parcels >= 1', actions: [{set: {parcels: parcels + 1}}], target: done}\n"
        "          - {actions: [{set: {parcels: parcels + 1}}]}\n"
        "      call-off: {target: gone}\n"
        "    exit:\n"
        "      - signal: {to: children, event: call-off}\n"
        "  done: {final: true, entry: [{send: {to: buyer, message: done, link: one}}]}\n"
        "  gone: {final: true, entry: [{send: {to: buyer, message: gone}, if: has(ok)}]}\n"
        "views:\n"
        "  one: {kind: page, for: [buyer, boss], fields: [who, verdict], when: state == 'done'}\n"
        "  mine: {kind: list, for: buyer, columns: [state, who], search: [who, note], page: one}\n"
        "  bosses: {kind: list, for: boss, columns: [state], search: [verdict]}\n";

static const char parcel[] =
        "workflow: parcel\n"
        "start: {by: packer, form: begin}\n"
        "roles:\n"
        "  packer: {contact: mail}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  label: {type: text, max: 30}\n"
        "  ok: {type: bool, accept: true}\n"
        "forms:\n"
        "  begin: {fields: [mail, label]}\n"
        "  pack: {fields: [ok], check: false}\n"
        "initial: open\n"
        "states:\n"
        "  open:\n"
        "    entry: [{send: {to: packer, message: pack, link: pack}}]\n"
        "    after: [{in: 20d, target: lost}]\n"
        "    on:\n"
        "      pack: {by: packer, form: pack, target: packed}\n"
        "      call-off: {target: lost}\n"
        "  packed: {final: true, entry: [{signal: {to: parent, event: packed, data: {note: label}}}]}\n"
        "  lost: {final: true}\n";

static const char large[] =
        "workflow: large\n"
        "start: {by: owner, form: ask}\n"
        "roles: {owner: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  texts: {type: longtext, max: 100000, many: 1..20}\n"
        "forms: {ask: {fields: [mail, texts]}}\n"
        "initial: a\n"
        "states:\n"
        "  a: {on: {go: {target: b}, ping: {actions: [{signal: {to: self, event: ping}}]}}}\n"
        "  b: {final: true}\n";

#define ASK "{\"who\":\"Ida\",\"mail\":\"ida@example.dk\",\"bosses\":[\"bo@example.dk\",\"eva@example.dk\"]}"

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, order, NULL, NULL);
	package_write(f, parcel, NULL, NULL);
	package_write(f, large, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t asked(struct fixture *f) {
	int64_t id = start(f, "order", ASK);
	OK(act(f, id, "ida@example.dk", "confirm", "{\"ok\":true}"));
	assert_str(state_of(f, id), "asked");
	return id;
}

static int64_t packing(struct fixture *f) {
	int64_t id = asked(f);
	OK(act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"yes\"}"));
	assert_str(state_of(f, id), "packing");
	return id;
}

static struct instance_list children_of(struct fixture *f, int64_t id) {
	struct instance_list list = {0};
	struct instance_query query = {.parent_id = id};
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, NULL, &f->err));
	view_close(v);
	return list;
}

static void test_life(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked");
	assert_str(messages_of(f, id), "confirm>ida@example.dk cancelled; please>bo@example.dk queued; please>eva@example.dk queued; "
	                               "other>bo@example.dk queued; other>eva@example.dk queued");
	assert_str(due_of(f, id, "nudge"), "2026-03-09T10:00");
	assert_sound(f);
}

static struct outbox_row *newest_to(struct fixture *f, int64_t id, const char *address) {
	struct outbox_list list;
	struct outbox_row *row = NULL;
	OK(outbox_of_instance(tx_view(f->tx), id, f->arena, &list, &f->err));
	for (size_t i = 0; i < list.count; i++)
		if (str_is(list.items[i].recipient, address))
			row = &list.items[i];
	assert_non_null(row);
	return row;
}

static bool drain(struct fixture *f) {
	bool more = true;
	return engine_tick(f->engine, f->tx, clock_now(), 10, f->arena, &more, &f->err) && !more;
}

static void bounce(struct fixture *f, int64_t id, const char *to, bool dead) {
	tx_open(f);
	struct outbox_row *row = newest_to(f, id, to);
	OK(tx_end(f, engine_undelivered(f->tx, clock_now(), row, dead, &f->err) && drain(f)));
}

/* One of two is an event; the last one is another; an address that was replaced, or a state that does not ask, is none. */
static void test_bounces(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "order", ASK);
	bounce(f, id, "ida@example.dk", true);
	assert_str(path_of(f, id), "start start >unconfirmed");
	OK(act(f, id, "ida@example.dk", "confirm", "{\"ok\":true}"));
	bounce(f, id, "bo@example.dk", false); /* a full mailbox: the address may be right */
	bounce(f, id, "eva@example.dk", true);
	assert_str(field_of(f, id, "note"), "eva@example.dk");
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; signal lost asked>; signal lost asked>");
	OK(act(f, id, "eva@example.dk", "pass-on", "{\"bosses\":[\"eva@example.dk\",\"kim@example.dk\"]}")); /* who acts is reached */
	bounce(f, id, "bo@example.dk", true);
	bounce(f, id, "kim@example.dk", true);
	assert_str(state_of(f, id), "asked");
	bounce(f, id, "eva@example.dk", true);
	assert_str(state_of(f, id), "gone");
	assert_sound(f);
}

static struct str reply_with(struct fixture *f, int64_t id, const char *by, const char *text, const struct reply_file *files, size_t count) {
	struct reply reply = {str_from(text), files, count};
	struct str told;
	tx_open(f);
	struct outbox_row *row = newest_to(f, id, by);
	OK(tx_end(f, engine_replied(f->engine, f->tx, clock_now(), row, &reply, f->arena, &told, &f->err) && drain(f)));
	return told;
}

static void reply(struct fixture *f, int64_t id, const char *by, const char *text) {
	assert_str(reply_with(f, id, by, text, NULL, 0), "");
}

static void test_replies(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "order", ASK);
	reply(f, id, "ida@example.dk", "Hvad er det?"); /* no state asks for it */
	OK(act(f, id, "ida@example.dk", "confirm", "{\"ok\":true}"));
	reply(f, id, "bo@example.dk", "");
	reply(f, id, "ida@example.dk", "Hallo");
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked");
	reply(f, id, "bo@example.dk", "Nej, {{link}} =?x?= \"\n<b>");
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; signal said asked>");
	assert_str(field_of(f, id, "note"), "bo@example.dk: Nej, {{link}} =?x?= \"\n<b>");
	assert_sound(f);
}

static int64_t count_blobs(struct fixture *f) {
	struct view *v = store_view(f->store, &f->err);
	struct stmt *s = db_query(view_db(v), "SELECT count(*) FROM blobs");
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	int64_t count = stmt_int(s, 0);
	stmt_end(s);
	view_close(v);
	return count;
}

/* Files of an answer are judged as uploads are, become the field's, and are gone where no event takes them. */
static void test_files_of_replies(void **state) {
	struct fixture *f = *state;
	const struct reply_file files[] = {
	        {STR("C:\\scan\\a.pdf"), STR("application/octet-stream"), STR("%PDF-1.4\n%%EOF\n"), false},
	        {STR("b.pdf"), STR("application/pdf"), STR("MZ\220"), false},
	        {STR("c.exe"), STR("application/pdf"), STR("%PDF-1.4\n%%EOF\n"), false},
	        {STR("scan"), STR("application/pdf"), STR("%PDF-1.4\n%%EOF\n"), false},
	        {STR("e.pdf"), STR(""), STR(""), false},
	        {STR("f.pdf"), STR(""), STR("%PDF-1.4\n%%EOF\n"), false},
	};
	int64_t id = asked(f);
	assert_str(reply_with(f, id, "bo@example.dk", "", files, 6), "a.pdf: taken\nb.pdf: its contents are not what its name says\nc.exe: not of a kind that is asked for\n"
	                                                            "scan.pdf: taken\ne.pdf: empty\nf.pdf: there are as many files as are asked for");
	assert_str(field_of(f, id, "note"), "bo@example.dk: ");
	assert_int_equal(count_blobs(f), 2);
	assert_str(reply_with(f, id, "bo@example.dk", "Mere", &files[5], 1), "f.pdf: there are as many files as are asked for");
	assert_str(field_of(f, id, "note"), "bo@example.dk: Mere");
	assert_str(reply_with(f, id, "ida@example.dk", "Fra mig", files, 1), "a.pdf: no files are asked for");
	assert_int_equal(count_blobs(f), 2);
	assert_sound(f);
}

/* By night nobody is disturbed but who acts; a message that is late by the morning, or is called urgent, goes. */
static void test_quiet_hours(void **state) {
	struct fixture *f = *state;
	f->config.mail.quiet = (struct quiet){22 * 3600000, 7 * 3600000, true}; /* borrowed by the site */
	clock_simulate(instant_at(f, "2026-03-06T23:00"), 0); /* a Friday */
	int64_t id = asked(f);
	struct outbox_list list;
	struct view *v = store_view(f->store, &f->err);
	OK(v && outbox_of_instance(v, id, f->arena, &list, &f->err));
	view_close(v);
	assert_int_equal(list.count, 5);
	assert_str(list.items[0].message, "confirm");
	assert_false(list.items[0].patient); /* the starter's own */
	for (size_t i = 1; i < list.count; i++) {
		bool urgent = str_is(list.items[i].message, "other");
		assert_int_equal(list.items[i].patient, !urgent);
		assert_int_equal(list.items[i].deadline_at, urgent ? 0 : instant_at(f, "2026-03-09T07:00") + OUTBOX_LIFETIME_MS);
	}
}

/* The same link and version again, before and after others have acted: nothing is done, the receipt is the first one's. */
static void test_repeat(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	struct link bo = link_to(f, id, "bo@example.dk", "decide"), eva = link_to(f, id, "eva@example.dk", "decide");
	int64_t version = instance_of(f, id).version;
	OK(act_through(f, &bo, version, "{\"verdict\":\"yes\"}"));
	struct receipt first = f->receipt;
	assert_false(first.repeated);
	OK(act_through(f, &bo, version, "{\"verdict\":\"yes\"}"));
	assert_true(f->receipt.repeated);
	assert_int_equal(f->receipt.history_id, first.history_id);
	/* Whatever the second says: it is the first that was done. */
	OK(act_through(f, &bo, version, "{\"verdict\":\"no\"}"));
	assert_true(f->receipt.repeated);
	assert_str(state_of(f, id), "packing");
	REFUSED(ERR_CONFLICT, "link.used", act_through(f, &eva, version, "{\"verdict\":\"no\",\"note\":\"x\"}"));
	/* The same person with a page opened after the use: another key. */
	REFUSED(ERR_CONFLICT, "link.used", act_through(f, &bo, version + 1, "{\"verdict\":\"yes\"}"));
	OK(act_through(f, &bo, version, "{}"));
	assert_true(f->receipt.repeated);
	assert_int_equal(history_of(f, id).count, 3);
	assert_sound(f);
}

static void test_start_key(void **state) {
	struct fixture *f = *state;
	struct answers answers = answers_of(f, ASK);
	struct start_request request = {.workflow = STR("order"), .answers = &answers, .key = {7}};
	int64_t first = 0;
	for (int i = 0; i < 3; i++) {
		tx_open(f);
		OK(tx_end(f, engine_start(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err)));
		assert_int_equal(f->receipt.repeated, i > 0);
		first = i == 0 ? f->receipt.instance_id : first;
		assert_int_equal(f->receipt.instance_id, first);
	}
	request.key[0] = 8;
	tx_open(f);
	OK(tx_end(f, engine_start(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err)));
	assert_true(f->receipt.instance_id != first);
}

/* A refusal writes nothing and costs nobody the link. */
static void test_refusals(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	REFUSED(ERR_INPUT, "form.problems", act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"maybe\"}"));
	assert_int_equal(f->refused.count, 1);
	assert_string_equal(f->refused.items[0].key, "field.not-choice");
	REFUSED(ERR_CONFLICT, "event.refused", act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"no\"}"));
	assert_int_equal(instance_of(f, id).version, 2);
	assert_str(field_of(f, id, "verdict"), "unset");
	REFUSED(ERR_NOT_FOUND, "error.not-found", try_start(f, "nothing", "{}"));
	REFUSED(ERR_INPUT, "form.problems", try_start(f, "order", "{\"who\":\"Ida\"}"));
	assert_int_equal(f->refused.count, 2);
	OK(act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"no\",\"note\":\"no money\"}"));
	assert_str(state_of(f, id), "gone");
	assert_sound(f);
}

/* After a task is done: used by the one who did it, closed for the others; tasks of the final state are withdrawn. */
static void test_link_states(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "order", ASK);
	struct link confirm = link_to(f, id, "ida@example.dk", "confirm");
	OK(act(f, id, "ida@example.dk", "confirm", "{\"ok\":true}"));
	struct link bo = link_to(f, id, "bo@example.dk", "decide"), other = link_to(f, id, "eva@example.dk", "pass-on");
	OK(act(f, id, "eva@example.dk", "decide", "{\"verdict\":\"no\",\"note\":\"x\"}"));
	assert_int_equal(link_to(f, id, "ida@example.dk", "confirm").state, LINK_USED);
	assert_int_equal(link_to(f, id, "bo@example.dk", "decide").state, LINK_USED);
	assert_int_equal(link_to(f, id, "eva@example.dk", "decide").state, LINK_USED);
	assert_int_equal(link_to(f, id, "eva@example.dk", "pass-on").state, LINK_WITHDRAWN);
	REFUSED(ERR_CONFLICT, "link.used", act_through(f, &confirm, 9, "{\"ok\":true}"));
	REFUSED(ERR_CONFLICT, "link.used", act_through(f, &bo, 9, "{\"verdict\":\"yes\"}"));
	REFUSED(ERR_CONFLICT, "link.withdrawn", act_through(f, &other, 9, "{\"bosses\":[\"x@example.dk\"]}"));
	struct link made_up = bo;
	made_up.id[0] ^= 1;
	REFUSED(ERR_NOT_FOUND, "store.not_found", act_through(f, &made_up, 9, "{}"));
	assert_sound(f);
}

static void test_link_expiry(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "order", ASK);
	jump_to(f, "2026-03-04T10:00");
	REFUSED(ERR_CONFLICT, "link.expired", act(f, id, "ida@example.dk", "confirm", "{\"ok\":true}"));
	jump_to(f, "2026-03-04T09:59");
	OK(act(f, id, "ida@example.dk", "confirm", "{\"ok\":true}"));
}

/* A live link whose state has no such event any more: not now. */
static void test_link_not_now(void **state) {
	struct fixture *f = *state;
	int64_t id = packing(f);
	struct link bo = link_to(f, id, "bo@example.dk", "pass-on");
	assert_int_equal(bo.state, LINK_LIVE);
	REFUSED(ERR_CONFLICT, "link.not-now", act_through(f, &bo, instance_of(f, id).version, "{\"bosses\":[\"x@example.dk\"]}"));
}

/* What was overdue happens before the answer is looked at, and stays although the answer is refused. */
static void test_catch_up(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	jump_to(f, "2026-03-10T12:00");
	REFUSED(ERR_INPUT, "form.problems", act(f, id, "bo@example.dk", "decide", "{}"));
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; timer nudge asked>");
	jump_to(f, "2026-03-20T12:00");
	REFUSED(ERR_CONFLICT, "link.withdrawn", act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"yes\"}"));
	assert_str(state_of(f, id), "gone");
	assert_int_equal(timers_of(f, id).count, 0);
	assert_sound(f);
}

/* The order of two overdue timers is that of their due times, however late they run. */
static void test_catch_up_order(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	jump_to(f, "2026-04-20T12:00");
	OK(run_due(f));
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; timer nudge asked>; timer over asked>gone");
	assert_sound(f);
}

static void test_early_signal(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	OK(send_signal(f, id, "paid", "{}"));
	assert_str(field_of(f, id, "note"), "unset");
	assert_int_equal(instance_of(f, id).version, 2);
	OK(act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"yes\"}"));
	assert_str(field_of(f, id, "note"), "paid");
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; form decide asked>packing; signal paid packing>");
	assert_sound(f);
}

/* In a final state no one will ever take it: it is written down as refused. */
static void test_late_signal(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	OK(send_signal(f, id, "paid", "{}"));
	OK(send_signal(f, id, "stop", "{}"));
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; signal stop asked>gone; signal paid gone>!");
	assert_sound(f);
}

/* A chain of signals that feeds itself is cut, and says so in the history. */
static void test_endless_signals(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "large", "{\"mail\":\"ida@example.dk\",\"texts\":[\"x\"]}");
	OK(send_signal(f, id, "ping", "{}"));
	assert_int_equal(instance_of(f, id).version, 1 + 100 + 1);
	OK(send_signal(f, id, "go", "{}"));
	assert_str(state_of(f, id), "b");
	assert_sound(f);
}

/* An event of people cannot be caused by a signal, and data that do not fit are refused. */
static void test_wrong_signal(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	OK(send_signal(f, id, "decide", "{\"verdict\":\"yes\"}"));
	assert_str(state_of(f, id), "asked");
	OK(send_signal(f, id, "stop", "{\"nothing\":\"x\"}"));
	OK(send_signal(f, id, "stop", "{\"verdict\":\"maybe\"}"));
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; signal stop asked>!; signal stop asked>!");
	OK(send_signal(f, id, "stop", "{\"verdict\":\"no\"}"));
	assert_str(field_of(f, id, "verdict"), "no");
	REFUSED(ERR_NOT_FOUND, "store.not_found", send_signal(f, id + 100, "stop", "{}"));
	assert_sound(f);
}

/* A signal that lay there before a timer became due is taken before it, however late both are. */
static void test_signal_before_timer(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	struct signal_row row = {.instance_id = id, .root_id = id, .event = STR("stop"), .data = STR("{}"), .at = instant_at(f, "2026-03-05T10:00")};
	tx_open(f);
	OK(tx_end(f, mailbox_put(f->tx, &row, &f->err)));
	jump_to(f, "2026-04-20T12:00");
	OK(run_due(f));
	assert_str(path_of(f, id), "start start >unconfirmed; form confirm unconfirmed>asked; signal stop asked>gone");
}

static void test_children(void **state) {
	struct fixture *f = *state;
	int64_t id = packing(f);
	struct instance_list children = children_of(f, id);
	assert_int_equal(children.count, 2);
	assert_int_equal(children.items[0].root_id, id);
	assert_str(field_of(f, children.items[0].id, "label"), "for Ida");
	assert_str(field_of(f, children.items[1].id, "label"), "and Ida");
	OK(act(f, children.items[0].id, "ida@example.dk", "pack", "{\"ok\":true}"));
	assert_str(field_of(f, id, "parcels"), "1");
	assert_str(field_of(f, id, "note"), "for Ida");
	assert_str(state_of(f, id), "packing");
	OK(act(f, children.items[1].id, "ida@example.dk", "pack", "{\"ok\":true}"));
	assert_str(state_of(f, id), "done");
	assert_str(field_of(f, id, "note"), "and Ida");
	assert_sound(f);
}

/* Its exit calls the children off; one that has ended hears nothing. */
static void test_signal_children(void **state) {
	struct fixture *f = *state;
	int64_t id = packing(f);
	struct instance_list children = children_of(f, id);
	OK(act(f, children.items[0].id, "ida@example.dk", "pack", "{\"ok\":true}"));
	OK(send_signal(f, id, "call-off", "{}"));
	assert_str(state_of(f, children.items[0].id), "packed");
	assert_str(state_of(f, children.items[1].id), "lost");
	assert_int_equal(link_to(f, children.items[1].id, "ida@example.dk", "pack").state, LINK_WITHDRAWN);
	assert_sound(f);
}

/* What the child cannot take is refused before anything is written: the name is too long for its label. */
static void test_child_refused(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "order", "{\"who\":\"A name of more than thirty letters\",\"mail\":\"ida@example.dk\",\"bosses\":\"bo@example.dk\"}");
	OK(act(f, id, "ida@example.dk", "confirm", "{\"ok\":true}"));
	REFUSED(ERR_PERMANENT, "error.internal", act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"yes\"}"));
	assert_str(state_of(f, id), "asked");
	assert_int_equal(children_of(f, id).count, 0);
	assert_int_equal(link_to(f, id, "bo@example.dk", "decide").state, LINK_LIVE);
	assert_sound(f);
}

/* A changed contact field: who left loses links and unsent messages, who came takes part; mail that is sent later goes to the new ones. */
static void test_participations(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	OK(act(f, id, "bo@example.dk", "pass-on", "{\"bosses\":[\"eva@example.dk\",\"kim@example.dk\"]}"));
	assert_int_equal(link_to(f, id, "bo@example.dk", "decide").state, LINK_WITHDRAWN);
	assert_int_equal(link_to(f, id, "eva@example.dk", "decide").state, LINK_LIVE);
	REFUSED(ERR_CONFLICT, "link.withdrawn", act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"yes\"}"));
	assert_str(messages_of(f, id), "confirm>ida@example.dk cancelled; please>bo@example.dk cancelled; please>eva@example.dk queued; other>bo@example.dk cancelled; "
	                               "other>eva@example.dk queued; please>eva@example.dk queued; please>kim@example.dk queued");
	OK(act(f, id, "kim@example.dk", "decide", "{\"verdict\":\"yes\"}"));
	assert_sound(f);
}

/* More than an instance may hold is refused before anything is written; it does not end the process. */
static void test_too_large(void **state) {
	struct fixture *f = *state;
	struct answers answers = answers_of(f, "{\"mail\":\"ida@example.dk\"}");
	struct start_request request = {.workflow = STR("large"), .answers = &answers};
	char *text = arena_alloc(f->arena, 4 * 100000 + 1);
	for (size_t i = 0; i < 100000; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x9a\x80", 4);
	for (size_t i = 0; i < 20; i++) {
		text[4 * i] = '\0';
		answers_put(&answers, f->arena, STR("texts"), (struct str){text + 4 * i + 4, 4 * (99999 - i)});
	}
	tx_open(f);
	REFUSED(ERR_INPUT, "error.too-large", tx_end(f, engine_start(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err)));
	assert_sound(f);
}

/* Letter case alone is no other person. */
static void test_same_address(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	OK(act(f, id, "bo@example.dk", "pass-on", "{\"bosses\":[\"Bo@Example.DK\"]}"));
	assert_int_equal(link_to(f, id, "bo@example.dk", "decide").state, LINK_LIVE);
	OK(act(f, id, "bo@example.dk", "decide", "{\"verdict\":\"yes\"}"));
}

static struct link public_link(struct fixture *f) {
	struct link link;
	tx_open(f);
	OK(tx_end(f, engine_start_link(f->engine, f->tx, clock_now(), STR("order"), NULL, &link, &f->err)));
	return link;
}

static bool start_through(struct fixture *f, const struct link *link, const char *json) {
	struct answers answers = answers_of(f, json);
	struct start_request request = {.workflow = STR("order"), .language = STR("en"), .answers = &answers, .link = link};
	engine_act_key(link, STR(""), 0, request.key);
	tx_open(f);
	return tx_end(f, engine_start(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err));
}

static struct link_view look(struct fixture *f, const struct link *link) {
	struct link_view seen;
	struct view *v = store_view(f->store, &f->err);
	OK(v && engine_look(f->engine, v, clock_now(), engine_token(f->engine, link, f->arena), f->arena, &seen, &f->err));
	view_close(v);
	return seen;
}

static void test_public_start(void **state) {
	struct fixture *f = *state;
	struct str draft;
	struct link link = public_link(f);
	assert_true(look(f, &link).open);
	tx_open(f);
	OK(draft_save(f->tx, link.id, link.task, STR("{\"who\":[\"Ida\"]}"), clock_now(), &f->err));
	OK(tx_end(f, true));
	REFUSED(ERR_INPUT, "form.problems", start_through(f, &link, "{\"who\":\"Ida\"}"));
	assert_true(look(f, &link).open);
	OK(start_through(f, &link, ASK));
	int64_t id = f->receipt.instance_id;
	assert_false(look(f, &link).open);
	assert_int_equal(look(f, &link).instance.id, id);
	OK(draft_load(store_view(f->store, &f->err), link.id, link.task, f->arena, &draft, &f->err));
	assert_int_equal(draft.len, 0);
	OK(start_through(f, &link, ASK));
	assert_true(f->receipt.repeated);
	assert_int_equal(f->receipt.instance_id, id);
	tx_open(f);
	REFUSED(ERR_NOT_FOUND, "error.not-found", engine_start_link(f->engine, f->tx, clock_now(), STR("parcel"), NULL, &link, &f->err));
	tx_end(f, false);
	assert_sound(f);
}

static void test_public_start_expires(void **state) {
	struct fixture *f = *state;
	struct link link = public_link(f);
	jump_to(f, "2026-03-04T10:00");
	assert_true(look(f, &link).expired);
	REFUSED(ERR_CONFLICT, "link.expired", start_through(f, &link, ASK));
}

static void test_look(void **state) {
	struct fixture *f = *state;
	struct link_view seen;
	int64_t id = asked(f);
	struct link bo = link_to(f, id, "bo@example.dk", "decide");
	seen = look(f, &bo);
	assert_true(seen.open && seen.event && seen.form);
	assert_str(seen.contact.value, "bo@example.dk");
	assert_int_equal(seen.people.count, 3);
	struct view *v = store_view(f->store, &f->err);
	struct str token = engine_token(f->engine, &bo, f->arena);
	for (size_t i = 0; i <= token.len; i++) {
		char *wrong = arena_z(f->arena, token);
		if (i < token.len)
			wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
		struct str tried = {wrong, i < token.len ? token.len : token.len - 1};
		f->err = (struct err){0};
		REFUSED(ERR_NOT_FOUND, "link.unknown", engine_look(f->engine, v, clock_now(), tried, f->arena, &seen, &f->err));
	}
	view_close(v);
	OK(act(f, id, "eva@example.dk", "decide", "{\"verdict\":\"yes\"}"));
	seen = look(f, &bo);
	assert_false(seen.open);
	assert_int_equal(seen.link.state, LINK_USED);
	assert_true(seen.link.used_at > 0);
}

static size_t count_found(struct fixture *f, const char *address, const char *role, const char *view, const char *search) {
	struct listed_list list = {0};
	struct contact contact;
	const struct str roles[] = {str_from(role)};
	struct view *v = store_view(f->store, &f->err);
	OK(contact_find(v, CHANNEL_MAIL, str_from(address), f->arena, &contact, &f->err));
	struct listing_query query = {.contact_id = contact.id, .roles = roles, .role_count = 1, .workflow = STR("order"), .searched = str_from(view), .search = str_from(search)};
	OK(listing_query(v, &query, f->arena, &list, &f->err));
	view_close(v);
	return list.count;
}

/* Names in lists are found folded. What a list does not search is not found out by searching it. */
static void test_search(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	struct view *v = store_view(f->store, &f->err);
	struct instance instance;
	OK(instance_load(v, id, f->arena, &instance, &f->err));
	view_close(v);
	char *reference = arena_z(f->arena, instance.reference);
	for (char *at = reference; *at; at++)
		*at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
	assert_int_equal(count_found(f, "ida@example.dk", "buyer", "mine", "ida"), 1);
	assert_int_equal(count_found(f, "ida@example.dk", "buyer", "mine", reference), 1);
	assert_int_equal(count_found(f, "ida@example.dk", "buyer", "mine", ""), 1);
	assert_int_equal(count_found(f, "bo@example.dk", "boss", "bosses", reference), 1);
	assert_int_equal(count_found(f, "bo@example.dk", "boss", "bosses", "ida"), 0);
	assert_int_equal(count_found(f, "bo@example.dk", "boss", "one", "ida"), 0);
	assert_int_equal(count_found(f, "bo@example.dk", "boss", "bosses", "mine"), 0);
	assert_int_equal(count_found(f, "bo@example.dk", "boss", "bosses", ""), 1);
}

static void change(struct fixture *f, const char *sql) {
	tx_open(f);
	OK(db_script(tx_db(f->tx), sql, &f->err));
	OK(tx_end(f, true));
}

static void found(struct fixture *f, int64_t id, const char *text) {
	struct buf out;
	buf_init(&out, 1 << 16);
	int64_t faults = faults_of(f, id, &out);
	if (faults == 0 || !out.at || !strstr(out.at, text))
		fail_msg("verify found %lld faults, without '%s': %s", (long long)faults, text, out.at ? out.at : "");
	buf_free(&out);
}

static void test_verify_state(void **state) {
	struct fixture *f = *state;
	int64_t id = asked(f);
	assert_sound(f);
	change(f, "UPDATE instances SET state = 'done'");
	found(f, id, "its state is 'done', but its history ends in 'asked'");
	found(f, 0, "its state is 'done'");
}

static void test_verify_data(void **state) {
	struct fixture *f = *state;
	int64_t id = packing(f);
	assert_sound(f);
	change(f, "UPDATE instances SET data = replace(data, '\"Ida', '\"Ilda')");
	found(f, id, "its data are not what its history left");
}

static void test_verify_history(void **state) {
	struct fixture *f = *state;
	int64_t id = packing(f);
	change(f, "DROP TRIGGER IF EXISTS history_no_delete; DROP TRIGGER IF EXISTS history_no_update; PRAGMA foreign_keys = 0;"
	          "UPDATE outbox SET history_id = NULL; UPDATE links SET history_id = NULL");
	char sql[300];
	snprintf(sql, sizeof sql, "DELETE FROM history_payloads WHERE history_id IN (SELECT id FROM history WHERE instance_id = %lld AND seq = 2);"
	                          "DELETE FROM history WHERE instance_id = %lld AND seq = 2", (long long)id, (long long)id);
	change(f, sql);
	found(f, id, "2");
	snprintf(sql, sizeof sql, "DELETE FROM history_payloads WHERE history_id IN (SELECT id FROM history WHERE instance_id = %lld AND seq = 3);"
	                          "DELETE FROM history WHERE instance_id = %lld AND seq = 3", (long long)id, (long long)id);
	change(f, sql);
	found(f, id, "its version is 3, but it has 1 entries");
}

static void test_verify_messages(void **state) {
	struct fixture *f = *state;
	int64_t one = asked(f), two = asked(f);
	char sql[200];
	snprintf(sql, sizeof sql, "UPDATE outbox SET history_id = (SELECT max(id) FROM history WHERE instance_id = %lld) WHERE instance_id = %lld", (long long)two, (long long)one);
	change(f, sql);
	found(f, one, "belongs to no entry");
	snprintf(sql, sizeof sql, "UPDATE links SET history_id = (SELECT max(id) FROM history WHERE instance_id = %lld) WHERE instance_id = %lld AND state = 'used'", (long long)one, (long long)two);
	change(f, sql);
	found(f, two, "a used link for 'confirm' belongs to no entry");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_life), TEST(test_bounces), TEST(test_replies), TEST(test_files_of_replies), TEST(test_quiet_hours), TEST(test_repeat), TEST(test_start_key), TEST(test_refusals), TEST(test_link_states), TEST(test_link_expiry),
	        TEST(test_link_not_now), TEST(test_catch_up), TEST(test_catch_up_order), TEST(test_early_signal), TEST(test_late_signal),
	        TEST(test_wrong_signal), TEST(test_endless_signals), TEST(test_signal_before_timer), TEST(test_children), TEST(test_signal_children), TEST(test_child_refused),
	        TEST(test_participations), TEST(test_same_address), TEST(test_too_large), TEST(test_public_start), TEST(test_public_start_expires), TEST(test_look),
	        TEST(test_search), TEST(test_verify_state), TEST(test_verify_data), TEST(test_verify_history), TEST(test_verify_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
