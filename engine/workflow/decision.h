/* decision: (definition, snapshot of the instance, event, now) -> effects. Pure but for the register port: the engine reads everything else that the decision
 * may look at from the open transaction beforehand. All reads are recorded, and a port that failed makes the decision void (run_decide); engine_apply.c carries the effects out in the same transaction.
 *
 * Order (SCXML): form values, guard of each case in turn, exit actions, case actions, entry actions. */
#ifndef ENGINE_WORKFLOW_DECISION_H
#define ENGINE_WORKFLOW_DECISION_H

#include "engine/workflow/form.h"
#include "engine/workflow/group.h"
#include "engine/workflow/plan.h"
#include "engine/workflow/urn.h"

enum event_kind { EVENT_START, EVENT_FORM, EVENT_TIMER, EVENT_SIGNAL };

struct said {
	struct str text;               /* empty: only files came */
	struct value refused;          /* LIST: names of files that were not taken */
};

struct event {
	enum event_kind kind;
	struct str name;               /* event, timer or ("start") */
	struct str role;               /* FORM, START: in which role the person acts */
	struct str actor;              /* FORM: the person's address; SIGNAL: of a message that was lost or answered; empty: nobody acts */
	const struct said *said;       /* SIGNAL: what was answered by mail or text; NULL: nothing */
	const struct value *values;    /* FORM, START: all fields after validation; SIGNAL: with the signal's data set; NULL: unchanged */
	int64_t fired;                 /* TIMER: how often it did before */
};

/* The instance as the decision sees it. */
struct snapshot {
	const struct definition *definition;
	const struct state *state;     /* NULL for START */
	const struct value *values;    /* by field slot */
	struct str reference;
	int64_t started_at, entered_at;
	const struct value *children;  /* LIST of records, or NULL: none */
};

struct decision_world {
	const struct zone *zone;
	const struct calendar *calendar;
	int64_t now;
	const struct register_port *registers; /* for rows(); NULL: they cannot be read */
	struct ledger *ledger;         /* of the instance; NULL: no pool can be asked */
	struct urn *urn;               /* of the instance; NULL: nothing can be drawn */
	struct board *board;           /* of the instance; NULL: it shares no record */
};

enum { DECISION_CHILDREN = 100000 }; /* that one action may start: some KB each */
enum effect_kind { EFFECT_SEND, EFFECT_DOCUMENT, EFFECT_START, EFFECT_SIGNAL, EFFECT_PLAN, EFFECT_CLAIM, EFFECT_RELEASE, EFFECT_SHARE };
struct effect {
	enum effect_kind kind;
	const struct action *action;
	const struct value *values;    /* SEND, DOCUMENT: the fields at this point, frozen into the row */
	const struct state *state;     /* SEND: the state whose task it belongs to */
	int64_t deadline_at;           /* SEND: instant by which it must have gone; 0: none of its own */
	LIST_OF(struct value) data;    /* START, SIGNAL, PLAN: one a assignment of the action */
	struct plan_ask plan;          /* PLAN: all but what the children have */
	struct str row;                /* CLAIM, RELEASE: its key; SHARE: that of the record, whose members the board has */
};
struct timer_effect {
	const struct timer_rule *rule;
	enum { TIMER_CANCELLED, TIMER_SET, TIMER_REORDERED } what; /* cancelled: its date became unset; reordered: only its order changes */
	int64_t due_at;
	int64_t order;
	int64_t fired;
};

struct decision {
	/* REFUSED: no case let it through, or a `set` could not be computed or a row not be claimed (guard_err says why; there are no effects but a repeating
	 * timer's next time); NOT_HERE: the state has no such event for this role. */
	enum { DECISION_TAKEN, DECISION_REFUSED, DECISION_NOT_HERE } outcome;
	const struct transition *transition;   /* NULL for START */
	const struct state *target;            /* the state afterwards */
	bool moved;                            /* exit and entry ran */
	bool aside;                            /* by decision_refuse */
	struct value *values;                  /* fields afterwards; of an effect after which none was set the same */
	LIST_OF(struct effect) effects;        /* in order */
	bool timers_all;                       /* moved: the old state's timers are all cancelled */
	LIST_OF(struct timer_effect) timers;
	LIST_OF(struct guard_trace {
		const struct expression *guard;
		bool held;
	}) guards;
	struct err guard_err;                  /* the first error in a guard (kind NONE: none), for the log */
};

void decision_take(const struct decision_world *world, const struct snapshot *snapshot, const struct event *event,
                   struct arena *a, struct decision *out);
/* Records without deciding that the event could not be carried out: REFUSED with why as guard_err; a repeating timer's next time is kept. */
void decision_refuse(const struct decision_world *world, const struct snapshot *snapshot, const struct event *event, const struct err *why,
                     struct arena *a, struct decision *out);
/* From when on people can do the event: its `opens`, a date from its first moment on; 0: always. INT64_MAX: it could not be computed, so nobody knows (*err says
 * why). Children and registers are not read. */
int64_t decision_opens(const struct decision_world *world, const struct snapshot *snapshot, const struct event_rule *event, struct arena *a, struct err *err);
/* When this timer is due the (fired + 1)th time, counted from snapshot->entered_at or by its expression, with the snapshot's values. False: its date is unset. */
bool decision_due(const struct decision_world *world, const struct snapshot *snapshot, const struct timer_rule *rule,
                  int64_t fired, struct arena *a, int64_t *due_at);

#endif
