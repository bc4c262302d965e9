/* file_field: the field that asks for files: what is there already, with a way to remove it, and the input for more. */
#ifndef OTP_PORTAL_FILE_FIELD_H
#define OTP_PORTAL_FILE_FIELD_H

#include "otp-portal/field.h"

void file_field_write(const struct field_view *v, bool wrong);
/* "PDF, JPG, PNG; højst 10 MB" */
struct str file_field_hint(const struct field_view *v);

#endif
