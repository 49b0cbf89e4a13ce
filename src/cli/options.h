/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's line: one table row for each option. Parsing, ranges and --help read it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_TEXT,   /* const char *, borrowed from argv */
    OPTION_NUMBER, /* int64_t */
    OPTION_PAIR,   /* "A,B" with A < B: two int64_t, one behind the other */
    OPTION_SWITCH, /* bool; takes no value */
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
    size_t argument;       /* offset of the const char * for the one word without a dash */
    const char *arguments; /* "one scenario is enough" */
};

/**
 * Reads the command line into *out, which holds the defaults; argv[0] is skipped. Says on stderr
 * what is wrong, and then *out may be written in part.
 *
 * Returns 0, or -EINVAL.
 */
int options_read(const struct options *options, void *out, int argc, char **argv);

/* Prints one line for each option to stdout. */
void options_help(const struct options *options);

#endif
