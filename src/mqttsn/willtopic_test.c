/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/willtopic.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return datagram_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "05 07 20 'wt'" },
        { MQTT_FROM_CLIENT, "04 07 50 'w'" },
        { MQTT_FROM_CLIENT, "02 07" },
        { MQTT_FROM_CLIENT, "05 1A 30 'wt'" },
        { MQTT_FROM_CLIENT, "02 1A" },
        { MQTT_FROM_CLIENT, "01 0131 1A 00 {300}" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.7-1 SN-5.4.22-1", each_field_lands_in_its_place)
{
    struct mqttsn_willtopic willtopic;

    assert_int_equal(mqttsn_willtopic_decode(&willtopic, BYTES("\x50w/t")), MQTT_SUCCESS);
    assert_true(bytes_equal(willtopic.topic, BYTES("w/t")));
    assert_int_equal(willtopic.qos, 2);
    assert_true(willtopic.retain);
    assert_int_equal(mqttsn_willtopic_decode(&willtopic, BYTES("\x20w")), MQTT_SUCCESS);
    assert_int_equal(willtopic.qos, 1);
    assert_false(willtopic.retain);
}

SPEC_TEST("SN-5.4.7-1 SN-5.4.22-1", an_empty_body_deletes)
{
    struct mqttsn_willtopic willtopic = { BYTES("w"), 2, true };
    uint8_t buffer[2];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    assert_int_equal(mqttsn_willtopic_decode(&willtopic, BYTES("")), MQTT_SUCCESS);
    assert_int_equal(willtopic.topic.size, 0);
    assert_int_equal(willtopic.qos, 0);
    assert_false(willtopic.retain);
    willtopic.retain = true;
    mqttsn_willtopic_encode(&out, &willtopic, MQTTSN_WILLTOPICUPD);
    assert_true(datagram_is(&out, "02 1A"));
}

SPEC_TEST("SN-5.3.4-2", a_will_has_no_qos_below_0)
{
    assert_int_equal(reason("05 07 60 'wt'"), MQTT_QOS_NOT_SUPPORTED);
    assert_int_equal(reason("05 1A 70 'wt'"), MQTT_QOS_NOT_SUPPORTED);
}

SPEC_TEST("SN-5.3.4-1", other_flags_mean_nothing)
{
    struct mqttsn_willtopic willtopic;

    assert_int_equal(mqttsn_willtopic_decode(&willtopic, BYTES("\x8Fw")), MQTT_SUCCESS);
    assert_int_equal(willtopic.qos, 0);
    assert_false(willtopic.retain);
}

SPEC_TEST("SN-5.3.12-1", a_wills_topic_is_a_topic_name)
{
    assert_int_equal(reason("05 07 00 C328"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("06 07 00 'w/#'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("06 1A 00 '+/w'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("04 1A 00 00"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason("03 07 00"), MQTT_MALFORMED);
    assert_int_equal(reason("03 1A 00"), MQTT_MALFORMED);
}
