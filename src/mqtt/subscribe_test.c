/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/subscribe.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_version version, const char *text)
{
    return sample_reason((struct sample){ version, MQTT_FROM_CLIENT, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_CLIENT, "82 02 00 01" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "82 06 00 01 00 01 61 01" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "82 RL ABCD S'a/+' 00 S'#' 01 S'$SYS/#' 02" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "82 07 00 01 00 00 01 61 01" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "82 RL 0001 09 0B8001 26S'k'S'' S'a/#' 2E S'$share/g/+' 19" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(subscriptions_are_walked_in_order)
{
    struct notation notation = notation_read("0102 02 0B07 S'a' 00 S'b/#' 2E S'$share/g/c' 19");
    struct mqtt_subscription subscription;
    struct mqtt_subscribe subscribe;
    struct bytes rest;

    assert_int_equal(
            mqtt_subscribe_decode(&subscribe, notation_bytes(&notation), MQTT_5_0), MQTT_SUCCESS);
    assert_int_equal(subscribe.packet_id, 0x0102);
    assert_int_equal(subscribe.count, 3);
    assert_int_equal(subscribe.properties.subscription_id, 7);
    rest = subscribe.subscriptions;

    assert_true(mqtt_subscribe_next(&rest, &subscription));
    assert_true(bytes_equal(subscription.filter, BYTES("a")));
    assert_int_equal(subscription.qos, 0);
    assert_false(subscription.no_local);
    assert_false(subscription.retain_as_published);
    assert_int_equal(subscription.retain_handling, MQTT_RETAINED_ALWAYS);

    assert_true(mqtt_subscribe_next(&rest, &subscription));
    assert_true(bytes_equal(subscription.filter, BYTES("b/#")));
    assert_int_equal(subscription.qos, 2);
    assert_true(subscription.no_local);
    assert_true(subscription.retain_as_published);
    assert_int_equal(subscription.retain_handling, MQTT_RETAINED_NEVER);

    assert_true(mqtt_subscribe_next(&rest, &subscription));
    assert_true(bytes_equal(subscription.filter, BYTES("$share/g/c")));
    assert_int_equal(subscription.qos, 1);
    assert_false(subscription.no_local);
    assert_true(subscription.retain_as_published);
    assert_int_equal(subscription.retain_handling, MQTT_RETAINED_IF_NEW);
    assert_false(mqtt_subscribe_next(&rest, &subscription));
}

SPEC_TEST("MQTT5-2.2.1-3 MQTT311-2.3.1-1 V31-23", packet_id_0_is_refused)
{
    assert_int_equal(reason(MQTT_3_1_1, "82 06 0000 0001 61 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "82 07 0000 00 0001 61 00"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTT5-3.8.3-2 MQTT311-3.8.3-3 V31-20", an_empty_list_is_refused_but_in_3_1)
{
    assert_int_equal(reason(MQTT_3_1, "82 02 0001"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_3_1_1, "82 02 0001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "82 03 0001 00"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTT311-3.8.3-4 MQTT5-3.8.3-5 U5-3.8.3.1-1 U5-3.8.3.1-2", options_have_legal_bits)
{
    for (unsigned options = 0; options < 0x100; options++) {
        uint8_t v3[] = { 0, 1, 0, 1, 'a', (uint8_t)options };
        uint8_t v5[] = { 0, 1, 0, 0, 1, 'a', (uint8_t)options };
        bool qos_3 = (options & 3) == 3;
        bool handling_3 = (options & 0x30) == 0x30;
        enum mqtt_reason expected = options & 0xC0 ? MQTT_MALFORMED
                : qos_3 || handling_3              ? MQTT_PROTOCOL_ERROR
                                                   : MQTT_SUCCESS;
        struct mqtt_subscribe subscribe;

        assert_int_equal(
                mqtt_subscribe_decode(&subscribe, bytes_of(v5, sizeof(v5)), MQTT_5_0), expected);
        assert_int_equal(mqtt_subscribe_decode(&subscribe, bytes_of(v3, sizeof(v3)), MQTT_3_1_1),
                options < 3 ? MQTT_SUCCESS : MQTT_MALFORMED);
    }
}

SPEC_TEST("MQTT5-3.8.3-1 MQTT311-3.8.3-1 MQTT5-4.7.1-1 MQTT311-4.7.1-2 MQTT5-4.8.2-1 "
          "MQTT5-4.8.2-2 MQTT5-4.7.3-1 MQTT311-4.7.3-1 MQTT5-4.7.1-2 MQTT311-4.7.1-3",
        each_filter_is_judged)
{
    assert_int_equal(reason(MQTT_3_1_1, "82 07 0001 0002C328 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "82 RL 0001 S'a' 00 S'a#' 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "82 RL 0001 S'a+' 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "82 RL 0001 S'' 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "82 RL 0001 S'$share/g' 00"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_5_0, "82 08 0001 00 0002C328 00"), MQTT_MALFORMED);
    assert_int_equal(
            reason(MQTT_5_0, "82 RL 0001 00 S'a' 00 S'#/a' 00"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 00 S'' 00"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 00 S'$share//a' 00"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 00 S'$share/g' 00"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 00 S'a'"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT5-3.8.3-4", no_local_and_shared_do_not_go_together)
{
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 00 S'$share/g/a' 04"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 00 S'$share/g/a' 01"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 00 S'$shared/g/a' 04"), MQTT_SUCCESS);
}

SPEC_TEST("U5-3.8.2.1.2-1", one_subscription_id_and_not_0)
{
    assert_int_equal(reason(MQTT_5_0, "82 09 0001 02 0B00 000161 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "82 RL 0001 04 0B01 0B02 000161 00"), MQTT_PROTOCOL_ERROR);
}

TEST(subscriptions_are_written_as_they_are_read)
{
    const struct mqtt_subscription subscription = {
        .filter = BYTES("a/#"),
        .qos = 2,
        .no_local = true,
        .retain_as_published = true,
        .retain_handling = MQTT_RETAINED_NEVER,
    };
    uint8_t buffer[8];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_subscription_write(&out, &subscription, MQTT_5_0);
    assert_true(bytes_equal(writer_written(&out),
            BYTES("\x00\x03"
                  "a/#"
                  "\x2E")));
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_subscription_write(&out, &subscription, MQTT_3_1_1);
    assert_true(bytes_equal(writer_written(&out),
            BYTES("\x00\x03"
                  "a/#"
                  "\x02")));
}
