/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* for cpu_set_t */
#include "loop/cpu.h"

#include "tests/harness/test.h"

#include <limits.h>
#include <sched.h>

TEST(a_quota_is_rounded_up_to_whole_cores)
{
    assert_int_equal(cpu_quota_cores(50000, 100000), 1);
    assert_int_equal(cpu_quota_cores(100000, 100000), 1);
    assert_int_equal(cpu_quota_cores(150000, 100000), 2);
    assert_int_equal(cpu_quota_cores(400000, 100000), 4);
    assert_int_equal(cpu_quota_cores(INT64_MAX, 1), INT_MAX);
}

TEST(no_quota_allows_any_number_of_cores)
{
    assert_int_equal(cpu_quota_cores(-1, 100000), INT_MAX);
    assert_int_equal(cpu_quota_cores(100000, 0), INT_MAX);
}

TEST(the_affinity_mask_bounds_the_cores)
{
    cpu_set_t all;
    cpu_set_t one;
    int core = sched_getcpu();

    assert_true(core >= 0);
    assert_true(cpu_count() >= 1);
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}
