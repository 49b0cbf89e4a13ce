# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to come true: the one place where these tests let time pass."""

import time

# Far more than anything here takes: a loaded machine and a sanitizer are slow.
PATIENCE_S = 30


def until(condition, what, timeout_s=PATIENCE_S):
    """Returns the first true value of condition(); fails with `what` when time runs out."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.005)


def elapse(seconds):
    """Lets a time pass that is itself under test, such as an expiry that nobody is told of."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, "the clock", timeout_s=seconds + PATIENCE_S)
