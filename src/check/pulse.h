/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes when this process stood still, as on a machine that is overcrowded or was suspended: what a
 * case found while that happened says nothing of a server.
 */
#ifndef CHECK_PULSE_H
#define CHECK_PULSE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { PULSE_STALL_MS = 200 }; /* a beat that comes so late is a stall */

struct pulse {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t begins; /* another beat does, or the last is over; by the monotonic clock */
    int64_t began_ms;      /* the beat under way */
    uint64_t beats;
    uint64_t stalls;
    bool stops;
};

/* Starts its thread. Returns 0, or -errno; nothing is to be stopped then. */
int pulse_start(struct pulse *pulse);

void pulse_stop(struct pulse *pulse);

/* How often it stood still so far. From any thread, as the next one. */
uint64_t pulse_stalls(struct pulse *pulse);

/* The same when the beat under way is over, so that a stall that ended just now counts. */
uint64_t pulse_stalls_till_now(struct pulse *pulse);

#endif
