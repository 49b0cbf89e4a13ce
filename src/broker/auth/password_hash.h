/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password as a password file keeps it: salted and hashed, in one of Mosquitto's three forms or
 * as SCRAM needs it.
 *
 *     $6$SALT$HASH              SHA-512 over password and salt; read and checked, for old files
 *     $7$ITERATIONS$SALT$HASH   PBKDF2 with HMAC-SHA-512
 *     $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH
 *     $scram-sha-256$ITERATIONS$SALT$STOREDKEY$SERVERKEY   RFC 5802's names, RFC 7677's hash
 *
 * Salt, hash and keys are base64, with '=' at the end but for argon2id.
 */
#ifndef BROKER_AUTH_PASSWORD_HASH_H
#define BROKER_AUTH_PASSWORD_HASH_H

#include "base/bytes.h"

enum password_algorithm {
    PASSWORD_SHA512,
    PASSWORD_PBKDF2,
    PASSWORD_ARGON2ID,
    PASSWORD_SCRAM_SHA256,
};

enum {
    PASSWORD_SALT_MAX = 64,
    PASSWORD_HASH_MIN = 16,
    PASSWORD_HASH_MAX = 64,
    PASSWORD_TEXT_MAX = 255,           /* of the encoded form */
    PASSWORD_ROUNDS_MAX = 10000000,    /* iterations or passes: seconds of computing */
    PASSWORD_MEMORY_KIB_MAX = 1 << 20, /* of argon2id */
    PASSWORD_LANES_MAX = 64,           /* of argon2id */
    PASSWORD_SCRAM_KEY_SIZE = 32,
    PASSWORD_SCRAM_SALT_SIZE = 16, /* of new ones */
    /*
     * The cost of new hashes. PBKDF2: what OWASP's Password Storage Cheat Sheet asks of
     * HMAC-SHA-512 and of HMAC-SHA-256 (2023); a tenth of a second. argon2id: its first choice, and
     * Mosquitto 2.1's.
     */
    PASSWORD_PBKDF2_ROUNDS = 210000,
    PASSWORD_SCRAM_ROUNDS = 600000,
    PASSWORD_ARGON2ID_ROUNDS = 1,
    PASSWORD_ARGON2ID_KIB = 47104,
};

struct password_hash {
    enum password_algorithm algorithm;
    uint32_t rounds;     /* iterations or passes; SHA-512: 1 */
    uint32_t memory_kib; /* of argon2id, as is the next */
    uint32_t lanes;
    uint8_t salt_size;
    uint8_t hash_size;
    uint8_t salt[PASSWORD_SALT_MAX];
    uint8_t hash[PASSWORD_HASH_MAX]; /* of SCRAM: StoredKey and, behind it, ServerKey */
};

/* False, with *out untouched, for a text that is none of the forms or passes a limit above. */
bool password_hash_decode(struct password_hash *out, struct bytes text);

/* Writes the text, with a closing NUL. Only of a hash that was decoded or made. */
void password_hash_encode(const struct password_hash *hash, char out[PASSWORD_TEXT_MAX + 1]);

/**
 * Hashes a password with a new salt. `rounds` 0 stands for the cost of today.
 *
 * Returns 0, -EIO when the library or the source of chance failed, or -ENOMEM.
 */
int password_hash_make(struct password_hash *out, enum password_algorithm algorithm,
        uint32_t rounds, struct bytes password);

/**
 * Whether the password is the one. Takes as long as its making did, and as long for a wrong one.
 *
 * Returns 1 when it is, 0 when it is not, or -EIO or -ENOMEM when it cannot be told.
 */
int password_hash_matches(const struct password_hash *hash, struct bytes password);

#endif
