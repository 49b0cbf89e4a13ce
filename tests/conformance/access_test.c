/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what, and how clients prove who they are; server.h says what the authority allows. */
#include "tests/harness/peer.h"

/* ---- CONNECT ---- */

SERVER_TEST("MQTT5-3.1.4-2 MQTT311-3.1.4-5 MQTT311-3.2.2-5 MQTT311-3.2.2-4 MQTT5-3.1.4-6",
        authority_refuses_clients)
{
    const char *const packets_5_0[] = {
        "10 RL S'MQTT' 05 02 0000 00 S'one-refused'",
        "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE') S'one-refused'",
    };
    const char *const packets_3[] = {
        "10 RL S'MQTT' 04 02 0000 S'one-refused'",
        "10 RL S'MQIsdp' 03 02 0000 S'one-refused'",
    };
    struct peer *other = peer_connected(server, "other", MQTT_5_0);

    peer_subscribed(other, "#", 0);
    for (size_t i = 0; i < 2; i++) {
        struct peer *peer = peer_open(server);

        peer_send(peer, "%s | 30 RL S'a' 00 'x'", packets_5_0[i]);
        peer_expect(peer, "20 RL 00 85 *");
        peer_expect_closed(peer);
        peer = peer_open(server);
        peer_send(peer, "%s | 30 RL S'a' 'x'", packets_3[i]);
        peer_expect(peer, "20 02 00 02");
        peer_expect_closed(peer);
    }
    peer_expect_nothing(other);
    assert_int_equal(server_told(server, "client.refused"), 4);
    assert_int_equal(server_count(server, sessions), 1);
}

SERVER_TEST("MQTT5-3.1.4-2 V31-15", will_is_refused_where_it_may_not_be_published)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *c = peer_open(server);
    struct peer *d = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 06 0000 00 S'a' 00 S'x/denied' S'bye'");
    peer_expect(a, "20 RL 00 87 *");
    peer_expect_closed(a);
    peer_send(b, "10 RL S'MQTT' 04 06 0000 S'b' S'denied/x' S'bye'");
    peer_expect(b, "20 02 00 05");
    peer_expect_closed(b);
    peer_send(c, "10 RL S'MQIsdp' 03 06 0000 S'c' S'x/denied/y' S'bye'");
    peer_expect(c, "20 02 00 05");
    peer_expect_closed(c);
    assert_int_equal(server_count(server, sessions), 0);
    peer_send(d, "10 RL S'MQTT' 05 06 0000 00 S'd' 00 S'x/undenied' S'bye'");
    peer_expect(d, "20 RL 00 00 *");
}

/* ---- PUBLISH ---- */

SERVER_TEST("U5-4.13.2-1 MQTT5-4.3.3-9 MQTT5-3.4.2-1 MQTT5-3.5.2-1", publish_is_refused_by_code)
{
    struct peer *all = peer_connected(server, "all", MQTT_5_0);
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_subscribed(all, "#", 2);
    peer_send(a, "30 RL S'x/denied/y' 00 '0'");
    peer_expect_nothing(a);
    peer_send(a, "32 RL S'x/denied/y' 0001 00 '1' | 34 RL S'x/denied/y' 0002 00 '2'");
    peer_expect(a, "40 RL 0001 87 * | 50 RL 0002 87 *");
    peer_expect_nothing(all);
    assert_int_equal(server_told(server, "publish.refused"), 3);
    /* No PUBREL is awaited: the same id is a new message, which may be published. */
    peer_send(a, "34 RL S'x/y' 0002 00 'z'");
    peer_expect(a, "50 02 0002");
    peer_expect(all, "34 RL S'x/y' 0001 00 'z'");
    peer_send(a, "62 02 0002");
    peer_expect(a, "70 02 0002");
    peer_expect_nothing(a);
}

SERVER_TEST("U5-4.13.2-1", refused_publish_is_not_retained)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_send(a, "33 RL S'denied' 0001 00 'x'");
    peer_expect(a, "40 RL 0001 87 *");
    peer_subscribed(a, "#", 0);
    peer_expect_nothing(a);
}

SERVER_TEST("U5-3.3.2.3.4-1", alias_is_learnt_from_a_refused_publish)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_send(a, "32 RL S'denied' 0001 (23 0001) 'x' | 32 RL 0000 0002 (23 0001) 'x'");
    peer_expect(a, "40 RL 0001 87 * | 40 RL 0002 87 *");
}

SERVER_TEST("MQTT311-3.3.5-2 V31-14", refused_publish_of_3_x_takes_its_normal_course)
{
    const enum mqtt_version versions[] = { MQTT_3_1, MQTT_3_1_1 };
    struct peer *all = peer_connected(server, "all", MQTT_5_0);

    peer_subscribed(all, "#", 2);
    for (size_t i = 0; i < 2; i++) {
        struct peer *a = peer_connected(server, "a", versions[i]);

        peer_send(a, "30 RL S'denied' 'x' | 32 RL S'denied' 0001 'x' | 34 RL S'denied' 0002 'x'");
        peer_expect(a, "40 02 0001 | 50 02 0002");
        /* As with any other message a repeat is acknowledged, and PUBREL ends it. */
        peer_send(a, "3c RL S'denied' 0002 'x' | 62 02 0002");
        peer_expect(a, "50 02 0002 | 70 02 0002");
        peer_expect_nothing(a);
        peer_expect_nothing(all);
        peer_publishes(a, 4, "allowed", "y");
        peer_expect(all, "34 RL S'allowed' .... 00 'y'");
        peer_send(all, "50 02 000%zu | 70 02 000%zu", i + 1, i + 1);
        peer_expect(all, "62 02 000%zu", i + 1);
    }
}

/* ---- SUBSCRIBE ---- */

SERVER_TEST(
        "U5-4.13.2-1 MQTT5-3.8.4-6 MQTT5-3.9.3-1 MQTT5-3.9.3-2", subscription_is_refused_by_code)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_send(
            a, "82 RL 0001 00 S'x/y' 01 S'x/denied/+' 01 S'$share/g/denied/#' 00 S'$share/g/z' 02");
    peer_expect(a, "90 RL 0001 00 01 87 87 02");
    assert_int_equal(server_told(server, "subscribe.refused"), 2);
    peer_publishes(a, 0, "x/y", "1");
    peer_expect(a, "30 RL S'x/y' 00 '1'");
    server_announces(server, "x/denied/y", "2", false);
    server_announces(server, "denied/y", "2", false);
    peer_expect_nothing(a);
    /* There is nothing to end. */
    peer_send(a, "a2 RL 0002 00 S'x/denied/+' S'x/y'");
    peer_expect(a, "b0 RL 0002 00 11 00");
}

SERVER_TEST(
        "MQTT311-3.8.4-5 MQTT311-3.9.3-1 MQTT311-3.9.3-2", subscription_of_3_1_1_is_refused_by_80)
{
    struct peer *a = peer_connected(server, "a", MQTT_3_1_1);

    peer_send(a, "82 RL 0001 S'x/denied/+' 01 S'x/y' 02");
    peer_expect(a, "90 RL 0001 80 02");
    server_announces(server, "x/denied/y", "1", false);
    server_announces(server, "x/y", "2", false);
    peer_expect(a, "30 RL S'x/y' '2'");
    peer_expect_nothing(a);
}

SERVER_TEST("V31-13 V31-14", refused_subscription_of_3_1_looks_granted)
{
    struct peer *a = peer_connected(server, "a", MQTT_3_1);

    peer_send(a, "82 RL 0001 S'x/denied/+' 01 S'$share/g' 01 S'x/y' 01");
    peer_expect(a, "90 RL 0001 00 00 01");
    server_announces(server, "x/denied/y", "1", false);
    server_announces(server, "x/y", "2", false);
    peer_expect(a, "30 RL S'x/y' '2'");
    peer_expect_nothing(a);
    peer_send(a, "a2 RL 0002 S'x/denied/+'");
    peer_expect(a, "b0 02 0002");
}

/* ---- Enhanced authentication at CONNECT ---- */

/* CONNECT with the method, as far as the server's question. */
static struct peer *peer_asked(struct server *server, const char *id)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE' 16 S'hello') S'%s'", id);
    peer_expect(peer, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask')");
    peer_expect_nothing(peer);
    return peer;
}

/* As far as CONNACK. */
static struct peer *peer_proven(struct server *server, const char *id)
{
    struct peer *peer = peer_asked(server, id);

    peer_send(peer, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(peer, "20 RL 00 00 *");
    return peer;
}

SERVER_TEST("MQTT5-4.12.0-1", unknown_method_is_refused)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (15 S'NOPE') S'a'");
    peer_expect(a, "20 RL 00 8c *");
    peer_expect_closed(a);
    assert_int_equal(server_count(server, sessions), 0);
    assert_int_equal(server_told(server, "client.refused"), 1);
}

SERVER_TEST("MQTT5-4.12.0-2 MQTT5-4.12.0-5 MQTT5-3.15.2-1 MQTT5-3.15.2-2 MQTT5-3.15.2-3",
        client_is_asked_until_it_has_answered)
{
    struct peer *a = peer_asked(server, "a");

    assert_int_equal(server_count(server, sessions), 0);
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'more')");
    peer_expect(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask')");
    peer_send(a, "f0 RL 18 (16 S'more' 26 S'k' S'v' 15 S'CHALLENGE')");
    peer_expect(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask')");
    peer_expect_nothing(a);
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "20 RL 00 00 (15 S'CHALLENGE' 16 S'welcome' 21 0014 22 000a 27 001e8480)");
    assert_int_equal(server_count(server, sessions), 1);
    peer_subscribed(a, "x", 0);
    peer_publishes(a, 2, "x", "y");
    peer_expect(a, "30 RL S'x' 00 'y'");
}

SERVER_TEST("MQTT5-4.12.0-5", first_data_may_be_proof_enough)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE' 16 S'answer') S'a' | c0 00");
    peer_expect(a, "20 RL 00 00 (15 S'CHALLENGE' 16 S'welcome' 21 0014 22 000a 27 001e8480)");
    peer_expect(a, "d0 00");
}

SERVER_TEST("MQTT5-4.12.0-4", wrong_proof_is_refused)
{
    struct peer *a = peer_asked(server, "a");

    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'guess')");
    peer_expect(a, "20 RL 00 87 *");
    peer_expect_closed(a);
    assert_int_equal(server_count(server, sessions), 0);
    assert_int_equal(server_told(server, "client.refused"), 1);
}

SERVER_TEST("MQTT5-4.12.0-3 MQTT5-4.12.0-5 MQTT5-3.15.1-1 MQTT5-3.15.2-1 MQTT5-3.1.2-30 "
            "U5-3.15.0-1 U5-3.15.2-1 MQTT5-3.1.4-6",
        while_asked_a_client_answers_and_no_more)
{
    static const struct {
        const char *packet;
        uint8_t code;
    } rows[] = {
        { "f0 RL 00 (15 S'CHALLENGE' 16 S'answer')", 0x82 },
        { "f0 RL 19 (15 S'CHALLENGE' 16 S'answer')", 0x82 },
        { "f0 RL 18 (15 S'OTHER' 16 S'answer')", 0x82 },
        { "f0 RL 18 (16 S'answer')", 0x82 },
        { "f0 RL 18 (15 S'CHALLENGE' 15 S'CHALLENGE' 16 S'answer')", 0x82 },
        { "f0 02 18 00", 0x82 },
        { "f0 00", 0x82 },
        { "f1 RL 18 (15 S'CHALLENGE' 16 S'answer')", 0x81 },
        { "f0 01 18", 0x81 },
        { "f0 80808080 01", 0x81 },
        { "f0 ffffff7f", 0x95 },
        { "e0 01 ff", 0x82 },
        { "30 RL S'w' 00 'x'", 0x82 },
        { "82 RL 0001 00 S'w' 00", 0x82 },
        { "c0 00", 0x82 },
        { "10 RL S'MQTT' 05 02 0000 00 S'a'", 0x82 },
    };
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);

    peer_subscribed(watcher, "#", 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *a = peer_open(server);

        server_note(server, "row %zu", i);
        peer_send(a, "10 RL S'MQTT' 05 06 0000 (15 S'CHALLENGE') S'a' 00 S'w' S'bye' | %s",
                rows[i].packet);
        peer_expect(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask') | 20 RL 00 %02x *", rows[i].code);
        peer_expect_closed(a);
    }
    peer_expect_nothing(watcher);
    assert_int_equal(server_count(server, sessions), 1);
}

SERVER_TEST("MQTT5-3.1.2-30", client_may_leave_instead_of_answering)
{
    struct peer *a = peer_asked(server, "a");
    struct peer *b = peer_asked(server, "b");
    struct peer *c = peer_asked(server, "c");

    peer_send(a, "e0 00");
    peer_expect_closed(a);
    peer_send(b, "e0 RL 04 (11 00000005)");
    peer_expect_closed(b);
    peer_cut(c);
    assert_int_equal(server_count(server, sessions), 0);
}

SERVER_TEST("U5-3.1.4-1", connect_timeout_holds_for_the_whole_exchange)
{
    struct peer *a = peer_asked(server, "a");

    clock_advance(server, 6000);
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'more')");
    peer_expect(a, "f0 RL 18 *");
    clock_advance(server, 3999);
    peer_expect_nothing(a);
    clock_advance(server, 1);
    peer_expect_closed(a);
    /* Once it is over the time no longer counts. */
    a = peer_proven(server, "a");
    clock_advance(server, 60000);
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-3.1.4-3 MQTT5-3.1.2-4", nothing_changes_before_the_proof)
{
    struct peer *old = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *guesser = peer_asked(server, "a");
    struct peer *owner = peer_asked(server, "a");

    peer_subscribed(old, "t", 1);
    peer_send(guesser, "f0 RL 18 (15 S'CHALLENGE' 16 S'guess')");
    peer_expect_end(guesser, MQTT_NOT_AUTHORIZED);
    peer_publishes(old, 0, "t", "still here");
    peer_expect(old, "30 RL S't' 00 'still here'");
    peer_send(owner, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(owner, "20 RL 00 00 *");
    peer_expect_end(old, MQTT_SESSION_TAKEN_OVER);
}

SERVER_TEST("MQTT5-3.1.2-8 MQTT5-3.1.3-9", will_and_session_are_those_of_connect)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);
    struct peer *a = peer_open(server);

    peer_subscribed(watcher, "w", 0);
    peer_send(a, "10 RL S'MQTT' 05 06 000a (15 S'CHALLENGE' 11 0000003c) S'a' 00 S'w' S'bye'");
    peer_expect(a, "f0 RL 18 *");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer') | 82 RL 0001 00 S't' 01");
    peer_expect(a, "20 RL 00 00 * | 90 RL 0001 00 01");
    peer_cut(a);
    peer_expect(watcher, "30 RL S'w' 00 'bye'");
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (15 S'CHALLENGE' 16 S'answer') S'a'");
    peer_expect(a, "20 RL 01 00 *");
}

SERVER_TEST("MQTT5-4.12.0-5", will_is_judged_by_the_identity_that_was_proved)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 06 0000 (15 S'CHALLENGE') S'a' 00 S'denied' S'bye'");
    peer_expect(a, "f0 RL 18 *");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "20 RL 00 87 *");
    peer_expect_closed(a);
    assert_int_equal(server_count(server, sessions), 0);
}

SERVER_TEST("MQTT5-3.1.3-6 MQTT5-3.2.2-16", client_without_an_id_authenticates_too)
{
    struct peer *a = peer_open(server);
    struct bytes connack;

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE') S''");
    peer_expect(a, "f0 RL 18 *");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    connack = peer_take(a);
    assert_int_equal(connack.data[3], 0);
    assert_int_equal(connack.data[5], 0x12);
}

SERVER_TEST("MQTT5-3.1.2-24 MQTT5-3.1.2-25", exchange_stays_within_maximum_packet_size)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *c = peer_open(server);

    /* The AUTH has 22 bytes, the CONNACK 38. */
    peer_send(a, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE' 27 00000015) S'a'");
    peer_expect(a, "20 RL 00 95 *");
    peer_expect_closed(a);
    peer_send(b, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE' 27 00000025) S'b'");
    peer_expect(b, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask')");
    peer_send(b, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(b, "20 RL 00 95 *");
    peer_expect_closed(b);
    assert_int_equal(server_count(server, sessions), 0);
    peer_send(c, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE' 27 00000026) S'c'");
    peer_expect(c, "f0 RL 18 *");
    peer_send(c, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(c, "20 24 00 00 *");
    peer_send(c, "f0 RL 19 (15 S'CHALLENGE' 16 S'much')");
    peer_expect_end(c, MQTT_PACKET_TOO_LARGE);
}

SERVER_TEST("MQTT5-4.12.0-2", exchange_goes_on_when_the_client_reads_again)
{
    struct peer *a = peer_asked(server, "a");
    unsigned asked = 0;

    /* 1000 questions of 83 bytes are more than a client may leave unread. */
    peer_stop_reading(a);
    for (unsigned i = 0; i < 1000; i++)
        peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'much')");
    assert_true(peer_unread(a) > 0);
    peer_read_on(a);
    assert_int_equal(peer_unread(a), 0);
    while (peer_take(a).size > 0)
        asked++;
    assert_int_equal(asked, 1000);
}

SERVER_TEST("MQTT5-3.1.4-2", server_that_stops_leaves_an_exchange)
{
    struct peer *a = peer_asked(server, "a");

    server_shuts_down(server);
    peer_expect_closed(a);
}

/* ---- Re-authentication ---- */

SERVER_TEST("MQTT5-4.12.1-1 MQTT5-4.12.0-5 MQTT5-3.15.2-1", client_authenticates_again)
{
    struct peer *a = peer_proven(server, "a");

    peer_send(a, "32 RL S'proven-again' 0001 00 'x' | 82 RL 0002 00 S'proven-again' 00");
    peer_expect(a, "40 RL 0001 87 * | 90 RL 0002 00 87");
    for (unsigned round = 0; round < 2; round++) {
        peer_send(a, "f0 RL 19 (15 S'CHALLENGE' 16 S'hello')");
        peer_expect(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask')");
        peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'more')");
        peer_expect(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask')");
        peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
        peer_expect(a, "f0 RL 00 (15 S'CHALLENGE' 16 S'welcome')");
    }
    peer_send(a, "f0 RL 19 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "f0 RL 00 (15 S'CHALLENGE' 16 S'welcome')");
    /* It is another identity now. */
    peer_subscribed(a, "proven-again", 0);
    peer_publishes(a, 2, "x/proven-again", "x");
}

SERVER_TEST("U5-4.12.1-1", other_packets_flow_meanwhile)
{
    struct peer *a = peer_proven(server, "a");
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(a, "f0 RL 19 (15 S'CHALLENGE')");
    peer_expect(a, "f0 RL 18 *");
    peer_subscribed(a, "t", 1);
    peer_publishes(b, 2, "t", "x");
    peer_expect(a, "32 RL S't' 0001 00 'x'");
    peer_send(a, "40 02 0001 | c0 00");
    peer_expect(a, "d0 00");
    peer_publishes(a, 4, "u", "y");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "f0 RL 00 *");
}

SERVER_TEST("MQTT5-4.12.1-2 MQTT5-4.12.1-1 MQTT5-4.12.0-3 U5-3.15.0-1 U5-3.15.2-1 MQTT5-3.15.1-1",
        failed_re_authentication_ends_the_connection)
{
    static const struct {
        const char *packet;
        enum mqtt_reason reason;
    } rows[] = {
        { "f0 RL 18 (15 S'CHALLENGE' 16 S'guess')", MQTT_NOT_AUTHORIZED },
        { "f0 RL 18 (15 S'OTHER' 16 S'answer')", MQTT_PROTOCOL_ERROR },
        { "f0 RL 19 (15 S'CHALLENGE' 16 S'answer')", MQTT_PROTOCOL_ERROR },
        { "f0 RL 18 (16 S'answer')", MQTT_PROTOCOL_ERROR },
        { "f0 RL 18 (15 S'CHALLENGE' 15 S'CHALLENGE')", MQTT_PROTOCOL_ERROR },
        { "f0 RL 00 (15 S'CHALLENGE' 16 S'answer')", MQTT_PROTOCOL_ERROR },
        { "f8 RL 18 (15 S'CHALLENGE' 16 S'answer')", MQTT_MALFORMED },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *a = peer_proven(server, "a");

        server_note(server, "row %zu", i);
        peer_send(a, "f0 RL 19 (15 S'CHALLENGE')");
        peer_expect(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'ask')");
        peer_send(a, "%s", rows[i].packet);
        peer_expect_end(a, rows[i].reason);
    }
}

SERVER_TEST("MQTT5-4.12.1-1 U5-3.15.0-1", re_authentication_begins_with_the_method_of_connect)
{
    const char *const packets[] = {
        "f0 RL 19 (15 S'OTHER')",
        "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')",
        "f0 RL 19 (16 S'answer')",
    };

    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct peer *a = peer_proven(server, "a");

        server_note(server, "row %zu", i);
        peer_send(a, "%s", packets[i]);
        peer_expect_end(a, MQTT_PROTOCOL_ERROR);
    }
}

SERVER_TEST("MQTT5-4.12.0-6 MQTT5-4.12.0-7", without_a_method_there_is_no_auth)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 00 S'a'");
    peer_expect(a, "20 RL 00 00 (21 0014 22 000a 27 001e8480)");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect_end(a, MQTT_PROTOCOL_ERROR);
    a = peer_connected(server, "a", MQTT_5_0);
    peer_send(a, "f0 RL 19 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect_end(a, MQTT_PROTOCOL_ERROR);
}

/* ---- Identities that end ---- */

SERVER_TEST("MQTT5-3.14.0-1 MQTT5-3.1.2-8", connection_ends_with_the_identity)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *c = peer_open(server);

    peer_subscribed(watcher, "will", 0);
    server->identities_end_ms = server->now_ms + 60000;
    /* Without keep alive, with one that is shorter, and of 3.1.1. */
    peer_send(a, "10 RL S'MQTT' 05 06 0000 (11 ffffffff) S'a' 00 S'will' S'a'");
    peer_send(b, "10 RL S'MQTT' 05 02 000a 00 S'b'");
    peer_send(c, "10 RL S'MQTT' 04 02 03e8 S'c'");
    peer_expect(a, "20 RL 00 00 *");
    peer_expect(b, "20 RL 00 00 *");
    peer_expect(c, "20 02 00 00");
    for (unsigned i = 0; i < 6; i++) {
        clock_advance(server, 9999);
        peer_send(b, "c0 00");
        peer_expect(b, "d0 00");
    }
    peer_expect_nothing(a);
    peer_expect_nothing(c);
    clock_advance(server, 6);
    peer_expect_end(a, MQTT_MAXIMUM_CONNECT_TIME);
    peer_expect_end(b, MQTT_MAXIMUM_CONNECT_TIME);
    peer_expect_closed(c);
    peer_expect(watcher, "30 RL S'will' 00 'a'");
    /* What is kept for it stays. */
    assert_int_equal(server_count(server, sessions), 2);
    peer_expect_nothing(watcher);
}

SERVER_TEST("MQTT5-4.12.1-1", client_that_authenticates_again_stays)
{
    struct peer *a;

    server->identities_end_ms = server->now_ms + 60000;
    a = peer_proven(server, "a");
    clock_advance(server, 59999);
    server->identities_end_ms = 0;
    peer_send(a, "f0 RL 19 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "f0 RL 00 (15 S'CHALLENGE' 16 S'welcome')");
    clock_advance(server, 1000000);
    peer_expect_nothing(a);
    server->identities_end_ms = server->now_ms + 5000;
    peer_send(a, "f0 RL 19 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "f0 RL 00 (15 S'CHALLENGE' 16 S'welcome')");
    clock_advance(server, 5000);
    peer_expect_end(a, MQTT_MAXIMUM_CONNECT_TIME);
}

/* What the authority says is reckoned from the time at which the turn began, and falls short where
 * that is long ago. */
SERVER_TEST(NULL, connection_does_not_end_before_the_identity)
{
    struct peer *a;

    server->identities_end_ms = server->now_ms + 1000;
    a = peer_connected(server, "a", MQTT_5_0);
    server->identities_end_ms += 300;
    clock_advance(server, 1299);
    peer_expect_nothing(a);
    clock_advance(server, 1);
    peer_expect_end(a, MQTT_MAXIMUM_CONNECT_TIME);
}

/* ---- Verdicts that come later ---- */

#define LATER "10 RL S'MQTT' 05 82 0000 00 "

SERVER_TEST("MQTT5-3.1.4-6", client_waits_unread_for_the_verdict)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(a, LATER "S'a' S'later' | 82 RL 0001 00 S't' 00 | c0 00");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, connections), 1);
    peer_publishes(b, 4, "t", "x");
    server_admits(server, 0, MQTT_SUCCESS);
    peer_expect(a, "20 RL 00 00 * | 90 RL 0001 00 00 | d0 00");
    peer_publishes(b, 2, "t", "y");
    peer_expect(a, "30 RL S't' 00 'y'");
}

SERVER_TEST(NULL, late_refusal_is_told_as_an_early_one)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    peer_send(a, LATER "S'a' S'later' | c0 00");
    peer_send(b, "10 RL S'MQTT' 04 82 0000 S'b' S'later'");
    server_admits(server, 1, MQTT_NOT_AUTHORIZED);
    server_admits(server, 0, MQTT_BAD_USER_NAME_OR_PASSWORD);
    peer_expect(a, "20 RL 00 86 *");
    peer_expect_closed(a);
    peer_expect(b, "20 02 00 05");
    peer_expect_closed(b);
    assert_int_equal(server_count(server, sessions), 0);
    assert_int_equal(server_told(server, "client.refused"), 2);
}

SERVER_TEST(NULL, verdict_on_a_client_that_is_gone_changes_nothing)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *c;

    peer_send(a, LATER "S'a' S'later'");
    peer_cut(a);
    /* This one has its place, and waits as well. */
    peer_send(b, LATER "S'a' S'later'");
    server_admits(server, 0, MQTT_SUCCESS);
    peer_expect_nothing(b);
    assert_int_equal(server_count(server, sessions), 0);
    server_admits(server, 1, MQTT_SUCCESS);
    peer_expect(b, "20 RL 00 00 *");
    /* Twice is once too often, and does no harm. */
    server_admits(server, 1, MQTT_NOT_AUTHORIZED);
    c = peer_connected(server, "c", MQTT_5_0);
    peer_expect_nothing(b);
    peer_expect_nothing(c);
}

SERVER_TEST("U5-3.1.4-1", connect_timeout_ends_where_connect_has_come)
{
    struct peer *silent = peer_open(server);
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    clock_advance(server, 9999);
    peer_send(a, LATER "S'a' S'later'");
    peer_send(b, LATER "S'b' S'later'");
    /* The verdict takes as long as it takes us: that is not the client's time. */
    clock_advance(server, 600000);
    peer_expect_closed(silent);
    peer_expect_nothing(a);
    peer_expect_nothing(b);
    server_admits(server, 0, MQTT_SUCCESS);
    peer_expect(a, "20 RL 00 00 *");
    server_admits(server, 1, MQTT_NOT_AUTHORIZED);
    peer_expect_end(b, MQTT_NOT_AUTHORIZED);
    /* Nor does any of it strike later. */
    clock_advance(server, 600000);
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, sessions), 1);
}

SERVER_TEST("MQTT5-3.1.4-3 MQTT5-3.1.2-8", nothing_changes_before_the_verdict)
{
    struct peer *old = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 86 0000 00 S'a' 00 S'w' S'first' S'later'");
    peer_send(b, "10 RL S'MQTT' 05 84 0000 00 S'a' 00 S'w' S'second' S'later'");
    peer_expect_nothing(old);
    /* In the order of the verdicts, and not of the CONNECTs. */
    server_admits(server, 1, MQTT_SUCCESS);
    peer_expect_end(old, MQTT_SESSION_TAKEN_OVER);
    peer_expect(b, "20 RL 01 00 *");
    server_admits(server, 0, MQTT_SUCCESS);
    peer_expect_end(b, MQTT_SESSION_TAKEN_OVER);
    peer_expect(a, "20 RL 00 00 *");
}

SERVER_TEST("MQTT5-3.1.3-6", client_without_an_id_waits_too)
{
    struct peer *a = peer_open(server);

    peer_send(a, LATER "S'' S'later'");
    server_admits(server, 0, MQTT_SUCCESS);
    peer_expect(a, "20 RL 00 00 *");
    assert_int_equal(server_count(server, sessions), 1);
}

SERVER_TEST("MQTT5-3.1.4-2", server_that_stops_leaves_who_waits)
{
    struct peer *a = peer_open(server);

    peer_send(a, LATER "S'a' S'later'");
    server_shuts_down(server);
    peer_expect_closed(a);
    server_admits(server, 0, MQTT_SUCCESS);
}

TEST(each_allocation_of_a_late_verdict_may_fail)
{
    bool reached = true;

    for (uint64_t i = 1; reached; i++) {
        struct server *server = server_new(1);
        struct peer *a;
        bool came_in;

        server->may_refuse = true;
        server_start(server);
        server->memory.state->fail_at = server->memory.state->taken + i;
        server->memory.state->fail_until = server->memory.state->fail_at;
        a = peer_open(server);
        peer_send(a, LATER "S'a' S'later'");
        if (server->waiting_count > 0)
            server_admits(server, 0, MQTT_SUCCESS);
        reached = server->memory.state->taken >= server->memory.state->fail_at;
        server->memory.state->fail_at = 0;
        came_in = server_count(server, sessions) == 1;
        assert_int_equal(came_in, peer_is_open(a));
        assert_true(reached || came_in);
        server_end(server);
    }
}

/* ---- Rights to receive ---- */

SERVER_TEST(NULL, nobody_gets_what_he_may_not_receive)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    server->unreadable = "secret";
    server_changes_access(server);
    peer_subscribed(a, "#", 1);
    peer_publishes(b, 2, "x/secret", "1");
    peer_publishes(b, 4, "x/open", "2");
    peer_send(b, "30 RL S'secret' 00 '3' | 30 RL S'open' 00 '4'");
    /* The publisher does not learn of it. */
    peer_expect(a, "32 RL S'x/open' 0001 00 '2' | 30 RL S'open' 00 '4'");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, dropped[DROP_NOT_ALLOWED]), 2);
    assert_int_equal(server_told(server, "message.dropped"), 0);
}

SERVER_TEST(NULL, retained_messages_are_judged_as_all_others)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    server->unreadable = "secret";
    server_changes_access(server);
    server_announces(server, "secret", "1", true);
    server_announces(server, "open", "2", true);
    peer_send(a, "82 RL 0001 00 S'#' 00");
    peer_expect(a, "90 RL 0001 00 00 | 31 RL S'open' 00 '2'");
    peer_expect_nothing(a);
}

SERVER_TEST(NULL, queue_of_an_absent_client_has_no_room_for_what_it_may_not_receive)
{
    struct peer *a = peer_resumed(server, "a", MQTT_3_1_1, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    server->settings.max_queued_messages = 2;
    server->unreadable = "secret";
    server_changes_access(server);
    peer_subscribed(a, "#", 1);
    peer_cut(a);
    for (unsigned i = 0; i < 3; i++)
        peer_publishes(b, 2, "secret", "no");
    peer_publishes(b, 2, "open", "yes");
    peer_publishes(b, 2, "open", "again");
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    peer_expect(a, "32 RL S'open' 0001 'yes' | 32 RL S'open' 0002 'again'");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, dropped[DROP_NOT_ALLOWED]), 3);
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 0);
}

SERVER_TEST(NULL, what_waits_is_judged_by_the_rules_that_hold_when_it_is_sent)
{
    struct peer *a = peer_resumed(server, "a", MQTT_3_1_1, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "#", 1);
    /* One is in flight, two wait. */
    peer_publishes(b, 2, "secret", "1");
    peer_expect(a, "32 RL S'secret' 0001 '1'");
    peer_cut(a);
    peer_publishes(b, 2, "secret", "2");
    peer_publishes(b, 2, "open", "3");
    server->unreadable = "secret";
    server_changes_access(server);
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    peer_expect(a, "32 RL S'open' 0002 '3'");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, dropped[DROP_NOT_ALLOWED]), 2);
    server->unreadable = NULL;
    server_changes_access(server);
    peer_publishes(b, 2, "secret", "4");
    peer_expect(a, "32 RL S'secret' 0003 '4'");
}

SERVER_TEST(NULL, group_tells_of_what_its_member_may_not_receive)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    server->unreadable = "secret";
    server_changes_access(server);
    peer_subscribed(a, "$share/g/#", 1);
    peer_publishes(b, 2, "secret", "1");
    peer_publishes(b, 2, "open", "2");
    peer_expect(a, "32 RL S'open' 0001 00 '2'");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, dropped[DROP_NOT_ALLOWED]), 1);
    assert_int_equal(server_told(server, "message.dropped"), 1);
}

SERVER_TEST(NULL, will_is_judged_again_when_it_is_due)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    peer_subscribed(watcher, "#", 0);
    peer_send(a, "10 RL S'MQTT' 05 06 0000 00 S'a' 00 S'w/mine' S'bye'");
    peer_expect(a, "20 RL 00 00 *");
    peer_send(b, "10 RL S'MQTT' 05 06 0000 00 S'b' 00 S'w' S'bye'");
    peer_expect(b, "20 RL 00 00 *");
    server->unwritable = "mine";
    server_changes_access(server);
    peer_cut(a);
    peer_cut(b);
    peer_expect(watcher, "30 RL S'w' 00 'bye'");
    peer_expect_nothing(watcher);
    assert_int_equal(server_told(server, "will.refused"), 1);
}

SERVER_TEST(NULL, who_would_not_be_let_in_any_more_is_disconnected)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_resumed(server, "b", MQTT_3_1_1, false);
    struct peer *c;

    server->withdrawn = true;
    server_changes_access(server);
    peer_expect_end(a, MQTT_NOT_AUTHORIZED);
    peer_expect_closed(b);
    server->withdrawn = false;
    server_changes_access(server);
    c = peer_resumed(server, "b", MQTT_3_1_1, true);
    peer_expect_nothing(c);
}

/* ---- Short of memory ---- */

/* A whole life with two exchanges; a transport that was refused says nothing. */
static struct peer *live(struct server *server)
{
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 06 0000 (15 S'CHALLENGE') S'a' 00 S'w' S'bye'");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'much') | f0 RL 18 (15 S'CHALLENGE' 16 S'more')");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    peer_send(a, "f0 RL 19 (15 S'CHALLENGE') | f0 RL 18 (15 S'CHALLENGE' 16 S'much')");
    peer_send(a, "32 RL S'denied' 0001 00 'x' | 82 RL 0001 00 S'denied' 00 S'allowed' 00");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer')");
    return a;
}

/* True when the client has come through: its last word from the server is that it has. */
static bool came_through(struct peer *a)
{
    struct bytes got;
    bool done = false;

    while ((got = peer_take(a)).size > 0)
        done = got.data[0] == 0xf0 && got.data[2] == MQTT_SUCCESS;
    return done && peer_is_open(a);
}

TEST(each_allocation_of_an_exchange_may_fail)
{
    for (unsigned shards = 1; shards <= 2; shards++) {
        bool reached = true;
        uint64_t i;

        for (i = 1; reached; i++) {
            struct server *server = server_new(shards);
            struct peer *a;

            server->may_refuse = true;
            server_start(server);
            server->memory.state->fail_at = server->memory.state->taken + i;
            server->memory.state->fail_until = server->memory.state->fail_at;
            server_note(server, "allocation %llu fails", (unsigned long long)i);
            a = live(server);
            reached = server->memory.state->taken >= server->memory.state->fail_at;
            server->memory.state->fail_at = 0;
            /* It is served or it is let go, and never left without a word. */
            assert_int_equal(came_through(a), peer_is_open(a));
            assert_true(reached || peer_is_open(a));
            peer_cut(a);
            assert_true(came_through(live(server)));
            server_end(server);
        }
        assert_true(i > 10);
    }
}

/* ---- Rights of who published a retained message ---- */

static struct peer *author_connected(struct server *server, const char *user)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 82 0000 00 S'by-%s' S'%s'", user, user);
    peer_expect(peer, "20 RL 00 00 *");
    return peer;
}

SERVER_TEST(NULL, retained_message_is_given_while_its_author_might_publish_it)
{
    struct peer *alice = author_connected(server, "alice");
    struct peer *bob = author_connected(server, "bob");
    struct peer *reader = peer_connected(server, "reader", MQTT_5_0);

    peer_publishes(alice, 1, "a", "1");
    peer_publishes(bob, 1, "b", "2");
    server->disgraced = "alice";
    peer_subscribed(reader, "a", 0);
    peer_subscribed(reader, "b", 0);
    peer_expect(reader, "31 RL S'b' 00 '2'");
    /* What is published now is another matter. */
    peer_publishes(alice, 1, "a", "3");
    peer_expect(reader, "30 RL S'a' 00 '3'");
    server->disgraced = NULL;
    peer_subscribed(reader, "a", 0);
    peer_expect(reader, "31 RL S'a' 00 '3'");
    server->disgraced = "alice";
    server->settings.check_retain_source = false;
    peer_subscribed(reader, "a", 0);
    peer_expect(reader, "31 RL S'a' 00 '3'");
    peer_publishes(alice, 1, "later", "4");
    server->settings.check_retain_source = true;
    peer_subscribed(reader, "later", 0);
    peer_expect(reader, "31 RL S'later' 00 '4'");
    assert_int_equal(server_waiting(server), 0);
}

SERVER_TEST(NULL, retained_wills_have_their_author_too)
{
    struct peer *dying = peer_open(server);
    struct peer *reader = peer_connected(server, "reader", MQTT_5_0);

    peer_send(dying, "10 RL S'MQTT' 05 a6 0000 00 S'dying' 00 S'will' S'bye' S'alice'");
    peer_expect(dying, "20 RL 00 00 *");
    peer_cut(dying);
    peer_subscribed(reader, "will", 0);
    peer_expect(reader, "31 RL S'will' 00 'bye'");
    server->disgraced = "alice";
    peer_subscribed(reader, "will", 0);
    peer_expect_nothing(reader);
}

SERVER_TEST(NULL, author_is_who_published_at_that_listener)
{
    struct peer *alice;
    struct peer *reader = peer_connected(server, "reader", MQTT_5_0);

    server->at_side = true;
    alice = author_connected(server, "alice");
    peer_publishes(alice, 1, "a", "1");
    server->disgraced = "alice";
    peer_subscribed(reader, "a", 0);
    peer_expect(reader, "31 RL S'a' 00 '1'");
}

SERVER_TEST(NULL, rights_that_go_by_no_name_are_not_judged_later)
{
    struct peer *a = peer_open(server);
    struct peer *reader = peer_connected(server, "reader", MQTT_5_0);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE' 16 S'answer') S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_publishes(a, 1, "a", "1");
    server_announces(server, "own", "2", true);
    server->disgraced = "challenged";
    peer_subscribed(reader, "a", 0);
    peer_expect(reader, "31 RL S'a' 00 '1'");
    peer_subscribed(reader, "own", 0);
    peer_expect(reader, "31 RL S'own' 00 '2'");
}

SERVER_TEST(NULL, long_names_of_authors_fit)
{
    struct peer *alice = peer_open(server);
    struct peer *reader = peer_connected(server, "reader", MQTT_5_0);
    char id[1001];

    memset(id, 'i', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    peer_send(alice, "10 RL S'MQTT' 05 82 0000 00 S'%s' S'alice'", id);
    peer_expect(alice, "20 RL 00 00 *");
    peer_send(alice, "31 RL S'a' (03 S'text/plain' 26 S'k' S'v') 'payload'");
    peer_subscribed(reader, "#", 0);
    peer_expect(reader, "31 RL S'a' (03 S'text/plain' 26 S'k' S'v') 'payload'");
    peer_send(alice, "31 RL S'a' 00");
    peer_expect(reader, "30 RL S'a' 00");
}
