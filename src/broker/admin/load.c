/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/load.h"

#include <math.h>

static const struct {
    const char *name;
    double minutes;
} windows[LOAD_WINDOWS] = { { "1min", 1 }, { "5min", 5 }, { "15min", 15 } };

const char *load_window_name(unsigned window)
{
    return windows[window].name;
}

void load_update(struct load *load, uint64_t total, int64_t elapsed_ms)
{
    double elapsed_minutes = (double)elapsed_ms / 60000;
    double now = (double)(total - load->total) / elapsed_minutes;

    for (unsigned i = 0; i < LOAD_WINDOWS; i++) {
        double weight = exp(-elapsed_minutes / windows[i].minutes);

        load->per_minute[i] = now + weight * (load->per_minute[i] - now);
    }
    load->total = total;
}
