/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar sn`: a client of MQTT-SN; and the tools of mqtt-sn-tools under their names.
 */
#ifndef CLI_SN_H
#define CLI_SN_H

#include <stddef.h>

struct options;

/* For the shells' completion: the options of pub and sub, and the names of these; NULL behind the
 * last one. */
const struct options *sn_option_table_of_all(void);
const char *sn_tool_name(size_t index);

/* argv[0] is the word "sn", argv[1] "pub" or "sub". Returns the exit status. */
int sn_main(int argc, char **argv);

/* argv[0] is the program's name. */
int mqtt_sn_pub_main(int argc, char **argv);
int mqtt_sn_sub_main(int argc, char **argv);

#endif
