#include "engine/store/delivery.h"

static const char *const names[DELIVERIES] = {"none", "on-way", "delivered", "failed", "expired"};

const char *delivery_name(enum delivery delivery) {
	return names[delivery];
}

bool delivery_from(struct str name, enum delivery *out) {
	for (int i = 0; i < DELIVERIES; i++)
		if (str_is(name, names[i])) {
			*out = (enum delivery)i;
			return true;
		}
	return false;
}

static int rank(enum delivery delivery, bool whole) {
	switch (delivery) {
	case DELIVERY_NONE:
		return 0;
	case DELIVERY_ON_WAY:
		return 1;
	case DELIVERY_DELIVERED:
		return whole ? 3 : 2;
	case DELIVERY_FAILED:
	case DELIVERY_EXPIRED:
		return whole ? 2 : 3;
	}
	return 0;
}

enum delivery delivery_after(enum delivery was, enum delivery reported, int64_t parts) {
	return rank(reported, parts < 2) > rank(was, parts < 2) ? reported : was;
}
