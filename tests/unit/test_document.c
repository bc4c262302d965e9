/* A document's rules as far as they are pure: what stands on paper, on which page, in which width; and what is added to cairo's PDF. */
#include "document/blocks.h"
#include "document/catalog.h"
#include "document/order.h"
#include "document/paging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* blocks */

static void add_path(struct buf *out, const struct element *e) {
	if (!e)
		return;
	add_path(out, e->parent);
	buf_printf(out, "/%s", e->tag);
}

/* One line a block or cell: structure, mark, text with *strong*, _emphasis_ and [links](target). */
static void add_words(struct buf *out, const struct words *w) {
	add_path(out, w->element);
	buf_z(out, w->align == 0 ? " ^ " : w->align > 0 ? " > " : " ");
	for (size_t at = 0; at <= w->text.len; at++) {
		for (size_t i = 0; i < w->part_count; i++)
			if (w->parts[i].from == at)
				buf_z(out, &"*\0_\0["[2 * w->parts[i].kind]);
			else if (w->parts[i].to == at && w->parts[i].kind == PART_LINK)
				buf_printf(out, "](%.*s)", STR_ARG(w->parts[i].href));
			else if (w->parts[i].to == at)
				buf_z(out, &"*\0_"[2 * w->parts[i].kind]);
		if (at < w->text.len)
			buf_add(out, w->text.at[at] == '\n' ? "~" : &w->text.at[at], 1);
	}
	buf_char(out, '\n');
}

static void show(const struct block *b, struct buf *out) {
	for (; b; b = b->next) {
		if (b->mark.len > 0)
			buf_printf(out, "%.*s ", STR_ARG(b->mark));
		if (b->kind == BLOCK_RULE)
			buf_z(out, "rule\n");
		for (size_t i = 0; i < b->word_count; i++)
			add_words(out, &b->words[i]);
	}
}

static const struct {
	const char *markdown, *blocks;
} golden[] = {
        {"", "/H1 T\n"},
        {"Kære **Åse**,\nhusk *brød*\\\nog smør.", "/H1 T\n/P Kære *Åse*, husk _brød_~og smør.\n"},
        {"# En\n## To\n### Tre\n#### Fire", "/H1 T\n/H2 En\n/H3 To\n/H4 Tre\n/H4 Fire\n"},
        {"Se [her **nu**](https://x.dk/a).", "/H1 T\n/P Se [her *nu](https://x.dk/a)*.\n"},
        {"- et\n- to\n  1. tre\n  2. fire\n", "/H1 T\n- /L/LI/LBody/P et\n- /L/LI/LBody/P to\n1. /L/LI/LBody/L/LI/LBody/P tre\n2. /L/LI/LBody/L/LI/LBody/P fire\n"},
        {"> citat\n\n---\n\nslut", "/H1 T\n/BlockQuote/P citat\nrule\n/P slut\n"},
        {"|a|b|\n|---|:-:|\n|c|*d*|\n", "/H1 T\n/Table/TR/TH a\n/Table/TR/TH ^ b\n/Table/TR/TD c\n/Table/TR/TD ^ _d_\n"},
        {"| | |\n|---|--:|\n|Navn|Ida&#10;Bo|\n", "/H1 T\n/Table/TR/TH Navn\n/Table/TR/TD > Ida~Bo\n"},
        {"a\xE2\x80\xAE" "b\xE2\x80\x8F" "c\x01" "d\xEF\xBB\xBF" "e\xC2\x85", "/H1 T\n/P abcde\n"},
        {"e\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81z", "/H1 T\n/P e\xCC\x81\xCC\x81\xCC\x81\xCC\x81z\n"},
        {"[](https://x.dk) ** **", "/H1 T\n/P ** **\n"},
};

static const struct block *make(struct arena *a, const char *markdown, struct err *err) {
	return blocks_make(a, str_from(markdown), &(struct document_layout){.title = STR("T"), .language = STR("da")}, err);
}

static void markdown_becomes_blocks(void **state) {
	(void)state;
	for (size_t i = 0; i < COUNT(golden); i++) {
		struct arena *a = arena_new();
		struct err err = {0};
		struct buf out;
		buf_init(&out, 10000);
		show(make(a, golden[i].markdown, &err), &out);
		if (strcmp(out.at, golden[i].blocks) != 0)
			fail_msg("%s\nbecame\n%snot\n%s", golden[i].markdown, out.at, golden[i].blocks);
		buf_free(&out);
		arena_free(a);
	}
}

static void a_heading_leads(void **state) {
	struct arena *a = arena_new();
	struct err err = {0};
	(void)state;
	const struct block *b = make(a, "# Mål\n\nSom følger:\n\n- et\n- to\n\nSlut", &err);
	bool leads[] = {true, true, true, false, false, false};
	for (size_t i = 0; i < COUNT(leads); i++, b = b->next)
		assert_int_equal(b->leads, leads[i]);
	assert_null(b);
	arena_free(a);
}

static void limits_of_blocks(void **state) {
	struct arena *a = arena_new();
	struct err err = {0};
	struct buf wide;
	(void)state;
	buf_init(&wide, 10000);
	for (int line = 0; line < 2; line++) {
		for (int i = 0; i <= BLOCKS_COLUMNS; i++)
			buf_z(&wide, line ? "|---" : "|a");
		buf_z(&wide, "|\n");
	}
	assert_null(make(a, wide.at, &err));
	assert_int_equal(err.kind, ERR_INPUT);
	assert_non_null(strstr(err.text, "24 columns"));
	err = (struct err){0};
	assert_null(blocks_make(a, STR("text"), &(struct document_layout){.title = STR(" \x01"), .date = STR("i dag")}, &err));
	assert_int_equal(err.kind, ERR_INPUT);
	/* Deeper than anything is kept for. */
	buf_clear(&wide);
	for (int i = 0; i < 300; i++)
		buf_z(&wide, i % 2 ? "> " : "- ");
	buf_z(&wide, "inderst");
	assert_non_null(make(a, wide.at, &err));
	buf_free(&wide);
	arena_free(a);
}

/* paging */

static const struct page_frame frame = {200, 100, 500};

/* "page:y ..." */
static void expect_places(struct strip *strips, size_t count, size_t pages, const char *expected) {
	char found[1000] = "";
	size_t n = paging_place(strips, count, &frame);
	for (size_t i = 0, at = 0; i < count; i++)
		at += (size_t)snprintf(found + at, sizeof found - at, "%s%zu:%.0f", i ? " " : "", strips[i].page, strips[i].y);
	assert_string_equal(found, expected);
	assert_int_equal(n, pages);
}

static void strips_find_their_pages(void **state) {
	(void)state;
	expect_places(NULL, 0, 1, "");
	struct strip plain[] = {{.height = 100}, {.height = 100, .gap = 10}, {.height = 100, .gap = 10}};
	expect_places(plain, 3, 2, "0:200 0:310 1:100");
	struct strip exact[] = {{.height = 300}, {.height = 400}, {.height = 400}};
	expect_places(exact, 3, 3, "0:200 1:100 2:100");
	/* A heading goes with what follows. */
	struct strip heading[] = {{.height = 200}, {.height = 50, .gap = 20, .keep = true}, {.height = 50}};
	expect_places(heading, 3, 2, "0:200 1:100 1:150");
	/* A chain that no page holds breaks where the page ends. */
	struct strip chain[] = {{.height = 250}, {.height = 150, .keep = true}, {.height = 150, .keep = true}, {.height = 150}};
	expect_places(chain, 4, 3, "0:200 1:100 1:250 2:100");
	/* Taller than a page: a page of its own, and on. */
	struct strip tall[] = {{.height = 10}, {.height = 900}, {.height = 10}};
	expect_places(tall, 3, 3, "0:200 1:100 2:100");
}

static void a_table_repeats_its_head(void **state) {
	(void)state;
	struct strip rows[] = {{.height = 30, .keep = true}, {.height = 200, .head = 30}, {.height = 200, .head = 30}, {.height = 200, .head = 30}};
	expect_places(rows, 4, 3, "0:200 0:230 1:130 2:130");
	/* A header row alone at a page's foot would be a widow too. */
	struct strip late[] = {{.height = 250}, {.height = 30, .keep = true}, {.height = 50, .head = 30}};
	expect_places(late, 3, 2, "0:200 1:100 1:130");
}

static void no_line_stands_alone(void **state) {
	static const char *const kept[] = {"", ".", "k.", "kk.", "k.k.", "k..k."};
	(void)state;
	for (size_t n = 1; n < COUNT(kept); n++)
		for (size_t i = 0; i < n; i++)
			assert_int_equal(paging_keep(i, n), kept[n][i] == 'k');
}

static void columns_share_the_width(void **state) {
	double out[3];
	(void)state;
	paging_columns((double[]){20, 20, 20}, (double[]){50, 60, 70}, 3, 300, out);
	assert_true(out[0] == 50 && out[1] == 60 && out[2] == 70);
	paging_columns((double[]){40, 20, 40}, (double[]){400, 20, 600}, 3, 300, out);
	assert_true(out[1] == 20 && out[0] > 40 && out[2] > out[0]);
	assert_true(out[0] + out[1] + out[2] < 300.01 && out[0] + out[1] + out[2] > 299.99);
	paging_columns((double[]){400, 100, 100}, (double[]){400, 100, 100}, 3, 300, out);
	assert_true(out[0] == 200 && out[1] == 50 && out[2] == 50);
	paging_columns((double[]){0, 0, 0}, (double[]){400, 100, 100}, 3, 300, out);
	assert_true(out[0] + out[1] + out[2] < 300.01);
}

/* catalog */

static const char small_pdf[] = "%PDF-1.4\n1 0 obj\n<< /Title (x) >>\nendobj\n2 0 obj\n<< /Type /Catalog\n   /Pages 3 0 R\n>>\nendobj\n"
                                "xref\n0 3\ntrailer\n<< /Size 3\n   /Root 2 0 R\n   /Info 1 0 R\n>>\nstartxref\n98\n%%EOF\n";

static void the_root_gets_its_language(void **state) {
	struct buf pdf;
	struct err err = {0};
	(void)state;
	buf_init(&pdf, 10000);
	buf_z(&pdf, small_pdf);
	assert_true(catalog_complete(&pdf, STR("da"), &err));
	assert_memory_equal(pdf.at, small_pdf, sizeof small_pdf - 1);
	const char *update = pdf.at + sizeof small_pdf - 1;
	assert_true(str_starts(str_from(update), STR("2 0 obj\n<< /Type /Catalog\n   /Pages 3 0 R\n   /Lang (da)\n   /ViewerPreferences << /DisplayDocTitle true >>\n>>\nendobj\nxref\n2 1\n")));
	assert_non_null(strstr(update, "/Prev 98\n"));
	char offset[32];
	snprintf(offset, sizeof offset, "%010zu 00000 n \n", sizeof small_pdf - 1);
	assert_non_null(strstr(update, offset));
	snprintf(offset, sizeof offset, "startxref\n%zu\n%%%%EOF\n", (size_t)(strstr(update, "xref\n2 1") - pdf.at));
	assert_true(str_ends(buf_text(&pdf), str_from(offset)));
	buf_free(&pdf);
}

static void no_root_no_language(void **state) {
	static const char *const bad[] = {"", "%PDF-1.4\n", "trailer\n<< /Size 3 /Root 2 0 R /Info 1 0 R >>\nstartxref\n9\n%%EOF\n", "\n2 0 obj\nendobj\ntrailer\n/Size 3 /Root 2 /Info 1 startxref 9"};
	(void)state;
	for (size_t i = 0; i <= COUNT(bad); i++) {
		struct buf pdf;
		struct err err = {0};
		buf_init(&pdf, 10000);
		buf_z(&pdf, i < COUNT(bad) ? bad[i] : small_pdf);
		assert_false(catalog_complete(&pdf, i < COUNT(bad) ? STR("da") : STR("da) /X (y"), &err));
		assert_int_equal(err.kind, ERR_PERMANENT);
		buf_free(&pdf);
	}
}

/* order */

static void an_order_arrives_whole(void **state) {
	struct document_layout sent = {STR("da"), STR("Titel"), STR("Skolen"), STR(""), STR("i dag"), STR("Side {{0}}"), STR("#0b5e56"), STR("\x89PNG\0x"), 1234567890123}, got;
	struct str markdown;
	struct buf bytes;
	(void)state;
	buf_init(&bytes, 10000);
	order_write(&bytes, STR("# a\0b"), &sent);
	assert_true(order_read(buf_text(&bytes), &markdown, &got));
	assert_true(str_equal(markdown, STR("# a\0b")) && str_equal(got.logo, sent.logo) && str_equal(got.title, sent.title) && got.reference.len == 0);
	assert_true(got.instant == sent.instant);
	for (size_t len = 0; len < bytes.len; len++)
		assert_false(order_read((struct str){bytes.at, len}, &markdown, &got));
	buf_char(&bytes, 'x');
	assert_false(order_read(buf_text(&bytes), &markdown, &got));
	buf_free(&bytes);
}

/* the child: this very program stands in for it, as /proc/self/exe */

static struct document_layout plain(void) {
	return (struct document_layout){.language = STR("da"), .title = STR("Titel"), .site = STR("Skolen"), .pages = STR("Side {{0}} af {{1}}")};
}

static void a_child_draws(void **state) {
	struct arena *a = arena_new();
	struct document_layout layout = plain();
	struct err err = {0};
	struct str one, other;
	(void)state;
	assert_true(document_pdf(a, STR("# Mål\n\nÆrø"), &layout, &one, &err));
	assert_true(str_starts(one, STR("%PDF-1.4")) && str_ends(one, STR("%%EOF\n")));
	assert_non_null(memmem(one.at, one.len, "/Lang (da)", 10));
	assert_true(document_pdf(a, STR("# Mål\n\nÆrø"), &layout, &other, &err));
	assert_true(str_equal(one, other));
	arena_free(a);
}

static void what_a_child_cannot_draw(void **state) {
	struct arena *a = arena_new();
	struct document_layout odd = plain();
	struct err err = {0};
	struct str pdf;
	(void)state;
	char *much = arena_alloc(a, DOCUMENT_TEXT + 1);
	memset(much, 'a', DOCUMENT_TEXT + 1);
	assert_false(document_pdf(a, (struct str){much, DOCUMENT_TEXT + 1}, &odd, &pdf, &err));
	assert_int_equal(err.kind, ERR_INPUT);
	odd.language = STR("d(a");
	assert_false(document_pdf(a, STR("a"), &odd, &pdf, &err));
	assert_int_equal(err.kind, ERR_PERMANENT);
	odd = plain();
	odd.logo = STR("\x89PNG\r\n\x1a\n nothing");
	assert_true(document_pdf(a, STR("a"), &odd, &pdf, &err));
	arena_free(a);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(markdown_becomes_blocks),
	        cmocka_unit_test(a_heading_leads),
	        cmocka_unit_test(limits_of_blocks),
	        cmocka_unit_test(strips_find_their_pages),
	        cmocka_unit_test(a_table_repeats_its_head),
	        cmocka_unit_test(no_line_stands_alone),
	        cmocka_unit_test(columns_share_the_width),
	        cmocka_unit_test(the_root_gets_its_language),
	        cmocka_unit_test(no_root_no_language),
	        cmocka_unit_test(an_order_arrives_whole),
	        cmocka_unit_test(a_child_draws),
	        cmocka_unit_test(what_a_child_cannot_draw),
	};
	if (argc > 1 && strcmp(argv[1], DOCUMENT_CHILD) == 0)
		return document_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
