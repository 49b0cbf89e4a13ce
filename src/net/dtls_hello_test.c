/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls_hello.h"

#include "tests/harness/test.h"

/* A ClientHello of 67 bytes with a cookie of two, as RFC 6347 §4.2.1 draws it. */
static const uint8_t sample[] = {
    0x16, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 9, 0, 58, /* record 9 of epoch 0 */
    1, 0, 0, 46, 0, 1, 0, 0, 0, 0, 0, 46,            /* message 1, whole */
    0xFE, 0xFD,                                      /* version 1.2 */
    'r', 'a', 'n', 'd', 'o', 'm', ' ', ' ', 'r', 'a', 'n', 'd', 'o', 'm', ' ', ' ', /* 32 bytes */
    'r', 'a', 'n', 'd', 'o', 'm', ' ', ' ', 'r', 'a', 'n', 'd', 'o', 'm', ' ', '!', 1,
    's',                 /* session */
    2, 'c', 'k',         /* cookie */
    0, 2, 0, 0xA8, 1, 0, /* ciphers, compressions */
    0,                   /* what is not looked at */
};

static struct bytes sample_bytes(void)
{
    return bytes_of(sample, sizeof(sample));
}

TEST(a_hello_is_read_up_to_its_cookie)
{
    static const uint8_t number[] = { 0, 0, 0, 0, 0, 9 };
    struct dtls_hello hello;

    assert_true(dtls_hello_decode(&hello, sample_bytes()));
    assert_true(bytes_equal(hello.record_number, bytes_of(number, sizeof(number))));
    assert_int_equal(hello.message_number, 1);
    assert_int_equal(hello.random.size, DTLS_RANDOM_SIZE);
    assert_memory_equal(hello.random.data + 24, "random !", 8);
    assert_true(bytes_equal(hello.cookie, BYTES("ck")));
}

TEST(what_is_cut_off_is_no_hello)
{
    struct dtls_hello hello;

    for (size_t size = 0; size < sizeof(sample); size++) {
        assert_false(dtls_hello_decode(&hello, bytes_of(sample, size)));
        assert_false(dtls_is_record(bytes_of(sample, size)));
    }
}

TEST(what_follows_in_the_datagram_is_not_looked_at)
{
    uint8_t longer[sizeof(sample) + 5] = { 0 };
    struct dtls_hello hello;

    memcpy(longer, sample, sizeof(sample));
    assert_true(dtls_hello_decode(&hello, bytes_of(longer, sizeof(longer))));
    assert_true(dtls_is_record(bytes_of(longer, sizeof(longer))));
}

static bool decodes_with(size_t at, uint8_t byte)
{
    uint8_t changed[sizeof(sample)];
    struct dtls_hello hello;

    memcpy(changed, sample, sizeof(sample));
    changed[at] = byte;
    return dtls_hello_decode(&hello, bytes_of(changed, sizeof(changed)));
}

TEST(other_records_and_messages_are_no_hello)
{
    assert_true(decodes_with(2, 0xFD));
    assert_false(decodes_with(0, 0x17)); /* application data */
    assert_false(decodes_with(2, 0xFC)); /* DTLS 1.3 */
    assert_false(decodes_with(4, 1));    /* epoch 1: enciphered */
    assert_false(decodes_with(13, 2));   /* ServerHello */
    assert_false(decodes_with(21, 1));   /* a fragment that is not the first */
    assert_false(decodes_with(24, 47));  /* more than the message */
    assert_false(decodes_with(24, 20));  /* ends within the random */
    assert_false(decodes_with(59, 200)); /* so does the session with the datagram */
    assert_false(decodes_with(61, 200)); /* and the cookie */
}

TEST(no_message_of_mqtt_sn_is_taken_for_a_record)
{
    /* Of all that begin so only a forwarder's frame has the type FE; its next byte is a radius. */
    static const uint8_t frame[] = { 0x16, 0xFE, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 2, 0x16 };

    assert_false(dtls_is_record(bytes_of(frame, sizeof(frame))));
    assert_false(dtls_is_record(BYTES("\x02\x16")));
}

TEST(messages_are_known)
{
    static const uint8_t message[] = { 0x17, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 7, 0, 2, 1, 0 };

    assert_true(dtls_is_message(bytes_of(message, sizeof(message))));
    assert_false(dtls_is_message(sample_bytes()));
    assert_false(dtls_is_message(bytes_of(message, sizeof(message) - 1)));
}

TEST(the_last_word_of_a_handshake_is_known_behind_others)
{
    static const uint8_t flight[] = { 0x14, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 1, 0x16, 0xFE,
        0xFD, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 9, 9 };

    assert_true(dtls_has_sealed_word(bytes_of(flight, sizeof(flight))));
    assert_false(dtls_has_sealed_word(bytes_of(flight, sizeof(flight) - 1)));
    assert_false(dtls_has_sealed_word(bytes_of(flight, 14)));
    assert_false(dtls_has_sealed_word(sample_bytes()));
    assert_false(dtls_has_sealed_word((struct bytes){ 0 }));
}

TEST(the_answer_is_no_larger_than_the_question)
{
    static const uint8_t cookie[DTLS_COOKIE_SIZE] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
        15, 16 };
    static const uint8_t expected[] = { 0x16, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 9, 0,
        31,                                   /* record */
        3, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 19, /* message 0 */
        0xFE, 0xFF, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
    uint8_t data[DTLS_VERIFY_SIZE];
    struct writer out = { .data = data, .size = sizeof(data) };
    struct dtls_hello hello;

    assert_true(dtls_hello_decode(&hello, sample_bytes()));
    dtls_verify_encode(&out, &hello, cookie);
    assert_false(out.failed);
    assert_int_equal(out.used, sizeof(expected));
    assert_memory_equal(data, expected, sizeof(expected));
    out = (struct writer){ .data = data, .size = sizeof(data) - 1 };
    dtls_verify_encode(&out, &hello, cookie);
    assert_true(out.failed);
}
