/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something of TLS cannot be made, as one sentence for a person.
 */
#ifndef NET_TLS_FAILURE_H
#define NET_TLS_FAILURE_H

#include "net/failure.h"

struct ssl_st;

/* "cannot use the WHAT PATH: " and OpenSSL's reason, or that there is none of it in the file.
 * Returns -EINVAL. */
int tls_fail_file(char failure[static FAILURE_SIZE], const char *what, const char *path);

/* Why OpenSSL gave a connection up, as exactly as it knows; `blame` may know better, and may be
 * NULL, or give NULL. Lasts for ever. */
const char *tls_failure_of(const struct ssl_st *ssl, const char *(*blame)(const struct ssl_st *));

/* The first thing that went wrong in OpenSSL, which is the most exact; empties its queue of errors.
 * Lasts for ever. */
const char *tls_failure_reason(void);

/* Can the file be opened? OpenSSL is vague about those that cannot. Returns 0, or -errno with a
 * sentence. */
int tls_failure_open(char failure[static FAILURE_SIZE], const char *what, const char *path);

#endif
