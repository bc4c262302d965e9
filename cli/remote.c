/* The command line talks to a running server over a unix socket in the data folder: the same HTTP as the portal's, open to the same user only. */
#include "cli/command.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 64 << 20, TIMEOUT_S = 600 };

const char *socket_path(struct arena *a, const struct site_config *config) {
	struct str path = config->data_file;
	size_t slash = path.len;
	while (slash > 0 && path.at[slash - 1] != '/')
		slash--;
	return arena_printf(a, "%.*sstafet.sock", (int)slash, path.at).at;
}

/* Whether somebody listens: a socket file alone may be what a killed server left. */
static bool listening(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	if (len >= sizeof address.sun_path)
		return false;
	memcpy(address.sun_path, path, len + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context) {
	struct buf *out = context;
	buf_add(out, bytes, size * count);
	return out->overflow ? 0 : count;
}

static void add_field(CURL *curl, struct buf *body, const char *name, struct str value) {
	char *escaped = curl_easy_escape(curl, value.len ? value.at : "", (int)value.len);
	buf_printf(body, "%s%s=%s", body->len ? "&" : "", name, escaped ? escaped : "");
	curl_free(escaped);
}

/* "status\n" and then the output. */
static int read_answer(struct buf *answer, struct buf *out) {
	struct str rest = buf_text(answer), first = str_cut(&rest, '\n');
	int64_t status;
	if (!str_to_int(first, &status)) {
		buf_z(out, "stafet: the running server gave no readable answer\n");
		return EXIT_FAULT;
	}
	buf_str(out, rest);
	return (int)status;
}

static int ask(const char *path, const char *name, const struct arguments *args, struct str input, struct buf *out) {
	struct buf body, answer;
	CURL *curl = curl_easy_init();
	BUG_IF(curl == NULL);
	buf_init(&body, ANSWER_LIMIT);
	buf_init(&answer, ANSWER_LIMIT);
	add_field(curl, &body, "arg", str_from(name));
	for (int i = 0; i < args->count; i++)
		add_field(curl, &body, "arg", str_from(args->items[i]));
	add_field(curl, &body, "arg", input);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
	curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/command");
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	CURLcode code = curl_easy_perform(curl);
	int status = EXIT_FAULT;
	if (code == CURLE_OK)
		status = read_answer(&answer, out);
	else
		buf_printf(out, "stafet: the running server does not answer: %s\n", curl_easy_strerror(code));
	curl_easy_cleanup(curl);
	buf_free(&body);
	buf_free(&answer);
	return status;
}

int remote_run(const char *folder, const char *name, const struct arguments *args, struct str input, struct buf *out, bool *reached) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct site_config *config = config_read(a, folder, &err);
	const char *path = config ? socket_path(a, config) : NULL;
	*reached = path && listening(path);
	int status = *reached ? ask(path, name, args, input, out) : EXIT_FAULT;
	arena_free(a);
	return status;
}

int remote_serve(void *context, int argc, char **argv, struct buf *out) {
	const struct store_command *command = argc >= 2 ? store_command(argv[0]) : NULL;
	if (!command) {
		buf_z(out, "stafet: the running server does not know this command\n");
		return EXIT_USAGE;
	}
	struct arguments args = {argc - 2, argv + 1};
	return command->run(context, &args, str_from(argv[argc - 1]), out);
}
