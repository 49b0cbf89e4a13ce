/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/advertise.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "05 00 07 0384" },
        { MQTT_FROM_CLIENT, "05 00 00 0000" },
        { MQTT_FROM_SERVER, "05 00 FF FFFF" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.3.3-1", the_duration_is_two_bytes_of_seconds)
{
    struct mqttsn_advertise advertise;

    assert_int_equal(mqttsn_advertise_decode(&advertise, BYTES("\x07\x03\x84")), MQTT_SUCCESS);
    assert_int_equal(advertise.gateway_id, 7);
    assert_int_equal(advertise.duration_s, 900);
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "04 00 07 03"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "06 00 07 0384 00"), MQTT_MALFORMED);
}
