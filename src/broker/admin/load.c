/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/load.h"

static const struct {
    const char *name;
    double minutes;
} windows[LOAD_WINDOWS] = { { "1min", 1 }, { "5min", 5 }, { "15min", 15 } };

const char *load_window_name(unsigned window)
{
    return windows[window].name;
}

/* e to the power of -x, for x of 0 or more. That of the C library lies in one of its own, which
 * would be half a megabyte of a server's memory for this. */
static double decay(double x)
{
    enum { HALVINGS_MAX = 64, TERMS = 14 };
    unsigned halvings = 0;
    double term = 1;
    double sum = 1;

    for (; x > 0.5 && halvings < HALVINGS_MAX; halvings++)
        x /= 2;
    for (int i = 1; i <= TERMS; i++) {
        term *= -x / i;
        sum += term;
    }
    for (; halvings > 0; halvings--)
        sum *= sum;
    return sum;
}

void load_update(struct load *load, uint64_t total, int64_t elapsed_ms)
{
    double elapsed_minutes = (double)elapsed_ms / 60000;
    double now = (double)(total - load->total) / elapsed_minutes;

    for (unsigned i = 0; i < LOAD_WINDOWS; i++) {
        double weight = decay(elapsed_minutes / windows[i].minutes);

        load->per_minute[i] = now + weight * (load->per_minute[i] - now);
    }
    load->total = total;
}
