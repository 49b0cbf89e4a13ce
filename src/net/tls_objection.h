/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers that have come in, judged again when the files by which they came in have changed.
 */
#ifndef NET_TLS_OBJECTION_H
#define NET_TLS_OBJECTION_H

#include "net/tls_server.h"

struct ssl_st;

/*
 * Why a peer that has shaken hands with `began` would not come in at `now`: its pre-shared key is
 * gone or another one, its certificate is revoked or leads to no authority any more. NULL: it
 * would. Dates are not looked at: a certificate that ends while its client is here does not end
 * the connection. The text lasts for ever.
 */
const char *tls_objection(
        struct ssl_st *ssl, const struct tls_server *began, const struct tls_server *now);

/*
 * Puts the certificates between the peer's and its authority into the session, from where its
 * ticket takes them along: OpenSSL keeps the peer's own alone. False when memory is short.
 */
bool tls_objection_keep_chain(struct ssl_st *ssl);

#endif
