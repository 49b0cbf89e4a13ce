/* SPDX-License-Identifier: Apache-2.0 */
/* Receive Maximum, Maximum Packet Size and topic aliases, both ways. */
#include "tests/harness/peer.h"

static struct peer *connected_with(struct server *server, const char *id, const char *properties)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 02 0000 %s S'%s'", properties, id);
    peer_expect(peer, "20 RL 00 00 *");
    return peer;
}

/* ---- Receive Maximum ---- */

SERVER_TEST("MQTT5-3.3.4-7 U5-3.3.4-5 MQTT5-3.3.4-8 U5-4.9-1", too_many_open_publishes_end_it)
{
    struct peer *a;

    server->settings.receive_max = 2;
    a = peer_connected(server, "a", MQTT_5_0);
    peer_send(a, "34 RL S't' 0001 00 'x' | 34 RL S't' 0002 00 'x' | 3c RL S't' 0002 00 'x'");
    peer_expect(a, "50 03 0001 10 | 50 03 0002 10 | 50 02 0002");
    peer_send(a, "c0 00 | 30 RL S't' 00 'x'");
    peer_expect(a, "d0 00");
    peer_send(a, "62 02 0001 | 34 RL S't' 0003 00 'x'");
    peer_expect(a, "70 02 0001 | 50 03 0003 10");
    peer_send(a, "34 RL S't' 0004 00 'x'");
    peer_expect_end(a, MQTT_RECEIVE_MAXIMUM_EXCEEDED);
}

SERVER_TEST("U5-3.1.2.11.3-1 U5-4.9-1", what_was_left_open_is_not_of_the_next_connections_quota)
{
    struct peer *a;

    server->settings.receive_max = 2;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_send(a, "34 RL S't' 0001 00 'x' | 34 RL S't' 0002 00 'x'");
    peer_expect(a, "50 03 0001 10 | 50 03 0002 10");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_send(a, "34 RL S't' 0003 00 'x' | 34 RL S't' 0004 00 'x' | 3c RL S't' 0001 00 'x'");
    peer_expect(a, "50 03 0003 10 | 50 03 0004 10 | 50 02 0001");
    peer_send(a, "62 02 0001 | 62 02 0002 | 62 02 0003 | 34 RL S't' 0005 00 'x'");
    peer_expect(a, "70 02 0001 | 70 02 0002 | 70 02 0003 | 50 03 0005 10");
    peer_send(a, "62 02 0004 | 62 02 0005");
    peer_expect(a, "70 02 0004 | 70 02 0005");
    peer_send(a, "34 RL S't' 0006 00 'x' | 34 RL S't' 0007 00 'x' | 34 RL S't' 0008 00 'x'");
    peer_expect(a, "50 03 0006 10 | 50 03 0007 10");
    peer_expect_end(a, MQTT_RECEIVE_MAXIMUM_EXCEEDED);
}

SERVER_TEST("U5-3.1.2.11.3-1", clients_of_3_x_know_no_receive_maximum)
{
    struct peer *a;

    server->settings.receive_max = 2;
    a = peer_connected(server, "a", MQTT_3_1_1);
    for (unsigned i = 1; i < 100; i++) {
        peer_send(a, "34 RL S't' %04x 'x'", i);
        peer_expect(a, "50 02 %04x", i);
    }
}

SERVER_TEST("MQTT5-3.3.4-9 MQTT5-3.3.4-10 MQTT5-4.9.0-1 MQTT5-4.9.0-2 MQTT5-4.9.0-3 U5-4.9-1",
        the_server_keeps_to_the_clients_receive_maximum)
{
    struct peer *a = connected_with(server, "a", "(21 0002)");
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    for (unsigned i = 1; i <= 5; i++)
        peer_publishes(b, i % 2 ? 2 : 4, "t", "x");
    peer_expect(a, "32 RL S't' 0001 00 'x' | 34 RL S't' 0002 00 'x'");
    peer_expect_nothing(a);
    /* Nothing else is held up. */
    peer_publishes(b, 0, "t", "0");
    peer_expect(a, "30 RL S't' 00 '0'");
    peer_send(a, "c0 00 | 82 RL 0005 00 S'u' 00 | 32 RL S'v' 0006 00 'x'");
    peer_expect(a, "d0 00 | 90 RL 0005 00 00 | 40 03 0006 10");
    peer_send(a, "50 02 0002");
    peer_expect(a, "62 02 0002");
    peer_expect_nothing(a);
    peer_send(a, "70 02 0002");
    peer_expect(a, "32 RL S't' 0003 00 'x'");
    peer_send(a, "40 02 0001");
    peer_expect(a, "34 RL S't' 0004 00 'x'");
    peer_send(a, "50 03 0004 80");
    peer_expect(a, "32 RL S't' 0005 00 'x'");
    peer_send(a, "40 02 0003 | 40 02 0005 | 70 02 0004 | 40 02 0001");
    peer_publishes(b, 2, "t", "1");
    peer_publishes(b, 2, "t", "2");
    peer_publishes(b, 2, "t", "3");
    peer_expect(a, "32 RL S't' 0006 00 '1' | 32 RL S't' 0007 00 '2'");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-4.9.0-1 U5-3.1.2.11.3-1", the_window_is_that_of_the_connection)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 00000064 21 0003) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "t", 2);
    for (unsigned i = 1; i <= 4; i++)
        peer_publishes(b, 4, "t", "x");
    peer_expect(a, "34 RL S't' 0001 * | 34 RL S't' 0002 * | 34 RL S't' 0003 *");
    peer_send(a, "50 02 0001");
    peer_expect(a, "62 02 0001");
    peer_cut(a);
    /* What is sent again obeys the new window; a PUBREL is no PUBLISH. */
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 00000064 21 0001) S'a'");
    peer_expect(a, "20 RL 01 00 * | 62 02 0001 | 3c RL S't' 0002 *");
    peer_expect_nothing(a);
    peer_send(a, "70 02 0001");
    peer_expect_nothing(a);
    peer_send(a, "50 02 0002");
    peer_expect(a, "62 02 0002");
    peer_expect_nothing(a);
    peer_send(a, "70 02 0002");
    peer_expect(a, "3c RL S't' 0003 *");
    peer_send(a, "50 02 0003");
    peer_expect(a, "62 02 0003");
    peer_send(a, "70 02 0003");
    peer_expect(a, "34 RL S't' 0004 *");
}

SERVER_TEST(NULL, the_servers_own_window)
{
    struct peer *a;
    struct peer *b;

    server->settings.max_inflight_messages = 2;
    a = peer_connected(server, "a", MQTT_3_1_1);
    b = peer_connected(server, "b", MQTT_3_1_1);
    peer_subscribed(a, "t", 1);
    for (unsigned i = 1; i <= 3; i++)
        peer_publishes(b, 2, "t", "x");
    peer_expect(a, "32 RL S't' 0001 'x' | 32 RL S't' 0002 'x'");
    peer_expect_nothing(a);
    peer_send(a, "40 02 0002");
    peer_expect(a, "32 RL S't' 0003 'x'");
}

SERVER_TEST(NULL, the_window_in_bytes)
{
    struct peer *a;
    struct peer *b;

    server->settings.max_inflight_bytes = 10;
    a = peer_connected(server, "a", MQTT_5_0);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 2);
    peer_publishes(b, 2, "t", "this one alone is more");
    peer_publishes(b, 2, "t", "six...");
    peer_publishes(b, 4, "t", "five.");
    peer_publishes(b, 2, "t", "last");
    peer_expect(a, "32 RL S't' 0001 00 'this one alone is more'");
    peer_expect_nothing(a);
    peer_send(a, "40 02 0001");
    peer_expect(a, "32 RL S't' 0002 00 'six...' | 34 RL S't' 0003 00 'five.'");
    peer_expect_nothing(a);
    /* With PUBREC the payload is gone. */
    peer_send(a, "50 02 0003");
    peer_expect(a, "62 02 0003 | 32 RL S't' 0004 00 'last'");
}

/* ---- Maximum Packet Size ---- */

SERVER_TEST("MQTT5-3.2.2-15 U5-3.2.2.3.6-1 U5-2.1.4-1", oversize_packets_end_the_connection)
{
    struct peer *a;
    struct peer *b;

    server->settings.max_packet_size = 64;
    server->settings.connect_size_max = 64;
    a = peer_connected(server, "a", MQTT_5_0);
    b = peer_connected(server, "b", MQTT_3_1_1);
    peer_send(a, "32 RL S't' 0001 00 '01234567890123456789012345678901234567890123456789012345'");
    peer_expect(a, "40 03 0001 10");
    /* From the header, before the body has come. */
    peer_send(a, "32 3f");
    peer_expect_end(a, MQTT_PACKET_TOO_LARGE);
    peer_send(b, "32 3f");
    peer_expect_closed(b);
}

SERVER_TEST("MQTT5-3.1.2-24 MQTT5-3.1.2-25 U5-2.1.4-1", the_client_gets_nothing_oversize)
{
    struct peer *a = connected_with(server, "a", "(27 0000001e 21 0001)");
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    /* 30 bytes: 2 of header, 3 of topic, 2 of id, 1 of properties. */
    for (unsigned flags = 0; flags <= 4; flags += 2) {
        peer_publishes(b, (uint8_t)flags, "t", "01234567890123456789012345");
        peer_publishes(b, (uint8_t)flags, "t", "small");
    }
    peer_expect(a, "30 RL S't' 00 'small' | 32 RL S't' 0001 00 'small'");
    peer_send(a, "40 02 0001");
    peer_expect(a, "34 RL S't' 0002 00 'small'");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, dropped[DROP_TOO_LARGE]), 3);
}

SERVER_TEST("U5-2.1.4-1 MQTT5-3.1.2-24", a_packet_of_just_that_size_goes_out)
{
    struct peer *a = connected_with(server, "a", "(27 0000001e 21 0001)");
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_publishes(b, 2, "t", "0123456789012345678901");
    peer_expect(a, "32 1c S't' 0001 00 '0123456789012345678901'");
    peer_send(a, "40 02 0001");
    peer_publishes(b, 2, "t", "01234567890123456789012");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-3.1.2-24 MQTT5-3.14.2-3 MQTT5-3.14.2-4", other_packets_keep_to_it_too)
{
    struct peer *a = connected_with(server, "a", "(27 00000012)");

    peer_send(a, "30 RL S'a/#' 00 'x'");
    peer_expect(a, "e0 01 90");
    peer_expect_closed(a);
}

SERVER_TEST("MQTT5-3.1.2-25", what_was_in_flight_and_became_too_large_is_over)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_publishes(b, 2, "t", "01234567890123456789012345");
    peer_publishes(b, 2, "t", "small");
    peer_cut(a);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 00000064 21 0001 27 0000001e) S'a'");
    peer_expect(a, "20 RL 01 00 * | 3a RL S't' 0002 00 'small'");
    peer_expect_nothing(a);
    peer_send(a, "40 02 0002");
    peer_publishes(b, 2, "t", "more");
    peer_expect(a, "32 RL S't' 0003 00 'more'");
}

/* ---- Topic aliases ---- */

SERVER_TEST("MQTT5-3.3.2-9 MQTT5-3.3.2-12 U5-3.3.2.3.4-1 MQTT5-3.2.2-17",
        aliases_of_the_client_stand_for_topics)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "#", 0);
    peer_send(b,
            "30 RL S'a' (23 0001) '1' | 30 RL 0000 (23 0001) '2' | 30 RL S'b' (23 0001) '3' | "
            "30 RL 0000 (23 0001) '4'");
    peer_expect(a,
            "30 RL S'a' 00 '1' | 30 RL S'a' 00 '2' | 30 RL S'b' 00 '3' | "
            "30 RL S'b' 00 '4'");
    for (unsigned i = 1; i <= 10; i++)
        peer_send(b, "30 RL S't%u' (23 %04x) 'x'", i, i);
    for (unsigned i = 1; i <= 10; i++)
        peer_expect(a, "30 RL S't%u' 00 'x'", i);
    for (unsigned i = 10; i >= 1; i--) {
        peer_send(b, "32 RL 0000 0001 (23 %04x) 'y'", i);
        peer_expect(b, "40 02 0001");
        peer_expect(a, "30 RL S't%u' 00 'y'", i);
    }
}

SERVER_TEST("MQTT5-3.3.2-8 U5-3.3.4-1 U5-3.3.4-2 MQTT5-3.3.2-9 MQTT5-3.2.2-17 MQTT5-3.2.2-18",
        wrong_aliases_end_the_connection)
{
    const struct {
        const char *packet;
        enum mqtt_reason reason;
    } rows[] = {
        { "30 RL S'a' (23 0000) 'x'", MQTT_TOPIC_ALIAS_INVALID },
        { "30 RL S'a' (23 000b) 'x'", MQTT_TOPIC_ALIAS_INVALID },
        { "30 RL S'a' (23 ffff) 'x'", MQTT_TOPIC_ALIAS_INVALID },
        { "30 RL 0000 (23 0005) 'x'", MQTT_PROTOCOL_ERROR },
    };
    struct peer *peer;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer = peer_connected(server, "c", MQTT_5_0);
        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i].packet);
        peer_expect_end(peer, rows[i].reason);
    }
    server->listener.max_topic_alias = 0;
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 00 S'c'");
    peer_expect(peer, "20 RL 00 00 (21 0014 27 001e8480)");
    peer_send(peer, "30 RL S'a' (23 0001) 'x'");
    peer_expect_end(peer, MQTT_TOPIC_ALIAS_INVALID);
}

SERVER_TEST("MQTT5-3.1.2-26 MQTT5-3.3.2-11", the_server_uses_as_many_aliases_as_allowed)
{
    struct peer *a = connected_with(server, "a", "(22 0002)");
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "#", 1);
    for (unsigned i = 1; i <= 5; i++)
        peer_send(b, "30 RL S't%u' 00 'x'", i);
    peer_expect(a,
            "30 RL S't1' (23 0001) 'x' | 30 RL S't2' (23 0002) 'x' | 30 RL S't3' 00 'x' | "
            "30 RL S't4' 00 'x' | 30 RL S't5' 00 'x'");
    peer_send(b, "30 RL S't2' 00 'y' | 30 RL S't5' 00 'y' | 32 RL S't1' 0001 00 'y'");
    peer_expect(a,
            "30 RL 0000 (23 0002) 'y' | 30 RL S't5' 00 'y' | "
            "32 RL 0000 0001 (23 0001) 'y'");
}

SERVER_TEST("MQTT5-3.1.2-27 U5-3.1.2.11.5-1 MQTT5-3.3.2-11", no_alias_where_none_is_allowed)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = connected_with(server, "b", "(22 0000)");

    peer_subscribed(a, "#", 0);
    peer_subscribed(b, "#", 0);
    peer_publishes(b, 0, "t", "1");
    peer_publishes(b, 0, "t", "2");
    peer_expect(a, "30 RL S't' 00 '1' | 30 RL S't' 00 '2'");
    peer_expect(b, "30 RL S't' 00 '1' | 30 RL S't' 00 '2'");
}

SERVER_TEST("MQTT5-3.1.2-24 MQTT5-3.3.2-11", an_alias_that_would_be_too_much_is_left_out)
{
    /* 21 bytes fit without the alias's three, and not with them. */
    struct peer *a = connected_with(server, "a", "(22 0002 27 00000015)");
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 0);
    peer_publishes(b, 0, "t", "0123456789abcde");
    peer_expect(a, "30 13 S't' 00 '0123456789abcde'");
    peer_publishes(b, 0, "t", "x");
    peer_expect(a, "30 RL S't' (23 0001) 'x'");
    peer_publishes(b, 0, "t", "y");
    peer_expect(a, "30 RL 0000 (23 0001) 'y'");
}
