/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/ram.h"

#include "loop/cgroup.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(memory_is_there_and_no_more_than_the_machine_has)
{
    int64_t machine = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

    assert_in_range(ram_size(), 1 << 20, machine);
}

TEST(numbers_of_a_group_are_read_from_its_files)
{
    char folder[] = "/tmp/nightjar-cgroup-XXXXXX";
    char path[sizeof(folder) + 16];
    int64_t numbers[2] = { 0 };
    FILE *file;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/limit", folder);
    assert_int_equal(cgroup_numbers(folder, "limit", numbers, 2), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("max 100000\n", file);
    fclose(file);
    assert_int_equal(cgroup_numbers(folder, "limit", numbers, 2), 0);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("150000 100000\n", file);
    fclose(file);
    assert_int_equal(cgroup_numbers(folder, "limit", numbers, 1), 1);
    assert_int_equal(cgroup_numbers(folder, "limit", numbers, 2), 2);
    assert_int_equal(numbers[0], 150000);
    assert_int_equal(numbers[1], 100000);
    unlink(path);
    rmdir(folder);
}

static int64_t thousand(const char *folder)
{
    (void)folder;
    return 1000;
}

static int64_t nothing(const char *folder)
{
    (void)folder;
    return INT64_MAX;
}

TEST(least_of_all_groups_counts)
{
    const struct cgroup_question none = { "memory", "/sys/fs/cgroup/memory", nothing, nothing };
    const struct cgroup_question some = { "memory", "/sys/fs/cgroup/memory", thousand, thousand };

    assert_int_equal(cgroup_least(&none), INT64_MAX);
    if (access("/proc/self/cgroup", R_OK) == 0)
        assert_true(cgroup_least(&some) == 1000 || cgroup_least(&some) == INT64_MAX);
}
