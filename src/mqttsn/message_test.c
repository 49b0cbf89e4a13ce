/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/message.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

static const uint8_t types[] = { 0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B,
    0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1A, 0x1B, 0x1C, 0x1D,
    0xFE };

static bool type_exists(unsigned type)
{
    return memchr(types, (int)type, sizeof(types));
}

static bool header_read(struct mqttsn_header *out, const char *text)
{
    struct notation notation = notation_read(text);

    return mqttsn_header_read(out, notation_bytes(&notation));
}

static bool message_read(struct mqttsn_message *out, const char *text, enum mqtt_sender sender)
{
    struct notation notation = notation_read(text);

    /* What is read borrows from the notation, so only the type is looked at. */
    return mqttsn_message_read(out, notation_bytes(&notation), sender);
}

SPEC_TEST("SN-5.2.1-1 SN-5.2.1-2 SN-5.2.1-3", the_length_has_a_short_and_a_long_form)
{
    struct mqttsn_header header;

    assert_true(header_read(&header, "02 16"));
    assert_int_equal(header.type, MQTTSN_PINGREQ);
    assert_int_equal(header.size, 2);
    assert_int_equal(header.length, 2);

    assert_true(header_read(&header, "01 00 04 16"));
    assert_int_equal(header.type, MQTTSN_PINGREQ);
    assert_int_equal(header.size, 4);
    assert_int_equal(header.length, 4);

    assert_true(header_read(&header, "01 01 02 09 {254}"));
    assert_int_equal(header.size, 4);
    assert_int_equal(header.length, 258);

    assert_true(header_read(&header, "FF 09 {253}"));
    assert_int_equal(header.length, 255);
}

SPEC_TEST("SN-5.2.1-3", either_form_is_taken_where_the_short_one_would_do)
{
    struct notation notation = notation_read("01 00 0C 04 04 01 003C 'clid'");
    struct any_message message = { .type = MQTTSN_ENCAPSULATED };

    assert_int_equal(any_message_decode(&message, notation_bytes(&notation), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_int_equal(message.type, MQTTSN_CONNECT);
    assert_true(bytes_equal(message.as.connect.client_id, BYTES("clid")));
    datagram_encodes(&message, "0A 04 04 01 003C 'clid'");
    any_message_check(notation_bytes(&notation), MQTT_FROM_CLIENT);
}

SPEC_TEST("SN-5.2.1-5", a_length_that_is_not_the_datagrams_is_ignored)
{
    static const char *const wrong[] = {
        "",
        "00",
        "01",
        "02",
        "03",
        "00 16",
        "01 16",
        "03 16",
        "05 16",
        "02 16 00",
        "FF 16",
        "01 00",
        "01 00 02",
        "01 00 04",
        "01 00 00 16",
        "01 00 01 16",
        "01 00 02 16",
        "01 00 03 16",
        "01 00 05 16",
        "01 04 00 16",
        "01 FF FF 16",
        "01 00 04 16 00",
    };
    struct mqttsn_message message;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(message_read(&message, wrong[i], MQTT_FROM_CLIENT));
        assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, wrong[i]), MQTT_MALFORMED);
    }
}

SPEC_TEST("SN-5.2.1-5", each_type_has_its_sizes)
{
    static const struct {
        uint8_t type;
        enum mqtt_sender sender;
        size_t min;
        size_t max; /* 0: none */
    } rows[] = {
        { MQTTSN_ADVERTISE, MQTT_FROM_SERVER, 5, 5 },
        { MQTTSN_SEARCHGW, MQTT_FROM_CLIENT, 3, 3 },
        { MQTTSN_GWINFO, MQTT_FROM_SERVER, 3, 0 },
        { MQTTSN_CONNACK, MQTT_FROM_SERVER, 3, 3 },
        { MQTTSN_WILLTOPICREQ, MQTT_FROM_SERVER, 2, 2 },
        { MQTTSN_WILLMSGREQ, MQTT_FROM_SERVER, 2, 2 },
        { MQTTSN_WILLMSG, MQTT_FROM_CLIENT, 2, 0 },
        { MQTTSN_REGACK, MQTT_FROM_CLIENT, 7, 7 },
        { MQTTSN_PUBLISH, MQTT_FROM_CLIENT, 7, 0 },
        { MQTTSN_PUBACK, MQTT_FROM_CLIENT, 7, 7 },
        { MQTTSN_PUBCOMP, MQTT_FROM_CLIENT, 4, 4 },
        { MQTTSN_PUBREC, MQTT_FROM_CLIENT, 4, 4 },
        { MQTTSN_PUBREL, MQTT_FROM_CLIENT, 4, 4 },
        { MQTTSN_SUBSCRIBE, MQTT_FROM_CLIENT, 6, 0 },
        { MQTTSN_SUBACK, MQTT_FROM_SERVER, 8, 8 },
        { MQTTSN_UNSUBSCRIBE, MQTT_FROM_CLIENT, 6, 0 },
        { MQTTSN_UNSUBACK, MQTT_FROM_SERVER, 4, 4 },
        { MQTTSN_PINGREQ, MQTT_FROM_CLIENT, 2, 0 },
        { MQTTSN_PINGREQ, MQTT_FROM_SERVER, 2, 2 },
        { MQTTSN_PINGRESP, MQTT_FROM_SERVER, 2, 2 },
        { MQTTSN_WILLTOPICRESP, MQTT_FROM_SERVER, 3, 3 },
        { MQTTSN_WILLMSGUPD, MQTT_FROM_CLIENT, 2, 0 },
        { MQTTSN_WILLMSGRESP, MQTT_FROM_SERVER, 3, 3 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t size = 2; size < 20; size++) {
            /* What can be flags, of QoS 1, and then ids, names and data; also text as a whole. */
            uint8_t datagram[20] = "   aaaaaaaaaaaaaaaa";
            struct any_message message = { .type = MQTTSN_ENCAPSULATED };
            bool good = size >= rows[i].min && (rows[i].max == 0 || size <= rows[i].max);

            datagram[0] = (uint8_t)size;
            datagram[1] = rows[i].type;
            assert_int_equal(any_message_decode(&message, bytes_of(datagram, size), rows[i].sender),
                    good ? MQTT_SUCCESS : MQTT_MALFORMED);
        }
    }
}

SPEC_TEST("SN-5.2.2-1", reserved_types_are_ignored)
{
    for (unsigned type = 0; type <= 0xFF; type++) {
        const uint8_t datagram[] = { 2, (uint8_t)type };
        struct mqttsn_header header;

        assert_int_equal(mqttsn_header_read(&header, bytes_of(datagram, sizeof(datagram))),
                type_exists(type));
    }
}

SPEC_TEST("SN-5.2.2-2", types_of_the_other_direction_are_ignored)
{
    static const uint8_t clients_own[] = { MQTTSN_CONNECT, MQTTSN_WILLTOPIC, MQTTSN_WILLMSG,
        MQTTSN_SUBSCRIBE, MQTTSN_UNSUBSCRIBE, MQTTSN_WILLTOPICUPD, MQTTSN_WILLMSGUPD };
    static const uint8_t gateways_own[] = { MQTTSN_CONNACK, MQTTSN_WILLTOPICREQ, MQTTSN_WILLMSGREQ,
        MQTTSN_SUBACK, MQTTSN_UNSUBACK, MQTTSN_WILLTOPICRESP, MQTTSN_WILLMSGRESP };

    for (size_t i = 0; i < sizeof(types); i++) {
        const uint8_t datagram[] = { 2, types[i] };
        struct bytes bytes = bytes_of(datagram, sizeof(datagram));
        struct mqttsn_message message;
        bool is_message = types[i] != MQTTSN_ENCAPSULATED;

        assert_int_equal(mqttsn_message_read(&message, bytes, MQTT_FROM_CLIENT),
                is_message && !memchr(gateways_own, types[i], sizeof(gateways_own)));
        assert_int_equal(mqttsn_message_read(&message, bytes, MQTT_FROM_SERVER),
                is_message && !memchr(clients_own, types[i], sizeof(clients_own)));
    }
}

TEST(a_header_that_is_refused_leaves_the_output_alone)
{
    struct mqttsn_header header = { MQTTSN_SUBACK, 77, 777 };
    struct mqttsn_message message = { MQTTSN_SUBACK, BYTES("body") };

    assert_false(header_read(&header, "03 16"));
    assert_false(header_read(&header, "02 03"));
    assert_int_equal(header.type, MQTTSN_SUBACK);
    assert_int_equal(header.size, 77);
    assert_int_equal(header.length, 777);
    assert_false(message_read(&message, "02 16 00", MQTT_FROM_CLIENT));
    assert_false(message_read(&message, "03 05 00", MQTT_FROM_CLIENT));
    assert_int_equal(message.type, MQTTSN_SUBACK);
    assert_true(bytes_equal(message.body, BYTES("body")));
}

SPEC_TEST("SN-5.2.1-1 SN-5.2.1-2", headers_are_written_as_short_as_can_be)
{
    static const struct {
        size_t body_size;
        size_t header_size;
        const char *text;
    } rows[] = {
        { 0, 2, "02 09" },
        { 253, 2, "FF 09" },
        { 254, 4, "01 01 02 09" },
        { 65531, 4, "01 FF FF 09" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t buffer[MQTTSN_HEADER_SIZE_MAX];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        mqttsn_header_encode(&out, MQTTSN_WILLMSG, rows[i].body_size);
        assert_true(datagram_is(&out, rows[i].text));
        assert_int_equal(
                mqttsn_message_size(rows[i].body_size), rows[i].header_size + rows[i].body_size);
    }
}

TEST(a_body_that_no_header_can_count_fails_the_writer)
{
    static const size_t sizes[] = { 65532, 65536, 131072, SIZE_MAX - 4 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t buffer[MQTTSN_HEADER_SIZE_MAX];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        mqttsn_header_encode(&out, MQTTSN_WILLMSG, sizes[i]);
        assert_true(out.failed);
    }
}

TEST(types_have_the_names_of_the_specification)
{
    assert_string_equal(mqttsn_type_name(MQTTSN_ADVERTISE), "ADVERTISE");
    assert_string_equal(mqttsn_type_name(MQTTSN_WILLMSGRESP), "WILLMSGRESP");
    assert_string_equal(mqttsn_type_name(MQTTSN_ENCAPSULATED), "ENCAPSULATED");
    for (size_t i = 0; i < sizeof(types); i++)
        assert_non_null(mqttsn_type_name((enum mqttsn_type)types[i]));
}
