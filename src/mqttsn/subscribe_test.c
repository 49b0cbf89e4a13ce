/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/subscribe.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return datagram_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "06 12 20 0002 'a'" },
        { MQTT_FROM_CLIENT, "07 12 21 0003 0005" },
        { MQTT_FROM_CLIENT, "07 12 22 0004 'ab'" },
        { MQTT_FROM_CLIENT, "07 12 80 0004 'ab'" },
        { MQTT_FROM_CLIENT, "08 12 C0 FFFF 'a/#'" },
        { MQTT_FROM_CLIENT, "0F 12 00 0000 '$share/g/+'" },
        { MQTT_FROM_CLIENT, "01 0133 12 00 0001 {300}" },
        { MQTT_FROM_CLIENT, "06 14 00 0005 'a'" },
        { MQTT_FROM_CLIENT, "07 14 01 0005 0001" },
        { MQTT_FROM_CLIENT, "07 14 02 0005 'ab'" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.15-1 SN-5.3.4-3 SN-5.3.4-4", each_field_lands_in_its_place)
{
    struct mqttsn_subscribe subscribe;

    assert_int_equal(mqttsn_subscribe_decode(&subscribe, BYTES("\xC0\1\2a/+"), MQTTSN_SUBSCRIBE),
            MQTT_SUCCESS);
    assert_int_equal(subscribe.topic.type, MQTTSN_TOPIC_NORMAL);
    assert_int_equal(subscribe.topic.id, 0);
    assert_true(bytes_equal(subscribe.topic.name, BYTES("a/+")));
    assert_int_equal(subscribe.msg_id, 0x0102);
    assert_int_equal(subscribe.qos, 2);
    assert_true(subscribe.dup);
    assert_int_equal(mqttsn_subscribe_decode(&subscribe, BYTES("\x21\0\3\1\5"), MQTTSN_SUBSCRIBE),
            MQTT_SUCCESS);
    assert_int_equal(subscribe.topic.type, MQTTSN_TOPIC_PREDEFINED);
    assert_int_equal(subscribe.topic.id, 0x0105);
    assert_int_equal(subscribe.qos, 1);
    assert_false(subscribe.dup);
    assert_int_equal(
            mqttsn_subscribe_decode(&subscribe, BYTES("\2\0\4ab"), MQTTSN_SUBSCRIBE), MQTT_SUCCESS);
    assert_int_equal(subscribe.topic.type, MQTTSN_TOPIC_SHORT);
    assert_true(bytes_equal(subscribe.topic.name, BYTES("ab")));
}

SPEC_TEST("SN-5.4.17-1 SN-5.3.4-1", an_unsubscribe_says_only_what)
{
    struct mqttsn_subscribe subscribe;
    uint8_t buffer[6];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    assert_int_equal(mqttsn_subscribe_decode(&subscribe, BYTES("\xFC\0\5z"), MQTTSN_UNSUBSCRIBE),
            MQTT_SUCCESS);
    assert_int_equal(subscribe.qos, 0);
    assert_false(subscribe.dup);
    assert_int_equal(subscribe.msg_id, 5);
    assert_true(bytes_equal(subscribe.topic.name, BYTES("z")));
    subscribe.qos = 1;
    subscribe.dup = true;
    mqttsn_subscribe_encode(&out, &subscribe, MQTTSN_UNSUBSCRIBE);
    assert_true(datagram_is(&out, "06 14 00 0005 'z'"));
}

SPEC_TEST("SN-5.3.4-2", nobody_subscribes_with_qos_minus_1)
{
    assert_int_equal(reason("06 12 60 0002 'a'"), MQTT_QOS_NOT_SUPPORTED);
    assert_int_equal(reason("07 12 62 0002 'ab'"), MQTT_QOS_NOT_SUPPORTED);
}

SPEC_TEST("SN-5.3.4-4", an_id_has_a_type_and_two_bytes)
{
    assert_int_equal(reason("07 12 23 0002 0001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("07 14 03 0002 0001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("06 12 21 0002 01"), MQTT_MALFORMED);
    assert_int_equal(reason("08 12 21 0002 000100"), MQTT_MALFORMED);
    assert_int_equal(reason("06 12 22 0002 'a'"), MQTT_MALFORMED);
    assert_int_equal(reason("08 14 02 0002 'abc'"), MQTT_MALFORMED);
    assert_int_equal(reason("05 12 20 0002"), MQTT_MALFORMED);
    assert_int_equal(reason("05 14 00 0002"), MQTT_MALFORMED);
    assert_int_equal(reason("07 12 21 0002 0000"), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(reason("07 14 01 0002 FFFF"), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(reason("07 12 22 0002 'a#'"), MQTT_TOPIC_NAME_INVALID);
}

SPEC_TEST("SN-5.3.12-1", a_whole_name_is_a_filter)
{
    assert_int_equal(reason("07 12 20 0002 C328"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason("07 12 20 0002 'a#'"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason("0A 12 20 0002 '#/a/b'"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason("07 14 00 0002 'a+'"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason("08 12 20 0002 'a' 00 'b'"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason("0D 12 20 0002 '$share/g'"), MQTT_TOPIC_FILTER_INVALID);
}
