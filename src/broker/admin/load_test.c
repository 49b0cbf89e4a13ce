/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/load.h"
#include "tests/harness/test.h"

static int hundredths(double number)
{
    return (int)(number * 100 + 0.5);
}

TEST(a_steady_rate_is_what_the_averages_come_to)
{
    struct load load = { 0 };
    uint64_t total = 0;

    for (int i = 0; i < 6 * 150; i++)
        load_update(&load, total += 100, 10000);
    assert_int_equal(hundredths(load.per_minute[0]), 60000);
    assert_int_equal(hundredths(load.per_minute[1]), 60000);
    assert_in_range(hundredths(load.per_minute[2]), 59990, 60000);
}

TEST(one_update_moves_an_average_by_its_weight)
{
    struct load load = { 0 };

    /* 60 in 10 s are 360 a minute; 1 - exp(-1/6) of that is 55.27, 1 - exp(-1/30) is 11.80. */
    load_update(&load, 60, 10000);
    assert_int_equal(hundredths(load.per_minute[0]), 5527);
    assert_int_equal(hundredths(load.per_minute[1]), 1180);
    assert_int_equal(hundredths(load.per_minute[2]), 398);
}

TEST(averages_fall_when_nothing_comes)
{
    struct load load = { 0 };

    load_update(&load, 1000, 60000);
    assert_true(load.per_minute[0] > load.per_minute[1]);
    for (int i = 0; i < 6 * 60; i++)
        load_update(&load, 1000, 10000);
    assert_int_equal(hundredths(load.per_minute[0]), 0);
    assert_string_equal(load_window_name(2), "15min");
}
