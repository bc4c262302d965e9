/* Draws: vectors that tests/e2e/test_draws.py computes with Python alone, fairness, seeds that are committed and revealed, and what is refused. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/handle.h"
#include "engine/store/seeds.h"
#include "engine/workflow/definition_check.h"
#include "engine/workflow/draw.h"

/* ---- which of a list */

static void counting_seed(unsigned char seed[DRAW_SEED]) {
	for (size_t i = 0; i < DRAW_SEED; i++)
		seed[i] = (unsigned char)i;
}

/* Computed with hmac and hashlib of Python. Of the large numbers the first tries are thrown away: modulo alone would give others. */
static const struct vector {
	const char *label;
	uint64_t count, counting, stafet; /* with the seed 0, 1, 2..., with the SHA-256 of "stafet" */
} vectors[] = {
        {"draw/7K2M-P4QX/1", 1, 0, 0},
        {"draw/7K2M-P4QX/1", 2, 1, 0},
        {"draw/7K2M-P4QX/1", 3, 2, 0},
        {"draw/7K2M-P4QX/1", 27, 26, 15},
        {"draw/7K2M-P4QX/1", 720, 359, 438},
        {"draw/7K2M-P4QX/1", UINT64_C(9223372036854775809), UINT64_C(2739490749117931068), UINT64_C(728754175096843038)},
        {"draw/7K2M-P4QX/1", UINT64_MAX, UINT64_C(14744783573310089159), UINT64_C(13583951417946781158)},
        {"draw/7K2M-P4QX/2", 3, 0, 0},
        {"draw/7K2M-P4QX/2", 27, 3, 0},
        {"draw/7K2M-P4QX/2", 720, 624, 270},
        {"turn/ÆØ/12", 3, 2, 1},
        {"turn/ÆØ/12", 27, 8, 10},
        {"turn/ÆØ/12", 720, 134, 460},
};

static void test_vectors(void **state) {
	unsigned char counting[DRAW_SEED], stafet[DRAW_SEED];
	struct arena *a = arena_new();
	(void)state;
	counting_seed(counting);
	secret_sha256(stafet, STR("stafet"));
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		assert_true(draw_index(counting, str_from(vectors[i].label), vectors[i].count) == vectors[i].counting);
		assert_true(draw_index(stafet, str_from(vectors[i].label), vectors[i].count) == vectors[i].stafet);
	}
	assert_str(draw_commitment(counting, a), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");
	assert_str(draw_commitment(stafet, a), "1fa2ad92cf7714d7ffbe4e3fb9279aaff3b879da3dcc404624d4747308a8e69c");
	const struct str ab[] = {STR("a"), STR("b")}, glued[] = {STR("ab"), STR("")}, odd[] = {STR("æ"), STR("1:a,")};
	assert_str(draw_list_digest(ab, 0, a), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_str(draw_list_digest(ab, 1, a), "9fa1b1c0f0be70b0a0a46e93c1b2cdab5e2820551cb4eff78b59cde1ee014936");
	assert_str(draw_list_digest(ab, 2, a), "9f2b0d502d181b391c81652fdca2ccb0b747828fe438ba90c3e0092bcb39b3a4");
	assert_str(draw_list_digest(glued, 2, a), "fc5402ec19ed84c6abc2c8074266240f8c9bb78810dc9066e4e6d74450f9811a");
	assert_str(draw_list_digest(odd, 2, a), "cf53efc46f502f2fffe1340b8c96e0eebf3deff30006297048ebe2f22e626054");
	arena_free(a);
}

/* With fixed seeds: over labels, and over seeds with one label. For 27 the sum is below 54.1 but once in a thousand. */
static void test_fair(void **state) {
	enum { ITEMS = 27, DRAWS = 2700 };
	struct arena *a = arena_new();
	(void)state;
	for (int by_seed = 0; by_seed < 2; by_seed++) {
		int seen[ITEMS] = {0};
		double sum = 0;
		for (int i = 0; i < DRAWS; i++) {
			unsigned char seed[DRAW_SEED];
			secret_sha256(seed, arena_printf(a, "seed %d", by_seed ? i : 0));
			seen[draw_index(seed, arena_printf(a, "draw/AAAA-BBBB/%d", by_seed ? 1 : i + 1), ITEMS)]++;
		}
		for (int i = 0; i < ITEMS; i++)
			sum += (seen[i] - DRAWS / ITEMS) * (seen[i] - DRAWS / ITEMS) / (double)(DRAWS / ITEMS);
		assert_true(sum < 54.1 && sum > 8); /* nor too even */
	}
	arena_free(a);
}

/* ---- in workflows */

static const char fair[] =
        "workflow: fair\n"
        "start: {by: host, form: ask}\n"
        "roles: {host: {contact: mail}}\n"
        "data: {mail: {type: email}, stalls: {type: email, many: 1..9}, told: {type: text}, shown: {type: text, max: 64}, opener: {type: email}}\n"
        "forms: {ask: {fields: [mail, stalls]}}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    entry: [{start: {workflow: stall, each: stalls, data: {mail: item}}}]\n"
        "    on: {go: {actions: [{commit: {seed: draw, set: told}}], target: b}}\n"
        "  b:\n"
        "    on:\n"
        "      again: {actions: [{commit: {seed: draw, set: told}}]}\n"
        "      open: {actions: [{set: {opener: draw(stalls)}}]}\n"
        "      end: {actions: [{reveal: {seed: draw, set: shown}}], target: c}\n"
        "  c: {final: true}\n";
static const char stall[] =
        "workflow: stall\n"
        "start: {by: person, form: begin}\n"
        "roles: {person: {contact: mail}}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  pitch: {type: ref, register: pitches}\n"
        "  other: {type: ref, register: pitches}\n"
        "  note: {type: text}\n"
        "forms:\n"
        "  begin: {fields: [mail]}\n"
        "initial: a\n"
        "states:\n"
        "  a:\n"
        "    on:\n"
        "      pick: {actions: [{set: {pitch: draw(rows(pitches)), other: \"draw(rows(pitches).filter(p, p.key != pitch.key))\"}}]}\n"
        "      none: {actions: [{set: {note: \"'begun'\"}}, {set: {pitch: \"draw(rows(pitches).filter(p, p.key == 'x'))\"}}]}\n"
        "      fit: {actions: [{set: {pitch: \"draw(rows(pitches), p, p.key == 'p 4' || p.key == 'p5')\", note: \"draw(['a', 'b', 'c'], c, c != 'a')\"}}]}\n"
        "      unfit: {actions: [{set: {pitch: \"draw(rows(pitches), p, p.key == 'x')\"}}]}\n"
        "      word: {actions: [{set: {note: \"draw(['a', 'b', 'c'])\"}}]}\n"
        "      end: {target: b}\n"
        "  b: {final: true}\n";
static const char registers[] = "pitches: {key: id, label: name, columns: {id: text, name: text}, sample: rows.csv}\n";
static const char rows[] = "id,name\np1,One\np2,Two\np3,Three\np 4,Four\np5,Five\n";

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	*state = f;
	package_write(f, fair, NULL, NULL);
	package_write(f, stall, registers, rows);
	fixture_open(f, false);
	clock_simulate(instant_at(f, "2026-03-02T10:00"), 0);
	const struct package *of_rows = site_package_at(f->site, 1);
	load_register(f, of_rows, &of_rows->definition->registers.items[0], rows);
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static int64_t begin(struct fixture *f) {
	return start(f, "fair", "{\"mail\":\"h@x.dk\",\"stalls\":[\"a@x.dk\",\"b@x.dk\"]}");
}

static int64_t child(struct fixture *f, int64_t parent, size_t index) {
	struct instance_list list;
	struct instance_query query = {.parent_id = parent, .limit = 10};
	struct view *v = store_view(f->store, &f->err);
	OK(v && instance_query(v, &query, f->arena, &list, NULL, &f->err));
	view_close(v);
	assert_true(index < list.count);
	return list.items[index].id;
}

static void signal_now(struct fixture *f, int64_t id, const char *event) {
	OK(send_signal(f, id, event, "{}"));
	OK(run_due(f));
}

static struct history newest_of(struct fixture *f, int64_t id) {
	struct history_list list = history_of(f, id);
	return list.items[list.count - 1];
}

/* Of the last entry: what it says of its draw with that number. */
static struct str lot_of(struct fixture *f, int64_t id, const char *label) {
	struct str payload = newest_of(f, id).payload, text = arena_printf(f->arena, "\"%s ", label);
	const char *at = memmem(payload.at, payload.len, text.at, text.len);
	if (!at)
		fail_msg("no draw %s in %.*s", label, STR_ARG(payload));
	const char *end = strchr(at + 1, '"');
	return (struct str){at + 1, (size_t)(end - at - 1)};
}

static void test_committed_and_revealed(void **state) {
	const struct str keys[] = {STR("p1"), STR("p2"), STR("p3"), STR("p 4"), STR("p5")};
	struct fixture *f = *state;
	unsigned char seed[DRAW_SEED];
	engine_rehearse(f->engine, "test");
	int64_t fair_id = begin(f), a = child(f, fair_id, 0), b = child(f, fair_id, 1);
	signal_now(f, a, "pick"); /* nothing is committed yet */
	assert_str(path_of(f, a), "start start >a; signal pick a>!");
	assert_non_null(strstr(arena_z(f->arena, newest_of(f, a).payload), "seed 'draw' was not committed before"));
	signal_now(f, fair_id, "go");
	secret_sha256(seed, STR("test/draw/TEST-0001"));
	assert_str(instance_of(f, fair_id).reference, "TEST-0001");
	assert_str(field_of(f, fair_id, "told"), draw_commitment(seed, f->arena).at);
	signal_now(f, a, "pick");
	signal_now(f, b, "pick");
	signal_now(f, a, "word");
	struct str digest = draw_list_digest(keys, 5, f->arena), drawn = keys[draw_index(seed, STR("draw/TEST-0003/1"), 5)];
	assert_str(field_of(f, b, "pitch"), arena_printf(f->arena, "{\"key\":\"%.*s\",\"version\":\"1\"}", STR_ARG(drawn)).at);
	assert_str(lot_of(f, b, "draw/TEST-0003/1"), arena_printf(f->arena, "draw/TEST-0003/1 5 %s %s", digest.at, drawn.at).at);
	assert_true(str_starts(lot_of(f, b, "draw/TEST-0003/2"), STR("draw/TEST-0003/2 4 ")));
	assert_false(str_equal(field_of(f, b, "other"), field_of(f, b, "pitch")));
	assert_true(str_starts(lot_of(f, a, "draw/TEST-0002/3"), STR("draw/TEST-0002/3 3 "))); /* the refused one was none */
	signal_now(f, fair_id, "again");
	assert_true(newest_of(f, fair_id).refused);
	signal_now(f, fair_id, "open");
	assert_str(lot_of(f, fair_id, "draw/TEST-0001/1").len ? field_of(f, fair_id, "opener") : STR(""), draw_index(seed, STR("draw/TEST-0001/1"), 2) ? "b@x.dk" : "a@x.dk");
	assert_sound(f);
	signal_now(f, fair_id, "end");
	assert_str(field_of(f, fair_id, "shown"), secret_hex(f->arena, seed, sizeof seed).at);
	signal_now(f, a, "pick");
	assert_non_null(strstr(arena_z(f->arena, newest_of(f, a).payload), "is revealed"));
	assert_sound(f);
}

/* What docs/draws.md says, with nothing of the urn's: one after another, the last in the place of what is put aside. */
static size_t drawn_by_hand(struct fixture *f, const unsigned char seed[DRAW_SEED], const char *label, size_t count, uint64_t fitting, size_t *passed) {
	size_t left[16];
	for (size_t i = 0; i < count; i++)
		left[i] = i;
	for (*passed = 0;; ++*passed) {
		struct str numbered = *passed ? arena_printf(f->arena, "%s.%zu", label, *passed) : str_from(label);
		size_t place = draw_index(seed, numbered, count - *passed);
		if (fitting >> left[place] & 1)
			return left[place];
		left[place] = left[count - *passed - 1];
	}
}

static void test_with_condition(void **state) {
	const struct str keys[] = {STR("p1"), STR("p2"), STR("p3"), STR("p 4"), STR("p5")}, words[] = {STR("a"), STR("b"), STR("c")};
	struct fixture *f = *state;
	unsigned char seed[DRAW_SEED];
	size_t most = 0;
	engine_rehearse(f->engine, "test");
	int64_t fair_id = begin(f), a = child(f, fair_id, 0);
	signal_now(f, fair_id, "go");
	secret_sha256(seed, STR("test/draw/TEST-0001"));
	for (int i = 0; i < 20; i++) {
		char first[40], second[40];
		size_t passed, word_passed;
		snprintf(first, sizeof first, "draw/TEST-0002/%d", 2 * i + 1);
		snprintf(second, sizeof second, "draw/TEST-0002/%d", 2 * i + 2);
		size_t pitch = drawn_by_hand(f, seed, first, 5, 1 << 3 | 1 << 4, &passed), word = drawn_by_hand(f, seed, second, 3, 6, &word_passed);
		signal_now(f, a, "fit");
		assert_str(lot_of(f, a, first), arena_printf(f->arena, "%s 5-%zu %s %s", first, passed, draw_list_digest(keys, 5, f->arena).at, keys[pitch].at).at);
		assert_str(lot_of(f, a, second), arena_printf(f->arena, "%s 3-%zu %s %s", second, word_passed, draw_list_digest(words, 3, f->arena).at, words[word].at).at);
		assert_str(field_of(f, a, "note"), words[word].at);
		most = passed > most ? passed : most;
	}
	assert_int_equal(most, 3); /* all that do not fit were passed at least once */
	signal_now(f, a, "unfit");
	assert_true(newest_of(f, a).refused);
	assert_non_null(strstr(arena_z(f->arena, newest_of(f, a).payload), "there is nothing to draw from"));
	assert_sound(f);
}

/* A draw from nothing refuses all that its event would do. */
static void test_nothing(void **state) {
	struct fixture *f = *state;
	int64_t fair_id = begin(f), a = child(f, fair_id, 0);
	signal_now(f, fair_id, "go");
	signal_now(f, a, "none");
	assert_str(field_of(f, a, "note"), "unset");
	assert_non_null(strstr(arena_z(f->arena, newest_of(f, a).payload), "there is nothing to draw from"));
	/* A child has its parent's seed, so it needs one. */
	REFUSED(ERR_INPUT, "error.input", try_start(f, "stall", "{\"mail\":\"a@x.dk\"}"));
	assert_sound(f);
}

/* Two fairs have two seeds, and neither can be read in the store. */
static void test_hidden(void **state) {
	struct fixture *f = *state;
	int64_t one = begin(f), two = begin(f);
	struct seed seed;
	bool found;
	signal_now(f, one, "go");
	signal_now(f, two, "go");
	assert_false(str_equal(field_of(f, one, "told"), field_of(f, two, "told")));
	struct view *v = store_view(f->store, &f->err);
	OK(seed_newest(v, one, STR("draw"), 0, f->arena, &seed, &found, &f->err));
	assert_true(found && seed.revealed_id == 0);
	OK(seed_newest(v, one, STR("draw"), seed.history_id - 1, f->arena, &seed, &found, &f->err));
	assert_false(found);
	OK(seed_newest(v, one, STR("draw"), 0, f->arena, &seed, &found, &f->err));
	view_close(v);
	signal_now(f, one, "end");
	struct str shown = field_of(f, one, "shown");
	unsigned char bytes[DRAW_SEED];
	assert_true(secret_unhex(shown, bytes, sizeof bytes));
	assert_str(field_of(f, one, "told"), draw_commitment(bytes, f->arena).at);
	assert_null(memmem(seed.sealed.at, seed.sealed.len, shown.at, 16));
	struct str told = secret_base64url(f->arena, bytes, sizeof bytes);
	assert_null(memmem(seed.sealed.at, seed.sealed.len, told.at, 16));
}

static void change_store(struct fixture *f, const char *sql) {
	tx_open(f);
	OK(db_script(tx_db(f->tx), sql, &f->err));
	tx_end(f, true);
}

static void test_verify_finds(void **state) {
	static const char *const changes[][2] = {
	        {"UPDATE seeds SET sealed = (SELECT sealed FROM seeds WHERE id = 2) WHERE id = 1", NULL},
	        {"UPDATE drawn SET number = 7 WHERE number = 2", "UPDATE drawn SET number = 2 WHERE number = 7"},
	        {"UPDATE drawn SET history_id = 1 WHERE number = 2", "UPDATE drawn SET history_id = (SELECT history_id FROM drawn WHERE number = 1) WHERE number = 2"},
	        {"UPDATE seeds SET revealed_id = history_id WHERE id = 1", "UPDATE seeds SET revealed_id = NULL WHERE id = 1"},
	        {"UPDATE seeds SET history_id = history_id - 1 WHERE id = 1", "UPDATE seeds SET history_id = history_id + 1 WHERE id = 1"},
	};
	struct fixture *f = *state;
	int64_t one = begin(f), two = begin(f), a = child(f, one, 0);
	signal_now(f, one, "go");
	signal_now(f, two, "go");
	signal_now(f, a, "pick");
	assert_sound(f);
	for (size_t i = sizeof changes / sizeof *changes; i-- > 0;) {
		struct buf out;
		buf_init(&out, 10000);
		change_store(f, changes[i][0]);
		if (faults_of(f, a, &out) + faults_of(f, one, &out) == 0)
			fail_msg("verify does not see: %s", changes[i][0]);
		buf_free(&out);
		if (changes[i][1])
			change_store(f, changes[i][1]);
	}
}

/* The numbers of the store alone would hold. */
static void test_store_refuses(void **state) {
	struct fixture *f = *state;
	int64_t one = begin(f);
	signal_now(f, one, "go");
	struct seed seed = {.instance_id = one, .name = STR("draw"), .sealed = STR("x"), .history_id = 1};
	tx_open(f);
	assert_false(seed_insert(f->tx, &seed, &f->err));
	assert_int_equal(f->err.kind, ERR_CONFLICT);
	OK(seed_reveal(f->tx, 1, 1, &f->err));
	assert_false(seed_reveal(f->tx, 1, 1, &f->err));
	OK(seed_insert(f->tx, &seed, &f->err));
	OK(drawn_insert(f->tx, &(struct drawn){1, one, 1, 1}, &f->err));
	OK(drawn_insert(f->tx, &(struct drawn){2, one, 1, 1}, &f->err));
	assert_false(drawn_insert(f->tx, &(struct drawn){2, one, 1, 1}, &f->err));
	assert_int_equal(f->err.kind, ERR_CONFLICT);
	store_rollback(f->tx);
	f->tx = NULL;
}

/* ---- what is refused when it is loaded */

static void wrong(struct fixture *f, const char *from, const char *to, const char *said) {
	assert_told_of(f, fair, from, to, NULL, NULL, said);
}

static void test_checked(void **state) {
	struct fixture *f = *state;
	wrong(f, "draw(stalls)", "draw(mail)", "draw() takes a list of rows or of single values, not string");
	wrong(f, "draw(stalls)", "draw(children)", "not list of row of child");
	wrong(f, "draw(stalls)", "draw()", "draw() takes a list, or a list, a name for the item and a condition");
	wrong(f, "draw(stalls)", "\"draw(stalls, 'x')\"", "draw() takes a list, or a list, a name");
	wrong(f, "draw(stalls)", "\"draw(stalls, 'x', true)\"", "draw() takes a list, or a list, a name");
	wrong(f, "draw(stalls)", "\"draw(stalls, s, s)\"", "the condition is string, not bool");
	wrong(f, "draw(stalls)", "\"draw(stalls, s, s == draw(stalls))\"", "the condition of a draw cannot draw");
	wrong(f, "draw(stalls)", "\"draw(stalls, s, t == s)\"", "unknown name 't'");
	wrong(f, "draw(stalls)", "\"draw(stalls, s, true, 'x')\"", "draw() takes a list, or a list, a name");
	wrong(f, "draw(stalls)", "\"draw(stalls) + draw(stalls, other)\"", "one expression draws with one seed");
	wrong(f, "draw(stalls)", "\"draw([])\"", "not list");
	wrong(f, "{set: {opener: draw(stalls)}}", "{if: \"draw(stalls) == 'x'\", set: {opener: mail}}", "draw() stands in the values of `set` alone");
	wrong(f, "forms:", "let: {first: draw(stalls)}\nforms:", "draw() stands in the values of `set` alone");
	wrong(f, "set: told", "set: stalls", "must be a text that can take 64 characters");
	wrong(f, "told: {type: text}", "told: {type: text, max: 63}", "must be a text that can take 64 characters");
	wrong(f, "set: told", "set: tolled", "unknown field 'tolled'; did you mean 'told'?");
	wrong(f, "open: {actions: [{set: {opener: draw(stalls)}}]}", "open: {actions: [{commit: {seed: draw, set: shown}}]}", "seed 'draw' is told in field 'told' elsewhere");
	wrong(f, "reveal: {seed: draw,", "reveal: {seed: drew,", "no action commits the seed 'drew'");
	wrong(f, "{reveal: {seed: draw, set: shown}}", "{set: {opener: mail}}", "nothing reveals the seed 'draw'");
	wrong(f, "on: {go:", "on: {open: {actions: [{set: {opener: draw(stalls)}}]}, go:", "which some path here has not committed");
	wrong(f, "on: {go:", "on: {end: {actions: [{reveal: {seed: draw, set: shown}}]}, go:", "this reveals the seed 'draw', which some path here has not committed");
	wrong(f, "c: {final: true}", "c: {on: {open: {actions: [{set: {opener: draw(stalls)}}], target: d}}}\n  d: {final: true}", "which is revealed by then");
	wrong(f, "[mail, stalls]", "[mail, stalls, told]", "this form asks for 'told', in which the seed 'draw' is told");
	wrong(f, "told: {type: text}", "told: {type: text, default: \"'x'\"}", "a default stands in 'told'");
	wrong(f, "{set: {opener: draw(stalls)}}", "{set: {told: mail}}", "this sets 'told'");
	wrong(f, "forms:", "rules: {draw: {row: none, is: \"true\"}}\nforms:", "a rule cannot be named 'draw'");
	static const char lone[] = "workflow: w\nstart: {by: p, form: f, public: true}\nroles: {p: {contact: m}}\ndata: {m: {type: email}, x: {type: text}}\nforms: {f: {fields: [m]}}\ninitial: a\n"
	                           "states: {a: {after: [{in: 1d, actions: [{set: {x: \"draw(['a'])\"}}], target: b}]}, b: {final: true}}\n";
	assert_told_of(f, lone, "", "", NULL, NULL, "people start this workflow, so nobody else does");
}

/* Whoever starts it must commit the seed. */
static void test_between(void **state) {
	struct fixture *f = *state;
	struct problems problems = {.arena = f->arena};
	const char *folder = f->packages[0].at;
	struct buf changed;
	buf_init(&changed, 2 * sizeof fair);
	for (const char *from = fair; *from;) {
		bool name = strncmp(from, "seed: draw,", 11) == 0, drawn = strncmp(from, "draw(stalls)", 12) == 0;
		buf_z(&changed, name ? "seed: other," : drawn ? "'draw(stalls, other)'" : "");
		if (!name && !drawn)
			buf_char(&changed, *from);
		from += name ? 11 : drawn ? 12 : 1;
	}
	write_file(folder, "workflow.yaml", buf_text(&changed));
	buf_free(&changed);
	struct err err;
	assert_null(site_open(&f->config, &problems, &err));
	bool found = false;
	for (size_t i = 0; i < problems.count; i++)
		found = found || strstr(arena_z(f->arena, problems.items[i].text), "nobody commits the seed 'draw': neither this workflow nor 'fair', which starts it");
	if (!found)
		print_problems(&problems);
	assert_true(found);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_vectors),
	        cmocka_unit_test(test_fair),
	        cmocka_unit_test_setup_teardown(test_committed_and_revealed, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_with_condition, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_hidden, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_verify_finds, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_store_refuses, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_checked, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_between, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
