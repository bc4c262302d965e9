/* What has happened on a demo's site before it starts: cases of each package, in different states, and the messages that were sent. */
#include "cli/command.h"
#include "document/press.h"
#include "engine/base/clock.h"
#include "engine/workflow/scenario.h"
#include "mailer/compose.h"
#include "mailer/mime.h"

#include <dirent.h>
#include <stdlib.h>

/* Each case is played by itself, so the messages are put into the inbox only when all are there: the oldest first. */
struct kept {
	struct arena *arena;
	struct captured *items;
	size_t count, cap;
};

static bool keep(void *context, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct err *err) {
	struct kept *kept = context;
	struct composed message;
	int64_t now = clock_now();
	if (!compose_message(engine, site, v, row, kept->arena, &message, err))
		return false;
	struct captured *one = ARENA_PUSH(kept->arena, kept);
	*one = (struct captured){.outbox_id = row->id, .at = now, .channel = row->channel, .to = arena_str(kept->arena, message.to), .raw = message.text};
	return row->channel == CHANNEL_SMS ||
	       mime_build(&site_config(site)->mail, &message, now, zone_local(site_zone(site), now), kept->arena, &one->raw, err);
}

static int by_time(const void *a, const void *b) {
	const struct captured *x = a, *y = b;
	return x->at != y->at ? (x->at < y->at ? -1 : 1) : (x->outbox_id > y->outbox_id) - (x->outbox_id < y->outbox_id);
}

static bool put_all(struct store *store, struct kept *kept, struct err *err) {
	struct tx *tx;
	if (kept->count > 1)
		qsort(kept->items, kept->count, sizeof *kept->items, by_time);
	if (!store_begin(store, &tx, err))
		return false;
	tx_mark(tx);
	for (size_t i = 0; i < kept->count; i++)
		if (!captured_put(tx, &kept->items[i], err)) {
			store_rollback(tx);
			return false;
		}
	return store_commit(tx, err);
}

static int yaml_only(const struct dirent *entry) {
	return str_ends(str_from(entry->d_name), STR(".yaml"));
}

static bool play_package(struct scenario_options *options, struct arena *a, struct buf *out) {
	struct dirent **entries;
	const char *folder = arena_printf(a, "%.*s/demo", STR_ARG(options->package->folder)).at;
	int found = scandir(folder, &entries, yaml_only, alphasort);
	bool ok = true;
	for (int i = 0; i < found; i++) {
		struct buf told;
		buf_init(&told, 10000);
		ok = ok && scenario_run(options, arena_printf(a, "%s/%s", folder, entries[i]->d_name).at, &told);
		if (!ok)
			buf_str(out, buf_text(&told));
		buf_free(&told);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	return ok;
}

bool demo_samples(struct open_site *s, struct buf *out, struct err *err) {
	struct kept kept = {.arena = s->arena};
	struct scenario_options options = {.site = s->site, .context = &kept, .store = s->store, .engine = s->engine, .now = clock_now(), .keep = keep,
	                                   .draw = press_at_once};
	bool ok = true;
	for (size_t i = 0; ok && i < site_package_count(s->site); i++) {
		options.package = site_package_at(s->site, i);
		ok = play_package(&options, s->arena, out) || err_set(err, ERR_INPUT, "error.input", "a sample of the demo cannot be played");
	}
	clock_simulate(options.now, 1);
	return ok && put_all(s->store, &kept, err);
}
