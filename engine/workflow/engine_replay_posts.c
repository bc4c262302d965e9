/* stafet replay, of other instances: each child that an entry started is there and began with what it was given, and each signal that it sent was taken with what it brought, or waits. Who
 * sent something and who took it are decided again one after the other; so what they say is kept, and compared when a whole tree has been gone through. */
#include "engine/store/children.h"
#include "engine/store/mailbox.h"
#include "engine/workflow/engine_replay.h"

#include <stdlib.h>
#include <string.h>

/* A signal, or the start of a child (event empty). */
struct sent_post {
	int64_t from, to, entry_id, seq, at;
	struct str from_reference, event;
	struct answers answers;
	bool met;
};
/* An entry that took one. hashes: of each field behind what came, by slot; NULL: nobody knows it any more. */
struct taken_post {
	int64_t to, entry_id;
	struct str event;
	const uint64_t *hashes;
	bool met;
};
struct waiting_post {
	struct signal_row row;
	bool met;
};
struct seen_instance {
	int64_t id;
	struct str reference;
	bool unsure; /* an entry of it could not be decided again: it may have sent more */
};
struct replay_posts {
	struct arena *a; /* its own */
	LIST_OF(struct sent_post) sent;
	LIST_OF(struct taken_post) taken;
	LIST_OF(struct waiting_post) waiting;
	LIST_OF(struct seen_instance) seen;
};

static struct replay_posts *posts_of(struct replay *p) {
	if (!p->sum->posts) {
		p->sum->posts = calloc(1, sizeof *p->sum->posts);
		BUG_IF(!p->sum->posts);
		p->sum->posts->a = arena_new();
	}
	return p->sum->posts;
}

void replay_posts_free(struct replay_posts *posts) {
	if (!posts)
		return;
	arena_free(posts->a);
	free(posts);
}

/* ---- what is sent */

static struct str root_of(struct str name) {
	return str_cut(&name, '.');
}

/* FNV-1a; never 0. */
static uint64_t add_text(uint64_t hash, struct str text) {
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ 0x1f) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

/* Of all answers that are one field's. *sealed: what is sealed for one case is other bytes in another. */
static uint64_t hash_field(const struct answers *answers, struct str field, bool *sealed) {
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	*sealed = false;
	for (size_t i = 0; i < answers->count; i++) {
		if (!str_equal(root_of(answers->items[i].name), field))
			continue;
		*sealed = *sealed || str_ends(answers->items[i].name, STR(".sealed"));
		hash = add_text(hash, answers->items[i].name);
		for (size_t k = 0; k < answers->items[i].texts.count; k++)
			hash = add_text(hash, answers->items[i].texts.items[k]);
	}
	return hash;
}

static void send_post(struct replay *p, int64_t to, struct str event, struct answers answers) {
	struct replay_posts *posts = posts_of(p);
	struct sent_post *post = ARENA_PUSH(posts->a, &posts->sent);
	*post = (struct sent_post){.from = p->instance->id, .to = to, .entry_id = p->entry->id, .seq = p->entry->seq, .at = p->entry->at, .answers = answers};
	post->from_reference = arena_str(posts->a, p->instance->reference);
	post->event = arena_str(posts->a, event);
}

static bool read_children(struct replay *p, struct err *err) {
	if (p->children.read)
		return true;
	p->children.read = true;
	return children_spans(p->run.view, p->instance->id, p->a, &p->children.all, err);
}

/* When the entry's signals went out: those that it started were there. */
static bool was_open(const struct replay *p, const struct child_span *child) {
	bool born = child->first_id < p->next_id, own = child->first_id > p->entry->id;
	bool over = child->ended && (own ? child->moved_id == child->first_id : child->moved_id < p->entry->id);
	return child->first_id != 0 && born && !over;
}

static bool send_signal(struct replay *p, const struct effect *effect, struct err *err) {
	struct replay_posts *posts = posts_of(p);
	struct run into = p->run;
	into.a = posts->a;
	struct answers answers = run_effect_answers(&into, effect);
	if (effect->action->direction == SIGNAL_SELF)
		send_post(p, p->instance->id, effect->action->event, answers);
	else if (effect->action->direction == SIGNAL_PARENT && p->instance->parent_id != 0)
		send_post(p, p->instance->parent_id, effect->action->event, answers);
	if (effect->action->direction != SIGNAL_CHILDREN)
		return true;
	if (!read_children(p, err))
		return false;
	for (size_t i = 0; i < p->children.all.count; i++) {
		const struct child_span *child = &p->children.all.items[i];
		if ((effect->action->workflow.len == 0 || str_equal(child->workflow, effect->action->workflow)) && was_open(p, child))
			send_post(p, child->id, effect->action->event, answers);
	}
	return true;
}

static void send_slots(struct replay *p, const struct prepared_plan *plan) {
	struct replay_posts *posts = posts_of(p);
	struct run into = p->run;
	into.a = posts->a;
	struct answers same = run_effect_answers(&into, plan->effect);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->children[i].told)
			send_post(p, plan->children[i].id, plan->effect->action->event, run_slot_answers(plan->effect->action->plan, &plan->children[i], &same, posts->a));
}

/* Those that were there before that entry, and that no decision has started. */
static void pass_children(struct replay *p, int64_t entry_id) {
	for (; p->children.from < p->children.all.count && p->children.all.items[p->children.from].first_id < entry_id; p->children.from++)
		if (!p->unsure)
			replay_fault_of_all(p, "no decision started its child %lld ('%.*s')", (long long)p->children.all.items[p->children.from].id,
			                    STR_ARG(p->children.all.items[p->children.from].workflow));
}

/* Children have their numbers in the order in which they were started. */
static bool start_child(struct replay *p, const struct effect *effect, struct err *err) {
	struct replay_posts *posts = posts_of(p);
	struct run into = p->run;
	into.a = posts->a;
	if (!read_children(p, err))
		return false;
	pass_children(p, p->entry->id);
	const struct child_span *child = p->children.from < p->children.all.count ? &p->children.all.items[p->children.from] : NULL;
	if (!child || child->first_id > p->next_id || !str_equal(child->workflow, effect->action->workflow)) {
		replay_fault(p, "starts '%.*s', which is not there", STR_ARG(effect->action->workflow));
		p->unsure = true;
		return true;
	}
	p->children.from++;
	send_post(p, child->id, STR(""), run_effect_answers(&into, effect));
	return true;
}

bool replay_posts(struct replay *p, const struct decision *again, const struct prepared_plans *plans, struct err *err) {
	size_t next_plan = 0;
	bool ok = true;
	for (size_t i = 0; ok && i < again->effects.count; i++)
		ok = again->effects.items[i].kind != EFFECT_START || start_child(p, &again->effects.items[i], err);
	for (size_t i = 0; ok && i < again->effects.count; i++) {
		if (again->effects.items[i].kind == EFFECT_PLAN && next_plan < plans->count)
			send_slots(p, &plans->items[next_plan++]);
		else if (again->effects.items[i].kind == EFFECT_SIGNAL)
			ok = send_signal(p, &again->effects.items[i], err);
	}
	return ok;
}

/* ---- what is taken */

/* Of each field, as the answers that would give it: worked out again when it has changed. */
static const uint64_t *hash_fields(struct replay *p, const struct value *values) {
	struct replay_posts *posts = posts_of(p);
	size_t count = p->definition->fields.count;
	if (!p->taken.hashes) {
		p->taken.hashes = ARENA_ARRAY(p->a, count, uint64_t);
		p->taken.values = ARENA_ARRAY(p->a, count, struct value);
	}
	for (size_t i = 0; i < count; i++) {
		struct answers answers = {0};
		bool sealed;
		if (p->taken.hashes[i] != 0 && memcmp(&p->taken.values[i], &values[i], sizeof values[i]) == 0)
			continue;
		run_value_answers(p->run.a, p->definition->fields.items[i].name, &values[i], &answers);
		p->taken.hashes[i] = hash_field(&answers, p->definition->fields.items[i].name, &sealed);
		p->taken.values[i] = values[i];
	}
	uint64_t *copy = ARENA_ARRAY(posts->a, count, uint64_t);
	memcpy(copy, p->taken.hashes, count * sizeof *copy);
	return copy;
}

void replay_takes(struct replay *p, const struct value *values) {
	bool start = str_is(p->entry->kind, "start");
	if (!start && !str_is(p->entry->kind, "signal"))
		return;
	struct replay_posts *posts = posts_of(p);
	const uint64_t *hashes = values ? hash_fields(p, values) : NULL;
	*(struct taken_post *)ARENA_PUSH(posts->a, &posts->taken) =
	        (struct taken_post){.to = p->instance->id, .entry_id = p->entry->id, .event = start ? STR("") : arena_str(posts->a, p->entry->event), .hashes = hashes};
}

bool replay_posts_left(struct replay *p, struct err *err) {
	struct replay_posts *posts = posts_of(p);
	struct signal_rows rows;
	if (!mailbox_of_instance(p->run.view, p->instance->id, posts->a, &rows, err) || !read_children(p, err))
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		*(struct waiting_post *)ARENA_PUSH(posts->a, &posts->waiting) = (struct waiting_post){.row = rows.items[i]};
		if (rows.items[i].root_id != p->instance->root_id)
			replay_fault_of_all(p, "signal %lld waits under another root", (long long)rows.items[i].id);
	}
	pass_children(p, INT64_MAX);
	*(struct seen_instance *)ARENA_PUSH(posts->a, &posts->seen) = (struct seen_instance){p->instance->id, arena_str(posts->a, p->instance->reference), p->unsure};
	return true;
}

/* ---- both together */

struct settling {
	struct engine *engine;
	struct view *view;
	struct arena *a, *lasting;
	struct replay_posts *posts;
	struct replay_sum *sum;
	struct buf *out;
	struct instance to;          /* whose posts are compared */
	const struct definition *d;  /* its; NULL: it cannot be read */
};

__attribute__((format(printf, 2, 3))) static void tell(struct settling *s, const char *format, ...) {
	va_list args;
	va_start(args, format);
	buf_vprintf(s->out, format, args);
	buf_char(s->out, '\n');
	va_end(args);
	s->sum->faults++;
}

static const struct seen_instance *find_seen(const struct settling *s, int64_t id) {
	size_t from = 0, until = s->posts->seen.count;
	while (from < until) {
		size_t middle = from + (until - from) / 2;
		if (s->posts->seen.items[middle].id < id)
			from = middle + 1;
		else
			until = middle;
	}
	return from < s->posts->seen.count && s->posts->seen.items[from].id == id ? &s->posts->seen.items[from] : NULL;
}

static int by_id(const void *a, const void *b) {
	const struct seen_instance *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_posts(int64_t to, struct str event, int64_t entry_id, int64_t other_to, struct str other_event, int64_t other_entry_id) {
	if (to != other_to)
		return to < other_to ? -1 : 1;
	int order = str_compare(event, other_event);
	return order ? order : entry_id < other_entry_id ? -1 : entry_id > other_entry_id;
}

static int by_sent(const void *a, const void *b) {
	const struct sent_post *x = a, *y = b;
	return compare_posts(x->to, x->event, x->entry_id, y->to, y->event, y->entry_id);
}

static int by_taken(const void *a, const void *b) {
	const struct taken_post *x = a, *y = b;
	return compare_posts(x->to, x->event, x->entry_id, y->to, y->event, y->entry_id);
}

/* What the gate makes of the answers, as it would be today; 0: nobody can say. */
static uint64_t hash_through_gate(struct settling *s, const struct field *field, const struct sent_post *sent) {
	struct register_port port = data_store_port(s->view);
	struct form_world world = engine_world(s->engine, s->d, &s->to, &port, sent->at, s->a);
	struct form_page page = {0};
	struct form form = {.pages = {&page, 1, 1}};
	struct form_problems problems = {0};
	struct answers answers = {0};
	struct err unread;
	struct value *values = ARENA_ARRAY(s->a, s->d->fields.count, struct value);
	bool sealed;
	*(struct form_item *)ARENA_PUSH(s->a, &page.items) = (struct form_item){.field = field, .optional = true};
	if (!form_validate(&world, &form, -1, &sent->answers, s->a, values, &problems, &unread) || problems.count > 0)
		return 0;
	run_value_answers(s->a, field->name, &values[field->slot], &answers);
	return hash_field(&answers, field->name, &sealed);
}

static bool fits_field(struct settling *s, const struct sent_post *sent, const struct taken_post *taken, struct str name) {
	const struct field *field = s->d ? definition_field(s->d, name) : NULL;
	bool sealed;
	uint64_t hash = hash_field(&sent->answers, name, &sealed);
	if (!field || sealed || field->sensitive || taken->hashes[field->slot] == hash)
		return true;
	uint64_t gate = hash_through_gate(s, field, sent);
	return gate == 0 || gate == taken->hashes[field->slot];
}

static bool fits(struct settling *s, const struct sent_post *sent, const struct taken_post *taken) {
	struct str last = STR("");
	for (size_t i = 0; taken->hashes && i < sent->answers.count; i++) {
		struct str name = root_of(sent->answers.items[i].name);
		if (!str_equal(name, last) && !fits_field(s, sent, taken, name))
			return false;
		last = name;
	}
	return true;
}

/* What brings something first: what brings nothing fits whatever is left. */
static void match(struct settling *s, struct sent_post *sent, size_t sent_count, struct taken_post *taken, size_t taken_count, bool with_data) {
	size_t first = 0;
	for (size_t i = 0; i < sent_count; i++) {
		if ((sent[i].answers.count > 0) != with_data)
			continue;
		while (first < taken_count && (taken[first].met || taken[first].entry_id < sent[i].entry_id))
			first++;
		for (size_t k = first; k < taken_count && !sent[i].met; k++)
			if (!taken[k].met && fits(s, &sent[i], &taken[k]))
				sent[i].met = taken[k].met = true;
	}
}

static bool waits(struct settling *s, const struct sent_post *sent) {
	struct buf json;
	bool found = false;
	buf_init(&json, 1 << 20);
	answers_to_json(&sent->answers, &json);
	for (size_t i = 0; i < s->posts->waiting.count && !found; i++) {
		struct waiting_post *waiting = &s->posts->waiting.items[i];
		const struct signal_row *row = &waiting->row;
		found = !waiting->met && row->instance_id == sent->to && row->from_instance_id == sent->from && row->role.len == 0 && str_equal(row->event, sent->event) && row->at == sent->at &&
		        str_equal(row->data, buf_text(&json));
		waiting->met = waiting->met || found;
	}
	buf_free(&json);
	return found;
}

static void tell_unmet(struct settling *s, const struct sent_post *sent) {
	const struct seen_instance *to = find_seen(s, sent->to);
	if (!to || sent->met || (sent->event.len > 0 && waits(s, sent)))
		return;
	if (sent->event.len > 0)
		tell(s, "%.*s: entry %lld sends '%.*s' to %.*s, which has neither taken it as it was sent, nor waits with it", STR_ARG(sent->from_reference), (long long)sent->seq,
		     STR_ARG(sent->event), STR_ARG(to->reference));
	else
		tell(s, "%.*s: entry %lld starts %.*s, which began with something else", STR_ARG(sent->from_reference), (long long)sent->seq, STR_ARG(to->reference));
}

/* A signal of the engine itself, that something was exhausted or shared, is no decision. */
static void tell_waiting(struct settling *s) {
	for (size_t i = 0; i < s->posts->waiting.count; i++) {
		const struct signal_row *row = &s->posts->waiting.items[i].row;
		const struct seen_instance *from = find_seen(s, row->from_instance_id), *to = find_seen(s, row->instance_id);
		if (!s->posts->waiting.items[i].met && from && !from->unsure && row->role.len == 0 && !watch_is(row->event))
			tell(s, "%.*s: signal %lld ('%.*s') waits, but %.*s has not decided to send it", STR_ARG(to->reference), (long long)row->id, STR_ARG(row->event), STR_ARG(from->reference));
	}
}

static void settle(struct settling *s) {
	struct replay_posts *posts = s->posts;
	size_t from = 0;
	if (posts->seen.count > 1)
		qsort(posts->seen.items, posts->seen.count, sizeof *posts->seen.items, by_id);
	if (posts->sent.count > 1)
		qsort(posts->sent.items, posts->sent.count, sizeof *posts->sent.items, by_sent);
	if (posts->taken.count > 1)
		qsort(posts->taken.items, posts->taken.count, sizeof *posts->taken.items, by_taken);
	for (size_t i = 0; i < posts->sent.count;) {
		const struct sent_post *head = &posts->sent.items[i];
		size_t end = i, until;
		while (end < posts->sent.count && posts->sent.items[end].to == head->to && str_equal(posts->sent.items[end].event, head->event))
			end++;
		while (from < posts->taken.count && compare_posts(posts->taken.items[from].to, posts->taken.items[from].event, 0, head->to, head->event, 0) < 0)
			from++;
		for (until = from; until < posts->taken.count && posts->taken.items[until].to == head->to && str_equal(posts->taken.items[until].event, head->event);)
			until++;
		struct err unread;
		bool known = s->d && s->to.id == head->to;
		if (!known)
			s->d = instance_load(s->view, head->to, s->lasting, &s->to, &unread) ? site_definition(s->engine->site, s->view, s->to.definition, &unread) : NULL;
		for (int with_data = 1; with_data >= 0; with_data--)
			match(s, &posts->sent.items[i], end - i, posts->taken.items + from, until - from, with_data);
		arena_reset(s->a);
		i = end;
	}
	for (size_t i = 0; i < posts->sent.count; i++)
		tell_unmet(s, &posts->sent.items[i]);
	tell_waiting(s);
}

void engine_replay_settle(struct engine *e, struct view *v, struct buf *out, struct replay_sum *sum) {
	struct settling s = {.engine = e, .view = v, .a = arena_new(), .lasting = sum->posts ? sum->posts->a : NULL, .posts = sum->posts, .sum = sum, .out = out};
	if (s.posts) {
		settle(&s);
		replay_posts_free(s.posts);
		sum->posts = NULL;
	}
	arena_free(s.a);
}
