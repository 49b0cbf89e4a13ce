/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/suback.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_version version, const char *text)
{
    return sample_reason((struct sample){ version, MQTT_FROM_SERVER, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_SERVER, "90 05 00 01 02 00 01" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "90 04 AB CD 01 80" },
        { MQTT_5_0, MQTT_FROM_SERVER, "90 04 00 01 00 00" },
        { MQTT_5_0, MQTT_FROM_SERVER, "90 RL 0001 0B 1FS'r' 26S'k'S'v' 02 87 8F" },
        { MQTT_3_1, MQTT_FROM_SERVER, "B0 02 00 01" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "B0 02 AB CE" },
        { MQTT_5_0, MQTT_FROM_SERVER, "B0 06 00 02 00 00 00 11" },
        { MQTT_5_0, MQTT_FROM_SERVER, "B0 RL 0002 0B 1FS'r' 26S'k'S'v' 91 91" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTT5-3.9.3-2 MQTT311-3.9.3-2 V31-13", each_version_has_its_codes)
{
    assert_int_equal(reason(MQTT_3_1, "90 03 0001 80"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1_1, "90 03 0001 80"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_3_1_1, "90 03 0001 03"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1_1, "90 03 0001 87"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "90 04 0001 00 87"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_5_0, "90 04 0001 00 03"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "90 05 0001 00 00 11"), MQTT_PROTOCOL_ERROR);
}

TEST(packet_id_0_and_no_code_are_refused)
{
    assert_int_equal(reason(MQTT_3_1_1, "90 03 0000 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1_1, "90 02 0001"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1, "90 02 0001"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_5_0, "90 03 0001 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "90 02 0001"), MQTT_MALFORMED);
}

SPEC_TEST("V31-13", codes_are_told_in_order_as_each_version_can)
{
    const struct {
        enum mqtt_version version;
        struct bytes packet;
    } rows[] = {
        { MQTT_3_1, BYTES("\x90\x06\xAB\xCD\x02\x00\x00\x01") },
        { MQTT_3_1_1, BYTES("\x90\x06\xAB\xCD\x02\x80\x80\x01") },
        { MQTT_5_0, BYTES("\x90\x07\xAB\xCD\x00\x02\x87\x97\x01") },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct mqtt_suback suback = {
            .packet_id = 0xABCD,
            .codes = BYTES("\x02\x87\x97\x01"),
        };
        uint8_t buffer[16];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        mqtt_suback_encode(&out, &suback, MQTT_SUBACK, rows[i].version);
        assert_true(bytes_equal(writer_written(&out), rows[i].packet));
    }
}

SPEC_TEST("MQTT5-3.11.3-2 U311-2.x-a", codes_and_sizes_of_unsuback_are_judged)
{
    assert_int_equal(reason(MQTT_3_1_1, "B0 03 0001 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "B0 01 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "B0 02 0000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "B0 03 0001 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "B0 04 0001 00 01"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "B0 02 0001"), MQTT_MALFORMED);
}

TEST(only_version_5_tells_codes_in_unsuback)
{
    const struct mqtt_suback unsuback = { .packet_id = 0xABCE, .codes = BYTES("\x00\x11") };
    uint8_t buffer[16];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_suback_encode(&out, &unsuback, MQTT_UNSUBACK, MQTT_5_0);
    assert_true(bytes_equal(writer_written(&out), BYTES("\xB0\x05\xAB\xCE\x00\x00\x11")));
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_suback_encode(&out, &unsuback, MQTT_UNSUBACK, MQTT_3_1_1);
    assert_true(bytes_equal(writer_written(&out), BYTES("\xB0\x02\xAB\xCE")));
}
