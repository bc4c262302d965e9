#include "engine/workflow/sealed.h"

enum { HIDDEN = 4 }; /* at least so many characters, whatever a package wants to show */

struct str sealed_make(const struct keyring *keys, struct str whose, struct str mask, struct str plain, struct arena *a) {
	struct str bytes = secret_seal(keys, whose, plain, a);
	return arena_printf(a, "%.*s %.*s %.*s", STR_ARG(bytes), STR_ARG(whose), STR_ARG(mask));
}

bool sealed_open(const struct keyring *keys, struct str sealed, struct arena *a, struct str *plain) {
	struct str bytes = str_cut(&sealed, ' '), whose = str_cut(&sealed, ' ');
	return secret_unseal(keys, whose, bytes, a, plain);
}

struct str sealed_whose(struct str sealed) {
	str_cut(&sealed, ' ');
	return str_cut(&sealed, ' ');
}

struct str sealed_mask(struct str sealed) {
	str_cut(&sealed, ' ');
	str_cut(&sealed, ' ');
	return sealed;
}

struct str sealed_mask_of(struct str plain, int64_t shown, struct arena *a) {
	size_t at = 0, count = str_utf8_count(plain);
	int64_t most = count > HIDDEN ? (int64_t)count - HIDDEN : 0;
	for (int64_t i = 0; i < shown && i < most; i++)
		str_utf8_next(plain, &at);
	return arena_printf(a, "%.*s****", (int)at, plain.at);
}
