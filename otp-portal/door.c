#include "otp-portal/door.h"

#include "engine/base/escape.h"
#include "engine/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_ARGS = 256, MAX_HEAD = 8 * 1024, MAX_ANSWER = 64 * 1024 * 1024, PATIENCE_SECONDS = 5 };

struct door {
	struct door_options options;
	pthread_t thread;
	int listener, stop[2]; /* stop: a pipe whose closing ends the thread */
};

static bool read_all(int fd, char *out, size_t len) {
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

static bool write_all(int fd, const char *bytes, size_t len) {
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

static bool peer_allowed(int fd) {
	struct ucred peer;
	socklen_t len = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

static bool same_text(struct str a, const char *b) {
	return a.len == strlen(b) && strncasecmp(a.at, b, a.len) == 0;
}

bool door_parse_head(struct str head, size_t *length, bool *expects) {
	struct str line = str_trim(str_cut(&head, '\n'));
	int64_t bytes = -1;
	*expects = false;
	if (!str_starts(line, STR("POST /command HTTP/1.")))
		return false;
	while (head.len > 0) {
		struct str value = str_trim(str_cut(&head, '\n'));
		struct str name = str_cut(&value, ':');
		value = str_trim(value);
		if (same_text(name, "Content-Length") && (bytes >= 0 || !str_to_int(value, &bytes)))
			return false;
		if (same_text(name, "Transfer-Encoding"))
			return false;
		*expects = *expects || (same_text(name, "Expect") && same_text(value, "100-continue"));
	}
	if (bytes < 0 || bytes > DOOR_BODY)
		return false;
	*length = (size_t)bytes;
	return true;
}

bool door_parse_body(struct str body, struct arena *a, int *argc, char ***argv) {
	*argv = ARENA_ARRAY(a, MAX_ARGS + 1, char *);
	*argc = 0;
	while (body.len > 0) {
		struct str value = str_cut(&body, '&'), decoded;
		struct str name = str_cut(&value, '=');
		if (!str_is(name, "arg") || *argc == MAX_ARGS || !escape_url_decode(a, value, &decoded))
			return false;
		(*argv)[(*argc)++] = arena_z(a, decoded);
	}
	return *argc > 0;
}

static bool read_head(int fd, struct arena *a, struct str *out) {
	char *head = arena_alloc(a, MAX_HEAD);
	for (size_t len = 0; len < MAX_HEAD && read_all(fd, head + len, 1);) {
		len++;
		if (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
			continue;
		*out = (struct str){head, len - 4};
		return true;
	}
	return false;
}

/* False: the client hung up (it only looked whether somebody listens) or broke off. */
static bool read_command(int fd, struct arena *a, struct str *body, bool *good) {
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct str head;
	size_t length;
	bool expects;
	if (!read_head(fd, a, &head))
		return false;
	*good = door_parse_head(head, &length, &expects);
	if (!*good)
		return true;
	if (expects && !write_all(fd, go_on, sizeof go_on - 1))
		return false;
	char *bytes = arena_alloc(a, length + 1);
	*body = (struct str){bytes, length};
	return read_all(fd, bytes, length);
}

static void answer(int fd, const char *status, int code, struct str output) {
	struct buf head;
	buf_init(&head, 400);
	struct buf first;
	buf_init(&first, 20);
	buf_printf(&first, "%d\n", code);
	buf_printf(&head, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
	           first.len + output.len, first.at);
	if (write_all(fd, head.at, head.len))
		write_all(fd, output.at, output.len);
	buf_free(&first);
	buf_free(&head);
}

static void serve(struct door *d, int fd) {
	struct arena *a = arena_new();
	struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	struct buf out;
	struct str body = STR("");
	bool good;
	int argc;
	char **argv;
	buf_init(&out, MAX_ANSWER);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (!peer_allowed(fd)) {
		log_event(LOG_WARN, "door-refused", "reason=peer");
	} else if (read_command(fd, a, &body, &good)) {
		if (good && door_parse_body(body, a, &argc, &argv)) {
			int code = d->options.command(d->options.context, argc, argv, &out);
			answer(fd, "200 OK", code, buf_text(&out));
		} else {
			answer(fd, "400 Bad Request", 2, STR("stafet: the command could not be read (is its text UTF-8?)\n"));
		}
	}
	buf_free(&out);
	arena_free(a);
}

static void *listen_for_commands(void *context) {
	struct door *d = context;
	for (;;) {
		struct pollfd fds[] = {{.fd = d->listener, .events = POLLIN}, {.fd = d->stop[0], .events = POLLIN}};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		int fd = fds[0].revents ? accept4(d->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		serve(d, fd);
		close(fd);
	}
	return NULL;
}

static bool address_of(const char *path, struct sockaddr_un *address, struct err *err) {
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path)
		return err_set(err, ERR_PERMANENT, "error.internal", "the path of the command socket is too long: %s", path);
	memcpy(address->sun_path, path, strlen(path) + 1);
	return true;
}

static int bind_socket(const char *path, struct err *err) {
	struct sockaddr_un address;
	if (!address_of(path, &address, err))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(path); /* of a server that crashed: the store's lock says that there is no other */
	mode_t before = umask(0177);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0;
	umask(before);
	if (ok)
		return fd;
	err_set(err, ERR_PERMANENT, "error.internal", "cannot listen on %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct door *door_open(const struct door_options *options, struct err *err) {
	int listener = bind_socket(options->path, err);
	if (listener < 0)
		return NULL;
	struct door *d = calloc(1, sizeof *d);
	BUG_IF(d == NULL);
	d->options = *options;
	d->options.path = strdup(options->path);
	d->listener = listener;
	BUG_IF(d->options.path == NULL || pipe(d->stop) != 0);
	BUG_IF(pthread_create(&d->thread, NULL, listen_for_commands, d) != 0);
	return d;
}

void door_close(struct door *d) {
	close(d->stop[1]);
	pthread_join(d->thread, NULL);
	close(d->stop[0]);
	close(d->listener);
	unlink(d->options.path);
	free((char *)d->options.path);
	free(d);
}
