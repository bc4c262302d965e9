#include "engine/workflow/texts_parts.h"

#include "engine/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 256 * 1024, MAX_FILES = 2000, MAX_SUBJECT = 300 };

/* One file under way. */
struct file {
	struct texts *t;
	struct problems *problems;
	const char *path;
	struct str text; /* LF line ends */
	int line;        /* of what is left in text */
};

static struct yaml_place place_of(const struct file *f, int line, int column) {
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

static bool check_text(const struct file *f) {
	int line = 1;
	for (size_t at = 0; at < f->text.len;) {
		uint32_t point = str_utf8_next(f->text, &at);
		line += point == '\n';
		if (point == UINT32_MAX) {
			problem_error(f->problems, place_of(f, line, 1), "the line is not UTF-8");
			return false;
		}
		if (point < ' ' && point != '\n' && point != '\t') {
			problem_error(f->problems, place_of(f, line, 1), "the line has a control character (U+%04X)", (unsigned)point);
			return false;
		}
	}
	return true;
}

static bool read_file(struct file *f) {
	struct arena *a = arena_new();
	struct str raw;
	struct err err = {0};
	bool good = file_read(a, f->path, MAX_FILE, &raw, &err);
	if (good)
		f->text = plain_lines(f->t->arena, raw);
	else if (err.kind == ERR_INPUT)
		problem_error(f->problems, place_of(f, 1, 1), "the file is larger than %d bytes", MAX_FILE);
	else
		problem_error(f->problems, place_of(f, 1, 1), "the file cannot be read");
	arena_free(a);
	f->line = 1;
	return good && check_text(f);
}

static void read_subject(struct file *f, struct str value, int column, struct message *out) {
	if (value.len == 0 || value.len > MAX_SUBJECT)
		problem_error(f->problems, place_of(f, f->line, column), "found a subject of %zu bytes, expected 1 to %d", value.len, MAX_SUBJECT);
	else
		out->subject = template_compile(f->t->arena, value, place_of(f, f->line, column), f->problems);
}

/* "subject: ..." and a line of "---". */
static void read_head(struct file *f, struct message *out) {
	bool seen = false;
	while (f->text.len > 0) {
		struct str line = str_trim(str_cut(&f->text, '\n')), value = line, key;
		if (str_is(line, "---")) {
			f->line++;
			if (!seen)
				problem_error(f->problems, place_of(f, 1, 1), "the subject is missing: expected a line 'subject: ...' above ---");
			return;
		}
		key = str_trim(str_cut(&value, ':'));
		value = str_trim(value);
		if (str_is(key, "subject") && !seen)
			read_subject(f, value, value.len > 0 ? (int)(value.at - line.at) + 1 : 1, out);
		else if (str_is(key, "subject"))
			problem_error(f->problems, place_of(f, f->line, 1), "'subject' stands twice");
		else if (line.len > 0)
			problem_error(f->problems, place_of(f, f->line, 1), "found '%.*s', expected 'subject: ...' or ---", (int)(line.len < 60 ? line.len : 60), line.at);
		seen = seen || str_is(key, "subject");
		f->line++;
		if (line.len > 0 && !str_is(key, "subject"))
			return;
	}
	problem_error(f->problems, place_of(f, f->line, 1), "expected a line of --- and the text below it");
}

static void read_message(struct file *f, struct message *out) {
	size_t errors = f->problems->errors;
	out->place = place_of(f, 1, 1);
	if (!read_file(f))
		return;
	if (out->channel == CHANNEL_MAIL)
		read_head(f, out);
	if (f->problems->errors != errors)
		return;
	if (str_trim(f->text).len == 0)
		problem_error(f->problems, place_of(f, f->line, 1), "the message has no text");
	else
		out->body = template_compile(f->t->arena, f->text, place_of(f, f->line, 1), f->problems);
}

/* "confirm.da.md" in its three parts. */
static bool split_name(struct str file, struct message *out) {
	struct str rest = file;
	out->name = str_cut(&rest, '.');
	out->language = str_cut(&rest, '.');
	out->channel = str_is(rest, "txt") ? CHANNEL_SMS : CHANNEL_MAIL;
	return name_valid(out->name) && out->language.len >= 2 && out->language.len <= 35 && (str_is(rest, "md") || str_is(rest, "txt"));
}

static bool is_wanted(struct str language, const struct str *languages, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (str_equal(languages[i], language))
			return true;
	return false;
}

static int by_name(const void *left, const void *right) {
	const struct str *a = left, *b = right;
	return str_compare(*a, *b);
}

struct file_names {
	struct str *items;
	size_t count, cap;
};

/* Sorted, so that a folder is always read alike; without hidden files and editors' copies. */
static void list_folder(struct texts *t, const char *path, struct file_names *out, struct problems *problems) {
	DIR *folder = opendir(path);
	if (!folder && errno != ENOENT)
		problem_error(problems, (struct yaml_place){path, 1, 1}, "the folder cannot be read");
	for (struct dirent *entry; folder && out->count < MAX_FILES && (entry = readdir(folder));) {
		struct str name = str_from(entry->d_name);
		if (name.at[0] != '.' && !str_ends(name, STR("~")))
			*(struct str *)ARENA_PUSH(t->arena, out) = arena_str(t->arena, name);
	}
	if (folder)
		closedir(folder);
	if (out->count > 0)
		qsort(out->items, out->count, sizeof *out->items, by_name);
}

void texts_read_messages(struct texts *t, const char *folder, const struct str *languages, size_t language_count, struct problems *problems) {
	const char *path = arena_printf(t->arena, "%s/messages", folder).at;
	struct file_names names = {0};
	list_folder(t, path, &names, problems);
	for (size_t i = 0; i < names.count; i++) {
		struct file f = {.t = t, .problems = problems, .path = arena_printf(t->arena, "%s/%.*s", path, STR_ARG(names.items[i])).at};
		struct message message = {0};
		if (!split_name(names.items[i], &message))
			problem_error(problems, place_of(&f, 1, 1), "expected a file name such as confirm.%.*s.md (mail) or confirm.%.*s.txt (SMS)",
			              STR_ARG(language_count ? languages[0] : STR("da")), STR_ARG(language_count ? languages[0] : STR("da")));
		else if (is_wanted(message.language, languages, language_count)) {
			read_message(&f, &message);
			*(struct message *)ARENA_PUSH(t->arena, &t->messages) = message;
		}
	}
}
