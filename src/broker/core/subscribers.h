/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subscribers of one filter, each target once.
 *
 * One block of memory: few are an array that is searched from its start; many have a table of
 * positions behind the array, so that adding and removing take the same time among a million. The
 * block doubles and halves; that moves it as a whole, which costs about what one match of it does.
 */
#ifndef BROKER_CORE_SUBSCRIBERS_H
#define BROKER_CORE_SUBSCRIBERS_H

#include "base/memory.h"
#include "broker/core/target.h"

/* A target with the options of its subscription. */
struct subscriber {
    struct target target;
    uint32_t identifier : 28; /* MQTT 5.0's Subscription Identifier; 0: none */
    uint32_t qos : 2;
    uint32_t no_local : 1;
    uint32_t retain_as_published : 1;
    uint64_t queue;         /* of a target that outlives the process; 0: it does not */
    uint64_t retained_from; /* publications up to this revision came before it (retained.h) */
};

struct subscribers {
    uint32_t count;
    uint32_t capacity;
    struct subscriber items[]; /* then, in a large block, the positions by target */
};

enum subscribers_result {
    SUBSCRIBERS_ADDED,
    SUBSCRIBERS_REPLACED,
    SUBSCRIBERS_NO_MEMORY, /* nothing changed */
};

/*
 * Adds to *set, which may move; NULL is the empty set. Where the target has one already, the new
 * options and identifier take its place, but retained_from stays: what was published since the
 * older one was made still belongs to it.
 */
enum subscribers_result subscribers_add(
        struct subscribers **set, const struct memory *memory, const struct subscriber *subscriber);

/* False when the target was not in it. *set is NULL after the last one; never needs memory. */
bool subscribers_remove(
        struct subscribers **set, const struct memory *memory, const struct target *target);

/* Gives all back; *set is NULL then. */
void subscribers_clear(struct subscribers **set, const struct memory *memory);

#endif
