#include "otp-portal/spool.h"

#include "otp-portal/multipart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct piece {
	struct spool *spool;
	int64_t at; /* in the temporary file */
	struct sent_file file;
};

struct spool {
	struct multipart *parser;
	struct arena *arena;
	int fd;
	int64_t kept;
	bool disk_failed;
	struct pairs fields;
	struct {
		struct piece **items;
		size_t count, cap;
	} pieces;
	struct str name;   /* of the part under way */
	struct buf text;   /* its value, when it is no file */
	size_t all;        /* bytes of all fields so far */
	struct piece *piece;
	bool in_text;
};

static int open_nameless(const char *folder) {
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	char path[4096];
	struct buf text;
	buf_init(&text, sizeof path - 1);
	buf_printf(&text, "%s/upload-XXXXXX", folder);
	if (text.overflow) {
		buf_free(&text);
		return -1;
	}
	memcpy(path, text.at, text.len + 1);
	buf_free(&text);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* What cannot be told is taken to be enough. */
static bool has_room(const char *folder) {
	struct statvfs disk;
	return statvfs(folder, &disk) != 0 || (uint64_t)disk.f_bavail * disk.f_frsize >= SPOOL_RESERVE;
}

static bool read_piece(void *context, int64_t at, char *out, size_t len) {
	const struct piece *p = context;
	if (at < 0 || p->file.cut || at > p->file.size || (int64_t)len > p->file.size - at)
		return false;
	while (len > 0) {
		ssize_t got = pread(p->spool->fd, out, len, p->at + at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		out += got;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

static bool keep(struct spool *s, const char *bytes, size_t len) {
	while (len > 0) {
		ssize_t put = pwrite(s->fd, bytes, len, s->kept);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			s->disk_failed = true;
			return false;
		}
		s->kept += put;
		bytes += put;
		len -= (size_t)put;
	}
	return true;
}

/* A text is as in an urlencoded body: UTF-8 without NUL. */
static bool end_text(struct spool *s) {
	struct str value = buf_text(&s->text);
	if (!s->in_text)
		return true;
	s->in_text = false;
	if (s->text.overflow || s->all > REQUEST_BODY || s->fields.count >= REQUEST_FIELDS || !str_utf8_valid(value) || (value.len > 0 && memchr(value.at, '\0', value.len)))
		return false;
	*(struct pair *)ARENA_PUSH(s->arena, &s->fields) = (struct pair){s->name, arena_str(s->arena, value)};
	return true;
}

static bool begin_part(void *context, struct str name, bool file, struct str filename) {
	struct spool *s = context;
	if (!end_text(s))
		return false;
	s->name = arena_str(s->arena, name);
	s->in_text = !file;
	s->piece = NULL;
	buf_clear(&s->text);
	s->all += name.len;
	if (!file)
		return true;
	if (s->pieces.count >= SPOOL_FILES)
		return false;
	s->piece = ARENA_NEW(s->arena, struct piece);
	*s->piece = (struct piece){.spool = s, .at = s->kept, .file = {.field = s->name, .name = arena_str(s->arena, filename)}};
	s->piece->file.bytes = (struct bytes){s->piece, read_piece};
	*(struct piece **)ARENA_PUSH(s->arena, &s->pieces) = s->piece;
	return true;
}

static bool take_data(void *context, const char *bytes, size_t len) {
	struct spool *s = context;
	if (!s->piece) {
		buf_add(&s->text, bytes, len);
		s->all += len;
		return !s->text.overflow && s->all <= REQUEST_BODY;
	}
	s->piece->file.size += (int64_t)len;
	s->piece->file.cut = s->piece->file.cut || s->kept + (int64_t)len > SPOOL_KEPT;
	if (!s->piece->file.cut)
		return keep(s, bytes, len);
	/* What was kept of it makes room again. */
	s->kept = s->piece->at;
	return true;
}

struct spool *spool_open(struct str folder, struct str boundary, struct arena *a, struct err *err) {
	const char *path = arena_z(a, folder);
	if (!has_room(path)) {
		err_set(err, ERR_TRANSIENT, "error.busy", "less than %d MB are free in %s", SPOOL_RESERVE >> 20, path);
		return NULL;
	}
	int fd = open_nameless(path);
	if (fd < 0) {
		err_set(err, ERR_TRANSIENT, "error.busy", "no temporary file in %.*s: %s", STR_ARG(folder), strerror(errno));
		return NULL;
	}
	struct spool *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	s->arena = a;
	s->fd = fd;
	buf_init(&s->text, REQUEST_FIELD);
	s->parser = multipart_open(boundary, (struct multipart_sink){s, begin_part, take_data});
	return s;
}

bool spool_feed(struct spool *s, const char *bytes, size_t len) {
	return multipart_feed(s->parser, bytes, len);
}

bool spool_finish(struct spool *s, struct pairs *fields, struct sent_files *files, struct err *err) {
	if (s->disk_failed)
		return err_set(err, ERR_TRANSIENT, "error.busy", "the temporary file of an upload cannot be written");
	if (!multipart_whole(s->parser) || !end_text(s))
		return err_set(err, ERR_INPUT, "error.input", "a multipart body is broken, or a field is too long");
	*fields = s->fields;
	for (size_t i = 0; i < s->pieces.count; i++) {
		const struct sent_file *file = &s->pieces.items[i]->file;
		/* An input without a file is sent with neither. */
		if (file->size > 0 || file->name.len > 0)
			*(struct sent_file *)ARENA_PUSH(s->arena, files) = *file;
	}
	return true;
}

void spool_close(struct spool *s) {
	if (!s)
		return;
	multipart_close(s->parser);
	buf_free(&s->text);
	close(s->fd);
	free(s);
}
