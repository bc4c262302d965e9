/* What a package's scenarios leave, as files: the messages, byte for byte, to be read in a mail program or judged by a spam filter, and the instances, for whoever decides
 * them again. */
#include "cli/command.h"
#include "engine/base/civil.h"
#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/store/documents.h"
#include "engine/store/history.h"
#include "engine/store/outbox.h"
#include "mailer/mime.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool make_folder(const char *path, struct err *err) {
	return mkdir(path, 0777) == 0 || errno == EEXIST || err_set(err, ERR_INPUT, "error.input", "%s: %s", path, strerror(errno));
}

static bool write_one(struct scenario_files *files, struct site *site, const struct composed *message, const struct outbox_row *row, struct arena *a, struct err *err) {
	bool mail = row->channel == CHANNEL_MAIL;
	struct str bytes = message->text;
	int64_t now = clock_now();
	const char *folder = arena_printf(a, "%s/%.*s", files->messages, STR_ARG(row->workflow)).at;
	const char *path = arena_printf(a, "%s/%04d-%.*s.%.*s.%s", folder, files->count, STR_ARG(row->message), STR_ARG(message->language), mail ? "eml" : "txt").at;
	if (mail && !mime_build(&site_config(site)->mail, message, now, zone_local(site_zone(site), now), a, &bytes, err))
		return false;
	return make_folder(files->messages, err) && make_folder(folder, err) && file_write(path, bytes, 0666, err);
}

bool scenario_files_message(struct scenario_files *files, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a,
                            struct err *err) {
	const struct package *package = site_package(site, row->workflow);
	struct composed message;
	files->count++;
	for (size_t i = 0; package && i < texts_language_count(package->texts); i++) {
		struct outbox_row one = *row;
		one.language = texts_language_at(package->texts, i);
		if (!compose_message(engine, site, v, &one, a, &message, err) || !write_one(files, site, &message, &one, a, err))
			return false;
	}
	return true;
}

static void put_text(struct buf *out, const char *name, struct str text) {
	buf_printf(out, "%s\"%s\": ", out->at[out->len - 1] == '{' ? "" : ", ", name);
	escape_json(out, text);
}

static void write_entry(const struct history *entry, struct arena *a, struct buf *out) {
	buf_printf(out, "{\"entry\": %lld", (long long)entry->id);
	put_text(out, "at", civil_format_instant(a, entry->at));
	put_text(out, "kind", entry->kind);
	put_text(out, "event", entry->event);
	put_text(out, "from", entry->from);
	put_text(out, "to", entry->to);
	struct str told = entry->payload.len > 0 ? entry->payload : STR("null"); /* erased */
	buf_printf(out, ", \"refused\": %s, \"told\": %.*s}", entry->refused ? "true" : "false", STR_ARG(told));
}

static void write_message(const struct outbox_row *row, struct arena *a, struct buf *out) {
	buf_printf(out, "{\"entry\": %lld", (long long)row->history_id);
	put_text(out, "at", civil_format_instant(a, row->created_at));
	put_text(out, "message", row->message);
	put_text(out, "role", row->role);
	put_text(out, "to", row->recipient);
	put_text(out, "state", str_from(outbox_state_name(row->state)));
	buf_char(out, '}');
}

static void write_document(const struct document *d, struct arena *a, struct buf *out) {
	buf_printf(out, "{\"entry\": %lld", (long long)d->history_id);
	put_text(out, "at", civil_format_instant(a, d->at));
	put_text(out, "document", d->name);
	buf_printf(out, ", \"version\": %lld, \"addendum\": %lld}", (long long)d->version, (long long)d->addendum);
}

static bool write_instance(const struct instance *instance, struct view *v, struct arena *a, struct buf *out, struct err *err) {
	struct history_list entries = {0};
	struct outbox_list messages = {0};
	struct document_list documents = {0};
	if (!history_list(v, instance->id, a, &entries, err) || !outbox_of_instance(v, instance->id, a, &messages, err) || !document_of_instance(v, instance->id, a, &documents, err))
		return false;
	buf_char(out, '{');
	put_text(out, "workflow", instance->workflow);
	put_text(out, "reference", instance->reference);
	put_text(out, "state", instance->state);
	buf_printf(out, ", \"version\": %lld, \"data\": %.*s,\n\"history\": [", (long long)instance->version, STR_ARG(instance->data));
	for (size_t i = 0; i < entries.count; i++) {
		buf_z(out, i ? ",\n" : "");
		write_entry(&entries.items[i], a, out);
	}
	buf_z(out, "],\n\"messages\": [");
	for (size_t i = 0; i < messages.count; i++) {
		buf_z(out, i ? ",\n" : "");
		write_message(&messages.items[i], a, out);
	}
	buf_z(out, "],\n\"documents\": [");
	for (size_t i = 0; i < documents.count; i++) {
		buf_z(out, i ? ",\n" : "");
		write_document(&documents.items[i], a, out);
	}
	buf_z(out, "]}");
	return true;
}

bool scenario_files_data(struct scenario_files *files, const char *path, struct view *v, struct err *err) {
	enum { MOST = 256 << 20 };
	struct arena *a = arena_new();
	struct instance instance = {0};
	struct buf out;
	bool found, ok;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *folder = arena_printf(a, "%s/%s", files->data, files->workflow).at;
	buf_init(&out, MOST);
	buf_char(&out, '[');
	while ((ok = instance_next(v, instance.id, a, &instance, &found, err)) && found) {
		buf_z(&out, out.len > 1 ? ",\n" : "\n");
		if (!write_instance(&instance, v, a, &out, err)) {
			ok = false;
			break;
		}
	}
	buf_z(&out, "\n]\n");
	ok = ok && !out.overflow && make_folder(files->data, err) && make_folder(folder, err) &&
	     file_write(arena_printf(a, "%s/%.*s.json", folder, (int)strcspn(name, "."), name).at, buf_text(&out), 0666, err);
	buf_free(&out);
	arena_free(a);
	return ok;
}
