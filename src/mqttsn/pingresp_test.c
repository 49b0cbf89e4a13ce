/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/pingresp.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

SPEC_TEST("SN-5.4.6-1 SN-5.4.8-1", samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "02 06" },
        { MQTT_FROM_SERVER, "02 08" },
        { MQTT_FROM_SERVER, "02 17" },
        { MQTT_FROM_CLIENT, "02 17" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(a_body_is_malformed)
{
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "03 06 00"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "03 08 00"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "03 17 00"), MQTT_MALFORMED);
}
