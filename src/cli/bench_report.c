/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_report.h"

#include <assert.h>
#include <stdio.h>

static struct bench_field *add(struct bench_report *report, const char *name)
{
    assert(report->count < BENCH_FIELDS_MAX);
    report->fields[report->count].name = name;
    return &report->fields[report->count++];
}

void bench_report_number(struct bench_report *report, const char *name, double number, int decimals)
{
    struct bench_field *field = add(report, name);

    field->number = number;
    field->decimals = decimals;
}

void bench_report_text(struct bench_report *report, const char *name, const char *text)
{
    struct bench_field *field = add(report, name);

    field->is_text = true;
    snprintf(field->text, sizeof(field->text), "%s", text);
}

static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    putchar('"');
}

static void print_json(const struct bench_report *report)
{
    for (int i = 0; i < report->count; i++) {
        const struct bench_field *field = &report->fields[i];

        printf("%s\"%s\": ", i == 0 ? "{" : ", ", field->name);
        if (field->is_text)
            print_quoted(field->text);
        else
            printf("%.*f", field->decimals, field->number);
    }
    puts("}");
}

static void print_lines(const struct bench_report *report)
{
    for (int i = 0; i < report->count; i++) {
        const struct bench_field *field = &report->fields[i];

        printf("%-34s ", field->name);
        if (field->is_text)
            printf("%s\n", field->text);
        else
            printf("%.*f\n", field->decimals, field->number);
    }
}

void bench_report_print(const struct bench_report *report, bool json)
{
    if (json)
        print_json(report);
    else
        print_lines(report);
}
