/* show_page: page views: one instance's fields. */
#ifndef OTP_PORTAL_SHOW_PAGE_H
#define OTP_PORTAL_SHOW_PAGE_H

#include "otp-portal/prose.h"

struct show_view {
	const struct package *package;
	const struct definition *definition;
	const struct view_rule *rule;
	const struct instance *instance;
	const struct value *values;
	struct str here, back; /* back: path of the list it was opened from; empty: none */
	bool logged_in;
	int64_t contact_id; /* who looks; 0: nobody that is known */
};
/* Whether its `when` holds. */
bool show_ready(struct request *r, const struct show_view *show, const struct register_port *port);
/* Its head, intro and fields. */
void show_content(const struct prose *p, const struct show_view *show, struct response *out);
/* A POST is one of its `acts`. */
void show_page(struct request *r, struct view *v, const struct show_view *show, struct response *out);

#endif
