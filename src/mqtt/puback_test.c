/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/puback.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_version version, const char *text)
{
    return sample_reason((struct sample){ version, MQTT_FROM_CLIENT, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_CLIENT, "40 02 12 34" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "50 02 00 01" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "62 02 FF FF" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "70 02 00 01" },
        { MQTT_5_0, MQTT_FROM_SERVER, "40 02 00 01" },
        { MQTT_5_0, MQTT_FROM_SERVER, "40 03 00 01 10" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "50 03 00 01 97" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "62 03 00 01 92" },
        { MQTT_5_0, MQTT_FROM_SERVER, "70 RL 0001 00 0E 1FS'done' 26S'k'S'v'" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("U5-3.4.2.1-1", the_short_forms_mean_success)
{
    const struct bytes longest = BYTES("\x00\x05\x00\x00");

    for (size_t size = 2; size <= longest.size; size++) {
        struct mqtt_puback puback = { .reason = MQTT_BANNED };

        assert_int_equal(mqtt_puback_decode(&puback, MQTT_PUBREC, bytes_first(longest, size),
                                 MQTT_5_0, MQTT_FROM_CLIENT),
                MQTT_SUCCESS);
        assert_int_equal(puback.packet_id, 5);
        assert_int_equal(puback.reason, MQTT_SUCCESS);
        assert_int_equal(puback.properties.present, 0);
    }
}

SPEC_TEST("MQTT5-3.4.2-1 MQTT5-3.5.2-1 MQTT5-3.6.2-1 MQTT5-3.7.2-1", each_has_its_codes)
{
    assert_int_equal(reason(MQTT_5_0, "40 03 0005 10"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "40 03 0005 92"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "50 03 0005 01"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "62 03 0005 81"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "70 03 0005 80"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "70 03 0005 92"), MQTT_SUCCESS);
}

SPEC_TEST("U311-2.x-a", old_ones_are_two_bytes)
{
    assert_int_equal(reason(MQTT_3_1_1, "40 03 000100"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "40 01 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "40 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "40 01 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "40 05 0001 00 00 00"), MQTT_MALFORMED);
}

SPEC_TEST("U5-3.4.2.2-1 U5-2.2.2-1", property_rules_hold_in_pubacks)
{
    assert_int_equal(reason(MQTT_5_0, "40 RL 0005 00 06 1F0000 1F0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "40 RL 0005 00 03 210001"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "62 02 0000"), MQTT_PROTOCOL_ERROR);
}

static bool brief_is(enum mqtt_type type, enum mqtt_reason reason_code, enum mqtt_version version,
        const char *text)
{
    struct notation expected = notation_read(text);
    uint8_t buffer[8];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_puback_brief_encode(&out, type, 0x1234, reason_code, version);
    return bytes_equal(writer_written(&out), notation_bytes(&expected));
}

TEST(the_brief_form_is_as_short_as_can_be)
{
    assert_true(brief_is(MQTT_PUBACK, MQTT_SUCCESS, MQTT_5_0, "40 02 1234"));
    assert_true(brief_is(MQTT_PUBREL, MQTT_SUCCESS, MQTT_5_0, "62 02 1234"));
    assert_true(brief_is(MQTT_PUBREC, MQTT_QUOTA_EXCEEDED, MQTT_5_0, "50 03 1234 97"));
    assert_true(brief_is(MQTT_PUBREC, MQTT_QUOTA_EXCEEDED, MQTT_3_1_1, "50 02 1234"));
    assert_true(brief_is(MQTT_PUBREL, MQTT_PACKET_ID_NOT_FOUND, MQTT_3_1, "62 02 1234"));
}

TEST(properties_are_written_in_version_5_alone)
{
    const struct mqtt_puback puback = {
        .packet_id = 5,
        .reason = MQTT_NOT_AUTHORIZED,
        .properties = {
            .present = mqtt_property_bit(MQTT_REASON_STRING),
            .reason_string = BYTES("no"),
        },
    };
    struct notation expected = notation_read("40 RL 0005 87 05 1FS'no'");
    uint8_t buffer[32];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_puback_encode(&out, &puback, MQTT_PUBACK, MQTT_5_0);
    assert_true(bytes_equal(writer_written(&out), notation_bytes(&expected)));
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_puback_encode(&out, &puback, MQTT_PUBACK, MQTT_3_1_1);
    assert_true(bytes_equal(writer_written(&out), BYTES("\x40\x02\x00\x05")));
}
