/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/ping.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_CLIENT, "C0 00" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "D0 00" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "C0 00" },
        { MQTT_5_0, MQTT_FROM_SERVER, "D0 00" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("U5-3.12-1 U311-2.x-a", pings_have_no_body)
{
    const struct sample with_body = { MQTT_5_0, MQTT_FROM_CLIENT, "C0 01 00" };
    const struct sample with_flag = { MQTT_3_1_1, MQTT_FROM_CLIENT, "C1 00" };

    assert_int_equal(sample_reason(with_body), MQTT_MALFORMED);
    assert_int_equal(sample_reason(with_flag), MQTT_MALFORMED);
}
