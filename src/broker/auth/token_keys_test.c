/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/auth/token_keys.h"

#include "broker/auth/fixture.h"
#include "broker/auth/token_fixture.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>

static struct token_keys *read_keys(struct fixture *fixture, const char *text, int expected)
{
    struct token_keys *keys = NULL;

    fixture_start(fixture);
    fixture_add(fixture, "keys", text);
    assert_int_equal(token_keys_read(&keys, "keys", &fixture->source, &fixture->report), expected);
    assert_int_equal(keys != NULL, expected == 0);
    return keys;
}

TEST(each_form_of_a_file_is_read)
{
    struct token_maker maker;
    struct fixture fixture;
    struct token_keys *keys;
    char both[2 * KEY_TEXT_MAX];

    token_maker_init(&maker);
    snprintf(both, sizeof(both), "%s%s", maker.rsa_pem, maker.ec_pem);
    keys = read_keys(&fixture, both, 0);
    assert_int_equal(keys->count, 2);
    assert_int_equal(keys->keys[0].algorithm, TOKEN_RS256);
    assert_int_equal(keys->keys[1].algorithm, TOKEN_ES256);
    assert_false(token_keys_have_secret(keys));
    token_keys_free(keys);

    keys = read_keys(&fixture, maker.set, 0);
    assert_int_equal(keys->count, 3);
    assert_string_equal(keys->keys[0].kid, "r");
    assert_int_equal(keys->keys[1].algorithm, TOKEN_ES256);
    assert_int_equal(keys->keys[2].algorithm, TOKEN_HS256);
    assert_int_equal(keys->keys[2].secret_size, strlen(SECRET_TEXT));
    assert_true(token_keys_have_secret(keys));
    token_keys_free(keys);

    keys = read_keys(&fixture, SECRET_TEXT "\n", 0);
    assert_int_equal(keys->keys[0].secret_size, strlen(SECRET_TEXT));
    token_keys_free(keys);

    keys = read_keys(&fixture, "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==\n", 0);
    assert_int_equal(keys->keys[0].secret_size, 34);
    assert_int_equal(keys->keys[0].secret[33], 33);
    token_keys_free(keys);
    token_maker_deinit(&maker);
}

TEST(what_is_for_something_else_is_passed_over)
{
    struct fixture fixture;
    struct token_keys *keys = read_keys(&fixture,
            "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"},"
            "{\"kty\":\"RSA\",\"alg\":\"RS512\"},{\"kty\":\"RSA\",\"use\":\"enc\"},"
            "{\"kty\":\"oct\",\"alg\":\"HS384\"},{\"kty\":\"EC\",\"key_ops\":[\"sign\"]},"
            "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\"}]}",
            0);

    assert_int_equal(keys->count, 1);
    assert_int_equal(fixture.report.warnings, 5);
    token_keys_free(keys);
}

TEST(what_cannot_be_used_is_told)
{
    static const struct {
        const char *text;
        const char *told;
    } rows[] = {
        { "", "less than 32 bytes" },
        { "short", "less than 32 bytes" },
        { "base64:c2hvcnQ=", "less than 32 bytes" },
        { "base64:*", "is not base64" },
        { "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7vb", "looks like a public key" },
        { "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYA", "looks like a public key" },
        { "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", "looks like a public key" },
        { "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYbq6kScrBo4rfVq8gUtC0TSSfLkp\n"
          "nfjYe18y/LoyB4UeOjD+THom+IxgXBi1LEVcaVALSAHHZh8JyvXgLttuhw==\n",
                "looks like a public key" },
        { "base64:MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYbq6kScrBo4rfVq8gUtC0TSSfLkp"
          "nfjYe18y/LoyB4UeOjD+THom+IxgXBi1LEVcaVALSAHHZh8JyvXgLttuhw==\n",
                "looks like a public key" },
        { "MCowBQYDK2VwAyEA1VXHZ5IhxtQpzC1x1gz0fXA/grdjrfUb36ZNUxZCkeY=\n",
                "looks like a public key" },
        { "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key" },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no public key" },
        { "{", "keys:1: " },
        { "{\n\"keys\":[],\n\"keys\":[]}", "keys:3: duplicate" },
        { "{\"keys\":1}", "is no list" },
        { "{\"keys\":[]}", "no key of it can be used" },
        { "{\"keys\":[1]}", "is no object" },
        { "{\"keys\":[{\"kty\":\"oct\",\"kid\":1}]}", "its kid no text" },
        { "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "less than 32 bytes" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", "keys: " },
        { "{\"keys\":[{\"kty\":\"RSA\"}]}", "key 1 of the set is no public key" },
        { "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}]}",
                "key 1 of the set is no public key" },
        { "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
          "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
          "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
                "key 1 of the set is no public key" },
        { "{\"keys\":["
          "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\"},"
          "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI\"}"
          "]}",
                "the same kid" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture fixture;

        read_keys(&fixture, rows[i].text, -EINVAL);
        if (!fixture_told(&fixture, rows[i].told))
            fail_msg("row %zu: %s", i, fixture.told);
        assert_null(strstr(fixture.told, "c2hvcnQ"));
    }
}

TEST(a_private_key_is_refused)
{
    struct token_maker maker;
    struct fixture fixture;

    token_maker_init(&maker);
    read_keys(&fixture, maker.rsa_private_pem, -EINVAL);
    assert_true(fixture_told(&fixture, "a private key"));
    token_maker_deinit(&maker);
}

TEST(too_many_keys_are_refused)
{
    struct fixture fixture;
    char text[(TOKEN_KEYS_MAX + 1) * 128] = "{\"keys\":[";

    for (int i = 0; i <= TOKEN_KEYS_MAX; i++)
        sprintf(text + strlen(text),
                "%s{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\"}",
                i > 0 ? "," : "");
    strcat(text, "]}");
    read_keys(&fixture, text, -EINVAL);
    assert_true(fixture_told(&fixture, "more than 16 keys"));
}

TEST(a_file_that_is_not_there_is_told)
{
    struct fixture fixture;
    struct token_keys *keys = NULL;

    fixture_start(&fixture);
    assert_int_equal(token_keys_read(&keys, "none", &fixture.source, &fixture.report), -EINVAL);
    assert_true(fixture_told(&fixture, "error: none: cannot be read"));
}
