/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: what outlives a connection, for how long, and who takes it over. */
#include "tests/harness/peer.h"

/* ---- Kept and not ---- */

SERVER_TEST("MQTT5-3.1.2-4 MQTT5-3.1.2-5 MQTT5-3.1.2-23 MQTT5-3.1.4-4 MQTT5-3.2.2-2 MQTT5-3.2.2-3 "
            "MQTT5-3.2.0-1 MQTT5-4.5.0-1 U5-4.1-1",
        session_is_continued_or_thrown_away)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_cut(a);
    peer_publishes(b, 2, "t", "1");
    peer_publishes(b, 4, "t", "2");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '2'");
    peer_send(a, "40 02 0001");
    peer_cut(a);
    a = peer_connected(server, "a", MQTT_5_0);
    peer_publishes(b, 2, "t", "3");
    peer_expect_nothing(a);
    assert_int_equal(server_waiting(server), 0);
}

/* What is for receiving comes with the first subscription; nothing before may touch it. */
SERVER_TEST(NULL, a_session_without_subscription_hears_what_any_other_hears)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(a, "40 02 0001 | 70 02 0001 | 50 02 0001 | 62 02 0001 | a2 RL 0001 00 S't'");
    peer_expect(a, "62 RL 0001 92 * | 70 RL 0001 92 * | b0 04 0001 00 11");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_subscribed(a, "t", 1);
    peer_publishes(b, 2, "t", "1");
    peer_expect(a, "32 RL S't' 0001 00 '1'");
    peer_send(a, "40 02 0001 | a2 RL 0002 00 S't' | 40 02 0001");
    peer_expect(a, "b0 04 0002 00 00");
    peer_cut(a);
    a = peer_connected(server, "a", MQTT_5_0);
    peer_publishes(b, 2, "t", "2");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT311-3.1.2-4 MQTT311-3.1.2-5 MQTT311-3.1.2-6 MQTT311-3.1.4-3 MQTT311-3.2.0-1 "
            "MQTT311-3.2.2-1 MQTT311-3.2.2-2 MQTT311-4.1.0-1 MQTT311-4.5.0-1 V31-5 V31-18",
        session_of_3_x_is_continued_or_thrown_away)
{
    for (unsigned version = MQTT_3_1; version <= MQTT_3_1_1; version++) {
        struct peer *a = peer_resumed(server, "a", (enum mqtt_version)version, false);
        struct peer *b = peer_connected(server, "b", MQTT_5_0);

        peer_subscribed(a, "t", 2);
        peer_send(a, "e0 00");
        peer_expect_closed(a);
        peer_publishes(b, 2, "t", "1");
        peer_publishes(b, 4, "t", "2");
        clock_advance(server, (int64_t)365 * 24 * 3600 * 1000);
        a = peer_resumed(server, "a", (enum mqtt_version)version, true);
        peer_expect(a, "32 RL S't' 0001 '1' | 34 RL S't' 0002 '2'");
        peer_cut(a);
        a = peer_connected(server, "a", (enum mqtt_version)version);
        peer_expect_nothing(a);
        peer_subscribed(a, "t", 1);
        peer_cut(a);
        a = peer_resumed(server, "a", (enum mqtt_version)version, false);
        peer_publishes(b, 2, "t", "3");
        peer_expect_nothing(a);
        peer_cut(peer_connected(server, "a", (enum mqtt_version)version));
    }
}

SERVER_TEST("MQTT5-3.1.2-5", a_session_crosses_versions)
{
    struct peer *a = peer_resumed(server, "a", MQTT_3_1_1, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_cut(a);
    peer_send(b, "32 RL S't' 0001 (26 S'k' S'v') 'x'");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 (26 S'k' S'v') 'x'");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_3_1, true);
    peer_expect(a, "3a RL S't' 0001 'x'");
}

SERVER_TEST("U5-4.1-1", qos_0_waits_only_where_asked_for)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_cut(a);
    peer_publishes(b, 0, "t", "1");
    peer_expect_nothing(peer_resumed(server, "a", MQTT_5_0, true));
    assert_int_equal(server_count(server, dropped[DROP_OFFLINE]), 1);
    server->settings.queue_qos0_messages = true;
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_cut(a);
    peer_publishes(b, 0, "t", "2");
    peer_publishes(b, 2, "t", "3");
    peer_publishes(b, 0, "t", "4");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "30 RL S't' 00 '2' | 32 RL S't' 0001 00 '3' | 30 RL S't' 00 '4'");
}

/* ---- Expiry ---- */

SERVER_TEST("U5-3.1.2.11.2-1 MQTT5-4.1.0-2 MQTT5-4.1.0-1 MQTT311-4.1.0-2",
        session_expires_to_the_tenth_of_a_second)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 00000002) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    clock_advance(server, 60000); /* Not while it is connected. */
    peer_cut(a);
    clock_advance(server, 1900);
    assert_int_equal(server_count(server, sessions), 1);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 00000002) S'a'");
    peer_expect(a, "20 RL 01 00 *");
    peer_cut(a);
    clock_advance(server, 1999);
    assert_int_equal(server_count(server, sessions), 1);
    clock_advance(server, 101);
    assert_int_equal(server_count(server, sessions), 0);
    assert_int_equal(server_count(server, sessions_expired), 1);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 00 S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_cut(a);
    assert_int_equal(server_count(server, sessions), 0);
    peer_resumed(server, "a", MQTT_5_0, false);
}

SERVER_TEST("U5-3.14.2.2.2-1", disconnect_can_change_the_expiry)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);

    peer_send(a, "e0 07 00 05 11 00000000");
    peer_expect_closed(a);
    assert_int_equal(server_count(server, sessions), 0);
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_send(a, "e0 07 00 05 11 00000003");
    clock_advance(server, 2950);
    assert_int_equal(server_count(server, sessions), 1);
    clock_advance(server, 100);
    assert_int_equal(server_count(server, sessions), 0);
}

SERVER_TEST(NULL, sessions_have_a_longest_life)
{
    server->settings.session_expiry_s_max = 10;
    peer_cut(peer_resumed(server, "a", MQTT_5_0, false));
    peer_cut(peer_resumed(server, "b", MQTT_3_1_1, false));
    clock_advance(server, 9950);
    assert_int_equal(server_count(server, sessions), 2);
    clock_advance(server, 100);
    assert_int_equal(server_count(server, sessions), 0);
}

/* ---- Take-over ---- */

SERVER_TEST("MQTT5-3.1.4-3 MQTT5-3.1.4-4", the_newer_connection_takes_over)
{
    struct peer *first = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);
    struct peer *second;

    peer_subscribed(first, "t", 1);
    peer_publishes(b, 2, "t", "x");
    peer_expect(first, "32 RL S't' 0001 00 'x'");
    second = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(first, "e0 RL 8e *");
    peer_expect_closed(first);
    peer_expect(second, "3a RL S't' 0001 00 'x'");
    peer_send(second, "40 02 0001");
    peer_connected(server, "a", MQTT_5_0);
    peer_expect_end(second, MQTT_SESSION_TAKEN_OVER);
    assert_int_equal(server_count(server, sessions), 2);
    assert_int_equal(server_count(server, connections), 2);
}

SERVER_TEST("MQTT311-3.1.4-2 V31-16", the_newer_connection_of_3_x_takes_over)
{
    for (unsigned version = MQTT_3_1; version <= MQTT_3_1_1; version++) {
        struct peer *first = peer_connected(server, "a", (enum mqtt_version)version);
        struct peer *second = peer_connected(server, "a", (enum mqtt_version)version);

        peer_expect_closed(first);
        peer_cut(second);
    }
}

SERVER_TEST(NULL, two_of_one_id_at_once_end_with_one)
{
    struct peer *peers[6];
    unsigned open = 0;

    for (size_t i = 0; i < 6; i++)
        peers[i] = peer_open(server);
    for (size_t i = 0; i < 6; i++)
        peer_send(peers[i], "10 RL S'MQTT' 05 %02x 0000 (11 ffffffff) S'a'", i % 2 ? 2 : 0);
    for (size_t i = 0; i < 6; i++)
        open += peer_is_open(peers[i]);
    assert_int_equal(open, 1);
    assert_true(peer_is_open(peers[5]));
    assert_int_equal(server_count(server, sessions), 1);
}

/* Take-over by what the new connection asks for, by the old will's delay, by the old expiry. */
SERVER_TEST("U5-3.1.4-2 MQTT5-3.1.3-9 MQTT5-3.1.2-8", take_over_decides_about_the_will)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "w", 0);
    for (unsigned row = 0; row < 8; row++) {
        bool clean = row & 1;
        bool delayed = row & 2;
        bool lasting = row & 4;
        struct peer *first = peer_open(server);
        struct peer *second = peer_open(server);

        server_note(server, "row %u", row);
        peer_send(first, "10 RL S'MQTT' 05 06 0000 (11 %08x) S'a' (18 %08x) S'w' S'bye'",
                lasting ? 100u : 0u, delayed ? 5u : 0u);
        peer_expect(first, "20 RL 00 00 *");
        peer_send(second, "10 RL S'MQTT' 05 %02x 0000 00 S'a'", clean ? 2u : 0u);
        peer_expect_end(first, MQTT_SESSION_TAKEN_OVER);
        peer_expect(second, "20 RL %02x 00 *", lasting && !clean);
        /* The session goes on within the delay: no will. Else it is sent at once. */
        if (!(delayed && lasting && !clean))
            peer_expect(watcher, "30 RL S'w' 00 'bye'");
        clock_advance(server, 10000);
        peer_expect_nothing(watcher);
        peer_send(second, "e0 00");
        peer_expect_closed(second);
    }
}

/* ---- Not session state ---- */

SERVER_TEST("MQTT5-3.3.2-7", aliases_end_with_the_connection)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);

    peer_send(a, "30 RL S't' (23 0001) 'x'");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_send(a, "30 RL 0000 (23 0001) 'x'");
    peer_expect_end(a, MQTT_PROTOCOL_ERROR);
}
