/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulation/world.h"

#include "base/hash.h"
#include "tests/simulation/client.h"
#include "tests/simulation/host.h"
#include "tests/simulation/oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
    CALM_ROUNDS_MAX = 20000,
    CALM_EVERY_EARLY = 300,
    CALM_EVERY = 4000,
    CALM_LEAP_MS = 500,
    LAZY_MS = 100, /* by then the store has been told all */
    LEAP_MIN_MS = 1000,
    LEAP_MAX_MS = 8000,
    ZOMBIE_CUT_IN = 10,
    ANNOUNCED_SIZE = 8,
    COMMIT_MAX = 8, /* batches at once */
    /* More than any of them takes beside the messages. */
    SESSION_BYTES = 16 << 10,
    SHARD_BYTES = 256 << 10,
    LINK_BYTES = 8 << 10,
    MESSAGE_OVERHEAD = 512,
    DELIVERY_BYTES = 64,
};

void world_fail(const struct world *world, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "BROKEN at step %" PRIu64 ": ", world->step);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr,
            "\nreplay: simulation --seed %" PRIu64 " --shards %u --steps %" PRIu64 " --trace\n",
            world->seed, world->shards, world->steps);
    _Exit(1);
}

void world_tell(const struct world *world, const char *format, ...)
{
    va_list arguments;

    if (!world->trace)
        return;
    printf("%7" PRIu64 " %9" PRId64 "ms ", world->step, world->now_ms);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

/* ---- One step ---- */

/* A link with something under way, up or down, NULL when there is none. */
static struct link *pick_link(struct world *world, bool up)
{
    unsigned first = draw(&world->random, LINKS_MAX);

    for (unsigned l = 0; l < LINKS_MAX; l++) {
        struct link *link = &world->host->links[(first + l) % LINKS_MAX];

        if (link->place == LINK_FREE)
            continue;
        if (up ? pipe_size(&link->up) > link->up_arrived || (!link->heard && !link->up_cut)
               : link->heard && !world->clients[link->client].keeps_still &&
                                (pipe_size(&link->down) > 0 || link->place == LINK_CLOSED))
            return link;
    }
    return NULL;
}

static void move_up(struct world *world)
{
    struct link *link = pick_link(world, true);

    if (!link)
        return;
    if (!link->heard && !link->up_cut && chance(&world->random, ZOMBIE_CUT_IN)) {
        host_cut(world->host, link, draw(&world->random, (uint32_t)pipe_size(&link->up) + 1));
        return;
    }
    host_upstream(world->host, link, 1 + draw(&world->random, world->plan.chunk_max));
}

static void move_down(struct world *world)
{
    struct link *link = pick_link(world, false);

    if (link)
        host_downstream(world->host, link, 1 + draw(&world->random, world->plan.chunk_max));
}

static void pass_time(struct world *world)
{
    const struct plan *plan = &world->plan;
    int64_t more_ms = 1 + draw(&world->random, plan->time_step_max_ms);

    if (plan->time_leap_in > 0 && chance(&world->random, plan->time_leap_in))
        more_ms = LEAP_MIN_MS + draw(&world->random, LEAP_MAX_MS - LEAP_MIN_MS);
    host_pass_time(world->host, more_ms);
    oracle_pass_time(world->oracle);
}

static void announce(struct world *world)
{
    uint32_t message = oracle_note_new(world->oracle);
    struct note *note = &world->oracle->notes[message];
    uint8_t payload[ANNOUNCED_SIZE];
    struct announcement announcement = {
        .topic = names_topic(TOPIC_SERVER),
        .payload = bytes_of(payload, sizeof(payload)),
        .retain = chance(&world->random, 2),
    };

    *note = (struct note){
        .publisher = SERVER_PUBLISHER,
        .topic = TOPIC_SERVER,
        .retain = announcement.retain,
        .size = ANNOUNCED_SIZE,
    };
    for (unsigned i = 0; i < 4; i++) {
        payload[i] = (uint8_t)(message >> (24 - 8 * i));
        payload[4 + i] = (uint8_t)((uint32_t)hash_mix(message) >> (24 - 8 * i));
    }
    if (host_announce(world->host, draw(&world->random, world->plan.shards), &announcement)) {
        oracle_announced(world->oracle, message);
        world_count(world, TALLY_ANNOUNCED);
    } else {
        /* Where memory was short, it perhaps is retained all the same. */
        note->instances = world->plan.memory_refused_in > 0;
        world_count(world, TALLY_ANNOUNCE_DELAYED);
    }
}

static void take_step(struct world *world)
{
    unsigned shard;

    switch ((enum event_of_world)draw_weighted(&world->random, world->plan.events, WORLD_EVENTS)) {
    case WORLD_CLIENT:
        client_act(&world->clients[draw(&world->random, world->plan.clients)]);
        break;
    case WORLD_UPSTREAM:
        move_up(world);
        break;
    case WORLD_DOWNSTREAM:
        move_down(world);
        break;
    case WORLD_TURN:
        shard = host_pick_awake(world->host);
        if (shard < world->plan.shards)
            host_turn(world->host, shard);
        else
            client_act(&world->clients[draw(&world->random, world->plan.clients)]);
        break;
    case WORLD_TIME:
        pass_time(world);
        break;
    case WORLD_ANNOUNCE:
        announce(world);
        break;
    case WORLD_COMMIT:
        if (host_commit(world->host, 1 + draw(&world->random, COMMIT_MAX)))
            world_count(world, TALLY_COMMITTED);
        break;
    case WORLD_EVENTS:
        break;
    }
}

/* ---- Calm weather: everything that can come must come ---- */

static void cut_zombies(struct world *world)
{
    for (unsigned l = 0; l < LINKS_MAX; l++) {
        struct link *link = &world->host->links[l];

        if (link->place != LINK_FREE && !link->heard && !link->up_cut)
            host_cut(world->host, link, SIZE_MAX);
    }
}

/* True when there was something to do. */
static bool calm_round(struct world *world, unsigned absent)
{
    bool busy = false;

    cut_zombies(world);
    busy |= host_commit(world->host, UINT32_MAX);
    for (unsigned c = 0; c < world->plan.clients && !world->host->stopped; c++) {
        if (c != absent)
            busy |= client_act_calmly(&world->clients[c]);
    }
    for (unsigned l = 0; l < LINKS_MAX; l++)
        busy |= host_upstream(world->host, &world->host->links[l], SIZE_MAX);
    for (unsigned s = 0; s < world->plan.shards; s++) {
        if (!world->host->shards[s].awake)
            continue;
        host_turn(world->host, s);
        busy = true;
    }
    for (unsigned l = 0; l < LINKS_MAX; l++)
        busy |= host_downstream(world->host, &world->host->links[l], SIZE_MAX);
    return busy || host_busy(world->host);
}

static void stall(const struct world *world)
{
    for (unsigned l = 0; l < LINKS_MAX; l++) {
        const struct link *link = &world->host->links[l];

        if (link->place != LINK_FREE)
            fprintf(stderr,
                    "link %u of client %u at shard %u: place %d phase %d up %zu down %zu head %zu "
                    "waits %d ended %d fresh %d heard %d\n",
                    link->serial, link->client, link->shard, link->place,
                    world->clients[link->client].phase, pipe_size(&link->up),
                    pipe_size(&link->down), pipe_size(&link->head), link->waits, link->ended,
                    link->fresh, link->heard);
    }
    world_fail(world, "no rest after %d calm rounds", CALM_ROUNDS_MAX);
}

static void come_to_rest(struct world *world, unsigned absent)
{
    unsigned rounds = 0;

    while (calm_round(world, absent)) {
        bool asleep = host_pick_awake(world->host) == world->plan.shards;

        if (++rounds == CALM_ROUNDS_MAX)
            stall(world);
        world->step++;
        host_pass_time(world->host, asleep && rounds % 8 == 0 ? CALM_LEAP_MS : 1);
        oracle_pass_time(world->oracle);
    }
}

/* `absent`: a client that stays away; CLIENTS_MAX: none does. */
static void calm_down(struct world *world, unsigned absent)
{
    world->calm = true;
    world->heap.refuse_in = 0;
    world_tell(world, "calm without client %u", absent);
    for (unsigned s = 0; s < world->plan.shards; s++)
        world->host->shards[s].awake |= world->plan.memory_refused_in > 0;
    come_to_rest(world, absent);
    if (!world->plan.stores)
        return;
    /* The store is told of what is done, too. */
    for (int64_t until_ms = world->now_ms + LAZY_MS; world->now_ms < until_ms;) {
        host_pass_time(world->host, until_ms - world->now_ms);
        come_to_rest(world, absent);
    }
}

/* ---- At rest ---- */

static uint64_t sum_dropped(const struct world *world)
{
    uint64_t dropped = 0;

    for (unsigned r = 0; r < DROP_REASONS; r++)
        dropped += HOST_SUM(world->host, dropped[r]);
    return dropped;
}

static uint64_t sum_waiting(const struct world *world)
{
    uint64_t waiting = 0;

    for (unsigned s = 0; s < world->plan.shards; s++)
        waiting += core_waiting(world->host->shards[s].core);
    return waiting;
}

static void demand(const struct world *world, const char *what, uint64_t counted, uint64_t expected)
{
    if (counted != expected)
        world_fail(world, "%s: core says %" PRIu64 ", but it is %" PRIu64, what, counted, expected);
}

/* Whether every match is accounted for; only while no mail is under way. */
static void check_ledger(const struct world *world)
{
    const struct host *host = world->host;
    uint64_t matched = HOST_SUM(host, matched);
    uint64_t delivered = HOST_SUM(host, delivered);
    uint64_t expired = HOST_SUM(host, expired);
    uint64_t dropped = sum_dropped(world);
    uint64_t waiting = sum_waiting(world);

    if (matched != delivered + expired + dropped + waiting)
        world_fail(world,
                "matched %" PRIu64 " is not delivered %" PRIu64 " + expired %" PRIu64
                " + dropped %" PRIu64 " + waiting %" PRIu64,
                matched, delivered, expired, dropped, waiting);
}

static void check_counters(const struct world *world)
{
    const struct host *host = world->host;
    unsigned links = 0;

    for (unsigned l = 0; l < LINKS_MAX; l++)
        links += host->links[l].place == LINK_AT_SHARD;
    check_ledger(world);
    demand(world, "waiting", sum_waiting(world), 0);
    demand(world, "bytes received", HOST_SUM(host, bytes_received), host->bytes_received);
    demand(world, "bytes sent", HOST_SUM(host, bytes_sent), host->bytes_sent);
    demand(world, "sockets", HOST_SUM(host, sockets), links);
    demand(world, "connections", HOST_SUM(host, connections), world->plan.clients);
    demand(world, "sessions", HOST_SUM(host, sessions), world->plan.clients);
}

/* At rest a server holds its tables, its sessions and what is retained, and nothing else. */
static size_t rest_bound(const struct world *world)
{
    const struct plan *plan = &world->plan;

    return world->empty_bytes + plan->clients * (size_t)SESSION_BYTES +
            TOPICS * ((size_t)plan->payload_max + MESSAGE_OVERHEAD) +
            plan->shards * (size_t)SHARD_BYTES;
}

/*
 * What queues, windows and buffers may hold where they are limited: of each session and group the
 * queue, the window, the QoS 0 backlog and what is read of the retained messages; of each link the
 * answers and one packet.
 */
static size_t busy_bound(const struct world *world)
{
    const struct core_settings *settings = &world->plan.settings;
    size_t message = world->plan.payload_max + (size_t)MESSAGE_OVERHEAD;
    size_t target = (settings->max_queued_messages + settings->max_inflight_messages) * message +
            settings->qos0_backlog_bytes_max + (size_t)TOPICS * FILTERS * DELIVERY_BYTES + message;

    return rest_bound(world) + (world->plan.clients + GROUPS) * target +
            LINKS_MAX * (LINK_BYTES + message);
}

static void check_memory(const struct world *world, size_t bound)
{
    if (world->heap.bytes > bound)
        world_fail(world, "%zu bytes are in use, more than %zu", world->heap.bytes, bound);
}

static void check_rest(struct world *world)
{
    for (unsigned c = 0; c < world->plan.clients; c++) {
        client_check_rest(&world->clients[c]);
        world->clients[c].robbed = false;
    }
    oracle_check_rest(world->oracle);
    check_counters(world);
    check_memory(world, rest_bound(world));
    world_count(world, TALLY_CALM);
}

/* Sometimes one client stays away at first, so that others have to take what its groups gave it. */
static void rest(struct world *world)
{
    unsigned absent = draw(&world->random, 2 * world->plan.clients);

    if (absent < world->plan.clients) {
        if (world->clients[absent].link)
            client_cut(&world->clients[absent]);
        calm_down(world, absent);
        oracle_check_groups(world->oracle);
    }
    calm_down(world, CLIENTS_MAX);
    check_rest(world);
}

static void stir(struct world *world)
{
    world->calm = false;
    world->heap.refuse_in = world->plan.memory_refused_in;
}

/* ---- A run ---- */

static void tell_plan(const struct world *world)
{
    const struct plan *plan = &world->plan;
    const struct core_settings *settings = &plan->settings;

    world_tell(world,
            "shards %u clients %u slots %" PRIu32
            " mixed %d limited %d sizes %d refuses %d expires %d "
            "memory 1/%" PRIu32,
            plan->shards, plan->clients, plan->mailbox_slots, plan->mixed, plan->limited,
            plan->sizes_limited, plan->refuses, plan->expires, plan->memory_refused_in);
    world_tell(world,
            "inflight %u queued %" PRIu32 " policy %d receive_max %u qos0_queued %d upgraded %d",
            settings->max_inflight_messages, settings->max_queued_messages,
            settings->queue_full_policy, settings->receive_max, settings->queue_qos0_messages,
            settings->upgrade_outgoing_qos);
    world_tell(world, "stores %d patience %d killed in %" PRIu32, plan->stores, plan->patience,
            plan->killed_in);
}

static void open_world(struct world *world, const struct world_setup *setup)
{
    *world = (struct world){
        .seed = setup->seed,
        .shards = setup->shards,
        .steps = setup->steps,
        .trace = setup->trace,
        .now_ms = 1000,
        .random = { .state = hash_mix(setup->seed * SHARDS_SIMULATED_MAX + setup->shards) },
        .names = names_make(),
    };
    world->plan = plan_draw(&world->random, setup->shards);
    tell_plan(world);
    world->heap.random.state = random_next(&world->random);
    world->host = malloc(sizeof(*world->host));
    world->oracle = malloc(sizeof(*world->oracle));
    world->clients = malloc(world->plan.clients * sizeof(*world->clients));
    if (!world->host || !world->oracle || !world->clients)
        abort();
    host_open(world->host, world);
    oracle_open(world->oracle, world);
    for (unsigned c = 0; c < world->plan.clients; c++)
        client_open(&world->clients[c], world, c);
}

static void count_core(struct world *world)
{
    const struct host *host = world->host;
    uint64_t *counts = world->tally.counts;

    counts[TALLY_STEPS] = world->step;
    counts[TALLY_BYTES_PEAK] = world->heap.bytes_peak;
    counts[TALLY_MEMORY_REFUSED] = world->heap.refused;
    counts[TALLY_MATCHED] += HOST_SUM(host, matched);
    counts[TALLY_DELIVERED] += HOST_SUM(host, delivered);
    counts[TALLY_EXPIRED] += HOST_SUM(host, expired);
    for (unsigned r = 0; r < DROP_REASONS; r++)
        counts[TALLY_DROPPED_QUEUE_FULL + r] += HOST_SUM(host, dropped[r]);
    counts[TALLY_DELAYED] += HOST_SUM(host, delayed_connects);
    counts[TALLY_THROTTLED] += HOST_SUM(host, throttlings);
}

/* The process is killed; some of what was not durable yet is there all the same. */
static void kill_server(struct world *world)
{
    unsigned shards = 1 + draw(&world->random, SHARDS_SIMULATED_MAX);

    host_commit(world->host, draw(&world->random, COMMIT_MAX));
    world_tell(world, "killed, and started again with %u shards", shards);
    count_core(world);
    world_count(world, TALLY_KILLED);
    oracle_killed(world->oracle);
    for (unsigned c = 0; c < world->plan.clients; c++)
        world->clients[c].robbed = world->clients[c].robbed_now = true;
    host_kill(world->host, shards);
}

/* Every client is told, and every link ends. */
static void stop_server(struct world *world)
{
    host_shut_down(world->host);
    calm_down(world, CLIENTS_MAX);
    for (unsigned l = 0; l < LINKS_MAX; l++) {
        if (world->host->links[l].place != LINK_FREE)
            world_fail(world, "link %u outlives the server", world->host->links[l].serial);
    }
    check_ledger(world);
}

static void close_world(struct world *world, struct tally *tally)
{
    count_core(world);
    host_close(world->host);
    oracle_close(world->oracle);
    tally_add(tally, &world->tally);
    free(world->clients);
    free(world->oracle);
    free(world->host);
}

void world_run(const struct world_setup *setup, struct tally *tally)
{
    struct world world;
    uint64_t calm_at;
    uint32_t calm_every;

    open_world(&world, setup);
    world.empty_bytes = world.heap.bytes;
    calm_every = world.plan.calms_early ? CALM_EVERY_EARLY : CALM_EVERY;
    calm_at = draw(&world.random, 2 * calm_every);
    stir(&world);
    while (world.step < setup->steps) {
        setup->position->step = ++world.step;
        take_step(&world);
        if (world.plan.killed_in > 0 && chance(&world.random, world.plan.killed_in))
            kill_server(&world);
        if (world.plan.limited)
            check_memory(&world, busy_bound(&world));
        if (world.step < calm_at)
            continue;
        rest(&world);
        stir(&world);
        calm_at = world.step + draw(&world.random, 2 * calm_every);
    }
    if (world.plan.stops) {
        world.heap.refuse_in = 0;
        stop_server(&world);
    } else if (!world.plan.drops) {
        rest(&world);
    }
    close_world(&world, tally);
}
