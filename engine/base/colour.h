/* colour: a site's own colour, made readable on light and on dark ground (WCAG 2.2: text 4.5). Plain values; any thread. */
#ifndef ENGINE_BASE_COLOUR_H
#define ENGINE_BASE_COLOUR_H

#include "engine/base/str.h"

/* What pages and mails paint with, as "#rrggbb". */
struct colour_set {
	char fill[8]; /* of buttons */
	char ink[8];  /* text on the fill: black or white, whichever is read better */
	char text[8]; /* links, marks and edges: the colour, moved until it is read on every surface */
};

/* "#0b5e56": six digits. */
bool colour_valid(struct str text);
/* brand: a valid colour; empty: the product's own. */
void colour_light(struct str brand, struct colour_set *out);
void colour_dark(struct str brand, struct colour_set *out);

#endif
