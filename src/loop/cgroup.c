/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/cgroup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096 + 128 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int cgroup_numbers(const char *folder, const char *name, int64_t numbers[], int max)
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

/* A group obeys its own limit and those of all groups above it. */
static int64_t least_of_group(
        const char *root, const char *group, int64_t (*read)(const char *folder))
{
    char folder[PATH_SIZE];
    size_t root_size = strlen(root);
    int64_t least = INT64_MAX;

    if (snprintf(folder, sizeof(folder), "%s%s", root, group) >= (int)sizeof(folder))
        return least;
    for (;;) {
        char *end;

        least = smaller(least, read(folder));
        end = strrchr(folder, '/');
        if (!end || (size_t)(end - folder) < root_size)
            return least;
        *end = '\0';
    }
}

static bool is_among(const char *controllers, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = controllers; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

/* One line of /proc/self/cgroup, "number:controllers:group". */
static int64_t least_of_line(const struct cgroup_question *question, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!group)
        return INT64_MAX;
    controllers++;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[0] == '\0')
        return least_of_group("/sys/fs/cgroup", group, question->read_v2);
    if (!is_among(controllers, question->controller))
        return INT64_MAX;
    return least_of_group(question->root, group, question->read_v1);
}

int64_t cgroup_least(const struct cgroup_question *question)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char *line = NULL;
    size_t size = 0;
    int64_t least = INT64_MAX;

    if (!file)
        return least;
    while (getline(&line, &size, file) > 0)
        least = smaller(least, least_of_line(question, line));
    free(line);
    fclose(file);
    return least;
}
