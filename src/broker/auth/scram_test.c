/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/scram.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

/* The exchange of RFC 7677 §3: user "user", password "pencil". */
static const char client_first[] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
static const char server_nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char client_final[] = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                   "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
static const char server_final[] = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

/* The keys of that password, salt and number of rounds, as another program has derived them. */
static const char pencil[] = "$scram-sha-256$4096$W22ZaJ0SNY7soEsUEjb6gQ=="
                             "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                             "$wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

static struct password_hash key_of(const char *text)
{
    struct password_hash key;

    assert_true(password_hash_decode(&key, bytes_of_text(text)));
    return key;
}

/* An exchange as far as the server's first answer. */
static struct scram *begun(const char *message)
{
    struct password_hash key = key_of(pencil);
    struct scram *scram = malloc(sizeof(*scram));
    struct scram_first first;

    assert_non_null(scram);
    assert_true(scram_first_read(&first, bytes_of_text(message)));
    scram_begin(scram, &first, &key, bytes_of_text(server_nonce));
    return scram;
}

TEST(the_exchange_of_rfc_7677_is_had)
{
    struct password_hash key = key_of(pencil);
    struct scram scram;
    struct scram_first first;
    struct bytes answer;

    assert_true(scram_first_read(&first, bytes_of_text(client_first)));
    assert_true(bytes_equal(first.user, BYTES("user")));
    answer = scram_begin(&scram, &first, &key, bytes_of_text(server_nonce));
    assert_true(bytes_equal(answer,
            BYTES("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")));
    assert_true(scram_finish(&scram, bytes_of_text(client_final), &answer));
    assert_true(bytes_equal(answer, bytes_of_text(server_final)));
}

TEST(the_key_of_scram_also_checks_a_password_that_is_sent)
{
    struct password_hash key = key_of(pencil);

    assert_int_equal(password_hash_matches(&key, BYTES("pencil")), 1);
    assert_int_equal(password_hash_matches(&key, BYTES("Pencil")), 0);
}

TEST(every_changed_byte_of_the_last_message_is_refused)
{
    size_t size = sizeof(client_final) - 1;

    for (size_t at = 0; at < size; at++) {
        char changed[sizeof(client_final)];
        struct scram *scram = begun(client_first);
        struct bytes answer;

        memcpy(changed, client_final, sizeof(changed));
        /* Also in the bits that the last digit of base64 has in vain. */
        changed[at] ^= at == size - 2 ? 'Q' ^ 'S' : 1;
        if (scram_finish(scram, bytes_of(changed, size), &answer))
            fail_msg("taken: %s", changed);
        free(scram);
    }
}

TEST(every_beginning_of_the_last_message_is_refused)
{
    for (size_t size = 0; size < sizeof(client_final) - 1; size++) {
        struct scram *scram = begun(client_first);
        struct bytes answer;

        assert_false(scram_finish(scram, bytes_of(client_final, size), &answer));
        free(scram);
    }
}

TEST(an_answer_to_another_exchange_is_refused)
{
    static const char *const others[] = {
        "n,,n=user,r=rOprNGfwEbeRWgbNEkqP",
        "n,,n=User,r=rOprNGfwEbeRWgbNEkqO",
        "y,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "n,a=user,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO,x=y",
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct scram *scram = begun(others[i]);
        struct bytes answer;

        if (scram_finish(scram, bytes_of_text(client_final), &answer))
            fail_msg("taken after %s", others[i]);
        free(scram);
    }
}

TEST(first_messages_are_read)
{
    static const struct {
        const char *message;
        const char *header;
        const char *as;
        const char *user;
    } rows[] = {
        { "n,,n=a,r=b", "n,,", "", "a" },
        { "y,,n=a,r=b", "y,,", "", "a" },
        { "n,a=c,n=a,r=b", "n,a=c,", "c", "a" },
        { "n,,n=a=2Cb=3D,r=b,x=1,y=2", "n,,", "", "a=2Cb=3D" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scram_first first;

        assert_true(scram_first_read(&first, bytes_of_text(rows[i].message)));
        assert_true(bytes_equal(first.header, bytes_of_text(rows[i].header)));
        assert_true(bytes_equal(first.as, bytes_of_text(rows[i].as)));
        assert_true(bytes_equal(first.user, bytes_of_text(rows[i].user)));
        assert_true(bytes_equal(first.nonce, BYTES("b")));
    }
}

TEST(what_is_no_first_message_is_refused)
{
    static const char *const messages[] = {
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=a",
        "n,,n=a,",
        "n,,n=a,r=",
        "n,,r=b,n=a",
        "n,,n=,r=b",
        "p=tls-unique,,n=a,r=b",
        "x,,n=a,r=b",
        "n,b=c,n=a,r=b",
        "n,a=,n=a,r=b",
        ",,n=a,r=b",
        "n,,m=1,n=a,r=b",
        "n,,n=a,r=b,m=1",
        "n,,n=a,r=b,",
        "n,,n=a,r=b,x",
        "n,,n=a,r=\x7f",
        "n,,n=a,r=b c",
        "n,,n=a,r=\xc3\xa4",
    };

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        struct scram_first first;

        if (scram_first_read(&first, bytes_of_text(messages[i])))
            fail_msg("taken: %s", messages[i]);
    }
}

TEST(a_message_may_be_long_and_not_longer)
{
    char message[SCRAM_MESSAGE_MAX + 1];
    struct scram_first first;
    struct scram scram;
    struct password_hash key = key_of(pencil);

    memset(message, 'b', sizeof(message));
    memcpy(message, "n,,n=a,r=", 9);
    assert_false(scram_first_read(&first, bytes_of(message, sizeof(message))));
    assert_true(scram_first_read(&first, bytes_of(message, sizeof(message) - 1)));
    assert_true(scram_begin(&scram, &first, &key, bytes_of_text(server_nonce)).size > 1000);
}

TEST(names_lose_their_escapes)
{
    static const struct {
        const char *written;
        const char *name;
    } rows[] = {
        { "alice", "alice" },
        { "a=2Cb=3Dc", "a,b=c" },
        { "=3D2C", "=2C" },
        { "=", "" },
        { "a=2", "" },
        { "a=2c", "" },
        { "a=41", "" },
        { "a=3D=", "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t name[16];
        size_t size = scram_name_read(bytes_of_text(rows[i].written), name);

        assert_true(bytes_equal(bytes_of(name, size), bytes_of_text(rows[i].name)));
    }
}
