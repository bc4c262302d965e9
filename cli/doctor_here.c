/* What is on this machine: keys, secrets, folder, disk, store, outbox, packages, fonts, limits. */
#include "cli/doctor.h"
#include "document/document.h"
#include "engine/base/clock.h"
#include "engine/store/store_look.h"
#include "mailer/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LITTLE_SPACE_MB = 512, LITTLE_INODES = 10000, FEW_FILES = 1024, LATE_MS = 15 * 60 * 1000, VERY_LATE_MS = 4 * 3600 * 1000, LITTLE_MEMORY_MB = 128, LOG_MB = 256 };

static const char *path_of(const struct doctor *d, struct str s) {
	return arena_z(d->arena, s);
}

static struct str folder_of(struct str path) {
	while (path.len > 1 && path.at[path.len - 1] != '/')
		path.len--;
	while (path.len > 1 && path.at[path.len - 1] == '/')
		path.len--;
	return path;
}

/* --- keys and other secrets --- */

static void look_at_owner(struct doctor *d, const char *what, const char *path, const struct stat *info) {
	if (info->st_mode & 077)
		doctor_tell(d, VERDICT_FAULT, what, arena_printf(d->arena, "run: chmod 600 %s", path).at, "others may read or change %s", path);
	else if (info->st_uid != geteuid() && geteuid() != 0)
		doctor_tell(d, VERDICT_FAULT, what, "let it belong to the user that the server runs as, and run this command as that user", "%s belongs to another user", path);
	else
		doctor_tell(d, VERDICT_GOOD, what, NULL, "only its owner may read %s", path);
}

static void look_at_secret(struct doctor *d, const char *what, struct str file) {
	char line[512];
	struct stat info;
	struct err err;
	if (file.len == 0)
		return;
	if (stat(path_of(d, file), &info) != 0)
		doctor_tell(d, VERDICT_FAULT, what, "write the secret into it, in one line, and run: chmod 600 on it", "%.*s: %s", STR_ARG(file), strerror(errno));
	else if (info.st_mode & 077)
		look_at_owner(d, what, path_of(d, file), &info);
	else if (!file_read_secret(path_of(d, file), what, line, sizeof line, &err))
		doctor_tell(d, VERDICT_FAULT, what, "it must hold one line and nothing else, and be readable for this user", "%s", err.text);
	else
		look_at_owner(d, what, path_of(d, file), &info);
	explicit_bzero(line, sizeof line);
}

/* The key file; *fingerprint is filled when it can be read. */
static bool look_at_keys(struct doctor *d, unsigned char fingerprint[SECRET_FINGERPRINT]) {
	struct stat info;
	struct err err;
	struct str file = d->config->key_file, data = folder_of(d->config->data_file);
	if (stat(path_of(d, file), &info) != 0) {
		doctor_tell(d, VERDICT_FAULT, "key file", "restore it from its copy; without it no link that was sent can be opened", "%.*s: %s", STR_ARG(file), strerror(errno));
		return false;
	}
	look_at_owner(d, "key file", path_of(d, file), &info);
	if (str_starts(file, data) && file.at[data.len] == '/' && !str_equal(data, str_from(d->config->folder)))
		doctor_tell(d, VERDICT_WARNING, "key file", "move it out of there and set site.key_file: whoever takes a copy of the data must not have the keys with it", "lies in the folder of the data");
	struct keyring *keys = keyring_open(path_of(d, file), &err);
	if (!keys && !(info.st_mode & 077))
		doctor_tell(d, VERDICT_FAULT, "key file", "restore it from its copy", "%s", err.text);
	if (keys)
		keyring_fingerprint(keys, fingerprint);
	keyring_close(keys);
	return keys != NULL;
}

static void look_at_folder(struct doctor *d) {
	struct stat info;
	if (stat(d->config->folder, &info) == 0 && (info.st_mode & 022))
		doctor_tell(d, VERDICT_FAULT, "site folder", arena_printf(d->arena, "run: chmod go-w %s", d->config->folder).at, "others may change files in %s", d->config->folder);
	else
		doctor_tell(d, VERDICT_GOOD, "site folder", NULL, "only its owner may change it");
}

/* --- disk and store --- */

static int64_t size_of(const char *path) {
	struct stat info;
	return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

static void look_at_disk(struct doctor *d) {
	struct statvfs info;
	const char *store = path_of(d, d->config->data_file), *folder = path_of(d, folder_of(d->config->data_file));
	int64_t size = size_of(store), log = size_of(arena_printf(d->arena, "%s-wal", store).at);
	if (statvfs(folder, &info) != 0) {
		doctor_tell(d, VERDICT_FAULT, "disk", "the folder of site.data_file must exist; stafet init makes it", "%s: %s", folder, strerror(errno));
		return;
	}
	int64_t free_mb = (int64_t)((unsigned long long)info.f_bavail * info.f_frsize >> 20), needed = (2 * size >> 20) + LITTLE_SPACE_MB;
	if (free_mb < LITTLE_SPACE_MB)
		doctor_tell(d, VERDICT_FAULT, "disk", "make room, or answers will be refused", "%lld MB are free", (long long)free_mb);
	else if (free_mb < needed)
		doctor_tell(d, VERDICT_WARNING, "disk", "make room: a backup and growth need more", "%lld MB are free; the store has %lld MB", (long long)free_mb, (long long)(size >> 20));
	else
		doctor_tell(d, VERDICT_GOOD, "disk", NULL, "%lld MB are free; the store has %lld MB", (long long)free_mb, (long long)(size >> 20));
	if (info.f_files > 0 && info.f_favail < LITTLE_INODES)
		doctor_tell(d, VERDICT_WARNING, "disk", "remove files that are not needed: without inodes no file can be made", "%llu inodes are free", (unsigned long long)info.f_favail);
	if (log >> 20 > LOG_MB)
		doctor_tell(d, VERDICT_WARNING, "store", "restart the server; if it grows again, something reads for very long", "its write-ahead log has %lld MB", (long long)(log >> 20));
}

static void tell_outbox(struct doctor *d, const struct store_seen *seen) {
	int64_t late = seen->late_since ? clock_now() - seen->late_since : 0;
	if (late > LATE_MS)
		/* A large mailing through a slow relay takes its time. */
		doctor_tell(d, late > VERY_LATE_MS ? VERDICT_FAULT : VERDICT_WARNING, "outbox", "is the server running? `stafet outbox` says what the relay or gateway answered", "%lld messages wait, one of them since %lld minutes ago", (long long)seen->queued,
		            (long long)(late / 60000));
	if (seen->failed > 0)
		doctor_tell(d, VERDICT_WARNING, "outbox", "`stafet outbox` lists them, `stafet outbox explain ID` says why", "%lld messages were not sent", (long long)seen->failed);
	if (seen->unknown > 0)
		doctor_tell(d, VERDICT_WARNING, "outbox", "ask the recipients, then `stafet outbox retry ID` or `cancel ID`", "of %lld messages nobody can know whether they arrived", (long long)seen->unknown);
	if (late <= LATE_MS && seen->failed == 0 && seen->unknown == 0)
		doctor_tell(d, VERDICT_GOOD, "outbox", NULL, "nothing failed, nothing is late; %lld messages wait for their time", (long long)seen->queued);
}

static void tell_store(struct doctor *d, const struct store_seen *seen) {
	if (seen->key_known && !seen->key_fits)
		doctor_tell(d, VERDICT_FAULT, "store", "put the key file back that this store was made with", "was written with another key file");
	if (seen->version > seen->newest)
		doctor_tell(d, VERDICT_FAULT, "store", "install the newer Stafet again", "has schema %lld, this program knows %lld", (long long)seen->version, (long long)seen->newest);
	else if (seen->version < seen->newest)
		doctor_tell(d, VERDICT_WARNING, "store", "take a backup; the next start of the server brings it to the newest", "has schema %lld of %lld", (long long)seen->version, (long long)seen->newest);
	else if (!seen->key_known || seen->key_fits)
		doctor_tell(d, VERDICT_GOOD, "store", NULL, "can be read, schema %lld%s", (long long)seen->version, seen->key_known ? ", and fits the key file" : "");
	tell_outbox(d, seen);
}

static void look_at_store(struct doctor *d, const unsigned char *fingerprint) {
	struct store_seen seen;
	struct err err;
	const char *path = path_of(d, d->config->data_file);
	if (access(path, F_OK) != 0) {
		doctor_tell(d, VERDICT_FAULT, "store", "stafet init makes a site with one; or restore it from a backup", "%s: %s", path, strerror(errno));
		return;
	}
	if (!store_look(path, fingerprint, clock_now(), &seen, &err)) {
		doctor_tell(d, VERDICT_FAULT, "store", "restore it from a backup, and keep this file", "cannot be read: %s", err.text);
		return;
	}
	tell_store(d, &seen);
	if (d->deep)
		doctor_progress(d, "every page of the store");
	if (d->deep && !store_check(path, &err))
		doctor_tell(d, VERDICT_FAULT, "store, every page", "stop the server, keep this file, and restore a backup", "%s", err.text);
	else if (d->deep)
		doctor_tell(d, VERDICT_GOOD, "store, every page", NULL, "is whole; `stafet verify` proves the histories in it");
}

/* --- packages, fonts, limits --- */

/* With throw-away keys: those of the site have had their own line. */
static void look_at_packages(struct doctor *d) {
	struct problems problems = {.arena = d->arena};
	struct err err = {0};
	struct open_site s = {0};
	struct site_config config = *d->config;
	bool ok = site_for_check(&s, &config, &problems, &err);
	problems_print(&problems, d->out);
	if (!ok)
		doctor_tell(d, VERDICT_FAULT, "packages", "`stafet check` on their folders says what is wrong", "%s", err.text);
	else if (site_package_count(s.site) == 0)
		doctor_tell(d, VERDICT_WARNING, "packages", "name them in site.packages", "there is none, so nothing can be started");
	else
		doctor_tell(d, VERDICT_GOOD, "packages", NULL, "all %zu load", site_package_count(s.site));
	site_shut(&s);
}

static void look_at_fonts(struct doctor *d) {
	struct document_layout layout = {.language = STR("da"), .title = STR("x"), .site = STR("x"), .pages = STR("{{0}} {{1}}"), .colour = STR("#000000")};
	struct str pdf;
	struct err err;
	if (!document_pdf(d->arena, STR("Æblegrød"), &layout, &pdf, &err))
		doctor_tell(d, VERDICT_FAULT, "documents", "PDF files cannot be made until this is mended", "%s", err.text);
	else if (!memmem(pdf.at, pdf.len, "Lato", 4) || !memmem(pdf.at, pdf.len, "P052", 4))
		doctor_tell(d, VERDICT_WARNING, "documents", "install the fonts: apt-get install fonts-lato fonts-urw-base35", "the fonts Lato and P052 are not both there; others are used in PDF files");
	else
		doctor_tell(d, VERDICT_GOOD, "documents", NULL, "a PDF can be made, with its fonts");
}

/* MB that can be had without taking from anybody; the cache of files is given back. -1: not told. */
static int64_t memory_left(void) {
	char line[128];
	long long kb = -1;
	FILE *f = fopen("/proc/meminfo", "r");
	while (f && kb < 0 && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %lld kB", &kb) != 1)
			kb = -1;
	if (f)
		fclose(f);
	return kb < 0 ? -1 : kb / 1024;
}

static void look_at_limits(struct doctor *d) {
	struct rlimit files;
	int64_t left = memory_left();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FEW_FILES)
		doctor_tell(d, VERDICT_WARNING, "open files", "raise it (LimitNOFILE in the server's systemd unit, or ulimit -n): each visitor takes one", "at most %llu may be open",
		            (unsigned long long)files.rlim_cur);
	else
		doctor_tell(d, VERDICT_GOOD, "open files", NULL, "enough may be open");
	if (left >= 0 && left < LITTLE_MEMORY_MB)
		doctor_tell(d, VERDICT_WARNING, "memory", "give the machine more, or stop something", "%lld MB are left", (long long)left);
	else if (left >= 0)
		doctor_tell(d, VERDICT_GOOD, "memory", NULL, "%lld MB are left", (long long)left);
}

/* The zone can be opened, or config_read had refused it; whether it has its rules only a summer shows. */
static void look_at_zone(struct doctor *d) {
	struct err err;
	struct zone *zone = zone_open(path_of(d, d->config->zone), &err);
	static const int64_t july = INT64_C(1782900000000), january = INT64_C(1767261600000); /* of 2026 */
	bool danish = str_is(d->config->zone, "Europe/Copenhagen");
	if (!zone || (danish && zone_local(zone, july) - july == zone_local(zone, january) - january))
		doctor_tell(d, VERDICT_FAULT, "time zone", "install its data: apt-get install tzdata", "%.*s has no summer time here", STR_ARG(d->config->zone));
	else
		doctor_tell(d, VERDICT_GOOD, "time zone", NULL, "%.*s", STR_ARG(d->config->zone));
	zone_close(zone);
	/* Before 2026 a clock has not been set. */
	if (clock_now() < january)
		doctor_tell(d, VERDICT_FAULT, "clock", "set it (timedatectl): every deadline depends on it", "is behind");
}

void doctor_here(struct doctor *d) {
	unsigned char fingerprint[SECRET_FINGERPRINT];
	bool known = look_at_keys(d, fingerprint);
	look_at_secret(d, "mail.password_file", d->config->mail.password_file);
	look_at_secret(d, "inbox.password_file", d->config->inbox.password_file);
	look_at_secret(d, "sms.token_file", d->config->sms.token_file);
	look_at_folder(d);
	look_at_disk(d);
	look_at_store(d, known ? fingerprint : NULL);
	look_at_zone(d);
	look_at_limits(d);
	doctor_progress(d, "the packages");
	look_at_packages(d);
	doctor_progress(d, "the documents");
	look_at_fonts(d);
}
