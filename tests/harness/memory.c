/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/memory.h"

#include "tests/harness/test.h"

#include <stdlib.h>

/* In front of each block, so that a wrong size at the end is found; keeps malloc's alignment. */
struct header {
    _Alignas(64) size_t size;
};

static void *take(void *context, size_t size)
{
    struct test_memory_state *state = context;
    struct header *header;

    state->taken++;
    assert_true(size > 0);
    if (state->fail_at > 0 && state->taken >= state->fail_at && state->taken <= state->fail_until)
        return NULL;
    header = aligned_alloc(64, (sizeof(*header) + size + 63) / 64 * 64);
    assert_non_null(header);
    header->size = size;
    state->bytes += size;
    state->blocks++;
    return header + 1;
}

static void give(void *context, void *block, size_t size)
{
    struct test_memory_state *state = context;
    struct header *header = (struct header *)block - 1;

    assert_int_equal(header->size, size);
    state->bytes -= size;
    state->blocks--;
    free(header);
}

struct test_memory test_memory_start(void)
{
    struct test_memory_state *state = calloc(1, sizeof(*state));

    assert_non_null(state);
    return (struct test_memory){ { take, give, state }, state };
}

void test_memory_end(struct test_memory *memory)
{
    assert_int_equal(memory->state->blocks, 0);
    assert_int_equal(memory->state->bytes, 0);
    free(memory->state);
    memory->state = NULL;
}
