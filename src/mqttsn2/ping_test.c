/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/ping.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "04 0C 0001" },
        { MQTT_FROM_SERVER, "04 0D FFFF" },
        { MQTT_FROM_SERVER, "05 0D 0001 00" },
        { MQTT_FROM_SERVER, "05 0D 0001 FF" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(a_response_may_say_how_many_messages_wait)
{
    struct mqttsn2_ping ping = { 0 };

    assert_int_equal(
            mqttsn2_ping_decode(&ping, BYTES("\x12\x34\x05"), MQTTSN2_PINGRESP), MQTT_SUCCESS);
    assert_int_equal(ping.packet_id, 0x1234);
    assert_true(ping.has_remaining);
    assert_int_equal(ping.remaining, 5);
    assert_int_equal(mqttsn2_ping_decode(&ping, BYTES("\x12\x34"), MQTTSN2_PINGRESP), MQTT_SUCCESS);
    assert_false(ping.has_remaining);
    assert_int_equal(
            mqttsn2_ping_decode(&ping, BYTES("\x12\x34\x05"), MQTTSN2_PINGREQ), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-2.2-1", a_request_has_an_identifier)
{
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "04 0C 0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_reason(MQTT_FROM_SERVER, "04 0D 0000"), MQTT_SUCCESS);
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "02 0C"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "03 0C 01"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_SERVER, "03 0D 01"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_SERVER, "06 0D 0001 0000"), MQTT_MALFORMED);
}

TEST(a_request_says_nothing_of_messages)
{
    const struct any_packet2 packet = {
        .type = MQTTSN2_PINGREQ,
        .as.ping = { .packet_id = 1, .has_remaining = true, .remaining = 3 },
    };

    packet2_encodes(&packet, "04 0C 0001");
}
