/* make bench: sends prepared requests over some connections that stay open, every request once: each as soon as the answer to the one before it is there, or, with a rate, the
 * connections in turn, as many requests a second.
 * argv: port on 127.0.0.1, connections, file, the status that is expected, requests a second (0: no rate). The file: for each request its length in a line of digits, then its bytes.
 * Prints: seconds, the middle answer and the 99th of 100 in ms, answers with another status, and the processor seconds that this program took itself. With a rate an answer
 * counts from when its request was due, so that nobody's delay hides that of others. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 1024, ANSWER = 1 << 18, EVENTS = 64 };

struct request {
	const char *at;
	size_t len;
};
static struct request *requests;
static size_t request_count, next_request, answered, wrong;
static double *took;
static long expected;
static double rate, began;

struct connection {
	int fd;
	bool busy;
	size_t request; /* that is under way */
	double since;
	char answer[ANSWER + 1];
	size_t len;
};

static void die(const char *why) {
	fprintf(stderr, "bench-post: %s%s%s\n", why, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_requests(const char *path) {
	FILE *file = fopen(path, "rb");
	long size = 0;
	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 1 || fseek(file, 0, SEEK_SET) != 0)
		die(path);
	char *bytes = malloc((size_t)size + 1), *at = bytes;
	if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
		die(path);
	fclose(file);
	bytes[size] = 0;
	for (size_t cap = 0; at < bytes + size; request_count++) {
		if (request_count == cap && !(requests = realloc(requests, (cap = cap ? cap * 2 : 1024) * sizeof *requests)))
			die("no memory");
		size_t len = strtoul(at, &at, 10);
		requests[request_count] = (struct request){++at, len};
		at += len;
	}
	took = calloc(request_count, sizeof *took);
}

static void send_next(struct connection *c) {
	c->len = 0;
	if (next_request == request_count) {
		close(c->fd);
		return;
	}
	c->busy = true;
	c->since = rate > 0 ? began + (double)next_request / rate : seconds();
	const struct request *r = &requests[c->request = next_request++];
	/* Small, and the peer has read all that came before: it fits into the socket. */
	if (send(c->fd, r->at, r->len, MSG_NOSIGNAL) != (ssize_t)r->len)
		die("a request could not be sent");
}

/* Value of a header, NULL: none. The head ends with an empty line. */
static const char *header(const char *head, const char *name) {
	size_t len = strlen(name);
	for (const char *at = strstr(head, "\r\n"); at && at[2] != '\r'; at = strstr(at + 2, "\r\n"))
		if (strncasecmp(at + 2, name, len) == 0 && at[2 + len] == ':')
			return at + 3 + len + strspn(at + 3 + len, " ");
	return NULL;
}

/* Of a chunked body only the last bytes are looked at: no peer here has trailers, nor such bytes before. */
static bool whole(const struct connection *c) {
	const char *end = strstr(c->answer, "\r\n\r\n");
	if (!end)
		return false;
	const char *length = header(c->answer, "Content-Length"), *coding = header(c->answer, "Transfer-Encoding");
	size_t body = c->len - (size_t)(end + 4 - c->answer);
	if (coding && strncasecmp(coding, "chunked", 7) == 0)
		return body >= 5 && memcmp(c->answer + c->len - 5, "0\r\n\r\n", 5) == 0;
	return body >= (length ? strtoul(length, NULL, 10) : 0);
}

static void receive(struct connection *c) {
	ssize_t got = recv(c->fd, c->answer + c->len, ANSWER - c->len, 0);
	if (got <= 0)
		die("a connection ended before its answer");
	c->len += (size_t)got;
	c->answer[c->len] = 0;
	if (!whole(c)) {
		if (c->len == ANSWER)
			die("an answer is too long");
		return;
	}
	took[c->request] = seconds() - c->since;
	answered++;
	if (strlen(c->answer) < 12 || strtol(c->answer + 9, NULL, 10) != expected) {
		if (wrong++ == 0)
			fprintf(stderr, "bench-post: %.600s\n", c->answer);
	}
	c->busy = false;
	if (rate == 0)
		send_next(c);
}

/* Sends what is due; ns until the next is, -1: only an answer is waited for. Whoever still waits for an answer asks no second time. */
static long send_due(struct connection *connections, size_t count) {
	while (rate > 0 && next_request < request_count && !connections[next_request % count].busy) {
		double left = began + (double)next_request / rate - seconds();
		if (left > 0)
			return (long)(left * 1e9);
		send_next(&connections[next_request % count]);
	}
	return -1;
}

static int wait_for(int poll, struct epoll_event *events, long ns) {
	struct timespec t = {ns < 0 ? 60 : ns / 1000000000, ns < 0 ? 0 : ns % 1000000000};
	int ready = epoll_pwait2(poll, events, EVENTS, &t, NULL);
	if (ready < 0 && errno != EINTR)
		die("epoll");
	if (ready == 0 && ns < 0)
		die("no answer within a minute");
	return ready;
}

static int connect_to(int port) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
		die("no connection");
	return fd;
}

static int by_size(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv) {
	static struct connection connections[MOST_CONNECTIONS];
	int count = argc == 6 ? (int)strtol(argv[2], NULL, 10) : 0, poll = epoll_create1(EPOLL_CLOEXEC);
	if (count < 1 || count > MOST_CONNECTIONS || poll < 0)
		return 2;
	expected = strtol(argv[4], NULL, 10);
	rate = strtod(argv[5], NULL);
	read_requests(argv[3]);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
		connections[i].fd = connect_to((int)strtol(argv[1], NULL, 10));
		if (epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event) != 0)
			die("epoll");
	}
	began = seconds();
	for (int i = 0; rate == 0 && i < count; i++)
		send_next(&connections[i]);
	while (answered < request_count) {
		struct epoll_event events[EVENTS];
		int ready = wait_for(poll, events, send_due(connections, (size_t)count));
		for (int i = 0; i < ready; i++)
			receive(events[i].data.ptr);
	}
	double all = seconds() - began;
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	qsort(took, request_count, sizeof *took, by_size);
	printf("%.6f %.3f %.3f %zu %.3f\n", all, took[request_count / 2] * 1000, took[request_count * 99 / 100] * 1000, wrong,
	       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	return 0;
}
