/* choices: inputs where something is chosen: radios, checkboxes, select. Part of field.c's work. */
#ifndef OTP_PORTAL_CHOICES_H
#define OTP_PORTAL_CHOICES_H

#include "otp-portal/field.h"

bool choice_is_one(const struct field *field);       /* bool, choice or ref */
bool choice_is_long(const struct field_view *v);     /* too many for radios: a select */
void choice_write_boxes(const struct field_view *v); /* radios; checkboxes for a list or a tick */
void choice_write_select(const struct field_view *v);
/* For matrix.c too. */
struct str choice_row_key(const struct field_view *v, size_t row);
struct str choice_row_label(const struct field_view *v, size_t row);
bool choice_is_among(const struct answer *answer, struct str value); /* NULL: nothing was answered */

#endif
