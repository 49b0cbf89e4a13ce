/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

struct thing {
    struct pooled pooled;
    uint32_t value;
};

enum { THINGS = 200 };

TEST(handle_finds_its_object_until_that_is_given_back)
{
    struct test_memory memory = test_memory_start();
    struct pool pool;
    struct thing *things[THINGS];
    struct pooled old;

    pool_init(&pool, sizeof(struct thing));
    assert_null(pool_find(&pool, 0, 1));
    for (uint32_t i = 0; i < THINGS; i++) {
        things[i] = pool_take(&pool, &memory.memory);
        assert_non_null(things[i]);
        assert_int_equal(things[i]->value, 0);
        things[i]->value = i;
    }
    for (uint32_t i = 0; i < THINGS; i++)
        assert_ptr_equal(
                pool_find(&pool, things[i]->pooled.slot, things[i]->pooled.generation), things[i]);
    old = things[7]->pooled;
    pool_give(&pool, things[7]);
    assert_null(pool_find(&pool, old.slot, old.generation));
    things[7] = pool_take(&pool, &memory.memory);
    assert_int_equal(things[7]->pooled.slot, old.slot);
    assert_null(pool_find(&pool, old.slot, old.generation));
    assert_int_equal(pool.count, THINGS);
    pool_deinit(&pool, &memory.memory);
    test_memory_end(&memory);
}

TEST(walk_meets_what_is_in_use)
{
    struct test_memory memory = test_memory_start();
    struct pool pool;
    struct thing *first;
    struct thing *second;
    uint32_t slot = 0;

    pool_init(&pool, sizeof(struct thing));
    first = pool_take(&pool, &memory.memory);
    second = pool_take(&pool, &memory.memory);
    pool_give(&pool, first);
    assert_ptr_equal(pool_next(&pool, &slot), second);
    assert_null(pool_next(&pool, &slot));
    assert_ptr_equal(pool_at(&pool, second->pooled.slot), second);
    assert_null(pool_at(&pool, first->pooled.slot));
    assert_null(pool_at(&pool, pool_slots(&pool)));
    pool_deinit(&pool, &memory.memory);
    test_memory_end(&memory);
}

TEST(pool_without_memory_gives_nothing_and_keeps_going)
{
    struct test_memory memory = test_memory_start();
    struct pool pool;

    pool_init(&pool, sizeof(struct thing));
    for (uint64_t fail = 1; fail <= 2; fail++) {
        memory.state->taken = 0;
        memory.state->fail_at = fail;
        memory.state->fail_until = fail;
        assert_null(pool_take(&pool, &memory.memory));
    }
    assert_non_null(pool_take(&pool, &memory.memory));
    pool_deinit(&pool, &memory.memory);
    test_memory_end(&memory);
}
