/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/suback.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "08 13 20 0001 0002 00" },
        { MQTT_FROM_SERVER, "08 13 40 0000 FFFF 00" },
        { MQTT_FROM_SERVER, "08 13 00 0000 0002 03" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.16-1", each_field_lands_in_its_place)
{
    struct mqttsn_suback suback;

    assert_int_equal(mqttsn_suback_decode(&suback, BYTES("\x40\1\2\3\4\1")), MQTT_SUCCESS);
    assert_int_equal(suback.qos, 2);
    assert_int_equal(suback.topic_id, 0x0102);
    assert_int_equal(suback.msg_id, 0x0304);
    assert_int_equal(suback.code, MQTTSN_CONGESTION);
}

SPEC_TEST("SN-5.3.4-2", nobody_grants_qos_minus_1)
{
    assert_int_equal(
            datagram_reason(MQTT_FROM_SERVER, "08 13 60 0001 0002 00"), MQTT_PROTOCOL_ERROR);
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "07 13 20 0001 0002"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "07 13 60 0001 0002"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "09 13 20 0001 0002 00 00"), MQTT_MALFORMED);
}
