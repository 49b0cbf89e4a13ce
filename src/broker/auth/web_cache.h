/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of a web service, kept for a while, so that clients that come back do not ask it each
 * time. An answer is found by a keyed hash of all that was asked, so no password is kept.
 *
 * The table has rows of a few places each; of a full row the answer that ends first makes room.
 */
#ifndef BROKER_AUTH_WEB_CACHE_H
#define BROKER_AUTH_WEB_CACHE_H

#include "base/bytes.h"

enum {
    WEB_CACHE_ROWS = 1024,
    WEB_CACHE_PLACES = 4,      /* of a row */
    WEB_CACHE_BODY_MAX = 4096, /* bytes of an answer; longer ones are not kept */
    WEB_CACHE_KEY_SIZE = 32,
};

struct web_cache_entry {
    uint8_t key[WEB_CACHE_KEY_SIZE];
    int64_t ends_ms; /* 0: the place is free */
    long status;
    uint8_t *body;
    size_t body_size;
};

struct web_cache {
    uint8_t secret[32]; /* of this process */
    struct web_cache_entry *entries;
};

/* Returns 0, -ENOMEM, or -EIO without chance for the secret. */
int web_cache_init(struct web_cache *cache);

/* Wipes all of it. */
void web_cache_deinit(struct web_cache *cache);

/* The key of what was asked: several pieces, as if they were told one after the other, each with
 * its size. False when memory is short. */
bool web_cache_key(const struct web_cache *cache, const struct bytes *pieces, size_t count,
        uint8_t out[WEB_CACHE_KEY_SIZE]);

/* NULL when there is none that is still good. */
const struct web_cache_entry *web_cache_find(
        const struct web_cache *cache, const uint8_t key[WEB_CACHE_KEY_SIZE], int64_t now_ms);

/* Keeps a copy until ends_ms, where there is memory and the body is not too large. */
void web_cache_keep(struct web_cache *cache, const uint8_t key[WEB_CACHE_KEY_SIZE], long status,
        struct bytes body, int64_t ends_ms);

#endif
