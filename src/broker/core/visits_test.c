/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/visits.h"

#include "tests/harness/memory.h"
#include "tests/harness/test.h"

enum { START_MS = 1000000 };

static const struct visit_limit limit = { 10, 60000 };

TEST(as_often_as_the_limit_says_costs_no_delay)
{
    struct habit habit = { 0 };

    for (unsigned i = 0; i < 10; i++) {
        habit_add(&habit, limit, 1, START_MS);
        assert_int_equal(habit_delay_ms(&habit, limit, START_MS), 0);
    }
    habit_add(&habit, limit, 1, START_MS);
    assert_int_not_equal(habit_delay_ms(&habit, limit, START_MS), 0);
    /* A tenth of the window later it may do it once more. */
    assert_int_not_equal(habit_delay_ms(&habit, limit, START_MS + 5999), 0);
    assert_int_equal(habit_delay_ms(&habit, limit, START_MS + 6000), 0);
}

TEST(delay_doubles_up_to_its_limit)
{
    struct habit habit = { 0 };
    uint32_t before = 0;

    for (unsigned i = 0; i < 1000; i++) {
        uint32_t delay_ms;

        habit_add(&habit, limit, 1, START_MS);
        delay_ms = habit_delay_ms(&habit, limit, START_MS);
        if (before > 0)
            assert_int_equal(
                    delay_ms, before * 2 < VISIT_DELAY_MAX_MS ? before * 2 : VISIT_DELAY_MAX_MS);
        before = delay_ms;
    }
    assert_int_equal(before, VISIT_DELAY_MAX_MS);
}

TEST(nobody_waits_for_longer_than_a_window_for_what_was)
{
    struct habit habit = { 0 };

    for (unsigned i = 0; i < 1000000; i++)
        habit_add(&habit, limit, 1, START_MS);
    assert_int_equal(
            habit_delay_ms(&habit, limit, START_MS + limit.window_ms - 1), VISIT_DELAY_MIN_MS);
    assert_int_equal(habit_delay_ms(&habit, limit, START_MS + limit.window_ms), 0);
}

TEST(who_keeps_to_the_rate_never_waits)
{
    struct habit habit = { 0 };

    for (int64_t now_ms = START_MS; now_ms < START_MS + 10000000; now_ms += 6000) {
        habit_add(&habit, limit, 1, now_ms);
        assert_int_equal(habit_delay_ms(&habit, limit, now_ms), 0);
    }
}

TEST(shares_add_up)
{
    struct habit habit = { 0 };

    for (unsigned i = 0; i < 30; i++)
        habit_add(&habit, limit, 3, START_MS);
    assert_int_equal(habit_delay_ms(&habit, limit, START_MS), 0);
    habit_add(&habit, limit, 3, START_MS);
    assert_int_equal(habit_delay_ms(&habit, limit, START_MS), VISIT_DELAY_MIN_MS);
}

TEST(without_a_limit_nobody_waits)
{
    const struct visit_limit none = { 0, 60000 };
    struct habit habit = { 0 };

    for (unsigned i = 0; i < 1000; i++)
        habit_add(&habit, none, 1, START_MS);
    assert_int_equal(habit_delay_ms(&habit, none, START_MS), 0);
}

TEST(log_is_told_once_in_a_minute_with_the_number)
{
    struct habit habit = { 0 };

    assert_int_equal(habit_tell(&habit, START_MS), 1);
    assert_int_equal(habit_tell(&habit, START_MS + 1), 0);
    assert_int_equal(habit_tell(&habit, START_MS + VISIT_TOLD_EVERY_MS - 1), 0);
    assert_int_equal(habit_tell(&habit, START_MS + VISIT_TOLD_EVERY_MS), 3);
}

TEST(full_table_keeps_those_that_have_cost_most)
{
    struct test_memory memory = test_memory_start();
    struct visits visits;
    unsigned kept = 0;

    assert_true(visits_init(&visits, &memory.memory));
    assert_null(visits_find(&visits, 7));
    for (unsigned i = 0; i < 20; i++)
        habit_add(&visits_of(&visits, 7)->losses, limit, 1, START_MS);
    habit_add(&visits_of(&visits, 8)->fights, limit, 1, START_MS);
    /* Each of many others loses its connection once, somewhat later. */
    for (uint64_t id = 100; id < 100000; id++)
        habit_add(&visits_of(&visits, id)->losses, limit, 1, START_MS + 100);
    assert_ptr_equal(visits_of(&visits, 7), visits_find(&visits, 7));
    assert_true(habit_delay_ms(&visits_find(&visits, 7)->losses, limit, START_MS) > 0);
    assert_null(visits_find(&visits, 8));
    for (uint64_t id = 100; id < 100000; id++)
        kept += visits_find(&visits, id) != NULL;
    assert_int_equal(kept, VISITS_MAX - 1);
    visits_deinit(&visits, &memory.memory);
    test_memory_end(&memory);
}

TEST(table_may_have_no_memory)
{
    struct test_memory memory = test_memory_start();
    struct visits visits;

    memory.state->fail_at = 1;
    memory.state->fail_until = 1;
    assert_false(visits_init(&visits, &memory.memory));
    visits_deinit(&visits, &memory.memory);
    test_memory_end(&memory);
}
