/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory from malloc, whose sanitizers see each block.
 */
#ifndef TESTS_FUZZ_SYSTEM_MEMORY_H
#define TESTS_FUZZ_SYSTEM_MEMORY_H

#include "base/memory.h"

#include <stdlib.h>

static void *system_take(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void system_give(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static inline struct memory system_memory(void)
{
    return (struct memory){ system_take, system_give, NULL };
}

#endif
