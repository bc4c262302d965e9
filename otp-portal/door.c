#include "otp-portal/door.h"

#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/base/log.h"
#include "otp-portal/plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_ARGS = 256, MAX_ANSWER = 64 * 1024 * 1024, PATIENCE_SECONDS = 5 };

struct door {
	struct door_options options;
	struct plain *plain;
};

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

/* False: the client hung up (it only looked whether somebody listens) or broke off. */
static bool read_command(int fd, struct arena *a, struct str *body, bool *good) {
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct str head;
	size_t length;
	bool expects;
	if (!plain_read_head(fd, clock_monotonic() + PATIENCE_SECONDS * 1000, a, &head))
		return false;
	*good = door_parse_head(head, &length, &expects);
	if (!*good)
		return true;
	if (expects && !plain_write(fd, go_on, sizeof go_on - 1))
		return false;
	char *bytes = arena_alloc(a, length + 1);
	*body = (struct str){bytes, length};
	return plain_read(fd, bytes, length);
}

static void answer(int fd, const char *status, int code, struct str output) {
	struct buf head;
	buf_init(&head, 400);
	struct buf first;
	buf_init(&first, 20);
	buf_printf(&first, "%d\n", code);
	buf_printf(&head, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
	           first.len + output.len, first.at);
	if (plain_write(fd, head.at, head.len))
		plain_write(fd, output.at, output.len);
	buf_free(&first);
	buf_free(&head);
}

static void serve(void *context, int fd) {
	struct door *d = context;
	struct arena *a = arena_new();
	struct buf out;
	struct str body = STR("");
	bool good;
	int argc;
	char **argv;
	buf_init(&out, MAX_ANSWER);
	plain_patience(fd, PATIENCE_SECONDS);
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
	BUG_IF(d->options.path == NULL);
	d->plain = plain_open(listener, serve, d, err);
	if (d->plain)
		return d;
	door_close(d);
	return NULL;
}

void door_close(struct door *d) {
	if (d->plain)
		plain_close(d->plain);
	unlink(d->options.path);
	free((char *)d->options.path);
	free(d);
}
