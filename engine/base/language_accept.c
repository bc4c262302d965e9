#include "engine/base/language.h"

enum { MAX_RANGES = 32 };

/* RFC 9110 12.4.2: "0.8" as 800. A broken weight counts as "not acceptable". */
static int weight_of(struct str parameter) {
	struct str q = str_trim(parameter);
	if (q.len == 0)
		return 1000;
	if (q.len < 3 || q.len > 7 || (q.at[0] != 'q' && q.at[0] != 'Q') || q.at[1] != '=' || (q.at[2] != '0' && q.at[2] != '1') ||
	    (q.len > 3 && q.at[3] != '.'))
		return 0;
	int weight = (q.at[2] - '0') * 1000, unit = 100;
	for (size_t i = 4; i < q.len; i++, unit /= 10) {
		if (q.at[i] < '0' || q.at[i] > '9')
			return 0;
		weight += (q.at[i] - '0') * unit;
	}
	return weight > 1000 ? 0 : weight;
}

static bool names_it(const struct languages *l, struct str header, const struct language *wanted) {
	for (int i = 0; i < MAX_RANGES && header.len > 0; i++) {
		struct str one = str_cut(&header, ','), range = str_trim(str_cut(&one, ';'));
		if (language_known(l, range) && language_get(l, range) == wanted)
			return true;
	}
	return false;
}

const struct language *language_accept(const struct languages *l, struct str header) {
	const struct language *best = NULL;
	int best_weight = 0, other_weight = 0;
	struct str rest = header;
	for (int i = 0; i < MAX_RANGES && rest.len > 0; i++) {
		struct str weight = str_cut(&rest, ','), range = str_trim(str_cut(&weight, ';'));
		int q = weight_of(weight);
		if (str_is(range, "*")) {
			other_weight = q;
		} else if (q > best_weight && language_known(l, range)) {
			best = language_get(l, range);
			best_weight = q;
		}
	}
	for (size_t i = 0; i < languages_count(l) && other_weight > best_weight; i++)
		if (!names_it(l, header, language_at(l, i)))
			return language_at(l, i);
	return best ? best : language_at(l, 0);
}
