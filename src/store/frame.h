/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How records lie in a segment of the log: pure functions over bytes.
 *
 * A segment is a file: a head of one block, then frames, each from a block's start on. A frame is
 * what one commit has written: a head, then its records one after the other, then zeros to the next
 * block. Each frame carries the sum of the one before it, over segments too, so that what an
 * earlier use of the file has left never passes for what follows. Sums are keyed by a number that
 * was drawn when the log was made: who writes records cannot make bytes in them that look like a
 * frame.
 *
 * Numbers are little-endian. Every record has a position: the count of records before it, since the
 * log was made.
 */
#ifndef STORE_FRAME_H
#define STORE_FRAME_H

#include "base/bytes.h"
#include "store/batch.h"

#include <sys/uio.h>

enum {
    BLOCK_SIZE = 4096, /* of the disk, or a multiple of it */
    FRAME_HEAD_SIZE = 40,
    FRAME_BODY_MAX = BATCH_SIZE_MAX,
    SEGMENT_VERSION = 1,
};

struct frame {
    uint64_t position;  /* of its first record */
    uint64_t chain;     /* the sum of the frame before it, or of the segment's head */
    uint64_t sum;       /* of all that comes before it in the head, and of the body */
    uint32_t count;     /* records, at least 1 */
    uint32_t body_size; /* bytes of the records with their heads and padding */
};

/* The sum of a frame whose other members are set; the pieces are its body. */
uint64_t frame_sum(
        const struct frame *frame, uint64_t seed, const struct iovec body[], size_t count);

void frame_encode(const struct frame *frame, uint64_t seed, uint8_t out[FRAME_HEAD_SIZE]);

/* False for what is not the head of a frame of this log: it has a sum of its own. That of the whole
 * frame is not checked. */
bool frame_decode(struct frame *out, uint64_t seed, const uint8_t in[FRAME_HEAD_SIZE]);

/* Whether it looks like the head of a frame of any log. */
bool frame_resembles(const uint8_t in[FRAME_HEAD_SIZE]);

/* With its head, to the end of its last block. */
static inline uint64_t frame_size(uint32_t body_size)
{
    return ((uint64_t)FRAME_HEAD_SIZE + body_size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

/* Takes the next record off a body; false when there is none that lies in it. Its sum is not
 * checked, as the frame's covers it. */
bool record_take(struct bytes *body, struct bytes *out);

/* Fills in the sums of all records of a body, of which the first has that position. */
void record_sign_all(uint8_t *body, size_t size, uint64_t position, uint64_t seed);

/* Whether a record's bytes have at that position the sum that is in its head. */
bool record_has_sum(struct bytes record, uint64_t position, uint64_t seed,
        const uint8_t head[RECORD_HEAD_SIZE]);

/* The head of a segment. */
struct segment_head {
    uint64_t number;
    uint64_t position; /* of its first record */
    uint64_t chain;    /* the sum of the last frame before it */
    uint64_t seed;     /* of all sums of this log */
    uint32_t flags;    /* enum segment_flags */
};

/* SEGMENT_LAZY: its frames were not flushed one by one; a power cut may have taken any of them. */
enum segment_flags { SEGMENT_LAZY = 1 };

/* Fills a block and returns its sum, which the first frame carries on. */
uint64_t segment_head_encode(const struct segment_head *head, uint8_t out[BLOCK_SIZE]);

enum segment_judgement { SEGMENT_GOOD, SEGMENT_BROKEN, SEGMENT_OF_OTHER_VERSION };

enum segment_judgement segment_head_decode(
        struct segment_head *out, uint64_t *sum, const uint8_t in[BLOCK_SIZE]);

#endif
