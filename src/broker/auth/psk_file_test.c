/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/fixture.h"
#include "broker/auth/psk_file.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY "00112233445566778899AABBccddeeff"

static struct fixture fixture;

static int read_file(struct psk_file **out, const char *text)
{
    fixture_start(&fixture);
    fixture_add(&fixture, "keys", text);
    return psk_file_read(out, "keys", &fixture.source, &fixture.report);
}

static void refuse(const char *text, const char *told)
{
    struct psk_file *file = NULL;

    assert_int_equal(read_file(&file, text), -EINVAL);
    assert_null(file);
    if (!fixture_told(&fixture, told))
        fail_msg("told: %s", fixture.told);
    assert_int_equal(fixture.report.errors, 1);
}

static void expect_key(const struct psk_file *file, struct bytes identity, struct bytes key)
{
    const struct psk *psk = psk_file_find(file, identity);

    assert_non_null(psk);
    assert_true(bytes_equal(psk->key, key));
}

TEST(each_line_with_a_colon_is_a_key)
{
    struct psk_file *file;

    assert_int_equal(read_file(&file,
                             "# comment:0011\n\nno colon\n"
                             "lamp:" KEY "\n  door \t: " KEY "\t\r\n"
                             "with blank:" KEY "\nl\xc3\xa9on:" KEY),
            0);
    assert_int_equal(file->count, 4);
    assert_int_equal(psk_file_find(file, BYTES("lamp"))->line, 4);
    assert_int_equal(psk_file_find(file, BYTES("door"))->line, 5);
    expect_key(file, BYTES("with blank"),
            BYTES("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"));
    assert_non_null(psk_file_find(file, BYTES("l\xc3\xa9on")));
    assert_null(psk_file_find(file, BYTES("lam")));
    assert_null(psk_file_find(file, BYTES("LAMP")));
    assert_null(psk_file_find(file, BYTES("")));
    assert_null(psk_file_find(file, BYTES("lamp\0")));
    assert_int_equal(fixture.report.warnings, 0);
    psk_file_unref(file);
}

TEST(a_file_may_have_no_keys)
{
    struct psk_file *file;

    assert_int_equal(read_file(&file, ""), 0);
    assert_null(psk_file_find(file, BYTES("a")));
    psk_file_unref(file);
}

TEST(the_first_of_an_odd_number_of_digits_is_a_byte)
{
    struct psk_file *file;

    assert_int_equal(read_file(&file, "a:abc\nb:1\nc:000102\n"), 0);
    expect_key(file, BYTES("a"), BYTES("\x0a\xbc"));
    expect_key(file, BYTES("b"), BYTES("\x01"));
    expect_key(file, BYTES("c"), BYTES("\x00\x01\x02"));
    psk_file_unref(file);
}

TEST(digits_do_not_stay_in_memory)
{
    struct psk_file *file;

    assert_int_equal(read_file(&file, "a:" KEY "\n"), 0);
    for (size_t i = 0; i + 4 <= file->lines.text.size; i++)
        assert_false(memcmp(file->lines.text.data + i, "ddee", 4) == 0);
    psk_file_unref(file);
}

TEST(short_keys_are_warned_of_once)
{
    struct psk_file *file;

    assert_int_equal(read_file(&file, "good:" KEY "\nb:0011\na:22\n"), 0);
    assert_int_equal(fixture.report.warnings, 1);
    assert_true(fixture_told(&fixture, "warning: keys:2: the key is shorter than 16 bytes, as 2"));
    psk_file_unref(file);
}

TEST(the_last_reference_frees)
{
    struct psk_file *file;

    assert_int_equal(read_file(&file, "a:" KEY "\n"), 0);
    assert_ptr_equal(psk_file_ref(file), file);
    psk_file_unref(file);
    assert_non_null(psk_file_find(file, BYTES("a")));
    psk_file_unref(file);
    psk_file_unref(NULL);
}

TEST(lines_that_cannot_be_used_are_told_with_their_place)
{
    char text[2 * PSK_KEY_MAX + 8];

    refuse("a:" KEY "\n:" KEY "\n", "error: keys:2: no identity before the ':'");
    refuse("a:\n", "error: keys:1: what follows the ':' is not a key");
    refuse("a:" KEY "\nb:0x" KEY "\n", "error: keys:2: what follows the ':' is not a key");
    refuse("a:12 34\n", "error: keys:1: what follows the ':' is not a key");
    refuse("\n\nb:" KEY "\na:" KEY "\nb:" KEY "\n",
            "error: keys:5: line 3 has that identity already");
    refuse("\xff:" KEY "\n", "error: keys:1: the identity is not UTF-8");
    snprintf(text, sizeof(text), "%0*d:00", PSK_IDENTITY_MAX + 1, 0);
    refuse(text, "error: keys:1: the identity is over 255 bytes long");
    snprintf(text, sizeof(text), "a:%0*d", 2 * PSK_KEY_MAX + 1, 0);
    refuse(text, "error: keys:1: the key is over 256 bytes long");
}

TEST(a_key_is_never_told)
{
    struct psk_file *file = NULL;

    assert_int_equal(read_file(&file, "lamp:0123secret\n"), -EINVAL);
    assert_false(fixture_told(&fixture, "0123"));
}

TEST(a_file_that_is_not_there_is_told)
{
    struct psk_file *file = NULL;

    fixture_start(&fixture);
    assert_int_equal(psk_file_read(&file, "none", &fixture.source, &fixture.report), -EINVAL);
    assert_true(fixture_told(&fixture, "error: none: cannot be read: No such file or directory"));
}
