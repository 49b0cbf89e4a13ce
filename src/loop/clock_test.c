/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/clock.h"

#include "tests/harness/test.h"

TEST(the_clock_does_not_go_back)
{
    int64_t before_ns = clock_now_ns();
    int64_t before_ms = clock_now_ms();

    assert_true(clock_now_ns() >= before_ns);
    assert_true(before_ms >= before_ns / 1000000);
}

TEST(the_wall_clock_counts_from_1970)
{
    assert_true(clock_wall_ms() > 1700000000000); /* November 2023 */
}
