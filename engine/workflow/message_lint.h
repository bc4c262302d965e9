/* message_lint: what makes spam filters, and people, distrust a message: told where it stands when the message is loaded. Any thread. */
#ifndef ENGINE_WORKFLOW_MESSAGE_LINT_H
#define ENGINE_WORKFLOW_MESSAGE_LINT_H

#include "engine/workflow/template.h"

/* The text behind "subject:", and where it begins. All warnings. */
void message_lint_subject(struct str subject, struct yaml_place place, struct problems *problems);
/* A mail's body (Markdown) or an SMS, as it stands in the file, and its line there. A link whose words are another address than it leads to is an error; all else are warnings. */
void message_lint_body(struct str body, const struct template *compiled, bool mail, struct yaml_place place, struct problems *problems);

#endif
