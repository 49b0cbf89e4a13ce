/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/web_cache.h"

#include "tests/harness/test.h"

#include <stdlib.h>

static void key_of(const struct web_cache *cache, const char *a, const char *b,
        uint8_t key[WEB_CACHE_KEY_SIZE])
{
    const struct bytes pieces[] = { bytes_of_text(a), bytes_of_text(b) };

    assert_true(web_cache_key(cache, pieces, 2, key));
}

TEST(an_answer_is_found_until_it_ends)
{
    struct web_cache cache;
    uint8_t key[WEB_CACHE_KEY_SIZE];
    uint8_t other[WEB_CACHE_KEY_SIZE];
    const struct web_cache_entry *entry;

    assert_int_equal(web_cache_init(&cache), 0);
    key_of(&cache, "alice", "wonder", key);
    assert_null(web_cache_find(&cache, key, 1));
    web_cache_keep(&cache, key, 200, BYTES("yes"), 100);
    entry = web_cache_find(&cache, key, 99);
    assert_non_null(entry);
    assert_int_equal(entry->status, 200);
    assert_true(bytes_equal(bytes_of(entry->body, entry->body_size), BYTES("yes")));
    assert_null(web_cache_find(&cache, key, 100));
    key_of(&cache, "alicew", "onder", other);
    assert_null(web_cache_find(&cache, other, 1));
    web_cache_keep(&cache, other, 204, BYTES(""), 100);
    assert_int_equal(web_cache_find(&cache, other, 1)->body_size, 0);
    web_cache_deinit(&cache);
}

TEST(each_process_has_keys_of_its_own)
{
    struct web_cache caches[2];
    uint8_t keys[2][WEB_CACHE_KEY_SIZE];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(web_cache_init(&caches[i]), 0);
        key_of(&caches[i], "alice", "wonder", keys[i]);
    }
    assert_memory_not_equal(keys[0], keys[1], WEB_CACHE_KEY_SIZE);
    for (int i = 0; i < 2; i++)
        web_cache_deinit(&caches[i]);
}

TEST(of_a_full_row_what_ends_first_makes_room)
{
    struct web_cache cache;
    uint8_t key[WEB_CACHE_KEY_SIZE] = { 1, 2 };

    assert_int_equal(web_cache_init(&cache), 0);
    for (uint8_t i = 0; i <= WEB_CACHE_PLACES; i++) {
        key[2] = i;
        web_cache_keep(&cache, key, 200, BYTES("yes"), i == 2 ? 50 : 100);
    }
    for (uint8_t i = 0; i <= WEB_CACHE_PLACES; i++) {
        key[2] = i;
        assert_int_equal(web_cache_find(&cache, key, 1) != NULL, i != 2);
    }
    web_cache_deinit(&cache);
}

TEST(a_large_answer_is_not_kept)
{
    struct web_cache cache;
    uint8_t key[WEB_CACHE_KEY_SIZE] = { 0 };
    uint8_t *body = calloc(1, WEB_CACHE_BODY_MAX + 1);

    assert_non_null(body);
    assert_int_equal(web_cache_init(&cache), 0);
    web_cache_keep(&cache, key, 200, bytes_of(body, WEB_CACHE_BODY_MAX + 1), 100);
    assert_null(web_cache_find(&cache, key, 1));
    web_cache_keep(&cache, key, 200, bytes_of(body, WEB_CACHE_BODY_MAX), 100);
    assert_non_null(web_cache_find(&cache, key, 1));
    web_cache_deinit(&cache);
    free(body);
}
