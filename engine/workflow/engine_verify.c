/* stafet verify: the chain of every instance is whole, its history is a path through the definition it is pinned to and leaves the data that it has,
 * every outbox row and used link belongs to an entry, and every document is what its entry says. */
#include "engine/store/blobs.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/grants.h"
#include "engine/workflow/past.h"

#include <string.h>

struct check {
	struct engine *e;
	struct view *v;
	struct arena *a;
	struct buf *out;
	int64_t faults;
};

__attribute__((format(printf, 3, 4))) static void fault(struct check *c, const struct instance *instance, const char *format, ...) {
	va_list args;
	va_start(args, format);
	buf_printf(c->out, "%.*s: ", STR_ARG(instance->reference));
	buf_vprintf(c->out, format, args);
	buf_char(c->out, '\n');
	va_end(args);
	c->faults++;
}

static const struct transition_list *cases_of(const struct state *from, const struct history *entry) {
	if (str_is(entry->kind, "timer")) {
		const struct timer_rule *timer = state_timer(from, entry->event);
		return timer ? &timer->cases : NULL;
	}
	const struct event_rule *event = state_event(from, entry->event);
	return event ? &event->cases : NULL;
}

/* Whether the definition has a way from `from` to where the entry says it went (target NULL: stayed). */
static bool has_way(const struct state *from, const struct state *target, const struct history *entry) {
	const struct transition_list *cases = cases_of(from, entry);
	for (size_t i = 0; cases && i < cases->count; i++)
		if (cases->items[i].target == target)
			return true;
	return entry->refused && target == NULL;
}

static const struct state *check_entry(struct check *c, const struct instance *instance, const struct definition *d, const struct state *at, const struct history *entry) {
	const struct state *to = entry->to.len ? definition_state(d, entry->to) : NULL;
	if (entry->to.len && !to) {
		fault(c, instance, "entry %lld enters an unknown state '%.*s'", (long long)entry->seq, STR_ARG(entry->to));
		return at;
	}
	if (!at) {
		if (to != d->initial || !str_is(entry->kind, "start"))
			fault(c, instance, "entry %lld does not start in the initial state", (long long)entry->seq);
		return to ? to : d->initial;
	}
	if (!str_equal(entry->from, at->name))
		fault(c, instance, "entry %lld comes from '%.*s', but the instance was in '%.*s'", (long long)entry->seq, STR_ARG(entry->from), STR_ARG(at->name));
	else if (!has_way(at, to, entry))
		fault(c, instance, "entry %lld: the definition has no way from '%.*s' on '%.*s' to '%.*s'", (long long)entry->seq, STR_ARG(entry->from), STR_ARG(entry->event), STR_ARG(entry->to));
	return to ? to : at;
}

static void check_path(struct check *c, const struct instance *instance, const struct definition *d, const struct history_list *entries) {
	const struct state *at = NULL;
	for (size_t i = 0; i < entries->count; i++)
		at = check_entry(c, instance, d, at, &entries->items[i]);
	if (!at || !str_equal(at->name, instance->state))
		fault(c, instance, "its state is '%.*s', but its history ends in '%.*s'", STR_ARG(instance->state), STR_ARG(at ? at->name : STR("")));
	if (instance->version != (int64_t)entries->count)
		fault(c, instance, "its version is %lld, but it has %zu entries", (long long)instance->version, entries->count);
}

/* What a case said goes with all of it, and the case says so. */
static void check_erased(struct check *c, const struct instance *instance, const struct history_list *entries) {
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].erased != (instance->erased_at != 0))
			fault(c, instance, "entry %lld %s", (long long)entries->items[i].seq, instance->erased_at ? "still says something, but the case was erased" : "says nothing any more, but the case was not erased");
}

static void check_times(struct check *c, const struct instance *instance, const struct definition *d, const struct history_list *entries) {
	const struct state *state = definition_state(d, instance->state);
	int64_t entered_at = 0;
	for (size_t i = 0; i < entries->count; i++)
		entered_at = entries->items[i].to.len > 0 ? entries->items[i].at : entered_at;
	if (entries->count == 0)
		return;
	if (instance->started_at != entries->items[0].at || instance->entered_at != entered_at || instance->changed_at != entries->items[entries->count - 1].at)
		fault(c, instance, "it started, changed or entered its state at another time than its history says");
	if (instance->erased_at == 0 && instance->ended_at != (state && state->final ? entered_at : 0))
		fault(c, instance, "it ended at another time than its history says, or not");
}

static bool check_family(struct check *c, const struct instance *instance, struct err *err) {
	struct instance parent = {.root_id = instance->id};
	struct err gone = {0};
	if (instance->parent_id != 0 && !instance_load(c->v, instance->parent_id, c->a, &parent, &gone)) {
		*err = gone;
		return false;
	}
	if (instance->root_id != parent.root_id)
		fault(c, instance, "its root is not that of its parent");
	return true;
}

static void check_data(struct check *c, const struct instance *instance, const struct definition *d, const struct history_list *entries) {
	struct register_port port = data_store_port(c->v);
	struct value *values;
	struct err broken = {0};
	struct buf json;
	if (!past_replay(d, entries, entries->count, &port, c->a, &values, &broken)) {
		fault(c, instance, "its history cannot be followed: %s", broken.text);
		return;
	}
	if (!values)
		return; /* erased */
	buf_init(&json, RUN_DATA);
	data_to_json(d, values, &json);
	if (!str_equal(buf_text(&json), instance->data))
		fault(c, instance, "its data are not what its history left");
	buf_free(&json);
}

static bool belongs(const struct history_list *entries, int64_t history_id) {
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].id == history_id)
			return true;
	return false;
}

static bool check_messages(struct check *c, const struct instance *instance, const struct history_list *entries, struct err *err) {
	struct outbox_list rows = {0};
	struct link_list links = {0};
	if (!outbox_of_instance(c->v, instance->id, c->a, &rows, err) || !link_of_instance(c->v, instance->id, c->a, &links, err))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		if (!belongs(entries, rows.items[i].history_id))
			fault(c, instance, "message %lld belongs to no entry", (long long)rows.items[i].id);
	for (size_t i = 0; i < links.count; i++) {
		const struct link *link = &links.items[i];
		if (link->state == LINK_USED && !belongs(entries, link->history_id))
			fault(c, instance, "a used link for '%.*s' belongs to no entry", STR_ARG(link->task));
	}
	return true;
}

static struct str bytes_of_file(struct check *c, const struct document *d) {
	struct buf all;
	struct str piece = STR("");
	struct err unread;
	buf_init(&all, (size_t)d->size + 1);
	for (bool more = true; more && (int64_t)all.len < d->size; buf_str(&all, piece))
		more = blob_read(c->v, d->blob_id, (int64_t)all.len, c->a, &piece, &unread) && piece.len > 0;
	struct str bytes = arena_str(c->a, buf_text(&all));
	buf_free(&all);
	return bytes;
}

/* The file is the one that was drawn from what the chain knows. */
static void check_document(struct check *c, const struct instance *instance, const struct document *d, const struct document_sheet *sheet) {
	unsigned char digest[SECRET_HASH], seal[SECRET_HASH];
	document_digest(d, sheet, digest);
	if (memcmp(digest, d->digest, sizeof digest) != 0)
		fault(c, instance, "document %lld does not say what it said when it was made", (long long)d->id);
	if (d->state != DOCUMENT_READY)
		return;
	if (!document_seal(site_keys(c->e->site), d->key_id, d->digest, bytes_of_file(c, d), seal))
		fault(c, instance, "document %lld: the key file has no key %lld", (long long)d->id, (long long)d->key_id);
	else if (!secret_equal(seal, d->seal, sizeof seal))
		fault(c, instance, "the file of document %lld is not the one that was drawn", (long long)d->id);
}

/* Each entry names exactly the documents that it made. */
static void check_record(struct check *c, const struct instance *instance, const struct document_list *documents, const struct history *entry) {
	struct str list = STR(""), key = STR("\"" RUN_DOCUMENTS "\":[");
	size_t count = 0;
	for (size_t i = 0; i < documents->count; i++) {
		if (documents->items[i].history_id != entry->id)
			continue;
		struct str record = run_documents_record(c->a, &documents->items[i]);
		list = arena_printf(c->a, "%.*s%s%.*s", STR_ARG(list), count++ ? "," : "", STR_ARG(record));
	}
	struct str wanted = count > 0 ? arena_printf(c->a, ",%.*s%.*s]}", STR_ARG(key), STR_ARG(list)) : STR("");
	bool named = count > 0 ? str_ends(entry->payload, wanted) : !entry->payload.at || !memmem(entry->payload.at, entry->payload.len, key.at, key.len);
	if (entry->payload.len > 0 && !named)
		fault(c, instance, "entry %lld does not name the documents that belong to it", (long long)entry->seq);
}

static bool check_documents(struct check *c, const struct instance *instance, const struct history_list *entries, struct err *err) {
	struct document_list documents;
	if (!document_of_instance(c->v, instance->id, c->a, &documents, err))
		return false;
	for (size_t i = 0; i < documents.count; i++) {
		struct document_sheet sheet;
		if (!document_sheet_load(c->v, documents.items[i].id, c->a, &sheet, err))
			return false;
		check_document(c, instance, &documents.items[i], &sheet);
		if (!belongs(entries, documents.items[i].history_id))
			fault(c, instance, "document %lld belongs to no entry", (long long)documents.items[i].id);
	}
	for (size_t i = 0; i < entries->count; i++)
		check_record(c, instance, &documents, &entries->items[i]);
	return true;
}

static void tell_lines(struct check *c, const struct instance *instance, struct buf *lines) {
	for (struct str rest = buf_text(lines); rest.len > 0;) {
		struct str line = str_cut(&rest, '\n');
		fault(c, instance, "%.*s", STR_ARG(line));
	}
	buf_free(lines);
}

static bool check_shared(struct check *c, const struct instance *instance, const struct definition *d, const struct history_list *entries, struct err *err) {
	struct pool_desk desk = {.engine = c->e, .view = c->v, .a = c->a, .definition = d, .instance_id = instance->id, .parent_id = instance->parent_id};
	struct buf lines;
	buf_init(&lines, 1 << 20);
	struct urn_desk draws = {.engine = c->e, .view = c->v, .a = c->a, .definition = d, .instance_id = instance->id, .parent_id = instance->parent_id, .reference = instance->reference};
	bool ok = run_verify_claims(&desk, entries, &lines, err) && (!definition_draws(d) || run_verify_draws(&draws, entries, &lines, err)) &&
	          run_verify_groups(c->v, instance, d, entries, &lines, c->a, err) && run_verify_grants(c->e, c->v, instance, d, entries, c->a, &lines, err) &&
	          run_verify_wishes(&desk, instance, &lines, err);
	tell_lines(c, instance, &lines);
	if (!ok && err->kind != ERR_TRANSIENT) {
		fault(c, instance, "what it shares with others cannot be looked at: %s", err->text);
		*err = (struct err){0};
		return true;
	}
	return ok;
}

static bool check_instance(struct check *c, const struct instance *instance, struct err *err) {
	struct history_list entries = {0};
	struct err broken = {0}, gone = {0};
	if (!history_list(c->v, instance->id, c->a, &entries, err))
		return false;
	if (!history_verify(site_keys(c->e->site), &entries, &broken))
		fault(c, instance, "%s", broken.text);
	check_erased(c, instance, &entries);
	if (!check_family(c, instance, err))
		return false;
	const struct definition *d = site_definition(c->e->site, c->v, instance->definition, &gone);
	if (d) {
		check_path(c, instance, d, &entries);
		if (broken.kind == ERR_NONE)
			check_times(c, instance, d, &entries);
		if (!str_equal(instance->workflow, d->name))
			fault(c, instance, "it is of the workflow '%.*s', but its definition of '%.*s'", STR_ARG(instance->workflow), STR_ARG(d->name));
		check_data(c, instance, d, &entries);
		if (!check_shared(c, instance, d, &entries, err))
			return false;
	} else {
		fault(c, instance, "%s", gone.text);
	}
	return check_messages(c, instance, &entries, err) && check_documents(c, instance, &entries, err);
}

bool engine_verify(struct engine *e, struct view *v, int64_t instance_id, struct buf *out, int64_t *checked, int64_t *faults, struct err *err) {
	struct check c = {e, v, arena_new(), out, 0};
	bool ok = true;
	*checked = 0;
	for (int64_t after = 0; ok;) {
		struct instance instance;
		bool found = true;
		arena_reset(c.a);
		if (instance_id != 0)
			ok = instance_load(v, instance_id, c.a, &instance, err);
		else
			ok = instance_next(v, after, c.a, &instance, &found, err);
		if (!ok || !found)
			break;
		ok = check_instance(&c, &instance, err);
		++*checked;
		after = instance.id;
		if (instance_id != 0)
			break;
	}
	*faults = c.faults;
	arena_free(c.a);
	return ok && (instance_id != 0 || grants_verify(e->site, v, out, faults, err));
}
