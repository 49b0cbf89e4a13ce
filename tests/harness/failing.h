/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail, for code that takes its memory from the C library. The linker is told to
 * put these functions in the place of the library's (-Wl,--wrap=calloc and so on): failing.c has
 * calloc, realloc and strdup, failing_malloc.c has malloc, and failing_count.c counts for all.
 */
#ifndef TESTS_HARNESS_FAILING_H
#define TESTS_HARNESS_FAILING_H

#include <stdbool.h>

struct failing {
    unsigned taken;
    unsigned fail_at; /* the n-th, from 1; 0: none */
};

/* The one that counts; set it to begin anew. */
struct failing *failing(void);

/* Counts an allocation. Does it fail? */
bool failing_next(void);

#endif
