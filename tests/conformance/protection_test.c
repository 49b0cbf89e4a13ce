/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps one client from costing the others too much. */
#include "broker/core/delivery.h"
#include "broker/core/rate.h"
#include "broker/core/relief.h"
#include "broker/core/visits.h"
#include "tests/harness/peer.h"

/* ---- Verdicts that are held back ---- */

SERVER_TEST("MQTT5-3.1.4-5 MQTT5-3.1.4-2", held_verdict_is_told_when_its_delay_is_over)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    server->delay_ms = 3000;
    peer_send(a, "10 RL S'MQTT' 05 02 0000 00 S'a' | 82 RL 0001 00 S't' 00 | c0 00");
    peer_send(b, "10 RL S'MQTT' 04 82 0000 S'b' S'stranger'");
    clock_advance(server, 2999);
    peer_expect_nothing(a);
    peer_expect_nothing(b);
    assert_int_equal(server_count(server, sessions), 0);
    /* The log need not wait. */
    assert_int_equal(server_told(server, "client.refused"), 1);
    assert_int_equal(server_count(server, refused_connects), 1);
    clock_advance(server, 1);
    peer_expect(a, "20 RL 00 00 * | 90 RL 0001 00 00 | d0 00");
    peer_expect(b, "20 02 00 05");
    peer_expect_closed(b);
    assert_int_equal(server_told(server, "client.refused"), 1);
    assert_int_equal(server_count(server, refused_connects), 1);
    assert_int_equal(server_count(server, delayed_connects), 2);
}

SERVER_TEST("U5-3.1.4-1", delay_takes_the_place_of_connect_timeout_and_has_a_limit)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    server->delay_ms = UINT32_MAX;
    peer_send(a, "10 RL S'MQTT' 05 82 0000 00 S'a' S'stranger'");
    peer_send(b, "10 RL S'MQTT' 05 02 0000 00 S'b'");
    clock_advance(server, VERDICT_DELAY_MAX_MS - 1);
    peer_expect_nothing(a);
    peer_expect_nothing(b);
    clock_advance(server, 1);
    peer_expect_end(a, MQTT_NOT_AUTHORIZED);
    peer_expect(b, "20 RL 00 00 *");
    /* Keep Alive has begun, and it asked for none. */
    clock_advance(server, 60000);
    peer_expect_nothing(b);
}

SERVER_TEST(NULL, late_verdict_may_be_held_back_as_well)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    server->delay_ms = 1000;
    peer_send(a, "10 RL S'MQTT' 05 82 0000 00 S'a' S'later' | c0 00");
    peer_send(b, "10 RL S'MQTT' 05 82 0000 00 S'b' S'later'");
    /* It comes when connect_timeout is over, which counts for CONNECT alone. */
    clock_advance(server, 10100);
    server_admits(server, 0, MQTT_SUCCESS);
    server_admits(server, 1, MQTT_NOT_AUTHORIZED);
    /* Twice is once too often, and does no harm. */
    server_admits(server, 0, MQTT_NOT_AUTHORIZED);
    assert_int_equal(server_told(server, "client.refused"), 1);
    clock_advance(server, 999);
    peer_expect_nothing(a);
    peer_expect_nothing(b);
    clock_advance(server, 1);
    peer_expect(a, "20 RL 00 00 * | d0 00");
    peer_expect_end(b, MQTT_NOT_AUTHORIZED);
}

SERVER_TEST("MQTT5-4.12.0-4", end_of_an_exchange_may_be_held_back)
{
    const char *const connect = "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE') S'%s'";
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *c = peer_open(server);

    server->delay_ms = 1000;
    peer_send(a, connect, "a");
    peer_expect(a, "f0 RL 18 *");
    peer_send(b, connect, "b");
    peer_expect(b, "f0 RL 18 *");
    peer_send(a, "f0 RL 18 (15 S'CHALLENGE' 16 S'answer') | c0 00");
    peer_send(b, "f0 RL 18 (15 S'CHALLENGE' 16 S'guess') | c0 00");
    peer_send(c, "10 RL S'MQTT' 05 02 0000 (15 S'CHALLENGE' 16 S'answer') S'c' | c0 00");
    clock_advance(server, 999);
    peer_expect_nothing(a);
    peer_expect_nothing(b);
    peer_expect_nothing(c);
    clock_advance(server, 1);
    peer_expect(a, "20 RL 00 00 (15 S'CHALLENGE' 16 S'welcome' 21 0014 22 000a 27 001e8480)");
    peer_expect(a, "d0 00");
    peer_expect_end(b, MQTT_NOT_AUTHORIZED);
    peer_expect(c, "20 RL 00 00 (15 S'CHALLENGE' 16 S'welcome' 21 0014 22 000a 27 001e8480)");
    peer_expect(c, "d0 00");
    /* What is wrong with the packets themselves is told at once, as is all later. */
    peer_send(a, "f0 RL 19 (15 S'CHALLENGE' 16 S'answer')");
    peer_expect(a, "f0 RL 00 *");
}

SERVER_TEST(NULL, held_client_meets_the_rules_of_the_time_of_its_answer)
{
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);

    server->delay_ms = 1000;
    peer_send(a, "10 RL S'MQTT' 05 02 0000 00 S'a'");
    clock_advance(server, 500);
    server->withdrawn = true;
    server_changes_access(server);
    clock_advance(server, 500);
    peer_expect_end(a, MQTT_NOT_AUTHORIZED);
    server->withdrawn = false;
    peer_send(b, "10 RL S'MQTT' 05 02 0000 00 S''");
    server->listener.allow_zero_length_clientid = false;
    clock_advance(server, 1000);
    peer_expect_end(b, MQTT_CLIENT_ID_NOT_VALID);
    assert_int_equal(server_told(server, "client.refused"), 2);
    assert_int_equal(server_count(server, sessions), 0);
}

SERVER_TEST(NULL, nothing_changes_while_a_verdict_is_held)
{
    struct peer *old = peer_resumed(server, "a", MQTT_5_0, false);
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *gone = peer_open(server);

    server->delay_ms = 1000;
    peer_send(gone, "10 RL S'MQTT' 05 02 0000 00 S'a'");
    peer_send(a, "10 RL S'MQTT' 05 00 0000 (11 ffffffff) S'a'");
    clock_advance(server, 500);
    peer_send(b, "10 RL S'MQTT' 05 00 0000 00 S'a'");
    peer_cut(gone);
    peer_publishes(old, 0, "t", "still here");
    clock_advance(server, 500);
    peer_expect_end(old, MQTT_SESSION_TAKEN_OVER);
    peer_expect(a, "20 RL 01 00 *");
    clock_advance(server, 500);
    peer_expect_end(a, MQTT_SESSION_TAKEN_OVER);
    peer_expect(b, "20 RL 01 00 *");
}

SERVER_TEST(NULL, server_that_stops_leaves_whose_verdict_is_held)
{
    struct peer *a = peer_open(server);

    server->delay_ms = 1000;
    peer_send(a, "10 RL S'MQTT' 05 02 0000 00 S'a'");
    server_shuts_down(server);
    peer_expect_closed(a);
}

TEST(each_allocation_of_a_held_verdict_may_fail)
{
    bool reached = true;

    for (uint64_t i = 1; reached; i++) {
        struct server *server = server_new(1);
        struct peer *a;

        server->may_refuse = true;
        server->delay_ms = 1000;
        server_start(server);
        server->memory.state->fail_at = server->memory.state->taken + i;
        server->memory.state->fail_until = server->memory.state->fail_at;
        a = peer_open(server);
        peer_send(a, "10 RL S'MQTT' 05 02 0000 00 S'a'");
        clock_advance(server, 1000);
        reached = server->memory.state->taken >= server->memory.state->fail_at;
        server->memory.state->fail_at = 0;
        /* Where it cannot be kept it is not delayed. */
        assert_int_equal(server_count(server, sessions), peer_is_open(a));
        assert_true(reached || server_count(server, delayed_connects) == 1);
        server_end(server);
    }
}

/* ---- Rates ---- */

/* PUBLISH packets of QoS 0, in one write; the second byte of their payload is the number. */
static void peer_floods(struct peer *peer, unsigned first, unsigned count)
{
    uint8_t bytes[200 * 8];

    assert_true(count <= 200);
    for (unsigned i = 0; i < count; i++)
        memcpy(bytes + (size_t)i * 8, (uint8_t[]){ 0x30, 6, 0, 1, 't', 0, first + i, 0xff }, 8);
    peer_send_bytes(peer, bytes_of(bytes, count * sizeof(bytes) / 200));
}

static void expect_numbers(struct peer *peer, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        peer_expect(peer, "30 07 0001 't' 00 00 %02x ff", first + i);
    peer_expect_nothing(peer);
}

SERVER_TEST("MQTT5-4.6.0-5", client_too_fast_is_left_unread_and_loses_nothing)
{
    struct peer *a;
    struct peer *b;

    server->settings.packet_rate_max = 20;
    a = peer_connected(server, "a", MQTT_3_1_1);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(b, "t", 0);
    clock_advance(server, 5000);
    /* A second's worth comes at once. */
    peer_floods(a, 0, 60);
    expect_numbers(b, 0, 20);
    assert_true(peer_unread(a) > 0);
    clock_advance(server, 9);
    peer_expect_nothing(b);
    clock_advance(server, 1);
    expect_numbers(b, 20, 1);
    clock_advance(server, 500);
    expect_numbers(b, 21, 10);
    clock_advance(server, 60000);
    expect_numbers(b, 31, 29);
    assert_int_equal(peer_unread(a), 0);
    /* One line tells of all. */
    assert_int_equal(server_told(server, "client.throttled"), 1);
    assert_in_range(server_count(server, throttlings), 40, 41);
    peer_floods(a, 60, 22);
    expect_numbers(b, 60, 20);
    assert_int_equal(server_told(server, "client.throttled"), 2);
}

SERVER_TEST(NULL, bytes_count_as_packets_do)
{
    struct peer *a;
    struct peer *b;

    server->settings.byte_rate_max = 1000;
    a = peer_connected(server, "a", MQTT_3_1_1);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(b, "t", 0);
    clock_advance(server, 5000);
    peer_floods(a, 0, 200);
    expect_numbers(b, 0, 125);
    clock_advance(server, 100);
    expect_numbers(b, 125, 13);
    clock_advance(server, 600);
    expect_numbers(b, 138, 62);
}

/* One PUBLISH of so many bytes. */
static void peer_publishes_much(struct peer *peer, size_t size)
{
    uint8_t bytes[16384] = { 0x30, ((size - 3) & 0x7f) | 0x80, (uint8_t)((size - 3) >> 7), 0, 1,
        't' };

    assert_in_range(size, 200, sizeof(bytes) - 1);
    peer_send_bytes(peer, bytes_of(bytes, size));
}

SERVER_TEST("MQTT5-3.1.2-22", keep_alive_does_not_run_for_who_is_left_unread)
{
    struct peer *a;

    server->settings.byte_rate_max = 1000;
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 04 02 0002 S'a'");
    peer_expect(a, "20 02 00 00");
    clock_advance(server, 1000);
    peer_publishes_much(a, 10000);
    peer_send(a, "c0 00");
    clock_advance(server, 8999);
    peer_expect_nothing(a);
    clock_advance(server, 1);
    peer_expect(a, "d0 00");
    /* The PINGREQ has cost it a short pause as well. */
    clock_advance(server, 2999 + RATE_PAUSE_MIN_MS);
    peer_expect_nothing(a);
    clock_advance(server, 1);
    peer_expect_closed(a);
}

SERVER_TEST(NULL, higher_limit_helps_who_is_left_unread_at_once)
{
    struct peer *a;

    server->settings.byte_rate_max = 1000;
    a = peer_connected(server, "a", MQTT_3_1_1);
    peer_publishes_much(a, 16000);
    peer_send(a, "c0 00");
    clock_advance(server, 1000);
    peer_expect_nothing(a);
    server->settings.byte_rate_max = 0;
    for (unsigned i = 0; i < server->shard_count; i++) {
        core_apply(server->shards[i].core, &server->settings, server->now_ms);
        server->shards[i].awake = true;
    }
    server_run(server);
    peer_expect(a, "d0 00");
    peer_publishes_much(a, 16000);
    peer_send(a, "c0 00");
    peer_expect(a, "d0 00");
}

SERVER_TEST(NULL, acknowledgements_of_what_was_sent_do_not_count)
{
    struct peer *a;
    struct peer *b;

    server->settings.packet_rate_max = 10;
    a = peer_connected(server, "a", MQTT_5_0);
    b = peer_connected(server, "b", MQTT_5_0);
    peer_subscribed(b, "t", 1);
    for (unsigned i = 1; i <= 50; i++) {
        peer_publishes(a, 2, "t", "x");
        peer_expect(b, "32 RL S't' %04x 00 'x'", i);
        peer_send(b, "40 02 %04x", i);
        clock_advance(server, 100);
    }
    assert_int_equal(server_count(server, throttlings), 0);
    /* What nobody has asked for does. */
    for (unsigned i = 0; i < 12; i++)
        peer_send(b, "40 02 0001");
    assert_int_equal(server_count(server, throttlings), 1);
}

/* ---- Connections that come and go ---- */

/* From now on peers come from there. */
static void peers_come_from(struct server *server, struct bytes address)
{
    server->introduction =
            (struct introduction){ .peer = address, .tls_version = "", .tls_cipher = "" };
}

/* CONNECT with the user name, of a session that stays for a while, or of none. */
static struct peer *peer_named(struct server *server, const char *id, unsigned seconds)
{
    struct peer *peer = peer_open(server);

    peer_send(peer, "10 RL S'MQTT' 05 %s 0000 (11 %08x) S'%s' S'ada'", seconds > 0 ? "80" : "82",
            seconds, id);
    return peer;
}

SERVER_TEST(NULL, user_has_so_many_sessions_and_no_more)
{
    struct peer *a;
    struct peer *other;

    server->settings.sessions_per_user_max = 2;
    a = peer_named(server, "a", 60);
    peer_expect(a, "20 RL 00 00 *");
    peer_expect(peer_named(server, "b", 0), "20 RL 00 00 *");
    peer_expect_end(peer_named(server, "c", 0), MQTT_QUOTA_EXCEEDED);
    assert_int_equal(server_told(server, "client.refused"), 1);
    assert_int_equal(server_count(server, user_refusals), 1);
    /* Who has no name is not limited, and others have their own. */
    for (unsigned i = 0; i < 3; i++)
        peer_connected(server, "", MQTT_5_0);
    /* A session whose client is absent counts, and can be resumed or begun anew. */
    peer_cut(a);
    peer_expect_end(peer_named(server, "c", 0), MQTT_QUOTA_EXCEEDED);
    a = peer_named(server, "a", 60);
    peer_expect(a, "20 RL 01 00 *");
    other = peer_named(server, "a", 0);
    peer_expect(other, "20 RL 00 00 *");
    peer_expect_end(a, MQTT_SESSION_TAKEN_OVER);
    /* It counts no more when it is gone. */
    peer_cut(other);
    peer_expect(peer_named(server, "c", 0), "20 RL 00 00 *");
    peer_expect_end(peer_named(server, "d", 0), MQTT_QUOTA_EXCEEDED);
    /* Those who are in stay when there are to be fewer, and nobody counts without a limit. */
    server->settings.sessions_per_user_max = 1;
    peer_expect(peer_named(server, "b", 0), "20 RL 00 00 *");
    server->settings.sessions_per_user_max = 0;
    peer_expect(peer_named(server, "d", 0), "20 RL 00 00 *");
    assert_int_equal(server_count(server, user_refusals), 3);
}

SERVER_TEST(NULL, session_that_memory_is_short_for_is_not_taken_for_one_too_many)
{
    struct test_memory_state *memory = server->memory.state;
    unsigned busy = 0;
    bool fails = true;

    server->settings.sessions_per_user_max = 1;
    for (unsigned first = 1; fails; first++) {
        struct peer *a = peer_open(server);
        struct bytes got;

        memory->fail_at = memory->fail_until = memory->taken + first;
        peer_send(a, "10 RL S'MQTT' 05 82 0000 00 S'a' S'ada'");
        fails = memory->taken >= memory->fail_at;
        memory->fail_at = 0;
        got = peer_take(a);
        busy += got.size > 3 && got.data[3] == MQTT_SERVER_BUSY;
        peer_cut(a);
    }
    assert_in_range(busy, 2, 10);
    assert_int_equal(server_count(server, user_refusals), 0);
    peer_expect(peer_named(server, "b", 0), "20 RL 00 00 *");
}

SERVER_TEST(NULL, client_whose_connection_is_lost_too_often_waits)
{
    const char *const connect = "10 RL S'MQTT' 05 82 0000 00 S'a' S'ada'";
    struct peer *a;
    struct peer *b;

    server->settings.flapping_max = 3;
    server->settings.flapping_window_ms = 30000;
    for (unsigned i = 0; i < 4; i++) {
        a = peer_open(server);
        peer_send(a, connect);
        peer_expect(a, "20 RL 00 00 *");
        peer_cut(a);
    }
    a = peer_open(server);
    b = peer_open(server);
    peer_send(a, connect);
    /* Others do not. */
    peer_send(b, "10 RL S'MQTT' 05 02 0000 00 S'b'");
    peer_expect(b, "20 RL 00 00 *");
    clock_advance(server, VISIT_DELAY_MIN_MS - 1);
    peer_expect_nothing(a);
    clock_advance(server, 1);
    peer_expect(a, "20 RL 00 00 *");
    assert_int_equal(server_told(server, "client.flapping"), 1);
    assert_int_equal(server_count(server, flappings), 1);
    /* Longer each time, and told once in a minute. */
    peer_cut(a);
    a = peer_open(server);
    peer_send(a, connect);
    clock_advance(server, VISIT_DELAY_MIN_MS);
    peer_expect_nothing(a);
    clock_advance(server, VISIT_DELAY_MIN_MS);
    peer_expect(a, "20 RL 00 00 *");
    peer_cut(a);
    assert_int_equal(server_told(server, "client.flapping"), 1);
    assert_int_equal(server_count(server, flappings), 2);
    /* It is forgiven. */
    clock_advance(server, 40000);
    a = peer_open(server);
    peer_send(a, connect);
    peer_expect(a, "20 RL 00 00 *");
}

SERVER_TEST(NULL, client_that_says_that_it_goes_may_come_as_often_as_it_likes)
{
    server->settings.flapping_max = 1;
    for (unsigned i = 0; i < 50; i++) {
        struct peer *a = peer_connected(server, "a", MQTT_3_1_1);

        peer_send(a, "e0 00");
        peer_expect_closed(a);
    }
    assert_int_equal(server_count(server, flappings), 0);
}

SERVER_TEST(NULL, refused_client_makes_nobody_wait)
{
    struct peer *a;

    server->settings.flapping_max = 1;
    server->settings.id_fight_max = 1;
    a = peer_connected(server, "a", MQTT_5_0);
    for (unsigned i = 0; i < 20; i++) {
        struct peer *guesser = peer_open(server);

        peer_send(guesser, "10 RL S'MQTT' 05 c2 0000 00 S'a' S'x' S'wrong'");
        peer_expect_end(guesser, MQTT_BAD_USER_NAME_OR_PASSWORD);
    }
    peer_cut(a);
    a = peer_connected(server, "a", MQTT_5_0);
    peer_expect_nothing(a);
}

/* Two take the id from each other, without end. Returns how often within 50 rounds one had to wait.
 */
static unsigned fight(struct server *server, struct bytes one, struct bytes other)
{
    struct peer *before = NULL;
    unsigned delayed = 0;

    for (unsigned i = 0; i < 50; i++) {
        struct peer *peer;

        peers_come_from(server, i % 2 == 0 ? one : other);
        peer = peer_open(server);
        peer_send(peer, "10 RL S'MQTT' 05 82 0000 00 S'a' S'%s'", i % 2 == 0 ? "ada" : "bob");
        while (before && peer_is_open(before)) {
            clock_advance(server, 100);
            delayed += before && !peer_is_open(before);
        }
        peer_expect(peer, "20 RL 00 00 *");
        before = peer;
    }
    return delayed;
}

SERVER_TEST("MQTT5-3.1.4-3", fight_for_an_id_is_slowed)
{
    int64_t began_ms = server->now_ms;
    struct peer *quiet = peer_connected(server, "quiet", MQTT_5_0);
    unsigned delayed;

    server->settings.id_fight_max = 4;
    delayed = fight(server, BYTES("10.0.0.1:1000"), BYTES("10.0.0.2:2000"));

    /* The first comes in, four take over at once. */
    assert_int_equal(delayed, 45);
    assert_int_equal(server_count(server, id_fights), 45);
    assert_in_range(server->now_ms - began_ms, 40 * VISIT_DELAY_MAX_MS, 45 * VISIT_DELAY_MAX_MS);
    /* A line for each minute. */
    assert_in_range(server_told(server, "client.id_fight"), 3, 5);
    assert_int_equal(server_told(server, "client.flapping"), 0);
    peer_expect_nothing(quiet);
}

SERVER_TEST(NULL, fight_from_one_address_is_slowed_later)
{
    /* It may be one that does not notice when its connections break. */
    server->settings.id_fight_max = 4;
    assert_int_equal(fight(server, BYTES("[::1]:1000"), BYTES("[::1]:2000")), 37);
    assert_true(server_told(server, "client.id_fight") > 0);
}

SERVER_TEST(NULL, fights_need_not_be_slowed)
{
    server->settings.id_fight_max = 0;
    server->settings.flapping_max = 0;
    assert_int_equal(fight(server, BYTES("10.0.0.1:1000"), BYTES("10.0.0.2:2000")), 0);
}

SERVER_TEST(NULL, client_that_moves_now_and_then_does_not_wait)
{
    for (unsigned i = 0; i < 40; i++) {
        struct peer *a;

        peers_come_from(server, i % 2 == 0 ? BYTES("10.0.0.1:1000") : BYTES("10.0.0.2:2000"));
        a = peer_open(server);
        peer_send(a, "10 RL S'MQTT' 05 02 0000 00 S'a'");
        peer_expect(a, "20 RL 00 00 *");
        clock_advance(server, 15000);
    }
    assert_int_equal(server_count(server, delayed_connects), 0);
}

/* ---- Short memory ---- */

static bool never_enough(void *context)
{
    (void)context;
    return true;
}

/* Enough when so many more messages are dropped. */
struct wish {
    const struct server *server;
    uint64_t dropped;
};

static bool wish_lasts(void *context)
{
    const struct wish *wish = context;

    return server_count(wish->server, dropped[DROP_MEMORY]) < wish->dropped;
}

static bool enough_at_once(void *context)
{
    unsigned *asked = context;

    ++*asked;
    return false;
}

/* Every shard looks, and then every shard cuts. Returns when the last one wants to be called again.
 */
static int64_t server_relieves(struct server *server, const struct shortage *shortage)
{
    struct shortage none = *shortage;
    int64_t again_ms = 0;

    none.fat_bytes = UINT64_MAX;
    for (unsigned i = 0; i < server->shard_count; i++)
        core_relieve(server->shards[i].core, &none, server->now_ms);
    for (unsigned i = 0; i < server->shard_count; i++) {
        again_ms = core_relieve(server->shards[i].core, shortage, server->now_ms).again_ms;
        server->shards[i].awake = true;
    }
    server_run(server);
    return again_ms;
}

/* An absent client for which messages wait, numbered from 1. */
static void absent_with(struct server *server, const char *id, unsigned messages)
{
    struct peer *publisher = peer_connected(server, "publisher", MQTT_3_1_1);
    struct peer *peer = peer_resumed(server, id, MQTT_3_1_1, false);

    peer_subscribed(peer, id, 1);
    peer_cut(peer);
    for (unsigned i = 1; i <= messages; i++) {
        peer_send(publisher, "32 RL S'%s' 0001 %04x", id, i);
        peer_expect(publisher, "40 02 0001");
    }
    peer_send(publisher, "e0 00");
}

/* It comes again, and gets the last of its messages, numbered up to `last`, all from one on.
 * Returns how many. */
static unsigned returns_to(struct server *server, const char *id, unsigned last)
{
    struct peer *peer = peer_resumed(server, id, MQTT_3_1_1, true);
    unsigned count = 0;
    unsigned number = 0;
    struct bytes packet;

    while ((packet = peer_take(peer)).size > 0) {
        unsigned before = number;

        number = packet.data[packet.size - 1];
        assert_true(before == 0 || number == before + 1);
        peer_send(peer, "40 02 %04x", ++count);
    }
    assert_int_equal(number, count > 0 ? last : 0);
    peer_expect_nothing(peer);
    return count;
}

/* What a message of absent_with() takes in a queue. */
enum { QUEUED_SIZE = sizeof(struct delivery) + sizeof(struct message) + 2 };

SERVER_TEST(NULL, fattest_backlog_gives_way)
{
    struct wish wish = { server, 7 * RELIEF_ASK_EVERY };
    const struct shortage shortage = { 1000, wish_lasts, &wish };

    server->stores = false; /* What waits there takes no memory. */
    absent_with(server, "fat", 100);
    absent_with(server, "fatter", 160);
    absent_with(server, "thin", 30);
    absent_with(server, "none", 0);
    server_relieves(server, &shortage);
    assert_int_equal(server_told(server, "message.dropped"), 2);
    assert_in_range(server_count(server, dropped[DROP_MEMORY]), 7 * RELIEF_ASK_EVERY, 160);
    assert_in_range(returns_to(server, "fatter", 160), 40, 80);
    assert_in_range(returns_to(server, "fat", 100), 40, 88);
    assert_int_equal(returns_to(server, "thin", 30), 30);
    assert_int_equal(returns_to(server, "none", 0), 0);
}

SERVER_TEST(NULL, thin_backlogs_are_left_alone)
{
    const struct shortage shortage = { .fat_bytes = 51 * QUEUED_SIZE, .lasts = never_enough };

    server->stores = false; /* What waits there takes no memory. */
    absent_with(server, "a", 50);
    absent_with(server, "b", 40);
    assert_int_equal(server_relieves(server, &shortage), server->now_ms + RELIEF_IN_VAIN_MS);
    assert_int_equal(returns_to(server, "a", 50), 50);
    assert_int_equal(returns_to(server, "b", 40), 40);
    /* Down to half of what is fat, and then no further. */
    absent_with(server, "c", 60);
    for (unsigned i = 0; i < 5; i++)
        server_relieves(server, &shortage);
    assert_int_equal(returns_to(server, "c", 60), 30);
}

SERVER_TEST(NULL, no_more_is_cut_than_is_needed)
{
    unsigned asked = 0;
    const struct shortage shortage = {
        .fat_bytes = 1000, .lasts = enough_at_once, .context = &asked
    };

    server->stores = false; /* What waits there takes no memory. */
    absent_with(server, "fat", 100);
    server_relieves(server, &shortage);
    assert_int_equal(asked, 1);
    assert_int_equal(server_count(server, dropped[DROP_MEMORY]), RELIEF_ASK_EVERY);
    assert_int_equal(returns_to(server, "fat", 100), 100 - RELIEF_ASK_EVERY);
}

SERVER_TEST(NULL, nobody_cuts_before_all_shards_have_looked)
{
    const struct shortage shortage = { .fat_bytes = 1000, .lasts = never_enough };

    absent_with(server, "fat", 100);
    for (unsigned i = 0; i < server->shard_count; i++) {
        assert_int_equal(server_count(server, dropped[DROP_MEMORY]), 0);
        core_relieve(server->shards[i].core, &shortage, server->now_ms);
    }
    /* What one has seen long ago does not count. */
    clock_advance(server, RELIEF_FRESH_MS + 1);
    if (server->shard_count > 1) {
        uint64_t before = server_count(server, dropped[DROP_MEMORY]);

        for (unsigned i = 0; i + 1 < server->shard_count; i++)
            core_relieve(server->shards[i].core, &shortage, server->now_ms);
        assert_int_equal(server_count(server, dropped[DROP_MEMORY]), before);
    }
    server_run(server);
}

SERVER_TEST(NULL, publishers_wait_while_they_are_held_and_lose_nothing)
{
    struct peer *reader = peer_connected(server, "r", MQTT_3_1_1);
    struct peer *publisher = peer_connected(server, "p", MQTT_3_1_1);
    struct peer *other = peer_connected(server, "o", MQTT_5_0);

    peer_subscribed(reader, "t", 1);
    server_holds(server, true);
    peer_send(publisher, "30 RL S't' 01 | 32 RL S't' 0001 02 | c0 00");
    peer_send(other, "32 RL S't' 0001 00 03");
    peer_send(reader, "c0 00");
    peer_expect(reader, "d0 00");
    /* It is we who do not read: their silence does not count, the reader's does. */
    for (int i = 0; i < 10; i++) {
        clock_advance(server, 60000);
        peer_send(reader, "c0 00");
        peer_expect(reader, "d0 00");
    }
    peer_expect_nothing(publisher);
    peer_expect_nothing(other);
    server_holds(server, false);
    peer_expect(publisher, "40 02 0001 | d0 00");
    peer_expect(other, "40 02 0001");
    peer_expect(reader, "30 RL S't' 01 | 32 RL S't' 0001 02 | 32 RL S't' 0002 03");
}

SERVER_TEST(NULL, qos_0_is_cut_first)
{
    struct wish wish = { server, RELIEF_ASK_EVERY };
    const struct shortage shortage = { 1000, wish_lasts, &wish };
    struct peer *publisher;
    struct peer *slow;

    server->settings.max_inflight_messages = 1;
    publisher = peer_connected(server, "p", MQTT_3_1_1);
    slow = peer_connected(server, "slow", MQTT_3_1_1);
    peer_subscribed(slow, "t", 1);
    peer_stop_reading(slow);
    for (unsigned i = 1; i <= 20; i++) {
        peer_send(publisher, "32 RL S't' 0001 %04x | 30 RL S't' ff %02x", i, i);
        peer_expect(publisher, "40 02 0001");
    }
    server_relieves(server, &shortage);
    assert_int_equal(server_count(server, dropped[DROP_MEMORY]), RELIEF_ASK_EVERY);
    peer_read_on(slow);
    for (unsigned i = 1; i <= 20; i++) {
        /* Of QoS 0 come those that the transport had, and the last; of QoS 1 all. */
        while (peer_untaken(slow) > 0) {
            struct bytes packet = peer_take(slow);

            if (packet.data[0] != 0x30) {
                assert_int_equal(packet.data[packet.size - 1], i);
                peer_send(slow, "40 02 %04x", i);
                break;
            }
        }
    }
    assert_int_equal(
            server_count(server, delivered) + server_count(server, dropped[DROP_MEMORY]), 40);
}

SERVER_TEST("MQTT5-4.8.2-4", backlog_of_a_group_gives_way_as_any)
{
    struct wish wish = { server, RELIEF_ASK_EVERY };
    const struct shortage shortage = { 1000, wish_lasts, &wish };
    struct peer *publisher = peer_connected(server, "p", MQTT_3_1_1);
    struct peer *member = peer_resumed(server, "m", MQTT_5_0, false);

    peer_subscribed(member, "$share/g/t", 1);
    peer_cut(member);
    for (unsigned i = 1; i <= 40; i++) {
        peer_send(publisher, "32 RL S't' 0001 %04x", i);
        peer_expect(publisher, "40 02 0001");
    }
    server_relieves(server, &shortage);
    assert_int_equal(server_count(server, dropped[DROP_MEMORY]), RELIEF_ASK_EVERY);
    assert_int_equal(server_told(server, "message.dropped"), 1);
    member = peer_resumed(server, "m", MQTT_5_0, true);
    peer_expect(member, "32 RL S't' 0001 00 0011");
}

SERVER_TEST(NULL, publisher_that_waits_for_room_goes_on_when_some_is_made)
{
    const struct shortage shortage = { .fat_bytes = 1000, .lasts = never_enough };
    struct peer *publisher;
    struct peer *reader;

    server->settings.queue_full_policy = QUEUE_BACKPRESSURE;
    server->settings.max_queued_messages = 20;
    publisher = peer_connected(server, "p", MQTT_3_1_1);
    reader = peer_resumed(server, "r", MQTT_3_1_1, false);
    peer_subscribed(reader, "t", 1);
    peer_cut(reader);
    for (unsigned i = 1; i <= 20; i++) {
        peer_send(publisher, "32 RL S't' %04x %04x", i, i);
        peer_expect(publisher, "40 02 %04x", i);
    }
    peer_send(publisher, "32 RL S't' 0015 0015");
    peer_expect_nothing(publisher);
    server_relieves(server, &shortage);
    peer_expect(publisher, "40 02 0015");
}

/* ---- Topics ---- */

SERVER_TEST("MQTT5-3.9.3-1", topics_have_a_length_that_is_enough)
{
    struct peer *a;
    struct peer *b;

    server->settings.topic_size_max = 5;
    a = peer_connected(server, "a", MQTT_5_0);
    peer_send(a, "32 RL S'a/b/c' 0001 00 'x' | 32 RL S'a/b/cd' 0002 00 'x'");
    peer_expect(a, "40 03 0001 10 | 40 RL 0002 90 *");
    peer_send(a, "82 RL 0003 00 S'a/b/c' 00 S'a/b/cd' 00 S'a/+/#' 00");
    peer_expect(a, "90 RL 0003 00 00 8f 00");
    a = peer_open(server);
    peer_send(a, "10 RL S'MQTT' 05 06 0000 00 S'w' 00 S'a/b/cd' S'x'");
    peer_expect_end(a, MQTT_TOPIC_NAME_INVALID);
    b = peer_connected(server, "b", MQTT_3_1_1);
    peer_send(b, "82 RL 0003 S'a/b/cd' 00 | 32 RL S'a/b/cd' 0002 'x'");
    peer_expect(b, "90 RL 0003 80 | 40 02 0002");
    assert_int_equal(server_told(server, "publish.refused"), 2);
    assert_int_equal(server_told(server, "subscribe.refused"), 2);
}

/* ---- Memory of one client ---- */

SERVER_TEST(NULL, what_is_queued_for_one_client_has_a_limit)
{
    server->settings.client_memory_max = 10 * QUEUED_SIZE;
    absent_with(server, "a", 30);
    assert_int_equal(server_count(server, dropped[DROP_QUEUE_FULL]), 20);
    assert_int_equal(server_told(server, "message.dropped"), 1);
    assert_int_equal(returns_to(server, "a", 10), 10);
    server->settings.queue_full_policy = QUEUE_DROP_OLD;
    absent_with(server, "b", 30);
    assert_int_equal(returns_to(server, "b", 30), 10);
}

SERVER_TEST(NULL, large_message_takes_the_place_of_several_small_ones)
{
    struct peer *publisher;

    server->settings.client_memory_max = 10 * QUEUED_SIZE;
    server->settings.queue_full_policy = QUEUE_DROP_OLD;
    absent_with(server, "a", 10);
    publisher = peer_connected(server, "p", MQTT_3_1_1);
    peer_send(publisher, "32 RL S'a' 0001 '%0500u'", 0u);
    peer_send(publisher, "32 RL S'a' 0001 000b");
    peer_expect(publisher, "40 02 0001 | 40 02 0001");
    /* One for the large one, and so many for the next that the queue is within its limit again. */
    assert_in_range(server_count(server, dropped[DROP_QUEUE_FULL]), 7, 9);
}

SERVER_TEST(NULL, slow_reader_of_qos_0_keeps_to_it_as_well)
{
    struct peer *publisher;
    struct peer *slow;

    server->settings.client_memory_max = 1000;
    publisher = peer_connected(server, "p", MQTT_3_1_1);
    slow = peer_connected(server, "slow", MQTT_3_1_1);
    peer_subscribed(slow, "t", 0);
    peer_stop_reading(slow);
    for (unsigned i = 0; i < 50; i++)
        peer_send(publisher, "30 RL S't' '%0100u'", i);
    assert_in_range(server_count(server, dropped[DROP_SLOW_READER]), 38, 46);
    assert_int_equal(server_told(server, "message.dropped"), 1);
    peer_read_on(slow);
    assert_int_equal(
            server_count(server, delivered), 50 - server_count(server, dropped[DROP_SLOW_READER]));
    /* Others have limits of their own. */
    peer_subscribed(publisher, "t", 0);
    peer_publishes(publisher, 0, "t", "x");
    peer_expect(publisher, "30 RL S't' 'x'");
}

SERVER_TEST("MQTT5-3.1.2-8", evicted_connection_is_told_and_leaves_its_will)
{
    struct peer *watcher = peer_connected(server, "watcher", MQTT_5_0);
    struct peer *a = peer_open(server);

    peer_subscribed(watcher, "w", 0);
    peer_send(a, "10 RL S'MQTT' 05 06 0000 00 S'a' 00 S'w' S'bye'");
    peer_expect(a, "20 RL 00 00 *");
    peer_send_bytes(a, BYTES("\x30\xff\x7f\x00\x01t\x00unfinished"));
    peer_evict(a);
    peer_expect_end(a, MQTT_QUOTA_EXCEEDED);
    peer_expect(watcher, "30 RL S'w' 00 'bye'");
    assert_int_equal(server_count(server, evictions), 1);
    assert_int_equal(server_told(server, "client.disconnected"), 1);
    /* One that has not come in yet is just gone. */
    a = peer_open(server);
    peer_send_bytes(a, BYTES("\x10\x7f\x00"));
    peer_evict(a);
    peer_expect_closed(a);
}
