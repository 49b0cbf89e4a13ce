/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_run.h"

#include "cli/bench_connect.h"
#include "cli/bench_grow.h"
#include "cli/bench_load.h"

#include "loop/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHUNK_MS = 100, SETTLE_MS = 1000 };

/* A moment: what time it is, and what server and generator have used so far. */
struct moment {
    int64_t now_ns;
    int64_t own_cpu_ns;
    struct bench_usage usage;
};

static int look(const struct bench_run *run, struct moment *out)
{
    struct timespec own;
    int result = bench_server_read(run->server, &out->usage);

    if (result < 0) {
        snprintf(run->swarm->problem, sizeof(run->swarm->problem), "the server has ended");
        return result;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    out->own_cpu_ns = (int64_t)own.tv_sec * 1000000000 + own.tv_nsec;
    out->now_ns = clock_now_ns();
    return 0;
}

static double seconds_between(int64_t before_ns, int64_t after_ns)
{
    return (double)(after_ns - before_ns) / 1e9;
}

/* How busy the generator itself was: near 100 the figures tell of it and not of the server. */
static void report_generator(
        const struct bench_run *run, const struct moment *before, const struct moment *after)
{
    double cpu_s = seconds_between(before->own_cpu_ns, after->own_cpu_ns);
    double wall_s = seconds_between(before->now_ns, after->now_ns);

    bench_report_number(run->report, "generator_busy_percent", 100 * cpu_s / wall_s, 0);
}

static void report_latency(struct bench_report *report, const struct bench_histogram *latency)
{
    static const struct {
        const char *name;
        double percent;
    } rows[] = {
        { "latency_p50_us", 50 },
        { "latency_p90_us", 90 },
        { "latency_p99_us", 99 },
        { "latency_p99.9_us", 99.9 },
        { "latency_max_us", 100 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = bench_histogram_percentile_ns(latency, rows[i].percent);

        bench_report_number(report, rows[i].name, (double)ns / 1e3, 1);
    }
}

static int report_check(struct bench_report *report, const struct bench_tally *tally)
{
    bench_report_number(report, "lost", (double)bench_tally_lost(tally), 0);
    bench_report_number(report, "duplicated", (double)tally->duplicated, 0);
    bench_report_number(report, "out_of_order", (double)tally->out_of_order, 0);
    bench_report_number(report, "unexpected", (double)tally->unexpected, 0);
    return bench_tally_exact(tally) ? 0 : 1;
}

static void report_deliveries(const struct bench_run *run, const struct bench_load *load,
        const struct moment *before, const struct moment *after)
{
    const struct bench_tally *tally = &load->tally;
    double seconds = seconds_between(before->now_ns, load->progress_ns);

    bench_report_number(run->report, "published", (double)tally->sent, 0);
    bench_report_number(run->report, "delivered", (double)tally->delivered, 0);
    bench_report_number(run->report, "seconds", seconds, 3);
    bench_report_number(run->report, "delivered_per_s", (double)tally->delivered / seconds, 0);
    bench_server_report(run->server, &before->usage, &after->usage, tally->delivered, run->report);
    report_generator(run, before, after);
}

static int measure_load(const struct bench_run *run, struct bench_load *load)
{
    struct moment before = { 0 };
    struct moment after = { 0 };
    int published;
    int result = bench_load_subscribe(load);

    if (result == 0)
        result = look(run, &before);
    if (result < 0)
        return result;
    published = bench_load_publish(load);
    result = look(run, &after);
    if (result < 0)
        return result;
    report_deliveries(run, load, &before, &after);
    report_latency(run->report, &load->latency);
    result = report_check(run->report, &load->tally);
    return published < 0 ? published : result;
}

static int run_load(const struct bench_run *run)
{
    struct bench_load load;
    int result = bench_load_open(&load, run->swarm, run->plan);

    if (result == 0)
        result = measure_load(run, &load);
    bench_load_close(&load);
    return result;
}

/* The first half of scenarios retained and offline: the server stores. */
static int measure_store(const struct bench_run *run, struct bench_load *load)
{
    struct moment before = { 0 };
    struct moment after = { 0 };
    double stored;
    int result = look(run, &before);

    if (result == 0)
        result = bench_load_publish(load);
    if (result == 0)
        result = bench_load_settle(load);
    if (result == 0)
        result = look(run, &after);
    if (result < 0)
        return result;
    stored = (double)load->tally.sent;
    bench_report_number(
            run->report, "stored_per_s", stored / seconds_between(before.now_ns, after.now_ns), 0);
    if (run->server->pid == 0)
        return 0;
    bench_report_number(run->report, "store_cpu_s_per_million",
            seconds_between(before.usage.cpu_ns, after.usage.cpu_ns) / stored * 1e6, 3);
    bench_report_number(run->report, "anonymous_bytes_per_stored",
            (double)(after.usage.anonymous_bytes - before.usage.anonymous_bytes) / stored, 0);
    return 0;
}

/* The second half: the subscribers `ask` and get all. */
static int measure_fetch(
        const struct bench_run *run, struct bench_load *load, int (*ask)(struct bench_load *load))
{
    struct moment before = { 0 };
    struct moment after = { 0 };
    int result = look(run, &before);

    if (result == 0)
        result = ask(load);
    if (result == 0)
        result = bench_load_await(load);
    if (result == 0)
        result = look(run, &after);
    if (result < 0)
        return result;
    report_deliveries(run, load, &before, &after);
    return report_check(run->report, &load->tally);
}

static int run_retained(const struct bench_run *run)
{
    struct bench_load load;
    int exact = 0;
    int result = bench_load_open(&load, run->swarm, run->plan);

    if (result == 0)
        result = measure_store(run, &load);
    if (result == 0) {
        exact = measure_fetch(run, &load, bench_load_subscribe);
        result = bench_load_forget(&load); /* also where something went wrong before */
    }
    bench_load_close(&load);
    return exact != 0 ? exact : result;
}

static int run_offline(const struct bench_run *run)
{
    struct bench_load load;
    int exact = 0;
    int result;

    run->swarm->kept = run->plan->subscribers;
    result = bench_load_open(&load, run->swarm, run->plan);
    if (result == 0)
        result = bench_load_subscribe(&load);
    if (result == 0) {
        bench_load_leave(&load);
        result = measure_store(run, &load);
    }
    if (result == 0) {
        exact = measure_fetch(run, &load, bench_load_return);
        result = bench_swarm_forget(run->swarm, 0, run->plan->subscribers);
    }
    bench_load_close(&load);
    return exact != 0 ? exact : result;
}

/* Lets the server come to rest; connections must stay open meanwhile, and silent. */
static int rest(struct bench_swarm *swarm)
{
    int64_t end_ms = clock_now_ms() + SETTLE_MS;
    struct poll_event events[BENCH_BATCH];

    while (clock_now_ms() < end_ms) {
        int count = bench_swarm_wait(swarm, events, CHUNK_MS);

        if (count < 0)
            return count;
        if (count > 0)
            return bench_swarm_fail(
                    swarm, events[0].owner, -EPROTO, "the server did not leave it idle");
    }
    return 0;
}

/* Has the server hold `count`, and looks at it once it rests. */
static int hold(const struct bench_run *run, uint32_t first, uint32_t count, struct moment *out)
{
    int result = bench_grow(run->swarm, run->plan, first, count);

    if (result == 0)
        result = rest(run->swarm);
    return result < 0 ? result : look(run, out);
}

static void report_slope(const struct bench_run *run, const struct moment *at_fewer,
        const struct moment *at_more, uint32_t difference)
{
    static const struct {
        const char *anonymous;
        const char *proportional;
    } names[] = {
        [BENCH_CONNECTIONS] = { "anonymous_bytes_per_connection",
                "proportional_bytes_per_connection" },
        [BENCH_SESSIONS] = { "anonymous_bytes_per_session", "proportional_bytes_per_session" },
        [BENCH_SUBSCRIPTIONS] = { "anonymous_bytes_per_subscription",
                "proportional_bytes_per_subscription" },
    };
    enum bench_grows grows = run->plan->scenario->grows;
    int64_t anonymous = at_more->usage.anonymous_bytes - at_fewer->usage.anonymous_bytes;
    int64_t proportional = at_more->usage.proportional_bytes - at_fewer->usage.proportional_bytes;

    bench_server_report(run->server, &at_fewer->usage, &at_more->usage, difference, run->report);
    if (run->server->pid == 0) {
        bench_report_text(run->report, "memory", "not measured; give the server's --pid");
        return;
    }
    bench_report_number(run->report, names[grows].anonymous, (double)anonymous / difference, 0);
    bench_report_number(
            run->report, names[grows].proportional, (double)proportional / difference, 0);
}

static int run_grow(const struct bench_run *run)
{
    uint32_t fewer = (uint32_t)run->swarm->options->connections;
    uint32_t more = (uint32_t)run->swarm->options->connections_more;
    struct moment at_fewer;
    struct moment at_more;
    int result = hold(run, 0, fewer, &at_fewer);

    if (result == 0)
        result = hold(run, fewer, more, &at_more);
    if (result < 0)
        return result;
    bench_report_number(run->report, "fewer", fewer, 0);
    bench_report_number(run->report, "more", more, 0);
    report_slope(run, &at_fewer, &at_more, more - fewer);
    return bench_grow_end(run->swarm, run->plan, more);
}

static int run_connect(const struct bench_run *run)
{
    struct bench_histogram latency = { 0 };
    struct moment before = { 0 };
    struct moment after = { 0 };
    int result = look(run, &before);

    if (result == 0)
        result = bench_connect_run(run->swarm, run->plan->count, &latency);
    if (result == 0)
        result = look(run, &after);
    if (result < 0)
        return result;
    bench_report_number(run->report, "connected", (double)latency.count, 0);
    bench_report_number(run->report, "connected_per_s",
            (double)latency.count / seconds_between(before.now_ns, after.now_ns), 0);
    bench_server_report(run->server, &before.usage, &after.usage, latency.count, run->report);
    report_generator(run, &before, &after);
    report_latency(run->report, &latency);
    return 0;
}

uint32_t bench_run_clients(const struct bench_plan *plan, const struct bench_options *options)
{
    switch (plan->scenario->kind) {
    case BENCH_LOAD:
    case BENCH_RETAINED:
    case BENCH_OFFLINE:
        return plan->publishers + plan->subscribers;
    case BENCH_GROW:
        return plan->scenario->grows == BENCH_SUBSCRIPTIONS ? plan->subscribers
                                                            : (uint32_t)options->connections_more;
    case BENCH_CONNECT:
        return plan->window;
    }
    return 0;
}

int bench_run(const struct bench_run *run)
{
    switch (run->plan->scenario->kind) {
    case BENCH_LOAD:
        return run_load(run);
    case BENCH_RETAINED:
        return run_retained(run);
    case BENCH_OFFLINE:
        return run_offline(run);
    case BENCH_GROW:
        return run_grow(run);
    case BENCH_CONNECT:
        return run_connect(run);
    }
    return 0;
}
