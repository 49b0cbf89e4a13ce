/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for tests: counts what is out, checks the sizes that come back, and can fail on purpose.
 */
#ifndef TESTS_HARNESS_MEMORY_H
#define TESTS_HARNESS_MEMORY_H

#include "base/memory.h"

#include <stdint.h>

struct test_memory_state {
    size_t bytes;     /* out now */
    size_t blocks;    /* out now */
    uint64_t taken;   /* calls of take so far */
    uint64_t fail_at; /* the n-th call (from 1) and every later one up to fail_until fails; 0: never
                       */
    uint64_t fail_until;
};

struct test_memory {
    struct memory memory;
    struct test_memory_state *state;
};

struct test_memory test_memory_start(void);

/* Fails the test when anything is still out. */
void test_memory_end(struct test_memory *memory);

#endif
