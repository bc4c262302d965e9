/* Documents: what the paper will say is fixed in the transition's own transaction, words and look too; the file is drawn after the commit. */
#include "engine/base/colour.h"
#include "engine/base/log.h"
#include "engine/workflow/engine_run.h"
#include "engine/workflow/message_values.h"
#include "engine/workflow/upload.h"

#include <string.h>

enum { SHEET_TEXT = 1 << 20, HEADING = 600 };

/* One document while it is made. */
struct making {
	struct run *r;
	const struct loaded *l;
	const struct document_text *text;
	const struct language *language;
	struct message_values values;
	struct document *row;
	struct document_sheet *sheet;
};

static bool render(const struct making *m, const struct template *t, enum template_target target, size_t limit, struct str *out, struct err *err) {
	struct template_source source = {(void *)&m->values, message_value};
	struct buf text;
	buf_init(&text, limit);
	bool ok = template_render(t, target, &source, m->r->a, &text, err);
	*out = arena_str(m->r->a, ok ? str_trim(buf_text(&text)) : STR(""));
	buf_free(&text);
	return ok;
}

/* "Udgave 2", "Tillæg 1 til udgave 2"; nothing of a first version. */
static struct str version_words(const struct making *m) {
	struct str version = language_int(m->language, m->r->a, m->row->version), addendum = language_int(m->language, m->r->a, m->row->addendum);
	if (m->row->addendum > 0)
		return language_text(m->language, m->r->a, "document.addendum", addendum, version);
	return m->row->version > 1 ? language_text(m->language, m->r->a, "document.version", version, STR("")) : STR("");
}

static void lay_out(const struct making *m, struct str words) {
	const struct site_config *config = site_config(m->r->engine->site);
	struct document_sheet *sheet = m->sheet;
	struct colour_set *colours = ARENA_NEW(m->r->a, struct colour_set);
	bool png = config->logo.ending && strcmp(config->logo.ending, "png") == 0;
	int64_t day = civil_day_of(zone_local(site_zone(m->r->engine->site), m->r->now));
	struct str date = m->text->date ? language_date(m->language, m->r->a, day) : STR("");
	colour_light(config->colour, colours);
	sheet->site = m->text->logo ? config->name : STR("");
	sheet->logo = m->text->logo && png ? config->logo.bytes : STR("");
	sheet->colour = str_from(colours->text);
	sheet->pages = m->text->pages ? language_word(m->language, "document.pages") : STR("");
	sheet->reference = m->text->reference ? language_text(m->language, m->r->a, "document.reference", m->l->instance.reference, STR("")) : STR("");
	sheet->date = date.len > 0 && words.len > 0 ? arena_printf(m->r->a, "%.*s · %.*s", STR_ARG(date), STR_ARG(words)) : date.len > 0 ? date : words;
}

static bool write_sheet(const struct making *m, struct err *err) {
	struct str words = version_words(m), file;
	struct document *row = m->row;
	lay_out(m, words);
	if (!render(m, m->text->title, TEMPLATE_HEADER, HEADING, &row->title, err) ||
	    !render(m, m->text->file ? m->text->file : m->text->title, TEMPLATE_HEADER, HEADING, &file, err) ||
	    !render(m, m->text->body, TEMPLATE_MARKDOWN, SHEET_TEXT, &m->sheet->markdown, err))
		return false;
	struct str full = words.len > 0 ? arena_printf(m->r->a, "%.*s (%.*s)", STR_ARG(file), STR_ARG(words)) : file;
	row->file = upload_safe_name(m->r->a, arena_printf(m->r->a, "%.*s.pdf", STR_ARG(full)));
	return row->title.len > 0 || err_set(err, ERR_INPUT, "error.input", "its title is empty");
}

struct str run_who_sees(struct run *r, const struct action *action) {
	struct str roles = STR("");
	for (size_t i = 0; i < action->to.count; i++)
		roles = arena_printf(r->a, "%.*s\x1f%.*s\x1f", STR_ARG(roles), STR_ARG(action->to.items[i]->name));
	return roles;
}

/* The next of its series, behind what is in the store and what this transition makes. */
static bool number(struct run *r, const struct loaded *l, const struct action *action, const struct prepared_documents *made, struct document *row, struct err *err) {
	int64_t version, addenda;
	if (!document_newest(r->view, l->instance.id, action->document, &version, &addenda, err))
		return false;
	for (size_t i = 0; i < made->count; i++)
		if (str_equal(made->items[i].row.name, action->document))
			version = made->items[i].row.version, addenda = made->items[i].row.addendum;
	bool adds = action->addendum && version > 0;
	row->version = adds ? version : version + 1;
	row->addendum = adds ? addenda + 1 : 0;
	return true;
}

/* What cannot be made stands as failed: the transition is right without its paper. */
static void prepare(struct run *r, const struct loaded *l, const struct effect *effect, struct prepared_document *out) {
	const struct site *site = r->engine->site;
	const struct package *package = site_package(site, l->definition->name);
	struct str wanted = effect->action->language.len > 0 ? effect->action->language : site_config(site)->languages[0];
	const struct document_text *text = package ? texts_document(package->texts, effect->action->template, wanted) : NULL;
	struct register_port registers = data_store_port(r->view);
	struct err err = {0};
	struct making m = {.r = r, .l = l, .text = text, .row = &out->row, .sheet = &out->sheet};
	bool ok = text || err_set(&err, ERR_PERMANENT, "error.internal", "there is no document '%.*s'", STR_ARG(effect->action->template));
	if (text) {
		m.language = language_get(site_languages(site), text->language);
		m.values = (struct message_values){.site = site, .texts = package->texts, .definition = l->definition, .language = m.language, .instance = &l->instance,
		                                   .fields = effect->values, .registers = &registers};
		out->row.language = text->language;
		memcpy(out->row.template_hash, text->hash, SECRET_HASH);
		ok = write_sheet(&m, &err);
	}
	if (!ok) {
		out->row.answer = arena_printf(r->a, "it cannot be made: %s", err.text);
		log_event(LOG_ERROR, "document-failed", "instance=%.*s name=%.*s text=\"%s\"", STR_ARG(l->instance.reference), STR_ARG(effect->action->document), err.text);
	}
}

bool run_prepare_documents(struct run *r, const struct loaded *l, const struct decision *decision, struct prepared_documents *out, struct err *err) {
	for (size_t i = 0; i < decision->effects.count; i++) {
		const struct effect *effect = &decision->effects.items[i];
		if (effect->kind != EFFECT_DOCUMENT)
			continue;
		struct prepared_document one = {.row = {.instance_id = l->instance.id, .at = r->now, .name = effect->action->document, .roles = run_who_sees(r, effect->action)}};
		one.row.language = one.row.title = one.row.file = one.row.answer = one.sheet.markdown = one.sheet.site = one.sheet.reference = one.sheet.date = one.sheet.pages =
		        one.sheet.colour = one.sheet.logo = STR("");
		if (!number(r, l, effect->action, out, &one.row, err))
			return false;
		prepare(r, l, effect, &one);
		document_digest(&one.row, &one.sheet, one.row.digest);
		*(struct prepared_document *)ARENA_PUSH(r->a, out) = one;
	}
	return true;
}

struct str run_documents_record(struct arena *a, const struct document *d) {
	struct str digest = secret_hex(a, d->digest, sizeof d->digest);
	return arena_printf(a, "{\"name\":\"%.*s\",\"version\":%lld,\"addendum\":%lld,\"digest\":\"%.*s\"}", STR_ARG(d->name), (long long)d->version, (long long)d->addendum, STR_ARG(digest));
}

struct str run_documents_payload(struct run *r, const struct prepared_documents *documents, struct str payload) {
	struct str list = STR("");
	for (size_t i = 0; i < documents->count; i++) {
		struct str record = run_documents_record(r->a, &documents->items[i].row);
		list = arena_printf(r->a, "%.*s%s%.*s", STR_ARG(list), i ? "," : "", STR_ARG(record));
	}
	if (documents->count == 0)
		return payload;
	return arena_printf(r->a, "%.*s,\"" RUN_DOCUMENTS "\":[%.*s]}", (int)payload.len - 1, payload.at, STR_ARG(list));
}

bool run_write_documents(struct run *r, struct prepared_documents *documents, int64_t history_id, struct err *err) {
	for (size_t i = 0; i < documents->count; i++) {
		documents->items[i].row.history_id = history_id;
		if (!document_put(r->tx, &documents->items[i].row, &documents->items[i].sheet, err))
			return false;
	}
	return true;
}
