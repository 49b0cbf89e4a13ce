/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's command line, as Mosquitto's users know it.
 */
#ifndef BROKER_CONFIG_ARGUMENTS_H
#define BROKER_CONFIG_ARGUMENTS_H

#include <stdio.h>

#include "broker/config/config.h"

enum arguments_action {
    ARGUMENTS_RUN,
    ARGUMENTS_EXPLAIN,     /* --explain: which rule decides, end */
    ARGUMENTS_DIFF,        /* --diff: what another file would change, end */
    ARGUMENTS_TEST_CONFIG, /* --test-config: load, config_dump(), end */
    ARGUMENTS_HELP,
    ARGUMENTS_VERSION,
};

/* What --explain asks; borrows from argv. */
struct arguments_explain {
    const char *user; /* "-": without a name */
    const char *client;
    const char *action; /* read, write or subscribe */
    const char *topic;
    int port; /* of --listener; 0: each listener */
};

struct arguments {
    enum arguments_action action;
    struct arguments_explain explain;
    const char *other_file;  /* of --diff; borrows from argv */
    const char *config_file; /* borrows from argv; NULL: none */
    uint16_t ports[CONFIG_PORTS_MAX];
    size_t port_count;
    bool daemon;
    bool quiet;
    bool verbose;
};

enum { ARGUMENTS_PROBLEM_MAX = 255 };

/**
 * Reads argv[1] and what follows.
 *
 * Returns 0, or -EINVAL with a line for stderr (no newline) in `problem`, an array of
 * ARGUMENTS_PROBLEM_MAX + 1; the program then exits with 3.
 */
int arguments_read(struct arguments *out, int argc, char *const argv[], char *problem);

/* What config_load() is to do for these arguments; borrows from them. */
struct config_request arguments_request(const struct arguments *arguments);

/* Prints the text of --help. */
void arguments_help(FILE *out);

#endif
