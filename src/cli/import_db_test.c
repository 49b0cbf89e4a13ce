/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_db.h"

#include "base/writer.h"
#include "tests/harness/test.h"

enum { FILE_MAX = 4096, VERSIONS = 4, FIRST_VERSION = 3 };

static const uint64_t MESSAGE_ID = 0x0102030405060708;

/* A file as Mosquitto writes it, made from the description of its format. */
struct made {
    struct writer out;
    uint32_t version;
    size_t chunk; /* where the chunk that is written begins */
    uint8_t bytes[FILE_MAX];
};

static void write_native(struct writer *out, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        writer_u8(out, (uint8_t)(value >> 8 * i));
}

static void write_name(struct writer *out, const char *name)
{
    writer_u16(out, (uint16_t)strlen(name));
    writer_bytes(out, bytes_of(name, strlen(name)));
}

static void begin_chunk(struct made *made, unsigned kind)
{
    if (made->version >= 5)
        writer_u32(&made->out, kind);
    else
        writer_u16(&made->out, (uint16_t)kind);
    writer_u32(&made->out, 0);
    made->chunk = made->out.used;
}

static void end_chunk(struct made *made)
{
    struct writer size = { .data = made->bytes + made->chunk - 4, .size = 4 };

    writer_u32(&size, (uint32_t)(made->out.used - made->chunk));
}

static void add_configuration(struct made *made)
{
    begin_chunk(made, 1);
    if (made->version >= 5)
        write_native(&made->out, 7);
    writer_u8(&made->out, 1);
    writer_u8(&made->out, 8);
    if (made->version >= 5)
        writer_bytes(&made->out, bytes_of("\0\0\0\0\0\0", 6));
    else
        write_native(&made->out, 7);
    end_chunk(made);
}

static void add_message(struct made *made)
{
    struct writer *out = &made->out;

    begin_chunk(made, 2);
    write_native(out, MESSAGE_ID);
    if (made->version >= 5) {
        write_native(out, 4000000000);
        writer_u32(out, 5);
        writer_u16(out, 9);
        writer_u16(out, 3);
        writer_u16(out, 4);
        writer_u16(out, 7);
        writer_u16(out, 1883);
        writer_u8(out, 2);
        writer_u8(out, 1);
        writer_bytes(out,
                bytes_of("cam"
                         "user"
                         "a/topic"
                         "12345",
                        19));
        writer_bytes(out, bytes_of("\x07\x26\0\1k\0\1v", 8));
    } else {
        write_name(out, "cam");
        if (made->version == 4) {
            write_name(out, "user");
            writer_u16(out, 1883);
        }
        writer_u16(out, 9);
        writer_u16(out, 0);
        write_name(out, "a/topic");
        writer_u8(out, 2);
        writer_u8(out, 1);
        writer_u32(out, 5);
        writer_bytes(out, bytes_of("12345", 5));
    }
    end_chunk(made);
}

static void add_session(struct made *made)
{
    struct writer *out = &made->out;

    begin_chunk(made, 6);
    if (made->version >= 5) {
        write_native(out, 4100000000);
        writer_u32(out, 3600);
        writer_u16(out, 44);
        writer_u16(out, 3);
        if (made->version == 6) {
            writer_u16(out, 1883);
            writer_u16(out, 4);
            writer_u32(out, 0);
        }
        writer_bytes(out, bytes_of("sub", 3));
        if (made->version == 6)
            writer_bytes(out, bytes_of("user", 4));
    } else {
        write_name(out, "sub");
        writer_u16(out, 44);
        write_native(out, 1600000000);
    }
    end_chunk(made);
}

static void add_place(struct made *made)
{
    struct writer *out = &made->out;

    begin_chunk(made, 3);
    if (made->version >= 5) {
        write_native(out, MESSAGE_ID);
        writer_u16(out, 44);
        writer_u16(out, 3);
        writer_u8(out, 2);
        writer_u8(out, IMPORT_WAIT_PUBREC);
        writer_u8(out, 0x11);
        writer_u8(out, 1);
        writer_bytes(out, bytes_of("sub", 3));
        writer_bytes(out, bytes_of("\x02\x0b\x09", 3));
    } else {
        write_name(out, "sub");
        write_native(out, MESSAGE_ID);
        writer_u16(out, 44);
        writer_u8(out, 2);
        writer_u8(out, 1);
        writer_u8(out, 1);
        writer_u8(out, IMPORT_WAIT_PUBREC);
        writer_u8(out, 1);
    }
    end_chunk(made);
}

static void add_subscription(struct made *made)
{
    struct writer *out = &made->out;

    begin_chunk(made, 5);
    if (made->version >= 5) {
        writer_u32(out, 9);
        writer_u16(out, 3);
        writer_u16(out, 3);
        writer_u8(out, 2);
        writer_u8(out, 0x28);
        writer_u16(out, 0);
        writer_bytes(out,
                bytes_of("sub"
                         "a/#",
                        6));
    } else {
        write_name(out, "sub");
        write_name(out, "a/#");
        writer_u8(out, 2);
    }
    end_chunk(made);
}

static void add_retained(struct made *made)
{
    begin_chunk(made, 4);
    write_native(&made->out, MESSAGE_ID);
    end_chunk(made);
}

static struct bytes make(struct made *made, uint32_t version)
{
    *made = (struct made){ .version = version };
    made->out = (struct writer){ .data = made->bytes, .size = sizeof(made->bytes) };
    writer_bytes(&made->out, bytes_of("\0\xb5\0mosquitto db", 15));
    writer_u32(&made->out, 0);
    writer_u32(&made->out, version);
    add_configuration(made);
    add_message(made);
    add_session(made);
    add_place(made);
    add_subscription(made);
    add_retained(made);
    assert_false(made->out.failed);
    return writer_written(&made->out);
}

static void assert_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

static void assert_message(const struct import_data *data, bool flat)
{
    const struct import_message *message = data->messages.items;

    assert_int_equal(data->messages.count, 1);
    assert_true(message->id == MESSAGE_ID);
    assert_text(message->topic, "a/topic");
    assert_text(message->payload, "12345");
    assert_text(message->source, "cam");
    assert_int_equal(message->qos, 2);
    assert_true(message->retain);
    assert_int_equal(message->expires_s, flat ? 4000000000 : 0);
    assert_int_equal(message->properties.size, flat ? 7 : 0);
}

static void assert_session(const struct import_data *data, bool flat)
{
    const struct import_session *session = data->sessions.items;
    const struct import_subscription *subscription = data->subscriptions.items;

    assert_int_equal(data->sessions.count, 1);
    assert_text(session->client_id, "sub");
    assert_int_equal(session->expiry_interval_s, flat ? 3600 : UINT32_MAX);
    assert_int_equal(session->expires_s, flat ? 4100000000 : 0);
    assert_int_equal(data->subscriptions.count, 1);
    assert_text(subscription->client_id, "sub");
    assert_text(subscription->filter, "a/#");
    assert_int_equal(subscription->options, flat ? 0x2a : 2);
    assert_int_equal(subscription->identifier, flat ? 9 : 0);
}

static void assert_place(const struct import_data *data, bool flat)
{
    const struct import_place *place = data->places.items;

    assert_int_equal(data->places.count, 1);
    assert_text(place->client_id, "sub");
    assert_true(place->message == MESSAGE_ID);
    assert_int_equal(place->packet_id, 44);
    assert_int_equal(place->qos, 2);
    assert_int_equal(place->state, IMPORT_WAIT_PUBREC);
    assert_true(place->retain);
    assert_false(place->incoming);
    assert_int_equal(place->identifier, flat ? 9 : 0);
}

TEST(files_of_all_versions_say_the_same)
{
    for (uint32_t version = FIRST_VERSION; version < FIRST_VERSION + VERSIONS; version++) {
        struct import_data data = { 0 };
        struct import_fault fault;
        struct made made;
        bool flat = version >= 5;

        assert_true(import_db_read(&data, make(&made, version), &fault));
        assert_message(&data, flat);
        assert_session(&data, flat);
        assert_place(&data, flat);
        assert_int_equal(data.retained.count, 1);
        assert_true(*(uint64_t *)data.retained.items == MESSAGE_ID);
        import_data_deinit(&data);
    }
}

/* What has been cut off inside a chunk is noticed, and told by where that chunk begins. */
TEST(a_file_that_was_cut_is_refused)
{
    for (uint32_t version = FIRST_VERSION; version < FIRST_VERSION + VERSIONS; version++) {
        struct made made;
        struct bytes whole = make(&made, version);
        size_t ends = 0; /* of chunks: where a file may end */

        for (size_t size = 0; size < whole.size; size++) {
            struct import_data data = { 0 };
            struct import_fault fault = { 0 };

            if (import_db_read(&data, bytes_first(whole, size), &fault))
                ends++;
            else
                assert_true(fault.what && fault.offset <= size);
            import_data_deinit(&data);
        }
        assert_int_equal(ends, 6);
    }
}

TEST(what_is_wrong_is_told_with_its_place)
{
    struct import_data data = { 0 };
    struct import_fault fault;
    struct made made;
    struct bytes file = make(&made, 6);

    assert_false(import_db_read(&data, bytes_of("no database", 11), &fault));
    assert_string_equal(fault.what, "no file of Mosquitto");
    made.bytes[22] = 7;
    assert_false(import_db_read(&data, file, &fault));
    assert_string_equal(fault.what, "a version that is not 3, 4, 5 or 6");
    assert_int_equal(fault.offset, 19);
    made.bytes[22] = 6;
    made.bytes[23 + 8 + 16 + 3] = 9; /* the kind of the second chunk */
    assert_false(import_db_read(&data, file, &fault));
    assert_string_equal(fault.what, "a chunk of a kind that is not known");
    assert_int_equal(fault.offset, 23 + 8 + 16);
    import_data_deinit(&data);
}

TEST(a_changed_byte_never_reaches_beyond_the_file)
{
    for (uint32_t version = FIRST_VERSION; version < FIRST_VERSION + VERSIONS; version++) {
        struct made made;
        struct bytes file = make(&made, version);

        for (size_t i = 0; i < file.size; i++) {
            struct import_data data = { 0 };
            struct import_fault fault;
            uint8_t was = made.bytes[i];

            made.bytes[i] ^= 0xff;
            import_db_read(&data, file, &fault);
            import_data_deinit(&data);
            made.bytes[i] = was;
        }
    }
}
