#include "mailer/dialog.h"

#include <stdio.h>
#include <string.h>

enum { PIECE = 16384, REPLY_LINES = 100, ADDRESSES = 1200 };

void dialog_open(struct dialog *d, const struct dialog_wire *wire, bool pipelining) {
	*d = (struct dialog){.wire = *wire, .pipelining = pipelining};
}

static bool say(struct dialog *d, struct str bytes) {
	d->broken = d->broken || !d->wire.send(d->wire.context, bytes);
	return !d->broken;
}

/* --- answers --- */

static bool next_byte(struct dialog *d, char *out) {
	if (d->in_at == d->in_len) {
		d->in_at = 0;
		d->in_len = d->wire.receive(d->wire.context, d->in, sizeof d->in);
	}
	if (d->in_len == 0)
		return false;
	*out = d->in[d->in_at++];
	return true;
}

/* Into d->line, without its end; what does not fit is dropped. A line without end for too long is no answer. */
static bool read_line(struct dialog *d) {
	enum { LONGEST = 16384 };
	size_t len = 0;
	char c;
	for (int seen = 0; seen < LONGEST && next_byte(d, &c); seen++) {
		if (c == '\n') {
			len -= len > 0 && d->line[len - 1] == '\r';
			d->line[len] = '\0';
			return true;
		}
		if (len + 1 < sizeof d->line)
			d->line[len++] = c;
	}
	d->line[len] = '\0';
	return false;
}

/* One answer, of as many lines as it has. What is none breaks the connection: nobody would know any more which answer belongs to what. */
static bool hear(struct dialog *d, enum stage stage) {
	d->code = 0;
	d->line[0] = '\0';
	d->stage = stage;
	for (int i = 0; !d->broken && i < REPLY_LINES && read_line(d); i++) {
		struct str line = str_from(d->line);
		int64_t code = verdict_code(line);
		if (code == 0)
			break;
		d->heard = true;
		if (line.len > 3 && line.at[3] == '-')
			continue;
		d->code = code;
		d->broken = code == 421; /* RFC 5321 section 3.8: it closes */
		return true;
	}
	d->broken = true;
	return false;
}

/* --- the envelope --- */

static struct str command(char *out, size_t cap, const char *verb, struct str address) {
	int len = snprintf(out, cap, "%s<%.*s>\r\n", verb, STR_ARG(address));
	BUG_IF(len < 0 || (size_t)len >= cap);
	return (struct str){out, (size_t)len};
}

static void begin(struct dialog *d) {
	d->heard = d->dotted = false;
	d->code = 0;
	d->stage = STAGE_SENDER;
	d->line[0] = '\0';
}

static struct str together(char *out, size_t cap, bool reset, const struct envelope *e) {
	char mail[ADDRESSES], recipient[ADDRESSES];
	struct str m = command(mail, sizeof mail, "MAIL FROM:", e->from), r = command(recipient, sizeof recipient, "RCPT TO:", e->to);
	int len = snprintf(out, cap, "%s%.*s%.*sDATA\r\n", reset ? "RSET\r\n" : "", STR_ARG(m), STR_ARG(r));
	BUG_IF(len < 0 || (size_t)len >= cap);
	return (struct str){out, (size_t)len};
}

void dialog_offer(struct dialog *d, const struct envelope *e) {
	char all[3 * ADDRESSES];
	if (!d->pipelining || d->broken || d->offered)
		return;
	begin(d);
	d->offered = say(d, together(all, sizeof all, d->reset, e));
}

/* The worst that was said so far stays: what follows a refusal is only its echo. */
struct heard {
	enum stage stage;
	int64_t code;
	char line[512];
	bool refused;
};

static void keep(struct heard *h, const struct dialog *d, bool good) {
	if (h->refused || good)
		return;
	h->refused = true;
	h->stage = d->stage;
	h->code = d->code;
	memcpy(h->line, d->line, sizeof h->line);
}

static bool give_back(struct dialog *d, const struct heard *h) {
	d->stage = h->stage;
	d->code = h->code;
	memcpy(d->line, h->line, sizeof d->line);
	d->reset = true;
	if (h->code < 400)
		d->broken = true; /* it answers what was not asked */
	return false;
}

static bool is_good(const struct dialog *d, bool data) {
	return data ? d->code == 354 : d->code >= 200 && d->code < 300;
}

/* An answer to something that was sent together with the rest; after a connection's end the first refusal still counts. */
static bool hear_next(struct dialog *d, enum stage stage, bool data, struct heard *h) {
	bool came = !d->broken && hear(d, stage);
	if (came)
		keep(h, d, is_good(d, data));
	return came;
}

static bool envelope_together(struct dialog *d) {
	struct heard h = {0};
	bool had_reset = d->reset;
	d->offered = d->reset = false;
	if (had_reset)
		hear_next(d, STAGE_SENDER, false, &h);
	hear_next(d, STAGE_SENDER, false, &h);
	hear_next(d, STAGE_RECIPIENT, false, &h);
	hear_next(d, STAGE_CONTENT, true, &h);
	/* DATA was accepted though there is nobody to send to: an empty message ends it. */
	if (h.refused && !d->broken && d->code == 354 && say(d, STR(".\r\n")))
		hear(d, STAGE_CONTENT);
	return h.refused ? give_back(d, &h) : !d->broken;
}

static bool ask(struct dialog *d, struct str line, enum stage stage, bool data) {
	struct heard h = {0};
	if (!say(d, line) || !hear(d, stage))
		return false;
	keep(&h, d, is_good(d, data));
	return !h.refused || give_back(d, &h);
}

static bool envelope_one_by_one(struct dialog *d, const struct envelope *e) {
	char line[ADDRESSES];
	bool had_reset = d->reset;
	d->reset = false;
	d->stage = STAGE_SENDER;
	if ((had_reset && !ask(d, STR("RSET\r\n"), STAGE_SENDER, false)) || !ask(d, command(line, sizeof line, "MAIL FROM:", e->from), STAGE_SENDER, false))
		return false;
	return ask(d, command(line, sizeof line, "RCPT TO:", e->to), STAGE_RECIPIENT, false) && ask(d, STR("DATA\r\n"), STAGE_CONTENT, true);
}

/* --- the message --- */

struct piece {
	char bytes[PIECE];
	size_t len;
};

static bool put(struct dialog *d, struct piece *p, const char *bytes, size_t len) {
	bool ok = p->len + len <= PIECE || say(d, (struct str){p->bytes, p->len});
	if (p->len + len > PIECE)
		p->len = 0;
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
	return ok;
}

/* Any length, in pieces. */
static bool put_long(struct dialog *d, struct piece *p, struct str s) {
	bool ok = true;
	while (ok && s.len > 0) {
		size_t len = s.len < PIECE ? s.len : PIECE;
		ok = put(d, p, s.at, len);
		s = (struct str){s.at + len, s.len - len};
	}
	return ok;
}

static size_t line_length(struct str s) {
	size_t len = 0;
	while (len < s.len && s.at[len] != '\r' && s.at[len] != '\n')
		len++;
	return len;
}

/* Each line with CRLF behind it, however it ended; one that begins with a dot gets a second one. */
static bool send_lines(struct dialog *d, struct piece *p, struct str message) {
	bool ok = true;
	while (ok && message.len > 0) {
		struct str line = {message.at, line_length(message)};
		size_t end = line.len < message.len;
		end += end && message.at[line.len] == '\r' && line.len + 1 < message.len && message.at[line.len + 1] == '\n';
		ok = (line.len == 0 || line.at[0] != '.' || put(d, p, ".", 1)) && put_long(d, p, line) && put(d, p, "\r\n", 2);
		message = (struct str){message.at + line.len + end, message.len - line.len - end};
	}
	return ok;
}

static bool send_message(struct dialog *d, struct str message, const struct envelope *next) {
	struct piece p;
	char envelope[3 * ADDRESSES];
	p.len = 0;
	d->stage = STAGE_CONTENT;
	d->code = 0;
	d->line[0] = '\0';
	if (!send_lines(d, &p, message) || !put(d, &p, ".\r\n", 3))
		return false;
	d->dotted = true; /* from here on: what follows may send it off */
	d->offered = next && d->pipelining && put_long(d, &p, together(envelope, sizeof envelope, false, next));
	if (!say(d, (struct str){p.bytes, p.len}) || !hear(d, STAGE_CONTENT))
		return false;
	if (d->code < 400 && !is_good(d, false)) {
		d->broken = true; /* neither yes nor no */
		d->code = 0;
	}
	return is_good(d, false);
}

bool dialog_send(struct dialog *d, const struct envelope *e, struct str message, const struct envelope *next) {
	dialog_offer(d, e);
	begin(d);
	bool taken = d->offered ? envelope_together(d) : !d->broken && envelope_one_by_one(d, e);
	d->offered = false;
	return taken && send_message(d, message, next);
}

bool dialog_try_sender(struct dialog *d, struct str from) {
	char line[ADDRESSES], said[sizeof d->line];
	begin(d);
	bool taken = ask(d, command(line, sizeof line, "MAIL FROM:", from), STAGE_SENDER, false);
	memcpy(said, d->line, sizeof said);
	if (!d->broken && say(d, STR("RSET\r\n")))
		hear(d, STAGE_SENDER);
	d->reset = false;
	memcpy(d->line, said, sizeof said);
	return taken;
}

void dialog_quit(struct dialog *d) {
	if (!d->broken && !d->offered && say(d, STR("QUIT\r\n")))
		hear(d, STAGE_CONNECT);
	d->broken = true;
}
