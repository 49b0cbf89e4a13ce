/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/register.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "07 0A 0000 0001 'a'" },
        { MQTT_FROM_CLIENT, "09 0A FFFF 0000 'a/b'" },
        { MQTT_FROM_SERVER, "09 0A 0005 0007 'a/b'" },
        { MQTT_FROM_SERVER, "01 0134 0A FFFE FFFF {300}" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.4.10-1", each_field_lands_in_its_place)
{
    struct mqttsn_register message;

    assert_int_equal(
            mqttsn_register_decode(&message, BYTES("\1\2\3\4a/b"), MQTT_FROM_SERVER), MQTT_SUCCESS);
    assert_int_equal(message.topic_id, 0x0102);
    assert_int_equal(message.msg_id, 0x0304);
    assert_true(bytes_equal(message.topic_name, BYTES("a/b")));
}

TEST(a_gateway_gives_an_id_that_can_be_one)
{
    assert_int_equal(
            datagram_reason(MQTT_FROM_SERVER, "07 0A 0000 0001 'a'"), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(
            datagram_reason(MQTT_FROM_SERVER, "07 0A FFFF 0001 'a'"), MQTT_TOPIC_ALIAS_INVALID);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "07 0A 1234 0001 'a'"), MQTT_SUCCESS);
}

SPEC_TEST("SN-5.3.12-1", what_is_registered_is_a_topic_name)
{
    static const char *const wrong[] = {
        "06 0A 0000 0001",
        "07 0A 0000 0001 '#'",
        "07 0A 0000 0001 '+'",
        "09 0A 0000 0001 'a/#'",
        "0B 0A 0000 0001 'a/+/b'",
        "08 0A 0000 0001 C328",
        "09 0A 0000 0001 'a' 00 'b'",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, wrong[i]), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(datagram_reason(MQTT_FROM_CLIENT, "05 0A 0000 00"), MQTT_MALFORMED);
}
