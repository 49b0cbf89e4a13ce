/* SPDX-License-Identifier: Apache-2.0 */
#include "store/frame.h"

#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static const uint8_t frame_magic[4] = { 'N', 'j', 'F', 'r' };
static const uint8_t segment_magic[8] = { 'N', 'i', 'g', 'h', 't', 'j', 'L', 'g' };

enum { SEGMENT_SUMMED_SIZE = 8 + 4 + 4 * 8 + 4 };

/* ---- Numbers ---- */

static void put(uint8_t **out, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        *(*out)++ = (uint8_t)(number >> 8 * i);
}

static uint64_t take(const uint8_t **in, unsigned size)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t) * (*in)++ << 8 * i;
    return number;
}

/* ---- Frames ---- */

enum {
    FRAME_SUMMED_SIZE = FRAME_HEAD_SIZE - 8,
    HEAD_SUM_AT = 12, /* in the head of a frame, and its size */
    HEAD_SUM_SIZE = 4,
};

/* All of the head but its sum; the head's own sum counts as 0 in itself. */
static void encode_summed(const struct frame *frame, uint64_t seed, uint8_t *out)
{
    uint8_t *rest = out + sizeof(frame_magic);

    memcpy(out, frame_magic, sizeof(frame_magic));
    put(&rest, frame->count, 4);
    put(&rest, frame->body_size, 4);
    put(&rest, 0, HEAD_SUM_SIZE);
    put(&rest, frame->position, 8);
    put(&rest, frame->chain, 8);
    rest = out + HEAD_SUM_AT;
    put(&rest, XXH3_64bits_withSeed(out, FRAME_SUMMED_SIZE, seed), HEAD_SUM_SIZE);
}

uint64_t frame_sum(
        const struct frame *frame, uint64_t seed, const struct iovec body[], size_t count)
{
    uint8_t head[FRAME_SUMMED_SIZE];
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    encode_summed(frame, seed, head);
    XXH3_64bits_reset_withSeed(&state, seed);
    XXH3_64bits_update(&state, head, sizeof(head));
    for (size_t i = 0; i < count; i++)
        XXH3_64bits_update(&state, body[i].iov_base, body[i].iov_len);
    return XXH3_64bits_digest(&state);
}

void frame_encode(const struct frame *frame, uint64_t seed, uint8_t out[FRAME_HEAD_SIZE])
{
    uint8_t *sum = out + FRAME_SUMMED_SIZE;

    encode_summed(frame, seed, out);
    put(&sum, frame->sum, 8);
}

bool frame_resembles(const uint8_t in[FRAME_HEAD_SIZE])
{
    return memcmp(in, frame_magic, sizeof(frame_magic)) == 0;
}

bool frame_decode(struct frame *out, uint64_t seed, const uint8_t in[FRAME_HEAD_SIZE])
{
    const uint8_t *rest = in + sizeof(frame_magic);
    uint8_t again[FRAME_SUMMED_SIZE];
    struct frame frame;

    if (!frame_resembles(in))
        return false;
    frame.count = (uint32_t)take(&rest, 4);
    frame.body_size = (uint32_t)take(&rest, 4);
    rest += HEAD_SUM_SIZE;
    frame.position = take(&rest, 8);
    frame.chain = take(&rest, 8);
    frame.sum = take(&rest, 8);
    encode_summed(&frame, seed, again);
    if (memcmp(in, again, sizeof(again)) != 0 || frame.count == 0 ||
            frame.body_size > FRAME_BODY_MAX || frame.count > frame.body_size / RECORD_ALIGNMENT)
        return false;
    *out = frame;
    return true;
}

/* ---- Records ---- */

enum { RECORD_SIZE_SIZE = 4, RECORD_SUM_SIZE = RECORD_HEAD_SIZE - RECORD_SIZE_SIZE };

bool record_take(struct bytes *body, struct bytes *out)
{
    const uint8_t *head = body->data;
    size_t size;

    if (body->size < RECORD_HEAD_SIZE)
        return false;
    size = (size_t)take(&head, RECORD_SIZE_SIZE);
    if (size > RECORD_SIZE_MAX || record_room(size) > body->size)
        return false;
    *out = bytes_of(head + RECORD_SUM_SIZE, size);
    *body = bytes_from(*body, record_room(size));
    return true;
}

/* A record that lies in another one's place is broken too. */
static uint32_t record_sum(struct bytes record, uint64_t position, uint64_t seed)
{
    return (uint32_t)XXH3_64bits_withSeed(record.data, record.size, seed ^ hash_mix(position));
}

void record_sign_all(uint8_t *body, size_t size, uint64_t position, uint64_t seed)
{
    struct bytes rest = bytes_of(body, size);
    struct bytes record;

    for (; record_take(&rest, &record); position++) {
        uint8_t *sum = body + (record.data - body) - RECORD_SUM_SIZE;

        put(&sum, record_sum(record, position, seed), RECORD_SUM_SIZE);
    }
}

bool record_has_sum(
        struct bytes record, uint64_t position, uint64_t seed, const uint8_t head[RECORD_HEAD_SIZE])
{
    const uint8_t *sum = head + RECORD_SIZE_SIZE;

    return take(&sum, RECORD_SUM_SIZE) == record_sum(record, position, seed);
}

/* ---- Segments ---- */

uint64_t segment_head_encode(const struct segment_head *head, uint8_t out[BLOCK_SIZE])
{
    uint8_t *rest = out + sizeof(segment_magic);
    uint64_t sum;

    memset(out, 0, BLOCK_SIZE);
    memcpy(out, segment_magic, sizeof(segment_magic));
    put(&rest, SEGMENT_VERSION, 4);
    put(&rest, head->number, 8);
    put(&rest, head->position, 8);
    put(&rest, head->chain, 8);
    put(&rest, head->seed, 8);
    put(&rest, head->flags, 4);
    sum = XXH3_64bits(out, SEGMENT_SUMMED_SIZE);
    put(&rest, sum, 8);
    return sum;
}

enum segment_judgement segment_head_decode(
        struct segment_head *out, uint64_t *sum, const uint8_t in[BLOCK_SIZE])
{
    const uint8_t *rest = in + sizeof(segment_magic);
    struct segment_head head;
    uint64_t version;

    if (memcmp(in, segment_magic, sizeof(segment_magic)) != 0)
        return SEGMENT_BROKEN;
    version = take(&rest, 4);
    if (version != SEGMENT_VERSION)
        return SEGMENT_OF_OTHER_VERSION;
    head.number = take(&rest, 8);
    head.position = take(&rest, 8);
    head.chain = take(&rest, 8);
    head.seed = take(&rest, 8);
    head.flags = (uint32_t)take(&rest, 4);
    if (take(&rest, 8) != XXH3_64bits(in, SEGMENT_SUMMED_SIZE))
        return SEGMENT_BROKEN;
    *sum = XXH3_64bits(in, SEGMENT_SUMMED_SIZE);
    *out = head;
    return SEGMENT_GOOD;
}
