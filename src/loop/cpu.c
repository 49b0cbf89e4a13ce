/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/cpu.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CORES_MAX = 8192, PATH_SIZE = 4096 + 128 };

/* Where the kernel shows the quota of a control group, in both versions of control groups. */
struct quota_place {
    const char *root;
    bool (*read)(const char *folder, int64_t *quota_us, int64_t *period_us);
};

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

/* Reads at most `max` numbers off a small file; returns how many. A missing file has none. */
static int read_numbers(const char *folder, const char *name, int64_t numbers[], int max)
{
    char path[PATH_SIZE];
    FILE *file;
    int count = 0;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return 0;
    file = fopen(path, "re");
    if (!file)
        return 0;
    while (count < max && fscanf(file, "%" SCNd64, &numbers[count]) == 1)
        count++;
    fclose(file);
    return count;
}

/* Version 2 has both in one file; where there is no quota, it begins with "max". */
static bool read_quota_v2(const char *folder, int64_t *quota_us, int64_t *period_us)
{
    int64_t numbers[2];

    if (read_numbers(folder, "cpu.max", numbers, 2) < 2)
        return false;
    *quota_us = numbers[0];
    *period_us = numbers[1];
    return true;
}

static bool read_quota_v1(const char *folder, int64_t *quota_us, int64_t *period_us)
{
    return read_numbers(folder, "cpu.cfs_quota_us", quota_us, 1) == 1 &&
            read_numbers(folder, "cpu.cfs_period_us", period_us, 1) == 1;
}

/* A group obeys its own quota and those of all groups above it. */
static int group_cores(const struct quota_place *place, const char *group)
{
    char folder[PATH_SIZE];
    size_t root_size = strlen(place->root);
    int cores = INT_MAX;

    if (snprintf(folder, sizeof(folder), "%s%s", place->root, group) >= (int)sizeof(folder))
        return cores;
    for (;;) {
        int64_t quota_us;
        int64_t period_us;
        char *end;

        if (place->read(folder, &quota_us, &period_us)) {
            int here = cpu_quota_cores(quota_us, period_us);

            cores = here < cores ? here : cores;
        }
        end = strrchr(folder, '/');
        if (!end || (size_t)(end - folder) < root_size)
            return cores;
        *end = '\0';
    }
}

static bool has_cpu(const char *controllers)
{
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0'))
            return true;
    }
    return false;
}

/* One line of /proc/self/cgroup, "number:controllers:group", to the cores that it allows. */
static int line_cores(char *line)
{
    static const struct quota_place v2 = { "/sys/fs/cgroup", read_quota_v2 };
    static const struct quota_place v1 = { "/sys/fs/cgroup/cpu", read_quota_v1 };
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!group)
        return INT_MAX;
    controllers++;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[0] == '\0')
        return group_cores(&v2, group);
    return has_cpu(controllers) ? group_cores(&v1, group) : INT_MAX;
}

static int quota_cores(void)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char *line = NULL;
    size_t size = 0;
    int cores = INT_MAX;

    if (!file)
        return cores;
    while (getline(&line, &size, file) > 0) {
        int here = line_cores(line);

        cores = here < cores ? here : cores;
    }
    free(line);
    fclose(file);
    return cores;
}

int cpu_count(void)
{
    int cores = affinity_cores();
    int quota = quota_cores();

    return quota < cores ? quota : cores;
}
