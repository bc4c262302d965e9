/* rank_parts: the page of a ranked list, as rank.c (what is pressed) and rank_write.c (what is shown) share it. Internal. */
#ifndef OTP_PORTAL_RANK_PARTS_H
#define OTP_PORTAL_RANK_PARTS_H

#include "otp-portal/catalogue_list.h"
#include "otp-portal/rank.h"

struct ranked_page {
	const struct filling *f;
	const struct form_item *item;
	const struct value *rows; /* of the list */
	size_t count, first, end; /* those that this page shows */
	struct catalogue_ask ask;
	struct catalogue_rows found;
	struct catalogue_list list;
	const struct form_problems *problems;
	struct str wrong, wrong_key; /* what was typed and is no number, and its row's key; empty: nothing */
};

struct str rank_key(const struct value *row);
/* Which rows of the list it shows: of the page that ?mine= asks for. */
void rank_find(struct ranked_page *p);
/* The page that begins with the row `first`, counted from 0. In arena. */
struct str rank_path(const struct ranked_page *p, size_t first);
/* Reads the catalogue as it is asked for. */
bool rank_open(struct ranked_page *p, struct err *err);
void rank_write(struct ranked_page *p, struct response *out);

#endif
