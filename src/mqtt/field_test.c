/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/field.h"

#include "tests/harness/test.h"

TEST(varints_have_the_bytes_of_the_standard)
{
    const struct {
        uint32_t value;
        struct bytes encoded;
    } rows[] = {
        { 0, BYTES("\x00") },
        { 127, BYTES("\x7F") },
        { 128, BYTES("\x80\x01") },
        { 16383, BYTES("\xFF\x7F") },
        { 16384, BYTES("\x80\x80\x01") },
        { 2097151, BYTES("\xFF\xFF\x7F") },
        { 2097152, BYTES("\x80\x80\x80\x01") },
        { 268435455, BYTES("\xFF\xFF\xFF\x7F") },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reader in = { .rest = rows[i].encoded };
        uint8_t buffer[5];
        struct writer out = { .data = buffer, .size = sizeof(buffer) };

        assert_int_equal(mqtt_varint_read(&in), rows[i].value);
        assert_false(in.failed);
        assert_int_equal(in.rest.size, 0);
        mqtt_varint_write(&out, rows[i].value);
        assert_true(bytes_equal(writer_written(&out), rows[i].encoded));
        assert_int_equal(mqtt_varint_size(rows[i].value), out.used);
    }
}

SPEC_TEST("MQTT5-1.5.5-1 U5-1.5.5-1", long_cut_and_fifth_bytes_are_no_varints)
{
    const struct bytes bad[] = {
        BYTES(""),
        BYTES("\x80"),
        BYTES("\x80\x00"),
        BYTES("\xFF\x80\x00"),
        BYTES("\x80\x80\x80\x00"),
        BYTES("\x80\x80\x80\x80\x01"),
        BYTES("\xFF\xFF\xFF\xFF\x7F"),
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct reader in = { .rest = bad[i] };

        assert_int_equal(mqtt_varint_read(&in), 0);
        assert_true(in.failed);
    }
}

TEST(a_varint_that_is_too_large_fails_the_writer)
{
    uint8_t buffer[8];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };

    mqtt_varint_write(&out, 268435456);
    assert_true(out.failed);
    assert_int_equal(out.used, 0);
}

TEST(texts_and_binary_carry_two_bytes_of_size)
{
    struct reader in = { .rest = BYTES("\x00\x01z\x00\x00\x00\x02\x00\xFF") };

    assert_true(bytes_equal(mqtt_text_read(&in), BYTES("z")));
    assert_int_equal(mqtt_text_read(&in).size, 0);
    assert_true(bytes_equal(mqtt_binary_read(&in), BYTES("\x00\xFF")));
    assert_false(in.failed);
    assert_int_equal(in.rest.size, 0);
}

TEST(a_size_past_the_end_fails_the_reader)
{
    struct reader in = { .rest = BYTES("\x00\x05gone") };

    assert_int_equal(mqtt_binary_read(&in).size, 0);
    assert_true(in.failed);
}

SPEC_TEST("MQTT5-1.5.4-1 MQTT5-1.5.4-2 MQTT311-1.5.3-1 MQTT311-1.5.3-2 V31-19",
        a_text_must_be_utf8_without_nul)
{
    const struct bytes bad[] = { BYTES("\x00\x01\xFF"), BYTES("\x00\x02z\x00") };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct reader in = { .rest = bad[i] };

        assert_int_equal(mqtt_text_read(&in).size, 0);
        assert_true(in.failed);
    }
}

TEST(a_text_has_at_most_65535_bytes)
{
    static uint8_t text[65536];
    static uint8_t buffer[65538];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    struct writer too_large = { .data = buffer, .size = sizeof(buffer) };

    mqtt_binary_write(&out, bytes_of(text, 65535));
    assert_false(out.failed);
    assert_int_equal(out.used, 65537);
    assert_memory_equal(buffer, "\xFF\xFF", 2);
    mqtt_binary_write(&too_large, bytes_of(text, 65536));
    assert_true(too_large.failed);
}
