#include "mailer/start_in.h"

#include "engine/base/address.h"
#include "engine/base/log.h"
#include "engine/workflow/data.h"
#include "mailer/compose.h"
#include "mailer/notice.h"

enum { DATA_LIMIT = 64 << 10 };

/* What is wrong with it, for compose.c. */
static struct str problem_data(const struct start_post *post, const struct form_problem *problem, struct arena *a) {
	struct answers data = {0};
	struct buf out;
	answers_put(&data, a, STR("workflow"), post->workflow);
	answers_put(&data, a, STR("field"), problem->name);
	answers_put(&data, a, STR("problem"), str_from(problem->key));
	answers_put(&data, a, STR("first"), problem->arg[0]);
	answers_put(&data, a, STR("second"), problem->arg[1]);
	buf_init(&out, DATA_LIMIT);
	answers_to_json(&data, &out);
	struct str json = arena_str(a, buf_text(&out));
	buf_free(&out);
	return json;
}

static bool tell(struct tx *tx, const struct site *site, const struct start_post *post, const struct form_problems *problems, int64_t now, struct arena *a,
                 struct arrival_row *arrival, struct err *err) {
	bool told;
	const struct notice notice = {post->channel, post->from, COMPOSE_NOT_TAKEN, problem_data(post, &problems->items[0], a)};
	if (!notice_send(tx, site, &notice, now, a, &told, err))
		return false;
	arrival->outcome = told ? STR("does-not-fit-told") : STR("does-not-fit");
	return true;
}

bool start_in_apply(struct engine *engine, struct tx *tx, const struct site *site, const struct start_post *post, int64_t now, struct arena *a,
                    struct arrival_row *arrival, struct err *err) {
	struct form_problems problems = {0};
	struct receipt receipt;
	struct err why = {0};
	if (engine_start_post(engine, tx, now, post, a, &problems, &receipt, &why)) {
		arrival->outcome = receipt.repeated ? STR("seen-before") : STR("started");
		arrival->instance_id = receipt.instance_id;
		return true;
	}
	if (why.kind == ERR_INPUT && problems.count > 0)
		return tell(tx, site, post, &problems, now, a, arrival, err);
	*err = why;
	if (why.kind != ERR_DENIED)
		return false;
	log_event(LOG_WARN, "start-refused", "workflow=%.*s why=\"%s\"", STR_ARG(post->workflow), why.text);
	arrival->outcome = STR("too-many");
	return true;
}

static bool is_one(struct arena *a, struct str address, struct str other) {
	struct str key = address_key(a, address), wanted = address_key(a, other);
	return wanted.len > 0 && str_equal(key, wanted);
}

/* The first of the site's addresses that it was for. */
static struct str find_start(const struct start_names *starts, const struct arrival *mail, struct arena *a) {
	for (size_t i = 0; i < starts->count; i++)
		for (size_t k = 0; k < mail->to.count; k++)
			if (is_one(a, mail->to.items[k], starts->names[i]))
				return starts->workflows[i];
	return STR("");
}

/* Two programs must not write to each other for ever, and neither must we to ourselves. */
static bool is_own(struct tx *tx, const struct site_config *config, const struct arrival *mail, struct arena *a, bool *own, struct err *err) {
	struct outbox_row row;
	*own = is_one(a, mail->from, config->mail.from_address) || is_one(a, mail->from, config->mail.bounce_address);
	for (size_t i = 0; i < config->inbox.starts.count; i++)
		*own = *own || is_one(a, mail->from, config->inbox.starts.names[i]);
	return *own || mail->message_id.len == 0 || outbox_of_message_id(tx_view(tx), mail->message_id, a, &row, own, err);
}

bool start_in_mail(struct engine *engine, struct tx *tx, const struct site *site, const struct arrival *mail, int64_t now, struct arena *a, struct arrival_row *row,
                   struct err *err) {
	const struct site_config *config = site_config(site);
	const struct start_post post = {.channel = CHANNEL_MAIL,
	                                .workflow = find_start(&config->inbox.starts, mail, a),
	                                .from = mail->from,
	                                .subject = mail->subject,
	                                .text = mail->words,
	                                .id = mail->message_id};
	bool own;
	if (post.workflow.len == 0 || mail->from.len == 0)
		return true;
	if (!is_own(tx, config, mail, a, &own, err))
		return false;
	row->outcome = STR("our-own");
	return own || start_in_apply(engine, tx, site, &post, now, a, row, err);
}
