/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topic aliases of one connection: those the client sets, and those we set.
 *
 * Source: MQTT 5.0 §3.3.2.3.4
 */
#ifndef BROKER_CORE_ALIASES_H
#define BROKER_CORE_ALIASES_H

#include "base/hash.h"
#include "base/map.h"

struct alias_text {
    uint64_t hash;
    uint16_t alias;
    uint16_t size;
    uint8_t topic[];
};

/* With nothing but `max` both have no alias yet, and own nothing. */
struct aliases_in {
    struct alias_text **topics; /* alias n at n - 1; made when the first one is set */
    uint16_t max;               /* what we announced; 0: none */
};

struct aliases_out {
    struct map *topics; /* made when the first one is set */
    uint16_t max;       /* what both sides allow; 0: none */
};

void aliases_in_deinit(struct aliases_in *aliases, const struct memory *memory);

/* Sets the alias, 1..max, replacing what it stood for. False when memory is short. */
bool aliases_in_set(struct aliases_in *aliases, const struct memory *memory, uint16_t alias,
        struct bytes topic);

/* The topic it stands for, good until the next call; empty: none. */
struct bytes aliases_in_find(const struct aliases_in *aliases, uint16_t alias);

void aliases_out_deinit(struct aliases_out *aliases, const struct memory *memory);

/* The alias of a topic that the client knows already; 0: none. */
uint16_t aliases_out_find(const struct aliases_out *aliases, uint64_t hash, struct bytes topic);

/* The alias that the next topic gets; 0: all are used up. */
uint16_t aliases_out_next(const struct aliases_out *aliases);

/* Sets an alias for a topic, now sent with both. 0 when all are used up or memory is short: the
 * first topics keep theirs, for a client with few topics has an alias for each, and one with many
 * gains nothing from shifting them. */
uint16_t aliases_out_set(struct aliases_out *aliases, const struct memory *memory, uint64_t hash,
        struct bytes topic);

#endif
