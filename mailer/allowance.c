#include "mailer/allowance.h"

#include "engine/store/access.h"

static const int64_t DAY_MS = INT64_C(86400000);

struct str allowance_key(const struct keyring *keys, struct str number, struct arena *a) {
	unsigned char mac[SECRET_HASH];
	BUG_IF(!secret_mac(keys, keyring_current(keys), "counter", &number, 1, mac));
	return secret_hex(a, mac, 16);
}

static bool count(struct tx *tx, struct str name, struct str key, size_t parts, int64_t now, struct err *err) {
	int64_t so_far;
	for (size_t i = 0; i < parts; i++)
		if (!counter_add(tx, name, key, now, DAY_MS, &so_far, err))
			return false;
	return true;
}

bool allowance_take(struct tx *tx, const struct keyring *keys, const struct sms_config *config, struct str number, size_t parts, int64_t now,
                    enum allowance *out, struct err *err) {
	struct str all = STR("sms-day"), one = STR("sms-number");
	int64_t of_all, of_one;
	struct arena *a = arena_new();
	struct str key = allowance_key(keys, number, a);
	bool ok = counter_read(tx_view(tx), all, STR(""), now, DAY_MS, &of_all, err) && counter_read(tx_view(tx), one, key, now, DAY_MS, &of_one, err);
	if (ok) {
		*out = of_all + (int64_t)parts > config->per_day      ? ALLOWANCE_OF_DAY
		       : of_one + (int64_t)parts > config->per_number ? ALLOWANCE_OF_NUMBER
		                                                      : ALLOWANCE_TAKEN;
		if (*out == ALLOWANCE_TAKEN)
			ok = count(tx, all, STR(""), parts, now, err) && count(tx, one, key, parts, now, err);
	}
	arena_free(a);
	return ok;
}
