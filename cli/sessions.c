/* sessions: who is logged in; ends it for an address, or for everybody. */
#include "cli/command.h"
#include "engine/base/address.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/access.h"
#include "engine/store/people.h"

#include <string.h>

static const char usage_text[] = "usage: stafet sessions [--after N] [--limit N]   who is logged in, newest first\n"
                                 "       stafet sessions end ADDRESS...            logs these out of all their devices at once\n"
                                 "       stafet sessions end --all                 logs everybody out\n";

struct ending {
	struct arguments *args;
	struct arena *arena;
	struct buf *out;
};

static bool show_rows(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct list_wish *wish = context;
	struct session_list list;
	struct contact who;
	if (!session_list(v, clock_now(), wish->after, wish->limit, a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		if (!contact_load(v, list.items[i].contact_id, a, &who, err))
			return false;
		struct str since = site_time(s, a, list.items[i].created_at), until = site_time(s, a, list.items[i].ends_at);
		buf_printf(out, "%-40.*s  since %.*s  until %.*s at most\n", STR_ARG(who.value), STR_ARG(since), STR_ARG(until));
	}
	if ((int64_t)list.count == wish->limit)
		buf_printf(out, "... go on with --after %lld\n", (long long)(wish->after + wish->limit));
	return true;
}

static bool end_all(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct ending *e = context;
	int64_t ended;
	(void)engine, (void)now;
	buf_clear(e->out);
	if (!session_remove_everybody(tx, &ended, err))
		return false;
	buf_printf(e->out, "%lld log-ins ended\n", (long long)ended);
	log_event(LOG_WARN, "sessions-ended", "of=everybody count=%lld", (long long)ended);
	return true;
}

/* All that were typed are known, or nothing is done. */
static bool end_some(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct ending *e = context;
	struct contact *who = ARENA_ARRAY(e->arena, (size_t)e->args->count, struct contact);
	struct str address;
	(void)engine, (void)now;
	buf_clear(e->out);
	for (int i = 1; i < e->args->count; i++) {
		if (address_email(e->arena, str_from(e->args->items[i]), &address, err) && contact_find(tx_view(tx), CHANNEL_MAIL, address_key(e->arena, address), e->arena, &who[i], err))
			continue;
		err_context(err, "%s", e->args->items[i]);
		return false;
	}
	for (int i = 1; i < e->args->count; i++) {
		if (!session_remove_all(tx, who[i].id, err))
			return false;
		buf_printf(e->out, "%.*s is logged in nowhere now\n", STR_ARG(who[i].value));
		log_event(LOG_WARN, "sessions-ended", "of=%lld", (long long)who[i].id);
	}
	return true;
}

static int end_them(struct open_site *s, struct arguments *args, bool all, struct buf *out) {
	struct err err = {0};
	struct ending ending = {.args = args, .arena = arena_new(), .out = out};
	bool ok = site_write(s, all ? end_all : end_some, &ending, &err);
	arena_free(ending.arena);
	return ok ? EXIT_GOOD : command_failed(out, &err);
}

int command_sessions(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct list_wish wish;
	bool all = arguments_flag(args, "--all");
	bool readable = list_wish_read(args, &wish) && !arguments_unknown(args, out);
	bool end = args->count > 0 && strcmp(args->items[0], "end") == 0;
	(void)input;
	if (readable && args->count == 0 && !all)
		return site_look(s, show_rows, &wish, out);
	if (readable && end && all == (args->count == 1))
		return end_them(s, args, all, out);
	buf_z(out, usage_text);
	return EXIT_USAGE;
}
