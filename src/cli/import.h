/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `nightjar import`: brings what Mosquitto has kept into a new data directory.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

/* Returns the exit status: 0; 1 when nothing was imported, and stderr says why; 2 for a wrong
 * command line. */
int import_main(int argc, char **argv);

struct options;

/* The options, for the shells' completion. */
const struct options *import_option_table(void);

#endif
