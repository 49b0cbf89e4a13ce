/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_histogram.h"

#include <math.h>

enum { FINE = 1 << BENCH_HISTOGRAM_FINE_BITS };

/*
 * Durations below 2^7 have a step each. Above, a duration is shifted right until it has 8 bits:
 * the shift says the doubling, the lower 7 bits the step within it.
 */
static unsigned step_of(uint64_t duration_ns)
{
    unsigned shift;

    if (duration_ns < FINE)
        return (unsigned)duration_ns;
    shift = 63 - (unsigned)__builtin_clzll(duration_ns) - BENCH_HISTOGRAM_FINE_BITS;
    if (shift >= BENCH_HISTOGRAM_DOUBLINGS)
        return BENCH_HISTOGRAM_STEPS - 1;
    return (shift + 1) * FINE + (unsigned)(duration_ns >> shift) - FINE;
}

/* The longest duration that falls into a step. */
static int64_t step_end_ns(unsigned step)
{
    unsigned shift = step / FINE;

    if (shift == 0)
        return step;
    shift--;
    return (int64_t)(((uint64_t)(FINE + step % FINE) + 1) << shift) - 1;
}

void bench_histogram_add(struct bench_histogram *histogram, int64_t duration_ns)
{
    if (duration_ns < 0)
        duration_ns = 0;
    if (duration_ns > histogram->max_ns)
        histogram->max_ns = duration_ns;
    histogram->count++;
    histogram->steps[step_of((uint64_t)duration_ns)]++;
}

int64_t bench_histogram_percentile_ns(const struct bench_histogram *histogram, double percent)
{
    uint64_t wanted = (uint64_t)ceil((double)histogram->count * percent / 100);
    uint64_t seen = 0;

    for (unsigned step = 0; step < BENCH_HISTOGRAM_STEPS; step++) {
        seen += histogram->steps[step];
        if (seen > 0 && seen >= wanted) {
            int64_t end_ns = step_end_ns(step);

            return end_ns < histogram->max_ns ? end_ns : histogram->max_ns;
        }
    }
    return 0;
}
