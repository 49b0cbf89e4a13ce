/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that JSON Web Tokens are checked with, read from one file, which is one of these:
 *
 *     public keys as PEM      -----BEGIN PUBLIC KEY-----; RSA for RS256, P-256 for ES256
 *     a set of keys, JWKS     { "keys": [ { "kty": "RSA", "kid": "1", ... }, ... ] }
 *     a secret for HS256      any other bytes, or "base64:" and its base64
 *
 * What a key may be used for is its kind's one algorithm: no token says it. So a public key, which
 * everybody may have, is never taken for a secret. (Source: RFC 7515, RFC 7517, RFC 7518)
 */
#ifndef BROKER_AUTH_TOKEN_KEYS_H
#define BROKER_AUTH_TOKEN_KEYS_H

#include "base/bytes.h"
#include "broker/auth/identity.h"
#include "broker/config/report.h"
#include "broker/config/source.h"

enum {
    TOKEN_KEYS_MAX = 16, /* a token without a kid is tried with each */
    TOKEN_KID_MAX = 255,
    TOKEN_SECRET_MIN = 32, /* bytes: as many as the hash has, as RFC 7518 §3.2 asks */
    TOKEN_SECRET_MAX = 1024,
    TOKEN_RSA_BITS_MIN = 2048,
    TOKEN_RSA_BITS_MAX = 8192, /* larger ones take a shard's time */
};

enum token_algorithm { TOKEN_HS256, TOKEN_RS256, TOKEN_ES256 };

struct token_key {
    enum token_algorithm algorithm;
    void *public_key; /* OpenSSL's EVP_PKEY; NULL for HS256 */
    uint8_t secret[TOKEN_SECRET_MAX];
    size_t secret_size;
    char kid[TOKEN_KID_MAX + 1]; /* "": it has none */
    uint8_t print[32];           /* a hash of the key */
};

/* Never changes once read; any thread may use it. */
struct token_keys {
    char *path;
    struct token_key keys[TOKEN_KEYS_MAX];
    size_t count;
};

/* The name that a token's header has for it. */
const char *token_algorithm_name(enum token_algorithm algorithm);

/**
 * Reads a file and tells the report what cannot be used of it. Keys of a set that are for something
 * else (another kind, another use, another algorithm) are passed over, with a warning.
 *
 * Returns 0 and at least one key, for token_keys_free(); or with *out untouched -EINVAL when an
 * error was told, -ENOMEM.
 */
int token_keys_read(struct token_keys **out, const char *path, const struct source *source,
        struct report *report);

/* Whether one of them is a secret, so that nobody else is to read the file. */
bool token_keys_have_secret(const struct token_keys *keys);

/* Wipes the secrets. NULL is fine. */
void token_keys_free(struct token_keys *keys);

/* Whether the key has signed those bytes. */
bool token_key_verifies(const struct token_key *key, struct bytes text, struct bytes signature);

#endif
