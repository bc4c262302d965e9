/* What a long command does now, for whoever waits at a terminal. */
#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

void command_progress(const char *what) {
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s ...\n", what);
}
