/* What a package's scenarios leave, as files: the messages, byte for byte, to be read in a mail program or judged by a spam filter, and the instances, for whoever decides
 * them again. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "engine/base/escape.h"
#include "engine/store/instances.h"
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

static void write_instance(const struct instance *instance, struct buf *out) {
	buf_z(out, "{\"workflow\": ");
	escape_json(out, instance->workflow);
	buf_z(out, ", \"reference\": ");
	escape_json(out, instance->reference);
	buf_z(out, ", \"state\": ");
	escape_json(out, instance->state);
	buf_printf(out, ", \"version\": %lld, \"data\": %.*s}", (long long)instance->version, STR_ARG(instance->data));
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
		write_instance(&instance, &out);
	}
	buf_z(&out, "\n]\n");
	ok = ok && !out.overflow && make_folder(files->data, err) && make_folder(folder, err) &&
	     file_write(arena_printf(a, "%s/%.*s.json", folder, (int)strcspn(name, "."), name).at, buf_text(&out), 0666, err);
	buf_free(&out);
	arena_free(a);
	return ok;
}
