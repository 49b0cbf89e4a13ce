/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/token_fixture.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>

enum { SIGNATURE_MAX = 512, HALF = 32 };

/* Appends bytes as base64url. */
static void put(char *out, const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *bytes = data;
    uint32_t pending = 0;
    unsigned count = 0;

    out += strlen(out);
    for (size_t i = 0; i < size; i++) {
        pending = pending << 8 | bytes[i];
        for (count += 8; count >= 6; count -= 6)
            *out++ = digits[pending >> (count - 6) & 63];
    }
    if (count > 0)
        *out++ = digits[pending << (6 - count) & 63];
    *out = '\0';
}

static void write_pem(char out[KEY_TEXT_MAX], EVP_PKEY *key, bool private_key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int size;

    if (private_key)
        assert(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    else
        assert(PEM_write_bio_PUBKEY(bio, key) == 1);
    size = BIO_read(bio, out, KEY_TEXT_MAX - 1);
    assert(size > 0);
    out[size] = '\0';
    BIO_free(bio);
}

static void put_number(char *out, EVP_PKEY *key, const char *name)
{
    uint8_t bytes[SIGNATURE_MAX];
    BIGNUM *number = NULL;
    int size;

    assert(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    size = BN_bn2bin(number, bytes);
    put(out, bytes, (size_t)size);
    BN_free(number);
}

/* A coordinate has all its bytes, also those that are 0. */
static void put_coordinate(char *out, EVP_PKEY *key, const char *name)
{
    uint8_t bytes[HALF];
    BIGNUM *number = NULL;

    assert(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    assert(BN_bn2binpad(number, bytes, HALF) == HALF);
    put(out, bytes, HALF);
    BN_free(number);
}

static void write_set(struct token_maker *maker)
{
    char *set = maker->set;

    strcpy(set, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"n\":\"");
    put_number(set, maker->rsa, OSSL_PKEY_PARAM_RSA_N);
    strcat(set, "\",\"e\":\"");
    put_number(set, maker->rsa, OSSL_PKEY_PARAM_RSA_E);
    strcat(set, "\"},{\"kty\":\"EC\",\"kid\":\"e\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"x\":\"");
    put_coordinate(set, maker->ec, OSSL_PKEY_PARAM_EC_PUB_X);
    strcat(set, "\",\"y\":\"");
    put_coordinate(set, maker->ec, OSSL_PKEY_PARAM_EC_PUB_Y);
    strcat(set, "\"},{\"kty\":\"oct\",\"kid\":\"h\",\"key_ops\":[\"verify\"],\"k\":\"");
    put(set, SECRET_TEXT, strlen(SECRET_TEXT));
    strcat(set, "\"}]}");
}

void token_maker_init(struct token_maker *maker)
{
    *maker = (struct token_maker){ .rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048),
        .ec = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256") };
    assert(maker->rsa && maker->ec);
    write_pem(maker->rsa_pem, maker->rsa, false);
    write_pem(maker->ec_pem, maker->ec, false);
    write_pem(maker->rsa_private_pem, maker->rsa, true);
    write_set(maker);
}

void token_maker_deinit(struct token_maker *maker)
{
    EVP_PKEY_free(maker->rsa);
    EVP_PKEY_free(maker->ec);
}

/* Starts the token with what is signed. */
static struct bytes begin(struct token_maker *maker, const char *header, const char *claims)
{
    maker->token[0] = '\0';
    put(maker->token, header, strlen(header));
    strcat(maker->token, ".");
    put(maker->token, claims, strlen(claims));
    return bytes_of_text(maker->token);
}

static void end(struct token_maker *maker, const uint8_t *signature, size_t size)
{
    strcat(maker->token, ".");
    put(maker->token, signature, size);
}

const char *token_make_by(
        struct token_maker *maker, struct bytes secret, const char *header, const char *claims)
{
    struct bytes text = begin(maker, header, claims);
    uint8_t signature[SIGNATURE_MAX];
    unsigned size = 0;

    assert(HMAC(
            EVP_sha256(), secret.data, (int)secret.size, text.data, text.size, signature, &size));
    end(maker, signature, size);
    return maker->token;
}

/* The two numbers of an ECDSA signature, out of its ASN.1. */
static size_t unpack(uint8_t *signature, size_t size)
{
    const uint8_t *start = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &start, (long)size);
    uint8_t halves[2 * HALF];

    assert(pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), halves, HALF) == HALF);
    assert(BN_bn2binpad(ECDSA_SIG_get0_s(pair), halves + HALF, HALF) == HALF);
    memcpy(signature, halves, sizeof(halves));
    ECDSA_SIG_free(pair);
    return sizeof(halves);
}

const char *token_make(struct token_maker *maker, enum token_algorithm algorithm,
        const char *header, const char *claims)
{
    uint8_t signature[SIGNATURE_MAX];
    size_t size = sizeof(signature);
    EVP_MD_CTX *context;
    struct bytes text;

    if (algorithm == TOKEN_HS256)
        return token_make_by(maker, BYTES(SECRET_TEXT), header, claims);
    text = begin(maker, header, claims);
    context = EVP_MD_CTX_new();
    assert(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL,
                   algorithm == TOKEN_RS256 ? maker->rsa : maker->ec) == 1);
    assert(EVP_DigestSign(context, signature, &size, text.data, text.size) == 1);
    EVP_MD_CTX_free(context);
    if (algorithm == TOKEN_ES256)
        size = unpack(signature, size);
    end(maker, signature, size);
    return maker->token;
}
