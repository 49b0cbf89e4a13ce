/* SPDX-License-Identifier: Apache-2.0 */
/* What the loads of the benches measure by, and how they end when they cannot. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>
#include <sys/types.h>

enum { SECOND_NS = 1000000000 };

/* Says why, behind the program's name, and ends it. */
_Noreturn void give_up(const char *why);

/* By the monotonic clock. */
int64_t now_ns(void);

/* Processor time that a process has used. */
int64_t cpu_ns_of(pid_t process);

/* The number behind a word in a file of /proc for that process, "write_bytes:" in "io"; or -1. */
int64_t number_of(pid_t process, const char *file, const char *word);

#endif
