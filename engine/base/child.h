/* child: work on hostile bytes in a process of our own program, with limits of memory, processor time, files and size, behind a gate (gate.h). The child is this program once more
 * with a command that people are not told of; standard input is a file with the work, standard output a file for the answer. It dies with its parent. */
#ifndef ENGINE_BASE_CHILD_H
#define ENGINE_BASE_CHILD_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

/* In the parent */
struct child_work {
	const char *command; /* "document-child" */
	struct str input;
	size_t most;         /* bytes of the answer */
	int patience_ms;
};
struct child_answer {
	int status;        /* its exit status; -1: it was ended by a signal; -2: it took too long and was killed */
	const char *why;   /* of -1 and -2, for people */
	struct str output; /* in the arena; empty when there was none */
};
/* False: no process could be started, or what it wrote cannot be read, neither of which says anything of the work (TRANSIENT); or it wrote more than it may. Any thread. */
bool child_run(struct arena *a, const struct child_work *work, struct child_answer *out, struct err *err);

/* In the child */
struct child_limits {
	int memory_mb, processor_s, files;
	size_t output; /* bytes of any file it writes */
};
bool child_confine(const struct child_limits *limits);
bool child_input(struct arena *a, size_t most, struct str *out); /* all of standard input, 1 to most bytes */
bool child_output(struct str bytes);

#endif
