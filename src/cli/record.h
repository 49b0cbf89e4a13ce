/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar record`: writes the messages of topics to a file, with their times and properties.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

/* argv[0] is the word "record". Returns the exit status. */
int record_main(int argc, char **argv);

#endif
