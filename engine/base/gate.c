#include "engine/base/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#define REFUSE(number) (SECCOMP_RET_ERRNO | (number))
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define GIVE(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ANY_OF(bits, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (yes), (no))
#define NEVER(call) EQUAL((call), 0, 1), GIVE(REFUSE(EPERM))

/* Little-endian machines both: the lower half of an argument comes first. */
#define LOW(n) LOAD(args[n])
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

/* Every way to the network, to other programs and processes, and to names of files. What only the superuser may do is left out, for children are not. */
static const struct sock_filter calls[] = {
#ifdef MACHINE
        LOAD(arch), EQUAL(MACHINE, 1, 0), GIVE(SECCOMP_RET_KILL_PROCESS), LOAD(nr),
#endif
#ifdef __x86_64__
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), GIVE(REFUSE(ENOSYS)), /* the calls of the x32 machine */
        NEVER(SYS_fork), NEVER(SYS_vfork), NEVER(SYS_creat), NEVER(SYS_unlink), NEVER(SYS_rename), NEVER(SYS_link), NEVER(SYS_symlink), NEVER(SYS_mkdir), NEVER(SYS_rmdir),
        NEVER(SYS_chmod), NEVER(SYS_chown), NEVER(SYS_lchown), NEVER(SYS_mknod), NEVER(SYS_utime), NEVER(SYS_utimes), NEVER(SYS_futimesat),
        EQUAL(SYS_open, 0, 4), LOW(1), ANY_OF(WRITING, 0, 1), GIVE(REFUSE(EPERM)), GIVE(SECCOMP_RET_ALLOW),
#endif
        NEVER(SYS_socket), NEVER(SYS_socketpair), NEVER(SYS_connect), NEVER(SYS_bind), NEVER(SYS_listen), NEVER(SYS_accept), NEVER(SYS_accept4), NEVER(SYS_sendto), NEVER(SYS_sendmsg),
        NEVER(SYS_sendmmsg), NEVER(SYS_execve), NEVER(SYS_execveat), NEVER(SYS_ptrace), NEVER(SYS_process_vm_readv), NEVER(SYS_process_vm_writev), NEVER(SYS_kill), NEVER(SYS_tkill),
        NEVER(SYS_rt_sigqueueinfo), NEVER(SYS_pidfd_open), NEVER(SYS_pidfd_getfd), NEVER(SYS_pidfd_send_signal), NEVER(SYS_kcmp), NEVER(SYS_unshare), NEVER(SYS_setns), NEVER(SYS_chroot),
        NEVER(SYS_mount), NEVER(SYS_umount2), NEVER(SYS_pivot_root), NEVER(SYS_bpf), NEVER(SYS_perf_event_open), NEVER(SYS_userfaultfd), NEVER(SYS_io_uring_setup), NEVER(SYS_keyctl),
        NEVER(SYS_add_key), NEVER(SYS_request_key), NEVER(SYS_open_by_handle_at), NEVER(SYS_setpriority), NEVER(SYS_unlinkat), NEVER(SYS_renameat2), NEVER(SYS_linkat), NEVER(SYS_symlinkat),
        NEVER(SYS_mkdirat), NEVER(SYS_mknodat), NEVER(SYS_fchmodat), NEVER(SYS_fchownat), NEVER(SYS_truncate), NEVER(SYS_utimensat), NEVER(SYS_setxattr), NEVER(SYS_lsetxattr), NEVER(SYS_removexattr),
#ifdef SYS_renameat
        NEVER(SYS_renameat),
#endif
        /* Their arguments cannot be looked at; who is told that they do not exist takes clone and openat. */
        EQUAL(SYS_clone3, 0, 1), GIVE(REFUSE(ENOSYS)), EQUAL(SYS_openat2, 0, 1), GIVE(REFUSE(ENOSYS)),
        EQUAL(SYS_clone, 0, 4), LOW(0), ANY_OF(CLONE_THREAD, 1, 0), GIVE(REFUSE(EPERM)), GIVE(SECCOMP_RET_ALLOW),
        EQUAL(SYS_openat, 0, 4), LOW(2), ANY_OF(WRITING, 0, 1), GIVE(REFUSE(EPERM)), GIVE(SECCOMP_RET_ALLOW),
        EQUAL(SYS_prlimit64, 0, 4), LOW(0), EQUAL(0, 1, 0), GIVE(REFUSE(EPERM)), GIVE(SECCOMP_RET_ALLOW), /* one's own */
        GIVE(SECCOMP_RET_ALLOW),
};

/* Fonts, character sets, libraries. */
static const char *const readable[] = {"/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/var/cache/fontconfig"};

static void allow_reading(int rules, const char *path) {
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) { /* of one file */
		rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
		syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	close(fd);
}

/* Without Landlock the site's files are guarded by their modes alone, as from any program of the same user. */
static void shut_files(void) {
	struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
	if (rules < 0)
		return;
	for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
		allow_reading(rules, readable[i]);
	syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
}

#ifdef MACHINE
/* The signals that abort() and threads send are one's own; by the same calls a child could end the server. */
static bool shut_signals(void) {
	const struct sock_filter own[] = {
	        LOAD(nr), EQUAL(SYS_tgkill, 1, 0), EQUAL(SYS_rt_tgsigqueueinfo, 0, 3), LOW(0), EQUAL((uint32_t)getpid(), 1, 0), GIVE(REFUSE(EPERM)), GIVE(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof own / sizeof *own, (struct sock_filter *)own};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#endif

bool gate_shut(void) {
	struct sock_fprog program = {sizeof calls / sizeof *calls, (struct sock_filter *)calls};
	shut_files();
#ifdef MACHINE
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 && shut_signals();
#else
	(void)program;
	return true;
#endif
}
