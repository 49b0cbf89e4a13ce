/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/subscribe.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return packet2_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "08 08 03 0001 'a/#'" },
        { MQTT_FROM_CLIENT, "08 08 DB FFFF 'a/+'" },
        { MQTT_FROM_CLIENT, "07 08 20 0001 0007" },
        { MQTT_FROM_CLIENT, "07 08 45 0001 0007" },
        { MQTT_FROM_CLIENT, "0F 08 03 0001 '$share/g/a'" },
        { MQTT_FROM_CLIENT, "08 0A 03 0001 'a/#'" },
        { MQTT_FROM_CLIENT, "07 0A 00 0001 0007" },
        { MQTT_FROM_CLIENT, "07 0A 01 0001 0007" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTTSN2-3.7.5-1 MQTTSN2-3.7.4-2", each_field_lands_in_its_place)
{
    struct notation body = notation_read("DB 1234 'a/#'");
    struct mqttsn2_subscribe subscribe;

    assert_int_equal(mqttsn2_subscribe_decode(&subscribe, notation_bytes(&body), MQTTSN2_SUBSCRIBE),
            MQTT_SUCCESS);
    assert_int_equal(subscribe.topic.type, MQTTSN2_TOPIC_NAME);
    assert_true(bytes_equal(subscribe.topic.name, BYTES("a/#")));
    assert_int_equal(subscribe.packet_id, 0x1234);
    assert_int_equal(subscribe.qos, 2);
    assert_int_equal(subscribe.retain_handling, 2);
    assert_true(subscribe.no_local);
    assert_true(subscribe.retain_as_published);
}

SPEC_TEST("MQTTSN2-3.7.2.1-1 MQTTSN2-3.7.4-1 MQTTSN2-3.7.5-2 MQTTSN2-3.9.4-1 MQTTSN2-3.9.5-2",
        an_alias_stands_where_a_filter_would)
{
    static const enum mqttsn2_type types[] = { MQTTSN2_SUBSCRIBE, MQTTSN2_UNSUBSCRIBE };

    for (size_t i = 0; i < 2; i++) {
        struct notation body = notation_read("01 1234 5678");
        struct mqttsn2_subscribe subscribe;

        assert_int_equal(mqttsn2_subscribe_decode(&subscribe, notation_bytes(&body), types[i]),
                MQTT_SUCCESS);
        assert_int_equal(subscribe.topic.type, MQTTSN2_TOPIC_PREDEFINED);
        assert_int_equal(subscribe.topic.alias, 0x5678);
        assert_int_equal(subscribe.topic.name.size, 0);
    }
    assert_int_equal(reason("06 08 01 0001 07"), MQTT_MALFORMED);
    assert_int_equal(reason("08 08 00 0001 000007"), MQTT_MALFORMED);
    assert_int_equal(reason("05 0A 00 0001"), MQTT_MALFORMED);
    assert_int_equal(reason("07 08 02 0001 0007"), MQTT_MALFORMED);
    assert_int_equal(reason("07 0A 02 0001 0007"), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-3.9.2-1 MQTTSN2-3.9.2-2", an_unsubscribe_has_no_options)
{
    for (unsigned bit = 2; bit < 8; bit++) {
        uint8_t body[] = { (uint8_t)(MQTTSN2_TOPIC_NAME | 1 << bit), 0, 1, 'a' };
        struct mqttsn2_subscribe subscribe;

        assert_int_equal(mqttsn2_subscribe_decode(
                                 &subscribe, bytes_of(body, sizeof(body)), MQTTSN2_UNSUBSCRIBE),
                MQTT_MALFORMED);
    }
}

TEST(options_that_mean_nothing_are_protocol_errors)
{
    assert_int_equal(reason("06 08 63 0001 'a'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("06 08 0F 0001 'a'"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTTSN2-2.2-1", the_identifier_is_never_0)
{
    assert_int_equal(reason("06 08 03 0000 'a'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason("06 0A 03 0000 'a'"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTTSN2-3.9.5-1 MQTTSN2-3.9.4-2 MQTTSN2-4.7.1.1.2-1 MQTTSN2-4.7.1.1.3-1 "
          "MQTTSN2-4.7.1.3-1 MQTTSN2-4.7.1.3-2",
        filters_are_those_of_mqtt_5)
{
    static const struct {
        const char *text;
        enum mqtt_reason reason;
    } rows[] = {
        { "05 08 03 0001", MQTT_PROTOCOL_ERROR },
        { "05 0A 03 0001", MQTT_PROTOCOL_ERROR },
        { "07 08 03 0001 'a#'", MQTT_TOPIC_FILTER_INVALID },
        { "09 08 03 0001 '#/ab'", MQTT_TOPIC_FILTER_INVALID },
        { "07 0A 03 0001 'a+'", MQTT_TOPIC_FILTER_INVALID },
        { "0E 08 03 0001 '$share//a'", MQTT_TOPIC_FILTER_INVALID },
        { "07 08 03 0001 C328", MQTT_MALFORMED },
        { "07 0A 03 0001 'a' 00", MQTT_MALFORMED },
        { "06 08 03 0001 '#'", MQTT_SUCCESS },
        { "08 0A 03 0001 '+/+'", MQTT_SUCCESS },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(reason(rows[i].text), rows[i].reason);
}

TEST(an_unsubscribe_says_only_what)
{
    const struct any_packet2 packet = {
        .type = MQTTSN2_UNSUBSCRIBE,
        .as.subscribe = {
            .topic = { .type = MQTTSN2_TOPIC_NAME, .name = BYTES("a") },
            .packet_id = 1,
            .qos = 2,
            .retain_handling = 1,
            .no_local = true,
            .retain_as_published = true,
        },
    };

    packet2_encodes(&packet, "06 0A 03 0001 'a'");
}
