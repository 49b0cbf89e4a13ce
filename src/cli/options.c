/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option *find_option(const struct options *options, const char *word)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option *row = &options->rows[i];

        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, row->name) == 0)
            return row;
        if (row->letter && word[1] == row->letter && word[2] == '\0')
            return row;
    }
    return NULL;
}

/* Reads one number up to a character of `ends`. Returns what follows, or NULL. */
static const char *read_number(
        int64_t *out, const struct option *option, const char *text, const char *ends)
{
    char *rest;
    int64_t number;

    errno = 0;
    number = strtoll(text, &rest, 10);
    if (rest == text || errno != 0 || !strchr(ends, *rest) || number < option->min ||
            number > option->max)
        return NULL;
    *out = number;
    return rest;
}

/* Writes the option's field. Returns false when the value is not what the row says. */
static bool set(void *out, const struct option *option, const char *value)
{
    void *field = (uint8_t *)out + option->offset;
    int64_t numbers[2] = { 0 };
    const char *rest;

    switch (option->kind) {
    case OPTION_TEXT:
        memcpy(field, &value, sizeof(value));
        return true;
    case OPTION_SWITCH:
        *(bool *)field = true;
        return true;
    case OPTION_NUMBER:
        rest = read_number(&numbers[0], option, value, "");
        memcpy(field, &numbers[0], sizeof(numbers[0]));
        return rest != NULL;
    case OPTION_PAIR:
        rest = read_number(&numbers[0], option, value, ",");
        if (rest && *rest == ',')
            rest = read_number(&numbers[1], option, rest + 1, "");
        memcpy(field, numbers, sizeof(numbers));
        return rest && numbers[0] < numbers[1];
    }
    return false;
}

static int complain(const struct options *options, const char *word, const char *what)
{
    fprintf(stderr, "%s: %s: %s; see %s --help\n", options->command, word, what, options->command);
    return -EINVAL;
}

static int complain_of_value(
        const struct options *options, const struct option *option, const char *value)
{
    if (option->kind == OPTION_PAIR)
        fprintf(stderr, "%s: --%s %s: give two numbers, the smaller one first, as %s\n",
                options->command, option->name, value, option->value);
    else
        fprintf(stderr, "%s: --%s %s: give a number from %" PRId64 " to %" PRId64 "\n",
                options->command, option->name, value, option->min, option->max);
    return -EINVAL;
}

/* Reads the option at argv[at]. Returns how many words it took, or -EINVAL. */
static int read_option(const struct options *options, void *out, int argc, char **argv, int at)
{
    const struct option *option = find_option(options, argv[at]);
    const char *value = NULL;

    if (!option)
        return complain(options, argv[at], "no such option");
    if (option->kind != OPTION_SWITCH) {
        if (at + 1 >= argc)
            return complain(options, argv[at], "needs a value");
        value = argv[at + 1];
    }
    if (!set(out, option, value))
        return complain_of_value(options, option, value);
    return value ? 2 : 1;
}

int options_read(const struct options *options, void *out, int argc, char **argv)
{
    bool named = false;

    for (int at = 1; at < argc;) {
        int taken = 1;

        if (argv[at][0] == '-') {
            taken = read_option(options, out, argc, argv, at);
        } else if (named) {
            return complain(options, argv[at], options->arguments);
        } else {
            memcpy((uint8_t *)out + options->argument, &argv[at], sizeof(argv[at]));
            named = true;
        }
        if (taken < 0)
            return taken;
        at += taken;
    }
    return 0;
}

void options_help(const struct options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option *row = &options->rows[i];
        const char *value = row->value ? row->value : "";
        char letter[] = { '-', row->letter, ',', '\0' };

        printf("  %3s --%s %-*s %s\n", row->letter ? letter : "", row->name,
                (int)(22 - strlen(row->name)), value, row->help);
    }
}
