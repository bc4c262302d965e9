/* upload: files that people send, as values: which kinds there are, what their bytes look like, which names are safe to show. Pure. */
#ifndef ENGINE_WORKFLOW_UPLOAD_H
#define ENGINE_WORKFLOW_UPLOAD_H

#include "engine/store/blobs.h"
#include "engine/workflow/value.h"

enum {
	UPLOAD_MAX = 25 * 1024 * 1024,     /* bytes of one file, at most */
	UPLOAD_DEFAULT = 10 * 1024 * 1024, /* a field without `max` */
	UPLOAD_NAME = 100                  /* bytes of a name that is kept */
};

struct upload {
	int64_t id, size;      /* of the blob */
	struct str name, type;
};

/* What expressions see of a file: name, size (bytes), type, id. */
extern const struct record_type upload_record;
struct value upload_value(struct arena *a, const struct upload *upload);
struct upload upload_of(const struct value *v); /* borrowed */
bool upload_is(const struct value *v);
/* The answer that stands for it in a draft; only the program itself writes it. */
struct str upload_text(struct arena *a, const struct upload *upload);
bool upload_read(struct str text, struct upload *out); /* borrowed */

/* The extensions that a field may allow, NULL-terminated. */
extern const char *const upload_extensions[];
/* Content-Type by the name's end ("scan.JPEG" is a jpg); NULL: none of ours. *extension: as upload_extensions has it. */
const char *upload_type(struct str name, struct str *extension);
/* The extension of a Content-Type, without its parameters; NULL: none of ours. */
const char *upload_extension(struct str type);
/* The other ways in which its names may end, for pages: ".jpg,.jpeg". */
const char *upload_endings(struct str extension);
/* Whether the bytes are what the extension says. */
bool upload_looks(struct str extension, struct bytes bytes, int64_t size);
/* A name without folders, controls and marks that turn text round; dots and blanks at its ends are cut; at most UPLOAD_NAME bytes, the extension kept.
 * Empty when nothing is left. In arena. */
struct str upload_safe_name(struct arena *a, struct str name);
/* "10MB", "500 kB", "1000": bytes. */
bool upload_parse_size(struct str text, int64_t *out);

#endif
