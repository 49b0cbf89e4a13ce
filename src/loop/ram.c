/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/ram.h"

#include "loop/cgroup.h"

#include <unistd.h>

static int64_t read_limit(const char *folder, const char *name)
{
    int64_t limit;

    return cgroup_numbers(folder, name, &limit, 1) == 1 && limit > 0 ? limit : INT64_MAX;
}

static int64_t read_limit_v2(const char *folder)
{
    return read_limit(folder, "memory.max");
}

/* Where there is no limit, it is one beyond all memory. */
static int64_t read_limit_v1(const char *folder)
{
    return read_limit(folder, "memory.limit_in_bytes");
}

int64_t ram_size(void)
{
    static const struct cgroup_question question = { "memory", "/sys/fs/cgroup/memory",
        read_limit_v1, read_limit_v2 };
    int64_t pages = sysconf(_SC_PHYS_PAGES);
    int64_t page_size = sysconf(_SC_PAGESIZE);
    int64_t machine = pages > 0 && page_size > 0 ? pages * page_size : INT64_MAX;
    int64_t allowed = cgroup_least(&question);

    if (allowed < machine)
        return allowed;
    return machine < INT64_MAX ? machine : 0;
}
