/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/cpu.h"

#include "loop/cgroup.h"

#include <limits.h>
#include <sched.h>

enum { CORES_MAX = 8192 };

static int affinity_cores(void)
{
    cpu_set_t *set = CPU_ALLOC(CORES_MAX);
    size_t size = CPU_ALLOC_SIZE(CORES_MAX);
    int cores = 1;

    if (!set)
        return cores;
    CPU_ZERO_S(size, set);
    if (sched_getaffinity(0, size, set) == 0)
        cores = CPU_COUNT_S(size, set);
    CPU_FREE(set);
    return cores;
}

int cpu_quota_cores(int64_t quota_us, int64_t period_us)
{
    int64_t cores;

    if (quota_us <= 0 || period_us <= 0)
        return INT_MAX;
    cores = quota_us / period_us + (quota_us % period_us > 0);
    return cores < INT_MAX ? (int)cores : INT_MAX;
}

/* Version 2 has both in one file; where there is no quota, it begins with "max". */
static int64_t read_quota_v2(const char *folder)
{
    int64_t numbers[2];

    if (cgroup_numbers(folder, "cpu.max", numbers, 2) < 2)
        return INT64_MAX;
    return cpu_quota_cores(numbers[0], numbers[1]);
}

static int64_t read_quota_v1(const char *folder)
{
    int64_t quota_us;
    int64_t period_us;

    if (cgroup_numbers(folder, "cpu.cfs_quota_us", &quota_us, 1) < 1 ||
            cgroup_numbers(folder, "cpu.cfs_period_us", &period_us, 1) < 1)
        return INT64_MAX;
    return cpu_quota_cores(quota_us, period_us);
}

int cpu_count(void)
{
    static const struct cgroup_question question = { "cpu", "/sys/fs/cgroup/cpu", read_quota_v1,
        read_quota_v2 };
    int cores = affinity_cores();
    int64_t quota = cgroup_least(&question);

    return quota < cores ? (int)quota : cores;
}
