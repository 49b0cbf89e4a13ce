/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a run, gathered as named fields and printed as lines of text or as JSON.
 * A name says its unit last: "server_cpu_s_per_million".
 */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include <stdbool.h>

enum { BENCH_FIELDS_MAX = 64, BENCH_FIELD_TEXT_SIZE = 160 };

struct bench_field {
    const char *name; /* borrowed, from a literal */
    bool is_text;
    int decimals;
    double number;
    char text[BENCH_FIELD_TEXT_SIZE];
};

/* Its zero value is empty. */
struct bench_report {
    struct bench_field fields[BENCH_FIELDS_MAX];
    int count;
};

void bench_report_number(
        struct bench_report *report, const char *name, double number, int decimals);
void bench_report_text(struct bench_report *report, const char *name, const char *text);

/* Prints all to stdout, in the order in which they came. */
void bench_report_print(const struct bench_report *report, bool json);

#endif
