/* repeated: a list as inputs, one a value (of a group: a fieldset an item), with buttons for one more and one less. Part of field.c's work.
 * The buttons are named .add ("boss_emails") and .remove ("boss_emails.2": the second). */
#ifndef OTP_PORTAL_REPEATED_H
#define OTP_PORTAL_REPEATED_H

#include "otp-portal/field.h"

void repeated_write(const struct field_view *v);

#endif
