/* SPDX-License-Identifier: Apache-2.0 */
/* Retained messages. */
#include "tests/harness/peer.h"

#include <stdlib.h>

/* What a new subscriber of this filter gets; it leaves again. */
static struct peer *newcomer(struct server *server, const char *filter, uint8_t options)
{
    struct peer *peer = peer_connected(server, "newcomer", MQTT_5_0);

    peer_send(peer, "82 RL 0001 00 S'%s' %02x", filter, options);
    peer_expect(peer, "90 RL 0001 00 %02x", options & 3);
    return peer;
}

SERVER_TEST("MQTT5-3.3.1-5 MQTT5-3.3.1-8 MQTT311-3.3.1-5 MQTT311-3.3.1-7 MQTT311-3.3.1-8 "
            "MQTT311-3.3.1-12 U5-3.3.1.3-1 U5-3.3.1.3-3 U5-4.1-2 MQTT311-3.1.2-7",
        the_last_retained_message_is_kept)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    struct peer *peer;

    peer_publishes(publisher, 3, "a", "old");
    peer_publishes(publisher, 1, "a", "new");
    peer_publishes(publisher, 0, "a", "passing");
    peer_send(publisher, "e0 00");
    peer = newcomer(server, "a", 2);
    peer_expect(peer, "31 RL S'a' 00 'new'");
    peer_expect_nothing(peer);
    peer_publishes(old, 3, "a", "with qos");
    peer_expect(peer, "32 RL S'a' 0001 00 'with qos'");
    peer = newcomer(server, "a", 2);
    peer_expect(peer, "33 RL S'a' 0001 00 'with qos'");
    peer_subscribed(old, "a", 0);
    peer_expect(old, "31 RL S'a' 'with qos'");
}

SERVER_TEST("MQTT5-3.3.1-6 MQTT5-3.3.1-7 MQTT311-3.3.1-10 MQTT311-3.3.1-11",
        an_empty_message_takes_it_away)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *live = peer_connected(server, "live", MQTT_5_0);
    struct peer *peer;

    peer_subscribed(live, "a", 0);
    peer_publishes(publisher, 1, "a", "x");
    peer_publishes(publisher, 1, "a", "");
    peer_expect(live, "30 RL S'a' 00 'x' | 30 RL S'a' 00");
    peer = newcomer(server, "a", 0);
    peer_expect_nothing(peer);
    assert_int_equal(hub_count(server->hub, 0).retained, 0);
    peer_publishes(publisher, 1, "a", "");
    assert_int_equal(hub_count(server->hub, 0).retained, 0);
}

SERVER_TEST("MQTT5-3.3.1-9 MQTT5-3.3.1-10 MQTT5-3.3.1-11 MQTT5-3.8.4-4 MQTT311-3.8.4-3 "
            "MQTT311-3.3.1-6",
        retain_handling_says_when_they_are_sent)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    struct peer *peer;

    peer_publishes(publisher, 1, "a/1", "x");
    peer = newcomer(server, "a/1", 0x00);
    peer_expect(peer, "31 RL S'a/1' 00 'x'");
    peer_subscribed(peer, "a/1", 0x00);
    peer_expect(peer, "31 RL S'a/1' 00 'x'");
    peer_expect_nothing(peer);
    peer = newcomer(server, "a/1", 0x10);
    peer_expect(peer, "31 RL S'a/1' 00 'x'");
    peer_subscribed(peer, "a/1", 0x10);
    peer_expect_nothing(peer);
    peer = newcomer(server, "a/1", 0x20);
    peer_expect_nothing(peer);
    peer_subscribed(old, "a/1", 0);
    peer_expect(old, "31 RL S'a/1' 'x'");
    peer_subscribed(old, "a/1", 1);
    peer_expect(old, "31 RL S'a/1' 'x'");
    peer_publishes(publisher, 1, "a/2", "y");
    peer_expect_nothing(old);
    peer_subscribed(old, "a/+", 1);
    {
        struct bytes first = peer_take(old);
        uint8_t last = first.data[4 + 2];

        assert_int_equal(first.data[0], 0x31);
        peer_expect(old, "31 RL S'a/%c' *", last == '1' ? '2' : '1');
    }
    peer_expect_nothing(old);
}

SERVER_TEST(
        "MQTT5-3.3.2-4 MQTT5-3.3.2-15 MQTT5-3.3.2-16 MQTT5-3.3.2-17", properties_are_kept_with_it)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *peer;

    peer_send(publisher, "31 RL S'a' (01 01 08 S'r/1' 09 0002 00ff 26 S'k' S'v') 'x'");
    peer = peer_connected(server, "peer", MQTT_5_0);
    peer_send(peer, "82 RL 0001 (0b 05) S'#' 00");
    peer_expect(peer,
            "90 RL 0001 00 00 | "
            "31 RL S'a' (0b 05 01 01 08 S'r/1' 09 0002 00ff 26 S'k' S'v') 'x'");
}

SERVER_TEST("U5-3.3.1.3-2 MQTT5-3.3.2-6", it_expires)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);
    struct peer *peer;

    peer_send(publisher, "31 RL S'a' (02 0000000a) 'x'");
    clock_advance(server, 3000);
    peer = newcomer(server, "a", 0);
    peer_expect(peer, "31 RL S'a' (02 00000007) 'x'");
    clock_advance(server, 6999);
    peer = newcomer(server, "a", 0);
    peer_expect(peer, "31 RL S'a' (02 00000001) 'x'");
    clock_advance(server, 1);
    peer = newcomer(server, "a", 0);
    peer_expect_nothing(peer);
    clock_advance(server, 2000);
    assert_int_equal(hub_count(server->hub, 0).retained, 0);
}

SERVER_TEST(NULL, it_expires_by_the_servers_limit)
{
    struct peer *publisher;

    server->settings.retain_expiry_s = 60;
    publisher = peer_connected(server, "publisher", MQTT_3_1_1);
    peer_publishes(publisher, 1, "a", "x");
    clock_advance(server, 59999);
    peer_expect(newcomer(server, "a", 0), "31 RL S'a' *");
    clock_advance(server, 1);
    peer_expect_nothing(newcomer(server, "a", 0));
}

SERVER_TEST("U5-3.8.4-2", shared_subscriptions_get_none)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_5_0);

    peer_publishes(publisher, 1, "a", "x");
    peer_expect_nothing(newcomer(server, "$share/g/a", 0));
}

SERVER_TEST(NULL, their_number_has_a_limit)
{
    struct peer *publisher;

    server->settings.retained_max = 2;
    publisher = peer_connected(server, "publisher", MQTT_5_0);
    peer_publishes(publisher, 3, "a", "1");
    peer_publishes(publisher, 3, "b", "1");
    peer_send(publisher, "33 RL S'c' 0001 00 '1'");
    peer_expect(publisher, "40 RL 0001 97 *");
    peer_publishes(publisher, 3, "a", "2");
    peer_publishes(publisher, 3, "b", "");
    peer_publishes(publisher, 3, "c", "1");
    assert_int_equal(hub_count(server->hub, 0).retained, 2);
}

/* ---- Many ---- */

enum { MANY = 3000 };

static void retain_many(struct server *server)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_3_1_1);

    for (unsigned i = 0; i < MANY; i++)
        peer_send(publisher, "33 RL S'many/%04u' 0001 '%04u'", i, i);
    peer_cut(publisher);
}

SERVER_TEST(NULL, thousands_arrive_through_a_small_window)
{
    uint8_t *seen = calloc(MANY, 1);
    struct peer *peer;
    unsigned count = 0;
    struct bytes got;

    assert_non_null(seen);
    server->settings.max_queued_messages = 10;
    retain_many(server);
    peer = peer_open(server);
    peer_send(peer, "10 RL S'MQTT' 05 02 0000 (21 0003) S'peer'");
    peer_expect(peer, "20 RL 00 00 *");
    peer_subscribed(peer, "many/#", 1);
    while ((got = peer_take(peer)).size > 0) {
        unsigned number = 0;

        assert_int_equal(got.size, 2 + 2 + 9 + 2 + 1 + 4);
        assert_int_equal(got.data[0], 0x33);
        for (size_t i = 16; i < 20; i++)
            number = number * 10 + got.data[i] - '0';
        assert_int_equal(seen[number], 0);
        seen[number] = 1;
        count++;
        peer_send(peer, "40 02 %02x%02x", got.data[13], got.data[14]);
    }
    assert_int_equal(count, MANY);
    free(seen);
}

SERVER_TEST(NULL, thousands_at_qos_0_wait_for_a_slow_reader)
{
    struct peer *peer;
    unsigned count = 0;

    server->settings.qos0_backlog_bytes_max = 1000;
    retain_many(server);
    peer = peer_connected(server, "peer", MQTT_5_0);
    peer_stop_reading(peer);
    peer_send(peer, "82 RL 0001 00 S'many/#' 00");
    clock_advance(server, 1000);
    peer_read_on(peer);
    peer_expect(peer, "90 RL 0001 00 00");
    while (peer_take(peer).size > 0)
        count++;
    assert_int_equal(count, MANY);
}

SERVER_TEST(NULL, a_read_goes_on_in_the_next_connection)
{
    struct peer *peer;
    unsigned count = 0;
    struct bytes got;

    retain_many(server);
    peer = peer_resumed(server, "peer", MQTT_5_0, false);
    peer_subscribed(peer, "many/#", 1);
    for (unsigned i = 0; i < 500; i++) {
        got = peer_take(peer);
        count++;
        peer_send(peer, "40 02 %02x%02x", got.data[13], got.data[14]);
    }
    peer_cut(peer);
    peer = peer_resumed(server, "peer", MQTT_5_0, true);
    while ((got = peer_take(peer)).size > 0) {
        count++;
        peer_send(peer, "40 02 %02x%02x", got.data[13], got.data[14]);
    }
    assert_int_equal(count, MANY);
}

SERVER_TEST(NULL, unsubscribing_ends_the_read)
{
    struct peer *peer;
    unsigned count = 0;

    retain_many(server);
    peer = peer_connected(server, "peer", MQTT_5_0);
    peer_subscribed(peer, "many/#", 1);
    peer_send(peer, "a2 RL 0001 00 S'many/#'");
    for (struct bytes got; (got = peer_take(peer)).size > 0; count++) {
        if (got.data[0] == 0x33)
            peer_send(peer, "40 02 %02x%02x", got.data[13], got.data[14]);
    }
    assert_in_range(count, 20, 1000);
}
