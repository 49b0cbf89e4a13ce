/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/pingreq.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "02 16" },
        { MQTT_FROM_SERVER, "02 16" },
        { MQTT_FROM_CLIENT, "06 16 'clid'" },
        { MQTT_FROM_CLIENT, "01 0130 16 {300}" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.19-1", a_sleeping_client_gives_its_id)
{
    struct mqttsn_pingreq pingreq;

    assert_int_equal(
            mqttsn_pingreq_decode(&pingreq, BYTES("clid"), MQTT_FROM_CLIENT), MQTT_SUCCESS);
    assert_true(bytes_equal(pingreq.client_id, BYTES("clid")));
    assert_int_equal(mqttsn_pingreq_decode(&pingreq, BYTES(""), MQTT_FROM_SERVER), MQTT_SUCCESS);
    assert_int_equal(pingreq.client_id.size, 0);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "06 16 'clid'"), MQTT_MALFORMED);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "04 16 C328"), MQTT_MALFORMED);
}
