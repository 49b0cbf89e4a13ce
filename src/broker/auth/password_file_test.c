/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/fixture.h"
#include "broker/auth/password_file.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HASH                                                                                       \
    "$7$1$MTIzNDU2Nzg5MDEy$"                                                                       \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

static struct fixture fixture;

static int read_file(struct password_file **out, const char *text)
{
    fixture_start(&fixture);
    fixture_add(&fixture, "pw", text);
    return password_file_read(out, "pw", &fixture.source, &fixture.report);
}

static void refuse(const char *text, const char *told)
{
    struct password_file *file = NULL;

    assert_int_equal(read_file(&file, text), -EINVAL);
    assert_null(file);
    if (!fixture_told(&fixture, told))
        fail_msg("told: %s", fixture.told);
    assert_int_equal(fixture.report.errors, 1);
}

TEST(each_line_with_a_colon_is_a_user)
{
    struct password_file *file;

    assert_int_equal(read_file(&file,
                             "# comment:with a colon\n\nno colon\n"
                             "bob:" HASH "\n  alice \t: " HASH " \r\n"
                             "with blank:" HASH ":and more:\nl\xc3\xa9on:" HASH),
            0);
    assert_int_equal(file->count, 4);
    assert_int_equal(password_file_find(file, BYTES("bob"))->line, 4);
    assert_int_equal(password_file_find(file, BYTES("alice"))->line, 5);
    assert_int_equal(password_file_find(file, BYTES("with blank"))->line, 6);
    assert_int_equal(password_file_find(file, BYTES("l\xc3\xa9on"))->line, 7);
    assert_null(password_file_find(file, BYTES("bo")));
    assert_null(password_file_find(file, BYTES("bobby")));
    assert_null(password_file_find(file, BYTES("BOB")));
    assert_null(password_file_find(file, BYTES("")));
    assert_null(password_file_find(file, BYTES("bob\0")));
    password_file_free(file);
}

TEST(a_file_may_have_no_users)
{
    struct password_file *file;

    assert_int_equal(read_file(&file, ""), 0);
    assert_null(password_file_find(file, BYTES("a")));
    password_file_free(file);
}

TEST(each_of_many_users_is_found)
{
    enum { USERS = 1000 };
    char *text = malloc(USERS * 160);
    struct password_file *file;
    size_t size = 0;

    assert_non_null(text);
    for (int i = 0; i < USERS; i++)
        size += (size_t)sprintf(text + size, "user%d:" HASH "\n", i * 7919 % USERS);
    assert_int_equal(read_file(&file, text), 0);
    for (int i = 0; i < USERS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "user%d", i);
        assert_non_null(password_file_find(file, bytes_of_text(name)));
    }
    password_file_free(file);
    free(text);
}

TEST(lines_that_cannot_be_used_are_told_with_their_place)
{
    refuse("a:" HASH "\n:" HASH "\n", "error: pw:2: no user name before the ':'");
    refuse("a:\n", "error: pw:1: what follows the ':' is not a hash");
    refuse("a:" HASH "\nb:secret\n", "error: pw:2: what follows the ':' is not a hash");
    refuse("\n\nb:" HASH "\na:" HASH "\nb:" HASH "\n",
            "error: pw:5: line 3 has that user name already");
    refuse("\xff:" HASH "\n", "error: pw:1: the user name is not UTF-8");
}

TEST(a_password_in_clear_is_never_told)
{
    struct password_file *file = NULL;

    assert_int_equal(read_file(&file, "alice:hunter2\n"), -EINVAL);
    assert_false(fixture_told(&fixture, "hunter2"));
}

TEST(a_file_that_is_not_there_is_told)
{
    struct password_file *file = NULL;

    fixture_start(&fixture);
    assert_int_equal(password_file_read(&file, "none", &fixture.source, &fixture.report), -EINVAL);
    assert_true(fixture_told(&fixture, "error: none: cannot be read: No such file or directory"));
}

#define SCRAM_KEYS                                                                                 \
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

#define SCRAM_BOB "b:$scram-sha-256$77$MTIzNDU2Nzg5MDEy" SCRAM_KEYS "\n"
#define LARGER                                                                                     \
    "$7$1$MTIzNDU2Nzg5MDEy$////"                                                                   \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

/* The key that the file gives to a name that has none. */
static struct password_hash invented(const char *text, struct bytes name)
{
    struct password_file *file;
    struct password_hash key;

    assert_int_equal(read_file(&file, text), 0);
    assert_false(password_file_scram_key(file, name, &key));
    password_file_free(file);
    return key;
}

TEST(a_key_for_scram_is_the_users_or_an_invented_one)
{
    struct password_file *file;
    struct password_hash key;

    assert_int_equal(read_file(&file, "a:" HASH "\n" SCRAM_BOB), 0);
    assert_true(password_file_scram_key(file, BYTES("b"), &key));
    assert_int_equal(key.salt_size, 12);
    assert_memory_equal(key.salt, "123456789012", 12);
    password_file_free(file);
    key = invented("a:" HASH "\n" SCRAM_BOB, BYTES("nobody"));
    assert_int_equal(key.rounds, 77);
    assert_int_equal(key.salt_size, 16);
    key = invented("a:" HASH "\n", BYTES("a")); /* a hash of another form */
    assert_int_equal(key.rounds, PASSWORD_SCRAM_ROUNDS);
}

TEST(invented_keys_stay_the_same_and_are_each_names_own)
{
    struct password_hash key = invented("a:" LARGER "\n", BYTES("nobody"));
    struct password_hash other = invented("a:" LARGER "\n", BYTES("nobodz"));

    assert_memory_not_equal(key.salt, other.salt, key.salt_size);
    other = invented("a:" LARGER "\n", BYTES("nobody"));
    assert_memory_equal(key.salt, other.salt, key.salt_size);
    /* Users who come and go seldom change them; a file of others does. */
    other = invented("a:" HASH "\n", BYTES("nobody"));
    assert_memory_not_equal(key.salt, other.salt, key.salt_size);
    key = invented("a:" HASH "\nc:" LARGER "\n", BYTES("nobody"));
    assert_memory_equal(key.salt, other.salt, key.salt_size);
}
