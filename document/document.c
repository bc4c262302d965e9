#include "document/document.h"

#include "document/order.h"
#include "engine/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30 * 1000 };

static bool fail(struct err *err, enum err_kind kind, const char *what, const char *why) {
	return err_set(err, kind, kind == ERR_INPUT ? "error.input" : kind == ERR_TRANSIENT ? "error.busy" : "error.internal", "%s%s%s", what, *why ? ": " : "", why);
}

/* An unnamed file in memory with these bytes; -1 on error. */
static int memory_file(struct str bytes) {
	int fd = memfd_create("document", MFD_CLOEXEC);
	for (size_t at = 0; fd >= 0 && at < bytes.len;) {
		ssize_t put = pwrite(fd, bytes.at + at, bytes.len - at, (off_t)at);
		if (put <= 0) {
			close(fd);
			return -1;
		}
		at += (size_t)put;
	}
	return fd;
}

/* Neither the fonts nor the language of whoever started us: equal input, equal bytes. */
static bool start(int order, int answer, pid_t *pid) {
	static char name[] = "stafet", command[] = DOCUMENT_CHILD, locale[] = "LC_ALL=C.UTF-8";
	char *const argv[] = {name, command, NULL}, *const environment[] = {locale, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	int status = posix_spawn_file_actions_adddup2(&files, order, STDIN_FILENO);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&files, answer, STDOUT_FILENO);
	if (status == 0)
		status = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (status == 0)
		status = posix_spawn(pid, "/proc/self/exe", &files, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return status == 0;
}

/* Its end, or ours with it. *status: as of waitpid; false: it took too long and was killed. */
static bool await(pid_t pid, int *status) {
	int fd = pidfd_open(pid, 0), ready = -1;
	int64_t deadline = clock_monotonic() + PATIENCE_MS;
	do {
		int64_t left = deadline - clock_monotonic();
		if (fd < 0)
			break;
		ready = poll(&(struct pollfd){fd, POLLIN, 0}, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	if (ready != 1)
		kill(pid, SIGKILL);
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return ready == 1;
}

static bool read_answer(struct arena *a, int fd, struct str *out) {
	struct stat info;
	size_t len = 0;
	if (fstat(fd, &info) != 0 || info.st_size > DOCUMENT_BYTES)
		return false;
	char *bytes = arena_alloc(a, (size_t)info.st_size + 1);
	for (ssize_t got; len < (size_t)info.st_size; len += (size_t)got)
		if ((got = pread(fd, bytes + len, (size_t)info.st_size - len, (off_t)len)) <= 0)
			return false;
	*out = (struct str){bytes, len};
	return true;
}

static bool judge(struct arena *a, int status, int answer, struct str *pdf, struct err *err) {
	struct str bytes;
	if (WIFSIGNALED(status))
		return fail(err, ERR_PERMANENT, "the document could not be drawn: its process was ended", strsignal(WTERMSIG(status)));
	if (!read_answer(a, answer, &bytes))
		return fail(err, ERR_PERMANENT, "the drawn document cannot be read", "");
	if (WEXITSTATUS(status) != 0)
		return fail(err, WEXITSTATUS(status) == 1 ? ERR_INPUT : ERR_PERMANENT, "the document could not be drawn", bytes.len > 0 ? arena_z(a, bytes) : "");
	if (!str_starts(bytes, STR("%PDF-")) || !str_ends(bytes, STR("%%EOF\n")))
		return fail(err, ERR_PERMANENT, "the drawn document is not whole", "");
	*pdf = bytes;
	return true;
}

static bool run(struct arena *a, int order, int answer, struct str *pdf, struct err *err) {
	pid_t pid;
	int status = 0;
	if (order < 0 || answer < 0 || !start(order, answer, &pid))
		return fail(err, ERR_TRANSIENT, "no process for a document could be started", "");
	if (!await(pid, &status))
		return fail(err, ERR_PERMANENT, "the document could not be drawn: it took too long", "");
	return judge(a, status, answer, pdf, err);
}

bool document_pdf(struct arena *a, struct str markdown, const struct document_layout *layout, struct str *pdf, struct err *err) {
	struct buf bytes;
	if (markdown.len > DOCUMENT_TEXT)
		return err_set(err, ERR_INPUT, "error.input", "the text is longer than a document may be (%d bytes)", DOCUMENT_TEXT);
	buf_init(&bytes, 3 * DOCUMENT_TEXT);
	order_write(&bytes, markdown, layout);
	bool ok = !bytes.overflow || err_set(err, ERR_INPUT, "error.input", "the document's head is too long");
	if (ok) {
		int order = memory_file(buf_text(&bytes)), answer = memory_file(STR(""));
		ok = run(a, order, answer, pdf, err);
		if (order >= 0)
			close(order);
		if (answer >= 0)
			close(answer);
	}
	buf_free(&bytes);
	return ok;
}
