/* Documents of workflows: numbers, what is fixed in the transition, messages that wait for them, tries, verify. */
#include "tests/unit/workflow_fixture.h"

#include "engine/store/blobs.h"
#include "engine/store/handle.h"

static const char deal[] =
        "workflow: deal\n"
        "start: {by: taker, form: ask}\n"
        "roles:\n"
        "  taker: {contact: mail}\n"
        "  office: {contact: office_mail}\n"
        "  phone: {contact: number}\n"
        "data:\n"
        "  mail: {type: email}\n"
        "  office_mail: {type: email}\n"
        "  number: {type: phone}\n"
        "  post: {type: text}\n"
        "forms:\n"
        "  ask: {fields: [mail, office_mail, number, post]}\n"
        "  change: {fields: [post], check: false}\n"
        "initial: agreed\n"
        "states:\n"
        "  agreed:\n"
        "    entry:\n"
        "      - document: {name: paper, template: paper}\n"
        "      - document: {name: note, template: note, for: [office]}\n"
        "      - send: {to: [taker, phone], message: made, link: change, attach: paper, deadline: 2d}\n"
        "      - send: {to: office, message: plain}\n"
        "    after:\n"
        "      - {in: 90d, target: over}\n"
        "    on:\n"
        "      change: {by: [taker, phone], form: change, expires: 1d, target: agreed}\n"
        "      add:\n"
        "        actions:\n"
        "          - document: {name: paper, template: addition, addendum: true}\n"
        "          - send: {to: taker, message: added, attach: [paper, note]}\n"
        "      twice: {actions: [{document: {name: paper, template: paper}}, {document: {name: paper, template: paper}}, {document: {name: paper, template: addition, addendum: true}}]}\n"
        "  over: {final: true}\n";

static int64_t begin(struct fixture *f) {
	return start(f, "deal", "{\"mail\":\"ida@example.dk\",\"office_mail\":\"bo@example.dk\",\"number\":\"+4520304050\",\"post\":\"Baker\"}");
}

static int set_up(void **state) {
	struct fixture *f = fixture_new();
	clock_simulate(1772445600000, 0);
	package_write(f, deal, NULL, NULL);
	write_file(f->packages[0].at, "documents/paper.en.md", STR("title: Deal on {{post}}\nfile: Deal {{post}}\n---\nThe post is {{post}} in {{state}}, {{reference}}.\n"));
	fixture_open(f, false);
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	fixture_close(*state);
	return 0;
}

static struct document_list documents_of(struct fixture *f, int64_t id) {
	struct document_list list;
	struct view *v = store_view(f->store, &f->err);
	OK(v && document_of_instance(v, id, f->arena, &list, &f->err));
	view_close(v);
	return list;
}

/* "paper 1, note 1, paper 1+1" */
static struct str numbers_of(struct fixture *f, int64_t id) {
	struct document_list list = documents_of(f, id);
	struct str text = STR("");
	for (size_t i = 0; i < list.count; i++) {
		struct str more = list.items[i].addendum ? arena_printf(f->arena, "+%lld", (long long)list.items[i].addendum) : STR("");
		text = arena_printf(f->arena, "%.*s%s%.*s %lld%.*s", STR_ARG(text), i ? ", " : "", STR_ARG(list.items[i].name), (long long)list.items[i].version, STR_ARG(more));
	}
	return text;
}

static struct document_sheet sheet_of(struct fixture *f, int64_t document_id) {
	struct document_sheet sheet;
	struct view *v = store_view(f->store, &f->err);
	OK(v && document_sheet_load(v, document_id, f->arena, &sheet, &f->err));
	view_close(v);
	return sheet;
}

static struct document take(struct fixture *f, bool *found) {
	struct document d = {0};
	tx_open(f);
	OK(tx_end(f, document_take(f->tx, clock_now(), f->arena, &d, found, &f->err)));
	return d;
}

static bool keep(struct fixture *f, struct document d, const char *bytes) {
	struct str pdf = str_from(bytes);
	struct blob blob = {.instance_id = d.instance_id, .name = d.file, .type = STR("application/pdf"), .size = (int64_t)pdf.len};
	d.key_id = keyring_current(site_keys(f->site));
	assert_true(document_seal(site_keys(f->site), d.key_id, d.digest, pdf, d.seal));
	tx_open(f);
	return tx_end(f, blob_put(f->tx, &blob, bytes_of(&pdf), &d.blob_id, &f->err) && document_ready(f->tx, &d, &f->err) && attachment_release(f->tx, d.id, clock_now(), &f->err));
}

static struct document keep_next(struct fixture *f) {
	bool found;
	struct document d = take(f, &found);
	assert_true(found);
	OK(keep(f, d, "%PDF"));
	return d;
}

/* Mails that could be leased now. */
static struct str due_messages(struct fixture *f) {
	struct str text = STR("");
	struct view *v = store_view(f->store, &f->err);
	assert_non_null(v);
	struct stmt *s = db_query(view_db(v), "SELECT message FROM outbox WHERE state = 'queued' AND channel = 1 AND next_at <= ? ORDER BY priority, id");
	bind_int(s, clock_now());
	while (stmt_step(s, &f->err) == DB_ROW) {
		struct str message = stmt_text(s, 0, f->arena);
		text = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(text), text.len ? ", " : "", STR_ARG(message));
	}
	stmt_end(s);
	view_close(v);
	return text;
}

static void change_store(struct fixture *f, const char *sql) {
	OK(store_begin(f->store, &f->tx, &f->err));
	OK(db_script(tx_db(f->tx), sql, &f->err));
	OK(store_commit(f->tx, &f->err));
	f->tx = NULL;
}

static void found_fault(struct fixture *f, const char *text) {
	struct buf out;
	buf_init(&out, 1 << 16);
	if (faults_of(f, 0, &out) == 0 || !strstr(out.at, text))
		fail_msg("verify did not find '%s': %s", text, out.at ? out.at : "");
	buf_free(&out);
}

static void test_numbers(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f);
	assert_str(numbers_of(f, id), "paper 1, note 1");
	OK(send_signal(f, id, "add", "{}"));
	OK(send_signal(f, id, "add", "{}"));
	OK(act(f, id, "ida@example.dk", "change", "{\"post\":\"Miller\"}"));
	OK(send_signal(f, id, "add", "{}"));
	OK(send_signal(f, id, "twice", "{}"));
	assert_str(numbers_of(f, id), "paper 1, note 1, paper 1+1, paper 1+2, paper 2, note 2, paper 2+1, paper 3, paper 4, paper 4+1");
	assert_sound(f);
}

static void test_what_is_fixed(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f);
	struct str reference = instance_of(f, id).reference;
	OK(act(f, id, "ida@example.dk", "change", "{\"post\":\"Miller\"}"));
	struct document_list list = documents_of(f, id);
	struct document_sheet first = sheet_of(f, list.items[0].id), second = sheet_of(f, list.items[2].id);
	assert_str(list.items[0].title, "Deal on Baker");
	assert_str(list.items[0].file, "Deal Baker.pdf");
	assert_str(list.items[2].file, "Deal Miller (Version 2).pdf");
	assert_true(str_equal(first.markdown, arena_printf(f->arena, "The post is Baker in State, %.*s.", (int)reference.len, reference.at)) ||
	            str_starts(first.markdown, STR("The post is Baker in State, "))); /* the hyphen is escaped */
	assert_str(first.date, "Monday 2 March 2026");
	assert_str(second.date, "Monday 2 March 2026 · Version 2");
	assert_str(first.site, "Test");
	assert_true(document_role_sees(&list.items[0], STR("taker")) && document_role_sees(&list.items[0], STR("office")));
	assert_true(document_role_sees(&list.items[1], STR("office")) && !document_role_sees(&list.items[1], STR("taker")) && !document_role_sees(&list.items[1], STR("off")));
	assert_int_equal(list.items[0].history_id, history_of(f, id).items[0].id);
	assert_memory_equal(list.items[0].template_hash, list.items[2].template_hash, SECRET_HASH);
	assert_memory_not_equal(list.items[0].template_hash, list.items[1].template_hash, SECRET_HASH);
	assert_memory_not_equal(list.items[0].digest, list.items[2].digest, SECRET_HASH);
}

static void test_messages_wait(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f);
	assert_str(due_messages(f), "plain");
	struct document d = keep_next(f);
	assert_str(d.name, "paper");
	assert_str(due_messages(f), "made, plain"); /* the note is attached to nothing */
	OK(send_signal(f, id, "add", "{}"));
	assert_str(due_messages(f), "made, plain"); /* addition and note are not drawn */
	keep_next(f);
	assert_str(due_messages(f), "made, plain");
	keep_next(f);
	assert_str(due_messages(f), "made, plain, added");
}

/* Without its document it is not due before its deadline (here its link's); then it is, so that it fails and is told. */
static void test_deadline(void **state) {
	struct fixture *f = *state;
	begin(f);
	advance_to(f, "2026-03-03T10:59");
	assert_str(due_messages(f), "plain");
	advance_to(f, "2026-03-03T11:00");
	assert_str(due_messages(f), "made, plain");
}

/* The link's end is the message's; sent anew it carries the same. */
static void test_renewed(void **state) {
	struct fixture *f = *state;
	int64_t id = begin(f);
	struct link link = link_to(f, id, "ida@example.dk", "change");
	bool sent;
	keep_next(f);
	advance_to(f, "2026-03-04T12:00");
	tx_open(f);
	OK(tx_end(f, engine_renew(f->engine, f->tx, clock_now(), &link, f->arena, &sent, &f->err)));
	assert_true(sent);
	struct view *v = store_view(f->store, &f->err);
	struct outbox_list rows;
	struct document_list carried;
	OK(v && outbox_of_instance(v, id, f->arena, &rows, &f->err) && attachment_list(v, rows.items[rows.count - 1].id, f->arena, &carried, &f->err));
	view_close(v);
	assert_int_equal(carried.count, 1);
	assert_str(carried.items[0].name, "paper");
}

static void test_tries(void **state) {
	struct fixture *f = *state;
	int64_t failed, next_at;
	bool found;
	begin(f);
	struct document first = take(f, &found);
	assert_true(found && first.tries == 1 && first.state == DOCUMENT_DRAWING);
	tx_open(f);
	OK(tx_end(f, document_settle(f->tx, &first, DOCUMENT_WAITING, clock_now() + 5000, STR("killed"), &f->err)));
	REFUSED(ERR_CONFLICT, "store.conflict", keep(f, first, "%PDF")); /* that try is over */
	struct document note = take(f, &found);
	assert_str(note.name, "note");
	OK(keep(f, note, "%PDF"));
	take(f, &found);
	assert_false(found);
	struct view *v = store_view(f->store, &f->err);
	OK(v && document_next(v, &next_at, &f->err));
	view_close(v);
	assert_int_equal(next_at, clock_now() + 5000);
	clock_simulate(clock_now() + 5000, 0);
	for (int try = 2; try <= 3; try++) { /* the process dies */
		struct document d = take(f, &found);
		assert_true(found && d.tries == try);
		tx_open(f);
		OK(tx_end(f, document_reclaim(f->tx, clock_now(), &failed, &f->err)));
		assert_int_equal(failed, try == 3);
	}
	take(f, &found);
	assert_false(found);
	assert_str(due_messages(f), "plain");
	assert_sound(f);
	tx_open(f);
	OK(tx_end(f, document_retry(f->tx, first.id, clock_now(), &f->err)));
	tx_open(f);
	REFUSED(ERR_CONFLICT, "store.conflict", tx_end(f, document_retry(f->tx, first.id, clock_now(), &f->err)));
	keep_next(f);
	assert_str(due_messages(f), "made, plain");
	assert_sound(f);
}

static void test_verify(void **state) {
	struct fixture *f = *state;
	begin(f);
	struct document d = keep_next(f);
	assert_sound(f);
	change_store(f, "UPDATE blob_chunks SET bytes = x'2550444E'");
	found_fault(f, "the file of document 1 is not the one that was drawn");
	change_store(f, "UPDATE blob_chunks SET bytes = x'25504446'");
	assert_sound(f);
	change_store(f, "UPDATE documents SET markdown = replace(markdown, 'Baker', 'Maker') WHERE id = 1");
	found_fault(f, "document 1 does not say what it said when it was made");
	/* Who changes both has the chain against him. */
	struct document_sheet sheet = sheet_of(f, d.id);
	unsigned char digest[SECRET_HASH];
	document_digest(&d, &sheet, digest);
	struct str hex = secret_hex(f->arena, digest, sizeof digest);
	change_store(f, arena_printf(f->arena, "UPDATE documents SET digest = x'%.*s' WHERE id = 1", (int)hex.len, hex.at).at);
	found_fault(f, "entry 1 does not name the documents that belong to it");
	change_store(f, "DELETE FROM attachments; DELETE FROM documents");
	found_fault(f, "entry 1 does not name the documents that belong to it");
}

/* What cannot be made stands as failed; the transition is right without its paper. */
static void test_cannot_be_made(void **state) {
	struct fixture *f = *state;
	struct str blank = STR("{\"mail\":\"ida@example.dk\",\"office_mail\":\"bo@example.dk\",\"number\":\"+4520304050\",\"post\":\"x\"}");
	write_file(f->packages[0].at, "documents/note.en.md", STR("title: {{^post}}x{{/post}}{{#post}} {{/post}}\n---\nText\n"));
	struct view *v = store_view(f->store, &f->err);
	OK(v && site_reload(f->site, v, &f->problems, &f->err));
	view_close(v);
	int64_t id = start(f, "deal", blank.at);
	struct document_list list = documents_of(f, id);
	assert_int_equal(list.items[1].state, DOCUMENT_FAILED);
	assert_true(list.items[1].answer.len > 0);
	assert_int_equal(list.items[0].state, DOCUMENT_WAITING);
	tx_open(f);
	REFUSED(ERR_CONFLICT, "store.conflict", tx_end(f, document_retry(f->tx, list.items[1].id, clock_now(), &f->err)));
	assert_sound(f);
}

/* Heads of documents/<name>.<lang>.md. */
static void test_heads(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *text, *told;
	} heads[] = {
	        {"title: A\nlogo: no\npages: yes\n---\nText\n", NULL},
	        {"---\nText\n", "the title is missing"},
	        {"title: A\nTekst\n", "found 'Tekst', expected title, file, logo"},
	        {"titel: A\n---\nText\n", "did you mean 'title'?"},
	        {"title: A\nlogo: maybe\n---\nText\n", "found 'maybe', expected yes or no"},
	        {"title: A\ntitle: B\n---\nText\n", "'title' stands twice"},
	        {"title:\n---\nText\n", "found a text of 0 bytes"},
	        {"title: A\n---\n \n", "the document has no text"},
	        {"title: A\n", "expected a line of ---"},
	        {"title: {{a\n---\nText\n", "{{"},
	};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct problems problems = {.arena = f->arena};
		struct document_text text = {0};
		write_file(f->folder, "head.md", str_from(heads[i].text));
		bool ok = texts_read_document(f->arena, arena_printf(f->arena, "%s/head.md", f->folder).at, &text, &problems);
		bool told = problems.count > 0 && heads[i].told && memmem(problems.items[0].text.at, problems.items[0].text.len, heads[i].told, strlen(heads[i].told));
		if (ok != !heads[i].told || (heads[i].told && !told)) {
			print_problems(&problems);
			fail_msg("%s", heads[i].text);
		}
		if (ok)
			assert_true(!text.logo && text.pages && text.reference && text.date && text.title && !text.file);
	}
}

/* What the paper shows is kept with it, a logo once for all. */
static void test_logo(void **state) {
	struct fixture *f = *state;
	f->config.logo = (struct logo){STR("first picture"), "image/png", "png"};
	int64_t one = begin(f), two = begin(f);
	f->config.logo.bytes = STR("second picture");
	int64_t three = begin(f);
	f->config.logo.ending = "svg";
	int64_t four = begin(f);
	assert_str(sheet_of(f, documents_of(f, one).items[0].id).logo, "first picture");
	assert_str(sheet_of(f, documents_of(f, two).items[0].id).logo, "first picture");
	assert_str(sheet_of(f, documents_of(f, three).items[0].id).logo, "second picture");
	assert_str(sheet_of(f, documents_of(f, four).items[0].id).logo, "");
	struct view *v = store_view(f->store, &f->err);
	struct stmt *s = db_query(view_db(v), "SELECT count(*) FROM document_logos");
	assert_int_equal(stmt_step(s, &f->err), DB_ROW);
	assert_int_equal(stmt_int(s, 0), 2);
	stmt_end(s);
	view_close(v);
	assert_sound(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(test_numbers), TEST(test_what_is_fixed), TEST(test_messages_wait), TEST(test_deadline), TEST(test_renewed),
	        TEST(test_tries), TEST(test_logo), TEST(test_verify), TEST(test_cannot_be_made), TEST(test_heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
