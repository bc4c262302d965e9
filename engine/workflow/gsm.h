/* gsm: what a text costs as an SMS (3GPP TS 23.038): 160 septets in one part with the GSM 7-bit default alphabet and its
 * extension table; any other character makes the whole text UCS-2, 70 in one part. Any thread. */
#ifndef ENGINE_WORKFLOW_GSM_H
#define ENGINE_WORKFLOW_GSM_H

#include "engine/base/str.h"

enum { GSM_PART = 160 };

/* Septets of the text; *foreign: the first code point outside the alphabet, 0 when there is none. */
size_t gsm_septets(struct str text, uint32_t *foreign);

#endif
