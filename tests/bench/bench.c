/* make bench: what needs no store. Prints a table and writes JSON to the file named by the argument; bench.py adds to it. */
#include "engine/workflow/expression.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EVALUATIONS = 2000000 };

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
	printf("%-64s %12.0f /s\n", name, rows[row_count - 1].per_second);
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
	struct scope scope = {.items = names, .count = 2, .cap = 2, .warns = false};
	struct value slots[] = {value_string(STR("yes")), value_int(7)};
	struct environment env = {.slots = slots, .slot_count = 2, .zone = NULL, .calendar = NULL};
	const struct expression *e = expression_compile(a, STR("answer == 'yes' && days + 3 > 5"), (struct yaml_place){"bench", 1, 1}, &scope, NULL, &problems);
	struct err err;
	int64_t held = 0;
	double since = seconds();
	for (int i = 0; i < EVALUATIONS; i++)
		held += expression_holds(e, &env, a, &err);
	report("expressions evaluated", (double)held, since);
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
	char folder[] = "/tmp/stafet-bench-XXXXXX";
	if (argc < 2 || !mkdtemp(folder)) {
		fprintf(stderr, "usage: bench FILE.json\n");
		return 2;
	}
	bench_expressions();
	bench_disk(folder);
	write_json(argv[1]);
	rmdir(folder);
	return 0;
}
