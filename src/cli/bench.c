/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench.h"

#include "cli/bench_options.h"
#include "cli/bench_plan.h"
#include "cli/bench_report.h"
#include "cli/bench_run.h"
#include "cli/bench_server.h"
#include "cli/bench_swarm.h"

#include "base/hash.h"
#include "loop/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum exit_code { EXIT_GOOD, EXIT_BAD, EXIT_USAGE };

static void help(void)
{
    puts("Usage: nightjar bench SCENARIO [OPTIONS]\n"
         "Loads an MQTT server and says what that cost it. Exit code 0: every message arrived\n"
         "once and in order; 1: not; 2: wrong options.\n\n"
         "Scenarios:");
    bench_plan_help();
    puts("\nOptions:");
    bench_options_help();
}

static void describe(const struct bench_options *options, const struct bench_plan *plan,
        struct bench_report *report)
{
    static const char *const versions[] = { [3] = "3.1", [4] = "3.1.1", [5] = "5.0" };
    bool has_messages = plan->publishers > 0;

    bench_report_text(report, "scenario", plan->scenario->name);
    bench_report_text(report, "mqtt", versions[options->version]);
    if (has_messages) {
        bench_report_number(report, "qos", plan->qos, 0);
        bench_report_number(report, "size_bytes", (double)options->size, 0);
        bench_report_number(report, "publishers", plan->publishers, 0);
        bench_report_number(report, "subscribers", plan->subscribers, 0);
    }
    if (plan->rate > 0)
        bench_report_number(report, "rate_per_s", (double)plan->rate, 0);
    else if (plan->scenario->kind != BENCH_GROW)
        bench_report_number(report, "window", plan->window, 0);
}

static int run(const struct bench_options *options, const struct bench_plan *plan,
        const struct bench_server *server, uint32_t number)
{
    struct bench_report report = { 0 };
    struct bench_swarm swarm;
    struct bench_run run = { .plan = plan, .swarm = &swarm, .server = server, .report = &report };
    int result = bench_swarm_open(&swarm, options, bench_run_clients(plan, options), number);

    describe(options, plan, &report);
    if (result == 0) {
        result = bench_run(&run);
        client_progress_clear(&swarm.progress);
        bench_report_text(&report, "result",
                result == 0          ? "good"
                        : result > 0 ? "bad"
                                     : swarm.problem);
        bench_swarm_close(&swarm);
        bench_report_print(&report, options->json);
    }
    if (result < 0)
        fprintf(stderr, "nightjar bench: %s\n", swarm.problem);
    return result == 0 ? EXIT_GOOD : EXIT_BAD;
}

int bench_main(int argc, char **argv)
{
    struct bench_options options;
    struct bench_server server;
    struct bench_plan plan;
    uint32_t number = (uint32_t)hash_mix((uint64_t)clock_wall_ms() << 22 ^ (uint64_t)getpid());
    int result;

    if (bench_options_read(&options, argc, argv) < 0)
        return EXIT_USAGE;
    if (options.help) {
        help();
        return EXIT_GOOD;
    }
    if (bench_plan_init(&plan, &options, number) < 0)
        return EXIT_USAGE;
    if (bench_server_open(&server, (pid_t)options.pid) < 0) {
        fprintf(stderr, "nightjar bench: --pid %d: no such process\n", (int)options.pid);
        return EXIT_USAGE;
    }
    result = run(&options, &plan, &server, number);
    bench_server_close(&server);
    return result;
}
