# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to come true: the one place where these tests let time pass."""

import time

# Far more than anything here takes: a loaded machine, a slow disk and a sanitizer take their time.
PATIENCE_S = 90
TRIES_MAX = 5
# A server counts from the time at which its turn began, in whole milliseconds: what it makes wait
# may be over sooner by its own clock's step, and by what else was done in that turn.
CLOCK_STEP_S = 0.05


def until(condition, what, timeout_s=PATIENCE_S):
    """Returns the first true value of condition(); fails with `what` when time runs out.

    It is asked once more after that: who waits may himself stand still meanwhile.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        is_late = time.monotonic() >= deadline
        value = condition()
        if value:
            return value
        assert not is_late, f"waited {timeout_s} s for {what}"
        time.sleep(0.005)


def in_time(limit_s, step):
    """What step() gives, where it is only to be expected of who is quick.

    A machine may have no processor to give for longer than a peer waits, and who is late is then
    rightly given up: a step that fails after limit_s has shown nothing, and is taken anew.
    """
    for tries_left in reversed(range(TRIES_MAX)):
        began = time.monotonic()
        try:
            return step()
        except (AssertionError, OSError):
            if time.monotonic() - began < limit_s or not tries_left:
                raise


def seconds_of(step):
    """How long it takes."""
    began = time.monotonic()
    step()
    return time.monotonic() - began


def lasted(began, least_s):
    """Whether so many seconds have gone by since then, by the clock of a server."""
    return time.monotonic() - began >= least_s - CLOCK_STEP_S


def pace(seconds):
    """Lets a time pass between two steps of a load that is to be steady and not all it can be."""
    time.sleep(seconds)


def elapse(seconds):
    """Lets a time pass that is itself under test, such as an expiry that nobody is told of."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, "the clock", timeout_s=seconds + PATIENCE_S)
