/* SPDX-License-Identifier: Apache-2.0 */
#include "store/records.h"

#include "store/frame.h"
#include "tests/harness/test.h"

#include <stdlib.h>

enum { KINDS = RECORD_DROP + 1, POSITION = 1000 };

static bool is_bytes(struct bytes bytes, struct bytes expected)
{
    return bytes_equal(bytes, expected);
}

/* Each record of a batch, as what it is at that position of a log. */
static void decode_next(struct bytes *body, uint64_t position, struct record *out)
{
    struct bytes bytes;

    assert_true(record_take(body, &bytes));
    assert_true(records_decode(out, position, bytes));
}

static void expect_bytes(const struct record_batch *batch, struct bytes expected)
{
    struct bytes body = bytes_of(batch->data, batch->size);
    struct bytes record;

    assert_true(record_take(&body, &record));
    assert_int_equal(record.size, expected.size);
    assert_memory_equal(record.data, expected.data, expected.size);
}

TEST(entries_are_what_was_written)
{
    struct record_batch batch = { 0 };
    struct bytes body;
    struct record record;

    assert_true(records_begin(&batch));
    assert_true(records_set(&batch, 3, BYTES("key"), BYTES("value")));
    assert_true(records_set(&batch, 15, BYTES("k"), BYTES("")));
    assert_true(records_remove(&batch, 4, BYTES("gone")));
    assert_true(records_remove_all(&batch, 5, BYTES("pre")));
    body = bytes_of(batch.data, batch.size);
    decode_next(&body, 0, &record);
    assert_int_equal(record.kind, RECORD_BEGIN);
    decode_next(&body, 1, &record);
    assert_int_equal(record.kind, RECORD_SET);
    assert_int_equal(record.table, 3);
    assert_true(is_bytes(record.key, BYTES("key")));
    assert_true(is_bytes(record.value, BYTES("value")));
    decode_next(&body, 2, &record);
    assert_int_equal(record.table, 15);
    assert_int_equal(record.value.size, 0);
    decode_next(&body, 3, &record);
    assert_int_equal(record.kind, RECORD_REMOVE);
    assert_true(is_bytes(record.key, BYTES("gone")));
    decode_next(&body, 4, &record);
    assert_int_equal(record.kind, RECORD_REMOVE_ALL);
    assert_true(is_bytes(record.key, BYTES("pre")));
    assert_int_equal(body.size, 0);
    record_batch_reset(&batch);
}

TEST(a_message_keeps_its_places_and_its_body)
{
    const struct record_place places[] = { { 7, BYTES("one") }, { UINT64_MAX, BYTES("") },
        { 300, BYTES("three") } };
    struct record_batch batch = { 0 };
    uint8_t *body = records_message(&batch, places, 3, 4);
    struct record_place place;
    struct record record;
    struct bytes rest;

    assert_non_null(body);
    memcpy(body, "body", 4);
    rest = bytes_of(batch.data, batch.size);
    decode_next(&rest, POSITION, &record);
    assert_int_equal(record.kind, RECORD_MESSAGE);
    assert_true(is_bytes(record.value, BYTES("body")));
    assert_int_equal(record.place_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(records_place(&record.places, &place));
        assert_true(place.queue == places[i].queue);
        assert_true(is_bytes(place.tag, places[i].tag));
    }
    assert_false(records_place(&record.places, &place));
    record_batch_reset(&batch);
}

TEST(an_id_within_the_batch_becomes_its_place_in_the_log)
{
    const struct record_place place = { 7, BYTES("t") };
    struct record_batch batch = { 0 };
    struct record record;
    struct bytes rest;
    uint64_t id;

    assert_true(records_drop(&batch, 1));
    id = RECORD_IN_BATCH + batch.count;
    assert_non_null(records_message(&batch, &place, 1, 0));
    assert_true(records_drop(&batch, 2));
    assert_true(records_note(&batch, 7, id, BYTES("note")));
    assert_true(records_done(&batch, 7, id));
    assert_true(records_done(&batch, 8, UINT64_C(123456789)));
    rest = bytes_of(batch.data, batch.size);
    for (unsigned i = 0; i < 3; i++)
        decode_next(&rest, POSITION + i, &record);
    assert_int_equal(record.kind, RECORD_DROP);
    assert_int_equal(record.queue, 2);
    decode_next(&rest, POSITION + 3, &record);
    assert_int_equal(record.kind, RECORD_NOTE);
    assert_int_equal(record.queue, 7);
    assert_int_equal(record.id, POSITION + 1);
    assert_true(is_bytes(record.value, BYTES("note")));
    decode_next(&rest, POSITION + 4, &record);
    assert_int_equal(record.kind, RECORD_DONE);
    assert_int_equal(record.id, POSITION + 1);
    decode_next(&rest, POSITION + 5, &record);
    assert_int_equal(record.id, 123456789);
    record_batch_reset(&batch);
}

/* docs/store-format.md promises these bytes. */
TEST(records_have_the_bytes_that_are_promised)
{
    const struct record_place place = { 300, BYTES("t") };
    struct record_batch batch = { 0 };

    assert_true(records_begin(&batch));
    expect_bytes(&batch, BYTES("\0\x01"));
    record_batch_reset(&batch);
    assert_true(records_set(&batch, 2, BYTES("key"), BYTES("v")));
    expect_bytes(&batch, BYTES("\x21\x03keyv"));
    record_batch_reset(&batch);
    assert_true(records_remove(&batch, 1, BYTES("key")));
    expect_bytes(&batch, BYTES("\x12key"));
    record_batch_reset(&batch);
    assert_true(records_remove_all(&batch, 1, BYTES("key")));
    expect_bytes(&batch, BYTES("\x13key"));
    record_batch_reset(&batch);
    memcpy(records_message(&batch, &place, 1, 1), "b", 1);
    expect_bytes(&batch, BYTES("\x04\x01\xac\x02\x01tb"));
    record_batch_reset(&batch);
    assert_true(records_done(&batch, 300, 5));
    expect_bytes(&batch, BYTES("\x05\xac\x02\x0a"));
    record_batch_reset(&batch);
    assert_true(records_note(&batch, 1, 5, BYTES("n")));
    expect_bytes(&batch, BYTES("\x06\x01\x0an"));
    record_batch_reset(&batch);
    assert_true(records_drop(&batch, 300));
    expect_bytes(&batch, BYTES("\x07\xac\x02"));
    record_batch_reset(&batch);
}

static void add_sample(struct record_batch *batch, enum record_kind kind)
{
    const struct record_place places[] = { { 300, BYTES("tag") }, { 1, BYTES("") } };
    uint8_t *body;

    switch (kind) {
    case RECORD_BEGIN:
        assert_true(records_begin(batch));
        break;
    case RECORD_SET:
        assert_true(records_set(batch, 2, BYTES("key"), BYTES("v")));
        break;
    case RECORD_REMOVE:
        assert_true(records_remove(batch, 2, BYTES("key")));
        break;
    case RECORD_REMOVE_ALL:
        assert_true(records_remove_all(batch, 2, BYTES("key")));
        break;
    case RECORD_MESSAGE:
        body = records_message(batch, places, 2, 3);
        assert_non_null(body);
        memcpy(body, "abc", 3);
        break;
    case RECORD_DONE:
        assert_true(records_done(batch, 300, 500));
        break;
    case RECORD_NOTE:
        assert_true(records_note(batch, 300, 500, BYTES("note")));
        break;
    case RECORD_DROP:
        assert_true(records_drop(batch, 300));
        break;
    }
}

/* Whatever lies in it lies within the bytes. */
static void expect_inside(const struct record *record, struct bytes bytes)
{
    const struct bytes views[] = { record->key, record->value, record->places };

    for (unsigned i = 0; i < 3; i++) {
        if (views[i].size > 0) {
            assert_true(views[i].data >= bytes.data);
            assert_true(views[i].data + views[i].size <= bytes.data + bytes.size);
        }
    }
}

TEST(every_truncation_and_every_change_is_refused_or_read_within_bounds)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct record_batch batch = { 0 };
        struct bytes body;
        struct bytes bytes;
        struct record record;

        add_sample(&batch, (enum record_kind)kind);
        body = bytes_of(batch.data, batch.size);
        assert_true(record_take(&body, &bytes));
        for (size_t size = 0; size <= bytes.size; size++) {
            uint8_t *copy = malloc(size + 1);

            assert_non_null(copy);
            memcpy(copy, bytes.data, size);
            if (records_decode(&record, POSITION, bytes_of(copy, size)))
                expect_inside(&record, bytes_of(copy, size));
            for (size_t i = 0; i < size; i++) {
                for (unsigned change = 1; change < 256; change++) {
                    copy[i] = (uint8_t)(bytes.data[i] ^ change);
                    if (records_decode(&record, POSITION, bytes_of(copy, size)))
                        expect_inside(&record, bytes_of(copy, size));
                }
                copy[i] = bytes.data[i];
            }
            free(copy);
        }
        record_batch_reset(&batch);
    }
}

TEST(what_is_no_record_is_refused)
{
    static const struct bytes bad[] = {
        { (const uint8_t *)"", 0 }, { (const uint8_t *)"\x08", 1 }, /* a kind that there is not */
        { (const uint8_t *)"\x00\x02", 2 },                         /* another version */
        { (const uint8_t *)"\x17\x01", 2 },         /* a table where there is none */
        { (const uint8_t *)"\x01\x00v", 3 },        /* an empty key */
        { (const uint8_t *)"\x02", 1 },             /* the same */
        { (const uint8_t *)"\x03", 1 },             /* an empty prefix */
        { (const uint8_t *)"\x04\x00", 2 },         /* a message without a place */
        { (const uint8_t *)"\x04\x02\x01\x00", 4 }, /* the second place is missing */
        { (const uint8_t *)"\x05\x01\x00", 3 },     /* no id */
        { (const uint8_t *)"\x05\x01\x01", 3 },     /* itself */
        { (const uint8_t *)"\x05\x01\xd1\x0f", 4 }, /* before the first record */
        { (const uint8_t *)"\x05\x01\x02\x00", 4 }, /* too long */
        { (const uint8_t *)"\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11 }, /* 65 bits */
    };
    struct record record = { .table = 77 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(records_decode(&record, POSITION, bad[i]));
    assert_int_equal(record.table, 77);
}

TEST(what_cannot_be_a_record_is_not_added)
{
    const struct record_place place = { 1, BYTES("") };
    struct record_batch batch = { 0 };

    assert_null(records_message(&batch, &place, 1, RECORD_SIZE_MAX));
    assert_null(records_message(&batch, &place, 1, SIZE_MAX));
    assert_null(records_set_room(&batch, 0, BYTES("k"), SIZE_MAX));
    assert_int_equal(batch.count, 0);
    record_batch_reset(&batch);
}
