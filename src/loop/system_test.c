/* SPDX-License-Identifier: Apache-2.0 */
/* The small ones: clock, cpu and signals. */
#define _GNU_SOURCE /* for cpu_set_t */
#include "loop/clock.h"
#include "loop/cpu.h"
#include "loop/poll.h"
#include "loop/signals.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

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

TEST(each_signal_is_taken_once)
{
    const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN };
    int fd = signals_open();

    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(signals_take(fd), 0);
        assert_int_equal(kill(getpid(), numbers[i]), 0);
        assert_int_equal(signals_take(fd), numbers[i]);
    }
    assert_int_equal(signals_take(fd), 0);
    signals_close(fd);
    assert_int_equal(signals_restore(), 0);
}

TEST(a_signal_makes_its_descriptor_ready)
{
    struct poll_event event;
    struct poll *poll;
    int fd = signals_open();

    assert_int_equal(poll_open(&poll), 0);
    assert_int_equal(poll_add(poll, fd, POLL_READ, NULL), 0);
    assert_int_equal(poll_wait(poll, &event, 1, 0), 0);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(poll_wait(poll, &event, 1, 1000), 1);
    assert_int_equal(signals_take(fd), SIGHUP);
    poll_close(poll);
    signals_close(fd);
    assert_int_equal(signals_restore(), 0);
}

TEST(a_peer_that_is_gone_is_a_result_of_write)
{
    int fd = signals_open();
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "a", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
    signals_close(fd);
    assert_int_equal(signals_restore(), 0);
}
