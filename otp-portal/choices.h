/* choices: inputs where something is chosen: radios, checkboxes, select, matrix. Part of field.c's work. */
#ifndef OTP_PORTAL_CHOICES_H
#define OTP_PORTAL_CHOICES_H

#include "otp-portal/field.h"

bool choice_is_one(const struct field *field);       /* bool, choice or ref */
bool choice_is_long(const struct field_view *v);     /* too many for radios: a select */
void choice_write_boxes(const struct field_view *v); /* radios; checkboxes for a list or a tick */
void choice_write_select(const struct field_view *v);
void choice_write_matrix(const struct field_view *v);
struct str choice_row_name(const struct field_view *v, size_t row); /* "levels.sawing" */

#endif
