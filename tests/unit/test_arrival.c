/* Mails that came in: what widespread servers and people send (tests/fuzz/corpus/arrival), and what nobody should. */
#include "mailer/arrival.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static struct str file(const char *name) {
	char path[200];
	snprintf(path, sizeof path, "tests/fuzz/corpus/arrival/%s", name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	char *bytes = arena_alloc(arena, 1 << 16);
	size_t len = fread(bytes, 1, 1 << 16, f);
	fclose(f);
	return (struct str){bytes, len};
}

/* Mail stands with CRLF in a mailbox, and with LF in a file: both are read. */
static struct str with_crlf(struct str text) {
	char *bytes = arena_alloc(arena, 2 * text.len);
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\n')
			bytes[len++] = '\r';
		bytes[len++] = text.at[i];
	}
	return (struct str){bytes, len};
}

static struct arrival read_mail(struct str raw) {
	struct arrival m;
	struct err err = {0};
	if (!arrival_read(arena, raw, &m, &err))
		fail_msg("%s", err.text);
	return m;
}

static void is(struct str got, const char *expected) {
	if (!str_is(got, expected))
		fail_msg("'%.*s' is not '%s'", STR_ARG(got), expected);
}

static void reports_of_mail_servers(void **state) {
	(void)state;
	static const struct {
		const char *name, *to, *recipient, *action, *status, *original;
	} rows[] = {
	        {"postfix-no-such-user.eml", "retur+m1@skole.example", "mester@snedker.example", "failed", "5.1.1", "<0123456789abcdef0123456789abcdef@skole.example>"},
	        {"postfix-delayed.eml", "retur+m2@skole.example", "mester@snedker.example", "delayed", "4.4.1", "<0123456789abcdef0123456789abcdef@skole.example>"},
	        {"exim-plain.eml", "retur+m3@skole.example", "leder@firma.example", "failed", "5.2.1", ""},
	        {"microsoft-365.eml", "retur+m4@skole.example", "vejleder@kommune.example", "failed", "5.1.10", "<fedcba98765432100123456789abcdef@skole.example>"},
	        {"gmail.eml", "retur+m5@skole.example", "svend@gmail.example", "failed", "4.2.2", "<00000000000000000000000000000001@skole.example>"},
	};
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		size_t r = i / 2;
		struct str raw = file(rows[r].name);
		struct arrival m = read_mail(i % 2 ? with_crlf(raw) : raw);
		bool found = false;
		assert_int_equal(m.kind, ARRIVAL_REPORT);
		for (size_t k = 0; k < m.to.count; k++)
			found |= str_is(m.to.items[k], rows[r].to);
		assert_true(found);
		assert_int_equal(m.reports.count, 1);
		is(m.reports.items[0].recipient, rows[r].recipient);
		is(m.reports.items[0].action, rows[r].action);
		is(m.reports.items[0].status, rows[r].status);
		is(m.original_id, rows[r].original);
	}
	is(read_mail(file("postfix-no-such-user.eml")).reports.items[0].answer, "550 5.1.1 <mester@snedker.example>: Recipient address rejected: User unknown");
}

static void what_programs_and_people_write(void **state) {
	(void)state;
	struct arrival m = read_mail(file("absence.eml"));
	assert_int_equal(m.kind, ARRIVAL_AUTOMATIC);
	is(m.subject, "Automatisk svar: Ferie");
	m = read_mail(with_crlf(file("person.eml")));
	assert_int_equal(m.kind, ARRIVAL_PERSON);
	is(m.from, "Mester@snedker.example");
	is(m.subject, "Sv: Udfyld erklæring");
	is(m.text, "Hej,\n\ndet er ikke mig, men Søren.");
	is(m.message_id, "<CAF-1@mail.snedker.example>");
	assert_int_equal(m.refers.count, 3);
	is(m.refers.items[0], "<0123456789abcdef0123456789abcdef@skole.example>");
	is(m.refers.items[1], "<root@skole.example>");
	assert_int_equal(m.to.count, 2);
	is(m.to.items[1], "kontor@snedker.example");
}

static void what_is_quoted_is_cut(void **state) {
	(void)state;
	static const char *const rows[][2] = {
	        {"Ja tak\n\nHilsen Bo", "Ja tak\n\nHilsen Bo"},
	        {"Ja\n\n> Hej Bo\n> ...", "Ja"},
	        {"Ja\n\nDen 21. nov. 2026 kl. 10.02 skrev Skolen <noreply@skole.example>:\n\n> Hej", "Ja"},
	        {"Ja\n\nDen lør. 21. nov. 2026 kl. 10.02 skrev Træskolen\n<noreply@skole.example>:\n\nHej", "Ja"},
	        {"Ja\n\nOn Sat, Nov 21, 2026 at 10:02 AM Skolen <noreply@skole.example> wrote:\n> Hej", "Ja"},
	        {"Ja\n\n________________________________\nFra: Skolen\nSendt: 21. november 2026\n", "Ja"},
	        {"Ja\n\nFra: Skolen <noreply@skole.example>\nSendt: 21. november 2026 10:02\nTil: Bo\n", "Ja"},
	        {"Ja\n\n-----Oprindelig meddelelse-----\nFra: Skolen\n", "Ja"},
	        {"Hej\n\nFra: i dag er det mig\nog ikke Bo", "Hej\n\nFra: i dag er det mig\nog ikke Bo"},
	        {"> Hej\n> alt er citeret", ""},
	        {"", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		is(read_mail(arena_printf(arena, "From: b@a.example\nContent-Type: text/plain; charset=utf-8\n\n%s\n", rows[i][0])).words, rows[i][1]);
}

/* RFC 3834 and those who do not keep to it: each line makes a mail one that is not answered; without it a person wrote it. */
/* Mails without any text but HTML, as programs on telephones and in offices write them. */
static void html_alone_is_read(void **state) {
	(void)state;
	static const struct {
		const char *type, *html, *words;
	} rows[] = {
	        {"text/html; charset=utf-8", "<html><head><title>x</title><style>p{color:red}</style></head><body><p>Hej</p><p>Ja tak,<br>på mandag &amp; tirsdag.</p></body></html>",
	         "Hej\n\nJa tak,\npå mandag & tirsdag."},
	        /* Outlook at a desk: the old mail's head stands as text. */
	        {"text/html; charset=\"iso-8859-1\"", "<div class=WordSection1><p class=MsoNormal>Vi tager p\xe5 det.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
	         "<div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>Fra:</b> Skolen &lt;svar@skole.example&gt; <br><b>Sendt:</b> 21. november 2026 10:00<br><b>Emne:</b> Hvad?</p></div><p>Gammelt</p></div>",
	         "Vi tager på det."},
	        /* Outlook on a telephone, an iPhone, Gmail: */
	        {"text/html; charset=utf-8", "<body><div dir=\"auto\">Nej</div><div id=\"ms-outlook-mobile-signature\"><div>Hent Outlook til iOS</div></div><hr style=\"display:inline-block;width:98%\"><div id=\"divRplyFwdMsg\">"
	         "<b>Fra:</b> Skolen<br><b>Sendt:</b> i dag<br></div><div>Gammelt</div></body>", "Nej\nHent Outlook til iOS"},
	        {"text/html; charset=utf-8", "<html><body dir=\"auto\">Ja<br><div dir=\"ltr\"><br><blockquote type=\"cite\">Den 21. nov. 2026 kl. 10.00 skrev Skolen &lt;svar@skole.example&gt;:<br><br></blockquote></div>"
	         "<blockquote type=\"cite\"><div>Gammelt</div></blockquote></body></html>", "Ja"},
	        {"text/html; charset=utf-8", "<div dir=\"ltr\">Det er i orden</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">Den l\xc3\xb8r. 21. nov. 2026 kl. 10.00 skrev Skolen &lt;"
	         "<a href=\"mailto:svar@skole.example\">svar@skole.example</a>&gt;:<br></div><blockquote class=\"gmail_quote\">Gammelt</blockquote></div>", "Det er i orden"},
	        /* The charset stands in the HTML; lists, cells, white space, what nobody sees. */
	        {"text/html", "<meta http-equiv='Content-Type' content='text/html; charset=windows-1252'><p>R\xf8""dgr\xf8""d</p>", "Rødgrød"},
	        {"text/html; charset=utf-8", "<ul><li>Et<li>To</ul><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table><pre>x\n  y</pre>", "- Et\n- To\n\na b\nc\n\nx\ny"},
	        {"text/html; charset=utf-8", "<div style=\"display:none\">skjult</div>  Ja \n\t tak <script>alert(1)</script><!-- nej -->", "Ja tak"},
	        {"text/html; charset=nonsense-77", "<p>Ja</p>", "Ja"},
	        {"text/html; charset=utf-8", "<p><img src='https://spor.example/x.png'></p>", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arrival m = read_mail(arena_printf(arena, "From: a@b.example\nMessage-ID: <x@y>\nMIME-Version: 1.0\nContent-Type: %s\nContent-Transfer-Encoding: 8bit\n\n%s", rows[i].type, rows[i].html));
		is(m.words, rows[i].words);
	}
	struct arrival both = read_mail(str_from("From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/html\n\n<p>HTML</p>\n"
	                                         "--a\nContent-Type: text/plain\n\nTekst\n--a--\n"));
	is(both.text, "Tekst");
}

static void automatic_mail_is_known(void **state) {
	(void)state;
	static const char *const lines[] = {"Auto-Submitted: auto-replied", "Auto-Submitted: AUTO-GENERATED (vacation)", "Precedence: bulk", "Precedence: Auto_Reply", "Return-Path: <>",
	                                    "List-Id: <a.example>", "X-Autoreply: yes", "X-Auto-Response-Suppress: OOF", "From: MAILER-DAEMON@a.example", "From: No-Reply <no-reply@a.example>", "Auto-Submitted: notification"};
	static const char *const plain[] = {"Auto-Submitted: no", "Auto-Submitted: No ; x", "X-Priority: 1", "Precedence: first-class"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_int_equal(read_mail(arena_printf(arena, "%s\nFrom: b@a.example\nSubject: x\n\nhi\n", lines[i])).kind, ARRIVAL_AUTOMATIC);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		assert_int_equal(read_mail(arena_printf(arena, "From: b@a.example\n%s\nSubject: x\n\nhi\n", plain[i])).kind, ARRIVAL_PERSON);
}

/* "name|type|bytes", or what became of it. */
static void holds_file(const struct arrival *m, size_t at, const char *expected) {
	static const char *const fates[] = {"sent", "shown", "many"};
	if (m->files.count <= at)
		fail_msg("no file %zu", at);
	const struct arrival_file *f = &m->files.items[at];
	struct str content = f->content.len > 0 ? f->content : str_from(fates[f->fate]);
	is(arena_printf(arena, "%.*s|%.*s|%.*s", STR_ARG(f->name), STR_ARG(f->type), STR_ARG(content)), expected);
}

static void files_have_names_in_many_ways(void **state) {
	(void)state;
	static const char *const rows[][2] = {
	        {"Content-Type: application/pdf; name=a.pdf", "a.pdf|application/pdf|x"},
	        {"Content-Type: application/PDF\nContent-Disposition: attachment; filename=\"b c.pdf\"", "b c.pdf|application/pdf|x"},
	        {"Content-Type: application/pdf; name=a.pdf\nContent-Disposition: attachment; filename=b.pdf", "b.pdf|application/pdf|x"},
	        {"Content-Disposition: attachment; filename=\"=?utf-8?Q?erkl=C3=A6ring.pdf?=\"\nContent-Type: application/pdf", "erkl\xC3\xA6ring.pdf|application/pdf|x"},
	        {"Content-Disposition: attachment; filename=\"=?iso-8859-1?B?5vjlLg==?= =?iso-8859-1?Q?pdf?=\"\nContent-Type: image/png", "\xC3\xA6\xC3\xB8\xC3\xA5.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename*=utf-8'da'r%C3%B8d%20gr%c3%b8d.pdf; filename=rd.pdf\nContent-Type: image/png", "r\xC3\xB8" "d gr\xC3\xB8" "d.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename*=iso-8859-1''%E6.pdf\nContent-Type: image/png", "\xC3\xA6.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename*1*=%C3%A6; filename*0*=utf-8''a%20; filename*2=\"b%20.pdf\"\nContent-Type: image/png", "a \xC3\xA6" "b%20.pdf|image/png|x"},
	        {"Content-Type: application/msword; name*0=lang; name*1=t.doc", "langt.doc|application/msword|x"},
	        {"Content-Disposition: attachment; filename=\"\xC3\xA6.pdf\"\nContent-Type: image/png", "\xC3\xA6.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename=\"\xE6.pdf\"\nContent-Type: image/png", "\xC3\xA6.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename*=klingon''%FF.pdf\nContent-Type: image/png", "\xEF\xBF\xBD.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename*=utf-8''%C3%A6%zz%0a%00%2.pdf\nContent-Type: image/png", "\xC3\xA6%zz  %2.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename*99999999999999999999=a; filename*7=b.pdf\nContent-Type: image/png", "b.pdf|image/png|x"},
	        {"Content-Disposition: attachment; filename=\"../../etc/passwd\"\nContent-Type: image/png", "../../etc/passwd|image/png|x"},
	        {"Content-Disposition: attachment\nContent-Type: application/pdf", "|application/pdf|x"},
	        {"Content-Disposition: inline; filename=scan.pdf\nContent-Type: application/octet-stream", "scan.pdf|application/octet-stream|x"},
	        {"Content-Disposition: attachment; filename=n.txt\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n=E6", "n.txt|text/plain|\xC3\xA6"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool whole = strstr(rows[i][0], "\n\n");
		struct str raw = arena_printf(arena, "From: b@a.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nJa\n--b\n%s%s\n--b--\n", rows[i][0], whole ? "" : "\n\nx");
		struct arrival m = read_mail(i % 2 ? with_crlf(raw) : raw);
		is(m.text, "Ja");
		assert_int_equal(m.files.count, 1);
		holds_file(&m, 0, rows[i][1]);
	}
}

static struct str repeated(const char *before, const char *what, size_t times, const char *after);

static void what_is_no_answer_is_no_file(void **state) {
	(void)state;
	struct str photo = repeated("", "p", 150 << 10, "");
	struct arrival m = read_mail(arena_printf(arena, "From: b@a.example\nContent-Type: multipart/mixed; boundary=m\n\n"
	        "--m\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: multipart/alternative; boundary=a\n\n"
	        "--a\nContent-Type: text/plain; name=body.txt\n\nJa\n--a\nContent-Type: text/html\n\n<img src=\"cid:logo@x\"><img src='CID:photo%%40x'><img src=cid:doc@x>\n--a--\n"
	        "--r\nContent-Type: image/png; name=logo.png\nContent-Id: <logo@x>\nContent-Disposition: attachment\n\nlogo\n"
	        "--r\nContent-Type: image/jpeg; name=IMG_1.jpg\nContent-Id: <photo@x>\nContent-Disposition: inline\n\n%.*s\n"
	        "--r\nContent-Type: application/pdf; name=doc.pdf\nContent-Id: <doc@x>\n\ndoc\n--r--\n"
	        "--m\nContent-Type: image/gif; name=dot.gif\n\ndot\n"
	        "--m\nContent-Type: image/gif; name=small.gif\nContent-Disposition: attachment\n\nsmall\n"
	        "--m\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nsignature\n"
	        "--m\nContent-Type: message/rfc822\n\nFrom: c@a.example\nContent-Type: application/pdf; name=inner.pdf\n\nx\n"
	        "--m\nContent-Type: text/plain\n\nfoot\n--m--\n", STR_ARG(photo)));
	is(m.text, "Ja");
	assert_int_equal(m.files.count, 6);
	holds_file(&m, 0, "logo.png|image/png|shown");
	is(m.files.items[1].name, "IMG_1.jpg");
	assert_int_equal(m.files.items[1].content.len, photo.len);
	holds_file(&m, 2, "doc.pdf|application/pdf|doc");
	holds_file(&m, 3, "dot.gif|image/gif|shown");
	holds_file(&m, 4, "small.gif|image/gif|small");
	is(m.files.items[5].name, "message.eml");
	/* a mail is never taken for a file of the kind that its sender calls it */
	m = read_mail(STR("From: b@a.example\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: message/rfc822; name=brev.txt\n\nFrom: c@a.example\n\nHej\n--m--\n"));
	is(m.files.items[0].name, "brev.txt.eml");
	/* of a program's mail, or of what came back, nobody has sent us anything */
	assert_int_equal(read_mail(STR("From: b@a.example\nAuto-Submitted: auto-replied\nContent-Type: application/pdf; name=a.pdf\n\nx\n")).files.count, 0);
	m = read_mail(STR("From: b@a.example\nContent-Type: application/pdf; name=a.pdf\n\nx"));
	holds_file(&m, 0, "a.pdf|application/pdf|x");
	is(m.text, "");
	m = read_mail(repeated("From: b@a.example\nContent-Type: multipart/mixed; boundary=b\n\n", "--b\nContent-Type: application/pdf; name=a.pdf\n\nx\n", 120, "--b--\n"));
	assert_int_equal(m.files.count, ARRIVAL_LIST);
	holds_file(&m, ARRIVAL_FILES - 1, "a.pdf|application/pdf|x");
	holds_file(&m, ARRIVAL_FILES, "a.pdf|application/pdf|many");
}

static struct str repeated(const char *before, const char *what, size_t times, const char *after) {
	size_t head = strlen(before), len = strlen(what), tail = strlen(after);
	char *bytes = arena_alloc(arena, head + times * len + tail + 1);
	memcpy(bytes, before, head);
	for (size_t i = 0; i < times; i++)
		memcpy(bytes + head + i * len, what, len);
	memcpy(bytes + head + times * len, after, tail);
	return (struct str){bytes, head + times * len + tail};
}

/* Each is read or refused, in time, and never more than the child dies of it. */
static void hostile_mail_kills_at_most_the_child(void **state) {
	(void)state;
	struct arrival m;
	struct err err = {0};
	struct str rows[] = {
	        repeated("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n", "--b\nContent-Type: text/plain\n\nx\n", 1000, "--b--\n"),
	        repeated("From: a@b.example\n", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 20000, "\nx\n"),
	        repeated("From: a@b.example\n", "Content-Type: message/rfc822\n\n", 20000, "From: x\n\nx\n"),
	        repeated("From: a@b.example\nSubject: ", "=?utf-8?B?w6bDuMOl?= ", 50000, "\n\nx"),
	        repeated("From: a@b.example\nTo: ", "a@b.example, ", 50000, "a@b.example\n\nx"),
	        repeated("", "X-A: b\n", 200000, "\nx"),
	        repeated("From: a@b.example\nContent-Type: text/plain; charset=klingon\n\n", "\xff\xfe\x00", 1000, ""),
	        repeated("From: (", "(", 100000, "\n\nx"),
	        repeated("From: a@b.example\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n",
	                 "Final-Recipient: rfc822; x@y.example\nAction: failed\nStatus: 5.0.0\n\n", 5000, "--b--\n"),
	        repeated("From: a@b.example\nContent-Transfer-Encoding: base64\n\n", "A", 20 << 20, ""),
	        repeated("From: a@b.example\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n", "QUJD\n", 5000000, ""),
	        repeated("From: a@b.example\nContent-Type: application/pdf; ", "name*0*=utf-8''%41; name*1=\"b\"; ", 20000, "\n\nx"),
	        repeated("From: a@b.example\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"", "=?utf-8?B?w6bDuMOl?= ", 20000, "\"\n\nx"),
	        repeated("From: a@b.example\nContent-Type: text/html\n\n", "<img src='cid:a@b'>", 500000, ""),
	        repeated("From: a@b.example\nContent-Type: text/html\n\n", "<blockquote><div>", 200000, ""),
	        repeated("From: a@b.example\nContent-Type: text/html\n\n", "<table><tr><td>x", 200000, ""),
	        repeated("From: a@b.example\nContent-Type: text/html\n\n<p ", "a=b ", 1000000, ">"),
	        repeated("From: a@b.example\nContent-Type: text/html\n\n<p>", "&nbsp;&#x41;&nonsense;", 300000, ""),
	        repeated("From: a@b.example\nContent-Type: text/html; charset=utf-16\n\n", "\xd8\x00<p>", 300000, ""),
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!arrival_read(arena, rows[i], &m, &err)) {
			assert_int_equal(err.kind, ERR_INPUT);
			continue;
		}
		assert_true(m.files.count <= ARRIVAL_LIST);
		assert_true(m.to.count <= ARRIVAL_LIST && m.reports.count <= ARRIVAL_LIST && m.text.len <= ARRIVAL_TEXT);
	}
	assert_false(arrival_read(arena, repeated("From: a@b.example\n\n", "xxxxxxxxxxxxxxxx", 2 << 20, ""), &m, &err));
	assert_non_null(strstr(err.text, "larger than 25 MB"));
	assert_false(arrival_read(arena, STR(""), &m, &err));
	assert_false(arrival_read(arena, STR("no mail at all"), &m, &err));
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* This program is its own child. */
int main(int argc, char **argv) {
	if (argc > 1 && strcmp(argv[1], ARRIVAL_CHILD) == 0)
		return arrival_child();
	const struct CMUnitTest tests[] = {
	        TEST(reports_of_mail_servers),
	        TEST(what_programs_and_people_write),
	        TEST(what_is_quoted_is_cut),
	        TEST(html_alone_is_read),
	        TEST(automatic_mail_is_known),
	        TEST(files_have_names_in_many_ways),
	        TEST(what_is_no_answer_is_no_file),
	        TEST(hostile_mail_kills_at_most_the_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
