#include "otp-portal/exchange.h"

#include "engine/base/log.h"
#include "otp-portal/assets.h"
#include "otp-portal/network.h"
#include "otp-portal/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POOL = 2, CONNECTIONS = 2000, CONNECTIONS_OF_ONE = 500, MEMORY = 32 * 1024, UPLOADS_AT_ONCE = 32, UPLOADS_OF_ONE = 12 };
enum { IDLE_SECONDS = 15, CLOSING_MS = 30000 };

/* --- what the library calls --- */

static void caller_turn(struct caller *caller, struct exchange *next) {
	if (caller->exchange)
		exchange_drop(caller->exchange);
	caller->exchange = next;
}

static void *new_target(void *context, const char *target, struct MHD_Connection *connection) {
	struct exchange *x = exchange_new(context, target);
	x->connection = connection;
	caller_turn(caller_of(connection), x);
	return x;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **exchange) {
	struct exchange *x = *exchange;
	(void)context, (void)connection, (void)url, (void)version;
	if (!x->begun)
		return exchange_begin(x, method);
	if (*upload_size > 0) {
		return exchange_take(x, upload, upload_size);
	}
	if (x->refused)
		return MHD_YES;
	if (x->waiting)
		return exchange_go_on(x);
	exchange_extend(x, ANSWER_MS);
	return exchange_finish(x);
}

static void completed(void *context, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code) {
	struct portal *p = context;
	struct caller *caller = caller_of(connection);
	(void)code;
	patrol_extend(p->patrol, &caller->visitor, clock_monotonic() + REQUEST_MS);
	caller_turn(caller, NULL);
	*exchange = NULL;
}

static void connected(void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code) {
	struct portal *p = context;
	struct caller *caller = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		caller = calloc(1, sizeof *caller);
		BUG_IF(caller == NULL || info == NULL);
		patrol_enter(p->patrol, &caller->visitor, info->connect_fd, clock_monotonic() + REQUEST_MS);
		*socket_context = caller;
		atomic_fetch_add(&p->traffic.connections, 1);
	} else {
		atomic_fetch_sub(&p->traffic.connections, 1);
		patrol_leave(p->patrol, &caller->visitor);
		caller_turn(caller, NULL);
		free(caller);
		*socket_context = NULL;
	}
}

/* Paths and queries are unescaped by request.c, where it is told what is broken. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text) {
	(void)context, (void)connection;
	return strlen(text);
}

static void tell_mhd(void *context, const char *format, va_list args) {
	struct buf line;
	(void)context;
	buf_init(&line, 400);
	buf_vprintf(&line, format, args);
	struct str text = str_trim(buf_text(&line));
	log_event(LOG_DEBUG, "http", "text=\"%.*s\"", STR_ARG(text));
	buf_free(&line);
}

/* --- opening and closing --- */

static int bind_listener(struct portal *p, const char *listen_at, struct err *err) {
	struct str host;
	int port, on = 1;
	struct sockaddr_storage address = {0};
	struct sockaddr_in *four = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;
	socklen_t len = sizeof *four;
	if (!network_split(str_from(listen_at), p->arena, &host, &port)) {
		err_set(err, ERR_INPUT, "error.input", "listen: '%s' is no address and port such as 127.0.0.1:8080", listen_at);
		return -1;
	}
	bool is_six = inet_pton(AF_INET, arena_z(p->arena, host), &four->sin_addr) != 1;
	address.ss_family = is_six ? AF_INET6 : AF_INET;
	if (is_six) {
		inet_pton(AF_INET6, arena_z(p->arena, host), &six->sin6_addr);
		len = sizeof *six;
	}
	four->sin_port = htons((uint16_t)port); /* the same place in both */
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 511) != 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		err_set(err, ERR_PERMANENT, "error.internal", "cannot listen on %s: %s", listen_at, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	p->world.port = ntohs(four->sin_port);
	p->world.loopback = p->world.options.demo || network_is_loopback(host);
	p->world.url = arena_printf(p->arena, is_six ? "http://[%.*s]:%d" : "http://%.*s:%d", STR_ARG(host), p->world.port);
	return fd;
}

static void read_base_url(struct portal *p) {
	struct str base = site_config(p->world.options.site)->base_url, scheme = str_starts(base, STR("https://")) ? STR("https://") : STR("http://");
	p->world.secure = scheme.len == strlen("https://");
	if (str_starts(base, scheme))
		base = (struct str){base.at + scheme.len, base.len - scheme.len};
	p->world.host = arena_str(p->arena, str_cut(&base, '/'));
}

static bool start_daemon(struct portal *p, struct err *err) {
	/* Behind a proxy all connections are the proxy's. */
	bool proxied = site_config(p->world.options.site)->trusted_proxy_count > 0;
	p->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, p,
	                             MHD_OPTION_EXTERNAL_LOGGER, tell_mhd, NULL,
	                             MHD_OPTION_LISTEN_SOCKET, p->listener,
	                             MHD_OPTION_THREAD_POOL_SIZE, (unsigned)POOL,
	                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
	                             MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)(proxied ? 0 : CONNECTIONS_OF_ONE),
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
	                             MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	                             MHD_OPTION_STRICT_FOR_CLIENT, 1,
	                             MHD_OPTION_URI_LOG_CALLBACK, new_target, p,
	                             MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
	                             MHD_OPTION_NOTIFY_COMPLETED, completed, p,
	                             MHD_OPTION_NOTIFY_CONNECTION, connected, p,
	                             MHD_OPTION_END);
	return p->daemon || err_set(err, ERR_PERMANENT, "error.internal", "the web server does not start: %s", strerror(errno));
}

static bool open_door(struct portal *p, struct err *err) {
	const struct portal_options *o = &p->world.options;
	if (!o->socket_path)
		return true;
	p->door = door_open(&(struct door_options){o->socket_path, o->command, o->context}, err);
	return p->door != NULL;
}

struct portal *portal_open(const struct portal_options *options, struct err *err) {
	struct portal *p = calloc(1, sizeof *p);
	BUG_IF(p == NULL);
	p->arena = arena_new();
	p->world.options = *options;
	read_base_url(p);
	p->world.assets = assets_make(p->arena, site_config(options->site));
	p->listener = bind_listener(p, options->listen, err);
	if (p->listener < 0) {
		arena_free(p->arena);
		free(p);
		return NULL;
	}
	p->world.sessions = sessions_open();
	p->refusals = refusals_open();
	p->patrol = patrol_open();
	p->pump = pump_open();
	p->uploads = share_open(UPLOADS_AT_ONCE, UPLOADS_OF_ONE);
	bool ok = (p->patrol && p->pump) || err_set(err, ERR_TRANSIENT, "error.busy", "no thread for the portal can be started: %s", strerror(errno));
	if (ok && start_daemon(p, err) && open_door(p, err))
		return p;
	portal_close(p);
	return NULL;
}

/* Whatever the writer has is answered before the connections go. */
static void wait_for_jobs(struct portal *p) {
	int64_t until = clock_monotonic() + CLOSING_MS;
	while ((atomic_load(&p->jobs) > 0 || atomic_load(&p->suspended) > 0) && clock_monotonic() < until)
		usleep(5000);
}

void portal_close(struct portal *p) {
	if (!p)
		return;
	atomic_store(&p->closing, true);
	if (p->door)
		door_close(p->door);
	if (p->daemon)
		MHD_quiesce_daemon(p->daemon);
	pump_stop(p->pump);
	wait_for_jobs(p);
	if (atomic_load(&p->jobs) > 0)
		return; /* the writer hangs: it may still answer into this memory */
	if (p->daemon)
		MHD_stop_daemon(p->daemon);
	close(p->listener);
	pump_close(p->pump);
	share_close(p->uploads);
	refusals_close(p->refusals);
	patrol_close(p->patrol);
	sessions_save(p->world.sessions, p->world.options.writer);
	sessions_close(p->world.sessions);
	arena_free(p->arena);
	free(p);
}

const char *portal_url(const struct portal *p) {
	return p->world.url.at;
}

const struct traffic *portal_traffic(const struct portal *p) {
	return &p->traffic;
}
