#include "engine/store/history.h"

#include "tests/unit/store_fixture.h"

#include "engine/store/handle.h"

static struct history entry(struct fixture *f, int64_t seq) {
	struct history h = {.instance_id = f->instance, .seq = seq, .at = 1000 * seq, .kind = STR("form"), .event = STR("approve"),
	                    .from = STR("open"), .to = STR("done"), .contact_id = f->contact, .role = STR("worker"),
	                    .payload = STR("{\"set\":{\"a\":1}}")};
	h.key[0] = (unsigned char)seq;
	return h;
}

static void append(struct fixture *f, int64_t count) {
	for (int64_t seq = 1; seq <= count; seq++) {
		struct history h = entry(f, seq);
		OK(history_append(f->tx, f->keys, &h, &f->err));
	}
}

static struct history_list list(struct fixture *f) {
	struct history_list entries;
	OK(history_list(tx_view(f->tx), f->instance, f->arena, &entries, &f->err));
	return entries;
}

static void change(struct fixture *f, const char *sql) {
	OK(db_script(tx_db(f->tx), sql, &f->err));
}

static bool verifies(struct fixture *f) {
	struct history_list entries = list(f);
	return history_verify(f->keys, &entries, &f->err);
}

static void entries_come_back_and_verify(void **state) {
	struct fixture *f = *state;
	append(f, 3);
	struct history_list entries = list(f);
	assert_int_equal(entries.count, 3);
	struct history *h = &entries.items[1];
	assert_int_equal(h->seq, 2);
	assert_int_equal(h->at, 2000);
	assert_str(h->kind, "form");
	assert_str(h->event, "approve");
	assert_str(h->from, "open");
	assert_str(h->to, "done");
	assert_str(h->role, "worker");
	assert_str(h->payload, "{\"set\":{\"a\":1}}");
	assert_int_equal(h->contact_id, f->contact);
	assert_false(h->refused || h->erased);
	assert_memory_not_equal(h->salt, entries.items[0].salt, SECRET_ID);
	OK(history_verify(f->keys, &entries, &f->err));
	struct history found;
	OK(history_by_key(tx_view(f->tx), h->key, f->arena, &found, &f->err));
	assert_int_equal(found.id, h->id);
	const unsigned char other[SECRET_HASH] = {99};
	REFUSED(ERR_NOT_FOUND, history_by_key(tx_view(f->tx), other, f->arena, &found, &f->err));
}

static void a_repeated_key_is_a_conflict(void **state) {
	struct fixture *f = *state;
	append(f, 2);
	tx_mark(f->tx);
	struct history again = entry(f, 3);
	again.key[0] = 1;
	REFUSED(ERR_CONFLICT, history_append(f->tx, f->keys, &again, &f->err));
	assert_true(tx_alive(f->tx));
	assert_false(tx_dirty(f->tx));
	struct history none[2] = {entry(f, 3), entry(f, 4)}; /* without a key there is nothing to repeat */
	for (size_t i = 0; i < 2; i++) {
		memset(none[i].key, 0, SECRET_HASH);
		OK(history_append(f->tx, f->keys, &none[i], &f->err));
	}
	assert_true(verifies(f));
	fixture_commit(f);
}

static void seqs_have_no_gap(void **state) {
	struct fixture *f = *state;
	append(f, 2);
	struct history h = entry(f, 4);
	REFUSED(ERR_PERMANENT, history_append(f->tx, f->keys, &h, &f->err));
	h = entry(f, 2);
	h.key[0] = 77;
	REFUSED(ERR_CONFLICT, history_append(f->tx, f->keys, &h, &f->err));
	assert_true(verifies(f));
}

/* Flips each byte of each column of the stored rows and puts it back. */
static void any_changed_byte_is_found(void **state) {
	struct fixture *f = *state;
	append(f, 3);
	static const char *const columns[][2] = {
	        {"history", "at"}, {"history", "kind"}, {"history", "event"}, {"history", "from_state"}, {"history", "to_state"},
	        {"history", "refused"}, {"history", "role"}, {"history", "key"}, {"history", "digest"}, {"history", "mac"},
	        {"history", "seq"}, {"history", "key_id"}, {"history", "instance_id"}, {"history", "contact_id"}, {"history_payloads", "salt"}, {"history_payloads", "payload"},
	};
	change(f, "CREATE TEMP TABLE kept_h AS SELECT * FROM history; CREATE TEMP TABLE kept_p AS SELECT * FROM history_payloads");
	for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
		for (int byte = 1; byte <= 40; byte++) {
			const char *id = c < 14 ? "id" : "history_id", *column = columns[c][1];
			struct str sql = arena_printf(
			        f->arena,
			        "UPDATE %s SET %s = CASE typeof(%s) WHEN 'integer' THEN %s + %d"
			        " WHEN 'text' THEN substr(%s, 1, %d) || char(unicode(substr(%s, %d, 1)) + 1) || substr(%s, %d)"
			        " ELSE CAST(substr(%s, 1, %d) || CASE WHEN substr(%s, %d, 1) = x'21' THEN x'22' ELSE x'21' END"
			        " || substr(%s, %d) AS BLOB) END"
			        " WHERE %s = (SELECT min(%s) + 1 FROM %s) AND length(%s) >= %d",
			        columns[c][0], column, column, column, byte, column, byte - 1, column, byte, column, byte + 1, column, byte - 1,
			        column, byte, column, byte + 1, id, id, columns[c][0], column, byte);
			tx_mark(f->tx);
			bool clash = !db_script(tx_db(f->tx), sql.at, &f->err); /* a unique index may refuse the change itself */
			bool changed = !clash && tx_dirty(f->tx);
			if (changed && verifies(f))
				fail_msg("byte %d of %s.%s was changed unseen", byte, columns[c][0], column);
			if (changed)
				change(f, "DELETE FROM history_payloads; DELETE FROM history;"
				          "INSERT INTO history SELECT * FROM kept_h; INSERT INTO history_payloads SELECT * FROM kept_p");
			assert_true(changed || byte > 1 || clash);
		}
	assert_true(verifies(f));
}

static void a_missing_entry_is_found(void **state) {
	struct fixture *f = *state;
	append(f, 3);
	change(f, "DELETE FROM history_payloads WHERE history_id = 2; DELETE FROM history WHERE seq = 2");
	assert_false(verifies(f));
	assert_non_null(strstr(f->err.text, "entry 2"));
}

static void swapped_payloads_are_found(void **state) {
	struct fixture *f = *state;
	append(f, 3);
	change(f, "UPDATE history_payloads SET history_id = 10 WHERE history_id = 3");
	assert_int_equal(list(f).items[2].erased, true);
	change(f, "UPDATE history_payloads SET history_id = 3 WHERE history_id = 2; UPDATE history_payloads SET history_id = 2 WHERE history_id = 10");
	assert_false(verifies(f));
}

static void an_erased_payload_leaves_the_chain(void **state) {
	struct fixture *f = *state;
	append(f, 3);
	change(f, "DELETE FROM history_payloads WHERE history_id = 2");
	struct history_list entries = list(f);
	assert_true(entries.items[1].erased);
	assert_int_equal(entries.items[1].payload.len, 0);
	OK(history_verify(f->keys, &entries, &f->err));
	change(f, "UPDATE history SET role = 'other' WHERE seq = 2");
	assert_false(verifies(f));
}

static int set_up(void **state) {
	fixture_set_up(state);
	struct fixture *f = *state;
	fixture_commit(f);
	fixture_begin(f);
	OK(db_script(tx_db(f->tx), "PRAGMA defer_foreign_keys = ON", &f->err)); /* what tampers may break them */
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(entries_come_back_and_verify),
	        TEST(a_repeated_key_is_a_conflict),
	        TEST(seqs_have_no_gap),
	        TEST(any_changed_byte_is_found),
	        TEST(a_missing_entry_is_found),
	        TEST(swapped_payloads_are_found),
	        TEST(an_erased_payload_leaves_the_chain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
