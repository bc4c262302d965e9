/* own_mail: what the product's own messages need (log-in codes, "finish later"). */
#ifndef OTP_PORTAL_OWN_MAIL_H
#define OTP_PORTAL_OWN_MAIL_H

#include "otp-portal/request.h"

/* A new Message-ID: "<...@domain of the sender>". In arena. */
struct str own_mail_id(const struct portal_world *world, struct arena *a);

#endif
