#include "engine/workflow/message_lint.h"

#include "engine/workflow/markdown_walk.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum {
	SUBJECT_LONG = 78,  /* characters of fixed text; most lists of mails show fewer than 60 */
	CAPITALS_LEAST = 8, /* so many letters before it counts as shouting */
	HOST_MAX = 253,
	BODY_LIMIT = 1 << 20
};

/* --- subjects --- */

/* Without what stands in {{ }}. */
static struct str fixed_text(struct arena *a, struct str text) {
	char *out = arena_alloc(a, text.len + 1);
	size_t len = 0;
	while (text.len > 0) {
		const char *tag = memmem(text.at, text.len, "{{", 2);
		size_t before = tag ? (size_t)(tag - text.at) : text.len;
		memcpy(out + len, text.at, before);
		len += before;
		text = (struct str){text.at + before, text.len - before};
		const char *end = text.len > 0 ? memmem(text.at, text.len, "}}", 2) : NULL;
		size_t behind = end ? (size_t)(end + 2 - text.at) : text.len;
		text = (struct str){text.at + behind, text.len - behind};
	}
	return (struct str){out, len};
}

static bool is_upper(uint32_t c) {
	return (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7);
}

static bool is_lower(uint32_t c) {
	return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0xFF && c != 0xF7);
}

static bool is_shouting(struct str text) {
	size_t upper = 0, lower = 0;
	for (size_t at = 0; at < text.len;) {
		uint32_t c = str_utf8_next(text, &at);
		upper += is_upper(c);
		lower += is_lower(c);
	}
	return upper >= CAPITALS_LEAST && upper > 2 * lower;
}

static size_t count_of(struct str text, char c) {
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == c;
	return count;
}

static bool is_reply(struct str subject) {
	static const char *const marks[] = {"re:", "sv:", "vs:", "fw:", "fwd:", "aw:"};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (subject.len >= strlen(marks[i]) && strncasecmp(subject.at, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

void message_lint_subject(struct str subject, struct yaml_place place, struct problems *problems) {
	struct arena *a = arena_new();
	struct str fixed = fixed_text(a, subject);
	size_t length = str_utf8_count(fixed);
	if (is_shouting(fixed))
		problem_warn(problems, place, "the subject is in capitals: spam filters count that, and people feel shouted at");
	if (count_of(fixed, '!') > 1)
		problem_warn(problems, place, "the subject has more than one exclamation mark: spam filters count that");
	if (str_ends(subject, STR("?")))
		problem_warn(problems, place, "the subject ends in a question mark: spam filters count that; say what is to be done");
	if (is_reply(subject))
		problem_warn(problems, place, "the subject begins like an answer, and is none: spam filters count that");
	if (memmem(fixed.at, fixed.len, "://", 3))
		problem_warn(problems, place, "the subject has an address: put it into the text");
	if (length > SUBJECT_LONG)
		problem_warn(problems, place, "the subject has %zu characters without its values: most people see 40 to 60", length);
	arena_free(a);
}

/* --- addresses --- */

/* scheme://user@HOST:port/... */
static struct str host_of(struct str url) {
	const char *scheme = memmem(url.at, url.len, "://", 3);
	struct str rest = scheme ? (struct str){scheme + 3, url.len - (size_t)(scheme + 3 - url.at)} : url;
	size_t end = 0, begin = 0;
	while (end < rest.len && !strchr("/?# \t\r\n\"'<>)]}", rest.at[end]))
		end++;
	for (size_t i = 0; i < end; i++)
		if (rest.at[i] == '@')
			begin = i + 1;
	rest = (struct str){rest.at + begin, end - begin};
	return str_starts(rest, STR("[")) ? rest : str_cut(&rest, ':');
}

static bool is_number(struct str host) {
	char z[INET_ADDRSTRLEN];
	unsigned char bytes[4];
	if (str_starts(host, STR("[")))
		return true;
	if (host.len == 0 || host.len >= sizeof z)
		return false;
	memcpy(z, host.at, host.len);
	z[host.len] = '\0';
	return inet_pton(AF_INET, z, bytes) == 1;
}

static bool same(struct str a, struct str b) {
	return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static bool is_shortener(struct str host) {
	static const char *const hosts[] = {"bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "t.ly", "lnkd.in", "shorturl.at", "tiny.cc", "rb.gy", "kortlink.dk", "v.gd"};
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (same(host, str_from(hosts[i])))
			return true;
	return false;
}

/* One that stands literally in the text. */
static void lint_address(struct str url, struct yaml_place place, struct problems *problems) {
	struct str host = host_of(url);
	int shown = (int)(host.len < HOST_MAX ? host.len : HOST_MAX);
	if (is_shortener(host))
		problem_warn(problems, place, "'%.*s' hides where it leads: spam filters count that; write the address itself", shown, host.at);
	else if (is_number(host))
		problem_warn(problems, place, "the address '%.*s' is a number: spam filters count that; use a name", shown, host.at);
	else if (str_starts(url, STR("http://")))
		problem_warn(problems, place, "the address of '%.*s' begins with http://: use https://", shown, host.at);
}

static struct yaml_place place_at(struct str body, const char *at, struct yaml_place begin) {
	struct yaml_place place = begin;
	for (const char *p = body.at; p < at; p++) {
		place.column = *p == '\n' ? 1 : place.column + 1;
		place.line += *p == '\n';
	}
	return place;
}

static void lint_addresses(struct str body, struct yaml_place begin, struct problems *problems) {
	struct str rest = body;
	const char *found;
	while (rest.len > 0 && (found = memmem(rest.at, rest.len, "://", 3)) != NULL) {
		size_t back = (size_t)(found - rest.at);
		const char *scheme = back >= 5 && memcmp(found - 5, "https", 5) == 0 ? found - 5 : back >= 4 && memcmp(found - 4, "http", 4) == 0 ? found - 4 : NULL;
		if (scheme)
			lint_address((struct str){scheme, body.len - (size_t)(scheme - body.at)}, place_at(body, scheme, begin), problems);
		rest = (struct str){found + 3, rest.len - back - 3};
	}
}

/* --- links --- */

struct links {
	struct str body;
	struct yaml_place place;
	struct problems *problems;
	struct buf words; /* of the link that is open */
	bool open;
	struct str href;
	struct arena *arena;
};

/* Stands for what {{link}} will be; no address that somebody writes is equal to it. */
#define STAND_IN "https://stafet.invalid/l/0"

static struct template_value stand_in(void *context, struct str name, struct arena *a) {
	(void)a;
	if (str_is(name, "link"))
		return (struct template_value){.kind = TV_URL, .text = STR(STAND_IN)};
	return (struct template_value){.kind = *(bool *)context ? TV_TEXT : TV_NONE, .text = STR("x")};
}

/* "www.x.dk", "https://x.dk/y", "x.dk": a word that promises where the link leads. */
static bool is_address(struct str word) {
	static const char *const ends[] = {".dk", ".com", ".org", ".net", ".eu", ".nu", ".info", ".io", ".gl", ".fo", ".se", ".no", ".de"};
	struct str host = host_of(word);
	if (memmem(word.at, word.len, "://", 3) || (word.len > 4 && strncasecmp(word.at, "www.", 4) == 0))
		return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (host.len > strlen(ends[i]) && strncasecmp(host.at + host.len - strlen(ends[i]), ends[i], strlen(ends[i])) == 0)
			return true;
	return false;
}

static struct str without_www(struct str host) {
	return host.len > 4 && strncasecmp(host.at, "www.", 4) == 0 ? (struct str){host.at + 4, host.len - 4} : host;
}

static bool leads_there(struct str word, struct str href) {
	return str_starts(href, STR("mailto:")) ? same(word, (struct str){href.at + 7, href.len - 7}) : same(without_www(host_of(word)), without_www(host_of(href)));
}

static void judge_link(struct links *l) {
	struct str words = buf_text(&l->words), rest = words;
	while (rest.len > 0) {
		struct str word = str_trim(str_cut(&rest, ' '));
		const char *at = memmem(l->body.at, l->body.len, word.at, word.len);
		if (word.len > 0 && is_address(word) && !leads_there(word, l->href))
			problem_error(l->problems, at ? place_at(l->body, at, l->place) : l->place,
			              "the words of the link are the address '%.*s', but it leads to %s%.*s%s: nobody trusts such a mail; write what the link is for", (int)(word.len < HOST_MAX ? word.len : HOST_MAX),
			              word.at, str_is(l->href, STAND_IN) ? "" : "'", str_is(l->href, STAND_IN) ? 8 : (int)(l->href.len < HOST_MAX ? l->href.len : HOST_MAX),
			              str_is(l->href, STAND_IN) ? "{{link}}" : l->href.at, str_is(l->href, STAND_IN) ? "" : "'");
	}
}

static void link_open(void *context, const struct markdown_element *element) {
	struct links *l = context;
	if (element->kind != MARKDOWN_LINK)
		return;
	l->open = true;
	l->href = arena_str(l->arena, element->href);
	buf_clear(&l->words);
}

static void link_close(void *context, const struct markdown_element *element) {
	struct links *l = context;
	if (element->kind == MARKDOWN_LINK && l->open)
		judge_link(l);
	l->open = l->open && element->kind != MARKDOWN_LINK;
}

static void link_text(void *context, struct str text) {
	struct links *l = context;
	if (l->open)
		buf_str(&l->words, text);
}

static void link_line_end(void *context, bool hard) {
	(void)hard;
	link_text(context, STR(" "));
}

static bool link_full(void *context) {
	(void)context;
	return false;
}

/* As it reads with every section, and with none. */
static void lint_links(struct str body, const struct template *compiled, struct yaml_place place, struct problems *problems) {
	struct links l = {.body = body, .place = place, .problems = problems, .arena = arena_new()};
	const struct markdown_visitor visitor = {&l, link_open, link_close, link_text, link_line_end, link_full};
	size_t before = problems->errors;
	buf_init(&l.words, BODY_LIMIT);
	for (int with = 1; with >= 0 && problems->errors == before; with--) {
		bool sections = with == 1;
		struct template_source source = {&sections, stand_in};
		struct buf out;
		struct err ignored;
		buf_init(&out, BODY_LIMIT);
		if (template_render(compiled, TEMPLATE_MARKDOWN, &source, l.arena, &out, &ignored))
			markdown_walk(buf_text(&out), &visitor);
		buf_free(&out);
	}
	buf_free(&l.words);
	arena_free(l.arena);
}

void message_lint_body(struct str body, const struct template *compiled, bool mail, struct yaml_place place, struct problems *problems) {
	const char *image = mail ? memmem(body.at, body.len, "![", 2) : NULL;
	lint_addresses(body, place, problems);
	if (image && (image == body.at || image[-1] != '\\'))
		problem_warn(problems, place_at(body, image, place), "mails carry no images: only its words are shown");
	if (mail)
		lint_links(body, compiled, place, problems);
}
