/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects and disconnects again and again: what a server's door costs.
 *
 * Each client connects, gets its CONNACK, sends DISCONNECT, waits for the server to close, and
 * begins anew.
 */
#ifndef CLI_BENCH_CONNECT_H
#define CLI_BENCH_CONNECT_H

#include "cli/bench_histogram.h"
#include "cli/bench_swarm.h"

/**
 * Makes `count` connections, with all clients of the swarm at once. *latency gets the time of each
 * from the begin of its connect to its CONNACK.
 *
 * Returns 0, or -errno, with the swarm's problem written.
 */
int bench_connect_run(struct bench_swarm *swarm, uint32_t count, struct bench_histogram *latency);

#endif
