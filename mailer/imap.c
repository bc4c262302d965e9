#include "mailer/imap.h"

#include "engine/base/civil.h"
#include "engine/base/file.h"
#include "mailer/imap_stream.h"

#include <libetpan/libetpan.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSWORD_MAX = 512, SLICE_MS = 500, WITHOUT_IDLE_MS = 30 * 1000 };

struct imap {
	mailimap *session;
	const atomic_bool *stop;
	uint32_t validity, next;
	uint32_t searched; /* how many mails there were when the last search was sent */
};

static bool told(const struct imap *m, int code, const char *what, struct err *err) {
	const char *answer = m->session->imap_response ? m->session->imap_response : "";
	bool refused = code == MAILIMAP_ERROR_LOGIN || code == MAILIMAP_ERROR_SELECT;
	return err_set(err, refused ? ERR_PERMANENT : ERR_TRANSIENT, "error.busy", "%s: %s%.200s", what, code == MAILIMAP_ERROR_STREAM || code == MAILIMAP_ERROR_PARSE ? "the connection broke" : "refused: ", answer);
}

static bool good(int code) {
	return code == MAILIMAP_NO_ERROR || code == MAILIMAP_NO_ERROR_AUTHENTICATED || code == MAILIMAP_NO_ERROR_NON_AUTHENTICATED;
}

static bool log_in(struct imap *m, const struct inbox_config *config, struct err *err) {
	char user[256], password[PASSWORD_MAX];
	if (!file_read_secret(config->password_file.at, "inbox.password_file", password, sizeof password, err))
		return false;
	snprintf(user, sizeof user, "%.*s", STR_ARG(config->user));
	int code = mailimap_login(m->session, user, password);
	explicit_bzero(password, sizeof password);
	return good(code) || told(m, code, "log-in", err);
}

static bool open_folder(struct imap *m, const struct inbox_config *config, struct err *err) {
	char folder[256];
	snprintf(folder, sizeof folder, "%.*s", STR_ARG(config->folder));
	int code = mailimap_select(m->session, folder);
	if (!good(code) || !m->session->imap_selection_info)
		return told(m, code, "opening the folder", err);
	m->validity = m->session->imap_selection_info->sel_uidvalidity;
	m->next = m->session->imap_selection_info->sel_uidnext;
	return true;
}

struct imap *imap_open(const struct inbox_config *config, const atomic_bool *stop, struct err *err) {
	char path[4096];
	snprintf(path, sizeof path, "%.*s", STR_ARG(config->ca_file));
	mailstream *stream = imap_stream_open(config->url, config->ca_file.len > 0 ? path : NULL, stop, err);
	if (!stream)
		return NULL;
	struct imap *m = calloc(1, sizeof *m);
	BUG_IF(m == NULL);
	m->stop = stop;
	m->session = mailimap_new(0, NULL);
	BUG_IF(m->session == NULL);
	int code = mailimap_connect(m->session, stream);
	if ((good(code) || told(m, code, "the greeting", err)) && log_in(m, config, err) && open_folder(m, config, err))
		return m;
	imap_close(m);
	return NULL;
}

void imap_close(struct imap *m) {
	if (!m)
		return;
	mailimap_free(m->session); /* with the connection */
	free(m);
}

int64_t imap_validity(const struct imap *m) {
	return m->validity;
}

int64_t imap_newest(const struct imap *m) {
	return m->next > 0 ? (int64_t)m->next - 1 : 0;
}

/* Its numbers are anybody's. */
static int64_t instant_of(const struct mailimap_date_time *d) {
	char text[32];
	int64_t local;
	if (d->dt_year < 1970 || d->dt_year > 9999 || d->dt_sec < 0 || d->dt_sec > 60 || d->dt_zone < -2400 || d->dt_zone > 2400)
		return 0;
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d", d->dt_year, d->dt_month & 0xFF, d->dt_day & 0xFF, d->dt_hour & 0xFF, d->dt_min & 0xFF);
	if (!civil_parse_datetime(str_from(text), &local))
		return 0;
	return local + d->dt_sec * INT64_C(1000) - (d->dt_zone / 100 * 60 + d->dt_zone % 100) * INT64_C(60000);
}

/* What the server tells of one mail. */
static void read_one(const struct mailimap_msg_att *att, struct arena *a, struct imap_mail *mail, struct str *body) {
	for (clistiter *i = clist_begin(att->att_list); i; i = clist_next(i)) {
		const struct mailimap_msg_att_item *item = clist_content(i);
		if (item->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC)
			continue;
		const struct mailimap_msg_att_static *fixed = item->att_data.att_static;
		if (fixed->att_type == MAILIMAP_MSG_ATT_UID)
			mail->uid = fixed->att_data.att_uid;
		else if (fixed->att_type == MAILIMAP_MSG_ATT_RFC822_SIZE)
			mail->size = fixed->att_data.att_rfc822_size;
		else if (fixed->att_type == MAILIMAP_MSG_ATT_INTERNALDATE && fixed->att_data.att_internal_date)
			mail->came_at = instant_of(fixed->att_data.att_internal_date);
		else if (fixed->att_type == MAILIMAP_MSG_ATT_BODY_SECTION && body && fixed->att_data.att_body_section->sec_body_part)
			*body = arena_str(a, (struct str){fixed->att_data.att_body_section->sec_body_part, fixed->att_data.att_body_section->sec_length});
	}
}

static int by_uid(const void *a, const void *b) {
	const struct imap_mail *x = a, *y = b;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static uint32_t exists(const struct imap *m) {
	return m->session->imap_selection_info ? m->session->imap_selection_info->sel_exists : 0;
}

/* A range that ends in * always has the last mail, also one before it. */
static bool find_uids(struct imap *m, int64_t after, struct arena *a, struct imap_mails *out, struct err *err) {
	struct mailimap_search_key *key = mailimap_search_key_new_uid(mailimap_set_new_interval((uint32_t)after + 1, 0));
	clist *found = NULL;
	m->searched = exists(m);
	int code = mailimap_uid_search(m->session, NULL, key, &found);
	mailimap_search_key_free(key);
	if (!good(code))
		return told(m, code, "looking for mails", err);
	for (clistiter *i = found ? clist_begin(found) : NULL; i; i = clist_next(i))
		if (*(uint32_t *)clist_content(i) > after)
			((struct imap_mail *)ARENA_PUSH(a, out))->uid = *(uint32_t *)clist_content(i);
	if (found)
		mailimap_search_result_free(found);
	return true;
}

/* also: NULL for nothing. */
static bool fetch(struct imap *m, struct mailimap_set *set, struct mailimap_fetch_att *what, struct mailimap_fetch_att *also, clist **found, struct err *err) {
	struct mailimap_fetch_type *type = mailimap_fetch_type_new_fetch_att_list_empty();
	mailimap_fetch_type_new_fetch_att_list_add(type, mailimap_fetch_att_new_uid());
	mailimap_fetch_type_new_fetch_att_list_add(type, what);
	if (also)
		mailimap_fetch_type_new_fetch_att_list_add(type, also);
	*found = NULL;
	int code = mailimap_uid_fetch(m->session, set, type, found);
	mailimap_fetch_type_free(type);
	mailimap_set_free(set);
	return good(code) || told(m, code, "fetching mail", err);
}

static bool find_heads(struct imap *m, struct arena *a, struct imap_mails *mails, struct err *err) {
	struct mailimap_set *set = mailimap_set_new_interval((uint32_t)mails->items[0].uid, (uint32_t)mails->items[mails->count - 1].uid);
	clist *found;
	if (!fetch(m, set, mailimap_fetch_att_new_rfc822_size(), mailimap_fetch_att_new_internaldate(), &found, err))
		return false;
	for (clistiter *i = clist_begin(found); i; i = clist_next(i)) {
		struct imap_mail mail = {0};
		read_one(clist_content(i), a, &mail, NULL);
		struct imap_mail *known = bsearch(&mail, mails->items, mails->count, sizeof mail, by_uid);
		if (known)
			*known = mail;
	}
	mailimap_fetch_list_free(found);
	return true;
}

bool imap_list(struct imap *m, int64_t after, size_t limit, struct arena *a, struct imap_mails *out, struct err *err) {
	*out = (struct imap_mails){0};
	if (after >= UINT32_MAX)
		return true;
	if (!find_uids(m, after, a, out, err))
		return false;
	if (out->count > 1)
		qsort(out->items, out->count, sizeof *out->items, by_uid);
	out->count = out->count < limit ? out->count : limit;
	return out->count == 0 || find_heads(m, a, out, err);
}

bool imap_fetch(struct imap *m, int64_t uid, struct arena *a, struct str *raw, struct err *err) {
	clist *found;
	struct imap_mail mail = {0};
	*raw = STR("");
	if (!fetch(m, mailimap_set_new_single((uint32_t)uid), mailimap_fetch_att_new_body_peek_section(mailimap_section_new(NULL)), NULL, &found, err))
		return false;
	for (clistiter *i = clist_begin(found); i && raw->len == 0; i = clist_next(i))
		read_one(clist_content(i), a, &mail, raw);
	mailimap_fetch_list_free(found);
	return true;
}

bool imap_mark(struct imap *m, int64_t uid, enum imap_mark mark, struct err *err) {
	struct mailimap_set *set = mailimap_set_new_single((uint32_t)uid);
	struct mailimap_flag_list *flags = mailimap_flag_list_new_empty();
	mailimap_flag_list_add(flags, mark == IMAP_SEEN ? mailimap_flag_new_seen() : mailimap_flag_new_flagged());
	struct mailimap_store_att_flags *change = mailimap_store_att_flags_new_add_flags_silent(flags);
	int code = mailimap_uid_store(m->session, set, change);
	mailimap_store_att_flags_free(change);
	mailimap_set_free(set);
	return good(code) || told(m, code, "marking a mail", err);
}

/* What came together with the last answer stands in libetpan's buffer, and the socket would tell nothing of it. */
static bool something_there(const struct imap *m, int fd, int ms) {
	return m->session->imap_stream->read_buffer_len > 0 || poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, ms) != 0;
}

static bool sleep_through(const struct imap *m, int ms) {
	for (int waited = 0; waited < ms && !atomic_load(m->stop); waited += SLICE_MS)
		poll(NULL, 0, SLICE_MS);
	return true;
}

bool imap_wait(struct imap *m, int ms, struct err *err) {
	if (exists(m) != m->searched)
		return true; /* told behind what a search has found: IDLE would not tell it again */
	if (!mailimap_has_idle(m->session))
		return sleep_through(m, ms < WITHOUT_IDLE_MS ? ms : WITHOUT_IDLE_MS);
	int code = mailimap_idle(m->session), fd = mailimap_idle_get_fd(m->session);
	if (!good(code))
		return told(m, code, "waiting for mail", err);
	for (int waited = 0; waited < ms && !atomic_load(m->stop); waited += SLICE_MS)
		if (something_there(m, fd, SLICE_MS))
			break;
	code = mailimap_idle_done(m->session);
	return good(code) || told(m, code, "waiting for mail", err);
}
