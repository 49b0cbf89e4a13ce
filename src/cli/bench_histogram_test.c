/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_histogram.h"

#include "tests/harness/test.h"

TEST(an_empty_histogram_answers_0)
{
    static const struct bench_histogram empty;

    assert_int_equal(bench_histogram_percentile_ns(&empty, 50), 0);
    assert_int_equal(bench_histogram_percentile_ns(&empty, 100), 0);
}

TEST(one_duration_is_every_percentile)
{
    struct bench_histogram histogram = { 0 };

    bench_histogram_add(&histogram, 123456789);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 0), 123456789);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 50), 123456789);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 100), 123456789);
}

TEST(short_durations_are_exact)
{
    struct bench_histogram histogram = { 0 };

    for (int64_t ns = 1; ns <= 100; ns++)
        bench_histogram_add(&histogram, ns);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 50), 50);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 90), 90);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 99.9), 100);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 100), 100);
}

TEST(long_durations_are_at_most_1_in_128_too_high)
{
    for (int64_t ns = 1; ns < (int64_t)1 << 40; ns = ns * 17 / 16 + 1) {
        struct bench_histogram histogram = { 0 };
        int64_t answer;

        bench_histogram_add(&histogram, ns);
        bench_histogram_add(&histogram, ns * 4);
        answer = bench_histogram_percentile_ns(&histogram, 50);
        assert_true(answer >= ns);
        assert_true(answer - ns <= ns / 128);
    }
}

TEST(the_tail_shows_in_the_high_percentiles_only)
{
    struct bench_histogram histogram = { 0 };

    for (int i = 0; i < 999; i++)
        bench_histogram_add(&histogram, 1000);
    bench_histogram_add(&histogram, 5000000);
    assert_in_range(bench_histogram_percentile_ns(&histogram, 99.9), 1000, 1007);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 99.95), 5000000);
    assert_int_equal(histogram.max_ns, 5000000);
}

TEST(what_is_out_of_range_counts_at_the_edges)
{
    struct bench_histogram histogram = { 0 };

    bench_histogram_add(&histogram, -5);
    bench_histogram_add(&histogram, INT64_MAX);
    assert_int_equal(histogram.count, 2);
    assert_int_equal(bench_histogram_percentile_ns(&histogram, 50), 0);
    assert_true(bench_histogram_percentile_ns(&histogram, 100) >= (int64_t)1 << 40);
    assert_int_equal(histogram.max_ns, INT64_MAX);
}
