/* outbox: messages to be sent, written in the transition's own transaction; and their life.
 *
 *   queued --lease--> leased --begin--> begun --settle--> sent
 *     ^ |               | | |            | | |----------> unknown   (connection died after the final dot, or crash)
 *     | |               | | '--> failed  | | '----------> failed        |
 *     |<|---- later ----' |              | '-- later --> queued         |--requeue--> queued (third crash: failed)
 *       '--> cancelled <--'              '-------------> cancelled <----'
 *
 * A report that shows that it was taken moves queued, unknown, failed and expired to sent (outbox_confirm).
 * What was not sent when its deadline passed is expired: queued by outbox_expire, leased and begun when they are settled.
 * By hand, queued, unknown, failed and expired go to queued (outbox_retry) or cancelled (outbox_drop); sent, once it is reported as not arrived, to queued.
 * begun and unknown become cancelled where they would be queued again after their task was left.
 * A lease has an owner, an end and a fence; a settlement with an old fence is refused. Work that crashed the process is
 * counted when it is leased and set aside (failed) after the third time. */
#ifndef ENGINE_STORE_OUTBOX_H
#define ENGINE_STORE_OUTBOX_H

#include "engine/store/delivery.h"
#include "engine/store/people.h"
#include "engine/base/secret.h"

enum outbox_state { OUTBOX_QUEUED, OUTBOX_LEASED, OUTBOX_BEGUN, OUTBOX_SENT, OUTBOX_UNKNOWN, OUTBOX_FAILED, OUTBOX_EXPIRED, OUTBOX_CANCELLED };
#define OUTBOX_LIFETIME_MS (INT64_C(3) * 24 * 3600 * 1000) /* of a message without deadline, from when it may go */
enum { OUTBOX_CODE = 0, OUTBOX_TASK = 10, OUTBOX_OTHER = 50 }; /* priorities: lower goes first */
const char *outbox_state_name(enum outbox_state state); /* "queued"... as in SQL and logs */

struct outbox_row {
	int64_t id, instance_id, history_id; /* 0: none (a log-in code) */
	int64_t contact_id;
	enum channel channel;
	struct str recipient, recipient_name, role, language; /* frozen at commit */
	struct str workflow, message;   /* which template; workflow empty: one of the product's own ("login-code") */
	bool has_link;
	unsigned char link_id[SECRET_ID];
	bool patient;                   /* waits for the end of the quiet hours */
	bool task;                      /* belongs to a task of the current state: cancelled when it is left */
	struct str data;                /* JSON frozen at commit, what the template may show */
	struct str message_id;          /* "<...@host>", stable over resends */
	struct str thread;              /* root Message-ID of the instance, for References */
	int64_t priority;               /* OUTBOX_CODE ... */
	enum outbox_state state;
	int64_t created_at, next_at, deadline_at; /* deadline 0: the mailer's own */
	int64_t limit_at;               /* what it says holds until then: by hand it is not sent later either; 0: no limit */
	int64_t attempts, crashes, fence, sent_at;
	struct str answer;              /* last answer of relay or gateway, masked */
	enum delivery delivery;         /* what was reported since */
	int64_t parts, delivery_at;     /* parts: of an SMS, as it was sent last */
	struct str delivery_reason;
};
struct outbox_list {
	struct outbox_row *items;
	size_t count, cap;
};
int64_t outbox_deadline(const struct outbox_row *row); /* its own, or OUTBOX_LIFETIME_MS after it was made */

/* What one sender takes: rows of a channel, up to a priority; in quiet hours not those that can wait for their end. */
struct outbox_lane {
	enum channel channel;
	int64_t most;
	int64_t quiet_until; /* 0, or: of patient rows only those whose deadline comes before that */
	bool certain;        /* not those whose outcome was unknown once */
	struct str line;     /* where they wait (engine/store/lines.h); empty: the common line */
};

bool outbox_put(struct tx *tx, struct outbox_row *row, struct err *err); /* fills id */
bool outbox_load(struct view *v, int64_t id, struct arena *a, struct outbox_row *out, struct err *err);
/* Up to limit queued rows of the lane that are due, by (priority, next_at, id): leased to owner until
 * lease_until; attempts (1 at the first), crashes (0 again after a settlement) and fence counted up. A row that was held in a crash comes alone, so that
 * no other is counted for it. Appends to out. */
bool outbox_lease(struct tx *tx, struct outbox_lane lane, struct str owner, int64_t now, int64_t lease_until, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err);
/* leased -> begun: recorded durably before the final dot. CONFLICT: lost the lease. */
bool outbox_begin(struct tx *tx, int64_t id, int64_t fence, int64_t now, struct err *err);
/* To `state` (queued with next_at for "later"); CONFLICT when the fence is old or the move is not in the table. */
bool outbox_settle(struct tx *tx, int64_t id, int64_t fence, enum outbox_state state, int64_t next_at, struct str answer, int64_t now, struct err *err);
/* leased or begun -> queued as it was: nothing of it was sent, so it counts neither as an attempt nor as a crash. CONFLICT: lost the lease. */
bool outbox_release(struct tx *tx, int64_t id, int64_t fence, struct err *err);
/* Ended leases: leased -> queued (third crash -> failed), begun -> unknown. */
bool outbox_reclaim(struct tx *tx, int64_t now, int64_t *count, struct err *err);
/* queued -> expired for up to limit rows whose deadline (OUTBOX_LIFETIME_MS after they were made, when they have none) has passed, whatever they wait for. */
bool outbox_expire(struct tx *tx, int64_t now, int64_t limit, int64_t *count, struct err *err);
/* Rows that begun and whose outcome is unknown go back to queued with the same Message-ID (policy for links and codes). */
bool outbox_requeue(struct tx *tx, int64_t id, int64_t next_at, struct err *err);
/* queued, unknown, failed or expired -> sent at `at`; CONFLICT: another state. */
bool outbox_confirm(struct tx *tx, int64_t id, int64_t at, struct err *err);
/* By hand: queued, unknown, failed or expired, or sent and reported as not arrived -> queued and due now, with the same Message-ID, until deadline_at. CONFLICT: another state, or its task was left. */
bool outbox_retry(struct tx *tx, int64_t id, int64_t now, int64_t deadline_at, struct err *err);
bool outbox_drop(struct tx *tx, int64_t id, struct err *err); /* by hand: -> cancelled; CONFLICT as outbox_retry */
/* A message of the instance with a link for a task that is neither sent nor cancelled, and what that link is good for. */
struct outbox_task {
	int64_t id, history_id;
	unsigned char link_id[SECRET_ID];
	struct str task, role;
	bool live; /* the link */
};
struct outbox_tasks {
	struct outbox_task *items;
	size_t count, cap;
};
bool outbox_tasks(struct view *v, int64_t instance_id, struct arena *a, struct outbox_tasks *out, struct err *err); /* oldest first */
bool outbox_cancel(struct tx *tx, int64_t id, struct err *err); /* what is begun, unknown, failed or expired stays so, and is not sent again */
bool outbox_cancel_contact(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct err *err); /* left the role; what another role was sent stays */
bool outbox_of_instance(struct view *v, int64_t instance_id, struct arena *a, struct outbox_list *out, struct err *err);
/* Of a role: the newest message of the workflow to each address that has it now, without what was cancelled; oldest first. By two indexes, however many there are. */
bool outbox_newest(struct view *v, int64_t instance_id, struct str role, int64_t day, struct arena *a, struct outbox_list *out, struct err *err);
/* The first message that carried the link; *found false: none. */
bool outbox_of_link(struct view *v, int64_t instance_id, const unsigned char link_id[SECRET_ID], struct arena *a, struct outbox_row *out, bool *found, struct err *err);
/* The message with that Message-ID; *found false: none. */
bool outbox_of_message_id(struct view *v, struct str message_id, struct arena *a, struct outbox_row *out, bool *found, struct err *err);
/* What was sent to that number (or may have been) since then, newest first; without what strangers are told. */
bool outbox_texted(struct view *v, struct str number, int64_t since, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err);
/* Rows in one of `states` (bit mask 1 << state), oldest first, id > after. */
bool outbox_list(struct view *v, unsigned states, int64_t after, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err);
/* Sent rows of which it was reported that they did not arrive, oldest first, id > after. */
bool outbox_undelivered(struct view *v, int64_t after, int64_t limit, struct arena *a, struct outbox_list *out, struct err *err);

/* Demo: what was "sent" by capture, kept in the store. */
struct captured {
	int64_t id, outbox_id, at;
	enum channel channel;
	struct str to, raw; /* raw: the MIME message, or the SMS text */
};
struct captured_list {
	struct captured *items;
	size_t count, cap;
};
bool captured_put(struct tx *tx, const struct captured *row, struct err *err);
bool captured_list(struct view *v, int64_t after, int64_t limit, struct arena *a, struct captured_list *out, struct err *err);
bool captured_load(struct view *v, int64_t id, struct arena *a, struct captured *out, struct err *err);

#endif
