#include "otp-portal/scrape.h"

#include "engine/base/clock.h"
#include "otp-portal/network.h"
#include "otp-portal/plain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 2, BODY_BYTES = 1 << 20 };

struct scrape {
	struct plain *plain;
	int port;
	void (*write)(void *context, struct buf *out);
	void *context;
};

static void answer(int fd, const char *status, struct str body, bool head_only) {
	struct buf head;
	buf_init(&head, 400);
	buf_printf(&head, "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, body.len);
	if (plain_write(fd, head.at, head.len) && !head_only)
		plain_write(fd, body.at, body.len);
	buf_free(&head);
}

static void serve(void *context, int fd) {
	struct scrape *s = context;
	struct arena *a = arena_new();
	struct str head;
	plain_patience(fd, PATIENCE_SECONDS);
	if (plain_read_head(fd, clock_monotonic() + PATIENCE_SECONDS * 1000, a, &head)) {
		struct str method = str_cut(&head, ' '), path = str_cut(&head, ' ');
		bool head_only = str_is(method, "HEAD");
		struct buf out;
		buf_init(&out, BODY_BYTES);
		path = str_cut(&path, '?');
		if (!head_only && !str_is(method, "GET"))
			answer(fd, "405 Method Not Allowed", STR("GET only\n"), false);
		else if (!str_is(path, "/metrics"))
			answer(fd, "404 Not Found", STR("/metrics is all there is\n"), head_only);
		else {
			s->write(s->context, &out);
			answer(fd, "200 OK", buf_text(&out), head_only);
		}
		buf_free(&out);
	}
	arena_free(a);
}

static bool read_address(struct arena *a, const char *at, struct sockaddr_storage *out, socklen_t *len) {
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	struct str host;
	int port;
	*out = (struct sockaddr_storage){0};
	if (!network_split(str_from(at), a, &host, &port) || !network_is_loopback(host))
		return false;
	bool is_four = inet_pton(AF_INET, arena_z(a, host), &four->sin_addr) == 1;
	if (!is_four && inet_pton(AF_INET6, arena_z(a, host), &six->sin6_addr) != 1)
		return false;
	*len = is_four ? sizeof *four : sizeof *six;
	out->ss_family = is_four ? AF_INET : AF_INET6;
	four->sin_port = htons((uint16_t)port); /* the same place in both */
	return true;
}

static int listen_at(const char *at, int *port, struct err *err) {
	struct arena *a = arena_new();
	struct sockaddr_storage address;
	socklen_t len;
	int on = 1;
	bool known = read_address(a, at, &address, &len);
	arena_free(a);
	if (!known) {
		err_set(err, ERR_INPUT, "error.input", "metrics: '%s' is no address of this machine alone, such as 127.0.0.1:9101", at);
		return -1;
	}
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 8) != 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		err_set(err, ERR_PERMANENT, "error.internal", "metrics: cannot listen on %s: %s", at, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(((struct sockaddr_in *)&address)->sin_port);
	return fd;
}

struct scrape *scrape_open(const char *at, void (*write)(void *context, struct buf *out), void *context, struct err *err) {
	int port, listener = listen_at(at, &port, err);
	if (listener < 0)
		return NULL;
	struct scrape *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	*s = (struct scrape){.port = port, .write = write, .context = context};
	s->plain = plain_open(listener, serve, s, err);
	if (s->plain)
		return s;
	free(s);
	return NULL;
}

void scrape_close(struct scrape *s) {
	if (!s)
		return;
	plain_close(s->plain);
	free(s);
}

int scrape_port(const struct scrape *s) {
	return s->port;
}
