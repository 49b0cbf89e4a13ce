/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/surroundings.h"

#include "broker/config/fixture.h"
#include "broker/process.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* These lines tell that, and nothing else; "error: ..." keeps a server from starting. */
static void expect(const char *lines, const char *told)
{
    static struct fixture fixture;
    bool fatal = strncmp(told, "error: ", 7) == 0;

    assert_int_equal(fixture_load(&fixture, lines), 0);
    fixture.told[0] = '\0';
    fixture.report.errors = 0;
    assert_int_equal(surroundings_suit(fixture.config, &fixture.report), !fatal);
    assert_string_equal(fixture.told, told);
    fixture_end(&fixture);
}

TEST(addresses_of_this_machine_are_fine)
{
    expect("", "");
    expect("listener 1883\n", "");
    expect("listener 1883 127.0.0.1\nlistener 1883 0.0.0.0\nsocket_domain ipv4\n", "");
    expect("listener 1883 localhost\n", "");
    expect("listener 1883 127.0.0.1\nprotocol mqttsn\n", "");
    expect("listener 0 /nowhere/socket\n", "");
    expect("socket_domain ipv6\n", "");
}

TEST(an_address_of_another_machine_is_told)
{
    /* Of TEST-NET-1, which no machine has. */
    static const char advice[] = "this machine does not have the address 192.0.2.7; name one that "
                                 "it has, or none to listen on all\n";
    char told[256];

    snprintf(told, sizeof(told), "error: conf:2: %s", advice);
    expect("listener 1883\nlistener 1884 192.0.2.7\n", told);
    snprintf(told, sizeof(told), "error: conf:1: %s", advice);
    expect("bind_address 192.0.2.7\nport 1883\n", told);
    expect("listener 1883 192.0.2.7\nprotocol mqttsn\n", told);
}

TEST(an_address_that_the_socket_domain_rules_out_is_told)
{
    expect("listener 1883 127.0.0.1\nsocket_domain ipv6\n",
            "error: conf:1: 127.0.0.1 is an address of IPv4, and socket_domain is for the other; "
            "change one of them\n");
    expect("listener 1883 ::1\nsocket_domain ipv4\n",
            "error: conf:1: ::1 is an address of IPv6, and socket_domain is for the other; change "
            "one of them\n");
}

TEST(what_can_be_no_host_is_told)
{
    static const char *const texts[] = { "10.0.0.256", "1.2.3.4.5", "127.0.0.1:1883", "a..b",
        "*", "eth0/24", "1234::5678::9" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char lines[64];
        char told[256];

        snprintf(lines, sizeof(lines), "listener 1883 %s\n", texts[i]);
        snprintf(told, sizeof(told),
                "error: conf:1: %s is neither an address nor a host's name; write an address of "
                "this machine, or none to listen on all\n",
                texts[i]);
        expect(lines, told);
    }
}

TEST(a_name_that_others_may_know_is_warned_of)
{
    expect("listener 1883 no-such-host.invalid\n",
            "warning: conf:1: no-such-host.invalid is no address, and no name that this machine "
            "knows by itself, so the server starts only where a name server knows it; an address "
            "needs none\n");
}

TEST(a_user_who_is_not_here_is_told_to_root)
{
    struct process_user user;
    bool has_mosquitto = process_find_user(&user, "mosquitto") == 0;
    bool is_root = process_is_root();

    expect("user no-such-user\n",
            is_root ? "error: conf:1: user no-such-user: this machine has no such user; create it, "
                      "or name another one\n"
                    : "");
    expect("user mosquitto\n",
            is_root && !has_mosquitto
                    ? "warning: conf:1: user mosquitto: this machine has no such user, so the "
                      "server will run as nobody; create it, or name another one\n"
                    : "");
    expect("user root\n", "");
    expect("user nobody\n", "");
}

TEST(a_folder_that_cannot_be_there_is_told)
{
    char parent[] = "/tmp/surroundings_XXXXXX";
    char lines[128];
    char told[256];

    assert_non_null(mkdtemp(parent));
    snprintf(lines, sizeof(lines), "persistence_location %s/data/\n", parent);
    expect(lines, "");
    rmdir(parent);
    snprintf(told, sizeof(told),
            "error: conf:1: persistence_location %s/data/: the folder that it is to lie in is not "
            "there; make that, or name another one\n",
            parent);
    expect(lines, told);
    expect("persistence_location /dev/null/data\n",
            "error: conf:1: persistence_location /dev/null/data cannot be a directory, as it is a "
            "file or below one; name another one\n");
    expect("persistence false\npersistence_location /dev/null\n", "");
}
