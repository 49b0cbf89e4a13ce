/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All subscriptions written to the log (SIGUSR2), so many lines in a second: a server with a
 * million of them is not held up by it, nor is its log flooded.
 */
#ifndef BROKER_DUMP_H
#define BROKER_DUMP_H

#include "base/event.h"
#include "broker/census.h"

enum { DUMP_LINES = 200, DUMP_EVERY_MS = 1000 }; /* fewer than the log suppresses */

/* Starts as { 0 }. */
struct dump {
    bool runs;
    int64_t due_ms;
    struct census_place place;
    uint64_t told;
};

/* Begins with the first subscription, also where one is under way. */
void dump_start(struct dump *dump, int64_t now_ms);

/* When it wants to go on; INT64_MAX: there is none. */
int64_t dump_due_ms(const struct dump *dump);

/* Writes what is due. */
void dump_go_on(struct dump *dump, struct shard_group *group, const struct journal *journal,
        int64_t now_ms);

#endif
