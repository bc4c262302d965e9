#include "engine/workflow/markdown.h"

#include "engine/base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BUTTON "https://svar.example/l/abc"

static const struct {
	const char *markdown, *html, *text;
} golden[] = {
        {"", "", ""},
        {"Kære **Åse**, husk *ærtesuppe*\nog brød.\n\nHilsen", "<p>Kære <strong>Åse</strong>, husk <em>ærtesuppe</em>\nog brød.</p>\n<p>Hilsen</p>\n", "Kære Åse, husk ærtesuppe og brød.\n\nHilsen\n"},
        {"# En\n## To\n#### Fire\ntekst", "<h2>En</h2>\n<h3>To</h3>\n<h4>Fire</h4>\n<p>tekst</p>\n", "En\n\nTo\n\nFire\n\ntekst\n"},
        {"linje\\\nto", "<p>linje<br>\nto</p>\n", "linje\nto\n"},
        {"[Åbn](" BUTTON ")", "<p><a class=\"button\" href=\"" BUTTON "\">Åbn</a></p>\n", "Åbn:\n" BUTTON "\n"},
        {"**[Åbn](" BUTTON ")**", "<p><strong><a class=\"button\" href=\"" BUTTON "\">Åbn</a></strong></p>\n", "Åbn:\n" BUTTON "\n"},
        {"Læs [her](" BUTTON "). Så er du klar.", "<p>Læs <a href=\"" BUTTON "\">her</a>. Så er du klar.</p>\n", "Læs her:\n" BUTTON "\nSå er du klar.\n"},
        {"[a](/a) [b](/b)", "<p><a href=\"/a\">a</a> <a href=\"/b\">b</a></p>\n", "a b\n"},
        {"[" BUTTON "](" BUTTON ").", "<p><a href=\"" BUTTON "\">" BUTTON "</a>.</p>\n", BUTTON "\n"},
        {"[hj@x.dk](mailto:hj@x.dk) [ring](tel:+4512345678)", "<p><a href=\"mailto:hj@x.dk\">hj@x.dk</a> <a href=\"tel:+4512345678\">ring</a></p>\n", "hj@x.dk ring (+4512345678)\n"},
        {"Det er:\n\n- et\n- to\n  - inde\n- tre\n\nSlut", "<p>Det er:</p>\n<ul>\n<li>et</li>\n<li>to<ul>\n<li>inde</li>\n</ul>\n</li>\n<li>tre</li>\n</ul>\n<p>Slut</p>\n", "Det er:\n\n- et\n- to\n  - inde\n- tre\n\nSlut\n"},
        {"3. tre\n4. fire\n\n   og mere\n", "<ol start=\"3\">\n<li><p>tre</p>\n</li>\n<li><p>fire</p>\n<p>og mere</p>\n</li>\n</ol>\n", "3. tre\n\n4. fire\n\n   og mere\n"},
        {"> citat\n> mere\n\n---", "<blockquote><p>citat\nmere</p>\n</blockquote>\n<hr>\n", "> citat mere\n\n----------\n"},
        {"|a|b|\n|---|---|\n|1|[x](https://x.dk)|\n", "<table>\n<tr>\n<th scope=\"col\">a</th>\n<th scope=\"col\">b</th>\n</tr>\n<tr>\n<td>1</td>\n<td><a href=\"https://x.dk\">x</a></td>\n</tr>\n</table>\n", "a | b\n1 | x (https://x.dk)\n"},
        {"`kode` og\n\n```\n<a>\n\n  b\n```", "<p>kode og</p>\n<p>&lt;a&gt;<br>\n<br>\n  b</p>\n", "kode og\n\n<a>\n\nb\n"},
        {"&amp; &lt;b&gt; &#230; &#x26; &copy; &euro;", "<p>&amp; &lt;b&gt; æ &amp; &amp;copy; €</p>\n", "& <b> æ & &copy; €\n"},
        {"a&#10;b\n\n|a|\n|---|\n|b&#10;c|\n", "<p>a<br>\nb</p>\n<table>\n<tr>\n<th scope=\"col\">a</th>\n</tr>\n<tr>\n<td>b<br>\nc</td>\n</tr>\n</table>\n", "a\nb\n\na\nb c\n"},
        {"![billede](https://x.dk/a.png)", "<p>billede</p>\n", "billede\n"},
        {"    fire blanke", "<p>fire blanke</p>\n", "fire blanke\n"},
        /* hostile */
        {"<script>alert(1)</script> <b onclick=x>", "<p>&lt;script&gt;alert(1)&lt;/script&gt; &lt;b onclick=x&gt;</p>\n", "<script>alert(1)</script> <b onclick=x>\n"},
        {"[x](javascript:alert(1)) [y](JaVaScript&#58;x) [z](data:text/html,x)", "<p>x y z</p>\n", "x y z\n"},
        {"[x](//evil.dk) [y](\\\\evil.dk) [z](/\\\\evil.dk) [v](vbscript:x) [u](ftp://x)", "<p>x y z v u</p>\n", "x y z v u\n"},
        {"[x](<https://x.dk/a b>) [y](https://x.dk/\"onclick=)", "<p>x <a href=\"https://x.dk/&quot;onclick=\">y</a></p>\n", "x y:\nhttps://x.dk/\"onclick=\n"},
        {"https://evil.dk www.evil.dk a@evil.dk", "<p>https://evil.dk www.evil.dk a@evil.dk</p>\n", "https://evil.dk www.evil.dk a@evil.dk\n"},
        {"a\xC3(b", "<p>a\xEF\xBF\xBD(b</p>\n", NULL},
};

static void check(const char *markdown, void (*render)(struct str, struct buf *), const char *expected) {
	struct buf out;
	buf_init(&out, 10000);
	render(str_from(markdown), &out);
	if (strcmp(out.len ? out.at : "", expected) != 0)
		fail_msg("%s\nbecame\n%s\nnot\n%s", markdown, out.at, expected);
	buf_free(&out);
}

static void html(struct str markdown, struct buf *out) {
	markdown_html(markdown, true, out);
}

static void golden_table(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
		check(golden[i].markdown, html, golden[i].html);
		if (golden[i].text)
			check(golden[i].markdown, markdown_text, golden[i].text);
	}
}

static void values_stay_literal(void **state) {
	static const char *const values[] = {
	        "](javascript:x)", "<b>", "# h", "{{x}}", "1. a", "2. april", "2024-04-02", "- a", "* a *", "__a__", "`a`", "~~a~~", "> a", "|a|b|", "---", "===", "&lt;",
	        "[a](https://evil.dk)", "![a](https://evil.dk)", "<https://evil.dk>", "https://evil.dk", "a@evil.dk", "\\", "a\\", "+", "```", "[x]: https://evil.dk", "***",
	};
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct buf markdown, plain, page;
		buf_init(&markdown, 1000);
		buf_init(&plain, 1000);
		buf_init(&page, 1000);
		escape_markdown(&markdown, str_from(values[i]));
		buf_z(&plain, values[i]), buf_char(&plain, '\n');
		buf_z(&page, "<p>"), escape_html(&page, str_from(values[i])), buf_z(&page, "</p>\n");
		check(markdown.at, markdown_text, plain.at);
		check(markdown.at, html, page.at);
		buf_free(&markdown), buf_free(&plain), buf_free(&page);
	}
}

static void lines_of_values_stay(void **state) {
	struct buf markdown;
	(void)state;
	buf_init(&markdown, 1000);
	escape_markdown(&markdown, STR("# en\n\n1. to\r\n    fire\n"));
	check(markdown.at, markdown_text, "# en\n\n1. to\nfire\n");
	check(markdown.at, html, "<p># en<br>\n<br>\n1. to<br>\nfire</p>\n");
	buf_free(&markdown);
}

static void text_is_wrapped(void **state) {
	(void)state;
	check("Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærøå Ærø", markdown_text,
	      "Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærøå\nÆrø\n");
	check("Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærøåå", markdown_text,
	      "Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø\nÆrøåå\n");
	check("- Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærøå\n", markdown_text,
	      "- Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø Ærø\n  Ærøå\n");
	check("Åbn [formularen](https://svar.example/l/0123456789012345678901234567890123456789012345678901234567890123456789) i dag", markdown_text,
	      "Åbn formularen:\nhttps://svar.example/l/0123456789012345678901234567890123456789012345678901234567890123456789\ni dag\n");
}

static void limits_hold(void **state) {
	struct buf deep, out;
	(void)state;
	buf_init(&deep, 1 << 20);
	for (int i = 0; i < 300; i++)
		buf_z(&deep, i % 2 ? "> " : "- ");
	buf_z(&deep, "inderst");
	buf_init(&out, 1 << 20);
	markdown_text(buf_text(&deep), &out);
	assert_false(out.overflow);
	assert_non_null(strstr(out.at, "inderst"));
	buf_clear(&out);
	markdown_html(buf_text(&deep), true, &out);
	assert_false(out.overflow);
	buf_free(&out);
	buf_init(&out, 20);
	markdown_html(STR("[Åbn formularen](https://svar.example/l/abc)"), true, &out);
	assert_true(out.overflow);
	buf_free(&out);
	buf_init(&out, 20);
	markdown_text(STR("meget mere end der er plads til"), &out);
	assert_true(out.overflow);
	buf_free(&out);
	buf_free(&deep);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(golden_table),
	        cmocka_unit_test(values_stay_literal),
	        cmocka_unit_test(lines_of_values_stay),
	        cmocka_unit_test(text_is_wrapped),
	        cmocka_unit_test(limits_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
