/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar shell`: a client that takes commands, from a terminal with history and completion or
 * from another input line by line.
 */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

enum { SHELL_TOPICS_MAX = 1000 }; /* that completion remembers */

/* argv[0] is the word "shell". Returns the exit status. */
int shell_main(int argc, char **argv);

#endif
