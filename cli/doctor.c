/* stafet doctor: configuration and surroundings, each finding with what to do. */
#include "cli/command.h"
#include "engine/base/clock.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LITTLE_SPACE = 512 << 20, CONNECT_TIMEOUT_S = 5 };

struct doctor {
	struct buf *out;
	int faults;
};

__attribute__((format(printf, 4, 5))) static void finding(struct doctor *d, bool good, const char *what, const char *format, ...) {
	va_list args;
	buf_printf(d->out, "%s %s: ", good ? "ok   " : "FAULT", what);
	va_start(args, format);
	buf_vprintf(d->out, format, args);
	va_end(args);
	buf_char(d->out, '\n');
	d->faults += !good;
}

static void look_at_keys(struct doctor *d, const struct site_config *config) {
	struct stat info;
	if (stat(config->key_file.at, &info) != 0)
		finding(d, false, "key file", "%.*s is missing; restore it from its copy, without it no link that was sent can be opened", STR_ARG(config->key_file));
	else if (info.st_mode & 077)
		finding(d, false, "key file", "others may read %.*s; run: chmod 600 %.*s", STR_ARG(config->key_file), STR_ARG(config->key_file));
	else
		finding(d, true, "key file", "only its owner may read it");
}

static void look_at_disk(struct doctor *d, const char *folder) {
	struct statvfs info;
	if (statvfs(folder, &info) != 0)
		return;
	unsigned long long left = (unsigned long long)info.f_bavail * info.f_frsize;
	finding(d, left > LITTLE_SPACE, "disk", "%llu MB are free%s", left >> 20, left > LITTLE_SPACE ? "" : "; make room, or answers will be refused with 503");
}

static void look_at_base_url(struct doctor *d, const struct site_config *config) {
	bool secure = str_starts(config->base_url, STR("https://"));
	bool loopback = str_starts(config->base_url, STR("http://127.0.0.1")) || str_starts(config->base_url, STR("http://localhost"));
	if (secure)
		finding(d, true, "base_url", "%.*s", STR_ARG(config->base_url));
	else
		finding(d, false, "base_url", "%.*s %s", STR_ARG(config->base_url),
		        loopback ? "is only reachable on this machine; set it to the public https:// address before people get links" : "is not https; links would travel readable for everybody");
}

/* Whether something answers where the relay should be. Nothing is sent. */
static void look_at_relay(struct doctor *d, const struct site_config *config) {
	if (config->mail.relay.len == 0) {
		finding(d, false, "mail relay", "mail.relay is not set in stafet.yaml");
		return;
	}
	CURL *curl = curl_easy_init();
	BUG_IF(curl == NULL);
	curl_easy_setopt(curl, CURLOPT_URL, config->mail.relay.at);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	finding(d, code == CURLE_OK, "mail relay", "%.*s %s", STR_ARG(config->mail.relay), code == CURLE_OK ? "answers" : curl_easy_strerror(code));
}

static void look_at_packages(struct doctor *d, struct arena *a, const struct site_config *config) {
	struct problems problems = {.arena = a};
	struct err err = {0};
	struct site *site = site_open(config, &problems, &err);
	problems_print(&problems, d->out);
	finding(d, site != NULL, "packages", "%s", site ? "all load" : err.text);
	site_close(site);
}

int command_doctor(struct arguments *args, struct buf *out) {
	struct arena *a = arena_new();
	struct doctor d = {.out = out};
	struct err err = {0};
	if (arguments_unknown(args, out) || args->count > 1) {
		buf_z(out, "usage: stafet doctor [DIR]\n");
		arena_free(a);
		return EXIT_USAGE;
	}
	struct site_config *config = config_read(a, args->count == 1 ? args->items[0] : ".", &err);
	finding(&d, config != NULL, "stafet.yaml", "%s", config ? "can be read" : err.text);
	if (config) {
		look_at_keys(&d, config);
		look_at_disk(&d, config->folder);
		look_at_base_url(&d, config);
		look_at_relay(&d, config);
		look_at_packages(&d, a, config);
		/* Before 2026 a clock has not been set. */
		finding(&d, clock_now() > INT64_C(1767225600000), "clock", "%s", clock_now() > INT64_C(1767225600000) ? "looks set" : "is behind; set it (timedatectl), deadlines depend on it");
	}
	buf_printf(out, "%d faults\n", d.faults);
	arena_free(a);
	return d.faults == 0 ? EXIT_GOOD : EXIT_FAULT;
}
