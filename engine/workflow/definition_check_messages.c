#include "engine/workflow/definition_checks.h"

#include "engine/workflow/gsm.h"

/* One send, and the message that one of its contacts gets in one language. */
struct delivery {
	struct checker *c;
	const struct flow_point *point;
	const struct action *action;
	const struct message *message;
};

static const char *channel_name(enum channel channel) {
	return channel == CHANNEL_SMS ? "SMS" : "mail";
}

static enum channel channel_of(const struct role *role) {
	return role_texts(role) ? CHANNEL_SMS : CHANNEL_MAIL;
}

static const char *const own_names[] = {"link", "link_expires", "role", "recipient", "reference", "state", "site", ".", NULL};

/* fixed text */

struct str check_list_start(struct str markdown) {
	int64_t before = 0;
	while (markdown.len > 0) {
		struct str line = str_trim(str_cut(&markdown, '\n'));
		size_t digits = 0;
		while (digits < line.len && digits < 3 && line.at[digits] >= '0' && line.at[digits] <= '9')
			digits++;
		bool item = digits > 0 && digits < 3 && line.len > digits + 1 && line.at[digits] == '.' && line.at[digits + 1] == ' ';
		int64_t number = 0;
		(void)str_to_int((struct str){line.at, digits}, &number);
		/* A list of the author's own begins with 1 and counts on. */
		if (item && number != before + 1)
			return (struct str){line.at, line.len < 40 ? line.len : 40};
		before = item ? number : line.len == 0 ? before : 0;
	}
	return (struct str){"", 0};
}

/* Without sections: every value as short as it can be, so that the length is that of the fixed text and a link. With them: all of the text. */
static struct template_value fixed_value(void *context, struct str name, struct arena *a) {
	bool *sections = context;
	(void)a;
	if (str_is(name, "link"))
		return (struct template_value){.kind = TV_URL, .text = STR("https://stafet.example/l/0123456789012345678901234567890123456789012")};
	return (struct template_value){.kind = *sections ? TV_TEXT : TV_NONE, .text = STR("x")};
}

static void check_fixed_text(struct checker *c, const struct message *message) {
	for (int with = 0; with < 2; with++) {
		bool sections = with == 1;
		struct template_source source = {&sections, fixed_value};
		struct buf out;
		struct err err = {0};
		uint32_t foreign = 0;
		buf_init(&out, 1 << 20);
		bool sms = message->channel == CHANNEL_SMS;
		if (!template_render(message->body, sms ? TEMPLATE_SMS : TEMPLATE_MARKDOWN, &source, c->arena, &out, &err)) {
			checker_tell(c, false, message->place, "message '%.*s' cannot be rendered: %s", STR_ARG(message->name), err.text);
		} else if (sms) {
			size_t septets = gsm_septets(str_trim(buf_text(&out)), &foreign);
			if (foreign)
				checker_tell(c, true, message->place, "SMS '%.*s' has U+%04X, which is not in the GSM alphabet: one part then holds 70 characters", STR_ARG(message->name), foreign);
			if (!sections && septets > GSM_PART)
				checker_tell(c, true, message->place, "SMS '%.*s' is longer than one part: %zu of %d septets without the values of fields", STR_ARG(message->name), septets, GSM_PART);
		} else {
			struct str line = check_list_start(buf_text(&out));
			if (line.len > 0)
				checker_tell(c, true, message->place, "message '%.*s': the line '%.*s' begins like a numbered list; write \\ before its point", STR_ARG(message->name), STR_ARG(line));
		}
		buf_free(&out);
	}
}

/* sends */

static void check_delivery(struct delivery *d, enum channel channel, struct str language) {
	const struct action *action = d->action;
	d->message = texts_message(d->c->texts, action->message, channel, language);
	if (!d->message || !str_equal(d->message->language, language)) {
		checker_tell(d->c, false, action->place, "message '%.*s' is missing as %s in '%.*s': expected messages/%.*s.%.*s.%s", STR_ARG(action->message), channel_name(channel), STR_ARG(language),
		             STR_ARG(action->message), STR_ARG(language), channel == CHANNEL_SMS ? "txt" : "md");
		return;
	}
	struct template_use use = {
	        .template = d->message->subject,
	        .own_names = own_names,
	        .kind = "messages",
	        .when = arena_printf(d->c->arena, "message '%.*s' is sent", STR_ARG(action->message)),
	        .without_link = action->link.len == 0,
	};
	(void)check_template_names(d->c, d->point, &use);
	use.template = d->message->body;
	if (!check_template_names(d->c, d->point, &use) && action->link.len > 0)
		checker_tell(d->c, true, action->place, "the send has a link, but message '%.*s' (%.*s) does not use {{link}}", STR_ARG(action->message), STR_ARG(language));
}

static void check_send(void *context, const struct flow_point *point, const struct action *action) {
	struct checker *c = context;
	struct delivery d = {.c = c, .point = point, .action = action};
	bool wanted[CHANNEL_SMS + 1] = {false}, any = false;
	if (action->kind != ACTION_SEND)
		return;
	for (size_t i = 0; i < action->to.count; i++) {
		enum channel channel = channel_of(action->to.items[i]);
		wanted[channel] = wanted[channel] || action->channel == 0 || action->channel == (int)channel;
		any = any || wanted[channel];
	}
	if (!any)
		checker_tell(c, false, action->place, "nobody gets this message: none of its roles has a contact for %s", channel_name((enum channel)action->channel));
	for (enum channel channel = CHANNEL_MAIL; channel <= CHANNEL_SMS; channel++)
		for (size_t i = 0; wanted[channel] && i < texts_language_count(c->texts); i++)
			check_delivery(&d, channel, texts_language_at(c->texts, i));
}

static void mark_used(void *context, const struct flow_point *point, const struct action *action) {
	struct delivery *d = context;
	(void)point;
	if (action->kind == ACTION_SEND && str_equal(action->message, d->message->name))
		d->action = action;
}

void check_messages(struct checker *c) {
	flow_walk(c->flow, &(struct flow_visitor){.context = c, .action = check_send});
	for (size_t i = 0; i < texts_message_count(c->texts); i++) {
		struct delivery d = {.c = c, .message = texts_message_at(c->texts, i)};
		flow_walk(c->flow, &(struct flow_visitor){.context = &d, .action = mark_used});
		check_fixed_text(c, d.message);
		/* A definition that was read from the store is an older one: its package has moved on. */
		if (!d.action && c->d->folder.len > 0)
			checker_tell(c, true, d.message->place, "message '%.*s' is never sent", STR_ARG(d.message->name));
	}
}
