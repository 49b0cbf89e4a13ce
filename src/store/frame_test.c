/* SPDX-License-Identifier: Apache-2.0 */
#include "store/frame.h"
#include "tests/harness/test.h"

enum { SEED = 4711 };

static const struct frame sample = { .position = 0x0102030405060708,
    .chain = 0x1112131415161718,
    .sum = 3,
    .count = 2,
    .body_size = 48 };

TEST(a_frame_is_what_its_head_says)
{
    uint8_t head[FRAME_HEAD_SIZE];
    struct frame frame;

    frame_encode(&sample, SEED, head);
    assert_true(frame_decode(&frame, SEED, head));
    assert_int_equal(frame.position, sample.position);
    assert_int_equal(frame.chain, sample.chain);
    assert_int_equal(frame.sum, sample.sum);
    assert_int_equal(frame.count, sample.count);
    assert_int_equal(frame.body_size, sample.body_size);
    /* docs/store-format.md promises these bytes. */
    assert_memory_equal(head,
            "NjFr\x02\0\0\0\x30\0\0\0\x06\x75\x13\xe6\x08\x07\x06\x05\x04\x03\x02\x01"
            "\x18\x17\x16\x15\x14\x13\x12\x11\x03\0\0\0\0\0\0\0",
            sizeof(head));
}

TEST(a_sum_depends_on_every_byte_and_on_the_seed)
{
    uint8_t bytes[48] = { 0 };
    const struct iovec whole = { bytes, sizeof(bytes) };
    const struct iovec parts[] = { { bytes, 1 }, { bytes + 1, 40 }, { bytes + 41, 7 } };
    uint64_t sum = frame_sum(&sample, 7, &whole, 1);
    struct frame other = sample;

    assert_true(frame_sum(&sample, 7, parts, 3) == sum);
    assert_true(frame_sum(&sample, 8, &whole, 1) != sum);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        assert_true(frame_sum(&sample, 7, &whole, 1) != sum);
        bytes[i] = 0;
    }
    other.chain++;
    assert_true(frame_sum(&other, 7, &whole, 1) != sum);
    other = sample;
    other.sum++; /* It is not part of itself. */
    assert_true(frame_sum(&other, 7, &whole, 1) == sum);
}

TEST(what_is_no_head_is_refused)
{
    struct frame frame = { .count = 77 };
    uint8_t head[FRAME_HEAD_SIZE] = { 0 };
    struct frame bad;

    assert_false(frame_decode(&frame, SEED, head));
    bad = sample;
    bad.count = 0;
    frame_encode(&bad, SEED, head);
    assert_false(frame_decode(&frame, SEED, head));
    bad.count = 7; /* more than its body has room for */
    frame_encode(&bad, SEED, head);
    assert_false(frame_decode(&frame, SEED, head));
    bad = sample;
    bad.body_size = (uint32_t)FRAME_BODY_MAX + 8;
    frame_encode(&bad, SEED, head);
    assert_false(frame_decode(&frame, SEED, head));
    frame_encode(&sample, SEED, head);
    for (unsigned i = 0; i < FRAME_HEAD_SIZE - sizeof(sample.sum); i++) {
        head[i] ^= 1;
        assert_false(frame_decode(&frame, SEED, head));
        head[i] ^= 1;
    }
    assert_false(frame_decode(&frame, SEED + 1, head));
    assert_int_equal(frame.count, 77);
}

TEST(records_are_taken_one_by_one)
{
    struct bytes body = BYTES("\x03\0\0\0....abc\0\0\0\0\0"
                              "\0\0\0\0...."
                              "\x05\0\0\0....defgh\0\0\0");
    struct bytes record;

    assert_true(record_take(&body, &record));
    assert_true(bytes_equal(record, BYTES("abc")));
    assert_true(record_take(&body, &record));
    assert_int_equal(record.size, 0);
    assert_true(record_take(&body, &record));
    assert_true(bytes_equal(record, BYTES("defgh")));
    assert_int_equal(body.size, 0);
    assert_false(record_take(&body, &record));
}

TEST(a_record_that_ends_outside_is_refused)
{
    static const uint8_t bytes[] = { 9, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0 };
    struct bytes record;

    for (size_t size = 0; size < sizeof(bytes); size++) {
        struct bytes body = bytes_of(bytes, size);

        assert_false(record_take(&body, &record));
        assert_int_equal(body.size, size);
    }
}

TEST(a_records_sum_depends_on_its_bytes_its_position_and_the_seed)
{
    struct record_batch batch = { 0 };
    struct bytes rest;
    struct bytes record;

    memcpy(record_batch_add(&batch, 3), "abc", 3);
    memcpy(record_batch_add(&batch, 3), "abc", 3);
    record_sign_all(batch.data, batch.size, 10, SEED);
    rest = bytes_of(batch.data, batch.size);
    for (uint64_t position = 10; position < 12; position++) {
        const uint8_t *head = rest.data;

        assert_true(record_take(&rest, &record));
        assert_true(record_has_sum(record, position, SEED, head));
        assert_false(record_has_sum(record, position + 1, SEED, head));
        assert_false(record_has_sum(record, position, SEED + 1, head));
        assert_false(record_has_sum(BYTES("abd"), position, SEED, head));
    }
    record_batch_reset(&batch);
}

TEST(a_segment_is_what_its_head_says)
{
    const struct segment_head head = { 5, 1000, 77, 4711, SEGMENT_LAZY };
    struct segment_head read;
    uint8_t block[BLOCK_SIZE];
    uint64_t sum = segment_head_encode(&head, block);
    uint64_t again;

    assert_int_equal(segment_head_decode(&read, &again, block), SEGMENT_GOOD);
    assert_true(sum == again);
    assert_int_equal(read.number, 5);
    assert_int_equal(read.position, 1000);
    assert_int_equal(read.chain, 77);
    assert_int_equal(read.seed, 4711);
    assert_int_equal(read.flags, SEGMENT_LAZY);
    for (size_t i = 0; i < 56; i++) {
        block[i] ^= 1;
        assert_int_not_equal(segment_head_decode(&read, &again, block), SEGMENT_GOOD);
        block[i] ^= 1;
    }
    block[8] = 2;
    assert_int_equal(segment_head_decode(&read, &again, block), SEGMENT_OF_OTHER_VERSION);
}
