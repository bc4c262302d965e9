/* rank: a ranked list behind a link: what is on it in order, and the catalogue that more is taken from. Each press is carried out at once (an event with `repeat: true`), and leads back here. */
#ifndef OTP_PORTAL_RANK_H
#define OTP_PORTAL_RANK_H

#include "otp-portal/filling.h"

/* GET and POST of such a link; *f lies in the request's arena. */
void rank_page(struct filling *f, const struct link_view *look, struct response *out);

#endif
