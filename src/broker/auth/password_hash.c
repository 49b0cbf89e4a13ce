/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/password_hash.h"

#include <argon2.h>
#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

enum {
    BASE64_MAX = 96, /* at least of PASSWORD_SALT_MAX bytes: 88 */
    SHA512_SIZE = 64,
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

/* Hashes with the other's salt and cost. */
static int hash_as(const struct password_hash *hash, struct bytes password, uint8_t *out)
{
    static const uint8_t
            nothing; /* PKCS5_PBKDF2_HMAC() takes NULL for "no password" only by luck */
    const uint8_t *data = password.size > 0 ? password.data : &nothing;

    switch (hash->algorithm) {
    case PASSWORD_SHA512:
        return hash_sha512(hash, password, out);
    case PASSWORD_PBKDF2:
        return PKCS5_PBKDF2_HMAC((const char *)data, (int)password.size, hash->salt,
                       hash->salt_size, (int)hash->rounds, EVP_sha512(), hash->hash_size, out)
                ? 0
                : -EIO;
    case PASSWORD_ARGON2ID:
        return hash_argon2id(hash, password, out);
    }
    return -EIO;
}

int password_hash_make(struct password_hash *out, enum password_algorithm algorithm,
        uint32_t rounds, struct bytes password)
{
    struct password_hash hash = { .algorithm = algorithm, .rounds = rounds };
    int result;

    hash.salt_size = algorithm == PASSWORD_ARGON2ID ? ARGON2_SALT_SIZE : NEW_SALT_SIZE;
    hash.hash_size = algorithm == PASSWORD_ARGON2ID ? ARGON2_HASH_SIZE : SHA512_SIZE;
    if (algorithm == PASSWORD_SHA512)
        hash.rounds = 1;
    if (algorithm == PASSWORD_PBKDF2 && rounds == 0)
        hash.rounds = PASSWORD_PBKDF2_ROUNDS;
    if (algorithm == PASSWORD_ARGON2ID) {
        hash.rounds = rounds > 0 ? rounds : PASSWORD_ARGON2ID_ROUNDS;
        hash.memory_kib = PASSWORD_ARGON2ID_KIB;
        hash.lanes = 1;
    }
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
