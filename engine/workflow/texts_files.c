/* The files of a package's folders: which there are, and what is in them. */
#include "engine/workflow/texts_parts.h"

#include "engine/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

enum { MAX_FILE = 256 * 1024, MAX_FILES = 2000 };

struct yaml_place text_file_place(const struct text_file *f, int line, int column) {
	return (struct yaml_place){f->path, line, column};
}

/* Without byte order mark and CR. */
static struct str plain_lines(struct arena *a, struct str raw) {
	if (str_starts(raw, STR("\xEF\xBB\xBF")))
		raw = (struct str){raw.at + 3, raw.len - 3};
	char *text = arena_alloc(a, raw.len + 1);
	size_t len = 0;
	for (size_t i = 0; i < raw.len; i++)
		if (raw.at[i] != '\r')
			text[len++] = raw.at[i];
	return (struct str){text, len};
}

static bool check_text(const struct text_file *f) {
	int line = 1;
	for (size_t at = 0; at < f->text.len;) {
		uint32_t point = str_utf8_next(f->text, &at);
		line += point == '\n';
		if (point == UINT32_MAX) {
			problem_error(f->problems, text_file_place(f, line, 1), "the line is not UTF-8");
			return false;
		}
		if (point < ' ' && point != '\n' && point != '\t') {
			problem_error(f->problems, text_file_place(f, line, 1), "the line has a control character (U+%04X)", (unsigned)point);
			return false;
		}
	}
	return true;
}

bool text_file_read(struct text_file *f) {
	struct arena *a = arena_new();
	struct str raw;
	struct err err = {0};
	bool good = file_read(a, f->path, MAX_FILE, &raw, &err);
	if (good)
		f->text = plain_lines(f->arena, raw);
	else if (err.kind == ERR_INPUT)
		problem_error(f->problems, text_file_place(f, 1, 1), "the file is larger than %d bytes", MAX_FILE);
	else
		problem_error(f->problems, text_file_place(f, 1, 1), "the file cannot be read");
	arena_free(a);
	f->line = 1;
	return good && check_text(f);
}

bool text_wanted(struct str language, const struct str *languages, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (str_equal(languages[i], language))
			return true;
	return false;
}

static int by_name(const void *left, const void *right) {
	const struct str *a = left, *b = right;
	return str_compare(*a, *b);
}

/* Sorted, so that a folder is always read alike; without hidden files and editors' copies. */
void text_folder(struct arena *a, const char *path, struct text_names *out, struct problems *problems) {
	DIR *folder = opendir(path);
	if (!folder && errno != ENOENT)
		problem_error(problems, (struct yaml_place){path, 1, 1}, "the folder cannot be read");
	for (struct dirent *entry; folder && out->count < MAX_FILES && (entry = readdir(folder));) {
		struct str name = str_from(entry->d_name);
		if (name.at[0] != '.' && !str_ends(name, STR("~")))
			*(struct str *)ARENA_PUSH(a, out) = arena_str(a, name);
	}
	if (folder)
		closedir(folder);
	if (out->count > 0)
		qsort(out->items, out->count, sizeof *out->items, by_name);
}
