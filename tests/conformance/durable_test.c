/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for the store before a client is told, and what does not. */
#include "broker/core/durable.h"
#include "tests/harness/peer.h"

/* A server with a store in which nothing becomes durable before server_commits(). */
static void stop_store(struct server *server)
{
    server->stores = true;
    server_start(server);
    server->store_stops = true;
}

/* An absent session that is to get what is published to "t". */
static void leave_subscriber(struct server *server, const char *id, uint8_t qos)
{
    struct peer *peer = peer_resumed(server, id, MQTT_5_0, false);

    peer_subscribed(peer, "t", qos);
    peer_cut(peer);
}

SERVER_TEST(NULL, puback_waits_where_somebody_absent_is_to_get_it)
{
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "a", 1);
    b = peer_connected(server, "b", MQTT_5_0);
    server->store_stops = true;
    peer_send(b, "32 RL S't' 0001 00 'x' | 32 RL S'u' 0002 00 'y' | c0 00");
    peer_expect(b, "d0 00");
    peer_expect_nothing(b); /* The second one's keeps its place behind the first. */
    server_commits(server);
    peer_expect(b, "40 02 0001 | 40 03 0002 10");
}

SERVER_TEST(NULL, puback_does_not_wait_where_nobody_lasting_is_to_get_it)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "other", 0);
    a = peer_connected(server, "a", MQTT_5_0);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 1);
    server->store_stops = true;
    peer_send(b, "32 RL S't' 0001 00 'x'");
    peer_expect(b, "40 02 0001");
    peer_expect(a, "32 RL S't' 0001 00 'x'");
}

SERVER_TEST(NULL, qos_2_waits_at_each_step)
{
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "a", 2);
    b = peer_resumed(server, "b", MQTT_5_0, false);
    server->store_stops = true;
    peer_send(b, "34 RL S't' 0001 00 'x'");
    peer_expect_nothing(b);
    server_commits(server);
    peer_expect(b, "50 02 0001");
    peer_send(b, "62 02 0001");
    peer_expect_nothing(b);
    server_commits(server);
    peer_expect(b, "70 02 0001");
}

SERVER_TEST(NULL, qos_2_goes_out_when_its_packet_id_is_stored)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 2);
    server->store_stops = true;
    peer_send(b, "34 RL S't' 0001 00 'x' | 32 RL S't' 0002 00 'y'");
    peer_expect_nothing(a); /* QoS 1 waits its turn behind it. */
    server_commits(server);
    peer_expect(b, "50 02 0001 | 40 02 0002");
    peer_expect(a, "34 RL S't' 0001 00 'x' | 32 RL S't' 0002 00 'y'");
    peer_send(a, "50 02 0001");
    peer_expect_nothing(a); /* PUBREL says that the message is forgotten. */
    server_commits(server);
    peer_expect(a, "62 02 0001");
}

SERVER_TEST(NULL, qos_1_goes_out_before_it_is_stored)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 1);
    server->store_stops = true;
    peer_send(b, "32 RL S't' 0001 00 'x'");
    peer_expect(a, "32 RL S't' 0001 00 'x'");
    peer_expect_nothing(b);
}

SERVER_TEST(NULL, with_durability_always_qos_1_waits_too)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    server->patience = STORAGE_WAITS_MORE;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(a, "t", 1);
    server->store_stops = true;
    peer_send(b, "32 RL S't' 0001 00 'x'");
    peer_expect_nothing(a);
    server_commits(server);
    peer_expect(a, "32 RL S't' 0001 00 'x'");
    peer_expect(b, "40 02 0001");
}

SERVER_TEST(NULL, with_an_impatient_store_nothing_waits)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    server->patience = STORAGE_NEVER_WAITS;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_resumed(server, "b", MQTT_5_0, false);
    peer_subscribed(a, "t", 2);
    server->store_stops = true;
    peer_send(b, "34 RL S't' 0001 00 'x' | 62 02 0001");
    peer_expect(b, "50 02 0001 | 70 02 0001");
    peer_expect(a, "34 RL S't' 0001 00 'x'");
}

SERVER_TEST(NULL, nothing_overtakes_a_connack_that_waits)
{
    struct peer *a;

    stop_store(server);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'a' | 82 RL 0001 00 S't' 00 | c0 00");
    peer_expect_nothing(a);
    server_announces(server, "t", "x", false);
    peer_expect_nothing(a);
    server_commits(server);
    peer_expect(a, "20 RL 00 00 *");
    while (peer_untaken(a) > 0)
        peer_take(a);
}

/* A long backlog comes back from the store, in order and once. */
SERVER_TEST(NULL, a_backlog_is_fetched_as_it_is_read)
{
    enum { MANY = 1000 };
    struct peer *a;
    struct peer *b;

    server->stores = true;
    server->settings.max_queued_messages = 0;
    leave_subscriber(server, "a", 1);
    b = peer_connected(server, "b", MQTT_3_1_1);
    for (unsigned i = 1; i <= MANY; i++) {
        peer_send(b, "32 RL S't' %04x '%04u'", i, i);
        peer_expect(b, "40 02 %04x", i);
    }
    assert_int_equal(server_waiting(server), MANY);
    assert_true(server_count(server, messages) < 100); /* in memory */
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    for (unsigned i = 1; i <= MANY; i++) {
        peer_expect(a, "32 RL S't' %04x '%04u'", i, i);
        peer_send(a, "40 02 %04x", i);
    }
    peer_expect_nothing(a);
    assert_int_equal(server_waiting(server), 0);
    clock_advance(server, DURABLE_LAZY_MS); /* So long may it take until that is said. */
    assert_int_equal(server->store.items.count, 0);
}

SERVER_TEST(NULL, what_comes_meanwhile_waits_behind_a_backlog)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "a", 1);
    b = peer_connected(server, "b", MQTT_3_1_1);
    for (unsigned i = 1; i <= 100; i++)
        peer_publishes(b, 2, "t", "old");
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    peer_publishes(b, 2, "t", "new");
    for (unsigned i = 1; i <= 101; i++) {
        peer_expect(a, "32 RL S't' %04x '%s'", i, i <= 100 ? "old" : "new");
        peer_send(a, "40 02 %04x", i);
    }
    peer_expect_nothing(a);
}

/* A client that subscribes anew gets the retained message of a topic after all older ones. */
SERVER_TEST(NULL, a_retained_message_comes_behind_a_backlog)
{
    enum { MANY = 1000 };
    struct peer *a;
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "a", 1);
    b = peer_connected(server, "b", MQTT_3_1_1);
    for (unsigned i = 1; i <= MANY; i++) {
        peer_send(b, "33 RL S't' %04x '%04u'", i, i);
        peer_expect(b, "40 02 %04x", i);
    }
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 04 00 0000 S'a' | 82 RL 0001 S't' 01");
    peer_expect(a, "20 02 01 00 | 90 03 0001 01");
    peer_publishes(b, 2, "t", "new"); /* It waits no longer than for what was there. */
    for (unsigned i = 1; i <= MANY; i++) {
        peer_expect(a, "32 RL S't' %04x '%04u'", i, i);
        peer_send(a, "40 02 %04x", i);
    }
    peer_expect(a, "33 RL S't' %04x '%04u'", MANY + 1, MANY);
    peer_expect(a, "32 RL S't' %04x 'new'", MANY + 2);
}

SERVER_TEST(NULL, a_disk_that_does_not_read_ends_the_connection_and_loses_nothing)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "a", 1);
    b = peer_connected(server, "b", MQTT_5_0);
    for (unsigned i = 1; i <= 100; i++)
        peer_publishes(b, 2, "t", "x");
    server->store.deaf = true;
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'a'");
    peer_expect(a, "20 RL 01 00 *");
    while (peer_untaken(a) > 0)
        peer_take(a);
    assert_int_equal(server_told(server, "store.unreadable"), 1);
    assert_false(peer_is_open(a));
    assert_int_equal(server_waiting(server), 100);
}

SERVER_TEST(NULL, a_full_disk_refuses_what_must_be_stored_and_nothing_else)
{
    struct peer *a;
    struct peer *b;
    struct peer *c;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_connected(server, "b", MQTT_5_0);
    c = peer_connected(server, "c", MQTT_3_1_1);
    peer_subscribed(a, "t", 1);
    server->store_health = STORAGE_FULL;
    server_run(server);
    clock_advance(server, 1);
    peer_send(b, "32 RL S't' 0001 00 'x' | 30 RL S't' 00 'y' | 32 RL S'u' 0002 00 'z'");
    peer_expect(b, "40 RL 0001 97 * | 40 03 0002 10");
    peer_expect(a, "30 RL S't' 00 'y'");
    peer_send(c, "32 RL S't' 0001 'x'");
    peer_expect_closed(c); /* It cannot be told, and will send it again. */
    server->store_health = STORAGE_WELL;
    clock_advance(server, 1);
    peer_publishes(b, 2, "t", "again");
    peer_expect(a, "32 RL S't' 0001 00 'again'");
}

SERVER_TEST(NULL, a_will_that_cannot_be_stored_is_told)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "keeper", 1);
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 04 0e 0000 S'a' S't' S'gone'");
    peer_expect(a, "20 02 00 00");
    b = peer_open(server);
    peer_send(b, "10 RL S'MQTT' 04 0e 0000 S'b' S'u' S'gone'");
    peer_expect(b, "20 02 00 00");
    server->store_health = STORAGE_FULL;
    server_run(server);
    clock_advance(server, 1);
    peer_cut(a);
    assert_int_equal(server_told(server, "will.refused"), 1);
    peer_cut(b); /* Nobody is to keep it. */
    assert_int_equal(server_told(server, "will.refused"), 1);
    server->store_health = STORAGE_WELL;
    clock_advance(server, 1);
    assert_int_equal(server_waiting(server), 0);
}

/* Each shard is told. */
static void be(struct server *server, enum storage_health health)
{
    server->store_health = health;
    clock_advance(server, 1);
    for (unsigned i = 0; i < server->shard_count; i++)
        server->shards[i].awake = true;
    server_run(server);
}

/* Who is to be refused, and is not told that the disk is dead. */
static void expect_no_room(struct server *server)
{
    struct peer *b = peer_connected(server, "b", MQTT_5_0);
    struct peer *c = peer_connected(server, "c", MQTT_3_1_1);
    struct peer *refused = peer_open(server);

    peer_send(refused, "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'new'");
    peer_expect_end(refused, MQTT_SERVER_UNAVAILABLE);
    peer_send(b, "32 RL S't' 0001 00 'x' | 33 RL S'r' 0002 00 'x' | 32 RL S'u' 0003 00 'x'");
    peer_expect(b, "40 RL 0001 97 * | 40 RL 0002 97 * | 40 03 0003 10");
    peer_send(c, "32 RL S't' 0001 'x'");
    peer_expect_closed(c);
}

SERVER_TEST(NULL, from_a_full_disk_with_a_reserve_what_waits_is_taken)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    leave_subscriber(server, "a", 2);
    b = peer_connected(server, "p", MQTT_5_0);
    peer_publishes(b, 2, "t", "1");
    peer_send(b, "34 RL S't' 0007 00 '2' | 62 02 0007 | 33 RL S'gone' 0008 00 'x'");
    peer_expect(b, "50 02 0007 | 70 02 0007 | 40 03 0008 10");
    be(server, STORAGE_SCARCE);
    expect_no_room(server);
    peer_send(b, "33 RL S'gone' 0009 00");
    peer_expect(b, "40 03 0009 10");
    assert_int_equal(hub_count(server->hub, 0).retained, 0);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_expect(a, "32 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2'");
    peer_send(a, "40 02 0001 | 50 02 0002");
    peer_expect(a, "62 02 0002");
    /* Clients ask again for what they have, and nothing is to be written for that. */
    peer_send(a, "70 02 0002 | 82 RL 0003 00 S't' 02 S't' 01 S't' 06 S't' 0a S'more' 01");
    peer_expect(a, "90 RL 0003 00 02 97 97 97 97");
    peer_send(a, "a2 RL 0004 00 S't'");
    peer_expect(a, "b0 RL 0004 00 00");
    clock_advance(server, DURABLE_LAZY_MS);
    assert_int_equal(server->store.items.count, 0);
    peer_send(a, "e0 02 00 00");
    peer_expect_closed(a);
    be(server, STORAGE_WELL);
    a = peer_resumed(server, "a", MQTT_5_0, true);
    peer_subscribed(a, "t", 1);
    peer_publishes(b, 2, "t", "again");
    peer_expect(a, "32 RL S't' 0003 00 'again'");
}

SERVER_TEST(NULL, nothing_is_left_of_what_is_done_with)
{
    struct peer *a;
    struct peer *b;

    server->stores = true;
    a = peer_resumed(server, "a", MQTT_5_0, false);
    b = peer_resumed(server, "b", MQTT_5_0, false);
    peer_subscribed(a, "t", 2);
    peer_send(b, "34 RL S't' 0001 00 'x' | 62 02 0001 | 32 RL S't' 0002 00 'y'");
    peer_expect(b, "50 02 0001 | 70 02 0001 | 40 02 0002");
    peer_expect(a, "34 RL S't' 0001 00 'x' | 32 RL S't' 0002 00 'y'");
    peer_send(a, "50 02 0001 | 70 02 0001 | 40 02 0002");
    peer_expect(a, "62 02 0001");
    clock_advance(server, DURABLE_LAZY_MS); /* So long may it take until that is said. */
    assert_int_equal(server->store.items.count, 0);
}

SERVER_TEST(NULL, a_dead_disk_ends_whom_it_owes_an_answer)
{
    struct peer *b;
    struct peer *c;
    struct peer *d;

    server->stores = true;
    leave_subscriber(server, "a", 1);
    b = peer_connected(server, "b", MQTT_5_0);
    c = peer_connected(server, "c", MQTT_5_0);
    d = peer_resumed(server, "d", MQTT_5_0, false);
    peer_send(d, "34 RL S't' 0007 00 'x'");
    peer_expect(d, "50 02 0007");
    server->store_stops = true;
    peer_send(b, "32 RL S't' 0001 00 'x'");
    server->store_health = STORAGE_DEAD;
    clock_advance(server, DURABLE_LAZY_MS);
    peer_expect_end(b, MQTT_IMPLEMENTATION_ERROR);
    peer_send(d, "62 02 0007"); /* PUBCOMP would have to wait for it. */
    clock_advance(server, DURABLE_LAZY_MS);
    peer_expect_end(d, MQTT_IMPLEMENTATION_ERROR);
    peer_send(c, "32 RL S't' 0001 00 'x' | 34 RL S'u' 0002 00 'x' | 30 RL S't' 00 'x' | c0 00");
    peer_expect(c, "40 RL 0001 83 * | 50 03 0002 10 | d0 00");
}

/* Who publishes faster than the disk writes is left unread before memory is full of it. */
SERVER_TEST(NULL, a_slow_disk_slows_who_publishes)
{
    enum { LARGE = 1 << 20 };
    static uint8_t payload[LARGE];
    struct peer *b;
    unsigned sent = 0;

    server->stores = true;
    leave_subscriber(server, "a", 1);
    b = peer_connected(server, "b", MQTT_3_1_1);
    server->store_stops = true;
    while (peer_unread(b) == 0 && sent < 100) {
        peer_send(b, "32 83 80 40 S't' %04x", ++sent); /* That is 2^20 + 3 + 2 bytes. */
        peer_send_bytes(b, bytes_of(payload, LARGE - 2));
    }
    assert_in_range(sent, DURABLE_WAITING_MAX / LARGE, DURABLE_WAITING_MAX / LARGE + 3);
    server_commits(server);
    assert_int_equal(peer_unread(b), 0);
    for (unsigned i = 1; i <= sent; i++)
        peer_expect(b, "40 02 %04x", i);
}

/* The store has what a group holds until a member has it; at QoS 2, until it was sent to one that
 * ends with the process. */
SERVER_TEST(NULL, a_groups_messages_leave_the_store_with_their_members)
{
    struct peer *absent;
    struct peer *a;
    struct peer *b;

    server->stores = true;
    absent = peer_resumed(server, "absent", MQTT_5_0, false);
    peer_subscribed(absent, "$share/g/t", 2);
    peer_cut(absent);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_publishes(b, 2, "t", "1");
    peer_publishes(b, 4, "t", "2");
    clock_advance(server, DURABLE_LAZY_MS);
    assert_int_equal(server->store.items.count, 2);
    a = peer_connected(server, "a", MQTT_5_0);
    peer_subscribed(a, "$share/g/t", 2);
    peer_expect(a, "32 RL S't' 0001 00 '1' | 34 RL S't' 0002 00 '2'");
    clock_advance(server, DURABLE_LAZY_MS);
    assert_int_equal(server->store.items.count, 1);
    peer_send(a, "40 02 0001");
    clock_advance(server, DURABLE_LAZY_MS);
    assert_int_equal(server->store.items.count, 0);
}

SERVER_TEST(NULL, a_groups_backlog_is_fetched_as_its_members_take_it)
{
    enum { MANY = 1000 };
    struct peer *a;
    struct peer *b;

    server->stores = true;
    server->settings.max_queued_messages = 0;
    a = peer_resumed(server, "a", MQTT_3_1_1, false);
    peer_subscribed(a, "$share/g/t", 1);
    peer_cut(a);
    b = peer_connected(server, "b", MQTT_3_1_1);
    for (unsigned i = 1; i <= MANY; i++) {
        peer_send(b, "32 RL S't' %04x '%04u'", i, i);
        peer_expect(b, "40 02 %04x", i);
    }
    assert_int_equal(server_waiting(server), MANY);
    assert_true(server_count(server, messages) < 300); /* in memory */
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    for (unsigned i = 1; i <= MANY; i++) {
        peer_expect(a, "32 RL S't' %04x '%04u'", i, i);
        peer_send(a, "40 02 %04x", i);
    }
    peer_expect_nothing(a);
    assert_int_equal(server_waiting(server), 0);
    clock_advance(server, DURABLE_LAZY_MS);
    assert_int_equal(server->store.items.count, 0);
}

/* With a limit the oldest of a spilled backlog give way, or the newest, as everywhere. */
SERVER_TEST(NULL, a_limit_holds_for_what_is_spilled_too)
{
    struct peer *a;
    struct peer *b;
    unsigned first;

    server->stores = true;
    server->settings.max_queued_messages = 500;
    leave_subscriber(server, "a", 1);
    a = peer_resumed(server, "g", MQTT_3_1_1, false);
    peer_subscribed(a, "$share/g/t", 1);
    peer_cut(a);
    b = peer_connected(server, "b", MQTT_3_1_1);
    for (unsigned i = 1; i <= 600; i++) {
        peer_send(b, "32 RL S't' %04x '%04u'", i, i);
        peer_expect(b, "40 02 %04x", i);
    }
    assert_int_equal(server_waiting(server), 1000); /* of the session and of the group */
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 200);
    server->settings.queue_full_policy = QUEUE_DROP_OLD;
    for (unsigned i = 601; i <= 950; i++) {
        peer_send(b, "32 RL S't' %04x '%04u'", i, i);
        peer_expect(b, "40 02 %04x", i);
    }
    a = peer_resumed(server, "a", MQTT_3_1_1, true);
    first = 351;
    peer_expect(a, "32 RL S't' 0001 '%04u'", first);
    assert_int_equal(server_waiting(server), 1000);
}
