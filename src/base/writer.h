/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts fields into a buffer of the caller's, integers big-endian.
 *
 * A writer whose buffer was too small stays failed and writes nothing more: write all fields, then
 * check `failed` once. A field is written whole or not at all.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/bytes.h"

struct writer {
    uint8_t *data; /* the caller's; may be NULL only where size is 0 */
    size_t size;   /* of the buffer */
    size_t used;   /* bytes written so far */
    bool failed;
};

/* Room for `size` more bytes, which the caller fills and which count as written; NULL: no room. */
static inline uint8_t *writer_room(struct writer *out, size_t size)
{
    uint8_t *room;

    if (out->failed || out->size - out->used < size) {
        out->failed = true;
        return NULL;
    }
    room = out->data + out->used;
    out->used += size;
    return room;
}

static inline void writer_u8(struct writer *out, uint8_t value)
{
    uint8_t *room = writer_room(out, 1);

    if (room)
        room[0] = value;
}

static inline void writer_u16(struct writer *out, uint16_t value)
{
    uint8_t *room = writer_room(out, 2);

    if (room) {
        room[0] = (uint8_t)(value >> 8);
        room[1] = (uint8_t)value;
    }
}

static inline void writer_u32(struct writer *out, uint32_t value)
{
    uint8_t *room = writer_room(out, 4);

    if (room) {
        room[0] = (uint8_t)(value >> 24);
        room[1] = (uint8_t)(value >> 16);
        room[2] = (uint8_t)(value >> 8);
        room[3] = (uint8_t)value;
    }
}

/* Copies the bytes, which must not lie in the buffer. */
static inline void writer_bytes(struct writer *out, struct bytes value)
{
    uint8_t *room = value.size > 0 ? writer_room(out, value.size) : NULL;

    if (room)
        memcpy(room, value.data, value.size);
}

/* What has been written. */
static inline struct bytes writer_written(const struct writer *out)
{
    return bytes_of(out->data, out->used);
}

#endif
