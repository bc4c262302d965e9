#include "otp-portal/attach.h"

#include "engine/workflow/upload_judge.h"
#include "otp-portal/limits.h"
#include "otp-portal/page.h"
#include "otp-portal/spool.h"

#include <string.h>

enum { UPLOADS_AN_HOUR = 120 };

struct taken {
	const struct field *field;
	struct blob blob;
	struct bytes bytes;
};
struct attaching {
	struct filling filling;
	struct answers answers; /* of the page, without the new files */
	struct link link;
	bool begins;            /* there was no link yet; it gets this id: */
	unsigned char id[SECRET_ID];
	struct str task;
	const char *counter;    /* how often, and who is counted */
	struct str who;
	LIST_OF(struct taken) files;
	void (*again)(struct request *r, struct response *out);
};

bool attach_asks(const struct form *form) {
	for (size_t page = 0; page < form->pages.count; page++)
		for (size_t i = 0; i < form->pages.items[page].items.count; i++)
			if (form->pages.items[page].items.items[i].field->kind == FIELD_FILE)
				return true;
	return false;
}

/* --- judging --- */

static void tell(struct request *r, const struct field *field, const char *key, struct str arg) {
	*(struct form_problem *)ARENA_PUSH(r->arena, &r->file_problems) = (struct form_problem){.name = field->name, .key = key, .arg = {arg}};
}

/* NULL: it can be taken. */
static const char *refusal(const struct field *field, const struct sent_file *file, struct str name) {
	const char *key = upload_judge(field, name, file->size, file->cut ? NULL : &file->bytes);
	return !key && file->cut ? "field.files-large" : key;
}

static size_t count_kept(const struct answers *answers, const struct field *field) {
	const struct answer *kept = field->many ? answers_get(answers, field->name) : NULL;
	return kept ? kept->texts.count : 0;
}

static size_t count_taken(const struct attaching *t, const struct field *field) {
	size_t count = 0;
	for (size_t i = 0; i < t->files.count; i++)
		count += t->files.items[i].field == field;
	return count;
}

static void take_file(struct request *r, struct attaching *t, const struct field *field, const struct sent_file *file) {
	struct str name = upload_safe_name(r->arena, file->name), extension;
	size_t most = field->many ? (size_t)field->many_max : 1;
	const char *key = refusal(field, file, name);
	if (!key && count_kept(&t->answers, field) + count_taken(t, field) >= most) {
		tell(r, field, "field.too-many", arena_printf(r->arena, "%zu", most));
		return;
	}
	if (key) {
		tell(r, field, key, name);
		return;
	}
	struct taken *taken = ARENA_PUSH(r->arena, &t->files);
	*taken = (struct taken){.field = field, .bytes = file->bytes};
	taken->blob = (struct blob){.size = file->size, .name = name, .type = str_from(upload_type(name, &extension)), .drafted = true, .task = t->task};
}

static void take_files(struct request *r, struct attaching *t, const struct form_page *page) {
	for (size_t k = 0; k < r->files->count; k++)
		for (size_t i = 0; i < page->items.count; i++) {
			const struct field *field = page->items.items[i].field;
			if (field->kind == FIELD_FILE && str_equal(field->name, r->files->items[k].field))
				take_file(r, t, field, &r->files->items[k]);
		}
}

static bool told(const struct form_problems *problems, struct str name) {
	for (size_t i = 0; i < problems->count; i++)
		if (str_equal(problems->items[i].name, name))
			return true;
	return false;
}

bool attach_problems(const struct filling *f, size_t page, struct form_problems *problems) {
	const struct request *r = f->prose.r;
	const struct form_page *p = &f->form->pages.items[page];
	size_t kept = 0;
	for (size_t i = 0; i < problems->count; i++)
		if (!told(&r->file_problems, problems->items[i].name))
			problems->items[kept++] = problems->items[i];
	problems->count = kept;
	for (size_t i = 0; i < p->items.count; i++)
		for (size_t k = 0; k < r->file_problems.count; k++)
			if (str_equal(r->file_problems.items[k].name, p->items.items[i].field->name))
				*(struct form_problem *)ARENA_PUSH(r->arena, problems) = r->file_problems.items[k];
	return problems->count > 0;
}

/* --- keeping --- */

static bool names(const struct answers *answers, const struct form *form, int64_t id) {
	struct upload upload;
	for (size_t page = 0; page < form->pages.count; page++) {
		for (size_t i = 0; i < form->pages.items[page].items.count; i++) {
			const struct field *field = form->pages.items[page].items.items[i].field;
			const struct answer *answer = field->kind == FIELD_FILE ? answers_get(answers, field->name) : NULL;
			for (size_t k = 0; answer && k < answer->texts.count; k++)
				if (upload_read(answer->texts.items[k], &upload) && upload.id == id)
					return true;
		}
	}
	return false;
}

bool attach_sweep(struct tx *tx, const struct form *form, const unsigned char link_id[SECRET_ID], struct str task, const struct answers *answers, struct arena *a,
                  struct err *err) {
	struct blob_ids ids = {0};
	if (!attach_asks(form))
		return true;
	if (!blob_of_draft(tx_view(tx), link_id, task, a, &ids, err))
		return false;
	for (size_t i = 0; i < ids.count; i++)
		if (!names(answers, form, ids.items[i]) && !blob_remove(tx, ids.items[i], link_id, task, err))
			return false;
	return true;
}

static bool save(struct attaching *t, struct tx *tx, const struct answers *answers, struct arena *a, int64_t now, struct err *err) {
	struct str json = filling_json(answers, a);
	if (json.len == 0)
		return err_set(err, ERR_INPUT, "error.too-large", "the answers are larger than a draft");
	return draft_save(tx, t->link.id, t->task, json, now, err);
}

/* A list keeps what it has; a single file is replaced. */
static void name_file(struct answers *answers, const struct taken *taken, int64_t id, struct arena *a) {
	struct upload upload = {id, taken->blob.size, taken->blob.name, taken->blob.type};
	if (!taken->field->many)
		answers_clear(answers, taken->field->name);
	answers_put(answers, a, taken->field->name, upload_text(a, &upload));
}

static bool keep_files(struct attaching *t, struct tx *tx, struct arena *a, int64_t now, struct err *err) {
	struct answers answers = {0};
	for (size_t i = 0; i < t->answers.count; i++)
		for (size_t k = 0; k < t->answers.items[i].texts.count; k++)
			answers_put(&answers, a, t->answers.items[i].name, t->answers.items[i].texts.items[k]);
	/* The draft first: its files belong to it. */
	if (!save(t, tx, &answers, a, now, err))
		return false;
	for (size_t i = 0; i < t->files.count; i++) {
		struct blob blob = t->files.items[i].blob;
		int64_t id;
		blob.at = now;
		memcpy(blob.link_id, t->link.id, sizeof blob.link_id);
		if (!blob_put(tx, &blob, t->files.items[i].bytes, &id, err))
			return false;
		name_file(&answers, &t->files.items[i], id, a);
	}
	return save(t, tx, &answers, a, now, err) && attach_sweep(tx, t->filling.form, t->link.id, t->task, &answers, a, err);
}

/* *found: an earlier press of the same button began it, and kept the files. */
static bool find_begun(struct attaching *t, struct view *v, struct arena *a, bool *found, struct err *err) {
	*found = link_load(v, t->id, a, &t->link, err);
	if (*found || err->kind != ERR_NOT_FOUND)
		return *found;
	*err = (struct err){0};
	return true;
}

static bool count_upload(const struct attaching *t, struct tx *tx, int64_t now, struct err *err) {
	return limit_count(tx, t->counter, t->who, UPLOADS_AN_HOUR, LIMIT_HOUR, now, err);
}

static bool run_attach(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct attaching *t = c->context;
	struct link link;
	bool found = false;
	if (t->begins && !find_begun(t, tx_view(tx), c->arena, &found, err))
		return false;
	if (found)
		return true;
	if (t->begins)
		return count_upload(t, tx, now, err) && engine_start_link(engine, tx, now, t->filling.prose.definition->name, t->id, &t->link, err) &&
		       keep_files(t, tx, c->arena, now, err);
	/* Another tab may have decided meanwhile. */
	if (!link_load(tx_view(tx), t->link.id, c->arena, &link, err))
		return false;
	if (link.state != LINK_LIVE)
		return err_set(err, ERR_CONFLICT, "link.used", "the link was used before");
	return count_upload(t, tx, now, err) && keep_files(t, tx, c->arena, now, err);
}

static void after_attach(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	struct attaching *t = c->context;
	if (!ok && (err->kind == ERR_CONFLICT || err->kind == ERR_NOT_FOUND)) {
		response_redirect(out, r, page_path(r, r->path)); /* the link itself says what has happened */
		return;
	}
	if (!ok) {
		page_failure(r, out, err);
		return;
	}
	r->attached = true;
	if (t->begins) {
		r->rest = engine_token(r->world->options.engine, &t->link, r->arena);
		r->path = arena_printf(r->arena, "/l/%.*s", STR_ARG(r->rest));
	}
	t->again(r, out);
}

/* Of this very form with these very answers and files. */
static void id_of(const struct attaching *t, const struct request *r, unsigned char id[SECRET_ID]) {
	const struct keyring *keys = site_keys(r->world->options.site);
	unsigned char mac[SECRET_HASH];
	struct buf files;
	buf_init(&files, REQUEST_BODY);
	for (size_t i = 0; i < t->files.count; i++)
		buf_printf(&files, "%.*s %lld %.*s\n", STR_ARG(t->files.items[i].field->name), (long long)t->files.items[i].blob.size, STR_ARG(t->files.items[i].blob.name));
	struct str parts[] = {t->filling.prose.definition->name, t->filling.once, filling_json(&t->answers, r->arena), buf_text(&files)};
	BUG_IF(!secret_mac(keys, keyring_current(keys), "begin", parts, 4, mac));
	memcpy(id, mac, SECRET_ID);
	buf_free(&files);
}

bool attach_files(const struct filling *f, const struct link *link, struct str task, size_t page, void (*again)(struct request *r, struct response *out),
                  struct response *out) {
	struct request *r = f->prose.r;
	if (!r->files || r->attached)
		return false;
	bool stranger = !link || link->kind == LINK_START;
	struct attaching t = {.filling = *f, .answers = filling_typed(f, page), .begins = !link, .task = task, .again = again};
	t.counter = stranger ? "start-file" : "link-file";
	t.who = stranger ? limit_network(r) : limit_address(r->world, secret_hex(r->arena, link->id, sizeof link->id), r->arena);
	if (link)
		t.link = *link;
	r->file_problems = (struct form_problems){0};
	take_files(r, &t, &f->form->pages.items[page]);
	if (t.files.count == 0)
		return false;
	if (t.begins)
		id_of(&t, r, t.id);
	struct change *c = response_change(out, sizeof t, run_attach, after_attach);
	*(struct attaching *)c->context = t;
	return true;
}
