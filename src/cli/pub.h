/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar pub` and, under that name, mosquitto_pub: sends messages to a topic.
 */
#ifndef CLI_PUB_H
#define CLI_PUB_H

/* argv[0] is the word "pub", or the path of mosquitto_pub. Returns the exit status. */
int pub_main(int argc, char **argv);
int mosquitto_pub_main(int argc, char **argv);

#endif
