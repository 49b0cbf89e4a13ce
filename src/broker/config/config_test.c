/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "broker/config/fixture.h"
#include "tests/harness/test.h"

/* Loads a text that must be good, with no warning but that nobody can connect. */
static void load(struct fixture *fixture, const char *text)
{
    if (fixture_load(fixture, text) < 0)
        fail_msg("refused: %s", fixture->told);
}

/* Loads a text that must be refused, with this line among those told. */
static void refuse(const char *text, const char *told)
{
    static struct fixture fixture;

    assert_int_equal(fixture_load(&fixture, text), -EINVAL);
    assert_null(fixture.config);
    if (!fixture_told(&fixture, told))
        fail_msg("told: %s", fixture.told);
    fixture_end(&fixture);
}

/* Loads a text that must be good, with this line among those told. */
static void accept_telling(const char *text, const char *told)
{
    static struct fixture fixture;

    load(&fixture, text);
    if (!fixture_told(&fixture, told))
        fail_msg("told: %s", fixture.told);
    fixture_end(&fixture);
}

static void accept_silently(const char *text)
{
    static struct fixture fixture;

    load(&fixture, text);
    if (fixture.report.warnings > 0)
        fail_msg("told: %s", fixture.told);
    fixture_end(&fixture);
}

/* Syntax. */

TEST(comments_blank_lines_and_indented_lines_are_as_expected)
{
    static struct fixture fixture;

    load(&fixture,
            "# comment\n"
            "\n"
            "   \n"
            "\t\n"
            "  # an indented comment\n"
            "  max_keepalive 30\n"
            "\tsys_interval\t\t5\n");
    assert_int_equal(fixture.config->core.max_keepalive_s, 30);
    assert_int_equal(fixture.config->sys_interval_s, 5);
    fixture_end(&fixture);
}

TEST(a_file_from_dos_is_read_like_any_other)
{
    static struct fixture fixture;

    load(&fixture, "listener 1884\r\nallow_anonymous true\r\n\r\nuser bob\r\n");
    assert_int_equal(fixture.config->listeners[0].settings.port, 1884);
    assert_true(fixture.config->listeners[0].settings.allow_anonymous);
    assert_string_equal(fixture.config->user, "bob");
    fixture_end(&fixture);
}

TEST(the_last_line_needs_no_end)
{
    static struct fixture fixture;

    load(&fixture, "max_keepalive 30");
    assert_int_equal(fixture.config->core.max_keepalive_s, 30);
    fixture_end(&fixture);
}

TEST(an_empty_file_is_a_configuration)
{
    accept_silently("");
    accept_silently("\n");
}

TEST(an_unknown_key_is_refused_with_its_place_and_a_guess)
{
    refuse("\nmax_conections 5\n",
            "error: conf:2: max_conections is not a known key; did you mean max_connections?\n");
    refuse("xyzzy 1\n",
            "error: conf:1: xyzzy is not a known key; nightjar.conf(5) lists those that are\n");
    refuse("plugin /p\nplugin_opt_ab 1\n", "error: conf:2: plugin_opt_ab is not a known key");
}

TEST(a_missing_value_is_refused)
{
    refuse("user\n", "error: conf:1: user has no value; write one after it\n");
    refuse("user   \n", "error: conf:1: user has no value; write one after it\n");
    refuse("include_dir\n", "error: conf:1: include_dir has no value; write one after it\n");
    refuse("listener\n", "error: conf:1: listener has no value; write one after it\n");
}

TEST(all_errors_are_told_at_once)
{
    static struct fixture fixture;

    assert_int_equal(
            fixture_load(&fixture, "max_keepalive x\nfoo 1\nallow_anonymous yes\n"), -EINVAL);
    assert_int_equal(fixture.report.errors, 3);
    assert_true(fixture_told(&fixture, "conf:1: "));
    assert_true(fixture_told(&fixture, "conf:2: "));
    assert_true(fixture_told(&fixture, "conf:3: "));
    fixture_end(&fixture);
}

TEST(a_text_set_twice_is_refused_unless_the_later_replaces_it)
{
    refuse("pid_file /a\npid_file /b\n",
            "error: conf:2: pid_file is set a second time, after conf:1; remove one of the two\n");
    refuse("persistence_file a\npersistence_file b\n", "error: conf:2: persistence_file is set");
    refuse("bind_address ::1\nbind_address 127.0.0.1\n", "error: conf:2: bind_address is set");
    accept_silently("user a\nuser b\n");
}

TEST(of_two_texts_that_replace_each_other_the_later_counts)
{
    static struct fixture fixture;

    load(&fixture, "user longer\nuser b\n");
    assert_string_equal(fixture.config->user, "b");
    assert_int_equal(fixture.config->setting_count, 1);
    assert_int_equal(fixture.config->settings[0].origin.line, 2);
    fixture_end(&fixture);
}

TEST(of_two_numbers_flags_or_words_the_later_counts)
{
    static struct fixture fixture;

    load(&fixture, "max_keepalive 5\nmax_keepalive 6\nlog_format json\nlog_format text\n");
    assert_int_equal(fixture.config->core.max_keepalive_s, 6);
    assert_int_equal(fixture.config->log.format, LOG_FORMAT_TEXT);
    fixture_end(&fixture);
}

TEST(the_same_text_may_be_set_for_two_listeners)
{
    static struct fixture fixture;

    load(&fixture, "listener 1\nbind_interface lo\nlistener 2\nbind_interface lo\n");
    assert_string_equal(fixture.config->listeners[1].interface, "lo");
    fixture_end(&fixture);
    refuse("listener 1\nbind_interface lo\nbind_interface eth0\n", "conf:3: bind_interface is set");
}

TEST(groups_of_multicast_are_one_of_each_family)
{
    static const char *const wrongs[] = { "10.0.0.1", "224.0.0.0/4", "239.0.0.1 239.0.0.2",
        "ff02::1 ff02::2", "239.0.0.1 ff02::1 ff02::2" };
    static struct fixture fixture;

    load(&fixture,
            "allow_anonymous true\nlistener 1\nprotocol mqttsn\n"
            "sn_multicast 239.0.0.1 ff02::1\nsn_multicast_hops 2\n");
    assert_int_equal(fixture.config->listeners[0].sn_multicast.count, 2);
    assert_int_equal(fixture.config->listeners[0].sn_multicast_hops, 2);
    assert_int_equal(fixture.config->sn.advertise_s, 900);
    fixture_end(&fixture);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), "listener 1\nprotocol mqttsn\nsn_multicast %s\n", wrongs[i]);
        refuse(text, "takes the address of one group");
    }
    refuse("listener 1\nsn_multicast 239.0.0.1\n", "is for listeners of MQTT-SN");
}

TEST(a_line_beyond_the_limit_is_refused_and_one_below_is_not)
{
    enum { SIZE = CONFIG_LINE_BYTES_MAX + 2 };
    char *text = malloc(SIZE + 1);

    assert_non_null(text);
    memset(text, '#', SIZE);
    text[SIZE] = '\0';
    refuse(text, "error: conf:1: the line is longer than 66000 bytes; shorten it\n");
    memset(text, ' ', SIZE);
    memcpy(text, "websockets_origin ", 18);
    memset(text + 18, 'x', CONFIG_VALUE_BYTES_MAX);
    memcpy(text + SIZE - 14, "\nlistener 1883", 14);
    refuse(text, "error: conf:1: websockets_origin has no listener before it");
    free(text);
}

TEST(aliases_are_the_same_key)
{
    static struct fixture fixture;

    load(&fixture, "listener 1\nmaximum_qos 1\n");
    assert_int_equal(fixture.config->listeners[0].settings.max_qos, 1);
    fixture_end(&fixture);
    load(&fixture, "retained_persistence false\n");
    assert_false(fixture.config->store.kept);
    fixture_end(&fixture);
    load(&fixture, "listener 1\nwebsockets_headers_size 8192\n");
    assert_int_equal(fixture.config->websockets_headers_size, 8192);
    fixture_end(&fixture);
}

TEST(what_mosquitto_accepts_is_accepted)
{
    accept_silently("listener 1883 # note\nallow_anonymous true # note\nsys_interval 10 # note\n");
    accept_silently("listener 0x75b\nallow_anonymous 1\n");
    accept_silently("log_dest stdout\nlog_dest syslog\nlog_type all\nlog_facility 3\n");
    accept_silently("require_certificate false\nuse_username_as_clientid false\n");
    accept_telling("memory_limit abc\n", "warning: conf:1: memory_limit abc is not a number");
    accept_telling("retry_interval\n", "warning: conf:1: retry_interval has no effect: ");
    accept_telling("dhparamfile /x\n", "warning: conf:1: dhparamfile has no effect: ");
    refuse("max_packet_size 19\n", "error: conf:1: max_packet_size 19 is out of range");
    refuse("max_topic_alias 5\n",
            "error: conf:1: max_topic_alias has no listener before it that it could be about");
}

/* Listeners. */

TEST(without_a_listener_only_this_machine_can_connect_and_anyone_on_it)
{
    static struct fixture fixture;

    load(&fixture, NULL);
    assert_true(fixture.config->local_only);
    assert_int_equal(fixture.config->listener_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fixture.config->listeners[i].settings.port, 1883);
        assert_true(fixture.config->listeners[i].settings.allow_anonymous);
        assert_null(fixture.config->listeners[i].origin.file);
    }
    assert_string_equal(fixture.config->listeners[0].address, "127.0.0.1");
    assert_string_equal(fixture.config->listeners[1].address, "::1");
    assert_int_equal(fixture.report.warnings, 0);
    assert_true(fixture_told(&fixture,
            "notice: no listener is set, so only this machine can "
            "connect, on port 1883; to open it to others, write \"listener 1883\" and "
            "\"allow_anonymous true\" as two lines to a file and start with -c FILE\n"));
    fixture_end(&fixture);
}

TEST(local_only_mode_listens_on_each_port_of_the_command_line)
{
    static const uint16_t ports[] = { 1884, 1885 };
    static struct fixture fixture;

    fixture.request.ports = ports;
    fixture.request.port_count = 2;
    load(&fixture, NULL);
    assert_int_equal(fixture.config->listener_count, 4);
    assert_int_equal(fixture.config->listeners[1].settings.port, 1884);
    assert_int_equal(fixture.config->listeners[2].settings.port, 1885);
    fixture_end(&fixture);
}

TEST(a_port_of_the_command_line_is_not_used_where_the_file_opens_a_listener)
{
    static const uint16_t ports[] = { 1884 };
    static struct fixture fixture;

    fixture.request.ports = ports;
    fixture.request.port_count = 1;
    load(&fixture, "listener 1999\nallow_anonymous true\n");
    assert_int_equal(fixture.config->listener_count, 1);
    assert_int_equal(fixture.config->listeners[0].settings.port, 1999);
    assert_true(fixture_told(&fixture, "warning: -p 1884 is not used"));
    fixture_end(&fixture);
}

TEST(local_only_mode_keeps_what_lines_say_about_its_listeners)
{
    static struct fixture fixture;

    load(&fixture, "max_connections 5\nlistener_allow_anonymous false\n");
    assert_true(fixture.config->local_only);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fixture.config->listeners[i].settings.max_connections, 5);
        assert_false(fixture.config->listeners[i].settings.allow_anonymous);
    }
    fixture_end(&fixture);
    load(&fixture, "socket_domain ipv4\n");
    assert_int_equal(fixture.config->listener_count, 1);
    assert_string_equal(fixture.config->listeners[0].address, "127.0.0.1");
    fixture_end(&fixture);
    load(&fixture, "allow_anonymous false\n");
    assert_false(fixture.config->listeners[1].settings.allow_anonymous);
    fixture_end(&fixture);
}

TEST(with_a_listener_clients_need_a_name_unless_the_file_says_otherwise)
{
    static const char *const openings[] = { "listener 1883\n", "port 1883\n",
        "bind_address ::1\n" };
    static struct fixture fixture;

    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        load(&fixture, openings[i]);
        assert_false(fixture.config->local_only);
        assert_int_equal(fixture.config->listener_count, 1);
        assert_int_equal(fixture.config->listeners[0].settings.port, 1883);
        assert_false(fixture.config->listeners[0].settings.allow_anonymous);
        assert_true(fixture_told(&fixture, "warning: nobody can connect: "));
        fixture_end(&fixture);
    }
}

TEST(keys_belong_to_the_listener_before_them)
{
    static struct fixture fixture;

    load(&fixture,
            "listener 1\nmax_connections 5\nmax_topic_alias 1\nlistener 2 ::1\nmax_qos 0\n"
            "socket_domain ipv6\naccept_protocol_versions 5\nmax_topic_alias_broker 2\n");
    assert_int_equal(fixture.config->listener_count, 2);
    assert_int_equal(fixture.config->listeners[0].settings.max_connections, 5);
    assert_int_equal(fixture.config->listeners[0].settings.max_topic_alias, 1);
    assert_int_equal(fixture.config->listeners[0].settings.max_qos, 2);
    assert_int_equal(fixture.config->listeners[0].origin.line, 1);
    assert_int_equal(fixture.config->listeners[1].settings.max_connections, -1);
    assert_int_equal(fixture.config->listeners[1].settings.max_qos, 0);
    assert_int_equal(fixture.config->listeners[1].settings.max_topic_alias_broker, 2);
    assert_int_equal(fixture.config->listeners[1].settings.protocol_versions, 1 << 5);
    assert_int_equal(fixture.config->listeners[1].socket_domain, CONFIG_DOMAIN_IPV6);
    assert_string_equal(fixture.config->listeners[1].address, "::1");
    assert_int_equal(fixture.config->listeners[1].origin.line, 4);
    fixture_end(&fixture);
}

TEST(port_and_bind_address_are_about_one_default_listener)
{
    static struct fixture fixture;

    load(&fixture, "listener 5\nport 6\nbind_address ::1\nmax_connections 7\n");
    assert_int_equal(fixture.config->listener_count, 2);
    assert_int_equal(fixture.config->listeners[1].settings.port, 6);
    assert_string_equal(fixture.config->listeners[1].address, "::1");
    assert_int_equal(fixture.config->listeners[1].settings.max_connections, 7);
    assert_int_equal(fixture.config->listeners[0].settings.max_connections, -1);
    fixture_end(&fixture);
}

TEST(keys_of_tls_may_stand_before_the_port)
{
    static struct fixture fixture;

    load(&fixture, "cafile /a\ncertfile /c\nkeyfile /k\nport 8883\nallow_anonymous true\n");
    assert_int_equal(fixture.config->listener_count, 1);
    assert_int_equal(fixture.config->listeners[0].settings.port, 8883);
    assert_string_equal(fixture.config->listeners[0].tls.cafile, "/a");
    assert_int_equal(fixture.report.warnings, 0);
    fixture_end(&fixture);
}

TEST(a_byte_order_mark_is_named)
{
    refuse("\xEF\xBB\xBFlistener 1\n", "error: conf:1: a byte order mark, which cannot be seen");
}

TEST(a_key_before_the_first_listener_opens_one_and_says_so)
{
    static struct fixture fixture;

    load(&fixture, "max_connections 7\nlistener 1884\n");
    assert_int_equal(fixture.config->listener_count, 2);
    assert_int_equal(fixture.config->listeners[0].settings.port, 1883);
    assert_int_equal(fixture.config->listeners[0].settings.max_connections, 7);
    assert_true(fixture_told(&fixture,
            "warning: conf:1: max_connections stands before any "
            "listener and so opens one on port 1883"));
    fixture_end(&fixture);
}

TEST(a_key_before_the_first_listener_that_says_the_default_opens_none)
{
    static struct fixture fixture;

    load(&fixture, "protocol mqtt\nmax_connections -1\nlistener 1883\nallow_anonymous true\n");
    assert_int_equal(fixture.config->listener_count, 1);
    assert_int_equal(fixture.config->listeners[0].origin.line, 3);
    assert_int_equal(fixture.report.warnings, 0);
    fixture_end(&fixture);
}

TEST(an_implicit_listener_that_port_then_names_is_meant)
{
    static struct fixture fixture;

    load(&fixture, "max_connections 7\nport 1884\nallow_anonymous true\n");
    assert_int_equal(fixture.config->listener_count, 1);
    assert_int_equal(fixture.config->listeners[0].settings.port, 1884);
    assert_int_equal(fixture.report.warnings, 0);
    fixture_end(&fixture);
}

TEST(the_same_listener_twice_is_refused)
{
    refuse("listener 1883\nlistener 1883\n",
            "error: conf:2: listener 1883 is opened twice; remove one of the two\n");
    accept_telling("listener 1883 127.0.0.1\nlistener 1883 ::1\n", "nobody can connect");
    accept_telling("listener 1\nsocket_domain ipv4\nlistener 1\nsocket_domain ipv6\n", "nobody");
}

TEST(listeners_have_a_limit)
{
    char text[CONFIG_LISTENERS_MAX * 16 + 64] = "";

    for (int i = 0; i <= CONFIG_LISTENERS_MAX; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "listener %d\n", i + 1);
    refuse(text, "error: conf:65: more than 64 listeners; remove some\n");
}

TEST(a_listener_can_say_itself_whom_it_lets_in)
{
    static struct fixture fixture;

    load(&fixture,
            "allow_anonymous true\nlistener 1\nlistener_allow_anonymous false\nlistener 2\n");
    assert_false(fixture.config->listeners[0].settings.allow_anonymous);
    assert_true(fixture.config->listeners[1].settings.allow_anonymous);
    fixture_end(&fixture);
}

TEST(a_listener_may_be_a_unix_socket)
{
    static struct fixture fixture;

    load(&fixture, "listener 0 /run/mqtt.sock\nallow_anonymous true\nlistener 0 /run/other\n");
    assert_int_equal(fixture.config->listeners[0].settings.port, 0);
    assert_string_equal(fixture.config->listeners[0].address, "/run/mqtt.sock");
    assert_string_equal(fixture.config->listeners[1].address, "/run/other");
    fixture_end(&fixture);
    refuse("listener 0\n", "error: conf:1: listener 0 is not a Unix socket");
    refuse("listener 0 mqtt.sock\n", "error: conf:1: listener 0 mqtt.sock is not a Unix socket");
    refuse("listener 0 /a\nlistener 0 /a\n", "error: conf:2: listener 0 is opened twice");
}

TEST(a_proxy_may_tell_who_the_client_is)
{
    static struct fixture fixture;

    load(&fixture,
            "allow_anonymous true\nlistener 1\nenable_proxy_protocol 1\n"
            "listener 2\nenable_proxy_protocol 2\nproxy_protocol_v2_require_tls true\n"
            "use_identity_as_username true\nlistener 3\n");
    assert_int_equal(fixture.config->listeners[0].proxy_protocol, 1);
    assert_int_equal(fixture.config->listeners[1].proxy_protocol, 2);
    assert_true(fixture.config->listeners[1].proxy_requires_tls);
    assert_true(fixture.config->listeners[1].settings.user_name_proved);
    assert_int_equal(fixture.config->listeners[2].proxy_protocol, 0);
    fixture_end(&fixture);
    refuse("listener 1\nenable_proxy_protocol 1\nproxy_protocol_v2_require_tls true\n",
            "error: conf:3: proxy_protocol_v2_require_tls needs \"enable_proxy_protocol 2\"");
    refuse("listener 1\nenable_proxy_protocol 2\ncertfile /c\nkeyfile /k\n",
            "error: conf:3: certfile cannot be beside enable_proxy_protocol 2");
    refuse("listener 1\nenable_proxy_protocol 1\nuse_identity_as_username true\n",
            "error: conf:3: use_identity_as_username belongs to TLS");
    refuse("listener 1\nenable_proxy_protocol 2\nuse_subject_as_username true\n",
            "error: conf:3: use_subject_as_username belongs to TLS");
}

TEST(a_listener_has_lists_of_addresses)
{
    static struct fixture fixture;
    const struct config_listener *listener;

    load(&fixture,
            "allow_anonymous true\nlistener 1\nallow_address 10.0.0.0/8, 127.0.0.1\n"
            "allow_address ::1\ndeny_address 10.0.0.7\nlistener 2\n");
    listener = &fixture.config->listeners[0];
    assert_int_equal(listener->allowed.count, 3);
    assert_int_equal(listener->denied.count, 1);
    assert_int_equal(fixture.config->listeners[1].allowed.count, 0);
    assert_int_equal(fixture.config->guard.exempt.count, 2);
    fixture_end(&fixture);
    refuse("listener 1\nallow_address 10.0.0.1/8\n",
            "error: conf:2: allow_address 10.0.0.1/8 is neither an address nor a network; write "
            "192.0.2.7, 192.0.2.0/24 or 2001:db8::/32, without a bit of the address behind the "
            "prefix");
    refuse("listener 1\nallow_address none\n", "error: conf:2: allow_address none is neither");
    refuse("listener 0 /run/socket\nallow_address 10.0.0.1\n",
            "error: conf:2: allow_address cannot be about a Unix socket");
    refuse("listener 0 /run/socket\ndeny_address 10.0.0.1\n",
            "error: conf:2: deny_address cannot be about a Unix socket");
}

TEST(the_exempt_addresses_are_those_named_or_none)
{
    static struct fixture fixture;
    char text[NETWORK_TEXT_SIZE];

    load(&fixture, "exempt_address 10.0.0.0/8\n");
    assert_int_equal(fixture.config->guard.exempt.count, 1);
    assert_string_equal(
            network_format(&fixture.config->guard.exempt.networks[0], text), "10.0.0.0/8");
    fixture_end(&fixture);
    load(&fixture, "exempt_address none\n");
    assert_int_equal(fixture.config->guard.exempt.count, 0);
    fixture_end(&fixture);
    refuse("exempt_address 127.0.0.1 none\n", "error: conf:1: exempt_address none is neither");
}

TEST(origins_add_up_for_each_listener)
{
    static struct fixture fixture;

    load(&fixture,
            "allow_anonymous true\n"
            "listener 1\nprotocol websockets\nwebsockets_path /mqtt\n"
            "websockets_origin https://a.example\nwebsockets_origin null\n"
            "listener 2\nprotocol websockets\nwebsockets_origin http://b.example:8080\n"
            "listener 3\n");
    assert_int_equal(fixture.config->listeners[0].protocol, CONFIG_PROTOCOL_WEBSOCKETS);
    assert_string_equal(fixture.config->listeners[0].websockets_path, "/mqtt");
    assert_string_equal(fixture.config->listeners[0].websockets_origins, "https://a.example null");
    assert_string_equal(fixture.config->listeners[1].websockets_origins, "http://b.example:8080");
    assert_string_equal(fixture.config->listeners[2].websockets_origins, "");
    assert_int_equal(fixture.config->listeners[2].protocol, CONFIG_PROTOCOL_MQTT);
    fixture_end(&fixture);
}

TEST(compression_and_trusted_proxies_are_a_listeners)
{
    static struct fixture fixture;

    load(&fixture,
            "allow_anonymous true\n"
            "listener 1\nprotocol websockets\nwebsockets_compression true\n"
            "trusted_proxies 10.0.0.0/8\ntrusted_proxies ::1\n"
            "listener 2\nenable_proxy_protocol 1\ntrusted_proxies 192.0.2.7\n"
            "listener 3\n");
    assert_true(fixture.config->listeners[0].websockets_compression);
    assert_int_equal(fixture.config->listeners[0].trusted_proxies.count, 2);
    assert_false(fixture.config->listeners[1].websockets_compression);
    assert_int_equal(fixture.config->listeners[1].trusted_proxies.count, 1);
    assert_int_equal(fixture.config->listeners[2].trusted_proxies.count, 0);
    fixture_end(&fixture);
    refuse("listener 1\ntrusted_proxies 192.0.2.7\n",
            "error: conf:2: trusted_proxies needs enable_proxy_protocol or \"protocol "
            "websockets\"");
}

TEST(a_listener_of_mqtt_sn_is_one_of_udp)
{
    static struct fixture fixture;

    load(&fixture,
            "allow_anonymous true\nlistener 1\nlistener 1\nprotocol mqttsn\n"
            "sn_gateway_id 9\nsn_predefined 5 a/b\nsn_predefined 6 c sensor\n");
    assert_int_equal(fixture.config->listeners[1].protocol, CONFIG_PROTOCOL_MQTTSN);
    assert_int_equal(fixture.config->sn.gateway_id, 9);
    assert_int_equal(fixture.config->sn.retries, 3);
    assert_int_equal(fixture.config->sn.retry_s, 10);
    assert_string_equal(fixture.config->sn.predefined, "5 a/b\n6 c sensor");
    fixture_end(&fixture);
    refuse("listener 1\nprotocol mqttsn\nlistener 1\nprotocol mqttsn\n", "is opened twice");
}

TEST(what_mqtt_sn_cannot_have_is_refused)
{
    static const char *const lines[] = {
        "tls_version tlsv1.3\npsk_hint x\npsk_file /p",
        "enable_proxy_protocol 1",
        "use_username_as_clientid true",
        "accept_protocol_versions 3 4",
    };
    char text[128];
    char told[128];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(text, sizeof(text), "listener 1\nprotocol mqttsn\n%s\n", lines[i]);
        snprintf(told, sizeof(told), "error: conf:3: %.*s", (int)strcspn(lines[i], " "), lines[i]);
        refuse(text, told);
    }
    refuse("listener 0 /tmp/s\nprotocol mqttsn\n", "error: conf:2: protocol mqttsn needs a port");
    refuse("sn_predefined 0 a\n", "error: conf:1: sn_predefined needs an id");
    refuse("sn_predefined 5 a\nsn_predefined 6 a/#\n", "sn_predefined needs an id");
    refuse("sn_predefined 5 a\nsn_predefined 6 b\nsn_predefined 5 c\n", "gives the id 5 twice");
    refuse("sn_predefined 5 a x\nsn_predefined 5 b x\n", "gives the id 5 twice");
}

TEST(a_listener_of_mqtt_sn_that_lets_no_device_in_is_told)
{
    accept_telling("listener 1\npassword_file /p\nlistener 2\nprotocol mqttsn\n",
            "warning: conf:3: no device can connect to listener 2");
    accept_telling("listener 2\nprotocol mqttsn\n",
            "warning: conf:1: no device can connect to listener 2");
    accept_silently("listener 1\npassword_file /p\nlistener 2\nprotocol mqttsn\n"
                    "listener_allow_anonymous true\n");
    accept_telling("listener 1\npassword_file /p\nlistener 2\nprotocol mqttsn\npsk_hint x\n"
                   "psk_file /p\n",
            "warning: conf:3: no device can connect to listener 2");
    accept_silently("listener 1\nprotocol mqttsn\npsk_hint x\npsk_file /p\n"
                    "use_identity_as_username true\nuse_username_as_clientid true\n");
}

TEST(origins_have_a_limit)
{
    static struct fixture fixture;
    char text[2 * CONFIG_ORIGINS_MAX];
    int size = CONFIG_ORIGINS_MAX - 5; /* with a blank and four letters the list is full */

    snprintf(text, sizeof(text),
            "allow_anonymous true\nlistener 1\nwebsockets_origin %0*d\nwebsockets_origin abcd\n",
            size, 0);
    load(&fixture, text);
    assert_int_equal(strlen(fixture.config->listeners[0].websockets_origins), CONFIG_ORIGINS_MAX);
    fixture_end(&fixture);
    snprintf(text, sizeof(text), "listener 1\nwebsockets_origin %0*d\nwebsockets_origin abcde\n",
            size, 0);
    refuse(text, "error: conf:3: websockets_origin abcde makes more than 1023 bytes");
}

/* per_listener_settings */

TEST(under_per_listener_settings_anonymous_access_is_the_listeners)
{
    static struct fixture fixture;

    load(&fixture,
            "per_listener_settings true\n"
            "listener 1\nallow_anonymous true\n"
            "listener 2\n"
            "listener 3\nallow_anonymous false\n");
    assert_true(fixture.config->listeners[0].settings.allow_anonymous);
    assert_false(fixture.config->listeners[1].settings.allow_anonymous);
    assert_false(fixture.config->listeners[2].settings.allow_anonymous);
    fixture_end(&fixture);
}

TEST(under_per_listener_settings_client_ids_are_the_listeners)
{
    static struct fixture fixture;

    load(&fixture,
            "per_listener_settings true\nlistener 1\nallow_zero_length_clientid false\n"
            "auto_id_prefix x\nlistener 2\n");
    assert_false(fixture.config->listeners[0].settings.allow_zero_length_clientid);
    assert_string_equal(fixture.config->listeners[0].settings.auto_id_prefix, "x");
    assert_true(fixture.config->listeners[1].settings.allow_zero_length_clientid);
    assert_string_equal(fixture.config->listeners[1].settings.auto_id_prefix, "auto-");
    fixture_end(&fixture);
    load(&fixture,
            "allow_zero_length_clientid false\nauto_id_prefix all-\nlistener 1\n"
            "listener_auto_id_prefix one-\nlistener 2\nlistener_allow_zero_length_clientid 1\n");
    assert_false(fixture.config->listeners[0].settings.allow_zero_length_clientid);
    assert_string_equal(fixture.config->listeners[0].settings.auto_id_prefix, "one-");
    assert_true(fixture.config->listeners[1].settings.allow_zero_length_clientid);
    assert_string_equal(fixture.config->listeners[1].settings.auto_id_prefix, "all-");
    fixture_end(&fixture);
    refuse("per_listener_settings true\nallow_anonymous true\nlistener 1\n",
            "error: conf:2: allow_anonymous has no listener before it that it could be about; "
            "put it after one, for per_listener_settings is true\n");
}

TEST(per_listener_settings_comes_first_and_stays)
{
    refuse("allow_anonymous true\nper_listener_settings true\n",
            "error: conf:2: per_listener_settings comes after a key whose meaning it changes");
    accept_telling("per_listener_settings true\nper_listener_settings false\n",
            "warning: conf:2: per_listener_settings stays true, as an earlier line set it\n");
    accept_silently("allow_anonymous true\nper_listener_settings false\n");
}

TEST(files_of_rules_are_inherited_by_listeners_that_name_none)
{
    struct fixture fixture = { 0 };

    assert_int_equal(fixture_load(&fixture,
                             "password_file /all\nacl_file /rules\nlistener 1\n"
                             "listener_password_file /own\nlistener 2\nlistener_acl_file /other\n"),
            0);
    assert_int_equal(fixture.report.warnings, 0);
    assert_string_equal(fixture.config->listeners[0].password_file, "/own");
    assert_string_equal(fixture.config->listeners[0].acl_file, "/rules");
    assert_string_equal(fixture.config->listeners[1].password_file, "/all");
    assert_string_equal(fixture.config->listeners[1].acl_file, "/other");
    assert_int_equal(fixture.config->listeners[1].settings.number, 1);
    fixture_end(&fixture);
}

TEST(files_of_rules_belong_to_the_listener_before_them_where_that_is_asked_for)
{
    struct fixture fixture = { 0 };

    assert_int_equal(fixture_load(&fixture,
                             "per_listener_settings true\nlistener 1\npassword_file /one\n"
                             "listener 2\nacl_file /two\nallow_anonymous true\n"),
            0);
    assert_string_equal(fixture.config->listeners[0].password_file, "/one");
    assert_string_equal(fixture.config->listeners[0].acl_file, "");
    assert_string_equal(fixture.config->listeners[1].password_file, "");
    assert_string_equal(fixture.config->listeners[1].acl_file, "/two");
    fixture_end(&fixture);
}

/* As 2.1.2 --test-config and the start of 2.0.11 were seen to judge each, 2.1 where they differ;
 * the last two are ours to take. */
TEST(what_mosquitto_takes_and_refuses_is_taken_and_refused)
{
    static const struct {
        const char *text;
        bool taken;
    } rows[] = {
        { "listener 1883 # note\n", true },
        { "sys_interval 10 # note\n", true },
        { "allow_anonymous true # note\n", true },
        { "listener 0x75b\n", true },
        { "listener 1883\r\nallow_anonymous true\r\n", true },
        { "    \n", true },
        { "    sys_interval 10\n", true },
        { "memory_limit abc\n", true },
        { "retry_interval\n", true },
        { "retry_interval 10\n", true },
        { "dhparamfile /x\n", true },
        { "require_certificate false\n", true },
        { "pid_file /a\npid_file /b\n", false },
        { "persistence_file a\npersistence_file b\n", false },
        { "no_such_key 1\n", false },
        { "max_packet_size 19\n", false },
        { "max_packet_size 20\n", true },
        { "max_topic_alias 10\n", false },
        { "port 0\n", false },
        { "sys_interval 10x\n", false },
        { "sys_interval 65536\n", false },
        { "allow_anonymous TRUE\n", false },
        { "max_inflight_messages 65536\n", false },
        { "password_file /a\npassword_file /b\n", true },
        { "listener 1\nmount_point a\nmount_point b\n", true },
        { "sys_interval 1\nsys_interval 2\n", true },
        { "include_dir\n", false },
        { "log_type nothing\n", false },
        { "auto_id_prefix 123456789012345678901234567890123456789012345678901\n", false },
        { "  # indented\n", true },
        { "sys_interval\t10\n", true },
    };
    static struct fixture fixture;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((fixture_load(&fixture, rows[i].text) == 0) != rows[i].taken)
            fail_msg("%s: %s", rows[i].text, fixture.told);
        fixture_end(&fixture);
    }
}

TEST(a_limit_that_lets_nobody_in_is_told_with_its_place)
{
    static struct fixture fixture;

    accept_telling("listener 1\nallow_anonymous true\nlistener 2\nmax_connections 0\n",
            "warning: conf:4: max_connections 0 lets nobody in; write how many may come in, or -1 "
            "for no limit\n");
    accept_telling("global_max_connections 0\n",
            "warning: conf:1: global_max_connections 0 lets nobody in; write how many may come in, "
            "or -1 for no limit\n");
    accept_telling("\nglobal_max_clients 0\n",
            "warning: conf:2: global_max_clients 0 lets nobody in but by a session that was kept; "
            "write how many there may be, or -1 for no limit\n");
    load(&fixture, "max_connections 0\n"); /* of two listeners, 127.0.0.1 and ::1 */
    assert_int_equal(fixture.report.warnings, 1);
    fixture_end(&fixture);
    accept_silently("max_connections 0\nmax_connections 1\n");
    accept_silently("global_max_connections 1\nglobal_max_clients 1\nmax_connections -1\n");
}

/* What is not honoured. */

TEST(what_safety_depends_on_stops_the_start)
{
    static const char *const lines[] = {
        "plugin /p.so",
        "auth_plugin /p.so",
        "global_plugin /p.so",
        "plugin_load a /p.so",
        "certfile /c",
        "keyfile /k",
        "cafile /c",
        "capath /c",
        "crlfile /c",
        "ocsp_file /o",
        "sni_certificate /c /k",
        "require_certificate true",
        "psk_hint x",
        "plugin_use a",
        "use_identity_as_username true",
        "use_subject_as_username true",
        "protocol http_api",
        "enable_proxy_protocol 3",
        "proxy_protocol_v2_require_tls true",
        "connection b",
    };
    char text[128];
    char told[128];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *blank = strchr(lines[i], ' ');

        snprintf(text, sizeof(text), "listener 1883\nallow_anonymous true\n%s\n", lines[i]);
        snprintf(told, sizeof(told), "error: conf:3: %.*s", (int)(blank - lines[i]), lines[i]);
        refuse(text, told);
    }
}

TEST(what_safety_depends_on_may_be_set_to_what_holds_anyway)
{
    accept_silently("listener 1\nallow_anonymous true\nrequire_certificate false\n"
                    "use_identity_as_username false\nuse_subject_as_username 0\n"
                    "use_username_as_clientid false\nproxy_protocol_v2_require_tls false\n");
}

TEST(a_mount_point_is_the_start_of_a_topic)
{
    static struct fixture fixture;

    load(&fixture, "listener 1\nmount_point a b/\nlistener 2\nmount_point x\nmount_point y/\n");
    assert_string_equal(fixture.config->listeners[0].settings.mount_point, "a b/");
    assert_string_equal(fixture.config->listeners[1].settings.mount_point, "y/");
    fixture_end(&fixture);
    refuse("listener 1\nmount_point a/+\n", "error: conf:2: mount_point has a wildcard");
    refuse("listener 1\nmount_point #\n", "error: conf:2: mount_point has a wildcard");
    refuse("listener 1\nmount_point $share/g/\n", "error: conf:2: mount_point would make every");
    refuse("mount_point a/\n", "error: conf:1: mount_point has no listener before it");
}

TEST(client_ids_may_be_restricted)
{
    static struct fixture fixture;

    load(&fixture,
            "clientid_prefixes a b\nlistener 1\nuse_username_as_clientid true\nlistener 2\n");
    assert_string_equal(fixture.config->core.clientid_prefixes, "a b");
    assert_true(fixture.config->listeners[0].settings.use_username_as_clientid);
    assert_false(fixture.config->listeners[1].settings.use_username_as_clientid);
    fixture_end(&fixture);
}

/* TLS. */

#define TLS_LISTENER "listener 1\nallow_anonymous true\ncertfile /c\nkeyfile /k\n"

TEST(a_listener_with_certificate_and_key_speaks_tls)
{
    static struct fixture fixture;
    const struct config_tls *tls;

    load(&fixture,
            TLS_LISTENER "cafile /a\ncapath /b\ncrlfile /r\nrequire_certificate true\n"
                         "use_identity_as_username true\ntls_version tlsv1.3\nciphers X\n"
                         "ciphers_tls1.3 Y\ntls_keyform pem\nlistener 2\n");
    assert_int_equal(fixture.report.warnings, 0);
    tls = &fixture.config->listeners[0].tls;
    assert_string_equal(tls->certfile, "/c");
    assert_string_equal(tls->keyfile, "/k");
    assert_string_equal(tls->cafile, "/a");
    assert_string_equal(tls->capath, "/b");
    assert_string_equal(tls->crlfile, "/r");
    assert_string_equal(tls->ciphers, "X");
    assert_string_equal(tls->suites, "Y");
    assert_int_equal(tls->version_min, CONFIG_TLS_1_3);
    assert_true(tls->require_certificate);
    assert_true(fixture.config->listeners[0].settings.user_name_proved);
    assert_int_equal(config_origin(fixture.config, "crlfile", 0).line, 7);
    assert_null(config_origin(fixture.config, "crlfile", 1).file);
    tls = &fixture.config->listeners[1].tls;
    assert_string_equal(tls->certfile, "");
    assert_string_equal(tls->ciphers, CONFIG_CIPHERS);
    assert_int_equal(tls->version_min, CONFIG_TLS_1_2);
    assert_false(fixture.config->listeners[1].settings.user_name_proved);
    fixture_end(&fixture);
}

#define KEYS_LISTENER "listener 1\nallow_anonymous true\npsk_file /p\npsk_hint here\n"

TEST(a_listener_with_a_hint_speaks_tls_by_keys)
{
    static struct fixture fixture;

    load(&fixture,
            KEYS_LISTENER "use_identity_as_username true\nlistener 2\n"
                          "listener_psk_file /own\npsk_hint there\n");
    assert_string_equal(fixture.config->listeners[0].tls.psk_hint, "here");
    assert_string_equal(fixture.config->listeners[0].psk_file, "/p");
    assert_true(fixture.config->listeners[0].settings.user_name_proved);
    assert_string_equal(fixture.config->listeners[1].psk_file, "/own");
    fixture_end(&fixture);
}

TEST(keys_that_cannot_be_meant_so_are_refused)
{
    refuse("listener 1\npsk_hint x\n", "error: conf:2: psk_hint needs a psk_file");
    refuse(KEYS_LISTENER "certfile /c\nkeyfile /k\n",
            "error: conf:4: psk_hint cannot be beside certfile");
    refuse(KEYS_LISTENER "cafile /c\n", "error: conf:5: cafile belongs to certificates");
    refuse(KEYS_LISTENER "ocsp_file /c\n", "error: conf:5: ocsp_file belongs to certificates");
    refuse(KEYS_LISTENER "sni_certificate /c /k\n", "error: conf:5: sni_certificate belongs to");
    refuse(KEYS_LISTENER "require_certificate true\n",
            "error: conf:5: require_certificate belongs to certificates");
    refuse(KEYS_LISTENER "use_subject_as_username true\n",
            "error: conf:5: use_subject_as_username belongs to certificates");
    refuse(KEYS_LISTENER "enable_proxy_protocol 2\n",
            "error: conf:4: psk_hint cannot be beside enable_proxy_protocol 2");
}

TEST(keys_that_no_listener_uses_are_warned_of)
{
    accept_telling("listener 1\nallow_anonymous true\npsk_file /p\n",
            "warning: conf:3: psk_file has no effect");
}

TEST(further_certificates_add_up)
{
    static struct fixture fixture;

    load(&fixture,
            TLS_LISTENER "sni_certificate /a.pem /a.key\nsni_certificate  /b.pem   /b.key\n"
                         "ocsp_file /o\n");
    assert_string_equal(fixture.config->listeners[0].tls.named, "/a.pem /a.key /b.pem   /b.key");
    assert_string_equal(fixture.config->listeners[0].tls.ocsp_file, "/o");
    fixture_end(&fixture);
    refuse(TLS_LISTENER "sni_certificate /a.pem\n",
            "error: conf:5: sni_certificate /a.pem is not 2 words");
}

TEST(tls_that_cannot_be_meant_so_is_refused)
{
    refuse("listener 1\ncertfile /c\n", "error: conf:2: certfile needs a keyfile too");
    refuse("listener 1\nkeyfile /k\n", "error: conf:2: keyfile needs a certfile too");
    refuse("listener 1\ncafile /a\n", "error: conf:2: cafile belongs to TLS, which this listener");
    refuse(TLS_LISTENER "listener 2\nrequire_certificate true\n",
            "error: conf:6: require_certificate belongs to TLS");
    refuse(TLS_LISTENER "require_certificate true\n",
            "error: conf:5: require_certificate needs a cafile or capath");
    refuse(TLS_LISTENER "tls_keyform engine\n", "error: conf:5: tls_keyform engine");
    refuse(TLS_LISTENER "tls_engine x\n", "error: conf:5: tls_engine");
    refuse(TLS_LISTENER "tls_version tlsv1.1\n", "error: conf:5: tls_version tlsv1.1");
    accept_telling(TLS_LISTENER "crlfile /r\n", "warning: conf:5: crlfile has no effect");
    accept_telling(TLS_LISTENER "use_subject_as_username true\n",
            "warning: conf:5: use_subject_as_username lets nobody in");
    accept_telling(TLS_LISTENER "cafile /a\nrequire_certificate true\n"
                                "use_identity_as_username true\nuse_subject_as_username true\n",
            "warning: conf:8: use_subject_as_username has no effect beside");
}

TEST(a_bridge_is_told_once_for_all_its_keys)
{
    static struct fixture fixture;

    assert_int_equal(fixture_load(&fixture,
                             "connection b\naddress 10.0.0.1:1883\n"
                             "topic # both 2 l/ r/\ntopic a/#\ncleansession true\n"
                             "restart_timeout 5 30\nbridge_tcp_keepalive 1 2 3\n"
                             "remote_password # secret\n"),
            -EINVAL);
    assert_int_equal(fixture.report.errors, 1);
    assert_true(fixture_told(&fixture, "error: conf:1: connection: bridges are not there yet"));
    fixture_end(&fixture);
    refuse("address 10.0.0.1\n", "error: conf:1: addresses has no connection before it");
    refuse("connection b\nstart_type manual\n", "error: conf:2: start_type manual is not known");
    refuse("connection b\nbridge_receive_maximum 0\n", "error: conf:2: bridge_receive_maximum 0");
}

TEST(a_plugins_options_need_a_plugin_and_are_told_with_it)
{
    static struct fixture fixture;

    assert_int_equal(
            fixture_load(&fixture, "plugin /p.so\nplugin_opt_config_file /f\nauth_opt_abc x\n"),
            -EINVAL);
    assert_int_equal(fixture.report.errors, 1);
    fixture_end(&fixture);
    refuse("plugin_opt_abc x\n", "error: conf:1: plugin_opt_* has no plugin before it");
    refuse("auth_plugin_deny_special_chars true\n", "has no plugin before it");
}

TEST(what_is_not_there_yet_is_told_once)
{
    static struct fixture fixture;

    load(&fixture, "listener 1\nallow_anonymous true\nhttp_dir /a\nlistener 2\nhttp_dir /b\n");
    assert_int_equal(fixture.report.warnings, 1);
    assert_true(fixture_told(&fixture,
            "warning: conf:3: http_dir is not there yet, has no effect "
            "in this version: "));
    fixture_end(&fixture);
}

TEST(all_is_kept_unless_that_is_switched_off)
{
    static struct fixture fixture;

    load(&fixture, "");
    assert_true(fixture.config->store.kept);
    assert_int_equal(fixture.config->store.durability.kind, DURABILITY_GROUP);
    assert_string_equal(fixture.config->store.location, "");
    fixture_end(&fixture);
    accept_silently("persistence true\npersistence_location /var/lib/mosquitto/\n");
    accept_silently("persistence false\n");
}

TEST(one_copy_for_each_client_is_said_where_more_are_asked_for)
{
    accept_telling("allow_duplicate_messages true\n",
            "warning: conf:1: allow_duplicate_messages has no effect: a client gets one copy");
    accept_silently("allow_duplicate_messages false\n");
}

/* The log. */

TEST(without_a_word_the_log_is_as_mosquittos)
{
    static struct fixture fixture;

    load(&fixture, "");
    assert_int_equal(fixture.config->log.to.set, LOG_TO_STDERR);
    assert_int_equal(fixture.config->log.types,
            LOG_TYPE_ERROR | LOG_TYPE_WARNING | LOG_TYPE_NOTICE | LOG_TYPE_INFORMATION);
    assert_true(fixture.config->log.timestamp);
    assert_string_equal(fixture.config->log.timestamp_format, "");
    assert_int_equal(fixture.config->log.facility, LOG_FACILITY_DAEMON);
    assert_true(fixture.config->log.connection_messages);
    fixture_end(&fixture);
}

TEST(the_first_line_about_the_log_puts_an_end_to_the_default)
{
    static struct fixture fixture;

    load(&fixture, "log_dest syslog\nlog_dest file /l\nlog_type error\nlog_type subscribe\n");
    assert_int_equal(fixture.config->log.to.set, LOG_TO_SYSLOG | LOG_TO_FILE);
    assert_string_equal(fixture.config->log.to.path, "/l");
    assert_int_equal(fixture.config->log.types, LOG_TYPE_ERROR | LOG_TYPE_SUBSCRIBE);
    fixture_end(&fixture);
    load(&fixture, "log_dest stdout\nlog_dest none\nlog_type all\nlog_type none\n");
    assert_int_equal(fixture.config->log.to.set, 0);
    assert_int_equal(fixture.config->log.types, 0);
    fixture_end(&fixture);
    refuse("log_dest file /a\nlog_dest file /b\n", "error: conf:2: log_dest file /b is a second");
}

TEST(verbose_logs_everything_and_quiet_nothing)
{
    static struct fixture fixture;

    fixture.request.verbose = true;
    load(&fixture, "log_type error\n");
    assert_int_equal(fixture.config->log.types, LOG_TYPE_ALL);
    fixture_end(&fixture);
    fixture.request.verbose = true;
    fixture.request.quiet = true;
    load(&fixture, "log_type error\n");
    assert_int_equal(fixture.config->log.types, 0);
    fixture_end(&fixture);
}

/* Included files. */

TEST(the_files_of_a_directory_are_read_in_mosquittos_order)
{
    static struct fixture fixture;
    static const char *const paths[] = { "d/00.conf", "d/01.conf", "d/A.conf", "d/a.conf",
        "d/B.conf", "d/b.conf" };
    static const char *const texts[] = { "listener 1", "listener 2", "listener 3", "listener 4",
        "listener 5", "listener 6" };

    for (size_t i = 0; i < 6; i++)
        fixture_add(&fixture, paths[i], texts[i]);
    load(&fixture, "allow_anonymous true\ninclude_dir d\nlistener 7\n");
    assert_int_equal(fixture.config->listener_count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(fixture.config->listeners[i].settings.port, i + 1);
    assert_string_equal(fixture.config->listeners[3].origin.file, "d/a.conf");
    assert_string_equal(fixture.config->settings[1].value, "d");
    fixture_end(&fixture);
}

TEST(an_included_file_starts_without_a_listener_and_leaves_none)
{
    static struct fixture fixture;

    fixture_add(&fixture, "d/a.conf", "listener 2\nmax_connections 2\n");
    load(&fixture, "listener 1\ninclude_dir d\nmax_connections 1\n");
    assert_int_equal(fixture.config->listeners[0].settings.max_connections, 1);
    assert_int_equal(fixture.config->listeners[1].settings.max_connections, 2);
    fixture_end(&fixture);

    fixture_add(&fixture, "d/a.conf", "max_topic_alias 2\n");
    assert_int_equal(fixture_load(&fixture, "listener 1\ninclude_dir d\n"), -EINVAL);
    assert_true(fixture_told(&fixture, "error: d/a.conf:1: max_topic_alias has no listener"));
    fixture_end(&fixture);
}

TEST(an_included_file_includes_no_other)
{
    static struct fixture fixture;

    fixture_add(&fixture, "d/a.conf", "include_dir e\n");
    assert_int_equal(fixture_load(&fixture, "include_dir d\n"), -EINVAL);
    assert_true(fixture_told(&fixture,
            "error: d/a.conf:1: include_dir counts in the main file only; move it there"));
    fixture_end(&fixture);
}

TEST(a_directory_that_cannot_be_read_is_an_error)
{
    refuse("include_dir nowhere\n",
            "error: conf:1: include_dir nowhere cannot be read: No such file or directory\n");
}

TEST(a_file_that_cannot_be_read_is_an_error)
{
    static struct fixture fixture;
    struct config *config = NULL;
    struct config_request request = { .file = "/tmp" };

    assert_int_equal(config_load(&config, &request, &fixture.report), -EINVAL);
    assert_int_equal(fixture.report.errors, 1);
    assert_null(config);
}

/* What --test-config shows. */

static char *dump(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    config_dump(config, out);
    fclose(out);
    return text;
}

static void expect_dump(const char *conf, const char *const *lines, size_t count)
{
    static struct fixture fixture;
    char *text;

    load(&fixture, conf);
    text = dump(fixture.config);
    for (size_t i = 0; i < count; i++) {
        if (!strstr(text, lines[i]))
            fail_msg("no line \"%s\" in:\n%s", lines[i], text);
    }
    free(text);
    fixture_end(&fixture);
}

TEST(the_dump_shows_each_key_with_its_place_value_and_effect)
{
    static const char *const lines[] = {
        "conf:1: max_keepalive 16 (live)\n",
        "conf:2: threads 2 (restart)\n",
        "conf:3: listener 1884 ::1 (live)\n",
        "conf:4: max_qos 1 (live)\n",
        "conf:5: http_dir /x y (not there yet)\n",
        "conf:6: retry_interval (no effect)\n",
        "conf:7: log_type error (live)\n",
        "conf:8: log_type debug (live)\n",
        "conf:9: allow_duplicate_messages false (the default)\n",
        "conf:10: persistent_client_expiration 120s (live)\n",
        "default: sys_interval 10 (live)\n",
        "default: listener 1884 ::1: max_topic_alias 10 (live)\n",
        "default: listener 1884 ::1: listener_allow_anonymous false (live)\n",
    };

    expect_dump("max_keepalive 0x10\nthreads 2\nlistener 1884 ::1 # x\nmaximum_qos 1\n"
                "http_dir  /x y\nretry_interval\nlog_type error\nlog_type debug\n"
                "allow_duplicate_messages false\npersistent_client_expiration 120s\n",
            lines, sizeof(lines) / sizeof(lines[0]));
}

TEST(the_dump_shows_the_listeners_of_local_only_mode)
{
    static const char *const lines[] = {
        "default: listener 1883 127.0.0.1 (live)\n",
        "default: listener 1883 ::1 (live)\n",
        "default: allow_anonymous true (live)\n",
    };

    expect_dump("", lines, sizeof(lines) / sizeof(lines[0]));
}

TEST(no_bytes_of_a_file_do_harm)
{
    static const struct bytes texts[] = {
        { (const uint8_t *)"\0\0\n\0", 4 },
        { (const uint8_t *)"user \0x\n", 8 },
        { (const uint8_t *)"listener 1 \0x\n", 14 },
        { (const uint8_t *)"log_dest file a\0b\n", 18 },
        { (const uint8_t *)"log_type \0\n", 11 },
        { (const uint8_t *)"\xef\xbb\xbfuser x\n", 10 },
    };
    static struct fixture fixture;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(fixture_load_bytes(&fixture, texts[i]), -EINVAL);
        fixture_end(&fixture);
    }
}
