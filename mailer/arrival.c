#include "mailer/arrival.h"

#include "engine/base/child.h"
#include "engine/base/secret.h"

#include <string.h>

enum { PATIENCE_MS = 20 * 1000, MEMORY_MB = 384, PROCESSOR_S = 10, FILES = 16, ANSWER_MAX = ARRIVAL_BYTES + (1 << 20), TEXTS = 6, REPORT_TEXTS = 4 };

static const char *const kinds[] = {"person", "automatic", "report"};

const char *arrival_kind_name(enum arrival_kind kind) {
	return kinds[kind];
}

struct str arrival_clean(struct arena *a, struct str text, bool lines, size_t most) {
	struct buf out;
	buf_init(&out, most);
	for (size_t at = 0; at < text.len && out.len + 4 <= most;) {
		uint32_t point = str_utf8_next(text, &at);
		bool end = lines && point == '\n', none = lines && point == '\r';
		bool plain = point >= 0x20 && point != 0x7F && !(point >= 0x80 && point < 0xA0) && !(point >= 0x200B && point <= 0x200F) && !(point >= 0x2028 && point <= 0x202E) && point != 0xFEFF;
		if (!none)
			buf_utf8(&out, point == UINT32_MAX ? 0xFFFD : end ? '\n' : plain ? point : ' ');
	}
	struct str whole = arena_str(a, str_trim(buf_text(&out)));
	buf_free(&out);
	return whole;
}

/* "/l/" and a token of 43 characters. */
void arrival_mask(struct str text) {
	for (size_t i = 0; i + 3 + SECRET_TOKEN <= text.len; i++)
		if (memcmp(text.at + i, "/l/", 3) == 0)
			for (size_t k = i + 3; k < i + 3 + SECRET_TOKEN; k++)
				if (text.at[k] > ' ' && (unsigned char)text.at[k] < 0x80)
					((char *)text.at)[k] = '*';
}

/* Parent and child are the same program, so no version and no byte order. */
static void put(struct buf *out, struct str text) {
	buf_add(out, &text.len, sizeof text.len);
	buf_str(out, text);
}

static bool take(struct str *bytes, void *out, size_t len) {
	if (bytes->len < len)
		return false;
	memcpy(out, bytes->at, len);
	*bytes = (struct str){bytes->at + len, bytes->len - len};
	return true;
}

static bool take_text(struct str *bytes, struct str *out) {
	size_t len;
	if (!take(bytes, &len, sizeof len) || len > bytes->len)
		return false;
	*out = (struct str){bytes->at, len};
	*bytes = (struct str){bytes->at + len, bytes->len - len};
	return true;
}

static void list_texts(struct arrival *m, struct str *texts[TEXTS]) {
	struct str *all[TEXTS] = {&m->message_id, &m->from, &m->subject, &m->text, &m->words, &m->original_id};
	memcpy(texts, all, sizeof all);
}

static void put_words(struct buf *out, const struct arrival_words *words) {
	buf_add(out, &words->count, sizeof words->count);
	for (size_t i = 0; i < words->count; i++)
		put(out, words->items[i]);
}

static bool take_words(struct arena *a, struct str *bytes, struct arrival_words *out) {
	size_t count;
	if (!take(bytes, &count, sizeof count) || count > ARRIVAL_LIST)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!take_text(bytes, ARENA_PUSH(a, out)))
			return false;
	return true;
}

static void put_files(struct buf *out, const struct arrival_files *files) {
	buf_add(out, &files->count, sizeof files->count);
	for (size_t i = 0; i < files->count; i++) {
		buf_add(out, &files->items[i].fate, sizeof files->items[i].fate);
		put(out, files->items[i].name);
		put(out, files->items[i].type);
		put(out, files->items[i].content);
	}
}

void arrival_write(struct buf *out, const struct arrival *arrival) {
	struct arrival copy = *arrival;
	struct str *texts[TEXTS];
	list_texts(&copy, texts);
	buf_add(out, &copy.kind, sizeof copy.kind);
	for (size_t i = 0; i < TEXTS; i++)
		put(out, *texts[i]);
	put_words(out, &copy.to);
	put_words(out, &copy.refers);
	buf_add(out, &copy.reports.count, sizeof copy.reports.count);
	for (size_t i = 0; i < copy.reports.count; i++) {
		const struct arrival_report *r = &copy.reports.items[i];
		put(out, r->recipient);
		put(out, r->action);
		put(out, r->status);
		put(out, r->answer);
	}
	put_files(out, &copy.files);
}

static bool take_reports(struct arena *a, struct str *bytes, struct arrival_reports *out) {
	size_t count;
	if (!take(bytes, &count, sizeof count) || count > ARRIVAL_LIST)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct arrival_report *r = ARENA_PUSH(a, out);
		if (!take_text(bytes, &r->recipient) || !take_text(bytes, &r->action) || !take_text(bytes, &r->status) || !take_text(bytes, &r->answer))
			return false;
	}
	return true;
}

static bool take_files(struct arena *a, struct str *bytes, struct arrival_files *out) {
	size_t count;
	if (!take(bytes, &count, sizeof count) || count > ARRIVAL_LIST)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct arrival_file *f = ARENA_PUSH(a, out);
		if (!take(bytes, &f->fate, sizeof f->fate) || (unsigned)f->fate > ARRIVAL_FILE_MANY || !take_text(bytes, &f->name) || !take_text(bytes, &f->type) || !take_text(bytes, &f->content))
			return false;
	}
	return true;
}

bool arrival_unwrite(struct arena *a, struct str bytes, struct arrival *out) {
	struct str *texts[TEXTS];
	*out = (struct arrival){0};
	list_texts(out, texts);
	if (!take(&bytes, &out->kind, sizeof out->kind) || (unsigned)out->kind > ARRIVAL_REPORT)
		return false;
	for (size_t i = 0; i < TEXTS; i++)
		if (!take_text(&bytes, texts[i]))
			return false;
	return take_words(a, &bytes, &out->to) && take_words(a, &bytes, &out->refers) && take_reports(a, &bytes, &out->reports) && take_files(a, &bytes, &out->files) && bytes.len == 0;
}

bool arrival_read(struct arena *a, struct str raw, struct arrival *out, struct err *err) {
	struct child_work work = {ARRIVAL_CHILD, raw, ANSWER_MAX, PATIENCE_MS};
	struct child_answer answer;
	if (raw.len == 0 || raw.len > ARRIVAL_BYTES)
		return err_set(err, ERR_INPUT, "error.input", raw.len ? "the mail is larger than %d MB" : "the mail is empty", ARRIVAL_BYTES >> 20);
	if (!child_run(a, &work, &answer, err))
		return false;
	if (answer.status < 0)
		return err_set(err, ERR_INPUT, "error.input", "the mail cannot be read: %s", answer.why);
	return (answer.status == 0 && arrival_unwrite(a, answer.output, out)) || err_set(err, ERR_INPUT, "error.input", "the mail cannot be read");
}

int arrival_child(void) {
	static const struct child_limits limits = {.memory_mb = MEMORY_MB, .processor_s = PROCESSOR_S, .files = FILES, .output = ANSWER_MAX};
	struct arena *a = arena_new();
	struct arrival arrival;
	struct str raw;
	struct buf out;
	buf_init(&out, ANSWER_MAX);
	bool ok = child_confine(&limits) && child_input(a, ARRIVAL_BYTES, &raw) && arrival_parse(a, raw, &arrival);
	if (ok)
		arrival_write(&out, &arrival);
	ok = ok && !out.overflow && child_output(buf_text(&out));
	buf_free(&out);
	arena_free(a);
	return ok ? 0 : 1;
}
