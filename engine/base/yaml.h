/* yaml: strict YAML (libfyaml) as a tree in an arena; the only file that includes libfyaml.
 * Refused: duplicate keys, anchors, aliases, tags, several documents, keys that are not scalars, more than
 * 1 MiB, deeper than 32 levels, more than 100,000 nodes, invalid UTF-8. Any thread, one arena each. */
#ifndef ENGINE_BASE_YAML_H
#define ENGINE_BASE_YAML_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_place {
	const char *file; /* as given by the caller */
	int line, column; /* 1-based */
};

struct yaml {
	enum yaml_kind kind;
	struct yaml_place place;
	struct str text;     /* scalar: its text */
	bool quoted;         /* scalar written in quotes or as a block */
	struct yaml *key;    /* in a map: the key's node (a scalar) */
	struct yaml **items; /* list items, or the values of a map in file order */
	size_t count;
};

/* NULL on error: err->text then begins with file:line:column. All memory in arena. */
struct yaml *yaml_parse(struct arena *a, const char *file, struct str text, struct err *err);
struct yaml *yaml_read(struct arena *a, const char *path, struct err *err); /* NOT_FOUND when it is not there */
const struct yaml *yaml_get(const struct yaml *map, const char *key); /* NULL: not there */
bool yaml_is_null(const struct yaml *node); /* unquoted empty, ~ or null */

/* What a loader or checker has to say about a package. Errors make it unusable, warnings do not. */
struct problem {
	struct yaml_place place;
	bool warning;
	struct str text; /* English, says what was found and what was expected */
};
struct problems {
	struct problem *items;
	size_t count, cap, errors;
	struct arena *arena;
};
__attribute__((format(printf, 3, 4))) void problem_error(struct problems *p, struct yaml_place place, const char *format, ...);
__attribute__((format(printf, 3, 4))) void problem_warn(struct problems *p, struct yaml_place place, const char *format, ...);
/* "file:line:column: error: text\n" for each, in order of file and line. */
void problems_print(const struct problems *p, struct buf *out);

/* The nearest of the names by edit distance (at most a third of the length), or the empty string. */
struct str name_nearest(struct str wanted, const struct str *names, size_t count);
bool name_valid(struct str s); /* [a-z][a-z0-9_-]{0,39} */

#endif
