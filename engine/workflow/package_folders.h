/* package_folders: which packages a folder holds. */
#ifndef ENGINE_WORKFLOW_PACKAGE_FOLDERS_H
#define ENGINE_WORKFLOW_PACKAGE_FOLDERS_H

#include "engine/base/arena.h"

struct folder_list {
	struct str *items;
	size_t count, cap;
};
/* Adds to out: the folder itself when it has a workflow.yaml, else the packages in its folders and in those of these (by name; hidden ones are left out).
 * Nothing is added when there is none. In a. */
void package_folders(struct arena *a, struct str folder, struct folder_list *out);

#endif
