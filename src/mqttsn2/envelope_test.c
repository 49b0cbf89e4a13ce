/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/envelope.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return packet2_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "09 FC 02 'no' 04 0C 0001" },
        { MQTT_FROM_SERVER, "05 FC 00 02 15" },
        { MQTT_FROM_CLIENT, "0A FE 0002 'id' 04 0C 0001" },
        { MQTT_FROM_CLIENT, "01 010D FE 0103 {259} 04 0C 0001" },
        { MQTT_FROM_CLIENT, "13 FF 10 40 'sender12' 'rand' 'sec'" },
        { MQTT_FROM_SERVER, "21 FF 4E 00 'sender12' 'rand' 'material1234' 'coun' 'x'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(a_forwarders_envelope_says_where_to)
{
    struct notation body = notation_read("03 'nod' 04 0C 0001");
    struct mqttsn2_forwarder forwarder;
    struct mqttsn2_packet packet;

    assert_int_equal(mqttsn2_forwarder_decode(&forwarder, notation_bytes(&body)), MQTT_SUCCESS);
    assert_true(bytes_equal(forwarder.node, BYTES("nod")));
    assert_int_equal(mqttsn2_packet_read(&packet, forwarder.inner, MQTT_FROM_CLIENT), MQTT_SUCCESS);
    assert_int_equal(packet.type, MQTTSN2_PINGREQ);
}

TEST(a_forwarders_envelope_holds_anything_but_another)
{
    assert_int_equal(reason("0A FC 02 'no' 05 FC 00 02 15"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("0D FC 00 0A FE 0002 'id' 04 0C 0001"), MQTT_SUCCESS);
    assert_int_equal(reason("05 FC 00 02 FF"), MQTT_SUCCESS);
    assert_int_equal(reason("03 FC 00"), MQTT_MALFORMED);
    assert_int_equal(reason("05 FC 02 'no'"), MQTT_MALFORMED);
    assert_int_equal(reason("04 FC 02 'n'"), MQTT_MALFORMED);
    assert_int_equal(reason("02 FC"), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-3.18-3", a_connections_envelope_holds_what_needs_a_connection)
{
    for (unsigned type = 0; type <= 0xFF; type++) {
        uint8_t body[] = { 0, 2, 'i', 'd', 2, (uint8_t)type };
        struct mqttsn2_connection connection;
        bool belongs = type == MQTTSN2_PUBLISH || type == MQTTSN2_SUBSCRIBE ||
                type == MQTTSN2_UNSUBSCRIBE || type == MQTTSN2_REGISTER ||
                type == MQTTSN2_DISCONNECT || type == MQTTSN2_SLEEPREQ || type == MQTTSN2_PINGREQ;

        assert_int_equal(mqttsn2_connection_decode(&connection, bytes_of(body, sizeof(body))),
                belongs ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR);
        if (belongs)
            assert_true(bytes_equal(connection.client_id, BYTES("id")));
    }
}

TEST(a_connections_envelope_has_a_client_id_and_a_packet)
{
    assert_int_equal(reason("08 FE 0000 04 0C 0001"), MQTT_MALFORMED);
    assert_int_equal(reason("0A FE 0002 C328 04 0C 0001"), MQTT_MALFORMED);
    assert_int_equal(reason("06 FE 0002 'id'"), MQTT_MALFORMED);
    assert_int_equal(reason("05 FE 0002 'i'"), MQTT_MALFORMED);
    assert_int_equal(reason("08 FE 0002 'id' 03 0C"), MQTT_MALFORMED);
    assert_int_equal(reason("03 FE 00"), MQTT_MALFORMED);
}

TEST(only_clients_use_a_connections_envelope)
{
    assert_int_equal(
            packet2_reason(MQTT_FROM_SERVER, "0A FE 0002 'id' 04 0E 0001"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTTSN2-3.17.2.1-2 MQTTSN2-3.17.2.1-3 MQTTSN2-3.17.2.1-4 MQTTSN2-3.17.2.2-1 "
          "MQTTSN2-3.17.2.2-2 MQTTSN2-3.17.2.2-3 MQTTSN2-3.17.2.2-4",
        the_head_of_a_protection_says_its_sizes)
{
    static const size_t counters[] = { 0, 2, 4 };
    static const size_t materials[] = { 0, 2, 4, 12 };

    for (size_t counter = 0; counter < 3; counter++) {
        for (size_t material = 0; material < 4; material++) {
            uint8_t body[64] = "  sender12randmaterial1234counter";
            size_t size = 14 + materials[material] + counters[counter];
            struct mqttsn2_protection protection;

            body[0] = (uint8_t)(0x10 | material << 2 | counter);
            body[1] = 0x46;
            assert_int_equal(
                    mqttsn2_protection_decode(&protection, bytes_of(body, size)), MQTT_MALFORMED);
            assert_int_equal(
                    mqttsn2_protection_decode(&protection, bytes_of(body, size + 3)), MQTT_SUCCESS);
            assert_int_equal(protection.scheme, 0x46);
            assert_int_equal(protection.tag_length, 1);
            assert_true(bytes_equal(protection.sender_id, BYTES("sender12")));
            assert_true(bytes_equal(protection.random, BYTES("rand")));
            assert_int_equal(protection.material.size, materials[material]);
            assert_int_equal(protection.counter.size, counters[counter]);
            assert_ptr_equal(protection.sealed.data, body + size);
            assert_int_equal(protection.sealed.size, 3);
        }
    }
}

SPEC_TEST("MQTTSN2-3.17.2.1-1 MQTTSN2-3.17.2.3-3", reserved_lengths_are_malformed)
{
    for (unsigned flags = 0; flags <= 0xFF; flags++) {
        uint8_t body[64] = { (uint8_t)flags };
        struct mqttsn2_protection protection;
        bool reserved = (flags & 3) == 3 || flags >> 4 == 2 || flags >> 4 == 3;

        assert_int_equal(mqttsn2_protection_decode(&protection, bytes_of(body, sizeof(body))),
                reserved ? MQTT_MALFORMED : MQTT_SUCCESS);
    }
}

TEST(heads_count_what_is_behind_them)
{
    const struct mqttsn2_forwarder forwarder = { BYTES("node"), BYTES("a packet") };
    const struct mqttsn2_connection connection = { BYTES("id"), BYTES("a packet") };
    uint8_t buffer[16];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqttsn2_forwarder_head_encode(&out, &forwarder);
    assert_true(datagram_is(&out, "0F FC 04 'node'"));
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqttsn2_connection_head_encode(&out, &connection);
    assert_true(datagram_is(&out, "0E FE 0002 'id'"));
}

TEST(what_no_envelope_can_hold_fails_the_writer)
{
    static uint8_t large[65536];
    const struct mqttsn2_forwarder forwarders[] = {
        { bytes_of(large, MQTTSN2_NODE_SIZE_MAX + 1), BYTES("x") },
        { BYTES(""), bytes_of(large, 65531) },
    };
    const struct mqttsn2_connection connection = { BYTES("id"), bytes_of(large, 65528) };
    static uint8_t buffer[1024];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    for (size_t i = 0; i < 2; i++) {
        out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
        mqttsn2_forwarder_head_encode(&out, &forwarders[i]);
        assert_true(out.failed);
    }
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqttsn2_connection_head_encode(&out, &connection);
    assert_true(out.failed);
}
