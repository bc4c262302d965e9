/* multipart: a strict reader of multipart/form-data (RFC 7578, as browsers send it) that is fed piece by piece and keeps no more than MULTIPART_WINDOW
 * bytes. What could be read in two ways is broken. Knows nothing of requests. */
#ifndef OTP_PORTAL_MULTIPART_H
#define OTP_PORTAL_MULTIPART_H

#include "engine/base/arena.h"

enum {
	MULTIPART_WINDOW = 16 * 1024,
	MULTIPART_HEAD = 4 * 1024,  /* bytes of a part's headers */
	MULTIPART_PARTS = 500,
	MULTIPART_NAME = 100,       /* bytes of a field's name */
	MULTIPART_FILE_NAME = 1024  /* bytes of a file's name, as sent */
};

struct multipart;

struct multipart_sink {
	void *context;
	/* A part begins. filename: what the browser calls the file; not text of ours. Both borrowed for the call. */
	bool (*part)(void *context, struct str name, bool file, struct str filename);
	bool (*data)(void *context, const char *bytes, size_t len); /* of the part that began last; false ends all, as broken */
};

/* Content-Type -> boundary; false: not multipart/form-data with one boundary of 1 to 70 plain characters (RFC 2046). Borrowed. */
bool multipart_boundary(struct str content_type, struct str *boundary);
struct multipart *multipart_open(struct str boundary, struct multipart_sink sink); /* caller closes */
bool multipart_feed(struct multipart *m, const char *bytes, size_t len);           /* false: broken, now and for ever */
bool multipart_whole(const struct multipart *m);                                   /* the last boundary was there */
void multipart_close(struct multipart *m);

#endif
