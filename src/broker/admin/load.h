/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load averages: how many per minute, over the last 1, 5 and 15 minutes, older ones weighing less
 * and less (exponentially), as Mosquitto computes them.
 */
#ifndef BROKER_ADMIN_LOAD_H
#define BROKER_ADMIN_LOAD_H

#include <stdint.h>

enum { LOAD_WINDOWS = 3 };

/* Its zero value has seen nothing yet. */
struct load {
    uint64_t total; /* as of the last update */
    double per_minute[LOAD_WINDOWS];
};

/* The name of a window: "1min", "5min", "15min". */
const char *load_window_name(unsigned window);

/* `total` was counted since the start; elapsed_ms since the last update is 1 or more. */
void load_update(struct load *load, uint64_t total, int64_t elapsed_ms);

#endif
