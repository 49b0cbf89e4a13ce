/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control groups allow that this process is in: theirs and those of all groups above them,
 * as the kernel shows them in versions 1 and 2 of control groups.
 */
#ifndef LOOP_CGROUP_H
#define LOOP_CGROUP_H

#include <stdint.h>

struct cgroup_question {
    const char *controller; /* of version 1, such as "cpu" */
    const char *root;       /* where version 1 shows it */
    /* What the group in that folder allows; INT64_MAX: no limit, or none that can be read. */
    int64_t (*read_v1)(const char *folder);
    int64_t (*read_v2)(const char *folder);
};

/* The least that any of them allows; INT64_MAX: there is no limit. */
int64_t cgroup_least(const struct cgroup_question *question);

/* Reads at most `max` numbers off a file of a group; returns how many. A missing file has none, nor
 * has one that says "max". */
int cgroup_numbers(const char *folder, const char *name, int64_t numbers[], int max);

#endif
