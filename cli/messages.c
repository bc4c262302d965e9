/* The messages of a package's scenarios as files: what leaves, byte for byte, to be read in a mail program or judged by a spam filter. */
#include "cli/command.h"
#include "engine/base/clock.h"
#include "mailer/mime.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool make_folder(const char *path, struct err *err) {
	return mkdir(path, 0777) == 0 || errno == EEXIST || err_set(err, ERR_INPUT, "error.input", "%s: %s", path, strerror(errno));
}

static bool write_one(struct message_files *files, struct site *site, const struct composed *message, const struct outbox_row *row, struct arena *a, struct err *err) {
	bool mail = row->channel == CHANNEL_MAIL;
	struct str bytes = message->text;
	int64_t now = clock_now();
	const char *folder = arena_printf(a, "%s/%.*s", files->folder, STR_ARG(row->workflow)).at;
	const char *path = arena_printf(a, "%s/%04d-%.*s.%.*s.%s", folder, files->count, STR_ARG(row->message), STR_ARG(message->language), mail ? "eml" : "txt").at;
	if (mail && !mime_build(&site_config(site)->mail, message, now, zone_local(site_zone(site), now), a, &bytes, err))
		return false;
	return make_folder(files->folder, err) && make_folder(folder, err) && file_write(path, bytes, 0666, err);
}

bool message_files_write(struct message_files *files, struct engine *engine, struct site *site, struct view *v, const struct outbox_row *row, struct arena *a,
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
