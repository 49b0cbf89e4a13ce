/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar sn sub`: prints the messages that a gateway of MQTT-SN sends.
 */
#ifndef CLI_SN_SUB_H
#define CLI_SN_SUB_H

#include "cli/sn_options.h"

/* Returns the exit status. */
int sn_sub_run(const struct sn_options *options);

#endif
