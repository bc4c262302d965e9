/* The gate of children that read strangers' bytes: each way out is tried by a process behind it. */
#include "engine/base/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/stafet-gate-XXXXXX";
static char keys[64];

static bool refused(long result) {
	return result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS);
}

static bool no_network(void) {
	int ends[2];
	return refused(socket(AF_INET, SOCK_STREAM, 0)) && refused(socket(AF_UNIX, SOCK_STREAM, 0)) && refused(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) && refused(send(0, "x", 1, 0));
}

static bool no_program(void) {
	char *argv[] = {(char[]){"true"}, NULL};
	return refused(execv("/bin/true", argv));
}

static bool no_process(void) {
	struct rlimit none = {0, 0};
	siginfo_t info = {.si_code = SI_QUEUE};
	return refused(fork()) && refused(kill(getppid(), 0)) && refused(prlimit(getppid(), RLIMIT_NOFILE, &none, NULL)) && refused(syscall(SYS_pidfd_open, getppid(), 0)) &&
	       refused(syscall(SYS_ptrace, 16, getppid(), 0, 0)) && refused(syscall(SYS_tgkill, getppid(), getppid(), 0)) &&
	       refused(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), SIGUSR1, &info));
}

/* abort() signals its own thread. */
static bool can_abort(void) {
	return syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0) == 0;
}

static bool no_writing(void) {
	return refused(open(keys, O_WRONLY)) && refused(open(keys, O_RDWR)) && refused(open("/tmp/stafet-gate-new", O_CREAT | O_WRONLY, 0600)) && refused(unlink(keys)) && refused(rename(keys, "/tmp/x")) &&
	       refused(mkdir("/tmp/stafet-gate-new", 0700)) && refused(chmod(keys, 0666)) && refused(truncate(keys, 0)) && refused(symlink(keys, "/tmp/stafet-gate-new"));
}

static bool reads_the_system(void) {
	return open("/usr/share/zoneinfo/Europe/Copenhagen", O_RDONLY) >= 0 && open("/etc/ld.so.cache", O_RDONLY) >= 0;
}

static bool no_reading_of_keys(void) {
	return refused(open(keys, O_RDONLY)) && refused(open("/etc/passwd", O_RDONLY));
}

static void *nothing(void *context) {
	return context;
}

static bool threads_work(void) {
	pthread_t thread;
	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

/* What try() finds in a process whose gate is shut; it ends without the sanitizer's last look, for which it could not fork. */
static bool behind(bool (*try)(void)) {
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !gate_shut() ? 2 : try() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 2);
	return WEXITSTATUS(status) == 0;
}

static void ways_out_are_shut(void **state) {
	(void)state;
	assert_true(behind(no_network));
	assert_true(behind(no_program));
	assert_true(behind(no_process));
	assert_true(behind(no_writing));
}

static void fonts_can_be_read_and_threads_made(void **state) {
	(void)state;
	assert_true(behind(reads_the_system));
	assert_true(behind(threads_work));
	assert_true(behind(can_abort));
}

static void keys_cannot_be_read(void **state) {
	(void)state;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
		skip(); /* a kernel without Landlock */
	assert_true(behind(no_reading_of_keys));
}

static int set_up(void **state) {
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	snprintf(keys, sizeof keys, "%s/keys", folder);
	int fd = open(keys, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	return fd < 0 || close(fd);
}

static int tear_down(void **state) {
	(void)state;
	return unlink(keys) || rmdir(folder);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ways_out_are_shut),
	        cmocka_unit_test(fonts_can_be_read_and_threads_made),
	        cmocka_unit_test(keys_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
