/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/puback.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "04 04 0001" },
        { MQTT_FROM_SERVER, "05 04 FFFF 10" },
        { MQTT_FROM_CLIENT, "05 05 0001 F0" },
        { MQTT_FROM_SERVER, "04 06 0001" },
        { MQTT_FROM_CLIENT, "05 07 0001 92" },
        { MQTT_FROM_SERVER, "05 0B 0001 11" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(each_field_lands_in_its_place)
{
    struct mqttsn2_puback puback = { 0 };

    assert_int_equal(mqttsn2_puback_decode(&puback, BYTES("\x12\x34\x87")), MQTT_SUCCESS);
    assert_int_equal(puback.packet_id, 0x1234);
    assert_int_equal(puback.code, MQTT_NOT_AUTHORIZED);
    assert_int_equal(mqttsn2_puback_decode(&puback, BYTES("\x12\x35")), MQTT_SUCCESS);
    assert_int_equal(puback.packet_id, 0x1235);
    assert_int_equal(puback.code, MQTT_SUCCESS);
}

TEST(success_may_be_said_and_need_not)
{
    struct any_packet2 packet = { .type = MQTTSN2_PUBACK, .as.puback = { .packet_id = 1 } };

    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "05 04 0001 00"), MQTT_SUCCESS);
    packet2_encodes(&packet, "04 04 0001");
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "02 04"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "03 04 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "06 04 0001 00 00"), MQTT_MALFORMED);
}
