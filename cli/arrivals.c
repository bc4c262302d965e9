/* inbox: what came in by mail and SMS, and what became of it. */
#include "cli/command.h"
#include "engine/store/arrivals.h"
#include "engine/store/outbox.h"
#include "engine/store/texts_in.h"

#include <string.h>

static const char usage_text[] = "usage: stafet inbox [--after ID] [--limit N]   mails and texts that came in, oldest first: what each is, and what followed from it\n"
                                 "       stafet inbox address                   where your SMS gateway is to bring texts from phones; only it may know\n";

/* Of the case that it started, or whose message it answers or is about. */
static bool reference_of(struct view *v, const struct arrival_row *arrival, struct arena *a, struct str *reference, struct err *err) {
	struct outbox_row row = {.instance_id = arrival->instance_id};
	struct instance in;
	*reference = STR("-");
	if (arrival->outbox_id != 0 && !outbox_load(v, arrival->outbox_id, a, &row, err))
		return false;
	if (row.instance_id == 0)
		return true;
	if (!instance_load(v, row.instance_id, a, &in, err))
		return false;
	*reference = in.reference;
	return true;
}

static bool show_rows(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct list_wish *wish = context;
	struct arrival_rows list;
	if (!arrival_list(v, wish->after, wish->limit, a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct arrival_row *row = &list.items[i];
		struct str at = site_time(s, a, row->at), reference;
		if (!reference_of(v, row, a, &reference, err))
			return false;
		buf_printf(out, "%6lld  %-10.*s %.*s  %-18.*s %-9.*s %.*s  %.*s\n", (long long)row->id, STR_ARG(row->kind), STR_ARG(at), STR_ARG(row->outcome),
		           STR_ARG(reference), STR_ARG(row->sender), STR_ARG(row->subject));
		for (struct str rest = row->files; rest.len > 0;) {
			struct str file = str_cut(&rest, '\n');
			buf_printf(out, "        %.*s\n", STR_ARG(file));
		}
	}
	if ((int64_t)list.count == wish->limit)
		buf_printf(out, "... go on with --after %lld\n", (long long)list.items[list.count - 1].id);
	return true;
}

static int show_address(const struct open_site *s, struct buf *out) {
	char token[SECRET_TOKEN + 1];
	BUG_IF(!inbound_token(site_keys(s->site), token));
	buf_printf(out, "%.*s/inbound/%s\n", STR_ARG(s->config->base_url), token);
	return EXIT_GOOD;
}

int command_inbox(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct list_wish wish;
	(void)input;
	if (args->count == 1 && strcmp(args->items[0], "address") == 0)
		return show_address(s, out);
	if (!list_wish_read(args, &wish) || arguments_unknown(args, out) || args->count > 0) {
		buf_z(out, usage_text);
		return EXIT_USAGE;
	}
	return site_look(s, show_rows, &wish, out);
}
