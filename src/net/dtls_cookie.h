/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cookies by which a client of DTLS shows that it gets what is sent to its address. A cookie is
 * made of a secret and the address alone, so nothing is kept of whom it was sent to.
 *
 * The secret changes each DTLS_COOKIE_LIFE_MS; the one before still counts, no older one does.
 */
#ifndef NET_DTLS_COOKIE_H
#define NET_DTLS_COOKIE_H

#include "net/dtls_hello.h"

enum { DTLS_COOKIE_LIFE_MS = 60000, DTLS_COOKIE_SECRET_SIZE = 32 };

struct dtls_cookies {
    uint8_t secrets[2][DTLS_COOKIE_SECRET_SIZE]; /* the newest first */
    int64_t changed_ms;
    bool ready;
};

/* Starts as { 0 }: the first of these calls makes the secrets. `who` is what tells the address from
 * any other one. False: the system gives no random bytes. */
bool dtls_cookie_make(struct dtls_cookies *cookies, struct bytes who, int64_t now_ms,
        uint8_t out[DTLS_COOKIE_SIZE]);

/* Is that the cookie that `who` was sent lately? */
bool dtls_cookie_is_good(
        struct dtls_cookies *cookies, struct bytes who, int64_t now_ms, struct bytes cookie);

#endif
