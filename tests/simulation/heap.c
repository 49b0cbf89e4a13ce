/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/heap.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* Before every block, so that a wrong size is seen when it comes back. */
struct block {
    _Alignas(max_align_t) size_t size;
};

static void *heap_take(void *context, size_t size)
{
    struct heap *heap = context;
    struct block *block;

    assert(size > 0);
    if (heap->refuse_in > 0 && random_next(&heap->random) % heap->refuse_in == 0) {
        heap->refused++;
        return NULL;
    }
    block = malloc(sizeof(*block) + size);
    if (!block)
        abort();
    block->size = size;
    heap->blocks++;
    heap->bytes += size;
    if (heap->bytes > heap->bytes_peak)
        heap->bytes_peak = heap->bytes;
    return block + 1;
}

static void heap_give(void *context, void *data, size_t size)
{
    struct heap *heap = context;
    struct block *block = (struct block *)data - 1;

    assert(block->size == size);
    heap->blocks--;
    heap->bytes -= size;
    free(block);
}

struct memory heap_memory(struct heap *heap)
{
    return (struct memory){ heap_take, heap_give, heap };
}
