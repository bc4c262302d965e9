#include "engine/workflow/definition_checks.h"

#include "engine/workflow/gsm.h"

#include <string.h>

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
	return role->contact->kind == FIELD_PHONE ? CHANNEL_SMS : CHANNEL_MAIL;
}

/* names in a template */

static const char *const own_names[] = {"link", "link_expires", "role", "recipient", "reference", "state", "site", ".", NULL};
/* Members of the items of a repeated section. */
static const char *const item_names[] = {"label", "value", "key", NULL};

static bool among(const char *const *names, struct str name) {
	for (size_t i = 0; names[i]; i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static bool has_column(const struct register_type *reg, struct str name) {
	for (size_t i = 0; i < reg->record.count; i++)
		if (str_equal(reg->record.members[i].name, name))
			return true;
	return false;
}

bool check_in_group(const struct definition *d, const struct template_name *name) {
	for (size_t i = 0; i < name->section_count; i++) {
		const struct field *field = definition_field(d, name->sections[i]);
		if (field && field_member(field, name->name))
			return true;
	}
	return false;
}

/* Inside a section over rows of a register, their columns have names too. */
static bool item_column(const struct definition *d, const struct template_names *names, struct str name) {
	for (size_t i = 0; i < names->count; i++) {
		const struct field *field = definition_field(d, names->items[i].name);
		if (field && field->reg && (field->many || field->kind == FIELD_MATRIX) && has_column(field->reg, name))
			return true;
	}
	return false;
}

static void tell_name(struct checker *c, const struct template_name *name) {
	struct str_set known = {0};
	for (size_t i = 0; i < c->d->fields.count; i++)
		*(struct str *)ARENA_PUSH(c->arena, &known) = c->d->fields.items[i].name;
	for (size_t i = 0; own_names[i]; i++)
		*(struct str *)ARENA_PUSH(c->arena, &known) = str_from(own_names[i]);
	struct str near = name_nearest(name->name, known.items, known.count);
	if (near.len > 0)
		checker_tell(c, false, name->place, "unknown name '{{%.*s}}'; did you mean '{{%.*s}}'?", STR_ARG(name->name), STR_ARG(near));
	else
		checker_tell(c, false, name->place, "unknown name '{{%.*s}}': neither a field nor a name that messages have", STR_ARG(name->name));
}

/* The field that a name begins with; NULL: a name of the message's own, of an item, or (told) an unknown one. */
static const struct field *field_of(struct checker *c, const struct template_names *names, const struct template_name *name) {
	struct str rest = name->name, root;
	if (among(own_names, name->name) || check_in_group(c->d, name))
		return NULL;
	root = str_cut(&rest, '.');
	const struct field *field = definition_field(c->d, root);
	bool dotted = root.len < name->name.len;
	if (!field && !dotted && (among(item_names, root) || item_column(c->d, names, root)))
		return NULL;
	if (!field) {
		tell_name(c, name);
		return NULL;
	}
	if (dotted && (!field->reg || field->many || field->kind == FIELD_MATRIX))
		checker_tell(c, false, name->place, "'{{%.*s}}': '%.*s' has no columns", STR_ARG(name->name), STR_ARG(root));
	else if (dotted && !str_is(rest, "key") && !has_column(field->reg, rest))
		checker_tell(c, false, name->place, "'{{%.*s}}': register '%.*s' has no column '%.*s'", STR_ARG(name->name), STR_ARG(field->reg->name), STR_ARG(rest));
	return field;
}

static bool check_template(struct delivery *d, const struct template *template) {
	struct template_names names = {0};
	bool link = false;
	if (!template)
		return false;
	template_names(template, d->c->arena, &names);
	for (size_t i = 0; i < names.count; i++) {
		const struct template_name *name = &names.items[i];
		const struct field *field = field_of(d->c, &names, name);
		link = link || str_is(name->name, "link");
		if (str_is(name->name, "link") && d->action->link.len == 0 && !name->guarded)
			checker_tell(d->c, false, name->place, "'{{link}}' in message '%.*s', but a send of it in state '%.*s' has no 'link'", STR_ARG(d->message->name), STR_ARG(d->point->state->name));
		if (field && !name->guarded && !d->point->set[field->slot])
			checker_tell(d->c, false, name->place, "'{{%.*s}}' may be unset when message '%.*s' is sent in state '%.*s'; put it into {{#%.*s}}...{{/%.*s}}", STR_ARG(name->name),
			             STR_ARG(d->message->name), STR_ARG(d->point->state->name), STR_ARG(field->name), STR_ARG(field->name));
	}
	return link;
}

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
	(void)check_template(d, d->message->subject);
	if (!check_template(d, d->message->body) && action->link.len > 0)
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
