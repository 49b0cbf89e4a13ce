/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes under way in one direction: put at the end, taken from the front.
 */
#ifndef TESTS_SIMULATION_PIPE_H
#define TESTS_SIMULATION_PIPE_H

#include "base/bytes.h"

struct pipe {
    uint8_t *data;
    size_t capacity;
    size_t start;
    size_t end;
    uint64_t taken; /* bytes taken since the pipe was opened */
};

void pipe_put(struct pipe *pipe, struct bytes bytes);
void pipe_take(struct pipe *pipe, size_t size);

/* Forgets all but the first `size` bytes. */
void pipe_cut(struct pipe *pipe, size_t size);
void pipe_close(struct pipe *pipe);

static inline struct bytes pipe_bytes(const struct pipe *pipe)
{
    return bytes_of(pipe->data + pipe->start, pipe->end - pipe->start);
}

static inline size_t pipe_size(const struct pipe *pipe)
{
    return pipe->end - pipe->start;
}

#endif
