/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/willmsg.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

SPEC_TEST("SN-5.4.9-1 SN-5.4.23-1", samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "05 09 'bye'" },
        { MQTT_FROM_CLIENT, "02 09" },
        { MQTT_FROM_CLIENT, "05 1C 'bye'" },
        { MQTT_FROM_CLIENT, "02 1C" },
        { MQTT_FROM_CLIENT, "FF 1C {253}" },
        { MQTT_FROM_CLIENT, "01 0102 1C {254}" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(the_body_is_the_message)
{
    struct mqttsn_willmsg willmsg;

    assert_int_equal(mqttsn_willmsg_decode(&willmsg, BYTES("\0\xFF bye")), MQTT_SUCCESS);
    assert_true(bytes_equal(willmsg.message, BYTES("\0\xFF bye")));
}
