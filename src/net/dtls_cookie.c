/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls_cookie.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static bool draw(uint8_t secret[DTLS_COOKIE_SECRET_SIZE])
{
    return RAND_bytes(secret, DTLS_COOKIE_SECRET_SIZE) == 1;
}

/* False when there are no secrets, as there are no random bytes. */
static bool renew(struct dtls_cookies *cookies, int64_t now_ms)
{
    int64_t age_ms = now_ms - cookies->changed_ms;
    uint8_t next[DTLS_COOKIE_SECRET_SIZE];

    if (cookies->ready && age_ms < DTLS_COOKIE_LIFE_MS)
        return true;
    if (!draw(next))
        return cookies->ready;
    /* What has lain unused for long is of no use as the secret before either. */
    if (!cookies->ready || age_ms >= 2 * DTLS_COOKIE_LIFE_MS)
        memcpy(cookies->secrets[1], next, sizeof(next));
    else
        memcpy(cookies->secrets[1], cookies->secrets[0], sizeof(next));
    memcpy(cookies->secrets[0], next, sizeof(next));
    OPENSSL_cleanse(next, sizeof(next));
    cookies->changed_ms = now_ms;
    cookies->ready = true;
    return true;
}

static bool make_by(const uint8_t secret[DTLS_COOKIE_SECRET_SIZE], struct bytes who,
        uint8_t out[DTLS_COOKIE_SIZE])
{
    uint8_t mark[EVP_MAX_MD_SIZE];

    if (!HMAC(EVP_sha256(), secret, DTLS_COOKIE_SECRET_SIZE, who.data, who.size, mark, NULL))
        return false;
    memcpy(out, mark, DTLS_COOKIE_SIZE);
    return true;
}

bool dtls_cookie_make(struct dtls_cookies *cookies, struct bytes who, int64_t now_ms,
        uint8_t out[DTLS_COOKIE_SIZE])
{
    return renew(cookies, now_ms) && make_by(cookies->secrets[0], who, out);
}

bool dtls_cookie_is_good(
        struct dtls_cookies *cookies, struct bytes who, int64_t now_ms, struct bytes cookie)
{
    if (cookie.size != DTLS_COOKIE_SIZE || !renew(cookies, now_ms))
        return false;
    for (size_t i = 0; i < 2; i++) {
        uint8_t made[DTLS_COOKIE_SIZE];

        if (make_by(cookies->secrets[i], who, made) &&
                CRYPTO_memcmp(made, cookie.data, DTLS_COOKIE_SIZE) == 0)
            return true;
    }
    return false;
}
