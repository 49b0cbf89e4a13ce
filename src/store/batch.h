/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of any bytes on their way to the log, laid out as they will lie there: a record is its
 * size in 4 bytes, a sum in 4 bytes that the log fills in, its bytes, and zeros up to a multiple
 * of 8.
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include <stddef.h>
#include <stdint.h>

enum {
    RECORD_ALIGNMENT = 8,
    RECORD_HEAD_SIZE = 8, /* its size and its sum */
    RECORD_SIZE_MAX = 1 << 29,
    BATCH_SIZE_MAX = 1 << 30,
};

/* Starts as { 0 }. */
struct record_batch {
    uint8_t *data;
    size_t size;
    size_t room;
    uint32_t count;
};

/* What a record takes. */
static inline size_t record_room(size_t size)
{
    return (RECORD_HEAD_SIZE + size + RECORD_ALIGNMENT - 1) / RECORD_ALIGNMENT * RECORD_ALIGNMENT;
}

/* Room for a record, to be filled in before the next call; NULL: no memory, RECORD_SIZE_MAX or
 * BATCH_SIZE_MAX. */
uint8_t *record_batch_add(struct record_batch *batch, size_t size);

/* Throws its records away. */
void record_batch_reset(struct record_batch *batch);

#endif
