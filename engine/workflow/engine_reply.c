/* Files of an answer that came by mail: judged as uploads are, kept beside the signal that brings them, claimed with its event. */
#include "engine/workflow/engine_run.h"

#include "engine/base/log.h"
#include "engine/store/mailbox.h"
#include "engine/workflow/upload_judge.h"

#include <string.h>

enum { LINES = 64 << 10 };

/* In words of the command line. */
static const char *reason(const char *key) {
	static const char *const reasons[][2] = {
	        {"field.file-name", "it has no name that can be used"},
	        {"field.file-kind", "not of a kind that is asked for"},
	        {"field.file-empty", "empty"},
	        {"field.file-large", "too large"},
	        {"field.file-content", "its contents are not what its name says"},
	};
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (strcmp(reasons[i][0], key) == 0)
			return reasons[i][1];
	return key;
}

/* "scan" that was declared as application/pdf is scan.pdf. */
static struct str safe_name(struct arena *a, const struct reply_file *file) {
	struct str name = upload_safe_name(a, file->name), extension;
	const char *declared = upload_extension(file->type);
	if (upload_type(name, &extension) || !declared || (name.len > 0 && memchr(name.at, '.', name.len)))
		return name;
	return upload_safe_name(a, arena_printf(a, "%.*s.%s", (int)(name.len > 0 ? name.len : 4), name.len > 0 ? name.at : "file", declared));
}

struct keeping {
	struct tx *tx;
	int64_t now;
	const struct field *field;
	size_t held;
	struct arena *a;
	struct buf files, refused, told;
};

static bool keep(struct keeping *k, const struct reply_file *file, struct err *err) {
	struct str name = safe_name(k->a, file), extension;
	struct bytes bytes = bytes_of(&file->content);
	const char *key = k->field ? upload_judge(k->field, name, (int64_t)file->content.len, file->unseen ? NULL : &bytes) : NULL;
	const char *why = !k->field ? "no files are asked for" : key ? reason(key) : k->held >= (size_t)k->field->many_max ? "there are as many files as are asked for" : NULL;
	struct str shown = name.len > 0 ? name : STR("?");
	buf_printf(&k->told, "%s%.*s: %s", k->told.len > 0 ? "\n" : "", STR_ARG(shown), why ? why : "taken");
	if (why) {
		buf_printf(&k->refused, "%s%.*s", k->refused.len > 0 ? "\n" : "", STR_ARG(shown));
		return true;
	}
	struct blob blob = {.size = (int64_t)file->content.len, .at = k->now, .name = name, .type = str_from(upload_type(name, &extension))};
	struct upload upload = {.size = blob.size, .name = name};
	if (!blob_put(k->tx, &blob, bytes, &upload.id, err))
		return false;
	k->held++;
	struct str text = upload_text(k->a, &upload);
	buf_printf(&k->files, "%s%.*s", k->files.len > 0 ? "\n" : "", STR_ARG(text));
	return true;
}

static struct str end(struct arena *a, struct buf *lines) {
	struct str text = arena_str(a, buf_text(lines));
	buf_free(lines);
	return text;
}

bool run_keep_reply(struct tx *tx, int64_t now, const struct field *field, const struct value *held, const struct reply *reply, struct signal_row *row, struct arena *a,
                    struct str *told, struct err *err) {
	struct keeping k = {.tx = tx, .now = now, .field = field, .held = held && held->kind == KIND_LIST ? held->list.count : 0, .a = a};
	bool ok = true;
	buf_init(&k.files, LINES);
	buf_init(&k.refused, LINES);
	buf_init(&k.told, LINES);
	for (size_t i = 0; ok && i < reply->file_count; i++)
		ok = keep(&k, &reply->files[i], err);
	row->files = end(a, &k.files);
	row->refused = end(a, &k.refused);
	*told = end(a, &k.told);
	return ok;
}

const struct value *run_add_reply(struct run *r, const struct loaded *l, const struct field *field, const struct signal_row *row) {
	size_t count = l->definition->fields.count;
	struct str rest = row->files;
	if (!field || rest.len == 0)
		return NULL;
	struct value *values = ARENA_ARRAY(r->a, count, struct value);
	memcpy(values, l->values, count * sizeof *values);
	const struct value *held = &l->values[field->slot];
	size_t have = held->kind == KIND_LIST ? held->list.count : 0;
	struct value *items = ARENA_ARRAY(r->a, (size_t)field->many_max + have, struct value);
	if (have > 0)
		memcpy(items, held->list.items, have * sizeof *items);
	struct upload upload;
	while (rest.len > 0 && have < (size_t)field->many_max)
		if (upload_read(str_cut(&rest, '\n'), &upload))
			items[have++] = upload_value(r->a, &upload);
	values[field->slot] = (struct value){.kind = KIND_LIST, .list = {.items = items, .count = have}};
	return values;
}

bool run_drop_reply(struct run *r, const struct signal_row *row, struct err *err) {
	struct upload upload;
	for (struct str rest = row->files; rest.len > 0;)
		if (upload_read(str_cut(&rest, '\n'), &upload) && !blob_drop(r->tx, upload.id, err))
			return false;
	return true;
}

struct said run_said(struct run *r, const struct signal_row *row) {
	LIST_OF(struct value) names = {0};
	for (struct str rest = row->refused; rest.len > 0;)
		*(struct value *)ARENA_PUSH(r->a, &names) = value_string(str_cut(&rest, '\n'));
	return (struct said){row->data, {.kind = KIND_LIST, .list = {.items = names.items, .count = names.count}}};
}
