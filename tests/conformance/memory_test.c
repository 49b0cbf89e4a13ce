/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short memory: each allocation of a script is made to fail once. Nothing is lost without a word:
 * where the clients hear less than with memory enough, one of them was refused or disconnected, or
 * the loss is counted or told in the log. And the server lives on.
 */
#include "tests/harness/peer.h"

#include <stdlib.h>

enum { FAILURES_MAX = 2000 };

/* What the clients of a run have heard. */
struct outcome {
    uint64_t digest;
    unsigned publishes;
    bool told; /* a reason of 0x80 or above, or a closed transport */
};

static void hear(struct outcome *outcome, struct peer *peer)
{
    for (struct bytes got; (got = peer_take(peer)).size > 0;) {
        unsigned type = got.data[0] >> 4;

        for (size_t i = 0; i < got.size; i++)
            outcome->digest = outcome->digest * 31 + got.data[i];
        outcome->publishes += type == 3;
        outcome->told |= type == 2 && got.data[3] >= 0x80;
        outcome->told |= type >= 4 && type <= 7 && got.size > 4 && got.data[4] >= 0x80;
        outcome->told |= (type == 9 || type == 11) && got.data[got.size - 1] >= 0x80;
        outcome->told |= type == 14;
    }
    outcome->told |= !peer_is_open(peer);
}

/* A client comes, subscribes in all ways, and goes; another publishes in all ways and is lost. */
static struct outcome run_script(struct server *server)
{
    struct outcome outcome = { 0 };
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *again = peer_open(server);
    struct peer *lost = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 0000000a 22 0002) S'a'");
    peer_send(b, "10 RL S'MQTT' 05 06 003C 00 S'b' 00 S'w' S'bye'");
    peer_send(lost, "10 RL S'MQTT' 04 00 0000 S'lost'");
    peer_send(a, "82 RL 0001 (0b 01) S't/#' 01");
    peer_send(a, "82 RL 0002 (0b 02) S't/+' 02 | 82 RL 0003 00 S'w' 01");
    peer_send(lost, "82 RL 0001 S'$share/g/t/1' 02");
    peer_send(a, "82 RL 0004 00 S'$share/g/t/1' 02");
    peer_send(b, "31 RL S't/0' 00 'x' | 33 RL S't/1' 0001 00 'y'");
    peer_send(b, "34 RL S't/2' 0002 (02 00000001 26 S'k' S'v') 'z' | 62 02 0002");
    hear(&outcome, lost);
    peer_cut(lost);
    peer_send(b, "30 RL S't/3' (23 0001) 'x' | 32 RL 0000 0003 (23 0001) 'y'");
    peer_send(a, "40 02 0001 | 50 02 0002 | 82 RL 0005 00 S't/+' 01");
    peer_send(a, "a2 RL 0006 00 S't/#' S't/+'");
    hear(&outcome, b);
    peer_cut(b);
    hear(&outcome, a);
    peer_cut(a);
    peer_send(again, "10 RL S'MQTT' 05 00 0000 (11 00000005) S'a'");
    hear(&outcome, again);
    peer_cut(again);
    clock_advance(server, 20000);
    return outcome;
}

/* Two queues that are too short for what comes, a session's and its group's, and a publisher that
 * waits for both; then the session is absent, and what it has not got waits in the store. */
static struct outcome run_crowded(struct server *server)
{
    struct outcome outcome = { 0 };
    struct peer *a = peer_open(server);
    struct peer *b = peer_open(server);
    struct peer *again = peer_open(server);

    peer_send(a, "10 RL S'MQTT' 05 02 0000 (11 0000000a) S'a'");
    peer_send(b, "10 RL S'MQTT' 05 02 0000 00 S'b'");
    peer_send(a, "82 RL 0001 00 S't' 01 | 82 RL 0002 00 S'$share/g/t' 01");
    for (unsigned id = 1; id <= 4; id++)
        peer_send(b, "32 RL S't' %04x (02 00000005) 'x'", id);
    for (unsigned id = 1; id <= 6; id++)
        peer_send(a, "40 02 %04x", id);
    hear(&outcome, b);
    hear(&outcome, a);
    peer_cut(a);
    peer_send(b, "33 RL S't' 0005 00 'y' | 32 RL S't' 0006 00 'z'");
    peer_send(again, "10 RL S'MQTT' 05 00 0000 (11 00000005) S'a'");
    hear(&outcome, again);
    peer_cut(again);
    clock_advance(server, 20000);
    hear(&outcome, b);
    return outcome;
}

/* What is played, and how much room there is for it. */
struct script {
    struct outcome (*run)(struct server *server);
    bool crowded; /* short queues, publishers that wait for them, and a store */
};

static struct server *server_for(const struct script *script, unsigned shards)
{
    struct server *server = server_new(shards);

    if (script->crowded) {
        server->settings.queue_full_policy = QUEUE_BACKPRESSURE;
        server->settings.max_inflight_messages = 1;
        server->settings.max_queued_messages = 1;
        server->stores = true;
    }
    return server;
}

static bool lives_on(struct server *server)
{
    struct peer *c = peer_connected(server, "c", MQTT_5_0);
    struct peer *d = peer_connected(server, "d", MQTT_3_1_1);
    bool delivered;

    peer_subscribed(c, "alive", 1);
    peer_publishes(d, 2, "alive", "yes");
    peer_expect(c, "32 RL S'alive' 0001 00 'yes'");
    delivered = peer_is_open(c) && peer_is_open(d);
    peer_send(c, "40 02 0001");
    return delivered;
}

/* Runs the script with allocations number `first` to `first + more` failing; true when that many
 * were made at all. */
static bool fail_one(const struct script *script, unsigned shards, uint64_t first, uint64_t more,
        const struct outcome *whole)
{
    struct server *server = server_for(script, shards);
    struct outcome outcome;
    bool reached;

    server->may_refuse = true;
    server_start(server);
    server->memory.state->fail_at = server->memory.state->taken + first;
    server->memory.state->fail_until = server->memory.state->fail_at + more;
    server_note(server, "allocation %llu fails", (unsigned long long)first);
    outcome = script->run(server);
    reached = server->memory.state->taken >= server->memory.state->fail_at;
    server->memory.state->fail_at = 0;
    if (outcome.digest != whole->digest && outcome.publishes < whole->publishes && !outcome.told &&
            server_count(server, dropped[DROP_NO_MEMORY]) == 0 &&
            /* At QoS 0, and of a lost client, only the log can be told. */
            server_told(server, "publish.refused") + server_told(server, "will.refused") == 0)
        server_fail(server, __FILE__, __LINE__, "a loss at allocation %llu is told to nobody",
                (unsigned long long)first);
    assert_true(lives_on(server));
    server_end(server);
    return reached;
}

static struct outcome run_whole(const struct script *script, unsigned shards)
{
    struct server *server = server_for(script, shards);
    struct outcome outcome = script->run(server);

    server_end(server);
    return outcome;
}

static void fail_each(const struct script *script)
{
    for (unsigned shards = 1; shards <= 2; shards++) {
        struct outcome whole = run_whole(script, shards);
        uint64_t first = 1;

        assert_true(whole.publishes > 5);
        assert_false(whole.told);
        while (fail_one(script, shards, first, 0, &whole)) {
            first++;
            assert_in_range(first, 1, FAILURES_MAX);
        }
        assert_true(first > 50);
    }
}

TEST(each_allocation_may_fail)
{
    fail_each(&(struct script){ .run = run_script });
}

TEST(each_allocation_may_fail_where_publishers_wait)
{
    fail_each(&(struct script){ .run = run_crowded, .crowded = true });
}

TEST(memory_may_be_short_for_a_while)
{
    static const struct script scripts[] = { { run_script, false }, { run_crowded, true } };

    for (unsigned i = 0; i < 4; i++) {
        const struct script *script = &scripts[i / 2];
        unsigned shards = 1 + i % 2;
        struct outcome whole = run_whole(script, shards);

        for (uint64_t first = 1; fail_one(script, shards, first, 10, &whole); first++)
            ;
    }
}

/* Lets no allocation succeed. */
static void starve(struct server *server, bool starved)
{
    server->memory.state->fail_at = starved ? 1 : 0;
    server->memory.state->fail_until = UINT64_MAX;
}

SERVER_TEST("MQTT311-4.8.0-2", a_message_without_memory_is_not_acknowledged)
{
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);
    struct peer *new = peer_connected(server, "new", MQTT_5_0);
    struct peer *other = peer_connected(server, "other", MQTT_5_0);

    peer_subscribed(other, "t", 1);
    /* Room for answers is there already. */
    peer_publishes(new, 2, "u", "x");
    starve(server, true);
    peer_send(new, "32 RL S't' 0001 00 'x'");
    peer_send(old, "32 RL S't' 0001 'x'");
    starve(server, false);
    peer_expect_closed(old);
    if (peer_is_open(new))
        peer_expect(new, "40 RL 0001 83 *");
    else
        peer_expect_end(new, MQTT_QUOTA_EXCEEDED);
    peer_publishes(peer_connected(server, "old", MQTT_3_1_1), 2, "t", "x");
    peer_expect(other, "32 RL S't' 0001 00 'x'");
}

/* What is left is for the answers that say so, and for what gives some back. */
SERVER_TEST(NULL, the_last_of_the_memory_is_not_for_messages)
{
    struct peer *new = peer_connected(server, "new", MQTT_5_0);
    struct peer *old = peer_connected(server, "old", MQTT_3_1_1);

    peer_publishes(new, 3, "kept", "x");
    server->is_full = true;
    peer_send(new, "33 RL S't' 0001 00 'x' | 30 RL S't' 00 'x' | c0 00");
    peer_expect(new, "40 RL 0001 83 * | d0 00");
    peer_send(old, "32 RL S't' 0001 'x'");
    peer_expect_closed(old);
    peer_send(new, "33 RL S'kept' 0002 00");
    peer_expect(new, "40 03 0002 10");
    peer_subscribed(new, "#", 1);
    peer_expect_nothing(new);
    server->is_full = false;
    peer_publishes(new, 2, "t", "x");
    peer_expect(new, "32 RL S't' 0001 00 'x'");
}

static void *create_no_lock(void *context)
{
    return context;
}

static void leave_lock(void *context, void *lock)
{
    (void)context;
    (void)lock;
}

TEST(a_server_that_cannot_start_leaves_nothing)
{
    struct test_memory memory = test_memory_start();
    const struct locks locks = { create_no_lock, leave_lock, leave_lock, leave_lock, &memory };
    const struct hub_setup setup = {
        .shards = 2, .mailbox_slots = 2, .memory = memory.memory, .locks = locks
    };
    struct core_settings settings;
    struct hub *hub = NULL;

    core_settings_init(&settings);
    for (uint64_t i = 1; !hub; i++) {
        memory.state->fail_at = memory.state->taken + i;
        memory.state->fail_until = memory.state->fail_at;
        hub = hub_new(&setup);
        if (!hub)
            assert_int_equal(memory.state->blocks, 0);
    }
    for (unsigned shard = 0; shard < 2; shard++) {
        const struct core_setup core_setup = {
            .hub = hub, .shard = shard, .settings = &settings, .memory = memory.memory
        };
        size_t blocks = memory.state->blocks;
        struct core *core = NULL;

        for (uint64_t i = 1; !core; i++) {
            memory.state->fail_at = memory.state->taken + i;
            memory.state->fail_until = memory.state->fail_at;
            core = core_new(&core_setup, 0);
            if (!core)
                assert_int_equal(memory.state->blocks, blocks);
        }
        core_free(core);
    }
    hub_free(hub);
    test_memory_end(&memory);
}
