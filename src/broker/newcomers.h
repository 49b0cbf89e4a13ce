/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's connections whose CONNECT has not been accepted yet, in the order in which they came:
 * who must make room when there are too many, and whose turn it is when several want something.
 *
 * Several from one address, beyond the first few, stand in a queue of their own, which is served
 * once for every NEWCOMER_OTHERS of the others: a crowd does not stand before who comes alone.
 *
 * Age is counted only while the shard keeps up, that is, while whoever has sent something has been
 * heard. So one who only waits for us does not grow old, and one who sends little by little does.
 */
#ifndef BROKER_NEWCOMERS_H
#define BROKER_NEWCOMERS_H

#include "base/list.h"
#include "base/memory.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The age from which on one may have to make room; a handshake over a slow network takes less. */
enum { NEWCOMER_PATIENCE_MS = 500, NEWCOMER_OTHERS = 3 };

struct link;

/* A block of the shard's memory. */
struct newcomer {
    struct list node; /* in the order of arrival */
    struct list turn; /* among those who want something */
    struct link *link;
    struct address address; /* as far as it is known */
    int64_t came_ms;        /* by the newcomers' own clock */
    unsigned ready;         /* what the poll has said of it (enum poll_waits) */
    bool is_crowd;          /* one of several from its address */
    bool silenced;          /* the poll does not tell of it while it waits for its turn */
    bool has_bytes;         /* read, but not given to core yet */
    bool hastened; /* its time was over: it was served before its turn, or has more of it */
};

struct newcomers {
    struct list all;
    struct list waiting; /* of these, the ones who want something */
    struct list crowd;   /* the same of those who came in a crowd */
    unsigned others;     /* that were served since one of the crowd was */
    size_t count;
    int64_t clock_ms;
    int64_t looked_ms;
};

void newcomers_init(struct newcomers *newcomers, int64_t now_ms);

/* Frees those that are left; their links are the caller's. */
void newcomers_deinit(struct newcomers *newcomers, const struct memory *memory);

/* NULL when memory is short. */
struct newcomer *newcomers_add(struct newcomers *newcomers, const struct memory *memory,
        struct link *link, const struct address *address);

/* Takes it out and frees it. NULL is fine. */
void newcomers_remove(
        struct newcomers *newcomers, const struct memory *memory, struct newcomer *newcomer);

/* Puts it behind the others who want something; one who is among them keeps its place. */
void newcomers_queue(struct newcomers *newcomers, struct newcomer *newcomer);

/* Takes the one out whose turn it is; NULL: none. */
struct newcomer *newcomers_next(struct newcomers *newcomers);

/* Does none want anything? */
static inline bool newcomers_are_served(const struct newcomers *newcomers)
{
    return list_empty(&newcomers->waiting) && list_empty(&newcomers->crowd);
}

/* Moves the clock, once for each turn. `kept_up`: all that was there to be heard has been. */
void newcomers_look(struct newcomers *newcomers, int64_t now_ms, bool kept_up);

/* The oldest one, when it is old enough to make room; else NULL. */
struct newcomer *newcomers_oldest(const struct newcomers *newcomers);

/* The next younger one, when it is old enough, too. */
struct newcomer *newcomers_younger(
        const struct newcomers *newcomers, const struct newcomer *newcomer);

/* How many may come, at most `wanted`, when there are to be at most `max`: so many places are free,
 * or taken by one who is old enough. A `max` of 0 is none. */
size_t newcomers_room(const struct newcomers *newcomers, size_t max, size_t wanted);

/* When the oldest one is old enough, if the shard keeps up; INT64_MAX where there is none. */
int64_t newcomers_due_ms(const struct newcomers *newcomers);

#endif
