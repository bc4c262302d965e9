#include "engine/workflow/texts_parts.h"

#include <stdlib.h>
#include <string.h>

/* err->text begins with file:line:column, which a problem has as its place. */
static void tell_unread(struct problems *problems, const char *path, const struct err *err) {
	struct str rest = str_from(err->text), file = str_from(path);
	struct yaml_place place = {arena_z(problems->arena, file), 1, 1};
	int64_t line, column;
	if (str_starts(rest, file) && rest.at[file.len] == ':') {
		rest = (struct str){rest.at + file.len + 1, rest.len - file.len - 1};
		if (str_to_int(str_cut(&rest, ':'), &line) && str_to_int(str_cut(&rest, ':'), &column))
			place.line = (int)line, place.column = (int)column;
	}
	problem_error(problems, place, "%.*s", STR_ARG(str_trim(rest)));
}

static void read_words(struct texts *t, const char *folder, struct str language, struct problems *problems) {
	const char *path = arena_printf(t->arena, "%s/texts/%.*s.yaml", folder, STR_ARG(language)).at;
	struct err err = {0};
	const struct yaml *root = yaml_read(t->arena, path, &err);
	if (root) {
		struct words *words = &t->words[t->word_count++];
		words->language = arena_str(t->arena, language);
		texts_read_words(root, t->arena, &words->index, problems);
	} else if (err.kind != ERR_NOT_FOUND) {
		tell_unread(problems, path, &err);
	}
}

/* The problems outlive the texts, whose arena holds the names of their files. */
static void keep_places(const struct problems *problems, size_t first) {
	for (size_t i = first; i < problems->count; i++)
		if (problems->items[i].place.file)
			problems->items[i].place.file = arena_z(problems->arena, str_from(problems->items[i].place.file));
}

struct texts *texts_load(const char *folder, const struct str *languages, size_t language_count, struct problems *problems) {
	struct arena *arena = arena_new();
	struct texts *t = ARENA_NEW(arena, struct texts);
	size_t first = problems->count, errors = problems->errors;
	*t = (struct texts){.arena = arena, .words = ARENA_ARRAY(arena, language_count, struct words)};
	for (size_t i = 0; i < language_count; i++)
		read_words(t, folder, languages[i], problems);
	if (t->word_count == 0 && problems->errors == errors)
		problem_error(problems, (struct yaml_place){folder, 1, 1}, "no texts: expected texts/%.*s.yaml", STR_ARG(language_count ? languages[0] : STR("da")));
	texts_read_messages(t, folder, languages, language_count, problems);
	texts_read_documents(t, folder, languages, language_count, problems);
	keep_places(problems, first);
	if (problems->errors == errors)
		return t;
	texts_free(t);
	return NULL;
}

void texts_free(struct texts *t) {
	if (t)
		arena_free(t->arena);
}

/* looking up */

static const struct words *words_of(const struct texts *t, struct str language) {
	for (size_t i = 0; i < t->word_count; i++)
		if (str_equal(t->words[i].language, language))
			return &t->words[i];
	return NULL;
}

const struct text *texts_find(const struct texts *t, struct str language, struct str a, struct str b, struct str c, struct str d) {
	struct str path[] = {a, b, c, d};
	const struct words *words = words_of(t, language);
	const struct text *text = words ? text_index_find(&words->index, path, 4) : NULL;
	for (size_t i = 0; !text && i < t->word_count; i++)
		text = text_index_find(&t->words[i].index, path, 4);
	return text;
}

struct str texts_at(const struct texts *t, struct str language, struct str a, struct str b, struct str c, struct str d) {
	const struct text *text = texts_find(t, language, a, b, c, d);
	return text ? text->written : STR("");
}

struct str texts_get(const struct texts *t, struct str language, const char *path) {
	return texts_at(t, language, str_from(path), STR(""), STR(""), STR(""));
}

struct str texts_own(const struct texts *t, struct str language, struct str a, struct str b, struct str c) {
	struct str path[] = {a, b, c};
	const struct words *words = words_of(t, language);
	const struct text *text = words ? text_index_find(&words->index, path, 3) : NULL;
	return text ? text->written : STR("");
}

bool texts_has(const struct texts *t, struct str language, const char *path) {
	return texts_own(t, language, str_from(path), STR(""), STR("")).len > 0;
}

struct str texts_caption(const struct texts *t, struct str language, struct str field) {
	struct str caption = texts_own(t, language, STR("fields"), field, STR("caption"));
	struct str label = caption.len > 0 ? caption : texts_at(t, language, STR("fields"), field, STR("label"), STR(""));
	return label.len > 0 ? label : field;
}

/* The texts of a reader's language, else those of the first language that has them: lower is better. */
static size_t rank_of(const struct texts *t, struct str wanted, struct str language) {
	size_t rank = 0;
	if (str_equal(wanted, language))
		return 0;
	while (rank < t->word_count && !str_equal(t->words[rank].language, language))
		rank++;
	return rank + 1;
}

const struct message *texts_message(const struct texts *t, struct str name, enum channel channel, struct str language) {
	const struct message *best = NULL;
	for (size_t i = 0; i < t->messages.count; i++) {
		const struct message *m = &t->messages.items[i];
		if (m->channel == channel && str_equal(m->name, name) && (!best || rank_of(t, language, m->language) < rank_of(t, language, best->language)))
			best = m;
	}
	return best;
}

const struct document_text *texts_document(const struct texts *t, struct str name, struct str language) {
	const struct document_text *best = NULL;
	for (size_t i = 0; i < t->documents.count; i++) {
		const struct document_text *d = &t->documents.items[i];
		if (str_equal(d->name, name) && (!best || rank_of(t, language, d->language) < rank_of(t, language, best->language)))
			best = d;
	}
	return best;
}

size_t texts_document_count(const struct texts *t) {
	return t->documents.count;
}

const struct document_text *texts_document_at(const struct texts *t, size_t index) {
	return &t->documents.items[index];
}

size_t texts_message_count(const struct texts *t) {
	return t->messages.count;
}

const struct message *texts_message_at(const struct texts *t, size_t index) {
	return &t->messages.items[index];
}
