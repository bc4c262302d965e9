#include "engine/workflow/definition_shape.h"

#include "engine/workflow/definition.h"
#include "engine/workflow/upload.h"

static const struct shape text = {.kind = SHAPE_TEXT};
static const struct shape name = {.kind = SHAPE_NAME};
static const struct shape word = {.kind = SHAPE_WORD};
static const struct shape option = {.kind = SHAPE_OPTION};
static const struct shape names = {.kind = SHAPE_NAMES};
static const struct shape words = {.kind = SHAPE_LIST, .each = &word, .filled = true};
static const struct shape truth = {.kind = SHAPE_TRUTH};
static const struct shape whole = {.kind = SHAPE_WHOLE};
static const struct shape range = {.kind = SHAPE_RANGE};
static const struct shape span = {.kind = SHAPE_SPAN};
static const struct shape time_of_day = {.kind = SHAPE_TIME};
static const struct shape expression = {.kind = SHAPE_EXPRESSION};
static const struct shape assigned = {.kind = SHAPE_ASSIGNED};
static const struct shape word_list = {.kind = SHAPE_LIST, .each = &word};

/* actions */

static const char *const channels[] = {"mail", "sms", NULL};
static const struct shape channel = {.kind = SHAPE_ONE_OF, .words = channels};
static const char *const directions[] = {"parent", "children", "self", NULL};
static const struct shape direction = {.kind = SHAPE_ONE_OF, .words = directions};
static const struct shape set = {.kind = SHAPE_NAMED, .what = "assignment", .each = &assigned, .filled = true, .words_only = true};
static const struct shape passed = {.kind = SHAPE_NAMED, .what = "assignment", .each = &assigned, .words_only = true};

static const struct shape_key send_keys[] = {
        {.key = "to", .shape = &names, .needed = true, .help = "Role or roles; each contact of them gets a message of its own."},
        {.key = "message", .shape = &name, .needed = true, .help = "messages/<name>.<lang>.md or .txt"},
        {.key = "link", .shape = &name, .help = "An event (a task) or a view that the person gets a link for."},
        {.key = "channel", .shape = &channel, .help = "Only contacts of this kind."},
        {.key = "attach", .shape = &names, .help = "Documents that go along with a mail: the newest version of each, with its addenda."},
        {.key = "deadline", .shape = &expression, .help = "Until when, or how long, sending it makes sense: a datetime, instant or duration."},
        {.key = "urgent", .shape = &truth, .help = "It goes at once, also in the site's quiet hours."},
        {0}};
static const struct shape send = {.kind = SHAPE_MAP, .what = "send", .keys = send_keys};
static const struct shape_key start_action_keys[] = {
        {.key = "workflow", .shape = &name, .needed = true, .help = "The workflow of the child instance."},
        {.key = "each", .shape = &expression, .help = "A list: one child for each of it, which `data` reads as `item`."},
        {.key = "data", .shape = &passed, .help = "Fields of the child."},
        {0}};
static const struct shape start_action = {.kind = SHAPE_MAP, .what = "start of a child", .keys = start_action_keys};
static const struct shape_key signal_keys[] = {
        {.key = "to", .shape = &direction, .needed = true},
        {.key = "event", .shape = &name, .needed = true},
        {.key = "data", .shape = &passed, .help = "Fields of the receiver."},
        {.key = "workflow", .shape = &name, .help = "Only children of this workflow."},
        {0}};
static const struct shape signal = {.kind = SHAPE_MAP, .what = "signal", .keys = signal_keys};
static const struct shape_key document_keys[] = {
        {.key = "name", .shape = &name, .needed = true, .help = "A series within the instance: the first is version 1."},
        {.key = "template", .shape = &name, .needed = true, .help = "documents/<template>.<lang>.md"},
        {.key = "for", .shape = &names, .help = "Role or roles that may see it; all unless given."},
        {.key = "language", .shape = &name, .help = "Of the document; the site's first unless given."},
        {.key = "addendum", .shape = &truth, .help = "Added to the newest version, which stays as it is."},
        {0}};
static const struct shape document = {.kind = SHAPE_MAP, .what = "document", .keys = document_keys};
static const struct shape_key slots_keys[] = {
        {.key = "first", .shape = &expression, .needed = true, .help = "When the first slot opens: a datetime."},
        {.key = "step", .shape = &expression, .needed = true, .help = "How long a slot is: a duration in minutes or hours."},
        {.key = "from", .shape = &text, .needed = true, .help = "When the first slot of each later day opens: a time, or an expression of type string."},
        {.key = "until", .shape = &text, .needed = true, .help = "When the last slot of a day opens, at the latest."},
        {0}};
static const struct shape slots = {.kind = SHAPE_MAP, .what = "slots", .keys = slots_keys};
static const struct shape_key slot_field_keys[] = {
        {.key = "number", .shape = &word, .needed = true, .help = "An int: the slot's number, from 1."},
        {.key = "start", .shape = &word, .help = "A datetime: when it opens."},
        {.key = "end", .shape = &word, .help = "A datetime: when it ends."},
        {0}};
static const struct shape slot_fields = {.kind = SHAPE_MAP, .what = "fields of a slot", .keys = slot_field_keys};
static const struct shape_key pause_keys[] = {
        {.key = "from", .shape = &expression, .needed = true, .help = "A date, datetime or instant."},
        {.key = "until", .shape = &expression, .help = "Likewise; now unless given."},
        {0}};
static const struct shape pause = {.kind = SHAPE_MAP, .what = "pause", .keys = pause_keys};
static const struct shape_key plan_keys[] = {
        {.key = "children", .shape = &name, .needed = true, .help = "Their workflow."},
        {.key = "states", .shape = &names, .help = "Those who get a slot; all that have not ended unless given."},
        {.key = "except", .shape = &word, .help = "A bool of theirs: who has it gets none."},
        {.key = "order", .shape = &words, .needed = true, .help = "Fields of theirs by which they are ordered; who started first, where these are equal."},
        {.key = "group", .shape = &word, .help = "A field of theirs: those with the same value share a slot."},
        {.key = "slots", .shape = &slots, .needed = true},
        {.key = "fields", .shape = &slot_fields, .needed = true, .help = "Fields of theirs that get the slot, and tell that they have one."},
        {.key = "event", .shape = &name, .needed = true, .help = "The signal by which each is told."},
        {.key = "data", .shape = &passed, .help = "Further fields of theirs, the same for all."},
        {.key = "keep", .shape = &truth, .help = "Who has a slot keeps it; only the others get one."},
        {.key = "among", .shape = &names, .help = "With keep: states of those who are given nothing, but stand among the others."},
        {.key = "pause", .shape = &pause, .help = "This time does not count: what has not opened yet moves by whole slots, what was open ends later."},
        {0}};
static const struct shape plan = {.kind = SHAPE_MAP, .what = "plan", .keys = plan_keys};
static const struct shape_key claim_keys[] = {
        {.key = "pool", .shape = &word, .needed = true},
        {.key = "row", .shape = &expression, .needed = true, .help = "Its key, or the row."},
        {0}};
static const struct shape claim = {.kind = SHAPE_MAP, .what = "claim", .keys = claim_keys};
static const struct shape_key release_keys[] = {
        {.key = "pool", .shape = &word, .needed = true},
        {.key = "row", .shape = &expression, .help = "Its key, or the row; none: all that the instance holds."},
        {0}};
static const struct shape release = {.kind = SHAPE_MAP, .what = "release", .keys = release_keys};
static const struct shape_key seed_keys[] = {
        {.key = "seed", .shape = &word, .needed = true, .help = "Its name; draw(list) draws with the one named draw."},
        {.key = "set", .shape = &word, .needed = true, .help = "A text field: of 64 characters, in hex."},
        {0}};
static const struct shape seed = {.kind = SHAPE_MAP, .what = "seed", .keys = seed_keys};
static const struct shape share = {.kind = SHAPE_NAMED, .what = "share", .each = &set, .filled = true, .words_only = true};
static const struct shape_key action_keys[] = {
        {.key = "if", .shape = &expression, .help = "Done only when this is true."},
        {.key = "send", .shape = &send, .one = true},
        {.key = "set", .shape = &set, .one = true, .help = "Sets fields; null clears."},
        {.key = "document", .shape = &document, .one = true, .help = "Makes a PDF."},
        {.key = "start", .shape = &start_action, .one = true},
        {.key = "signal", .shape = &signal, .one = true},
        {.key = "plan", .shape = &plan, .one = true, .help = "Gives children slots."},
        {.key = "claim", .shape = &claim, .one = true, .help = "A place of a row; if it cannot be had, the whole event is refused."},
        {.key = "release", .shape = &release, .one = true, .help = "Gives places back."},
        {.key = "commit", .shape = &seed, .one = true, .help = "Makes a hidden seed, with which draw() draws; its SHA-256 is told."},
        {.key = "reveal", .shape = &seed, .one = true, .help = "Tells the seed, so that everybody can check what was drawn; it draws no more."},
        {.key = "share", .shape = &share, .one = true, .help = "Sets fields of a group's record; null clears."},
        {0}};
static const struct shape action = {.kind = SHAPE_MAP, .what = "action", .keys = action_keys};
static const struct shape actions = {.kind = SHAPE_LIST, .each = &action};

/* states */

static const struct shape_key case_keys[] = {
        {.key = "guard", .shape = &expression, .help = "The case counts when this is true."},
        {.key = "actions", .shape = &actions},
        {.key = "target", .shape = &name, .help = "The next state; none: the instance stays, and timers go on."},
        {0}};
static const struct shape one_case = {.kind = SHAPE_MAP, .what = "case", .keys = case_keys};
static const struct shape cases = {.kind = SHAPE_LIST, .each = &one_case, .filled = true};
static const struct shape_key event_keys[] = {
        {.key = "by", .shape = &names, .help = "Role or roles that act; none: a signal."},
        {.key = "form", .shape = &name},
        {.key = "bounced", .shape = &name, .help = "Instead of `by`: a message to somebody in this role did not arrive; `actor` is the address."},
        {.key = "unreachable", .shape = &name, .help = "The same when no address of the role is left."},
        {.key = "replied", .shape = &name, .help = "Instead of `by`: somebody in this role answered a message by mail or text; `reply_text` is what they wrote, `actor` the address or number."},
        {.key = "shared", .shape = &word, .help = "Instead of `by`: another instance has changed the record of this group."},
        {.key = "exhausted", .shape = &word, .help = "Instead of `by`: a list of rows, of which another instance has claimed the last that was left."},
        {.key = "pool", .shape = &word, .help = "With `exhausted`: that the rows are claimed from."},
        {.key = "files", .shape = &word, .help = "With `replied`: a list of files, to which what was sent along with a mail is added; `reply_refused` are the names of files that it does not take."},
        {.key = "guard", .shape = &expression},
        {.key = "actions", .shape = &actions},
        {.key = "target", .shape = &name},
        {.key = "cases", .shape = &cases, .help = "The first case whose guard is true counts."},
        {.key = "expires", .shape = &span, .help = "How long a link for it can be used."},
        {.key = "opens", .shape = &expression, .help = "A date, datetime or instant; it cannot be done before."},
        {.key = "also", .shape = &names, .help = "Other events of the state that its page offers."},
        {.key = "optional", .shape = &truth, .help = "It may be done, but nobody waits for it: after log-in it is no task."},
        {.key = "repeat", .shape = &truth, .help = "Its form is a ranked list: each press is kept at once, and the link stays good."},
        {.key = "code", .shape = &truth, .help = "Asks for a one-time code, sent where the role's `code` says."},
        {0}};
static const struct shape event = {.kind = SHAPE_MAP, .what = "event", .keys = event_keys};
static const struct shape_key timer_keys[] = {
        {.key = "in", .shape = &span, .one = true, .help = "From entering the state."},
        {.key = "every", .shape = &span, .one = true, .help = "From entering the state, repeated."},
        {.key = "at", .shape = &expression, .one = true, .help = "A date, datetime or instant."},
        {.key = "times", .shape = &whole, .help = "Of `every`: how often."},
        {.key = "time", .shape = &time_of_day, .help = "The wall-clock time to wait for."},
        {.key = "name", .shape = &name},
        {.key = "priority", .shape = &whole, .help = "Lower first among timers due at the same instant; 50 unless given."},
        {.key = "order", .shape = &expression, .help = "A whole number; lower first among timers due at the same instant with one priority, of all instances of one root."},
        {.key = "guard", .shape = &expression},
        {.key = "actions", .shape = &actions},
        {.key = "target", .shape = &name},
        {.key = "cases", .shape = &cases},
        {0}};
static const struct shape timer = {.kind = SHAPE_MAP, .what = "timer", .keys = timer_keys};
static const struct shape timers = {.kind = SHAPE_LIST, .each = &timer};
static const struct shape events = {.kind = SHAPE_NAMED, .what = "event", .each = &event};
static const struct shape_key state_keys[] = {
        {.key = "final", .shape = &truth, .help = "The instance ends here."},
        {.key = "entry", .shape = &actions},
        {.key = "exit", .shape = &actions},
        {.key = "after", .shape = &timers},
        {.key = "on", .shape = &events},
        {0}};
static const struct shape state = {.kind = SHAPE_MAP, .what = "state", .keys = state_keys};
static const struct shape states = {.kind = SHAPE_NAMED, .what = "state", .each = &state, .filled = true};
static const struct shape_key common_keys[] = {
        {.key = "in", .shape = &names, .needed = true, .help = "The states."},
        {.key = "after", .shape = &timers},
        {.key = "on", .shape = &events},
        {0}};
static const struct shape common = {.kind = SHAPE_MAP, .what = "entry of 'common'", .keys = common_keys};
static const struct shape commons = {.kind = SHAPE_LIST, .each = &common, .filled = true};

/* catalogues */

static const struct shape column_names = {.kind = SHAPE_LIST, .each = &word, .filled = true};
static const struct shape_key map_keys[] = {
        {.key = "lat", .shape = &word, .needed = true, .help = "A column of type decimal: degrees north."},
        {.key = "lon", .shape = &word, .needed = true, .help = "A column of type decimal: degrees east."},
        {.key = "label", .shape = &word, .needed = true, .help = "A column of type text: the place."},
        {.key = "outline", .shape = &text, .needed = true, .help = "A text file of the package: a polygon a line, lon lat, lon lat, ..."},
        {.key = "off", .shape = &word, .help = "A column of type bool: rows that are not on the map."},
        {0}};
static const struct shape map = {.kind = SHAPE_MAP, .what = "map", .keys = map_keys};
static const struct shape_key catalogue_keys[] = {
        {.key = "register", .shape = &name, .needed = true, .help = "Whose rows people look for."},
        {.key = "columns", .shape = &column_names, .needed = true, .help = "Columns that each row shows, beside the register's label."},
        {.key = "search", .shape = &column_names, .help = "Columns that a search looks in."},
        {.key = "filters", .shape = &column_names, .help = "Columns to choose rows by, as a value of each."},
        {.key = "detail", .shape = &column_names, .help = "Columns that are told when somebody wants to know more; addresses become links."},
        {.key = "available", .shape = &expression, .help = "Sees `row`: whether it can be chosen."},
        {.key = "map", .shape = &map, .help = "Rows with coordinates, over the outline of a country."},
        {0}};
static const struct shape catalogue = {.kind = SHAPE_MAP, .what = "catalogue", .keys = catalogue_keys};
static const struct shape catalogues = {.kind = SHAPE_NAMED, .what = "catalogue", .each = &catalogue};

/* forms */

static const struct shape_key item_keys[] = {
        {.key = "field", .shape = &word, .needed = true},
        {.key = "optional", .shape = &truth},
        {.key = "when", .shape = &expression, .help = "Asked only when this is true; else the field is cleared."},
        {.key = "catalogue", .shape = &name, .help = "Of a ref: its row is looked for and chosen on a page of its own."},
        {.key = "prefill", .shape = &truth, .help = "false: asked anew, whatever start.prefill finds."},
        {0}};
static const struct shape item = {.kind = SHAPE_NAME_OR_MAP, .what = "form item", .keys = item_keys};
static const struct shape items = {.kind = SHAPE_LIST, .each = &item};
static const struct shape_key page_keys[] = {
        {.key = "name", .shape = &name},
        {.key = "fields", .shape = &items},
        {.key = "show", .shape = &word_list, .help = "Fields that are shown, not asked."},
        {0}};
static const struct shape page = {.kind = SHAPE_MAP, .what = "page", .keys = page_keys};
static const struct shape pages = {.kind = SHAPE_LIST, .each = &page, .filled = true};
static const struct shape_key form_keys[] = {
        {.key = "pages", .shape = &pages, .one = true},
        {.key = "fields", .shape = &items, .one = true, .help = "Of a form with one page."},
        {.key = "show", .shape = &word_list, .help = "With `fields`: fields that are shown, not asked."},
        {.key = "check", .shape = &truth, .help = "Whether it ends with a page to check the answers; true unless given."},
        {0}};
static const struct shape form = {.kind = SHAPE_MAP, .what = "form", .keys = form_keys};
static const struct shape forms = {.kind = SHAPE_NAMED, .what = "form", .each = &form};

/* data, in the order of enum field_kind */

#define SIMPLE_TYPES "text", "longtext", "email", "phone", "digits", "int", "decimal", "bool", "date", "datetime", "choice", "ref"
const char *const shape_field_types[] = {SIMPLE_TYPES, "matrix", "file", "group", NULL};
static const char *const member_types[] = {SIMPLE_TYPES, NULL};
#define BIT(kind) (1U << (kind))
enum {
	BOUNDED = BIT(FIELD_TEXT) | BIT(FIELD_LONGTEXT) | BIT(FIELD_INT) | BIT(FIELD_DECIMAL) | BIT(FIELD_DATE),
	OF_REGISTER = BIT(FIELD_REF) | BIT(FIELD_MATRIX),
	SEALABLE = BIT(FIELD_TEXT) | BIT(FIELD_LONGTEXT) | BIT(FIELD_EMAIL) | BIT(FIELD_PHONE) | BIT(FIELD_DIGITS) | BIT(FIELD_DATE),
	LISTED = ((BIT(FIELD_MATRIX) - 1) & ~BIT(FIELD_BOOL)) | BIT(FIELD_FILE) | BIT(FIELD_GROUP)
};
static const struct shape field_type = {.kind = SHAPE_ONE_OF, .words = shape_field_types};
static const struct shape member_type = {.kind = SHAPE_ONE_OF, .words = member_types};
static const struct shape weights = {.kind = SHAPE_LIST, .each = &whole, .filled = true};
static const struct shape extension = {.kind = SHAPE_ONE_OF, .words = upload_extensions};
static const struct shape extensions = {.kind = SHAPE_LIST, .each = &extension, .filled = true};
static const struct shape options = {.kind = SHAPE_LIST, .each = &option, .filled = true};
/* What a field has that stands alone, and one of a group. */
#define SIMPLE_KEYS                                                                                                                                        \
	{.key = "min", .shape = &text, .only = BOUNDED, .help = "Least value or number of characters; of a date: an expression."},                             \
	{.key = "max", .shape = &text, .only = BOUNDED | BIT(FIELD_FILE),                                                                                      \
	 .help = "Largest value or number of characters; of a date: an expression; of a file: its size, as 10MB."},                                           \
	{.key = "length", .shape = &whole, .needed = true, .only = BIT(FIELD_DIGITS), .help = "How many digits."},                                             \
	{.key = "prefix", .shape = &text, .only = BIT(FIELD_DIGITS), .help = "May stand before the digits."},                                                  \
	{.key = "weights", .shape = &weights, .only = BIT(FIELD_DIGITS), .help = "A weight for each digit."},                                                  \
	{.key = "modulo", .shape = &whole, .only = BIT(FIELD_DIGITS), .help = "Divides the weighted sum."},                                                    \
	{.key = "accept", .shape = &truth, .only = BIT(FIELD_BOOL), .help = "Only yes is a valid answer."},                                                    \
	{.key = "options", .shape = &options, .needed = true, .only = BIT(FIELD_CHOICE)},                                                                      \
	{.key = "register", .shape = &name, .needed = true, .only = OF_REGISTER},                                                                              \
	{.key = "where", .shape = &expression, .only = OF_REGISTER, .help = "Which rows: sees `row` and the fields."},                                         \
	{.key = "valid", .shape = &expression, .help = "Must be true of an answer, or it is refused with the text `invalid`."}
static const struct shape_key member_keys[] = {
        {.key = "type", .shape = &member_type, .needed = true},
        SIMPLE_KEYS,
        {.key = "optional", .shape = &truth, .help = "May be left out of an item."},
        {0}};
static const struct shape member = {.kind = SHAPE_MAP, .what = "field of a group", .keys = member_keys, .choose = "type"};
static const struct shape members = {.kind = SHAPE_NAMED, .what = "field of a group", .each = &member, .filled = true, .words_only = true};
static const struct shape_key field_keys[] = {
        {.key = "type", .shape = &field_type, .needed = true},
        SIMPLE_KEYS,
        {.key = "extensions", .shape = &extensions, .needed = true, .only = BIT(FIELD_FILE), .help = "How the names of files may end; their contents must be of that kind."},
        {.key = "scale", .shape = &range, .needed = true, .only = BIT(FIELD_MATRIX), .help = "The whole numbers that a row may get."},
        {.key = "many", .shape = &range, .need = BIT(FIELD_GROUP), .only = LISTED, .help = "A list of so many."},
        {.key = "fields", .shape = &members, .needed = true, .only = BIT(FIELD_GROUP), .help = "The fields of each item."},
        {.key = "default", .shape = &expression, .help = "Set at the start, before the form."},
        {.key = "sensitive", .shape = &truth, .only = SEALABLE, .help = "Kept encrypted; expressions ask only has(), people see the mask."},
        {.key = "mask", .shape = &whole, .only = SEALABLE & ~BIT(FIELD_LONGTEXT), .help = "Of a sensitive field: how many leading characters are shown; 0 unless given."},
        {0}};
static const struct shape field = {.kind = SHAPE_MAP, .what = "field", .keys = field_keys, .choose = "type"};
static const struct shape fields = {.kind = SHAPE_NAMED, .what = "field", .each = &field, .words_only = true};
static const struct shape_key rule_keys[] = {
        {.key = "row", .shape = &word, .needed = true, .help = "The register whose rows it is about."},
        {.key = "is", .shape = &expression, .needed = true, .help = "True for the rows that fulfil it; sees `row`."},
        {0}};
static const struct shape rule = {.kind = SHAPE_MAP, .what = "rule", .keys = rule_keys};
static const struct shape rules = {.kind = SHAPE_NAMED, .what = "rule", .each = &rule, .words_only = true};
static const struct shape lets = {.kind = SHAPE_NAMED, .what = "named expression", .each = &expression, .words_only = true};

/* roles, views, start */

static const struct shape scope_columns = {.kind = SHAPE_NAMED, .what = "column of a scope", .each = &expression, .filled = true, .words_only = true};
static const struct shape_key role_keys[] = {
        {.key = "contact", .shape = &word, .needed = true, .help = "A field of type email or phone; with `grants` such a column."},
        {.key = "name", .shape = &word, .help = "A text field with the person's name; with `grants` such a column."},
        {.key = "grants", .shape = &name, .help = "A register whose rows are the people of the role, as long as they are there and valid."},
        {.key = "where", .shape = &expression, .help = "Of `grants`: which rows; sees `row` alone."},
        {.key = "scope", .shape = &scope_columns, .help = "Of `grants`: by column, what the row must have there for this case."},
        {.key = "code", .shape = &word, .help = "A field of type email or phone: where the codes of acts with `code: true` go."},
        {0}};
static const struct shape role = {.kind = SHAPE_MAP, .what = "role", .keys = role_keys};
static const struct shape roles = {.kind = SHAPE_NAMED, .what = "role", .each = &role, .filled = true};
static const char *const view_kinds[] = {"list", "page", "rows", NULL};
static const struct shape view_kind = {.kind = SHAPE_ONE_OF, .words = view_kinds};
static const struct shape shown = {.kind = SHAPE_LIST, .each = &word, .filled = true};
static const struct shape_key column_keys[] = {
        {.key = "delivery", .shape = &name, .needed = true, .help = "A role: how the newest message to each of its people stands."},
        {0}};
static const struct shape column_shape = {.kind = SHAPE_NAME_OR_MAP, .what = "column", .keys = column_keys};
static const struct shape list_columns = {.kind = SHAPE_LIST, .each = &column_shape, .filled = true};
static const struct shape_key resend_keys[] = {
        {.key = "by", .shape = &names, .needed = true, .help = "Role or roles that may."},
        {.key = "to", .shape = &names, .needed = true, .help = "Role or roles whose newest messages they are."},
        {0}};
static const struct shape resend = {.kind = SHAPE_MAP, .what = "resend", .keys = resend_keys};
static const struct shape_key view_keys[] = {
        {.key = "kind", .shape = &view_kind, .needed = true},
        {.key = "for", .shape = &names, .needed = true, .help = "Role or roles that see it."},
        {.key = "when", .shape = &expression, .only = BIT(VIEW_PAGE)},
        {.key = "head", .shape = &shown, .only = BIT(VIEW_PAGE), .help = "Fields that stand first, also while `when` does not hold: whom and what it is about."},
        {.key = "fields", .shape = &shown, .needed = true, .only = BIT(VIEW_PAGE)},
        {.key = "columns", .shape = &list_columns, .needed = true, .only = BIT(VIEW_LIST), .help = "Fields, state, started_at, changed_at, reference, {delivery: role}."},
        {.key = "reveal", .shape = &shown, .only = BIT(VIEW_PAGE), .help = "Sensitive fields of the page that its readers see as they were typed."},
        {.key = "acts", .shape = &names, .only = BIT(VIEW_PAGE) | BIT(VIEW_ROWS), .help = "Events of people that can be begun from the page."},
        {.key = "resend", .shape = &resend, .only = BIT(VIEW_PAGE), .help = "Who may send messages again after log-in, and to whom."},
        {.key = "timeline", .shape = &truth, .only = BIT(VIEW_PAGE), .help = "Also what has happened, and what is next."},
        {.key = "search", .shape = &word_list, .only = BIT(VIEW_LIST)},
        {.key = "filters", .shape = &word_list, .only = BIT(VIEW_LIST), .help = "state, and fields of type choice, ref and bool, to choose rows by."},
        {.key = "overdue", .shape = &expression, .only = BIT(VIEW_LIST), .help = "Rows for which this is true are marked."},
        {.key = "export", .shape = &truth, .only = BIT(VIEW_LIST), .help = "Can be fetched as a spreadsheet."},
        {.key = "page", .shape = &name, .only = BIT(VIEW_LIST), .help = "The page view that a row opens."},
        {.key = "login", .shape = &truth, .only = BIT(VIEW_LIST) | BIT(VIEW_ROWS), .help = "On /backend after log-in."},
        {.key = "catalogue", .shape = &name, .needed = true, .only = BIT(VIEW_ROWS), .help = "What is looked through."},
        {.key = "public", .shape = &truth, .only = BIT(VIEW_ROWS), .help = "For everybody, with a way from the front page."},
        {.key = "digits", .shape = &whole, .only = BIT(VIEW_LIST) | BIT(VIEW_ROWS), .help = "With login: of the code that is mailed, 4 to 8; 6 unless given."},
        {.key = "expires", .shape = &span, .help = "How long a link for it can be used."},
        {0}};
static const struct shape view = {.kind = SHAPE_MAP, .what = "view", .keys = view_keys, .choose = "kind"};
static const struct shape views = {.kind = SHAPE_NAMED, .what = "view", .each = &view};
static const struct shape_key mail_start_keys[] = {
        {.key = "by", .shape = &name, .help = "The sender's role, whose contact takes the address; that of `start` unless given."},
        {.key = "subject", .shape = &word, .help = "A text field for the subject."},
        {.key = "text", .shape = &word, .needed = true, .help = "A longtext field for what they wrote."},
        {0}};
static const struct shape mail_start = {.kind = SHAPE_MAP, .what = "start by mail", .keys = mail_start_keys};
static const struct shape_key sms_start_keys[] = {
        {.key = "by", .shape = &name, .help = "The sender's role, whose contact takes the number; that of `start` unless given."},
        {.key = "text", .shape = &word, .needed = true, .help = "A longtext field for what they wrote."},
        {0}};
static const struct shape sms_start = {.kind = SHAPE_MAP, .what = "start by text", .keys = sms_start_keys};
static const struct shape_key start_from_keys[] = {
        {.key = "workflow", .shape = &name, .needed = true, .help = "Of the case, in which the starter has the role of `by`."},
        {.key = "when", .shape = &expression, .help = "What must be true of the case; it sees that workflow's fields."},
        {.key = "take", .shape = &names, .help = "Fields that are as they are in the case, and are not asked for."},
        {0}};
static const struct shape start_from = {.kind = SHAPE_MAP, .what = "start from a case", .keys = start_from_keys};
static const struct shape_key start_keys[] = {
        {.key = "by", .shape = &name, .needed = true, .help = "The role that starts."},
        {.key = "form", .shape = &name, .needed = true},
        {.key = "public", .shape = &truth, .help = "On the portal's front page, for strangers."},
        {.key = "login", .shape = &names, .help = "On the portal for who is logged in and has the role in an instance of these workflows."},
        {.key = "role", .shape = &name, .help = "With login: which role of theirs; that of `by` unless given."},
        {.key = "from", .shape = &start_from, .help = "On the portal for who is logged in and has a case of another workflow from which it begins."},
        {.key = "mail", .shape = &mail_start, .help = "A mail to an address of the site's `inbox.starts` starts it, too."},
        {.key = "sms", .shape = &sms_start, .help = "A text with a word of the site's `sms.starts` starts it, too."},
        {.key = "expires", .shape = &span, .help = "How long an unfinished start form is kept; 1d unless given."},
        {.key = "prefill", .shape = &names, .help = "Workflows whose newest instance of a logged-in visitor fills in fields of the same name."},
        {.key = "from_link", .shape = &names, .help = "Fields of the start form that a link to it may fill in."},
        {0}};
static const struct shape start = {.kind = SHAPE_MAP, .what = "start", .keys = start_keys};

static const char *const pool_owners[] = {"parent", NULL}, *const pool_scopes[] = {"site", NULL};
static const struct shape pool_owner = {.kind = SHAPE_ONE_OF, .words = pool_owners};
static const struct shape pool_scope = {.kind = SHAPE_ONE_OF, .words = pool_scopes};
static const struct shape_key pool_keys[] = {
        {.key = "register", .shape = &name, .help = "Whose rows can be claimed; the register of the pool's name unless given."},
        {.key = "of", .shape = &pool_owner, .help = "parent: the pool of that name of the parent's instance."},
        {.key = "scope", .shape = &pool_scope, .help = "site: one pool for all instances of the workflow; else each has its own."},
        {.key = "capacity", .shape = &text, .help = "How many places each row has, or the column that says it; 1 unless given."},
        {.key = "each", .shape = &whole, .help = "How many rows one instance may hold; any number unless given."},
        {0}};
static const struct shape pool = {.kind = SHAPE_MAP, .what = "pool", .keys = pool_keys};
static const struct shape pools = {.kind = SHAPE_NAMED, .what = "pool", .each = &pool, .words_only = true};
static const char *const shared_types[] = {"text", "int", "decimal", "bool", "date", "datetime", "ref", NULL};
enum { SHARED_REF = 6 };
static const struct shape shared_type = {.kind = SHAPE_ONE_OF, .words = shared_types};
static const struct shape_key shared_keys[] = {
        {.key = "type", .shape = &shared_type, .needed = true},
        {.key = "register", .shape = &name, .needed = true, .only = BIT(SHARED_REF)},
        {0}};
static const struct shape shared_field = {.kind = SHAPE_MAP, .what = "shared field", .keys = shared_keys, .choose = "type"};
static const struct shape shared_fields = {.kind = SHAPE_NAMED, .what = "shared field", .each = &shared_field, .filled = true, .words_only = true};
static const struct shape_key group_keys[] = {
        {.key = "by", .shape = &word, .needed = true, .help = "A field: instances of the workflow in which it has the same value share one record."},
        {.key = "fields", .shape = &shared_fields, .needed = true, .help = "What the record holds."},
        {0}};
static const struct shape group = {.kind = SHAPE_MAP, .what = "group", .keys = group_keys};
static const struct shape groups = {.kind = SHAPE_NAMED, .what = "group", .each = &group, .words_only = true};
static const struct shape_key workflow_keys[] = {
        {.key = "workflow", .shape = &name, .needed = true, .help = "The name."},
        {.key = "start", .shape = &start, .needed = true, .help = "Who starts an instance, and how."},
        {.key = "keep", .shape = &span, .help = "How long after its end an instance keeps what it says; for ever unless given."},
        {.key = "roles", .shape = &roles, .needed = true, .help = "Who takes part."},
        {.key = "data", .shape = &fields, .needed = true, .help = "The fields of an instance."},
        {.key = "rules", .shape = &rules, .help = "Conditions on a row of a register, asked as name(row)."},
        {.key = "pools", .shape = &pools, .help = "Registers whose rows can be claimed."},
        {.key = "groups", .shape = &groups, .help = "Records that instances share."},
        {.key = "let", .shape = &lets, .help = "Named expressions."},
        {.key = "catalogues", .shape = &catalogues, .help = "How people look for a row of a register among many."},
        {.key = "forms", .shape = &forms, .help = "The pages that people fill in."},
        {.key = "initial", .shape = &name, .needed = true, .help = "The first state."},
        {.key = "states", .shape = &states, .needed = true, .help = "The machine."},
        {.key = "common", .shape = &commons, .help = "Events and timers that several states have."},
        {.key = "views", .shape = &views, .help = "Lists and pages that people look at."},
        {0}};
const struct shape shape_workflow = {.kind = SHAPE_MAP, .what = "workflow", .keys = workflow_keys};

/* registers.yaml */

static const char *const column_types[] = {"text", "int", "decimal", "bool", "date", "datetime", "email", "phone", NULL};
static const struct shape column = {.kind = SHAPE_ONE_OF, .what = "column", .words = column_types};
static const struct shape columns = {.kind = SHAPE_NAMED, .what = "column", .each = &column, .filled = true, .words_only = true};
static const struct shape_key valid_keys[] = {
        {.key = "from", .shape = &word, .help = "A column of type date: the first day; a row without one has always been."},
        {.key = "until", .shape = &word, .help = "A column of type date: the last day; a row without one goes on."},
        {0}};
static const struct shape validity = {.kind = SHAPE_MAP, .what = "valid", .keys = valid_keys};
static const struct shape_key register_keys[] = {
        {.key = "from", .shape = &name, .help = "The workflow whose register of this name it is; the columns that are read here are declared again."},
        {.key = "key", .shape = &word, .needed = true, .help = "The column that names a row; a text."},
        {.key = "label", .shape = &word, .needed = true, .help = "The column that people see."},
        {.key = "sensitive", .shape = &names, .help = "Columns of type text that are kept encrypted; expressions ask only has(), people see a mask."},
        {.key = "columns", .shape = &columns, .needed = true},
        {.key = "valid", .shape = &validity, .help = "Which columns say from and until when a row can be chosen."},
        {.key = "sample", .shape = &text, .help = "A CSV file beside registers.yaml."},
        {0}};
static const struct shape one_register = {.kind = SHAPE_MAP, .what = "register", .keys = register_keys};
const struct shape shape_registers = {.kind = SHAPE_NAMED, .what = "register", .each = &one_register, .words_only = true};
