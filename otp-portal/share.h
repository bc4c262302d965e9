/* share: how many of something there may be at once, and how many of them one network may have, so that nobody takes the room of all. Any thread. */
#ifndef OTP_PORTAL_SHARE_H
#define OTP_PORTAL_SHARE_H

#include "engine/base/str.h"

enum { SHARE_MOST = 64 };

struct share;

struct share *share_open(size_t most, size_t most_of_one); /* most: up to SHARE_MOST; caller closes */
void share_close(struct share *s);
/* False: there is no room. What was taken is given back with the same network. */
bool share_take(struct share *s, struct str network);
void share_give(struct share *s, struct str network);

#endif
