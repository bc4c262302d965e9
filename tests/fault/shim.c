/* Preloaded into build/stafet by story.py: fails the Nth call of a kind, as the order in the shared file $STAFET_FAULT says; and keeps what a power cut would
 * leave of the store beside it (FILE.disk), as a kernel does: what was written is there after a sync that succeeded, and is lost for good after one that failed.
 * Threads: any. Not part of the program. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* In place of an errno: die there, a write in its middle; write half; the other side has hung up; the disk loses what was to be synced, and we die. */
enum { BY_KILL = -1, BY_HALF = -2, BY_END = -3, BY_LOSS = -4 };
enum { PAGE = 4096, PAGES = 1 << 15 };

/* story.py writes it with struct.pack("=qqqii16s48sq"). */
struct order {
	int64_t nth; /* 0: only count */
	int64_t seen, hits;
	int32_t error;
	int32_t times; /* so many calls in a row */
	char call[16];
	char target[48]; /* how the file's path ends; or :PORT of the other side, @PORT of ours; empty: any */
	int64_t shift_ms; /* the wall clock is so much ahead */
};

static struct order *order;
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static bool child; /* of the program: allocations are failed there alone */
static int64_t allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
	const char *path = getenv("STAFET_FAULT");
	int fd = path ? NEXT(open64)(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *at = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	child = getenv("STAFET_PARENT") != NULL;
	if (at != MAP_FAILED)
		order = at;
}

static bool ends_with(const char *text, const char *end) {
	size_t len = strlen(text), most = strlen(end);
	return len >= most && strcmp(text + len - most, end) == 0;
}

static const char *path_of(int fd, char path[PATH_MAX]) {
	char name[32];
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(name, path, PATH_MAX - 1);
	path[len > 0 ? len : 0] = '\0';
	return path;
}

static bool port_is(const struct sockaddr *address, const char *wanted) {
	const struct sockaddr_in *in = (const void *)address;
	return address->sa_family == AF_INET && ntohs(in->sin_port) == atoi(wanted);
}

static bool fd_is(int fd) {
	const char *wanted = order->target;
	char path[PATH_MAX];
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	if (wanted[0] == '@')
		return getsockname(fd, (struct sockaddr *)&peer, &len) == 0 && port_is((struct sockaddr *)&peer, wanted + 1);
	if (wanted[0] != ':')
		return wanted[0] == '\0' || ends_with(path_of(fd, path), wanted);
	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && port_is((struct sockaddr *)&peer, wanted + 1);
}

static bool is_call(const char *call) {
	return order && order->call[0] && strcmp(order->call, call) == 0;
}

static bool is_its_turn(int64_t number) {
	return order->nth > 0 && number >= order->nth && number < order->nth + order->times;
}

/* Counts it. True: it fails now; errno says how, unless it is BY_HALF or BY_END. */
static bool fails(void) {
	int64_t seen = __atomic_add_fetch(&order->seen, 1, __ATOMIC_SEQ_CST);
	if (!is_its_turn(seen))
		return false;
	__atomic_add_fetch(&order->hits, 1, __ATOMIC_SEQ_CST);
	errno = order->error;
	return true;
}

static void die(void) {
	raise(SIGKILL);
}

static bool fails_on(const char *call, int fd) {
	if (!is_call(call) || !fd_is(fd) || !fails())
		return false;
	if (order->error == BY_KILL)
		die();
	return true;
}

/* --- what a power cut leaves --- */

/* The file's copy on the disk, and which of its pages it lacks. False: it is no file of the store, or nobody asked. */
static bool disk_open(int fd, int *copy, unsigned char **lacking) {
	char path[PATH_MAX + 8];
	if (!getenv("STAFET_DISK") || !(ends_with(path_of(fd, path), ".db") || ends_with(path, ".db-wal")))
		return false;
	size_t len = strlen(path);
	memcpy(path + len, ".lacks", sizeof ".lacks");
	int map = NEXT(open64)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (map < 0 || NEXT(ftruncate)(map, PAGES) != 0)
		abort();
	*lacking = mmap(NULL, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	close(map);
	memcpy(path + len, ".disk", sizeof ".disk");
	*copy = NEXT(open64)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*lacking == MAP_FAILED || *copy < 0)
		abort();
	return true;
}

static void disk_close(int copy, unsigned char *lacking) {
	munmap(lacking, PAGES);
	close(copy);
}

static void disk_written(int fd, off_t at, ssize_t len) {
	int copy, kept = errno;
	unsigned char *lacking;
	pthread_mutex_lock(&disk_lock);
	if (len > 0 && disk_open(fd, &copy, &lacking)) {
		for (off_t page = at / PAGE; page <= (at + len - 1) / PAGE && page < PAGES; page++)
			lacking[page] = 1;
		disk_close(copy, lacking);
	}
	pthread_mutex_unlock(&disk_lock);
	errno = kept;
}

/* After a failed sync the kernel takes the pages for clean: only a new write brings them to the disk. */
static void disk_synced(int fd, bool ok) {
	int copy, kept = errno;
	unsigned char *lacking, bytes[PAGE];
	pthread_mutex_lock(&disk_lock);
	if (disk_open(fd, &copy, &lacking)) {
		for (off_t page = 0; page < PAGES; page++) {
			ssize_t got = ok && lacking[page] ? NEXT(pread64)(fd, bytes, PAGE, page * PAGE) : 0;
			if (got > 0 && NEXT(pwrite64)(copy, bytes, (size_t)got, page * PAGE) != got)
				abort();
			lacking[page] = 0;
		}
		disk_close(copy, lacking);
	}
	pthread_mutex_unlock(&disk_lock);
	errno = kept;
}

static void disk_truncated(int fd, off_t size) {
	int copy, kept = errno;
	unsigned char *lacking;
	pthread_mutex_lock(&disk_lock);
	if (disk_open(fd, &copy, &lacking)) {
		for (off_t page = (size + PAGE - 1) / PAGE; page < PAGES; page++)
			lacking[page] = 0;
		if (NEXT(ftruncate)(copy, size) != 0)
			abort();
		disk_close(copy, lacking);
	}
	pthread_mutex_unlock(&disk_lock);
	errno = kept;
}

/* --- files --- */

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) {
	if (is_call("write") && fd_is(fd) && fails()) {
		ssize_t half = -1;
		if (order->error == BY_HALF || order->error == BY_KILL)
			half = NEXT(pwrite64)(fd, bytes, len / 2, at);
		if (order->error == BY_KILL)
			die();
		disk_written(fd, at, half);
		return half;
	}
	ssize_t put = NEXT(pwrite64)(fd, bytes, len, at);
	disk_written(fd, at, put);
	return put;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
	return pwrite64(fd, bytes, len, at);
}

/* What is in memory alone has no disk that could fail. */
static bool in_memory(int fd) {
	char path[PATH_MAX];
	return strncmp(path_of(fd, path), "/memfd:", 7) == 0;
}

ssize_t pread64(int fd, void *bytes, size_t len, off_t at) {
	return !in_memory(fd) && fails_on("read", fd) ? -1 : NEXT(pread64)(fd, bytes, len, at);
}

ssize_t pread(int fd, void *bytes, size_t len, off_t at) {
	return pread64(fd, bytes, len, at);
}

static int synced(int fd, int (*sync_it)(int fd)) {
	int status = fails_on("sync", fd) ? -1 : sync_it(fd);
	disk_synced(fd, status == 0);
	if (status != 0 && errno == BY_LOSS)
		die();
	return status;
}

int fdatasync(int fd) {
	return synced(fd, NEXT(fdatasync));
}

int fsync(int fd) {
	return synced(fd, NEXT(fsync));
}

int ftruncate64(int fd, off_t size) {
	if (fails_on("truncate", fd))
		return -1;
	int status = NEXT(ftruncate64)(fd, size);
	if (status == 0)
		disk_truncated(fd, size);
	return status;
}

int ftruncate(int fd, off_t size) {
	return ftruncate64(fd, size);
}

int unlink(const char *path) {
	char beside[PATH_MAX];
	int status = NEXT(unlink)(path);
	for (const char *const *end = (const char *const[]){".disk", ".lacks", NULL}; status == 0 && *end && getenv("STAFET_DISK"); end++)
		if (snprintf(beside, sizeof beside, "%s%s", path, *end) < (int)sizeof beside)
			NEXT(unlink)(beside);
	return status;
}

static bool open_fails(const char *path) {
	if (!is_call("open") || !ends_with(path, order->target) || !fails())
		return false;
	if (order->error == BY_KILL)
		die();
	return true;
}

int open64(const char *path, int flags, ...) {
	va_list more;
	va_start(more, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return open_fails(path) ? -1 : NEXT(open64)(path, flags, mode);
}

int open(const char *path, int flags, ...) {
	va_list more;
	va_start(more, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return open_fails(path) ? -1 : NEXT(open64)(path, flags, mode);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset) {
	return fd >= 0 && fails_on("map", fd) ? MAP_FAILED : NEXT(mmap64)(at, len, protection, flags, fd, offset);
}

/* --- the clock --- */

int clock_gettime(clockid_t id, struct timespec *out) {
	static int (*real)(clockid_t id, struct timespec *out);
	if (!real)
		real = NEXT(clock_gettime);
	int status = real(id, out);
	if (status == 0 && order && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		out->tv_sec += order->shift_ms / 1000;
	return status;
}

time_t time(time_t *out) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* --- processes, threads, memory --- */

static bool fails_at_all(const char *call) {
	if (!is_call(call) || !fails())
		return false;
	if (order->error == BY_KILL)
		die();
	return true;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files, const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]) {
	char preload[PATH_MAX], fault[PATH_MAX], *more[16];
	size_t count = 0;
	if (fails_at_all("spawn"))
		return errno;
	while (environment[count] && count < 13) {
		more[count] = environment[count];
		count++;
	}
	snprintf(preload, sizeof preload, "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
	snprintf(fault, sizeof fault, "STAFET_FAULT=%s", getenv("STAFET_FAULT"));
	more[count++] = preload;
	more[count++] = fault;
	more[count] = NULL;
	return NEXT(posix_spawn)(pid, path, files, attributes, argv, more);
}

int memfd_create(const char *name, unsigned flags) {
	return fails_at_all("memory-file") ? -1 : NEXT(memfd_create)(name, flags);
}

int pidfd_open(pid_t pid, unsigned flags) {
	return fails_at_all("process-file") ? -1 : NEXT(pidfd_open)(pid, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
	return fails_at_all("thread") ? errno : NEXT(pthread_create)(thread, attributes, run, context);
}

/* Each child counts for itself. */
static bool no_memory(void) {
	if (!child || !is_call("memory"))
		return false;
	int64_t mine = __atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST);
	if (mine > order->seen)
		order->seen = mine;
	if (!is_its_turn(mine))
		return false;
	__atomic_add_fetch(&order->hits, 1, __ATOMIC_SEQ_CST);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size) {
	return no_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
	return no_memory() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
	return no_memory() ? NULL : __libc_realloc(old, size);
}

/* --- the network --- */

int socket(int domain, int type, int protocol) {
	return domain == AF_INET && fails_at_all("socket") ? -1 : NEXT(socket)(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t len) {
	bool wanted = is_call("connect") && address->sa_family == AF_INET && (!order->target[0] || port_is(address, order->target + 1));
	return wanted && fails() ? -1 : NEXT(connect)(fd, address, len);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
	if (!fails_on("send", fd))
		return NEXT(send)(fd, bytes, len, flags);
	return order->error == BY_HALF ? NEXT(send)(fd, bytes, len - len / 2, flags) : -1;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
	return fails_on("send", fd) ? -1 : NEXT(sendmsg)(fd, message, flags);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags) {
	if (!fails_on("recv", fd))
		return NEXT(recv)(fd, bytes, len, flags);
	return order->error == BY_END ? 0 : order->error == BY_HALF ? NEXT(recv)(fd, bytes, len > 1 ? len / 2 : len, flags) : -1;
}

ssize_t __recv_chk(int fd, void *bytes, size_t len, size_t room, int flags);
ssize_t __recv_chk(int fd, void *bytes, size_t len, size_t room, int flags) {
	(void)room;
	return recv(fd, bytes, len, flags);
}
