#include "mailer/mime.h"

#include "engine/workflow/upload.h"

#include <string.h>

static struct str next_part(struct str *rest) {
	return str_cut(rest, '\xFF');
}

static struct str header(const struct mime_parts *parts, const char *name, size_t *count) {
	struct str found = STR("");
	*count = 0;
	for (size_t i = 0; i < parts->header_count; i++)
		if (str_is(parts->headers[i].name, name))
			found = parts->headers[i].value, ++*count;
	return found;
}

/* Hostile values either do not pass or come back as they were, and nothing comes with them. */
static void check_built(struct arena *a, struct str s) {
	struct mail_config config = {.from_name = next_part(&s), .from_address = STR("svar@nordby.example")};
	struct composed m = {.message_id = STR("<m1@nordby.example>"), .thread = STR("<t1@nordby.example>"), .language = STR("da")};
	struct mime_parts parts;
	struct str raw;
	struct err err = {0};
	size_t count;
	m.to_name = next_part(&s);
	m.subject = next_part(&s);
	m.to = next_part(&s);
	if (m.to.len == 0)
		m.to = STR("ida@firma.example");
	m.text = next_part(&s);
	m.html = next_part(&s);
	struct attached file = {upload_safe_name(a, next_part(&s)), STR("application/pdf"), s};
	m.attached = &file;
	m.attached_count = file.name.len > 0;
	if (!mime_build(&config, &m, 0, 0, a, &raw, &err))
		return;
	BUG_IF(!mime_parse(raw, a, &parts, &err) || parts.header_count != 12);
	BUG_IF(parts.attached_count != m.attached_count);
	BUG_IF(m.attached_count > 0 && (!str_equal(parts.attached[0].name, file.name) || !str_equal(parts.attached[0].bytes, file.bytes)));
	struct str subject = header(&parts, "Subject", &count);
	BUG_IF(count != 1 || !str_equal(str_trim(subject), str_trim(m.subject)));
	for (size_t i = 0, line = 0; i < raw.len; i++) {
		BUG_IF((unsigned char)raw.at[i] >= 0x7F || (raw.at[i] == '\n') != (i > 0 && raw.at[i - 1] == '\r'));
		line = raw.at[i] == '\n' ? 0 : line + 1;
		BUG_IF(line > 998);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct str s = {(const char *)data, size};
	struct arena *a = arena_new();
	struct mime_parts parts;
	struct err err = {0};
	if (size == 0 || data[0] % 2 == 0)
		check_built(a, s);
	else
		(void)mime_parse((struct str){s.at + 1, s.len - 1}, a, &parts, &err);
	arena_free(a);
	return 0;
}
