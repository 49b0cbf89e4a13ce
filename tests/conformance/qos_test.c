/* SPDX-License-Identifier: Apache-2.0 */
/* QoS 1 and 2, both ways: acknowledgements, packet ids, and what is sent again. */
#include "tests/harness/peer.h"

/* ---- To the server ---- */

SERVER_TEST("MQTT5-4.3.2-5 MQTT311-4.3.2-2 U5-2.2.1-2", qos_1_repeats_are_new_messages)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_subscribed(a, "t", 0);
    peer_send(b, "3a RL S't' 0005 'x' | 3a RL S't' 0005 'x'");
    peer_expect(b, "40 02 0005 | 40 02 0005");
    peer_expect(a, "30 RL S't' 00 'x' | 30 RL S't' 00 'x'");
}

SERVER_TEST("MQTT5-4.3.3-10 MQTT5-4.3.3-11 MQTT5-4.3.3-12 MQTT5-3.7.2-1 V31-12", qos_2_comes_once)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 0);
    peer_send(b, "34 RL S't' 0005 00 'x' | 3c RL S't' 0005 00 'x'");
    peer_expect(b, "50 02 0005 | 50 02 0005");
    peer_expect(a, "30 RL S't' 00 'x'");
    peer_expect_nothing(a);
    peer_send(b, "62 02 0005 | 62 02 0005");
    peer_expect(b, "70 02 0005 | 70 RL 0005 92 *");
    peer_send(b, "34 RL S't' 0005 00 'x'");
    peer_expect(b, "50 02 0005");
    peer_expect(a, "30 RL S't' 00 'x'");
}

SERVER_TEST("MQTT311-4.3.3-2", qos_2_of_3_1_1_comes_once)
{
    struct peer *a = peer_connected(server, "a", MQTT_3_1_1);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_subscribed(a, "t", 0);
    peer_send(b, "34 RL S't' 0005 'x' | 3c RL S't' 0005 'x' | 62 02 0005 | 62 02 0005");
    peer_expect(b, "50 02 0005 | 50 02 0005 | 70 02 0005 | 70 02 0005");
    peer_expect(a, "30 RL S't' 'x'");
    peer_send(b, "34 RL S't' 0005 'x'");
    peer_expect(b, "50 02 0005");
    peer_expect(a, "30 RL S't' 'x'");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-4.3.3-10 MQTT5-4.1.0-1 U5-4.1-1", qos_2_comes_once_across_connections)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_resumed(server, "b", MQTT_5_0, false);

    peer_subscribed(a, "t", 0);
    peer_send(b, "34 RL S't' 0005 00 'x'");
    peer_expect(b, "50 02 0005");
    peer_cut(b);
    b = peer_resumed(server, "b", MQTT_5_0, true);
    peer_send(b, "3c RL S't' 0005 00 'x' | 62 02 0005");
    peer_expect(b, "50 02 0005 | 70 02 0005");
    peer_expect(a, "30 RL S't' 00 'x'");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-4.3.3-13", qos_2_is_finished_though_the_message_expired)
{
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(b, "34 RL S't' 0005 (02 00000001) 'x'");
    peer_expect(b, "50 03 0005 10");
    clock_advance(server, 5000);
    peer_send(b, "62 02 0005");
    peer_expect(b, "70 02 0005");
}

/* ---- From the server ---- */

SERVER_TEST("MQTT5-2.2.1-4 MQTT5-4.3.2-1 MQTT5-4.3.3-1 MQTT5-4.3.2-3 MQTT311-4.3.2-1 "
            "MQTT311-2.3.1-4",
        open_deliveries_have_ids_of_their_own)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_send(b, "32 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2' | 32 RL S't' 0003 00 '3'");
    peer_expect(a, "32 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2' | 32 RL S't' 0003 00 '3'");
    /* The acknowledgement of another id releases nothing, and is no offence. */
    peer_send(a, "40 02 0009 | 70 02 0009");
    peer_expect_nothing(a);
    peer_send(a, "40 02 0003 | 40 02 0001");
    peer_publishes(b, 2, "t", "4");
    peer_expect(a, "32 RL S't' 0004 00 '4'");
    assert_int_equal(server_waiting(server), 2);
}

SERVER_TEST("MQTT5-4.3.3-4 MQTT5-4.3.3-5 MQTT5-4.3.3-6 MQTT5-4.3.3-3 MQTT5-3.3.1-1 "
            "MQTT5-4.4.0-1",
        qos_2_goes_out_once)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_publishes(b, 4, "t", "x");
    peer_expect(a, "34 RL S't' 0001 00 'x'");
    clock_advance(server, 60000);
    peer_expect_nothing(a); /* Nothing is sent again on a connection that lives. */
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "3c RL S't' 0001 00 'x'");
    peer_send(a, "50 02 0001");
    peer_expect(a, "62 02 0001");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "62 02 0001");
    /* A late PUBREC is answered, too. */
    peer_send(a, "50 02 0001");
    peer_expect(a, "62 02 0001");
    peer_send(a, "70 02 0001");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, delivered), 1);
}

SERVER_TEST("MQTT311-4.3.3-1 MQTT311-3.3.1-1 MQTT311-4.4.0-1 MQTT311-4.6.0-1 MQTT311-2.3.1-3 "
            "MQTT5-4.6.0-1",
        what_was_not_acknowledged_is_sent_again_in_order)
{
    struct peer *a = peer_resumed(server, "a", MQTT_3_1_1, false);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_subscribed(a, "t", 2);
    peer_send(b,
            "32 RL S't' 0001 '1' | 34 RL S't' 0002 '2' | 32 RL S't' 0003 '3' | "
            "34 RL S't' 0004 '4' | 30 RL S't' '0'");
    peer_expect(a,
            "32 RL S't' 0001 '1' | 34 RL S't' 0002 '2' | 32 RL S't' 0003 '3' | "
            "34 RL S't' 0004 '4' | 30 RL S't' '0'");
    peer_send(a, "50 02 0002 | 40 02 0003");
    peer_expect(a, "62 02 0002");
    peer_cut(a);
    peer_publishes(b, 2, "t", "5");
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    peer_expect(a, "3a RL S't' 0001 '1' | 62 02 0002 | 3c RL S't' 0004 '4' | 32 RL S't' 0005 '5'");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-4.4.0-2 MQTT5-4.3.3-4 U5-4.9-1", refused_messages_are_not_sent_again)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 ffffffff 21 0001) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "t", 2);
    peer_send(b, "32 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2' | 32 RL S't' 0003 00 '3'");
    peer_expect(a, "32 RL S't' 0001 00 '1'");
    peer_expect_nothing(a);
    peer_send(a, "40 03 0001 80");
    peer_expect(a, "34 RL S't' 0002 00 '2'");
    peer_send(a, "50 03 0002 97");
    peer_expect(a, "32 RL S't' 0003 00 '3'");
    peer_expect_nothing(a);
    peer_send(a, "40 03 0003 00");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, dropped[DROP_REFUSED]), 2);
}

SERVER_TEST("MQTT5-4.3.3-7", what_was_sent_does_not_expire)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_send(b, "32 RL S't' 0001 (02 00000001) '1' | 34 RL S't' 0002 (02 00000001) '2'");
    peer_expect(a, "32 RL S't' 0001 (02 00000001) '1' | 34 RL S't' 0002 (02 00000001) '2'");
    peer_cut(a);
    clock_advance(server, 3000);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "3a RL S't' 0001 * | 3c RL S't' 0002 *");
    peer_send(a, "40 02 0001 | 50 02 0002");
    peer_expect(a, "62 02 0002");
}

SERVER_TEST("U5-3.4.2.1-1 MQTT5-2.2.2-1", acknowledgements_have_three_forms)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_send(b,
            "32 RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '2' | 32 RL S't' 0003 00 '3' | "
            "34 RL S't' 0004 00 '4'");
    while (peer_take(a).size > 0)
        ;
    peer_send(a, "40 02 0001 | 40 03 0002 00 | 40 04 0003 00 00");
    peer_send(a, "50 RL 0004 00 (1f S'thanks' 26 S'k' S'v')");
    peer_expect(a, "62 02 0004");
    peer_send(a, "70 04 0004 00 00");
    assert_int_equal(server_waiting(server), 0);
    peer_send(b, "62 04 0004 00 00");
    peer_expect(b, "40 02 0001 | 40 02 0002 | 40 02 0003 | 50 02 0004 | 70 02 0004");
}

SERVER_TEST(NULL, packet_ids_go_round_and_pass_over_those_in_use)
{
    struct peer *a = peer_connected(server, "a", MQTT_3_1_1);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);

    peer_subscribed(a, "t", 1);
    peer_publishes(b, 2, "t", "first");
    peer_expect(a, "32 RL S't' 0001 'first'");
    for (unsigned i = 2; i <= 65535; i++) {
        peer_publishes(b, 2, "t", "x");
        peer_expect(a, "32 RL S't' %04x 'x'", i);
        peer_send(a, "40 02 %04x", i);
    }
    peer_publishes(b, 2, "t", "next");
    peer_expect(a, "32 RL S't' 0002 'next'");
    peer_send(a, "40 02 0001");
    peer_publishes(b, 2, "t", "last");
    peer_expect(a, "32 RL S't' 0003 'last'");
}

SERVER_TEST("MQTT5-3.6.1-1 MQTT5-3.6.2-1 U5-3.4.2.2-1 MQTT5-2.1.3-1 MQTT5-2.2.1-3",
        wrong_acknowledgements_end_the_connection)
{
    const struct {
        const char *packet;
        enum mqtt_reason reason;
    } rows[] = {
        { "60 02 0005", MQTT_MALFORMED },
        { "66 02 0005", MQTT_MALFORMED },
        { "41 02 0005", MQTT_MALFORMED },
        { "52 02 0005", MQTT_MALFORMED },
        { "72 02 0005", MQTT_MALFORMED },
        { "62 03 0005 81", MQTT_PROTOCOL_ERROR },
        { "40 03 0005 01", MQTT_PROTOCOL_ERROR },
        { "40 RL 0005 00 (1f S'a' 1f S'b')", MQTT_PROTOCOL_ERROR },
        { "40 01 00", MQTT_MALFORMED },
        { "40 02 0000", MQTT_PROTOCOL_ERROR },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", MQTT_5_0);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i].packet);
        peer_expect_end(peer, rows[i].reason);
    }
}

SERVER_TEST("MQTT311-3.6.1-1 U311-2.x-a MQTT311-2.2.2-2", wrong_acknowledgements_of_3_1_1)
{
    const char *const rows[] = { "60 02 0001", "66 02 0001", "6a 02 0001", "41 02 0001",
        "40 03 0001 00", "40 01 00" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", MQTT_3_1_1);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i]);
        peer_expect_closed(peer);
    }
}

SERVER_TEST("V31-11", repeats_of_3_1_bear_dup)
{
    struct peer *a = peer_connected(server, "a", MQTT_3_1);

    peer_send(a, "8a RL 0001 S'a' 00 | aa RL 0002 S'a' | 34 RL S'b' 0003 'x' | 6a 02 0003");
    peer_expect(a, "90 03 0001 00 | b0 02 0002 | 50 02 0003 | 70 02 0003");
}

SERVER_TEST(NULL, acknowledgement_of_another_qos_is_an_error)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_publishes(b, 2, "t", "x");
    peer_expect(a, "32 RL S't' 0001 00 'x'");
    peer_send(a, "50 02 0001");
    peer_expect_end(a, MQTT_PROTOCOL_ERROR);
}
