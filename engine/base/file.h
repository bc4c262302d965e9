/* file: reading whole files, the one way. Any thread. */
#ifndef ENGINE_BASE_FILE_H
#define ENGINE_BASE_FILE_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

/* A regular file of at most `limit` bytes, in arena, NUL behind it. NOT_FOUND: it is not there; INPUT: larger; PERMANENT: cannot be read, or no regular file. */
bool file_read(struct arena *a, const char *path, size_t limit, struct str *out, struct err *err);
/* One line (a password, a token) from a file that others must not read; not empty, no control characters. what: for messages, "mail.password_file". */
bool file_read_secret(const char *path, const char *what, char *out, size_t size, struct err *err);
/* Creates it with these bytes on disk; refuses to overwrite (CONFLICT). */
bool file_write(const char *path, struct str text, int mode, struct err *err);

/* A copy of a regular file, on disk when true. Refuses to overwrite (CONFLICT); what could not be written whole is removed. */
bool file_copy(const char *from, const char *to, int mode, struct err *err);
/* Syncs `part` and renames it, in the same folder. overwrite false: CONFLICT when `path` is there. */
bool file_put_in_place(const char *part, const char *path, bool overwrite, struct err *err);

#endif
