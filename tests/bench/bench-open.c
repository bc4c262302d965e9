/* make bench: fills the store of a site folder that has templates/declaration with instances whose supervisor has answered everything but not yet sent it.
 * argv: site folder, how many. Prints the token of each one's link, a line each. */
#include "cli/command.h"
#include "tests/bench/assess.h"

enum { IN_A_COMMIT = 1000, TOLD = 1 << 20 };

static void begin(struct assessing *of, struct tx *tx, struct buf *draft, int n) {
	struct answers answers;
	struct link link = assess_begin(of, tx, n);
	assess_read(of, str_from(assess_answer), &answers);
	answers_to_json(&answers, draft);
	assess_must(of, draft_save(tx, link.id, link.task, buf_text(draft), clock_now(), &of->err));
	buf_clear(draft);
	printf("%s\n", arena_z(of->turn, engine_token(of->engine, &link, of->turn)));
	arena_reset(of->turn);
}

int main(int argc, char **argv) {
	struct open_site s = {0};
	struct assessing of = {.turn = arena_new()};
	struct buf told, draft;
	int count = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;
	buf_init(&told, TOLD);
	buf_init(&draft, TOLD);
	if (count < 1)
		return 2;
	if (!secret_init(&of.err) || !site_open_all(&s, argv[1], &told, &of.err)) {
		fprintf(stderr, "bench-open: %s%s\n", buf_text(&told).at, of.err.text);
		return 1;
	}
	of.site = s.site;
	of.engine = s.engine;
	for (int n = 0; n < count;) {
		struct tx *tx;
		assess_must(&of, store_begin(s.store, &tx, &of.err));
		for (int i = 0; i < IN_A_COMMIT && n < count; i++)
			begin(&of, tx, &draft, n++);
		assess_must(&of, store_commit(tx, &of.err));
	}
	site_shut(&s);
	return 0;
}
