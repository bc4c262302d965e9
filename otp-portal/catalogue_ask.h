/* catalogue_ask: what somebody looks for among the rows of a register: words, a value of each filter, only what can be chosen. All of it stands in the URL. */
#ifndef OTP_PORTAL_CATALOGUE_ASK_H
#define OTP_PORTAL_CATALOGUE_ASK_H

#include "engine/workflow/form.h"
#include "otp-portal/prose.h"

struct catalogue_ask {
	struct request *r;
	const struct catalogue *catalogue;
	struct str base;                       /* path and query of the page, without what is asked for */
	struct str search;                     /* as typed */
	struct str filters[CATALOGUE_FILTERS]; /* a value for each filter of the catalogue; empty: any */
	struct str place;                      /* on the map: only rows of this one; empty: any */
	struct map_box box;                    /* of the map: what it shows, and with it the list */
	bool boxed;                            /* else it shows all, and the list also what is on no map */
	struct str row;                        /* its key: only this row; empty: any */
	bool free;                             /* only what can be chosen */
	int64_t page;                          /* from 1 */
};

/* ?q= ?f.COLUMN= ?row=KEY ?place= ?box=WEST,SOUTH,EAST,NORTH ?free=1 ?page=; what makes no sense is passed over. */
struct catalogue_ask catalogue_ask_read(struct request *r, const struct catalogue *c, struct str base);
/* Path and query that ask for the same, page included. */
struct str catalogue_ask_path(const struct catalogue_ask *ask);
bool catalogue_ask_narrows(const struct catalogue_ask *ask);

/* What is offered, and what is found of it. */
struct catalogue_rows {
	const struct value *rows;
	size_t count;
	const bool *available; /* of each of rows; NULL: the catalogue makes no difference */
	size_t *found;         /* of rows, in their order */
	size_t found_count, free_count; /* free: of those found */
};
/* rows: all that is offered. */
void catalogue_find(const struct catalogue_ask *ask, const struct form_world *world, const struct value *values, const struct value *rows, size_t count,
                    struct catalogue_rows *out);
/* Where the row is on the catalogue's map; false: on no map. */
bool catalogue_point(const struct catalogue *c, const struct value *row, struct map_point *at);
bool catalogue_inside(const struct map_box *box, const struct map_point *at);
/* The whole outline, with some sea round it. */
struct map_box catalogue_whole_box(const struct outline *outline);
/* A value as it stands in a URL to filter by. In arena, or borrowed with v. */
struct str catalogue_key(struct arena *a, const struct value *v);

#endif
