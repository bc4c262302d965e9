/* suppressions: who gets no messages, and why. */
#include "cli/command.h"
#include "engine/base/address.h"
#include "engine/store/suppressions.h"

#include <string.h>

static const char usage_text[] = "usage: stafet suppressions [--after N] [--limit N]        who gets no messages, and why, oldest first\n"
                                 "       stafet suppressions add ADDRESS... --reason TEXT   addresses or numbers; codes that somebody asks for at a page are sent nevertheless\n"
                                 "       stafet suppressions remove ADDRESS...\n";

struct wish {
	const struct site *site;
	struct arguments *args;
	bool add;
	struct str reason;
	struct arena *arena;
	struct buf *out;
};

static bool show_rows(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct list_wish *wish = context;
	struct suppression_list list;
	if (!suppression_list(v, wish->after, wish->limit, a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct suppression *row = &list.items[i];
		struct str at = site_time(s, a, row->at);
		buf_printf(out, "%-4s  %-30.*s  %.*s  %.*s\n", row->channel == CHANNEL_SMS ? "sms" : "mail", STR_ARG(row->address), STR_ARG(at), STR_ARG(row->reason));
	}
	if ((int64_t)list.count == wish->limit)
		buf_printf(out, "... go on with --after %lld\n", (long long)(wish->after + wish->limit));
	return true;
}

static bool read_address(const struct wish *w, struct str typed, struct suppression *out, struct err *err) {
	*out = (struct suppression){.channel = memchr(typed.at, '@', typed.len) ? CHANNEL_MAIL : CHANNEL_SMS, .reason = w->reason};
	return out->channel == CHANNEL_MAIL ? address_email(w->arena, typed, &out->address, err)
	                                    : address_phone(w->arena, typed, site_country(w->site), &out->address, err);
}

static bool change_one(struct wish *w, struct tx *tx, struct suppression *row, int64_t now, struct err *err) {
	bool done;
	row->at = now;
	if (w->add ? !suppression_add(tx, row, &done, err) : !suppression_remove(tx, row->channel, row->address, &done, err))
		return false;
	const char *told = w->add ? (done ? "gets no messages from now on" : "gets none already") : done ? "gets messages again" : "is not there";
	buf_printf(w->out, "%.*s %s\n", STR_ARG(row->address), told);
	return true;
}

/* All that were typed are right, or nothing is done. */
static bool change(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct wish *w = context;
	struct suppression *rows = ARENA_ARRAY(w->arena, (size_t)w->args->count, struct suppression);
	(void)engine;
	buf_clear(w->out);
	for (int i = 1; i < w->args->count; i++)
		if (!read_address(w, str_from(w->args->items[i]), &rows[i], err))
			return false;
	for (int i = 1; i < w->args->count; i++)
		if (!change_one(w, tx, &rows[i], now, err))
			return false;
	return true;
}

static bool is_line(struct str text) {
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7F)
			return false;
	return text.len > 0 && text.len <= SUPPRESSION_REASON && str_utf8_valid(text);
}

static int change_rows(struct open_site *s, struct arguments *args, bool add, struct str reason, struct buf *out) {
	struct err err = {0};
	struct wish wish = {.site = s->site, .args = args, .add = add, .reason = reason, .arena = arena_new(), .out = out};
	bool ok = site_write(s, change, &wish, &err);
	arena_free(wish.arena);
	return ok ? EXIT_GOOD : command_failed(out, &err);
}

int command_suppressions(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct list_wish wish;
	const char *text = arguments_option(args, "--reason");
	struct str reason = str_from(text ? text : "");
	bool readable = list_wish_read(args, &wish) && !arguments_unknown(args, out);
	bool add = args->count > 1 && strcmp(args->items[0], "add") == 0, remove = args->count > 1 && strcmp(args->items[0], "remove") == 0;
	(void)input;
	if (readable && args->count == 0 && !text)
		return site_look(s, show_rows, &wish, out);
	if (readable && (add ? is_line(reason) : remove && !text))
		return change_rows(s, args, add, reason, out);
	buf_z(out, usage_text);
	return EXIT_USAGE;
}
