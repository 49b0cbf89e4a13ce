/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/utf8.h"

#include "tests/harness/test.h"

/* The character as UTF-8 writes it, and any value as it would. */
static struct bytes encode(uint8_t buffer[4], uint32_t character)
{
    size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = { [1] = 0, [2] = 0xC0, [3] = 0xE0, [4] = 0xF0 };

    for (size_t i = size - 1; i > 0; i--, character >>= 6)
        buffer[i] = (uint8_t)(0x80 | (character & 0x3F));
    buffer[0] = (uint8_t)(leads[size] | character);
    return bytes_of(buffer, size);
}

SPEC_TEST("MQTT5-1.5.4-1 MQTT311-1.5.3-1", each_character_but_surrogates_is_valid)
{
    for (uint32_t character = 1; character < 0x200000; character++) {
        uint8_t buffer[4];
        struct bytes text = encode(buffer, character);
        bool surrogate = character >= 0xD800 && character <= 0xDFFF;

        if (mqtt_utf8_valid(text) != (character <= 0x10FFFF && !surrogate))
            fail_msg("U+%04X", character);
    }
}

SPEC_TEST("MQTT5-1.5.4-2 MQTT311-1.5.3-2 MQTT5-4.7.3-2 MQTT311-4.7.3-2",
        nul_is_refused_wherever_it_stands)
{
    char text[] = "sixteen letters and some";

    assert_true(mqtt_utf8_valid(bytes_of_text(text)));
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char letter = text[i];

        text[i] = '\0';
        assert_false(mqtt_utf8_valid(bytes_of(text, sizeof(text) - 1)));
        text[i] = letter;
    }
}

TEST(the_empty_text_is_valid)
{
    assert_true(mqtt_utf8_valid(BYTES("")));
    assert_true(mqtt_utf8_valid((struct bytes){ 0 }));
    assert_true(mqtt_utf8_strict((struct bytes){ 0 }));
}

SPEC_TEST("MQTT5-1.5.4-1 MQTT311-1.5.3-1", ill_formed_sequences_are_refused_at_any_offset)
{
    const struct bytes bad[] = {
        BYTES("\x80"),
        BYTES("\xBF"),
        BYTES("\xC0\x80"),
        BYTES("\xC0\xAF"),
        BYTES("\xC1\xBF"),
        BYTES("\xC2"),
        BYTES("\xC3\x28"),
        BYTES("\xE0\x80\x80"),
        BYTES("\xE0\x9F\xBF"),
        BYTES("\xE1\x80"),
        BYTES("\xED\xA0\x80"),
        BYTES("\xED\xBF\xBF"),
        BYTES("\xF0\x80\x80\x80"),
        BYTES("\xF0\x8F\xBF\xBF"),
        BYTES("\xF0\x90\x80"),
        BYTES("\xF4\x90\x80\x80"),
        BYTES("\xF5\x80\x80\x80"),
        BYTES("\xF8\x88\x80\x80\x80"),
        BYTES("\xFE"),
        BYTES("\xFF"),
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t offset = 0; offset < 20; offset++) {
            uint8_t text[32];

            memset(text, 'z', sizeof(text));
            memcpy(text + offset, bad[i].data, bad[i].size);
            assert_false(mqtt_utf8_valid(bytes_of(text, sizeof(text))));
            assert_false(mqtt_utf8_valid(bytes_of(text, offset + bad[i].size)));
        }
    }
}

SPEC_TEST("MQTT5-1.5.4-3 MQTT311-1.5.3-3", a_byte_order_mark_is_a_character)
{
    assert_true(mqtt_utf8_valid(BYTES("\xEF\xBB\xBF"
                                      "a")));
    assert_true(mqtt_utf8_strict(BYTES("\xEF\xBB\xBF"
                                       "a")));
}

SPEC_TEST("U5-1.5.4-1 U5-1.5.4-2 U311-1.5.3-a", strict_text_has_no_controls_and_no_non_characters)
{
    for (uint32_t character = 1; character <= 0x10FFFF; character++) {
        bool control = character < 0x20 || (character >= 0x7F && character <= 0x9F);
        bool reserved = (character >= 0xFDD0 && character <= 0xFDEF) ||
                (character & 0xFFFF) == 0xFFFE || (character & 0xFFFF) == 0xFFFF;
        uint8_t buffer[4];

        if (character == 0xD800)
            character = 0xE000;
        if (mqtt_utf8_strict(encode(buffer, character)) == (control || reserved))
            fail_msg("U+%04X", character);
    }
}
