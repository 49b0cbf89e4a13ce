/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/auth.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "06 0F 0001 19 00" },
        { MQTT_FROM_CLIENT, "10 0F FFFF 18 05 'SCRAM' 'data!'" },
        { MQTT_FROM_SERVER, "0B 0F 0001 18 05 'SCRAM'" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(each_field_lands_in_its_place)
{
    struct notation body = notation_read("1234 18 05 'SCRAM' 'data'");
    struct mqttsn2_auth auth;

    assert_int_equal(mqttsn2_auth_decode(&auth, notation_bytes(&body)), MQTT_SUCCESS);
    assert_int_equal(auth.packet_id, 0x1234);
    assert_int_equal(auth.code, MQTT_CONTINUE_AUTHENTICATION);
    assert_true(bytes_equal(auth.authentication.method, BYTES("SCRAM")));
    assert_true(bytes_equal(auth.authentication.data, BYTES("data")));
}

TEST(what_is_wrong_is_refused)
{
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "06 0F 0000 19 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "05 0F 0001 19"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "07 0F 0001 19 02 'a'"), MQTT_MALFORMED);
    assert_int_equal(packet2_reason(MQTT_FROM_CLIENT, "08 0F 0001 19 02 C328"), MQTT_MALFORMED);
}
