/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints messages as the options say: the payload alone, with -v behind the topic, as -F's format
 * has it, or with --watch each topic on a line of the screen of its own. On a terminal -v shows
 * topics in colour, but where the environment has NO_COLOR.
 */
#ifndef CLI_CLIENT_OUTPUT_H
#define CLI_CLIENT_OUTPUT_H

#include "cli/client_options.h"

#include "base/random.h"
#include "nightjar/mqtt.h"

enum { CLIENT_WATCHED_MAX = 1000 }; /* topics with a line of their own */

struct client_output {
    const struct client_options *options; /* borrowed */
    bool colour;
    struct random random; /* of --random-filter */
    char **watched;       /* topics, in the order of their lines */
    size_t watched_count;
};

void client_output_init(struct client_output *output, const struct client_options *options);

/* Prints one; false when standard output cannot be written. */
bool client_output_message(struct client_output *output, const struct nj_message *message);

void client_output_deinit(struct client_output *output);

#endif
