/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: keys, and tokens that are signed with them or in no way.
 */
#ifndef BROKER_AUTH_TOKEN_FIXTURE_H
#define BROKER_AUTH_TOKEN_FIXTURE_H

#include "broker/auth/token_keys.h"

#define SECRET_TEXT "a secret that has more than 32 bytes in it"

enum { TOKEN_TEXT_MAX = 65536, KEY_TEXT_MAX = 4096 };

struct token_maker {
    void *rsa; /* OpenSSL's EVP_PKEY */
    void *ec;
    char rsa_pem[KEY_TEXT_MAX];
    char ec_pem[KEY_TEXT_MAX];
    char rsa_private_pem[KEY_TEXT_MAX];
    char set[2 * KEY_TEXT_MAX]; /* JWKS with "r" (RSA), "e" (EC), and "h" (the secret) */
    char token[TOKEN_TEXT_MAX];
};

void token_maker_init(struct token_maker *maker);
void token_maker_deinit(struct token_maker *maker);

/* The token of header and claims, signed with the key that this algorithm has here, whatever the
 * header says; it lies in the maker. */
const char *token_make(struct token_maker *maker, enum token_algorithm algorithm,
        const char *header, const char *claims);

/* The same, with HS256 by any secret. */
const char *token_make_by(
        struct token_maker *maker, struct bytes secret, const char *header, const char *claims);

#endif
