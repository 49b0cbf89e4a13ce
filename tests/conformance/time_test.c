/* SPDX-License-Identifier: Apache-2.0 */
/* Keep alive and message expiry. */
#include "tests/harness/peer.h"

/* ---- Keep alive ---- */

SERVER_TEST("MQTT5-3.1.2-22 MQTT5-3.2.2-22", silence_ends_the_connection)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);
    struct peer *a = peer_open(server);

    peer_subscribed(watcher, "w", 0);
    peer_send(a, "10 RL S'MQTT' 05 06 0002 00 S'a' 00 S'w' S'bye'");
    peer_expect(a, "20 RL 00 00 *");
    for (unsigned i = 0; i < 5; i++) {
        clock_advance(server, 2900);
        peer_send(a, "c0 00");
        peer_expect(a, "d0 00");
    }
    clock_advance(server, 2999);
    peer_expect_nothing(a);
    clock_advance(server, 101);
    peer_expect(a, "e0 RL 8d *");
    peer_expect_closed(a);
    peer_expect(watcher, "30 RL S'w' 00 'bye'");
}

SERVER_TEST("MQTT311-3.1.2-24 V31-17", silence_ends_connections_of_3_x)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "w", 0);
    for (unsigned version = MQTT_3_1; version <= MQTT_3_1_1; version++) {
        struct peer *a = peer_open(server);

        peer_send(a, "10 RL S'%s' %02x 06 0002 S'a' S'w' S'bye'",
                version == MQTT_3_1 ? "MQIsdp" : "MQTT", version);
        peer_expect(a, "20 02 00 00");
        clock_advance(server, 2999);
        peer_expect_nothing(a);
        clock_advance(server, 101);
        peer_expect_closed(a);
        peer_expect(watcher, "30 RL S'w' 00 'bye'");
    }
}

SERVER_TEST("U5-3.1.2-2", without_keep_alive_there_is_no_hurry)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    clock_advance(server, (int64_t)24 * 3600 * 1000);
    peer_expect_nothing(a);
    peer_expect_nothing(b);
}

SERVER_TEST("MQTT5-3.1.2-22", any_packet_counts_but_no_half_one)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0002 00 S'a'");
    peer_expect(a, "20 RL 00 00 *");
    clock_advance(server, 2000);
    peer_send(a, "30 RL S't' 00 'x'");
    clock_advance(server, 2000);
    peer_send(a, "40 02 0001");
    clock_advance(server, 2000);
    peer_send(a, "30 10 00");
    clock_advance(server, 1100);
    peer_expect_end(a, MQTT_KEEP_ALIVE_TIMEOUT);
}

SERVER_TEST("MQTT5-3.1.2-22", the_servers_keep_alive_rules)
{
    struct peer *a;
    struct peer *b;

    server->settings.max_keepalive_s = 2;
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 02 0000 00 S'a'");
    peer_expect(a, "20 RL 00 00 .. 13 0002 *");
    b = peer_open(server);
    peer_send(b, "10 RL S'MQTT' 04 02 003C S'b'");
    peer_expect(b, "20 02 00 02");
    peer_expect_closed(b);
    clock_advance(server, 2950);
    peer_expect_nothing(a);
    clock_advance(server, 150);
    peer_expect_end(a, MQTT_KEEP_ALIVE_TIMEOUT);
}

SERVER_TEST("MQTT5-3.1.2-22", the_longest_keep_alive)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 ffff 00 S'a'");
    peer_expect(a, "20 RL 00 00 *");
    clock_advance(server, (int64_t)65535 * 1500 - 50);
    peer_expect_nothing(a);
    clock_advance(server, 100);
    peer_expect_end(a, MQTT_KEEP_ALIVE_TIMEOUT);
}

/* ---- Message expiry ---- */

SERVER_TEST("MQTT5-3.3.2-5 MQTT5-3.3.2-6", waiting_messages_expire)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_cut(a);
    peer_send(b,
            "32 RL S't' 0001 (02 0000000a) '1' | 32 RL S't' 0002 (02 00000001) '2' | "
            "32 RL S't' 0003 (02 00000003) '3' | 32 RL S't' 0004 00 '4'");
    clock_advance(server, 3000);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 (02 00000007) '1' | 32 RL S't' 0002 00 '4'");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, expired), 2);
}

SERVER_TEST("MQTT5-3.3.2-5", expiry_is_exact_to_the_tenth_of_a_second)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_cut(a);
    peer_send(b, "32 RL S't' 0001 (02 00000002) '1'");
    clock_advance(server, 1950);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 (02 00000001) '1'");
    peer_send(a, "40 02 0001");
    peer_cut(a);
    peer_send(b, "32 RL S't' 0001 (02 00000002) '2'");
    clock_advance(server, 2050);
    peer_expect_nothing(peer_resumed(server, "a", MQTT_5_0, true));
}

SERVER_TEST("MQTT5-3.3.2-6", an_expiry_does_not_grow_where_a_shard_is_late)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    enum { PEERS = sizeof(names) / sizeof(names[0]) };
    struct peer *peers[PEERS];

    server->lag_ms = 5;
    for (size_t i = 0; i < PEERS; i++) {
        peers[i] = peer_connected(server, names[i], MQTT_5_0);
        peer_subscribed(peers[i], "t", 0);
    }
    for (size_t i = 0; i < PEERS; i++) {
        peer_send(peers[i], "30 RL S't' (02 00000002) '1'");
        for (size_t j = 0; j < PEERS; j++)
            peer_expect(peers[j], "30 RL S't' (02 00000002) '1'");
    }
}

SERVER_TEST("MQTT5-3.3.2-5", an_expiry_of_zero_is_over_at_once)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 1);
    peer_send(b, "32 RL S't' 0001 (02 00000000) '1'");
    peer_expect(b, "40 02 0001");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-3.3.2-5", a_full_queue_is_rid_of_what_expired)
{
    struct peer *a;
    struct peer *b;

    server->settings.max_queued_messages = 2;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 1);
    peer_cut(a);
    peer_send(b, "32 RL S't' 0001 (02 00000001) '1' | 32 RL S't' 0002 00 '2'");
    clock_advance(server, 2000);
    peer_publishes(b, 2, "t", "3");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 00 '2' | 32 RL S't' 0002 00 '3'");
    assert_int_equal(server_count(server, expired), 1);
}
