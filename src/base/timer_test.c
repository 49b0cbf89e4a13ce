/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer.h"

#include "tests/harness/test.h"

#include <stdlib.h>

enum { MANY = 2000 };

TEST(timer_is_due_at_its_time_and_not_before)
{
    struct timer_wheel wheel;
    struct timer timer;

    timer_wheel_init(&wheel, 1000);
    timer_init(&timer);
    timer_start(&wheel, &timer, 1000 + 123456);
    assert_null(timer_take_due(&wheel, 1000 + 123455));
    assert_true(timer_running(&timer));
    assert_ptr_equal(timer_take_due(&wheel, 1000 + 123456), &timer);
    assert_false(timer_running(&timer));
    assert_null(timer_take_due(&wheel, 1000 + 123456));
}

TEST(stopped_timer_is_never_due)
{
    struct timer_wheel wheel;
    struct timer timer;

    timer_wheel_init(&wheel, 0);
    timer_init(&timer);
    timer_start(&wheel, &timer, 70);
    timer_stop(&timer);
    assert_int_equal(timer_next_ms(&wheel), INT64_MAX);
    assert_null(timer_take_due(&wheel, 1000000));
}

TEST(timer_in_the_past_is_due_at_once)
{
    struct timer_wheel wheel;
    struct timer timer;

    timer_wheel_init(&wheel, 5000);
    timer_init(&timer);
    timer_start(&wheel, &timer, 4000);
    assert_int_equal(timer_next_ms(&wheel), 5000);
    assert_ptr_equal(timer_take_due(&wheel, 5000), &timer);
}

TEST(endless_timer_does_not_overflow)
{
    struct timer_wheel wheel;
    struct timer timer;

    timer_wheel_init(&wheel, 77);
    timer_init(&timer);
    timer_start(&wheel, &timer, INT64_MAX);
    assert_null(timer_take_due(&wheel, (int64_t)1 << 47));
    timer_stop(&timer);
}

/* Walks time by the wheel's own hints, with restarts and stops on the way, against a plain array.
 */
TEST(many_timers_are_due_exactly_when_they_should_be)
{
    static struct timer timers[MANY];
    struct timer_wheel wheel;
    int64_t now_ms = 123;
    unsigned running = MANY;
    unsigned seed = 7;

    timer_wheel_init(&wheel, now_ms);
    for (unsigned i = 0; i < MANY; i++) {
        timer_init(&timers[i]);
        seed = seed * 1103515245 + 12345;
        timer_start(&wheel, &timers[i], now_ms + (seed >> 4) % (1u << (i % 26)));
    }
    while (running > 0) {
        int64_t next_ms = timer_next_ms(&wheel);
        int64_t earliest_ms = INT64_MAX;
        struct timer *due;

        for (unsigned i = 0; i < MANY; i++) {
            if (timer_running(&timers[i]) && timers[i].due_ms < earliest_ms)
                earliest_ms = timers[i].due_ms;
        }
        assert_true(next_ms <= (earliest_ms > now_ms ? earliest_ms : now_ms));
        assert_true(next_ms >= now_ms);
        now_ms = next_ms;
        while ((due = timer_take_due(&wheel, now_ms))) {
            assert_true(due->due_ms <= now_ms);
            running--;
            seed = seed * 1103515245 + 12345;
            if (seed >> 16 & 1 && running > 10) {
                timer_start(&wheel, due, now_ms + 1 + (seed >> 8) % 100000);
                running++;
                seed ^= running;
                if (seed >> 20 & 1) {
                    timer_stop(due);
                    running--;
                }
            }
        }
        for (unsigned i = 0; i < MANY; i++)
            assert_true(!timer_running(&timers[i]) || timers[i].due_ms > now_ms);
    }
}
