#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_read(const char *path, size_t limit, struct arena *a, struct str *out, struct err *err) {
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char chunk[16384];
	struct buf text;
	if (!f)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "cannot open %s: %s", path, strerror(errno));
	buf_init(&text, limit);
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
		buf_add(&text, chunk, n);
	bool failed = ferror(f) != 0;
	if (f != stdin)
		fclose(f);
	*out = arena_str(a, buf_text(&text));
	bool large = text.overflow;
	buf_free(&text);
	if (failed)
		return err_set(err, ERR_INPUT, "error.input", "cannot read %s", path);
	return !large || err_set(err, ERR_INPUT, "error.too-large", "%s is larger than %zu bytes", path, limit);
}

bool file_write(const char *path, struct str text, int mode, struct err *err) {
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
	if (fd < 0)
		return err_set(err, ERR_CONFLICT, "error.input", "cannot create %s: %s", path, strerror(errno));
	bool ok = write(fd, text.at, text.len) == (ssize_t)text.len && fsync(fd) == 0;
	return (close(fd) == 0 && ok) || err_set(err, ERR_TRANSIENT, "error.busy", "cannot write %s: %s", path, strerror(errno));
}

const char *packages_folder(struct arena *a) {
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	if (len > 0) {
		self[len] = '\0';
		/* build/stafet in the source tree */
		for (int up = 0; up < 3; up++) {
			char *slash = strrchr(self, '/');
			if (!slash)
				break;
			*slash = '\0';
			struct str path = arena_printf(a, "%s/templates", self);
			if (access(path.at, R_OK) == 0)
				return path.at;
		}
	}
	return access("/usr/share/stafet/templates", R_OK) == 0 ? "/usr/share/stafet/templates" : NULL;
}
