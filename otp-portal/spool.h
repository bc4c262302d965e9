/* spool: what a multipart body holds, as it comes in: fields in memory (limited as those of other bodies), files in one temporary file without a name.
 * One for a request; one thread at a time, but the writer may read the files meanwhile. */
#ifndef OTP_PORTAL_SPOOL_H
#define OTP_PORTAL_SPOOL_H

#include "engine/base/err.h"
#include "engine/store/blobs.h"
#include "otp-portal/request.h"

enum {
	SPOOL_BODY = 256 * 1024 * 1024, /* bytes of a whole body: more is not read at all */
	SPOOL_KEPT = 25 * 1024 * 1024,  /* bytes of its files that are kept; what is more is read, counted and dropped */
	SPOOL_FILES = 40,
	SPOOL_RESERVE = 256 * 1024 * 1024 /* bytes that stay free on the disk, for what must be kept: with less no file is taken */
};

struct spool;

/* A file that was sent. */
struct sent_file {
	struct str field, name; /* the name as the browser sent it: any bytes */
	int64_t size;           /* all of it, kept or not */
	bool cut;               /* not all of it was kept */
	struct bytes bytes;     /* borrowed from the spool */
};
struct sent_files {
	struct sent_file *items;
	size_t count, cap;
};

/* folder: where the temporary file lies. TRANSIENT: there is no room. */
struct spool *spool_open(struct str folder, struct str boundary, struct arena *a, struct err *err); /* caller closes */
bool spool_feed(struct spool *s, const char *bytes, size_t len); /* false: broken, or the disk is full */
/* All has come: fields as those of a form, files that have a name or bytes. INPUT: broken, or a limit is passed; TRANSIENT: the disk. */
bool spool_finish(struct spool *s, struct pairs *fields, struct sent_files *files, struct err *err);
void spool_close(struct spool *s);

#endif
