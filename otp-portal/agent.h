/* agent: what a browser calls itself, in words that its owner knows. Only names of a fixed list come back, whatever was sent. Pure. */
#ifndef OTP_PORTAL_AGENT_H
#define OTP_PORTAL_AGENT_H

#include "engine/base/str.h"

/* "Firefox", "iPhone"; empty: not known. */
struct str agent_browser(struct str user_agent);
struct str agent_system(struct str user_agent);

#endif
