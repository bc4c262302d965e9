#include "otp-portal/proof.h"

#include "engine/base/log.h"
#include "engine/store/access.h"
#include "engine/store/outbox.h"
#include "otp-portal/code.h"
#include "otp-portal/limits.h"
#include "otp-portal/own_mail.h"
#include "otp-portal/page.h"

#include <string.h>

/* Each choice has a code of its own: who has ten minutes, and comes too late or changes their mind, needs several. */
enum { SENDS_15_MIN = 10, SENDS_HOUR = 15, SENDS_DAY = 20, WRONG_DAY = 10 };

bool proof_needed(const struct link_view *look) {
	return look->link.kind == LINK_TASK && look->event && look->event->code;
}

struct proof proof_of(struct request *r, const struct link_view *look, int64_t version) {
	const struct role *role = definition_role(look->definition, look->link.role);
	struct proof p = {
	        .world = r->world,
	        .link = look->link,
	        .event = look->event->name,
	        .version = version,
	        .language = language_code(r->language),
	        .typed = request_form(r, "code"),
	};
	if (role && role->code && look->values[role->code->slot].kind == KIND_STRING) {
		p.to = look->values[role->code->slot].string;
		p.channel = role->code->kind == FIELD_PHONE ? CHANNEL_SMS : CHANNEL_MAIL;
	}
	return p;
}

/* What a code is good for: nothing of it may differ when it is typed. */
static void bind(const struct proof *p, struct str draft, unsigned char hash[SECRET_HASH]) {
	int64_t version = p->version;
	struct str parts[] = {STR("proof"), {(const char *)p->link.id, sizeof p->link.id}, p->event, {(const char *)&version, sizeof version}, p->to, draft};
	secret_hash(hash, parts, 6);
}

static bool is_open(const struct login *login, int64_t now) {
	return login->used_at == 0 && login->expires_at > now && login->tries < login->max_tries;
}

static bool check_live(const struct proof *p, struct view *v, struct arena *a, struct err *err) {
	struct link link;
	if (!link_load(v, p->link.id, a, &link, err))
		return false;
	return link.state == LINK_LIVE || err_set(err, ERR_CONFLICT, "link.used", "the link is not live");
}

static bool check_wrong(const struct proof *p, struct view *v, int64_t now, struct arena *a, struct err *err) {
	bool reached;
	if (!limit_reached(v, "proof-wrong", limit_address(p->world, p->to, a), WRONG_DAY, LIMIT_DAY, now, &reached, err))
		return false;
	return !reached || err_set(err, ERR_DENIED, "code.too-many", "too many wrong codes");
}

/* *may false: nothing more goes there for now. */
static bool may_send(struct view *v, struct str to_hash, bool again, int64_t now, bool *may, struct err *err) {
	const struct {
		int64_t most, window_ms;
	} limits[] = {{again ? 1 : SENDS_15_MIN, again ? LIMIT_MINUTE : 15 * LIMIT_MINUTE}, {SENDS_15_MIN, 15 * LIMIT_MINUTE}, {SENDS_HOUR, LIMIT_HOUR}, {SENDS_DAY, LIMIT_DAY}};
	*may = true;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		bool reached;
		if (!limit_reached(v, "proof-send", to_hash, limits[i].most, limits[i].window_ms, now, &reached, err))
			return false;
		*may = *may && !reached;
	}
	return true;
}

static struct login new_code(const struct proof *p, const unsigned char bound[SECRET_HASH], int64_t now) {
	struct login login = {
	        .key_id = keyring_current(site_keys(p->world->options.site)),
	        .address = p->to,
	        .created_at = now,
	        .expires_at = now + CODE_LIFE_MS,
	        .max_tries = CODE_TRIES,
	        .sent_at = now,
	        .digits = CODE_DIGITS,
	};
	secret_random(login.id, sizeof login.id);
	memcpy(login.browser, bound, sizeof login.browser);
	return login;
}

static bool send(const struct proof *p, struct tx *tx, const struct login *login, int64_t now, struct arena *a, struct err *err) {
	struct outbox_row row = {
	        .channel = p->channel,
	        .recipient = p->to,
	        .language = p->language,
	        .message = STR("act-code"),
	        .has_link = true,
	        .data = STR("{}"),
	        .message_id = own_mail_id(p->world, a),
	        .created_at = now,
	        .next_at = now,
	        .deadline_at = login->expires_at,
	};
	memcpy(row.link_id, login->id, sizeof row.link_id);
	return outbox_put(tx, &row, err);
}

/* --- asking for a code --- */

struct asking {
	struct proof proof;
	struct str json; /* the answers; empty: those of the draft */
	struct str next;
};

static bool run_ask(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct asking *s = c->context;
	const struct proof *p = &s->proof;
	struct view *v = tx_view(tx);
	struct str draft = s->json, to_hash = limit_address(p->world, p->to, c->arena);
	struct login login;
	unsigned char bound[SECRET_HASH];
	int64_t count;
	bool found, may;
	(void)engine;
	if (!check_live(p, v, c->arena, err) || (draft.len == 0 && !draft_load(v, p->link.id, p->event, c->arena, &draft, err)) ||
	    !check_wrong(p, v, now, c->arena, err))
		return false;
	bind(p, draft, bound);
	if (!login_find(v, bound, c->arena, &login, &found, err))
		return false;
	bool again = found && is_open(&login, now);
	if (!may_send(v, to_hash, again, now, &may, err))
		return false;
	if (!may && !again)
		return err_set(err, ERR_DENIED, "code.too-many", "too many codes were asked for");
	if (s->json.len > 0 && !draft_save(tx, p->link.id, p->event, s->json, now, err))
		return false;
	if (!again)
		login = new_code(p, bound, now);
	if (!again && !login_insert(tx, &login, err))
		return false;
	return !may || (counter_add(tx, STR("proof-send"), to_hash, now, LIMIT_DAY, &count, err) && send(p, tx, &login, now, c->arena, err));
}

static void after_ask(struct request *r, struct change *c, bool ok, const struct err *err, struct response *out) {
	const struct asking *s = c->context;
	if (ok)
		response_redirect(out, r, s->next);
	else if (err->kind == ERR_DENIED)
		page_message(r, out, 429, "error.title", "code.too-many", STR(""));
	else if (err->kind == ERR_CONFLICT || err->kind == ERR_NOT_FOUND)
		response_redirect(out, r, page_path(r, r->path)); /* the link itself says what has happened */
	else
		page_failure(r, out, err);
}

void proof_ask(const struct filling *f, const struct link_view *look, const struct answers *answers, struct response *out) {
	struct request *r = f->prose.r;
	int64_t version;
	if (!str_to_int(request_form(r, "version"), &version) || version < 1 || version > f->version)
		version = f->version;
	struct proof p = proof_of(r, look, version);
	struct str json = answers ? filling_json(answers, r->arena) : STR("");
	if (p.to.len == 0) {
		page_message(r, out, 409, "error.title", "code.nowhere", STR(""));
		return;
	}
	if (answers && json.len == 0) {
		page_error(r, out, 413, "error.too-large");
		return;
	}
	struct str next = page_with(r, f->path, arena_printf(r->arena, "step=code&version=%lld", (long long)version));
	struct change *c = response_change(out, sizeof(struct asking), run_ask, after_ask);
	*(struct asking *)c->context = (struct asking){p, json, page_path(r, next)};
}

/* --- typing it --- */

bool proof_state(const struct proof *p, struct view *v, int64_t now, struct arena *a, bool *sent, bool *open, struct err *err) {
	unsigned char bound[SECRET_HASH];
	struct str draft;
	struct login login;
	if (!draft_load(v, p->link.id, p->event, a, &draft, err))
		return false;
	bind(p, draft, bound);
	if (!login_find(v, bound, a, &login, sent, err))
		return false;
	*open = *sent && is_open(&login, now);
	return true;
}

bool proof_check(const struct proof *p, struct tx *tx, int64_t now, struct arena *a, enum proof_outcome *outcome, struct str *draft, struct err *err) {
	struct view *v = tx_view(tx);
	struct login login, tried;
	unsigned char bound[SECRET_HASH];
	int64_t count;
	bool found;
	*outcome = PROOF_GONE;
	if (!check_live(p, v, a, err) || !draft_load(v, p->link.id, p->event, a, draft, err) || !check_wrong(p, v, now, a, err))
		return false;
	bind(p, *draft, bound);
	if (!login_find(v, bound, a, &login, &found, err))
		return false;
	if (!found || !is_open(&login, now))
		return true;
	if (!login_try(tx, login.id, now, a, &tried, err))
		return false;
	if (!code_same(p->world, &login, p->typed)) {
		*outcome = PROOF_WRONG;
		log_event(LOG_INFO, "proof-wrong", "instance=%lld tries=%lld", (long long)p->link.instance_id, (long long)tried.tries);
		return counter_add(tx, STR("proof-wrong"), limit_address(p->world, p->to, a), now, LIMIT_DAY, &count, err);
	}
	*outcome = PROOF_GOOD;
	log_event(LOG_INFO, "proof", "instance=%lld event=%.*s", (long long)p->link.instance_id, STR_ARG(p->event));
	return login_use(tx, login.id, now, err);
}
