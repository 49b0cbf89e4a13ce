/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/password_hash.h"
#include "tests/harness/test.h"

/* Of the password "secret", as mosquitto_passwd made them before 2.0 and makes them since. */
static const char *const made_by_mosquitto[] = {
    "$6$dHdlbHZlIGJ5dGVz$oVMYq+bpyGSukllfY8G/BwgLqTIAw9BrXgAOPSc8"
    "vg1V/thNI/ExEbZhTQHqP/DIk0w9bWIDUve2ZYQQLGvYUw==",
    "$7$101$zDw+qP/jU/X6QQsu$xAWg/a0VOSaTY0ksCvlUWtfOkF/MtYvV/klP"
    "WYPewveecTNnVM1XvS+GH+XTpKm7SHgOvuqo1KSk48RsQGJ+3A==",
};

TEST(what_mosquitto_has_made_is_read_written_and_checked)
{
    for (size_t i = 0; i < sizeof(made_by_mosquitto) / sizeof(made_by_mosquitto[0]); i++) {
        struct password_hash hash;
        char text[PASSWORD_TEXT_MAX + 1];

        assert_true(password_hash_decode(&hash, bytes_of_text(made_by_mosquitto[i])));
        password_hash_encode(&hash, text);
        assert_string_equal(text, made_by_mosquitto[i]);
        assert_int_equal(password_hash_matches(&hash, BYTES("secret")), 1);
        assert_int_equal(password_hash_matches(&hash, BYTES("Secret")), 0);
        assert_int_equal(password_hash_matches(&hash, BYTES("secret ")), 0);
        assert_int_equal(password_hash_matches(&hash, BYTES("")), 0);
    }
}

TEST(what_is_made_here_is_read_and_checked)
{
    static const struct {
        enum password_algorithm algorithm;
        uint32_t rounds;
        const char *start;
    } rows[] = {
        { PASSWORD_SHA512, 0, "$6$" },
        { PASSWORD_PBKDF2, 0, "$7$210000$" },
        { PASSWORD_PBKDF2, 101, "$7$101$" },
        { PASSWORD_ARGON2ID, 0, "$argon2id$v=19$m=47104,t=1,p=1$" },
        { PASSWORD_ARGON2ID, 2, "$argon2id$v=19$m=47104,t=2,p=1$" },
        { PASSWORD_SCRAM_SHA256, 0, "$scram-sha-256$600000$" },
        { PASSWORD_SCRAM_SHA256, 4096, "$scram-sha-256$4096$" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct password_hash made;
        struct password_hash read;
        char text[PASSWORD_TEXT_MAX + 1];

        assert_int_equal(
                password_hash_make(&made, rows[i].algorithm, rows[i].rounds, BYTES("p\0q")), 0);
        password_hash_encode(&made, text);
        assert_true(bytes_start_with(bytes_of_text(text), bytes_of_text(rows[i].start)));
        assert_true(password_hash_decode(&read, bytes_of_text(text)));
        assert_memory_equal(made.hash, read.hash, made.hash_size);
        assert_int_equal(password_hash_matches(&read, BYTES("p\0q")), 1);
        assert_int_equal(password_hash_matches(&read, BYTES("p\0r")), 0);
    }
}

TEST(the_empty_password_is_one_too)
{
    for (int algorithm = PASSWORD_SHA512; algorithm <= PASSWORD_SCRAM_SHA256; algorithm++) {
        struct password_hash hash;

        assert_int_equal(password_hash_make(
                                 &hash, (enum password_algorithm)algorithm, 1, (struct bytes){ 0 }),
                0);
        assert_int_equal(password_hash_matches(&hash, (struct bytes){ 0 }), 1);
        assert_int_equal(password_hash_matches(&hash, BYTES(" ")), 0);
    }
}

TEST(two_hashes_of_one_password_have_nothing_in_common)
{
    struct password_hash a;
    struct password_hash b;

    assert_int_equal(password_hash_make(&a, PASSWORD_PBKDF2, 1, BYTES("p")), 0);
    assert_int_equal(password_hash_make(&b, PASSWORD_PBKDF2, 1, BYTES("p")), 0);
    assert_memory_not_equal(a.salt, b.salt, a.salt_size);
    assert_memory_not_equal(a.hash, b.hash, a.hash_size);
}

#define SALT "MTIzNDU2Nzg5MDEy"
#define KEY32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HASH64                                                                                     \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

TEST(texts_that_are_no_hash_are_refused)
{
    static const char *const texts[] = {
        "",
        "secret",
        "$",
        "$5$" SALT "$" HASH64,
        "$6$",
        "$6$" SALT,
        "$6$" SALT "$",
        "$6$$" HASH64,
        "$6$" SALT "$AAAA",
        "$6$" SALT "$" HASH64 "$",
        "$6$" SALT "$" HASH64 "A",
        "$6$" SALT "=$" HASH64,
        "$6$*" SALT "$" HASH64,
        "$6$MTIzN$" HASH64,
        "$6$ " SALT "$" HASH64,
        "$7$" SALT "$" HASH64,
        "$7$0$" SALT "$" HASH64,
        "$7$-1$" SALT "$" HASH64,
        "$7$10000001$" SALT "$" HASH64,
        "$7$99999999999999999999999$" SALT "$" HASH64,
        "$7$101$" SALT "$AAAA",
        "$argon2i$v=19$m=64,t=1,p=1$" SALT "$" SALT SALT,
        "$argon2id$v=16$m=64,t=1,p=1$" SALT "$" SALT SALT,
        "$argon2id$v=19$m=0,t=1,p=1$" SALT "$" SALT SALT,
        "$argon2id$v=19$m=64,t=0,p=1$" SALT "$" SALT SALT,
        "$argon2id$v=19$m=64,t=1,p=0$" SALT "$" SALT SALT,
        "$argon2id$v=19$m=7,t=1,p=1$" SALT "$" SALT SALT,
        "$argon2id$v=19$m=2000000,t=1,p=1$" SALT "$" SALT SALT,
        "$argon2id$v=19$m=64,t=1,p=65$" SALT "$" SALT SALT,
        "$argon2id$v=19$m=64,t=1,p=1$MTIz$" SALT SALT,
        "$argon2id$v=19$m=64,t=1,p=1$" SALT "$MTIz",
        "$argon2id$v=19$t=1,m=64,p=1$" SALT "$" SALT SALT,
        "$scram-sha-256$4096$" SALT "$" KEY32,
        "$scram-sha-256$4096$" SALT "$" KEY32 "$",
        "$scram-sha-256$4096$" SALT "$" KEY32 "$" KEY32 "$",
        "$scram-sha-256$4096$" SALT "$" KEY32 "$AAAA",
        "$scram-sha-256$4096$" SALT "$AAAA$" KEY32,
        "$scram-sha-256$4096$$" KEY32 "$" KEY32,
        "$scram-sha-256$0$" SALT "$" KEY32 "$" KEY32,
        "$scram-sha-256$" SALT "$" KEY32 "$" KEY32,
        "$scram-sha-1$4096$" SALT "$" KEY32 "$" KEY32,
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct password_hash hash = { .rounds = 77 };

        if (password_hash_decode(&hash, bytes_of_text(texts[i])))
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(hash.rounds, 77);
    }
}

TEST(every_truncation_and_every_changed_byte_is_refused_or_is_another_hash)
{
    for (size_t i = 0; i < sizeof(made_by_mosquitto) / sizeof(made_by_mosquitto[0]); i++) {
        struct bytes whole = bytes_of_text(made_by_mosquitto[i]);
        struct password_hash hash;
        char text[PASSWORD_TEXT_MAX + 1];
        uint8_t changed[PASSWORD_TEXT_MAX];

        for (size_t size = 0; size + 2 < whole.size; size++) /* two of padding may be left out */
            assert_false(password_hash_decode(&hash, bytes_first(whole, size)));
        for (size_t at = 0; at < whole.size * 256; at++) {
            memcpy(changed, whole.data, whole.size);
            changed[at / 256] = (uint8_t)(at % 256);
            if (!password_hash_decode(&hash, bytes_of(changed, whole.size)))
                continue;
            password_hash_encode(&hash, text);
            assert_true(strlen(text) <= whole.size);
        }
    }
}
