/* SPDX-License-Identifier: Apache-2.0 */
#include "check/notation.h"

#include "tests/harness/test.h"

static struct notation_scope scope = { .name = "run" };

static void assert_writes(const char *text, const void *bytes, size_t size)
{
    uint8_t data[512];
    struct writer out = { .data = data, .size = sizeof(data) };

    assert_null(notation_write(&out, &text, &scope));
    assert_false(out.failed);
    assert_int_equal(out.used, size);
    assert_memory_equal(data, bytes, size);
    assert_string_equal(text, "");
}
#define ASSERT_WRITES(text, literal) assert_writes((text), (literal), sizeof(literal) - 1)

TEST(hex_pairs_are_bytes)
{
    ASSERT_WRITES("3C 0d00", "\x3c\x0d\x00");
    ASSERT_WRITES("", "");
}

TEST(characters_may_have_a_size_and_the_name_of_the_run)
{
    ASSERT_WRITES("'ab' S'a' S''",
            "ab\x00\x01"
            "a\x00\x00");
    ASSERT_WRITES("S'~/a'", "\x00\x05run/a");
    ASSERT_WRITES("{3} S{2}", "xxx\x00\x02xx");
}

TEST(lengths_are_counted)
{
    ASSERT_WRITES("30 RL S'a' 00 'x'",
            "\x30\x05\x00\x01"
            "a\x00x");
    ASSERT_WRITES("(26 S'k' S'v') ()", "\x07\x26\x00\x01k\x00\x01v\x00");
}

TEST(a_length_of_128_takes_two_bytes)
{
    uint8_t data[200];
    struct writer out = { .data = data, .size = sizeof(data) };
    const char *text = "30 RL {128}";

    assert_null(notation_write(&out, &text, &scope));
    assert_int_equal(out.used, 131);
    assert_memory_equal(data, "\x30\x80\x01x", 4);
}

TEST(what_is_no_notation_is_told)
{
    const char *const wrong[] = { "3", "zz", "'a", "(00", "..", "*", "<00>", "{x}", "id1", ")" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t data[16];
        struct writer out = { .data = data, .size = sizeof(data) };
        const char *text = wrong[i];

        assert_non_null(notation_write(&out, &text, &scope));
    }
}

TEST(packets_stand_behind_each_other)
{
    uint8_t data[16];
    struct writer out = { .data = data, .size = sizeof(data) };
    const char *text = "C0 00 | S'|'";

    assert_string_equal(notation_next(text), " S'|'");
    assert_null(notation_write(&out, &text, &scope));
    assert_int_equal(out.used, 2);
    assert_null(notation_write(&out, &text, &scope));
    assert_memory_equal(data, "\xc0\x00\x00\x01|", 5);
    assert_string_equal(text, "");
}

static void assert_match(
        enum notation_match match, const char *text, const void *bytes, size_t size)
{
    assert_int_equal(notation_fits(bytes_of(bytes, size), &text, &scope), match);
}
#define ASSERT_FITS(text, literal)                                                                 \
    assert_match(NOTATION_FITS, (text), (literal), sizeof(literal) - 1)
#define ASSERT_DIFFERS(text, literal)                                                              \
    assert_match(NOTATION_DIFFERS, (text), (literal), sizeof(literal) - 1)

TEST(a_packet_is_held_against_its_text)
{
    ASSERT_FITS("D0 00", "\xd0\x00");
    ASSERT_DIFFERS("D0 00", "\xd0\x01");
    ASSERT_DIFFERS("D0 00", "\xd0");
    ASSERT_DIFFERS("D0", "\xd0\x00");
    ASSERT_FITS("30 RL S'~' 'x'", "\x30\x06\x00\x03runx");
    ASSERT_DIFFERS("30 RL S'~' 'x'", "\x30\x06\x00\x03rumx");
    ASSERT_DIFFERS("30 RL S'~' 'x'", "\x30\x05\x00\x03runx");
    ASSERT_FITS("30 RL {2}", "\x30\x02xx");
    ASSERT_DIFFERS("30 RL {2}", "\x30\x03xxx");
}

TEST(some_bytes_may_be_any)
{
    ASSERT_FITS("30 .. *", "\x30\x02\x01\x02");
    ASSERT_DIFFERS("30 .. *", "\x31\x02\x01\x02");
    ASSERT_FITS("20 <00 01>", "\x20\x01");
    ASSERT_DIFFERS("20 <00 01>", "\x20\x02");
    ASSERT_FITS("20 RL 00 00 [P]", "\x20\x05\x00\x00\x02\x24\x01");
    ASSERT_DIFFERS("20 RL 00 00 [P]", "\x20\x05\x00\x00\x03\x24\x01");
}

TEST(properties_come_in_any_order)
{
    ASSERT_FITS("(01 01, 23 0001)", "\x05\x23\x00\x01\x01\x01");
    ASSERT_FITS("(23 0001, 01 01)", "\x05\x23\x00\x01\x01\x01");
    ASSERT_DIFFERS("(23 0001, 01 01)", "\x03\x23\x00\x01");
    ASSERT_DIFFERS("(23 0001)", "\x05\x23\x00\x01\x01\x01");
    ASSERT_FITS("(23 0001, *)", "\x05\x23\x00\x01\x01\x01");
    ASSERT_FITS("(0b 01, 0b 01)", "\x04\x0b\x01\x0b\x01");
    ASSERT_DIFFERS("(0b 01, 0b 02)", "\x04\x0b\x01\x0b\x01");
    ASSERT_FITS("()", "\x00");
}

TEST(packet_ids_are_kept)
{
    memset(scope.ids, 0, sizeof(scope.ids));
    ASSERT_DIFFERS("40 id", "\x40\x00\x00");
    ASSERT_FITS("40 id", "\x40\x00\x07");
    ASSERT_FITS("40 id", "\x40\x00\x08");
    ASSERT_WRITES("id", "\x00\x08");
    ASSERT_FITS("40 id2", "\x40\x00\x09");
    ASSERT_DIFFERS("40 id2", "\x40\x00\x0a");
    ASSERT_DIFFERS("41 id3", "\x40\x00\x0a");
    assert_int_equal(scope.ids[3], 0);
}

TEST(every_text_ends)
{
    const char *text = "D0 00 | C0 00";

    assert_match(NOTATION_WRONG, "zz", "", 0);
    assert_int_equal(notation_fits(BYTES("\xd0"), &text, &scope), NOTATION_DIFFERS);
    assert_string_equal(text, " C0 00");
}
