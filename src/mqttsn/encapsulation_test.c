/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/encapsulation.h"

#include "tests/harness/datagrams.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(const char *text)
{
    return datagram_reason(MQTT_FROM_CLIENT, text);
}

TEST(samples_survive)
{
    static const struct datagram samples[] = {
        { MQTT_FROM_CLIENT, "05 FE 00 1122 02 16" },
        { MQTT_FROM_SERVER, "05 FE 03 1122 02 17" },
        { MQTT_FROM_CLIENT, "03 FE 00 0A 04 04 01 003C 'clid'" },
        { MQTT_FROM_CLIENT, "04 FE 01 FE 01 00 04 16" },
        { MQTT_FROM_CLIENT, "FF FE 00 {252} 02 16" },
    };

    datagrams_check(samples, sizeof(samples) / sizeof(samples[0]));
}

SPEC_TEST("SN-5.5-1", the_length_counts_the_frame_alone)
{
    struct notation notation = notation_read("05 FE 02 1122 02 16");
    struct mqttsn_encapsulation encapsulation;
    struct mqttsn_message message;

    assert_int_equal(
            mqttsn_encapsulation_decode(&encapsulation, notation_bytes(&notation)), MQTT_SUCCESS);
    assert_int_equal(encapsulation.radius, 2);
    assert_true(bytes_equal(encapsulation.node_id, BYTES("\x11\x22")));
    assert_true(bytes_equal(encapsulation.inner, BYTES("\x02\x16")));
    assert_true(mqttsn_message_read(&message, encapsulation.inner, MQTT_FROM_CLIENT));
    assert_int_equal(message.type, MQTTSN_PINGREQ);
}

SPEC_TEST("SN-5.5-2", reserved_bits_mean_nothing_and_are_written_as_0)
{
    struct notation notation = notation_read("05 FE FD 1122 02 16");
    struct mqttsn_encapsulation encapsulation;
    uint8_t buffer[5];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    assert_int_equal(
            mqttsn_encapsulation_decode(&encapsulation, notation_bytes(&notation)), MQTT_SUCCESS);
    assert_int_equal(encapsulation.radius, 1);
    mqttsn_encapsulation_head_encode(&out, &encapsulation);
    assert_true(datagram_is(&out, "05 FE 01 1122"));
}

SPEC_TEST("SN-5.5-4", frames_in_frames_and_empty_ones_are_ignored)
{
    static const char *const wrong[] = {
        "02 FE",
        "02 FE 02 16",
        "03 FE 00",
        "05 FE 00 1122",
        "06 FE 00 1122",
        "03 FE 00 03 FE 00 02 16",
        "05 FE 00 1122 05 FE 00 1122 02 16",
        "03 FE 00 01 0005 FE 00 02 16",
        "01 0004 FE 02 16",
        "01 0102 FE 00 {253} 02 16",
        "02 16",
        "",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct notation notation = notation_read(wrong[i]);
        struct mqttsn_encapsulation encapsulation = { .radius = 77 };

        assert_int_equal(mqttsn_encapsulation_decode(&encapsulation, notation_bytes(&notation)),
                MQTT_MALFORMED);
        assert_int_equal(encapsulation.radius, 77);
    }
    assert_int_equal(reason("01 0005 FE 00 02 16"), MQTT_SUCCESS);
}

TEST(what_exceeds_its_limit_fails_the_writer)
{
    uint8_t node_id[MQTTSN_NODE_ID_SIZE_MAX + 1] = { 0 };
    struct mqttsn_encapsulation encapsulation = { .radius = MQTTSN_RADIUS_MAX + 1 };
    uint8_t buffer[300];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqttsn_encapsulation_head_encode(&out, &encapsulation);
    assert_true(out.failed);
    encapsulation = (struct mqttsn_encapsulation){ .node_id = bytes_of(node_id, sizeof(node_id)) };
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqttsn_encapsulation_head_encode(&out, &encapsulation);
    assert_true(out.failed);
    encapsulation.node_id.size--;
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqttsn_encapsulation_head_encode(&out, &encapsulation);
    assert_false(out.failed);
    assert_int_equal(out.used, 255);
}
