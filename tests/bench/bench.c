/* make bench: what bounds us, as ratios measured in one run. Prints a table and writes JSON to the file named by the second argument.
 * argv: package folder, JSON file, number of transitions. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "engine/workflow/scenario.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, EVALUATIONS = 2000000 };

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct row {
	const char *name;
	double per_second;
};
static struct row rows[8];
static size_t row_count;

static void report(const char *name, double count, double since) {
	rows[row_count++] = (struct row){name, count / (seconds() - since)};
	printf("%-52s %12.0f /s\n", name, rows[row_count - 1].per_second);
}

static void die(const struct err *err) {
	fprintf(stderr, "bench: %s\n", err->text);
	exit(1);
}

/* What the disk gives: an appended 4 KB block made durable. */
static void bench_disk(const char *folder) {
	char path[300], block[4096] = {0};
	enum { TIMES = 2000 };
	snprintf(path, sizeof path, "%s/disk", folder);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	double since = seconds();
	for (int i = 0; fd >= 0 && i < TIMES; i++)
		if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0)
			break;
	report("disk: append 4 KB and fdatasync", TIMES, since);
	close(fd);
	unlink(path);
}

static void bench_expressions(void) {
	struct arena *a = arena_new();
	struct problems problems = {.arena = a};
	struct scope_name names[] = {{.name = STR("answer"), .type = {.kind = KIND_STRING}, .slot = 0}, {.name = STR("days"), .type = {.kind = KIND_INT}, .slot = 1}};
	struct scope scope = {names, 2, 2, false};
	struct value slots[] = {value_string(STR("yes")), value_int(7)};
	struct environment env = {slots, 2, NULL, NULL};
	const struct expression *e = expression_compile(a, STR("answer == 'yes' && days + 3 > 5"), (struct yaml_place){"bench", 1, 1}, &scope, NULL, &problems);
	struct err err;
	int64_t held = 0;
	double since = seconds();
	for (int i = 0; i < EVALUATIONS; i++)
		held += expression_holds(e, &env, a, &err);
	report("expressions evaluated", (double)held, since);
	arena_free(a);
}

static void read_answers(const char *json, struct arena *a, struct answers *out) {
	struct err err;
	if (!answers_from_json(str_from(json), a, out, &err))
		die(&err);
}

/* Starts the instances whose confirmation is measured: one form, one link used, one timer set anew, three messages. */
static void start_instances(struct open_site *s, int count, struct link *links) {
	static const char json[] = "{\"apprentice_name\":\"Ida Holm\",\"apprentice_email\":\"ida@example.dk\",\"training_form\":\"company\",\"education\":\"building\","
	                           "\"period_end\":\"2026-05-29\",\"main_course\":\"2\",\"school\":\"nordby\",\"class_name\":\"B2\",\"cvr\":\"13585628\","
	                           "\"supervisor_emails\":[\"a@example.dk\",\"b@example.dk\"],\"school_emails\":[\"c@example.dk\"]}";
	struct arena *a = arena_new();
	struct err err = {0};
	struct tx *tx;
	if (!store_begin(s->store, &tx, &err))
		die(&err);
	for (int i = 0; i < count; i++) {
		struct answers answers;
		struct form_problems problems = {0};
		struct receipt receipt;
		struct link_list list = {0};
		read_answers(json, a, &answers);
		struct start_request request = {.workflow = site_package_at(s->site, 0)->definition->name, .answers = &answers};
		if (!engine_start(s->engine, tx, clock_now(), &request, a, &problems, &receipt, &err) || !link_of_instance(tx_view(tx), receipt.instance_id, a, &list, &err))
			die(&err);
		links[i] = list.items[0];
		links[i].task = str_from(strdup(arena_z(a, list.items[0].task)));
		links[i].role = str_from(strdup(arena_z(a, list.items[0].role)));
		arena_reset(a);
	}
	if (!store_commit(tx, &err))
		die(&err);
	arena_free(a);
}

static void bench_transitions(struct open_site *s, const char *name, const struct link *links, int count, int batch) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct tx *tx = NULL;
	double since = seconds();
	for (int i = 0; i < count; i++) {
		struct answers answers = {0};
		struct form_problems problems = {0};
		struct receipt receipt;
		answers_put(&answers, a, STR("confirmed"), STR("true"));
		struct act_request request = {.link = &links[i], .version = 1, .answers = &answers};
		if (i % batch == 0 && !store_begin(s->store, &tx, &err))
			die(&err);
		if (!engine_act(s->engine, tx, clock_now(), &request, a, &problems, &receipt, &err))
			die(&err);
		if ((i % batch == batch - 1 || i == count - 1) && !store_commit(tx, &err))
			die(&err);
		arena_reset(a);
	}
	report(name, count, since);
	arena_free(a);
}

static void write_json(const char *path) {
	FILE *f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "{\n");
	for (size_t i = 0; i < row_count; i++)
		fprintf(f, "  \"%s\": %.0f%s\n", rows[i].name, rows[i].per_second, i + 1 < row_count ? "," : "");
	fprintf(f, "}\n");
	fclose(f);
}

int main(int argc, char **argv) {
	struct problems problems = {.arena = arena_new()};
	struct open_site s;
	struct err err = {0};
	unsigned char fingerprint[SECRET_FINGERPRINT];
	struct tx *tx;
	int count = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 2000;
	char folder[] = "/tmp/stafet-bench-XXXXXX";
	if (argc < 3 || count < 1 || !secret_init(&err) || !mkdtemp(folder) || !site_for_check(&s, config_for_packages(problems.arena, argv + 1, 1), &problems, &err))
		die(&err);
	keyring_fingerprint(site_keys(s.site), fingerprint);
	struct str path = arena_printf(s.arena, "%s/stafet.db", folder);
	s.store = store_open(path.at, fingerprint, &err);
	if (!s.store)
		die(&err);
	clock_simulate(INT64_C(1772445600000), 0);
	s.engine = engine_open(s.site);
	if (!store_begin(s.store, &tx, &err) || !samples_load(s.site, tx, clock_now(), s.arena, &problems, &err) || !store_commit(tx, &err))
		die(&err);
	struct link *links = calloc((size_t)count * 2, sizeof *links);
	start_instances(&s, count * 2, links);
	bench_expressions();
	bench_disk(folder);
	bench_transitions(&s, "transitions (link, history, timers, three messages), alone", links, count, 1);
	bench_transitions(&s, "transitions in groups of 32", links + count, count, BATCH);
	printf("%-52s %12.2f\n", "ratio: transitions alone / fdatasync", rows[2].per_second / rows[1].per_second);
	printf("%-52s %12.2f\n", "ratio: in groups / alone", rows[3].per_second / rows[2].per_second);
	write_json(argv[2]);
	site_shut(&s);
	unlink(path.at);
	unlink(arena_printf(problems.arena, "%s.lock", path.at).at);
	rmdir(folder);
	return 0;
}
