/* group: the fields of an item of a group, each as if it stood alone. Part of field.c's work; the items are repeated.c's. */
#ifndef OTP_PORTAL_GROUP_H
#define OTP_PORTAL_GROUP_H

#include "otp-portal/field.h"

/* Opens the fields of a group. */
bool group_open(struct field_view *v, const struct value *values, struct err *err);
size_t group_given(const struct field_view *v);      /* how many items stand in the inputs */
struct str group_label(const struct field_view *v);  /* what an item is called */
/* Legend and fields of an item, from 1; focus: on its first input. */
void group_write(const struct field_view *v, size_t item, bool focus);
/* The field that a problem or an answer of that name is at: of the group itself the first of all. False: none. */
bool group_find(const struct field_view *v, struct str name, struct field_view *member);
/* "Contact 2, E-mail": of a field that was found by that name. */
struct str group_subject(const struct field_view *v, struct str name, const struct field_view *member);

#endif
