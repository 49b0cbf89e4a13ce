/* SPDX-License-Identifier: Apache-2.0 */
/* The servers that are given any bytes or datagrams: TLS's and DTLS's. */
#ifndef TESTS_FUZZ_TLS_SERVERS_H
#define TESTS_FUZZ_TLS_SERVERS_H

#include "net/tls.h"

enum { TLS_SERVERS = 2 };

/* By certificates, which asks clients for one, so that theirs is read too; and by pre-shared keys
 * that nobody knows. For good. */
void tls_servers_make(struct tls_server *servers[TLS_SERVERS], bool datagrams);

#endif
