#include "mailer/answer.h"

#include "engine/base/address.h"
#include "engine/store/access.h"

enum { MOST_A_DAY = 5, MOST_OF_ONE = 100, TOO_SOON_MS = 30 * 1000 };
static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;
static const struct str answers = {"mailed-answers", 14}, answers_of_one = {"answers-of-one", 14};

static struct str key_of(const struct outbox_row *message, struct arena *a) {
	return arena_printf(a, "%lld %lld", (long long)message->instance_id, (long long)message->contact_id);
}

static bool find_message(struct tx *tx, const struct arrival *m, struct arena *a, struct outbox_row *out, bool *found, struct err *err) {
	*found = false;
	for (size_t i = m->refers.count; i > 0 && !*found; i--)
		if (!outbox_of_message_id(tx_view(tx), m->refers.items[i - 1], a, out, found, err))
			return false;
	return true;
}

bool answer_give(struct engine *engine, struct tx *tx, const struct outbox_row *message, const struct reply *reply, int64_t now, struct arena *a, struct arrival_row *row, struct err *err) {
	int64_t count, of_one;
	struct str person = arena_printf(a, "%lld", (long long)message->contact_id);
	if (!counter_add(tx, answers, key_of(message, a), now, DAY_MS, &count, err) || !counter_add(tx, answers_of_one, person, now, DAY_MS, &of_one, err))
		return false;
	bool many = count > MOST_A_DAY || of_one > MOST_OF_ONE;
	row->outcome = many ? STR("too-many") : STR("answer");
	return many || engine_replied(engine, tx, now, message, reply, a, &row->files, err);
}

/* Why files were not even looked at; all: none of them was. */
static struct str left_out(const struct arrival *m, bool all, struct arena *a) {
	struct buf lines;
	buf_init(&lines, ARRIVAL_TEXT);
	for (size_t i = 0; i < m->files.count; i++) {
		const struct arrival_file *f = &m->files.items[i];
		if (all || f->fate != ARRIVAL_FILE_SENT)
			buf_printf(&lines, "%.*s: %s\n", STR_ARG(f->name), f->fate == ARRIVAL_FILE_SENT ? "stays in the mailbox" : f->fate == ARRIVAL_FILE_SHOWN ? "a picture of the text" : "too many files in one mail");
	}
	struct str text = arena_str(a, str_trim(buf_text(&lines)));
	buf_free(&lines);
	return text;
}

static struct reply reply_of(const struct arrival *m, struct arena *a) {
	struct reply_file *files = ARENA_ARRAY(a, m->files.count, struct reply_file);
	size_t count = 0;
	for (size_t i = 0; i < m->files.count; i++)
		if (m->files.items[i].fate == ARRIVAL_FILE_SENT)
			files[count++] = (struct reply_file){.name = m->files.items[i].name, .type = m->files.items[i].type, .content = m->files.items[i].content};
	return (struct reply){m->words, files, count};
}

/* Nobody has read a mail that left just now, and answered one before it today: it is a program that does not say so, and its next answer would be to ours. */
static bool is_too_soon(struct tx *tx, const struct outbox_row *message, int64_t now, struct arena *a, bool *soon, struct err *err) {
	int64_t count = 0;
	bool quick = message->sent_at > 0 && now - message->sent_at < TOO_SOON_MS;
	if (quick && !counter_read(tx_view(tx), answers, key_of(message, a), now, DAY_MS, &count, err))
		return false;
	*soon = quick && count > 0;
	return true;
}

bool answer_apply(struct engine *engine, struct tx *tx, const struct arrival *m, int64_t now, struct arena *a, struct arrival_row *row, struct err *err) {
	struct outbox_row message;
	bool found, soon;
	row->outbox_id = 0;
	row->outcome = STR("noted");
	row->files = left_out(m, true, a);
	if (!find_message(tx, m, a, &message, &found, err))
		return false;
	if (!found)
		return true;
	row->outbox_id = message.id;
	if (message.instance_id == 0)
		return true;
	struct str sender = address_key(a, m->from), recipient = address_key(a, message.recipient);
	row->outcome = STR("from-somebody-else");
	if (!str_equal(sender, recipient))
		return true;
	if (!is_too_soon(tx, &message, now, a, &soon, err))
		return false;
	row->outcome = STR("too-soon");
	if (soon)
		return true;
	struct reply reply = reply_of(m, a);
	if (!answer_give(engine, tx, &message, &reply, now, a, row, err))
		return false;
	if (str_is(row->outcome, "too-many"))
		return true;
	struct str out = left_out(m, false, a);
	row->files = row->files.len > 0 && out.len > 0 ? arena_printf(a, "%.*s\n%.*s", STR_ARG(row->files), STR_ARG(out)) : out.len > 0 ? out : row->files;
	return true;
}
