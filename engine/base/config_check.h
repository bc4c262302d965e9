/* config_check: what a single text in stafet.yaml may be. True, or err->text says what was expected. Any thread. */
#ifndef ENGINE_BASE_CONFIG_CHECK_H
#define ENGINE_BASE_CONFIG_CHECK_H

#include "engine/base/err.h"

typedef bool config_check(struct str value, struct err *err);

config_check check_line;     /* one line of text: it may stand in a header */
config_check check_word;     /* a language code */
config_check check_colour;   /* "#0b5e56" */
config_check check_base_url; /* http:// or https://, host, path, no query */
config_check check_gateway;  /* the same, may have a query */
config_check check_listen;   /* host:port, [::1]:8080; port 0: a free one */
config_check check_loopback; /* the same, an address of this machine alone */
config_check check_zone;     /* IANA name */
config_check check_holidays; /* dk, none */
config_check check_ip;       /* IPv4 or IPv6 address */
config_check check_address;  /* mail address */
config_check check_domain;   /* of a mail address, small letters */
config_check check_relay;    /* smtp://host:port or smtps://host:port */
config_check check_inbox;    /* imaps://host:port; imap:// to this computer */
config_check check_country;  /* calling code without + */
config_check check_selector; /* of a DKIM key */
config_check check_start_word; /* that a text begins with; "*" */
config_check check_header;   /* Name: value */

#endif
