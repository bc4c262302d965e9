#include "otp-portal/plain.h"

#include "engine/base/clock.h"
#include "engine/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_BYTES = 8 * 1024, SHORT_OF_FILES_NS = 50 * 1000 * 1000 };

struct plain {
	void (*serve)(void *context, int fd);
	void *context;
	pthread_t thread;
	int listener, stop[2]; /* stop: a pipe whose closing ends the thread */
};

void plain_patience(int fd, int seconds) {
	struct timeval patience = {.tv_sec = seconds};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

bool plain_read(int fd, char *out, size_t len) {
	while (len > 0) {
		ssize_t got = read(fd, out, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		out += got;
		len -= (size_t)got;
	}
	return true;
}

bool plain_write(int fd, const char *bytes, size_t len) {
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

bool plain_read_head(int fd, int64_t until, struct arena *a, struct str *out) {
	char *head = arena_alloc(a, HEAD_BYTES);
	for (size_t len = 0; len < HEAD_BYTES && clock_monotonic() < until && plain_read(fd, head + len, 1);) {
		len++;
		if (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
			continue;
		*out = (struct str){head, len - 4};
		return true;
	}
	return false;
}

static void *listen_on(void *context) {
	struct plain *p = context;
	for (;;) {
		struct pollfd fds[] = {{.fd = p->listener, .events = POLLIN}, {.fd = p->stop[0], .events = POLLIN}};
		int ready = poll(fds, 2, -1);
		if (ready > 0 && fds[1].revents)
			break;
		int fd = ready > 0 ? accept4(p->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (fd < 0) {
			nanosleep(&(struct timespec){.tv_nsec = SHORT_OF_FILES_NS}, NULL);
			continue;
		}
		p->serve(p->context, fd);
		close(fd);
	}
	return NULL;
}

struct plain *plain_open(int listener, void (*serve)(void *context, int fd), void *context, struct err *err) {
	struct plain *p = calloc(1, sizeof *p);
	BUG_IF(p == NULL);
	*p = (struct plain){.serve = serve, .context = context, .listener = listener};
	bool piped = pipe2(p->stop, O_CLOEXEC) == 0;
	if (piped && pthread_create(&p->thread, NULL, listen_on, p) == 0)
		return p;
	err_set(err, ERR_TRANSIENT, "error.busy", "nobody can listen: %s", strerror(errno));
	if (piped) {
		close(p->stop[0]);
		close(p->stop[1]);
	}
	close(listener);
	free(p);
	return NULL;
}

void plain_close(struct plain *p) {
	close(p->stop[1]);
	pthread_join(p->thread, NULL);
	close(p->stop[0]);
	close(p->listener);
	free(p);
}
