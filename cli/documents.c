/* documents: the PDFs of workflows that are not there yet, or could not be drawn, and what somebody can do about it. */
#include "cli/command.h"

#include <string.h>

enum { OPEN = 1u << DOCUMENT_WAITING | 1u << DOCUMENT_DRAWING | 1u << DOCUMENT_FAILED };

static const char usage_text[] = "usage: stafet documents [--state STATE] [--after ID] [--limit N]   what is not drawn yet, or could not be\n"
                                 "       stafet documents explain ID\n"
                                 "       stafet documents retry ID...\n"
                                 "states: waiting drawing ready failed all\n";

static int usage(struct buf *out) {
	buf_z(out, usage_text);
	return EXIT_USAGE;
}

static bool reference_of(struct view *v, const struct document *d, struct arena *a, struct str *reference, struct err *err) {
	struct instance in;
	if (!instance_load(v, d->instance_id, a, &in, err))
		return false;
	*reference = in.reference;
	return true;
}

static struct str number_of(struct arena *a, const struct document *d) {
	if (d->addendum > 0)
		return arena_printf(a, "%lld+%lld", (long long)d->version, (long long)d->addendum);
	return arena_printf(a, "%lld", (long long)d->version);
}

/* --- list --- */

static bool list_rows(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct list_wish *wish = context;
	struct document_list list;
	if (!document_rows(v, wish->states, wish->after, wish->limit, a, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct document *d = &list.items[i];
		struct str reference, at = site_time(s, a, d->at), number = number_of(a, d);
		if (!reference_of(v, d, a, &reference, err))
			return false;
		buf_printf(out, "%6lld  %-8s %.*s  %-9.*s %.*s %.*s%s%.*s\n", (long long)d->id, document_state_name(d->state), STR_ARG(at), STR_ARG(reference), STR_ARG(d->name),
		           STR_ARG(number), d->answer.len > 0 ? "  " : "", STR_ARG(d->answer));
	}
	if ((int64_t)list.count == wish->limit)
		buf_printf(out, "... go on with --after %lld\n", (long long)list.items[list.count - 1].id);
	return true;
}

static bool states_of(const char *name, unsigned *states) {
	*states = OPEN;
	if (!name)
		return true;
	*states = 0;
	for (int i = DOCUMENT_WAITING; i <= DOCUMENT_FAILED; i++)
		if (strcmp(name, "all") == 0 || strcmp(name, document_state_name((enum document_state)i)) == 0)
			*states |= 1u << i;
	return *states != 0;
}

static int list(struct open_site *s, struct arguments *args, struct buf *out) {
	const char *state = arguments_option(args, "--state");
	struct list_wish wish;
	if (!list_wish_read(args, &wish) || arguments_unknown(args, out) || args->count > 0 || !states_of(state, &wish.states))
		return usage(out);
	return site_look(s, list_rows, &wish, out);
}

/* --- explain --- */

static const char *state_text(enum document_state state) {
	switch (state) {
	case DOCUMENT_WAITING:
		return "It waits to be drawn";
	case DOCUMENT_DRAWING:
		return "It is being drawn";
	case DOCUMENT_READY:
		return "It is there";
	case DOCUMENT_FAILED:
		return "It could not be drawn and is not tried again. Mails that carry it wait until their deadline: `stafet documents retry` when the cause is gone";
	}
	return "";
}

static bool explain_row(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	int64_t id = *(const int64_t *)context;
	struct document d;
	struct str reference;
	if (!document_load(v, id, a, &d, err) || !reference_of(v, &d, a, &reference, err))
		return false;
	struct str made = site_time(s, a, d.at), number = number_of(a, &d), template = secret_hex(a, d.template_hash, 8), says = secret_hex(a, d.digest, 8);
	buf_printf(out, "document    %lld, %.*s %.*s, in '%.*s'\ncase        %.*s\ntitle       %.*s\nmade        %.*s\n", (long long)d.id, STR_ARG(d.name), STR_ARG(number),
	           STR_ARG(d.language), STR_ARG(reference), STR_ARG(d.title), STR_ARG(made));
	buf_printf(out, "template    %.*s...; what it says %.*s...\ntries       %lld\n", STR_ARG(template), STR_ARG(says), (long long)d.tries);
	if (d.state == DOCUMENT_READY)
		buf_printf(out, "file        %.*s, %lld bytes\n", STR_ARG(d.file), (long long)d.size);
	if (d.answer.len > 0)
		buf_printf(out, "answer      %.*s\n", STR_ARG(d.answer));
	buf_printf(out, "state       %s: %s.\n", document_state_name(d.state), state_text(d.state));
	return true;
}

static int explain(struct open_site *s, struct arguments *args, struct buf *out) {
	int64_t id;
	if (arguments_unknown(args, out) || args->count != 2 || !str_to_int(str_from(args->items[1]), &id))
		return usage(out);
	return site_look(s, explain_row, &id, out);
}

/* --- retry --- */

static bool retry_run(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	(void)engine;
	return document_retry(tx, *(const int64_t *)context, now, err);
}

/* Each for itself: one that cannot be tried keeps no other from it. */
static int retry(struct open_site *s, struct arguments *args, struct buf *out) {
	int status = EXIT_GOOD;
	if (arguments_unknown(args, out) || args->count < 2)
		return usage(out);
	for (int i = 1; i < args->count; i++) {
		int64_t id;
		struct err err = {0};
		if (!str_to_int(str_from(args->items[i]), &id))
			return usage(out);
		if (site_write(s, retry_run, &id, &err))
			buf_printf(out, "document %lld is drawn as soon as the site runs\n", (long long)id);
		else
			status = command_failed(out, &err);
	}
	return status;
}

int command_documents(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	(void)input;
	const char *verb = args->count > 0 ? args->items[0] : "";
	if (strcmp(verb, "explain") == 0)
		return explain(s, args, out);
	if (strcmp(verb, "retry") == 0)
		return retry(s, args, out);
	return list(s, args, out);
}
