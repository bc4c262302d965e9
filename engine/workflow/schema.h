/* schema: JSON Schema (draft 2020-12) of workflow.yaml, for editors, written from the tables that the loader itself reads by; registers.yaml is
 * "#/$defs/registers". docs/workflow.schema.json is its output. */
#ifndef ENGINE_WORKFLOW_SCHEMA_H
#define ENGINE_WORKFLOW_SCHEMA_H

#include "engine/base/str.h"

void schema_write(struct buf *out);

#endif
