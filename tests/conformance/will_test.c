/* SPDX-License-Identifier: Apache-2.0 */
/* Wills: when they are published, and when not. */
#include "tests/harness/peer.h"

/* A connection with a will to w: these flags besides Will Flag, these properties of both. */
static struct peer *mortal(
        struct server *server, unsigned flags, const char *properties, const char *will_properties)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 %02x 0000 %s S'mortal' %s S'w' S'bye'", flags | 4, properties,
            will_properties);
    peer_expect(peer, "20 RL .. 00 *");
    return peer;
}

static struct peer *watcher(struct server *server)
{
    struct peer *peer = peer_connected(server, "watcher", MQTT_5_0);

    peer_subscribed(peer, "w", 2);
    return peer;
}

SERVER_TEST("MQTT5-3.1.2-7 MQTT5-3.1.2-8 MQTT5-3.1.2-10 MQTT5-3.1.2-14 U5-3.1.3.2.2-1",
        a_lost_connection_leaves_its_will)
{
    struct peer *peer = watcher(server);
    struct peer *later;

    peer_cut(mortal(server, 0x02, "00", "00"));
    peer_expect(peer, "30 RL S'w' 00 'bye'");
    peer_cut(mortal(server, 0x0A, "00", "00"));
    peer_expect(peer, "32 RL S'w' 0001 00 'bye'");
    peer_cut(mortal(server, 0x12, "00", "00"));
    peer_expect(peer, "34 RL S'w' 0002 00 'bye'");
    peer_cut(peer_connected(server, "mortal", MQTT_5_0));
    peer_expect_nothing(peer);
    later = peer_connected(server, "later", MQTT_5_0);
    peer_subscribed(later, "w", 0);
    peer_expect_nothing(later);
}

SERVER_TEST("MQTT311-3.1.2-8 MQTT311-3.1.2-10 MQTT311-3.1.2-12 MQTT311-3.1.2-16 MQTT311-3.1.2-17 "
            "MQTT311-3.1.2-9 MQTT311-3.14.4-3 V31-25",
        wills_of_3_x)
{
    struct peer *peer = watcher(server);
    struct peer *later;

    for (unsigned version = MQTT_3_1; version <= MQTT_3_1_1; version++) {
        const char *name = version == MQTT_3_1 ? "MQIsdp" : "MQTT";
        struct peer *a = peer_open(server);

        peer_send(a, "10 RL S'%s' %02x 06 0000 S'a' S'w' S'bye'", name, version);
        peer_expect(a, "20 02 00 00");
        peer_cut(a);
        peer_expect(peer, "30 RL S'w' 00 'bye'");
        peer_cut(peer_connected(server, "a", (enum mqtt_version)version));
        a = peer_open(server);
        peer_send(a, "10 RL S'%s' %02x 06 0000 S'a' S'w' S'bye' | e0 00", name, version);
        peer_expect(a, "20 02 00 00");
        peer_expect_closed(a);
        peer_expect_nothing(peer);
    }
    later = peer_connected(server, "later", MQTT_5_0);
    peer_subscribed(later, "w", 0);
    peer_expect_nothing(later);
    later = peer_open(server);
    peer_send(later, "10 RL S'MQTT' 04 2e 0000 S'a' S'w' S'bye'");
    peer_cut(later);
    peer_expect(peer, "32 RL S'w' 0001 00 'bye'");
    later = peer_connected(server, "later", MQTT_3_1_1);
    peer_subscribed(later, "w", 1);
    peer_expect(later, "33 RL S'w' 0001 'bye'");
}

SERVER_TEST("MQTT5-3.1.2-15", a_will_can_be_retained)
{
    struct peer *later;

    peer_cut(mortal(server, 0x22, "00", "00"));
    later = watcher(server);
    peer_expect(later, "31 RL S'w' 00 'bye'");
}

SERVER_TEST("MQTT5-3.1.3-10 U5-3.1.3.2.4-1 MQTT5-3.3.2-4", a_will_has_properties)
{
    struct peer *peer = watcher(server);

    peer_cut(mortal(server, 0x02, "(11 00000064)",
            "(18 00000003 02 00000005 01 01 03 S't' 08 S'r' 09 S'c' 26 S'k' S'1' 26 S'k' S'2' "
            "26 S'a' S'3')"));
    clock_advance(server, 3000);
    peer_expect(peer,
            "30 RL S'w' (02 00000005 01 01 03 S't' 08 S'r' 09 S'c' 26 S'k' S'1' "
            "26 S'k' S'2' 26 S'a' S'3') 'bye'");
}

SERVER_TEST("MQTT5-3.14.4-3 MQTT5-3.1.2-8 MQTT5-3.1.2-10", disconnect_discards_it)
{
    struct peer *peer = watcher(server);
    struct peer *a = mortal(server, 0x02, "00", "00");

    peer_send(a, "e0 00");
    peer_expect_closed(a);
    a = mortal(server, 0x02, "00", "00");
    peer_send(a, "e0 01 00");
    a = mortal(server, 0x02, "00", "00");
    peer_send(a, "e0 02 00 00");
    peer_expect_nothing(peer);
    a = mortal(server, 0x02, "00", "00");
    peer_send(a, "e0 01 04");
    peer_expect(peer, "30 RL S'w' 00 'bye'");
}

SERVER_TEST("MQTT5-3.1.2-8", delay_is_exact_to_the_tenth_of_a_second)
{
    struct peer *peer = watcher(server);

    peer_cut(mortal(server, 0x02, "(11 0000000a)", "(18 00000002)"));
    clock_advance(server, 1999);
    peer_expect_nothing(peer);
    clock_advance(server, 101);
    peer_expect(peer, "30 RL S'w' 00 'bye'");
    clock_advance(server, 20000);
    peer_expect_nothing(peer);
    /* The session's end comes first. */
    peer_cut(mortal(server, 0x02, "(11 00000002)", "(18 0000000a)"));
    clock_advance(server, 1999);
    peer_expect_nothing(peer);
    clock_advance(server, 101);
    peer_expect(peer, "30 RL S'w' 00 'bye'");
    clock_advance(server, 20000);
    peer_expect_nothing(peer);
}

SERVER_TEST("MQTT5-3.1.3-9 MQTT5-3.1.2-8 MQTT5-3.1.2-10", coming_back_in_time_cancels_it)
{
    struct peer *peer = watcher(server);
    struct peer *a;

    peer_cut(mortal(server, 0x02, "(11 00000064)", "(18 00000005)"));
    clock_advance(server, 1000);
    a = peer_resumed(server, "mortal", MQTT_5_0, true);
    clock_advance(server, 10000);
    peer_expect_nothing(peer);
    peer_cut(a);
    clock_advance(server, 10000);
    peer_expect_nothing(peer);
    /* With a clean start the old session ends, and the will is due. */
    peer_cut(mortal(server, 0x02, "(11 00000064)", "(18 00000005)"));
    clock_advance(server, 1000);
    peer_connected(server, "mortal", MQTT_5_0);
    peer_expect(peer, "30 RL S'w' 00 'bye'");
}

SERVER_TEST("MQTT5-3.14.1-1 MQTT5-3.14.2-1 U5-3.14.2.2.2-2 U5-3.14.2.2-1 MQTT5-3.1.2-8",
        an_error_leaves_the_will)
{
    const struct {
        const char *packet;
        enum mqtt_reason reason;
    } rows[] = {
        { "e1 00", MQTT_MALFORMED },
        { "e0 01 03", MQTT_PROTOCOL_ERROR },
        { "e0 01 8e", MQTT_PROTOCOL_ERROR },
        { "e0 07 00 05 11 0000000a", MQTT_PROTOCOL_ERROR },
        { "e0 0c 00 0a 11 00000000 11 00000000", MQTT_PROTOCOL_ERROR },
        { "c1 00", MQTT_MALFORMED },
        { "38 RL S'a' 00 'x'", MQTT_MALFORMED },
    };
    struct peer *peer = watcher(server);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *a = mortal(server, 0x02, "00", "00");

        server_note(server, "row %zu", i);
        peer_send(a, "%s", rows[i].packet);
        peer_expect_end(a, rows[i].reason);
        peer_expect(peer, "30 RL S'w' 00 'bye'");
    }
}

SERVER_TEST("MQTT311-3.14.1-1 MQTT311-2.2.2-2 U311-2.x-a", an_error_of_3_1_1_leaves_the_will)
{
    const char *const rows[] = { "e2 00", "e1 00", "e0 01 00", "c1 00", "c0 01 00", "20 02 00 00",
        "90 03 0001 00", "b0 02 0001", "d0 00", "f0 00", "00 00" };
    struct peer *peer = watcher(server);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *a = peer_open(server);

        server_note(server, "row %zu", i);
        peer_send(a, "10 RL S'MQTT' 04 06 0000 S'a' S'w' S'bye'");
        peer_expect(a, "20 02 00 00");
        peer_send(a, "%s", rows[i]);
        peer_expect_closed(a);
        peer_expect(peer, "30 RL S'w' 00 'bye'");
    }
}

SERVER_TEST(NULL, a_will_reaches_ones_own_session)
{
    struct peer *a = mortal(server, 0x00, "(11 ffffffff)", "00");

    peer_subscribed(a, "w", 1);
    peer_cut(a);
    a = peer_resumed(server, "mortal", MQTT_5_0, true);
    peer_expect_nothing(a); /* It was QoS 0, and nobody was there. */
    peer_cut(mortal(server, 0x08, "(11 ffffffff)", "00"));
    a = peer_resumed(server, "mortal", MQTT_5_0, true);
    peer_expect(a, "32 RL S'w' 0001 00 'bye'");
}
