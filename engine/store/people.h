/* people: persons, their contacts (an address or number), and who takes part in which instance.
 * A typed address is an unverified contact until somebody acted through a link sent to it. */
#ifndef ENGINE_STORE_PEOPLE_H
#define ENGINE_STORE_PEOPLE_H

#include "engine/store/store.h"

enum channel { CHANNEL_MAIL = 1, CHANNEL_SMS = 2 };

struct contact {
	int64_t id, person_id;
	enum channel channel;
	struct str value;    /* normalised: what is sent to */
	struct str key;      /* folded: what is compared (UNIQUE with channel) */
	struct str language; /* "da", or empty: the site's first */
	int64_t verified_at; /* 0: never */
	int64_t bounced_at;  /* 0: not */
};

/* The contact of that key, which learns the language when it has none; a new one (with a new person) when there is none. */
bool contact_ensure(struct tx *tx, enum channel channel, struct str value, struct str key, struct str language,
                    int64_t now, int64_t *id, struct err *err);
bool contact_load(struct view *v, int64_t id, struct arena *a, struct contact *out, struct err *err); /* NOT_FOUND */
bool contact_find(struct view *v, enum channel channel, struct str key, struct arena *a, struct contact *out, struct err *err); /* NOT_FOUND */
bool contact_verify(struct tx *tx, int64_t id, int64_t now, struct err *err); /* the first time counts */
bool contact_bounced(struct tx *tx, int64_t id, int64_t now, struct err *err); /* there is no such address */
bool contact_reached(struct tx *tx, int64_t id, struct err *err); /* or there is: somebody acted through it, or typed it anew */
bool contact_set_language(struct tx *tx, int64_t id, struct str language, struct err *err);

struct participation {
	int64_t contact_id;
	struct str role;
	struct str name; /* of the person as this instance knows it; may be empty */
	struct contact contact;
};
struct participation_list {
	struct participation *items;
	size_t count, cap;
};
/* In the order in which they were added, and behind them those whom registers give a role on that day (grants.h), in the order in which their rows came; contact loaded too. */
bool participation_list(struct view *v, int64_t instance_id, int64_t day, struct arena *a, struct participation_list *out, struct err *err);
bool participation_add(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct str name, struct err *err); /* again: only the name */
/* The newest instance of that workflow in which somebody with the contact takes part on that day; 0: none. */
bool participation_newest(struct view *v, int64_t contact_id, struct str workflow, int64_t day, int64_t *instance_id, struct err *err);
bool participation_remove(struct tx *tx, int64_t instance_id, struct str role, int64_t contact_id, struct err *err);

#endif
