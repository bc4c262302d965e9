#include "engine/base/child.h"

#include "engine/base/clock.h"
#include "engine/base/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARENT "STAFET_PARENT"

static bool fail(struct err *err, enum err_kind kind, const char *why) {
	return err_set(err, kind, kind == ERR_TRANSIENT ? "error.busy" : "error.internal", "%s", why);
}

/* An unnamed file in memory with these bytes; -1 on error. */
static int memory_file(struct str bytes) {
	int fd = memfd_create("child", MFD_CLOEXEC);
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
static bool start(const char *command, int input, int output, pid_t *pid) {
	static char name[] = "stafet", locale[] = "LC_ALL=C.UTF-8";
	char argument[64], parent[32], *const argv[] = {name, argument, NULL}, *const environment[] = {locale, parent, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none;
	memccpy(argument, command, '\0', sizeof argument);
	argument[sizeof argument - 1] = '\0';
	snprintf(parent, sizeof parent, PARENT "=%ld", (long)getpid());
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	int status = posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
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

/* Its end, or ours with it. watch: its pidfd; -1: it is killed at once. *status: as of waitpid; false: it was killed. */
static bool await(pid_t pid, int watch, int patience_ms, int *status) {
	int ready = -1;
	int64_t deadline = clock_monotonic() + patience_ms;
	do {
		int64_t left = deadline - clock_monotonic();
		if (watch < 0)
			break;
		ready = poll(&(struct pollfd){watch, POLLIN, 0}, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	if (ready != 1)
		kill(pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return ready == 1;
}

static bool read_file(struct arena *a, int fd, size_t most, struct str *out, struct err *err) {
	struct stat info;
	size_t len = 0;
	if (fstat(fd, &info) != 0 || info.st_size < 0)
		return fail(err, ERR_TRANSIENT, "the file of a child process cannot be read");
	if ((size_t)info.st_size > most)
		return fail(err, ERR_PERMANENT, "the answer of a child process is too long");
	char *bytes = arena_alloc(a, (size_t)info.st_size + 1);
	for (ssize_t got; len < (size_t)info.st_size; len += (size_t)got)
		if ((got = pread(fd, bytes + len, (size_t)info.st_size - len, (off_t)len)) <= 0)
			return fail(err, ERR_TRANSIENT, "the file of a child process cannot be read");
	*out = (struct str){bytes, len};
	return true;
}

static bool run(struct arena *a, const struct child_work *work, int input, int output, struct child_answer *out, struct err *err) {
	pid_t pid;
	int status = 0;
	*out = (struct child_answer){0};
	if (input < 0 || output < 0 || !start(work->command, input, output, &pid))
		return fail(err, ERR_TRANSIENT, "no child process could be started");
	int watch = pidfd_open(pid, 0);
	bool ended = await(pid, watch, work->patience_ms, &status);
	if (watch < 0)
		return fail(err, ERR_TRANSIENT, "a child process cannot be waited for");
	close(watch);
	if (!ended) {
		out->status = -2;
		out->why = "it took too long";
		return true;
	}
	out->status = WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
	out->why = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : NULL;
	return WIFSIGNALED(status) || read_file(a, output, work->most, &out->output, err);
}

bool child_run(struct arena *a, const struct child_work *work, struct child_answer *out, struct err *err) {
	int input = memory_file(work->input), output = memory_file(STR(""));
	bool ok = run(a, work, input, output, out, err);
	if (input >= 0)
		close(input);
	if (output >= 0)
		close(output);
	return ok;
}

/* A parent that died before the child asked to go with it. */
static bool has_parent(void) {
	int64_t parent;
	return !str_to_int(str_from(getenv(PARENT)), &parent) || parent == getppid();
}

/* Never more than whoever started us was allowed. */
static bool limit(int what, rlim_t most) {
	struct rlimit now;
	if (getrlimit((__rlimit_resource_t)what, &now) != 0)
		return false;
	rlim_t least = now.rlim_max < most ? now.rlim_max : most;
	return setrlimit((__rlimit_resource_t)what, &(struct rlimit){least, least}) == 0;
}

/* A sanitizer's shadow is terabytes of address space, and it starts a process to look for leaks. */
static bool limit_memory_and_calls(int mb) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)mb;
	return true;
#else
	return limit(RLIMIT_AS, (rlim_t)mb << 20) && gate_shut();
#endif
}

bool child_confine(const struct child_limits *l) {
	signal(SIGXFSZ, SIG_IGN);
	return limit(RLIMIT_CPU, (rlim_t)l->processor_s) && limit(RLIMIT_FSIZE, l->output) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, (rlim_t)l->files) &&
	       prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && has_parent() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && limit_memory_and_calls(l->memory_mb);
}

bool child_input(struct arena *a, size_t most, struct str *out) {
	struct err err;
	return read_file(a, STDIN_FILENO, most, out, &err) && out->len > 0;
}

bool child_output(struct str bytes) {
	while (bytes.len > 0) {
		ssize_t put = write(STDOUT_FILENO, bytes.at, bytes.len);
		if (put <= 0)
			return false;
		bytes = (struct str){bytes.at + put, bytes.len - (size_t)put};
	}
	return true;
}
