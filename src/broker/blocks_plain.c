/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.h by malloc() and free() alone. */
#include "broker/blocks.h"

#include <stdlib.h>

void depot_init(struct depot *depot)
{
    (void)depot;
}

void depot_deinit(struct depot *depot)
{
    (void)depot;
}

void *blocks_take(struct blocks *blocks, size_t size)
{
    (void)blocks;
    return malloc(size);
}

void blocks_give(struct blocks *blocks, void *block, size_t size)
{
    (void)blocks;
    (void)size;
    free(block);
}

void *blocks_new(size_t size)
{
    return malloc(size);
}

void blocks_release(struct blocks *blocks)
{
    (void)blocks;
}
