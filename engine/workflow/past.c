#include "engine/workflow/past.h"

bool past_replay(const struct definition *d, const struct history_list *entries, size_t count, const struct register_port *port,
                 struct arena *a, struct value **values, struct err *err) {
	struct str *payloads = ARENA_ARRAY(a, count + 1, struct str);
	*values = NULL;
	for (size_t i = 0; i < count; i++) {
		payloads[i] = entries->items[i].payload;
		if (payloads[i].len == 0)
			return true;
	}
	*values = ARENA_ARRAY(a, d->fields.count + 1, struct value);
	return data_replay(d, payloads, count, port, a, *values, err);
}

bool past_values(struct view *v, const struct definition *d, int64_t instance_id, int64_t history_id, const struct register_port *port,
                 struct arena *a, struct history *entry, struct value **values, struct err *err) {
	struct history_list entries = {0};
	if (!history_list(v, instance_id, a, &entries, err))
		return false;
	for (size_t i = 0; i < entries.count; i++) {
		if (entries.items[i].id != history_id)
			continue;
		*entry = entries.items[i];
		return past_replay(d, &entries, i + 1, port, a, values, err);
	}
	return err_set(err, ERR_NOT_FOUND, "error.not-found", "no entry %lld", (long long)history_id);
}
