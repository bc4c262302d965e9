/* Files: a draft's until the transition claims them, in its own transaction. */
#include "engine/workflow/engine_run.h"
#include "engine/workflow/upload.h"

#include <string.h>

/* One value is a list of one. */
static const struct value *files_of(const struct value *v, size_t *count) {
	bool list = v->kind == KIND_LIST;
	*count = list ? v->list.count : v->kind == KIND_RECORD;
	return list ? v->list.items : v;
}

static bool was_there(const struct value *before, const struct value *file) {
	size_t count;
	const struct value *files = files_of(before, &count);
	for (size_t i = 0; i < count; i++)
		if (value_equal(&files[i], file))
			return true;
	return false;
}

static bool may_take(struct run *r, const struct value *file, const struct link *link, bool *may, struct err *err) {
	struct upload upload = upload_of(file);
	struct blob blob;
	if (!blob_info(r->view, upload.id, r->a, &blob, err)) {
		*may = false;
		bool none = err->kind == ERR_NOT_FOUND;
		if (none)
			*err = (struct err){0};
		return none;
	}
	bool same = str_equal(blob.name, upload.name) && str_equal(blob.type, upload.type) && blob.size == upload.size;
	bool ours = !blob.drafted || (link && memcmp(blob.link_id, link->id, sizeof blob.link_id) == 0);
	*may = same && ours && blob.instance_id == 0;
	return true;
}

static bool check_field(struct run *r, const struct field *field, const struct value *before, const struct value *now, const struct link *link,
                        struct form_problems *problems, struct err *err) {
	size_t count;
	const struct value *files = files_of(now, &count);
	for (size_t i = 0; i < count; i++) {
		bool may = was_there(before, &files[i]);
		if (!may && !may_take(r, &files[i], link, &may, err))
			return false;
		if (!may)
			*(struct form_problem *)ARENA_PUSH(r->a, problems) = (struct form_problem){.name = field->name, .key = "field.file-gone", .arg = {upload_of(&files[i]).name}};
	}
	return true;
}

bool run_check_files(struct run *r, const struct loaded *l, const struct form *form, const struct value *values, const struct link *link,
                     struct form_problems *problems, struct err *err) {
	static const struct value unset;
	for (size_t page = 0; page < form->pages.count; page++) {
		for (size_t i = 0; i < form->pages.items[page].items.count; i++) {
			const struct field *field = form->pages.items[page].items.items[i].field;
			const struct value *before = l->instance.id ? &l->values[field->slot] : &unset;
			if (field->kind == FIELD_FILE && !check_field(r, field, before, &values[field->slot], link, problems, err))
				return false;
		}
	}
	return true;
}

bool run_claim_files(struct run *r, const struct loaded *l, const struct value *values, const struct link *link, struct err *err) {
	static const struct link none;
	for (size_t f = 0; f < l->definition->fields.count; f++) {
		size_t count;
		const struct value *files = files_of(&values[f], &count);
		for (size_t i = 0; l->definition->fields.items[f].kind == FIELD_FILE && i < count; i++)
			if (!blob_claim(r->tx, upload_of(&files[i]).id, (link ? link : &none)->id, l->instance.id, err))
				return false;
	}
	return true;
}
