/* engine_run: one event on its way through one transaction. Private to engine*.c: load -> (engine_due.c catches up) -> decide -> engine_apply.c. */
#ifndef ENGINE_WORKFLOW_ENGINE_RUN_H
#define ENGINE_WORKFLOW_ENGINE_RUN_H

#include "engine/store/wishes.h"
#include "engine/workflow/claim_book.h"
#include "engine/workflow/engine.h"

struct engine {
	struct site *site;
	struct engine_watch watch;
	bool alone;              /* see engine_alone */
	int64_t timers, signals; /* tried so far */
	const char *rehearsal;   /* see engine_rehearse; NULL: none */
	int64_t rehearsed;       /* instances that were named in it */
};

/* What one transaction shares among the events that it decides. */
struct run {
	struct engine *engine;
	struct tx *tx;
	struct view *view; /* of the same transaction */
	int64_t now;
	struct arena *a;       /* of what is carried out now: an event, or a child's start */
	struct arena *lasting; /* of the transaction */
	int depth;         /* of children started by children */
	int64_t hops;      /* of the signals that are sent now */
	bool stirred;      /* a signal was put or released, or a timer set that is due: run_follow has something to do */
	struct {
		int64_t *items;
		size_t count, cap;
	} roots;           /* others that a signal was put for; no more than run_follow shall see to */
	struct claim_books books; /* as the transaction has changed them */
};
struct run run_open(struct engine *e, struct tx *tx, int64_t now, struct arena *a);

/* A register port that notes what was read, for the history's payload. */
struct read_log {
	struct register_port inner;
	struct arena *a;
	LIST_OF(struct str) reads;
	struct err failed;         /* of a list of rows: the expression that wanted it said only "no" */
};
struct register_port read_log_port(struct read_log *log, struct view *v, struct arena *a);

/* An instance with its definition and values, as read from the transaction. */
struct loaded {
	struct instance instance;
	const struct definition *definition;
	const struct state *state;
	struct value *values;
	struct value children;
	struct read_log log;
	struct register_port port; /* of log */
	struct ledger *ledger;     /* NULL: it has no pools */
	struct board *board;       /* NULL: it has no groups */
	int64_t seen;              /* the newest entry of history when it was decided, if it has pools or draws */
	int64_t read_at;           /* generation of the registers */
	struct urn *urn;
	const struct past_children *past; /* of an entry that is decided again; NULL: the children are as they are */
};
bool run_load(struct run *r, int64_t instance_id, struct loaded *out, struct err *err);
/* For an instance that does not exist yet: defaults of its fields. parent: whose child it becomes; NULL: nobody's. */
bool run_prepare(struct run *r, const struct definition *d, const struct loaded *parent, struct loaded *out, struct err *err);
/* Of a start with `login`: the starter's contact, who is logged in; contact_id 0: whom the answers name. INPUT when they name nobody. */
bool run_starter(struct run *r, struct loaded *l, int64_t contact_id, const struct answers *answers, struct err *err);
/* engine_start_from.c: what is taken from the case that it begins from; contact_id, from_id 0: whom the values name, and their newest. CONFLICT "start.missing". */
bool run_start_from(struct run *r, struct loaded *l, int64_t contact_id, int64_t from_id, struct err *err);
struct decision_world run_world(const struct run *r, const struct loaded *l);
struct snapshot loaded_snapshot(const struct loaded *l);
struct form_world run_form_world(struct run *r, struct loaded *l);

/* What the history says of an event beside the decision. */
struct cause {
	const char *kind;             /* "start", "form", "timer", "signal" */
	const struct link *link;      /* the link that is used up, or NULL */
	int64_t contact_id;
	struct str role, language;
	unsigned char key[SECRET_HASH];
	bool proved;                  /* by a one-time code beside the link */
	bool keeps;                   /* the link stays good */
	struct str granted;           /* of run_granted */
};
/* False: a register or a pool could not be read, so that whatever was decided does not count. */
bool run_decide(struct run *r, struct loaded *l, const struct event *event, struct decision *out, struct err *err);
/* Writes everything a taken (or refused, for timers and signals) decision causes; fills receipt. The instance's row in *l is brought up to date. */
bool run_apply(struct run *r, struct loaded *l, const struct event *event, const struct decision *decision, const struct cause *cause,
               struct receipt *receipt, struct err *err);
/* engine_payload.c: what is kept of a decision, to follow it and to take it again:
 *
 *     {"set":{field:value...},"reads":[...] what was decided, what that was decided by}
 *
 * set: the fields that are another than before; unset ones are null. The first two pieces are written so that a decision taken again can be compared byte by byte. */
bool run_payload(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision, const struct cause *cause, struct str *text, struct err *err);
/* '{"set":{...},"reads":['. before NULL: it has just started. whole: lists as entries of before had them, not what changed in them. */
void run_payload_set(const struct definition *d, const struct value *before, const struct value *after, bool whole, struct buf *out);
/* ',"claimed-rows":[...],...,"read-at":': claims, draws, shared records, the error. */
bool run_payload_decided(const struct loaded *l, const struct decision *decision, struct buf *out, struct err *err);
/* The JSON of an instance's fields in arena; INPUT when it is larger than RUN_DATA. */
enum { RUN_DATA = 4 << 20 };
bool run_data(struct run *r, const struct definition *d, const struct value *values, struct str *text, struct err *err);
/* What was written to *out (with that limit), in arena; frees it. */
bool run_taken(struct run *r, struct buf *out, struct str *text, struct err *err);
/* engine_tasks.c: what becomes of the tasks of the state that a transition leaves. Of one that moves: the links through which it could have been done, too, and all when the state is final. */
bool run_close_links(struct run *r, const struct loaded *l, const struct event *event, const struct decision *decision, int64_t history_id, struct err *err);
/* Unsent messages of earlier transitions whose task is done, cannot be done any more (or only later), or comes in a message of this transition anew. left: before it. */
bool run_cancel_messages(struct run *r, const struct loaded *l, const struct decision *decision, const struct snapshot *left, int64_t history_id, struct err *err);
/* engine_files.c: files in the form's values are the link's draft's, nobody's, or were the instance's before; else they are told as problems. */
bool run_check_files(struct run *r, const struct loaded *l, const struct form *form, const struct value *values, const struct link *link, struct form_problems *problems, struct err *err);
/* They become the instance's, before the draft goes. */
bool run_claim_files(struct run *r, const struct loaded *l, const struct value *values, const struct link *link, struct err *err);
/* engine_children.c: a child's start is validated and decided before the first write, so that a refusal comes in time, and again when it is carried out: what is prepared for one is some
 * 80 KB, and there may be a hundred thousand. */
bool run_check_children(struct run *r, const struct loaded *parent, const struct decision *decision, struct err *err);
bool run_start_children(struct run *r, const struct loaded *parent, const struct decision *decision, struct err *err);
struct prepared_plans;
/* In the order of the decision, its plans too. */
bool run_send_signals(struct run *r, const struct loaded *l, const struct decision *decision, const struct prepared_plans *plans, struct err *err);
/* Values as the answers that would give them, by the assignments' names. */
struct answers run_effect_answers(struct run *r, const struct effect *effect);
void run_value_answers(struct arena *a, struct str name, const struct value *v, struct answers *out); /* adds one value's */
/* engine_plan.c: which child gets which slot is found out before the first write, and recorded; then each is told by a signal. */
struct prepared_plan {
	const struct effect *effect;
	struct plan_child *children; /* in the order of their slots */
	size_t count;
};
struct prepared_plans {
	struct prepared_plan *items;
	size_t count, cap;
};
/* What a child is told; same: what all are. In arena. */
struct answers run_slot_answers(const struct plan_rule *rule, const struct plan_child *child, const struct answers *same, struct arena *a);
bool run_prepare_plans(struct run *r, struct loaded *l, const struct decision *decision, struct prepared_plans *out, struct err *err);
/* engine_replay_plans.c: the children of a workflow as they were before an entry of history, as child_query has it. */
struct past_children {
	struct engine *engine;
	struct view *view;
	int64_t parent_id, before; /* that entry's id */
};
#define RUN_ERASED "store.erased" /* NOT_FOUND: what it was decided by is erased */
bool run_past_children(const struct past_children *past, struct arena *a, struct str workflow, struct str *json, struct err *err);
bool run_tell_slots(struct run *r, const struct loaded *l, const struct prepared_plan *plan, struct err *err);
/* engine_pools.c: the pools of an instance. Whose they are is found when one is first asked. */
struct pool_desk {
	struct engine *engine;
	struct view *view;
	struct arena *a;
	const struct definition *definition;
	int64_t instance_id, parent_id;  /* 0: it is not there yet; it has none */
	int64_t now;                     /* on whose day rows must be valid to be claimed */
	const struct loaded *parent;     /* of an instance that its parent is about to start; NULL: the store knows the parent */
	int64_t seen;                    /* 0: as it is now; else as it was behind that entry of history */
	const struct register_port *registers; /* as they were then; NULL: as they are now */
	struct claim_books *books;       /* shared with others; NULL: its own */
};
/* NULL: the definition has none. desk is copied; in its arena. */
struct ledger *pool_ledger(const struct pool_desk *desk);
/* What the decision claims and releases, in order, once its entry is written. */
bool run_claims(struct run *r, const struct loaded *l, const struct decision *decision, int64_t history_id, struct err *err);
/* A payload with what it claims and releases. No field can have these names. In arena. */
#define RUN_CLAIMED "claimed-rows"
#define RUN_RELEASED "released-rows"
bool run_claims_payload(const struct loaded *l, const struct decision *decision, struct buf *out, struct err *err);
/* The strings of a list in a payload as they are written there, escaped and in quotes. No field can have the list's name. */
struct texts_of {
	struct str *items;
	size_t count, cap;
};
struct texts_of run_payload_list(struct arena *a, struct str payload, const char *name);
/* The pool in the store. */
bool pool_stored(struct ledger *ledger, const struct pool *pool, struct claim_pool *out, struct err *err);
bool pool_owner(const struct pool_desk *desk, const struct pool *pool, struct claim_pool *out, struct err *err);
/* engine_verify_claims.c: a line a fault. */
bool run_verify_claims(const struct pool_desk *desk, const struct history_list *entries, struct buf *out, struct err *err);
/* engine_draws.c: the seeds that an instance draws with. */
struct urn_desk {
	struct engine *engine;
	struct view *view;
	struct arena *a;
	const struct definition *definition;
	int64_t instance_id, parent_id; /* 0: it is not there yet; it has none */
	struct str reference;
	int64_t seen;                   /* 0: as it is now; else as it was behind that entry of history */
	int64_t history_id;             /* of an entry that is decided again, and has made its seeds; 0: new ones are made */
	bool tells;                     /* which keys there were to draw from */
};
/* NULL: the definition neither commits nor draws. desk is copied; in its arena. */
struct urn *urn_open(const struct urn_desk *desk);
/* What a decision that was taken commits, reveals and draws, once its entry is written. */
bool run_draws(struct run *r, const struct loaded *l, const struct decision *decision, int64_t history_id, struct err *err);
/* A payload with what it draws: "LABEL SIZE DIGEST KEY" each, and of one with a condition "LABEL SIZE-PASSED DIGEST KEY". No field can have this name. */
#define RUN_DRAWN "drawn-lots"
void run_draws_payload(const struct loaded *l, const struct decision *decision, struct buf *out);
struct seed;
bool urn_unseal(const struct urn_desk *desk, const struct seed *seed, unsigned char bytes[DRAW_SEED], struct err *err);
/* engine_verify_draws.c: a line a fault. */
bool run_verify_draws(const struct urn_desk *desk, const struct history_list *entries, struct buf *out, struct err *err);
/* engine_groups.c: records that the instance shares. */
struct group_desk {
	struct view *view;
	struct arena *a;
	const struct definition *definition;
	const struct register_port *registers; /* for their refs; not noted as reads */
	const struct str *payload;             /* of an entry of history: its decision is taken again, with what it read; NULL: as it is now */
};
/* NULL: the definition has none. desk is copied; in its arena. */
struct board *group_board(const struct group_desk *desk);
/* A payload with what was read of them and written to them. No field can have these names. */
#define RUN_READ_RECORDS "read-records"
#define RUN_SHARED_RECORDS "shared-records"
void run_groups_read(const struct loaded *l, struct buf *out);
void run_groups_payload(const struct loaded *l, const struct decision *decision, struct buf *out);
/* Writes the records that the decision changed, tells the others, and keeps who shares what. before NULL: it has just started. */
bool run_groups(struct run *r, const struct loaded *l, const struct value *before, const struct decision *decision, int64_t history_id, struct err *err);
/* engine_wishes.c: tells those whose lists the decision's claims have exhausted, and keeps which rows the instance's own lists hold. */
bool run_wishes(struct run *r, const struct loaded *l, const struct value *before, const struct decision *decision, struct err *err);
/* An event for each list and pool that some state watches; the keys of a list's rows, ascending, each once. In arena. */
struct watched {
	const struct event_rule **items;
	size_t count, cap;
};
struct watched run_watched(const struct definition *d, struct arena *a);
struct wished_rows run_list_keys(const struct value *list, struct arena *a);
/* What is watched is what the lists hold, or nothing of a list. A line a fault. */
bool run_verify_wishes(const struct pool_desk *desk, const struct instance *instance, struct buf *out, struct err *err);
/* engine_verify_groups.c: a line a fault. */
bool run_verify_groups(struct view *v, const struct instance *instance, const struct definition *d, const struct history_list *entries, struct buf *out, struct arena *a, struct err *err);
/* engine_verify_grants.c: likewise. */
bool run_verify_grants(struct engine *e, struct view *v, const struct instance *instance, const struct definition *d, const struct history_list *entries, struct arena *a,
                       struct buf *out, struct err *err);
/* engine_listing.c: what overviews find the instance by. */
bool run_listing(struct run *r, struct loaded *l, const struct value *values, struct err *err);
/* engine_grants.c: which rows of registers are people of the instance, once it is written. before NULL: it starts. */
bool run_scopes(struct run *r, struct loaded *l, const struct value *before, const struct value *after, struct err *err);
/* CONFLICT "link.withdrawn": a register gave the link's role, and does no more. *by: the version and key of the row that does; empty: no register is asked. */
bool run_granted(struct run *r, const struct loaded *l, const struct link *link, struct str *by, struct err *err);
#define RUN_GRANTED "granted-by" /* in a payload; no field can have this name */
/* engine_people.c: participations follow the roles' fields. The addresses that a role's field has, as contacts have them. */
struct addresses {
	struct str *items;
	size_t count, cap;
};
struct addresses run_addresses(struct run *r, const struct role *role, const struct value *values);
bool run_people(struct run *r, const struct loaded *l, const struct value *before, const struct cause *cause, struct err *err);
/* From when on the event can be done (as decision_opens), with the instance as it stands; what goes wrong is logged. */
int64_t engine_opens(const struct engine *e, const struct snapshot *snapshot, const struct event_rule *event, int64_t now, struct arena *a);
/* When a link for the event `own`, which opens then, can be used no more (0: no such time): `expires` counts from the opening when that is later. */
int64_t engine_link_end(const struct engine *e, const struct link *link, const struct event_rule *own, int64_t opens_at);
/* engine_messages.c: outbox rows and links of the decision's sends. */
/* The person's live link for that task, or a new one when there is none that can be used: it supersedes the old one and goes on with its draft. */
struct wanted_link {
	enum link_kind kind;
	struct str task, role;
	int64_t contact_id;
	const struct state *state; /* TASK: that the event is of */
};
bool run_link(struct run *r, const struct loaded *l, const struct wanted_link *w, struct link *link, struct err *err);
struct wanted_link run_wanted_link(const struct effect *effect, const struct participation *p); /* of a send with a link */
int64_t run_link_end(struct run *r, const struct loaded *l, const struct wanted_link *w); /* of one that is made now, 0: none; a task's time counts from its opening when that is later */
/* Puts the link into the message, with its priority and deadline. */
void run_carry(struct outbox_row *row, const struct link *link);
struct str run_message_id(struct run *r);
/* What all messages of one effect have in common. */
struct sending {
	const struct effect *effect;
	struct str data;
	struct attachments documents; /* of mails */
	const struct cause *cause;
	int64_t history_id;
};
bool run_takes_channel(const struct action *action, enum channel channel);
/* The row to somebody, in arena, as it follows from the decision: without its Message-ID, its link, and what quiet hours do to its deadline. */
void run_message(struct run *r, const struct loaded *l, const struct sending *s, const struct participation *p, struct outbox_row *row);
bool run_messages(struct run *r, const struct loaded *l, const struct decision *decision, const struct cause *cause, int64_t history_id, struct err *err);
/* engine_documents.c: what the decision's documents say, and their rows. */
struct prepared_document {
	struct document row;
	struct document_sheet sheet;
};
struct prepared_documents {
	struct prepared_document *items;
	size_t count, cap;
};
/* When the instance's row is written, so that its reference is known. */
bool run_prepare_documents(struct run *r, const struct loaded *l, const struct decision *decision, struct prepared_documents *out, struct err *err);
struct str run_who_sees(struct run *r, const struct action *action); /* in arena, as a document's row has it */
/* A history's payload with the list of them. No field can have the name of that list. In arena. */
#define RUN_DOCUMENTS "made-documents"
struct str run_documents_payload(struct run *r, const struct prepared_documents *documents, struct str payload);
struct str run_documents_record(struct arena *a, const struct document *d); /* one of that list */
bool run_write_documents(struct run *r, struct prepared_documents *documents, int64_t history_id, struct err *err);
/* A decision that does nothing but say why. */
struct decision run_refusal(struct run *r, const struct loaded *l, const struct event *event, const struct err *why);
/* Carries it out; what cannot be done for good is recorded as refused instead, as long as nothing was written. */
bool run_apply_or_refuse(struct run *r, struct loaded *l, const struct event *event, struct decision *decision, const struct cause *cause, struct err *err);
/* engine_post.c: a message to row->actor in row->role did not arrive, or was answered. */
struct signal_row;
bool run_post(struct run *r, const struct signal_row *row, const struct err *why, struct err *err);
/* engine_reply.c: the field takes what it can of the files; row gets them, and the names of the others. field NULL: it takes none. *told: as engine_replied has it. */
bool run_keep_reply(struct tx *tx, int64_t now, const struct field *field, const struct value *held, const struct reply *reply, struct signal_row *row, struct arena *a,
                    struct str *told, struct err *err);
/* The instance's values with row's files added to that field. */
const struct value *run_add_reply(struct run *r, const struct loaded *l, const struct field *field, const struct signal_row *row);
/* Removes what no instance has claimed of them. */
bool run_drop_reply(struct run *r, const struct signal_row *row, struct err *err);
struct said run_said(struct run *r, const struct signal_row *row);
/* Of a timer whose instance cannot be read: it is set anew, without an entry. */
enum { RUN_POSTPONED_MS = 600000 };
/* engine_due.c: overdue timers and waiting signals of one root, oldest first, until none is left. */
bool run_catch_up(struct run *r, int64_t root_id, struct err *err);
/* The same after an event of this transaction was carried out, if that stirred something, of that root and of others. That event stands (and is marked): what fails before its own first write is left to the
 * writer, and true comes back. */
bool run_follow(struct run *r, int64_t root_id, struct err *err);
/* A signal was put for an instance of that root. */
void run_stir(struct run *r, int64_t root_id);

#endif
