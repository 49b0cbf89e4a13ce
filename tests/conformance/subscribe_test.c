/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE. */
#include "tests/harness/peer.h"

/* ---- Answers ---- */

SERVER_TEST("MQTT5-3.8.4-1 MQTT5-3.8.4-2 MQTT5-2.2.1-6 MQTT5-3.8.4-5 MQTT5-3.8.4-6 MQTT5-3.8.4-7 "
            "MQTT5-3.9.3-1 MQTT5-3.9.3-2",
        subscribe_is_answered_code_by_code)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_send(a, "82 RL ABCD 00 S'a' 00");
    peer_expect(a, "90 RL ABCD 00 00");
    peer_send(a, "82 RL 0001 00 S'a' 02 S'b' 00 S'c' 01");
    peer_expect(a, "90 RL 0001 00 02 00 01");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT311-2.3.1-7 MQTT311-3.8.4-1 MQTT311-3.8.4-2 MQTT311-3.8.4-4 MQTT311-3.8.4-5 "
            "MQTT311-3.9.3-1 MQTT311-3.9.3-2 MQTT311-3.10.4-4 MQTT311-3.10.4-5 MQTT311-3.10.4-6",
        requests_of_3_1_1_are_answered)
{
    struct peer *a = peer_connected(server, "a", MQTT_3_1_1);

    peer_send(a, "82 RL ABCD S'a' 00 | 82 RL 0001 S'a' 02 S'b' 00 S'c' 01");
    peer_expect(a, "90 03 ABCD 00 | 90 05 0001 02 00 01");
    peer_send(a, "a2 RL ABCE S'a' | a2 RL 0002 S'a' | a2 RL 0003 S'a' S'b' S'c'");
    peer_expect(a, "b0 02 ABCE | b0 02 0002 | b0 02 0003");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-3.10.4-1 MQTT5-3.10.4-2 MQTT5-3.10.4-4 MQTT5-3.10.4-5 MQTT5-3.10.4-6 "
            "MQTT5-3.11.3-1 MQTT5-3.11.3-2 MQTT311-3.10.4-1 MQTT311-3.10.4-2",
        unsubscribe_deletes_just_what_it_names)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_3_1_1);
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);

    peer_subscribed(a, "a/+", 0);
    peer_subscribed(a, "a/b", 0);
    peer_subscribed(b, "a/+", 0);
    peer_send(a, "a2 RL 0002 00 S'a/b' S'a' S'a/#'");
    peer_expect(a, "b0 RL 0002 00 00 11 11");
    peer_send(b, "a2 RL 0002 S'a/b'");
    peer_expect(b, "b0 02 0002");
    peer_publishes(publisher, 0, "a/b", "x");
    peer_expect(a, "30 RL S'a/b' 00 'x'");
    peer_expect(b, "30 RL S'a/b' 'x'");
    peer_send(a, "a2 RL 0003 00 S'a/+'");
    peer_expect(a, "b0 RL 0003 00 00");
    peer_send(b, "a2 RL 0003 S'a/+'");
    peer_expect(b, "b0 02 0003");
    peer_send(publisher, "32 RL S'a/b' 0001 00 'x'");
    peer_expect(publisher, "40 03 0001 10");
    peer_expect_nothing(a);
    peer_expect_nothing(b);
}

SERVER_TEST("MQTT5-3.10.4-3 MQTT311-3.10.4-3 U5-3.10.4-1", deliveries_that_began_are_finished)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_publishes(b, 4, "t", "x");
    peer_publishes(b, 2, "t", "y");
    peer_expect(a, "34 RL S't' 0001 00 'x' | 32 RL S't' 0002 00 'y'");
    peer_send(a, "a2 RL 0001 00 S't' | 50 02 0001");
    peer_expect(a, "b0 RL 0001 00 00 | 62 02 0001");
    peer_cut(a);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "62 02 0001 | 3a RL S't' 0002 00 'y'");
    peer_send(a, "70 02 0001 | 40 02 0002");
    assert_int_equal(server_waiting(server), 0);
}

SERVER_TEST("MQTT5-3.8.1-1 MQTT5-3.8.3-1 MQTT5-3.8.3-2 MQTT5-3.8.3-4 MQTT5-3.8.3-5 MQTT5-3.10.1-1 "
            "MQTT5-3.10.3-1 MQTT5-3.10.3-2 MQTT5-2.2.1-3 MQTT5-4.7.1-1 MQTT5-4.7.1-2 MQTT5-4.7.3-1 "
            "MQTT5-4.7.3-2 MQTT5-4.8.2-1 MQTT5-4.8.2-2 U5-3.8.2.1.2-1 U5-3.8.3.1-1 U5-3.8.3.1-2",
        wrong_requests_end_the_connection)
{
    const struct {
        const char *packet;
        enum mqtt_reason reason;
    } rows[] = {
        { "80 RL 0001 00 S'a' 00", MQTT_MALFORMED },
        { "8a RL 0001 00 S'a' 00", MQTT_MALFORMED },
        { "82 RL 0001 00 0002 c328 00", MQTT_MALFORMED },
        { "82 RL 0001 00 0002 6100 00", MQTT_MALFORMED },
        { "82 RL 0001 00", MQTT_PROTOCOL_ERROR },
        { "82 RL 0001 00 S'$share/g/a' 04", MQTT_PROTOCOL_ERROR },
        { "82 RL 0001 00 S'a' 40", MQTT_MALFORMED },
        { "82 RL 0001 00 S'a' 80", MQTT_MALFORMED },
        { "82 RL 0001 00 S'a' 03", MQTT_PROTOCOL_ERROR },
        { "82 RL 0001 00 S'a' 30", MQTT_PROTOCOL_ERROR },
        { "82 RL 0000 00 S'a' 00", MQTT_PROTOCOL_ERROR },
        { "82 RL 0001 (0b 00) S'a' 00", MQTT_PROTOCOL_ERROR },
        { "82 RL 0001 (0b 01 0b 02) S'a' 00", MQTT_PROTOCOL_ERROR },
        { "82 RL 0001 00 S'a' 00 S'b'", MQTT_MALFORMED },
        { "82 RL 0001 00 S'' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'a#' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'#/a' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'a+' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'+a' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'a/b+' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'$share//a' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'$share/g' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'$share/g/' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'$share/+/a' 00", MQTT_TOPIC_FILTER_INVALID },
        { "82 RL 0001 00 S'$share/#' 00", MQTT_TOPIC_FILTER_INVALID },
        { "a0 RL 0002 00 S'a'", MQTT_MALFORMED },
        { "a2 RL 0002 00 0001 ff", MQTT_MALFORMED },
        { "a2 RL 0002 00", MQTT_PROTOCOL_ERROR },
        { "a2 RL 0000 00 S'a'", MQTT_PROTOCOL_ERROR },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", MQTT_5_0);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i].packet);
        peer_expect_end(peer, rows[i].reason);
    }
}

SERVER_TEST("MQTT311-3.8.1-1 MQTT311-3.8.3-1 MQTT311-3.8.3-3 MQTT311-3.8.3-4 MQTT311-3.10.1-1 "
            "MQTT311-3.10.3-1 MQTT311-3.10.3-2 MQTT311-2.3.1-1 MQTT311-4.7.1-2 MQTT311-4.7.1-3 "
            "MQTT311-4.7.3-1 MQTT311-4.7.3-2 MQTT311-1.5.3-2",
        wrong_requests_of_3_1_1_are_closed)
{
    const char *const rows[] = {
        "80 RL 0001 S'a' 00",
        "8a RL 0001 S'a' 00",
        "82 RL 0001 0002 c328 00",
        "82 RL 0001 0002 6100 00",
        "82 02 0001",
        "82 RL 0001 S'a' 03",
        "82 RL 0001 S'a' 04",
        "82 RL 0000 S'a' 00",
        "82 RL 0001 S'' 00",
        "82 RL 0001 S'a#' 00",
        "82 RL 0001 S'#/a' 00",
        "82 RL 0001 S'a/#/b' 00",
        "82 RL 0001 S'a+' 00",
        "82 RL 0001 S'+a' 00",
        "82 RL 0001 S'a/+b' 00",
        "a0 RL 0001 S'a'",
        "a2 RL 0001 0002 c328",
        "a2 02 0001",
        "a2 RL 0000 S'a'",
        "a2 RL 0001 S''",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", MQTT_3_1_1);

        server_note(server, "row %zu", i);
        peer_send(peer, "%s", rows[i]);
        peer_expect_closed(peer);
    }
}

/* ---- Matching ---- */

SERVER_TEST("MQTT5-4.7.1-1 MQTT5-4.7.1-2 U5-4.7.1-1 U311-4.7.1-a MQTT311-4.7.1-2 MQTT311-4.7.1-3 "
            "MQTT5-3.3.2-3 MQTT311-3.3.2-3 MQTT5-4.5.0-1",
        wildcards_match_levels)
{
    static const struct {
        const char *filter;
        const char *topic;
        bool matches;
    } rows[] = {
        { "#", "a", true },
        { "#", "/a", true },
        { "a/#", "a", true },
        { "a/#", "a/b/c", true },
        { "a/#", "ab", false },
        { "+", "a", true },
        { "+", "/x", false },
        { "+/+", "/x", true },
        { "/+", "/x", true },
        { "+/x", "a/x", true },
        { "a/+/c", "a/b/c", true },
        { "a/+/c", "a//c", true },
        { "a/+/c", "a/b/d", false },
        { "a/+", "a", false },
        { "+/b/#", "a/b", true },
        { "a/b", "a/b", true },
        { "a/b", "a/B", false },
        { "a b", "a b", true },
    };
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer *peer = peer_connected(server, "c", MQTT_5_0);

        server_note(server, "row %zu", i);
        peer_subscribed(peer, rows[i].filter, 0);
        peer_publishes(publisher, 0, rows[i].topic, "x");
        if (rows[i].matches)
            peer_expect(peer, "30 RL S'%s' 00 'x'", rows[i].topic);
        peer_expect_nothing(peer);
    }
}

/* ---- Options ---- */

SERVER_TEST("MQTT5-3.8.3-3", no_local_keeps_ones_own_away)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(a, "82 RL 0001 00 S't' 04");
    peer_expect(a, "90 RL 0001 00 00");
    peer_publishes(a, 0, "t", "mine");
    peer_expect_nothing(a);
    peer_publishes(b, 0, "t", "yours");
    peer_expect(a, "30 RL S't' 00 'yours'");
    /* And it is the option of this subscription alone. */
    peer_subscribed(a, "+", 0);
    peer_publishes(a, 0, "t", "mine");
    peer_expect(a, "30 RL S't' 00 'mine'");
    peer_expect_nothing(a);
}

SERVER_TEST(
        "MQTT5-3.3.1-12 MQTT5-3.3.1-13 MQTT311-3.3.1-9", retain_is_kept_as_published_where_wanted)
{
    struct peer *plain = peer_connected(server, "plain", MQTT_5_0);
    struct peer *kept = peer_connected(server, "kept", MQTT_5_0);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);

    peer_subscribed(plain, "t", 0);
    peer_subscribed(old, "t", 0);
    peer_send(kept, "82 RL 0001 00 S't' 08");
    peer_expect(kept, "90 RL 0001 00 00");
    peer_publishes(publisher, 1, "t", "x");
    peer_publishes(publisher, 0, "t", "y");
    peer_expect(plain, "30 RL S't' 00 'x' | 30 RL S't' 00 'y'");
    peer_expect(kept, "31 RL S't' 00 'x' | 30 RL S't' 00 'y'");
    peer_expect(old, "30 RL S't' 'x' | 30 RL S't' 'y'");
}

SERVER_TEST("MQTT5-3.8.4-3 MQTT311-3.8.4-3 U5-3.8.2.1.2-2", subscribing_again_replaces)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_send(a, "82 RL 0001 (0b 07) S't' 00");
    peer_expect(a, "90 RL 0001 00 00");
    peer_publishes(b, 2, "t", "1");
    peer_expect(a, "30 RL S't' (0b 07) '1'");
    peer_send(a, "82 RL 0002 (0b ffffff7f) S't' 09");
    peer_expect(a, "90 RL 0002 00 01");
    peer_publishes(b, 3, "t", "2");
    peer_expect(a, "33 RL S't' 0001 (0b ffffff7f) '2'");
    peer_send(a, "82 RL 0003 00 S't' 22");
    peer_expect(a, "90 RL 0003 00 02");
    peer_publishes(b, 5, "t", "3");
    peer_expect(a, "34 RL S't' 0002 00 '3'");
    peer_expect_nothing(a);
}

/* ---- Overlap ---- */

SERVER_TEST("MQTT5-3.3.4-2 MQTT5-3.3.4-3 MQTT5-3.3.4-4 MQTT5-3.3.4-5 MQTT311-3.3.5-1",
        overlapping_subscriptions_give_one_copy)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);
    struct bytes got;

    peer_send(a,
            "82 RL 0001 (0b 01) S'a/#' 00 | 82 RL 0002 (0b 02) S'a/b' 02 | "
            "82 RL 0003 (0b 8001) S'+/b' 01 | 82 RL 0004 00 S'a/+' 00");
    peer_expect(a, "90 RL 0001 00 00 | 90 RL 0002 00 02 | 90 RL 0003 00 01 | 90 RL 0004 00 00");
    peer_subscribed(old, "a/#", 0);
    peer_subscribed(old, "a/b", 2);
    peer_publishes(b, 4, "a/b", "x");
    peer_expect(old, "34 RL S'a/b' 0001 'x'");
    peer_expect_nothing(old);
    /* The identifiers are in no order: 0b 01, 0b 02, 0b 80 01. */
    got = peer_take(a);
    assert_int_equal(got.size, 2 + 5 + 2 + 1 + 7 + 1);
    assert_int_equal(got.data[0], 0x34);
    assert_int_equal(got.data[9], 7);
    {
        unsigned seen = 0;

        for (size_t at = 10; at < 17; at += 2) {
            assert_int_equal(got.data[at], 0x0B);
            if (got.data[at + 1] == 1)
                seen |= 1;
            if (got.data[at + 1] == 2)
                seen |= 2;
            if (got.data[at + 1] == 0x80) {
                assert_int_equal(got.data[at + 2], 1);
                seen |= 4;
                at++;
            }
        }
        assert_int_equal(seen, 7);
    }
    peer_expect_nothing(a);
}

/* ---- Packet ids ---- */

SERVER_TEST("U5-2.2.1-1", ids_of_both_directions_are_independent)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "t", 2);
    peer_publishes(b, 4, "t", "x");
    peer_expect(a, "34 RL S't' 0001 00 'x'");
    peer_send(a, "34 RL S'u' 0001 00 'y'");
    peer_expect(a, "50 03 0001 10");
    peer_send(a, "50 02 0001 | 62 02 0001 | 70 02 0001");
    peer_expect(a, "62 02 0001 | 70 02 0001");
}

SERVER_TEST("U5-2.2.1-1 U5-3.11.3-1 MQTT5-2.2.1-3", an_id_in_use_is_refused)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);

    peer_send(a, "34 RL S'u' 0007 00 'y'");
    peer_expect(a, "50 03 0007 10");
    peer_send(a, "82 RL 0007 00 S'a' 00 S'$share/g/b' 01 | a2 RL 0007 00 S'a' S'b' S'c'");
    peer_expect(a, "90 RL 0007 00 91 91 | b0 RL 0007 00 91 91 91");
    peer_send(a, "62 02 0007 | 82 RL 0007 00 S'a' 00 | 82 RL 0007 00 S'b' 00");
    peer_expect(a, "70 02 0007 | 90 RL 0007 00 00 | 90 RL 0007 00 00");
    peer_send(old, "34 RL S'u' 0007 'y' | 82 RL 0007 S'a' 00 | a2 RL 0007 S'a'");
    peer_expect(old, "50 02 0007 | 90 03 0007 00 | b0 02 0007");
}

/* ---- Limits ---- */

SERVER_TEST("MQTT5-3.9.2-1 MQTT5-3.9.2-2 MQTT5-3.11.2-1 MQTT5-3.11.2-2", subscriptions_have_a_limit)
{
    struct peer *a;

    server->settings.subscriptions_max = 2;
    server->settings.topic_levels_max = 3;
    a = peer_connected(server, "a", MQTT_5_0);
    peer_send(a, "82 RL 0001 00 S'a' 00 S'a/b/c/d' 00 S'b' 01 S'c' 02 S'a' 01");
    peer_expect(a, "90 RL 0001 00 00 8f 01 97 01");
    peer_send(a, "a2 RL 0002 00 S'a' S'a/b/c/d' | 82 RL 0003 00 S'c' 02");
    peer_expect(a, "b0 RL 0002 00 00 11 | 90 RL 0003 00 02");
    assert_int_equal(hub_count(server->hub, 0).subscriptions, 2);
}
