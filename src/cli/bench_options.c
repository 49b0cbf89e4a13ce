/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_PAIR, OPTION_SWITCH };

struct option {
    const char *name;
    char letter; /* 0: none */
    enum option_kind kind;
    size_t offset; /* of the field; a pair's second number lies behind the first one */
    int64_t min;
    int64_t max;
    const char *value;
    const char *help;
};

#define FIELD(name) offsetof(struct bench_options, name)

static const struct option options[] = {
    { "host", 'h', OPTION_TEXT, FIELD(host), 0, 0, "NAME", "the server; 127.0.0.1" },
    { "port", 'p', OPTION_NUMBER, FIELD(port), 1, 65535, "PORT", "its port; 1883" },
    { "version", 'V', OPTION_NUMBER, FIELD(version), 3, 5, "3|4|5", "MQTT 3.1, 3.1.1 or 5.0; 4" },
    { "qos", 'q', OPTION_NUMBER, FIELD(qos), 0, 2, "QOS", "of messages and subscriptions; 0" },
    { "scenario", 0, OPTION_TEXT, FIELD(scenario), 0, 0, "NAME", "as the argument" },
    { "publishers", 0, OPTION_NUMBER, FIELD(publishers), 1, 100000, "N", "connections that send" },
    { "subscribers", 0, OPTION_NUMBER, FIELD(subscribers), 1, 100000, "N",
            "connections that receive" },
    { "size", 0, OPTION_NUMBER, FIELD(size), BENCH_SIZE_MIN, 1 << 20, "BYTES", "of a payload; 64" },
    { "count", 0, OPTION_NUMBER, FIELD(count), 1, UINT32_MAX, "N",
            "messages to publish, or connections to make" },
    { "seconds", 0, OPTION_NUMBER, FIELD(seconds), 1, 3600, "S",
            "publish for that long, whatever the count" },
    { "rate", 0, OPTION_NUMBER, FIELD(rate), 1, 100000000, "N",
            "messages a second in total, each on time; latency counts from then" },
    { "window", 0, OPTION_NUMBER, FIELD(window), 1, BENCH_WINDOW_MAX, "N",
            "messages under way per publisher (100; QoS 1 and 2: 20), or connects at once (64)" },
    { "connections", 0, OPTION_PAIR, FIELD(connections), 1, 1000000, "A,B",
            "of scenario idle: memory at A and at B connections; 1000,15000" },
    { "limit", 0, OPTION_NUMBER, FIELD(limit_s), 1, 3600, "S", "end after that long; 60" },
    { "pid", 0, OPTION_NUMBER, FIELD(pid), 1, BENCH_PID_MAX, "PID", "the server's, to measure it" },
    { "json", 0, OPTION_SWITCH, FIELD(json), 0, 0, NULL, "print one JSON object" },
    { "help", 0, OPTION_SWITCH, FIELD(help), 0, 0, NULL, "print this" },
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

static const struct option *find_option(const char *word)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, options[i].name) == 0)
            return &options[i];
        if (options[i].letter && word[1] == options[i].letter && word[2] == '\0')
            return &options[i];
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
static bool set(struct bench_options *out, const struct option *option, const char *value)
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

static int complain(const char *word, const char *what)
{
    fprintf(stderr, "nightjar bench: %s: %s\n", word, what);
    return -EINVAL;
}

static int complain_of_value(const struct option *option, const char *value)
{
    if (option->kind == OPTION_PAIR)
        fprintf(stderr, "nightjar bench: --%s %s: give two numbers, the smaller one first, as %s\n",
                option->name, value, option->value);
    else
        fprintf(stderr, "nightjar bench: --%s %s: give a number from %" PRId64 " to %" PRId64 "\n",
                option->name, value, option->min, option->max);
    return -EINVAL;
}

/* Reads the option at argv[at]. Returns how many words it took, or -EINVAL. */
static int read_option(struct bench_options *out, int argc, char **argv, int at)
{
    const struct option *option = find_option(argv[at]);
    const char *value = NULL;

    if (!option)
        return complain(argv[at], "no such option; see nightjar bench --help");
    if (option->kind != OPTION_SWITCH) {
        if (at + 1 >= argc)
            return complain(argv[at], "needs a value; see nightjar bench --help");
        value = argv[at + 1];
    }
    if (!set(out, option, value))
        return complain_of_value(option, value);
    return value ? 2 : 1;
}

int bench_options_read(struct bench_options *out, int argc, char **argv)
{
    struct bench_options read = {
        .host = "127.0.0.1",
        .port = 1883,
        .version = 4,
        .size = 64,
        .connections = 1000,
        .connections_more = 15000,
        .limit_s = 60,
    };

    for (int at = 1; at < argc;) {
        int taken = 1;

        if (argv[at][0] != '-' && !read.scenario)
            read.scenario = argv[at];
        else if (argv[at][0] != '-')
            return complain(argv[at], "one scenario is enough");
        else
            taken = read_option(&read, argc, argv, at);
        if (taken < 0)
            return taken;
        at += taken;
    }
    *out = read;
    return 0;
}

void bench_options_help(void)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &options[i];
        const char *value = option->value ? option->value : "";
        char letter[] = { '-', option->letter, ',', '\0' };

        printf("  %3s --%s %-*s %s\n", option->letter ? letter : "", option->name,
                (int)(18 - strlen(option->name)), value, option->help);
    }
}
