/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks for tests in one thread: they fail the test when one is acquired twice, released unheld, or
 * acquired after one that was created later.
 */
#ifndef TESTS_HARNESS_LOCKS_H
#define TESTS_HARNESS_LOCKS_H

#include "broker/core/locks.h"

#include <stdbool.h>

enum { TEST_LOCKS_MAX = 256 };

struct test_lock {
    bool held;
};

struct test_locks_state {
    struct test_lock all[TEST_LOCKS_MAX]; /* in the order of creation */
    unsigned created;
    unsigned destroyed;
    unsigned fail_at;  /* the n-th to be created (from 1) is not; 0: none fails */
    unsigned held;     /* now */
    unsigned held_max; /* the most so far; a test may set it to 0 */
};

struct test_locks {
    struct locks locks;
    struct test_locks_state *state;
};

struct test_locks test_locks_start(void);

/* Fails the test when one is held or was not destroyed. */
void test_locks_end(struct test_locks *locks);

#endif
