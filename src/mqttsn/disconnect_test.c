/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/disconnect.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "02 18" },
        { MQTT_FROM_SERVER, "02 18" },
        { MQTT_FROM_CLIENT, "04 18 000A" },
        { MQTT_FROM_CLIENT, "04 18 0000" },
        { MQTT_FROM_CLIENT, "04 18 FFFF" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.21-1 SN-5.3.3-1", only_a_client_that_goes_to_sleep_says_how_long)
{
    struct mqttsn_disconnect disconnect;

    assert_int_equal(mqttsn_disconnect_decode(&disconnect, BYTES("\x01\x0A"), MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_true(disconnect.has_duration);
    assert_int_equal(disconnect.duration_s, 266);
    assert_int_equal(
            mqttsn_disconnect_decode(&disconnect, BYTES(""), MQTT_FROM_CLIENT), MQTT_SUCCESS);
    assert_false(disconnect.has_duration);
    assert_int_equal(disconnect.duration_s, 0);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "04 18 000A"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "03 18 00"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "05 18 000A00"), MQTT_MALFORMED);
}
