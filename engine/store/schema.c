#include "engine/store/schema.h"

#include "engine/base/clock.h"

/* Zero and "none" are NULL wherever a foreign key or a partial index looks at the column. States and kinds are
 * the words of the C enums. */
static const char *const tables_of_people =
        "CREATE TABLE site (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"

        "CREATE TABLE persons (id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL) STRICT;"

        "CREATE TABLE contacts (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES persons(id),"
        " channel INTEGER NOT NULL CHECK (channel IN (1, 2)), value TEXT NOT NULL, key TEXT NOT NULL,"
        " language TEXT NOT NULL, created_at INTEGER NOT NULL, verified_at INTEGER, bounced_at INTEGER,"
        " UNIQUE (channel, key)) STRICT;";

static const char *const tables_of_instances =
        "CREATE TABLE definitions (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
        " workflow TEXT NOT NULL, source TEXT NOT NULL, kept_at INTEGER NOT NULL) STRICT;"

        "CREATE TABLE instances (id INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL,"
        " definition BLOB NOT NULL REFERENCES definitions(hash), state TEXT NOT NULL, data TEXT NOT NULL,"
        " version INTEGER NOT NULL, parent_id INTEGER REFERENCES instances(id), root_id INTEGER NOT NULL,"
        " started_at INTEGER NOT NULL, entered_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, ended_at INTEGER,"
        " search_text TEXT NOT NULL DEFAULT '') STRICT;"
        "CREATE INDEX instances_changed ON instances (workflow, changed_at);"
        "CREATE INDEX instances_state ON instances (workflow, state, changed_at);"
        "CREATE INDEX instances_parent ON instances (parent_id) WHERE parent_id IS NOT NULL;"
        "CREATE INDEX instances_open ON instances (definition) WHERE ended_at IS NULL;"

        "CREATE TABLE participations (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL REFERENCES instances(id),"
        " role TEXT NOT NULL, contact_id INTEGER NOT NULL REFERENCES contacts(id), name TEXT NOT NULL,"
        " UNIQUE (instance_id, role, contact_id)) STRICT;"
        "CREATE INDEX participations_contact ON participations (contact_id, role, instance_id);"

        "CREATE TABLE history (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL REFERENCES instances(id),"
        " seq INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL, from_state TEXT NOT NULL,"
        " to_state TEXT NOT NULL, refused INTEGER NOT NULL, contact_id INTEGER REFERENCES contacts(id),"
        " role TEXT NOT NULL, key BLOB UNIQUE, key_id INTEGER NOT NULL, digest BLOB NOT NULL, mac BLOB NOT NULL,"
        " UNIQUE (instance_id, seq)) STRICT;"

        "CREATE TABLE history_payloads (history_id INTEGER PRIMARY KEY REFERENCES history(id),"
        " salt BLOB NOT NULL, payload TEXT NOT NULL) STRICT;"

        "CREATE TABLE facts (instance_id INTEGER NOT NULL REFERENCES instances(id), item TEXT NOT NULL,"
        " basis TEXT NOT NULL, contact_id INTEGER REFERENCES contacts(id), history_id INTEGER REFERENCES history(id),"
        " at INTEGER NOT NULL, PRIMARY KEY (instance_id, item)) STRICT, WITHOUT ROWID;"

        "CREATE TABLE blobs (id INTEGER PRIMARY KEY, instance_id INTEGER REFERENCES instances(id), name TEXT NOT NULL,"
        " type TEXT NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;"
        "CREATE INDEX blobs_instance ON blobs (instance_id);"
        "CREATE TABLE blob_chunks (id INTEGER PRIMARY KEY, blob_id INTEGER NOT NULL REFERENCES blobs(id),"
        " number INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (blob_id, number)) STRICT;";

static const char *const tables_of_work =
        "CREATE TABLE timers (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL REFERENCES instances(id),"
        " root_id INTEGER NOT NULL, state TEXT NOT NULL, name TEXT NOT NULL, due_at INTEGER NOT NULL,"
        " priority INTEGER NOT NULL, fired INTEGER NOT NULL, UNIQUE (instance_id, name)) STRICT;"
        "CREATE INDEX timers_due ON timers (due_at, priority, id);"
        "CREATE INDEX timers_root ON timers (root_id, due_at, priority, id);"

        "CREATE TABLE mailbox (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL REFERENCES instances(id),"
        " root_id INTEGER NOT NULL, from_instance_id INTEGER REFERENCES instances(id), event TEXT NOT NULL,"
        " data TEXT NOT NULL, at INTEGER NOT NULL, hops INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0) STRICT;"
        "CREATE INDEX mailbox_ready ON mailbox (id) WHERE held = 0;"
        "CREATE INDEX mailbox_root ON mailbox (root_id, id) WHERE held = 0;"
        "CREATE INDEX mailbox_held ON mailbox (instance_id) WHERE held = 1;"

        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, instance_id INTEGER REFERENCES instances(id),"
        " history_id INTEGER REFERENCES history(id), contact_id INTEGER REFERENCES contacts(id),"
        " channel INTEGER NOT NULL CHECK (channel IN (1, 2)), recipient TEXT NOT NULL, recipient_name TEXT NOT NULL,"
        " role TEXT NOT NULL, language TEXT NOT NULL, workflow TEXT NOT NULL, message TEXT NOT NULL, link_id BLOB,"
        " task INTEGER NOT NULL, data TEXT NOT NULL, message_id TEXT NOT NULL, thread TEXT NOT NULL,"
        " priority INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN"
        " ('queued', 'leased', 'begun', 'sent', 'unknown', 'failed', 'cancelled')), created_at INTEGER NOT NULL,"
        " next_at INTEGER NOT NULL, deadline_at INTEGER, attempts INTEGER NOT NULL DEFAULT 0,"
        " crashes INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_until INTEGER,"
        " withdrawn INTEGER NOT NULL DEFAULT 0, sent_at INTEGER, answer TEXT NOT NULL DEFAULT '') STRICT;"
        "CREATE INDEX outbox_queued ON outbox (channel, priority, next_at, id) WHERE state = 'queued';"
        "CREATE INDEX outbox_leases ON outbox (lease_until) WHERE lease_until IS NOT NULL;"
        "CREATE INDEX outbox_open ON outbox (state, id) WHERE state <> 'sent';"
        "CREATE INDEX outbox_instance ON outbox (instance_id, id);"

        "CREATE TABLE captured (id INTEGER PRIMARY KEY, outbox_id INTEGER REFERENCES outbox(id), at INTEGER NOT NULL,"
        " channel INTEGER NOT NULL, recipient TEXT NOT NULL, raw BLOB NOT NULL) STRICT;";

static const char *const tables_of_access =
        "CREATE TABLE links (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
        " key_id INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('task', 'view', 'start')),"
        " state TEXT NOT NULL CHECK (state IN ('live', 'used', 'withdrawn', 'superseded')), workflow TEXT NOT NULL,"
        " task TEXT NOT NULL, instance_id INTEGER REFERENCES instances(id), contact_id INTEGER REFERENCES contacts(id),"
        " role TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, used_at INTEGER,"
        " history_id INTEGER REFERENCES history(id)) STRICT;"
        "CREATE INDEX links_live ON links (instance_id, contact_id, task) WHERE state = 'live';"
        "CREATE INDEX links_start ON links (expires_at) WHERE kind = 'start' AND state = 'live';"

        "CREATE TABLE drafts (link_id BLOB PRIMARY KEY REFERENCES links(id) ON DELETE CASCADE, answers TEXT NOT NULL,"
        " saved_at INTEGER NOT NULL) STRICT;"

        "CREATE TABLE register_rows (id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL,"
        " version INTEGER NOT NULL, data TEXT NOT NULL, position INTEGER NOT NULL, valid_from INTEGER NOT NULL,"
        " valid_until INTEGER, UNIQUE (name, key, version)) STRICT;"
        "CREATE UNIQUE INDEX register_rows_valid ON register_rows (name, key) WHERE valid_until IS NULL;"
        "CREATE INDEX register_rows_order ON register_rows (name, position) WHERE valid_until IS NULL;"
        "CREATE TABLE register_replacements (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL,"
        " added INTEGER NOT NULL, changed INTEGER NOT NULL, removed INTEGER NOT NULL) STRICT;"

        "CREATE TABLE counters (name TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, hits INTEGER NOT NULL,"
        " PRIMARY KEY (name, key, at)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX counters_at ON counters (at);"

        "CREATE TABLE logins (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
        " browser BLOB NOT NULL, key_id INTEGER NOT NULL, contact_id INTEGER REFERENCES contacts(id),"
        " address TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, tries INTEGER NOT NULL,"
        " max_tries INTEGER NOT NULL, used_at INTEGER, sent_at INTEGER) STRICT;"
        "CREATE INDEX logins_expires ON logins (expires_at);"

        "CREATE TABLE sessions (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),"
        " contact_id INTEGER NOT NULL REFERENCES contacts(id), created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,"
        " ends_at INTEGER NOT NULL) STRICT;"
        "CREATE INDEX sessions_contact ON sessions (contact_id);"
        "CREATE INDEX sessions_ends ON sessions (ends_at);";

/* A link's page may offer other events than its own: each has its draft. */
static const char *const drafts_by_task =
        "ALTER TABLE drafts RENAME TO drafts_by_link;"
        "CREATE TABLE drafts (link_id BLOB NOT NULL REFERENCES links(id) ON DELETE CASCADE, task TEXT NOT NULL,"
        " answers TEXT NOT NULL, saved_at INTEGER NOT NULL, PRIMARY KEY (link_id, task)) STRICT;"
        "INSERT INTO drafts SELECT d.link_id, l.task, d.answers, d.saved_at FROM drafts_by_link d JOIN links l ON l.id = d.link_id;"
        "DROP TABLE drafts_by_link;";

/* A code's length is fixed when it is asked for; those of before had four digits. */
static const char *const codes_by_length = "ALTER TABLE logins ADD COLUMN digits INTEGER NOT NULL DEFAULT 4;";
/* What overviews look at, in narrow rows; texts of fields that older rows have are taken from their data. */
static const char *const listings =
        "CREATE TABLE listings (instance_id INTEGER PRIMARY KEY REFERENCES instances(id), workflow TEXT NOT NULL, state TEXT NOT NULL,"
        " started_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, fields TEXT NOT NULL, search_text TEXT NOT NULL) STRICT;"
        "CREATE TABLE overdue (instance_id INTEGER NOT NULL REFERENCES instances(id), view TEXT NOT NULL, at INTEGER NOT NULL,"
        " PRIMARY KEY (instance_id, view)) STRICT, WITHOUT ROWID;"
        "INSERT INTO listings SELECT i.id, i.workflow, i.state, i.started_at, i.changed_at, coalesce((SELECT char(31) ||"
        " group_concat(j.key || '=' || CASE j.type WHEN 'object' THEN json_extract(j.value, '$.key') WHEN 'text' THEN j.value ELSE j.type END,"
        " char(31)) || char(31) FROM json_each(i.data) j WHERE j.type IN ('true', 'false') OR (j.type = 'text' AND length(j.value) <= 40)"
        " OR (j.type = 'object' AND json_extract(j.value, '$.key') IS NOT NULL)), ''), i.search_text FROM instances i;"
        "ALTER TABLE instances DROP COLUMN search_text;"
        "DROP INDEX participations_contact;"
        "CREATE INDEX participations_contact ON participations (contact_id, instance_id, role);";

/* What waits for somebody who logs in. */
static const char *const links_of_contacts = "CREATE INDEX links_contact ON links (contact_id) WHERE state = 'live' AND kind = 'task';";

/* By a hash of the cookie that is set at a log-in, so that one from elsewhere can be told to its owner. */
static const char *const browsers_of_contacts =
        "CREATE TABLE browsers (number INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL REFERENCES contacts(id),"
        " id BLOB NOT NULL CHECK (length(id) = 32), seen_at INTEGER NOT NULL, UNIQUE (contact_id, id)) STRICT;";

/* Nothing wrote these tables before. A draft's files go with it, chunks with their file. */
static const char *const blobs_of_drafts =
        "DROP TABLE blob_chunks;"
        "DROP TABLE blobs;"
        "CREATE TABLE blobs (id INTEGER PRIMARY KEY, instance_id INTEGER REFERENCES instances(id), link_id BLOB, task TEXT, name TEXT NOT NULL,"
        " type TEXT NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL,"
        " FOREIGN KEY (link_id, task) REFERENCES drafts(link_id, task) ON DELETE CASCADE) STRICT;"
        "CREATE INDEX blobs_instance ON blobs (instance_id);"
        "CREATE INDEX blobs_draft ON blobs (link_id, task) WHERE link_id IS NOT NULL;"
        "CREATE TABLE blob_chunks (id INTEGER PRIMARY KEY, blob_id INTEGER NOT NULL REFERENCES blobs(id) ON DELETE CASCADE,"
        " number INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (blob_id, number)) STRICT;";

/* An id names one file for ever: a draft of another tab may still name one that was removed. A draft that moves to a renewed link takes its files along. */
static const char *const blobs_with_own_ids =
        "CREATE TABLE blobs_kept (id INTEGER PRIMARY KEY AUTOINCREMENT, instance_id INTEGER REFERENCES instances(id), link_id BLOB, task TEXT,"
        " name TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL,"
        " FOREIGN KEY (link_id, task) REFERENCES drafts(link_id, task) ON UPDATE CASCADE ON DELETE CASCADE) STRICT;"
        "INSERT INTO blobs_kept SELECT id, instance_id, link_id, task, name, type, size, at FROM blobs;"
        "CREATE TABLE chunks_kept (id INTEGER PRIMARY KEY, blob_id INTEGER NOT NULL REFERENCES blobs_kept(id) ON DELETE CASCADE,"
        " number INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (blob_id, number)) STRICT;"
        "INSERT INTO chunks_kept SELECT id, blob_id, number, bytes FROM blob_chunks;"
        "DROP TABLE blob_chunks;"
        "DROP TABLE blobs;"
        "ALTER TABLE blobs_kept RENAME TO blobs;"
        "ALTER TABLE chunks_kept RENAME TO blob_chunks;"
        "CREATE INDEX blobs_instance ON blobs (instance_id);"
        "CREATE INDEX blobs_draft ON blobs (link_id, task) WHERE link_id IS NOT NULL;";

/* The code that proves a binding act is found by what it is bound to. */
static const char *const codes_of_acts = "CREATE INDEX logins_browser ON logins (browser);";

/* Messages that can wait for the end of the quiet hours. What was queued before goes at once, as it was meant then. */
static const char *const patient_messages = "ALTER TABLE outbox ADD COLUMN patient INTEGER NOT NULL DEFAULT 0;";
/* How fast is sent to whom, and the line in which a mail to such a domain waits. */
static const char *const paces_and_lines =
        "CREATE TABLE paces (name TEXT PRIMARY KEY, open_at INTEGER NOT NULL, free_at INTEGER NOT NULL, interval_ms INTEGER NOT NULL,"
        " strikes INTEGER NOT NULL, answer TEXT NOT NULL) STRICT, WITHOUT ROWID;"
        "ALTER TABLE outbox ADD COLUMN line TEXT NOT NULL DEFAULT '';"
        "DROP INDEX outbox_queued;"
        "CREATE INDEX outbox_queued ON outbox (channel, line, priority, next_at, id) WHERE state = 'queued';";
/* A document's row has all that the paper shows; `logo` is kept once for all that show it. The blob comes when it is drawn. */
static const char *const documents =
        "CREATE TABLE document_logos (hash BLOB PRIMARY KEY CHECK (length(hash) = 32), bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE documents (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL REFERENCES instances(id),"
        " history_id INTEGER NOT NULL REFERENCES history(id), at INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,"
        " addendum INTEGER NOT NULL, roles TEXT NOT NULL, language TEXT NOT NULL, title TEXT NOT NULL, file TEXT NOT NULL,"
        " template_hash BLOB NOT NULL CHECK (length(template_hash) = 32), digest BLOB NOT NULL CHECK (length(digest) = 32),"
        " state TEXT NOT NULL CHECK (state IN ('waiting', 'drawing', 'ready', 'failed')), next_at INTEGER NOT NULL,"
        " tries INTEGER NOT NULL DEFAULT 0, answer TEXT NOT NULL, markdown TEXT NOT NULL, site TEXT NOT NULL, reference TEXT NOT NULL,"
        " day TEXT NOT NULL, pages TEXT NOT NULL, colour TEXT NOT NULL, logo BLOB REFERENCES document_logos(hash),"
        " blob_id INTEGER REFERENCES blobs(id), key_id INTEGER, seal BLOB, UNIQUE (instance_id, name, version, addendum),"
        " CHECK ((state = 'ready') = (blob_id IS NOT NULL AND seal IS NOT NULL))) STRICT;"
        "CREATE INDEX documents_waiting ON documents (next_at, id) WHERE state = 'waiting';"
        "CREATE INDEX documents_open ON documents (id) WHERE state <> 'ready';"
        "CREATE TABLE attachments (outbox_id INTEGER NOT NULL REFERENCES outbox(id), document_id INTEGER NOT NULL REFERENCES documents(id),"
        " due_at INTEGER NOT NULL, PRIMARY KEY (outbox_id, document_id)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX attachments_document ON attachments (document_id);";

/* What gateways report, raw, and what became of a message by it. */
static const char *const delivery_reports =
        "CREATE TABLE reports (id INTEGER PRIMARY KEY, outbox_id INTEGER NOT NULL REFERENCES outbox(id), at INTEGER NOT NULL,"
        " query BLOB NOT NULL, type BLOB NOT NULL, body BLOB NOT NULL, read_at INTEGER) STRICT;"
        "CREATE INDEX reports_outbox ON reports (outbox_id);"
        "CREATE INDEX reports_unread ON reports (id) WHERE read_at IS NULL;"
        "ALTER TABLE outbox ADD COLUMN parts INTEGER NOT NULL DEFAULT 1;"
        "ALTER TABLE outbox ADD COLUMN delivery TEXT NOT NULL DEFAULT 'none' CHECK (delivery IN ('none', 'on-way', 'delivered', 'failed', 'expired'));"
        "ALTER TABLE outbox ADD COLUMN delivery_at INTEGER;"
        "ALTER TABLE outbox ADD COLUMN delivery_reason TEXT NOT NULL DEFAULT '';"
        "CREATE INDEX outbox_undelivered ON outbox (id) WHERE delivery IN ('failed', 'expired');";

/* The mailbox keeps the mails themselves. A bounce names the message by its Message-ID where the mail server drops what stands behind a +. */
static const char *const mails_that_came_in =
        "CREATE TABLE arrivals (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, validity INTEGER NOT NULL, uid INTEGER NOT NULL, kind TEXT NOT NULL,"
        " message_id TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, outbox_id INTEGER REFERENCES outbox(id),"
        " outcome TEXT NOT NULL, UNIQUE (validity, uid)) STRICT;"
        "CREATE INDEX arrivals_message ON arrivals (message_id);"
        "CREATE INDEX outbox_message ON outbox (message_id);";

static const char *const messages_that_did_not_arrive =
        "ALTER TABLE mailbox ADD COLUMN role TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE mailbox ADD COLUMN actor TEXT NOT NULL DEFAULT '';";

/* What a relay may have taken, though nobody knows, is not given to another one. */
static const char *const uncertain_messages = "ALTER TABLE outbox ADD COLUMN uncertain INTEGER NOT NULL DEFAULT 0;"
                                              "UPDATE outbox SET uncertain = 1 WHERE state = 'unknown' OR answer LIKE 'unknown: %';";
/* Who wants no messages; key: for comparing. */
static const char *const suppressed_addresses =
        "CREATE TABLE suppressions (channel INTEGER NOT NULL CHECK (channel IN (1, 2)), key TEXT NOT NULL, address TEXT NOT NULL,"
        " reason TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (channel, key)) STRICT, WITHOUT ROWID;";
/* Texts that came in, raw, until they are read: then they are arrivals with validity 0 and this id, which is never used again. */
static const char *const texts_that_came_in =
        "CREATE TABLE texts_in (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, query BLOB NOT NULL, type BLOB NOT NULL, body BLOB NOT NULL) STRICT;"
        "CREATE INDEX outbox_texted ON outbox (recipient, id) WHERE channel = 2;";
/* What came in is swept by its time. */
static const char *const received_by_time = "CREATE INDEX reports_at ON reports (at);"
                                            "CREATE INDEX arrivals_at ON arrivals (at) WHERE kind NOT IN ('start', 'gone');";
/* Files of a mailed answer: in the signal those that are taken, as drafts name them, and the names of the others; of the mail what became of each. A line a file. */
static const char *const files_of_answers = "ALTER TABLE mailbox ADD COLUMN files TEXT NOT NULL DEFAULT '';"
                                            "ALTER TABLE mailbox ADD COLUMN refused TEXT NOT NULL DEFAULT '';"
                                            "ALTER TABLE arrivals ADD COLUMN files TEXT NOT NULL DEFAULT '';";

static const char *const mails_that_started = "ALTER TABLE arrivals ADD COLUMN instance_id INTEGER REFERENCES instances(id);";

/* Among timers that are due at one instant, before who set theirs first. */
static const char *const order_of_timers =
        "ALTER TABLE timers ADD COLUMN \"order\" INTEGER NOT NULL DEFAULT 0;"
        "DROP INDEX timers_due;"
        "DROP INDEX timers_root;"
        "CREATE INDEX timers_due ON timers (due_at, priority, \"order\", id);"
        "CREATE INDEX timers_root ON timers (root_id, due_at, priority, \"order\", id);";
/* A timer that is set when its time has passed comes behind the signals that were there. */
static const char *const timers_know_when = "ALTER TABLE timers ADD COLUMN set_at INTEGER NOT NULL DEFAULT 0;";
/* For IN with more than two words SQLite builds a table each time it checks a row, which was a fifth of a transition. */
#define REWORD(table, from, to) "UPDATE sqlite_schema SET sql = replace(sql, '" from "', '" to "') WHERE type = 'table' AND name = '" table "';"
static const char *const checks_without_tables =
        REWORD("outbox", "state IN (''queued'', ''leased'', ''begun'', ''sent'', ''unknown'', ''failed'', ''cancelled'')",
               "state = ''queued'' OR state = ''leased'' OR state = ''begun'' OR state = ''sent'' OR state = ''unknown'' OR state = ''failed'' OR state = ''cancelled''")
        REWORD("outbox", "delivery IN (''none'', ''on-way'', ''delivered'', ''failed'', ''expired'')",
               "delivery = ''none'' OR delivery = ''on-way'' OR delivery = ''delivered'' OR delivery = ''failed'' OR delivery = ''expired''")
        REWORD("links", "kind IN (''task'', ''view'', ''start'')", "kind = ''task'' OR kind = ''view'' OR kind = ''start''")
        REWORD("links", "state IN (''live'', ''used'', ''withdrawn'', ''superseded'')",
               "state = ''live'' OR state = ''used'' OR state = ''withdrawn'' OR state = ''superseded''")
        REWORD("documents", "state IN (''waiting'', ''drawing'', ''ready'', ''failed'')",
               "state = ''waiting'' OR state = ''drawing'' OR state = ''ready'' OR state = ''failed''");

/* When what a case says goes, and when it went. */
static const char *const cases_that_are_erased = "ALTER TABLE instances ADD COLUMN erase_at INTEGER;"
                                                 "ALTER TABLE instances ADD COLUMN erased_at INTEGER;"
                                                 "CREATE INDEX instances_erase ON instances (erase_at) WHERE erase_at IS NOT NULL;"
                                                 "CREATE INDEX arrivals_outbox ON arrivals (outbox_id) WHERE outbox_id IS NOT NULL;"
                                                 "CREATE INDEX arrivals_instance ON arrivals (instance_id) WHERE instance_id IS NOT NULL;"
                                                 "CREATE INDEX captured_outbox ON captured (outbox_id) WHERE outbox_id IS NOT NULL;"
                                                 "CREATE INDEX outbox_contact ON outbox (contact_id) WHERE instance_id IS NULL AND contact_id IS NOT NULL;"
                                                 "CREATE INDEX mailbox_sender ON mailbox (from_instance_id) WHERE from_instance_id IS NOT NULL;";
/* Who holds which row of a pool. Places and holds are numbered, so that two can never have what is there once. */
static const char *const claims_of_pools =
        "CREATE TABLE claims (id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL, pool TEXT NOT NULL, row_key TEXT NOT NULL,"
        " place INTEGER NOT NULL CHECK (place >= 0), hold INTEGER NOT NULL CHECK (hold >= 0), holder_id INTEGER NOT NULL REFERENCES instances(id),"
        " at INTEGER NOT NULL, history_id INTEGER NOT NULL REFERENCES history(id), released_id INTEGER REFERENCES history(id)) STRICT;"
        "CREATE UNIQUE INDEX claims_place ON claims (owner_id, pool, row_key, place) WHERE released_id IS NULL;"
        "CREATE UNIQUE INDEX claims_hold ON claims (holder_id, owner_id, pool, hold) WHERE released_id IS NULL;"
        "CREATE UNIQUE INDEX claims_once ON claims (holder_id, owner_id, pool, row_key) WHERE released_id IS NULL;"
        "CREATE INDEX claims_past ON claims (owner_id, pool, row_key, history_id);"
        "CREATE INDEX claims_holder ON claims (holder_id);";
/* What is drawn with, sealed, and how often each instance has drawn with which. */
static const char *const seeds_of_draws =
        "CREATE TABLE seeds (id INTEGER PRIMARY KEY, instance_id INTEGER NOT NULL REFERENCES instances(id), name TEXT NOT NULL, sealed TEXT NOT NULL,"
        " history_id INTEGER NOT NULL REFERENCES history(id), revealed_id INTEGER REFERENCES history(id)) STRICT;"
        "CREATE INDEX seeds_name ON seeds (instance_id, name);"
        "CREATE UNIQUE INDEX seeds_hidden ON seeds (instance_id, name) WHERE revealed_id IS NULL;"
        "CREATE TABLE drawn (instance_id INTEGER NOT NULL REFERENCES instances(id), seed_id INTEGER NOT NULL REFERENCES seeds(id), number INTEGER NOT NULL CHECK (number > 0),"
        " history_id INTEGER NOT NULL REFERENCES history(id), PRIMARY KEY (instance_id, seed_id, number)) STRICT, WITHOUT ROWID;";

/* Verify and erasure read all links of an instance, whatever their state; transitions only the live ones, however many have been used. */
static const char *const links_by_owner =
        "DROP INDEX links_live;"
        "DROP INDEX links_contact;"
        "CREATE INDEX links_instance ON links (instance_id, state, contact_id, task) WHERE instance_id IS NOT NULL;"
        "CREATE INDEX links_contact ON links (contact_id) WHERE contact_id IS NOT NULL AND state = 'live';";

/* What instances of a workflow share, by the value that they have in common: each change is a row, the newest counts. */
static const char *const records_of_groups =
        "CREATE TABLE group_members (instance_id INTEGER NOT NULL REFERENCES instances(id), name TEXT NOT NULL, workflow TEXT NOT NULL, value TEXT NOT NULL,"
        " history_id INTEGER NOT NULL REFERENCES history(id), PRIMARY KEY (instance_id, name)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX group_members_value ON group_members (workflow, name, value);"
        "CREATE TABLE group_records (id INTEGER PRIMARY KEY, workflow TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
        " history_id INTEGER NOT NULL REFERENCES history(id), data TEXT NOT NULL, UNIQUE (workflow, name, value, history_id)) STRICT;"
        "CREATE INDEX group_records_entry ON group_records (history_id);";

/* Roles that registers give: the rows that fit each rule, by scope, and the scope that each case has. */
static const char *const grants_of_registers =
        "CREATE TABLE grant_rules (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32), register TEXT NOT NULL,"
        " definition BLOB NOT NULL REFERENCES definitions(hash), role TEXT NOT NULL) STRICT;"
        "CREATE INDEX grant_rules_register ON grant_rules (register);"
        "CREATE TABLE grants (id INTEGER PRIMARY KEY, rule_id INTEGER NOT NULL REFERENCES grant_rules(id), scope TEXT NOT NULL,"
        " contact_id INTEGER NOT NULL REFERENCES contacts(id), row_key TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL,"
        " from_day INTEGER NOT NULL, until_day INTEGER NOT NULL) STRICT;"
        "CREATE INDEX grants_scope ON grants (rule_id, scope, contact_id);"
        "CREATE INDEX grants_contact ON grants (contact_id, rule_id, scope);"
        "CREATE TABLE scopes (instance_id INTEGER NOT NULL REFERENCES instances(id), role TEXT NOT NULL,"
        " rule_id INTEGER NOT NULL REFERENCES grant_rules(id), scope TEXT NOT NULL, PRIMARY KEY (instance_id, role)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX scopes_of_rule ON scopes (rule_id, scope, instance_id);";

/* Lists whose exhaustion is an event, by each row that stands on them. */
static const char *const wishes_for_rows =
        "CREATE TABLE wishes (owner_id INTEGER NOT NULL, pool TEXT NOT NULL, row_key TEXT NOT NULL, instance_id INTEGER NOT NULL REFERENCES instances(id), field TEXT NOT NULL,"
        " root_id INTEGER NOT NULL, PRIMARY KEY (owner_id, pool, row_key, instance_id, field)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX wishes_list ON wishes (instance_id, field, owner_id, pool, row_key);";

/* Between which replacements a row was there, and where it stood before it moved: so what an entry of history read can be read again. Of what was gone before nobody can. */
static const char *const registers_as_they_were =
        "ALTER TABLE register_rows ADD COLUMN since_id INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE register_rows ADD COLUMN until_id INTEGER;"
        "UPDATE register_rows SET until_id = 0 WHERE valid_until IS NOT NULL;"
        "CREATE TABLE register_moves (row_id INTEGER NOT NULL REFERENCES register_rows(id), until_id INTEGER NOT NULL, position INTEGER NOT NULL,"
        " PRIMARY KEY (row_id, until_id)) STRICT, WITHOUT ROWID;";
/* What a changed row gave is found by its key. */
static const char *const rows_of_grants = "CREATE INDEX grants_row ON grants (rule_id, row_key, version);";

/* A state of its own for what was not sent in time, and until when what a message says holds. */
static const char *const messages_too_late = REWORD("outbox", "state = ''failed''", "state = ''failed'' OR state = ''expired''");
static const char *const limits_of_messages = "ALTER TABLE outbox ADD COLUMN limit_at INTEGER;";

/* Each transition asks what of its instance has not gone; nearly all has. */
static const char *const tasks_not_gone = "CREATE INDEX outbox_tasks ON outbox (instance_id, id) WHERE task = 1 AND state NOT IN ('sent', 'cancelled');";

/* The case that a start link was made from. */
static const char *const starts_from_cases = "ALTER TABLE links ADD COLUMN from_id INTEGER REFERENCES instances(id);";

enum { PARTS = 4 };
struct migration {
	const char *const *parts[PARTS]; /* NULL: no more */
};

/* Version n is line n - 1. */
static const struct migration migrations[] = {
        {{&tables_of_people, &tables_of_instances, &tables_of_work, &tables_of_access}},
        {{&drafts_by_task}},
        {{&codes_by_length}},
        {{&links_of_contacts}},
        {{&browsers_of_contacts}},
        {{&blobs_of_drafts}},
        {{&listings}},
        {{&codes_of_acts}},
        {{&blobs_with_own_ids}},
        {{&patient_messages}},
        {{&paces_and_lines}},
        {{&documents}},
        {{&delivery_reports}},
        {{&mails_that_came_in}},
        {{&messages_that_did_not_arrive}},
        {{&uncertain_messages}},
        {{&suppressed_addresses}},
        {{&texts_that_came_in}},
        {{&received_by_time}},
        {{&files_of_answers}},
        {{&mails_that_started}},
        {{&order_of_timers}},
        {{&checks_without_tables}},
        {{&cases_that_are_erased}},
        {{&claims_of_pools}},
        {{&links_by_owner}},
        {{&seeds_of_draws}},
        {{&records_of_groups}},
        {{&grants_of_registers}},
        {{&wishes_for_rows}},
        {{&registers_as_they_were}},
        {{&rows_of_grants}},
        {{&timers_know_when}},
        {{&starts_from_cases}},
        {{&messages_too_late, &limits_of_messages}},
        {{&tasks_not_gone}},
};

int64_t schema_newest(void) {
	return (int64_t)(sizeof migrations / sizeof *migrations);
}

static bool read_int(struct db *db, const char *sql, int64_t *out, struct err *err) {
	struct stmt *s = db_query(db, sql);
	enum db_step step = stmt_step(s, err);
	*out = step == DB_ROW ? stmt_int(s, 0) : 0;
	stmt_end(s);
	return step != DB_FAIL;
}

static bool apply(struct db *db, int64_t version, struct err *err) {
	const struct migration *m = &migrations[version - 1];
	for (size_t i = 0; i < PARTS && m->parts[i]; i++)
		if (!(m->parts[i] == &checks_without_tables || m->parts[i] == &messages_too_late ? db_reword(db, *m->parts[i], err) : db_script(db, *m->parts[i], err)))
			return false;
	struct stmt *s = db_query(db, "INSERT INTO schema_version (version, at) VALUES (?, ?)");
	bind_int(s, version);
	bind_int(s, clock_now());
	return stmt_run(s, NULL, err);
}

static bool create_version_table(struct db *db, struct err *err) {
	return db_begin(db, err) &&
	       db_script(db,
	                 "PRAGMA application_id = 0x53746166;"
	                 "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT",
	                 err) &&
	       db_commit(db, err);
}

/* The file's own mark decides whether it is ours, before anything is written to it. */
static bool check_owner(struct db *db, struct err *err) {
	int64_t application, tables;
	if (!read_int(db, "PRAGMA application_id", &application, err) ||
	    !read_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err))
		return false;
	if (application == 0 && tables == 0)
		return create_version_table(db, err);
	return application == SCHEMA_APPLICATION ||
	       err_set(err, ERR_PERMANENT, "store.foreign", "the file is a database of another program");
}

bool schema_migrate(struct db *db, struct err *err) {
	int64_t version;
	bool ok = check_owner(db, err) && read_int(db, "SELECT max(version) FROM schema_version", &version, err);
	if (ok && version > schema_newest())
		return err_set(err, ERR_PERMANENT, "store.newer", "the store was written by a newer Stafet (its schema is %lld, this program knows %lld): install that version again. Nothing was changed",
		               (long long)version, (long long)schema_newest());
	while (ok && version < schema_newest())
		ok = db_begin(db, err) && apply(db, ++version, err) && db_commit(db, err);
	if (!ok)
		db_rollback(db);
	return ok;
}
