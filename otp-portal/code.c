#include "otp-portal/code.h"

#include "engine/base/address.h"
#include "engine/base/log.h"
#include "engine/store/links.h"
#include "engine/store/listings.h"
#include "engine/store/outbox.h"
#include "otp-portal/agent.h"
#include "otp-portal/limits.h"
#include "otp-portal/own_mail.h"
#include "otp-portal/session.h"

#include <string.h>

enum { COOKIE_BYTES = 2 * SECRET_ID };
enum { ASKS_15_MIN = 10, SENDS_15_MIN = 3, SENDS_HOUR = 5, SENDS_DAY = 10 };
enum { TASKS = 100 };
enum { FAILS_TOLD = 5, ALERT_SYSTEM_DAY = 20 };
enum { FAILS_NETWORK_15_MIN = 10, FAILS_NETWORK_DAY = 30, FAILS_ADDRESS_30_DAYS = 10, FAILS_SYSTEM_DAY = 50 };

/* Enough of a network's hash to tell it from others. */
#define NETWORK_TOLD(t) (int)((t)->network.len < 8 ? (t)->network.len : 8), (t)->network.at

static const struct str everybody = {"all", 3};

struct str code_cookie(struct arena *a) {
	unsigned char bytes[COOKIE_BYTES];
	secret_random(bytes, sizeof bytes);
	return secret_base64url(a, bytes, sizeof bytes);
}

static void hash_cookie(struct str cookie, unsigned char hash[SECRET_HASH]) {
	struct str parts[] = {STR("pre"), cookie};
	secret_hash(hash, parts, 2);
}

/* The log-in that this cookie asked for; *found false: none, or another browser's. */
static bool load_of_cookie(struct view *v, struct str cookie, struct arena *a, struct login *out, bool *found, struct err *err) {
	unsigned char bytes[COOKIE_BYTES], hash[SECRET_HASH];
	*found = false;
	if (!secret_base64url_decode(cookie, bytes, sizeof bytes))
		return true;
	if (!login_load(v, bytes, a, out, err))
		return err->kind == ERR_NOT_FOUND;
	hash_cookie(cookie, hash);
	*found = secret_equal(hash, out->browser, sizeof hash);
	return true;
}

/* An address, or everybody, has failed so often that only a link helps. */
static bool link_only(struct view *v, struct str address_hash, int64_t now, bool *yes, struct err *err) {
	bool address, all;
	if (!limit_reached(v, "login-fail", address_hash, FAILS_ADDRESS_30_DAYS, 30 * LIMIT_DAY, now, &address, err) ||
	    !limit_reached(v, "login-fail-all", everybody, FAILS_SYSTEM_DAY, LIMIT_DAY, now, &all, err))
		return false;
	*yes = address || all;
	return true;
}

static bool shows_something(struct view *v, const struct definition *d, const struct view_rule *rule, int64_t contact_id, int64_t day, struct arena *a, bool *shows,
                            struct err *err) {
	struct str *roles = ARENA_ARRAY(a, rule->roles.count + 1, struct str);
	for (size_t k = 0; k < rule->roles.count; k++)
		roles[k] = rule->roles.items[k]->name;
	struct listing_query query = {.workflow = d->name, .contact_id = contact_id, .roles = roles, .role_count = rule->roles.count, .day = day};
	return listing_any(v, &query, a, shows, err);
}

bool code_welcomes(const struct portal_world *world, struct view *v, int64_t contact_id, int64_t now, struct arena *a, int *digits, struct err *err) {
	*digits = 0;
	for (size_t p = 0; p < site_package_count(world->options.site); p++) {
		const struct definition *d = site_package_at(world->options.site, p)->definition;
		for (size_t i = 0; i < d->views.count; i++) {
			const struct view_rule *rule = &d->views.items[i];
			bool shows;
			if (!rule->login || rule->digits <= *digits)
				continue;
			if (!shows_something(v, d, rule, contact_id, site_day(world->options.site, now), a, &shows, err))
				return false;
			*digits = shows ? rule->digits : *digits;
		}
	}
	return true;
}

/* Of the lists for the role of this link. */
static int digits_of_task(const struct portal_world *world, const struct link *link) {
	const struct package *package = site_package(world->options.site, link->workflow);
	int digits = 0;
	for (size_t i = 0; package && i < package->definition->views.count; i++) {
		const struct view_rule *rule = &package->definition->views.items[i];
		if (rule->login && view_rule_is_for(rule, link->role) && rule->digits > digits)
			digits = rule->digits;
	}
	return digits != 0 ? digits : CODE_DIGITS;
}

/* Whoever is let in can do all that waits for them: each of it asks for its own length. */
static bool lengthen_for_tasks(const struct portal_world *world, struct view *v, int64_t contact_id, struct arena *a, int *digits, struct err *err) {
	struct link_list links;
	if (!link_open_of_contact(v, contact_id, TASKS, a, &links, err))
		return false;
	for (size_t i = 0; i < links.count; i++) {
		int wanted = digits_of_task(world, &links.items[i]);
		*digits = wanted > *digits ? wanted : *digits;
	}
	return true;
}

/* *contact id 0: unknown, or nothing to show. */
static bool find_welcome(const struct code_ask *ask, struct view *v, int64_t now, struct arena *a, struct contact *contact, int *digits, struct err *err) {
	*digits = 0;
	if (!contact_find(v, CHANNEL_MAIL, address_key(a, ask->address), a, contact, err)) {
		*contact = (struct contact){0};
		return err->kind == ERR_NOT_FOUND;
	}
	if (!code_welcomes(ask->world, v, contact->id, now, a, digits, err))
		return false;
	if (*digits == 0) {
		*contact = (struct contact){0};
		return true;
	}
	return lengthen_for_tasks(ask->world, v, contact->id, a, digits, err);
}

static bool send(const struct code_ask *ask, struct tx *tx, const struct login *login, const struct contact *contact, bool link, int64_t now,
                 struct arena *a, struct err *err) {
	struct outbox_row row = {
	        .contact_id = contact->id,
	        .channel = CHANNEL_MAIL,
	        .recipient = contact->value,
	        .language = ask->language,
	        .message = link ? STR("login-link") : STR("login-code"),
	        .has_link = true,
	        .data = STR("{}"),
	        .message_id = own_mail_id(ask->world, a),
	        .created_at = now,
	        .next_at = now,
	        .deadline_at = login->expires_at,
	};
	memcpy(row.link_id, login->id, sizeof row.link_id);
	return outbox_put(tx, &row, err);
}

static void hash_browser(struct str cookie, unsigned char id[SECRET_HASH]) {
	struct str parts[] = {STR("browser"), cookie};
	secret_hash(id, parts, 2);
}

/* A browser that this contact logged in with has a budget of its own, so that a stranger who asks for codes locks nobody out. */
static bool choose_budget(const struct code_ask *ask, struct view *v, int64_t contact_id, int64_t now, const char **budget, struct err *err) {
	unsigned char id[SECRET_HASH];
	bool known = false;
	hash_browser(ask->browser, id);
	if (ask->browser.len > 0 && contact_id != 0 && !browser_known(v, contact_id, id, now - BROWSER_LIFE_MS, &known, err))
		return false;
	*budget = known ? "login-send-known" : "login-send";
	return true;
}

/* How often an address may be written to: above that nothing is sent, and nobody is told. */
static bool may_send(struct view *v, const char *budget, struct str address_hash, int64_t now, bool *may, struct err *err) {
	static const struct {
		int64_t most, window_ms;
	} limits[] = {{1, LIMIT_MINUTE}, {SENDS_15_MIN, 15 * LIMIT_MINUTE}, {SENDS_HOUR, LIMIT_HOUR}, {SENDS_DAY, LIMIT_DAY}};
	*may = true;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		bool reached;
		if (!limit_reached(v, budget, address_hash, limits[i].most, limits[i].window_ms, now, &reached, err))
			return false;
		*may = *may && !reached;
	}
	return true;
}

static struct login new_login(const struct code_ask *ask, const struct contact *contact, int digits, int64_t now) {
	struct login login = {
	        .key_id = keyring_current(site_keys(ask->world->options.site)),
	        .contact_id = contact->id,
	        .address = contact->id != 0 ? contact->value : ask->address,
	        .created_at = now,
	        .expires_at = now + CODE_LIFE_MS,
	        .max_tries = CODE_TRIES,
	        .sent_at = now,
	        .digits = digits != 0 ? digits : CODE_DIGITS,
	};
	unsigned char bytes[COOKIE_BYTES];
	BUG_IF(!secret_base64url_decode(ask->new_cookie, bytes, sizeof bytes));
	memcpy(login.id, bytes, sizeof login.id);
	hash_cookie(ask->new_cookie, login.browser);
	return login;
}

bool code_ask(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct code_ask *ask = c->context;
	struct view *v = tx_view(tx);
	struct login login;
	struct contact contact = {0};
	bool mine, may, link;
	const char *budget;
	int64_t count;
	int digits;
	(void)engine;
	if (!load_of_cookie(v, ask->cookie, c->arena, &login, &mine, err))
		return false;
	bool lives = mine && login.used_at == 0 && login.expires_at > now && login.tries < login.max_tries;
	ask->lost = ask->again && !mine;
	if (ask->lost)
		return true;
	if (ask->again)
		ask->address = login.address;
	bool same = lives && str_equal(address_key(c->arena, login.address), address_key(c->arena, ask->address));
	struct str address_hash = limit_address(ask->world, ask->address, c->arena);
	if (!find_welcome(ask, v, now, c->arena, &contact, &digits, err) || !choose_budget(ask, v, contact.id, now, &budget, err) || !may_send(v, budget, address_hash, now, &may, err) ||
	    !link_only(v, address_hash, now, &link, err) || !limit_count(tx, "login-ask", ask->network, ASKS_15_MIN, 15 * LIMIT_MINUTE, now, err))
		return false;
	/* One code a log-in: the same browser asking for the same address again gets the same one. */
	if (!same)
		login = new_login(ask, &contact, digits, now);
	ask->set_cookie = same ? ask->cookie : ask->new_cookie;
	if ((!same && !login_insert(tx, &login, err)) || (may && !counter_add(tx, str_from(budget), address_hash, now, LIMIT_DAY, &count, err)))
		return false;
	log_event(LOG_INFO, "login-asked", "contact=%lld network=%.*s sent=%s", (long long)contact.id, NETWORK_TOLD(ask), contact.id == 0 || !may ? "none" : link ? "link" : "code");
	return contact.id == 0 || !may || send(ask, tx, &login, &contact, link, now, c->arena, err);
}

/* Tells the owner of the address what happened to this log-in. */
static bool tell(const struct code_try *t, struct tx *tx, const struct login *login, const char *message, struct str data, int64_t now, struct arena *a,
                 struct err *err) {
	struct outbox_row row = {
	        .contact_id = login->contact_id,
	        .channel = CHANNEL_MAIL,
	        .recipient = login->address,
	        .language = t->language,
	        .message = str_from(message),
	        .has_link = true,
	        .data = data,
	        .message_id = own_mail_id(t->world, a),
	        .created_at = now,
	        .next_at = now,
	};
	memcpy(row.link_id, login->id, sizeof row.link_id);
	return outbox_put(tx, &row, err);
}

/* What belongs to no log-in was no guess at anybody's code: it counts for the network alone. */
static bool count_failure(struct tx *tx, const struct code_try *t, const struct login *login, struct str address_hash, int64_t now, struct arena *a, struct err *err) {
	int64_t network, address, all;
	if (!counter_add(tx, STR("login-fail-net"), t->network, now, LIMIT_DAY, &network, err))
		return false;
	if (address_hash.len == 0) {
		log_event(LOG_INFO, "login-failed", "network=%.*s", NETWORK_TOLD(t));
		return true;
	}
	if (!counter_add(tx, STR("login-fail-all"), everybody, now, LIMIT_DAY, &all, err) ||
	    !counter_add(tx, STR("login-fail"), address_hash, now, 30 * LIMIT_DAY, &address, err))
		return false;
	log_event(all >= ALERT_SYSTEM_DAY || address >= FAILS_TOLD ? LOG_WARN : LOG_INFO, "login-failed", "contact=%lld network=%.*s by=%s today=%lld of-address=%lld",
	          (long long)login->contact_id, NETWORK_TOLD(t), t->token.len > 0 ? "link" : "code", (long long)all, (long long)address);
	return address != FAILS_TOLD || login->contact_id == 0 || tell(t, tx, login, "login-guessed", STR("{}"), now, a, err);
}

bool code_same(const struct portal_world *world, const struct login *login, struct str typed) {
	char code[CODE_DIGITS_MOST + 1], digits[CODE_DIGITS_MOST];
	size_t count = 0, length = (size_t)login->digits;
	for (size_t i = 0; i < typed.len; i++) {
		if (typed.at[i] < '0' || typed.at[i] > '9')
			continue;
		if (count == length)
			return false;
		digits[count++] = typed.at[i];
	}
	bool made = code_make(site_keys(world->options.site), login->key_id, login->id, login->address, login->digits, code);
	return made && count == length && secret_equal(code, digits, length);
}

/* The link's own proof, and the address typed once more: a mail scanner that presses the button does not know it. */
static bool same_link(const struct code_try *t, const struct login *login, struct arena *a) {
	unsigned char id[SECRET_ID], mac[SECRET_MAC];
	struct str typed;
	struct err ignored;
	if (!token_split(t->token, id, mac) || !token_verify(site_keys(t->world->options.site), login->key_id, "login", id, mac))
		return false;
	return address_email(a, t->typed, &typed, &ignored) && str_equal(address_key(a, typed), address_key(a, login->address));
}

static bool find_login(const struct code_try *t, struct view *v, struct arena *a, struct login *login, bool *found, struct err *err) {
	unsigned char id[SECRET_ID], mac[SECRET_MAC];
	*found = false;
	if (t->token.len == 0)
		return load_of_cookie(v, t->cookie, a, login, found, err);
	if (!token_split(t->token, id, mac))
		return true;
	*found = login_load(v, id, a, login, err);
	return *found || err->kind == ERR_NOT_FOUND;
}

/* {"browser":["Firefox"],"system":["Windows"]} */
static struct str agent_json(struct str agent, struct arena *a) {
	struct answers words = {0};
	struct buf json;
	answers_put(&words, a, STR("browser"), agent_browser(agent));
	answers_put(&words, a, STR("system"), agent_system(agent));
	buf_init(&json, 500);
	answers_to_json(&words, &json);
	struct str text = arena_str(a, buf_text(&json));
	buf_free(&json);
	return text;
}

static bool meet_browser(const struct code_try *t, struct tx *tx, const struct login *login, int64_t now, struct arena *a, struct err *err) {
	unsigned char id[SECRET_HASH];
	enum browser_met met;
	hash_browser(t->browser, id);
	if (!browser_meet(tx, login->contact_id, id, now, now - BROWSER_LIFE_MS, &met, err))
		return false;
	return met != BROWSER_NEW || tell(t, tx, login, "login-new", agent_json(t->agent, a), now, a, err);
}

static bool let_in(struct code_try *t, struct tx *tx, const struct login *login, int64_t now, struct arena *a, struct err *err) {
	struct session session;
	struct str cookie = session_new(a, login->contact_id, now, &session);
	if (t->has_session && !session_remove(tx, t->old_session, err))
		return false;
	/* One who is right clears the network's mistakes, never the address's own. */
	if (!counter_clear(tx, STR("login-fail-net"), t->network, err))
		return false;
	if (!login_use(tx, login->id, now, err) || !session_insert(tx, &session, err) || !contact_verify(tx, login->contact_id, now, err))
		return false;
	if (!meet_browser(t, tx, login, now, a, err))
		return false;
	t->set_cookie = cookie;
	log_event(LOG_INFO, "login", "contact=%lld network=%.*s by=%s", (long long)login->contact_id, NETWORK_TOLD(t), t->token.len > 0 ? "link" : "code");
	return true;
}

static bool network_may_try(const struct code_try *t, struct view *v, int64_t now, struct err *err) {
	bool soon, day;
	if (!limit_reached(v, "login-fail-net", t->network, FAILS_NETWORK_15_MIN, 15 * LIMIT_MINUTE, now, &soon, err) ||
	    !limit_reached(v, "login-fail-net", t->network, FAILS_NETWORK_DAY, LIMIT_DAY, now, &day, err))
		return false;
	return !soon && !day ? true : err_set(err, ERR_DENIED, "login.too-many", "too many failed log-ins from one network");
}

bool code_try(struct change *c, struct engine *engine, struct tx *tx, int64_t now, struct err *err) {
	struct code_try *t = c->context;
	struct view *v = tx_view(tx);
	struct login login;
	struct str address_hash = STR("");
	bool found, link = false;
	(void)engine;
	t->set_cookie = STR("");
	if (!network_may_try(t, v, now, err) || !find_login(t, v, c->arena, &login, &found, err))
		return false;
	if (found) {
		address_hash = limit_address(t->world, login.address, c->arena);
		if (!link_only(v, address_hash, now, &link, err))
			return false;
	}
	struct login tried = {0};
	bool open = found && (!link || t->token.len > 0);
	if (open && !login_try(tx, login.id, now, c->arena, &tried, err)) {
		if (err->kind != ERR_CONFLICT)
			return false;
		open = false;
	}
	bool right = open && (t->token.len > 0 ? same_link(t, &login, c->arena) : code_same(t->world, &login, t->typed));
	if (right && login.contact_id != 0)
		return let_in(t, tx, &login, now, c->arena, err);
	return count_failure(tx, t, &login, address_hash, now, c->arena, err);
}
