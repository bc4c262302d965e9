/* What a name server says: a whole answer (first byte 0 to 4: the type that was asked for), or the texts of its records: SPF with everything that it asks for (5), DMARC (6),
 * DKIM (7). Of SPF each line is what the next question is answered with. */
#include "mailer/sender_records.h"

static void check_answer(struct arena *a, enum dns_type type, struct str s) {
	struct dns_answer out;
	struct str alias;
	struct err err = {0};
	bool ok = dns_read((const unsigned char *)s.at, s.len, type, a, &out, &alias, &err);
	BUG_IF(!ok && err.kind != ERR_INPUT);
	BUG_IF(out.count > DNS_RECORDS);
	for (size_t i = 0; ok && i < out.count; i++)
		for (size_t k = 0; k < out.items[i].len; k++)
			BUG_IF(out.items[i].at[k] < ' ' || out.items[i].at[k] > '~');
}

struct lines {
	struct str rest;
	int asked;
};

static enum dns_outcome answer_line(void *context, struct str name, enum dns_type type, struct arena *a, struct dns_answer *out) {
	struct lines *lines = context;
	(void)name, (void)type;
	BUG_IF(++lines->asked > 200);
	if (lines->rest.len == 0)
		return DNS_NONE;
	struct str line = str_cut(&lines->rest, '\n');
	if (str_is(line, "!"))
		return DNS_FAILED;
	out->items = ARENA_ARRAY(a, 2, struct str);
	out->items[out->count++] = line;
	if (line.len > 0 && line.at[line.len - 1] == '+')
		out->items[out->count++] = str_cut(&lines->rest, '\n');
	return DNS_FOUND;
}

static void check_spf(struct arena *a, struct str s) {
	struct lines lines = {.rest = s};
	const struct dns_port port = {&lines, answer_line};
	struct spf_seen seen;
	spf_look(&port, STR("example.dk"), str_cut(&lines.rest, '\n'), a, &seen);
	BUG_IF(seen.result > SPF_UNSURE || seen.lookups > SPF_LOOKUPS + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0)
		return 0;
	struct arena *a = arena_new();
	struct str s = arena_str(a, (struct str){(const char *)data + 1, size - 1});
	struct dmarc_seen dmarc;
	struct dkim_seen dkim;
	unsigned kind = data[0] % 8;
	if (kind <= DNS_PTR)
		check_answer(a, (enum dns_type)kind, s);
	else if (kind == 5)
		check_spf(a, s);
	else if (kind == 6)
		BUG_IF(dmarc_read(s, s.len & 1, &dmarc) && (unsigned)dmarc.policy > DMARC_REJECT);
	else
		BUG_IF(dkim_read(s, &dkim) && dkim.bits > 2048 * 8);
	arena_free(a);
	return 0;
}
