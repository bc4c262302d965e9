#include "engine/workflow/outline.h"

#include "engine/base/file.h"

#include <stdlib.h>

enum { FILE_LIMIT = 256 * 1024, NUMBER = 24, LEAST_POINTS = 3 };

static bool read_number(struct str *rest, double *out) {
	struct str word = str_cut(rest, ' ');
	char copy[NUMBER], *end;
	if (word.len == 0 || word.len >= sizeof copy)
		return false;
	for (size_t i = 0; i < word.len; i++)
		copy[i] = word.at[i];
	copy[word.len] = '\0';
	*out = strtod(copy, &end);
	return end != copy && *end == '\0';
}

static void widen(struct map_box *box, double west, double south, double east, double north) {
	box->west = west < box->west ? west : box->west;
	box->south = south < box->south ? south : box->south;
	box->east = east > box->east ? east : box->east;
	box->north = north > box->north ? north : box->north;
}

static bool read_ring(struct arena *a, struct str line, struct outline_ring *ring) {
	ring->box = (struct map_box){180, 90, -180, -90};
	while (line.len > 0) {
		struct str pair = str_trim(str_cut(&line, ','));
		struct map_point point;
		if (!read_number(&pair, &point.lon) || !read_number(&pair, &point.lat) || pair.len > 0)
			return false;
		if (!(point.lon >= -180 && point.lon <= 180 && point.lat >= -90 && point.lat <= 90))
			return false;
		*(struct map_point *)ARENA_PUSH(a, ring) = point;
		widen(&ring->box, point.lon, point.lat, point.lon, point.lat);
	}
	return ring->count >= LEAST_POINTS;
}

bool outline_read(struct arena *a, const char *path, struct yaml_place place, struct outline *out, struct problems *problems) {
	struct str text;
	struct err err;
	*out = (struct outline){.box = {180, 90, -180, -90}};
	if (!file_read(a, path, FILE_LIMIT, &text, &err)) {
		problem_error(problems, place, "%s", err.text);
		return false;
	}
	for (int line = 1; text.len > 0; line++) {
		struct str points = str_trim(str_cut(&text, '\n'));
		struct outline_ring ring = {0};
		if (points.len == 0 || points.at[0] == '#')
			continue;
		if (!read_ring(a, points, &ring)) {
			problem_error(problems, (struct yaml_place){path, line, 1}, "expected at least %d points in degrees, as in: 8.66 54.89, 8.67 54.91, 8.65 54.92", LEAST_POINTS);
			return false;
		}
		*(struct outline_ring *)ARENA_PUSH(a, out) = ring;
		widen(&out->box, ring.box.west, ring.box.south, ring.box.east, ring.box.north);
	}
	if (out->count > 0)
		return true;
	problem_error(problems, place, "%s holds no polygon", path);
	return false;
}
