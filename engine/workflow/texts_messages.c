#include "engine/workflow/texts_parts.h"

#include "engine/workflow/message_lint.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SUBJECT = 300 };

static void read_subject(struct text_file *f, struct str value, int column, struct message *out) {
	if (value.len == 0 || value.len > MAX_SUBJECT)
		problem_error(f->problems, text_file_place(f, f->line, column), "found a subject of %zu bytes, expected 1 to %d", value.len, MAX_SUBJECT);
	else if ((out->subject = template_compile(f->arena, value, text_file_place(f, f->line, column), f->problems)) != NULL)
		message_lint_subject(value, text_file_place(f, f->line, column), f->problems);
}

/* "subject: ..." and a line of "---". */
static void read_head(struct text_file *f, struct message *out) {
	bool seen = false;
	while (f->text.len > 0) {
		struct str line = str_trim(str_cut(&f->text, '\n')), value = line, key;
		if (str_is(line, "---")) {
			f->line++;
			if (!seen)
				problem_error(f->problems, text_file_place(f, 1, 1), "the subject is missing: expected a line 'subject: ...' above ---");
			return;
		}
		key = str_trim(str_cut(&value, ':'));
		value = str_trim(value);
		if (str_is(key, "subject") && !seen)
			read_subject(f, value, value.len > 0 ? (int)(value.at - line.at) + 1 : 1, out);
		else if (str_is(key, "subject"))
			problem_error(f->problems, text_file_place(f, f->line, 1), "'subject' stands twice");
		else if (line.len > 0)
			problem_error(f->problems, text_file_place(f, f->line, 1), "found '%.*s', expected 'subject: ...' or ---", (int)(line.len < 60 ? line.len : 60), line.at);
		seen = seen || str_is(key, "subject");
		f->line++;
		if (line.len > 0 && !str_is(key, "subject"))
			return;
	}
	problem_error(f->problems, text_file_place(f, f->line, 1), "expected a line of --- and the text below it");
}

static void read_message(struct text_file *f, struct message *out) {
	size_t errors = f->problems->errors;
	out->place = text_file_place(f, 1, 1);
	if (!text_file_read(f))
		return;
	if (out->channel == CHANNEL_MAIL)
		read_head(f, out);
	if (f->problems->errors != errors)
		return;
	if (str_trim(f->text).len == 0)
		problem_error(f->problems, text_file_place(f, f->line, 1), "the message has no text");
	else if ((out->body = template_compile(f->arena, f->text, text_file_place(f, f->line, 1), f->problems)) != NULL)
		message_lint_body(f->text, out->body, out->channel == CHANNEL_MAIL, text_file_place(f, f->line, 1), f->problems);
}

/* "confirm.da.md" in its three parts. */
static bool split_name(struct str file, struct message *out) {
	struct str rest = file;
	out->name = str_cut(&rest, '.');
	out->language = str_cut(&rest, '.');
	out->channel = str_is(rest, "txt") ? CHANNEL_SMS : CHANNEL_MAIL;
	return name_valid(out->name) && out->language.len >= 2 && out->language.len <= 35 && (str_is(rest, "md") || str_is(rest, "txt"));
}

void texts_read_messages(struct texts *t, const char *folder, const struct str *languages, size_t language_count, struct problems *problems) {
	const char *path = arena_printf(t->arena, "%s/messages", folder).at;
	struct text_names names = {0};
	text_folder(t->arena, path, &names, problems);
	for (size_t i = 0; i < names.count; i++) {
		struct text_file f = {.arena = t->arena, .problems = problems, .path = arena_printf(t->arena, "%s/%.*s", path, STR_ARG(names.items[i])).at};
		struct message message = {0};
		if (!split_name(names.items[i], &message))
			problem_error(problems, text_file_place(&f, 1, 1), "expected a file name such as confirm.%.*s.md (mail) or confirm.%.*s.txt (SMS)",
			              STR_ARG(language_count ? languages[0] : STR("da")), STR_ARG(language_count ? languages[0] : STR("da")));
		else if (text_wanted(message.language, languages, language_count)) {
			read_message(&f, &message);
			*(struct message *)ARENA_PUSH(t->arena, &t->messages) = message;
		}
	}
}
