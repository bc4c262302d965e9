/* outbox_sql: what the statements that look for queued rows have in common. For outbox.c and lines.c only. */
#ifndef ENGINE_STORE_OUTBOX_SQL_H
#define ENGINE_STORE_OUTBOX_SQL_H

#include "engine/store/handle.h"
#include "engine/store/outbox.h"

#define OUTBOX_LINE "state = 'queued' AND channel = ? AND line = ?"
#define OUTBOX_TAKEN " AND (? = 0 OR patient = 0 OR deadline_at <= ?) AND (? = 0 OR uncertain = 0)"

static inline void bind_line(struct stmt *s, struct outbox_lane lane) {
	bind_int(s, lane.channel);
	bind_text(s, lane.line);
}

static inline void bind_taken(struct stmt *s, struct outbox_lane lane) {
	bind_int(s, lane.quiet_until);
	bind_int(s, lane.quiet_until);
	bind_int(s, lane.certain);
}

#endif
