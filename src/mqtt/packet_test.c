/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/packet.h"

#include "tests/harness/notation.h"
#include "tests/harness/test.h"

static enum mqtt_header_result header_read(struct mqtt_header *out, const char *text)
{
    struct notation notation = notation_read(text);

    return mqtt_header_read(out, notation_bytes(&notation));
}

TEST(a_header_says_type_flags_and_sizes)
{
    struct mqtt_header header;

    assert_int_equal(header_read(&header, "C0 00"), MQTT_HEADER_DONE);
    assert_int_equal(header.type, MQTT_PINGREQ);
    assert_int_equal(header.flags, 0);
    assert_int_equal(header.size, 2);
    assert_int_equal(header.remaining, 0);

    assert_int_equal(header_read(&header, "3D FFFFFF7F"), MQTT_HEADER_DONE);
    assert_int_equal(header.type, MQTT_PUBLISH);
    assert_int_equal(header.flags, 0x0D);
    assert_int_equal(header.size, 5);
    assert_int_equal(header.remaining, 268435455);

    assert_int_equal(header_read(&header, "10 8001 00"), MQTT_HEADER_DONE);
    assert_int_equal(header.size, 3);
    assert_int_equal(header.remaining, 128);
}

TEST(a_header_that_is_cut_is_partial)
{
    const char *cut[] = { "", "30", "30 80", "30 8080", "30 808080" };
    struct mqtt_header header;

    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++)
        assert_int_equal(header_read(&header, cut[i]), MQTT_HEADER_PARTIAL);
}

SPEC_TEST("MQTT5-1.5.5-1 U5-1.5.5-1 U311-2.2.3-a MQTT311-4.8.0-1",
        type_0_long_and_unshort_lengths_are_bad)
{
    const char *bad[] = { "00", "0F 00", "30 8000", "C0 8000", "30 808000", "30 80808000",
        "30 80808080", "30 8080808001", "30 FFFFFFFF01" };
    struct mqtt_header header;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(header_read(&header, bad[i]), MQTT_HEADER_BAD);
}

static bool flags_valid(unsigned type, uint8_t flags, enum mqtt_version version)
{
    const struct mqtt_header header = { .type = (enum mqtt_type)type, .flags = flags };

    return mqtt_header_flags_valid(&header, version);
}

SPEC_TEST("MQTT5-2.1.3-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2 MQTT5-3.6.1-1 MQTT311-3.6.1-1 "
          "MQTT5-3.8.1-1 MQTT311-3.8.1-1 MQTT5-3.10.1-1 MQTT311-3.10.1-1 MQTT5-3.14.1-1 "
          "MQTT311-3.14.1-1 MQTT5-3.15.1-1 MQTT311-4.8.0-1",
        each_type_has_its_flags)
{
    static const uint8_t prescribed[] = {
        [MQTT_PUBREL] = 2, [MQTT_SUBSCRIBE] = 2, [MQTT_UNSUBSCRIBE] = 2, [MQTT_AUTH] = 0
    };

    for (unsigned type = MQTT_CONNECT; type <= MQTT_AUTH; type++) {
        bool free_flags = type == MQTT_CONNECT || type == MQTT_PUBLISH;

        for (uint8_t flags = 0; flags < 16; flags++) {
            bool right = free_flags || flags == prescribed[type];

            assert_int_equal(flags_valid(type, flags, MQTT_5_0), right);
            assert_int_equal(flags_valid(type, flags, MQTT_3_1_1), right && type != MQTT_AUTH);
        }
    }
}

SPEC_TEST("V31-11", version_3_1_repeats_with_dup)
{
    assert_true(flags_valid(MQTT_PUBREL, 0x2, MQTT_3_1));
    assert_true(flags_valid(MQTT_PUBREL, 0xA, MQTT_3_1));
    assert_true(flags_valid(MQTT_SUBSCRIBE, 0xA, MQTT_3_1));
    assert_true(flags_valid(MQTT_UNSUBSCRIBE, 0xA, MQTT_3_1));
    assert_false(flags_valid(MQTT_PUBREL, 0x8, MQTT_3_1));
    assert_false(flags_valid(MQTT_PUBREL, 0x6, MQTT_3_1));
    assert_false(flags_valid(MQTT_PUBACK, 0x8, MQTT_3_1));
    assert_false(flags_valid(MQTT_AUTH, 0, MQTT_3_1));
}

TEST(headers_are_written_as_they_are_read)
{
    const size_t sizes[] = { 0, 127, 128, 16383, 16384, 2097151, 2097152, 268435455 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t buffer[MQTT_HEADER_SIZE_MAX] = { 0 };
        struct writer out = { .data = buffer, .size = sizeof(buffer) };
        struct mqtt_header header = { 0 };

        mqtt_header_encode(&out, MQTT_PUBLISH, 0xB, sizes[i]);
        assert_false(out.failed);
        assert_int_equal(mqtt_packet_size(sizes[i]), out.used + sizes[i]);
        assert_int_equal(mqtt_header_read(&header, writer_written(&out)), MQTT_HEADER_DONE);
        assert_int_equal(header.type, MQTT_PUBLISH);
        assert_int_equal(header.flags, 0xB);
        assert_int_equal(header.remaining, sizes[i]);
    }
}

TEST(a_body_that_no_header_can_count_fails_the_writer)
{
    uint8_t buffer[MQTT_HEADER_SIZE_MAX];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_header_encode(&out, MQTT_PUBLISH, 0, (size_t)MQTT_REMAINING_MAX + 1);
    assert_true(out.failed);
}

TEST(types_have_the_names_of_the_standard)
{
    assert_string_equal(mqtt_type_name(MQTT_CONNECT), "CONNECT");
    assert_string_equal(mqtt_type_name(MQTT_AUTH), "AUTH");
    for (unsigned type = MQTT_CONNECT; type <= MQTT_AUTH; type++)
        assert_non_null(mqtt_type_name((enum mqtt_type)type));
}
