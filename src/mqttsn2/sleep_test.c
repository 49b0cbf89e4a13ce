/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/sleep.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "09 13 00 0001 00000E10" },
        { MQTT_FROM_CLIENT, "09 13 01 FFFF FFFFFFFF" },
        { MQTT_FROM_SERVER, "05 14 00 0001" },
        { MQTT_FROM_SERVER, "06 14 00 0001 91" },
        { MQTT_FROM_SERVER, "09 14 01 0001 00000E10" },
        { MQTT_FROM_SERVER, "0A 14 01 0001 00000E10 91" },
        { MQTT_FROM_SERVER, "02 15" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(each_field_of_a_request_lands_in_its_place)
{
    struct notation body = notation_read("01 1234 00000E10");
    struct mqttsn2_sleepreq sleepreq;

    assert_int_equal(mqttsn2_sleepreq_decode(&sleepreq, notation_bytes(&body)), MQTT_SUCCESS);
    assert_true(sleepreq.retain_aliases);
    assert_int_equal(sleepreq.packet_id, 0x1234);
    assert_int_equal(sleepreq.duration_s, 3600);
}

SPEC_TEST("MQTTSN2-3.16.2.1-1 MQTTSN2-3.16.2.1-2", each_field_of_a_response_lands_in_its_place)
{
    struct notation with = notation_read("01 1234 00000E10 91");
    struct notation without = notation_read("00 1234");
    struct mqttsn2_sleepresp sleepresp;

    assert_int_equal(mqttsn2_sleepresp_decode(&sleepresp, notation_bytes(&with)), MQTT_SUCCESS);
    assert_true(sleepresp.has_duration);
    assert_int_equal(sleepresp.packet_id, 0x1234);
    assert_int_equal(sleepresp.duration_s, 3600);
    assert_int_equal(sleepresp.code, MQTT_PACKET_ID_IN_USE);
    assert_int_equal(mqttsn2_sleepresp_decode(&sleepresp, notation_bytes(&without)), MQTT_SUCCESS);
    assert_false(sleepresp.has_duration);
    assert_int_equal(sleepresp.code, MQTT_SUCCESS);
}

SPEC_TEST("MQTTSN2-3.15.2-1 MQTTSN2-3.15.2-2 MQTTSN2-3.16.2-1 MQTTSN2-3.16.2-2",
        reserved_bits_are_malformed)
{
    for (unsigned bit = 1; bit < 8; bit++) {
        uint8_t body[] = { (uint8_t)(1 << bit), 0, 1, 0, 0, 0, 60 };
        struct mqttsn2_sleepreq sleepreq;
        struct mqttsn2_sleepresp sleepresp;

        assert_int_equal(
                mqttsn2_sleepreq_decode(&sleepreq, bytes_of(body, sizeof(body))), MQTT_MALFORMED);
        assert_int_equal(mqttsn2_sleepresp_decode(&sleepresp, bytes_of(body, 3)), MQTT_MALFORMED);
    }
}

SPEC_TEST("MQTTSN2-2.2-1 MQTTSN2-3.15.4-1", identifier_and_duration_are_never_0)
{
    assert_int_equal(packet2_from_client("09 13 00 0000 00000E10"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_client("09 13 00 0001 00000000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_server("09 14 01 0001 00000000"), MQTT_PROTOCOL_ERROR);
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(packet2_from_client("08 13 00 0001 00000E"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_client("0A 13 00 0001 00000E10 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_server("04 14 00 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_server("08 14 01 0001 00000E"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_server("07 14 00 0001 0000"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_server("03 15 00"), MQTT_MALFORMED);
}
