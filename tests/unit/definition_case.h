/* definition_case: a whole small package as text, from which each test changes one thing. In a changed piece the character ~ marks the place
 * that a problem is expected at; it is taken out before the text is read. */
#ifndef TESTS_UNIT_DEFINITION_CASE_H
#define TESTS_UNIT_DEFINITION_CASE_H

#include "engine/workflow/definition.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

static const char base_workflow[] =
        "workflow: loan\n"
        "start: {by: borrower, form: ask, public: true}\n"
        "roles:\n"
        "  borrower: {contact: mail, name: who}\n"
        "  keeper: {contact: keeper_mails}\n"
        "data:\n"
        "  who: {type: text, max: 80}\n"
        "  mail: {type: email}\n"
        "  keeper_mails: {type: email, many: 1..3}\n"
        "  thing: {type: ref, register: things, where: row.shelf != 'x'}\n"
        "  until: {type: date, min: today}\n"
        "  note: {type: longtext}\n"
        "  ok: {type: bool, accept: true}\n"
        "  verdict: {type: choice, options: ['yes', 'no']}\n"
        "  marks: {type: matrix, register: things, scale: 0..3}\n"
        "  number: {type: digits, length: 3, weights: [1, 2, 3], modulo: 11}\n"
        "let:\n"
        "  late: today > until\n"
        "forms:\n"
        "  ask:\n"
        "    pages:\n"
        "      - {name: you, fields: [who, mail]}\n"
        "      - {name: it, fields: [thing, until, keeper_mails, {field: note, optional: true}]}\n"
        "  confirm: {fields: [ok], check: false}\n"
        "  decide: {fields: [verdict], show: [thing]}\n"
        "initial: unconfirmed\n"
        "states:\n"
        "  unconfirmed:\n"
        "    entry:\n"
        "      - send: {to: borrower, message: confirm, link: confirm}\n"
        "    after:\n"
        "      - {in: 3d, target: gone}\n"
        "    on:\n"
        "      confirm: {by: borrower, form: confirm, target: asked}\n"
        "  asked:\n"
        "    entry:\n"
        "      - send: {to: keeper, message: please, link: decide}\n"
        "    after:\n"
        "      - {every: 7d, times: 3, actions: [{send: {to: keeper, message: please, link: decide}}]}\n"
        "      - {at: until + 1d, name: overdue, target: gone, priority: 60, time: \"09:00\"}\n"
        "    on:\n"
        "      decide:\n"
        "        by: [keeper]\n"
        "        form: decide\n"
        "        cases:\n"
        "          - {guard: verdict == 'yes', target: lent}\n"
        "          - {target: gone}\n"
        "      closed: {target: gone}\n"
        "  lent: {final: true, entry: [{send: {to: borrower, message: lent, link: one}}]}\n"
        "  gone: {final: true}\n"
        "views:\n"
        "  mine: {kind: list, for: borrower, columns: [state, thing, until], search: [who], page: one}\n"
        "  one: {kind: page, for: [borrower, keeper], fields: [thing, note]}\n";

static const char base_registers[] =
        "things: {key: id, label: name, columns: {id: text, name: text, shelf: text, worth: int}, sample: things.csv}\n";

struct definition_case {
	char folder[40];
	struct problems problems;
	struct definition *definition;
	int line, column; /* of the mark; 0: none */
};

static inline void case_write(const char *folder, const char *name, const char *text) {
	char path[300];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

/* text with the first `find` (NULL or empty: nothing) replaced, and the mark taken out. */
static inline char *case_changed(struct definition_case *c, const char *text, const char *find, const char *replace) {
	struct buf out;
	const char *at = find && *find ? strstr(text, find) : NULL;
	buf_init(&out, 1 << 22);
	if (find && *find && !at)
		fail_msg("'%s' is not in the base text", find);
	if (at) {
		buf_add(&out, text, (size_t)(at - text));
		buf_z(&out, replace);
		buf_z(&out, at + strlen(find));
	} else {
		buf_z(&out, text);
	}
	char *result = strdup(out.at);
	buf_free(&out);
	char *mark = strchr(result, '~');
	if (mark) {
		c->line = c->column = 1;
		for (const char *p = result; p < mark; p++) {
			c->line += *p == '\n';
			c->column = *p == '\n' ? 1 : c->column + 1;
		}
		memmove(mark, mark + 1, strlen(mark));
	}
	return result;
}

/* Changes the first text that holds `find`: workflow.yaml, else registers.yaml. */
static inline void case_open(struct definition_case *c, const char *find, const char *replace) {
	bool in_registers = find && *find && !strstr(base_workflow, find) && strstr(base_registers, find);
	memset(c, 0, sizeof *c);
	snprintf(c->folder, sizeof c->folder, "/tmp/definition-XXXXXX");
	assert_non_null(mkdtemp(c->folder));
	char *workflow = case_changed(c, base_workflow, in_registers ? NULL : find, replace);
	char *registers = case_changed(c, base_registers, in_registers ? find : NULL, replace);
	case_write(c->folder, "workflow.yaml", workflow);
	case_write(c->folder, "registers.yaml", registers);
	free(workflow);
	free(registers);
	c->problems.arena = arena_new();
	c->definition = definition_load(c->folder, &c->problems);
}

static inline void case_close(struct definition_case *c) {
	char command[100];
	definition_free(c->definition);
	arena_free(c->problems.arena);
	snprintf(command, sizeof command, "rm -rf '%s'", c->folder);
	assert_int_equal(system(command), 0);
}

static inline void case_print(struct definition_case *c) {
	struct buf out;
	buf_init(&out, 1 << 20);
	problems_print(&c->problems, &out);
	print_message("%s", out.at ? out.at : "(no problems)\n");
	buf_free(&out);
}

/* A problem at the mark whose text holds `text`; without a mark, anywhere. */
static inline bool case_told(struct definition_case *c, bool warning, const char *text) {
	for (size_t i = 0; i < c->problems.count; i++) {
		const struct problem *p = &c->problems.items[i];
		bool here = c->line == 0 || (p->place.line == c->line && p->place.column == c->column);
		if (here && p->warning == warning && memmem(p->text.at, p->text.len, text, strlen(text)))
			return true;
	}
	return false;
}

#endif
