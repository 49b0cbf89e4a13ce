/* SPDX-License-Identifier: Apache-2.0 */
#include "net/forwarded.h"

#include "tests/harness/test.h"

#include <stdio.h>

/* What a request with these header lines says, where 10.0.0.0/8 and 2001:db8::/32 are trusted. */
static enum forwarded find(const char *fields, char text[static ADDRESS_TEXT_SIZE])
{
    struct network_list trusted = { .count = 2 };
    struct http_request request;
    struct address address = { 0 };
    enum forwarded found;
    char head[512];
    int size = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n%s\r\n", fields);

    network_parse(&trusted.networks[0], BYTES("10.0.0.0/8"));
    network_parse(&trusted.networks[1], BYTES("2001:db8::/32"));
    http_request_init(&request);
    assert_int_equal(http_request_read(&request, bytes_of(head, (size_t)size)), HTTP_WHOLE);
    found = forwarded_find(&address, &request, &trusted);
    address_format(&address, text);
    return found;
}

TEST(the_last_address_that_is_not_trusted_is_the_client)
{
    static const struct {
        const char *field;
        const char *client;
    } rows[] = {
        { "192.0.2.7", "192.0.2.7:0" },
        { "192.0.2.7:41312", "192.0.2.7:41312" },
        { "fe80::7", "[fe80::7]:0" },
        { "[fe80::7]", "[fe80::7]:0" },
        { "[fe80::7]:443", "[fe80::7]:443" },
        { "::ffff:192.0.2.7", "192.0.2.7:0" },
        { "1.2.3.4, 192.0.2.7", "192.0.2.7:0" },
        { "1.2.3.4,192.0.2.7 , 10.0.0.1,\t2001:db8::1", "192.0.2.7:0" },
        { "what a client has written, 192.0.2.7, 10.0.0.1", "192.0.2.7:0" },
        { "10.0.0.3, 10.0.0.2", "10.0.0.3:0" },
        { "1.2.3.4\r\nx-forwarded-for: 192.0.2.7, 10.0.0.1", "192.0.2.7:0" },
        { "192.0.2.7\r\nX-Forwarded-For:", "192.0.2.7:0" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char fields[256];
        char text[ADDRESS_TEXT_SIZE];

        snprintf(fields, sizeof(fields), "X-Forwarded-For: %s\r\n", rows[i].field);
        assert_int_equal(find(fields, text), FORWARDED_CLIENT);
        assert_string_equal(text, rows[i].client);
    }
}

TEST(what_is_no_address_in_its_place_is_bad)
{
    static const char *const rows[] = { "unknown", "unix:", "localhost", "10.7", "1.2.3.4.5",
        "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:01", "1.2.3.4:x", "[::1", "[::1]x", "[::1]:", "[]",
        "[1.2.3.4]", "::1]", ":80", "fe80::1%eth0", "1.2.3.4 5.6.7.8", "1.2.3.4, unknown",
        "1.2.3.4, unknown, 10.0.0.1", "\"1.2.3.4\"", "for=1.2.3.4" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char fields[256];
        char text[ADDRESS_TEXT_SIZE];

        snprintf(fields, sizeof(fields), "X-Forwarded-For: %s\r\n", rows[i]);
        assert_int_equal(find(fields, text), FORWARDED_BAD);
        assert_string_equal(text, "-");
    }
}

TEST(without_the_field_nothing_is_said)
{
    char text[ADDRESS_TEXT_SIZE];

    assert_int_equal(find("", text), FORWARDED_NOTHING);
    assert_int_equal(find("X-Forwarded-For:\r\n", text), FORWARDED_NOTHING);
    assert_int_equal(find("X-Forwarded-For: , ,\r\n", text), FORWARDED_NOTHING);
    assert_int_equal(
            find("X-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n", text), FORWARDED_NOTHING);
}
