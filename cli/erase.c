/* erase: takes what cases say about people out of the store; export-person: what is kept about one. */
#include "cli/command.h"
#include "engine/base/address.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/erasure.h"
#include "engine/store/grants.h"
#include "engine/store/history.h"
#include "engine/store/outbox.h"

#include <string.h>

static const char usage_text[] = "usage: stafet erase REFERENCE... [--running] [--dry-run]         these cases, with those that they started\n"
                                 "       stafet erase --contact ADDRESS [--all] [--running] [--dry-run]   the cases that somebody started; with --all those too in which they only take part\n"
                                 "       --dry-run tells what would be erased; --running ends cases that still run. Nothing brings it back but a backup\n";

struct plan {
	struct arena *a;
	const char *address; /* NULL: references */
	bool all, running;
	struct instance_list cases;
	struct contact contact;
	int64_t others; /* cases in which the contact has another part */
};

static bool holds(const struct plan *p, int64_t id) {
	for (size_t i = 0; i < p->cases.count; i++)
		if (p->cases.items[i].id == id)
			return true;
	return false;
}

static bool add_family(struct plan *p, struct view *v, int64_t id, struct err *err) {
	struct instance_list family = {0};
	if (!erasure_family(v, id, p->a, &family, err))
		return false;
	for (size_t i = 0; i < family.count; i++)
		if (!holds(p, family.items[i].id))
			*(struct instance *)ARENA_PUSH(p->a, &p->cases) = family.items[i];
	return true;
}

static bool find_contact(struct open_site *s, struct view *v, const char *typed, struct arena *a, struct contact *out, struct err *err) {
	struct str address, text = str_from(typed);
	bool mail = memchr(text.at, '@', text.len) != NULL;
	if (!(mail ? address_email(a, text, &address, err) : address_phone(a, text, site_country(s->site), &address, err)))
		return false;
	if (contact_find(v, mail ? CHANNEL_MAIL : CHANNEL_SMS, mail ? address_key(a, address) : address, a, out, err))
		return true;
	if (err->kind == ERR_NOT_FOUND)
		err_set(err, ERR_NOT_FOUND, "error.not-found", "nobody with the address %s is known", typed);
	return false;
}

static bool started_by(struct open_site *s, struct view *v, const struct part *part, struct arena *a, bool *is, struct err *err) {
	struct instance in;
	if (!instance_load(v, part->instance_id, a, &in, err))
		return false;
	const struct definition *d = site_definition(s->site, v, in.definition, err);
	*is = d && str_equal(d->start.by->name, part->role);
	return d != NULL;
}

static bool plan_contact(struct open_site *s, struct view *v, struct plan *p, struct err *err) {
	struct part_list parts = {0};
	if (!find_contact(s, v, p->address, p->a, &p->contact, err) || !erasure_parts(v, p->contact.id, p->a, &parts, err))
		return false;
	for (size_t i = 0; i < parts.count; i++) {
		bool own = p->all;
		if ((!own && !started_by(s, v, &parts.items[i], p->a, &own, err)) || (own && !add_family(p, v, parts.items[i].instance_id, err)))
			return false;
	}
	for (size_t i = 0; i < parts.count; i++)
		p->others += !holds(p, parts.items[i].instance_id) && (i == 0 || parts.items[i - 1].instance_id != parts.items[i].instance_id);
	return true;
}

static bool plan_references(struct view *v, struct plan *p, struct arguments *args, struct err *err) {
	for (int i = 0; i < args->count; i++) {
		struct instance in;
		if (!instance_by_reference(v, str_from(args->items[i]), p->a, &in, err)) {
			err_context(err, "%s", args->items[i]);
			return false;
		}
		if (!add_family(p, v, in.id, err))
			return false;
	}
	return true;
}

/* Nothing is erased unless all of it can be. */
static bool check_ended(const struct plan *p, struct err *err) {
	for (size_t i = 0; !p->running && i < p->cases.count; i++)
		if (p->cases.items[i].ended_at == 0)
			return err_set(err, ERR_CONFLICT, "error.busy", "%.*s still runs (%.*s); --running ends it where it stands", STR_ARG(p->cases.items[i].reference), STR_ARG(p->cases.items[i].state));
	return true;
}

struct erasing {
	int64_t id;
	bool gone; /* answer */
};

static bool erase_case(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct erasing *e = context;
	(void)engine;
	return erasure_of_instance(tx, e->id, now, err);
}

static bool erase_contact(void *context, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct erasing *e = context;
	(void)engine, (void)now;
	return erasure_of_contact(tx, e->id, &e->gone, err);
}

static void tell(struct open_site *s, const struct plan *p, const struct instance *in, const char *done, struct buf *out) {
	struct str at = site_time(s, p->a, in->ended_at ? in->ended_at : in->entered_at);
	buf_printf(out, "%.*s  %-20.*s %-20.*s %s %.*s: %s\n", STR_ARG(in->reference), STR_ARG(in->workflow), STR_ARG(in->state), in->ended_at ? "ended" : "runs since", STR_ARG(at), done);
}

static void tell_others(const struct plan *p, struct buf *out) {
	if (p->others > 0)
		buf_printf(out, "%s takes part in %lld more, which stay, and the address with them; --all erases those too\n", p->address, (long long)p->others);
}

static bool carry_out(struct open_site *s, struct plan *p, struct buf *out, struct err *err) {
	int64_t count = 0;
	bool ok = true;
	for (size_t i = 0; ok && i < p->cases.count; i++) {
		struct erasing e = {.id = p->cases.items[i].id};
		if (p->cases.items[i].erased_at != 0)
			continue;
		ok = site_write(s, erase_case, &e, err);
		count += ok;
		if (ok)
			tell(s, p, &p->cases.items[i], "erased", out);
	}
	if (ok && p->address) {
		struct erasing e = {.id = p->contact.id};
		ok = site_write(s, erase_contact, &e, err);
		if (ok && e.gone)
			buf_printf(out, "the address is forgotten\n");
	}
	if (count > 0)
		log_event(LOG_WARN, "erased", "cases=%lld reason=asked", (long long)count);
	return ok;
}

static bool make_plan(struct open_site *s, struct plan *p, struct arguments *args, struct err *err) {
	struct view *v = store_view(s->store, err);
	bool ok = v && (p->address ? plan_contact(s, v, p, err) : plan_references(v, p, args, err));
	if (v)
		view_close(v);
	return ok && check_ended(p, err);
}

int command_erase(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct plan p = {.a = arena_new(), .address = arguments_option(args, "--contact"), .all = arguments_flag(args, "--all"), .running = arguments_flag(args, "--running")};
	bool dry = arguments_flag(args, "--dry-run");
	struct err err = {0};
	int status = EXIT_USAGE;
	(void)input;
	if (arguments_unknown(args, out) || (p.address ? args->count != 0 : args->count == 0 || p.all)) {
		buf_z(out, usage_text);
	} else {
		bool ok = make_plan(s, &p, args, &err);
		for (size_t i = 0; ok && i < p.cases.count; i++)
			if (dry || p.cases.items[i].erased_at != 0)
				tell(s, &p, &p.cases.items[i], p.cases.items[i].erased_at ? "was erased before" : "would be erased", out);
		ok = ok && (dry || carry_out(s, &p, out, &err));
		if (ok)
			tell_others(&p, out);
		status = ok ? EXIT_GOOD : command_failed(out, &err);
	}
	arena_free(p.a);
	return status;
}

/* ---- what is kept about somebody */

struct asked {
	const char *address;
	bool reveal;
};

static void write_acts(struct open_site *s, const struct history_list *entries, int64_t contact_id, struct arena *a, struct buf *out) {
	for (size_t i = 0; i < entries->count; i++) {
		const struct history *e = &entries->items[i];
		struct str at = site_time(s, a, e->at);
		if (e->contact_id == contact_id)
			buf_printf(out, "  did        %.*s %.*s as %.*s\n", STR_ARG(at), STR_ARG(e->event), STR_ARG(e->role));
	}
}

static void write_messages(struct open_site *s, const struct outbox_list *rows, int64_t contact_id, struct arena *a, struct buf *out) {
	for (size_t i = 0; i < rows->count; i++) {
		struct str at = site_time(s, a, rows->items[i].created_at);
		if (rows->items[i].contact_id == contact_id)
			buf_printf(out, "  was sent   %.*s %.*s: %s\n", STR_ARG(at), STR_ARG(rows->items[i].message), outbox_state_name(rows->items[i].state));
	}
}

static bool write_case(struct open_site *s, struct view *v, const struct part *part, int64_t contact_id, bool reveal, struct arena *a, struct buf *out, struct err *err) {
	struct instance in;
	struct history_list entries = {0};
	struct outbox_list rows = {0};
	if (!instance_load(v, part->instance_id, a, &in, err) || !history_list(v, in.id, a, &entries, err) || !outbox_of_instance(v, in.id, a, &rows, err))
		return false;
	struct str data = reveal ? data_unsealed(in.data, site_keys(s->site), a) : data_masked(in.data, a), started = site_time(s, a, in.started_at);
	buf_printf(out, "case %.*s  %.*s, as %.*s\n  started    %.*s\n  state      %.*s\n  data       %.*s\n", STR_ARG(in.reference), STR_ARG(in.workflow), STR_ARG(part->role), STR_ARG(started),
	           STR_ARG(in.state), STR_ARG(data));
	if (!tell_shared(v, a, in.id, "  shares     ", out, err))
		return false;
	write_acts(s, &entries, contact_id, a, out);
	write_messages(s, &rows, contact_id, a, out);
	return true;
}

/* Roles that registers give: nothing that is erased with a case, but with a row. */
static bool write_given(struct view *v, int64_t contact_id, struct arena *a, struct buf *out, struct err *err) {
	struct given_roles given;
	if (!grant_of_contact(v, contact_id, a, &given, err))
		return false;
	for (size_t i = 0; i < given.count; i++) {
		const struct given_role *g = &given.items[i];
		struct str from = g->from_day == INT64_MIN ? STR("-") : civil_format_date(a, g->from_day), until = g->until_day == INT64_MAX ? STR("-") : civil_format_date(a, g->until_day);
		buf_printf(out, "register   %.*s row %.*s%s%.*s gives %.*s, from %.*s until %.*s\n", STR_ARG(g->reg), STR_ARG(g->row), g->name.len ? " " : "", STR_ARG(g->name), STR_ARG(g->role), STR_ARG(from),
		           STR_ARG(until));
	}
	return true;
}

static bool write_person(struct open_site *s, struct view *v, struct arena *a, const void *context, struct buf *out, struct err *err) {
	const struct asked *asked = context;
	struct contact contact;
	struct part_list parts = {0};
	if (!find_contact(s, v, asked->address, a, &contact, err) || !erasure_parts(v, contact.id, a, &parts, err))
		return false;
	struct str verified = contact.verified_at ? site_time(s, a, contact.verified_at) : STR("never");
	buf_printf(out, "address    %.*s\nlanguage   %.*s\nacted      %.*s\n", STR_ARG(contact.value), STR_ARG(contact.language.len ? contact.language : STR("-")), STR_ARG(verified));
	if (!write_given(v, contact.id, a, out, err))
		return false;
	for (size_t i = 0; i < parts.count; i++)
		if (!write_case(s, v, &parts.items[i], contact.id, asked->reveal, a, out, err))
			return false;
	return true;
}

int command_export_person(struct open_site *s, struct arguments *args, struct str input, struct buf *out) {
	struct asked asked = {.reveal = arguments_flag(args, "--reveal")};
	(void)input;
	if (arguments_unknown(args, out) || args->count != 1) {
		buf_z(out, "usage: stafet export-person ADDRESS [--reveal]   what is kept about somebody: cases, answers, acts, messages, roles that registers give; sensitive answers as their mask, unless --reveal\n");
		return EXIT_USAGE;
	}
	asked.address = args->items[0];
	return site_look(s, write_person, &asked, out);
}
