#include "mailer/gateway.h"

#include "engine/base/config_check.h"
#include "engine/base/file.h"
#include "engine/base/yaml.h"
#include "mailer/gateway_data.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXTS_MAX = 50, TEXT_MAX = 8192 };

enum shape { TEXT, TEXTS, MAP };
struct key {
	const char *name;
	enum shape shape;
	size_t offset;
	const struct key *keys; /* of a MAP */
	config_check *check;
};

#define AT(member) offsetof(struct gateway, member)

static const struct key coding_keys[] = {{.name = "gsm", .offset = AT(gsm)}, {.name = "ucs2", .offset = AT(ucs2)}, {.name = NULL}};

static const struct key success_keys[] = {
        {.name = "status", .shape = TEXTS, .offset = AT(success.status)},
        {.name = "begins", .shape = TEXTS, .offset = AT(success.begins)},
        {.name = "member", .offset = AT(success.member)},
        {.name = NULL},
};

static const struct key refusal_keys[] = {
        {.name = "member", .offset = AT(refusal.member)},
        {.name = "barred", .shape = TEXTS, .offset = AT(refusal.barred)},
        {.name = "no_number", .shape = TEXTS, .offset = AT(refusal.no_number)},
        {.name = NULL},
};

static const struct key report_keys[] = {
        {.name = "status", .offset = AT(report.status)},
        {.name = "delivered", .shape = TEXTS, .offset = AT(report.words[DELIVERY_DELIVERED])},
        {.name = "failed", .shape = TEXTS, .offset = AT(report.words[DELIVERY_FAILED])},
        {.name = "no_number", .shape = TEXTS, .offset = AT(report.no_number)},
        {.name = "expired", .shape = TEXTS, .offset = AT(report.words[DELIVERY_EXPIRED])},
        {.name = "on_way", .shape = TEXTS, .offset = AT(report.words[DELIVERY_ON_WAY])},
        {.name = "reason", .shape = TEXTS, .offset = AT(report.reason)},
        {.name = NULL},
};

static const struct key inbound_keys[] = {
        {.name = "from", .offset = AT(inbound.from)},
        {.name = "text", .offset = AT(inbound.text)},
        {.name = "id", .offset = AT(inbound.id)},
        {.name = "charset", .offset = AT(inbound.charset)},
        {.name = NULL},
};

static const struct key keys[] = {
        {.name = "url", .offset = AT(url), .check = check_gateway},
        {.name = "query", .offset = AT(query), .check = check_line},
        {.name = "body", .offset = AT(body)},
        {.name = "content_type", .offset = AT(content_type), .check = check_line},
        {.name = "headers", .shape = TEXTS, .offset = AT(headers), .check = check_header},
        {.name = "coding", .shape = MAP, .keys = coding_keys},
        {.name = "success", .shape = MAP, .keys = success_keys},
        {.name = "refusal", .shape = MAP, .keys = refusal_keys},
        {.name = "report", .shape = MAP, .keys = report_keys},
        {.name = "inbound", .shape = MAP, .keys = inbound_keys},
        {.name = NULL},
};

struct reader {
	struct arena *arena;
	struct err *err;
	char *base;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct reader *r, const struct yaml *node, const char *format, ...) {
	char text[sizeof r->err->text];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return err_set(r->err, ERR_INPUT, "yaml.invalid", "%s:%d:%d: %s", node->place.file, node->place.line, node->place.column, text);
}

static bool read_text(struct reader *r, const struct key *key, const struct yaml *node, struct str *out) {
	struct err why = {0};
	if (node->kind != YAML_SCALAR || yaml_is_null(node) || node->text.len == 0 || node->text.len > TEXT_MAX || memchr(node->text.at, '\0', node->text.len))
		return refuse(r, node, "%s: expected a text", key->name);
	if (key->check && !key->check(node->text, &why))
		return refuse(r, node, "%s: %s", key->name, why.text);
	*out = node->text;
	return true;
}

static bool read_texts(struct reader *r, const struct key *key, const struct yaml *node, struct text_list *out) {
	if (node->kind != YAML_LIST || node->count > TEXTS_MAX)
		return refuse(r, node, "%s: expected a list of at most %d texts", key->name, TEXTS_MAX);
	out->items = ARENA_ARRAY(r->arena, node->count + 1, struct str);
	out->count = node->count;
	for (size_t i = 0; i < node->count; i++)
		if (!read_text(r, key, node->items[i], &out->items[i]))
			return false;
	return true;
}

/* At most two deep: a map of keys that are no maps. */
static bool read_map(struct reader *r, const struct key *known, const struct yaml *map) {
	struct str names[16];
	size_t count = 0;
	for (; known[count].name; count++)
		names[count] = str_from(known[count].name);
	if (map->kind != YAML_MAP)
		return refuse(r, map, "expected a map of keys");
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml *node = map->items[i];
		size_t k = 0;
		while (k < count && !str_equal(names[k], node->key->text))
			k++;
		struct str near = k < count ? STR("") : name_nearest(node->key->text, names, count);
		if (k == count)
			return refuse(r, node->key, "unknown key '%.*s'%s%.*s", (int)(node->key->text.len < 60 ? node->key->text.len : 60), node->key->text.at,
			              near.len > 0 ? ", did you mean " : "", STR_ARG(near));
		void *to = r->base + known[k].offset;
		if (known[k].shape == MAP ? !read_map(r, known[k].keys, node) : known[k].shape == TEXTS ? !read_texts(r, &known[k], node, to) : !read_text(r, &known[k], node, to))
			return false;
	}
	return true;
}

/* A word that means two things would mean what comes first. */
static bool check_words(struct reader *r, const struct yaml *root, const struct gateway *g) {
	const struct yaml *report = yaml_get(root, "report");
	if (report && g->report.status.len == 0)
		return refuse(r, report, "report: the key status is missing: which parameter or member tells what became of the message");
	struct str all[(DELIVERIES + 1) * TEXTS_MAX];
	size_t count = 0;
	for (int d = 0; d <= DELIVERIES; d++) {
		const struct text_list *words = d < DELIVERIES ? &g->report.words[d] : &g->report.no_number;
		for (size_t i = 0; i < words->count; i++)
			all[count++] = words->items[i];
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (str_equal(all[i], all[k]))
				return refuse(r, report, "report: '%.*s' stands there twice", STR_ARG(all[i]));
	return true;
}

static bool check_whole(struct reader *r, const struct yaml *root, const struct gateway *g) {
	if (g->query.len == 0 && g->body.len == 0 && !memmem(g->url.at ? g->url.at : "", g->url.len, "{{", 2))
		return refuse(r, root, "where the text goes is missing: the key query or body");
	if (g->success.begins.count > 0 && g->success.member.len > 0)
		return refuse(r, yaml_get(root, "success"), "success: either begins or member");
	const struct yaml *refusal = yaml_get(root, "refusal");
	if (refusal && g->refusal.barred.count + g->refusal.no_number.count == 0)
		return refuse(r, refusal, "refusal: barred or no_number is needed: which reasons are about the number");
	const struct yaml *inbound = yaml_get(root, "inbound");
	if (inbound && (g->inbound.from.len == 0 || g->inbound.text.len == 0))
		return refuse(r, inbound, "inbound: the keys from and text are needed: which parameters or members tell the sender and the text");
	return check_words(r, root, g);
}

struct gateway *gateway_parse(struct arena *a, const char *file, struct str text, struct err *err) {
	struct gateway *g = ARENA_NEW(a, struct gateway);
	const struct yaml *root = yaml_parse(a, file, text, err);
	struct reader r = {a, err, (char *)g};
	*g = (struct gateway){.gsm = STR("0"), .ucs2 = STR("2")};
	return root && read_map(&r, keys, root) && check_whole(&r, root, g) ? g : NULL;
}

static struct gateway *read_built_in(struct arena *a, struct str name, struct err *err) {
	struct gateway_file file;
	struct buf known;
	buf_init(&known, 200);
	for (size_t i = 0; gateway_file_at(i, &file); i++) {
		if (str_is(name, file.name)) {
			buf_free(&known);
			return gateway_parse(a, file.path, file.text, err);
		}
		buf_printf(&known, "%s, ", file.name);
	}
	err_set(err, ERR_PERMANENT, "config.sms", "sms.gateway: there is no '%.*s'; expected %sor a file such as ./my-gateway.yaml", (int)(name.len < 60 ? name.len : 60), name.at,
	        known.at);
	buf_free(&known);
	return NULL;
}

static struct gateway *read_own(struct arena *a, struct str path, struct err *err) {
	struct str text;
	return file_read(a, path.at, TEXT_MAX * 8, &text, err) ? gateway_parse(a, path.at, text, err) : NULL;
}

struct gateway *gateway_open(struct arena *a, const struct sms_config *config, struct err *err) {
	bool own = config->gateway.len > 0 && memchr(config->gateway.at, '/', config->gateway.len);
	struct gateway *g = own ? read_own(a, config->gateway, err) : read_built_in(a, config->gateway, err);
	if (!g)
		return NULL;
	if (config->url.len > 0)
		g->url = config->url;
	if (g->url.len > 0)
		return g;
	err_set(err, ERR_PERMANENT, "config.sms", "sms.url is missing: where the gateway '%.*s' is", STR_ARG(config->gateway));
	return NULL;
}
