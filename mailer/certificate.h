/* certificate: until when the certificate of a connection is good. One thread a handle. */
#ifndef MAILER_CERTIFICATE_H
#define MAILER_CERTIFICATE_H

#include <curl/curl.h>
#include <stdint.h>

/* Of the server's own certificate, ms UTC; 0: there was none, or CURLOPT_CERTINFO was not set. */
int64_t certificate_until(CURL *curl);

#endif
