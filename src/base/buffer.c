/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <assert.h>

enum { CAPACITY_MIN = 64 };

uint8_t *buffer_room(struct buffer *buffer, const struct memory *memory, size_t more)
{
    size_t wanted = buffer->size + more;
    size_t capacity = buffer->capacity ? buffer->capacity : CAPACITY_MIN;
    uint8_t *data;

    if (wanted <= buffer->capacity)
        return buffer->data + buffer->size;
    if (wanted > UINT32_MAX / 2)
        return NULL;
    while (capacity < wanted)
        capacity *= 2;
    data = memory_resize(memory, buffer->data, buffer->capacity, capacity);
    if (!data)
        return NULL;
    buffer->data = data;
    buffer->capacity = (uint32_t)capacity;
    return data + buffer->size;
}

bool buffer_append(struct buffer *buffer, const struct memory *memory, struct bytes more)
{
    uint8_t *room;

    if (more.size == 0)
        return true;
    room = buffer_room(buffer, memory, more.size);
    if (!room)
        return false;
    memcpy(room, more.data, more.size);
    buffer->size += (uint32_t)more.size;
    return true;
}

void buffer_consume(struct buffer *buffer, const struct memory *memory, size_t size)
{
    assert(size <= buffer->size);
    if (size == buffer->size) {
        buffer_reset(buffer, memory);
        return;
    }
    memmove(buffer->data, buffer->data + size, buffer->size - size);
    buffer->size -= (uint32_t)size;
}

void buffer_reset(struct buffer *buffer, const struct memory *memory)
{
    memory_give(memory, buffer->data, buffer->capacity);
    *buffer = (struct buffer){ 0 };
}

void buffer_empty(struct buffer *buffer, const struct memory *memory, uint32_t kept_max)
{
    if (buffer->capacity > kept_max)
        buffer_reset(buffer, memory);
    buffer->size = 0;
}
