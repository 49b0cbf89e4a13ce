/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no network of its own; tests/system/test_sn_discovery.py has one. */
#include "net/multicast.h"

#include "tests/harness/test.h"

#include <errno.h>

static struct address address_at(const char *host)
{
    struct address address;

    assert_int_equal(address_parse(&address, host, 1884), 0);
    return address;
}

TEST(groups_are_told_from_hosts)
{
    static const char *const groups[] = { "224.0.0.1", "239.255.255.255", "ff02::1" };
    static const char *const others[] = { "223.255.255.255", "240.0.0.1", "127.0.0.1", "fe80::1",
        "::1" };
    const struct address none = { 0 };

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        const struct address group = address_at(groups[i]);

        assert_true(multicast_is_group(&group));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const struct address other = address_at(others[i]);

        assert_false(multicast_is_group(&other));
    }
    assert_false(multicast_is_group(&none));
}

TEST(an_interface_that_is_not_there_is_told)
{
    const struct address group = address_at("239.192.18.84");
    struct listener listener;
    struct listener_failure failure;
    char text[LISTENER_FAILURE_SIZE];

    assert_int_equal(multicast_open(&listener, &group, "nosuch0", &failure), -ENODEV);
    assert_string_equal(listener_failure_text(&failure, text),
            "cannot listen on interface nosuch0: No such device");
    assert_int_equal(multicast_aim(-1, ADDRESS_IPV4, "nosuch0", 1), -ENODEV);
}
