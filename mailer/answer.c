#include "mailer/answer.h"

#include "engine/base/address.h"
#include "engine/store/access.h"
#include "engine/workflow/engine.h"

enum { MOST_A_DAY = 5 };
static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;

static bool find_message(struct tx *tx, const struct arrival *m, struct arena *a, struct outbox_row *out, bool *found, struct err *err) {
	*found = false;
	for (size_t i = m->refers.count; i > 0 && !*found; i--)
		if (!outbox_of_message_id(tx_view(tx), m->refers.items[i - 1], a, out, found, err))
			return false;
	return true;
}

bool answer_give(struct tx *tx, const struct outbox_row *row, struct str text, int64_t now, struct arena *a, struct str *outcome, struct err *err) {
	int64_t count;
	struct str key = arena_printf(a, "%lld %lld", (long long)row->instance_id, (long long)row->contact_id);
	if (!counter_add(tx, STR("mailed-answers"), key, now, DAY_MS, &count, err))
		return false;
	*outcome = count > MOST_A_DAY ? STR("too-many") : STR("answer");
	return count > MOST_A_DAY || engine_replied(tx, now, row, text, err);
}

bool answer_apply(struct tx *tx, const struct arrival *m, int64_t now, struct arena *a, int64_t *outbox_id, struct str *outcome, struct err *err) {
	struct outbox_row row;
	bool found;
	*outbox_id = 0;
	*outcome = STR("noted");
	if (!find_message(tx, m, a, &row, &found, err))
		return false;
	if (!found || row.instance_id == 0)
		return true;
	*outbox_id = row.id;
	struct str sender = address_key(a, m->from), recipient = address_key(a, row.recipient);
	*outcome = STR("from-somebody-else");
	if (!str_equal(sender, recipient))
		return true;
	return answer_give(tx, &row, m->words, now, a, outcome, err);
}
