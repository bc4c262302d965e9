/* engine_replay: the decisions of one instance, taken again one after the other. Private to engine_replay*.c: what came out is compared with its entry (engine_replay.c), and with the
 * rows that it left in the store: timers, messages, children and signals each have a file. */
#ifndef ENGINE_WORKFLOW_ENGINE_REPLAY_H
#define ENGINE_WORKFLOW_ENGINE_REPLAY_H

#include "engine/store/children.h"
#include "engine/store/timers.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/register_past.h"

struct replay {
	struct run run;                  /* without a transaction: nothing is written; now: when the entry was written */
	struct arena *a;                 /* of the instance; run.a: of the entry */
	const struct instance *instance;
	const struct definition *definition;
	struct past_registers *registers;
	struct register_port then, now;
	const struct state *state;       /* behind the entries so far; NULL: there are none */
	struct value *values;
	int64_t entered_at, started_at;
	int64_t *changed;                /* the entry that each field has its value from */
	bool erased;                     /* what its entries said is */
	bool unsure;                     /* an entry could not be decided again: what it sent and started nobody knows */
	int64_t next_id;                 /* of the entry behind this one; INT64_MAX: there is none */
	const struct history *entry;
	const struct value *after;       /* the entry's */
	struct payload_told told;
	struct texts_of reads;
	struct str decided;              /* of the payload: what stands behind its reads */
	struct replay_timers {
		struct timer *items;
		size_t count, cap;
		bool unsure;             /* an entry could not be decided again: what it did to them nobody knows, until the state is left */
	} timers;
	struct replay_messages {
		struct outbox_list all;  /* the instance's */
		bool *met;               /* of them: a decision has queued it */
		size_t from;             /* behind those of the entries so far */
		struct {
			int64_t *items;
			size_t count, cap;
		} decided;               /* entries whose messages are all met */
	} messages;
	struct {
		struct child_spans all;  /* the instance's; read when they are first asked for */
		bool read;
		size_t from;             /* behind those that the entries so far have started */
	} children;
	struct {
		uint64_t *hashes;        /* of each field, with the value that it is of; 0: of none */
		struct value *values;
	} taken;
	struct replay_sum *sum;
	struct buf *out;
	struct lots *lots;               /* NULL: nobody asks */
};

/* Of the entry; of what the instance has now. */
__attribute__((format(printf, 2, 3))) void replay_fault(struct replay *p, const char *format, ...);
__attribute__((format(printf, 2, 3))) void replay_fault_of_all(struct replay *p, const char *format, ...);

/* engine_replay_timers.c: the entry's own timer was set, and due; how often it had fired. */
void replay_timer_fires(struct replay *p, struct event *event);
void replay_timers(struct replay *p, const struct event *event, const struct decision *again);
/* Those that are left behind the last entry are those in the store. */
bool replay_timers_left(struct replay *p, struct err *err);

/* engine_replay_people.c: who had a role behind the entry; after: as it left the instance. In the entry's arena. */
struct had_role {
	struct str key, name; /* of the contact, as they are compared */
	bool met;             /* for whoever asks */
};
struct had_roles {
	struct had_role *items;
	size_t count, cap;
	size_t people;        /* with different keys */
	enum channel channel;
};
bool replay_had_role(struct replay *p, const struct loaded *after, const struct role *role, struct had_roles *out, struct err *err);
void past_grants_free(struct past_grants *past); /* NULL is harmless */
/* engine_replay_messages.c */
bool replay_messages_begin(struct replay *p, struct err *err);
void replay_messages_left(struct replay *p); /* none that nobody decided */
bool replay_messages(struct replay *p, const struct loaded *after, const struct decision *again, struct err *err);
/* engine_replay_posts.c: what the entry sent and started. */
bool replay_posts(struct replay *p, const struct decision *again, const struct prepared_plans *plans, struct err *err);
/* What it took; values: as they came, NULL: nobody knows. */
void replay_takes(struct replay *p, const struct value *values);
bool replay_posts_left(struct replay *p, struct err *err);
void replay_posts_free(struct replay_posts *posts); /* NULL is harmless */
/* engine_replay_wishes.c */
bool replay_wishes_left(struct replay *p, struct err *err);

#endif
