/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/gwinfo.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_SERVER, "03 02 07" },
        { MQTT_FROM_CLIENT, "09 02 07 C0A80001 075C" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.3-1", the_address_is_what_follows_the_id)
{
    struct mqttsn_gwinfo gwinfo;

    assert_int_equal(mqttsn_gwinfo_decode(&gwinfo, BYTES("\x07\x0A\x0B")), MQTT_SUCCESS);
    assert_int_equal(gwinfo.gateway_id, 7);
    assert_true(bytes_equal(gwinfo.gateway_address, BYTES("\x0A\x0B")));
    assert_int_equal(mqttsn_gwinfo_decode(&gwinfo, BYTES("\x08")), MQTT_SUCCESS);
    assert_int_equal(gwinfo.gateway_id, 8);
    assert_int_equal(gwinfo.gateway_address.size, 0);
    assert_int_equal(datagram_reason(MQTT_FROM_SERVER, "02 02"), MQTT_MALFORMED);
}
