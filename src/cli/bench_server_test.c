/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_server.h"

#include "cli/bench_options.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

TEST(no_process_gives_nothing)
{
    struct bench_server server;
    struct bench_usage usage = { .cpu_ns = 7 };
    struct bench_report report = { 0 };

    assert_int_equal(bench_server_open(&server, 0), 0);
    assert_int_equal(bench_server_read(&server, &usage), 0);
    assert_int_equal(usage.cpu_ns, 0);
    bench_server_report(&server, &usage, &usage, 1, &report);
    assert_int_equal(report.count, 0);
    bench_server_close(&server);
}

TEST(a_process_that_is_not_there_is_said)
{
    struct bench_server server;

    assert_int_equal(bench_server_open(&server, BENCH_PID_MAX + 1), -ESRCH);
}

TEST(work_and_memory_of_a_process_show)
{
    enum { BLOCK = 8 << 20 };
    struct bench_server server;
    struct bench_usage before;
    struct bench_usage after;
    char *block;

    assert_int_equal(bench_server_open(&server, getpid()), 0);
    assert_int_equal(bench_server_read(&server, &before), 0);
    block = malloc(BLOCK);
    assert_non_null(block);
    memset(block, 1, BLOCK);
    assert_int_equal(bench_server_read(&server, &after), 0);
    free(block);
    assert_true(after.cpu_ns > before.cpu_ns);
    assert_true(after.anonymous_bytes >= before.anonymous_bytes + BLOCK);
    assert_true(after.proportional_bytes >= after.anonymous_bytes);
    assert_true(server.no_instructions[0] || after.instructions > before.instructions);
    bench_server_close(&server);
}
