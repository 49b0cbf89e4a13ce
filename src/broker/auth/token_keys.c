/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/token_keys.h"

#include "broker/auth/base64url.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h> /* i2d_PUBKEY() */
#include <stdio.h>
#include <stdlib.h>

enum {
    P256_SIZE = 32,    /* bytes of a coordinate, and of each half of a signature */
    NUMBER_MAX = 1024, /* bytes of an RSA key's numbers */
};

static const struct bytes base64_mark = { (const uint8_t *)"base64:", 7 };
static const struct bytes pem_start = { (const uint8_t *)"-----BEGIN ", 11 };

struct token_keys_reader {
    struct token_keys *keys;
    struct report *report;
    struct report_origin origin;
};

const char *token_algorithm_name(enum token_algorithm algorithm)
{
    static const char *const names[] = {
        [TOKEN_HS256] = "HS256", [TOKEN_RS256] = "RS256", [TOKEN_ES256] = "ES256"
    };

    return names[algorithm];
}

static int fail(struct token_keys_reader *reader, const char *text)
{
    report_tell(reader->report, REPORT_ERROR, reader->origin, "%s", text);
    return -EINVAL;
}

/* ---- Keys ---- */

static struct token_key *add_key(struct token_keys_reader *reader)
{
    struct token_keys *keys = reader->keys;

    if (keys->count < TOKEN_KEYS_MAX)
        return &keys->keys[keys->count];
    report_tell(reader->report, REPORT_ERROR, reader->origin, "more than %d keys; remove some",
            TOKEN_KEYS_MAX);
    return NULL;
}

/* The bytes in front of a value in ASN.1 that has less than 64 KiB; 0: it is none. */
static size_t asn1_head_size(struct bytes text, size_t *value_size)
{
    if (text.size < 5 || text.data[0] != 0x30)
        return 0;
    switch (text.data[1]) {
    case 0x81:
        *value_size = text.data[2];
        return 3;
    case 0x82:
        *value_size = (size_t)text.data[2] << 8 | text.data[3];
        return 4;
    default:
        *value_size = text.data[1];
        return 2;
    }
}

/* Is it one value in ASN.1 that begins with a list or a number, as keys and certificates do? */
static bool is_asn1(struct bytes text)
{
    size_t size = 0;
    size_t head = asn1_head_size(text, &size);

    return head > 0 && head + size == text.size &&
            (text.data[head] == 0x30 || text.data[head] == 0x02);
}

static int refuse_public_key(struct token_keys_reader *reader)
{
    return fail(reader,
            "it looks like a public key that is no PEM, which is no secret; write it as PEM");
}

static int add_secret(struct token_keys_reader *reader, struct bytes secret, const char *kid)
{
    struct token_key *key = add_key(reader);

    if (!key)
        return -EINVAL;
    if (secret.size < TOKEN_SECRET_MIN || secret.size > TOKEN_SECRET_MAX)
        return fail(reader,
                "a secret of less than 32 bytes can be found from a token, and one of more than "
                "1024 is not needed; make one with openssl rand -base64 48");
    if (is_asn1(secret))
        return refuse_public_key(reader);
    key->algorithm = TOKEN_HS256;
    memcpy(key->secret, secret.data, secret.size);
    key->secret_size = secret.size;
    snprintf(key->kid, sizeof(key->kid), "%s", kid);
    if (EVP_Digest(secret.data, secret.size, key->print, NULL, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    reader->keys->count++;
    return 0;
}

/* The algorithm that a public key is for; false where there is none. */
static bool find_algorithm(EVP_PKEY *public_key, enum token_algorithm *out)
{
    char group[32] = "";
    int bits = EVP_PKEY_get_bits(public_key);

    if (EVP_PKEY_is_a(public_key, "RSA")) {
        *out = TOKEN_RS256;
        return bits >= TOKEN_RSA_BITS_MIN && bits <= TOKEN_RSA_BITS_MAX;
    }
    *out = TOKEN_ES256;
    return EVP_PKEY_is_a(public_key, "EC") &&
            EVP_PKEY_get_group_name(public_key, group, sizeof(group), NULL) == 1 &&
            strcmp(group, SN_X9_62_prime256v1) == 0;
}

static bool take_print(EVP_PKEY *public_key, uint8_t print[32])
{
    uint8_t *encoded = NULL;
    int size = i2d_PUBKEY(public_key, &encoded);
    bool good = size > 0 && EVP_Digest(encoded, (size_t)size, print, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(encoded);
    return good;
}

/* Takes the public key. */
static int add_public(struct token_keys_reader *reader, EVP_PKEY *public_key, const char *kid)
{
    struct token_key *key = add_key(reader);
    enum token_algorithm algorithm;
    int result = key ? 0 : -EINVAL;

    if (key && !find_algorithm(public_key, &algorithm))
        result = fail(reader,
                "the key is neither RSA of 2048 to 8192 bits nor of the curve P-256; only these "
                "can be used");
    if (result == 0 && !take_print(public_key, key->print))
        result = -ENOMEM;
    if (result < 0) {
        EVP_PKEY_free(public_key);
        return result;
    }
    key->algorithm = algorithm;
    key->public_key = public_key;
    snprintf(key->kid, sizeof(key->kid), "%s", kid);
    reader->keys->count++;
    return 0;
}

/* ---- A file of PEM ---- */

static size_t count(struct bytes bytes, struct bytes text)
{
    size_t found = 0;

    for (; bytes.size >= text.size; bytes = bytes_from(bytes, 1))
        found += bytes_start_with(bytes, text);
    return found;
}

static int read_pem(struct token_keys_reader *reader, struct bytes text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.size);
    EVP_PKEY *public_key;
    int result = bio ? 0 : -ENOMEM;

    if (bio && count(text, BYTES("PRIVATE KEY-----")) > 0)
        result = fail(reader,
                "it has a private key, which only who makes tokens is to have; put the public one "
                "there: openssl pkey -in KEY -pubout");
    while (result == 0 && (public_key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)))
        result = add_public(reader, public_key, "");
    if (result == 0 && reader->keys->count != count(text, pem_start))
        result = fail(reader, "a key in it is no public key (BEGIN PUBLIC KEY) that can be read");
    ERR_clear_error();
    BIO_free(bio);
    return result;
}

/* ---- A set of keys ---- */

/* Reads a member that is a number in base64url; 0: there is none that can be used. */
static size_t read_number(const json_t *key, const char *name, uint8_t out[NUMBER_MAX])
{
    const json_t *value = json_object_get(key, name);
    struct bytes text = bytes_of(json_string_value(value), json_string_length(value));

    if (text.size == 0 || base64url_size(text.size) > NUMBER_MAX || !base64url_decode(text, out))
        return 0;
    return base64url_size(text.size);
}

/* Makes a public key of its parts; takes them. NULL: they make none. */
static EVP_PKEY *make_public(const char *kind, OSSL_PARAM_BLD *parts)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    EVP_PKEY_CTX *checker = NULL;
    EVP_PKEY *public_key = NULL;

    if (parameters && maker && EVP_PKEY_fromdata_init(maker) == 1)
        EVP_PKEY_fromdata(maker, &public_key, EVP_PKEY_PUBLIC_KEY, parameters);
    checker = public_key ? EVP_PKEY_CTX_new(public_key, NULL) : NULL;
    if (!checker || EVP_PKEY_public_check(checker) != 1) {
        EVP_PKEY_free(public_key);
        public_key = NULL;
    }
    EVP_PKEY_CTX_free(checker);
    EVP_PKEY_CTX_free(maker);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(parts);
    ERR_clear_error();
    return public_key;
}

static EVP_PKEY *read_rsa(const json_t *key)
{
    uint8_t modulus[NUMBER_MAX];
    uint8_t exponent[NUMBER_MAX];
    size_t modulus_size = read_number(key, "n", modulus);
    size_t exponent_size = read_number(key, "e", exponent);
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_size, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)exponent_size, NULL);
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    EVP_PKEY *public_key = NULL;

    if (modulus_size > 0 && exponent_size > 0 && n && e && parts &&
            OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
            OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        public_key = make_public("RSA", parts);
    else
        OSSL_PARAM_BLD_free(parts);
    BN_free(n);
    BN_free(e);
    return public_key;
}

static EVP_PKEY *read_ec(const json_t *key)
{
    uint8_t number[NUMBER_MAX];
    uint8_t point[1 + 2 * P256_SIZE] = { POINT_CONVERSION_UNCOMPRESSED };
    const json_t *curve = json_object_get(key, "crv");
    OSSL_PARAM_BLD *parts;

    if (!json_is_string(curve) || strcmp(json_string_value(curve), "P-256") != 0 ||
            read_number(key, "x", number) != P256_SIZE)
        return NULL;
    memcpy(point + 1, number, P256_SIZE);
    if (read_number(key, "y", number) != P256_SIZE)
        return NULL;
    memcpy(point + 1 + P256_SIZE, number, P256_SIZE);
    parts = OSSL_PARAM_BLD_new();
    if (parts &&
            OSSL_PARAM_BLD_push_utf8_string(
                    parts, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(
                    parts, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1)
        return make_public("EC", parts);
    OSSL_PARAM_BLD_free(parts);
    return NULL;
}

static int read_oct(struct token_keys_reader *reader, const json_t *key, const char *kid)
{
    uint8_t secret[NUMBER_MAX];
    size_t size = read_number(key, "k", secret);
    int result = add_secret(reader, bytes_of(secret, size), kid);

    OPENSSL_cleanse(secret, sizeof(secret));
    return result;
}

static bool member_is(const json_t *key, const char *name, const char *text)
{
    const json_t *value = json_object_get(key, name);

    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* Is it, as far as it says, for checking what that algorithm has signed? */
static bool is_for(const json_t *key, enum token_algorithm algorithm)
{
    const json_t *operations = json_object_get(key, "key_ops");
    const json_t *operation;
    bool verifies = !operations;
    size_t i;

    json_array_foreach(operations, i, operation)
    {
        verifies |=
                json_is_string(operation) && strcmp(json_string_value(operation), "verify") == 0;
    }
    return verifies && (!json_object_get(key, "use") || member_is(key, "use", "sig")) &&
            (!json_object_get(key, "alg") ||
                    member_is(key, "alg", token_algorithm_name(algorithm)));
}

static bool find_kind(const json_t *key, enum token_algorithm *out)
{
    static const struct {
        const char *kind;
        enum token_algorithm algorithm;
    } kinds[] = { { "oct", TOKEN_HS256 }, { "RSA", TOKEN_RS256 }, { "EC", TOKEN_ES256 } };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!member_is(key, "kty", kinds[i].kind))
            continue;
        *out = kinds[i].algorithm;
        return is_for(key, kinds[i].algorithm);
    }
    return false;
}

static bool has_kid(const struct token_keys *keys, const char *kid, enum token_algorithm algorithm)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->keys[i].algorithm == algorithm && strcmp(keys->keys[i].kid, kid) == 0)
            return true;
    }
    return false;
}

static int read_jwk(struct token_keys_reader *reader, const json_t *key, size_t number)
{
    const json_t *kid = json_object_get(key, "kid");
    const char *name = json_is_string(kid) ? json_string_value(kid) : "";
    enum token_algorithm algorithm;
    EVP_PKEY *public_key;

    if (!json_is_object(key) || (kid && !json_is_string(kid)) || strlen(name) > TOKEN_KID_MAX)
        return fail(reader, "a key of the set is no object, or its kid no text of 255 bytes");
    if (!find_kind(key, &algorithm)) {
        report_tell(reader->report, REPORT_WARNING, reader->origin,
                "key %zu of the set is passed over: it is not for RS256, ES256 or HS256", number);
        return 0;
    }
    if (name[0] != '\0' && has_kid(reader->keys, name, algorithm))
        return fail(reader, "two keys of the set have the same kid; remove one of the two");
    if (algorithm == TOKEN_HS256)
        return read_oct(reader, key, name);
    public_key = algorithm == TOKEN_RS256 ? read_rsa(key) : read_ec(key);
    if (!public_key) {
        report_tell(reader->report, REPORT_ERROR, reader->origin,
                "key %zu of the set is no public key that can be read", number);
        return -EINVAL;
    }
    return add_public(reader, public_key, name);
}

static int read_set(struct token_keys_reader *reader, struct bytes text)
{
    json_error_t error;
    json_t *set = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    const json_t *list = json_object_get(set, "keys");
    const json_t *key;
    int result = 0;
    size_t i;

    if (!set) {
        reader->origin.line = (unsigned)error.line;
        return fail(reader, error.text);
    }
    if (json_is_array(list)) {
        json_array_foreach(list, i, key)
        {
            if (result == 0)
                result = read_jwk(reader, key, i + 1);
        }
    } else {
        result = list ? fail(reader, "\"keys\" is no list") : read_jwk(reader, set, 1);
    }
    if (result == 0 && reader->keys->count == 0)
        result = fail(reader, "no key of it can be used, so no token could be checked");
    json_decref(set);
    return result;
}

/* ---- A file with a secret ---- */

/* A public key in another form than PEM would make a secret that everybody knows. */
static bool is_public_text(struct bytes text)
{
    /* The last ones are how keys in ASN.1 begin in base64: of RSA, P-256, P-384 and Ed25519. */
    static const char *const starts[] = { "ssh-", "ecdsa-", "MII", "MIG", "MFkw", "MHYw", "MCow" };

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (bytes_start_with(text, bytes_of_text(starts[i])))
            return true;
    }
    return false;
}

static int read_base64(struct token_keys_reader *reader, struct bytes text)
{
    uint8_t secret[TOKEN_SECRET_MAX + 3];
    uint8_t line[(TOKEN_SECRET_MAX + 3) / 3 * 4];
    size_t padding = 0;
    int size = -1;
    int result;

    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    if (text.size > 0 && text.size <= sizeof(line) && text.size % 4 == 0)
        size = EVP_DecodeBlock(secret, text.data, (int)text.size);
    if (size < 0)
        result = fail(reader, "what follows base64: is not base64, or too long");
    else
        result = add_secret(reader, bytes_of(secret, (size_t)size - padding), "");
    OPENSSL_cleanse(secret, sizeof(secret));
    return result;
}

static int read_secret(struct token_keys_reader *reader, struct bytes text)
{
    if (is_public_text(text) || is_asn1(text)) /* Its last byte may be one that ends a line. */
        return refuse_public_key(reader);
    if (text.size > 0 && text.data[text.size - 1] == '\n')
        text = bytes_first(text, text.size - 1);
    if (bytes_start_with(text, base64_mark))
        return read_base64(reader, bytes_from(text, base64_mark.size));
    return add_secret(reader, text, "");
}

/* ---- The file ---- */

static int read_text(struct token_keys_reader *reader, struct bytes text)
{
    struct bytes start = text;

    while (start.size > 0 && strchr(" \t\r\n", start.data[0]) && start.data[0] != '\0')
        start = bytes_from(start, 1);
    if (start.size > 0 && start.data[0] == '{')
        return read_set(reader, text);
    return count(text, pem_start) > 0 ? read_pem(reader, text) : read_secret(reader, text);
}

int token_keys_read(struct token_keys **out, const char *path, const struct source *source,
        struct report *report)
{
    struct token_keys *keys = calloc(1, sizeof(*keys));
    struct token_keys_reader reader = { keys, report, { path, 0 } };
    struct bytes text = { 0 };
    int result;

    if (!keys)
        return -ENOMEM;
    keys->path = strdup(path);
    result = keys->path ? source_read_told(source, path, &text, report) : -ENOMEM;
    if (result == 0)
        result = read_text(&reader, text);
    if (text.size > 0)
        OPENSSL_cleanse((void *)(uintptr_t)text.data, text.size);
    free((void *)(uintptr_t)text.data);
    /* Loads the library: when a client comes, others may have left no descriptor for it. */
    json_delete(json_object());
    if (result == 0)
        *out = keys;
    else
        token_keys_free(keys);
    return result;
}

bool token_keys_have_secret(const struct token_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->keys[i].algorithm == TOKEN_HS256)
            return true;
    }
    return false;
}

void token_keys_free(struct token_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->keys[i].public_key);
    free(keys->path);
    OPENSSL_cleanse(keys, sizeof(*keys));
    free(keys);
}

/* ---- Signatures ---- */

static bool verify_secret(const struct token_key *key, struct bytes text, struct bytes signature)
{
    uint8_t expected[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    return HMAC(EVP_sha256(), key->secret, (int)key->secret_size, text.data, text.size, expected,
                   &size) &&
            signature.size == size && CRYPTO_memcmp(signature.data, expected, size) == 0;
}

static bool verify_public(const struct token_key *key, struct bytes text, struct bytes signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context &&
            EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->public_key) == 1 &&
            EVP_DigestVerify(context, signature.data, signature.size, text.data, text.size) == 1;

    EVP_MD_CTX_free(context);
    ERR_clear_error(); /* A wrong signature is no error of ours. */
    return good;
}

/* OpenSSL wants the two numbers as ASN.1. */
static bool verify_es256(const struct token_key *key, struct bytes text, struct bytes signature)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    uint8_t *encoded = NULL;
    BIGNUM *r = NULL;
    BIGNUM *s = NULL;
    bool good = false;
    int size = 0;

    if (signature.size == 2 * P256_SIZE && pair) {
        r = BN_bin2bn(signature.data, P256_SIZE, NULL);
        s = BN_bin2bn(signature.data + P256_SIZE, P256_SIZE, NULL);
    }
    if (r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* The pair has taken them. */
        size = i2d_ECDSA_SIG(pair, &encoded);
    }
    if (size > 0)
        good = verify_public(key, text, bytes_of(encoded, (size_t)size));
    OPENSSL_free(encoded);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return good;
}

bool token_key_verifies(const struct token_key *key, struct bytes text, struct bytes signature)
{
    switch (key->algorithm) {
    case TOKEN_HS256:
        return verify_secret(key, text, signature);
    case TOKEN_RS256:
        return verify_public(key, text, signature);
    case TOKEN_ES256:
        return verify_es256(key, text, signature);
    }
    return false;
}
