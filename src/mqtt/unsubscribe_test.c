/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/unsubscribe.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_version version, const char *text)
{
    return sample_reason((struct sample){ version, MQTT_FROM_CLIENT, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_CLIENT, "A2 02 00 02" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "A2 05 00 02 00 01 61" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "A2 RL FFFF S'a/+' S'#'" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "A2 06 00 02 00 00 01 61" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "A2 RL 0002 07 26S'k'S'v' S'a' S'$share/g/a'" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(filters_are_walked_in_order)
{
    struct notation notation = notation_read("0102 S'a' S'b/#'");
    struct mqtt_unsubscribe unsubscribe;
    struct bytes filter;
    struct bytes rest;

    assert_int_equal(mqtt_unsubscribe_decode(&unsubscribe, notation_bytes(&notation), MQTT_3_1_1),
            MQTT_SUCCESS);
    assert_int_equal(unsubscribe.packet_id, 0x0102);
    assert_int_equal(unsubscribe.count, 2);
    rest = unsubscribe.filters;
    assert_true(mqtt_unsubscribe_next(&rest, &filter));
    assert_true(bytes_equal(filter, BYTES("a")));
    assert_true(mqtt_unsubscribe_next(&rest, &filter));
    assert_true(bytes_equal(filter, BYTES("b/#")));
    assert_false(mqtt_unsubscribe_next(&rest, &filter));
}

SPEC_TEST("MQTT5-3.10.3-1 MQTT311-3.10.3-1 MQTT5-3.10.3-2 MQTT311-3.10.3-2 MQTT5-2.2.1-3 "
          "MQTT311-2.3.1-1 MQTT311-4.7.3-1 V31-20",
        ids_and_filters_are_judged)
{
    assert_int_equal(reason(MQTT_3_1_1, "A2 05 0000 0001 61"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1_1, "A2 02 0001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1, "A2 02 0001"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_3_1_1, "A2 06 0001 0002 C328"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "A2 RL 0001 S''"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "A2 RL 0001 S'a#'"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "A2 06 0000 00 0001 61"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "A2 03 0001 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "A2 06 0002 00 0001 FF"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "A2 RL 0002 00 S'a' S'#/'"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason(MQTT_5_0, "A2 RL 0002 00 S'$share/g'"), MQTT_TOPIC_FILTER_INVALID);
    assert_int_equal(reason(MQTT_5_0, "A2 RL 0002 03 1F0000 S'a'"), MQTT_MALFORMED);
}
