#include "mailer/notice.h"

#include "engine/base/address.h"
#include "engine/store/access.h"
#include "engine/store/suppressions.h"
#include "mailer/allowance.h"

enum { ALL_AN_HOUR = 20 };
static const int64_t MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS;

static bool reaches(struct tx *tx, const struct site *site, const struct notice *n, struct arena *a, bool *reaches, struct err *err) {
	struct suppression suppression;
	bool suppressed = true;
	*reaches = n->address.len > 0 && (n->channel != CHANNEL_SMS || config_texts_to(&site_config(site)->sms, n->address));
	if (*reaches && !suppression_load(tx_view(tx), n->channel, n->address, a, &suppression, &suppressed, err))
		return false;
	*reaches = *reaches && !suppressed;
	return true;
}

static bool may_be_told(struct tx *tx, const struct site *site, const struct notice *n, int64_t now, struct arena *a, bool *may, struct err *err) {
	const char *channel = n->channel == CHANNEL_SMS ? "sms" : "mail";
	struct str one = arena_printf(a, "%s-%s", channel, n->message), all = arena_printf(a, "%s-%s-all", channel, n->message);
	struct str key = allowance_key(site_keys(site), address_key(a, n->address), a);
	int64_t of_one, of_all;
	if (!reaches(tx, site, n, a, may, err))
		return false;
	if (!*may)
		return true;
	if (!counter_read(tx_view(tx), one, key, now, 30 * DAY_MS, &of_one, err) || !counter_read(tx_view(tx), all, STR(""), now, HOUR_MS, &of_all, err))
		return false;
	*may = of_one == 0 && of_all < ALL_AN_HOUR;
	return !*may || (counter_add(tx, one, key, now, 30 * DAY_MS, &of_one, err) && counter_add(tx, all, STR(""), now, HOUR_MS, &of_all, err));
}

static struct str own_id(const struct site *site, struct arena *a) {
	unsigned char id[SECRET_ID];
	secret_random(id, sizeof id);
	struct str hex = secret_hex(a, id, sizeof id), domain = site_config(site)->mail.from_address;
	str_cut(&domain, '@');
	return arena_printf(a, "<%.*s@%.*s>", STR_ARG(hex), STR_ARG(domain));
}

bool notice_send(struct tx *tx, const struct site *site, const struct notice *n, int64_t now, struct arena *a, bool *told, struct err *err) {
	if (!may_be_told(tx, site, n, now, a, told, err) || !*told)
		return !*told;
	struct outbox_row row = {
	        .channel = n->channel,
	        .recipient = n->address,
	        .language = site_config(site)->languages[0],
	        .message = str_from(n->message),
	        .data = n->data,
	        .message_id = own_id(site, a),
	        .priority = OUTBOX_OTHER,
	        .created_at = now,
	        .next_at = now,
	        .deadline_at = n->channel == CHANNEL_SMS ? now + 10 * MINUTE_MS : 0, /* too soon for a second try when nobody knows whether it went */
	};
	return outbox_put(tx, &row, err);
}
