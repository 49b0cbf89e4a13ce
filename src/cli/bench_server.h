/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the measured server uses: processor time, instructions and memory, by its process id.
 *
 * Processor time and instructions count all its threads, in the program and in the kernel on its
 * behalf. Where the machine counts no instructions, that is said.
 */
#ifndef CLI_BENCH_SERVER_H
#define CLI_BENCH_SERVER_H

#include "cli/bench_report.h"

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { BENCH_THREADS_MAX = 256 };

struct bench_server {
    pid_t pid; /* 0: the server is not measured, and everything below gives nothing */
    clockid_t clock;
    int counters[BENCH_THREADS_MAX]; /* descriptors, one for each thread */
    int counter_count;
    char no_instructions[BENCH_FIELD_TEXT_SIZE]; /* why; empty when they are counted */
};

struct bench_usage {
    int64_t cpu_ns;
    int64_t user_ms; /* of which in the program, as coarse as the kernel's clock tick */
    int64_t system_ms;
    uint64_t instructions;
    int64_t anonymous_bytes; /* of private memory of its own that is resident: heaps and stacks */
    int64_t proportional_bytes; /* all resident memory, shared pages by share */
};

/**
 * Looks at the process; pid 0 for none. Instructions of threads that start later are not counted,
 * so the server should be up.
 *
 * Returns 0, or -ESRCH when there is no such process.
 */
int bench_server_open(struct bench_server *server, pid_t pid);
void bench_server_close(struct bench_server *server);

/* Reads what was used so far. Returns 0, or -ESRCH when the server has ended. */
int bench_server_read(const struct bench_server *server, struct bench_usage *out);

/* Reports what was used between two readings, also for each of `count` messages or connections. */
void bench_server_report(const struct bench_server *server, const struct bench_usage *before,
        const struct bench_usage *after, uint64_t count, struct bench_report *report);

#endif
