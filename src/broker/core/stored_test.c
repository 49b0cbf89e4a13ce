/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/stored.h"

#include "tests/harness/test.h"

enum { ROOM = 512 };

static bool equal(struct bytes a, struct bytes b)
{
    return bytes_equal(a, b);
}

/* Written into a buffer of just its size. */
static struct bytes write_message(uint8_t buffer[ROOM], const struct stored_message *message)
{
    struct writer out = { .data = buffer, .size = stored_message_size(message) };

    assert_true(out.size <= ROOM);
    stored_message_write(&out, message);
    assert_false(out.failed);
    assert_int_equal(out.used, out.size);
    return writer_written(&out);
}

static struct bytes write_session(uint8_t buffer[ROOM], const struct stored_session *session)
{
    struct writer out = { .data = buffer, .size = stored_session_size(session) };

    assert_true(out.size <= ROOM);
    stored_session_write(&out, session);
    assert_false(out.failed);
    assert_int_equal(out.used, out.size);
    return writer_written(&out);
}

static struct bytes write_will(uint8_t buffer[ROOM], const struct stored_will *will)
{
    struct writer out = { .data = buffer, .size = stored_will_size(will) };

    assert_true(out.size <= ROOM);
    stored_will_write(&out, will);
    assert_false(out.failed);
    assert_int_equal(out.used, out.size);
    return writer_written(&out);
}

static const struct stored_message full_message = { .topic = { (const uint8_t *)"a/b", 3 },
    .properties = { (const uint8_t *)"\x01\x01", 2 },
    .payload = { (const uint8_t *)"payload", 7 },
    .qos = 2,
    .retain = true,
    .expires_wall_ms = 1700000000000,
    .retained_until_wall_ms = 1700000000001,
    .authored = true,
    .author_listener = { (const uint8_t *)"1883", 4 },
    .author_user = { (const uint8_t *)"alice", 5 },
    .author_client_id = { (const uint8_t *)"id", 2 } };

static const struct stored_message bare_message = { .topic = { (const uint8_t *)"t", 1 },
    .expires_wall_ms = INT64_MAX,
    .retained_until_wall_ms = INT64_MAX };

static void expect_message(const struct stored_message *read, const struct stored_message *written)
{
    assert_true(equal(read->topic, written->topic));
    assert_true(equal(read->properties, written->properties));
    assert_true(equal(read->payload, written->payload));
    assert_int_equal(read->qos, written->qos);
    assert_int_equal(read->retain, written->retain);
    assert_int_equal(read->expires_wall_ms, written->expires_wall_ms);
    assert_int_equal(read->retained_until_wall_ms, written->retained_until_wall_ms);
    assert_int_equal(read->authored, written->authored);
    assert_true(equal(read->author_listener, written->author_listener));
    assert_true(equal(read->author_user, written->author_user));
    assert_true(equal(read->author_client_id, written->author_client_id));
}

TEST(messages_are_what_was_written)
{
    const struct stored_message *const messages[] = { &full_message, &bare_message };
    struct stored_message read;
    uint8_t buffer[ROOM];

    for (size_t i = 0; i < 2; i++) {
        assert_true(stored_message_read(&read, write_message(buffer, messages[i])));
        expect_message(&read, messages[i]);
    }
}

TEST(a_message_is_these_bytes)
{
    static const uint8_t bare[] = { 0x00, 0x00, 0x01, 't' };
    static const uint8_t full[] = { 0x7e, 0x00, 0x03, 'a', '/', 'b', /* topic */
        0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00,              /* expires */
        0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x01,              /* retained until */
        0x00, 0x04, '1', '8', '8', '3', 0x00, 0x05, 'a', 'l', 'i', 'c', 'e', 0x00, 0x02, 'i', 'd',
        0x00, 0x00, 0x00, 0x02, 0x01, 0x01, /* properties */
        'p', 'a', 'y', 'l', 'o', 'a', 'd' };
    uint8_t buffer[ROOM];

    assert_true(equal(write_message(buffer, &bare_message), bytes_of(bare, sizeof(bare))));
    assert_true(equal(write_message(buffer, &full_message), bytes_of(full, sizeof(full))));
}

TEST(what_is_no_message_is_refused)
{
    const struct {
        const char *why;
        struct bytes bytes;
    } wrong[] = {
        { "nothing", BYTES("") },
        { "QoS 3", BYTES("\x03\0\1t") },
        { "an unknown flag", BYTES("\x80\0\1t") },
        { "a short topic", BYTES("\0\0\2t") },
        { "a filter as topic", BYTES("\0\0\1#") },
        { "a topic that is no text", BYTES("\0\0\1\xff") },
        { "no properties where some are said to be", BYTES("\x40\0\1t\0\0\0\0") },
        { "properties that are none", BYTES("\x40\0\1t\0\0\0\1\x7f") },
        { "an expiry among the properties", BYTES("\x40\0\1t\0\0\0\5\2\0\0\0\1") },
        { "a topic alias", BYTES("\x40\0\1t\0\0\0\3\x23\0\1") },
        { "a time before time", BYTES("\x08\0\1t\xff\xff\xff\xff\xff\xff\xff\xff") },
        { "a time that is written as never", BYTES("\x08\0\1t\x7f\xff\xff\xff\xff\xff\xff\xff") },
    };
    struct stored_message read;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (stored_message_read(&read, wrong[i].bytes))
            fail_msg("%s was read as a message", wrong[i].why);
    }
}

/* Every beginning of a value is refused; but for a message, whose payload has no end of its own. */
TEST(what_is_cut_off_is_refused)
{
    const struct stored_session session = {
        .queue = 7, .expires_wall_ms = 5, .will = 1, .will_due_wall_ms = 6
    };
    const struct stored_will will = { .message = full_message, .queue = 7, .expires = true };
    uint8_t buffer[ROOM];
    struct bytes bytes = write_message(buffer, &full_message);
    struct stored_message message;
    struct stored_session read;
    struct stored_will read_will;

    for (size_t size = 0; size < bytes.size - full_message.payload.size; size++)
        assert_false(stored_message_read(&message, bytes_first(bytes, size)));
    bytes = write_session(buffer, &session);
    for (size_t size = 0; size < bytes.size; size++)
        assert_false(stored_session_read(&read, bytes_first(bytes, size)));
    bytes = write_will(buffer, &will);
    for (size_t size = 0; size < bytes.size - full_message.payload.size; size++)
        assert_false(stored_will_read(&read_will, bytes_first(bytes, size)));
}

TEST(sessions_are_what_was_written)
{
    const struct stored_session sessions[] = {
        { .queue = 1,
                .expiry_interval_s = UINT32_MAX,
                .expires_wall_ms = INT64_MAX,
                .will_due_wall_ms = INT64_MAX },
        { .queue = UINT64_MAX,
                .expiry_interval_s = 60,
                .connected = true,
                .expires_wall_ms = INT64_MAX,
                .will = 5,
                .will_due_wall_ms = INT64_MAX },
        { .queue = 300,
                .expiry_interval_s = 60,
                .expires_wall_ms = 1700000000000,
                .will = UINT64_MAX,
                .will_due_wall_ms = 1700000000009 },
    };
    struct stored_session read;
    uint8_t buffer[ROOM];

    for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
        const struct stored_session *written = &sessions[i];

        assert_true(stored_session_read(&read, write_session(buffer, written)));
        assert_int_equal(read.queue, written->queue);
        assert_int_equal(read.expiry_interval_s, written->expiry_interval_s);
        assert_int_equal(read.connected, written->connected);
        assert_int_equal(read.expires_wall_ms, written->expires_wall_ms);
        assert_true(read.will == written->will);
        assert_int_equal(read.will_due_wall_ms, written->will_due_wall_ms);
    }
}

TEST(what_is_no_session_is_refused)
{
    const struct bytes wrong[] = {
        BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0"),                 /* without a queue */
        BYTES("\x20\0\0\0\0\0\0\0\1\0\0\0\0"),               /* an unknown flag */
        BYTES("\0\0\0\0\0\0\0\0\1\0\0\0\0\0"),               /* more than a session */
        BYTES("\4\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"), /* the will 0 */
    };
    struct stored_session read;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(stored_session_read(&read, wrong[i]));
}

TEST(wills_are_what_was_written)
{
    const struct stored_will wills[] = {
        { .message = full_message, .queue = 7, .expires = true, .expiry_s = 3, .delay_s = 9 },
        { .message = bare_message, .queue = UINT64_MAX, .delay_s = UINT32_MAX },
    };
    struct stored_will read;
    uint8_t buffer[ROOM];

    for (size_t i = 0; i < sizeof(wills) / sizeof(wills[0]); i++) {
        assert_true(stored_will_read(&read, write_will(buffer, &wills[i])));
        expect_message(&read.message, &wills[i].message);
        assert_true(read.queue == wills[i].queue);
        assert_int_equal(read.expires, wills[i].expires);
        assert_int_equal(read.expiry_s, wills[i].expiry_s);
        assert_int_equal(read.delay_s, wills[i].delay_s);
    }
    assert_false(stored_will_read(&read, BYTES("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1t")));
    assert_false(stored_will_read(&read, BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1t")));
    assert_false(stored_will_read(&read, BYTES("\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0")));
}

TEST(subscriptions_are_what_was_written)
{
    const struct stored_subscription subscriptions[] = {
        { 0 },
        { .identifier = 268435455,
                .qos = 2,
                .no_local = true,
                .retain_as_published = true,
                .retain_handling = 2 },
        { .identifier = 1, .qos = 1, .retain_as_published = true },
    };
    uint8_t bytes[STORED_SUBSCRIPTION_SIZE];
    struct stored_subscription read;

    for (size_t i = 0; i < sizeof(subscriptions) / sizeof(subscriptions[0]); i++) {
        stored_subscription_write(bytes, &subscriptions[i]);
        assert_true(stored_subscription_read(&read, bytes_of(bytes, sizeof(bytes))));
        assert_int_equal(read.identifier, subscriptions[i].identifier);
        assert_int_equal(read.qos, subscriptions[i].qos);
        assert_int_equal(read.no_local, subscriptions[i].no_local);
        assert_int_equal(read.retain_as_published, subscriptions[i].retain_as_published);
        assert_int_equal(read.retain_handling, subscriptions[i].retain_handling);
        assert_false(stored_subscription_read(&read, bytes_of(bytes, sizeof(bytes) - 1)));
    }
    assert_false(stored_subscription_read(&read, BYTES("\x03\0\0\0\0")));
    assert_false(stored_subscription_read(&read, BYTES("\x30\0\0\0\0")));
    assert_false(stored_subscription_read(&read, BYTES("\x40\0\0\0\0")));
    assert_false(stored_subscription_read(&read, BYTES("\x00\x10\0\0\0")));
}

TEST(keys_are_in_order_and_are_what_was_written)
{
    uint8_t first[STORED_PACKET_KEY_SIZE];
    uint8_t second[STORED_PACKET_KEY_SIZE];
    struct bytes filter;
    uint64_t queue;
    uint16_t id;

    stored_packet_key(first, 255, 65535);
    stored_packet_key(second, 256, 1);
    assert_true(memcmp(first, second, sizeof(first)) < 0);
    assert_true(stored_packet_key_read(bytes_of(first, sizeof(first)), &queue, &id));
    assert_int_equal(queue, 255);
    assert_int_equal(id, 65535);
    assert_false(stored_packet_key_read(bytes_of(first, sizeof(first) - 1), &queue, &id));
    stored_packet_key(first, 255, 0);
    assert_false(stored_packet_key_read(bytes_of(first, sizeof(first)), &queue, &id));
    stored_queue_key(second, 256);
    assert_true(memcmp(second, "\0\0\0\0\0\0\1\0", STORED_QUEUE_SIZE) == 0);
    assert_true(stored_filter_key_read(BYTES("\0\0\0\0\0\0\1\0a/#"), &queue, &filter));
    assert_int_equal(queue, 256);
    assert_true(equal(filter, BYTES("a/#")));
    assert_true(stored_filter_key_read(BYTES("\0\0\0\0\0\0\1\0$share/g/a"), &queue, &filter));
    assert_false(stored_filter_key_read(BYTES("\0\0\0\0\0\0\1\0"), &queue, &filter));
    assert_false(stored_filter_key_read(BYTES("\0\0\0\0\0\0\1\0a#"), &queue, &filter));
    assert_false(stored_filter_key_read(BYTES("\0\0\0\0\0\0\0\0a"), &queue, &filter));
    assert_false(stored_filter_key_read(BYTES("\0\0\0\0\0\0\1\0$share/g"), &queue, &filter));
}

TEST(places_are_what_was_written)
{
    static const uint32_t identifiers[] = { 1, 268435455, 7 };
    static uint32_t many[STORED_IDENTIFIERS_MAX + 1];
    static uint8_t large[RECORD_TAG_MAX];
    const struct stored_place place = {
        .qos = 2, .retain = true, .identifier_count = 3, .identifiers = identifiers
    };
    struct stored_place crowd = {
        .qos = 1, .identifier_count = STORED_IDENTIFIERS_MAX + 1, .identifiers = many
    };
    uint8_t buffer[ROOM];
    struct writer out = { .data = buffer, .size = stored_place_size(&place) };
    struct stored_place read;

    stored_place_write(&out, &place);
    assert_int_equal(out.used, out.size);
    assert_true(stored_place_read(&read, writer_written(&out)));
    assert_int_equal(read.qos, 2);
    assert_true(read.retain);
    assert_int_equal(read.identifier_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(stored_place_identifier(&read, i), identifiers[i]);
    assert_false(stored_place_read(&read, bytes_first(writer_written(&out), out.used - 1)));
    assert_false(stored_place_read(&read, BYTES("")));
    assert_false(stored_place_read(&read, BYTES("\0")));
    assert_false(stored_place_read(&read, BYTES("\3")));
    assert_false(stored_place_read(&read, BYTES("\x09")));
    assert_false(stored_place_read(&read, BYTES("\1\0\0\0\0")));
    for (uint32_t i = 0; i < STORED_IDENTIFIERS_MAX + 1; i++)
        many[i] = i + 1;
    out = (struct writer){ .data = large, .size = stored_place_size(&crowd) };
    assert_true(out.size <= sizeof(large));
    stored_place_write(&out, &crowd);
    assert_true(stored_place_read(&read, writer_written(&out)));
    assert_int_equal(read.identifier_count, STORED_IDENTIFIERS_MAX);
}

TEST(flights_and_numbers_are_what_was_written)
{
    const struct stored_flight flight = {
        .session = 9, .sequence = 70000, .qos = 2, .retain = true, .subscription_id = 5
    };
    uint8_t bytes[STORED_FLIGHT_SIZE];
    uint8_t number[STORED_NUMBER_SIZE];
    struct stored_flight read;
    uint64_t read_number;

    stored_flight_write(bytes, &flight);
    assert_true(stored_flight_read(&read, bytes_of(bytes, sizeof(bytes))));
    assert_int_equal(read.session, 9);
    assert_int_equal(read.sequence, 70000);
    assert_int_equal(read.qos, 2);
    assert_true(read.retain);
    assert_int_equal(read.subscription_id, 5);
    assert_false(stored_flight_read(&read, bytes_of(bytes, sizeof(bytes) - 1)));
    bytes[0] = 0;
    assert_false(stored_flight_read(&read, bytes_of(bytes, sizeof(bytes))));
    stored_number_write(number, 0x0102030405060708);
    assert_memory_equal(number, "\1\2\3\4\5\6\7\x08", sizeof(number));
    assert_true(stored_number_read(&read_number, bytes_of(number, sizeof(number))));
    assert_true(read_number == 0x0102030405060708);
    assert_false(stored_number_read(&read_number, bytes_of(number, sizeof(number) - 1)));
}
