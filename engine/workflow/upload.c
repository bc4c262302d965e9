#include "engine/workflow/upload.h"

#include <string.h>
#include <strings.h>

enum { MEMBER_NAME, MEMBER_SIZE, MEMBER_TYPE, MEMBER_ID, MEMBERS };
static struct record_member members[MEMBERS] = {
        {.name = {"name", 4}, .type = {.kind = KIND_STRING}},
        {.name = {"size", 4}, .type = {.kind = KIND_INT}},
        {.name = {"type", 4}, .type = {.kind = KIND_STRING}},
        {.name = {"id", 2}, .type = {.kind = KIND_INT}},
};
const struct record_type upload_record = {.name = {"file", 4}, .members = members, .count = MEMBERS, .key = SIZE_MAX};

const char *const upload_extensions[] = {"pdf", "jpg", "png", "gif", "docx", "xlsx", "odt", "txt", NULL};
/* In their order. */
static const struct {
	const char *type, *endings;
} kinds[] = {
        {"application/pdf", ".pdf"},
        {"image/jpeg", ".jpg,.jpeg"},
        {"image/png", ".png"},
        {"image/gif", ".gif"},
        {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"},
        {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"},
        {"application/vnd.oasis.opendocument.text", ".odt"},
        {"text/plain; charset=utf-8", ".txt"},
};

struct value upload_value(struct arena *a, const struct upload *upload) {
	struct value *v = ARENA_ARRAY(a, MEMBERS, struct value);
	v[MEMBER_NAME] = value_string(arena_str(a, upload->name));
	v[MEMBER_SIZE] = value_int(upload->size);
	v[MEMBER_TYPE] = value_string(arena_str(a, upload->type));
	v[MEMBER_ID] = value_int(upload->id);
	return (struct value){.kind = KIND_RECORD, .record = {&upload_record, v, STR("")}};
}

bool upload_is(const struct value *v) {
	return v->kind == KIND_RECORD && v->record.type == &upload_record;
}

struct upload upload_of(const struct value *v) {
	const struct value *m = v->record.members;
	return (struct upload){m[MEMBER_ID].integer, m[MEMBER_SIZE].integer, m[MEMBER_NAME].string, m[MEMBER_TYPE].string};
}

/* "17 2048 scan.pdf": a type is told by the name. */
struct str upload_text(struct arena *a, const struct upload *upload) {
	return arena_printf(a, "%lld %lld %.*s", (long long)upload->id, (long long)upload->size, STR_ARG(upload->name));
}

bool upload_read(struct str text, struct upload *out) {
	struct str id = str_cut(&text, ' '), size = str_cut(&text, ' '), extension;
	const char *type = upload_type(text, &extension);
	if (!type || !str_to_int(id, &out->id) || !str_to_int(size, &out->size) || out->id < 1 || out->size < 1)
		return false;
	out->name = text;
	out->type = str_from(type);
	return true;
}

static bool ends_so(struct str name, struct str ending) {
	return name.len > ending.len && strncasecmp(name.at + name.len - ending.len, ending.at, ending.len) == 0;
}

const char *upload_type(struct str name, struct str *extension) {
	for (size_t i = 0; upload_extensions[i]; i++) {
		struct str endings = str_from(kinds[i].endings);
		while (endings.len > 0) {
			if (!ends_so(name, str_cut(&endings, ',')))
				continue;
			*extension = str_from(upload_extensions[i]);
			return kinds[i].type;
		}
	}
	return NULL;
}

const char *upload_extension(struct str type) {
	for (size_t i = 0; upload_extensions[i]; i++) {
		struct str known = str_from(kinds[i].type);
		if (str_equal(str_cut(&known, ';'), type))
			return upload_extensions[i];
	}
	return NULL;
}

const char *upload_endings(struct str extension) {
	for (size_t i = 0; upload_extensions[i]; i++)
		if (str_is(extension, upload_extensions[i]))
			return kinds[i].endings;
	return "";
}

/* Controls, what is no UTF-8, marks and spaces that cannot be seen, and what file systems do not have in a name. */
static bool shows(uint32_t c) {
	if (c == UINT32_MAX || c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0xFEFF)
		return false;
	if ((c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || (c >= 0xFFF0 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF))
		return false;
	return c > 0x7F || !strchr("<>:\"|?*", (int)c);
}

static struct str last_part(struct str name) {
	for (size_t i = name.len; i > 0; i--)
		if (name.at[i - 1] == '/' || name.at[i - 1] == '\\')
			return (struct str){name.at + i, name.len - i};
	return name;
}

static struct str trim_dots(struct str s) {
	while (s.len > 0 && (s.at[0] == '.' || s.at[0] == ' '))
		s.at++, s.len--;
	while (s.len > 0 && (s.at[s.len - 1] == '.' || s.at[s.len - 1] == ' '))
		s.len--;
	return s;
}

/* Cuts before the extension, at a whole character. */
static struct str shorten(struct arena *a, struct str name) {
	struct str extension, ending = STR("");
	if (name.len <= UPLOAD_NAME)
		return name;
	if (upload_type(name, &extension))
		while (ending.len == 0 || ending.at[0] != '.')
			ending = (struct str){name.at + name.len - ending.len - 1, ending.len + 1};
	size_t keep = UPLOAD_NAME - ending.len;
	while (keep > 0 && ((unsigned char)name.at[keep] & 0xC0) == 0x80)
		keep--;
	return arena_printf(a, "%.*s%.*s", (int)keep, name.at, STR_ARG(ending));
}

struct str upload_safe_name(struct arena *a, struct str name) {
	struct buf out;
	struct str part = last_part(name);
	buf_init(&out, part.len + 1);
	for (size_t at = 0; at < part.len;) {
		uint32_t c = str_utf8_next(part, &at);
		if (shows(c))
			buf_utf8(&out, c);
	}
	struct str safe = arena_str(a, trim_dots(buf_text(&out)));
	buf_free(&out);
	return shorten(a, safe);
}

bool upload_parse_size(struct str text, int64_t *out) {
	static const struct {
		const char *unit;
		int64_t bytes;
	} units[] = {{"MB", 1024 * 1024}, {"kB", 1024}, {"KB", 1024}, {"", 1}};
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		struct str unit = str_from(units[i].unit);
		if (!str_ends(text, unit))
			continue;
		if (!str_to_int(str_trim((struct str){text.at, text.len - unit.len}), out) || *out < 1 || *out > UPLOAD_MAX / units[i].bytes)
			return false;
		*out *= units[i].bytes;
		return true;
	}
	return false;
}
