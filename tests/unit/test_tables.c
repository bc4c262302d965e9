#include "engine/store/access.h"
#include "engine/store/blobs.h"
#include "engine/store/facts.h"
#include "engine/store/links.h"
#include "engine/store/mailbox.h"
#include "engine/store/registers.h"
#include "engine/store/timers.h"

#include "tests/unit/store_fixture.h"

static struct view *view(struct fixture *f) {
	return tx_view(f->tx);
}

static void contacts_are_unique_by_key(void **state) {
	struct fixture *f = *state;
	int64_t again, sms;
	OK(contact_ensure(f->tx, CHANNEL_MAIL, STR("ANN@example.org"), STR("ann@example.org"), STR("en"), 2000, &again, &f->err));
	assert_int_equal(again, f->contact);
	OK(contact_ensure(f->tx, CHANNEL_SMS, STR("ann@example.org"), STR("ann@example.org"), STR(""), 2000, &sms, &f->err));
	assert_int_not_equal(sms, f->contact);
	struct contact c;
	/* A language is learnt once, and not taken from whoever types the address next. */
	OK(contact_ensure(f->tx, CHANNEL_SMS, STR("ann@example.org"), STR("ann@example.org"), STR("en"), 2000, &again, &f->err));
	OK(contact_load(view(f), sms, f->arena, &c, &f->err));
	assert_true(again == sms && str_is(c.language, "en"));
	OK(contact_find(view(f), CHANNEL_MAIL, STR("ann@example.org"), f->arena, &c, &f->err));
	assert_int_equal(c.id, f->contact);
	assert_str(c.value, "Ann@example.org");
	assert_str(c.language, "da");
	assert_int_equal(c.verified_at, 0);
	OK(contact_verify(f->tx, c.id, 3000, &f->err));
	OK(contact_verify(f->tx, c.id, 4000, &f->err));
	OK(contact_set_language(f->tx, c.id, STR("en"), &f->err));
	OK(contact_load(view(f), c.id, f->arena, &c, &f->err));
	assert_int_equal(c.verified_at, 3000);
	assert_str(c.language, "en");
	REFUSED(ERR_NOT_FOUND, contact_load(view(f), 99, f->arena, &c, &f->err));
	REFUSED(ERR_NOT_FOUND, contact_find(view(f), CHANNEL_SMS, STR("x"), f->arena, &c, &f->err));
}

static void participations_keep_their_order(void **state) {
	struct fixture *f = *state;
	int64_t bo;
	OK(contact_ensure(f->tx, CHANNEL_SMS, STR("+4512345678"), STR("+4512345678"), STR(""), 2000, &bo, &f->err));
	OK(participation_add(f->tx, f->instance, STR("boss"), bo, STR("Bo"), &f->err));
	OK(participation_add(f->tx, f->instance, STR("worker"), f->contact, STR("Ann"), &f->err));
	OK(participation_add(f->tx, f->instance, STR("boss"), bo, STR("Bo B."), &f->err));
	struct participation_list list;
	OK(participation_list(view(f), f->instance, 0, f->arena, &list, &f->err));
	assert_int_equal(list.count, 2);
	assert_str(list.items[0].role, "boss");
	assert_str(list.items[0].name, "Bo B.");
	assert_int_equal(list.items[0].contact.channel, CHANNEL_SMS);
	assert_int_equal(list.items[1].contact.id, f->contact);
	OK(participation_remove(f->tx, f->instance, STR("boss"), bo, &f->err));
	OK(participation_list(view(f), f->instance, 0, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
	REFUSED(ERR_PERMANENT, participation_add(f->tx, 99, STR("boss"), bo, STR(""), &f->err));
}

static void instances_come_back_whole(void **state) {
	struct fixture *f = *state;
	struct instance root, child = fixture_instance(f, f->instance), grandchild = fixture_instance(f, child.id);
	OK(instance_load(view(f), f->instance, f->arena, &root, &f->err));
	assert_int_equal(root.reference.len, 9);
	for (size_t i = 0; i < 9; i++)
		assert_non_null(memchr(i == 4 ? "-" : "23456789ABCDEFGHJKLMNPQRSTUVWXYZ", root.reference.at[i], i == 4 ? 1 : 32));
	assert_int_equal(root.root_id, root.id);
	assert_int_equal(root.parent_id, 0);
	assert_int_equal(root.definition[0], 1);
	assert_int_equal(child.root_id, root.id);
	assert_int_equal(grandchild.root_id, root.id);
	assert_false(str_equal(root.reference, child.reference));
	struct instance found;
	OK(instance_by_reference(view(f), child.reference, f->arena, &found, &f->err));
	assert_int_equal(found.id, child.id);
	assert_int_equal(found.parent_id, root.id);
	REFUSED(ERR_NOT_FOUND, instance_by_reference(view(f), STR("0000-0000"), f->arena, &found, &f->err));
	REFUSED(ERR_NOT_FOUND, instance_load(view(f), 99, f->arena, &found, &f->err));
}

static void an_update_needs_the_version_before(void **state) {
	struct fixture *f = *state;
	struct instance i;
	OK(instance_load(view(f), f->instance, f->arena, &i, &f->err));
	i.state = STR("done"), i.data = STR("{\"a\":1}"), i.version = 2, i.changed_at = 5000, i.ended_at = 5000;
	OK(instance_update(f->tx, &i, &f->err));
	REFUSED(ERR_CONFLICT, instance_update(f->tx, &i, &f->err));
	i.version = 4;
	REFUSED(ERR_CONFLICT, instance_update(f->tx, &i, &f->err));
	OK(instance_load(view(f), f->instance, f->arena, &i, &f->err));
	assert_str(i.state, "done");
	assert_str(i.data, "{\"a\":1}");
	assert_int_equal(i.version, 2);
	assert_int_equal(i.ended_at, 5000);
}

static struct instance_list query(struct fixture *f, struct instance_query q, int64_t expected_total) {
	struct instance_list list;
	int64_t total;
	OK(instance_query(view(f), &q, f->arena, &list, &total, &f->err));
	assert_int_equal(total, expected_total);
	return list;
}

static void instances_are_queried(void **state) {
	struct fixture *f = *state;
	int64_t ids[4] = {f->instance};
	for (size_t i = 0; i < 4; i++) {
		struct instance it = i ? fixture_instance(f, i == 3 ? f->instance : 0) : (struct instance){.id = f->instance};
		ids[i] = it.id;
		OK(instance_load(view(f), it.id, f->arena, &it, &f->err));
		it.version++, it.changed_at = 2000 + (int64_t)i, it.state = i == 2 ? STR("done") : STR("open"), it.ended_at = i == 2;
		OK(instance_update(f->tx, &it, &f->err));
	}
	struct instance_list list = query(f, (struct instance_query){0}, 4);
	assert_int_equal(list.items[0].id, ids[3]); /* newest change first */
	list = query(f, (struct instance_query){.workflow = STR("case"), .limit = 2, .offset = 1}, 4);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].id, ids[2]);
	query(f, (struct instance_query){.workflow = STR("other")}, 0);
	list = query(f, (struct instance_query){.workflow = STR("case"), .state = STR("done")}, 1);
	assert_int_equal(list.items[0].id, ids[2]);
	query(f, (struct instance_query){.state = STR("done")}, 1);
	list = query(f, (struct instance_query){.parent_id = ids[0]}, 1);
	assert_int_equal(list.items[0].id, ids[3]);

	struct buf counts;
	buf_init(&counts, 1000);
	OK(instance_count_by_state(view(f), f->arena, &counts, &f->err));
	assert_str(buf_text(&counts), "case done 1\ncase open 3\n");
	buf_free(&counts);
}

static void definitions_are_kept(void **state) {
	struct fixture *f = *state;
	const unsigned char unused[SECRET_HASH] = {2}, used[SECRET_HASH] = {1};
	OK(definition_keep(f->tx, unused, STR("case"), STR("newer"), 2000, &f->err));
	OK(definition_keep(f->tx, used, STR("case"), STR("never replaced"), 2000, &f->err));
	struct kept_definition_list list;
	OK(definition_in_use(view(f), f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
	assert_memory_equal(list.items[0].hash, used, SECRET_HASH);
	assert_str(list.items[0].source, "source");
	struct str source;
	OK(definition_load_kept(view(f), unused, f->arena, &source, &f->err));
	assert_str(source, "newer");
	const unsigned char none[SECRET_HASH] = {3};
	REFUSED(ERR_NOT_FOUND, definition_load_kept(view(f), none, f->arena, &source, &f->err));
	struct instance i;
	OK(instance_load(view(f), f->instance, f->arena, &i, &f->err));
	i.version++, i.ended_at = 9;
	OK(instance_update(f->tx, &i, &f->err));
	OK(definition_in_use(view(f), f->arena, &list, &f->err));
	assert_int_equal(list.count, 0);
	memcpy(i.definition, none, sizeof none);
	i.reference = STR(""); /* its own is taken */
	REFUSED(ERR_PERMANENT, instance_insert(f->tx, f->arena, &i, &f->err)); /* not kept before */
}

static void set_timer(struct fixture *f, int64_t instance, int64_t root, const char *name, int64_t due_at, int64_t priority) {
	struct timer t = {.instance_id = instance, .root_id = root, .state = STR("open"), .name = str_from(name), .due_at = due_at, .priority = priority};
	OK(timer_set(f->tx, &t, &f->err));
}

/* Before the id, and after priority and instant. */
static void timers_of_one_instant(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *name;
		int64_t due_at, priority, order;
	} set[] = {{"e", 200, 50, 9}, {"c", 200, 50, -1}, {"b", 200, 49, 10}, {"d", 200, 50, 3}, {"a", 100, 60, 12}, {"f", 200, 50, 9}};
	struct timer t;
	bool found;
	for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
		t = (struct timer){.instance_id = f->instance, .root_id = f->instance, .state = STR("open"), .name = str_from(set[i].name), .due_at = set[i].due_at,
		                   .priority = set[i].priority, .order = set[i].order};
		OK(timer_set(f->tx, &t, &f->err));
	}
	OK(timer_reorder(f->tx, f->instance, STR("e"), 8, &f->err));
	OK(timer_reorder(f->tx, f->instance, STR("none"), 8, &f->err));
	struct timer_list list;
	OK(timer_overdue(view(f), 200, 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 6);
	for (size_t i = 0; i < list.count; i++) {
		assert_int_equal(list.items[i].name.at[0], 'a' + (int)i);
		OK(timer_overdue_of_root(view(f), f->instance, 200, f->arena, &t, &found, &f->err));
		assert_true(found && str_equal(t.name, list.items[i].name) && t.order == list.items[i].order);
		OK(timer_cancel(f->tx, f->instance, t.name, &f->err));
	}
}

static void timers_come_in_order(void **state) {
	struct fixture *f = *state;
	int64_t other = fixture_instance(f, 0).id, due_at;
	OK(timer_next(view(f), &due_at, &f->err));
	assert_true(due_at == INT64_MAX);
	set_timer(f, f->instance, f->instance, "late", 300, 1);
	set_timer(f, f->instance, f->instance, "second", 200, 2);
	set_timer(f, f->instance, f->instance, "first", 200, 1);
	set_timer(f, other, other, "elsewhere", 100, 9);
	OK(timer_next(view(f), &due_at, &f->err));
	assert_int_equal(due_at, 100);
	struct timer_list list;
	OK(timer_overdue(view(f), 200, 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 3);
	assert_str(list.items[0].name, "elsewhere");
	assert_str(list.items[1].name, "first");
	OK(timer_overdue(view(f), 200, 1, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1);
	struct timer t;
	bool found;
	OK(timer_overdue_of_root(view(f), f->instance, 200, f->arena, &t, &found, &f->err));
	assert_true(found);
	assert_str(t.name, "first");
	assert_int_equal(t.instance_id, f->instance);
	OK(timer_overdue_of_root(view(f), f->instance, 199, f->arena, &t, &found, &f->err));
	assert_false(found);
	t.due_at = 400, t.fired = 2;
	OK(timer_set(f->tx, &t, &f->err)); /* replaces */
	OK(timer_list(view(f), f->instance, f->arena, &list, &f->err));
	assert_int_equal(list.count, 3);
	assert_str(list.items[0].name, "first");
	assert_int_equal(list.items[0].due_at, 400);
	assert_int_equal(list.items[0].fired, 2);
	OK(timer_cancel(f->tx, f->instance, STR("first"), &f->err));
	OK(timer_cancel(f->tx, f->instance, STR("never set"), &f->err));
	OK(timer_list(view(f), f->instance, f->arena, &list, &f->err));
	assert_int_equal(list.count, 2);
	OK(timer_cancel_all(f->tx, f->instance, &f->err));
	OK(timer_next(view(f), &due_at, &f->err));
	assert_int_equal(due_at, 100);
}

static struct signal_row next_signal(struct fixture *f, int64_t root_id) {
	struct signal_row row = {0};
	bool found;
	OK(mailbox_next(view(f), root_id, f->arena, &row, &found, &f->err));
	assert_int_equal(found, row.id != 0);
	return row;
}

static void early_signals_wait(void **state) {
	struct fixture *f = *state;
	bool any;
	int64_t other = fixture_instance(f, 0).id;
	struct signal_row row = {.instance_id = f->instance, .root_id = f->instance, .event = STR("first"), .data = STR("{}"), .at = 5};
	OK(mailbox_put(f->tx, &row, &f->err));
	row.event = STR("second"), row.from_instance_id = other;
	OK(mailbox_put(f->tx, &row, &f->err));
	row.instance_id = row.root_id = other;
	OK(mailbox_put(f->tx, &row, &f->err));
	struct signal_row first = next_signal(f, 0);
	assert_str(first.event, "first");
	assert_int_equal(first.from_instance_id, 0);
	assert_int_equal(next_signal(f, other).instance_id, other);
	OK(mailbox_hold(f->tx, first.id, &f->err));
	REFUSED(ERR_CONFLICT, mailbox_hold(f->tx, first.id, &f->err));
	struct signal_row second = next_signal(f, f->instance);
	assert_str(second.event, "second");
	assert_int_equal(second.from_instance_id, other);
	OK(mailbox_remove(f->tx, second.id, &f->err));
	REFUSED(ERR_CONFLICT, mailbox_remove(f->tx, second.id, &f->err));
	assert_int_equal(next_signal(f, f->instance).id, 0);
	OK(mailbox_release(f->tx, f->instance, &any, &f->err) && any);
	assert_int_equal(next_signal(f, 0).id, first.id);
	OK(mailbox_release(f->tx, f->instance, &any, &f->err) && !any);
}

static void registers_keep_their_versions(void **state) {
	struct fixture *f = *state;
	struct register_row rows[] = {{.key = STR("b"), .data = STR("{1}"), .position = 1}, {.key = STR("a"), .data = STR("{2}"), .position = 2},
	                              {.key = STR("c"), .data = STR("{3}"), .position = 3}};
	struct register_change c;
	assert_int_equal(register_generation(view(f)), 0);
	OK(register_replace(f->tx, STR("case.list"), rows, 3, 100, &c, &f->err));
	assert_true(c.added == 3 && c.changed == 0 && c.removed == 0 && c.same == 0);
	rows[0].data = STR("{9}");
	rows[1].position = 0;
	rows[2].key = STR("d");
	OK(register_compare(view(f), STR("case.list"), rows, 3, f->arena, &c, &f->err));
	assert_true(c.added == 1 && c.changed == 1 && c.removed == 1 && c.same == 1);
	assert_int_equal(register_generation(view(f)), 1);
	OK(register_replace(f->tx, STR("case.list"), rows, 3, 200, &c, &f->err));
	assert_true(c.added == 1 && c.changed == 1 && c.removed == 1 && c.same == 1);
	assert_int_equal(register_generation(view(f)), 2);
	struct register_rows list;
	OK(register_rows(view(f), STR("case.list"), f->arena, &list, &f->err));
	assert_int_equal(list.count, 3);
	assert_str(list.items[0].key, "a");
	assert_int_equal(list.items[0].version, 1);
	assert_str(list.items[1].key, "b");
	assert_int_equal(list.items[1].version, 2);
	struct register_row row;
	OK(register_row(view(f), STR("case.list"), STR("b"), 1, f->arena, &row, &f->err));
	assert_str(row.data, "{1}");
	OK(register_row(view(f), STR("case.list"), STR("b"), 0, f->arena, &row, &f->err));
	assert_str(row.data, "{9}");
	REFUSED(ERR_NOT_FOUND, register_row(view(f), STR("case.list"), STR("c"), 0, f->arena, &row, &f->err));
	OK(register_row(view(f), STR("case.list"), STR("c"), 1, f->arena, &row, &f->err)); /* ended, yet kept for who refers to it */
	rows[2].key = STR("c");
	OK(register_replace(f->tx, STR("case.list"), rows, 3, 300, &c, &f->err));
	OK(register_row(view(f), STR("case.list"), STR("c"), 0, f->arena, &row, &f->err));
	assert_int_equal(row.version, 2);
	rows[1].key = STR("c");
	tx_mark(f->tx);
	REFUSED(ERR_INPUT, register_replace(f->tx, STR("case.list"), rows, 3, 400, &c, &f->err));
	assert_string_equal(f->err.arg[0], "c");
	assert_false(tx_dirty(f->tx));
	OK(register_rows(view(f), STR("case.other"), f->arena, &list, &f->err));
	assert_int_equal(list.count, 0);
	OK(register_replace(f->tx, STR("case.list"), NULL, 0, 500, &c, &f->err));
	assert_int_equal(c.removed, 3);
}

static int64_t count(struct fixture *f, const char *key, int64_t now) {
	int64_t n;
	OK(counter_add(f->tx, STR("starts"), str_from(key), now, 1000, &n, &f->err));
	return n;
}

static void counters_slide(void **state) {
	struct fixture *f = *state;
	int64_t n;
	assert_int_equal(count(f, "x", 1), 1);
	assert_int_equal(count(f, "x", 1), 2);
	assert_int_equal(count(f, "y", 1), 1);
	assert_int_equal(count(f, "x", 1000), 3);
	assert_int_equal(count(f, "x", 1001), 2); /* those of 1 are out */
	OK(counter_read(view(f), STR("starts"), STR("x"), 1999, 1000, &n, &f->err));
	assert_int_equal(n, 2);
	OK(counter_read(view(f), STR("starts"), STR("x"), 2001, 1000, &n, &f->err));
	assert_int_equal(n, 0);
	for (int64_t i = 1; i <= 500; i++)
		assert_int_equal(count(f, "flood", 5000 + i), i); /* counted all, though not kept one by one */
	OK(counter_sweep(f->tx, 5010 + INT64_C(31) * 86400000, 1000, &f->err));
	OK(counter_read(view(f), STR("starts"), STR("flood"), 5500, 10000, &n, &f->err));
	assert_int_equal(n, 490);
}

static void a_log_in_has_few_tries(void **state) {
	struct fixture *f = *state;
	struct login in = {.id = {1}, .browser = {2}, .key_id = 1, .address = STR("ann@example.org"), .created_at = 100, .expires_at = 700, .max_tries = 3}, out;
	OK(login_insert(f->tx, &in, &f->err));
	for (int64_t i = 1; i <= 3; i++) {
		OK(login_try(f->tx, in.id, 200, f->arena, &out, &f->err));
		assert_int_equal(out.tries, i);
	}
	assert_int_equal(out.browser[0], 2);
	assert_int_equal(out.contact_id, 0);
	assert_str(out.address, "ann@example.org");
	REFUSED(ERR_CONFLICT, login_try(f->tx, in.id, 200, f->arena, &out, &f->err));
	in.id[0] = 3;
	OK(login_insert(f->tx, &in, &f->err));
	REFUSED(ERR_CONFLICT, login_try(f->tx, in.id, 700, f->arena, &out, &f->err));
	REFUSED(ERR_CONFLICT, login_use(f->tx, in.id, 700, &f->err));
	OK(login_use(f->tx, in.id, 699, &f->err));
	REFUSED(ERR_CONFLICT, login_use(f->tx, in.id, 699, &f->err));
	REFUSED(ERR_CONFLICT, login_try(f->tx, in.id, 200, f->arena, &out, &f->err));
	OK(counter_sweep(f->tx, 700 + INT64_C(31) * 86400000, 10, &f->err));
	REFUSED(ERR_NOT_FOUND, login_load(view(f), in.id, f->arena, &out, &f->err));
}

static enum browser_met meet(struct fixture *f, unsigned char number, int64_t now) {
	unsigned char id[SECRET_HASH] = {number};
	enum browser_met met;
	OK(browser_meet(f->tx, f->contact, id, now, now - 1000, &met, &f->err));
	return met;
}

static void browsers_are_remembered(void **state) {
	struct fixture *f = *state;
	assert_int_equal(meet(f, 1, 5000), BROWSER_FIRST);
	assert_int_equal(meet(f, 1, 5100), BROWSER_KNOWN);
	assert_int_equal(meet(f, 2, 5200), BROWSER_NEW);
	assert_int_equal(meet(f, 1, 6101), BROWSER_NEW); /* not seen for too long */
	for (unsigned char i = 3; i < 3 + BROWSERS; i++)
		assert_int_equal(meet(f, i, 6200 + i), BROWSER_NEW);
	assert_int_equal(meet(f, 3 + BROWSERS - 1, 6300), BROWSER_KNOWN);
	assert_int_equal(meet(f, 1, 6300), BROWSER_NEW); /* the newest ten are kept */
	assert_int_equal(meet(f, 4, 6301), BROWSER_KNOWN);
	assert_int_equal(meet(f, 3, 6302), BROWSER_NEW);
}

static void sessions_end(void **state) {
	struct fixture *f = *state;
	struct session in = {.id = {1}, .contact_id = f->contact, .created_at = 100, .seen_at = 100, .ends_at = 1000}, out;
	OK(session_insert(f->tx, &in, &f->err));
	OK(session_load(view(f), in.id, 149, 50, &out, &f->err));
	assert_int_equal(out.contact_id, f->contact);
	REFUSED(ERR_NOT_FOUND, session_load(view(f), in.id, 150, 50, &out, &f->err));
	OK(session_touch(f->tx, in.id, 140, &f->err));
	OK(session_load(view(f), in.id, 150, 50, &out, &f->err));
	REFUSED(ERR_NOT_FOUND, session_load(view(f), in.id, 1000, 5000, &out, &f->err));
	OK(session_remove(f->tx, in.id, &f->err));
	REFUSED(ERR_NOT_FOUND, session_load(view(f), in.id, 150, 50, &out, &f->err));
	OK(session_insert(f->tx, &in, &f->err));
	OK(session_remove_all(f->tx, f->contact, &f->err));
	REFUSED(ERR_NOT_FOUND, session_load(view(f), in.id, 149, 50, &out, &f->err));
	struct session later = {.id = {2}, .contact_id = f->contact, .created_at = 200, .seen_at = 200, .ends_at = 2000};
	struct session_list list;
	int64_t count;
	OK(session_insert(f->tx, &in, &f->err));
	OK(session_insert(f->tx, &later, &f->err));
	OK(session_list(view(f), 150, 0, 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].created_at, 200);
	OK(session_list(view(f), 1000, 0, 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 1); /* the other has ended */
	OK(session_remove_everybody(f->tx, &count, &f->err));
	assert_int_equal(count, 2);
	OK(session_list(view(f), 150, 0, 10, f->arena, &list, &f->err));
	assert_int_equal(list.count, 0);
}

static void facts_are_replaced(void **state) {
	struct fixture *f = *state;
	struct fact fact = {.instance_id = f->instance, .item = STR("item 1"), .basis = STR("hand"), .contact_id = f->contact, .at = 5}, out;
	bool found;
	OK(fact_put(f->tx, &fact, &f->err));
	fact.basis = STR("rule"), fact.contact_id = 0;
	OK(fact_put(f->tx, &fact, &f->err));
	OK(fact_find(view(f), f->instance, STR("item 1"), f->arena, &out, &found, &f->err));
	assert_true(found);
	assert_str(out.basis, "rule");
	assert_int_equal(out.contact_id, 0);
	OK(fact_remove(f->tx, f->instance, STR("item 1"), &f->err));
	OK(fact_find(view(f), f->instance, STR("item 1"), f->arena, &out, &found, &f->err));
	assert_false(found);
}

static void blobs_are_read_by_the_chunk(void **state) {
	struct fixture *f = *state;
	size_t size = 2 * BLOB_CHUNK + 100;
	char *bytes = arena_alloc(f->arena, size);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 7 % 251);
	int64_t id, empty;
	struct str content = {bytes, size}, nothing = STR("");
	struct blob report = {.instance_id = f->instance, .name = STR("report.pdf"), .type = STR("application/pdf"), .size = (int64_t)size, .at = 5}, info;
	struct blob none = {.name = STR("empty"), .type = STR("text/plain"), .at = 5};
	OK(blob_put(f->tx, &report, bytes_of(&content), &id, &f->err));
	OK(blob_put(f->tx, &none, bytes_of(&nothing), &empty, &f->err));
	size_t at = 0;
	for (struct str part = STR("x"); part.len > 0; at += part.len) {
		OK(blob_read(view(f), id, (int64_t)at, f->arena, &part, &f->err));
		assert_memory_equal(part.at, bytes + at, part.len);
	}
	assert_int_equal(at, size);
	struct str part;
	OK(blob_read(view(f), id, BLOB_CHUNK + 10, f->arena, &part, &f->err));
	assert_int_equal(part.len, BLOB_CHUNK - 10);
	assert_memory_equal(part.at, bytes + BLOB_CHUNK + 10, part.len);
	OK(blob_read(view(f), empty, 0, f->arena, &part, &f->err));
	assert_int_equal(part.len, 0);
	OK(blob_info(view(f), id, f->arena, &info, &f->err));
	assert_str(info.name, "report.pdf");
	assert_str(info.type, "application/pdf");
	assert_int_equal(info.size, size);
	assert_int_equal(info.instance_id, f->instance);
	assert_false(info.drafted);
	REFUSED(ERR_NOT_FOUND, blob_info(view(f), 99, f->arena, &info, &f->err));
}

static void blobs_go_with_their_draft_unless_claimed(void **state) {
	struct fixture *f = *state;
	struct link l = {.id = {7}, .kind = LINK_START, .workflow = STR("case"), .task = STR("ask"), .role = STR("worker"), .expires_at = 100};
	struct str content = STR("bytes");
	struct blob blob = {.name = STR("a.txt"), .type = STR("text/plain"), .size = 5, .at = 5, .drafted = true, .task = STR("ask"), .link_id = {7}}, info;
	static const unsigned char other[SECRET_ID] = {8};
	int64_t ids[4];
	OK(link_insert(f->tx, &l, &f->err));
	OK(draft_save(f->tx, l.id, l.task, STR("{}"), 5, &f->err));
	for (int i = 0; i < 4; i++)
		OK(blob_put(f->tx, &blob, bytes_of(&content), &ids[i], &f->err));
	OK(blob_claim(f->tx, ids[0], other, f->instance, &f->err));
	OK(blob_info(view(f), ids[0], f->arena, &info, &f->err));
	assert_true(info.drafted && info.instance_id == 0 && info.link_id[0] == 7);
	OK(blob_claim(f->tx, ids[1], l.id, f->instance, &f->err));
	OK(blob_remove(f->tx, ids[1], l.id, l.task, &f->err)); /* the instance's: stays */
	OK(blob_remove(f->tx, ids[2], other, l.task, &f->err)); /* another link's: stays */
	OK(blob_info(view(f), ids[2], f->arena, &info, &f->err));
	OK(blob_remove(f->tx, ids[2], l.id, l.task, &f->err));
	REFUSED(ERR_NOT_FOUND, blob_info(view(f), ids[2], f->arena, &info, &f->err));
	OK(draft_save(f->tx, l.id, l.task, STR("{\"a\":[]}"), 6, &f->err));
	OK(blob_info(view(f), ids[3], f->arena, &info, &f->err));
	/* One file at a time, then the draft. */
	bool left;
	OK(draft_sweep(f->tx, 0, 10, &left, &f->err));
	assert_false(left);
	for (int i = 0; i < 3; i++) {
		struct str draft;
		OK(draft_sweep(f->tx, 200, 10, &left, &f->err));
		OK(draft_load(view(f), l.id, l.task, f->arena, &draft, &f->err));
		assert_true(left == (i < 2) && (draft.len > 0) == left);
	}
	REFUSED(ERR_NOT_FOUND, blob_info(view(f), ids[3], f->arena, &info, &f->err));
	struct str part;
	OK(blob_read(view(f), ids[3], 0, f->arena, &part, &f->err));
	assert_int_equal(part.len, 0);
	OK(blob_read(view(f), ids[1], 0, f->arena, &part, &f->err));
	assert_str(part, "bytes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(contacts_are_unique_by_key),
	        TEST(participations_keep_their_order),
	        TEST(instances_come_back_whole),
	        TEST(an_update_needs_the_version_before),
	        TEST(instances_are_queried),
	        TEST(definitions_are_kept),
	        TEST(timers_come_in_order), TEST(timers_of_one_instant),
	        TEST(early_signals_wait),
	        TEST(registers_keep_their_versions),
	        TEST(counters_slide),
	        TEST(a_log_in_has_few_tries),
	        TEST(browsers_are_remembered),
	        TEST(sessions_end),
	        TEST(facts_are_replaced),
	        TEST(blobs_are_read_by_the_chunk), TEST(blobs_go_with_their_draft_unless_claimed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
