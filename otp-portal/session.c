#include "otp-portal/session.h"

#include "engine/base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096, COOKIE_BYTES = 32, COOKIE_TEXT = 43 };

/* One slot a hash: a collision forgets who was seen earlier, so that one must log in again after its idle time. */
struct sessions {
	pthread_mutex_t lock;
	struct seen {
		unsigned char id[SECRET_HASH];
		int64_t at;
	} slots[SLOTS];
};

struct sessions *sessions_open(void) {
	struct sessions *s = calloc(1, sizeof *s);
	BUG_IF(s == NULL);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void sessions_close(struct sessions *s) {
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct saving {
	struct job job;
	struct sessions *sessions;
};

static bool run_save(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	const struct sessions *s = ((struct saving *)job)->sessions; /* its first member */
	(void)engine, (void)now;
	for (size_t i = 0; i < SLOTS; i++)
		if (s->slots[i].at > 0 && !session_touch(tx, s->slots[i].id, s->slots[i].at, err))
			return false;
	return true;
}

void sessions_save(struct sessions *s, struct writer *w) {
	struct saving saving = {.job = {.run = run_save}, .sessions = s};
	struct err err;
	if (!writer_run(w, &saving.job, &err))
		log_err(LOG_WARN, "sessions-not-saved", &err);
}

static struct str hash_cookie(struct str cookie, unsigned char id[SECRET_HASH]) {
	struct str parts[] = {STR("session"), cookie};
	secret_hash(id, parts, 2);
	return cookie;
}

struct str session_new(struct arena *a, int64_t contact_id, int64_t now, struct session *out) {
	unsigned char random[COOKIE_BYTES];
	*out = (struct session){.contact_id = contact_id, .created_at = now, .seen_at = now, .ends_at = now + SESSION_LIFE_MS};
	secret_random(random, sizeof random);
	return hash_cookie(secret_base64url(a, random, sizeof random), out->id);
}

bool session_id(const struct request *r, unsigned char id[SECRET_HASH]) {
	struct str cookie = request_cookie(r, cookie_name(r, "sid"));
	if (cookie.len != COOKIE_TEXT)
		return false;
	hash_cookie(cookie, id);
	return true;
}

/* When this session was seen before; it is seen now. */
static int64_t see(struct sessions *s, const struct session *session, int64_t now) {
	uint32_t spread;
	memcpy(&spread, session->id, sizeof spread);
	struct seen *slot = &s->slots[spread % SLOTS];
	pthread_mutex_lock(&s->lock);
	bool same = memcmp(slot->id, session->id, SECRET_HASH) == 0;
	int64_t before = same && slot->at > session->seen_at ? slot->at : session->seen_at;
	if (now - before <= SESSION_IDLE_MS) {
		memcpy(slot->id, session->id, SECRET_HASH);
		slot->at = now;
	}
	pthread_mutex_unlock(&s->lock);
	return before;
}

bool session_current(struct request *r, struct view *v, struct session *out, struct err *err) {
	unsigned char id[SECRET_HASH];
	if (!session_id(r, id))
		return err_set(err, ERR_NOT_FOUND, "login.ended", "no session cookie");
	if (!session_load(v, id, r->now, SESSION_LIFE_MS, out, err))
		return false;
	if (r->now - see(r->world->sessions, out, r->now) > SESSION_IDLE_MS)
		return err_set(err, ERR_NOT_FOUND, "login.idle", "the session was idle");
	return true;
}
