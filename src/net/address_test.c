/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <errno.h>

static void formats_as(const char *host, uint16_t port, const char *whole, const char *alone)
{
    char text[ADDRESS_TEXT_SIZE];
    char name[ADDRESS_HOST_SIZE];
    struct address address;

    assert_int_equal(address_parse(&address, host, port), 0);
    assert_int_equal(address_port(&address), port);
    assert_string_equal(address_format(&address, text), whole);
    assert_string_equal(address_host(&address, name), alone);
}

TEST(numeric_hosts_come_back_as_text)
{
    formats_as("127.0.0.1", 1883, "127.0.0.1:1883", "127.0.0.1");
    formats_as("0.0.0.0", 0, "0.0.0.0:0", "0.0.0.0");
    formats_as("::1", 65535, "[::1]:65535", "::1");
    formats_as("[2001:db8::7]", 8883, "[2001:db8::7]:8883", "2001:db8::7");
    formats_as("fe80::1%lo", 1883, "[fe80::1%lo]:1883", "fe80::1%lo");
}

TEST(what_was_formatted_can_be_read)
{
    static const char *const texts[] = { "127.0.0.1:1883", "[::1]:65535", "[fe80::1%lo]:0", "-" };
    static const char *const broken[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:+1",
        "127.0.0.1:1x",
        ":1883",
        "localhost:1883",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345:1883",
    };
    char text[ADDRESS_TEXT_SIZE];
    struct address address;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(address_read_text(&address, bytes_of_text(texts[i])), 0);
        assert_string_equal(address_format(&address, text), texts[i]);
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(address_read_text(&address, bytes_of_text(broken[i])), -EINVAL);
}

TEST(a_mapped_address_is_plain_ipv4)
{
    struct address mapped;
    struct address plain;

    formats_as("::ffff:10.0.0.7", 41312, "10.0.0.7:41312", "10.0.0.7");
    assert_int_equal(address_parse(&mapped, "::ffff:10.0.0.7", 1), 0);
    assert_int_equal(address_parse(&plain, "10.0.0.7", 1), 0);
    assert_int_equal(address_family(&mapped), ADDRESS_IPV4);
    assert_true(address_equal(&mapped, &plain));
}

TEST(the_zero_address_is_none)
{
    char text[ADDRESS_TEXT_SIZE];
    struct address none = { 0 };

    assert_int_equal(address_family(&none), ADDRESS_ANY);
    assert_int_equal(address_port(&none), 0);
    assert_int_equal(address_size(&none), 0);
    assert_string_equal(address_format(&none, text), "-");
}

TEST(names_and_broken_numbers_do_not_parse)
{
    static const char *const hosts[] = {
        "",
        "[]",
        "localhost",
        "1.2.3.4.5",
        "256.0.0.1",
        ":::1",
        "[::1",
        "::1]",
        "10.0.0.7:1883",
        "0123456789012345678901234567890123456789012345678901234567890123456789",
    };
    struct address kept;
    struct address address;

    assert_int_equal(address_parse(&address, "10.0.0.7", 7), 0);
    kept = address;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        assert_int_equal(address_parse(&address, hosts[i], 1883), -EINVAL);
    assert_true(address_equal(&address, &kept));
}

TEST(equal_means_host_and_port)
{
    struct address a;
    struct address b;

    assert_int_equal(address_parse(&a, "::1", 1), 0);
    assert_int_equal(address_parse(&b, "::1", 2), 0);
    assert_false(address_equal(&a, &b));
    address_set_port(&b, 1);
    assert_true(address_equal(&a, &b));
    assert_int_equal(address_parse(&b, "::2", 1), 0);
    assert_false(address_equal(&a, &b));
    assert_int_equal(address_parse(&b, "0.0.0.1", 1), 0);
    assert_false(address_equal(&a, &b));
}

TEST(other_families_of_sockets_have_no_address)
{
    struct sockaddr unix_peer = { .sa_family = AF_UNIX };
    struct sockaddr_in short_one = { .sin_family = AF_INET };
    struct address address = address_of(&unix_peer, sizeof(sa_family_t));

    assert_int_equal(address_family(&address), ADDRESS_ANY);
    address = address_of((struct sockaddr *)&short_one, sizeof(sa_family_t));
    assert_int_equal(address_family(&address), ADDRESS_ANY);
    address = address_of((struct sockaddr *)&short_one, 0);
    assert_int_equal(address_family(&address), ADDRESS_ANY);
}

TEST(no_host_means_every_interface_ipv4_first)
{
    struct address found[4];
    char text[ADDRESS_TEXT_SIZE];

    assert_int_equal(address_resolve(found, 4, NULL, 1883, ADDRESS_ANY), 2);
    assert_string_equal(address_format(&found[0], text), "0.0.0.0:1883");
    assert_string_equal(address_format(&found[1], text), "[::]:1883");
    assert_int_equal(address_resolve(found, 1, NULL, 1883, ADDRESS_ANY), 1);
    assert_int_equal(address_resolve(found, 4, NULL, 1883, ADDRESS_IPV6), 1);
    assert_string_equal(address_format(&found[0], text), "[::]:1883");
}

TEST(localhost_resolves_to_loopback)
{
    struct address found[4];
    char text[ADDRESS_TEXT_SIZE];

    assert_int_equal(address_resolve(found, 4, "localhost", 1883, ADDRESS_IPV4), 1);
    assert_string_equal(address_format(&found[0], text), "127.0.0.1:1883");
}

TEST(a_number_of_the_other_family_is_not_found)
{
    struct address found[4];

    assert_int_equal(address_resolve(found, 4, "127.0.0.1", 1, ADDRESS_IPV4), 1);
    assert_int_equal(address_resolve(found, 4, "127.0.0.1", 1, ADDRESS_IPV6), -ENOENT);
}

TEST(a_name_is_letters_and_digits_between_dots)
{
    static const char *const names[] = { "localhost", "a", "7a", "my_host-2.example", "x.1a",
        "a23456789012345678901234567890123456789012345678901234567890123" };
    static const char *const others[] = { "", ".", "a.", ".a", "a..b", "1", "10.0.0.256", "a.7",
        "a b", "a:1", "*", "::1", "a/b",
        "a234567890123456789012345678901234567890123456789012345678901234" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(address_is_name(names[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(address_is_name(others[i]));
}

TEST(a_name_that_nobody_has_written_down_here_is_not_found_here)
{
    struct address address;

    assert_int_equal(address_look_up_here(&address, 1, "no.such.host.invalid", 1, ADDRESS_ANY), 0);
}
