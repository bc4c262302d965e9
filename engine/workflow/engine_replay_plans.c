#include "engine/workflow/engine_run.h"

enum { CHILDREN_LIMIT = 256 << 20 };

/* As its first entries left it; *count 0: it was not there. */
static bool past_values(const struct past_children *past, const struct definition *d, const struct history_list *entries, struct arena *a, struct value *values, size_t *count,
                        struct str *state, struct err *err) {
	struct register_port port = data_store_port(past->view);
	for (*count = 0; *count < entries->count && entries->items[*count].id < past->before; ++*count) {
		const struct history *entry = &entries->items[*count];
		if (entry->payload.len == 0)
			return err_set(err, ERR_NOT_FOUND, RUN_ERASED, "what a child said is erased");
		if (!data_apply(d, entry->payload, "set", &port, a, values, err))
			return false;
		if (entry->to.len > 0)
			*state = entry->to;
	}
	return true;
}

static bool put_child(const struct past_children *past, const struct instance *child, struct arena *a, struct buf *out, struct err *err) {
	struct history_list entries;
	struct str state = STR("");
	size_t count;
	const struct definition *d = site_definition(past->engine->site, past->view, child->definition, err);
	if (!d || !history_list(past->view, child->id, a, &entries, err))
		return false;
	struct value *values = ARENA_ARRAY(a, d->fields.count, struct value);
	if (!past_values(past, d, &entries, a, values, &count, &state, err))
		return false;
	if (count == 0)
		return true;
	const struct state *in = definition_state(d, state);
	buf_printf(out, "%s{\"id\":%lld,\"version\":%zu,\"state\":\"%.*s\",\"ended_at\":%s,\"data\":", out->len > 1 ? "," : "", (long long)child->id, count, STR_ARG(state),
	           in && in->final ? "1" : "null");
	data_to_json(d, values, out);
	buf_char(out, '}');
	return true;
}

bool run_past_children(const struct past_children *past, struct arena *a, struct str workflow, struct str *json, struct err *err) {
	struct instance_list children = {0};
	struct instance_query query = {.parent_id = past->parent_id, .workflow = workflow, .limit = INT32_MAX};
	struct arena *one = arena_new();
	struct buf out;
	bool ok = instance_query(past->view, &query, a, &children, NULL, err);
	buf_init(&out, CHILDREN_LIMIT);
	buf_char(&out, '[');
	for (size_t i = 0; ok && i < children.count; i++) {
		arena_reset(one);
		ok = put_child(past, &children.items[i], one, &out, err);
	}
	buf_char(&out, ']');
	if (ok && out.overflow)
		ok = err_set(err, ERR_PERMANENT, "error.internal", "the children are larger than %d MiB", CHILDREN_LIMIT >> 20);
	if (ok)
		*json = arena_str(a, buf_text(&out));
	buf_free(&out);
	arena_free(one);
	return ok;
}
