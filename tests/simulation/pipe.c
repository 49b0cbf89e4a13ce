/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/pipe.h"

#include <assert.h>
#include <stdlib.h>

static void pipe_make_room(struct pipe *pipe, size_t size)
{
    size_t held = pipe_size(pipe);

    if (pipe->start > 0)
        memmove(pipe->data, pipe->data + pipe->start, held);
    pipe->start = 0;
    pipe->end = held;
    if (held + size <= pipe->capacity)
        return;
    pipe->capacity = 2 * (held + size);
    pipe->data = realloc(pipe->data, pipe->capacity);
    if (!pipe->data)
        abort();
}

void pipe_put(struct pipe *pipe, struct bytes bytes)
{
    if (bytes.size == 0)
        return;
    if (pipe->end + bytes.size > pipe->capacity)
        pipe_make_room(pipe, bytes.size);
    memcpy(pipe->data + pipe->end, bytes.data, bytes.size);
    pipe->end += bytes.size;
}

void pipe_take(struct pipe *pipe, size_t size)
{
    assert(size <= pipe_size(pipe));
    pipe->start += size;
    pipe->taken += size;
    if (pipe->start == pipe->end)
        pipe->start = pipe->end = 0;
}

void pipe_cut(struct pipe *pipe, size_t size)
{
    assert(size <= pipe_size(pipe));
    pipe->end = pipe->start + size;
}

void pipe_close(struct pipe *pipe)
{
    free(pipe->data);
    *pipe = (struct pipe){ .data = NULL };
}
