/* distance_km(lat, lon, lat, lon): along the great circle, by the haversine formula, on a sphere with the earth's mean radius (IUGG). */
#include "engine/workflow/expression_functions.h"

#include <math.h>

static const double earth_km = 6371.0088, radians = 3.14159265358979323846 / 180;

/* nan is none either. */
static bool is_place(double lat, double lon) {
	return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180;
}

bool run_distance_km(const struct node *n, struct machine *m, struct value *out) {
	double at[4];
	for (size_t i = 0; i < 4; i++) {
		struct value v;
		if (!node_run(n->args[i], m, &v))
			return false;
		at[i] = v.decimal;
	}
	if (!run_steps(n, m, 1))
		return false;
	for (size_t i = 0; i < 4; i += 2)
		if (!is_place(at[i], at[i + 1]))
			return run_error(m, n, "there is no place at latitude %g, longitude %g", at[i], at[i + 1]);
	double up = sin((at[2] - at[0]) * radians / 2), across = sin((at[3] - at[1]) * radians / 2);
	double h = up * up + cos(at[0] * radians) * cos(at[2] * radians) * across * across;
	*out = value_double(2 * earth_km * asin(sqrt(h < 1 ? h : 1)));
	return true;
}
