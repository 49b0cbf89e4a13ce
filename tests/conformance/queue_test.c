/* SPDX-License-Identifier: Apache-2.0 */
/* Queues that are full: the four policies, slow readers, and bursts. */
#include "broker/core/withheld.h"
#include "tests/harness/peer.h"

#include <stdlib.h>
#include <string.h>

/* A subscriber with one message in flight and two in its queue; the publisher's ids go on at 4. */
struct full {
    struct peer *subscriber;
    struct peer *publisher;
};

static struct full fill_queue(struct server *server, enum queue_full_policy policy)
{
    struct full full;

    server->settings.queue_full_policy = policy;
    server->settings.max_inflight_messages = 1;
    server->settings.max_queued_messages = 2;
    full.subscriber = peer_resumed(server, "subscriber", MQTT_5_0, false);
    full.publisher = peer_connected(server, "publisher", MQTT_5_0);
    peer_subscribed(full.subscriber, "t", 2);
    peer_send(full.publisher,
            "32 RL S't' 0001 00 '1' | 32 RL S't' 0002 00 '2' | "
            "34 RL S't' 0003 00 '3' | 62 02 0003");
    peer_expect(full.publisher, "40 02 0001 | 40 02 0002 | 50 02 0003 | 70 02 0003");
    peer_expect(full.subscriber, "32 RL S't' 0001 00 '1'");
    return full;
}

/* Acknowledges what is in flight, and expects this payload next, at QoS 1. */
static void expect_next(struct peer *subscriber, unsigned id, const char *payload)
{
    peer_send(subscriber, "40 02 %04x", id - 1);
    peer_expect(subscriber, "32 RL S't' %04x 00 '%s'", id, payload);
}

/* ---- The policies ---- */

SERVER_TEST(NULL, drop_new_loses_the_newest)
{
    struct full full = fill_queue(server, QUEUE_DROP_NEW);

    peer_send(full.publisher, "32 RL S't' 0004 00 '4'");
    /* Where every queue is known to be full, the publisher is told. */
    if (server->shard_count == 1)
        peer_expect(full.publisher, "40 RL 0004 97 *");
    else
        peer_expect(full.publisher, "40 RL 0004 *");
    expect_next(full.subscriber, 2, "2");
    peer_send(full.subscriber, "40 02 0002");
    peer_expect(full.subscriber, "34 RL S't' 0003 00 '3'");
    peer_send(full.subscriber, "50 03 0003 80");
    peer_expect_nothing(full.subscriber);
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 1);
    assert_int_equal(server_told(server, "message.dropped") > 0, 1);
}

SERVER_TEST(NULL, drop_old_loses_the_oldest)
{
    struct full full = fill_queue(server, QUEUE_DROP_OLD);

    peer_publishes(full.publisher, 2, "t", "4");
    peer_publishes(full.publisher, 2, "t", "5");
    expect_next(full.subscriber, 2, "4");
    expect_next(full.subscriber, 3, "5");
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 2);
}

SERVER_TEST(NULL, disconnect_ends_the_slow_subscriber)
{
    struct full full = fill_queue(server, QUEUE_DISCONNECT);

    peer_send(full.publisher, "32 RL S't' 0004 00 '4'");
    peer_expect(full.publisher, "40 RL 0004 *");
    peer_expect(full.subscriber, "e0 RL 97 *");
    peer_expect_closed(full.subscriber);
    /* While it is absent, new messages are dropped. */
    peer_send(full.publisher, "32 RL S't' 0005 00 '5'");
    peer_expect(full.publisher, "40 RL 0005 *");
    full.subscriber = peer_resumed(server, "subscriber", MQTT_5_0, true);
    peer_expect(full.subscriber, "3a RL S't' 0001 00 '1'");
    expect_next(full.subscriber, 2, "2");
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 2);
}

SERVER_TEST("MQTT5-4.6.0-2 MQTT311-4.6.0-2", backpressure_withholds_acknowledgements)
{
    struct full full = fill_queue(server, QUEUE_BACKPRESSURE);
    struct peer *other = peer_connected(server, "other", MQTT_5_0);

    peer_send(full.publisher,
            "32 RL S't' 0004 00 '4' | c0 00 | 32 RL S'nobody' 0006 00 'x' | "
            "32 RL S't' 0005 00 '5'");
    peer_expect(full.publisher, "d0 00");
    peer_expect_nothing(full.publisher);
    peer_send(other, "34 RL S't' 0001 00 'o'");
    peer_expect_nothing(other);
    expect_next(full.subscriber, 2, "2");
    peer_send(full.subscriber, "40 02 0002");
    peer_expect(full.subscriber, "34 RL S't' 0003 00 '3'");
    peer_send(full.subscriber, "50 03 0003 80");
    peer_expect(full.subscriber, "32 RL S't' 0004 00 '4'");
    /* 5 and o still fill it. */
    peer_expect_nothing(full.publisher);
    peer_send(full.subscriber, "40 02 0004");
    peer_expect(full.publisher, "40 02 0004 | 40 03 0006 10 | 40 02 0005");
    peer_expect(other, "50 02 0001");
    peer_expect(full.subscriber, "32 RL S't' 0005 00 '5'");
    peer_send(full.subscriber, "40 02 0005");
    peer_expect(full.subscriber, "34 RL S't' 0006 00 'o'");
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 0);
}

SERVER_TEST("MQTT5-3.3.4-7", backpressure_counts_against_receive_maximum)
{
    struct full full = fill_queue(server, QUEUE_BACKPRESSURE);

    for (unsigned i = 1; i <= 20; i++)
        peer_send(full.publisher, "32 RL S't' %04x 00 'x'", i);
    peer_expect_nothing(full.publisher);
    peer_send(full.publisher, "32 RL S't' 0015 00 'x'");
    peer_expect_end(full.publisher, MQTT_RECEIVE_MAXIMUM_EXCEEDED);
}

SERVER_TEST(NULL, backpressure_leaves_a_reckless_publisher_unread)
{
    struct full full = fill_queue(server, QUEUE_BACKPRESSURE);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    unsigned count = 0;

    for (unsigned i = 1; i <= 3000; i++)
        peer_send(old, "32 RL S't' %04x 'x'", i);
    peer_expect_nothing(old);
    assert_true(peer_unread(old) > 1900 * 8);
    peer_connected(server, "subscriber", MQTT_5_0); /* The session ends. */
    while (peer_take(old).size > 0)
        count++;
    assert_int_equal(count, 3000);
    assert_int_equal(peer_unread(old), 0);
    peer_expect_end(full.subscriber, MQTT_SESSION_TAKEN_OVER);
}

enum { RECKLESS = WITHHELD_MAX + 100 };

/* Takes what has come, and acknowledges the messages; the number of acknowledgements of its own. */
static unsigned take_and_acknowledge(struct peer *peer)
{
    unsigned acknowledged = 0;

    for (struct bytes got; (got = peer_take(peer)).size > 0;) {
        if (got.data[0] == 0x40)
            acknowledged++;
        else
            peer_send(peer, "40 02 %02x%02x", got.data[5], got.data[6]);
    }
    return acknowledged;
}

/* What it acknowledges lies behind what it publishes, which is not read. */
SERVER_TEST(NULL, backpressure_does_not_wait_for_who_is_left_unread)
{
    const char *const ids[] = { "a", "b", "c" };
    const char *const to[] = { "b", "a", "c" }; /* The last one talks to itself. */
    struct peer *peers[3];
    unsigned acknowledged[3] = { 0 };

    server->settings.queue_full_policy = QUEUE_BACKPRESSURE;
    server->settings.max_inflight_messages = 1;
    server->settings.max_queued_messages = 1;
    for (unsigned i = 0; i < 3; i++) {
        peers[i] = peer_connected(server, ids[i], MQTT_3_1_1);
        peer_subscribed(peers[i], ids[i], 1);
    }
    for (unsigned n = 1; n <= RECKLESS; n++) {
        for (unsigned i = 0; i < 3; i++)
            peer_send(peers[i], "32 RL S'%s' %04x", to[i], n);
    }
    for (unsigned n = 0; n < RECKLESS; n++) {
        for (unsigned i = 0; i < 3; i++)
            acknowledged[i] += take_and_acknowledge(peers[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(acknowledged[i], RECKLESS);
    assert_int_equal(server_waiting(server), 0);
}

/* Both are read before either's messages come to the other. */
SERVER_TEST(NULL, backpressure_does_not_wait_for_who_has_been_left_unread_meanwhile)
{
    struct peer *peers[4];
    char id[2] = "";
    unsigned acknowledged = 0;

    server->settings.queue_full_policy = QUEUE_BACKPRESSURE;
    server->settings.max_inflight_messages = 1;
    server->settings.max_queued_messages = 1;
    server->mailbox_slots = 8192;
    for (unsigned i = 0; i < 4; i++) {
        id[0] = (char)('a' + i);
        peers[i] = peer_connected(server, id, MQTT_3_1_1);
        peer_subscribed(peers[i], id, 1);
    }
    for (unsigned n = 1; n <= RECKLESS; n++) {
        if (n == 3) /* The queues are full. */
            server_holds(server, true);
        for (unsigned i = 0; i < 4; i++)
            peer_send(peers[i], "32 RL S'%c' %04x", 'a' + (int)(i ^ 1), n);
    }
    server_holds(server, false);
    for (unsigned n = 0; n < RECKLESS; n++) {
        for (unsigned i = 0; i < 4; i++)
            acknowledged += take_and_acknowledge(peers[i]);
    }
    assert_int_equal(acknowledged, 4 * RECKLESS);
    assert_int_equal(server_waiting(server), 0);
}

/* A group's only member talks to the group. */
SERVER_TEST(NULL, backpressure_of_a_group_does_not_wait_for_who_is_left_unread)
{
    struct peer *peers[2];
    unsigned acknowledged = 0;

    server->settings.queue_full_policy = QUEUE_BACKPRESSURE;
    server->settings.max_inflight_messages = 1;
    server->settings.max_queued_messages = 1;
    server->mailbox_slots = 8192;
    for (unsigned i = 0; i < 2; i++) {
        peers[i] = peer_connected(server, i == 0 ? "a" : "b", MQTT_3_1_1);
        peer_subscribed(peers[i], i == 0 ? "$share/g/a" : "$share/g/b", 1);
    }
    server_holds(server, true);
    for (unsigned n = 1; n <= RECKLESS; n++) {
        for (unsigned i = 0; i < 2; i++)
            peer_send(peers[i], "32 RL S'%c' %04x", n % 2 ? 'a' : 'b', n);
    }
    server_holds(server, false);
    for (unsigned n = 0; n < 2 * RECKLESS; n++) {
        for (unsigned i = 0; i < 2; i++)
            acknowledged += take_and_acknowledge(peers[i]);
    }
    assert_int_equal(acknowledged, 2 * RECKLESS);
    assert_int_equal(server_waiting(server), 0);
}

enum { DEAF_BATCH = 500, DEAF = (UINT16_MAX + 4 * WITHHELD_MAX) / DEAF_BATCH * DEAF_BATCH };

/* Publishes a batch of messages without payload, reads, and acknowledges nothing. */
static void publish_deaf(struct peer *peer, const char *topic)
{
    uint8_t packets[DEAF_BATCH * 16];
    uint8_t *end = packets;
    size_t topic_size = strlen(topic);

    for (unsigned id = 1; id <= DEAF_BATCH; id++) {
        *end++ = 0x32;
        *end++ = (uint8_t)(topic_size + 4);
        *end++ = 0;
        *end++ = (uint8_t)topic_size;
        memcpy(end, topic, topic_size);
        end += topic_size;
        *end++ = (uint8_t)(id >> 8);
        *end++ = (uint8_t)id;
    }
    peer_send_bytes(peer, bytes_of(packets, (size_t)(end - packets)));
    while (peer_take(peer).size > 0)
        ;
}

/* It holds its own queue, another's, or a group's. */
SERVER_TEST(NULL, backpressure_ends_who_fills_queues_and_acknowledges_nothing)
{
    const char *const ids[] = { "self", "left", "right", "member" };
    const char *const filters[] = { "self", "left", "right", "$share/g/group" };
    const char *const to[] = { "self", "right", "left", "group" };
    struct peer *peers[4];

    server->settings.queue_full_policy = QUEUE_BACKPRESSURE;
    server->settings.max_inflight_messages = 1;
    server->settings.max_queued_messages = 1;
    for (unsigned i = 0; i < 4; i++) {
        peers[i] = peer_connected(server, ids[i], MQTT_3_1_1);
        peer_subscribed(peers[i], filters[i], 1);
    }
    for (unsigned n = 0; n < DEAF; n += DEAF_BATCH) {
        for (unsigned i = 0; i < 4; i++)
            publish_deaf(peers[i], to[i]);
    }
    /* Of the two in the middle one is enough. */
    assert_int_equal(server_told(server, "client.disconnected"), 3);
    peer_expect_closed(peers[0]);
    peer_expect_closed(peers[3]);
    assert_in_range(server_waiting(server), 0, DEAF);
}

SERVER_TEST(NULL, backpressure_ends_with_the_session)
{
    struct full full = fill_queue(server, QUEUE_BACKPRESSURE);

    peer_send(full.publisher, "32 RL S't' 0004 00 '4'");
    peer_cut(full.subscriber);
    peer_expect_nothing(full.publisher);
    clock_advance(server, 3600000);
    peer_expect_nothing(full.publisher);
    peer_connected(server, "subscriber", MQTT_5_0);
    peer_expect(full.publisher, "40 02 0004");
    peer_send(full.publisher, "32 RL S't' 0005 00 '5'");
    peer_expect(full.publisher, "40 03 0005 10");
}

SERVER_TEST(NULL, backpressure_outlives_its_publisher)
{
    struct full full = fill_queue(server, QUEUE_BACKPRESSURE);
    struct peer *again;

    peer_send(full.publisher, "32 RL S't' 0004 00 '4'");
    peer_cut(full.publisher);
    again = peer_connected(server, "publisher", MQTT_5_0);
    expect_next(full.subscriber, 2, "2");
    peer_send(full.subscriber, "40 02 0002");
    peer_expect(full.subscriber, "34 RL S't' 0003 00 '3'");
    peer_send(full.subscriber, "50 03 0003 80");
    peer_expect(full.subscriber, "32 RL S't' 0004 00 '4'");
    peer_send(full.subscriber, "40 02 0004");
    peer_expect_nothing(full.subscriber);
    peer_expect_nothing(again);
}

SERVER_TEST(NULL, backpressure_of_a_group)
{
    struct peer *subscriber;
    struct peer *publisher;

    server->settings.queue_full_policy = QUEUE_BACKPRESSURE;
    server->settings.max_inflight_messages = 1;
    server->settings.max_queued_messages = 1;
    subscriber = peer_connected(server, "subscriber", MQTT_5_0);
    publisher = peer_connected(server, "publisher", MQTT_3_1_1);
    peer_subscribed(subscriber, "$share/g/t", 1);
    peer_send(publisher, "32 RL S't' 0001 '1' | 32 RL S't' 0002 '2' | 32 RL S't' 0003 '3'");
    peer_expect(publisher, "40 02 0001 | 40 02 0002");
    peer_expect_nothing(publisher);
    peer_expect(subscriber, "32 RL S't' 0001 00 '1'");
    expect_next(subscriber, 2, "2");
    peer_expect(publisher, "40 02 0003");
    expect_next(subscriber, 3, "3");
}

SERVER_TEST(NULL, a_group_has_the_same_limits)
{
    struct peer *subscriber;
    struct peer *publisher;

    server->settings.max_queued_messages = 2;
    subscriber = peer_resumed(server, "subscriber", MQTT_5_0, false);
    publisher = peer_connected(server, "publisher", MQTT_3_1_1);
    peer_subscribed(subscriber, "$share/g/t", 1);
    peer_cut(subscriber);
    peer_publishes(publisher, 2, "t", "1");
    peer_publishes(publisher, 2, "t", "2");
    peer_publishes(publisher, 2, "t", "3");
    server->settings.queue_full_policy = QUEUE_DROP_OLD;
    peer_publishes(publisher, 2, "t", "4");
    subscriber = peer_resumed(server, "subscriber", MQTT_5_0, true);
    peer_expect(subscriber, "32 RL S't' 0001 00 '2' | 32 RL S't' 0002 00 '4'");
    peer_expect_nothing(subscriber);
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 2);
}

SERVER_TEST(NULL, queues_are_limited_in_bytes_too)
{
    struct peer *subscriber;
    struct peer *publisher;

    server->settings.max_queued_bytes = 10;
    subscriber = peer_resumed(server, "subscriber", MQTT_5_0, false);
    publisher = peer_connected(server, "publisher", MQTT_3_1_1);
    peer_subscribed(subscriber, "t", 1);
    peer_cut(subscriber);
    peer_publishes(publisher, 2, "t", "six...");
    peer_publishes(publisher, 2, "t", "five.");
    peer_publishes(publisher, 2, "t", "1");
    subscriber = peer_resumed(server, "subscriber", MQTT_5_0, true);
    peer_expect(subscriber, "32 RL S't' 0001 00 'six...' | 32 RL S't' 0002 00 'five.'");
    peer_expect_nothing(subscriber);
}

/* ---- Slow readers and bursts ---- */

SERVER_TEST(NULL, qos_0_for_a_slow_reader_is_dropped)
{
    struct peer *slow;
    struct peer *publisher;
    unsigned count = 0;

    server->settings.qos0_backlog_bytes_max = 2000;
    slow = peer_connected(server, "slow", MQTT_5_0);
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    peer_subscribed(slow, "t", 1);
    peer_stop_reading(slow);
    for (unsigned i = 0; i < 100; i++)
        peer_publishes(publisher, 0, "t", "hundred...hundred...hundred...hundred...");
    peer_publishes(publisher, 2, "t", "kept");
    assert_true(server_count(server, dropped[DROP_SLOW_READER]) > 50);
    peer_read_on(slow);
    for (struct bytes got; (got = peer_take(slow)).size > 0 && got.data[0] == 0x30;)
        count++;
    assert_int_equal(count + server_count(server, dropped[DROP_SLOW_READER]), 100);
    peer_send(slow, "40 02 0001");
    assert_int_equal(server_waiting(server), 0);
}

SERVER_TEST(NULL, a_burst_is_written_out_in_between)
{
    enum { MESSAGES = 3000, SIZE = 1000 };
    struct peer *reader = peer_connected(server, "reader", MQTT_3_1_1);
    struct peer *publisher = peer_connected(server, "publisher", MQTT_3_1_1);
    uint8_t *burst = malloc((size_t)MESSAGES * SIZE);
    unsigned count = 0;

    assert_non_null(burst);
    for (unsigned i = 0; i < MESSAGES; i++) {
        uint8_t *packet = burst + (size_t)i * SIZE;

        memset(packet, 'x', SIZE);
        memcpy(packet, (uint8_t[]){ 0x30, 0xE5, 0x07, 0, 1, 't' }, 6);
    }
    peer_subscribed(reader, "t", 0);
    /* Three times what may wait for a slow connection, in one read. */
    peer_send_bytes(publisher, bytes_of(burst, (size_t)MESSAGES * SIZE));
    while (peer_take(reader).size > 0)
        count++;
    assert_int_equal(count, MESSAGES);
    free(burst);
}

SERVER_TEST(NULL, who_reads_no_answers_is_not_read)
{
    enum { PINGS = 100000 };
    struct peer *peer = peer_connected(server, "peer", MQTT_5_0);
    uint8_t *pings = malloc(2 * PINGS);
    unsigned count = 0;

    assert_non_null(pings);
    for (size_t i = 0; i < PINGS; i++)
        memcpy(pings + 2 * i, (uint8_t[]){ 0xC0, 0 }, 2);
    peer_stop_reading(peer);
    peer_send_bytes(peer, bytes_of(pings, 2 * PINGS));
    assert_true(peer_unread(peer) > 2 * PINGS - (70 << 10));
    peer_read_on(peer);
    while (peer_take(peer).size > 0)
        count++;
    assert_int_equal(count, PINGS);
    free(pings);
}
