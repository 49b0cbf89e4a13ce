/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/register.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "08 10 00 0001 'a/b'" },
        { MQTT_FROM_SERVER, "0A 10 01 FFFF 0000 'a/b'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTTSN2-3.4.2.1-1 MQTTSN2-3.4.2.1-2", each_field_lands_in_its_place)
{
    struct notation with = notation_read("01 1234 5678 'a/b'");
    struct notation without = notation_read("00 1234 'Vxa/b'");
    struct mqttsn2_register packet;

    assert_int_equal(mqttsn2_register_decode(&packet, notation_bytes(&with), MQTT_FROM_SERVER),
            MQTT_SUCCESS);
    assert_true(packet.has_alias);
    assert_int_equal(packet.alias, 0x5678);
    assert_int_equal(packet.packet_id, 0x1234);
    assert_true(bytes_equal(packet.topic_name, BYTES("a/b")));
    assert_int_equal(mqttsn2_register_decode(&packet, notation_bytes(&without), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_false(packet.has_alias);
    assert_true(bytes_equal(packet.topic_name, BYTES("Vxa/b")));
}

SPEC_TEST("MQTTSN2-3.4-1", only_the_server_tells_an_alias)
{
    assert_int_equal(packet2_from_client("0A 10 01 0001 0007 'a/b'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_server("08 10 00 0001 'a/b'"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTTSN2-3.4.2-1 MQTTSN2-3.4.2-2", reserved_bits_are_malformed)
{
    for (unsigned bit = 1; bit < 8; bit++) {
        uint8_t body[] = { (uint8_t)(1 << bit), 0, 1, 'a' };
        struct mqttsn2_register packet;

        assert_int_equal(
                mqttsn2_register_decode(&packet, bytes_of(body, sizeof(body)), MQTT_FROM_CLIENT),
                MQTT_MALFORMED);
    }
}

SPEC_TEST("MQTTSN2-2.2-1", the_identifier_is_never_0)
{
    assert_int_equal(packet2_from_client("08 10 00 0000 'a/b'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_server("0A 10 01 0000 0007 'a/b'"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTTSN2-4.7.1.1-1 MQTTSN2-4.7.1.3-1 MQTTSN2-4.7.1.3-2", names_are_those_of_topics)
{
    assert_int_equal(packet2_from_client("05 10 00 0001"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(packet2_from_client("07 10 00 0001 '/#'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(packet2_from_client("06 10 00 0001 '+'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(packet2_from_client("07 10 00 0001 C328"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_client("07 10 00 0001 'a' 00"), MQTT_MALFORMED);
}
