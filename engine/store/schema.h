/* schema: the tables, as numbered migrations that are never edited once released. Writer's thread, at opening. */
#ifndef ENGINE_STORE_SCHEMA_H
#define ENGINE_STORE_SCHEMA_H

#include "engine/store/db.h"

enum { SCHEMA_APPLICATION = 0x53746166 }; /* "Staf": application_id of the file */

/* Brings the file to the newest version, each step in a transaction of its own; does nothing when it is there.
 * PERMANENT: a newer program wrote it, or another program did. */
bool schema_migrate(struct db *db, struct err *err);
int64_t schema_newest(void);

#endif
