/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/password_hash.h"

#include <argon2.h>
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>

enum {
    BASE64_MAX = 96, /* at least of PASSWORD_SALT_MAX bytes: 88 */
    SHA512_SIZE = 64,
    SCRAM_HASH_SIZE = 2 * PASSWORD_SCRAM_KEY_SIZE,
    NEW_SALT_SIZE = 12, /* what Mosquitto 2.0 reads; it is enough to be unique */
    ARGON2_SALT_SIZE = 16,
    ARGON2_HASH_SIZE = 32,
    ARGON2_SALT_MIN = 8, /* the library's own limit */
};

/* ---- Decoding ---- */

static bool take_text(struct bytes *rest, struct bytes text)
{
    if (!bytes_start_with(*rest, text))
        return false;
    *rest = bytes_from(*rest, text.size);
    return true;
}

/* A decimal number from 1 to max. */
static bool take_number(struct bytes *rest, uint32_t max, uint32_t *out)
{
    uint64_t number = 0;
    size_t size = 0;

    while (size < rest->size && rest->data[size] >= '0' && rest->data[size] <= '9') {
        number = number * 10 + (rest->data[size++] - '0');
        if (number > max)
            return false;
    }
    *rest = bytes_from(*rest, size);
    *out = (uint32_t)number;
    return number > 0;
}

static struct bytes take_until_dollar(struct bytes *rest)
{
    const uint8_t *dollar = rest->size > 0 ? memchr(rest->data, '$', rest->size) : NULL;
    struct bytes taken = bytes_first(*rest, dollar ? (size_t)(dollar - rest->data) : rest->size);

    *rest = bytes_from(*rest, taken.size);
    return taken;
}

static bool is_base64(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z') || byte == '+' || byte == '/';
}

/* The bytes behind base64, with or without its padding; 0 when it is none, or they are too many. */
static uint8_t take_base64(struct bytes *rest, uint8_t *out, size_t max)
{
    struct bytes text = take_until_dollar(rest);
    uint8_t padded[BASE64_MAX];
    uint8_t decoded[BASE64_MAX];
    size_t size = 0;
    size_t full;

    while (size < text.size && size < BASE64_MAX && is_base64(text.data[size])) {
        padded[size] = text.data[size];
        size++;
    }
    full = (size + 3) / 4 * 4;
    for (size_t i = size; i < text.size; i++) {
        if (i >= full || text.data[i] != '=')
            return 0;
    }
    memset(padded + size, '=', full - size);
    if (full - size > 2 || full / 4 * 3 - (full - size) > max ||
            EVP_DecodeBlock(decoded, padded, (int)full) < 0)
        return 0;
    size = full / 4 * 3 - (full - size);
    memcpy(out, decoded, size);
    return (uint8_t)size;
}

static bool take_salt_and_hash(struct bytes *rest, struct password_hash *hash)
{
    hash->salt_size = take_base64(rest, hash->salt, PASSWORD_SALT_MAX);
    if (!take_text(rest, BYTES("$")))
        return false;
    hash->hash_size = take_base64(rest, hash->hash, PASSWORD_HASH_MAX);
    return rest->size == 0 && hash->salt_size > 0 && hash->hash_size > 0;
}

static bool take_argon2id(struct bytes *rest, struct password_hash *hash)
{
    hash->algorithm = PASSWORD_ARGON2ID;
    return take_number(rest, PASSWORD_MEMORY_KIB_MAX, &hash->memory_kib) &&
            take_text(rest, BYTES(",t=")) &&
            take_number(rest, PASSWORD_ROUNDS_MAX, &hash->rounds) &&
            take_text(rest, BYTES(",p=")) && take_number(rest, PASSWORD_LANES_MAX, &hash->lanes) &&
            take_text(rest, BYTES("$")) && take_salt_and_hash(rest, hash) &&
            hash->salt_size >= ARGON2_SALT_MIN && hash->hash_size >= PASSWORD_HASH_MIN &&
            hash->memory_kib >= 8 * hash->lanes;
}

static bool take_sha512(struct bytes *rest, struct password_hash *hash)
{
    return take_salt_and_hash(rest, hash) && hash->hash_size == SHA512_SIZE;
}

static bool take_scram_sha256(struct bytes *rest, struct password_hash *hash)
{
    uint8_t stored_size;
    uint8_t server_size;

    hash->algorithm = PASSWORD_SCRAM_SHA256;
    if (!take_number(rest, PASSWORD_ROUNDS_MAX, &hash->rounds) || !take_text(rest, BYTES("$")))
        return false;
    hash->salt_size = take_base64(rest, hash->salt, PASSWORD_SALT_MAX);
    if (hash->salt_size == 0 || !take_text(rest, BYTES("$")))
        return false;
    stored_size = take_base64(rest, hash->hash, PASSWORD_SCRAM_KEY_SIZE);
    if (!take_text(rest, BYTES("$")))
        return false;
    server_size = take_base64(rest, hash->hash + PASSWORD_SCRAM_KEY_SIZE, PASSWORD_SCRAM_KEY_SIZE);
    hash->hash_size = SCRAM_HASH_SIZE;
    return rest->size == 0 && stored_size == PASSWORD_SCRAM_KEY_SIZE &&
            server_size == PASSWORD_SCRAM_KEY_SIZE;
}

bool password_hash_decode(struct password_hash *out, struct bytes text)
{
    struct password_hash hash = { .rounds = 1 };
    bool good = false;

    if (text.size > PASSWORD_TEXT_MAX)
        return false;
    if (take_text(&text, BYTES("$6$"))) {
        hash.algorithm = PASSWORD_SHA512;
        good = take_sha512(&text, &hash);
    } else if (take_text(&text, BYTES("$7$"))) {
        hash.algorithm = PASSWORD_PBKDF2;
        good = take_number(&text, PASSWORD_ROUNDS_MAX, &hash.rounds) &&
                take_text(&text, BYTES("$")) && take_sha512(&text, &hash);
    } else if (take_text(&text, BYTES("$argon2id$v=19$m="))) {
        good = take_argon2id(&text, &hash);
        /* Loads the library: later, clients may have left no descriptor for it. */
        argon2_type2string(Argon2_id, 0);
    } else if (take_text(&text, BYTES("$scram-sha-256$"))) {
        good = take_scram_sha256(&text, &hash);
    }
    if (good)
        *out = hash;
    return good;
}

/* ---- Encoding ---- */

static void put_base64(const uint8_t *data, size_t size, bool padded, char out[BASE64_MAX])
{
    int written = EVP_EncodeBlock((unsigned char *)out, data, (int)size);

    while (!padded && written > 0 && out[written - 1] == '=')
        out[--written] = '\0';
}

static int encode_scram(const struct password_hash *hash, const char *salt, char *out)
{
    char stored[BASE64_MAX];
    char server[BASE64_MAX];

    put_base64(hash->hash, PASSWORD_SCRAM_KEY_SIZE, true, stored);
    put_base64(hash->hash + PASSWORD_SCRAM_KEY_SIZE, PASSWORD_SCRAM_KEY_SIZE, true, server);
    return snprintf(out, PASSWORD_TEXT_MAX + 1, "$scram-sha-256$%u$%s$%s$%s", hash->rounds, salt,
            stored, server);
}

void password_hash_encode(const struct password_hash *hash, char out[PASSWORD_TEXT_MAX + 1])
{
    bool padded = hash->algorithm != PASSWORD_ARGON2ID;
    char salt[BASE64_MAX];
    char digest[BASE64_MAX];
    int size = 0;

    put_base64(hash->salt, hash->salt_size, padded, salt);
    put_base64(hash->hash, hash->hash_size, padded, digest);
    switch (hash->algorithm) {
    case PASSWORD_SHA512:
        size = snprintf(out, PASSWORD_TEXT_MAX + 1, "$6$%s$%s", salt, digest);
        break;
    case PASSWORD_PBKDF2:
        size = snprintf(out, PASSWORD_TEXT_MAX + 1, "$7$%u$%s$%s", hash->rounds, salt, digest);
        break;
    case PASSWORD_ARGON2ID:
        size = snprintf(out, PASSWORD_TEXT_MAX + 1, "$argon2id$v=19$m=%u,t=%u,p=%u$%s$%s",
                hash->memory_kib, hash->rounds, hash->lanes, salt, digest);
        break;
    case PASSWORD_SCRAM_SHA256:
        size = encode_scram(hash, salt, out);
        break;
    }
    assert(size > 0 && size <= PASSWORD_TEXT_MAX);
}

/* ---- Hashing ---- */

static int hash_sha512(const struct password_hash *hash, struct bytes password, uint8_t *out)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool good = digest && EVP_DigestInit_ex(digest, EVP_sha512(), NULL) &&
            EVP_DigestUpdate(digest, password.data, password.size) &&
            EVP_DigestUpdate(digest, hash->salt, hash->salt_size) &&
            EVP_DigestFinal_ex(digest, out, NULL);

    EVP_MD_CTX_free(digest);
    return good ? 0 : -EIO;
}

static int hash_argon2id(const struct password_hash *hash, struct bytes password, uint8_t *out)
{
    int result = argon2id_hash_raw(hash->rounds, hash->memory_kib, hash->lanes, password.data,
            password.size, hash->salt, hash->salt_size, out, hash->hash_size);

    return result == ARGON2_OK ? 0 : result == ARGON2_MEMORY_ALLOCATION_ERROR ? -ENOMEM : -EIO;
}

static int derive(const struct password_hash *hash, const EVP_MD *digest, struct bytes password,
        uint8_t *out, size_t size)
{
    static const uint8_t
            nothing; /* PKCS5_PBKDF2_HMAC() takes NULL for "no password" only by luck */
    const uint8_t *data = password.size > 0 ? password.data : &nothing;
    int good = PKCS5_PBKDF2_HMAC((const char *)data, (int)password.size, hash->salt,
            hash->salt_size, (int)hash->rounds, digest, (int)size, out);

    return good ? 0 : -EIO;
}

/* StoredKey and ServerKey. Source: RFC 5802 §3 */
static int hash_scram(const struct password_hash *hash, struct bytes password, uint8_t *out)
{
    uint8_t salted[PASSWORD_SCRAM_KEY_SIZE];
    uint8_t client[PASSWORD_SCRAM_KEY_SIZE];
    int result = derive(hash, EVP_sha256(), password, salted, sizeof(salted));

    if (result == 0 &&
            !(HMAC(EVP_sha256(), salted, sizeof(salted), (const uint8_t *)"Client Key", 10, client,
                      NULL) &&
                    EVP_Digest(client, sizeof(client), out, NULL, EVP_sha256(), NULL) &&
                    HMAC(EVP_sha256(), salted, sizeof(salted), (const uint8_t *)"Server Key", 10,
                            out + PASSWORD_SCRAM_KEY_SIZE, NULL)))
        result = -EIO;
    OPENSSL_cleanse(salted, sizeof(salted));
    OPENSSL_cleanse(client, sizeof(client));
    return result;
}

/* Hashes with the other's salt and cost. */
static int hash_as(const struct password_hash *hash, struct bytes password, uint8_t *out)
{

    switch (hash->algorithm) {
    case PASSWORD_SHA512:
        return hash_sha512(hash, password, out);
    case PASSWORD_PBKDF2:
        return derive(hash, EVP_sha512(), password, out, hash->hash_size);
    case PASSWORD_ARGON2ID:
        return hash_argon2id(hash, password, out);
    case PASSWORD_SCRAM_SHA256:
        return hash_scram(hash, password, out);
    }
    return -EIO;
}

int password_hash_make(struct password_hash *out, enum password_algorithm algorithm,
        uint32_t rounds, struct bytes password)
{
    static const struct {
        uint8_t salt_size;
        uint8_t hash_size;
        uint32_t rounds;
        uint32_t memory_kib;
        uint32_t lanes;
    } kinds[] = {
        [PASSWORD_SHA512] = { NEW_SALT_SIZE, SHA512_SIZE, 1 },
        [PASSWORD_PBKDF2] = { NEW_SALT_SIZE, SHA512_SIZE, PASSWORD_PBKDF2_ROUNDS },
        [PASSWORD_ARGON2ID] = { ARGON2_SALT_SIZE, ARGON2_HASH_SIZE, PASSWORD_ARGON2ID_ROUNDS,
                PASSWORD_ARGON2ID_KIB, 1 },
        [PASSWORD_SCRAM_SHA256] = { PASSWORD_SCRAM_SALT_SIZE, SCRAM_HASH_SIZE,
                PASSWORD_SCRAM_ROUNDS },
    };
    struct password_hash hash = {
        .algorithm = algorithm,
        .rounds = rounds > 0 && algorithm != PASSWORD_SHA512 ? rounds : kinds[algorithm].rounds,
        .memory_kib = kinds[algorithm].memory_kib,
        .lanes = kinds[algorithm].lanes,
        .salt_size = kinds[algorithm].salt_size,
        .hash_size = kinds[algorithm].hash_size,
    };
    int result;

    if (RAND_bytes(hash.salt, hash.salt_size) != 1)
        return -EIO;
    result = hash_as(&hash, password, hash.hash);
    if (result == 0)
        *out = hash;
    return result;
}

int password_hash_matches(const struct password_hash *hash, struct bytes password)
{
    uint8_t found[PASSWORD_HASH_MAX];
    int result = hash_as(hash, password, found);

    if (result == 0)
        result = CRYPTO_memcmp(found, hash->hash, hash->hash_size) == 0;
    OPENSSL_cleanse(found, sizeof(found));
    return result;
}
