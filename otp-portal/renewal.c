#include "otp-portal/renewal.h"

#include "engine/base/address.h"
#include "engine/base/escape.h"
#include "otp-portal/limits.h"
#include "otp-portal/page.h"

/* To one contact, and of one link; asked for from one network. A code is sent no more often either. */
enum { SENDS_15_MIN = 3, SENDS_HOUR = 5, SENDS_DAY = 10, SENDS_LINK_DAY = 5, ASKS_15_MIN = 20 };

struct renewal {
	struct link link;
	struct str network, contact, number; /* hashed */
};

void renewal_form(struct request *r, const struct link_view *look, struct response *out) {
	bool again = look->link.state != LINK_LIVE;
	buf_z(&out->body, "<p>");
	page_text(r, out, again ? "link.again-to" : "link.renew-to", address_mask(r->arena, look->contact.value), STR(""));
	buf_z(&out->body, "</p>\n<form method=\"post\" action=\"");
	escape_html(&out->body, r->path);
	buf_z(&out->body, "\">\n");
	page_hidden(out, "renew", STR("1"));
	page_hidden_language(r, out);
	buf_z(&out->body, "<p class=\"buttons\"><button>");
	page_word(r, out, again ? "link.again" : "link.renew");
	buf_z(&out->body, "</button></p>\n</form>\n");
}

bool renewal_asked(const struct request *r) {
	return r->method == METHOD_POST && str_is(request_form(r, "renew"), "1");
}

/* Above any of these nothing is sent, and nobody is told. */
static bool may_send(struct view *v, const struct renewal *renewal, int64_t now, bool *may, struct err *err) {
	const struct {
		const char *name;
		struct str key;
		int64_t most, window_ms;
	} limits[] = {
	        {"renew-ask", renewal->network, ASKS_15_MIN, 15 * LIMIT_MINUTE},
	        {"renew-contact", renewal->contact, 1, LIMIT_MINUTE},
	        {"renew-contact", renewal->contact, SENDS_15_MIN, 15 * LIMIT_MINUTE},
	        {"renew-contact", renewal->contact, SENDS_HOUR, LIMIT_HOUR},
	        {"renew-contact", renewal->contact, SENDS_DAY, LIMIT_DAY},
	        {"renew-link", renewal->number, SENDS_LINK_DAY, LIMIT_DAY},
	};
	*may = true;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		bool reached;
		if (!limit_reached(v, limits[i].name, limits[i].key, limits[i].most, limits[i].window_ms, now, &reached, err))
			return false;
		*may = *may && !reached;
	}
	return true;
}

static bool run_renewal(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	const struct renewal *renewal = c->context;
	bool may, sent = false;
	int64_t count;
	if (!may_send(tx_view(tx), renewal, now, &may, err))
		return false;
	if (may && !engine_renew(engine, tx, now, &renewal->link, c->arena, &sent, err))
		return false;
	if (!counter_add(tx, STR("renew-ask"), renewal->network, now, 15 * LIMIT_MINUTE, &count, err))
		return false;
	return !sent || (counter_add(tx, STR("renew-contact"), renewal->contact, now, LIMIT_DAY, &count, err) &&
	                 counter_add(tx, STR("renew-link"), renewal->number, now, LIMIT_DAY, &count, err));
}

static void after_renewal(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	(void)c;
	if (ok)
		response_redirect(out, r, page_path(r, page_with(r, r->path, STR("sent=1"))));
	else
		page_failure(r, out, err);
}

void renewal_post(struct request *r, const struct link_view *look, struct response *out) {
	struct change *c = response_change(out, sizeof(struct renewal), run_renewal, after_renewal);
	*(struct renewal *)c->context = (struct renewal){
	        .link = look->link,
	        .network = limit_network(r),
	        .contact = limit_address(r->world, look->contact.value, r->arena),
	        .number = limit_address(r->world, secret_hex(r->arena, look->link.id, sizeof look->link.id), r->arena),
	};
}
