/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar completion SHELL`: a script that lets bash, zsh or fish complete the commands and their
 * options, made from the tables that the commands read.
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

/* argv[0] is the word "completion". Returns the exit status: 0, or 2 for a shell that is not
 * known. */
int completion_main(int argc, char **argv);

#endif
