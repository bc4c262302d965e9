#include "otp-portal/limits.h"

#include "engine/base/address.h"
#include "otp-portal/network.h"

static struct str hashed(const struct portal_world *world, struct str text, struct arena *a) {
	const struct keyring *keys = site_keys(world->options.site);
	unsigned char mac[SECRET_HASH];
	BUG_IF(!secret_mac(keys, keyring_current(keys), "counter", &text, 1, mac));
	return secret_hex(a, mac, 16);
}

struct str limit_network(const struct request *r) {
	return hashed(r->world, network_of(r->client, r->arena), r->arena);
}

struct str limit_address(const struct portal_world *world, struct str address, struct arena *a) {
	return hashed(world, address_key(a, address), a);
}

bool limit_reached(struct view *v, const char *name, struct str key, int64_t most, int64_t window_ms, int64_t now, bool *reached, struct err *err) {
	int64_t count;
	if (!counter_read(v, str_from(name), key, now, window_ms, &count, err))
		return false;
	*reached = count >= most;
	return true;
}

bool limit_count(struct tx *tx, const char *name, struct str key, int64_t most, int64_t window_ms, int64_t now, struct err *err) {
	bool reached;
	int64_t count;
	if (!limit_reached(tx_view(tx), name, key, most, window_ms, now, &reached, err))
		return false;
	if (reached)
		return err_set(err, ERR_DENIED, "error.too-often", "too many of %s from one network", name);
	return counter_add(tx, str_from(name), key, now, window_ms, &count, err);
}
