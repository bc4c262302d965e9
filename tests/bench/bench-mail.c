/* make bench: what the mailer sends in a second, from the real outbox with all that belongs to it (link, text, page, MIME, two durable states a message).
 *   mail PACKAGE PORT CONNECTIONS COUNT   mails a second to a relay on 127.0.0.1
 *   code PACKAGE PORT COUNT               how long a log-in code takes while COUNT mails wait: ms, the middle and the worst of 20
 *   sms PACKAGE COUNT                     texts a second to a gateway on 127.0.0.1
 * Prints numbers only. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/store/access.h"
#include "engine/workflow/scenario.h"
#include "mailer/mailer.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CODES = 20, PATIENCE_S = 600 };

struct bench {
	struct arena *arena;
	struct open_site s;
	struct mailer *mailer;
	char folder[32];
	struct str path;
	struct login login;
	struct err err;
};

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(struct bench *b, bool ok) {
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", b->err.text);
	exit(1);
}

static void wait_ms(int64_t ms) {
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void open_bench(struct bench *b, char *package, const char *relay) {
	struct problems problems = {.arena = b->arena};
	unsigned char fingerprint[SECRET_FINGERPRINT];
	struct tx *tx;
	struct site_config *config = config_for_packages(b->arena, &package, 1);
	config->mail.tls = TLS_OFF;
	config->mail.relay = str_from(relay);
	config->mail.connections = 4;
	config->mail.per_connection = 100;
	config->mail.idle_seconds = 20;
	must(b, secret_init(&b->err) && mailer_init(&b->err) && site_for_check(&b->s, config, &problems, &b->err));
	snprintf(b->folder, sizeof b->folder, "/tmp/stafet-bench-XXXXXX");
	must(b, mkdtemp(b->folder) != NULL);
	b->path = arena_printf(b->arena, "%s/stafet.db", b->folder);
	keyring_fingerprint(site_keys(b->s.site), fingerprint);
	b->s.store = store_open(b->path.at, fingerprint, &b->err);
	must(b, b->s.store != NULL);
	b->s.engine = engine_open(b->s.site);
	must(b, store_begin(b->s.store, &tx, &b->err) && samples_load(b->s.site, tx, clock_now(), b->s.arena, &problems, &b->err) && store_commit(tx, &b->err));
}

static void close_bench(struct bench *b) {
	mailer_close(b->mailer);
	site_shut(&b->s);
	unlink(b->path.at);
	unlink(arena_printf(b->arena, "%s.lock", b->path.at).at);
	rmdir(b->folder);
	arena_free(b->arena);
}

/* Each start writes one mail, with a link. */
static void start_many(struct bench *b, int count) {
	static const char json[] = "{\"apprentice_name\":\"Ida Holm\",\"apprentice_email\":\"ida@example.dk\",\"training_form\":\"company\",\"education\":\"building\","
	                           "\"period_end\":\"%s\",\"main_course\":\"2\",\"school\":\"nordby\",\"class_name\":\"B2\",\"cvr\":\"13585628\","
	                           "\"supervisor_emails\":[\"a@example.dk\"],\"school_emails\":[\"c@example.dk\"]}";
	struct arena *a = arena_new();
	struct tx *tx;
	must(b, store_begin(b->s.store, &tx, &b->err));
	for (int i = 0; i < count; i++) {
		struct answers answers;
		struct form_problems problems = {0};
		struct receipt receipt;
		struct str end = civil_format_date(a, civil_day_of(clock_now()) + 30);
		must(b, answers_from_json(arena_printf(a, json, end.at), a, &answers, &b->err));
		struct start_request request = {.workflow = site_package_at(b->s.site, 0)->definition->name, .answers = &answers};
		must(b, engine_start(b->s.engine, tx, clock_now(), &request, a, &problems, &receipt, &b->err));
		arena_reset(a);
	}
	must(b, store_commit(tx, &b->err));
	arena_free(a);
}

static void open_mailer(struct bench *b) {
	must(b, site_writer(&b->s, &b->err));
	struct mailer_options options = {.site = b->s.site, .store = b->s.store, .engine = b->s.engine, .writer = b->s.writer};
	b->mailer = mailer_open(&options, &b->err);
	must(b, b->mailer != NULL);
}

static bool all_sent(struct bench *b) {
	const unsigned open = 1u << OUTBOX_QUEUED | 1u << OUTBOX_LEASED | 1u << OUTBOX_BEGUN;
	struct arena *a = arena_new();
	struct outbox_list list;
	struct view *v = store_view(b->s.store, &b->err);
	must(b, v && outbox_list(v, open, 0, 1, a, &list, &b->err));
	view_close(v);
	arena_free(a);
	return list.count == 0;
}

static double time_all(struct bench *b) {
	double since = seconds();
	open_mailer(b);
	while (!all_sent(b) && seconds() - since < PATIENCE_S)
		wait_ms(2);
	return seconds() - since;
}

/* One of the product's own messages: a log-in code. */
struct put_job {
	struct job job;
	struct bench *bench;
	struct outbox_row row;
};

static bool put_run(struct job *job, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	(void)engine;
	struct put_job *put = (struct put_job *)job;
	struct outbox_row *row = &put->row;
	row->created_at = row->next_at = now;
	return outbox_put(tx, row, err);
}

static int64_t put_code(struct bench *b, const char *to, enum channel channel) {
	static int made;
	struct put_job put = {.job.run = put_run, .bench = b};
	put.row = (struct outbox_row){.channel = channel, .recipient = str_from(to), .recipient_name = STR(""), .role = STR(""), .language = STR("da"), .workflow = STR(""),
	                              .message = STR("login-code"), .data = STR("{}"), .has_link = true, .thread = STR(""), .priority = OUTBOX_CODE};
	put.row.message_id = arena_printf(b->arena, "<code%d@stafet.example>", made++);
	memcpy(put.row.link_id, b->login.id, sizeof put.row.link_id);
	must(b, writer_run(b->s.writer, &put.job, &b->err));
	return put.row.id;
}

static void make_login(struct bench *b) {
	struct tx *tx;
	b->login = (struct login){.digits = 4, .key_id = keyring_current(site_keys(b->s.site)), .address = STR("ida@example.dk"), .created_at = clock_now(),
	                          .expires_at = clock_now() + INT64_C(3600000), .max_tries = 5};
	secret_random(b->login.id, sizeof b->login.id);
	must(b, store_begin(b->s.store, &tx, &b->err) && login_insert(tx, &b->login, &b->err) && store_commit(tx, &b->err));
}

static bool is_sent(struct bench *b, int64_t id) {
	struct arena *a = arena_new();
	struct outbox_row row;
	struct view *v = store_view(b->s.store, &b->err);
	must(b, v && outbox_load(v, id, a, &row, &b->err));
	view_close(v);
	arena_free(a);
	return row.state == OUTBOX_SENT;
}

static int by_size(const void *a, const void *b) {
	const double *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void bench_mail(struct bench *b, char **argv) {
	int count = (int)strtol(argv[5], NULL, 10);
	char relay[64];
	snprintf(relay, sizeof relay, "smtp://127.0.0.1:%s", argv[3]);
	open_bench(b, argv[2], relay);
	b->s.config->mail.connections = (int)strtol(argv[4], NULL, 10);
	start_many(b, count);
	printf("%.1f\n", count / time_all(b));
}

static void bench_code(struct bench *b, char **argv) {
	double took[CODES];
	char relay[64];
	snprintf(relay, sizeof relay, "smtp://127.0.0.1:%s", argv[3]);
	open_bench(b, argv[2], relay);
	start_many(b, (int)strtol(argv[4], NULL, 10));
	make_login(b);
	open_mailer(b);
	for (int i = 0; i < CODES; i++) {
		double since = seconds();
		int64_t id = put_code(b, "ida@example.dk", CHANNEL_MAIL);
		while (!is_sent(b, id) && seconds() - since < PATIENCE_S)
			wait_ms(1);
		took[i] = (seconds() - since) * 1000;
		wait_ms(50);
	}
	qsort(took, CODES, sizeof *took, by_size);
	printf("%.1f %.1f %d\n", took[CODES / 2], took[CODES - 1], all_sent(b));
}

static enum MHD_Result accept_text(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *data, size_t *size, void **own) {
	static int seen;
	(void)context, (void)url, (void)method, (void)version, (void)data;
	if (!*own || *size > 0) {
		*own = &seen;
		*size = 0;
		return MHD_YES;
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(11, (void *)(uintptr_t)"{\"ids\":[1]}", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result done = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return done;
}

static void bench_sms(struct bench *b, char **argv) {
	static int64_t allowed[] = {45};
	int count = (int)strtol(argv[3], NULL, 10);
	struct MHD_Daemon *gateway = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, accept_text, NULL, MHD_OPTION_END);
	open_bench(b, argv[2], "smtp://127.0.0.1:1");
	if (!gateway)
		exit(1);
	b->s.config->sms = (struct sms_config){.gateway = arena_printf(b->arena, "%s/gateway.yaml", b->folder), .country = STR("45"), .allowed = allowed, .allowed_count = 1,
	                                       .per_day = INT32_MAX, .per_number = INT32_MAX};
	FILE *f = fopen(b->s.config->sms.gateway.at, "w");
	fprintf(f, "url: http://127.0.0.1:%d/\nbody: 'to={{digits}}&text={{text}}'\nsuccess: {member: ids.0}\n", (int)MHD_get_daemon_info(gateway, MHD_DAEMON_INFO_BIND_PORT)->port);
	fclose(f);
	make_login(b);
	must(b, site_writer(&b->s, &b->err));
	for (int i = 0; i < count; i++)
		put_code(b, "+4520123456", CHANNEL_SMS);
	printf("%.1f\n", count / time_all(b));
	mailer_close(b->mailer);
	b->mailer = NULL;
	MHD_stop_daemon(gateway);
	unlink(b->s.config->sms.gateway.at);
}

int main(int argc, char **argv) {
	static const struct {
		const char *name;
		int arguments;
		void (*run)(struct bench *b, char **argv);
	} kinds[] = {{"mail", 6, bench_mail}, {"code", 5, bench_code}, {"sms", 4, bench_sms}};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (argc == kinds[i].arguments && strcmp(argv[1], kinds[i].name) == 0) {
			struct bench b = {.arena = arena_new()};
			log_set_level(LOG_ERROR);
			kinds[i].run(&b, argv);
			close_bench(&b);
			return 0;
		}
	fprintf(stderr, "bench: see the head of tests/bench/bench-mail.c\n");
	return 2;
}
