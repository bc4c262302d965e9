#include "engine/workflow/upload_judge.h"

static bool allows(const struct field *field, struct str extension) {
	for (size_t i = 0; i < field->extensions.count; i++)
		if (str_equal(field->extensions.items[i], extension))
			return true;
	return false;
}

const char *upload_judge(const struct field *field, struct str name, int64_t size, const struct bytes *bytes) {
	struct str extension;
	if (name.len == 0)
		return "field.file-name";
	if (!upload_type(name, &extension) || !allows(field, extension))
		return "field.file-kind";
	if (size == 0)
		return "field.file-empty";
	if (size > (int64_t)field->max)
		return "field.file-large";
	return !bytes || upload_looks(extension, *bytes, size) ? NULL : "field.file-content";
}
