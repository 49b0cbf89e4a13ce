/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/connect.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return packet2_reason(MQTT_FROM_CLIENT, text);
}

static enum mqtt_reason decode(struct mqttsn2_connect *out, const struct notation *body)
{
    return mqttsn2_connect_decode(out, notation_bytes(body));
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "0A 01 01 0001 02 003C 0000" },
        { MQTT_FROM_CLIENT, "0E 01 60 0001 02 003C 0100 'clid'" },
        { MQTT_FROM_CLIENT, "0C 01 10 FFFF 02 0001 000A 05 'c'" },
        { MQTT_FROM_CLIENT, "0F 01 08 0001 02 003C 0000 00000E10 'c'" },
        { MQTT_FROM_CLIENT, "14 01 02 13 0001 02 003C 0000 0003 'a/b' 0001 'x' 'c'" },
        { MQTT_FROM_CLIENT, "11 01 02 09 0001 02 003C 0000 0007 0000 'cl'" },
        { MQTT_FROM_CLIENT, "1E 01 04 0001 02 003C 0000 0A 'MQTT-BASIC' 0005 0001 'u' 0000 'cl'" },
        { MQTT_FROM_CLIENT,
                "22 01 7F 14 0001 02 003C 0000 09 FFFFFFFF 0102 0002 'hi' 02 'me' 0003 'you' "
                "'clid'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTTSN2-3.1.2.2-1 MQTTSN2-3.1.2.3-1 MQTTSN2-3.1.2.4-1 MQTTSN2-3.1.2.5-1 "
          "MQTTSN2-3.1.3-2",
        each_field_lands_in_its_place)
{
    struct notation body = notation_read("5F 17 1234 02 003C 0100 09 00000E10 0003 'a/b' "
                                         "0002 'hi' 02 'me' 0003 'you' 'clid'");
    struct mqttsn2_connect connect;

    assert_int_equal(decode(&connect, &body), MQTT_SUCCESS);
    assert_true(connect.clean_start);
    assert_false(connect.allows_address_change);
    assert_true(connect.allows_suggestions);
    assert_int_equal(connect.packet_id, 0x1234);
    assert_int_equal(connect.keepalive_s, 60);
    assert_int_equal(connect.packet_size_max, 256);
    assert_true(connect.has_awake_messages);
    assert_int_equal(connect.awake_messages_max, 9);
    assert_true(connect.has_session_expiry);
    assert_int_equal(connect.session_expiry_s, 3600);
    assert_true(connect.has_will);
    assert_int_equal(connect.will.topic.type, MQTTSN2_TOPIC_NAME);
    assert_true(bytes_equal(connect.will.topic.name, BYTES("a/b")));
    assert_true(bytes_equal(connect.will.payload, BYTES("hi")));
    assert_int_equal(connect.will.qos, 1);
    assert_true(connect.will.retain);
    assert_true(connect.has_authentication);
    assert_true(bytes_equal(connect.authentication.method, BYTES("me")));
    assert_true(bytes_equal(connect.authentication.data, BYTES("you")));
    assert_true(bytes_equal(connect.client_id, BYTES("clid")));
}

SPEC_TEST("MQTTSN2-3.1.2.3-2 MQTTSN2-3.1.2.4-2 MQTTSN2-3.1.2.5-2 MQTTSN2-3.1.3-1",
        what_no_flag_announces_is_not_there)
{
    struct notation body = notation_read("20 1234 02 003C 0000");
    struct mqttsn2_connect connect;

    assert_int_equal(decode(&connect, &body), MQTT_SUCCESS);
    assert_false(connect.clean_start);
    assert_true(connect.allows_address_change);
    assert_false(connect.has_will || connect.has_authentication);
    assert_false(connect.has_session_expiry || connect.has_awake_messages);
    assert_int_equal(connect.session_expiry_s, 0);
    assert_int_equal(connect.awake_messages_max, 0);
    assert_int_equal(connect.client_id.size, 0);
    /* So what would be a field is the client id. */
    assert_int_equal(reason("0F 01 01 0001 02 003C 0000 00000E10 'c'"), MQTT_MALFORMED);
    assert_int_equal(reason("0F 01 01 0001 02 003C 0000 'abcde'"), MQTT_SUCCESS);
}

SPEC_TEST("MQTTSN2-3.1.2-1 MQTTSN2-3.1.2-2 MQTTSN2-3.1.3-3", reserved_bits_are_malformed)
{
    assert_int_equal(reason("0A 01 81 0001 02 003C 0000"), MQTT_MALFORMED);
    assert_int_equal(reason("0F 01 02 20 0001 02 003C 0000 0007 0000"), MQTT_MALFORMED);
    assert_int_equal(reason("0F 01 02 40 0001 02 003C 0000 0007 0000"), MQTT_MALFORMED);
    assert_int_equal(reason("0F 01 02 80 0001 02 003C 0000 0007 0000"), MQTT_MALFORMED);
    assert_int_equal(reason("0F 01 02 02 0001 02 003C 0000 0007 0000"), MQTT_MALFORMED);
    assert_int_equal(reason("0F 01 02 0C 0001 02 003C 0000 0007 0000"), MQTT_MALFORMED);
    assert_int_equal(reason("0F 01 02 08 0001 02 003C 0000 0007 0000"), MQTT_SUCCESS);
}

SPEC_TEST("MQTTSN2-3.1.5-1 MQTTSN2-3.1.5-2", another_version_is_told_whatever_else_it_says)
{
    assert_int_equal(reason("0A 01 01 0001 01 003C 0000"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("0A 01 01 0001 03 003C 0000"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("0A 01 80 0000 FF 0000 0001"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("06 01 01 0001 03"), MQTT_UNSUPPORTED_VERSION);
    assert_int_equal(reason("05 01 01 0001"), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-2.2-1 MQTTSN2-3.1.6-4", identifier_and_keep_alive_are_never_0)
{
    assert_int_equal(reason("0A 01 01 0000 02 003C 0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("0A 01 01 0001 02 0000 0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("0A 01 01 0001 02 0001 0000"), MQTT_SUCCESS);
}

SPEC_TEST("MQTTSN2-3.1.7-1", a_client_takes_packets_of_10_bytes_at_least)
{
    assert_int_equal(reason("0A 01 01 0001 02 003C 0001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("0A 01 01 0001 02 003C 0009"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("0A 01 01 0001 02 003C 000A"), MQTT_SUCCESS);
    assert_int_equal(reason("0A 01 01 0001 02 003C 0000"), MQTT_SUCCESS);
}

SPEC_TEST("MQTTSN2-3.1.11-1 MQTTSN2-4.7.1.1-1", a_will_has_a_topic_that_can_be_published_to)
{
    assert_int_equal(
            reason("11 01 02 03 0001 02 003C 0000 0002 'a#' 0000"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("0F 01 02 03 0001 02 003C 0000 0000 0000"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("11 01 02 03 0001 02 003C 0000 0002 C328 0000"), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-3.1.18-1 MQTTSN2-1.8.4-1 MQTTSN2-1.8.4-2", text_is_utf_8)
{
    assert_int_equal(reason("0C 01 01 0001 02 003C 0000 C328"), MQTT_MALFORMED);
    assert_int_equal(reason("0B 01 01 0001 02 003C 0000 00"), MQTT_MALFORMED);
    assert_int_equal(reason("0C 01 01 0001 02 003C 0000 C3A9"), MQTT_SUCCESS);
    assert_int_equal(reason("0F 01 05 0001 02 003C 0000 02 C328 0000"), MQTT_MALFORMED);
}

TEST(client_ids_may_have_any_length)
{
    assert_int_equal(reason("21 01 01 0001 02 003C 0000 'abcdefghijkABCDEFGHIJ09'"), MQTT_SUCCESS);
    assert_int_equal(reason("01 01F6 01 01 0001 02 003C 0000 {490}"), MQTT_SUCCESS);
}

TEST(what_does_not_fit_fails_the_writer)
{
    static uint8_t large[65536];
    static uint8_t buffer[2 * sizeof(large)];
    const struct mqttsn2_connect connects[] = {
        { .packet_id = 1, .keepalive_s = 1, .client_id = bytes_of(large, 65524) },
        { .packet_id = 1,
                .keepalive_s = 1,
                .has_will = true,
                .will = { .payload = bytes_of(large, 65536) } },
        { .packet_id = 1,
                .keepalive_s = 1,
                .has_authentication = true,
                .authentication = { .method = bytes_of(large, 256) } },
    };

    for (size_t i = 0; i < sizeof(connects) / sizeof(connects[0]); i++) {
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        mqttsn2_connect_encode(&out, &connects[i]);
        assert_true(out.failed);
    }
}

TEST(a_connect_is_told_from_messages_of_1_2)
{
    static const struct {
        const char *text;
        bool likely;
    } rows[] = {
        { "0A 01 01 0001 02 003C 0000", true },
        { "01 000C 01 01 0001 02 003C 0000", true },
        { "0A 01 01 0001 09 003C 0000", true },
        { "0B 01 01 0001 02 003C 0000", false },
        { "09 01 01 0001 02 003C 00", false },
        { "03 01 00", false },                /* SEARCHGW of 1.2 */
        { "0A 04 04 01 003C 'clid'", false }, /* CONNECT of 1.2 */
        { "0A 02 01 'address'", false },      /* GWINFO of 1.2 */
        { "", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct notation notation = notation_read(rows[i].text);

        assert_int_equal(mqttsn2_connect_likely(notation_bytes(&notation)), rows[i].likely);
    }
}
