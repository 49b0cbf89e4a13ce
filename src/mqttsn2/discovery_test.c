/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/discovery.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "05 16 05 0384" },
        { MQTT_FROM_CLIENT, "02 17" },
        { MQTT_FROM_CLIENT, "04 17 0203" },
        { MQTT_FROM_SERVER, "03 18 05" },
        { MQTT_FROM_CLIENT, "09 18 05 '[::1]x'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(each_field_lands_in_its_place)
{
    struct mqttsn_advertise advertise;
    struct mqttsn2_searchgw searchgw;
    struct mqttsn_gwinfo gwinfo;

    assert_int_equal(mqttsn2_advertise_decode(&advertise, BYTES("\x05\x03\x84")), MQTT_SUCCESS);
    assert_int_equal(advertise.gateway_id, 5);
    assert_int_equal(advertise.duration_s, 900);
    assert_int_equal(mqttsn2_searchgw_decode(&searchgw, BYTES("radius")), MQTT_SUCCESS);
    assert_true(bytes_equal(searchgw.network_info, BYTES("radius")));
    assert_int_equal(mqttsn2_gwinfo_decode(&gwinfo,
                             BYTES("\x05"
                                   "host")),
            MQTT_SUCCESS);
    assert_int_equal(gwinfo.gateway_id, 5);
    assert_true(bytes_equal(gwinfo.gateway_address, BYTES("host")));
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(packet2_reason(MQTT_FROM_SERVER, "04 16 05 03"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_SERVER, "06 16 05 0384 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_SERVER, "02 18"), MQTT_MALFORMED);
}
