/* texts_parts: what the readers of a package's texts share. Internal to texts*.c. */
#ifndef ENGINE_WORKFLOW_TEXTS_PARTS_H
#define ENGINE_WORKFLOW_TEXTS_PARTS_H

#include "engine/workflow/texts_index.h"

struct texts {
	struct arena *arena;
	struct words {
		struct str language;
		struct text_index index;
	} *words; /* in the order of the languages that were asked for; only those that are there */
	size_t word_count;
	struct {
		struct message *items; /* by name, channel, language */
		size_t count, cap;
	} messages;
	struct {
		struct document_text *items; /* by name, language */
		size_t count, cap;
	} documents;
};

/* One file under way. */
struct text_file {
	struct arena *arena;
	struct problems *problems;
	const char *path;
	struct str text; /* LF line ends */
	int line;        /* of what is left in text */
};
struct yaml_place text_file_place(const struct text_file *f, int line, int column);
bool text_file_read(struct text_file *f); /* UTF-8 without controls, or told */
/* The names in a folder, sorted, without hidden files and editors' copies. No such folder: none. */
struct text_names {
	struct str *items;
	size_t count, cap;
};
void text_folder(struct arena *a, const char *path, struct text_names *out, struct problems *problems);
bool text_wanted(struct str language, const struct str *languages, size_t count);

/* Puts every text of a texts/<lang>.yaml into the index, and tells every unknown key, wrong kind and broken placeholder. */
void texts_read_words(const struct yaml *root, struct arena *a, struct text_index *out, struct problems *problems);
/* The files of folder/messages in these languages. No such folder: no messages. */
void texts_read_messages(struct texts *t, const char *folder, const struct str *languages, size_t language_count, struct problems *problems);
/* Likewise of folder/documents. */
void texts_read_documents(struct texts *t, const char *folder, const struct str *languages, size_t language_count, struct problems *problems);

#endif
