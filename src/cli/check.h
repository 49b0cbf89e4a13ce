/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar check`: puts any MQTT server to the statements of the standards.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

/**
 * Runs the command; argv[0] is "check". `check --help` prints the options.
 *
 * Returns the exit code: 0 when no statement failed, 1 when one did, 2 for wrong options, 3 when
 * the server could not be reached, was lost on the way or did not let the command in, or when the
 * report could not be written.
 */
int check_main(int argc, char **argv);

struct options;

/* The options, for the shells' completion. */
const struct options *check_option_table(void);

#endif
