#include "engine/base/file.h"

#include "engine/base/escape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool copy_bytes(int in, int out) {
	enum { PIECE = 1 << 20 };
	char *piece = malloc(PIECE);
	ssize_t got = -1;
	BUG_IF(piece == NULL);
	while ((got = read_up_to(in, piece, PIECE)) > 0)
		for (ssize_t sent = 0, done; sent < got; sent += done)
			if ((done = write(out, piece + sent, (size_t)(got - sent))) <= 0) {
				free(piece);
				return false;
			}
	free(piece);
	return got == 0 && fsync(out) == 0;
}

bool file_copy(const char *from, const char *to, int mode, struct err *err) {
	struct stat info;
	int in = open_regular(from, &info, err);
	if (in < 0)
		return false;
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	if (out < 0)
		fail(err, ERR_CONFLICT, "file.unwritable", to, strerrordesc_np(errno));
	bool ok = out >= 0 && copy_bytes(in, out);
	if (out >= 0 && !ok) {
		fail(err, ERR_TRANSIENT, "file.unwritable", to, errno ? strerrordesc_np(errno) : "cannot be written");
		unlink(to);
	}
	if (out >= 0)
		close(out);
	close(in);
	return ok;
}

/* Not every file system can refuse to replace: there it is looked first. */
static bool rename_file(const char *part, const char *path, bool overwrite) {
	if (overwrite)
		return rename(part, path) == 0;
	if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (access(path, F_OK) != 0)
		return rename(part, path) == 0;
	errno = EEXIST;
	return false;
}

static bool sync_path(const char *path, int flags) {
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

bool file_put_in_place(const char *part, const char *path, bool overwrite, struct err *err) {
	struct arena *a = arena_new();
	struct str folder = str_from(path);
	while (folder.len > 0 && folder.at[folder.len - 1] != '/')
		folder.len--;
	bool ok = sync_path(part, 0) && rename_file(part, path, overwrite) && sync_path(folder.len ? arena_z(a, folder) : ".", O_DIRECTORY);
	int why = errno;
	arena_free(a);
	return ok || fail(err, why == EEXIST ? ERR_CONFLICT : ERR_TRANSIENT, "file.unwritable", path, why == EEXIST ? "it is there already" : strerrordesc_np(why));
}
