/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of configuration files, put into a configuration one after the other.
 */
#ifndef BROKER_CONFIG_PARSE_H
#define BROKER_CONFIG_PARSE_H

#include "broker/config/config.h"
#include "broker/config/option.h"

/* Starts as { .config, .source, .report, .default_listener = -1 }; all are borrowed. */
struct parser {
    struct config *config; /* with every default in place */
    const struct source *source;
    struct report *report;

    int default_listener; /* index of the one that `port` and its like are about, or -1 */
    bool opened;          /* a line said where to listen */
    bool security_seen;   /* a line set what per_listener_settings would have changed */

    /* The line that opened the default listener without meaning to, and its key, or NULL. */
    const struct option *implicit;
    struct report_origin implicit_origin;

    bool warned[OPTION_MAX]; /* the option's status was told */
    /* Where the setting of an option lies in config->settings, counted from 1; 0: not set. */
    uint32_t seen[OPTION_MAX];
    uint32_t listener_seen[CONFIG_LISTENERS_MAX][OPTION_MAX];
};

/* Reads the main file and what it includes. Errors are told. Returns 0 or -ENOMEM. */
int parse_file(struct parser *parser, const char *path);

/* Opens another listener with default settings. NULL, with an error told, beyond the limit. */
struct config_listener *parse_open_listener(struct parser *parser, struct report_origin origin);

/* Did a line set the option, for this listener or with -1 for the whole server? */
bool parse_seen(const struct parser *parser, const struct option *option, int listener);

#endif
