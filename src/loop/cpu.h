/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many cores this process may really use.
 */
#ifndef LOOP_CPU_H
#define LOOP_CPU_H

#include <stdint.h>

/**
 * The cores in this thread's affinity mask, at most the cpu quota of its control group and of the
 * groups above (cgroup v2 and v1), rounded up. Always 1 or more.
 */
int cpu_count(void);

/**
 * The cores that a quota of `quota_us` in each `period_us` amounts to, rounded up, 1 or more;
 * INT_MAX for no quota, which is a quota or a period that is not positive.
 */
int cpu_quota_cores(int64_t quota_us, int64_t period_us);

#endif
