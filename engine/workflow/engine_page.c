/* An act that is begun from a page: whoever sees the page gets a link for it, and goes on there as if it had been sent. */
#include "engine/workflow/engine_run.h"

bool engine_page_link(struct engine *e, struct tx *tx, int64_t now, const struct page_act *act, struct arena *a, struct link *out, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct participation_list people = {0};
	struct loaded l;
	if (!run_load(&r, act->instance_id, &l, err) || !participation_list(r.view, act->instance_id, site_day(e->site, now), a, &people, err))
		return false;
	const struct view_rule *view = definition_view(l.definition, act->view);
	for (size_t i = 0; view && i < people.count; i++) {
		const struct participation *p = &people.items[i];
		if (p->contact_id != act->contact_id || !view_act(view, l.state, p->role, act->event))
			continue;
		struct wanted_link wanted = {LINK_TASK, act->event, p->role, p->contact_id, l.state};
		return run_link(&r, &l, &wanted, out, err);
	}
	return err_set(err, ERR_CONFLICT, "link.not-now", "the page offers no '%.*s' to this contact now", STR_ARG(act->event));
}
