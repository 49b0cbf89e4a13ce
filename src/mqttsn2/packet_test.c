/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/packet.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

static const uint8_t types[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B,
    0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0xFC, 0xFE,
    0xFF };

static enum mqtt_reason reading(const char *text, enum mqtt_sender sender)
{
    struct notation notation = notation_read(text);
    struct mqttsn2_packet packet;

    return mqttsn2_packet_read(&packet, notation_bytes(&notation), sender);
}

SPEC_TEST("MQTTSN2-2.1.2-1", either_form_of_the_length_is_taken)
{
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "04 0C 1234"), MQTT_SUCCESS);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "01 0006 0C 1234"), MQTT_SUCCESS);
}

TEST(a_packet_is_its_type_and_its_body)
{
    struct notation notation = notation_read("01 0007 17 'abc'");
    struct mqttsn2_packet packet;

    assert_int_equal(mqttsn2_packet_read(&packet, notation_bytes(&notation), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_int_equal(packet.type, MQTTSN2_SEARCHGW);
    assert_true(bytes_equal(packet.body, BYTES("abc")));
}

TEST(a_length_that_is_not_the_datagrams_is_malformed)
{
    static const char *const wrong[] = { "", "00", "01", "02", "03", "00 17", "01 17", "03 17",
        "02 17 00", "FF 17", "01 00", "01 0004", "01 0002 17", "01 0005 17", "01 0004 17 00" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(reading(wrong[i], MQTT_FROM_CLIENT), MQTT_MALFORMED);
}

TEST(reserved_types_are_malformed)
{
    for (unsigned type = 0; type <= 0xFF; type++) {
        const uint8_t datagram[] = { 2, (uint8_t)type };
        struct bytes bytes = bytes_of(datagram, sizeof(datagram));
        struct mqttsn2_packet packet;
        bool exists = memchr(types, (int)type, sizeof(types));

        assert_int_equal(
                exists, mqttsn2_packet_read(&packet, bytes, MQTT_FROM_CLIENT) != MQTT_MALFORMED);
        assert_int_equal(
                exists, mqttsn2_packet_read(&packet, bytes, MQTT_FROM_SERVER) != MQTT_MALFORMED);
    }
}

TEST(types_of_the_other_direction_are_protocol_errors)
{
    static const uint8_t clients_own[] = { MQTTSN2_CONNECT, MQTTSN2_SUBSCRIBE, MQTTSN2_UNSUBSCRIBE,
        MQTTSN2_PINGREQ, MQTTSN2_SLEEPREQ, MQTTSN2_CONNECTION };
    static const uint8_t servers_own[] = { MQTTSN2_CONNACK, MQTTSN2_SUBACK, MQTTSN2_UNSUBACK,
        MQTTSN2_PINGRESP, MQTTSN2_SLEEPRESP, MQTTSN2_WAKEUP };

    for (size_t i = 0; i < sizeof(types); i++) {
        const uint8_t datagram[] = { 2, types[i] };
        struct bytes bytes = bytes_of(datagram, sizeof(datagram));
        struct mqttsn2_packet packet;

        assert_int_equal(mqttsn2_packet_read(&packet, bytes, MQTT_FROM_CLIENT),
                memchr(servers_own, types[i], sizeof(servers_own)) ? MQTT_PROTOCOL_ERROR
                                                                   : MQTT_SUCCESS);
        assert_int_equal(mqttsn2_packet_read(&packet, bytes, MQTT_FROM_SERVER),
                memchr(clients_own, types[i], sizeof(clients_own)) ? MQTT_PROTOCOL_ERROR
                                                                   : MQTT_SUCCESS);
    }
}

TEST(a_packet_that_is_refused_leaves_the_output_alone)
{
    static const char *const wrong[] = { "02 15 00", "02 19", "03 02 00" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct notation notation = notation_read(wrong[i]);
        struct mqttsn2_packet packet = { MQTTSN2_AUTH, BYTES("body") };

        assert_int_not_equal(
                mqttsn2_packet_read(&packet, notation_bytes(&notation), MQTT_FROM_CLIENT),
                MQTT_SUCCESS);
        assert_int_equal(packet.type, MQTTSN2_AUTH);
        assert_true(bytes_equal(packet.body, BYTES("body")));
    }
}

TEST(the_packet_identifier_is_found_in_what_nobody_has_decoded)
{
    static const struct {
        enum mqttsn2_type type;
        const char *body;
        bool has_id; /* 1234 */
    } rows[] = {
        { MQTTSN2_CONNECT, "80 1234 09", true },
        { MQTTSN2_CONNECT, "02 FF 1234", true },
        { MQTTSN2_CONNECT, "02 FF 12", false },
        { MQTTSN2_CONNACK, "F0 1234", true },
        { MQTTSN2_PUBLISH, "20 1234", true },
        { MQTTSN2_PUBLISH, "CF 1234", true },
        { MQTTSN2_PUBLISH, "9F 1234", false },
        { MQTTSN2_PUBACK, "1234", true },
        { MQTTSN2_PUBREC, "1234 80 00", true },
        { MQTTSN2_PUBREL, "1234", true },
        { MQTTSN2_PUBCOMP, "12", false },
        { MQTTSN2_SUBSCRIBE, "FF 1234", true },
        { MQTTSN2_SUBACK, "FF 1234", true },
        { MQTTSN2_UNSUBSCRIBE, "FF 1234", true },
        { MQTTSN2_UNSUBACK, "1234", true },
        { MQTTSN2_PINGREQ, "1234", true },
        { MQTTSN2_PINGRESP, "1234 FF", true },
        { MQTTSN2_DISCONNECT, "F9 1234", true },
        { MQTTSN2_DISCONNECT, "FE 1234", false },
        { MQTTSN2_AUTH, "1234", true },
        { MQTTSN2_REGISTER, "FF 1234", true },
        { MQTTSN2_REGACK, "FF 1234", true },
        { MQTTSN2_PUBWOS, "60 1234", false },
        { MQTTSN2_SLEEPREQ, "FF 1234", true },
        { MQTTSN2_SLEEPRESP, "FF 1234", true },
        { MQTTSN2_WAKEUP, "1234", false },
        { MQTTSN2_ADVERTISE, "1234", false },
        { MQTTSN2_SEARCHGW, "1234", false },
        { MQTTSN2_GWINFO, "1234", false },
        { MQTTSN2_FORWARDER, "1234", false },
        { MQTTSN2_CONNECTION, "1234", false },
        { MQTTSN2_PROTECTION, "1234", false },
        { MQTTSN2_SLEEPREQ, "", false },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct notation body = notation_read(rows[i].body);
        struct mqttsn2_packet packet = { rows[i].type, notation_bytes(&body) };
        uint16_t id = 0xABCD;

        assert_int_equal(mqttsn2_packet_id_find(&id, &packet), rows[i].has_id);
        assert_int_equal(id, rows[i].has_id ? 0x1234 : 0xABCD);
    }
}

TEST(types_have_the_names_of_the_draft)
{
    assert_string_equal(mqttsn2_type_name(MQTTSN2_CONNECT), "CONNECT");
    assert_string_equal(mqttsn2_type_name(MQTTSN2_GWINFO), "GWINFO");
    assert_string_equal(mqttsn2_type_name(MQTTSN2_FORWARDER), "FORWARDER");
    for (size_t i = 0; i < sizeof(types); i++)
        assert_non_null(mqttsn2_type_name((enum mqttsn2_type)types[i]));
}
