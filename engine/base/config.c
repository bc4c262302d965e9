#include "engine/base/config.h"

#include "engine/base/config_check.h"
#include "engine/base/help.h"
#include "engine/base/yaml.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 200, MAX_KEYS = 32, MAX_RATE = 100000 };

enum shape { TEXT, PATH, NAME_OR_PATH, NUMBER, TLS, TEXTS, PATHS, NUMBERS, LOCAL, LOCAL_FILE, RATES, FALLBACK, QUIET_HOURS, QUIET_DAYS, STARTS };

/* One key of the file and the member it fills. `check` sees each text; `low` and `high` bound a number. */
struct key {
	const char *name;
	enum shape shape;
	size_t offset, count_offset;
	config_check *check;
	int64_t low, high;
};

#define SITE(member) offsetof(struct site_config, member)
#define MAIL(member) offsetof(struct mail_config, member)
#define SMS(member) offsetof(struct sms_config, member)
#define INBOX(member) offsetof(struct inbox_config, member)

static const struct key site_keys[] = {
        {.name = "name", .offset = SITE(name), .check = check_line},
        {.name = "base_url", .offset = SITE(base_url), .check = check_base_url},
        {.name = "listen", .offset = SITE(listen), .check = check_listen},
        {.name = "metrics", .offset = SITE(metrics), .check = check_loopback},
        {.name = "zone", .offset = SITE(zone), .check = check_zone},
        {.name = "holidays", .offset = SITE(holidays), .check = check_holidays},
        {.name = "closed_days", .shape = PATH, .offset = SITE(closed_days_file), .check = check_line},
        {.name = "languages", .shape = TEXTS, .offset = SITE(languages), .count_offset = SITE(language_count), .check = check_word},
        {.name = "contact", .shape = LOCAL, .offset = SITE(contact), .check = check_line},
        {.name = "help", .shape = LOCAL_FILE, .offset = SITE(help), .check = check_line},
        {.name = "colour", .offset = SITE(colour), .check = check_colour},
        {.name = "logo", .shape = PATH, .offset = SITE(logo_file), .check = check_line},
        {.name = "packages", .shape = PATHS, .offset = SITE(packages), .count_offset = SITE(package_count), .check = check_line},
        {.name = "trusted_proxies", .shape = TEXTS, .offset = SITE(trusted_proxies), .count_offset = SITE(trusted_proxy_count), .check = check_ip},
        {.name = "keep_received", .shape = NUMBER, .offset = SITE(keep_received), .low = 1, .high = 36500},
        {.name = "key_file", .shape = PATH, .offset = SITE(key_file), .check = check_line},
        {.name = "data_file", .shape = PATH, .offset = SITE(data_file), .check = check_line},
        {.name = NULL},
};

static const struct key mail_keys[] = {
        {.name = "from_name", .offset = MAIL(from_name), .check = check_line},
        {.name = "from_address", .offset = MAIL(from_address), .check = check_address},
        {.name = "bounce_address", .offset = MAIL(bounce_address), .check = check_address},
        {.name = "reply_to", .offset = MAIL(reply_to), .check = check_address},
        {.name = "relay", .offset = MAIL(relay), .check = check_relay},
        {.name = "user", .offset = MAIL(user), .check = check_line},
        {.name = "password_file", .shape = PATH, .offset = MAIL(password_file), .check = check_line},
        {.name = "tls", .shape = TLS, .offset = MAIL(tls)},
        {.name = "ca_file", .shape = PATH, .offset = MAIL(ca_file), .check = check_line},
        {.name = "dkim_selectors", .shape = TEXTS, .offset = MAIL(dkim_selectors), .count_offset = MAIL(dkim_selector_count), .check = check_selector},
        {.name = "connections", .shape = NUMBER, .offset = MAIL(connections), .low = 1, .high = 64},
        {.name = "quiet_hours", .shape = QUIET_HOURS, .offset = MAIL(quiet)},
        {.name = "quiet_days", .shape = QUIET_DAYS, .offset = MAIL(quiet)},
        {.name = "per_connection", .shape = NUMBER, .offset = MAIL(per_connection), .low = 1, .high = 10000},
        {.name = "idle_seconds", .shape = NUMBER, .offset = MAIL(idle_seconds), .low = 1, .high = 600},
        {.name = "per_minute", .shape = NUMBER, .offset = MAIL(per_minute), .low = 1, .high = MAX_RATE},
        {.name = "per_domain", .shape = RATES, .offset = MAIL(per_domain)},
        {.name = "fallback", .shape = FALLBACK, .offset = MAIL(fallback)},
        {.name = NULL},
};

static const struct key fallback_keys[] = {
        {.name = "relay", .offset = MAIL(relay), .check = check_relay},
        {.name = "user", .offset = MAIL(user), .check = check_line},
        {.name = "password_file", .shape = PATH, .offset = MAIL(password_file), .check = check_line},
        {.name = "tls", .shape = TLS, .offset = MAIL(tls)},
        {.name = "ca_file", .shape = PATH, .offset = MAIL(ca_file), .check = check_line},
        {.name = NULL},
};

static const struct key sms_keys[] = {
        {.name = "gateway", .shape = NAME_OR_PATH, .offset = SMS(gateway), .check = check_line},
        {.name = "url", .offset = SMS(url), .check = check_gateway},
        {.name = "from", .offset = SMS(from), .check = check_line},
        {.name = "user", .offset = SMS(user), .check = check_line},
        {.name = "token_file", .shape = PATH, .offset = SMS(token_file), .check = check_line},
        {.name = "country", .offset = SMS(country), .check = check_country},
        {.name = "allowed", .shape = NUMBERS, .offset = SMS(allowed), .count_offset = SMS(allowed_count), .low = 1, .high = 999},
        {.name = "per_day", .shape = NUMBER, .offset = SMS(per_day), .low = 1, .high = 1000000},
        {.name = "per_number", .shape = NUMBER, .offset = SMS(per_number), .low = 1, .high = 1000},
        {.name = "quiet_hours", .shape = QUIET_HOURS, .offset = SMS(quiet)},
        {.name = "quiet_days", .shape = QUIET_DAYS, .offset = SMS(quiet)},
        {.name = "starts", .shape = STARTS, .offset = SMS(starts), .check = check_start_word},
        {.name = NULL},
};

static const struct key inbox_keys[] = {
        {.name = "url", .offset = INBOX(url), .check = check_inbox},
        {.name = "user", .offset = INBOX(user), .check = check_line},
        {.name = "password_file", .shape = PATH, .offset = INBOX(password_file), .check = check_line},
        {.name = "ca_file", .shape = PATH, .offset = INBOX(ca_file), .check = check_line},
        {.name = "folder", .offset = INBOX(folder), .check = check_line},
        {.name = "starts", .shape = STARTS, .offset = INBOX(starts), .check = check_address},
        {.name = NULL},
};

struct reader {
	struct arena *arena;
	const char *folder; /* absolute */
	struct err *err;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct reader *r, const struct yaml *node, const char *format, ...) {
	char text[sizeof r->err->text];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(r->err, ERR_INPUT, "yaml.invalid", "%s:%d:%d: %s", node->place.file, node->place.line, node->place.column, text);
}

static struct str key_name(const struct yaml *node) {
	return node->key ? node->key->text : STR("an item");
}

static bool read_text(struct reader *r, const struct key *key, const struct yaml *node, struct str *out) {
	if (node->kind != YAML_SCALAR)
		return refuse(r, node, "%s: expected a text, not a %s", key->name, node->kind == YAML_LIST ? "list" : "map");
	if (yaml_is_null(node) || node->text.len == 0)
		return refuse(r, node, "%s: expected a text (leave the key out if there is none)", key->name);
	struct err why = {0};
	if (key->check && !key->check(node->text, &why))
		return refuse(r, node, "%s: %s", key->name, why.text);
	bool path = key->shape == PATH || key->shape == PATHS || key->shape == LOCAL_FILE || (key->shape == NAME_OR_PATH && memchr(node->text.at, '/', node->text.len));
	bool relative = path && node->text.at[0] != '/';
	*out = relative ? arena_printf(r->arena, "%s/%.*s", r->folder, STR_ARG(node->text)) : node->text;
	return true;
}

static bool read_number(struct reader *r, const struct key *key, const struct yaml *node, int64_t *out) {
	if (node->kind != YAML_SCALAR || !str_to_int(node->text, out) || *out < key->low || *out > key->high)
		return refuse(r, node, "%s: expected a whole number from %lld to %lld", key->name, (long long)key->low, (long long)key->high);
	return true;
}

static bool read_list(struct reader *r, const struct key *key, const struct yaml *node, void *items, size_t *count) {
	if (node->kind != YAML_LIST || node->count > MAX_ITEMS)
		return refuse(r, node, "%s: expected a list of at most %d, such as [a, b]", key->name, MAX_ITEMS);
	bool numbers = key->shape == NUMBERS;
	void *list = arena_array(r->arena, node->count + 1, numbers ? sizeof(int64_t) : sizeof(struct str));
	for (size_t i = 0; i < node->count; i++)
		if (numbers ? !read_number(r, key, node->items[i], (int64_t *)list + i) : !read_text(r, key, node->items[i], (struct str *)list + i))
			return false;
	memcpy(items, &list, sizeof list);
	*count = node->count;
	return true;
}

/* One text, or a map of language and text. */
static bool read_local(struct reader *r, const struct key *key, const struct yaml *node, struct local_text *out) {
	bool map = node->kind == YAML_MAP;
	struct key code = {.name = key->name, .check = check_word};
	size_t count = map ? node->count : 1;
	if (node->kind == YAML_LIST || count == 0 || count > MAX_ITEMS)
		return refuse(r, node, "%s: expected a text, or one for each language, such as {da: ..., en: ...}", key->name);
	out->texts = ARENA_ARRAY(r->arena, count, struct str);
	out->languages = map ? ARENA_ARRAY(r->arena, count, struct str) : NULL;
	out->count = count;
	for (size_t i = 0; i < count; i++)
		if ((map && !read_text(r, &code, node->items[i]->key, &out->languages[i])) || !read_text(r, key, map ? node->items[i] : node, &out->texts[i]))
			return false;
	return true;
}

/* One number, or a map of domain and number in which "other" is every other domain. */
static bool read_rates(struct reader *r, const struct key *key, const struct yaml *node, struct mail_rates *out) {
	const struct key domain = {.name = key->name, .check = check_domain}, rate = {.name = key->name, .low = 1, .high = MAX_RATE};
	if (node->kind == YAML_SCALAR)
		return read_number(r, &rate, node, &out->other);
	if (node->kind != YAML_MAP || node->count > MAX_ITEMS)
		return refuse(r, node, "%s: expected a number, or a map of domains and numbers, such as {example.dk: 30, other: 300}", key->name);
	out->domains = ARENA_ARRAY(r->arena, node->count + 1, struct str);
	out->per_minute = ARENA_ARRAY(r->arena, node->count + 1, int64_t);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml *item = node->items[i];
		bool other = str_is(item->key->text, "other");
		if (!(other ? read_number(r, &rate, item, &out->other)
		            : read_text(r, &domain, item->key, &out->domains[out->count]) && read_number(r, &rate, item, &out->per_minute[out->count])))
			return false;
		out->count += !other;
	}
	return true;
}

/* A map of what starts and the workflow that it starts. */
static bool read_starts(struct reader *r, const struct key *key, const struct yaml *node, struct start_names *out) {
	const struct key name = {.name = key->name, .check = key->check}, workflow = {.name = key->name, .check = check_line};
	if (node->kind != YAML_MAP || node->count > MAX_ITEMS)
		return refuse(r, node, "%s: expected a map, such as {%s: contact-form}", key->name, key->check == check_address ? "spoerg@example.dk" : "spoerg");
	out->names = ARENA_ARRAY(r->arena, node->count + 1, struct str);
	out->workflows = ARENA_ARRAY(r->arena, node->count + 1, struct str);
	for (; out->count < node->count; out->count++)
		if (!read_text(r, &name, node->items[out->count]->key, &out->names[out->count]) || !read_text(r, &workflow, node->items[out->count], &out->workflows[out->count]))
			return false;
	return true;
}

static bool read_tls(struct reader *r, const struct yaml *node, void *out) {
	static const char *const names[] = {[TLS_REQUIRED] = "required", [TLS_OPTIONAL] = "optional", [TLS_OFF] = "off"};
	for (int i = 0; i < 3 && node->kind == YAML_SCALAR; i++)
		if (str_is(node->text, names[i])) {
			((struct mail_config *)out)->tls = i;
			return true;
		}
	return refuse(r, node, "tls: expected required, optional or off");
}

static bool read_quiet_hours(struct reader *r, const struct key *key, const struct yaml *node, struct quiet *out) {
	struct err why = {.text = "expected two times such as 22:00-07:00, or none"};
	return (node->kind == YAML_SCALAR && quiet_parse(node->text, out, &why)) || refuse(r, node, "%s: %s", key->name, why.text);
}

static bool read_quiet_days(struct reader *r, const struct key *key, const struct yaml *node, struct quiet *out) {
	bool known = node->kind == YAML_SCALAR && (str_is(node->text, "none") || str_is(node->text, "non-workdays"));
	out->days = known && str_is(node->text, "non-workdays");
	return known || refuse(r, node, "%s: expected non-workdays or none", key->name);
}

static bool read_map(struct reader *r, const struct key *keys, const struct yaml *map, void *base);

static bool read_fallback(struct reader *r, const struct yaml *node, struct mail_config **out) {
	struct mail_config *f = ARENA_NEW(r->arena, struct mail_config);
	*f = (struct mail_config){0};
	*out = f;
	if (!read_map(r, fallback_keys, node, f))
		return false;
	if (f->relay.len == 0)
		return refuse(r, node, "fallback: the key relay is missing");
	return f->user.len == 0 || f->password_file.len > 0 || refuse(r, node, "fallback: user is given, but password_file is missing");
}

static bool read_value(struct reader *r, const struct key *key, const struct yaml *node, char *base) {
	int64_t number;
	switch (key->shape) {
	case TEXT:
	case PATH:
	case NAME_OR_PATH:
		return read_text(r, key, node, (struct str *)(void *)(base + key->offset));
	case NUMBER:
		if (!read_number(r, key, node, &number))
			return false;
		*(int *)(void *)(base + key->offset) = (int)number;
		return true;
	case TLS:
		return read_tls(r, node, base);
	case LOCAL:
	case LOCAL_FILE:
		return read_local(r, key, node, (struct local_text *)(void *)(base + key->offset));
	case QUIET_HOURS:
		return read_quiet_hours(r, key, node, (struct quiet *)(void *)(base + key->offset));
	case QUIET_DAYS:
		return read_quiet_days(r, key, node, (struct quiet *)(void *)(base + key->offset));
	case FALLBACK:
		return read_fallback(r, node, (struct mail_config **)(void *)(base + key->offset));
	case RATES:
		return read_rates(r, key, node, (struct mail_rates *)(void *)(base + key->offset));
	case STARTS:
		return read_starts(r, key, node, (struct start_names *)(void *)(base + key->offset));
	case TEXTS:
	case PATHS:
	case NUMBERS:
		return read_list(r, key, node, base + key->offset, (size_t *)(void *)(base + key->count_offset));
	}
	return false;
}

static bool unknown_key(struct reader *r, const struct yaml *node, const struct str *names, size_t count) {
	struct str name = key_name(node), near = name_nearest(name, names, count);
	return refuse(r, node->key, "unknown key '%.*s'%s%.*s", (int)(name.len < 60 ? name.len : 60), name.at,
	              near.len > 0 ? ", did you mean " : "", STR_ARG(near));
}

/* One of the maps site, mail, sms, inbox. */
static bool read_map(struct reader *r, const struct key *keys, const struct yaml *map, void *base) {
	struct str names[MAX_KEYS];
	size_t count = 0;
	for (; keys[count].name; count++)
		names[count] = str_from(keys[count].name);
	if (map->kind != YAML_MAP)
		return refuse(r, map, "%.*s: expected a map of keys", STR_ARG(key_name(map)));
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml *node = map->items[i];
		size_t k = 0;
		while (k < count && !str_equal(names[k], node->key->text))
			k++;
		if (k == count ? !unknown_key(r, node, names, count) : !read_value(r, &keys[k], node, base))
			return false;
	}
	return true;
}

static bool read_root(struct reader *r, const struct yaml *root, struct site_config *c) {
	static const struct str names[] = {{"site", 4}, {"mail", 4}, {"sms", 3}, {"inbox", 5}};
	if (root->kind != YAML_MAP)
		return refuse(r, root, "expected the maps site, mail, sms and inbox");
	for (size_t i = 0; i < root->count; i++) {
		const struct yaml *map = root->items[i];
		bool ok = str_is(map->key->text, "site")    ? read_map(r, site_keys, map, c)
		          : str_is(map->key->text, "mail")  ? read_map(r, mail_keys, map, &c->mail)
		          : str_is(map->key->text, "sms")   ? read_map(r, sms_keys, map, &c->sms)
		          : str_is(map->key->text, "inbox") ? read_map(r, inbox_keys, map, &c->inbox)
		                                            : unknown_key(r, map, names, 4);
		if (!ok)
			return false;
	}
	return true;
}

static void or_else(struct str *text, struct str otherwise) {
	if (text->len == 0)
		*text = otherwise;
}

static void fill_defaults(struct reader *r, struct site_config *c) {
	static struct str languages[] = {{"da", 2}, {"en", 2}};
	static int64_t calling_codes[] = {45, 298, 299};
	or_else(&c->listen, STR("127.0.0.1:8080"));
	or_else(&c->zone, STR("Europe/Copenhagen"));
	or_else(&c->holidays, STR("dk"));
	or_else(&c->key_file, arena_printf(r->arena, "%s/keys", r->folder));
	or_else(&c->data_file, arena_printf(r->arena, "%s/data/stafet.db", r->folder));
	or_else(&c->mail.from_name, c->name);
	or_else(&c->mail.from_address, STR("stafet@example.invalid"));
	or_else(&c->sms.country, STR("45"));
	or_else(&c->inbox.folder, STR("INBOX"));
	if (c->keep_received == 0)
		c->keep_received = 365;
	if (c->mail.connections == 0)
		c->mail.connections = 4;
	if (c->mail.per_connection == 0)
		c->mail.per_connection = 100;
	if (c->mail.idle_seconds == 0)
		c->mail.idle_seconds = 20;
	if (c->language_count == 0) {
		c->languages = languages;
		c->language_count = 2;
	}
	if (c->mail.fallback) {
		c->mail.fallback->from_address = c->mail.from_address;
		c->mail.fallback->per_connection = c->mail.per_connection;
	}
	if (!c->sms.allowed) {
		c->sms.allowed = calling_codes;
		c->sms.allowed_count = 3;
	}
	if (c->sms.per_day == 0)
		c->sms.per_day = 2000;
	if (c->sms.per_number == 0)
		c->sms.per_number = 30;
	while (str_ends(c->base_url, STR("/")))
		c->base_url.len--;
}

static bool check_whole(struct reader *r, const struct yaml *root, const struct site_config *c) {
	const struct yaml *site = yaml_get(root, "site");
	if (!site)
		return refuse(r, root, "the map site is missing (it needs name and base_url)");
	if (c->name.len == 0 || c->base_url.len == 0)
		return refuse(r, site, "site: the key %s is missing", c->name.len == 0 ? "name" : "base_url");
	if (c->mail.relay.len > 0 && c->mail.from_address.len == 0)
		return refuse(r, yaml_get(root, "mail"), "mail: the key from_address is missing");
	if (c->sms.url.len > 0 && c->sms.gateway.len == 0)
		return refuse(r, yaml_get(root, "sms"), "sms: the key gateway is missing (docs/sms-gateways.md)");
	if (c->inbox.starts.count > 0 && c->inbox.url.len == 0)
		return refuse(r, yaml_get(root, "inbox"), "inbox: starts is given, but the key url is missing, so no mail is read");
	if (c->sms.starts.count > 0 && c->sms.gateway.len == 0)
		return refuse(r, yaml_get(root, "sms"), "sms: starts is given, but the key gateway is missing (docs/sms-gateways.md)");
	if (c->inbox.url.len > 0 && (c->inbox.user.len == 0 || c->inbox.password_file.len == 0))
		return refuse(r, yaml_get(root, "inbox"), "inbox: the keys user and password_file are missing");
	if (c->mail.user.len > 0 && c->mail.password_file.len == 0)
		return refuse(r, yaml_get(root, "mail"), "mail: user is given, but password_file is missing");
	return true;
}

static bool offers(const struct site_config *c, struct str language) {
	size_t i = 0;
	while (i < c->language_count && !str_equal(c->languages[i], language))
		i++;
	return i < c->language_count;
}

/* Nobody reads a page that is half in another language. */
static bool check_local(struct reader *r, const struct yaml *root, const struct site_config *c, const char *key, const struct local_text *text) {
	const struct yaml *node = yaml_get(yaml_get(root, "site"), key);
	for (size_t i = 0; text->languages && i < c->language_count; i++)
		if (local_text_in(text, c->languages[i]).len == 0)
			return refuse(r, node, "%s: the text for '%.*s' is missing (the languages are those of site.languages)", key, STR_ARG(c->languages[i]));
	for (size_t i = 0; text->languages && i < text->count; i++)
		if (!offers(c, text->languages[i]))
			return refuse(r, node, "%s: '%.*s' is not one of site.languages", key, STR_ARG(text->languages[i]));
	return true;
}

/* Each path gives way to what stands there. */
static bool read_help(struct reader *r, const struct yaml *root, struct site_config *c) {
	struct err why;
	for (size_t i = 0; i < c->help.count; i++)
		if (!help_read(r->arena, c->help.texts[i].at, &c->help.texts[i], &why))
			return refuse(r, yaml_get(yaml_get(root, "site"), "help"), "help: %s", why.text);
	return true;
}

static bool read_logo(struct reader *r, const struct yaml *root, struct site_config *c) {
	struct err why;
	if (c->logo_file.len == 0 || logo_read(r->arena, c->logo_file.at, &c->logo, &why))
		return true;
	return refuse(r, yaml_get(yaml_get(root, "site"), "logo"), "logo: %s (at most %d kB)", why.text, LOGO_BYTES / 1024);
}

struct str local_text_in(const struct local_text *text, struct str language) {
	for (size_t i = 0; i < text->count; i++)
		if (!text->languages || str_equal(text->languages[i], language))
			return text->texts[i];
	return STR("");
}

/* Calling codes are prefix-free, so a prefix decides. */
bool config_texts_to(const struct sms_config *sms, struct str number) {
	struct str digits = {number.at + (number.len > 0), number.len - (number.len > 0)};
	for (size_t i = 0; sms->allowed && i < sms->allowed_count; i++) {
		char code[24];
		snprintf(code, sizeof code, "%lld", (long long)sms->allowed[i]);
		if (str_starts(digits, str_from(code)))
			return true;
	}
	return sms->allowed == NULL;
}

struct site_config *config_read(struct arena *a, const char *folder, struct err *err) {
	char absolute[PATH_MAX];
	if (!realpath(folder, absolute)) {
		err_set(err, ERR_NOT_FOUND, "error.not-found", "%s: %s", folder, strerror(errno));
		return NULL;
	}
	struct reader r = {a, arena_str(a, str_from(absolute)).at, err};
	const struct yaml *root = yaml_read(a, arena_printf(a, "%s/stafet.yaml", folder).at, err);
	struct site_config *c = ARENA_NEW(a, struct site_config);
	c->folder = r.folder;
	if (!root || !read_root(&r, root, c) || !check_whole(&r, root, c))
		return NULL;
	fill_defaults(&r, c);
	return check_local(&r, root, c, "contact", &c->contact) && check_local(&r, root, c, "help", &c->help) && read_help(&r, root, c) && read_logo(&r, root, c) ? c : NULL;
}
