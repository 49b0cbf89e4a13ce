/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/nearest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The option that begins a word; *rest becomes what stands in the word behind it, or NULL. */
static const struct option *find_option(
        const struct options *options, const char *word, const char **rest)
{
    bool is_long = word[1] == '-';
    size_t size = is_long && options->bundles ? strcspn(word, "=") : strlen(word);

    *rest = NULL;
    for (size_t i = 0; i < options->count; i++) {
        const struct option *row = &options->rows[i];

        if (is_long && strlen(row->name) == size - 2 &&
                strncmp(word + 2, row->name, size - 2) == 0) {
            if (word[size] == '=')
                *rest = word + size + 1;
            return row;
        }
        if (!is_long && row->letter && word[1] == row->letter &&
                (word[2] == '\0' || options->bundles)) {
            if (word[2] != '\0')
                *rest = word + 2;
            return row;
        }
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

struct version_name {
    const char *name;
    int64_t version;
};

static bool find_version(
        int64_t *out, const struct version_name names[], size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].version;
            return true;
        }
    }
    return false;
}

bool option_version(int64_t *out, const char *text)
{
    static const struct version_name names[] = { { "31", 3 }, { "mqttv31", 3 }, { "311", 4 },
        { "mqttv311", 4 }, { "5", 5 }, { "mqttv5", 5 } };

    return find_version(out, names, sizeof(names) / sizeof(names[0]), text);
}

static bool find_old_version(int64_t *out, const char *text)
{
    static const struct version_name names[] = { { "3", 3 }, { "3.1", 3 }, { "4", 4 },
        { "3.1.1", 4 }, { "5.0", 5 } };

    return find_version(out, names, sizeof(names) / sizeof(names[0]), text);
}

static bool list_add(struct option_list *list, const char *text)
{
    if (list->count == OPTION_LIST_MAX)
        return false;
    list->items[list->count++] = text;
    return true;
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
    case OPTION_COUNT:
        ++*(int64_t *)field;
        return true;
    case OPTION_LIST:
        return list_add((struct option_list *)field, value);
    case OPTION_VERSION:
        return option_version(field, value) || find_old_version(field, value);
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

static int complain_of_option(const struct options *options, const char *word)
{
    struct nearest nearest = nearest_to(bytes_of_text(word[1] == '-' ? word + 2 : ""));

    for (size_t i = 0; i < options->count; i++)
        nearest_offer(&nearest, options->rows[i].name);
    if (!nearest.name)
        return complain(options, word, "no such option");
    fprintf(stderr, "%s: %s: no such option; did you mean --%s? See %s --help\n", options->command,
            word, nearest.name, options->command);
    return -EINVAL;
}

static int complain_of_value(
        const struct options *options, const struct option *option, const char *value)
{
    if (option->kind == OPTION_LIST)
        fprintf(stderr, "%s: --%s %s: %d of them are the most\n", options->command, option->name,
                value, OPTION_LIST_MAX);
    else if (option->kind == OPTION_PAIR)
        fprintf(stderr, "%s: --%s %s: give two numbers, the smaller one first, as %s\n",
                options->command, option->name, value, option->value);
    else if (option->kind == OPTION_VERSION)
        fprintf(stderr, "%s: --%s %s: give 31, 311 or 5, for MQTT 3.1, 3.1.1 and 5.0\n",
                options->command, option->name, value);
    else
        fprintf(stderr, "%s: --%s %s: give a number from %" PRId64 " to %" PRId64 "\n",
                options->command, option->name, value, option->min, option->max);
    return -EINVAL;
}

/* Reads the option at argv[at], and those that share the word with it. Returns how many words it
 * took, or -EINVAL. */
static int read_option(const struct options *options, void *out, int argc, char **argv, int at)
{
    const char *value;
    const struct option *option = find_option(options, argv[at], &value);
    const char *letters = argv[at];

    while (option && !option_takes_value(option) && value && argv[at][1] != '-') {
        set(out, option, NULL);
        option = find_option(options, ++letters, &value);
    }
    if (!option || (value && !option_takes_value(option)))
        return complain_of_option(options, argv[at]);
    if (option_takes_value(option) && !value) {
        if (at + 1 >= argc)
            return complain(options, argv[at], "needs a value");
        value = argv[++at];
        return set(out, option, value) ? 2 : complain_of_value(options, option, value);
    }
    return set(out, option, value) ? 1 : complain_of_value(options, option, value);
}

int options_read(const struct options *options, void *out, int argc, char **argv)
{
    size_t words_max = options->wordless ? 0
            : options->argument_max > 0  ? options->argument_max
                                         : 1;
    size_t words = 0;
    bool words_only = false;

    for (int at = 1; at < argc;) {
        int taken = 1;

        if (!words_only && strcmp(argv[at], "--") == 0) {
            words_only = true;
        } else if (!words_only && argv[at][0] == '-' && argv[at][1] != '\0') {
            taken = read_option(options, out, argc, argv, at);
        } else if (words == words_max) {
            return complain(options, argv[at], options->arguments);
        } else {
            memcpy((uint8_t *)out + options->argument + words * sizeof(argv[at]), &argv[at],
                    sizeof(argv[at]));
            words++;
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
