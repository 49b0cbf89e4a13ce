/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages must arrive where, and whether each did: exactly once and in order.
 *
 * A channel is a topic whose messages are numbered from 0. A receiver is a connection that
 * subscribes. The receivers of a shared subscription are one target together: each message must
 * come to one of them, in order at each of them. Else each receiver is a target of its own.
 * Memory: 32 bytes for each pair of receiver and channel, and a bit per message where messages came
 * out of sequence.
 */
#ifndef CLI_BENCH_TALLY_H
#define CLI_BENCH_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers seen: all below `next`, unless there is a map: then those whose bit is set. */
struct bench_sequence {
    uint64_t *map;
    uint32_t map_bits;
    uint32_t next;
};

struct bench_cell {
    struct bench_sequence seen;
    uint32_t after; /* one more than the highest number that this receiver got */
    bool wanted;    /* the receiver subscribes to the channel */
};

/* What one receiver hears of the channels first to first + count - 1. */
struct bench_row {
    struct bench_cell *cells;
    uint32_t first;
    uint32_t count;
};

struct bench_channel {
    uint32_t sent;
    uint32_t targets;
};

struct bench_tally {
    struct bench_row *rows; /* one for each receiver; for a shared group one more, at the end */
    struct bench_channel *channels;
    uint32_t receiver_count;
    uint32_t channel_count;
    bool shared;
    uint64_t sent;
    uint64_t expected; /* deliveries that the messages sent so far must cause */
    uint64_t delivered;
    uint64_t duplicated;
    uint64_t out_of_order;
    uint64_t unexpected; /* not of a wanted channel, never sent, or no memory to check it */
};

/* Returns 0, or -ENOMEM. */
int bench_tally_init(struct bench_tally *tally, uint32_t receivers, uint32_t channels, bool shared);
void bench_tally_deinit(struct bench_tally *tally);

/**
 * Says which channels a receiver wants: wanted[i] for channel i. Once for each receiver.
 * All receivers of a shared group want the same.
 *
 * Returns 0, or -ENOMEM.
 */
int bench_tally_want(struct bench_tally *tally, uint32_t receiver, const bool wanted[]);

/* Counts a message as sent. Returns its number in the channel. */
uint32_t bench_tally_send(struct bench_tally *tally, uint32_t channel);

/**
 * Counts a message that arrived.
 *
 * Returns true when it was expected and came for the first time.
 */
bool bench_tally_receive(
        struct bench_tally *tally, uint32_t receiver, uint32_t channel, uint32_t number);

static inline uint64_t bench_tally_lost(const struct bench_tally *tally)
{
    return tally->expected - tally->delivered;
}

/* Nothing lost, duplicated, out of order or unexpected. */
bool bench_tally_exact(const struct bench_tally *tally);

#endif
