/* What is checked when all packages of a site are there: a start form that is filled in from another workflow. */
#include "tests/unit/workflow_fixture.h"

static const char first[] =
        "workflow: w\n"
        "start: {by: owner, form: ask, public: true, prefill: [other, nowhere]}\n"
        "roles: {owner: {contact: mail}}\n"
        "data: {mail: {type: email}, name: {type: text}, tick: {type: bool}}\n"
        "forms: {ask: {fields: [mail, name, tick]}}\n"
        "initial: a\n"
        "states: {a: {after: [{in: 1d, target: b}]}, b: {final: true}}\n";
static const char own[] =
        "workflow: w\n"
        "start: {by: owner, form: ask, login: [other, nowhere]}\n"
        "roles: {owner: {contact: mail}}\n"
        "data: {mail: {type: email}, name: {type: text}}\n"
        "forms: {ask: {fields: [name]}}\n"
        "initial: a\n"
        "states: {a: {after: [{in: 1d, target: b}]}, b: {final: true}}\n";
static const char from[] =
        "workflow: w\n"
        "start: {by: owner, form: ask, from: {workflow: other, when: \"%s\", take: [name]}}\n"
        "roles: {owner: {contact: mail}}\n"
        "data: {mail: {type: email}, name: {type: text}, kind: {type: int}}\n"
        "forms: {ask: {show: [name], fields: [kind]}}\n"
        "initial: a\n"
        "states: {a: {after: [{in: 1d, target: b}]}, b: {final: true}}\n";
static const char second[] =
        "workflow: other\n"
        "start: {by: %s, form: ask}\n"
        "roles: {%s: {contact: mail}}\n"
        "data: {mail: {type: email}, name: {type: %s}, tick: {type: int}}\n"
        "forms: {ask: {fields: [mail, name, tick]}}\n"
        "initial: a\n"
        "states: {a: {after: [{in: 1d, target: b}]}, b: {final: true}}\n";

/* NULL: the site opens. */
static void check(const char *workflow, const char *role, const char *type, const char *told) {
	struct fixture *f = fixture_new();
	char text[1000];
	bool found = false;
	snprintf(text, sizeof text, second, role, role, type);
	package_write(f, workflow, NULL, NULL);
	package_write(f, text, NULL, NULL);
	f->site = site_open(&f->config, &f->problems, &f->err);
	for (size_t i = 0; told && i < f->problems.count; i++)
		found = found || memmem(f->problems.items[i].text.at, f->problems.items[i].text.len, told, strlen(told));
	if (told ? f->site || !found : !f->site) {
		print_problems(&f->problems);
		fail_msg("role %s, name of type %s: %s is expected", role, type, told ? told : "nothing");
	}
	if (!f->site) { /* the fixture closes a whole one */
		f->problems = (struct problems){.arena = f->arena};
		f->config.package_count = 0;
		f->site = site_open(&f->config, &f->problems, &f->err);
		assert_non_null(f->site);
	}
	store_start(f, false);
	f->engine = engine_open(f->site);
	fixture_close(f);
}

/* A tick is never filled in, so it may be anything there; a workflow that the site does not have fills in nothing. */
static void test_prefill(void **state) {
	(void)state;
	check(first, "owner", "text", NULL);
	check(first, "owner", "text, many: 1..2", "field 'name' is text here, but text (many) in workflow");
	check(first, "owner", "longtext", "field 'name' is text here, but longtext in workflow 'other'");
	check(first, "keeper", "text", "workflow 'other' has no role 'owner'");
}

/* Whoever is logged in can start what is for them; the role must be one of the workflow that they are known from. */
static void test_login(void **state) {
	(void)state;
	check(own, "owner", "text", NULL);
	check(own, "keeper", "text", "workflow 'other' has no role 'owner', who could start this");
}

static void check_from(const char *when, const char *type, const char *told) {
	char text[1000];
	snprintf(text, sizeof text, from, when);
	check(text, "owner", type, told);
}

/* Its condition is about the other workflow's case, and what it takes is of the same type there. */
static void test_from(void **state) {
	(void)state;
	check_from("state == 'b' && has(name) && tick > 2 && now > started_at", "text", NULL);
	check_from("stat == 'b'", "text", "unknown name 'stat'");
	check_from("name", "text", "string");
	check_from("size(children) > 0", "text", "'when' of a start reads fields and states of the case alone");
	check_from("true", "longtext", "field 'name' is text here, but another in workflow 'other'");
	check_from("true", "text, many: 1..2", "field 'name' is text here, but another in workflow 'other'");
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_prefill), cmocka_unit_test(test_login), cmocka_unit_test(test_from)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
