/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/packet_ids.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

TEST(what_was_added_is_there_until_it_is_removed)
{
    struct test_memory memory = test_memory_start();
    struct packet_ids set = { 0 };
    const uint16_t ids[] = { 5, 1, 65535, 3, 4, 2, 700, 9, 8, 7, 6 };
    const size_t count = sizeof(ids) / sizeof(ids[0]);

    for (size_t i = 0; i < count; i++) {
        assert_false(packet_ids_have(&set, ids[i]));
        assert_true(packet_ids_add(&set, &memory.memory, ids[i]));
        assert_true(packet_ids_have(&set, ids[i]));
    }
    assert_int_equal(packet_ids_count(&set), count);
    for (size_t i = 1; i < count; i++)
        assert_true(set.list->ids[i - 1] < set.list->ids[i]);
    assert_false(packet_ids_remove(&set, &memory.memory, 10));
    for (size_t i = 0; i < count; i++) {
        assert_true(packet_ids_remove(&set, &memory.memory, ids[i]));
        assert_false(packet_ids_have(&set, ids[i]));
        assert_false(packet_ids_remove(&set, &memory.memory, ids[i]));
    }
    packet_ids_reset(&set, &memory.memory);
    test_memory_end(&memory);
}

TEST(all_ids_fit_and_leave_no_memory_behind)
{
    struct test_memory memory = test_memory_start();
    struct packet_ids set = { 0 };

    for (int id = 65535; id > 0; id -= 2)
        assert_true(packet_ids_add(&set, &memory.memory, (uint16_t)id));
    for (unsigned id = 1; id <= 65535; id++)
        assert_int_equal(packet_ids_have(&set, (uint16_t)id), id & 1);
    for (unsigned id = 1; id <= 65535; id += 2)
        assert_true(packet_ids_remove(&set, &memory.memory, (uint16_t)id));
    test_memory_end(&memory); /* A set that has become empty owns none. */
}

TEST(old_ids_are_not_counted_among_the_new_ones)
{
    struct test_memory memory = test_memory_start();
    struct packet_ids set = { 0 };

    packet_ids_age(&set);
    assert_int_equal(packet_ids_count_new(&set), 0);
    assert_true(packet_ids_add(&set, &memory.memory, 7));
    assert_true(packet_ids_add(&set, &memory.memory, 8));
    assert_int_equal(packet_ids_count_new(&set), 2);
    packet_ids_age(&set);
    assert_true(packet_ids_add(&set, &memory.memory, 9));
    assert_int_equal(packet_ids_count_new(&set), 1);
    assert_true(packet_ids_remove(&set, &memory.memory, 7));
    assert_int_equal(packet_ids_count_new(&set), 0);
    assert_true(packet_ids_remove(&set, &memory.memory, 8));
    assert_true(packet_ids_remove(&set, &memory.memory, 9));
    assert_int_equal(packet_ids_count_new(&set), 0);
    assert_true(packet_ids_add(&set, &memory.memory, 7));
    assert_int_equal(packet_ids_count_new(&set), 1);
    packet_ids_reset(&set, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_set_without_memory_stays_as_it_was)
{
    struct test_memory memory = test_memory_start();
    struct packet_ids set = { 0 };
    uint16_t id = 1;

    memory.state->fail_at = 2; /* The first growth. */
    memory.state->fail_until = 2;
    while (packet_ids_add(&set, &memory.memory, id))
        id++;
    assert_int_equal(packet_ids_count(&set), id - 1);
    assert_true(packet_ids_have(&set, 1));
    assert_false(packet_ids_have(&set, id));
    assert_true(packet_ids_add(&set, &memory.memory, id));
    packet_ids_reset(&set, &memory.memory);
    test_memory_end(&memory);
}
