/* Lives of a link: what else its page offers (also). */
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
        "  gone: {final: true}\n";

#define ASK "{\"mail\":\"ida@example.dk\",\"helpers\":[\"bo@example.dk\",\"eva@example.dk\"]}"

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, errand, NULL, NULL);
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
	assert_true(engine_look_also(&look, STR("pass")));
	assert_str(look.event->name, "pass");
	assert_str(look.form->name, "pass");
	assert_str(look.own->name, "do");
	assert_true(engine_look_also(&look, STR("do")));
	assert_false(engine_look_also(&look, STR("call-off")));
	assert_false(engine_look_also(&look, STR("nothing")));
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

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_also_offers, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_also_acts, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_also_closes, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_also_drafts, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
