/* urn: the draws of one decision. Seeds are asked for through a port and lie in the store, hidden; what the decision commits, reveals and draws is kept here until it
 * is written. One for a decision, in its arena. */
#ifndef ENGINE_WORKFLOW_URN_H
#define ENGINE_WORKFLOW_URN_H

#include "engine/base/err.h"
#include "engine/workflow/draw.h"

struct urn_seed {
	int64_t id;
	unsigned char bytes[DRAW_SEED];
	bool revealed;
	int64_t drawn; /* how often the instance has drawn with it */
};
struct urn_port {
	void *context;
	/* The newest seed of that name that an earlier entry committed, of this instance or one above it; *found false: there is none. */
	bool (*find)(void *context, struct str name, struct urn_seed *out, bool *found, struct err *err);
	bool (*make)(void *context, struct str name, unsigned char bytes[DRAW_SEED], struct err *err); /* a new one */
};

struct urn {
	struct urn_port port;
	struct arena *a;
	struct str reference; /* of the instance */
	struct {
		struct urn_commit {
			struct str name;
			unsigned char bytes[DRAW_SEED];
		} *items;
		size_t count, cap;
	} commits;
	struct {
		struct urn_reveal {
			struct str name;
			int64_t seed_id;
		} *items;
		size_t count, cap;
	} reveals;
	struct {
		struct urn_lot {
			struct str name;   /* of the seed */
			int64_t seed_id, number;
			struct str label;  /* "NAME/REFERENCE/NUMBER" */
			size_t size;       /* of the list */
			struct str digest; /* of the list, in hex */
			struct str key;    /* that was drawn */
			struct str *keys;  /* size of them; NULL unless the urn tells them */
			struct str *passed; /* with a condition: those that were drawn before and did not fit, so many; told likewise */
			size_t passed_count;
			bool conditional;
		} *items;
		size_t count, cap;
	} lots;
	bool tells;        /* which keys there were, and which were passed */
	bool asked;        /* what was decided depends on what the port says */
	struct err failed; /* the port could not be asked: nothing may be decided by it */
};

/* In hex the SHA-256 of a new seed. INPUT: there is one that is not revealed. */
bool urn_commit(struct urn *u, struct str name, struct str *hex, struct err *err);
/* In hex the seed. INPUT: there is none, or it is revealed. */
bool urn_reveal(struct urn *u, struct str name, struct str *hex, struct err *err);
/* What is drawn from. False of key and fits: it could not be told (their caller knows why), and nothing is drawn. */
struct urn_list {
	void *context;
	size_t count;
	struct str digest; /* of its keys (draw.h); empty: it is worked out */
	bool (*key)(void *context, size_t index, struct str *key);
	bool (*fits)(void *context, size_t index, bool *fits); /* NULL: everything does */
};
/* One of the list; with a condition one after another, none of them twice, until one fits: of a list that a round empties, a lot costs what it passes, not what the list is long. INPUT: there is nothing
 * to draw; no seed was committed before; it is revealed. A failure with err->kind NONE is the list's own. */
bool urn_draw(struct urn *u, struct str name, const struct urn_list *list, size_t *index, struct err *err);

#endif
