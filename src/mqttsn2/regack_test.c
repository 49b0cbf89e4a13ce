/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/regack.h"

#include "tests/harness/packets2.h"
#include "tests/harness/test.h"

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "05 11 00 0001" },
        { MQTT_FROM_CLIENT, "06 11 01 FFFF 97" },
        { MQTT_FROM_SERVER, "07 11 04 0001 0007" },
        { MQTT_FROM_SERVER, "08 11 05 0001 FFFF 1A" },
        { MQTT_FROM_SERVER, "08 09 04 0001 0007 02" },
        { MQTT_FROM_SERVER, "06 09 01 0000 80" },
    };

    packets2_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTTSN2-3.5.2.2-1 MQTTSN2-3.5.2.2-2 MQTTSN2-3.8.2.2-1 MQTTSN2-3.8.2.2-2",
        each_field_lands_in_its_place)
{
    struct notation with = notation_read("05 1234 5678 1A");
    struct notation without = notation_read("00 1234 87");
    struct mqttsn2_regack regack;

    assert_int_equal(
            mqttsn2_regack_decode(&regack, notation_bytes(&with), MQTT_FROM_SERVER), MQTT_SUCCESS);
    assert_true(regack.has_alias);
    assert_int_equal(regack.type, MQTTSN2_TOPIC_PREDEFINED);
    assert_int_equal(regack.alias, 0x5678);
    assert_int_equal(regack.packet_id, 0x1234);
    assert_int_equal(regack.code, MQTTSN2_TOPIC_ALIAS_EXISTS);
    assert_int_equal(mqttsn2_regack_decode(&regack, notation_bytes(&without), MQTT_FROM_SERVER),
            MQTT_SUCCESS);
    assert_false(regack.has_alias);
    assert_int_equal(regack.code, MQTT_NOT_AUTHORIZED);
}

TEST(without_a_code_all_is_well)
{
    struct notation body = notation_read("04 1234 5678");
    struct mqttsn2_regack regack = { .code = 0x87 };

    assert_int_equal(
            mqttsn2_regack_decode(&regack, notation_bytes(&body), MQTT_FROM_SERVER), MQTT_SUCCESS);
    assert_int_equal(regack.code, MQTT_SUCCESS);
    assert_int_equal(packet2_from_server("05 09 01 0001"), MQTT_SUCCESS);
    assert_int_equal(packet2_from_server("08 11 04 0001 0007 00"), MQTT_SUCCESS);
}

SPEC_TEST("MQTTSN2-3.5.2-1 MQTTSN2-3.5.2-2 MQTTSN2-3.8.2-1 MQTTSN2-3.8.2-2",
        reserved_bits_are_malformed)
{
    for (unsigned bit = 3; bit < 8; bit++) {
        uint8_t body[] = { (uint8_t)(1 << bit), 0, 1 };
        struct mqttsn2_regack regack;

        assert_int_equal(
                mqttsn2_regack_decode(&regack, bytes_of(body, sizeof(body)), MQTT_FROM_SERVER),
                MQTT_MALFORMED);
    }
}

SPEC_TEST("MQTTSN2-3.5.2.1-1", only_aliases_have_types_here)
{
    assert_int_equal(packet2_from_server("07 11 06 0001 0007"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_server("07 11 07 0001 0007"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_server("08 09 07 0001 0007 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_client("05 11 02 0001"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTTSN2-3.5.4-1", a_client_tells_no_alias)
{
    assert_int_equal(packet2_from_client("07 11 04 0001 0007"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(packet2_from_client("06 11 00 0001 00"), MQTT_SUCCESS);
}

TEST(a_wrong_size_is_malformed)
{
    assert_int_equal(packet2_from_server("04 11 00 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_server("06 11 04 0001 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_server("07 11 00 0001 00 00"), MQTT_MALFORMED);
    assert_int_equal(packet2_from_server("09 11 04 0001 0007 00 00"), MQTT_MALFORMED);
}

SPEC_TEST("MQTTSN2-3.7.6-5 MQTTSN2-3.8.2.1-2 MQTTSN2-3.8.4-2",
        a_suback_says_its_code_and_a_type_even_without_an_alias)
{
    struct any_packet2 suback = {
        .type = MQTTSN2_SUBACK,
        .as.regack = { .type = MQTTSN2_TOPIC_SESSION, .packet_id = 1 },
    };
    struct any_packet2 regack = suback;

    packet2_encodes(&suback, "06 09 01 0001 00");
    regack.type = MQTTSN2_REGACK;
    packet2_encodes(&regack, "05 11 00 0001");
}
