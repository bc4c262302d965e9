/* language_data: the files in languages/ as they were when the program was built. Any thread. */
#ifndef ENGINE_BASE_LANGUAGE_DATA_H
#define ENGINE_BASE_LANGUAGE_DATA_H

#include "engine/base/str.h"

struct language_file {
	const char *code, *name; /* "da", "languages/da.yaml" */
	struct str text;
	struct str help; /* languages/help.<lang>.md: what a new site's page of help begins as */
};

/* False behind the last one. Number 0 is "da", which decides the keys. */
bool language_file_at(size_t index, struct language_file *out);

#endif
