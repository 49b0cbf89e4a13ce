/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one run is like, drawn from its seed: how many clients, which limits, how bad the weather.
 */
#ifndef TESTS_SIMULATION_PLAN_H
#define TESTS_SIMULATION_PLAN_H

#include "base/random.h"
#include "broker/core/settings.h"
#include "broker/core/storage.h"

#include <string.h>

enum {
    CLIENTS_MAX = 12,
    SHARDS_SIMULATED_MAX = 8,
    SERVER_PUBLISHER = CLIENTS_MAX, /* in place of a client's number */
};

/* How likely each thing is, against the sum of all of them. */
enum act {
    ACT_PUBLISH,
    ACT_SUBSCRIBE,
    ACT_UNSUBSCRIBE,
    ACT_ACKNOWLEDGE,
    ACT_PING,
    ACT_LEAVE,
    ACT_CUT,
    ACT_ABANDON, /* opens another connection while the server still holds the old one */
    ACT_MOOD,    /* stops or starts to read or to acknowledge */
    ACT_WRONG,   /* breaks the protocol */
    ACT_CONNECT, /* only while away */
    ACTS,
};

enum event_of_world {
    WORLD_CLIENT,   /* a client acts */
    WORLD_UPSTREAM, /* the network brings bytes to the server */
    WORLD_DOWNSTREAM,
    WORLD_TURN, /* a shard takes a turn */
    WORLD_TIME,
    WORLD_ANNOUNCE,
    WORLD_COMMIT, /* something becomes durable */
    WORLD_EVENTS,
};

struct plan {
    unsigned shards;
    unsigned clients;
    uint32_t mailbox_slots;
    bool mixed;         /* ordinary filters match the groups' topics too */
    bool limited;       /* queues are short */
    bool sizes_limited; /* some clients limit packet sizes */
    bool refuses;       /* subscribers refuse some messages */
    bool expires;       /* some messages expire */
    bool stops;         /* ends by shutting down */
    bool hurries;       /* clients may come and send only so often */
    bool relieves;      /* queues are cut as if memory were short; only where limited */
    bool drops;         /* ends in the middle of it all */
    bool calms_early;   /* frequent calms, so that what they check is close to its cause */
    bool stores;        /* there is a store */
    enum storage_patience patience;
    uint32_t killed_in;         /* in one step of so many the server is killed; 0: it is not */
    uint32_t memory_refused_in; /* 0: memory never fails */
    uint32_t time_step_max_ms;
    uint32_t time_leap_in; /* one step of time of so many is a leap of seconds; 0: none */
    uint32_t payload_max;
    uint32_t chunk_max;   /* bytes that the network moves at a time */
    uint32_t head_size;   /* of the buffer for output */
    uint32_t down_window; /* bytes that a slow reader's network holds */
    uint32_t keepalive_max_s;
    uint16_t acts[ACTS];
    uint16_t events[WORLD_EVENTS];
    struct core_settings settings;
    struct listener_settings listener;
};

struct plan plan_draw(struct random *random, unsigned shards);

/* 0..below-1. */
static inline uint32_t draw(struct random *random, uint32_t below)
{
    return (uint32_t)((random_next(random) >> 32) * below >> 32);
}

/* True once in `times`. */
static inline bool chance(struct random *random, uint32_t times)
{
    return draw(random, times) == 0;
}

/* An index into weights. */
unsigned draw_weighted(struct random *random, const uint16_t *weights, unsigned count);

#endif
