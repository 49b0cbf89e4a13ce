/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/regack.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "07 0B 0001 0001 00" },
        { MQTT_FROM_CLIENT, "07 0B 0005 0007 03" },
        { MQTT_FROM_SERVER, "07 0D 7FFF 0000 02" },
        { MQTT_FROM_CLIENT, "07 0D 'ab' FFFF 00" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.11-1 SN-5.4.13-1", each_field_lands_in_its_place)
{
    struct mqttsn_regack regack;

    assert_int_equal(mqttsn_regack_decode(&regack, BYTES("\1\2\3\4\2")), MQTT_SUCCESS);
    assert_int_equal(regack.topic_id, 0x0102);
    assert_int_equal(regack.msg_id, 0x0304);
    assert_int_equal(regack.code, MQTTSN_INVALID_TOPIC_ID);
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "06 0B 0001 0001"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "08 0B 0001 0001 00 00"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "06 0D 0001 0001"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "08 0D 0001 0001 00 00"), MQTT_MALFORMED);
}
