/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a server hold more of something: connections that do nothing, sessions of clients that are
 * away, or subscriptions. What that adds to its memory, the caller looks at.
 */
#ifndef CLI_BENCH_GROW_H
#define CLI_BENCH_GROW_H

#include "cli/bench_plan.h"
#include "cli/bench_swarm.h"

/**
 * Adds those numbered first to end - 1, as the plan's scenario says. Returns 0, or -errno, with the
 * swarm's problem written.
 */
int bench_grow(
        struct bench_swarm *swarm, const struct bench_plan *plan, uint32_t first, uint32_t end);

/* Takes away what would outlive the connections. Returns 0, or -errno. */
int bench_grow_end(struct bench_swarm *swarm, const struct bench_plan *plan, uint32_t end);

#endif
