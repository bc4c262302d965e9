/* A TCP proxy that hands everything on after a delay: a relay that is some milliseconds away.
 * argv: port to connect to on 127.0.0.1, delay one way in microseconds. Prints `port=NNNN` when it listens; ends on SIGTERM. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 64, CHUNKS = 256, CHUNK = 16384 };

struct chunk {
	int64_t due_us;
	size_t len, given;
	char bytes[CHUNK];
};

/* One direction: a ring of what is on its way. A chunk without bytes is the end. */
struct way {
	int from, to;
	bool ended;
	unsigned first, count;
	struct chunk *ring[CHUNKS];
};

static struct way ways[PAIRS * 2];
static int64_t delay_us;

static int64_t now_us(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int tcp(int port, bool listening) {
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if ((listening ? bind(fd, (struct sockaddr *)&at, sizeof at) : connect(fd, (struct sockaddr *)&at, sizeof at)) != 0 || (listening && listen(fd, PAIRS) != 0)) {
		perror("delay");
		exit(1);
	}
	return fd;
}

static void start_way(struct way *w, int from, int to) {
	*w = (struct way){.from = from, .to = to};
}

static void accept_pair(int listener, int port) {
	int client = accept(listener, NULL, NULL), on = 1, i = 0;
	while (i < PAIRS && ways[i * 2].from > 0)
		i++;
	if (client < 0 || i == PAIRS) {
		close(client);
		return;
	}
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	int server = tcp(port, false);
	start_way(&ways[i * 2], client, server);
	start_way(&ways[i * 2 + 1], server, client);
}

static void take(struct way *w) {
	struct chunk *c = malloc(sizeof *c);
	if (!c)
		exit(1);
	ssize_t len = read(w->from, c->bytes, CHUNK);
	c->due_us = now_us() + delay_us;
	c->len = len > 0 ? (size_t)len : 0;
	c->given = 0;
	w->ended = len <= 0;
	w->ring[(w->first + w->count++) % CHUNKS] = c;
}

static void give(struct way *w) {
	while (w->count > 0 && w->ring[w->first]->due_us <= now_us()) {
		struct chunk *c = w->ring[w->first];
		while (c->given < c->len) {
			ssize_t len = send(w->to, c->bytes + c->given, c->len - c->given, MSG_NOSIGNAL);
			c->given = len > 0 ? c->given + (size_t)len : c->len;
		}
		if (c->len == 0)
			shutdown(w->to, SHUT_WR);
		w->first = (w->first + 1) % CHUNKS;
		w->count--;
		free(c);
	}
}

static void end_pairs(void) {
	for (int i = 0; i < PAIRS; i++) {
		struct way *out = &ways[i * 2], *back = out + 1;
		if (out->from > 0 && out->ended && back->ended && out->count + back->count == 0) {
			close(out->from);
			close(out->to);
			out->from = back->from = 0;
		}
	}
}

int main(int argc, char **argv) {
	if (argc != 3)
		return 2;
	int port = (int)strtol(argv[1], NULL, 10), listener = tcp(0, true);
	struct sockaddr_in at;
	socklen_t size = sizeof at;
	delay_us = strtol(argv[2], NULL, 10);
	getsockname(listener, (struct sockaddr *)&at, &size);
	printf("port=%d\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		struct pollfd fds[PAIRS * 2 + 1] = {{.fd = listener, .events = POLLIN}};
		int64_t next = INT64_MAX;
		for (int i = 0; i < PAIRS * 2; i++) {
			struct way *w = &ways[i];
			bool reads = w->from > 0 && !w->ended && w->count < CHUNKS;
			fds[i + 1] = (struct pollfd){.fd = reads ? w->from : -1, .events = POLLIN};
			if (w->count > 0 && w->ring[w->first]->due_us < next)
				next = w->ring[w->first]->due_us;
		}
		int64_t left = next == INT64_MAX ? 1000000 : next - now_us();
		struct timespec wait = {.tv_sec = left > 0 ? left / 1000000 : 0, .tv_nsec = left > 0 ? left % 1000000 * 1000 : 0};
		ppoll(fds, PAIRS * 2 + 1, &wait, NULL);
		if (fds[0].revents)
			accept_pair(listener, port);
		for (int i = 0; i < PAIRS * 2; i++)
			if (fds[i + 1].fd > 0 && fds[i + 1].revents)
				take(&ways[i]);
		for (int i = 0; i < PAIRS * 2; i++)
			give(&ways[i]);
		end_pairs();
	}
}
