/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of one simulated server: counts what is out, checks the sizes that come back, and may
 * refuse at random.
 */
#ifndef TESTS_SIMULATION_HEAP_H
#define TESTS_SIMULATION_HEAP_H

#include "base/memory.h"
#include "base/random.h"

struct heap {
    struct random random;
    uint32_t refuse_in; /* one request of so many is refused; 0: none */
    size_t bytes;       /* out now */
    size_t blocks;
    size_t bytes_peak;
    uint64_t refused;
};

/* The table of functions; the heap must outlive it. */
struct memory heap_memory(struct heap *heap);

#endif
