/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/searchgw.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "03 01 00" },
        { MQTT_FROM_CLIENT, "03 01 01" },
        { MQTT_FROM_SERVER, "03 01 FF" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(the_body_is_the_radius)
{
    struct mqttsn_searchgw searchgw;

    assert_int_equal(mqttsn_searchgw_decode(&searchgw, BYTES("\x02")), MQTT_SUCCESS);
    assert_int_equal(searchgw.radius, 2);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "02 01"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "04 01 01 01"), MQTT_MALFORMED);
}
