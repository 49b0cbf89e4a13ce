/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/connack.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_version version, const char *text)
{
    return sample_reason((struct sample){ version, MQTT_FROM_SERVER, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_SERVER, "20 02 00 00" },
        { MQTT_3_1, MQTT_FROM_SERVER, "20 02 00 05" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "20 02 01 00" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "20 02 00 02" },
        { MQTT_5_0, MQTT_FROM_SERVER, "20 03 01 00 00" },
        { MQTT_5_0, MQTT_FROM_SERVER, "20 03 00 84 00" },
        { MQTT_5_0, MQTT_FROM_SERVER,
                "20 RL 00 00 (11 00000E10 12S'auto-1' 13003C 15S'm' 16 0001FF 1AS'r' 1CS's' 1FS'ok'"
                " 210001 220002 2401 2500 26S'k'S'v' 27 00010000 2801 2900 2A01)" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("U311-3.2.2-a V31-15", old_codes_become_reasons_and_codes_again)
{
    static const enum mqtt_reason reasons[] = { MQTT_SUCCESS, MQTT_UNSUPPORTED_VERSION,
        MQTT_CLIENT_ID_NOT_VALID, MQTT_SERVER_UNAVAILABLE, MQTT_BAD_USER_NAME_OR_PASSWORD,
        MQTT_NOT_AUTHORIZED };

    for (uint8_t code = 0; code < 6; code++) {
        const uint8_t body[] = { 0, code };
        struct mqtt_connack connack;

        assert_int_equal(
                mqtt_connack_decode(&connack, bytes_of(body, 2), MQTT_3_1_1), MQTT_SUCCESS);
        assert_int_equal(connack.reason, reasons[code]);
        assert_int_equal(code == 0 ? 0 : mqtt_connack_code_v3(connack.reason), code);
    }
    assert_int_equal(reason(MQTT_3_1_1, "20 02 00 06"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "20 02 00 81"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT5-3.2.2-1 V31-5", reserved_bits_are_judged_but_in_3_1)
{
    struct mqtt_connack connack;

    assert_int_equal(reason(MQTT_5_0, "20 03 02 00 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "20 02 02 00"), MQTT_MALFORMED);
    assert_int_equal(mqtt_connack_decode(&connack, BYTES("\xFF\x00"), MQTT_3_1), MQTT_SUCCESS);
    assert_false(connack.session_present);
}

SPEC_TEST("MQTT5-3.2.2-6 MQTT311-3.2.2-4", a_refusal_has_no_session)
{
    assert_int_equal(reason(MQTT_5_0, "20 03 01 87 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1_1, "20 02 01 05"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTT5-3.2.2-8", codes_of_other_packets_are_refused)
{
    assert_int_equal(reason(MQTT_5_0, "20 03 00 8E 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "20 03 00 01 00"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("U5-3.2.2.3-1 U5-3.2.2.3.4-1", property_rules_hold_in_connack)
{
    assert_int_equal(reason(MQTT_5_0, "20 RL 00 00 06 210001 210001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "20 RL 00 00 02 2402"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "20 RL 00 00 03 160000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "20 RL 00 00 02 1701"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT311-3.2.2-6", what_no_old_code_says_is_not_written)
{
    const struct mqtt_connack connack = { .reason = MQTT_MALFORMED };
    uint8_t buffer[8];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_connack_encode(&out, &connack, MQTT_3_1_1);
    assert_true(out.failed);
    assert_int_equal(out.used, 0);
}

SPEC_TEST("V31-5", fields_become_properties_and_3_1_has_no_flags)
{
    const struct mqtt_connack connack = {
        .session_present = true,
        .properties = {
            .present = mqtt_property_bit(MQTT_RECEIVE_MAXIMUM) |
                    mqtt_property_bit(MQTT_ASSIGNED_CLIENT_IDENTIFIER) |
                    mqtt_property_bit(MQTT_RETAIN_AVAILABLE),
            .receive_maximum = 20,
            .assigned_client_id = BYTES("auto-1"),
        },
    };
    struct notation expected = notation_read("20 RL 01 00 0E 12S'auto-1' 210014 2500");
    uint8_t buffer[64];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_connack_encode(&out, &connack, MQTT_5_0);
    assert_false(out.failed);
    assert_true(bytes_equal(writer_written(&out), notation_bytes(&expected)));

    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_connack_encode(&out, &connack, MQTT_3_1);
    assert_true(bytes_equal(writer_written(&out), BYTES("\x20\x02\x00\x00")));
}
