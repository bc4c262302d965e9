/* What people do: start an instance, answer a form through a link. */
#include "engine/base/address.h"
#include "engine/store/access.h"
#include "engine/store/people.h"
#include "engine/workflow/engine_run.h"

#include <string.h>

void engine_act_key(const struct link *link, struct str event, int64_t version, unsigned char key[SECRET_HASH]) {
	int64_t number = version;
	bool own = event.len == 0 || str_equal(event, link->task);
	struct str parts[] = {STR("act"), {(const char *)link->id, sizeof link->id}, {(const char *)&number, sizeof number}, event};
	secret_hash(key, parts, own ? 3 : 4);
}

static bool is_zero(const unsigned char key[SECRET_HASH]) {
	static const unsigned char none[SECRET_HASH];
	return memcmp(key, none, SECRET_HASH) == 0;
}

/* The entry that this key has made already. */
static bool find_repeat(struct run *r, const unsigned char key[SECRET_HASH], struct receipt *out, bool *found, struct err *err) {
	struct history entry;
	struct instance instance;
	*found = false;
	if (is_zero(key))
		return true;
	if (!history_by_key(r->view, key, r->a, &entry, err)) {
		bool none = err->kind == ERR_NOT_FOUND;
		if (none)
			*err = (struct err){0};
		return none;
	}
	if (!instance_load(r->view, entry.instance_id, r->a, &instance, err))
		return false;
	*found = true;
	*out = (struct receipt){entry.instance_id, entry.id, entry.at, instance.reference, instance.workflow, instance.state, true};
	return true;
}

static bool refused(const struct decision *decision, struct err *err) {
	if (decision->outcome == DECISION_TAKEN)
		return false;
	bool broken = decision->guard_err.kind != ERR_NONE;
	if (decision->guard_err.kind == ERR_CONFLICT) {
		*err = decision->guard_err;
		return true;
	}
	err_set(err, ERR_CONFLICT, decision->outcome == DECISION_NOT_HERE ? "link.not-now" : "event.refused", "%s",
	        broken ? decision->guard_err.text : "not possible now");
	return true;
}

static bool expired(struct err *err) {
	return err_set(err, ERR_CONFLICT, "link.expired", "the link has expired");
}

/* A link that was not used or withdrawn, as it stands in this transaction. */
static bool check_link(struct run *r, const struct link *given, struct link *link, struct err *err) {
	if (!link_load(r->view, given->id, r->a, link, err))
		return false;
	if (link->state == LINK_USED)
		return err_set(err, ERR_CONFLICT, "link.used", "the link was used before");
	if (link->state != LINK_LIVE)
		return err_set(err, ERR_CONFLICT, "link.withdrawn", "the link was withdrawn");
	return true;
}

/* The time for it has come, and has not passed. */
static bool check_time(struct run *r, const struct loaded *l, const struct link *link, const struct event_rule *rule, struct err *err) {
	struct snapshot snapshot = loaded_snapshot(l);
	const struct event_rule *own = state_event(l->state, link->task);
	int64_t end = engine_link_end(r->engine, link, own, engine_opens(r->engine, &snapshot, own, r->now, r->a));
	if (end != 0 && end <= r->now)
		return expired(err);
	return engine_opens(r->engine, &snapshot, rule, r->now, r->a) <= r->now || err_set(err, ERR_CONFLICT, "link.not-open", "it cannot be done yet");
}

/* Who fills in what. */
struct filler {
	struct str actor, event;
	const struct link *link;
	const struct form *form;
};

static bool validate(struct run *r, struct loaded *l, const struct filler *filler, const struct answers *answers, struct value *values, struct form_problems *problems,
                     struct err *err) {
	const struct form *form = filler->form;
	const struct link *link = filler->link;
	struct form_world world = run_form_world(r, l);
	world.actor = filler->actor;
	world.event = filler->event;
	if (!form_validate(&world, form, -1, answers, r->a, values, problems, err) || !run_check_files(r, l, form, values, link, problems, err))
		return false;
	if (problems->count == 0)
		return true;
	return err_set(err, ERR_INPUT, "form.problems", "%zu answers are not valid; first %.*s: %s", problems->count, STR_ARG(problems->items[0].name),
	               problems->items[0].key);
}

static const struct field *last_asked(const struct form *form) {
	const struct field *last = NULL;
	for (size_t p = 0; p < form->pages.count; p++)
		if (form->pages.items[p].items.count > 0)
			last = form->pages.items[p].items.items[form->pages.items[p].items.count - 1].field;
	return last;
}

/* Why a row could not be claimed, by the error that says so: somebody was faster, it is held already, or there are as many as there may be. */
static const char *refusal_of(const struct err *err) {
	static const char *const keys[][2] = {{"event.taken", "field.taken"}, {"event.held", "field.held"}, {"event.enough", "field.enough"}};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(err->key, keys[i][0]) == 0)
			return keys[i][1];
	return NULL;
}

/* A row that could not be claimed is told where it was chosen, else at the end of the form. */
static bool tell_taken(struct run *r, const struct filler *filler, const struct value *values, struct form_problems *problems, struct err *err) {
	const struct field *at = last_asked(filler->form);
	for (size_t p = 0; p < filler->form->pages.count; p++)
		for (size_t i = 0; i < filler->form->pages.items[p].items.count; i++) {
			const struct field *field = filler->form->pages.items[p].items.items[i].field;
			if (field->kind == FIELD_REF && !field->many && values[field->slot].kind != KIND_UNSET)
				at = field;
		}
	const char *refusal = refusal_of(err);
	if (!refusal || !at)
		return false;
	*(struct form_problem *)ARENA_PUSH(r->a, problems) = (struct form_problem){at->name, refusal, {STR(""), STR("")}};
	if (at->kind == FIELD_REF && !at->many && values[at->slot].kind == KIND_RECORD)
		problems->items[problems->count - 1].arg[0] = value_text(r->a, &values[at->slot].record.members[at->reg->label]);
	struct err why = *err;
	return err_set(err, ERR_INPUT, "form.problems", "%s", why.text);
}

/* A start by strangers sends to the address that they typed: no more than so often (design.md section 4, "Public start"). A mail comes from no network that we
 * could count by, so all of them together have a limit. Read before the first write. */
enum { STARTS_PER_CONTACT = 10, STARTS_BY_POST = 500 };
#define STARTS_WINDOW_MS (24 * INT64_C(3600000))

struct start_limit {
	struct str contact; /* hashed with the site's key: the counters name nobody. Empty: there is no address yet */
	bool post;
};

static struct start_limit start_limit(struct run *r, const struct loaded *l, const struct role *by, bool post) {
	const struct keyring *keys = site_keys(r->engine->site);
	const struct value *contact = &l->values[by->contact->slot];
	unsigned char mac[SECRET_HASH];
	if (contact->kind != KIND_STRING)
		return (struct start_limit){STR(""), post};
	struct str key = address_key(r->a, contact->string);
	BUG_IF(!secret_mac(keys, keyring_current(keys), "counter", &key, 1, mac));
	return (struct start_limit){secret_hex(r->a, mac, 16), post};
}

static bool starts_left(struct run *r, const struct start_limit *limit, struct err *err) {
	int64_t count = 0, all = 0;
	if (limit->contact.len > 0 && !counter_read(r->view, STR("start-contact"), limit->contact, r->now, STARTS_WINDOW_MS, &count, err))
		return false;
	if (limit->post && !counter_read(r->view, STR("start-post"), STR(""), r->now, STARTS_WINDOW_MS, &all, err))
		return false;
	if (all >= STARTS_BY_POST)
		return err_set(err, ERR_DENIED, "error.too-often", "mails and texts have started %lld in 24 hours", (long long)all);
	return count < STARTS_PER_CONTACT || err_set(err, ERR_DENIED, "error.too-often", "this address has started %lld in 24 hours", (long long)count);
}

static bool count_start(struct run *r, const struct start_limit *limit, struct err *err) {
	int64_t count;
	return (limit->contact.len == 0 || counter_add(r->tx, STR("start-contact"), limit->contact, r->now, STARTS_WINDOW_MS, &count, err)) &&
	       (!limit->post || counter_add(r->tx, STR("start-post"), STR(""), r->now, STARTS_WINDOW_MS, &count, err));
}

static bool start_link(struct engine *e, int64_t now, struct str workflow, int64_t contact_id, struct link *out, struct err *err) {
	const struct package *package = site_package(e->site, workflow);
	bool for_this = package && (contact_id ? package->definition->start.who != NULL : package->definition->start.open);
	if (!for_this)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "'%.*s' cannot be started by everybody", STR_ARG(workflow));
	*out = (struct link){
	        .key_id = keyring_current(site_keys(e->site)),
	        .kind = LINK_START,
	        .workflow = package->definition->name,
	        .task = package->definition->start.form->name,
	        .contact_id = contact_id,
	        .role = package->definition->start.by->name,
	        .created_at = now,
	        .expires_at = civil_add(site_zone(e->site), site_calendar(e->site), now, package->definition->start.expires),
	};
	secret_id(out->id, now);
	return true;
}

bool engine_start_link(struct engine *e, struct tx *tx, int64_t now, struct str workflow, const unsigned char id[SECRET_ID], struct link *out, struct err *err) {
	if (!start_link(e, now, workflow, 0, out, err))
		return false;
	if (id)
		memcpy(out->id, id, sizeof out->id);
	return link_insert(tx, out, err);
}

bool engine_start_link_for(struct engine *e, struct tx *tx, int64_t now, struct str workflow, int64_t contact_id, int64_t from_id, struct link *out, struct err *err) {
	if (!start_link(e, now, workflow, contact_id, out, err))
		return false;
	out->from_id = from_id;
	return link_insert(tx, out, err);
}

bool engine_start(struct engine *e, struct tx *tx, int64_t now, const struct start_request *request, struct arena *a,
                  struct form_problems *problems, struct receipt *out, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct link link;
	struct loaded l;
	struct decision decision;
	bool repeated;
	const struct package *package = site_package(e->site, request->workflow);
	if (!package)
		return err_set(err, ERR_NOT_FOUND, "error.not-found", "no workflow '%.*s'", STR_ARG(request->workflow));
	if (!find_repeat(&r, request->key, out, &repeated, err))
		return false;
	if (repeated)
		return true;
	if (request->link && !check_link(&r, request->link, &link, err))
		return false;
	if (request->fresh && !start_link(e, now, request->workflow, 0, &link, err))
		return false;
	if (request->link && link.expires_at != 0 && link.expires_at <= now)
		return expired(err);
	const struct definition *d = package->definition;
	const struct start_way *way = definition_way(d, (int)request->channel);
	const struct role *by = way ? way->by : d->start.by;
	struct filler filler = {.event = STR("start"), .link = request->link, .form = way ? &way->form : d->start.form};
	int64_t starter = request->link ? link.contact_id : 0, from = request->link ? link.from_id : 0;
	if (!run_prepare(&r, d, NULL, &l, err) || (!way && (!run_starter(&r, &l, starter, request->answers, err) || !run_start_from(&r, &l, starter, from, err))) ||
	    !validate(&r, &l, &filler, request->answers, l.values, problems, err))
		return false;
	struct event event = {.kind = EVENT_START, .name = STR("start"), .role = by->name, .values = l.values};
	bool linked = request->link || request->fresh, limited = linked || way;
	struct start_limit limit = limited ? start_limit(&r, &l, by, way) : (struct start_limit){0};
	if (!starts_left(&r, &limit, err))
		return false;
	if (!run_decide(&r, &l, &event, &decision, err))
		return false;
	if (refused(&decision, err))
		return tell_taken(&r, &filler, l.values, problems, err);
	struct cause cause = {.kind = "start", .link = linked ? &link : NULL, .role = by->name, .language = request->language};
	cause.contact_id = linked ? link.contact_id : 0;
	memcpy(cause.key, request->key, sizeof cause.key);
	l.instance.parent_id = request->parent_id;
	if (request->fresh) {
		*request->fresh = link;
		if (!link_insert(tx, &link, err))
			return false;
	}
	return run_apply(&r, &l, &event, &decision, &cause, out, err) && count_start(&r, &limit, err) && run_follow(&r, l.instance.root_id, err);
}

static bool check_proof(const struct loaded *l, const struct link *link, const struct event_rule *rule, bool proved, struct err *err) {
	const struct role *role = definition_role(l->definition, link->role);
	if (!rule->code)
		return true;
	if (!role || !role->code || l->values[role->code->slot].kind == KIND_UNSET)
		return err_set(err, ERR_CONFLICT, "code.nowhere", "nobody knows where the code for the role '%.*s' goes", STR_ARG(link->role));
	return proved || err_set(err, ERR_DENIED, "code.needed", "the event asks for a code");
}

/* Of the same page the same press is made once. */
static void press_key(const struct act_request *request, struct arena *a, unsigned char key[SECRET_HASH]) {
	engine_act_key(request->link, request->event, request->version, key);
	if (!request->ranking)
		return;
	unsigned char page[SECRET_HASH];
	memcpy(page, key, sizeof page);
	struct str parts[] = {STR("press"), {(const char *)page, sizeof page}, ranking_text(request->ranking, a)};
	secret_hash(key, parts, 3);
}

/* The values that the answers or the press leave. *changed false: a press that changes nothing. */
static bool take_answers(struct run *r, struct loaded *l, const struct act_request *request, const struct event_rule *rule, const struct filler *filler, struct value *values,
                         bool *changed, struct form_problems *problems, struct err *err) {
	*changed = true;
	if (!request->ranking)
		return validate(r, l, filler, request->answers, values, problems, err);
	if (!rule->repeat)
		return err_set(err, ERR_INPUT, "form.problems", "the form of %.*s is no ranked list", STR_ARG(rule->name));
	struct form_world world = run_form_world(r, l);
	world.actor = filler->actor;
	if (!ranking_apply(&world, form_ranking(rule->form), request->ranking, r->a, values, changed, problems, err))
		return false;
	return problems->count == 0 || err_set(err, ERR_INPUT, "form.problems", "%.*s: %s", STR_ARG(problems->items[0].name), problems->items[0].key);
}

bool engine_act(struct engine *e, struct tx *tx, int64_t now, const struct act_request *request, struct arena *a,
                struct form_problems *problems, struct receipt *out, struct err *err) {
	struct run r = run_open(e, tx, now, a);
	struct link link;
	struct loaded l;
	struct instance instance;
	struct decision decision;
	struct cause cause = {.kind = "form", .link = &link, .role = request->link->role, .language = request->language};
	bool repeated, changed;
	press_key(request, a, cause.key);
	if (!find_repeat(&r, cause.key, out, &repeated, err))
		return false;
	if (repeated)
		return true;
	if (!instance_load(r.view, request->link->instance_id, a, &instance, err) || !run_catch_up(&r, instance.root_id, err))
		return false;
	/* Only now: what was overdue may have moved the instance or closed the link. */
	if (!check_link(&r, request->link, &link, err) || !run_load(&r, link.instance_id, &l, err))
		return false;
	if (!run_granted(&r, &l, &link, &cause.granted, err))
		return false;
	const struct event_rule *rule = state_offer(l.state, link.task, link.role, request->event);
	if (!rule)
		return err_set(err, ERR_CONFLICT, "link.not-now", "state %.*s has no event %.*s for this role", STR_ARG(l.state->name),
		               STR_ARG(request->event.len ? request->event : link.task));
	if (!check_time(&r, &l, &link, rule, err) || !check_proof(&l, &link, rule, request->proved, err))
		return false;
	struct value *values = ARENA_ARRAY(a, l.definition->fields.count, struct value);
	for (size_t i = 0; i < l.definition->fields.count; i++)
		values[i] = l.values[i];
	struct contact actor;
	struct filler filler = {.event = rule->name, .link = &link, .form = rule->form};
	if (!contact_load(r.view, link.contact_id, a, &actor, err))
		return false;
	filler.actor = actor.value;
	if (!take_answers(&r, &l, request, rule, &filler, values, &changed, problems, err))
		return false;
	*out = (struct receipt){.instance_id = l.instance.id, .reference = l.instance.reference, .workflow = l.definition->name, .state = l.instance.state, .repeated = true};
	if (!changed)
		return true;
	struct event event = {.kind = EVENT_FORM, .name = rule->name, .role = link.role, .actor = actor.value, .values = values};
	if (!run_decide(&r, &l, &event, &decision, err))
		return false;
	if (refused(&decision, err))
		return tell_taken(&r, &filler, values, problems, err);
	cause.contact_id = link.contact_id;
	cause.proved = rule->code;
	cause.keeps = rule->repeat;
	return run_apply(&r, &l, &event, &decision, &cause, out, err) && run_follow(&r, l.instance.root_id, err);
}

