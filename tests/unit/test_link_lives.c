/* Lives of a link: what else its page offers (also), when it can be used (opens, expires), and how one gets a new one. */
#include "tests/unit/workflow_fixture.h"

static const char errand[] =
        "workflow: errand\n"
        "start: {by: asker, form: ask}\n"
        "roles:\n"
        "  asker: {contact: mail}\n"
        "  helper: {contact: helpers}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  helpers: {type: email, many: 1..3}\n"
        "  ok: {type: bool, accept: true}\n"
        "  note: {type: text}\n"
        "forms:\n"
        "  ask: {fields: [mail, helpers]}\n"
        "  do: {fields: [ok], check: false}\n"
        "  pass: {fields: [helpers]}\n"
        "  refuse: {fields: [note]}\n"
        "initial: asked\n"
        "states:\n"
        "  asked:\n"
        "    entry:\n"
        "      - send: {to: helper, message: please, link: do}\n"
        "      - send: {to: asker, message: sent, link: call-off}\n"
        "    after: [{in: 30d, target: gone}]\n"
        "    on:\n"
        "      do: {by: helper, form: do, target: done, also: [pass, refuse]}\n"
        "      pass: {by: [helper, asker], form: pass, actions: [{send: {to: helper, message: please, link: do}}]}\n"
        "      refuse: {by: helper, form: refuse, target: gone}\n"
        "      call-off: {by: asker, form: do, target: gone}\n"
        "  done: {final: true}\n"
        "  gone: {final: true}\n"
        "views:\n"
        "  page: {kind: page, for: [asker, helper], fields: [note], acts: [pass, call-off]}\n"
        "  bare: {kind: page, for: [asker, helper], fields: [note]}\n";

/* days[2] is there only when three days were given. */
static const char visit[] =
        "workflow: visit\n"
        "start: {by: asker, form: ask}\n"
        "roles:\n"
        "  asker: {contact: mail}\n"
        "  guest: {contact: guest_mail}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  guest_mail: {type: email}\n"
        "  days: {type: date, many: 1..3, default: '[today]'}\n"
        "  ok: {type: bool, accept: true}\n"
        "forms:\n"
        "  ask: {fields: [mail, guest_mail]}\n"
        "  come: {fields: [ok], check: false}\n"
        "  move: {fields: [days]}\n"
        "initial: invited\n"
        "states:\n"
        "  invited:\n"
        "    entry:\n"
        "      - send: {to: guest, message: please, link: come}\n"
        "      - send: {to: asker, message: sent, link: move}\n"
        "    after:\n"
        "      - {in: 2d, actions: [{send: {to: guest, message: reminder, link: come}}]}\n"
        "      - {in: 10d, actions: [{send: {to: guest, message: reminder, link: come}}]}\n"
        "      - {in: 60d, target: gone}\n"
        "    on:\n"
        "      come:\n"
        "        by: guest\n"
        "        form: come\n"
        "        opens: \"days[0] > date('2026-03-02') ? instant(at(days[0], '08:00')) : entered_at + 24h\"\n"
        "        expires: 2d\n"
        "        also: [refuse, third]\n"
        "        target: done\n"
        "      refuse: {by: guest, form: come, target: gone}\n"
        "      third: {by: guest, form: come, opens: 'days[2]', target: gone}\n"
        "      move: {by: asker, form: move, actions: [{send: {to: asker, message: sent, link: move}}]}\n"
        "  done: {final: true}\n"
        "  gone: {final: true}\n";

#define VISIT "{\"mail\":\"ida@example.dk\",\"guest_mail\":\"bo@example.dk\"}"
#define ASK "{\"mail\":\"ida@example.dk\",\"helpers\":[\"bo@example.dk\",\"eva@example.dk\"]}"

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, errand, NULL, NULL);
	package_write(f, visit, NULL, NULL);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static bool act_also(struct fixture *f, const struct link *link, const char *event, int64_t version, const char *json) {
	struct answers answers = answers_of(f, json);
	struct act_request request = {.link = link, .event = str_from(event), .version = version, .answers = &answers};
	tx_open(f);
	return tx_end(f, engine_act(f->engine, f->tx, clock_now(), &request, f->arena, &f->refused, &f->receipt, &f->err));
}

/* What stands behind the link now; the view stays open, in *v. */
static struct link_view look_at(struct fixture *f, const struct link *link, struct view **v) {
	struct link_view look;
	*v = store_view(f->store, &f->err);
	OK(*v && engine_look(f->engine, *v, clock_now(), engine_token(f->engine, link, f->arena), f->arena, &look, &f->err));
	return look;
}

static void test_also_offers(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "errand", ASK);
	struct link bo = link_to(f, id, "bo@example.dk", "do");
	struct view *v;
	struct link_view look = look_at(f, &bo, &v);
	assert_str(look.event->name, "do");
	assert_true(engine_look_also(f->engine, clock_now(), &look, STR("pass"), f->arena));
	assert_str(look.event->name, "pass");
	assert_str(look.form->name, "pass");
	assert_str(look.own->name, "do");
	assert_true(engine_look_also(f->engine, clock_now(), &look, STR("do"), f->arena));
	assert_false(engine_look_also(f->engine, clock_now(), &look, STR("call-off"), f->arena));
	assert_false(engine_look_also(f->engine, clock_now(), &look, STR("nothing"), f->arena));
	view_close(v);
	/* Nothing but what its page offers. */
	REFUSED(ERR_CONFLICT, "link.not-now", act_also(f, &bo, "call-off", 1, "{\"ok\":true}"));
	REFUSED(ERR_CONFLICT, "link.not-now", act_also(f, &bo, "nothing", 1, "{}"));
	struct link ida = link_to(f, id, "ida@example.dk", "call-off");
	REFUSED(ERR_CONFLICT, "link.not-now", act_also(f, &ida, "pass", 1, "{\"helpers\":[\"x@example.dk\"]}"));
	assert_str(state_of(f, id), "asked");
}

/* The link is used up by whichever event; the same press again does nothing; who was left out has a withdrawn link. */
static void test_also_acts(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "errand", ASK);
	struct link bo = link_to(f, id, "bo@example.dk", "do"), eva = link_to(f, id, "eva@example.dk", "do");
	OK(act_also(f, &bo, "pass", 1, "{\"helpers\":[\"per@example.dk\"]}"));
	int64_t entry = f->receipt.history_id;
	OK(act_also(f, &bo, "pass", 1, "{\"helpers\":[\"ole@example.dk\"]}"));
	assert_true(f->receipt.repeated);
	/* The key is the event's own: the first event with the same link and version is no repetition. */
	REFUSED(ERR_CONFLICT, "link.used", act_also(f, &bo, "do", 1, "{\"ok\":true}"));
	bo = link_to(f, id, "bo@example.dk", "do");
	assert_int_equal(bo.state, LINK_USED);
	assert_int_equal(bo.history_id, entry);
	eva = link_to(f, id, "eva@example.dk", "do");
	assert_int_equal(eva.state, LINK_WITHDRAWN);
	assert_str(path_of(f, id), "start start >asked; form pass asked>");
	OK(act(f, id, "per@example.dk", "do", "{\"ok\":true}"));
	assert_str(state_of(f, id), "done");
	assert_sound(f);
}

/* Leaving the state by another event closes the links of those who were offered the same. */
static void test_also_closes(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "errand", ASK);
	struct link bo = link_to(f, id, "bo@example.dk", "do");
	OK(act_also(f, &bo, "refuse", 1, "{\"note\":\"no time\"}"));
	assert_str(state_of(f, id), "gone");
	assert_int_equal(link_to(f, id, "eva@example.dk", "do").state, LINK_USED);
	assert_int_equal(link_to(f, id, "eva@example.dk", "do").history_id, f->receipt.history_id);
	assert_int_equal(link_to(f, id, "ida@example.dk", "call-off").state, LINK_WITHDRAWN);
	assert_sound(f);
}

/* What was typed on one of its forms is not on the other. */
static void test_also_drafts(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "errand", ASK);
	struct link bo = link_to(f, id, "bo@example.dk", "do");
	struct str draft;
	tx_open(f);
	OK(draft_save(f->tx, bo.id, STR("pass"), STR("{\"a\":1}"), clock_now(), &f->err));
	OK(draft_save(f->tx, bo.id, STR("do"), STR("{\"b\":1}"), clock_now(), &f->err));
	OK(draft_load(tx_view(f->tx), bo.id, STR("pass"), f->arena, &draft, &f->err));
	assert_str(draft, "{\"a\":1}");
	OK(draft_load(tx_view(f->tx), bo.id, STR("refuse"), f->arena, &draft, &f->err));
	assert_int_equal(draft.len, 0);
	OK(tx_end(f, true));
	OK(act_also(f, &bo, "refuse", 1, "{\"note\":\"no time\"}"));
	struct view *v = store_view(f->store, &f->err);
	OK(draft_load(v, bo.id, STR("pass"), f->arena, &draft, &f->err));
	assert_int_equal(draft.len, 0);
	view_close(v);
}

/* Before it opens an event is refused, and nothing is written; what the page offers beside has a time of its own. */
static void test_opens(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "visit", VISIT);
	struct link bo = link_to(f, id, "bo@example.dk", "come");
	struct view *v;
	struct link_view look = look_at(f, &bo, &v);
	assert_false(look.open || look.expired);
	assert_str(local_text(f, look.opens_at), "2026-03-03T10:00");
	assert_true(engine_look_also(f->engine, clock_now(), &look, STR("refuse"), f->arena));
	assert_true(look.open);
	assert_true(engine_look_also(f->engine, clock_now(), &look, STR("third"), f->arena));
	assert_false(look.open);
	assert_true(look.opens_at == INT64_MAX);
	view_close(v);
	REFUSED(ERR_CONFLICT, "link.not-open", act_also(f, &bo, "come", 1, "{\"ok\":true}"));
	/* Nobody knows when: not open. */
	REFUSED(ERR_CONFLICT, "link.not-open", act_also(f, &bo, "third", 1, "{\"ok\":true}"));
	jump_to(f, "2026-03-03T09:59");
	REFUSED(ERR_CONFLICT, "link.not-open", act_also(f, &bo, "come", 1, "{\"ok\":true}"));
	assert_int_equal(history_of(f, id).count, 1);
	assert_int_equal(link_to(f, id, "bo@example.dk", "come").state, LINK_LIVE);
	jump_to(f, "2026-03-03T10:00");
	OK(act_also(f, &bo, "come", 1, "{\"ok\":true}"));
	assert_str(state_of(f, id), "done");
	assert_sound(f);
}

static void move_to(struct fixture *f, int64_t id, const char *json) {
	struct link ida = link_to(f, id, "ida@example.dk", "move");
	OK(act_also(f, &ida, "", instance_of(f, id).version, json));
}

/* It is computed when it is looked at: a changed day counts at once, for links that were sent before, too; and `expires` counts from it. */
static void test_opens_moves(void **state) {
	struct fixture *f = *state;
	struct view *v;
	int64_t id = start(f, "visit", VISIT);
	struct link bo = link_to(f, id, "bo@example.dk", "come");
	assert_str(local_text(f, bo.expires_at), "2026-03-05T10:00");
	move_to(f, id, "{\"days\":[\"2026-03-16\"]}");
	struct link_view look = look_at(f, &bo, &v);
	assert_str(local_text(f, look.opens_at), "2026-03-16T08:00");
	assert_str(local_text(f, look.ends_at), "2026-03-18T08:00");
	view_close(v);
	jump_to(f, "2026-03-10T12:00");
	look = look_at(f, &bo, &v);
	assert_false(look.expired || look.open);
	view_close(v);
	REFUSED(ERR_CONFLICT, "link.not-open", act_also(f, &bo, "come", 2, "{\"ok\":true}"));
	advance_to(f, "2026-03-18T07:59");
	int64_t other = start(f, "visit", VISIT);
	OK(act_also(f, &bo, "come", 2, "{\"ok\":true}"));
	bo = link_to(f, other, "bo@example.dk", "come");
	advance_to(f, "2026-03-20T08:00");
	look = look_at(f, &bo, &v);
	assert_true(look.expired);
	assert_false(engine_look_also(f->engine, clock_now(), &look, STR("refuse"), f->arena));
	view_close(v);
}

static bool renew(struct fixture *f, const struct link *link) {
	bool sent;
	tx_open(f);
	OK(tx_end(f, engine_renew(f->engine, f->tx, clock_now(), link, f->arena, &sent, &f->err)));
	return sent;
}

/* The same message to the same contact, with a link that goes on with the draft; asked through the old link once more, that one is sent again. */
static void test_renew(void **state) {
	struct fixture *f = *state;
	struct view *v;
	struct str draft;
	int64_t id = start(f, "visit", VISIT);
	struct link old = link_to(f, id, "bo@example.dk", "come");
	assert_false(renew(f, &old));
	tx_open(f);
	OK(tx_end(f, draft_save(f->tx, old.id, STR("come"), STR("{\"a\":1}"), clock_now(), &f->err)));
	jump_to(f, "2026-03-05T10:00");
	struct link_view look = look_at(f, &old, &v);
	assert_true(look.expired && engine_renewable(&look));
	view_close(v);
	assert_true(renew(f, &old));
	struct link fresh = link_to(f, id, "bo@example.dk", "come");
	assert_int_equal(fresh.state, LINK_LIVE);
	assert_str(local_text(f, fresh.expires_at), "2026-03-07T10:00");
	look = look_at(f, &old, &v);
	assert_int_equal(look.link.state, LINK_SUPERSEDED);
	assert_true(look.link.used_at == clock_now() && engine_renewable(&look));
	OK(draft_load(v, fresh.id, STR("come"), f->arena, &draft, &f->err));
	assert_str(draft, "{\"a\":1}");
	view_close(v);
	assert_str(messages_of(f, id), "please>bo@example.dk queued; sent>ida@example.dk queued; please>bo@example.dk queued");
	assert_true(renew(f, &old));
	assert_memory_equal(link_to(f, id, "bo@example.dk", "come").id, fresh.id, sizeof fresh.id);
	assert_false(renew(f, &fresh));
	REFUSED(ERR_CONFLICT, "link.withdrawn", act_also(f, &old, "come", 1, "{\"ok\":true}"));
	OK(act_also(f, &fresh, "come", 1, "{\"ok\":true}"));
	assert_false(renew(f, &old));
	assert_false(renew(f, &fresh));
	assert_sound(f);
}

/* Nobody gets a link for what they have no part in, or what cannot be done any more. */
static void test_renew_refused(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "errand", ASK);
	struct link bo = link_to(f, id, "bo@example.dk", "do"), eva = link_to(f, id, "eva@example.dk", "do");
	OK(act_also(f, &bo, "pass", 1, "{\"helpers\":[\"per@example.dk\"]}"));
	assert_false(renew(f, &eva));
	assert_false(renew(f, &bo));
	/* Asked again, with the link that was withdrawn: it is hers. */
	struct link per = link_to(f, id, "per@example.dk", "do");
	OK(act_also(f, &per, "pass", 2, "{\"helpers\":[\"eva@example.dk\"]}"));
	assert_true(renew(f, &eva));
	advance_to(f, "2026-05-01T10:00");
	assert_str(state_of(f, id), "gone");
	assert_false(renew(f, &eva));
	assert_sound(f);
}

/* A reminder after the end brings a new link, and the old one knows. */
static void test_superseded_by_a_message(void **state) {
	struct fixture *f = *state;
	struct view *v;
	int64_t id = start(f, "visit", VISIT);
	struct link bo = link_to(f, id, "bo@example.dk", "come");
	advance_to(f, "2026-03-04T10:00");
	assert_memory_equal(link_to(f, id, "bo@example.dk", "come").id, bo.id, sizeof bo.id);
	advance_to(f, "2026-03-12T10:00");
	struct link_view look = look_at(f, &bo, &v);
	view_close(v);
	assert_int_equal(look.link.state, LINK_SUPERSEDED);
	assert_str(local_text(f, look.link.used_at), "2026-03-12T10:00");
	assert_str(local_text(f, link_to(f, id, "bo@example.dk", "come").expires_at), "2026-03-14T10:00");
}

static bool take_act(struct fixture *f, int64_t id, const char *address, const char *view, const char *event, struct link *out) {
	struct contact contact;
	struct view *v = store_view(f->store, &f->err);
	OK(v && contact_find(v, CHANNEL_MAIL, str_from(address), f->arena, &contact, &f->err));
	view_close(v);
	struct page_act taken = {id, contact.id, str_from(view), str_from(event)};
	tx_open(f);
	return tx_end(f, engine_page_link(f->engine, f->tx, clock_now(), &taken, f->arena, out, &f->err));
}

/* Whoever sees the page gets a link for what it offers to their role now, the same one each time; and nothing else. */
static void test_acts_of_a_page(void **state) {
	struct fixture *f = *state;
	int64_t id = start(f, "errand", ASK), other = start(f, "errand", "{\"mail\":\"per@example.dk\",\"helpers\":[\"ole@example.dk\"]}");
	struct link link, again;
	OK(take_act(f, id, "ida@example.dk", "page", "pass", &link));
	assert_str(link.role, "asker");
	assert_int_equal(link.kind, LINK_TASK);
	OK(take_act(f, id, "ida@example.dk", "page", "pass", &again));
	assert_memory_equal(link.id, again.id, sizeof link.id);
	REFUSED(ERR_CONFLICT, "link.not-now", take_act(f, id, "ida@example.dk", "bare", "pass", &again));
	REFUSED(ERR_CONFLICT, "link.not-now", take_act(f, id, "ida@example.dk", "nothing", "pass", &again));
	REFUSED(ERR_CONFLICT, "link.not-now", take_act(f, id, "ida@example.dk", "page", "do", &again));
	REFUSED(ERR_CONFLICT, "link.not-now", take_act(f, id, "bo@example.dk", "page", "call-off", &again));
	REFUSED(ERR_CONFLICT, "link.not-now", take_act(f, other, "ida@example.dk", "page", "pass", &again));
	OK(act_through(f, &link, 1, "{\"helpers\":[\"eva@example.dk\"]}"));
	REFUSED(ERR_CONFLICT, "link.not-now", take_act(f, id, "bo@example.dk", "page", "pass", &again)); /* left the role */
	OK(take_act(f, id, "ida@example.dk", "page", "call-off", &link));
	OK(act_through(f, &link, 2, "{\"ok\":true}"));
	REFUSED(ERR_CONFLICT, "link.not-now", take_act(f, id, "ida@example.dk", "page", "call-off", &again));
	assert_str(state_of(f, id), "gone");
	assert_sound(f);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_also_offers, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_acts_of_a_page, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_also_acts, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_also_closes, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_also_drafts, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_opens, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_opens_moves, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_renew, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_renew_refused, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_superseded_by_a_message, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
