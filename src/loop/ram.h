/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory this process may really use.
 */
#ifndef LOOP_RAM_H
#define LOOP_RAM_H

#include <stdint.h>

/**
 * The bytes of memory that this machine has, at most the limit of this process's control group and
 * of the groups above (cgroup v2 and v1). 0 where neither can be found out.
 */
int64_t ram_size(void);

#endif
