#include "engine/store/fate.h"

static enum fate of_sent(const struct outbox_row *row) {
	switch (row->delivery) {
	case DELIVERY_DELIVERED:
		return FATE_DELIVERED;
	case DELIVERY_FAILED:
	case DELIVERY_EXPIRED:
		return row->channel == CHANNEL_MAIL ? FATE_RETURNED : FATE_STOPPED;
	case DELIVERY_NONE:
	case DELIVERY_ON_WAY:
		break;
	}
	return FATE_SENT;
}

enum fate fate_of(const struct outbox_row *row) {
	switch (row->state) {
	case OUTBOX_QUEUED:
	case OUTBOX_LEASED:
	case OUTBOX_BEGUN:
		return FATE_WAITING;
	case OUTBOX_SENT:
		return of_sent(row);
	case OUTBOX_UNKNOWN:
		return FATE_UNKNOWN;
	case OUTBOX_FAILED:
		return FATE_STOPPED;
	case OUTBOX_EXPIRED:
		return FATE_EXPIRED;
	case OUTBOX_CANCELLED:
		break;
	}
	return FATE_NONE;
}

const char *fate_key(enum fate fate) {
	static const char *const keys[] = {NULL, "fate.delivered", "fate.sent", "fate.waiting", "fate.unknown", "fate.expired", "fate.stopped", "fate.returned"};
	return keys[fate];
}
