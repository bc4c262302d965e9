#include "engine/base/language_data.h"

/* The paths are relative to the repository's root, where the compiler runs. */
__asm__(".pushsection .rodata\n"
        "language_da_begin: .incbin \"languages/da.yaml\"\n"
        "language_da_end:\n"
        "language_en_begin: .incbin \"languages/en.yaml\"\n"
        "language_en_end:\n"
        "help_da_begin: .incbin \"languages/help.da.md\"\n"
        "help_da_end:\n"
        "help_en_begin: .incbin \"languages/help.en.md\"\n"
        "help_en_end:\n"
        ".global help_da_begin, help_da_end, help_en_begin, help_en_end\n"
        ".global language_da_begin, language_da_end, language_en_begin, language_en_end\n"
        ".popsection\n");

extern const char language_da_begin[], language_da_end[], language_en_begin[], language_en_end[];
extern const char help_da_begin[], help_da_end[], help_en_begin[], help_en_end[];

bool language_file_at(size_t index, struct language_file *out) {
	const struct language_file files[] = {
	        {"da", "languages/da.yaml", {language_da_begin, (size_t)(language_da_end - language_da_begin)}, {help_da_begin, (size_t)(help_da_end - help_da_begin)}},
	        {"en", "languages/en.yaml", {language_en_begin, (size_t)(language_en_end - language_en_begin)}, {help_en_begin, (size_t)(help_en_end - help_en_begin)}},
	};
	if (index >= sizeof files / sizeof *files)
		return false;
	*out = files[index];
	return true;
}
