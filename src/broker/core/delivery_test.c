/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/delivery.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

static void add(struct deliveries *ring, const struct memory *memory, uint64_t sequence)
{
    struct delivery *delivery = deliveries_add(ring, memory);

    assert_non_null(delivery);
    *delivery = (struct delivery){ .sequence = sequence };
}

TEST(what_comes_first_leaves_first)
{
    struct test_memory memory = test_memory_start();
    struct deliveries ring = { 0 };
    uint64_t added = 0;
    uint64_t taken = 0;

    /* The ring turns over while it grows and shrinks. */
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < round; i++)
            add(&ring, &memory.memory, added++);
        for (unsigned i = 0; i < round * 3 / 4; i++)
            assert_int_equal(deliveries_take(&ring, &memory.memory).sequence, taken++);
        for (uint32_t i = 0; i < ring.count; i++)
            assert_int_equal(deliveries_at(&ring, i)->sequence, taken + i);
    }
    while (ring.count > 0)
        assert_int_equal(deliveries_take(&ring, &memory.memory).sequence, taken++);
    assert_int_equal(taken, added);
    deliveries_release(&ring, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_ring_that_was_large_gives_its_memory_back)
{
    struct test_memory memory = test_memory_start();
    struct deliveries ring = { 0 };

    for (unsigned i = 0; i < 10000; i++)
        add(&ring, &memory.memory, i);
    for (unsigned i = 0; i < 9990; i++)
        deliveries_take(&ring, &memory.memory);
    assert_true(ring.capacity <= 128);
    for (unsigned i = 9990; i < 10000; i++)
        assert_int_equal(deliveries_take(&ring, &memory.memory).sequence, i);
    deliveries_release(&ring, &memory.memory);
    test_memory_end(&memory);
}

static bool is_even(void *context, struct delivery *delivery)
{
    (*(unsigned *)context)++;
    return delivery->sequence % 2 == 0;
}

TEST(a_filter_keeps_the_order)
{
    struct test_memory memory = test_memory_start();
    struct deliveries ring = { 0 };
    unsigned asked = 0;

    for (unsigned i = 0; i < 6; i++)
        add(&ring, &memory.memory, 0);
    for (unsigned i = 0; i < 6; i++)
        deliveries_take(&ring, &memory.memory);
    for (unsigned i = 0; i < 7; i++)
        add(&ring, &memory.memory, i);
    deliveries_filter(&ring, &memory.memory, is_even, &asked);
    assert_int_equal(asked, 7);
    assert_int_equal(ring.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(deliveries_at(&ring, i)->sequence, 2 * i);
    while (ring.count > 0)
        deliveries_take(&ring, &memory.memory);
    deliveries_release(&ring, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_ring_without_memory_keeps_what_it_has)
{
    struct test_memory memory = test_memory_start();
    struct deliveries ring = { 0 };
    uint64_t count = 0;

    memory.state->fail_at = 2;
    memory.state->fail_until = UINT64_MAX;
    while (deliveries_reserve(&ring, &memory.memory))
        add(&ring, &memory.memory, count++);
    assert_int_equal(ring.count, count);
    assert_null(deliveries_add(&ring, &memory.memory));
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(deliveries_take(&ring, &memory.memory).sequence, i);
    deliveries_release(&ring, &memory.memory);
    test_memory_end(&memory);
}
