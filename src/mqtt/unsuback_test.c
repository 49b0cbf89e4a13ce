/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/unsuback.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_version version, const char *text)
{
    return sample_reason((struct sample){ version, MQTT_FROM_SERVER, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_SERVER, "B0 02 00 01" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "B0 02 AB CE" },
        { MQTT_5_0, MQTT_FROM_SERVER, "B0 06 00 02 00 00 00 11" },
        { MQTT_5_0, MQTT_FROM_SERVER, "B0 RL 0002 0B 1FS'r' 26S'k'S'v' 91 91" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTT5-3.11.3-2 U311-2.x-a", codes_and_sizes_are_judged)
{
    assert_int_equal(reason(MQTT_3_1_1, "B0 03 0001 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "B0 01 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "B0 02 0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "B0 03 0001 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "B0 04 0001 00 01"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "B0 02 0001"), MQTT_MALFORMED);
}

TEST(only_version_5_tells_codes)
{
    const struct mqtt_unsuback unsuback = { .packet_id = 0xABCE, .codes = BYTES("\x00\x11") };
    uint8_t buffer[16];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_unsuback_encode(&out, &unsuback, MQTT_5_0);
    assert_true(bytes_equal(writer_written(&out), BYTES("\xB0\x05\xAB\xCE\x00\x00\x11")));
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_unsuback_encode(&out, &unsuback, MQTT_3_1_1);
    assert_true(bytes_equal(writer_written(&out), BYTES("\xB0\x02\xAB\xCE")));
}
