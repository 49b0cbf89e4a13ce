/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/passwd_edit.h"
#include "broker/auth/password_file.h"
#include "tests/harness/test.h"

#include <stdlib.h>

static char *apply(const struct passwd_edit *edit, const char *before, int changes)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(passwd_edit_apply(edit, bytes_of_text(before), out), changes);
    fclose(out);
    return text;
}

static void expect(
        const struct passwd_edit *edit, const char *before, int changes, const char *after)
{
    char *text = apply(edit, before, changes);

    assert_string_equal(text, after);
    free(text);
}

TEST(a_user_is_set_in_his_place_or_at_the_end)
{
    const struct passwd_edit edit = { PASSWD_SET, .user = BYTES("bob"), .hash = "H" };

    expect(&edit, "", 1, "bob:H\n");
    expect(&edit, "alice:A\n", 1, "alice:A\nbob:H\n");
    expect(&edit, "alice:A", 1, "alice:A\nbob:H\n");
    expect(&edit, "bob:old\nalice:A\n", 1, "bob:H\nalice:A\n");
    expect(&edit, "# bob:x\n\n bob : old:more\r\nno colon\n", 1, "# bob:x\n\nbob:H\nno colon\n");
    expect(&edit, "bobby:B\nbo:O\n", 1, "bobby:B\nbo:O\nbob:H\n");
    expect(&edit, "bob:1\nalice:A\nbob:2", 2, "bob:H\nalice:A\n");
}

TEST(a_user_is_removed)
{
    const struct passwd_edit edit = { PASSWD_REMOVE, .user = BYTES("bob") };

    expect(&edit, "alice:A\nbob:B\ncarol:C\n", 1, "alice:A\ncarol:C\n");
    expect(&edit, "bob:B\nx\nbob:C", 2, "x\n");
    expect(&edit, "alice:A\n# bob:B\n", 0, "alice:A\n# bob:B\n");
}

TEST(clear_text_is_hashed_and_hashes_stay)
{
    const struct passwd_edit edit = { PASSWD_HASH, .algorithm = PASSWORD_PBKDF2, .rounds = 1 };
    char *once = apply(&edit, "# comment\nalice:a:b c \n\nbob:x\r\nno colon\n", 2);
    char *twice = apply(&edit, once, 0);
    struct bytes rest = bytes_of_text(strchr(once, '\n') + 1);
    struct password_line line;
    struct password_hash hash;

    assert_string_equal(once, twice);
    assert_true(strncmp(once, "# comment\n", 10) == 0);
    rest.size = (size_t)((const uint8_t *)memchr(rest.data, '\n', rest.size) - rest.data);
    assert_true(password_line_read(rest, &line));
    assert_true(password_hash_decode(&hash, line.hash));
    assert_int_equal(password_hash_matches(&hash, BYTES("a:b c ")), 1);
    free(once);
    free(twice);
}

TEST(names_that_a_file_cannot_hold_are_refused)
{
    static const char *const bad[] = { "", "a:b", "#a", " a", "a ", "\ta", "a\nb", "a\rb" };
    static const char *const good[] = { "a", "a b", "a#", "l\xc3\xa9on", "+", "$6$" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(passwd_name_fault(bytes_of_text(bad[i])));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_null(passwd_name_fault(bytes_of_text(good[i])));
}
