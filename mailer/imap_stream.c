#include "mailer/imap_stream.h"

#include <curl/curl.h>
#include <errno.h>
#include <libetpan/libetpan.h>
#include <poll.h>
#include <stdlib.h>

enum { CONNECT_SECONDS = 20, SILENCE_MS = 60 * 1000, SLICE_MS = 500, BUFFER = 16384 };

struct line {
	CURL *curl;
	curl_socket_t fd;
	const atomic_bool *stop;
};

/* False: nothing can be done with the socket for too long, or everything is to end. */
static bool wait_for(const struct line *l, short what) {
	for (int waited = 0; waited < SILENCE_MS && !atomic_load(l->stop); waited += SLICE_MS) {
		int ready = poll(&(struct pollfd){.fd = l->fd, .events = what}, 1, SLICE_MS);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
	return false;
}

static ssize_t give(mailstream_low *low, void *bytes, size_t count) {
	struct line *l = low->data;
	size_t got = 0;
	CURLcode code;
	while ((code = curl_easy_recv(l->curl, bytes, count, &got)) == CURLE_AGAIN)
		if (!wait_for(l, POLLIN))
			return -1;
	return code == CURLE_OK ? (ssize_t)got : -1;
}

static ssize_t take(mailstream_low *low, const void *bytes, size_t count) {
	struct line *l = low->data;
	size_t sent = 0;
	CURLcode code;
	while ((code = curl_easy_send(l->curl, bytes, count, &sent)) == CURLE_AGAIN)
		if (!wait_for(l, POLLOUT))
			return -1;
	return code == CURLE_OK ? (ssize_t)sent : -1;
}

static int fd_of(mailstream_low *low) {
	return ((struct line *)low->data)->fd;
}

static int hang_up(mailstream_low *low) {
	struct line *l = low->data;
	curl_easy_cleanup(l->curl);
	l->curl = NULL;
	return 0;
}

static void drop(mailstream_low *low) {
	struct line *l = low->data;
	curl_easy_cleanup(l->curl);
	free(l);
	free(low);
}

static mailstream_low_driver driver = {.mailstream_read = give, .mailstream_write = take, .mailstream_close = hang_up, .mailstream_get_fd = fd_of, .mailstream_free = drop};

/* Only the connection is curl's: of the scheme it needs to know whether there is TLS. */
static bool connect_to(struct line *l, struct str url, const char *ca_file, struct err *err) {
	bool tls = str_starts(url, STR("imaps://"));
	size_t scheme = tls ? 8 : 7;
	char address[512], reason[CURL_ERROR_SIZE] = "";
	snprintf(address, sizeof address, "%s://%.*s", tls ? "https" : "http", (int)(url.len - scheme), url.at + scheme);
	curl_easy_setopt(l->curl, CURLOPT_URL, address);
	curl_easy_setopt(l->curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(l->curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(l->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(l->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(l->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(l->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(l->curl, CURLOPT_TIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(l->curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(l->curl, CURLOPT_ERRORBUFFER, reason);
	if (ca_file) {
		curl_easy_setopt(l->curl, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(l->curl, CURLOPT_CAPATH, NULL); /* this file alone */
	}
	CURLcode code = curl_easy_perform(l->curl);
	curl_easy_setopt(l->curl, CURLOPT_ERRORBUFFER, NULL);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(l->curl, CURLINFO_ACTIVESOCKET, &l->fd);
	bool trusted = code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE;
	return code == CURLE_OK || err_set(err, trusted ? ERR_TRANSIENT : ERR_PERMANENT, "error.busy", "%s", reason[0] ? reason : curl_easy_strerror(code));
}

struct _mailstream *imap_stream_open(struct str url, const char *ca_file, const atomic_bool *stop, struct err *err) {
	struct line *l = calloc(1, sizeof *l);
	BUG_IF(l == NULL);
	l->curl = curl_easy_init();
	BUG_IF(l->curl == NULL);
	l->stop = stop;
	if (!connect_to(l, url, ca_file, err)) {
		curl_easy_cleanup(l->curl);
		free(l);
		return NULL;
	}
	mailstream_low *low = mailstream_low_new(l, &driver);
	BUG_IF(low == NULL);
	mailstream *stream = mailstream_new(low, BUFFER);
	BUG_IF(stream == NULL);
	return stream;
}
