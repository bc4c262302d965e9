#include "engine/base/file.h"

#include "engine/base/escape.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct err *err, enum err_kind kind, const char *key, const char *path, const char *why) {
	err_set(err, kind, key, "%s: %s", path, why);
	err_arg(err, 0, str_from(path));
	return false;
}

/* NONBLOCK: a pipe without a writer must not be waited for; it is then refused as no regular file. */
static int open_regular(const char *path, struct stat *info, struct err *err) {
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		bool absent = errno == ENOENT || errno == ENOTDIR;
		fail(err, absent ? ERR_NOT_FOUND : ERR_PERMANENT, absent ? "file.not-found" : "file.unreadable", path, absent ? "there is no such file" : strerrordesc_np(errno));
		return -1;
	}
	if (fstat(fd, info) == 0 && S_ISREG(info->st_mode))
		return fd;
	fail(err, ERR_PERMANENT, "file.unreadable", path, "this is no file that can be read");
	close(fd);
	return -1;
}

/* Up to size bytes; -1 on an error. */
static ssize_t read_up_to(int fd, char *bytes, size_t size) {
	size_t len = 0;
	while (len < size) {
		ssize_t got = read(fd, bytes + len, size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

bool file_read(struct arena *a, const char *path, size_t limit, struct str *out, struct err *err) {
	struct stat info;
	int fd = open_regular(path, &info, err);
	if (fd < 0)
		return false;
	/* The size is a hint: one byte more shows that the file has grown meanwhile. */
	size_t room = (size_t)info.st_size < limit ? (size_t)info.st_size + 1 : limit + 1;
	char *bytes = arena_alloc(a, room + 1);
	ssize_t len = read_up_to(fd, bytes, room);
	close(fd);
	if (len < 0)
		return fail(err, ERR_PERMANENT, "file.unreadable", path, "cannot be read");
	if ((size_t)len == room)
		return fail(err, ERR_INPUT, "error.too-large", path, (size_t)len > limit ? "the file is too large" : "the file changed while it was read");
	*out = (struct str){bytes, (size_t)len};
	return true;
}

bool file_read_secret(const char *path, const char *what, char *out, size_t size, struct err *err) {
	struct stat info;
	int fd = open_regular(path, &info, err);
	if (fd < 0) {
		err_context(err, "%s", what);
		return false;
	}
	ssize_t len = read_up_to(fd, out, size - 1);
	close(fd);
	if (info.st_mode & (S_IROTH | S_IWOTH | S_IXOTH))
		return fail(err, ERR_PERMANENT, "file.unreadable", path, "others may read it (chmod o-rwx)");
	struct str rest = {out, len < 0 ? 0 : (size_t)len};
	struct str line = str_trim(str_cut(&rest, '\n'));
	if (line.len == 0 || rest.len > 0 || (size_t)len == size - 1)
		return fail(err, ERR_PERMANENT, "file.unreadable", path, "one line is expected in it");
	memmove(out, line.at, line.len);
	out[line.len] = '\0';
	return escape_gate((struct str){out, line.len}, size, what, err);
}

bool file_write(const char *path, struct str text, int mode, struct err *err) {
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	if (fd < 0)
		return fail(err, ERR_CONFLICT, "file.unwritable", path, strerrordesc_np(errno));
	bool ok = write(fd, text.at, text.len) == (ssize_t)text.len && fsync(fd) == 0;
	return (close(fd) == 0 && ok) || fail(err, ERR_TRANSIENT, "file.unwritable", path, "cannot be written");
}
