/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens, signed, in their compact form: HEADER.CLAIMS.SIGNATURE. What a token has to be
 * for its bearer to come in, and what it says of him. (Source: RFC 7515, RFC 7519, RFC 8725)
 *
 * Its algorithm is the key's: "none" and every other one are refused, whatever the header says. So
 * is a header with "crit", as no extension is known, and JSON with one name twice.
 */
#ifndef BROKER_AUTH_TOKEN_H
#define BROKER_AUTH_TOKEN_H

#include "broker/auth/token_rules.h"

#include <jansson.h>

enum { TOKEN_BYTES_MAX = 32768 }; /* of a whole token */

/* A token that is good. */
struct token {
    size_t key; /* that has signed it, among those of the rules */
    json_t *claims;
    struct bytes user; /* not empty, UTF-8; lies in the claims */
    int64_t ends_s;    /* since 1970, leeway included: from then on it is not good; 0: never */
};

/* Whether the text has a token's form, so that nobody else is to be asked about it. */
bool token_is_one(struct bytes text);

/**
 * Checks a text that is one, at the wall clock's `now_s`.
 *
 * Returns NULL and a token for token_release(); or why it is not good, a lasting text for the log.
 */
const char *token_check(
        struct token *out, const struct token_rules *rules, struct bytes text, int64_t now_s);

void token_release(struct token *token);

#endif
