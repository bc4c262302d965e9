/* documents/<name>.<lang>.md: "key: value" lines, ---, Markdown. */
#include "engine/workflow/texts_parts.h"

#include "engine/base/secret.h"

#include <string.h>

enum { MAX_HEADING = 300 };

static const char *const keys[] = {"title", "file", "logo", "reference", "date", "pages"};
enum { KEYS = sizeof keys / sizeof *keys };

static void tell_key(struct text_file *f, struct str key) {
	struct str names[KEYS];
	for (size_t i = 0; i < KEYS; i++)
		names[i] = str_from(keys[i]);
	struct str near = name_nearest(key, names, KEYS);
	problem_error(f->problems, text_file_place(f, f->line, 1), "found '%.*s', expected title, file, logo, reference, date, pages or ---%s%.*s%s", (int)(key.len < 60 ? key.len : 60),
	              key.at, near.len ? "; did you mean '" : "", STR_ARG(near), near.len ? "'?" : "");
}

static void read_heading(struct text_file *f, struct str value, int column, const struct template **out) {
	if (value.len == 0 || value.len > MAX_HEADING)
		problem_error(f->problems, text_file_place(f, f->line, column), "found a text of %zu bytes, expected 1 to %d", value.len, MAX_HEADING);
	else
		*out = template_compile(f->arena, value, text_file_place(f, f->line, column), f->problems);
}

static void read_choice(struct text_file *f, struct str value, int column, bool *out) {
	*out = str_is(value, "yes");
	if (!*out && !str_is(value, "no"))
		problem_error(f->problems, text_file_place(f, f->line, column), "found '%.*s', expected yes or no", (int)(value.len < 60 ? value.len : 60), value.at);
}

static bool read_key(struct text_file *f, struct str key, struct str value, int column, struct document_text *out) {
	bool *const choices[] = {&out->logo, &out->reference, &out->date, &out->pages};
	if (str_is(key, "title"))
		read_heading(f, value, column, &out->title);
	else if (str_is(key, "file"))
		read_heading(f, value, column, &out->file);
	for (size_t i = 2; i < KEYS; i++)
		if (str_is(key, keys[i]))
			read_choice(f, value, column, choices[i - 2]);
	for (size_t i = 0; i < KEYS; i++)
		if (str_is(key, keys[i]))
			return true;
	tell_key(f, key);
	return false;
}

static void read_head(struct text_file *f, struct document_text *out) {
	unsigned seen = 0;
	while (f->text.len > 0) {
		struct str line = str_trim(str_cut(&f->text, '\n')), value = line;
		if (str_is(line, "---")) {
			f->line++;
			if (!(seen & 1))
				problem_error(f->problems, text_file_place(f, 1, 1), "the title is missing: expected a line 'title: ...' above ---");
			return;
		}
		struct str key = str_trim(str_cut(&value, ':'));
		value = str_trim(value);
		if (line.len > 0 && !read_key(f, key, value, value.len > 0 ? (int)(value.at - line.at) + 1 : 1, out))
			return;
		for (size_t i = 0; i < KEYS; i++) {
			if (!str_is(key, keys[i]))
				continue;
			if (seen & 1u << i)
				problem_error(f->problems, text_file_place(f, f->line, 1), "'%s' stands twice", keys[i]);
			seen |= 1u << i;
		}
		f->line++;
	}
	problem_error(f->problems, text_file_place(f, f->line, 1), "expected a line of --- and the text below it");
}

bool texts_read_document(struct arena *a, const char *path, struct document_text *out, struct problems *problems) {
	struct text_file f = {.arena = a, .problems = problems, .path = path};
	size_t errors = problems->errors;
	out->place = text_file_place(&f, 1, 1);
	out->logo = out->reference = out->date = out->pages = true;
	if (!text_file_read(&f))
		return false;
	secret_hash(out->hash, &f.text, 1);
	read_head(&f, out);
	if (problems->errors == errors && str_trim(f.text).len == 0)
		problem_error(problems, text_file_place(&f, f.line, 1), "the document has no text");
	if (problems->errors == errors)
		out->body = template_compile(a, f.text, text_file_place(&f, f.line, 1), problems);
	return problems->errors == errors;
}

void texts_read_documents(struct texts *t, const char *folder, const struct str *languages, size_t language_count, struct problems *problems) {
	const char *path = arena_printf(t->arena, "%s/documents", folder).at;
	struct text_names names = {0};
	text_folder(t->arena, path, &names, problems);
	for (size_t i = 0; i < names.count; i++) {
		const char *file = arena_printf(t->arena, "%s/%.*s", path, STR_ARG(names.items[i])).at;
		struct str rest = names.items[i];
		struct document_text document = {0};
		document.name = str_cut(&rest, '.');
		document.language = str_cut(&rest, '.');
		if (!name_valid(document.name) || document.language.len < 2 || !str_is(rest, "md"))
			problem_error(problems, (struct yaml_place){file, 1, 1}, "expected a file name such as agreement.%.*s.md", STR_ARG(language_count ? languages[0] : STR("da")));
		else if (text_wanted(document.language, languages, language_count) && texts_read_document(t->arena, file, &document, problems))
			*(struct document_text *)ARENA_PUSH(t->arena, &t->documents) = document;
	}
}
