/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/disconnect.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_sender sender, const char *text)
{
    return sample_reason((struct sample){ MQTT_5_0, sender, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_CLIENT, "E0 00" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "E0 00" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "E0 00" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "E0 01 04" },
        { MQTT_5_0, MQTT_FROM_SERVER, "E0 01 8E" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "E0 RL 00 (11 0000000A 1FS'bye' 260000 0000)" },
        { MQTT_5_0, MQTT_FROM_SERVER, "E0 RL 9C 06 1CS'a:1'" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("U5-3.14.2.1-1", the_short_forms_mean_normal)
{
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 00"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 01 00"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 02 00 00"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 03 00 00 00"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT5-3.14.2-1", each_side_has_its_codes)
{
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 01 03"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 01 8E"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_SERVER, "E0 01 04"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_SERVER, "E0 01 8B"), MQTT_SUCCESS);
}

SPEC_TEST("MQTT5-3.14.2-2 U5-3.14.2.2-1", each_side_has_its_properties)
{
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 07 00 05 1100000001"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_FROM_SERVER, "E0 07 00 05 1100000001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 RL 00 03 1C0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(
            reason(MQTT_FROM_CLIENT, "E0 0C 00 0A 1100000000 1100000000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "E0 RL 00 03 210001"), MQTT_MALFORMED);
}

SPEC_TEST("U311-2.x-a MQTT311-3.14.1-1", old_ones_are_empty_and_a_clients)
{
    struct sample sample = { MQTT_3_1_1, MQTT_FROM_CLIENT, "E0 01 00" };

    assert_int_equal(sample_reason(sample), MQTT_MALFORMED);
    sample.text = "E2 00";
    assert_int_equal(sample_reason(sample), MQTT_MALFORMED);
    sample = (struct sample){ MQTT_3_1_1, MQTT_FROM_SERVER, "E0 00" };
    assert_int_equal(sample_reason(sample), MQTT_PROTOCOL_ERROR);
}

TEST(before_version_5_it_says_nothing)
{
    const struct mqtt_disconnect disconnect = {
        .reason = MQTT_SERVER_SHUTTING_DOWN,
        .properties = {
            .present = mqtt_property_bit(MQTT_REASON_STRING),
            .reason_string = BYTES("bye"),
        },
    };
    uint8_t buffer[16];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_disconnect_encode(&out, &disconnect, MQTT_5_0);
    assert_true(bytes_equal(writer_written(&out),
            BYTES("\xE0\x08\x8B\x06\x1F\x00\x03"
                  "bye")));
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_disconnect_encode(&out, &disconnect, MQTT_3_1_1);
    assert_true(bytes_equal(writer_written(&out), BYTES("\xE0\x00")));
}
