/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `nightjar ctl`: asks a running server of this machine, by its control socket.
 */
#ifndef CLI_CTL_H
#define CLI_CTL_H

#include <stddef.h>

/*
 * Runs it. Returns the status to exit with: 0; 1 when the answer is no (there is no such client, a
 * denial, a reload that changed nothing, a difference); 2 when the command line is wrong; 3 when no
 * server answers.
 */
int ctl_main(int argc, char **argv);

struct options;

/* The options, for the shells' completion. */
const struct options *ctl_option_table(void);

/* The commands, too; NULL behind the last one. */
const char *ctl_command_name(size_t index);

#endif
