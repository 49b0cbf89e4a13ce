/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { ITEMS = 1000 };

static struct bytes number_key(const void *value)
{
    return bytes_of(value, sizeof(uint32_t));
}

/* A poor hash on purpose: many runs collide. */
static uint64_t number_hash(uint32_t number)
{
    return number % 37 * 3;
}

static void *find(const struct map *map, uint32_t number)
{
    return map_find(map, number_hash(number), number_key(&number));
}

TEST(what_was_added_is_found_until_it_is_removed)
{
    static uint32_t numbers[ITEMS];
    struct test_memory memory = test_memory_start();
    struct map map;

    map_init(&map, number_key);
    assert_null(find(&map, 5));
    for (uint32_t i = 0; i < ITEMS; i++) {
        numbers[i] = i;
        assert_true(map_add(&map, &memory.memory, number_hash(i), &numbers[i]));
    }
    for (uint32_t step = 0; step < ITEMS; step++) {
        uint32_t gone = step * 7 % ITEMS;

        assert_ptr_equal(find(&map, gone), &numbers[gone]);
        map_remove(&map, &memory.memory, number_hash(gone), &numbers[gone]);
        assert_null(find(&map, gone));
        assert_int_equal(map.count, ITEMS - 1 - step);
        if (step % 50 == 0) {
            for (uint32_t left = step + 1; left < ITEMS; left++)
                assert_non_null(find(&map, left * 7 % ITEMS));
        }
    }
    test_memory_end(&memory);
}

TEST(walk_meets_each_object_once)
{
    uint32_t numbers[20];
    struct test_memory memory = test_memory_start();
    struct map map;
    uint32_t position = 0;
    uint32_t sum = 0;
    uint32_t *number;

    map_init(&map, number_key);
    for (uint32_t i = 0; i < 20; i++) {
        numbers[i] = i + 1;
        assert_true(map_add(&map, &memory.memory, number_hash(i + 1), &numbers[i]));
    }
    while ((number = map_next(&map, &position)))
        sum += *number;
    assert_int_equal(sum, 210);
    map_deinit(&map, &memory.memory);
    test_memory_end(&memory);
}

TEST(failed_growth_changes_nothing)
{
    uint32_t numbers[7];
    struct test_memory memory = test_memory_start();
    struct map map;

    map_init(&map, number_key);
    for (uint32_t i = 0; i < 6; i++) {
        numbers[i] = i;
        assert_true(map_add(&map, &memory.memory, number_hash(i), &numbers[i]));
    }
    numbers[6] = 6;
    memory.state->fail_at = memory.state->taken + 1;
    memory.state->fail_until = UINT64_MAX;
    assert_false(map_add(&map, &memory.memory, number_hash(6), &numbers[6]));
    for (uint32_t i = 0; i < 6; i++)
        assert_ptr_equal(find(&map, i), &numbers[i]);
    assert_null(find(&map, 6));
    map_deinit(&map, &memory.memory);
    test_memory_end(&memory);
}
