/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/properties.h"

#include "tests/harness/notation.h"
#include "tests/harness/test.h"

/* Every property, once more as the standard lists them: where it may be, and its values. */
static const struct {
    uint8_t id;
    const char *good; /* its value */
    const char *bad;  /* one that the standard forbids; NULL: there is none */
    enum mqtt_reason bad_reason;
    uint8_t packets[16]; /* up to 0 */
} rows[] = {
    { 0x01, "01", "02", MQTT_PROTOCOL_ERROR, { 3, 16 } },
    { 0x02, "00000000", NULL, 0, { 3, 16 } },
    { 0x03, "0000", "0001FF", MQTT_MALFORMED, { 3, 16 } },
    { 0x08, "S'r/t'", "S'r/#'", MQTT_PROTOCOL_ERROR, { 3, 16 } },
    { 0x09, "000200FF", NULL, 0, { 3, 16 } },
    { 0x0B, "FFFFFF7F", "00", MQTT_PROTOCOL_ERROR, { 3, 8 } },
    { 0x11, "FFFFFFFF", NULL, 0, { 1, 2, 14 } },
    { 0x12, "S'id'", "000100", MQTT_MALFORMED, { 2 } },
    { 0x13, "0000", NULL, 0, { 2 } },
    { 0x15, "S'm'", "0002C328", MQTT_MALFORMED, { 1, 2, 15 } },
    { 0x16, "0001FF", NULL, 0, { 1, 2, 15 } },
    { 0x17, "00", "02", MQTT_PROTOCOL_ERROR, { 1 } },
    { 0x18, "00000001", NULL, 0, { 16 } },
    { 0x19, "01", "FF", MQTT_PROTOCOL_ERROR, { 1 } },
    { 0x1A, "S'r'", "0003EDA080", MQTT_MALFORMED, { 2 } },
    { 0x1C, "S'r'", "0001FF", MQTT_MALFORMED, { 2, 14 } },
    { 0x1F, "S'r'", "0001FF", MQTT_MALFORMED, { 2, 4, 5, 6, 7, 9, 11, 14, 15 } },
    { 0x21, "0001", "0000", MQTT_PROTOCOL_ERROR, { 1, 2 } },
    { 0x22, "0000", NULL, 0, { 1, 2 } },
    { 0x23, "FFFF", "0000", MQTT_TOPIC_ALIAS_INVALID, { 3 } },
    { 0x24, "01", "02", MQTT_PROTOCOL_ERROR, { 2 } },
    { 0x25, "00", "02", MQTT_PROTOCOL_ERROR, { 2 } },
    { 0x26, "S'k'S'v'", "S'k'0001FF", MQTT_MALFORMED,
            { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16 } },
    { 0x27, "00000001", "00000000", MQTT_PROTOCOL_ERROR, { 1, 2 } },
    { 0x28, "00", "02", MQTT_PROTOCOL_ERROR, { 2 } },
    { 0x29, "01", "02", MQTT_PROTOCOL_ERROR, { 2 } },
    { 0x2A, "01", "02", MQTT_PROTOCOL_ERROR, { 2 } },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Reads a section of one property, or of the same twice. */
static enum mqtt_reason read_one(
        struct mqtt_properties *out, uint8_t id, const char *value, unsigned packet, size_t times)
{
    static uint8_t section[64];
    struct notation notation = notation_read(value);
    struct writer writer = { .data = section, .size = sizeof(section) };
    struct reader in;

    *out = (struct mqtt_properties){ 0 };
    writer_u8(&writer, (uint8_t)(times * (1 + notation.size)));
    for (size_t i = 0; i < times; i++) {
        writer_u8(&writer, id);
        writer_bytes(&writer, notation_bytes(&notation));
    }
    in = (struct reader){ .rest = writer_written(&writer) };
    return mqtt_properties_read(out, &in, packet);
}

static bool allowed(size_t row, unsigned packet)
{
    return strchr((const char *)rows[row].packets, (int)packet) != NULL;
}

SPEC_TEST("U5-2.2.2-1", properties_are_allowed_just_where_the_standard_says)
{
    struct mqtt_properties properties;

    for (unsigned packet = 1; packet <= MQTT_WILL; packet++) {
        for (size_t i = 0; i < ROWS; i++) {
            enum mqtt_reason reason = read_one(&properties, rows[i].id, rows[i].good, packet, 1);

            if (reason != (allowed(i, packet) ? MQTT_SUCCESS : MQTT_MALFORMED))
                fail_msg("property 0x%02X in packet %u: 0x%02X", rows[i].id, packet, reason);
        }
    }
}

SPEC_TEST("U5-2.2.2-1", every_other_id_is_unknown)
{
    for (unsigned id = 0; id < 0x80; id++) {
        struct mqtt_properties properties;
        bool known = false;

        for (size_t i = 0; i < ROWS; i++)
            known |= rows[i].id == id;
        for (unsigned packet = 1; packet <= MQTT_WILL && !known; packet++)
            assert_int_equal(
                    read_one(&properties, (uint8_t)id, "00000000", packet, 1), MQTT_MALFORMED);
    }
}

SPEC_TEST("U5-3.1.2.11-1 U5-3.1.3.2-1 U5-3.2.2.3-1 U5-3.3.2.3-1 U5-3.4.2.2-1 U5-3.14.2.2-1",
        a_repeat_is_a_protocol_error_but_for_two)
{
    struct mqtt_properties properties;

    for (unsigned packet = 1; packet <= MQTT_WILL; packet++) {
        for (size_t i = 0; i < ROWS; i++) {
            bool many = rows[i].id == 0x26 || (rows[i].id == 0x0B && packet == MQTT_PUBLISH);

            if (allowed(i, packet))
                assert_int_equal(read_one(&properties, rows[i].id, rows[i].good, packet, 2),
                        many ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR);
        }
    }
}

TEST(forbidden_values_are_refused)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct mqtt_properties properties;

        if (rows[i].bad)
            assert_int_equal(read_one(&properties, rows[i].id, rows[i].bad, rows[i].packets[0], 1),
                    rows[i].bad_reason);
    }
}

TEST(each_property_is_written_from_its_field)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct notation value = notation_read(rows[i].good);
        struct mqtt_properties properties;
        uint8_t buffer[32];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        assert_int_equal(read_one(&properties, rows[i].id, rows[i].good, rows[i].packets[0], 1),
                MQTT_SUCCESS);
        assert_true(properties.present == mqtt_property_bit((enum mqtt_property)rows[i].id));
        assert_true(mqtt_properties_have(&properties, (enum mqtt_property)rows[i].id));
        assert_int_equal(properties.user_property_count, rows[i].id == 0x26);
        if (rows[i].id != 0x26)
            properties.encoded = (struct bytes){ 0 };
        mqtt_properties_write(&out, &properties);
        assert_int_equal(mqtt_properties_size(&properties), out.used);
        assert_int_equal(out.used, 2 + value.size);
        assert_int_equal(buffer[0], 1 + value.size);
        assert_int_equal(buffer[1], rows[i].id);
        assert_memory_equal(buffer + 2, value.data, value.size);
    }
}

SPEC_TEST("U5-2.2.2-2", order_means_nothing)
{
    struct notation notation = notation_read("0B 22000A 210014 1100000001");
    struct reader in = { .rest = notation_bytes(&notation) };
    struct mqtt_properties properties = { 0 };

    assert_int_equal(mqtt_properties_read(&properties, &in, MQTT_CONNECT), MQTT_SUCCESS);
    assert_int_equal(properties.topic_alias_maximum, 10);
    assert_int_equal(properties.receive_maximum, 20);
    assert_int_equal(properties.session_expiry_s, 1);
    assert_int_equal(properties.maximum_packet_size, 0);
    assert_int_equal(properties.encoded.size, 11);
}

SPEC_TEST("MQTT5-2.2.2-1", an_empty_section_is_one_zero_byte)
{
    struct reader in = { .rest = BYTES("\x00z") };
    struct mqtt_properties properties = { 0 };
    uint8_t buffer[2];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    assert_int_equal(mqtt_properties_read(&properties, &in, MQTT_CONNECT), MQTT_SUCCESS);
    assert_int_equal(properties.present, 0);
    assert_int_equal(properties.encoded.size, 0);
    assert_true(bytes_equal(in.rest, BYTES("z")));
    mqtt_properties_write(&out, &properties);
    assert_true(bytes_equal(writer_written(&out), BYTES("\x00")));
    assert_int_equal(mqtt_properties_size(&properties), 1);
}

SPEC_TEST("U5-2.2.2-1 MQTT5-1.5.5-1", a_section_past_the_end_is_malformed)
{
    const char *bad[] = { "", "80", "8000", "05 1100000001", "04 1100000001", "06 1100000001 22",
        "80808080 01", "01 26", "02 8001" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct notation notation = notation_read(bad[i]);
        struct reader in = { .rest = notation_bytes(&notation) };
        struct mqtt_properties properties = { .present = 42 };
        enum mqtt_reason expected = i == 3 ? MQTT_SUCCESS : MQTT_MALFORMED;

        assert_int_equal(mqtt_properties_read(&properties, &in, MQTT_CONNECT), expected);
        if (expected != MQTT_SUCCESS)
            assert_int_equal(properties.present, 42);
    }
}

static const char message_section[] = "(0B05 0101 26S'z'S'1' 02 0000000A 03S'text' 08S'r'"
                                      " 26S'a'S'' 09 0003 00FF01 230001 26S''S'm' 0BFF7F)";

TEST(repeated_properties_are_walked_in_order)
{
    static const char *const names[] = { "z", "a", "" };
    static const char *const values[] = { "1", "", "m" };
    static const uint32_t ids[] = { 5, 16383 };
    struct notation notation = notation_read(message_section);
    struct reader in = { .rest = notation_bytes(&notation) };
    struct mqtt_properties properties = { 0 };
    struct mqtt_property_value next;
    size_t pairs = 0;
    size_t identifiers = 0;

    assert_int_equal(mqtt_properties_read(&properties, &in, MQTT_PUBLISH), MQTT_SUCCESS);
    assert_int_equal(properties.user_property_count, 3);
    for (struct bytes rest = properties.encoded; mqtt_property_next(&rest, &next);) {
        if (next.id == MQTT_USER_PROPERTY) {
            assert_in_range(pairs, 0, 2);
            assert_true(bytes_equal(next.name, bytes_of_text(names[pairs])));
            assert_true(bytes_equal(next.bytes, bytes_of_text(values[pairs++])));
        } else if (next.id == MQTT_SUBSCRIPTION_IDENTIFIER) {
            assert_in_range(identifiers, 0, 1);
            assert_int_equal(next.number, ids[identifiers++]);
        }
    }
    assert_int_equal(pairs, 3);
    assert_int_equal(identifiers, 2);
}

TEST(what_is_forwarded_is_forwarded_untouched)
{
    struct notation section = notation_read(message_section);
    struct notation expected =
            notation_read("0101 26S'z'S'1' 03S'text' 08S'r' 26S'a'S'' 09 0003 00FF01 26S''S'm'");
    struct bytes encoded = bytes_from(notation_bytes(&section), 1);
    uint8_t buffer[128];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    struct writer too_small = { .data = buffer, .size = expected.size - 1 };

    writer_u8(&out, 0xEE);
    assert_int_equal(mqtt_properties_forward(&out, encoded), expected.size);
    assert_int_equal(out.used, 1 + expected.size);
    assert_memory_equal(buffer + 1, expected.data, expected.size);
    mqtt_properties_forward(&too_small, encoded);
    assert_true(too_small.failed);

    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    section = notation_read("18 00000005 02 00000001 26S'k'S'v'");
    assert_int_equal(mqtt_properties_forward(&out, notation_bytes(&section)), 7);
    assert_int_equal(mqtt_properties_forward(&out, (struct bytes){ 0 }), 0);
}

TEST(fields_come_before_what_is_encoded_already)
{
    uint8_t more[32];
    struct writer encoder = { .data = more, .size = sizeof(more) };
    uint8_t buffer[64];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    struct mqtt_properties properties = {
        .present = mqtt_property_bit(MQTT_MESSAGE_EXPIRY_INTERVAL) |
                mqtt_property_bit(MQTT_USER_PROPERTY),
        .message_expiry_s = 9,
    };
    struct notation expected = notation_read("11 0200000009 0B01 0B8001 26S'k'S'v'");

    mqtt_subscription_id_write(&encoder, 1);
    mqtt_subscription_id_write(&encoder, 128);
    mqtt_property_write(&encoder,
            &(struct mqtt_property_value){
                    .id = MQTT_USER_PROPERTY, .name = BYTES("k"), .bytes = BYTES("v") });
    properties.encoded = writer_written(&encoder);
    mqtt_properties_write(&out, &properties);
    assert_true(bytes_equal(writer_written(&out), notation_bytes(&expected)));
}
