/* data: the fields of one instance as values, and their JSON in the store. The only reader of JSON (jansson).
 * A record is an array of values, one a field of the definition, by slot. */
#ifndef ENGINE_WORKFLOW_DATA_H
#define ENGINE_WORKFLOW_DATA_H

#include "engine/store/registers.h"
#include "engine/workflow/definition.h"

/* Reading registers during a decision, recorded for replay. The store's rows, or a test's. */
struct register_port {
	void *context;
	struct view *view; /* of the store that they are in; NULL: a test's */
	/* A LIST of the rows valid on that day, in file order, as RECORD values of reg, with its digest when that is known; memory in arena. */
	bool (*rows)(void *context, const struct register_type *reg, int64_t today, struct arena *a, struct value *rows, struct err *err);
	/* One row; version 0: the newest, if it is still in the register, whatever its dates. NOT_FOUND. */
	bool (*row)(void *context, const struct register_type *reg, struct str key, int64_t version, struct arena *a, struct value *out, struct err *err);
};
/* Rows from a view of the store. The port borrows v. */
struct register_port data_store_port(struct view *v);

struct value data_row_list(const struct value *rows, size_t count, struct str digest /* empty: not known */);
/* Their digest, as draws tell it (draw.h); in arena. */
struct str data_rows_digest(const struct register_type *reg, const struct value *rows, size_t count, struct arena *a);
/* Whether a row's dates (`valid`) have that day between them. */
bool data_row_is_valid(const struct register_type *reg, const struct value *row, int64_t day);
/* What rows() reads in the definition's expressions: through the port, each register once. In arena; NULL when nothing asks, or for no port. */
const struct row_source *data_row_source(const struct definition *d, const struct register_port *port, int64_t today, struct arena *a);

/* JSON object <-> values; unknown members are refused on reading (INPUT), unset fields are left out on writing.
 * Refs are kept as {"key":..., "version":...} and read back through the port. */
bool data_from_json(const struct definition *d, struct str json, const struct register_port *port, struct arena *a, struct value *values, struct err *err);
/* What histories' payloads, {"set":{...},...} each, leave when they follow each other. A field that d does not have is passed over. */
bool data_replay(const struct definition *d, const struct str *payloads, size_t count, const struct register_port *port, struct arena *a,
                 struct value *values, struct err *err);
/* Puts the fields of the object `member` of one payload ("set") into their slots, which have what was there before; null clears. */
bool data_apply(const struct definition *d, struct str payload, const char *member, const struct register_port *port, struct arena *a, struct value *values, struct err *err);
/* What a payload tells beside its fields. No field can have these names. */
#define PAYLOAD_LIST_AT "at"     /* of a list of which only a part changed: {"at":2,"drop":1,"put":[...]}, instead of the list */
#define PAYLOAD_LIST_DROP "drop"
#define PAYLOAD_LIST_PUT "put"
#define PAYLOAD_READ_AT "read-at"
#define PAYLOAD_SEEN "seen-entry"
#define PAYLOAD_ASIDE "set-aside"
#define PAYLOAD_GIVEN "given-fields"
#define PAYLOAD_SAID_BY "said-by"
#define PAYLOAD_SAID "said-text"
#define PAYLOAD_SAID_REFUSED "said-refused"
struct payload_told {
	bool again;      /* it has what is needed to decide again */
	int64_t read_at; /* generation of the registers */
	int64_t seen;    /* newest entry of history; 0: nobody asked */
	bool aside;      /* it was recorded, not decided */
	struct str said_by, said;
	struct value refused; /* LIST of texts; UNSET: nobody answered */
};
bool data_payload_told(struct str payload, struct arena *a, struct payload_told *out);
/* Whether what an expression computed can be kept and read back: finite numbers, dates of the years 1900-2200, text that is UTF-8 without NUL. */
bool data_storable(const struct value *v, struct err *err);
/* A text that stands in a JSON object under that name. In arena; false: there is none. */
bool data_text(struct str json, const char *name, struct arena *a, struct str *out);
/* Stored data for people on the command line: of what is sealed the mask. In arena. */
struct str data_masked(struct str json, struct arena *a);
struct str data_unsealed(struct str json, const struct keyring *keys, struct arena *a); /* or what was typed */
void data_to_json(const struct definition *d, const struct value *values, struct buf *out);
/* A group's record, by its fields: of what another version of the machine wrote, only what fits here is taken. */
bool data_shared_from_json(const struct group_rule *group, struct str json, const struct register_port *port, struct arena *a, struct value *members, struct err *err);
/* The record after these became its members; what stands in it beside them stays. In arena. */
struct str data_shared_to_json(const struct group_rule *group, struct str before, const struct value *members, struct arena *a);
/* What a history's payload tells of such records under that name: [{"group":...,"of":...,"data":{...}}, ...]. */
struct told_record {
	struct str group, of, data;
};
struct told_records {
	struct told_record *items;
	size_t count, cap;
};
struct told_records data_told_records(struct str payload, const char *name, struct arena *a);
struct str told_record(const struct told_records *told, struct str group, struct str of); /* its data; empty: it is not told */
/* One row of a register from its JSON. */
bool data_row_from_json(const struct register_type *reg, struct str key, int64_t version, struct str json, struct arena *a, struct value *out, struct err *err);
/* A CSV file as rows (UTF-8, optional BOM, comma or semicolon, header line with column names). Every wrong line is told with its number; all or nothing. */
/* country: of phone numbers without +. */
bool data_rows_from_csv(const struct register_type *reg, int64_t country, const char *file, struct str text, struct arena *a, struct register_rows *out, struct problems *problems);

/* What is sensitive in rows as they were read is sealed, before they are kept; the store takes no others back. */
void data_seal_rows(const struct register_type *reg, const struct keyring *keys, struct register_rows *rows, struct arena *a);

/* JSON object of strings, lists of strings, (for a matrix) objects and (for a group) lists of objects, as typed by people or given by `stafet start`:
 * member -> texts. Numbers and booleans are taken as their text. */
struct answer {
	struct str name;      /* field, "field.row" of a matrix, or "field.2.email" of a group: its second item's */
	LIST_OF(struct str) texts;
};
struct answers {
	struct answer *items;
	size_t count, cap;
};
const struct answer *answers_get(const struct answers *answers, struct str name);
void answers_put(struct answers *answers, struct arena *a, struct str name, struct str text); /* appends to the name's texts */
void answers_clear(struct answers *answers, struct str name);
bool answers_from_json(struct str json, struct arena *a, struct answers *out, struct err *err);
void answers_to_json(const struct answers *answers, struct buf *out);

#endif
