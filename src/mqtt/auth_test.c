/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/auth.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_sender sender, const char *text)
{
    return sample_reason((struct sample){ MQTT_5_0, sender, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_5_0, MQTT_FROM_CLIENT, "F0 RL 18 06 15S'SCR'" },
        { MQTT_5_0, MQTT_FROM_SERVER, "F0 RL 00 (15S'm' 16 0002 00FF 1F0000 26S'k'S'')" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("MQTT5-3.15.2-1", each_side_has_its_codes)
{
    assert_int_equal(reason(MQTT_FROM_CLIENT, "F0 RL 19 04 15S'm'"), MQTT_SUCCESS);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "F0 RL 00 04 15S'm'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "F0 RL 01 04 15S'm'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_SERVER, "F0 RL 19 04 15S'm'"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("U5-3.15.2-1", a_method_is_always_there_and_once)
{
    assert_int_equal(reason(MQTT_FROM_SERVER, "F0 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "F0 02 18 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "F0 01 18"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "F0 RL 18 08 15S'm' 15S'm'"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(
            reason(MQTT_FROM_CLIENT, "F0 RL 18 0A 15S'm' 160000 160000"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_FROM_CLIENT, "F0 RL 18 04 15S'm' 00"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT5-3.15.1-1 MQTT311-4.8.0-1", flags_are_0_and_old_versions_have_none)
{
    const struct sample old = { MQTT_3_1_1, MQTT_FROM_CLIENT, "F0 RL 18 04 15S'm'" };

    assert_int_equal(reason(MQTT_FROM_CLIENT, "F1 RL 18 04 15S'm'"), MQTT_MALFORMED);
    assert_int_equal(sample_reason(old), MQTT_MALFORMED);
}
