#include "otp-portal/own_mail.h"

struct str own_mail_id(const struct portal_world *world, struct arena *a) {
	unsigned char random[16];
	struct str domain = site_config(world->options.site)->mail.from_address;
	secret_random(random, sizeof random);
	str_cut(&domain, '@');
	struct str name = secret_hex(a, random, sizeof random);
	return arena_printf(a, "<%.*s@%.*s>", STR_ARG(name), STR_ARG(domain.len > 0 ? domain : STR("stafet.invalid")));
}
