/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of a plan, one function for each kind of scenario. They add their figures to the report.
 */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include "cli/bench_plan.h"
#include "cli/bench_report.h"
#include "cli/bench_server.h"
#include "cli/bench_swarm.h"

struct bench_run {
    const struct bench_plan *plan;
    struct bench_swarm *swarm; /* with nothing connected yet, as many as bench_run_clients() says */
    const struct bench_server *server;
    struct bench_report *report;
};

/* How many clients the swarm must have room for. */
uint32_t bench_run_clients(const struct bench_plan *plan, const struct bench_options *options);

/**
 * Runs the plan. What fails is told in the swarm's problem.
 *
 * Returns 0 when all went well, 1 when a message was lost, duplicated, out of order or unexpected,
 * or -errno.
 */
int bench_run(const struct bench_run *run);

#endif
