/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes fields off the front of bytes, integers big-endian.
 *
 * A reader that has run short stays failed and gives zeros and empty views: read all fields, then
 * check `failed` once. What it gives borrows from the bytes that it reads.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/bytes.h"

struct reader {
    struct bytes rest; /* what has not been read yet */
    bool failed;
};

/* Marks that something read makes no sense; everything read later is zero or empty. */
static inline void reader_fail(struct reader *in)
{
    in->rest = (struct bytes){ 0 };
    in->failed = true;
}

/* The next `size` bytes, which become read; the empty view when there are fewer. */
static inline struct bytes reader_bytes(struct reader *in, size_t size)
{
    struct bytes taken = bytes_first(in->rest, size);

    if (in->rest.size < size) {
        reader_fail(in);
        return in->rest;
    }
    in->rest = bytes_from(in->rest, size);
    return taken;
}

static inline uint8_t reader_u8(struct reader *in)
{
    struct bytes taken = reader_bytes(in, 1);

    return taken.size == 1 ? taken.data[0] : 0;
}

static inline uint16_t reader_u16(struct reader *in)
{
    struct bytes taken = reader_bytes(in, 2);

    return taken.size == 2 ? (uint16_t)(taken.data[0] << 8 | taken.data[1]) : 0;
}

static inline uint32_t reader_u32(struct reader *in)
{
    uint32_t high = reader_u16(in);

    return high << 16 | reader_u16(in);
}

#endif
