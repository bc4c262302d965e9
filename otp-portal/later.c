#include "otp-portal/later.h"

#include "engine/base/address.h"
#include "engine/base/escape.h"
#include "engine/store/outbox.h"
#include "otp-portal/limits.h"
#include "otp-portal/own_mail.h"
#include "otp-portal/page.h"

#include <string.h>

bool later_offered(const struct form *form) {
	return form->pages.count > 1;
}

bool later_pressed(const struct filling *f) {
	return request_form(f->prose.r, ".later").len > 0 && later_offered(f->form);
}

static const struct field *starter_field(const struct filling *f) {
	return f->prose.definition->start.by->contact;
}

bool later_find(const struct filling *f, const struct contact *contact, const struct answers *answers, struct later *out, struct err *err) {
	struct request *r = f->prose.r;
	struct form_problems ignored = {0};
	struct value *values;
	*out = (struct later){.world = r->world, .language = language_code(r->language), .network = limit_network(r)};
	if (contact->id != 0) {
		out->channel = contact->channel;
		out->address = contact->value;
		out->contact_id = contact->id;
		return true;
	}
	if (!filling_values(f, f->form->pages.count, answers, &values, &ignored, err))
		return false;
	const struct value *typed = &values[starter_field(f)->slot];
	out->channel = starter_field(f)->kind == FIELD_EMAIL ? CHANNEL_MAIL : CHANNEL_SMS;
	out->address = typed->kind == KIND_STRING ? typed->string : STR("");
	return true;
}

/* No more than so many within so long, by what is counted. */
struct budget {
	const char *name;
	struct str key;
	struct {
		int64_t most, window_ms;
	} limits[3];
};

static bool has_left(const struct budget *b, struct view *v, int64_t now, bool *left, struct err *err) {
	bool reached = false;
	for (size_t i = 0; !reached && i < 3; i++)
		if (b->limits[i].most > 0 && !limit_reached(v, b->name, b->key, b->limits[i].most, b->limits[i].window_ms, now, &reached, err))
			return false;
	*left = *left && !reached;
	return true;
}

/* *may: all budgets had something left, and are counted down. */
static bool spend(const struct later *l, const struct link *link, struct tx *tx, int64_t now, bool *may, struct arena *a, struct err *err) {
	const struct budget budgets[] = {
	        {"later-link", secret_hex(a, link->id, sizeof link->id), {{1, LIMIT_MINUTE}, {3, LIMIT_HOUR}, {5, LIMIT_DAY}}},
	        {"later-address", limit_address(l->world, l->address, a), {{1, LIMIT_MINUTE}, {3, LIMIT_HOUR}, {5, LIMIT_DAY}}},
	        {"later-network", l->network, {{20, LIMIT_HOUR}, {60, LIMIT_DAY}}},
	};
	int64_t count;
	*may = true;
	for (size_t i = 0; i < 3; i++)
		if (!has_left(&budgets[i], tx_view(tx), now, may, err))
			return false;
	for (size_t i = 0; *may && i < 3; i++)
		if (!counter_add(tx, str_from(budgets[i].name), budgets[i].key, now, LIMIT_DAY, &count, err))
			return false;
	return true;
}

bool later_send(const struct later *l, const struct link *link, struct tx *tx, int64_t now, struct arena *a, struct err *err) {
	bool may;
	if (l->address.len == 0)
		return true;
	if (!spend(l, link, tx, now, &may, a, err))
		return false;
	struct outbox_row row = {
	        .contact_id = l->contact_id,
	        .channel = l->channel,
	        .recipient = l->address,
	        .language = l->language,
	        .message = STR("later"),
	        .has_link = true,
	        .data = STR("{}"),
	        .message_id = own_mail_id(l->world, a),
	        .priority = OUTBOX_TASK,
	        .created_at = now,
	        .next_at = now,
	        .deadline_at = now + LIMIT_DAY,
	};
	memcpy(row.link_id, link->id, sizeof row.link_id);
	return !may || outbox_put(tx, &row, err);
}

static void write_where(const struct filling *f, const struct later *l, struct response *out) {
	struct request *r = f->prose.r;
	buf_z(&out->body, "<p>");
	if (l->address.len == 0)
		page_text(r, out, "later.needs", prose_label(&f->prose, starter_field(f)->name), STR(""));
	else /* who typed an address should see it whole: a wrong letter is found here */
		page_text(r, out, "later.sent", l->contact_id != 0 ? address_mask(r->arena, l->address) : l->address, STR(""));
	buf_z(&out->body, "</p>\n");
}

void later_page(const struct filling *f, const struct contact *contact, const struct link *link, struct response *out) {
	struct request *r = f->prose.r;
	struct later l;
	struct err err;
	if (!later_find(f, contact, &f->draft, &l, &err)) {
		page_failure(r, out, &err);
		return;
	}
	struct page page = {.title = language_word(r->language, "later.title"), .here = page_with(r, f->path, STR("later=1"))};
	page_begin(r, out, &page);
	buf_z(&out->body, "<h1>");
	page_word(r, out, "later.title");
	buf_z(&out->body, "</h1>\n");
	write_where(f, &l, out);
	if (link->expires_at != 0) {
		buf_z(&out->body, "<p>");
		page_text(r, out, "later.until", language_datetime(r->language, r->arena, zone_local(f->world.zone, link->expires_at)), STR(""));
		buf_z(&out->body, "</p>\n");
	}
	page_way(r, out, f->path, "later.now");
	page_end(r, out);
}
