/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One simulated run: a server of several shards, its clients, the network between them, and the
 * oracle that knows what must come of it; all moved on step by step from one seed.
 */
#ifndef TESTS_SIMULATION_WORLD_H
#define TESTS_SIMULATION_WORLD_H

#include "tests/simulation/heap.h"
#include "tests/simulation/names.h"
#include "tests/simulation/plan.h"
#include "tests/simulation/tally.h"

struct client;
struct host;
struct oracle;

struct world {
    uint64_t seed;
    uint64_t step;
    int64_t now_ms;
    uint64_t steps;  /* of the whole run */
    unsigned shards; /* that it has begun with */
    bool trace;      /* tell every step on standard output */
    bool calm;       /* the network and the clients behave */
    struct plan plan;
    struct random random;
    struct heap heap;
    size_t empty_bytes; /* of the server when nobody had come yet */
    struct names names;
    struct host *host;
    struct oracle *oracle;
    struct client *clients; /* plan.clients of them */
    struct tally tally;
};

/* Where a run is, for whoever has to tell of a crash. */
struct world_position {
    uint64_t seed;
    uint64_t step;
    uint64_t steps;
    unsigned shards;
};

struct world_setup {
    uint64_t seed;
    unsigned shards;
    uint64_t steps;
    bool trace;
    volatile struct world_position *position; /* kept up to date */
};

/*
 * Runs one seed to its end and adds what happened to *tally. Says what is broken and ends the
 * program when a promise is.
 */
void world_run(const struct world_setup *setup, struct tally *tally);

/* Says that a promise is broken, and where, and ends the program. */
_Noreturn void world_fail(const struct world *world, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* For --trace. */
void world_tell(const struct world *world, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static inline void world_count(struct world *world, enum tally_kind kind)
{
    world->tally.counts[kind]++;
}

#endif
