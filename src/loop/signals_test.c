/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/signals.h"

#include "loop/poll.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* The next test begins as a program does. */
static void close_signals(int fd)
{
    sigset_t none;

    signals_close(fd);
    sigemptyset(&none);
    assert_int_equal(sigprocmask(SIG_SETMASK, &none, NULL), 0);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
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
    close_signals(fd);
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
    close_signals(fd);
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
    close_signals(fd);
}
