/* SPDX-License-Identifier: Apache-2.0 */
/* What the server tells of its clients, and how one is sent away. */
#include "broker/core/ledger.h"
#include "broker/core/roster.h"
#include "tests/harness/peer.h"

static struct core *home_of(struct server *server, const char *id)
{
    return server->shards[hub_home(server->hub, bytes_of_text(id))].core;
}

static struct client_view view_of(struct server *server, const char *id, uint32_t *slot)
{
    struct client_view view;

    assert_true(roster_find(home_of(server, id), bytes_of_text(id), slot));
    assert_true(roster_client(home_of(server, id), *slot, &view));
    return view;
}

static enum roster_kick kick(struct server *server, const char *id, const char *text)
{
    unsigned home = hub_home(server->hub, bytes_of_text(id));
    enum roster_kick result =
            roster_kick(server->shards[home].core, bytes_of_text(id), text, server->now_ms);

    server->shards[home].awake = true;
    server_run(server);
    return result;
}

static unsigned count_clients(const struct server *server)
{
    unsigned count = 0;
    struct client_view view;

    for (unsigned i = 0; i < server->shard_count; i++) {
        const struct core *core = server->shards[i].core;

        for (uint32_t slot = 0; slot < roster_slots(core); slot++)
            count += roster_client(core, slot, &view);
    }
    return count;
}

SERVER_TEST(NULL, every_client_is_found_once)
{
    struct peer *b = peer_connected(server, "b", MQTT_5_0);

    peer_connected(server, "a", MQTT_3_1_1);
    peer_connected(server, "c", MQTT_5_0);
    assert_int_equal(count_clients(server), 3);
    peer_send(b, "E0 00");
    peer_expect_closed(b);
    assert_int_equal(count_clients(server), 2);
}

SERVER_TEST(NULL, a_connected_client_is_told_of_with_its_terms)
{
    struct peer *a = peer_open(server);
    struct client_view view;
    uint32_t slot;

    clock_advance(server, 5000);
    peer_send(a, "10 RL S'MQTT' 05 2C 001E (11 0000000A) S'a' (18 00000007) S'gone' S'bye'");
    peer_expect(a, "20 RL 00 00 *");
    clock_advance(server, 1000);
    view = view_of(server, "a", &slot);
    assert_true(view.connected);
    assert_true(bytes_equal(view.id, BYTES("a")));
    assert_int_equal(view.version, MQTT_5_0);
    assert_false(view.clean_start);
    assert_int_equal(view.keep_alive_s, 30);
    assert_int_equal(view.expiry_interval_s, 10);
    assert_int_equal(server->now_ms - view.connected_ms, 1000);
    assert_ptr_equal(view.listener, &server->listener);
    assert_true(view.will.present);
    assert_true(bytes_equal(view.will.topic, BYTES("gone")));
    assert_int_equal(view.will.delay_s, 7);
    assert_int_equal(view.will.qos, 1);
    assert_true(view.will.retain);
}

SERVER_TEST(NULL, subscriptions_are_told_as_the_client_wrote_them)
{
    struct peer *a = peer_connected(server, "a", MQTT_5_0);
    struct subscription_view view;
    struct client_view client;
    unsigned qos_sum = 0;
    unsigned count = 0;
    uint32_t at = 0;
    uint32_t slot;

    peer_send(a, "82 RL 0001 (0B 05) S'x/+' 01 S'$share/g/y' 02");
    peer_expect(a, "90 RL 0001 00 01 02");
    client = view_of(server, "a", &slot);
    assert_int_equal(client.subscriptions, 2);
    while (roster_subscription(home_of(server, "a"), slot, &at, &view)) {
        count++;
        qos_sum += view.qos;
        assert_true(bytes_equal(view.filter, BYTES("x/+")) ||
                bytes_equal(view.filter, BYTES("$share/g/y")));
        assert_int_equal(view.identifier, 5);
    }
    assert_int_equal(count, 2);
    assert_int_equal(qos_sum, 3);
    assert_false(roster_subscription(home_of(server, "a"), slot + 1000, &(uint32_t){ 0 }, &view));
}

SERVER_TEST(NULL, the_account_of_a_client_adds_up)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_connected(server, "b", MQTT_5_0);
    struct client_view view;
    uint32_t slot;

    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 0000FFFF 21 0001) S'a'");
    peer_expect(a, "20 RL 00 00 *");
    peer_subscribed(a, "t", 1);
    for (int i = 1; i <= 3; i++)
        peer_send(b, "32 RL S't' %04x 00 'x'", (unsigned)i);
    peer_expect(a, "32 RL S't' 0001 00 'x'");
    view = view_of(server, "a", &slot);
    assert_int_equal(view.in_flight, 1);
    assert_int_equal(view.queued, 2);
    assert_int_equal(view.ledger->matched, view.ledger->delivered + view.in_flight + view.queued);
    assert_int_equal(view.ledger->delivered, 0);
    peer_cut(a);
    view = view_of(server, "a", &slot);
    assert_false(view.connected);
    assert_int_equal(view.queued + view.in_flight, 3);
    assert_true(view.expires_ms > server->now_ms);
}

SERVER_TEST(NULL, a_client_is_sent_away_and_told_why)
{
    struct peer *a = peer_open(server);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    struct peer *other = peer_connected(server, "other", MQTT_5_0);

    peer_subscribed(other, "gone", 0);
    peer_send(a, "10 RL S'MQTT' 05 04 0000 (11 0000000A) S'a' 00 S'gone' S'bye'");
    peer_expect(a, "20 RL 00 00 *");
    assert_int_equal(kick(server, "a", "go away"), ROSTER_KICKED);
    peer_expect(a, "E0 RL 98 (1F S'go away')");
    peer_expect_closed(a);
    peer_expect(other, "30 RL S'gone' 00 'bye'");
    assert_int_equal(kick(server, "old", NULL), ROSTER_KICKED);
    peer_expect_closed(old);
    assert_int_equal(kick(server, "a", NULL), ROSTER_ABSENT);
    assert_int_equal(kick(server, "nobody", NULL), ROSTER_UNKNOWN);
}
