/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "tests/harness/test.h"

struct trace {
    pthread_t thread;
    unsigned times;
};

static void note_thread(void *context)
{
    struct trace *trace = context;

    trace->thread = pthread_self();
    trace->times++;
}

TEST(without_a_keeper_the_caller_does_the_work)
{
    struct keeper keeper = { 0 };
    struct trace trace = { 0 };

    keeper_do(&keeper, note_thread, &trace);
    assert_int_equal(trace.times, 1);
    assert_true(pthread_equal(trace.thread, pthread_self()));
    assert_int_equal(keeper_settle(&keeper), -EPERM);
    keeper_stop(&keeper);
}

TEST(a_keeper_does_the_work_until_it_is_stopped)
{
    struct keeper keeper = { 0 };
    struct trace trace = { 0 };

    assert_int_equal(keeper_start(&keeper), 0);
    for (unsigned i = 0; i < 3; i++)
        keeper_do(&keeper, note_thread, &trace);
    assert_int_equal(trace.times, 3);
    assert_false(pthread_equal(trace.thread, pthread_self()));
    keeper_stop(&keeper);
    keeper_do(&keeper, note_thread, &trace);
    assert_int_equal(trace.times, 4);
    assert_true(pthread_equal(trace.thread, pthread_self()));
}
