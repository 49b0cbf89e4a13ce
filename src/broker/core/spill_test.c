/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/spill.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { MANY = 2000 };

static struct spilled entry(uint64_t id)
{
    return (struct spilled){ .id = id, .size = 10 };
}

TEST(ids_leave_in_order)
{
    struct test_memory memory = test_memory_start();
    struct spill spill = { 0 };
    uint64_t next = 1;
    uint64_t front = 1;
    uint64_t ids[MANY];

    assert_null(spill_front(&spill));
    /* The list grows and shrinks over the chunks' borders at every fill. */
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < 100 + round * 7; i++) {
            const struct spilled more = entry(next++);

            assert_true(spill_add(&spill, &memory.memory, &more));
        }
        assert_int_equal(spill_peek(&spill, ids, MANY, UINT64_MAX),
                next - front < MANY ? next - front : MANY);
        for (uint64_t i = 0; i < next - front && i < MANY; i++)
            assert_int_equal(ids[i], front + i);
        while (front < next && (front % 97 != 0 || round == 39)) {
            assert_int_equal(spill_front(&spill)->id, front++);
            spill_drop_front(&spill, &memory.memory);
        }
        if (front < next) {
            front++;
            spill_drop_front(&spill, &memory.memory);
        }
        assert_int_equal(spill_count(&spill), next - front);
        assert_int_equal(spill_bytes(&spill), (next - front) * 10);
    }
    assert_int_equal(spill_count(&spill), 0);
    assert_int_equal(memory.state->blocks, 0);
    test_memory_end(&memory);
}

TEST(large_messages_are_named_a_few_at_a_time)
{
    struct test_memory memory = test_memory_start();
    struct spill spill = { 0 };
    uint64_t ids[5];

    for (uint64_t id = 1; id <= 5; id++) {
        const struct spilled one = entry(id);

        assert_true(spill_add(&spill, &memory.memory, &one));
    }
    assert_int_equal(spill_peek(&spill, ids, 5, 50), 5);
    assert_int_equal(spill_peek(&spill, ids, 5, 49), 4);
    assert_int_equal(spill_peek(&spill, ids, 3, 50), 3);
    assert_int_equal(spill_peek(&spill, ids, 5, 1), 1);
    assert_int_equal(ids[0], 1);
    spill_reset(&spill, &memory.memory);
    test_memory_end(&memory);
}

TEST(what_an_earlier_run_has_left_counts)
{
    struct test_memory memory = test_memory_start();
    struct spill spill = { .range = { .count = 5, .bytes = 50, .before = 100 } };
    const struct spilled one = entry(200);

    assert_true(spill_add(&spill, &memory.memory, &one));
    assert_int_equal(spill_count(&spill), 6);
    assert_int_equal(spill_bytes(&spill), 60);
    spill_reset(&spill, &memory.memory);
    assert_int_equal(spill_count(&spill), 0);
    test_memory_end(&memory);
}

TEST(without_memory_nothing_is_added)
{
    struct test_memory memory = test_memory_start();
    struct spill spill = { 0 };
    const struct spilled one = entry(1);

    memory.state->fail_at = 1;
    memory.state->fail_until = 1;
    assert_false(spill_add(&spill, &memory.memory, &one));
    assert_int_equal(spill_count(&spill), 0);
    assert_true(spill_add(&spill, &memory.memory, &one));
    spill_reset(&spill, &memory.memory);
    test_memory_end(&memory);
}
