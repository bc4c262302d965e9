/* log: one line per occurrence on stderr, `event=... key=value`. Addresses and tokens are masked
 * here, so that no caller can forget it. Any thread; one write a line. */
#ifndef ENGINE_BASE_LOG_H
#define ENGINE_BASE_LOG_H

#include "engine/base/err.h"

enum log_level { LOG_NOTHING = -1, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level); /* LOG_NOTHING: for a command that tells a person what it finds */
/* pairs: printf text such as "instance=%lld to=%s"; values with blanks should be written "\"%s\"".
 * Anything that looks like a mail address becomes a***@domain, a number in + form keeps its first 3 and last 2
 * digits, of a link's token (after /l/, or 43 characters alone) only 6 stay. Line breaks, other controls
 * and broken UTF-8 become '?'; the line ends with level= and at= of clock_now. */
__attribute__((format(printf, 3, 4))) void log_event(enum log_level level, const char *event, const char *pairs, ...);
/* The same with kind and text of *err. */
void log_err(enum log_level level, const char *event, const struct err *err);

#endif
