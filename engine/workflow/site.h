/* site: everything that is read-only while jobs run: configuration, keys, zone, calendar, languages and the catalog of packages.
 *
 * The catalog is replaced as a whole on reload and never changed; old ones stay until the site closes, so a borrowed definition
 * or text is good as long as the site. Any thread. */
#ifndef ENGINE_WORKFLOW_SITE_H
#define ENGINE_WORKFLOW_SITE_H

#include "engine/base/config.h"
#include "engine/base/language.h"
#include "engine/workflow/texts.h"

struct package {
	struct str folder;
	struct definition *definition; /* the current machine */
	struct texts *texts;
};

struct site;

/* Loads all packages of config. NULL when one has errors: told in problems (for people) and err. config is borrowed; caller closes. */
struct site *site_open(const struct site_config *config, struct problems *problems, struct err *err);
void site_close(struct site *s);
/* Reads the packages again; when anything is wrong nothing changes and false comes back. v: texts must also check against every machine in use. */
bool site_reload(struct site *s, struct view *v, struct problems *problems, struct err *err);

const struct site_config *site_config(const struct site *s);
const struct keyring *site_keys(const struct site *s);
const struct zone *site_zone(const struct site *s);
const struct calendar *site_calendar(const struct site *s);
int64_t site_day(const struct site *s, int64_t now); /* which civil day it is there */
int64_t site_quiet_end(const struct site *s, enum channel channel, int64_t now); /* as quiet_end */
const struct languages *site_languages(const struct site *s);
int64_t site_country(const struct site *s); /* calling code for numbers without + */
size_t site_package_count(const struct site *s);
const struct package *site_package_at(const struct site *s, size_t index);
const struct package *site_package(const struct site *s, struct str workflow); /* NULL: none */
/* The definition an instance is pinned to: the current one, or an older one from the store. NULL with err when it is nowhere. */
const struct definition *site_definition(struct site *s, struct view *v, const unsigned char hash[SECRET_HASH], struct err *err);

#endif
