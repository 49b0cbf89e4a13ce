/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/connack.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return packet2_reason(MQTT_FROM_SERVER, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "06 02 01 0001 00" },
        { MQTT_FROM_SERVER, "06 02 00 0000 81" },
        { MQTT_FROM_SERVER, "0B 02 02 0001 00 00000E10 'c'" },
        { MQTT_FROM_SERVER, "08 02 04 0001 00 003C" },
        { MQTT_FROM_SERVER, "0D 02 08 0001 00 01 'm' 0002 'hi' 'c'" },
        { MQTT_FROM_SERVER, "13 02 0F 0001 00 00000E10 003C 01 'm' 0002 'hi' 'c'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTTSN2-3.2.2.2-2 MQTTSN2-3.2.2.3-2 MQTTSN2-3.2.2.4-2", each_field_lands_in_its_place)
{
    struct notation body = notation_read("0F 1234 00 00000E10 003C 01 'm' 0002 'hi' 'clid'");
    struct mqttsn2_connack connack;

    assert_int_equal(mqttsn2_connack_decode(&connack, notation_bytes(&body)), MQTT_SUCCESS);
    assert_true(connack.session_present);
    assert_int_equal(connack.packet_id, 0x1234);
    assert_int_equal(connack.code, MQTT_SUCCESS);
    assert_true(connack.has_session_expiry);
    assert_int_equal(connack.session_expiry_s, 3600);
    assert_true(connack.has_keepalive);
    assert_int_equal(connack.keepalive_s, 60);
    assert_true(connack.has_authentication);
    assert_true(bytes_equal(connack.authentication.method, BYTES("m")));
    assert_true(bytes_equal(connack.authentication.data, BYTES("hi")));
    assert_true(bytes_equal(connack.client_id, BYTES("clid")));
}

SPEC_TEST("MQTTSN2-3.2.2.2-1 MQTTSN2-3.2.2.3-1 MQTTSN2-3.2.2.4-1",
        what_no_flag_announces_is_the_client_id)
{
    struct notation body = notation_read("00 1234 00 'abcdefg'");
    struct mqttsn2_connack connack;

    assert_int_equal(mqttsn2_connack_decode(&connack, notation_bytes(&body)), MQTT_SUCCESS);
    assert_false(connack.session_present || connack.has_session_expiry);
    assert_false(connack.has_keepalive || connack.has_authentication);
    assert_true(bytes_equal(connack.client_id, BYTES("abcdefg")));
}

SPEC_TEST("MQTTSN2-3.2.2-1 MQTTSN2-3.2.2-2", reserved_bits_are_malformed)
{
    assert_int_equal(reason("06 02 10 0001 00"), MQTT_MALFORMED);
    assert_int_equal(reason("06 02 20 0001 00"), MQTT_MALFORMED);
    assert_int_equal(reason("06 02 40 0001 00"), MQTT_MALFORMED);
    assert_int_equal(reason("06 02 80 0001 00"), MQTT_MALFORMED);
}

TEST(no_session_is_present_after_a_refusal)
{
    assert_int_equal(reason("06 02 01 0001 87"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("06 02 00 0001 87"), MQTT_SUCCESS);
}

TEST(a_keep_alive_is_never_0)
{
    assert_int_equal(reason("08 02 04 0001 00 0000"), MQTT_PROTOCOL_ERROR);
}

TEST(text_is_utf_8)
{
    assert_int_equal(reason("08 02 00 0001 00 C328"), MQTT_MALFORMED);
    assert_int_equal(reason("0B 02 08 0001 00 02 C328 0000"), MQTT_MALFORMED);
    assert_int_equal(reason("08 02 00 0001 00 C3A9"), MQTT_SUCCESS);
}

TEST(codes_are_given_as_they_came)
{
    struct notation body = notation_read("00 1234 7D");
    struct mqttsn2_connack connack;

    assert_int_equal(mqttsn2_connack_decode(&connack, notation_bytes(&body)), MQTT_SUCCESS);
    assert_int_equal(connack.code, 0x7D);
}
