/* stafet verify, of draws: each seed is the one whose hash was told when it was committed, and which was told when it was revealed; each draw in the table is one that its
 * entry tells of. What came out is looked at by `stafet replay`, which has the lists. */
#include "engine/store/seeds.h"
#include "engine/workflow/engine_run.h"

#include <string.h>

static const struct history *entry_of(const struct history_list *entries, int64_t id) {
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].id == id)
			return &entries->items[i];
	return NULL;
}

static bool tells(const struct history *entry, struct str text) {
	return entry && (entry->payload.len == 0 || memmem(entry->payload.at, entry->payload.len, text.at, text.len));
}

static void check_seed(const struct urn_desk *desk, const struct seed *seed, const struct history_list *entries, struct buf *out) {
	unsigned char bytes[DRAW_SEED];
	struct err why;
	if (!urn_unseal(desk, seed, bytes, &why)) {
		buf_printf(out, "%s\n", why.text);
		return;
	}
	if (!tells(entry_of(entries, seed->history_id), draw_commitment(bytes, desk->a)))
		buf_printf(out, "seed %lld is not the one that was committed\n", (long long)seed->id);
	if (seed->revealed_id != 0 && !tells(entry_of(entries, seed->revealed_id), secret_hex(desk->a, bytes, sizeof bytes)))
		buf_printf(out, "seed %lld is not the one that was revealed\n", (long long)seed->id);
}

/* "NAME/REFERENCE/NUMBER SIZE DIGEST KEY": the number, and that the case is this one. */
static bool is_drawn(const struct urn_desk *desk, struct str lot, int64_t number) {
	struct str label = str_cut(&lot, ' ');
	struct str end = arena_printf(desk->a, "/%.*s/%lld", STR_ARG(desk->reference), (long long)number);
	return str_ends(label, end);
}

static void check_entry(const struct urn_desk *desk, const struct history *entry, const struct drawn_list *drawn, struct buf *out) {
	struct texts_of lots = run_payload_list(desk->a, entry->payload, RUN_DRAWN);
	size_t count = 0, found = 0;
	for (size_t i = 0; i < drawn->count; i++) {
		bool same = false;
		if (drawn->items[i].history_id != entry->id)
			continue;
		count++;
		for (size_t k = 0; k < lots.count && !same; k++)
			same = is_drawn(desk, lots.items[k], drawn->items[i].number);
		found += same;
	}
	if (entry->payload.len > 0 && (count != lots.count || found != count))
		buf_printf(out, "entry %lld draws %zu times, but the table has %zu draws, of which %zu are the same\n", (long long)entry->seq, lots.count, count, found);
}

bool run_verify_draws(const struct urn_desk *desk, const struct history_list *entries, struct buf *out, struct err *err) {
	struct seed_list seeds;
	struct drawn_list drawn;
	if (!seed_of_instance(desk->view, desk->instance_id, desk->a, &seeds, err) || !drawn_of_instance(desk->view, desk->instance_id, desk->a, &drawn, err))
		return false;
	for (size_t i = 0; i < seeds.count; i++)
		check_seed(desk, &seeds.items[i], entries, out);
	for (size_t i = 0; i < drawn.count; i++)
		if (!entry_of(entries, drawn.items[i].history_id))
			buf_printf(out, "draw %lld belongs to no entry\n", (long long)drawn.items[i].number);
	for (size_t i = 0; i < entries->count; i++)
		check_entry(desk, &entries->items[i], &drawn, out);
	return true;
}
