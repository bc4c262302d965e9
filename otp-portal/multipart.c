#include "otp-portal/multipart.h"

#include "engine/base/err.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_BOUNDARY = 70 };

/* start -> turn -> head -> body -> turn ... -> end; broken from everywhere.
 *
 * start: before the first boundary; turn: behind a boundary, a part or the end follows; end: nothing but a line end may follow. */
enum state { START, TURN, HEAD, BODY, END, BROKEN };

struct multipart {
	enum state state;
	struct multipart_sink sink;
	char delimiter[4 + MOST_BOUNDARY]; /* CR LF - - boundary */
	size_t delimiter_len;
	size_t parts;
	char window[MULTIPART_WINDOW];
	size_t used;
};

static bool is_boundary_char(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("'()+_,-./:=?", c));
}

static bool same(struct str s, const char *word) {
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

bool multipart_boundary(struct str content_type, struct str *boundary) {
	struct str rest = content_type;
	bool found = false;
	if (!same(str_trim(str_cut(&rest, ';')), "multipart/form-data"))
		return false;
	while (rest.len > 0) {
		struct str value = str_trim(str_cut(&rest, ';')), name = str_cut(&value, '=');
		if (!same(name, "boundary"))
			continue;
		if (found)
			return false;
		found = true;
		*boundary = value;
	}
	if (found && boundary->len >= 2 && boundary->at[0] == '"' && boundary->at[boundary->len - 1] == '"')
		*boundary = (struct str){boundary->at + 1, boundary->len - 2};
	for (size_t i = 0; found && i < boundary->len; i++)
		found = is_boundary_char(boundary->at[i]);
	return found && boundary->len >= 1 && boundary->len <= MOST_BOUNDARY;
}

struct multipart *multipart_open(struct str boundary, struct multipart_sink sink) {
	struct multipart *m = calloc(1, sizeof *m);
	BUG_IF(m == NULL || boundary.len > MOST_BOUNDARY);
	m->sink = sink;
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.at, boundary.len);
	m->delimiter_len = 4 + boundary.len;
	return m;
}

void multipart_close(struct multipart *m) {
	free(m);
}

bool multipart_whole(const struct multipart *m) {
	return m->state == END;
}

/* Always false: no further step. */
static bool broken(struct multipart *m) {
	m->state = BROKEN;
	return false;
}

static void drop(struct multipart *m, size_t len) {
	memmove(m->window, m->window + len, m->used - len);
	m->used -= len;
}

/* --- the head of a part --- */

struct head {
	bool form_data, has_name, file;
	struct str name, filename;
};

static bool take_parameter(struct head *h, struct str name, struct str value) {
	if (same(name, "name")) {
		bool first = !h->has_name;
		h->has_name = true;
		h->name = value;
		return first && value.len > 0 && value.len <= MULTIPART_NAME;
	}
	if (same(name, "filename")) {
		bool first = !h->file;
		h->file = true;
		h->filename = value;
		return first && value.len <= MULTIPART_FILE_NAME;
	}
	return false; /* filename* too: RFC 7578 4.2 forbids it */
}

/* form-data; name="x"; filename="y". A quotation mark always ends the text: browsers write %22 for one inside. */
static bool read_disposition(struct head *h, struct str value) {
	if (h->form_data || !same(str_trim(str_cut(&value, ';')), "form-data"))
		return false;
	h->form_data = true;
	while (str_trim(value).len > 0) {
		struct str name = str_trim(str_cut(&value, '='));
		if (value.len == 0 || value.at[0] != '"')
			return false;
		value = (struct str){value.at + 1, value.len - 1};
		const char *end = memchr(value.at, '"', value.len);
		if (!end)
			return false;
		struct str text = str_cut(&value, '"');
		if (!take_parameter(h, name, text))
			return false;
		value = str_trim(value);
		if (value.len > 0 && value.at[0] != ';')
			return false;
		str_cut(&value, ';');
	}
	return h->has_name;
}

static bool read_line(struct head *h, struct str line) {
	struct str value = line;
	if (line.len == 0 || line.at[0] == ' ' || line.at[0] == '\t' || !memchr(line.at, ':', line.len))
		return false;
	struct str name = str_cut(&value, ':');
	if (same(name, "Content-Disposition"))
		return read_disposition(h, str_trim(value));
	/* What a browser says of the content is not believed; an encoding would change what the bytes mean. */
	return !same(name, "Content-Transfer-Encoding");
}

/* text ends with CR LF; nothing else in it may look like a line's end. */
static bool read_head(struct head *h, struct str text) {
	while (text.len > 0) {
		struct str line = str_cut(&text, '\n');
		if (line.len == 0 || line.at[line.len - 1] != '\r')
			return false;
		line.len--;
		if (memchr(line.at, '\0', line.len) || memchr(line.at, '\r', line.len) || !read_line(h, line))
			return false;
	}
	return h->form_data && str_utf8_valid(h->name);
}

/* --- steps: true when another may follow --- */

static bool step_start(struct multipart *m) {
	if (m->used < m->delimiter_len - 2)
		return false;
	if (memcmp(m->window, m->delimiter + 2, m->delimiter_len - 2) != 0)
		return broken(m);
	drop(m, m->delimiter_len - 2);
	m->state = TURN;
	return true;
}

static bool step_turn(struct multipart *m) {
	if (m->used < 2)
		return false;
	if (memcmp(m->window, "--", 2) == 0)
		m->state = END;
	else if (memcmp(m->window, "\r\n", 2) == 0 && ++m->parts <= MULTIPART_PARTS)
		m->state = HEAD;
	else
		return broken(m);
	drop(m, 2);
	return true;
}

static bool step_head(struct multipart *m) {
	size_t seen = m->used < MULTIPART_HEAD ? m->used : MULTIPART_HEAD;
	const char *end = memmem(m->window, seen, "\r\n\r\n", 4);
	struct head h = {0};
	if (!end)
		return seen == MULTIPART_HEAD ? broken(m) : false;
	size_t len = (size_t)(end - m->window) + 2;
	if (!read_head(&h, (struct str){m->window, len}) || !m->sink.part(m->sink.context, h.name, h.file, h.filename))
		return broken(m);
	drop(m, len + 2);
	m->state = BODY;
	return true;
}

/* What cannot be the beginning of a boundary is passed on. */
static bool step_body(struct multipart *m) {
	const char *end = memmem(m->window, m->used, m->delimiter, m->delimiter_len);
	size_t keep = m->delimiter_len - 1, len = end ? (size_t)(end - m->window) : m->used > keep ? m->used - keep : 0;
	if (len > 0 && !m->sink.data(m->sink.context, m->window, len))
		return broken(m);
	drop(m, end ? len + m->delimiter_len : len);
	if (end)
		m->state = TURN;
	return end != NULL;
}

static bool step_end(struct multipart *m) {
	if (m->used > 2 || memcmp(m->window, "\r\n", m->used) != 0)
		return broken(m);
	return false;
}

static bool step(struct multipart *m) {
	switch (m->state) {
	case START: return step_start(m);
	case TURN: return step_turn(m);
	case HEAD: return step_head(m);
	case BODY: return step_body(m);
	case END: return step_end(m);
	case BROKEN: break;
	}
	return false;
}

bool multipart_feed(struct multipart *m, const char *bytes, size_t len) {
	while (len > 0 && m->state != BROKEN) {
		/* Every state leaves room: a head and a boundary are much smaller than the window. */
		size_t room = sizeof m->window - m->used, take = len < room ? len : room;
		BUG_IF(room == 0);
		memcpy(m->window + m->used, bytes, take);
		m->used += take;
		bytes += take;
		len -= take;
		while (step(m))
			;
	}
	return m->state != BROKEN;
}
