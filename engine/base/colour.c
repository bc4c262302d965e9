#include "engine/base/colour.h"

#include <math.h>
#include <stdio.h>

struct colour {
	int part[3];
};

static const struct colour black = {{0, 0, 0}}, white = {{255, 255, 255}}, own = {{0x0b, 0x5e, 0x56}};
/* The darkest light and the lightest dark surface of otp-portal/assets/style.css: what is read there is read on the others. */
static const struct colour light_surface = {{0xf1, 0xed, 0xe4}}, dark_surface = {{0x24, 0x2b, 0x2d}};

enum { STEPS = 64 };
static const double READABLE = 4.5;

static int digit_value(char c) {
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse(struct str text, struct colour *out) {
	if (text.len != 7 || text.at[0] != '#')
		return false;
	for (size_t i = 0; i < 3; i++) {
		int high = digit_value(text.at[1 + 2 * i]), low = digit_value(text.at[2 + 2 * i]);
		if (high < 0 || low < 0)
			return false;
		out->part[i] = high * 16 + low;
	}
	return true;
}

bool colour_valid(struct str text) {
	struct colour ignored;
	return parse(text, &ignored);
}

static double linear(int part) {
	double c = part / 255.0;
	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(struct colour c) {
	return 0.2126 * linear(c.part[0]) + 0.7152 * linear(c.part[1]) + 0.0722 * linear(c.part[2]);
}

static double contrast(struct colour a, struct colour b) {
	double one = luminance(a) + 0.05, other = luminance(b) + 0.05;
	return one > other ? one / other : other / one;
}

/* c moved towards black or white, no further than needed to be read on the surface. */
static struct colour readable(struct colour c, struct colour toward, struct colour surface) {
	struct colour moved = c;
	for (int step = 1; step <= STEPS && contrast(moved, surface) < READABLE; step++)
		for (size_t i = 0; i < 3; i++)
			moved.part[i] = c.part[i] + (toward.part[i] - c.part[i]) * step / STEPS;
	return moved;
}

static void write(struct colour c, char out[8]) {
	snprintf(out, 8, "#%02x%02x%02x", (unsigned)c.part[0] & 0xff, (unsigned)c.part[1] & 0xff, (unsigned)c.part[2] & 0xff);
}

static void write_set(struct colour fill, struct colour text, struct colour_set *out) {
	write(fill, out->fill);
	write(contrast(fill, white) >= READABLE ? white : black, out->ink);
	write(text, out->text);
}

void colour_light(struct str brand, struct colour_set *out) {
	struct colour c = own;
	(void)parse(brand, &c);
	write_set(c, readable(c, black, light_surface), out);
}

void colour_dark(struct str brand, struct colour_set *out) {
	struct colour c = own;
	(void)parse(brand, &c);
	c = readable(c, white, dark_surface);
	write_set(c, c, out);
}
