#include "engine/workflow/package_folders.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static int visible(const struct dirent *entry) {
	return entry->d_name[0] != '.';
}

static void look(struct arena *a, struct str folder, int deeper, struct folder_list *out) {
	struct dirent **entries;
	if (access(arena_printf(a, "%.*s/workflow.yaml", STR_ARG(folder)).at, F_OK) == 0) {
		struct str *one = ARENA_PUSH(a, out);
		*one = arena_str(a, folder);
		return;
	}
	int found = deeper > 0 ? scandir(arena_z(a, folder), &entries, visible, alphasort) : -1;
	for (int i = 0; i < found; i++) {
		look(a, arena_printf(a, "%.*s/%s", STR_ARG(folder), entries[i]->d_name), deeper - 1, out);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
}

void package_folders(struct arena *a, struct str folder, struct folder_list *out) {
	look(a, folder, 2, out);
}
