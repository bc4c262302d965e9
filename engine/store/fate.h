/* fate: how a message stands, in seven words for people who are no technicians. They stand in languages/ below `fate`. Pure. */
#ifndef ENGINE_STORE_FATE_H
#define ENGINE_STORE_FATE_H

#include "engine/store/outbox.h"

/* The later, the more somebody should look at it. */
enum fate {
	FATE_NONE,      /* there is no message, or it was not wanted any more */
	FATE_DELIVERED, /* reported as arrived */
	FATE_SENT,      /* relay or gateway has taken it */
	FATE_WAITING,   /* on its way to them */
	FATE_UNKNOWN,   /* nobody can know whether it was taken */
	FATE_EXPIRED,   /* not sent while it was of use */
	FATE_STOPPED,   /* not sent, or not to the phone: refused, suppressed */
	FATE_RETURNED   /* a mail that came back */
};

enum fate fate_of(const struct outbox_row *row);
const char *fate_key(enum fate fate); /* "fate.delivered"...; NULL of NONE */

#endif
