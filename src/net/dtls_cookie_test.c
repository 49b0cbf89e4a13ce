/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls_cookie.h"

#include "tests/harness/test.h"

TEST(a_cookie_is_good_for_whom_it_was_made)
{
    struct dtls_cookies cookies = { 0 };
    uint8_t made[DTLS_COOKIE_SIZE];
    struct bytes cookie = bytes_of(made, sizeof(made));

    assert_true(dtls_cookie_make(&cookies, BYTES("one"), 1000, made));
    assert_true(dtls_cookie_is_good(&cookies, BYTES("one"), 1000, cookie));
    assert_false(dtls_cookie_is_good(&cookies, BYTES("other"), 1000, cookie));
    assert_false(dtls_cookie_is_good(&cookies, BYTES("one"), 1000, (struct bytes){ 0 }));
    assert_false(dtls_cookie_is_good(
            &cookies, BYTES("one"), 1000, bytes_first(cookie, DTLS_COOKIE_SIZE - 1)));
    for (size_t i = 0; i < sizeof(made); i++) {
        made[i] ^= 1;
        assert_false(dtls_cookie_is_good(&cookies, BYTES("one"), 1000, cookie));
        made[i] ^= 1;
    }
}

TEST(a_cookie_is_good_for_one_life_and_not_for_two)
{
    struct dtls_cookies cookies = { 0 };
    uint8_t made[DTLS_COOKIE_SIZE];
    uint8_t later[DTLS_COOKIE_SIZE];
    struct bytes cookie = bytes_of(made, sizeof(made));

    assert_true(dtls_cookie_make(&cookies, BYTES("one"), 0, made));
    assert_true(dtls_cookie_make(&cookies, BYTES("one"), DTLS_COOKIE_LIFE_MS - 1, later));
    assert_memory_equal(made, later, sizeof(made));
    assert_true(dtls_cookie_is_good(&cookies, BYTES("one"), DTLS_COOKIE_LIFE_MS, cookie));
    assert_true(dtls_cookie_make(&cookies, BYTES("one"), DTLS_COOKIE_LIFE_MS, later));
    assert_memory_not_equal(made, later, sizeof(made));
    assert_false(dtls_cookie_is_good(&cookies, BYTES("one"), 2 * DTLS_COOKIE_LIFE_MS, cookie));
}

TEST(what_has_lain_unused_is_no_secret_before)
{
    struct dtls_cookies cookies = { 0 };
    uint8_t made[DTLS_COOKIE_SIZE];

    assert_true(dtls_cookie_make(&cookies, BYTES("one"), 0, made));
    assert_false(dtls_cookie_is_good(
            &cookies, BYTES("one"), 2 * DTLS_COOKIE_LIFE_MS, bytes_of(made, sizeof(made))));
}
