/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/publish.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return packet2_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "06 03 00 0007 'x'" },
        { MQTT_FROM_CLIENT, "08 03 20 FFFF 0007 'x'" },
        { MQTT_FROM_SERVER, "07 03 D1 0001 0000" },
        { MQTT_FROM_SERVER, "09 03 13 0003 'a/b' 'x'" },
        { MQTT_FROM_CLIENT, "0A 03 43 0001 0002 'ab' 'x'" },
        { MQTT_FROM_SERVER, "FF 03 01 0007 {250}" },
        { MQTT_FROM_SERVER, "01 0102 03 01 0007 {251}" },
        { MQTT_FROM_CLIENT, "06 12 11 0007 'x'" },
        { MQTT_FROM_SERVER, "08 12 03 0002 'ab' 'x'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTTSN2-3.6.2.5-1 MQTTSN2-3.6.2.3-2", each_field_lands_in_its_place)
{
    struct notation body = notation_read("D3 1234 0003 'a/b' 'payload'");
    struct mqttsn2_publish publish;

    assert_int_equal(
            mqttsn2_publish_decode(&publish, notation_bytes(&body), MQTTSN2_PUBLISH), MQTT_SUCCESS);
    assert_int_equal(publish.topic.type, MQTTSN2_TOPIC_NAME);
    assert_int_equal(publish.topic.alias, 0);
    assert_true(bytes_equal(publish.topic.name, BYTES("a/b")));
    assert_true(bytes_equal(publish.payload, BYTES("payload")));
    assert_int_equal(publish.packet_id, 0x1234);
    assert_int_equal(publish.qos, 2);
    assert_true(publish.dup);
    assert_true(publish.retain);
}

SPEC_TEST("MQTTSN2-2.2-2 MQTTSN2-3.6.2.3-1 MQTTSN2-3.6.2.5-2",
        at_qos_0_there_is_no_identifier_and_with_an_alias_no_name)
{
    struct notation body = notation_read("01 1234 'x'");
    struct mqttsn2_publish publish;

    assert_int_equal(
            mqttsn2_publish_decode(&publish, notation_bytes(&body), MQTTSN2_PUBLISH), MQTT_SUCCESS);
    assert_int_equal(publish.topic.type, MQTTSN2_TOPIC_PREDEFINED);
    assert_int_equal(publish.topic.alias, 0x1234);
    assert_int_equal(publish.topic.name.size, 0);
    assert_int_equal(publish.packet_id, 0);
    assert_int_equal(publish.qos, 0);
    assert_true(bytes_equal(publish.payload, BYTES("x")));
}

SPEC_TEST("MQTTSN2-2.2-1", an_exchange_has_an_identifier)
{
    assert_int_equal(reason("07 03 20 0000 0007"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("07 03 40 0000 0007"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTTSN2-3.6.2.2-1 MQTTSN2-3.6.2.2-2 MQTTSN2-3.6.2.2.1-1", reserved_bits_are_malformed)
{
    assert_int_equal(reason("05 03 04 0007"), MQTT_MALFORMED);
    assert_int_equal(reason("05 03 08 0007"), MQTT_MALFORMED);
    assert_int_equal(reason("05 03 02 0007"), MQTT_MALFORMED);
    assert_int_equal(reason("07 03 60 0001 0007"), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-3.6.2.2.3-1", dup_is_for_qos_2)
{
    assert_int_equal(reason("05 03 80 0007"), MQTT_MALFORMED);
    assert_int_equal(reason("07 03 A0 0001 0007"), MQTT_MALFORMED);
    assert_int_equal(reason("07 03 C0 0001 0007"), MQTT_SUCCESS);
}

SPEC_TEST("MQTTSN2-3.6.1.2-1 MQTTSN2-3.6.1.2-2", a_pubwos_has_no_qos)
{
    static const uint8_t bits[] = { 0x04, 0x08, 0x20, 0x40, 0x80 };

    for (size_t i = 0; i < sizeof(bits); i++) {
        uint8_t body[] = { bits[i] | MQTTSN2_TOPIC_PREDEFINED, 0, 1, 0, 7 };
        struct mqttsn2_publish publish;

        assert_int_equal(
                mqttsn2_publish_decode(&publish, bytes_of(body, sizeof(body)), MQTTSN2_PUBWOS),
                MQTT_MALFORMED);
    }
}

SPEC_TEST("MQTTSN2-3.6.1.2.1-1 MQTTSN2-3.6.1.4-1 MQTTSN2-3.6.1.4-2",
        a_pubwos_has_a_topic_that_needs_no_session)
{
    struct notation name = notation_read("03 0002 'ab' 'x'");
    struct notation alias = notation_read("11 0007 'ab'");
    struct mqttsn2_publish publish;

    assert_int_equal(
            mqttsn2_publish_decode(&publish, notation_bytes(&name), MQTTSN2_PUBWOS), MQTT_SUCCESS);
    assert_true(bytes_equal(publish.topic.name, BYTES("ab")));
    assert_true(bytes_equal(publish.payload, BYTES("x")));
    assert_int_equal(
            mqttsn2_publish_decode(&publish, notation_bytes(&alias), MQTTSN2_PUBWOS), MQTT_SUCCESS);
    assert_int_equal(publish.topic.alias, 7);
    assert_true(publish.retain);
    assert_true(bytes_equal(publish.payload, BYTES("ab")));
    assert_int_equal(reason("05 12 00 0007"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("05 12 02 0007"), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-4.7.1.1-1", names_are_those_of_topics)
{
    assert_int_equal(reason("07 03 03 0002 'a#'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("06 12 03 0001 '+'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("05 03 03 0000"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("07 03 03 0002 C328"), MQTT_MALFORMED);
    assert_int_equal(reason("07 03 03 0003 'ab'"), MQTT_MALFORMED);
}

TEST(the_head_counts_the_payload_that_follows)
{
    const struct mqttsn2_publish publish = {
        .topic = { .type = MQTTSN2_TOPIC_SESSION, .alias = 1 },
        .payload = BYTES("payload"),
        .packet_id = 9,
        .qos = 2,
        .dup = true,
    };
    uint8_t buffer[16];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqttsn2_publish_head_encode(&out, &publish, MQTTSN2_PUBLISH);
    assert_true(datagram_is(&out, "0E 03 C0 0009 0001"));
    assert_int_equal(mqttsn2_publish_size(&publish), 14);
}

TEST(a_payload_that_no_packet_can_hold_fails_the_writer)
{
    static uint8_t payload[65529];
    static uint8_t buffer[65536];
    struct mqttsn2_publish publish = { .payload = bytes_of(payload, sizeof(payload) - 1) };
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    assert_int_equal(mqttsn2_publish_size(&publish), MQTTSN_MESSAGE_SIZE_MAX);
    mqttsn2_publish_encode(&out, &publish, MQTTSN2_PUBLISH);
    assert_false(out.failed);
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    publish.payload.size++;
    mqttsn2_publish_encode(&out, &publish, MQTTSN2_PUBLISH);
    assert_true(out.failed);
}
