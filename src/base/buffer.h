/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that grow at the end. Empty and reset, it owns no memory.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/bytes.h"
#include "base/memory.h"

struct buffer {
    uint8_t *data;
    uint32_t size; /* of what is in it */
    uint32_t capacity;
};

/* Room for `more` bytes at the end, to be written at once and then added to size; NULL: no memory.
 */
uint8_t *buffer_room(struct buffer *buffer, const struct memory *memory, size_t more);

/* False when memory is short; nothing changed then. */
bool buffer_append(struct buffer *buffer, const struct memory *memory, struct bytes more);

/* Drops the first `size` bytes; memory goes back when nothing is left. */
void buffer_consume(struct buffer *buffer, const struct memory *memory, size_t size);

/* Empty again; memory goes back. */
void buffer_reset(struct buffer *buffer, const struct memory *memory);

/* Empty again; memory of at most `kept_max` bytes is kept for what comes next. */
void buffer_empty(struct buffer *buffer, const struct memory *memory, uint32_t kept_max);

static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
    return bytes_of(buffer->data, buffer->size);
}

#endif
