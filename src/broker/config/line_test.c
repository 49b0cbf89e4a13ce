/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/line.h"
#include "tests/harness/test.h"

static void expect(struct bytes got, const char *wanted)
{
    assert_true(bytes_equal(got, bytes_of_text(wanted)));
}

TEST(a_line_ends_before_lf_and_the_crs_before_it)
{
    struct bytes rest = BYTES("one\ntwo\r\n\nthree\r\r\nfour");
    static const char *const lines[] = { "one", "two", "", "three", "four" };
    struct bytes line;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_true(line_take(&rest, &line));
        expect(line, lines[i]);
    }
    assert_false(line_take(&rest, &line));
}

TEST(a_cr_within_a_line_belongs_to_it)
{
    struct bytes rest = BYTES("a\rb\n");
    struct bytes line;

    assert_true(line_take(&rest, &line));
    expect(line, "a\rb");
}

TEST(no_bytes_are_no_line)
{
    struct bytes rest = { 0 };
    struct bytes line;

    assert_false(line_take(&rest, &line));
}

TEST(words_stand_between_spaces_and_tabs)
{
    struct bytes rest = BYTES(" \t key\t \tvalue  ");

    expect(line_word(&rest), "key");
    expect(line_word(&rest), "value");
    expect(line_word(&rest), "");
    expect(line_word(&rest), "");
}

TEST(trimming_takes_blanks_off_both_ends_only)
{
    expect(line_trim(BYTES(" \t a b\t ")), "a b");
    expect(line_trim(BYTES(" \t ")), "");
    expect(line_trim(BYTES("")), "");
}
