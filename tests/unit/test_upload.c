/* Files as values: names that are safe to show, sizes, kinds, and what bytes look like. */
#include "engine/workflow/upload.h"

#include <stdarg.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state) {
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	arena_free(arena);
	return 0;
}

static void assert_str(struct str is, const char *should) {
	assert_string_equal(arena_z(arena, is), should);
}

static void names_are_made_safe(void **state) {
	const struct {
		struct str given;
		const char *safe;
	} cases[] = {
	        {STR("rapport.pdf"), "rapport.pdf"},
	        {STR("Blåbærgrød 2.pdf"), "Blåbærgrød 2.pdf"},
	        {STR("../../etc/passwd"), "passwd"},
	        {STR("C:\\fakepath\\scan.jpg"), "scan.jpg"},
	        {STR("a/b\\c.pdf"), "c.pdf"},
	        {STR("a\0b.pdf"), "ab.pdf"},
	        {STR("a\r\nSet-Cookie: x.pdf"), "aSet-Cookie x.pdf"},
	        {STR("evil\xE2\x80\xAE" "fdp.exe"), "evilfdp.exe"},
	        {STR("a\xFF\xC0.pdf"), "a.pdf"},
	        {STR("  ..hidden.pdf.. "), "hidden.pdf"},
	        {STR("\"<x>|?*:\".txt"), "x.txt"},
	        {STR("a\xEF\xBB\xBF\xE2\x80\x8B.txt"), "a.txt"},
	        {STR("folder/"), ""},
	        {STR("..."), ""},
	        {STR(""), ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_str(upload_safe_name(arena, cases[i].given), cases[i].safe);
}

static void long_names_keep_their_ending(void **state) {
	char name[400];
	(void)state;
	for (size_t lead = 0; lead < 3; lead++) {
		memset(name, 'x', lead);
		for (size_t i = lead; i + 1 < sizeof name; i += 2)
			memcpy(name + i, "æ", 2);
		memcpy(name + 395, ".jpeg", 5);
		struct str safe = upload_safe_name(arena, (struct str){name, 400});
		assert_true(safe.len <= UPLOAD_NAME && safe.len > UPLOAD_NAME - 3);
		assert_true(str_ends(safe, STR(".jpeg")));
		assert_true(str_utf8_valid(safe));
	}
}

static void the_last_ending_counts(void **state) {
	struct str extension;
	(void)state;
	assert_string_equal(upload_type(STR("scan.JPEG"), &extension), "image/jpeg");
	assert_str(extension, "jpg");
	assert_string_equal(upload_type(STR("a.exe.pdf"), &extension), "application/pdf");
	assert_null(upload_type(STR("a.pdf.exe"), &extension));
	assert_null(upload_type(STR("pdf"), &extension));
	assert_null(upload_type(STR(".pdf"), &extension));
	assert_null(upload_type(STR("a.html"), &extension));
	assert_null(upload_type(STR("a.svg"), &extension));
	assert_string_equal(upload_endings(STR("jpg")), ".jpg,.jpeg");
}

static void sizes_are_read(void **state) {
	int64_t size;
	(void)state;
	assert_true(upload_parse_size(STR("10MB"), &size) && size == 10485760);
	assert_true(upload_parse_size(STR("500 kB"), &size) && size == 512000);
	assert_true(upload_parse_size(STR("1000"), &size) && size == 1000);
	assert_true(upload_parse_size(STR("25MB"), &size) && size == UPLOAD_MAX);
	static const char *const wrong[] = {"26MB", "0", "-1MB", "MB", "1GB", "1.5MB", "", "99999999999999MB", "10mb"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(upload_parse_size(str_from(wrong[i]), &size));
}

static void an_answer_is_read_back(void **state) {
	struct upload upload = {.id = 17, .size = 2048, .name = STR("min rapport 2.pdf"), .type = STR("application/pdf")}, back;
	static const char *const wrong[] = {"", "17", "17 2048", "17 2048 x.exe", "0 1 a.pdf", "17 0 a.pdf", "x 1 a.pdf", "17 -1 a.pdf", "17 2048 .pdf"};
	(void)state;
	assert_true(upload_read(upload_text(arena, &upload), &back));
	assert_true(back.id == 17 && back.size == 2048 && str_equal(back.name, upload.name) && str_equal(back.type, upload.type));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(upload_read(str_from(wrong[i]), &back));
	struct value v = upload_value(arena, &upload);
	assert_true(upload_is(&v));
	assert_int_equal(upload_of(&v).id, 17);
}

static bool looks(const char *extension, struct str bytes) {
	return upload_looks(str_from(extension), bytes_of(&bytes), (int64_t)bytes.len);
}

static void contents_are_told_apart(void **state) {
	const struct {
		const char *extension;
		struct str bytes;
		bool is;
	} cases[] = {
	        {"pdf", STR("%PDF-1.7\n1 0 obj\ntrailer\n%%EOF\n"), true},
	        {"pdf", STR("%PDF-1.7\n1 0 obj\n"), false},
	        {"pdf", STR("<html><script>alert(1)</script>%PDF-1.7 %%EOF"), false},
	        {"pdf", STR("\xFF\xD8\xFF\xE0 jpg %%EOF"), false},
	        {"pdf", STR("%PDF"), false},
	        {"jpg", STR("\xFF\xD8\xFF\xE0\0\x10JFIF"), true},
	        {"jpg", STR("\x89PNG\r\n\x1A\n\0\0\0\rIHDR"), false},
	        {"png", STR("\x89PNG\r\n\x1A\n\0\0\0\rIHDR"), true},
	        {"png", STR("\x89PNG\r\n\x1A\n"), false},
	        {"gif", STR("GIF89a...."), true},
	        {"gif", STR("GIF88a...."), false},
	        {"txt", STR("Rødgrød\r\nmed\tfløde\n"), true},
	        {"txt", STR("R\xF8" "dgr\xF8" "d"), false},
	        {"txt", STR("a\0b"), false},
	        {"txt", STR("a\x1B[2J"), false},
	        {"txt", STR("\xC3"), false},
	        {"docx", STR("PK\3\4 not really"), false},
	        {"odt", STR("PK\3\4"), false},
	        {"exe", STR("MZ"), false},
	        {"txt", STR(""), false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (looks(cases[i].extension, cases[i].bytes) != cases[i].is)
			fail_msg("case %zu (%s)", i, cases[i].extension);
}

static void a_character_may_lie_across_pieces(void **state) {
	size_t len = 3 * 65536 + 7;
	char *text = arena_alloc(arena, len + 1);
	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'x', len);
		for (size_t i = lead; i + 4 <= len; i += 4)
			memcpy(text + i, "\xF0\x9F\x98\x80", 4);
		size_t used = lead + (len - lead) / 4 * 4;
		assert_true(looks("txt", (struct str){text, used}));
		assert_false(looks("txt", (struct str){text, used - 1}));
		text[65536 + 2] = '\1';
		assert_false(looks("txt", (struct str){text, used}));
	}
}

static void add_number(struct buf *b, uint32_t n, int bytes) {
	for (; bytes > 0; bytes--, n >>= 8)
		buf_char(b, (char)(n & 0xFF));
}

/* A zip file of empty entries; first: the data of the first one. */
static struct str zip_of(const char *const *names, size_t count, const char *first, const char *comment) {
	struct buf b;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		const char *data = i == 0 ? first : "";
		buf_add(&b, "PK\3\4", 4);
		add_number(&b, 0, 4), add_number(&b, 0, 4), add_number(&b, 0, 4), add_number(&b, 0, 2);
		add_number(&b, (uint32_t)strlen(data), 4), add_number(&b, (uint32_t)strlen(data), 4);
		add_number(&b, (uint32_t)strlen(names[i]), 2), add_number(&b, 0, 2);
		buf_z(&b, names[i]), buf_z(&b, data);
	}
	uint32_t at = (uint32_t)b.len;
	for (size_t i = 0; i < count; i++) {
		buf_add(&b, "PK\1\2", 4);
		for (int k = 0; k < 6; k++)
			add_number(&b, 0, 4);
		add_number(&b, (uint32_t)strlen(names[i]), 2);
		for (int k = 0; k < 4; k++)
			add_number(&b, 0, 4);
		buf_z(&b, names[i]);
	}
	uint32_t size = (uint32_t)b.len - at;
	buf_add(&b, "PK\5\6", 4);
	add_number(&b, 0, 4), add_number(&b, (uint32_t)count, 2), add_number(&b, (uint32_t)count, 2);
	add_number(&b, size, 4), add_number(&b, at, 4), add_number(&b, (uint32_t)strlen(comment), 2);
	buf_z(&b, comment);
	struct str out = arena_str(arena, buf_text(&b));
	buf_free(&b);
	return out;
}

static void containers_are_told_by_what_they_hold(void **state) {
	static const char *const word[] = {"[Content_Types].xml", "_rels/.rels", "word/document.xml"};
	static const char *const sheet[] = {"[Content_Types].xml", "xl/workbook.xml"};
	static const char *const other[] = {"a.exe", "word/document.xml"};
	(void)state;
	struct str docx = zip_of(word, 3, "", ""), xlsx = zip_of(sheet, 2, "", ""), zip = zip_of(other, 2, "", "");
	assert_true(looks("docx", docx));
	assert_true(looks("docx", zip_of(word, 3, "", "a comment")));
	assert_false(looks("xlsx", docx));
	assert_true(looks("xlsx", xlsx));
	static const char *const text[] = {"mimetype", "content.xml"};
	assert_true(looks("odt", zip_of(text, 2, "application/vnd.oasis.opendocument.text", "")));
	assert_false(looks("odt", zip_of(text, 2, "application/epub+zip", "")));
	assert_false(looks("docx", xlsx));
	assert_false(looks("docx", zip));
	for (size_t len = 0; len < docx.len; len++)
		assert_false(looks("docx", (struct str){docx.at, len}));
	/* What is added behind it is no comment of its own. */
	char *more = arena_alloc(arena, docx.len + 4);
	memcpy(more, docx.at, docx.len);
	memcpy(more + docx.len, "more", 4);
	assert_false(looks("docx", (struct str){more, docx.len + 4}));
}

static void broken_containers_do_no_harm(void **state) {
	static const char *const word[] = {"[Content_Types].xml", "word/document.xml"};
	(void)state;
	struct str docx = zip_of(word, 2, "", "");
	char *bytes = arena_alloc(arena, docx.len);
	for (size_t i = 0; i < docx.len; i++) {
		for (int value = 0; value < 256; value += 51) {
			memcpy(bytes, docx.at, docx.len);
			bytes[i] = (char)value;
			looks("docx", (struct str){bytes, docx.len});
			looks("odt", (struct str){bytes, docx.len});
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(names_are_made_safe, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(long_names_keep_their_ending, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_last_ending_counts, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(sizes_are_read, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(an_answer_is_read_back, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(contents_are_told_apart, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_character_may_lie_across_pieces, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(containers_are_told_by_what_they_hold, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(broken_containers_do_no_harm, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
