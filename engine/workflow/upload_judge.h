/* upload_judge: whether a field takes a file, by whatever way it comes. Pure. */
#ifndef ENGINE_WORKFLOW_UPLOAD_JUDGE_H
#define ENGINE_WORKFLOW_UPLOAD_JUDGE_H

#include "engine/workflow/definition.h"
#include "engine/workflow/upload.h"

/* NULL: it does. Else the key of what to say ("field.file-kind"). name: as upload_safe_name left it. bytes NULL: what is in it is not looked at. */
const char *upload_judge(const struct field *field, struct str name, int64_t size, const struct bytes *bytes);

#endif
