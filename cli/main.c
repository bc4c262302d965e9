/* stafet: the command line. Life of a command: main -> table -> command_*() here, or store_command() in an opened site or in the running server. */
#include "cli/command.h"
#include "document/document.h"
#include "mailer/arrival.h"
#include "mailer/mailer.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage_text[] =
        "Stafet: workflows by mail and SMS\n"
        "\n"
        "  stafet init DIR [--with PACKAGE...]          make a site folder\n"
        "  stafet serve DIR [--listen HOST:PORT]        run a site\n"
        "  stafet demo [DIR] [--listen HOST:PORT]       all packages (or those of a site or package folder), messages captured,\n"
        "                                               a clock that can be moved\n"
        "  stafet check DIR...                          say what is wrong with packages or sites\n"
        "  stafet test DIR... [--messages FOLDER] [--data FOLDER] [--no-pdf] [--times]\n"
        "                                               run the packages' scenarios on a virtual clock; what they send, or leave, as files into FOLDER\n"
        "  stafet graph DIR | --instance REFERENCE [--to mermaid|dot]\n"
        "  stafet eval EXPRESSION [--data FILE.json]    compute an expression\n"
        "  stafet draw SEED LABEL KEY...|--keys FILE    which of the keys is drawn, for whoever checks a draw by lot\n"
        "  stafet render FILE --data FILE.json [--to text|html|pdf|sms] [--site DIR]\n"
        "  stafet start WORKFLOW --data FILE.json       start an instance\n"
        "  stafet list [WORKFLOW] [--state STATE]       instances, newest change first\n"
        "  stafet show REFERENCE                        one instance: state, fields, people, documents, messages, timers\n"
        "  stafet history REFERENCE                     what happened to it\n"
        "  stafet import WORKFLOW.REGISTER FILE.csv [--dry-run]\n"
        "  stafet export WORKFLOW.REGISTER >FILE.csv\n"
        "  stafet verify [REFERENCE]                    prove that histories are whole, and that cases, claims and roles are what they say\n"
        "  stafet replay [REFERENCE] [--lots]           decide again all that was decided; it must come out the same, with its timers, messages and signals. --lots: each draw with its list\n"
        "  stafet outbox [explain|retry|cancel ID...]   messages that are not sent yet, or failed\n"
        "  stafet inbox [address]                       mails and texts that came in, and what followed from them\n"
        "  stafet suppressions [add|remove ADDRESS...]  addresses and numbers that get no messages, and why\n"
        "  stafet sessions [end ADDRESS...|--all]       who is logged in; logs people out\n"
        "  stafet erase REFERENCE...|--contact ADDRESS  what cases say about people, for ever; --dry-run tells first\n"
        "  stafet export-person ADDRESS [--reveal]      what is kept about somebody\n"
        "  stafet documents [explain|retry ID...]       PDFs that are not drawn yet, or could not be\n"
        "  stafet backup FILE [--force]                 the whole store in one file, while it runs; without the key file\n"
        "  stafet restore FILE [--check]                put a backup in place of a stopped site's store; --check only proves it\n"
        "  stafet doctor [DIR] [--deep]                 look for faults from the key file to the sender's DNS; sends nothing\n"
        "  stafet schema                                JSON Schema of workflow.yaml, for editors\n"
        "\n"
        "Commands on a running site find it by --site DIR, $STAFET_SITE or the current folder.\n"
        "Exit status: 0 good, 1 found a fault, 2 wrong usage.\n";

static const struct {
	const char *name;
	int (*run)(struct arguments *args, struct buf *out);
} commands[] = {
        {"init", command_init},   {"serve", command_serve}, {"demo", command_demo},     {"check", command_check},   {"test", command_test},
        {"graph", command_graph}, {"eval", command_eval},   {"render", command_render}, {"schema", command_schema}, {"doctor", command_doctor},
        {"backup", command_backup}, {"restore", command_restore}, {"draw", command_draw},
};

static int usage(void) {
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

/* The file that a store command reads, taken out of the arguments: "--data FILE", or the second word of import. */
static const char *input_file(const char *name, struct arguments *args) {
	if (strcmp(name, "import") != 0)
		return arguments_option(args, "--data");
	int words = 0;
	for (int i = 0; i < args->count; i++) {
		if (strncmp(args->items[i], "--", 2) == 0 || ++words < 2)
			continue;
		const char *path = args->items[i];
		memmove(&args->items[i], &args->items[i + 1], (size_t)(args->count - i - 1) * sizeof *args->items);
		args->count--;
		return path;
	}
	return NULL;
}

/* What old spreadsheets write goes on as UTF-8, and it is said. */
static bool read_input(struct arena *a, const char *path, size_t limit, struct str *input, struct buf *out, struct err *err) {
	struct buf text;
	if (!file_read(a, path, limit, input, err))
		return false;
	if (str_utf8_valid(*input))
		return true;
	buf_init(&text, 3 * limit + 1);
	bool known = buf_from_windows(&text, *input);
	*input = arena_str(a, buf_text(&text));
	buf_free(&text);
	if (known)
		buf_printf(out, "%s is not UTF-8 and was read as Windows-1252: look at its letters, or save it as \"CSV UTF-8\"\n", path);
	return known || err_set(err, ERR_INPUT, "error.input", "%s is neither UTF-8 nor Windows-1252; save it as \"CSV UTF-8\". Nothing was done", path);
}

static int run_here(const struct store_command *command, const char *folder, struct arguments *args, struct str input, struct buf *out) {
	struct open_site s;
	struct err err = {0};
	int status = EXIT_FAULT;
	if (site_open_all(&s, folder, out, &err))
		status = command->run(&s, args, input, out);
	else
		buf_printf(out, "stafet: %s\n", err.text);
	site_shut(&s);
	return status;
}

static void tell_lines(struct arena *a, const char *name, const char *path, struct str input) {
	enum { MANY = 10000 };
	size_t lines = 0;
	for (size_t i = 0; i < input.len; i++)
		lines += input.at[i] == '\n';
	if (lines >= MANY && strcmp(name, "import") == 0)
		command_progress(arena_printf(a, "reading and comparing %zu lines of %s", lines, path).at);
}

static int run_store_command(const struct store_command *command, struct arguments *args, struct buf *out) {
	enum { INPUT_LIMIT = 16 << 20 };
	struct arena *a = arena_new();
	struct err err = {0};
	struct str input = STR("");
	bool reached;
	const char *folder = arguments_site(args);
	const char *path = input_file(command->name, args);
	int status = EXIT_FAULT;
	if (path && !read_input(a, path, INPUT_LIMIT, &input, out, &err)) {
		buf_printf(out, "stafet: %s\n", err.text);
	} else {
		tell_lines(a, command->name, path, input);
		status = remote_run(folder, command->name, args, input, out, &reached);
		if (!reached)
			status = run_here(command, folder, args, input, out);
	}
	arena_free(a);
	return status;
}

static bool mentions(const struct arguments *args, const char *option) {
	for (int i = 0; i < args->count; i++)
		if (strncmp(args->items[i], option, strlen(option)) == 0)
			return true;
	return false;
}

static int dispatch(const char *name, struct arguments *args, struct buf *out) {
	/* `graph` draws a package here, and an instance's path where the store is. */
	bool of_instance = strcmp(name, "graph") == 0 && mentions(args, "--instance");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (!of_instance && strcmp(commands[i].name, name) == 0)
			return commands[i].run(args, out);
	const struct store_command *command = store_command(name);
	if (command)
		return run_store_command(command, args, out);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		buf_z(out, usage_text);
		return EXIT_GOOD;
	}
	fprintf(stderr, "stafet: unknown command '%s'\n\n", name);
	return usage();
}

int main(int argc, char **argv) {
	struct err err = {0};
	struct buf out;
	if (argc < 2)
		return usage();
	if (strcmp(argv[1], DOCUMENT_CHILD) == 0)
		return document_child();
	if (strcmp(argv[1], ARRIVAL_CHILD) == 0)
		return arrival_child();
	/* libcurl turns international domains into A-labels only in a UTF-8 locale; numbers keep the C locale's point. */
	setlocale(LC_CTYPE, "C.UTF-8");
	/* A file that may not grow is a full disk, to be answered with 503; a peer that hangs up is an error of that connection. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (!secret_init(&err) || !mailer_init(&err)) {
		fprintf(stderr, "stafet: %s\n", err.text);
		return EXIT_FAULT;
	}
	buf_init(&out, 64 << 20);
	struct arguments args = {argc - 2, argv + 2};
	int status = dispatch(argv[1], &args, &out);
	struct str text = buf_text(&out);
	fwrite(text.at, 1, text.len, status == EXIT_USAGE ? stderr : stdout);
	buf_free(&out);
	return fflush(stdout) == 0 ? status : EXIT_FAULT;
}
