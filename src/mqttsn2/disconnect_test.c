/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/disconnect.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "03 0E 00" },
        { MQTT_FROM_CLIENT, "04 0E 04 04" },
        { MQTT_FROM_CLIENT, "07 0E 02 00000E10" },
        { MQTT_FROM_SERVER, "06 0E 05 0001 F4" },
        { MQTT_FROM_SERVER, "05 0E 01 0000" },
        { MQTT_FROM_SERVER, "06 0E 00 'why'" },
        { MQTT_FROM_CLIENT, "0D 0E 07 0001 00000E10 98 'why'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTTSN2-3.13.2.1-2 MQTTSN2-3.13.2.2-2 MQTTSN2-3.13.2.3-2", each_field_lands_in_its_place)
{
    struct notation body = notation_read("07 1234 00000E10 98 'why'");
    struct mqttsn2_disconnect disconnect;

    assert_int_equal(
            mqttsn2_disconnect_decode(&disconnect, notation_bytes(&body), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_true(disconnect.has_packet_id);
    assert_int_equal(disconnect.packet_id, 0x1234);
    assert_true(disconnect.has_session_expiry);
    assert_int_equal(disconnect.session_expiry_s, 3600);
    assert_int_equal(disconnect.code, MQTT_ADMINISTRATIVE_ACTION);
    assert_true(bytes_equal(disconnect.reason_string, BYTES("why")));
}

SPEC_TEST("MQTTSN2-3.13.2.1-1 MQTTSN2-3.13.2.2-1 MQTTSN2-3.13.2.3-1",
        what_no_flag_announces_is_the_reason_string)
{
    struct notation body = notation_read("00 'abcdefg'");
    struct mqttsn2_disconnect disconnect = { .code = 0x87 };

    assert_int_equal(
            mqttsn2_disconnect_decode(&disconnect, notation_bytes(&body), MQTT_FROM_SERVER),
            MQTT_SUCCESS);
    assert_false(disconnect.has_packet_id || disconnect.has_session_expiry);
    assert_int_equal(disconnect.code, MQTT_SUCCESS);
    assert_true(bytes_equal(disconnect.reason_string, BYTES("abcdefg")));
}

SPEC_TEST("MQTTSN2-3.13.2-1 MQTTSN2-3.13.2-2", reserved_bits_are_malformed)
{
    for (unsigned bit = 3; bit < 8; bit++) {
        uint8_t body[] = { (uint8_t)(1 << bit) };
        struct mqttsn2_disconnect disconnect;

        assert_int_equal(
                mqttsn2_disconnect_decode(&disconnect, bytes_of(body, 1), MQTT_FROM_CLIENT),
                MQTT_MALFORMED);
    }
}

TEST(only_a_client_says_when_the_session_ends)
{
    assert_int_equal(packet2_reason(MQTT_FROM_SERVER, "07 0E 02 00000E10"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "07 0E 02 00000000"), MQTT_SUCCESS);
}

TEST(what_is_cut_or_no_text_is_malformed)
{
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "02 0E"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "04 0E 01 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "03 0E 04"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "05 0E 00 C328"), MQTT_MALFORMED);
}

TEST(an_ordinary_end_needs_no_code)
{
    const struct any_packet2 packet = {
        .type = MQTTSN2_DISCONNECT,
        .as.disconnect = { .reason_string = BYTES("bye") },
    };

    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "07 0E 04 00 'bye'"), MQTT_SUCCESS);
    packet2_encodes(&packet, "06 0E 00 'bye'");
}
