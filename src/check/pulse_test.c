/* SPDX-License-Identifier: Apache-2.0 */
#include "check/pulse.h"

#include "tests/harness/test.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stops itself; its status says whether it was told, once it goes on. */
static void stand_still(void)
{
    struct pulse pulse;
    uint64_t before;
    bool told;

    if (pulse_start(&pulse) != 0)
        _exit(1);
    before = pulse_stalls(&pulse);
    raise(SIGSTOP);
    told = pulse_stalls_till_now(&pulse) > before && pulse_stalls(&pulse) > before;
    pulse_stop(&pulse);
    _exit(told ? 0 : 1);
}

TEST(a_process_that_stood_still_is_told_so)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        stand_still();
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    poll(NULL, 0, 3 * PULSE_STALL_MS);
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(it_stops_in_the_middle_of_a_beat)
{
    struct pulse pulse;

    assert_int_equal(pulse_start(&pulse), 0);
    pulse_stop(&pulse);
}
