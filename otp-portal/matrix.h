/* matrix: one level for each row of a register. Part of field.c's work. */
#ifndef OTP_PORTAL_MATRIX_H
#define OTP_PORTAL_MATRIX_H

#include "otp-portal/field.h"

struct str matrix_row_name(const struct field_view *v, size_t row); /* "levels.sawing" */
void matrix_write(const struct field_view *v);

#endif
