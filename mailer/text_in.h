/* text_in: what a text from a phone is: whose, and whether it asks for an end. Pure. Any thread. */
#ifndef MAILER_TEXT_IN_H
#define MAILER_TEXT_IN_H

#include "engine/base/arena.h"

enum text_word { TEXT_OTHER, TEXT_STOP, TEXT_START };

/* STOP, STOPP, AFMELD, UNSUBSCRIBE, or START, TILMELD, when it says nothing else. */
enum text_word text_word(struct str text);
/* Whether it begins with the word, in capitals or not and with or without accents; *rest: what stands behind it. */
bool text_begins(struct str text, struct str word, struct str *rest);
/* The sender as a gateway tells it, as +4520123456 (in arena): with + or 00, or nine digits and more, which begin with the country's code then; what is shorter is a
 * number of `country`. False: a name or a short number, to which nobody can answer. */
bool text_sender(struct arena *a, struct str told, int64_t country, struct str *number);
/* Bytes of UTF-16, the high one first, as UTF-8 (in arena); what is none becomes U+FFFD. */
struct str text_from_utf16(struct arena *a, struct str bytes);

#endif
