/* definition: one workflow as it was loaded: data, roles, forms, states, views, compiled expressions. Immutable after loading and
 * kept in one arena from load to unload: any thread. docs/workflow-language.md is the reference of what it is read from. */
#ifndef ENGINE_WORKFLOW_DEFINITION_H
#define ENGINE_WORKFLOW_DEFINITION_H

#include "engine/base/secret.h"
#include "engine/workflow/expression.h"
#include "engine/workflow/outline.h"
#include "engine/workflow/pool.h"

#define LIST_OF(type)                 \
	struct {                      \
		type *items;          \
		size_t count, cap;    \
	}

enum field_kind {
	FIELD_TEXT, FIELD_LONGTEXT, FIELD_EMAIL, FIELD_PHONE, FIELD_DIGITS, FIELD_INT, FIELD_DECIMAL, FIELD_BOOL,
	FIELD_DATE, FIELD_DATETIME, FIELD_CHOICE, FIELD_REF, FIELD_MATRIX, FIELD_FILE, FIELD_GROUP
};
const char *field_kind_name(enum field_kind kind); /* "text"... as in YAML */

/* A register as registers.yaml declares it. */
struct register_type {
	struct str name;        /* "goals" */
	struct str owner;       /* the workflow that it belongs to: this one, or that of `from` */
	struct str full_name;   /* "owner.goals": the store's name */
	struct record_type record; /* columns; record.key is the key column */
	const enum field_kind *kinds; /* of the columns */
	size_t label;           /* column that people see */
	size_t valid_from, valid_until; /* columns of type date: first and last day that a row is valid; SIZE_MAX: none */
	struct str sample;      /* file name, or empty */
	struct yaml_place place;
	const struct yaml_place *column_places;
	struct register_cache *cache; /* of its rows; NULL: none */
};

struct field {
	struct str name;
	struct str words;       /* where its texts stand below `fields`: its name; of a group's field "contacts.fields.email" */
	enum field_kind kind;
	struct type type;       /* in expressions; LIST when many */
	size_t slot;            /* its slot = its index in definition->fields; of a group's field: among the group's */
	bool many;
	int64_t many_min, many_max;
	bool has_min, has_max;
	double min, max;        /* value of int and decimal, characters of text and longtext; max: bytes of a file */
	const struct expression *min_date, *max_date; /* date; NULL: none */
	LIST_OF(struct str) options;                  /* choice */
	LIST_OF(struct str) extensions;               /* file */
	const struct register_type *reg;              /* ref, matrix */
	const struct expression *where;               /* ref, matrix; sees row; NULL: all rows */
	int64_t scale_min, scale_max;                 /* matrix */
	int64_t digits;                               /* digits: length */
	struct str prefix;
	LIST_OF(int64_t) weights;
	int64_t modulo;
	bool accept;                                  /* bool: only yes is valid */
	bool sensitive;                               /* kept sealed (sealed.h): its type is KIND_SEALED */
	int64_t mask;                                 /* sensitive: so many leading characters are shown */
	LIST_OF(struct field) fields;                 /* group: of each of its items, in the order of the record's members */
	bool optional;                                /* field of a group */
	const struct expression *initial;             /* `default`; NULL: unset */
	const struct expression *valid;               /* must hold for an answer; NULL: none. Of a group's field: sees item, as min_date and max_date do */
	struct yaml_place place;
};

/* A record that all instances of the workflow share in which the field `by` has the same value. */
struct group_rule {
	struct str name;
	const struct field *by;
	LIST_OF(struct field) fields;     /* each may be unset */
	const struct record_type *record; /* its members are the fields, in their order */
	struct yaml_place place;
};

/* How people look for one row of a register among many: what they see of each, what they search, and which of them can be chosen. */
enum { CATALOGUE_FILTERS = 6 };
struct column_list {
	size_t *items; /* of the register's columns */
	size_t count, cap;
};
struct catalogue {
	struct str name;
	const struct register_type *reg;
	struct column_list columns, search, filters, detail;
	const struct expression *available; /* sees row; NULL: each row can be chosen */
	struct catalogue_map {
		size_t lat, lon, label, off; /* columns; off: SIZE_MAX: none */
		const struct outline *shape; /* NULL: of a definition that was read from the store */
	} *map;                             /* NULL: none */
	struct yaml_place place;
};

struct form_item {
	const struct field *field;
	const struct catalogue *catalogue; /* ref: its rows are looked for on a page of their own; NULL: a list to choose from */
	bool optional;
	bool fresh; /* `prefill: false`: asked anew each time */
	const struct expression *when; /* NULL: always asked */
};
struct form_page {
	struct str name; /* may be empty when the form has one page */
	LIST_OF(struct form_item) items;
	LIST_OF(const struct field *) show;
};
struct form {
	struct str name;
	LIST_OF(struct form_page) pages;
	bool check; /* ends with a page to check the answers */
	struct yaml_place place;
};

/* The people of a role who are rows of a register, as long as they are there and valid: those that `where` and the scope let in. */
enum { GRANT_SCOPE = 4 };
struct grant_rule {
	const struct register_type *reg;
	size_t contact, person;         /* columns; person: SIZE_MAX: none */
	const struct expression *where; /* sees row alone; NULL: each row */
	struct grant_scope {
		size_t column;
		const struct expression *value; /* what the row must have there; reads fields alone */
	} scope[GRANT_SCOPE];
	size_t scope_count;
	unsigned char hash[SECRET_HASH]; /* of all but the values: rules with one hash have the same rows */
};
struct role {
	struct str name;
	const struct field *contact; /* email or phone, maybe many; NULL: */
	const struct grant_rule *grants;
	const struct field *person;  /* `name`; NULL: none */
	const struct field *code;    /* email or phone where one-time codes for acts go; NULL: none */
	struct yaml_place place;
};

/* A mail or a text that starts an instance: what it says becomes the answers to `form`, which stands in no file. */
struct start_way {
	const struct role *by;         /* the sender */
	const struct field *subject;   /* of a mail; NULL: not kept */
	const struct field *text;
	struct form form;
};

/* Slots for children, in the order of their fields: plan.h. Names of fields and states are the children's: checked when all packages are there. */
struct plan_rule {
	LIST_OF(struct str) states;       /* who gets one; empty: all that have not ended */
	LIST_OF(struct str) among;        /* keep: who has one and stands between them, in these states */
	LIST_OF(struct str) order;
	struct str except, group;         /* a bool of who gets none; who share one; empty: none */
	struct str number, start, end;    /* fields that tell the child its slot, and us that it has it; start, end: maybe empty */
	const struct expression *first, *step;
	const struct expression *from, *until; /* string; NULL: as given here */
	int64_t from_ms, until_ms;
	bool keep;
	const struct expression *paused_from, *paused_until; /* date, datetime or instant; NULL: no pause; until now */
};

/* What draw() draws with, and the fields that tell of it. */
struct seed_rule {
	struct str name;
	const struct field *committed, *revealed; /* get the hash, the seed; NULL: no action does it */
	struct yaml_place place;
};

enum action_kind { ACTION_SEND, ACTION_SET, ACTION_DOCUMENT, ACTION_START, ACTION_SIGNAL, ACTION_PLAN, ACTION_CLAIM, ACTION_RELEASE, ACTION_COMMIT, ACTION_REVEAL, ACTION_SHARE };
struct assignment {
	struct str name;              /* of a field of this workflow (set), of a group (share), or of the other workflow (start, signal) */
	const struct field *field;    /* set, share: resolved; else NULL: checked when all packages are there */
	const struct expression *value; /* NULL: null, clears */
};
struct action {
	enum action_kind kind;
	const struct expression *condition; /* `if`; NULL: always */
	LIST_OF(const struct role *) to;    /* send; document: who may see it, empty: all */
	struct str message;                 /* send */
	struct str link;                    /* send: event or view name; empty: none */
	bool link_is_view;
	int channel;                        /* send: enum channel of engine/store/people.h; 0: that of the contact */
	const struct expression *deadline;  /* send: a datetime, instant or duration; NULL: none */
	bool urgent;                        /* send: also in quiet hours */
	LIST_OF(struct str) attach;         /* send: series of documents; checked when all states are read */
	struct str document, template;      /* document: its series; documents/<template>.<lang>.md */
	struct str language;                /* document; empty: the site's first */
	bool addendum;                      /* document */
	LIST_OF(struct assignment) data;    /* set, start, signal, plan, share */
	const struct expression *each;      /* start: a list, one child for each; NULL: one child */
	struct str workflow;                /* start, plan; signal to children: narrows */
	enum { SIGNAL_PARENT, SIGNAL_CHILDREN, SIGNAL_SELF } direction;
	struct str event;                   /* signal, plan */
	const struct plan_rule *plan;
	const struct pool *pool;            /* claim, release */
	const struct expression *row;       /* claim, release: its key, or the row; NULL: all that it holds */
	struct str seed;                    /* commit, reveal */
	const struct field *field;          /* commit, reveal: a text that gets the hash, the seed */
	const struct group_rule *group;     /* share */
	struct yaml_place place;
};
struct action_list {
	struct action *items;
	size_t count, cap;
};

/* One way out of an event or timer: the first whose guard holds counts. */
struct transition {
	size_t id;                        /* numbers all transitions of the definition, for coverage */
	const struct expression *guard;   /* NULL: always */
	struct action_list actions;
	const struct state *target;       /* NULL: stays, timers go on */
	struct yaml_place place;
};
struct transition_list {
	struct transition *items;
	size_t count, cap;
};

struct event_rule {
	struct str name;
	LIST_OF(const struct role *) by;  /* empty: a signal, or: */
	const struct role *bounced, *unreachable; /* a message to one of the role did not arrive; there is no address left; NULL: not this */
	const struct role *replied;       /* one of the role answered a message by mail; NULL: not this */
	const struct field *exhausted;    /* a list of rows of `pool`, of which somebody else took the last that was left; NULL: not this */
	const struct pool *pool;          /* exhausted */
	const struct group_rule *shared;  /* another instance has changed the record that this one shares; NULL: not this */
	const struct field *files;        /* replied: a list of files that takes those of the answer; NULL: none are taken */
	const struct form *form;          /* NULL for a signal */
	struct transition_list cases;
	struct span expires;              /* of links for it; all 0: none */
	const struct expression *opens;   /* date, datetime or instant before which it cannot be done; NULL: none */
	LIST_OF(struct str) also;         /* other events of the same state that its page offers */
	bool code;                        /* asks for a one-time code beside the link */
	bool optional;                    /* may be done; nobody waits for it */
	bool repeat;                      /* may be done again and again through one link: its form is a ranked list, and each press is an act */
	struct yaml_place place;
};

enum timer_kind { TIMER_IN, TIMER_EVERY, TIMER_AT };
struct timer_rule {
	struct str name;                  /* given, or "after-1"... by position */
	enum timer_kind kind;
	struct span span;                 /* in, every */
	int64_t times;                    /* every; 0: without end */
	const struct expression *at;      /* at: date, datetime or instant */
	int64_t time_of_day;              /* ms; -1: none */
	int64_t priority;
	const struct expression *order;   /* int; NULL: none */
	struct transition_list cases;
	struct yaml_place place;
};

struct state {
	struct str name;
	size_t index;
	bool final;
	struct action_list entry, exit;
	LIST_OF(struct event_rule) on;
	LIST_OF(struct timer_rule) after;
	struct yaml_place place;
};

/* A case of another workflow, in which the starter has the role. What is said of its fields is known when all packages are there. */
struct start_from {
	struct str workflow;
	struct str when;                    /* an expression over the case; empty: none */
	struct yaml_place place, when_place;
	LIST_OF(const struct field *) take; /* as they are there, under the same names */
};

enum view_kind { VIEW_LIST, VIEW_PAGE, VIEW_ROWS };
struct view_rule {
	struct str name;
	enum view_kind kind;
	LIST_OF(const struct role *) roles;   /* `for` */
	const struct expression *when;        /* page; NULL: always */
	LIST_OF(const struct field *) head;   /* page: shown also while `when` does not hold */
	LIST_OF(struct str) columns;          /* list: field names or state, started_at, changed_at, reference, or made by view_delivery_column; page: fields */
	LIST_OF(const struct field *) reveal; /* page: sensitive fields that it shows as they were typed */
	LIST_OF(const struct field *) search; /* list */
	LIST_OF(struct str) filters;          /* list: "state" or names of fields */
	const struct expression *overdue;     /* list; NULL: none. Once true it stays true until the next transition */
	LIST_OF(struct str) acts;             /* page, rows: events of people that can be begun from it */
	LIST_OF(const struct role *) resend_by, resend_to; /* who may send the newest message to whom again, after log-in */
	bool timeline;                        /* page */
	bool exported;                        /* list: `export` */
	struct str page;                      /* list: page view a row opens; empty: none */
	const struct catalogue *catalogue;    /* rows */
	bool open;                            /* rows: `public`, for everybody */
	bool login;                           /* list, rows: on /backend */
	int digits;                           /* with login: of the code that opens it */
	struct span expires;
	struct yaml_place place;
};

/* Slots of a definition's scope: its fields first, then these, then the records of its groups, then its registers. */
enum { SLOT_NOW, SLOT_TODAY, SLOT_STATE, SLOT_REFERENCE, SLOT_STARTED_AT, SLOT_ENTERED_AT, SLOT_ROW, SLOT_ITEM, SLOT_CHILDREN, SLOT_ACTOR, SLOT_REPLY, SLOT_REFUSED, SLOT_EXTRA_COUNT };

struct definition {
	struct arena *arena;
	struct str name;
	struct str folder;                /* of the package; empty when it was read from the store */
	unsigned char hash[SECRET_HASH];  /* machine hash: of `source` */
	struct str source;                /* canonical text of workflow.yaml and registers.yaml: definition_parse reads it again */
	LIST_OF(struct field) fields;
	LIST_OF(struct register_type) registers;
	LIST_OF(struct pool) pools;
	LIST_OF(struct seed_rule) seeds;  /* that it commits or reveals */
	struct str parent_seed;           /* that it draws with and does not commit: of whoever starts it; empty: none */
	struct yaml_place parent_seed_place;
	LIST_OF(struct group_rule) groups;
	LIST_OF(struct role) roles;
	LIST_OF(struct catalogue) catalogues;
	LIST_OF(struct form) forms;
	LIST_OF(struct state) states;
	LIST_OF(struct view_rule) views;
	const struct state *initial;
	struct {
		const struct role *by;
		const struct form *form;
		bool open;            /* `public` */
		struct start_way *mail, *sms; /* NULL: not so */
		struct span expires;  /* of an unfinished start form */
		LIST_OF(struct prefill {
			struct str workflow; /* maybe none of this site's */
			struct yaml_place place;
		}) prefill;
		LIST_OF(struct prefill) login; /* not empty: only for who is logged in and has the role in an instance of these */
		struct str role;               /* with login: which role of theirs */
		const struct start_from *from; /* of such a start: the case that it begins from; NULL: none */
		const struct form *who;        /* of such a start: asks for nothing but the starter's contact; NULL: the start form does */
		LIST_OF(const struct field *) from_link; /* what a link to the start form may fill in */
	} start;
	struct span keep;                 /* after the end of an instance; all 0: for ever */
	struct scope scope;               /* fields, lets, extras, groups, registers */
	bool reads_rows;                  /* some expression has rows() */
	const struct record_type *child_record; /* items of `children`: workflow, state, ended */
	bool sensitive;                   /* has a field that is */
	bool reads_children;              /* some expression does; else they are not loaded */
	LIST_OF(struct str) documents;    /* series that some action makes */
	size_t transition_count;
	LIST_OF(const struct expression *) guards; /* all of them, in file order, for coverage */
	LIST_OF(struct expression_use {
		const struct expression *expression;
		struct yaml_place place;
	}) expressions; /* where each was written, for the checker */
};

/* Reads <folder>/workflow.yaml and registers.yaml. NULL when problems->errors grew. The definition owns a new arena; caller closes
 * with definition_free. problems lives in its own arena and may outlive it. */
struct definition *definition_load(const char *folder, struct problems *problems);
/* From kept source text (definition->source). */
struct definition *definition_parse(struct str source, struct problems *problems);
void definition_free(struct definition *d);

/* Lookups by name; NULL: none. */
const struct field *definition_field(const struct definition *d, struct str name);
const struct field *field_member(const struct field *group, struct str name); /* of a group's fields */
const struct role *definition_role(const struct definition *d, struct str name);
bool role_texts(const struct role *role); /* its people are reached by SMS, not by mail */
const struct form *definition_form(const struct definition *d, struct str name);
const struct state *definition_state(const struct definition *d, struct str name);
const struct view_rule *definition_view(const struct definition *d, struct str name);
bool view_rule_is_for(const struct view_rule *view, struct str role);
const struct catalogue *definition_catalogue(const struct definition *d, struct str name);
const struct register_type *definition_register(const struct definition *d, struct str name);
size_t definition_group_slot(const struct definition *d, size_t index);
size_t definition_slots(const struct definition *d); /* so many values does an evaluation have; the registers' slots follow them */
bool definition_reads_rows(const struct definition *d, const struct expression *e); /* of any register */
const struct group_rule *definition_group(const struct definition *d, struct str name);
const struct field *group_field(const struct group_rule *group, struct str name);
bool actions_share(const struct action_list *actions);
const struct pool *definition_pool(const struct definition *d, struct str name);
/* That the workflow commits itself; NULL: it does not. */
const struct seed_rule *definition_seed(const struct definition *d, struct str name);
bool definition_draws(const struct definition *d); /* or commits what others draw with */
bool actions_claim(const struct action_list *actions);
bool event_claims(const struct event_rule *event); /* in any of its cases */
/* Whether what a form is filled in for claims a row: the event of that name in the state, or the start (no state). */
bool definition_claims(const struct definition *d, struct str state, struct str event);
/* How a mail (CHANNEL_MAIL of people.h) or a text starts it; NULL: not at all. */
const struct start_way *definition_way(const struct definition *d, int channel);
const struct form_item *form_item_of(const struct form *form, const struct field *field); /* NULL: it does not ask for it */
/* The ranked list that is all that the form asks for; NULL: it is another form. */
const struct form_item *form_ranking(const struct form *form);
const struct event_rule *state_event(const struct state *s, struct str name);
const struct timer_rule *state_timer(const struct state *s, struct str name);
/* The rule of that event in any state that has it (for titles and link texts); NULL: none. */
const struct event_rule *definition_event(const struct definition *d, struct str name);
/* What is asked and how long a link for it lasts needs only: */
bool event_allows(const struct event_rule *event, struct str role);
bool event_is_signal(const struct event_rule *event);
/* In a mailbox: "shared GROUP" and "exhausted FIELD POOL", which are no events' names. The event of the state that it is; NULL: the state has none. */
struct str watch_shared(struct arena *a, const struct group_rule *group);
struct str watch_exhausted(struct arena *a, const struct event_rule *event);
bool watch_is(struct str mark);
bool event_exhausts(const struct event_rule *event, struct str field, struct str pool); /* it is the exhaustion of that list */
const struct event_rule *state_watch(const struct state *s, struct str mark);
/* What somebody in this role may do in the state through a link for `task`: the event of that name, or one that its page also offers (empty: that of the
 * link); NULL: none. */
const struct event_rule *state_offer(const struct state *s, struct str task, struct str role, struct str event);
/* The event among the page's `acts` that somebody in this role may do in the state; NULL: it is none. */
const struct event_rule *view_act(const struct view_rule *view, const struct state *s, struct str role, struct str event);
/* `{delivery: role}` as a column; its name is no field's. In arena. The role of such a column; false: it is another. */
struct str view_delivery_column(struct arena *a, struct str role);
bool view_column_delivery(struct str column, struct str *role);
/* Whether an answer of before may stand in a start form: ticks, matrices and what is no plain text are given anew each time. */
bool field_prefills(const struct field *field);
bool field_alike(const struct field *a, const struct field *b); /* of one kind, both lists or none, groups of the same fields: an answer to one answers the other */
bool span_is_zero(struct span s);

#endif
