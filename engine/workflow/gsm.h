/* gsm: what a text costs as an SMS (3GPP TS 23.038 and 23.040): 160 septets in one part with the GSM 7-bit default alphabet and its extension table; any
 * other character makes the whole text UCS-2, 70 units in one part. Of several parts each gives up room for the header that joins them: 153 and 67. Any thread. */
#ifndef ENGINE_WORKFLOW_GSM_H
#define ENGINE_WORKFLOW_GSM_H

#include "engine/base/str.h"

enum { GSM_PART = 160 };

/* Septets of the text; *foreign: the first code point outside the alphabet, 0 when there is none. */
size_t gsm_septets(struct str text, uint32_t *foreign);

struct gsm_cost {
	size_t parts;     /* 0: an empty text */
	uint32_t foreign; /* the first character that forced UCS-2; 0: none did */
};
/* An escaped character or a surrogate pair is never divided between two parts. */
struct gsm_cost gsm_cost(struct str text);

#endif
