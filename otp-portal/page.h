/* page: what is round every page, and the pages that only say something. Writers append escaped HTML to out->body. */
#ifndef OTP_PORTAL_PAGE_H
#define OTP_PORTAL_PAGE_H

#include "otp-portal/response.h"

struct page {
	struct str title; /* plain text; the page's own h1 is the caller's */
	bool error;       /* "Fejl: " stands before the title */
	struct str here;  /* path and query of the page without lang, for the language links; empty: none are shown */
	bool enters;      /* a way to log in is shown */
	bool logged_in;   /* a way to log out is shown */
	bool wide;        /* for tables */
};

void page_begin(struct request *r, struct response *out, const struct page *page);
void page_end(struct request *r, struct response *out);

void page_word(struct request *r, struct response *out, const char *key);
void page_text(struct request *r, struct response *out, const char *key, struct str arg0, struct str arg1);
/* Path with "step=2" in its query, which it may have one already. In arena. */
struct str page_with(const struct request *r, struct str path, struct str query);
struct str page_with_value(const struct request *r, struct str path, struct str name, struct str value); /* value as typed: it is escaped */
/* Path with ?lang= when the visitor chose one. In arena. */
struct str page_path(const struct request *r, struct str path);
/* <p><a href>word</a></p> */
void page_way(struct request *r, struct response *out, struct str path, const char *key);
/* Hidden input. */
void page_hidden(struct response *out, const char *name, struct str value);
void page_hidden_language(struct request *r, struct response *out);
/* The field `q` of a form that searches, with its button. */
void page_search_box(struct request *r, struct str search, struct response *out);
/* The button that applies filters, and the end of their folded part. */
void page_filters_end(struct request *r, struct response *out);

/* A whole page of a heading and a sentence, by keys of languages/<lang>.yaml. */
void page_message(struct request *r, struct response *out, unsigned status, const char *title_key, const char *text_key, struct str arg);
/* A fault, with a way to the front page: key is of errors in languages/<lang>.yaml, its heading stands there as <key>-title. */
void page_error(struct request *r, struct response *out, unsigned status, const char *key);
void page_not_found(struct request *r, struct response *out);
/* 405 */
void page_wrong_method(struct request *r, struct response *out, struct str allow);
/* The page of a failure: its kind gives the status. */
void page_failure(struct request *r, struct response *out, const struct err *err);

#endif
