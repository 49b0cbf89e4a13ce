/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar replay`: publishes the messages of a recording again, at their times.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

/* argv[0] is the word "replay". Returns the exit status. */
int replay_main(int argc, char **argv);

#endif
