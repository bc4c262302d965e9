/* engine: carries events out. One event is one transaction: state, history, timers, outbox, links are all written or none
 * (design.md section 5). Every function here runs inside a transaction of the writer (or of a scenario), single-threaded; a refusal comes
 * before the first write. Before an event is decided, the overdue timers and waiting signals of the same root run. Start, act and signal mark the transaction
 * when their event is carried out: nothing that may be refused comes after them in a job. */
#ifndef ENGINE_WORKFLOW_ENGINE_H
#define ENGINE_WORKFLOW_ENGINE_H

#include "engine/store/attachments.h"
#include "engine/store/history.h"
#include "engine/store/links.h"
#include "engine/store/outbox.h"
#include "engine/workflow/decision.h"
#include "engine/workflow/ranking.h"
#include "engine/workflow/site.h"

struct engine;

/* Seen by scenarios and graphs; NULL members are not called. */
struct engine_watch {
	void *context;
	void (*decided)(void *context, const struct definition *d, const struct state *from, const struct event *event, const struct decision *decision);
};

struct engine *engine_open(struct site *site); /* caller closes */
void engine_close(struct engine *e);
void engine_watch(struct engine *e, struct engine_watch watch);

/* Who and what came of it. */
struct receipt {
	int64_t instance_id, history_id, at;
	struct str reference;
	struct str workflow, state;
	bool repeated; /* the idempotency key was there already: nothing was done again */
};

/* Starts an instance from answers to its start form. link: the START link it came through, used in the same transaction; NULL: command line, scenario.
 * language of the starter. INPUT with problems filled when answers are not valid. All memory in arena. */
struct start_request {
	struct str workflow, language;
	const struct answers *answers;
	const struct link *link;
	struct link *fresh;             /* not NULL: a START link is made, used and left here: a public form of one page */
	unsigned char key[SECRET_HASH]; /* idempotency; all zero: none */
	int64_t parent_id;
	enum channel channel;           /* that it came in by, and the workflow takes; 0: the start form */
};
bool engine_start(struct engine *e, struct tx *tx, int64_t now, const struct start_request *request, struct arena *a,
                  struct form_problems *problems, struct receipt *out, struct err *err);

/* The same by a mail or a text of somebody's, where the workflow takes it: else NOT_FOUND. It starts once, however often it comes. DENIED "error.too-often": that
 * sender has started so often today, or all senders together have; anybody can write any sender's address. */
struct start_post {
	enum channel channel;
	struct str workflow;
	struct str from;             /* as it stands in the mail; a number in normal form */
	struct str subject, text;    /* of a mail; what they wrote */
	struct str id;               /* its Message-ID, or the gateway's name for it; empty: what it says must do */
};
bool engine_start_post(struct engine *e, struct tx *tx, int64_t now, const struct start_post *post, struct arena *a,
                       struct form_problems *problems, struct receipt *out, struct err *err);

/* A person acts. link: the TASK link; its use is conditional (CONFLICT "link.used" when somebody was faster and the key differs).
 * version: the instance version that the form showed; the key is hash(link, version, event). */
struct act_request {
	const struct link *link;        /* contact, role, event, instance */
	struct str event;               /* empty: the link's own; else one that its page also offers */
	int64_t version;
	struct str language;            /* "", or the language the page was read in: becomes the contact's */
	const struct answers *answers;
	const struct ranking *ranking;  /* of an event with `repeat`: what was pressed, instead of answers; NULL: answers */
	bool proved;                    /* the code that the event asks for was given: in this transaction */
};
void engine_act_key(const struct link *link, struct str event, int64_t version, unsigned char key[SECRET_HASH]);
bool engine_act(struct engine *e, struct tx *tx, int64_t now, const struct act_request *request, struct arena *a,
                struct form_problems *problems, struct receipt *out, struct err *err);

/* Puts a signal in the mailbox and drains that root. */
/* The message is not tried again, and not for a fault of ours: an event for whoever can correct it (`bounced`, `unreachable`), once this is committed.
 * dead: there is no such address. */
bool engine_undelivered(struct tx *tx, int64_t now, const struct outbox_row *row, bool dead, struct err *err);
/* *awaits: its instance is in a state that takes an answer from whom it went to. */
bool engine_awaits_reply(struct engine *e, struct view *v, int64_t now, const struct outbox_row *row, struct arena *a, bool *awaits, struct err *err);
/* Its recipient has answered it by mail or text: an event (`replied`), once this is committed; with neither text nor files that its event asks for: none. */
struct reply_file {
	struct str name, type, content; /* name and type: as they were told, may be empty */
	bool unseen;                    /* what is in it is not looked at */
};
struct reply {
	struct str text;
	const struct reply_file *files;
	size_t file_count;
};
/* *told: what became of each file, a line a file, in arena. */
bool engine_replied(struct engine *e, struct tx *tx, int64_t now, const struct outbox_row *row, const struct reply *reply, struct arena *a, struct str *told, struct err *err);
bool engine_signal(struct engine *e, struct tx *tx, int64_t now, int64_t instance_id, struct str event, const struct answers *data,
                   struct arena *a, struct err *err);
/* What is due without a person, timers and waiting signals, one tree of instances after another and each in its order, at most so many of them: who has thousands due at once
 * shall not keep everybody else from the store meanwhile. False: failure; *more: something may be left. */
bool engine_tick(struct engine *e, struct tx *tx, int64_t now, int64_t most, struct arena *a, bool *more, struct err *err);
/* Exactly one due timer or waiting signal, the first of the tree that has waited longest; *found false: nothing is due. */
bool engine_step(struct engine *e, struct tx *tx, int64_t now, struct arena *a, bool *found, struct err *err);
/* What engine_step takes failed for good and its transaction is undone: records it as refused without deciding it, so that the others go on (or puts it off, when its
 * instance cannot be read). */
bool engine_set_aside(struct engine *e, struct tx *tx, int64_t now, const struct err *why, struct arena *a, struct err *err);
/* While on, start, act and signal leave what follows from them to the writer: it runs a job so when the following failed. */
void engine_alone(struct engine *e, bool on);
/* For tests: from now on nothing is random. References are TEST-0001 and so on, and the seed NAME of REFERENCE is the SHA-256 of "TEXT/NAME/REFERENCE". text is kept. */
void engine_rehearse(struct engine *e, const char *text);
/* How many timers and signals were tried so far. Writer's thread. */
void engine_counts(const struct engine *e, int64_t *timers, int64_t *signals);

/* Replays a link's page: what stands behind it now. All read-only. */
struct link_view {
	struct link link;
	bool missing;                    /* START: the case that it begins from does not fit (any more) */
	bool expired, open;              /* open: can be used now (TASK) or shown (VIEW) */
	int64_t ends_at;                 /* when it can be used no more; 0: no such time */
	int64_t opens_at;                /* TASK: from when on `event` can be done; 0: always; INT64_MAX: nobody knows */
	struct instance instance;        /* id 0 for an unused START link */
	const struct definition *definition;
	const struct package *package;
	const struct event_rule *event;  /* TASK: in the current state; NULL: not now */
	const struct event_rule *own;    /* TASK: the link's own event; differs after engine_look_also */
	const struct view_rule *view;    /* VIEW */
	const struct form *form;         /* TASK, START */
	struct value *values;            /* fields of the instance (START: defaults) */
	struct contact contact;          /* id 0 for START */
	struct participation_list people;
	const struct grant_rule *grants; /* that give the link's role; NULL: it is somebody's by a field */
};
bool engine_look(struct engine *e, struct view *v, int64_t now, struct str token, struct arena *a, struct link_view *out, struct err *err); /* NOT_FOUND "link.unknown" for every wrong token */
/* Turns to another event that the page of a TASK link offers; false: it offers no such event now. Whether that one is open tells look->open. */
bool engine_look_also(struct engine *e, int64_t now, struct link_view *look, struct str event, struct arena *a);
/* The person's part in the instance, in the link's role; NULL: none any more. */
const struct participation *engine_look_part(const struct link_view *look);
/* Whether the contact has that role of the instance now. */
bool engine_has_role(struct engine *e, struct view *v, int64_t instance_id, struct str role, int64_t contact_id, int64_t now, struct arena *a, bool *has, struct err *err);
/* Whether a link that cannot be used (expired, superseded, withdrawn) may be sent anew: its task is possible now, and the person has the role. */
bool engine_renewable(const struct link_view *look);
/* Sends the message that first carried the link once more, to the person's contact as it is now, with the newest link for the same; a new one when that cannot be used
 * either. *sent false: nothing may be sent, and nothing was written. */
bool engine_renew(struct engine *e, struct tx *tx, int64_t now, const struct link *link, struct arena *a, bool *sent, struct err *err);
/* Sends a message again, by hand: what did not arrive as it is (outbox_retry), what was sent as a new message (*id) with the same link. CONFLICT: it is on its way, or of no use any
 * more: its link was used or has expired, or its recipient has left. DENIED "resend.suppressed": the recipient wants no messages; argument 0 is the reason. */
bool engine_resend(struct engine *e, struct tx *tx, int64_t now, int64_t outbox_id, struct arena *a, int64_t *id, struct err *err);
/* Whether it would be. */
bool engine_may_resend(struct engine *e, struct view *v, int64_t now, const struct outbox_row *row, struct arena *a, struct err *err);
/* Until when it is tried: at least a day more, but never longer than its link (0: none) or code can be used. 0: that time is over. Pure. */
int64_t engine_resend_until(const struct outbox_row *row, int64_t now, int64_t link_expires_at);
/* From when on somebody can do the event in the instance as it is: see link_view.opens_at. */
int64_t engine_opening(const struct engine *e, int64_t now, const struct definition *d, const struct instance *instance, const struct value *values,
                       const struct event_rule *event, struct arena *a);
/* A TASK link for an event that a page offers (`acts`) to whoever sees it, in a role that may do it now; the live one if there is one.
 * CONFLICT "link.not-now": it is not theirs, or not possible now; nothing was written. */
struct page_act {
	int64_t instance_id, contact_id;
	struct str view, event;
};
bool engine_page_link(struct engine *e, struct tx *tx, int64_t now, const struct page_act *act, struct arena *a, struct link *out, struct err *err);
/* Of a start that begins from another case (`start.from`): who asks, and where. */
struct start_look {
	struct engine *engine;
	struct view *view;
	int64_t now;
	const struct definition *definition; /* of the start */
	int64_t contact_id;
	const struct register_port *port;    /* NULL: the view's */
	struct arena *a;
};
struct start_case {
	int64_t instance_id, started_at;
	struct str reference;
	struct value *values; /* what is taken, by the start's own slots */
};
struct start_cases {
	struct start_case *items;
	size_t count, cap;
};
/* All cases that it may begin from, newest start first. */
bool engine_start_cases(struct start_look *s, struct start_cases *out, struct err *err);
/* That case (0: the newest); *fits false: it may not begin from there. */
bool engine_start_case(struct start_look *s, int64_t from_id, struct start_case *out, bool *fits, struct err *err);
void start_case_take(const struct definition *d, const struct start_case *from, struct value *values); /* into the start's values */
/* The START link for a form under way; written when its first page is posted. id: NULL for a random one. */
bool engine_start_link(struct engine *e, struct tx *tx, int64_t now, struct str workflow, const unsigned char id[SECRET_ID], struct link *out, struct err *err);
/* The same of a start with `login` or `from`, for the contact who is logged in; from_id: the case that it begins from, or 0. NOT_FOUND: there is no such start. */
bool engine_start_link_for(struct engine *e, struct tx *tx, int64_t now, struct str workflow, int64_t contact_id, int64_t from_id, struct link *out, struct err *err);
struct str engine_token(const struct engine *e, const struct link *link, struct arena *a); /* in arena; empty: the key file has no key of this link's id */
struct form_world engine_world(struct engine *e, const struct definition *d, const struct instance *instance, const struct register_port *registers, int64_t now,
                               struct arena *a);

/* Chain and path of one instance (or all: id 0): history is a path through the pinned definition, every outbox row and used link belongs to an entry,
 * the last entry's state is the instance's. Faults are written as lines to out; *faults counts them. */
bool engine_verify(struct engine *e, struct view *v, int64_t instance_id, struct buf *out, int64_t *checked, int64_t *faults, struct err *err);

/* Takes each decision of the instance again. Entries that do not say what they were decided by (of older versions, or erased) are counted, not judged. What is added to sum: */
struct replay_sum {
	int64_t instances, entries;
	int64_t decided; /* again */
	int64_t aside;   /* recorded without a decision, because they failed */
	int64_t unknown, erased;
	int64_t lots;    /* that were drawn again */
	int64_t faults;
	struct past_registers *registers; /* read for one instance, good for the next; replay_end() */
	struct claim_books *claims;       /* likewise */
	struct past_grants *grants;       /* likewise */
	struct replay_posts *posts;       /* what instances sent each other, until engine_replay_settle() */
};
/* Faults are written as lines to out, and each draw to lots (lots.h; NULL: to nowhere). */
struct lots;
bool engine_replay(struct engine *e, struct view *v, int64_t instance_id, struct buf *out, struct lots *lots, struct replay_sum *sum, struct err *err);
/* Signals and starts between the instances that were decided again since the last call: what one sent, the other has taken. Call it behind each tree, in the same view. */
void engine_replay_settle(struct engine *e, struct view *v, struct buf *out, struct replay_sum *sum);
void replay_end(struct replay_sum *sum);

#endif
