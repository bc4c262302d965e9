/* gateway_data: the files gateways/<name>.yaml as they were when the program was built. Any thread. */
#ifndef MAILER_GATEWAY_DATA_H
#define MAILER_GATEWAY_DATA_H

#include "engine/base/str.h"

struct gateway_file {
	const char *name, *path; /* "kannel", "gateways/kannel.yaml" */
	struct str text;
};

bool gateway_file_at(size_t index, struct gateway_file *out); /* false behind the last one */

#endif
