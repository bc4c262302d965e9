#include "mailer/certificate.h"

#include "engine/base/civil.h"

#include <string.h>

/* "2026-11-21 12:00:00 GMT", as curl writes it whatever the certificate says it in. */
static int64_t read_instant(struct str text) {
	int64_t local;
	char written[] = "0000-00-00T00:00";
	if (text.len < sizeof written - 1 || text.at[10] != ' ')
		return 0;
	memcpy(written, text.at, sizeof written - 1);
	written[10] = 'T';
	return civil_parse_datetime(str_from(written), &local) ? local : 0;
}

int64_t certificate_until(CURL *curl) {
	static const char name[] = "Expire Date:";
	struct curl_certinfo *info = NULL;
	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info || info->num_of_certs < 1)
		return 0;
	for (const struct curl_slist *line = info->certinfo[0]; line; line = line->next)
		if (strncmp(line->data, name, sizeof name - 1) == 0)
			return read_instant(str_from(line->data + sizeof name - 1));
	return 0;
}
