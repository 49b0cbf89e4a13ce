/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/publish.h"

#include "tests/harness/samples.h"
#include "tests/harness/test.h"

static enum mqtt_reason reason(enum mqtt_version version, const char *text)
{
    return sample_reason((struct sample){ version, MQTT_FROM_CLIENT, text });
}

TEST(samples_survive)
{
    static const struct sample samples[] = {
        { MQTT_3_1, MQTT_FROM_CLIENT, "30 03 S'a'" },
        { MQTT_3_1_1, MQTT_FROM_CLIENT, "32 06 00 01 61 00 0A 78" },
        { MQTT_3_1_1, MQTT_FROM_SERVER, "3D RL S'a/b' FFFF 'payload'" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "32 07 00 01 61 00 0A 00 78" },
        { MQTT_5_0, MQTT_FROM_CLIENT, "30 07 0000 03 230005 'x'" },
        { MQTT_5_0, MQTT_FROM_CLIENT,
                "35 RL S'a/b' 0001 (0101 02 00000E10 03S'text' 08S'r/1' 09 0003 00FF01 230001"
                " 26S'z'S'1' 26S'z'S'') 'payload'" },
        { MQTT_5_0, MQTT_FROM_SERVER, "30 RL S'a' (0B01 0BFF7F 0B01) 'x'" },
    };

    samples_check(samples, sizeof(samples) / sizeof(samples[0]));
}

TEST(each_field_lands_in_its_place)
{
    struct notation notation = notation_read("S'a/b' 0102 05 02 0000003C 'payload'");
    struct mqtt_publish publish;

    assert_int_equal(mqtt_publish_decode(
                             &publish, 0xD, notation_bytes(&notation), MQTT_5_0, MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    assert_true(bytes_equal(publish.topic, BYTES("a/b")));
    assert_true(bytes_equal(publish.payload, BYTES("payload")));
    assert_int_equal(publish.packet_id, 0x0102);
    assert_int_equal(publish.qos, 2);
    assert_true(publish.dup);
    assert_true(publish.retain);
    assert_int_equal(publish.properties.message_expiry_s, 60);
}

SPEC_TEST("MQTT5-2.2.1-2 MQTT311-2.3.1-5 MQTT5-2.2.1-3 MQTT311-2.3.1-1 V31-23",
        packet_ids_are_not_0_and_not_there_at_qos_0)
{
    struct mqtt_publish publish;

    assert_int_equal(
            mqtt_publish_decode(&publish, 0, BYTES("\0\1axyz"), MQTT_3_1_1, MQTT_FROM_SERVER),
            MQTT_SUCCESS);
    assert_int_equal(publish.packet_id, 0);
    assert_true(bytes_equal(publish.payload, BYTES("xyz")));
    assert_int_equal(reason(MQTT_3_1, "32 06 0001 61 0000 78"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_3_1_1, "32 06 0001 61 0000 78"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "32 07 0001 61 0000 00 78"), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTT5-3.3.1-2 MQTT311-3.3.1-2 MQTT5-3.3.1-4 MQTT311-3.3.1-4",
        neither_qos_3_nor_dup_at_qos_0)
{
    assert_int_equal(reason(MQTT_3_1_1, "36 06 0001 61 0001 78"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "36 07 0001 61 0005 00 78"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "38 RL S'a' 'x'"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "38 05 0001 61 00 78"), MQTT_MALFORMED);
}

SPEC_TEST("MQTT5-3.3.2-1 MQTT311-3.3.2-1 MQTT5-3.3.2-2 MQTT311-3.3.2-2 MQTT311-4.7.3-1 "
          "MQTT5-4.7.3-1 U5-3.3.2.1-1 MQTT5-1.5.4-1 MQTT5-4.7.3-2 MQTT311-4.7.3-2",
        the_topic_is_a_topic_name_or_has_an_alias)
{
    assert_int_equal(reason(MQTT_3_1_1, "30 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "30 02 0005"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "30 RL 0002 C328"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "30 06 0003 610062 78"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_3_1_1, "30 RL 0000 'x'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason(MQTT_3_1_1, "30 RL S'#'"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason(MQTT_5_0, "30 00"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "30 07 0003 612F23 00 78"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason(MQTT_5_0, "30 07 0003 612F2B 00 78"), MQTT_TOPIC_NAME_INVALID);
    assert_int_equal(reason(MQTT_5_0, "30 03 0000 00"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "30 07 0000 03 230005 78"), MQTT_SUCCESS);
}

SPEC_TEST("MQTT5-3.3.2-8 U5-3.3.4-1", alias_0_is_refused)
{
    assert_int_equal(reason(MQTT_5_0, "30 08 0001 61 03 230000 78"), MQTT_TOPIC_ALIAS_INVALID);
}

SPEC_TEST("MQTT5-3.3.4-6 U5-3.3.2.3.8-1", only_servers_send_subscription_ids)
{
    struct sample from_server = { MQTT_5_0, MQTT_FROM_SERVER, "30 07 0001 61 02 0B01 78" };

    assert_int_equal(reason(MQTT_5_0, "30 07 0001 61 02 0B01 78"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(sample_reason(from_server), MQTT_SUCCESS);
    from_server.text = "30 07 0001 61 02 0B00 78";
    assert_int_equal(sample_reason(from_server), MQTT_PROTOCOL_ERROR);
}

SPEC_TEST("MQTT5-3.3.2-13 MQTT5-3.3.2-14 MQTT5-3.3.2-19 U5-3.3.2.3-1 U5-2.2.2-1",
        property_rules_hold_in_publish)
{
    static const char *const twice[] = {
        "30 RL S'a' 04 0100 0100",
        "30 RL S'a' 0A 0200000001 0200000001",
        "30 RL S'a' 06 030000 030000",
        "30 RL S'a' 08 080001'r' 080001'r'",
        "30 RL S'a' 06 090000 090000",
        "30 RL S'a' 06 230001 230001",
    };

    for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++)
        assert_int_equal(reason(MQTT_5_0, twice[i]), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "30 09 0001 61 04 08 0001FF 78"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "30 0B 0001 61 06 08 0003 722F2B 78"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "30 09 0001 61 04 03 0001FF 78"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "30 RL S'a' 02 0102"), MQTT_PROTOCOL_ERROR);
    assert_int_equal(reason(MQTT_5_0, "30 RL S'a' 05 1100000001"), MQTT_MALFORMED);
    assert_int_equal(reason(MQTT_5_0, "30 RL S'a' 09 0101"), MQTT_MALFORMED);
}

TEST(the_head_counts_the_payload_that_follows)
{
    const struct mqtt_publish publish = {
        .topic = BYTES("a"),
        .payload = BYTES("xyz"),
        .packet_id = 10,
        .qos = 1,
        .dup = true,
        .retain = true,
        .properties = {
            .present = mqtt_property_bit(MQTT_TOPIC_ALIAS) |
                    mqtt_property_bit(MQTT_SUBSCRIPTION_IDENTIFIER) |
                    mqtt_property_bit(MQTT_MESSAGE_EXPIRY_INTERVAL),
            .topic_alias = 2,
            .subscription_id = 300,
            .message_expiry_s = 7,
            .encoded = BYTES("\x26\x00\x01k\x00\x01v"),
        },
    };
    const char *v5 = "3B RL S'a' 000A 12 0200000007 0BAC02 230002 26S'k'S'v' 'xyz'";
    struct notation expected = notation_read(v5);
    uint8_t buffer[64];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_publish_encode(&out, &publish, MQTT_5_0);
    assert_true(bytes_equal(writer_written(&out), notation_bytes(&expected)));
    assert_int_equal(mqtt_publish_size(&publish, MQTT_5_0), expected.size);

    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_publish_head_encode(&out, &publish, MQTT_5_0);
    assert_int_equal(out.used, expected.size - 3);
    assert_memory_equal(buffer, expected.data, out.used);

    expected = notation_read("3B 08 S'a' 000A 'xyz'");
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_publish_encode(&out, &publish, MQTT_3_1_1);
    assert_true(bytes_equal(writer_written(&out), notation_bytes(&expected)));
    assert_int_equal(mqtt_publish_size(&publish, MQTT_3_1_1), expected.size);
}

TEST(what_no_packet_can_hold_fails_the_writer)
{
    static uint8_t topic[65536];
    static uint8_t buffer[70000];
    struct mqtt_publish publish = { .topic = bytes_of(topic, sizeof(topic)) };
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_publish_encode(&out, &publish, MQTT_3_1_1);
    assert_true(out.failed);

    /* Too large a payload by one; only its size is looked at. */
    publish.topic = BYTES("a");
    publish.payload = bytes_of(buffer, MQTT_REMAINING_MAX - 2);
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_publish_head_encode(&out, &publish, MQTT_3_1_1);
    assert_true(out.failed);
    publish.payload.size--;
    out = (struct writer){ .data = buffer, .size = sizeof(buffer) };
    mqtt_publish_head_encode(&out, &publish, MQTT_3_1_1);
    assert_false(out.failed);
}
