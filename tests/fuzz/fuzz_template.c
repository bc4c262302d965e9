#include "engine/base/escape.h"
#include "engine/workflow/message_lint.h"
#include "engine/workflow/markdown.h"
#include "engine/workflow/template.h"

#include <string.h>

#define URL "https://svar.example/l/abc"
#define MARK "zqxj"

enum { LIMIT = 1 << 20 };

/* What the names stand for: pieces of the input itself, so that a value may look like a template or like Markdown. */
struct values {
	struct str text;
};

static struct template_value lookup(void *context, struct str name, struct arena *a) {
	const struct values *v = context;
	struct template_value *items = ARENA_ARRAY(a, 2, struct template_value);
	items[0] = (struct template_value){.kind = TV_TEXT, .text = v->text};
	items[1] = (struct template_value){.kind = TV_URL, .text = STR(URL)};
	switch (name.at[0] % 6) {
	case 0: return (struct template_value){.kind = TV_URL, .text = STR(URL)};
	case 1: return (struct template_value){.kind = TV_LIST, .count = 2, .items = items};
	case 2: return (struct template_value){.kind = TV_TRUE, .text = v->text};
	case 3: return (struct template_value){0};
	default: return items[0];
	}
}

static bool has_control(struct str s) {
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7F)
			return true;
	return false;
}

/* The fuzzer's text as a template of its own. */
static void check_any(struct arena *a, struct str source, struct values *values) {
	struct problems problems = {.arena = a};
	struct template_source lookups = {values, lookup};
	struct template_names names = {0};
	const struct template *t = template_compile(a, source, (struct yaml_place){"fuzz", 1, 1}, &problems);
	BUG_IF((t == NULL) != (problems.errors > 0));
	if (!t)
		return;
	template_names(t, a, &names);
	message_lint_subject(source, (struct yaml_place){"fuzz", 1, 1}, &problems);
	message_lint_body(source, t, true, (struct yaml_place){"fuzz", 1, 1}, &problems);
	for (int target = TEMPLATE_MARKDOWN; target <= TEMPLATE_PLAIN; target++) {
		struct err err = {0};
		struct buf out;
		buf_init(&out, LIMIT);
		bool ok = template_render(t, (enum template_target)target, &lookups, a, &out, &err);
		BUG_IF(!ok && (err.kind == ERR_NONE || !err.text[0]));
		BUG_IF(ok && target == TEMPLATE_HEADER && has_control(buf_text(&out)) && !has_control(source));
		buf_free(&out);
	}
}

static size_t count(struct str s, const char *word) {
	size_t found = 0;
	for (const char *at = s.at; s.len > 0 && (at = memmem(at, s.len - (size_t)(at - s.at), word, strlen(word))); at++)
		found++;
	return found;
}

/* A value in a good template: whatever it is, the page has this one link and no tag that the template did not write. */
static void check_value(struct arena *a, struct values *values) {
	static const char source[] = "# {{v}}\n\nHej {{v}}, {{v}}\n{{v}}\n\n- {{v}}\n\n> {{v}}\n\n[{{v}}]({{x}}) *{{v}}*\n";
	struct problems problems = {.arena = a};
	struct template_source lookups = {values, lookup};
	const struct template *t = template_compile(a, str_from(source), (struct yaml_place){"fuzz", 1, 1}, &problems);
	struct err err = {0};
	struct buf out, html;
	buf_init(&out, LIMIT);
	buf_init(&html, LIMIT);
	if (template_render(t, TEMPLATE_MARKDOWN, &lookups, a, &out, &err)) {
		markdown_html(buf_text(&out), true, &html);
		struct str page = buf_text(&html);
		BUG_IF(!html.overflow && count(page, "<a ") != 1);
		BUG_IF(count(page, "href=\"" URL "\"") != count(page, "href=\""));
		BUG_IF(count(page, "<li>") > 1 || count(page, "<h2>") > 1 || count(page, "<h3>") + count(page, "<strong>") + count(page, "<table>") + count(page, "<hr>") > 0);
	}
	buf_free(&html);
	buf_free(&out);
}

static struct template_value mark(void *context, struct str name, struct arena *a) {
	(void)context;
	(void)a;
	bool url = name.at[0] == 'u';
	return (struct template_value){.kind = url ? TV_URL : TV_TEXT, .text = url ? STR(URL) : STR(MARK)};
}

/* Whatever the template is: no text gets into the target of a link to a page. In an "<a@...>" it may, where it is mail's, and plain to see. */
static void check_targets(struct arena *a, struct str source) {
	struct problems problems = {.arena = a};
	struct template_source lookups = {NULL, mark};
	const struct template *t = count(source, MARK) ? NULL : template_compile(a, source, (struct yaml_place){"fuzz", 1, 1}, &problems);
	struct err err = {0};
	struct buf out, html;
	buf_init(&out, LIMIT);
	buf_init(&html, LIMIT);
	if (t && template_render(t, TEMPLATE_MARKDOWN, &lookups, a, &out, &err))
		markdown_html(buf_text(&out), true, &html);
	for (struct str rest = buf_text(&html); count(rest, "href=\"");) {
		rest.len -= (size_t)((const char *)memmem(rest.at, rest.len, "href=\"", 6) + 6 - rest.at);
		rest.at = html.at + html.len - rest.len;
		struct str target = str_cut(&rest, '"');
		BUG_IF(count(target, MARK) && !str_starts(target, STR("mailto:")));
	}
	buf_free(&html);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str all = {(const char *)data, size}, value = all;
	struct arena *a = arena_new();
	if (size > 4096)
		size = 4096;
	struct str source = str_cut(&value, '~');
	struct values values = {value};
	check_any(a, source, &values);
	check_targets(a, source);
	if (str_utf8_valid(value))
		check_value(a, &values);
	arena_free(a);
	return 0;
}
