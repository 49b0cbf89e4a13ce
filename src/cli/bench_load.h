/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishes and receives as a plan says, and checks every delivery.
 *
 * The subscribers are the first clients of the swarm, the publishers those after them.
 *
 * Closed loop: a publisher sends while fewer than `window` of its messages are not acknowledged
 * (QoS 1 and 2) or not at every receiver yet, so nothing needs to be dropped by a queue's limit.
 * Open loop: message k is sent k / rate seconds after the start, and its latency counts from then,
 * however late it really left (so a server that stalls does not slow the clock that judges it).
 * A publisher writes no more often than its pace says, however it goes at the server: writes that
 * get smaller when less comes back would change the load with the server that is measured.
 */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H

#include "cli/bench_histogram.h"
#include "cli/bench_plan.h"
#include "cli/bench_publisher.h"
#include "cli/bench_swarm.h"
#include "cli/bench_tally.h"

struct bench_load {
    struct bench_swarm *swarm;
    const struct bench_plan *plan;
    struct bench_letterhead letterhead;
    uint8_t *heads;
    uint32_t *head_ends;
    struct bench_publisher *publishers;
    uint32_t *queue; /* of publishers that may have something to send */
    uint32_t queue_count;
    uint64_t quota;    /* messages to publish in all */
    uint64_t released; /* of which may be sent by now */
    uint64_t unacknowledged;
    uint32_t subacks_awaited;
    uint32_t connacks_awaited;
    uint32_t pongs_awaited;
    bool publishing;           /* bench_load_publish() runs */
    bool waits_for_deliveries; /* somebody has subscribed, so deliveries open the window */
    int64_t started_ns;
    int64_t stop_ns;     /* when to publish no more; 0: at the quota */
    int64_t progress_ns; /* when something arrived last */
    struct bench_tally tally;
    struct bench_histogram latency;
};

/**
 * Connects all clients and makes ready. Borrows swarm and plan. What fails is told in the swarm's
 * problem. Whatever the result, bench_load_close() is to be called.
 *
 * Returns 0, or -errno.
 */
int bench_load_open(
        struct bench_load *load, struct bench_swarm *swarm, const struct bench_plan *plan);
void bench_load_close(struct bench_load *load);

/* Sends every SUBSCRIBE and waits for every SUBACK; retained messages may come before it. */
int bench_load_subscribe(struct bench_load *load); /* 0, or -errno */

/* Disconnects all subscribers, whose sessions the swarm keeps. */
void bench_load_leave(struct bench_load *load);

/* Connects them again; what was kept for them may come before all are there. 0, or -errno. */
int bench_load_return(struct bench_load *load);

/**
 * Publishes, and waits until all is acknowledged, and delivered where somebody subscribes already;
 * also ends when nothing has come for two seconds, or at the deadline: the tally shows what is
 * missing then.
 *
 * Returns 0, or -errno.
 */
int bench_load_publish(struct bench_load *load);

/* Pings with every publisher and waits for the answers: the server has read all. 0, or -errno. */
int bench_load_settle(struct bench_load *load);

/* Waits for deliveries that are missing, as bench_load_publish() does. Returns 0, or -errno. */
int bench_load_await(struct bench_load *load);

/* Takes the retained messages of all channels away again. Returns 0, or -errno. */
int bench_load_forget(struct bench_load *load);

#endif
