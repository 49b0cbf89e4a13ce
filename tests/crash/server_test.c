/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server is killed at random moments under load, and started again with another number of
 * threads: what it has acknowledged is delivered, QoS 2 once, all in order.
 *
 * ROUNDS in the environment says how often, in place of ROUNDS_DEFAULT; SEED repeats a run as far
 * as the machine lets it.
 */
#include "tests/crash/load.h"
#include "tests/crash/server.h"
#include "tests/harness/test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum {
    ROUNDS_DEFAULT = 12,
    CONTROL_ROUNDS = 3,
    HASTY_ROUNDS = 40,
    CUT_TURNS = 500, /* with no kill but cut connections */
    CUT_TURN_MS = 4, /* at least */
    RATE = 1000,     /* messages a second */
    THREADS_MAX = 4,
    EARLY_EVERY = 8,      /* rounds, of which one is killed while it starts */
    EARLY_MS = 60,        /* at most, until then */
    PROGRESS_MAX = 20000, /* acknowledgements and messages until a kill */
    ROUND_MS = 1500,      /* at most, until then */
    WHILE_BUSY_US = 2000, /* at most, until then, with the load at rest */
    PATIENCE_MS = 20000,  /* without progress, before what is missing is called lost */
    CONTROL_PATIENCE_MS = 800,
    AFTERWARDS_MS = 300, /* for what comes though it must not */
};

struct world {
    struct server server;
    unsigned threads; /* of the server, the last time */
    struct load *load;
    struct random random;
};

static void world_init(struct world *world, const char *lines)
{
    const char *seed = getenv("SEED");

    signal(SIGPIPE, SIG_IGN);
    world->random.state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("SEED=%llu\n", (unsigned long long)world->random.state);
    server_init(&world->server, lines);
    world->load = calloc(1, sizeof(*world->load));
    assert_non_null(world->load);
    assert_true(load_init(world->load, world->server.socket, random_next(&world->random)));
}

static void world_deinit(struct world *world)
{
    load_deinit(world->load);
    free(world->load);
    server_deinit(&world->server);
}

static unsigned draw(struct world *world, unsigned below)
{
    return (unsigned)(random_next(&world->random) % below);
}

/* With another number of threads than the last time. */
static void start(struct world *world)
{
    world->threads = 1 + (world->threads + draw(world, THREADS_MAX - 1)) % THREADS_MAX;
    server_start(&world->server, world->threads);
}

static void run_until(struct world *world, int64_t end_ms, uint64_t progress)
{
    while (world->load->now_ms < end_ms && world->load->progress < progress) {
        int status;

        load_turn(world->load);
        if (!server_ended(&world->server, &status))
            continue;
        server_print_log(&world->server);
        fail_msg("the server has ended by itself, with status %d", status);
    }
}

static int64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The server goes on for a moment without us: it is killed while it works, not when it waits. */
static void look_away(struct world *world)
{
    int64_t end_us = clock_us() + draw(world, WHILE_BUSY_US);

    while (clock_us() < end_us)
        ;
}

/* However long the server takes to come, it has done something then. */
static void await_progress(struct world *world)
{
    uint64_t progress = world->load->progress + 1;

    run_until(world, world->load->now_ms + PATIENCE_MS, progress);
    assert_true(world->load->progress >= progress);
}

static void kill_once(struct world *world, bool early)
{
    struct load *load = world->load;

    start(world);
    if (early) {
        run_until(world, load->now_ms + draw(world, EARLY_MS), UINT64_MAX);
    } else {
        await_progress(world);
        run_until(world, load->now_ms + ROUND_MS, load->progress + draw(world, PROGRESS_MAX));
    }
    look_away(world);
    server_kill(&world->server);
    ledger_note(&load->ledger, VERDICT_KILLS, "-");
}

/* Nothing new is sent, everyone comes back, and what is under way arrives. */
static void settle(struct world *world, int64_t patience_ms)
{
    struct load *load = world->load;
    uint64_t progress = load->progress;
    int64_t end_ms = load->now_ms + patience_ms;

    load->rate = 0;
    load->restless = false;
    while (!load_settled(load) && load->now_ms < end_ms) {
        run_until(world, load->now_ms + 1, UINT64_MAX);
        if (load->progress > progress)
            end_ms = load->now_ms + patience_ms;
        progress = load->progress;
    }
    run_until(world, load->now_ms + AFTERWARDS_MS, UINT64_MAX);
    load_check_retained(load, patience_ms);
    ledger_close(&load->ledger);
    ledger_print(&load->ledger, stdout);
}

/* The first two rounds are none of those that end early: there is something to lose then. */
static void kill_again_and_again(struct world *world, unsigned rounds, int64_t patience_ms)
{
    world->load->rate = RATE;
    world->load->restless = true;
    for (unsigned i = 0; i < rounds; i++)
        kill_once(world, draw(world, EARLY_EVERY) == 0 && i >= 2);
    start(world);
    settle(world, patience_ms);
}

static void expect_no_fault(struct world *world)
{
    const struct ledger *ledger = &world->load->ledger;

    if (ledger_faults(ledger) > 0) {
        server_print_log(&world->server);
        fail_msg("%s", ledger->first_fault);
    }
    assert_true(ledger->verdict[VERDICT_RECEIVED] > 0);
    assert_true(ledger->verdict[VERDICT_RESENT] > 0);
    assert_true(ledger->verdict[VERDICT_RESUMED] > 0);
}

TEST(what_a_killed_server_has_acknowledged_arrives_once_and_in_order)
{
    const char *rounds = getenv("ROUNDS");
    const char *lines = getenv("LINES_OF_CONFIG");
    struct world world;

    world_init(&world, lines ? lines : "persistence true");
    kill_again_and_again(
            &world, rounds ? (unsigned)strtoul(rounds, NULL, 10) : ROUNDS_DEFAULT, PATIENCE_MS);
    expect_no_fault(&world);
    assert_true(server_stop(&world.server));
    world_deinit(&world);
}

/* The judge is right: a server that lives loses nothing, whatever becomes of connections. */
TEST(cut_connections_lose_nothing)
{
    struct world world;

    world_init(&world, "persistence false");
    start(&world);
    world.load->rate = RATE;
    world.load->restless = true;
    await_progress(&world);
    for (unsigned i = 0; i < CUT_TURNS; i++)
        run_until(&world, world.load->now_ms + CUT_TURN_MS, UINT64_MAX);
    settle(&world, PATIENCE_MS);
    expect_no_fault(&world);
    world_deinit(&world);
}

/* And it sees a loss: a server that keeps nothing has forgotten its sessions and messages. */
TEST(a_server_that_keeps_nothing_is_found_out)
{
    struct world world;

    world_init(&world, "persistence false");
    kill_again_and_again(&world, CONTROL_ROUNDS, CONTROL_PATIENCE_MS);
    assert_true(world.load->ledger.verdict[VERDICT_LOST] > 0);
    assert_true(world.load->ledger.verdict[VERDICT_FORGOTTEN] > 0);
    world_deinit(&world);
}

/* So is one that keeps all, and acknowledges it before it does. */
TEST(a_server_that_does_not_wait_for_the_disk_is_found_out)
{
    struct world world;

    world_init(&world, "persistence true\ndurability none");
    kill_again_and_again(&world, HASTY_ROUNDS, CONTROL_PATIENCE_MS);
    assert_true(ledger_faults(&world.load->ledger) > 0);
    world_deinit(&world);
}
