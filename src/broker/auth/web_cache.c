/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/web_cache.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

static void empty(struct web_cache_entry *entry)
{
    if (entry->body)
        OPENSSL_cleanse(entry->body, entry->body_size);
    free(entry->body);
    OPENSSL_cleanse(entry, sizeof(*entry));
}

int web_cache_init(struct web_cache *cache)
{
    *cache = (struct web_cache){ .entries = NULL };
    if (RAND_bytes(cache->secret, sizeof(cache->secret)) != 1)
        return -EIO;
    cache->entries = calloc((size_t)WEB_CACHE_ROWS * WEB_CACHE_PLACES, sizeof(*cache->entries));
    return cache->entries ? 0 : -ENOMEM;
}

void web_cache_deinit(struct web_cache *cache)
{
    for (size_t i = 0; cache->entries && i < (size_t)WEB_CACHE_ROWS * WEB_CACHE_PLACES; i++)
        empty(&cache->entries[i]);
    free(cache->entries);
    OPENSSL_cleanse(cache, sizeof(*cache));
}

static bool add(EVP_MD_CTX *context, struct bytes piece)
{
    return EVP_DigestUpdate(context, &piece.size, sizeof(piece.size)) == 1 &&
            EVP_DigestUpdate(context, piece.data, piece.size) == 1;
}

bool web_cache_key(const struct web_cache *cache, const struct bytes *pieces, size_t count,
        uint8_t out[WEB_CACHE_KEY_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    /* The secret before and behind it: nobody can go on from a hash that he should see. */
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
            add(context, bytes_of(cache->secret, sizeof(cache->secret)));

    for (size_t i = 0; good && i < count; i++)
        good = add(context, pieces[i]);
    good = good && add(context, bytes_of(cache->secret, sizeof(cache->secret))) &&
            EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static struct web_cache_entry *row_of(
        const struct web_cache *cache, const uint8_t key[WEB_CACHE_KEY_SIZE])
{
    return &cache->entries[(size_t)(key[0] << 8 | key[1]) % WEB_CACHE_ROWS * WEB_CACHE_PLACES];
}

const struct web_cache_entry *web_cache_find(
        const struct web_cache *cache, const uint8_t key[WEB_CACHE_KEY_SIZE], int64_t now_ms)
{
    const struct web_cache_entry *row = row_of(cache, key);

    for (size_t i = 0; i < WEB_CACHE_PLACES; i++) {
        if (row[i].ends_ms > now_ms && CRYPTO_memcmp(row[i].key, key, WEB_CACHE_KEY_SIZE) == 0)
            return &row[i];
    }
    return NULL;
}

void web_cache_keep(struct web_cache *cache, const uint8_t key[WEB_CACHE_KEY_SIZE], long status,
        struct bytes body, int64_t ends_ms)
{
    struct web_cache_entry *row = row_of(cache, key);
    struct web_cache_entry *place = row;
    uint8_t *copy = NULL;

    for (size_t i = 1; i < WEB_CACHE_PLACES; i++) {
        if (row[i].ends_ms < place->ends_ms)
            place = &row[i];
    }
    if (body.size > WEB_CACHE_BODY_MAX)
        return;
    if (body.size > 0 && !(copy = malloc(body.size)))
        return;
    if (body.size > 0)
        memcpy(copy, body.data, body.size);
    empty(place);
    memcpy(place->key, key, WEB_CACHE_KEY_SIZE);
    place->ends_ms = ends_ms;
    place->status = status;
    place->body = copy;
    place->body_size = body.size;
}
