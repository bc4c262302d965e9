/* gate: what a child that reads strangers' bytes may still ask of the kernel, so that a fault in a library's parser stays in the child: no network, no other
 * program or process, no file written, and of files only those of the system read (fonts, character sets), never the site's keys or data. Linux only:
 * seccomp for the calls; Landlock for the files, where the kernel has it (5.13). Threads are allowed. Cannot be opened again. */
#ifndef ENGINE_BASE_GATE_H
#define ENGINE_BASE_GATE_H

#include <stdbool.h>

/* Needs PR_SET_NO_NEW_PRIVS. False: the kernel refused the filter of calls. */
bool gate_shut(void);

#endif
