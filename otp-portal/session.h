/* session: who is logged in. The row is written at log-in and log-out; when somebody was last seen is kept in memory, because
 * reading a page writes nothing, and saved when the portal closes: after a crash the time since the log-in counts as idle. Any thread. */
#ifndef OTP_PORTAL_SESSION_H
#define OTP_PORTAL_SESSION_H

#include "engine/store/access.h"
#include "otp-portal/response.h"

#define SESSION_IDLE_MS (30 * INT64_C(60000))
#define SESSION_LIFE_MS (12 * 60 * INT64_C(60000))

struct sessions;
struct sessions *sessions_open(void); /* caller closes */
void sessions_close(struct sessions *s);
/* Keeps when each was seen, for the next start. Waits for the writer. */
void sessions_save(struct sessions *s, struct writer *w);

/* A new cookie's text and the session that belongs to it. In arena. */
struct str session_new(struct arena *a, int64_t contact_id, int64_t now, struct session *out);
/* NOT_FOUND: nobody is logged in with this request; err->key "login.idle": was, but did nothing for too long. */
bool session_current(struct request *r, struct view *v, struct session *out, struct err *err);
/* False when the request has no cookie of a session's form. */
bool session_id(const struct request *r, unsigned char id[SECRET_HASH]);

#endif
