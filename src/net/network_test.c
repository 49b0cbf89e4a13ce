/* SPDX-License-Identifier: Apache-2.0 */
#include "net/network.h"

#include "net/address.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

static struct network network_of(const char *text)
{
    struct network network;

    assert_int_equal(network_parse(&network, bytes_of_text(text)), 0);
    return network;
}

static bool holds(const char *network_text, const char *host)
{
    struct network network = network_of(network_text);
    struct address address;

    assert_int_equal(address_parse(&address, host, 4711), 0);
    return network_contains(&network, &address);
}

static void formats_as(const char *text, const char *formatted)
{
    struct network network = network_of(text);
    char out[NETWORK_TEXT_SIZE];

    assert_string_equal(network_format(&network, out), formatted);
}

TEST(networks_come_back_as_text)
{
    formats_as("192.0.2.7", "192.0.2.7");
    formats_as("192.0.2.7/32", "192.0.2.7");
    formats_as("192.0.2.0/24", "192.0.2.0/24");
    formats_as("0.0.0.0/0", "0.0.0.0/0");
    formats_as("2001:DB8:0::/32", "2001:db8::/32");
    formats_as("::1", "::1");
    formats_as("::/0", "::/0");
    formats_as("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.254/127",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
}

TEST(the_zero_value_is_no_network)
{
    struct network none = { 0 };
    struct address address = { 0 };
    char out[NETWORK_TEXT_SIZE];

    assert_string_equal(network_format(&none, out), "-");
    assert_int_equal(address_parse(&address, "10.0.0.1", 1), 0);
    assert_false(network_contains(&none, &address));
}

TEST(a_network_holds_what_begins_with_its_bits)
{
    assert_true(holds("10.0.0.0/8", "10.255.255.255"));
    assert_false(holds("10.0.0.0/8", "11.0.0.0"));
    assert_true(holds("192.0.2.128/25", "192.0.2.128"));
    assert_false(holds("192.0.2.128/25", "192.0.2.127"));
    assert_true(holds("192.0.2.6/31", "192.0.2.7"));
    assert_false(holds("192.0.2.6/31", "192.0.2.8"));
    assert_true(holds("192.0.2.7", "192.0.2.7"));
    assert_false(holds("192.0.2.7", "192.0.2.6"));
    assert_true(holds("0.0.0.0/0", "255.255.255.255"));
    assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(holds("::1", "::1"));
    assert_false(holds("::1", "::2"));
}

TEST(the_families_are_kept_apart_but_for_mapped_addresses)
{
    assert_false(holds("::/0", "10.0.0.1"));
    assert_false(holds("0.0.0.0/0", "::1"));
    assert_true(holds("::ffff:10.0.0.0/104", "10.0.0.1"));
    assert_true(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
    formats_as("::ffff:10.0.0.7", "10.0.0.7");
    formats_as("::ffff:0:0/96", "0.0.0.0/0");
}

TEST(no_network_holds_the_peer_of_a_unix_socket)
{
    struct address none = { 0 };
    struct network all = network_of("0.0.0.0/0");

    assert_false(network_contains(&all, &none));
    all = network_of("::/0");
    assert_false(network_contains(&all, &none));
}

TEST(what_is_no_network_is_refused)
{
    static const char *const texts[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/256",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0.0/0008",
        "10.0.0.0/ 8",
        "10.0.0/8",
        "10.0.0.1/8",
        "10.0.0.128/24",
        "10.0.0.1/31",
        "010.0.0.1",
        "256.0.0.1",
        "localhost",
        "[::1]",
        "::1/129",
        "::1/0",
        "fe80::1%lo",
        "::ffff:10.0.0.7/104",
        "0123456789012345678901234567890123456789012345678901234567890123456789",
    };
    struct network kept = network_of("192.0.2.0/24");
    struct network network = kept;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(network_parse(&network, bytes_of_text(texts[i])), -EINVAL);
    assert_int_equal(network_parse(&network, BYTES("10.0.0.1\0")), -EINVAL);
    assert_memory_equal(&network, &kept, sizeof(kept));
}

TEST(equal_networks_are_equal_bytes)
{
    struct network a = network_of("::ffff:10.0.0.0/104");
    struct network b = network_of("10.0.0.0/8");

    assert_memory_equal(&a, &b, sizeof(a));
}

TEST(a_list_holds_what_one_of_its_networks_holds)
{
    struct network_list list = { .count = 2 };
    struct address address;

    list.networks[0] = network_of("192.0.2.0/24");
    list.networks[1] = network_of("::1");
    assert_int_equal(address_parse(&address, "::1", 1), 0);
    assert_true(network_list_contains(&list, &address));
    assert_int_equal(address_parse(&address, "192.0.2.9", 1), 0);
    assert_true(network_list_contains(&list, &address));
    list.count = 0;
    assert_false(network_list_contains(&list, &address));
}

TEST(groups_of_multicast_are_single_addresses)
{
    static const char *const groups[] = { "224.0.0.0", "239.255.255.255", "ff02::1884" };
    static const char *const others[] = { "10.0.0.1", "224.0.0.0/24", "fe80::1", "ff02::/16" };
    struct network network;
    char text[ADDRESS_TEXT_SIZE];
    struct address address;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        assert_int_equal(network_parse(&network, bytes_of_text(groups[i])), 0);
        assert_true(network_is_group(&network));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(network_parse(&network, bytes_of_text(others[i])), 0);
        assert_false(network_is_group(&network));
    }
    assert_int_equal(network_parse(&network, BYTES("ff02::1884")), 0);
    address = network_address(&network, 1884);
    assert_string_equal(address_format(&address, text), "[ff02::1884]:1884");
}
