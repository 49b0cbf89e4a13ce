/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/publish.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return datagram_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "08 0C 00 0001 0000 'x'" },
        { MQTT_FROM_CLIENT, "08 0C 20 FFFE 0009 'x'" },
        { MQTT_FROM_SERVER, "07 0C D0 0001 FFFF" },
        { MQTT_FROM_SERVER, "08 0C A1 0005 0001 'x'" },
        { MQTT_FROM_CLIENT, "09 0C 62 'ab' 0000 'hi'" },
        { MQTT_FROM_CLIENT, "08 0C 71 0005 0000 'x'" },
        { MQTT_FROM_SERVER, "FF 0C 02 'ab' 0000 {248}" },
        { MQTT_FROM_SERVER, "01 0102 0C 02 'ab' 0000 {249}" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.12-1 SN-5.3.4-3", each_field_lands_in_its_place)
{
    struct mqttsn_publish publish;

    assert_int_equal(
            mqttsn_publish_decode(&publish, BYTES("\xD1\1\2\3\4payload"), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_int_equal(publish.topic.type, MQTTSN_TOPIC_PREDEFINED);
    assert_int_equal(publish.topic.id, 0x0102);
    assert_int_equal(publish.topic.name.size, 0);
    assert_int_equal(publish.msg_id, 0x0304);
    assert_true(bytes_equal(publish.data, BYTES("payload")));
    assert_int_equal(publish.qos, 2);
    assert_true(publish.dup);
    assert_true(publish.retain);
    assert_int_equal(
            mqttsn_publish_decode(&publish, BYTES("\0\0\1\0\0"), MQTT_FROM_SERVER), MQTT_SUCCESS);
    assert_int_equal(publish.topic.type, MQTTSN_TOPIC_NORMAL);
    assert_int_equal(publish.data.size, 0);
    assert_int_equal(publish.qos, 0);
    assert_false(publish.dup);
    assert_false(publish.retain);
}

SPEC_TEST("SN-5.3.4-4 SN-6.7-4", a_short_name_stands_where_an_id_would)
{
    struct notation notation = notation_read("02 'ab' 0000 'x'");
    struct mqttsn_publish publish;

    assert_int_equal(mqttsn_publish_decode(&publish, notation_bytes(&notation), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_int_equal(publish.topic.type, MQTTSN_TOPIC_SHORT);
    assert_true(bytes_equal(publish.topic.name, BYTES("ab")));
    assert_int_equal(publish.topic.id, 'a' << 8 | 'b');
    assert_int_equal(reason("08 0C 02 'a#' 0000 'x'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("08 0C 02 '+b' 0000 'x'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("08 0C 02 'a' 00 0000 'x'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("08 0C 02 C328 0000 'x'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("08 0C 02 C3A9 0000 'x'"), MQTT_SUCCESS);
}

SPEC_TEST("SN-5.3.4-4", the_fourth_type_of_ids_is_reserved)
{
    assert_int_equal(reason("08 0C 03 0001 0000 'x'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("08 0C 23 0001 0009 'x'"), MQTT_PROTOCOL_ERROR);
}

TEST(two_ids_are_never_assigned)
{
    assert_int_equal(reason("08 0C 00 0000 0000 'x'"), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(reason("08 0C 20 FFFF 0001 'x'"), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(reason("08 0C 01 0000 0000 'x'"), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(reason("08 0C 01 FFFF 0000 'x'"), MQTT_TOPIC_ALIAS_INVALID);
}

SPEC_TEST("SN-5.3.4-2 SN-6.8-2", qos_minus_1_is_a_clients_who_needs_no_connection)
{
    struct mqttsn_publish publish;

    assert_int_equal(mqttsn_publish_decode(&publish,
                             BYTES("\x62"
                                   "ab\0\0hi"),
                             MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_int_equal(publish.qos, -1);
    assert_int_equal(reason("08 0C 61 0005 0000 'x'"), MQTT_SUCCESS);
    assert_int_equal(reason("08 0C 60 0005 0000 'x'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(
            datagram_reason(MQTT_FROM_SERVER, "08 0C 61 0005 0000 'x'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(
            datagram_reason(MQTT_FROM_SERVER, "08 0C 62 'ab' 0000 'x'"), MQTT_PROTOCOL_ERROR);
}

TEST(an_exchange_has_a_message_id)
{
    assert_int_equal(reason("08 0C 20 0001 0000 'x'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("08 0C 40 0001 0000 'x'"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("SN-5.4.12-1 SN-6.8-2", without_an_exchange_the_message_id_is_written_as_0)
{
    static const int8_t levels[] = { -1, 0 };
    static const char *const texts[] = { "08 0C 62 'ab' 0000 'x'", "08 0C 02 'ab' 0000 'x'" };

    for (size_t i = 0; i < 2; i++) {
        const struct mqttsn_publish publish = {
            .topic = { MQTTSN_TOPIC_SHORT, mqttsn_topic_short_id(BYTES("ab")), BYTES("ab") },
            .data = BYTES("x"),
            .msg_id = 0x1234,
            .qos = levels[i],
        };
        uint8_t buffer[8];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        mqttsn_publish_encode(&out, &publish);
        assert_true(datagram_is(&out, texts[i]));
    }
}

TEST(a_message_id_that_means_nothing_is_given_as_it_came)
{
    struct mqttsn_publish publish;

    assert_int_equal(
            mqttsn_publish_decode(&publish, BYTES("\0\0\1\0\5x"), MQTT_FROM_CLIENT), MQTT_SUCCESS);
    assert_int_equal(publish.msg_id, 5);
}

TEST(the_head_counts_the_data_that_follows)
{
    const struct mqttsn_publish publish = {
        .topic = { .type = MQTTSN_TOPIC_NORMAL, .id = 1 },
        .data = BYTES("payload"),
        .msg_id = 9,
        .qos = 1,
        .dup = true,
    };
    uint8_t buffer[16];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqttsn_publish_head_encode(&out, &publish);
    assert_true(datagram_is(&out, "0E 0C A0 0001 0009"));
    assert_int_equal(mqttsn_publish_size(&publish), 14);
}

TEST(data_that_no_message_can_hold_fails_the_writer)
{
    static uint8_t data[65527];
    static uint8_t buffer[65536];
    struct mqttsn_publish publish = {
        .topic = { .type = MQTTSN_TOPIC_NORMAL, .id = 1 },
        .data = bytes_of(data, sizeof(data) - 1),
    };
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    assert_int_equal(mqttsn_publish_size(&publish), MQTTSN_MESSAGE_SIZE_MAX);
    mqttsn_publish_encode(&out, &publish);
    assert_false(out.failed);
    assert_int_equal(out.used, MQTTSN_MESSAGE_SIZE_MAX);
    any_message_check(writer_written(&out), MQTT_FROM_SERVER);
    publish.data.size++;
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqttsn_publish_encode(&out, &publish);
    assert_true(out.failed);
}

TEST(a_missing_field_is_malformed)
{
    assert_int_equal(reason("02 0C"), MQTT_MALFORMED);
    assert_int_equal(reason("06 0C 00 0001 00"), MQTT_MALFORMED);
    assert_int_equal(reason("06 0C 03 FFFF 00"), MQTT_MALFORMED);
}
