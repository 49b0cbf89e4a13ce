/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/marks.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

TEST(amounts_come_free_in_order)
{
    struct test_memory memory = test_memory_start();
    struct marks marks = { 0 };

    assert_true(marks_add(&marks, &memory.memory, 3));
    assert_true(marks_add(&marks, &memory.memory, 4)); /* of the same turn */
    assert_int_equal(marks_take(&marks, UINT64_MAX - 1), 0);
    marks_settle(&marks, 10);
    for (uint64_t turn = 1; turn <= 20; turn++) {
        assert_true(marks_add(&marks, &memory.memory, turn));
        marks_settle(&marks, 10 + turn);
    }
    assert_int_equal(marks_take(&marks, 9), 0);
    assert_int_equal(marks_take(&marks, 12), 3 + 4 + 1 + 2);
    assert_int_equal(marks_take(&marks, 12), 0);
    assert_int_equal(marks_take(&marks, 13), 3);
    marks_reset(&marks, &memory.memory);
    test_memory_end(&memory);
}

TEST(a_turn_of_nothing_changes_nothing)
{
    struct test_memory memory = test_memory_start();
    struct marks marks = { 0 };

    marks_settle(&marks, 5);
    assert_int_equal(marks_take(&marks, 5), 0);
    assert_true(marks_add(&marks, &memory.memory, 1));
    marks_settle(&marks, 6);
    marks_settle(&marks, 7); /* The next turn's is not its position. */
    assert_int_equal(marks_take(&marks, 6), 1);
    marks_reset(&marks, &memory.memory);
    test_memory_end(&memory);
}

TEST(without_memory_nothing_is_marked)
{
    struct test_memory memory = test_memory_start();
    struct marks marks = { 0 };

    memory.state->fail_at = 1;
    memory.state->fail_until = UINT64_MAX;
    assert_false(marks_add(&marks, &memory.memory, 1));
    assert_int_equal(marks.count, 0);
    test_memory_end(&memory);
}
