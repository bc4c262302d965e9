/* outline: the shape of a country below the markers of a map: polygons of degrees, from a small text file of a package. Immutable after loading: any thread. */
#ifndef ENGINE_WORKFLOW_OUTLINE_H
#define ENGINE_WORKFLOW_OUTLINE_H

#include "engine/base/yaml.h"

struct map_box {
	double west, south, east, north;
};
struct map_point {
	double lon, lat;
};
struct outline {
	struct outline_ring {
		struct map_point *items;
		size_t count, cap;
		struct map_box box;
	} *items;
	size_t count, cap;
	struct map_box box; /* of all rings */
};

/* Lines of "lon lat, lon lat, ..."; those that begin with # are comments. False: what is wrong was told, at place or in the file. */
bool outline_read(struct arena *a, const char *path, struct yaml_place place, struct outline *out, struct problems *problems);

#endif
