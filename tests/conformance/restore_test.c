/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives the server's end, and what is told before it is safe. */
#include "broker/core/roster.h"
#include "broker/core/stored.h"
#include "tests/harness/peer.h"

/* The next start has another number of shards. */
static void crash(struct server *server)
{
    server_crashes(server, server->shard_count == 4 ? 1 : server->shard_count * 2, 0);
}

/* Places of messages in queues, when those that are done with have been told of, too. */
static unsigned waiting_in_store(struct server *server)
{
    clock_advance(server, 100);
    return server->store.items.count;
}

/* A connection of a session that lasts for so many seconds. */
static struct peer *lasting(struct server *server, const char *id, unsigned expiry_s, bool present)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 00 0000 (11 %08x) S'%s'", expiry_s, id);
    peer_expect(peer, "20 RL %02x 00 *", present);
    return peer;
}

/* The same with a will at QoS 1 that is due after so many seconds. */
static struct peer *mortal(
        struct server *server, const char *id, unsigned expiry_s, unsigned delay_s)
{
    struct peer *peer = peer_open(server);

    peer_send(peer,
            "10 RL S'MQTT' 05 8c 0000 (11 %08x) S'%s' (18 %08x 02 0000000a) S'w' S'bye' S'alice'",
            expiry_s, id, delay_s);
    peer_expect(peer, "20 RL .. 00 *");
    return peer;
}

/* ---- Sessions and what waits for them ---- */

SERVER_TEST(NULL, what_waits_for_a_session_outlives_the_server)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_send(a, "82 RL 0001 (0b 07) S'+/x' 02 | 82 RL 0002 (0b 09) S't/#' 0a");
    peer_expect(a, "90 RL 0001 00 02 | 90 RL 0002 00 02");
    peer_subscribed(a, "gone", 1);
    peer_send(a, "a2 RL 0003 00 S'gone'");
    peer_expect(a, "b0 RL 0003 00 00");
    peer_cut(a);
    peer_publishes(b, 2, "t/x", "1");
    peer_publishes(b, 5, "t/y", "2"); /* which is retained, too */
    peer_publishes(b, 0, "t/x", "0");
    assert_int_equal(waiting_in_store(server), 2);
    crash(server);
    assert_int_equal(server->restored.sessions, 1);
    assert_int_equal(server->restored.subscriptions, 2);
    assert_int_equal(server->restored.messages, 2);
    assert_int_equal(server->restored.retained, 1);
    assert_int_equal(server_waiting(server), 2);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "gone", "3");
    peer_publishes(b, 2, "t/x", "4");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't/x' 0001 (0b .. 0b ..) '1' | 35 RL S't/y' 0002 (0b 09) '2'");
    peer_expect(a, "32 RL S't/x' 0003 (0b .. 0b ..) '4'");
    peer_expect_nothing(a);
    peer_send(a, "40 02 0001 | 50 02 0002 | 40 02 0003");
    peer_expect(a, "62 02 0002");
    peer_send(a, "70 02 0002");
    assert_int_equal(waiting_in_store(server), 0);
    crash(server);
    assert_int_equal(server->restored.messages, 0);
    peer_expect_nothing(peer_resumed(server, "a", MQTT_5_0, true));
    assert_int_equal(waiting_in_store(server), 0);
    assert_int_equal(model_store_count(&server->store, STORED_RELEASES), 0);
}

SERVER_TEST("MQTT5-4.4.0-1 MQTT311-4.4.0-1 MQTT5-4.3.3-4 MQTT5-4.3.3-8",
        packet_ids_of_qos_2_outlive_the_server)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_resumed(server, "b", MQTT_5_0, false);
    peer_subscribed(a, "t", 2);
    peer_send(b, "34 RL S't' 0005 00 '1'");
    peer_expect(b, "50 02 0005");
    peer_publishes(b, 4, "t", "2");
    peer_publishes(b, 4, "t", "3");
    peer_expect(a, "34 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2' | 34 RL S't' 0003 00 '3'");
    peer_send(a, "50 02 0002");
    peer_expect(a, "62 02 0002");
    crash(server);
    assert_int_equal(server_waiting(server), 3);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "3c RL S't' 0001 00 '1' | 62 02 0002 | 3c RL S't' 0003 00 '3'");
    /* The same again under an id that is held is not routed again. */
    b = peer_resumed(server, "b", MQTT_5_0, true);
    peer_send(b, "3c RL S't' 0005 00 '1'");
    peer_expect(b, "50 02 0005");
    peer_expect_nothing(a);
    peer_send(b, "62 02 0005");
    peer_expect(b, "70 02 0005");
    crash(server);
    b = peer_resumed(server, "b", MQTT_5_0, true);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "3c RL S't' 0001 00 '1' | 62 02 0002 | 3c RL S't' 0003 00 '3'");
    peer_send(a, "50 02 0001 | 70 02 0002 | 50 02 0003");
    peer_expect(a, "62 02 0001 | 62 02 0003");
    /* Once released, the id names a new message, which gets the next one of the receiver's. */
    peer_send(b, "34 RL S't' 0005 00 '4'");
    peer_expect(b, "50 02 0005");
    peer_expect(a, "34 RL S't' 0004 00 '4'");
    peer_send(a, "70 02 0001 | 70 02 0003 | 50 02 0004");
    peer_expect(a, "62 02 0004");
    peer_send(a, "70 02 0004");
    assert_int_equal(waiting_in_store(server), 0);
    crash(server);
    assert_int_equal(server_waiting(server), 0);
}

/* ---- DUP ---- */

SERVER_TEST("MQTT5-3.3.1-1 MQTT311-3.3.1-1", what_a_killed_server_may_have_sent_has_dup)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_3_1_1, false);
    peer_subscribed(a, "#", 2);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "t", "1");
    peer_publishes(b, 2, "t", "2");
    peer_publishes(b, 4, "u", "3");
    peer_expect(a, "32 RL S't' 0001 '1' | 32 RL S't' 0002 '2' | 34 RL S'u' 0003 '3'");
    crash(server);
    crash(server); /* before the client has come back */
    server_stops(server, 2);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "t", "4");
    peer_publishes(b, 4, "u", "5");
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    /* Only QoS 2 has kept its packet id. */
    peer_expect(a, "3c RL S'u' 0003 '3' | 3a RL S't' .... '1' | 3a RL S't' .... '2'");
    peer_expect(a, "32 RL S't' .... '4' | 34 RL S'u' .... '5'");
    peer_publishes(b, 2, "t", "7");
    peer_expect(a, "32 RL S't' .... '7'");
    peer_expect_nothing(a);
}

SERVER_TEST("MQTT5-3.3.1-1 MQTT311-3.3.1-1 MQTT5-4.4.0-1 MQTT311-4.4.0-1",
        what_is_in_flight_outlives_a_stop_with_its_packet_ids)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_send(a, "82 RL 0001 (0b 03) S'#' 02");
    peer_expect(a, "90 RL 0001 00 02");
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "t", "1");
    peer_publishes(b, 4, "u", "2");
    peer_publishes(b, 2, "t", "3");
    peer_expect(a,
            "32 RL S't' 0001 (0b 03) '1' | 34 RL S'u' 0002 (0b 03) '2' | "
            "32 RL S't' 0003 (0b 03) '3'");
    peer_send(a, "40 02 0001 | 50 02 0002");
    peer_expect(a, "62 02 0002");
    server_stops(server, 1);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "t", "4");
    server_stops(server, 4);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "62 02 0002 | 3a RL S't' 0003 (0b 03) '3' | 32 RL S't' 0004 (0b 03) '4'");
    peer_expect_nothing(a);
    peer_cut(a); /* The ids of both are kept now; what comes is behind them. */
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "t", "5");
    assert_int_equal(waiting_in_store(server), 3);
    crash(server);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "62 02 0002 | 3a RL S't' 0003 (0b 03) '3' | 3a RL S't' 0004 (0b 03) '4'");
    peer_expect(a, "32 RL S't' 0005 (0b 03) '5'");
    peer_send(a, "70 02 0002 | 40 02 0003 | 40 02 0005 | 40 02 0004");
    assert_int_equal(waiting_in_store(server), 0);
    crash(server);
    peer_expect_nothing(peer_resumed(server, "a", MQTT_5_0, true));
}

SERVER_TEST("MQTT5-3.3.1-1", what_came_while_a_client_was_away_has_no_dup_after_a_crash)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = lasting(server, "a", 100, false);
    peer_subscribed(a, "t", 1);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "t", "1");
    peer_expect(a, "32 RL S't' 0001 00 '1'");
    peer_cut(a);
    peer_publishes(b, 2, "t", "2");
    assert_int_equal(waiting_in_store(server), 2);
    crash(server);
    a = lasting(server, "a", 100, true);
    peer_expect(a, "3a RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '2'");
    crash(server);
    a = lasting(server, "a", 100, true);
    peer_expect(a, "3a RL S't' 0001 00 '1' | 3a RL S't' 0002 00 '2'");
}

SERVER_TEST(NULL, what_ends_with_its_connection_ends_with_the_server)
{
    struct peer *a;

    server->stores = true;
    a = peer_connected(server, "a", MQTT_5_0);
    peer_subscribed(a, "t", 2);
    peer_subscribed(a, "$share/g/t", 2);
    peer_publishes(peer_connected(server, "b", MQTT_5_0), 4, "t", "1");
    assert_int_equal(server->store.next, 1); /* Not a word. */
    crash(server);
    assert_int_equal(server->restored.sessions, 0);
    peer_resumed(server, "a", MQTT_5_0, false);
}

SERVER_TEST(NULL, who_never_expires_comes_and_goes_without_a_record)
{
    uint64_t next;

    server->stores = true;
    peer_cut(peer_resumed(server, "a", MQTT_3_1_1, false));
    next = server->store.next;
    assert_int_equal(next, 2);
    for (unsigned i = 0; i < 3; i++)
        peer_cut(peer_resumed(server, "a", MQTT_3_1_1, true));
    assert_int_equal(server->store.next, next);
    crash(server);
    peer_cut(peer_resumed(server, "a", MQTT_5_0, true));
    assert_int_equal(server->store.next, next);
    peer_cut(lasting(server, "a", 100, true));
    assert_int_equal(server->store.next, next + 2);
}

SERVER_TEST("MQTT5-3.1.2-23 U5-3.1.2.11.2-1", sessions_expire_by_the_wall_clock)
{
    server->stores = true;
    peer_cut(lasting(server, "a", 100, false));
    peer_cut(lasting(server, "b", 30, false));
    (void)lasting(server, "c", 100, false);
    clock_advance(server, 60000);
    server_dies(server, 0);
    server->wall_ms += 30000; /* for which it was away */
    assert_int_equal(server_rises(server, server->shard_count), RESTORED);
    assert_int_equal(server->restored.sessions, 2); /* The other one has expired before. */
    peer_cut(lasting(server, "a", 100, true));
    clock_advance(server, 90000);
    peer_cut(lasting(server, "c", 100, true)); /* whose time runs from the start */
    server_dies(server, 0);
    server->wall_ms += 11000;
    assert_int_equal(server_rises(server, server->shard_count), RESTORED);
    assert_int_equal(server->restored.expired, 1);
    lasting(server, "a", 100, false);
    lasting(server, "c", 100, true);
    assert_int_equal(model_store_count(&server->store, STORED_SESSIONS), 2);
}

SERVER_TEST(NULL, a_session_that_ends_takes_all_of_its_entries_along)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = lasting(server, "a", 10, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 2);
    peer_subscribed(a, "$share/g/s", 2);
    peer_send(a, "34 RL S'x' 0001 00 '1'");
    peer_expect(a, "50 RL 0001 10 *");
    peer_publishes(b, 4, "t", "1");
    peer_publishes(b, 4, "t", "2");
    peer_publishes(b, 4, "s", "3");
    peer_expect(a, "34 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2' | 34 RL S's' 0003 00 '3'");
    peer_send(a, "50 02 0001");
    peer_expect(a, "62 02 0001");
    assert_int_equal(model_store_count(&server->store, STORED_SUBSCRIPTIONS), 2);
    assert_int_equal(model_store_count(&server->store, STORED_INCOMING), 1);
    assert_int_equal(model_store_count(&server->store, STORED_RELEASES), 1);
    assert_int_equal(model_store_count(&server->store, STORED_GROUPS), 1);
    assert_int_equal(waiting_in_store(server), 2);
    crash(server);
    clock_advance(server, 11000);
    for (unsigned table = STORED_SESSIONS; table <= STORED_WILLS; table++)
        assert_int_equal(model_store_count(&server->store, table), 0);
    assert_int_equal(waiting_in_store(server), 0);
    crash(server);
    assert_int_equal(server->restored.orphans, 0);
}

SERVER_TEST("MQTT5-3.14.2-2 U5-3.14.2.2.2-1", what_disconnect_says_of_expiry_is_stored)
{
    struct peer *a;

    server->stores = true;
    a = lasting(server, "a", 100, false);
    peer_send(a, "e0 RL 00 (11 00000000)");
    (void)lasting(server, "b", 100, false);
    a = lasting(server, "c", 100, false);
    peer_send(a, "e0 RL 00 (11 ffffffff)");
    crash(server);
    assert_int_equal(server->restored.sessions, 2);
    clock_advance(server, 101000);
    crash(server);
    lasting(server, "c", 100, true);
    lasting(server, "b", 100, false);
}

SERVER_TEST(NULL, a_clean_start_ends_the_session_in_the_store)
{
    struct peer *a;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_subscribed(a, "t", 1);
    peer_publishes(peer_connected(server, "b", MQTT_5_0), 2, "t", "1");
    peer_cut(a);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 ffffffff) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    crash(server);
    assert_int_equal(server->restored.subscriptions, 0);
    assert_int_equal(server->restored.messages, 0);
    peer_expect_nothing(peer_resumed(server, "a", MQTT_5_0, true));
}

SERVER_TEST(NULL, sessions_that_were_there_count_against_the_limit)
{
    struct peer *b;

    server->stores = true;
    server->settings.global_max_clients = 1;
    peer_cut(peer_resumed(server, "a", MQTT_5_0, false));
    crash(server);
    b = peer_open(server);
    peer_send(b, "10 RL S'MQTT' 05 02 0000 00 S'b'");
    peer_expect_end(b, MQTT_QUOTA_EXCEEDED);
    peer_cut(peer_connected(server, "a", MQTT_5_0));
    peer_connected(server, "b", MQTT_5_0);
}

/* ---- Subscriptions ---- */

SERVER_TEST(NULL, options_of_subscriptions_outlive_the_server)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_send(a, "82 RL 0001 00 S'own' 05 | 82 RL 0002 00 S'as' 08 | 82 RL 0003 00 S'not' 00");
    peer_expect(a, "90 RL 0001 00 01 | 90 RL 0002 00 00 | 90 RL 0003 00 00");
    /* Changed afterwards: */
    peer_send(a, "82 RL 0004 (0b 05) S'not' 01");
    peer_expect(a, "90 RL 0004 00 01");
    crash(server);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(a, 2, "own", "mine");
    peer_expect_nothing(a);
    peer_publishes(b, 2, "own", "1");
    peer_publishes(b, 1, "as", "2");
    peer_publishes(b, 3, "not", "3");
    peer_expect(a, "32 RL S'own' 0001 00 '1' | 31 RL S'as' 00 '2' | 32 RL S'not' 0002 (0b 05) '3'");
}

/* ---- Wills ---- */

SERVER_TEST("MQTT5-3.1.2-7 MQTT5-3.1.2-8 MQTT5-3.1.3-9", wills_outlive_the_server)
{
    struct peer *watcher;
    struct peer *a;

    server->stores = true;
    watcher = peer_resumed(server, "watcher", MQTT_5_0, false);
    peer_subscribed(watcher, "w", 1);
    (void)mortal(server, "a", 100, 0);
    (void)mortal(server, "b", 100, 20);
    (void)mortal(server, "c", 100, 20);
    (void)mortal(server, "d", 5, 20);
    a = mortal(server, "e", 100, 20);
    peer_send(a, "e0 00"); /* without it */
    peer_cut(mortal(server, "f", 100, 20));
    clock_advance(server, 15000);
    assert_int_equal(model_store_count(&server->store, STORED_WILLS), 5);
    crash(server);
    watcher = peer_resumed(server, "watcher", MQTT_5_0, true);
    /* The server's end was a lost connection; the first had no delay. */
    peer_expect(watcher, "32 RL S'w' 0001 (02 0000000a) 'bye'");
    peer_expect_nothing(watcher);
    clock_advance(server, 5000);
    /* The one that was lost before, and the one whose session has ended by now. */
    peer_expect(
            watcher, "32 RL S'w' .... (02 0000000a) 'bye' | 32 RL S'w' .... (02 ........) 'bye'");
    peer_expect_nothing(watcher);
    lasting(server, "b", 100, true);
    clock_advance(server, 15000);
    peer_expect(watcher, "32 RL S'w' 0004 (02 0000000a) 'bye'");
    peer_expect_nothing(watcher);
    assert_int_equal(model_store_count(&server->store, STORED_WILLS), 0);
}

SERVER_TEST(NULL, wills_of_clean_sessions_end_with_the_server)
{
    struct peer *watcher;

    server->stores = true;
    watcher = peer_resumed(server, "watcher", MQTT_5_0, false);
    peer_subscribed(watcher, "w", 1);
    (void)mortal(server, "a", 0, 0);
    crash(server);
    peer_expect_nothing(peer_resumed(server, "watcher", MQTT_5_0, true));
}

SERVER_TEST(NULL, a_restored_will_is_judged_by_its_author)
{
    struct peer *watcher;

    server->stores = true;
    watcher = peer_resumed(server, "watcher", MQTT_5_0, false);
    peer_subscribed(watcher, "w", 1);
    (void)mortal(server, "a", 100, 0);
    server_dies(server, 0);
    server->disgraced = "alice";
    assert_int_equal(server_rises(server, server->shard_count), RESTORED);
    peer_expect_nothing(peer_resumed(server, "watcher", MQTT_5_0, true));
    assert_int_equal(server_told(server, "will.refused"), 1);
    assert_int_equal(model_store_count(&server->store, STORED_WILLS), 0);
}

/* ---- Retained messages ---- */

SERVER_TEST(NULL, retained_messages_outlive_the_server)
{
    struct peer *a;

    server->stores = true;
    a = peer_connected(server, "a", MQTT_5_0);
    peer_publishes(a, 3, "r/1", "1");
    peer_publishes(a, 3, "r/1", "2");
    peer_publishes(a, 5, "r/2", "3");
    peer_publishes(a, 1, "r/3", "4");
    peer_publishes(a, 1, "r/3", "");
    peer_send(a, "33 RL S'r/4' 0001 (02 0000000a 03 S'text' 26 S'k' S'v') '5'");
    peer_expect(a, "40 RL 0001 *");
    server_announces(server, "$SYS/uptime", "6", true);
    assert_int_equal(model_store_count(&server->store, STORED_RETAINED), 3);
    crash(server);
    assert_int_equal(server->restored.retained, 3);
    assert_int_equal(hub_count(server->hub, 0).retained, 3);
    clock_advance(server, 4000);
    a = peer_connected(server, "a", MQTT_5_0);
    peer_subscribed(a, "r/1", 2);
    peer_expect(a, "33 RL S'r/1' 0001 00 '2'");
    peer_subscribed(a, "r/2", 2);
    peer_expect(a, "35 RL S'r/2' 0002 00 '3'");
    peer_subscribed(a, "r/3", 2);
    peer_subscribed(a, "r/4", 2);
    peer_expect(a, "33 RL S'r/4' 0003 (02 00000006 03 S'text' 26 S'k' S'v') '5'");
    peer_expect_nothing(a);
    clock_advance(server, 8000);
    assert_int_equal(model_store_count(&server->store, STORED_RETAINED), 2);
}

SERVER_TEST(NULL, a_retained_message_that_is_read_waits_for_a_session_of_its_own)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 3, "r", "1");
    a = peer_resumed(server, "a", MQTT_5_0, false);
    peer_send(a, "82 RL 0001 (0b 03) S'r' 02");
    peer_take(a);
    peer_take(a);
    peer_publishes(b, 3, "r", "2");
    crash(server);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "3b RL S'r' 0001 (0b 03) '1' | 3a RL S'r' 0002 (0b 03) '2'");
    peer_expect_nothing(a);
    peer_send(a, "40 02 0001 | 40 02 0002");
    assert_int_equal(waiting_in_store(server), 0);
}

SERVER_TEST(NULL, authors_are_known_by_their_listener_after_a_restart)
{
    struct peer *alice;
    struct peer *reader;

    server->stores = true;
    alice = peer_open(server);
    peer_send(alice, "10 RL S'MQTT' 05 82 0000 00 S'id' S'alice'");
    peer_expect(alice, "20 RL 00 00 *");
    peer_publishes(alice, 3, "a", "1");
    server_dies(server, 0);
    /* The file has its listeners in another order now. */
    server->listener.number = 1;
    server->side_listener.number = 0;
    assert_int_equal(server_rises(server, server->shard_count), RESTORED);
    server->disgraced = "alice"; /* at `listener` */
    reader = peer_connected(server, "reader", MQTT_5_0);
    peer_subscribed(reader, "a", 0);
    peer_expect_nothing(reader);
    server->disgraced = NULL;
    peer_subscribed(reader, "a", 0);
    peer_expect(reader, "31 RL S'a' 00 '1'");
}

/* ---- Shared subscriptions ---- */

SERVER_TEST("MQTT5-4.8.2-4 MQTT5-4.8.2-5", shared_groups_outlive_the_server)
{
    struct peer *a;
    struct peer *b;
    struct peer *publisher;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = lasting(server, "b", 100, false);
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    peer_send(a, "82 RL 0001 (0b 04) S'$share/g/t' 02");
    peer_expect(a, "90 RL 0001 00 02");
    peer_publishes(publisher, 4, "t", "1");
    peer_publishes(publisher, 2, "t", "2");
    peer_expect(a, "34 RL S't' 0001 (0b 04) '1' | 32 RL S't' 0002 (0b 04) '2'");
    peer_subscribed(b, "$share/g/t", 1);
    peer_cut(b);
    peer_cut(a); /* and QoS 1 goes back to the group */
    peer_publishes(publisher, 2, "t", "3");
    crash(server);
    assert_int_equal(server->restored.messages, 3);
    assert_int_equal(server_waiting(server), 3);
    assert_int_equal(hub_count(server->hub, 0).shared_subscriptions, 1);
    /* What went out at QoS 2 stays with whom it went to. */
    b = lasting(server, "b", 100, true);
    peer_expect(b, "32 RL S't' .... 00 '2' | 32 RL S't' .... 00 '3'");
    peer_expect_nothing(b);
    peer_send(b, "40 02 0001 | 40 02 0002");
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "3c RL S't' 0001 (0b 04) '1'");
    peer_expect_nothing(a);
    peer_send(a, "50 02 0001");
    peer_expect(a, "62 02 0001");
    peer_send(a, "70 02 0001");
    assert_int_equal(waiting_in_store(server), 0);
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    peer_cut(b);
    peer_publishes(publisher, 2, "t", "identified");
    peer_expect(a, "32 RL S't' 0002 (0b 04) 'identified'");
    peer_send(a, "40 02 0002");
    b = lasting(server, "b", 100, true);
    peer_send(a, "a2 RL 0009 00 S'$share/g/t'");
    peer_expect(a, "b0 RL 0009 00 00");
    peer_publishes(publisher, 2, "t", "4");
    peer_expect(b, "32 RL S't' 0003 00 '4'");
    crash(server);
    b = lasting(server, "b", 100, true);
    peer_expect(b, "3a RL S't' .... 00 '4'");
}

SERVER_TEST(NULL, a_shared_group_lasts_as_long_as_a_member_that_does)
{
    struct peer *publisher;
    struct peer *a;
    struct peer *b;

    server->stores = true;
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    a = peer_connected(server, "a", MQTT_5_0);
    b = lasting(server, "b", 100, false);
    peer_subscribed(a, "$share/g/t", 1);
    peer_publishes(publisher, 2, "t", "1");
    assert_int_equal(waiting_in_store(server), 0);
    peer_subscribed(b, "$share/g/t", 1);
    peer_publishes(publisher, 2, "t", "2");
    assert_int_equal(waiting_in_store(server), 1);
    peer_send(b, "a2 RL 0001 00 S'$share/g/t'");
    peer_cut(a);
    assert_int_equal(model_store_count(&server->store, STORED_GROUPS), 0);
    assert_int_equal(waiting_in_store(server), 0);
}

/* What went to a member at QoS 2 ends with its session. */
SERVER_TEST("MQTT5-4.8.2-5", shared_messages_of_a_member_that_expires_are_discarded)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = lasting(server, "a", 10, false);
    b = lasting(server, "b", 100, false);
    peer_subscribed(a, "$share/g/t", 2);
    peer_publishes(b, 4, "t", "1");
    peer_expect(a, "34 RL S't' 0001 00 '1'");
    peer_subscribed(b, "$share/g/t", 2);
    crash(server);
    clock_advance(server, 11000);
    b = lasting(server, "b", 100, true);
    peer_expect_nothing(b);
    assert_int_equal(waiting_in_store(server), 0);
}

/* ---- Rights of who is absent ---- */

SERVER_TEST(NULL, an_unseen_client_loses_nothing_and_gets_only_what_it_may)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "#", 1);
    peer_cut(a);
    peer_publishes(b, 2, "good", "1");
    peer_publishes(b, 2, "bad/x", "2");
    assert_int_equal(waiting_in_store(server), 2);
    server_dies(server, 0);
    server->unreadable = "bad";
    assert_int_equal(server_rises(server, server->shard_count), RESTORED);
    server_changes_access(server);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "bad/y", "3");
    peer_publishes(b, 2, "good", "4");
    assert_int_equal(server_waiting(server), 4);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S'good' .... 00 '1' | 32 RL S'good' .... 00 '4'");
    peer_expect_nothing(a);
}

/* ---- What waits for the store ---- */

SERVER_TEST(NULL, nothing_is_acknowledged_before_it_is_durable)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    server->store_stops = true;
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'a' | 82 RL 0001 00 S't' 02");
    b = peer_connected(server, "b", MQTT_5_0);
    peer_expect_nothing(a);
    server_commits(server);
    peer_expect(a, "20 RL 00 00 *");
    server_commits(server);
    peer_expect(a, "90 RL 0001 00 02");
    peer_send(a, "82 RL 0003 00 S'$share/g/s' 01");
    peer_expect_nothing(a);
    server_commits(server);
    peer_expect(a, "90 RL 0003 00 01");
    peer_send(b, "32 RL S't' 0001 00 '1'");
    peer_expect_nothing(b);
    server_commits(server);
    peer_expect(b, "40 02 0001");
    peer_send(b, "33 RL S'r' 0002 00 '1'");
    peer_expect_nothing(b);
    server_commits(server);
    peer_expect(b, "40 RL 0002 *");
    peer_send(b, "33 RL S'r' 0003 00 ''");
    peer_expect_nothing(b);
    server_commits(server);
    peer_expect(b, "40 RL 0003 *");
    peer_expect(a, "32 RL S't' 0001 00 '1'");
    peer_send(a, "a2 RL 0004 00 S't'");
    peer_expect_nothing(a);
    server_commits(server);
    peer_expect(a, "b0 RL 0004 00 00");
    /* Who needs nothing kept waits for nothing. */
    peer_publishes(b, 2, "nobody", "1");
    peer_subscribed(b, "x", 1);
}

SERVER_TEST(NULL, what_was_not_durable_may_be_lost_and_was_not_acknowledged)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 1);
    peer_cut(a);
    server->store_stops = true;
    peer_send(b, "32 RL S't' 0001 00 '1'");
    peer_send(b, "32 RL S't' 0002 00 '2'");
    peer_expect_nothing(b);
    server_crashes(server, server->shard_count, 1);
    assert_int_equal(server_waiting(server), 1);
    server->store_stops = false;
    a = peer_resumed(server, "a", MQTT_5_0, true);
    /* DUP or not: that a was away is durable where both are of one shard. */
    peer_expect(a, ".. RL S't' 0001 00 '1'");
    peer_expect_nothing(a);
}

/* ---- A store that takes nothing ---- */

SERVER_TEST(NULL, a_sick_store_takes_no_sessions_and_the_others_go_on)
{
    struct peer *a;
    struct peer *b;
    struct peer *old;
    struct peer *refused;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    old = peer_resumed(server, "old", MQTT_3_1_1, false);
    peer_subscribed(a, "t", 1);
    peer_subscribed(old, "t", 1);
    server->store_health = STORAGE_FULL;
    b = peer_connected(server, "b", MQTT_5_0);
    clock_advance(server, 1);
    for (unsigned i = 0; i < server->shard_count; i++)
        server->shards[i].awake = true;
    server_run(server);
    refused = peer_open(server);
    peer_send(refused, "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'c'");
    peer_expect_end(refused, MQTT_SERVER_UNAVAILABLE);
    refused = peer_open(server);
    peer_send(refused, "10 RL S'MQTT' 04 00 0000 S'c'");
    peer_expect(refused, "20 02 00 03");
    peer_send(a, "82 RL 0001 00 S'x' 01 | a2 RL 0002 00 S't'");
    peer_expect(a, "90 RL 0001 00 97 | b0 RL 0002 00 83");
    peer_send(old, "82 RL 0001 S'x' 01");
    peer_expect(old, "90 RL 0001 80");
    peer_send(old, "a2 RL 0002 S't'");
    peer_expect_closed(old);
    peer_send(b, "33 RL S'r' 0001 00 '1' | 31 RL S'r' 00 '2'");
    peer_expect(b, "40 RL 0001 97 *");
    peer_expect_nothing(b);
    peer_subscribed(b, "y", 1);
    peer_publishes(b, 2, "y", "1");
    peer_expect(b, "32 RL S'y' 0001 00 '1'");
    assert_int_equal(hub_count(server->hub, 0).retained, 0);
    b = peer_connected(server, "b3", MQTT_3_1_1);
    peer_send(b, "33 RL S'r' 0001 '1'");
    peer_expect_closed(b);
    server->store_health = STORAGE_WELL;
}

/* ---- Values that are broken, and memory that is short ---- */

/* One record more, as if it had always been there. */
static void add_records(struct server *server, struct record_batch *batch)
{
    struct model_face face;
    struct storage storage = model_store_face(&server->store, &face, STORAGE_WAITS);

    storage.push(storage.context, batch);
    model_store_commit_all(&server->store);
}

static void set_entry(struct server *server, unsigned table, struct bytes key, struct bytes value)
{
    struct record_batch batch = { 0 };

    assert_true(records_set(&batch, table, key, value));
    add_records(server, &batch);
}

static void remove_entry(struct server *server, unsigned table, struct bytes key)
{
    struct record_batch batch = { 0 };

    assert_true(records_remove(&batch, table, key));
    add_records(server, &batch);
}

SERVER_TEST(NULL, a_broken_value_stops_the_start)
{
    const struct {
        unsigned table;
        struct bytes key;
        struct bytes value;
    } broken[] = {
        { STORED_SESSIONS, BYTES("x"), BYTES("") },
        { STORED_SESSIONS, BYTES("\xff"), BYTES("\0\0\0\0\0\0\0\1\1\0\0\0\0") },
        { STORED_SESSIONS, BYTES("x"), BYTES("\0\0\0\0\0\0\0\0\2\0\0\0\0") }, /* a's queue */
        { STORED_SUBSCRIPTIONS, BYTES("\0\0\0\0\0\0\0\1"), BYTES("\0\0\0\0\0") },
        { STORED_SUBSCRIPTIONS, BYTES("\0\0\0\0\0\0\0\1t"), BYTES("\3\0\0\0\0") },
        { STORED_INCOMING, BYTES("\0\0\0\0\0\0\0\1"), BYTES("") },
        { STORED_RELEASES, BYTES("\0\0\0\0\0\0\0\1\0\1"), BYTES("\0\0\0\0\0\0\0\1") },
        { STORED_GROUPS, BYTES("g/t"), BYTES("\0\0\0\0\0\0\0\0") },
        { STORED_RETAINED, BYTES("#"), BYTES("\0\0\0x") },
        { STORED_RETAINED, BYTES("r"), BYTES("\0\0\1rx") },
        { STORED_WILLS, BYTES("\0\0\0\0\0\0\0\0"), BYTES("") },
        { STORED_WILLS, BYTES("\0\0\0\0\0\0\0\4"), BYTES("\0") },
        { STORED_WILLS + 1, BYTES("x"), BYTES("") },
    };

    server->stores = true;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        peer_resumed(server, "a", MQTT_5_0, i > 0);
        server_dies(server, 0);
        set_entry(server, broken[i].table, broken[i].key, broken[i].value);
        if (server_rises(server, server->shard_count) != RESTORE_BROKEN)
            fail_msg("broken value %zu is taken", i);
        remove_entry(server, broken[i].table, broken[i].key);
        assert_int_equal(server_rises(server, server->shard_count), RESTORED);
    }
}

SERVER_TEST(NULL, what_is_nobodys_is_taken_out)
{
    struct record_batch batch = { 0 };
    const struct record_place place = { 77, BYTES("\1") };

    server->stores = true;
    peer_cut(peer_resumed(server, "a", MQTT_5_0, false));
    server_dies(server, 0);
    set_entry(server, STORED_SUBSCRIPTIONS, BYTES("\0\0\0\0\0\0\0\x4dt"), BYTES("\0\0\0\0\0"));
    set_entry(server, STORED_INCOMING, BYTES("\0\0\0\0\0\0\0\x4d\0\1"), BYTES(""));
    set_entry(server, STORED_RELEASES, BYTES("\0\0\0\0\0\0\0\x4d\0\1"), BYTES("\0\0\0\0\0\0\0\0"));
    set_entry(server, STORED_GROUPS, BYTES("g/t"), BYTES("\0\0\0\0\0\0\0\x4e"));
    memcpy(records_message(&batch, &place, 1, 4), "\0\0\1t", 4);
    add_records(server, &batch);
    assert_int_equal(server_rises(server, server->shard_count), RESTORED);
    assert_int_equal(server->restored.orphans, 5);
    assert_int_equal(model_store_count(&server->store, STORED_SUBSCRIPTIONS), 0);
    assert_int_equal(model_store_count(&server->store, STORED_INCOMING), 0);
    assert_int_equal(model_store_count(&server->store, STORED_RELEASES), 0);
    assert_int_equal(model_store_count(&server->store, STORED_GROUPS), 0);
    assert_int_equal(waiting_in_store(server), 0);
    assert_int_equal(model_store_count(&server->store, STORED_SESSIONS), 1);
}

/* All kinds of things, for starts that fail. */
static void fill(struct server *server)
{
    struct peer *a = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    (void)mortal(server, "mortal", 100, 10);
    peer_send(a, "82 RL 0001 (0b 01) S't' 02 | 82 RL 0002 (0b 02) S'#' 02");
    peer_send(a, "82 RL 0003 (0b 03) S'$share/g/t' 02");
    peer_send(a, "34 RL S'x' 0001 00 '1'");
    for (unsigned i = 0; i < 3; i++)
        peer_publishes(b, i == 0 ? 2 : 5, "t", "1");
    peer_send(a, "50 02 0002");
    peer_cut(a);
    peer_publishes(b, 4, "t", "2");
}

TEST(a_start_without_memory_leaves_all_as_it_was)
{
    struct server *server = server_new(2);
    enum restored restored = RESTORE_NO_MEMORY;
    uint64_t waiting;
    uint64_t failures = 0;

    server->stores = true;
    fill(server);
    waiting = server_waiting(server);
    server_dies(server, 0);
    for (uint64_t n = 0; restored == RESTORE_NO_MEMORY; n++) {
        restored = server_rises_failing(server, n);
        failures += restored == RESTORE_NO_MEMORY;
    }
    assert_int_equal(restored, RESTORED);
    assert_in_range(failures, 40, 1000);
    assert_int_equal(server_waiting(server), waiting);
    server_end(server);
}
