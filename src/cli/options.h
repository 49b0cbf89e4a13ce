/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's line: one table row for each option. Parsing, ranges and --help read it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_TEXT,   /* const char *, borrowed from argv */
    OPTION_NUMBER, /* int64_t */
    OPTION_PAIR,   /* "A,B" with A < B: two int64_t, one behind the other */
    OPTION_SWITCH, /* bool; takes no value */
    OPTION_COUNT,  /* int64_t, one more each time; takes no value */
    OPTION_LIST,   /* struct option_list; each time one text more */
    /* int64_t, 3, 4 or 5: of MQTT, as option_version() and, as these commands once had it, by the
     * number of the protocol's level or with dots */
    OPTION_VERSION,
};

enum { OPTION_LIST_MAX = 64 };

/* Texts; borrowed from argv. */
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t count;
};

struct option {
    const char *name;
    char letter; /* 0: none */
    enum option_kind kind;
    size_t offset; /* of the field in the command's struct */
    int64_t min;
    int64_t max;
    const char *value; /* for the help: what it takes */
    const char *help;
};

struct options {
    const char *command; /* "nightjar bench", for messages */
    const struct option *rows;
    size_t count;
    size_t argument;       /* offset of the const char * for the word without a dash; for several
                              of them of an array */
    size_t argument_max;   /* how many there may be; 0 stands for 1 */
    const char *arguments; /* for one word too many: "one scenario is enough" */
    bool wordless;         /* all words begin with a dash */
    bool bundles; /* as getopt_long() has it: "-dv" for "-d -v", "-q1" for "-q 1", "--qos=1" */
};

/**
 * Reads the command line into *out, which holds the defaults; argv[0] is skipped. A word "-" is no
 * option, and no word behind "--" is. Says on stderr what is wrong, and then *out may be written in
 * part.
 *
 * Returns 0, or -EINVAL.
 */
int options_read(const struct options *options, void *out, int argc, char **argv);

#define OPTION_VERSIONS "31|311|5" /* for the help */

/* Reads a version of MQTT as Mosquitto's tools do, "31" or "mqttv31" and so on: 3, 4 or 5. Returns
 * whether it is one. */
bool option_version(int64_t *out, const char *text);

static inline bool option_takes_value(const struct option *option)
{
    return option->kind != OPTION_SWITCH && option->kind != OPTION_COUNT;
}

/* Prints one line for each option to stdout. */
void options_help(const struct options *options);

#endif
