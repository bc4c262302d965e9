#include "otp-portal/agent.h"

#include <string.h>

struct mark {
	const char *sign, *name;
};

/* The first sign that is found counts: many browsers also carry the names of others. */
static const struct mark browsers[] = {
        {"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
        {"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {NULL, ""}};
static const struct mark systems[] = {
        {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"}, {"Macintosh", "Mac"}, {"Linux", "Linux"}, {NULL, ""}};

static struct str find(const struct mark *marks, struct str text) {
	while (marks->sign && !(text.len > 0 && memmem(text.at, text.len, marks->sign, strlen(marks->sign))))
		marks++;
	return str_from(marks->name);
}

struct str agent_browser(struct str user_agent) {
	return find(browsers, user_agent);
}

struct str agent_system(struct str user_agent) {
	return find(systems, user_agent);
}
