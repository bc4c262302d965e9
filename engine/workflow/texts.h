/* texts: what people read of a package: texts/<lang>.yaml and the folder messages. Live: read again on reload, as long as they check.
 * Immutable after loading: any thread. */
#ifndef ENGINE_WORKFLOW_TEXTS_H
#define ENGINE_WORKFLOW_TEXTS_H

#include "engine/base/language.h"
#include "engine/store/people.h"
#include "engine/workflow/data.h"
#include "engine/workflow/template.h"

struct texts;

/* Reads folder/texts and folder/messages for these languages. NULL on errors (told). Owns an arena; caller closes. */
struct texts *texts_load(const char *folder, const struct str *languages, size_t language_count, struct problems *problems);
void texts_free(struct texts *t);

/* The languages that the package has texts in, in the order they were asked for. */
size_t texts_language_count(const struct texts *t);
struct str texts_language_at(const struct texts *t, size_t index);

/* One text as it was written and, of Markdown, what pages show of it. */
struct text {
	struct str written;
	const struct template *template; /* has placeholders; NULL: it has none, or is no Markdown */
	struct str html;                 /* of Markdown without placeholders */
};
/* In that language, else in the first one that has it; NULL: none. The path's pieces may be dotted themselves; empty pieces end it. Borrowed. */
const struct text *texts_find(const struct texts *t, struct str language, struct str a, struct str b, struct str c, struct str d);
/* Dotted path "fields.education.label" in that language, else in the first one; empty when there is none. Borrowed. */
struct str texts_get(const struct texts *t, struct str language, const char *path);
/* path built from parts, which may be dotted themselves: texts_at(t, lang, "fields", field->words, "label"). Empty parts end it. */
struct str texts_at(const struct texts *t, struct str language, struct str a, struct str b, struct str c, struct str d);
struct str texts_own(const struct texts *t, struct str language, struct str a, struct str b, struct str c); /* in that very language */
bool texts_has(const struct texts *t, struct str language, const char *path); /* in that very language */
/* What a field is called where its value is shown: its caption, else its label, else its name. field: its words. */
struct str texts_caption(const struct texts *t, struct str language, struct str field);

/* A message for a channel: subject template (mail) and body template. NULL: none. */
struct message {
	struct str name, language;
	enum channel channel;
	const struct template *subject; /* mail only */
	const struct template *body;
	struct yaml_place place;
};
const struct message *texts_message(const struct texts *t, struct str name, enum channel channel, struct str language);
size_t texts_message_count(const struct texts *t);
const struct message *texts_message_at(const struct texts *t, size_t index);

/* What a document is made from: a small header, then Markdown. */
struct document_text {
	struct str name, language;
	const struct template *title; /* the heading */
	const struct template *file;  /* what the file is called; NULL: as the title */
	const struct template *body;
	bool logo, reference, date, pages; /* what else stands on the paper */
	unsigned char hash[SECRET_HASH];   /* of the whole file */
	struct yaml_place place;
};
/* In that language, else in the first that has it; NULL: none. */
const struct document_text *texts_document(const struct texts *t, struct str name, struct str language);
size_t texts_document_count(const struct texts *t);
const struct document_text *texts_document_at(const struct texts *t, size_t index);
/* One such file. False when something was told. */
bool texts_read_document(struct arena *a, const char *path, struct document_text *out, struct problems *problems);

/* A value as people read it: date in words, option labels, a row's label, decimal comma, "Ja"; a list as "a, b and c".
 * A matrix gives one "label: level" a line, a group one item: "Name: Ida, E-mail: ida@example.dk". */
struct str texts_value(const struct texts *t, const struct definition *d, const struct language *language, const struct zone *zone,
                       const struct field *field, const struct value *value, const struct register_port *registers, struct arena *a);
/* What a section over a group repeats: its items, whose members are its fields. Memory in arena. */
struct template_value texts_items(const struct texts *t, const struct definition *d, const struct language *language, const struct zone *zone,
                                  const struct field *group, const struct value *list, const struct register_port *registers, struct arena *a);
/* "2,4 MB", "12 kB"; a kB is 1024 bytes. */
struct str texts_size(const struct language *language, int64_t bytes, struct arena *a);
/* The row of a ref or matrix with that key as people read it; the key itself when the register has it no more. */
struct str texts_row(const struct texts *t, const struct language *language, const struct field *field, struct str key, const struct register_port *registers,
                     struct arena *a);

#endif
