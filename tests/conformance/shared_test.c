/* SPDX-License-Identifier: Apache-2.0 */
/* Shared subscriptions: a group owns its backlog. */
#include "broker/core/backlog.h"
#include "tests/harness/peer.h"

enum { MEMBERS = 3 };

/* How many of the next packets are PUBLISHes; the others fail the test. */
static unsigned count_publishes(struct peer *peer)
{
    unsigned count = 0;

    for (struct bytes got; (got = peer_take(peer)).size > 0; count++)
        assert_int_equal(got.data[0] >> 4, 3);
    return count;
}

SERVER_TEST("U5-4.8.2-1 MQTT5-3.8.4-8", each_message_goes_to_one_member)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *members[MEMBERS];
    unsigned total = 0;

    for (unsigned i = 0; i < MEMBERS; i++) {
        char id[] = { 'm', (char)('0' + i), '\0' };

        members[i] = peer_connected(server, id, i == 0 ? MQTT_3_1_1 : MQTT_5_0);
        peer_subscribed(members[i], "$share/g/t/#", 0);
    }
    for (unsigned i = 0; i < 300; i++)
        peer_publishes(publisher, (uint8_t)(i % 3 << 1), "t/x", "x");
    for (unsigned i = 0; i < MEMBERS; i++) {
        unsigned count = count_publishes(members[i]);

        assert_in_range(count, 50, 200);
        total += count;
    }
    /* At QoS 0 a full mailbox may cost one, which is counted; the server is at rest in between. */
    assert_int_equal(total, 300);
}

SERVER_TEST("U5-4.8.2-3 U5-3.3.4-3", shared_and_own_subscriptions_are_independent)
{
    struct peer *publisher;
    struct peer *a;
    struct peer *b;

    server->mailbox_slots = 8; /* A full one costs messages at QoS 0. */
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    a = peer_connected(server, "a", MQTT_5_0);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_send(a, "82 RL 0001 (0b 01) S'$share/g/t' 00 | 82 RL 0002 (0b 03) S'$share/h/t' 00");
    peer_expect(a, "90 RL 0001 00 00 | 90 RL 0002 00 00");
    peer_send(b, "82 RL 0001 (0b 02) S't' 00");
    peer_expect(b, "90 RL 0001 00 00");
    peer_send(b, "82 RL 0002 (0b 04) S'$share/i/t' 00");
    peer_expect(b, "90 RL 0002 00 00");
    peer_publishes(publisher, 0, "t", "x");
    assert_int_equal(count_publishes(a), 2);
    assert_int_equal(count_publishes(b), 2);
    peer_send(b, "a2 RL 0003 00 S't'");
    peer_expect(b, "b0 RL 0003 00 00");
    peer_send(a, "a2 RL 0003 00 S'$share/h/t'");
    peer_expect(a, "b0 RL 0003 00 00");
    peer_publishes(publisher, 0, "t", "x");
    peer_expect(a, "30 RL S't' (0b 01) 'x'");
    peer_expect(b, "30 RL S't' (0b 04) 'x'");
}

SERVER_TEST("MQTT5-4.8.2-3", delivery_has_the_members_qos)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *low = peer_connected(server, "low", MQTT_5_0);
    struct peer *high = peer_connected(server, "high", MQTT_5_0);

    peer_subscribed(low, "$share/g/t", 0);
    peer_subscribed(high, "$share/g/t", 2);
    peer_publishes(publisher, 4, "t", "1");
    peer_publishes(publisher, 4, "t", "2");
    peer_expect(low, "30 RL S't' 00 ..");
    peer_expect(high, "34 RL S't' 0001 00 ..");
    peer_expect_nothing(low);
    peer_expect_nothing(high);
}

SERVER_TEST("U5-4.8.2-4 U5-3.10.4-2", joining_again_changes_the_options)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_connected(server, "a", MQTT_5_0);

    peer_subscribed(a, "$share/g/t", 0);
    peer_send(a, "82 RL 0001 (0b 09) S'$share/g/t' 09");
    peer_expect(a, "90 RL 0001 00 01");
    peer_publishes(publisher, 3, "t", "x");
    peer_expect(a, "33 RL S't' 0001 (0b 09) 'x'");
    peer_expect_nothing(a);
    assert_int_equal(hub_count(server->hub, 0).shared_subscriptions, 1);
    peer_send(a, "a2 RL 0001 00 S'$share/g/t'");
    peer_expect(a, "b0 RL 0001 00 00");
    peer_send(publisher, "32 RL S't' 0001 00 'x'");
    peer_expect(publisher, "40 03 0001 10");
    peer_expect_nothing(a);
    assert_int_equal(hub_count(server->hub, 0).shared_subscriptions, 0);
}

SERVER_TEST("U5-4.8.2-2", what_a_lost_member_had_goes_to_another)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b;

    peer_subscribed(a, "$share/g/t", 1);
    peer_publishes(publisher, 2, "t", "1");
    peer_publishes(publisher, 2, "t", "2");
    peer_publishes(publisher, 2, "t", "3");
    peer_expect(a, "32 RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '2' | 32 RL S't' 0003 00 '3'");
    peer_send(a, "40 02 0002");
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(b, "$share/g/t", 1);
    peer_expect_nothing(b);
    peer_cut(a);
    peer_expect(b, "32 RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '3'");
    /* Its session still is a member, but an absent one. */
    peer_publishes(publisher, 2, "t", "4");
    peer_expect(b, "32 RL S't' 0003 00 '4'");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect_nothing(a);
    peer_cut(b);
    peer_expect(a, "32 RL S't' .... 00 '1' | 32 RL S't' .... 00 '3' | 32 RL S't' .... 00 '4'");
}

SERVER_TEST("U5-4.8.2-2 MQTT5-4.9.0-1", what_was_not_handed_out_waits_with_the_group)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_open(server);
    struct peer *b;

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 00000064 21 0002) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "$share/g/t", 1);
    for (unsigned i = 1; i <= 6; i++) {
        char payload[] = { (char)('0' + i), '\0' };

        peer_publishes(publisher, 2, "t", payload);
    }
    peer_expect(a, "32 RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '2'");
    peer_expect_nothing(a);
    peer_send(a, "40 02 0001");
    peer_expect(a, "32 RL S't' 0003 00 '3'");
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(b, "$share/g/t", 1);
    peer_expect(b, "32 RL S't' 0001 00 '4' | 32 RL S't' 0002 00 '5' | 32 RL S't' 0003 00 '6'");
    peer_send(a, "e0 00");
    peer_expect(b, "32 RL S't' 0004 00 '2' | 32 RL S't' 0005 00 '3'");
}

SERVER_TEST("U5-4.8.2-2", an_absent_group_keeps_its_backlog)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);

    peer_subscribed(a, "$share/g/t", 1);
    peer_cut(a);
    peer_publishes(publisher, 2, "t", "1");
    peer_publishes(publisher, 2, "t", "2");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '2'");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-4.8.2-4", qos_2_stays_with_its_member)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b;

    peer_subscribed(a, "$share/g/t", 2);
    peer_publishes(publisher, 4, "t", "1");
    peer_publishes(publisher, 4, "t", "2");
    peer_expect(a, "34 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2'");
    peer_send(a, "50 02 0001");
    peer_expect(a, "62 02 0001");
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(b, "$share/g/t", 2);
    peer_cut(a);
    clock_advance(server, 1000);
    peer_expect_nothing(b);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "62 02 0001 | 3c RL S't' 0002 00 '2'");
    peer_send(a, "70 02 0001 | 50 02 0002");
    peer_expect(a, "62 02 0002");
    peer_send(a, "70 02 0002");
    assert_int_equal(server_count(server, delivered), 2);
    assert_int_equal(server_waiting(server), 0);
}

SERVER_TEST("MQTT5-4.8.2-5", qos_2_ends_with_its_members_session)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "$share/g/t", 2);
    peer_publishes(publisher, 4, "t", "1");
    peer_expect(a, "34 RL S't' 0001 00 '1'");
    peer_subscribed(b, "$share/g/t", 2);
    peer_cut(a);
    peer_expect_nothing(b);
    assert_int_equal(server_count(server, dropped[DROP_SESSION_ENDED]), 1);
    assert_int_equal(server_waiting(server), 0);
}

SERVER_TEST("MQTT5-4.8.2-6", refused_is_discarded)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "$share/g/t", 2);
    peer_publishes(publisher, 2, "t", "1");
    peer_publishes(publisher, 4, "t", "2");
    peer_expect(a, "32 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2'");
    peer_subscribed(b, "$share/g/t", 2);
    peer_send(a, "40 03 0001 80 | 50 03 0002 97");
    peer_expect_nothing(b);
    peer_cut(a);
    peer_expect_nothing(b);
    assert_int_equal(server_count(server, dropped[DROP_REFUSED]), 2);
}

SERVER_TEST("U5-3.10.4-2 U5-4.8.2-2", leaving_hands_on_what_was_not_sent)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_subscribed(a, "$share/g/t", 1);
    peer_stop_reading(a);
    for (unsigned i = 1; i <= 6; i++) {
        char payload[] = { (char)('0' + i), '\0' };

        peer_publishes(publisher, 2, "t", payload);
    }
    peer_subscribed(b, "$share/g/t", 1);
    peer_send(a, "a2 RL 0001 00 S'$share/g/t'");
    peer_read_on(a);
    {
        unsigned of_a = 0;
        unsigned of_b = 0;

        for (struct bytes got; (got = peer_take(a)).size > 0;)
            of_a += got.data[0] == 0x32;
        of_b = count_publishes(b);
        assert_int_equal(of_a + of_b, 6);
        assert_true(of_b > 0);
    }
}

SERVER_TEST("U5-3.10.4-2", the_last_leaver_deletes_the_group)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_open(server);
    struct peer *b = peer_resumed(server, "b", MQTT_5_0, false);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (21 0001) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "$share/g/t", 1);
    peer_subscribed(b, "$share/g/t", 1);
    peer_cut(b);
    peer_publishes(publisher, 2, "t", "1");
    peer_publishes(publisher, 2, "t", "2");
    peer_expect(a, "32 RL S't' 0001 00 '1'");
    peer_send(a, "a2 RL 0001 00 S'$share/g/t'");
    peer_expect(a, "b0 RL 0001 00 00");
    assert_int_equal(hub_count(server->hub, 0).shared_subscriptions, 1);
    b = peer_connected(server, "b", MQTT_5_0); /* A clean start ends the last membership. */
    assert_int_equal(hub_count(server->hub, 0).shared_subscriptions, 0);
    peer_subscribed(b, "$share/g/t", 1);
    peer_expect_nothing(b);
    peer_send(a, "40 02 0001");
    assert_int_equal(server_waiting(server), 0);
}

SERVER_TEST("U5-3.10.4-2", a_members_session_expires)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 00000005) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "$share/g/t", 1);
    peer_cut(a);
    peer_publishes(publisher, 2, "t", "1");
    assert_int_equal(server_waiting(server), 1);
    clock_advance(server, 5100);
    assert_int_equal(server_waiting(server), 0);
    assert_int_equal(hub_count(server->hub, 0).shared_subscriptions, 0);
    peer_send(publisher, "32 RL S't' 0001 00 'x'");
    peer_expect(publisher, "40 03 0001 10");
}

SERVER_TEST("U5-3.1.2.11.4-3", what_is_too_large_for_its_member_is_dropped)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (27 0000001e 21 0001) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "$share/g/t", 1);
    peer_publishes(publisher, 2, "t", "this is more than the thirty bytes that it takes");
    peer_publishes(publisher, 2, "t", "small");
    peer_expect(a, "32 RL S't' 0001 00 'small'");
    assert_int_equal(server_count(server, dropped[DROP_TOO_LARGE]), 1);
}

SERVER_TEST("MQTT5-3.3.2-5", messages_of_a_group_expire)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);

    peer_subscribed(a, "$share/g/t", 1);
    peer_cut(a);
    peer_send(publisher, "32 RL S't' 0001 (02 00000001) '1' | 32 RL S't' 0002 00 '2'");
    clock_advance(server, 2000);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 00 '2'");
    peer_expect_nothing(a);
    assert_int_equal(server_count(server, expired), 1);
}

SERVER_TEST(NULL, many_groups_in_one_subscribe)
{
    struct peer *publisher;
    struct peer *a;

    server->mailbox_slots = 8; /* A full one costs messages at QoS 0. */
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    a = peer_connected(server, "a", MQTT_5_0);
    peer_send(a,
            "82 RL 0001 00 S'$share/1/t' 01 S't' 00 S'$share/2/t' 02 S'$share/3/t' 00 "
            "S'$share/1/t' 02 S'$share/4/+' 01");
    peer_expect(a, "90 RL 0001 00 01 00 02 00 02 01");
    peer_publishes(publisher, 4, "t", "x");
    assert_int_equal(count_publishes(a), 5);
    peer_send(a, "a2 RL 0002 00 S'$share/1/t' S'$share/2/t' S'$share/3/t' S'$share/4/+' S't'");
    peer_expect(a, "b0 RL 0002 00 00 00 00 00 00");
    assert_int_equal(hub_count(server->hub, 0).shared_subscriptions, 0);
}

/* Many memberships make more mail at once than there are slots. What comes right behind the CONNECT
 * finds some of that mail waiting, in the memberships that it is about. */
SERVER_TEST("U5-4.8.2-2 U5-3.10.4-2", joining_again_with_the_connect_keeps_the_backlog)
{
    struct peer *publisher;
    struct peer *a;
    unsigned publishes = 0;

    server->mailbox_slots = 2;
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_send(a,
            "82 RL 0001 00 S'$share/1/t' 01 S'$share/2/t' 01 S'$share/3/t' 01 S'$share/4/t' 01 "
            "S'$share/5/t' 01 S'$share/6/t' 01 S'$share/7/t' 01 S'$share/8/t' 01");
    peer_expect(a, "90 RL 0001 00 01 01 01 01 01 01 01 01");
    peer_cut(a);
    peer_publishes(publisher, 2, "t", "x");
    assert_int_equal(server_waiting(server), 8);
    a = peer_open(server);
    peer_send(a,
            "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'a' | "
            "82 RL 0001 00 S'$share/1/t' 01 S'$share/2/t' 01 S'$share/3/t' 01 S'$share/4/t' 01 "
            "S'$share/5/t' 01 S'$share/6/t' 01 S'$share/7/t' 01 S'$share/8/t' 01");
    peer_expect(a, "20 RL 01 00 *");
    for (struct bytes got; (got = peer_take(a)).size > 0;)
        publishes += got.data[0] >> 4 == 3;
    assert_int_equal(publishes, 8);
    assert_int_equal(server_count(server, dropped[DROP_SESSION_ENDED]), 0);
}

/* What the store has of a long backlog may be more than limits allow that a reload has lowered. */
SERVER_TEST("MQTT5-4.8.2-3", a_group_goes_on_where_the_store_alone_has_too_much)
{
    struct peer *publisher;
    struct peer *a;

    server->settings.queue_qos0_messages = true;
    server->settings.max_inflight_messages = 1;
    server->settings.max_queued_messages = 0;
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_subscribed(a, "$share/g/t", 1);
    peer_publishes(publisher, 2, "t", "1");
    for (unsigned i = 0; i < BACKLOG_HOT_MAX; i++) {
        peer_send(publisher, "32 RL S't' 0001 (02 00000001) 'short-lived'");
        peer_expect(publisher, "40 *");
    }
    for (unsigned i = 0; i < 10; i++)
        peer_publishes(publisher, 2, "t", "2");
    server->settings.max_queued_messages = 5;
    clock_advance(server, 2000);
    /* It is not stored, and so goes past those that are. */
    peer_publishes(publisher, 0, "t", "0");
    peer_expect(a, "32 RL S't' 0001 00 '1'");
    if (server->stores)
        peer_expect(a, "30 RL S't' 00 '0'");
    assert_int_equal(server_count(server, expired), BACKLOG_HOT_MAX);
    assert_int_equal(server_waiting(server), 11);
}
