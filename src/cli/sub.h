/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar sub` and, under that name, mosquitto_sub: prints the messages of topics.
 */
#ifndef CLI_SUB_H
#define CLI_SUB_H

/* argv[0] is the word "sub", or the path of mosquitto_sub. Returns the exit status. */
int sub_main(int argc, char **argv);
int mosquitto_sub_main(int argc, char **argv);

#endif
