/* past: the fields of an instance as one entry of its history left them. */
#ifndef OTP_PORTAL_PAST_H
#define OTP_PORTAL_PAST_H

#include "otp-portal/prose.h"

/* *entry: the one with history_id, in arena. *values NULL: its payload was erased. NOT_FOUND. */
bool past_values(struct view *v, const struct definition *d, int64_t instance_id, int64_t history_id, const struct register_port *port,
                 struct arena *a, struct history *entry, struct value **values, struct err *err);

#endif
