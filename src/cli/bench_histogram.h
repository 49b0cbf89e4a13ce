/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts durations and answers percentiles, at most 1 in 128 too high; the largest is exact.
 */
#ifndef CLI_BENCH_HISTOGRAM_H
#define CLI_BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    BENCH_HISTOGRAM_FINE_BITS = 7,  /* each doubling is divided into 2^7 steps */
    BENCH_HISTOGRAM_DOUBLINGS = 34, /* up to 2^41 ns, 36 minutes; longer counts as that */
    BENCH_HISTOGRAM_STEPS = (BENCH_HISTOGRAM_DOUBLINGS + 1) << BENCH_HISTOGRAM_FINE_BITS,
};

/* Its zero value is empty. */
struct bench_histogram {
    uint64_t count;
    int64_t max_ns;
    uint64_t steps[BENCH_HISTOGRAM_STEPS];
};

/* A negative duration counts as 0. */
void bench_histogram_add(struct bench_histogram *histogram, int64_t duration_ns);

/**
 * The duration that `percent` (0 to 100) of those counted do not exceed; 0 when nothing was
 * counted.
 */
int64_t bench_histogram_percentile_ns(const struct bench_histogram *histogram, double percent);

#endif
