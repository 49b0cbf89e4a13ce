/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nightjar sn pub`: sends messages to a gateway of MQTT-SN.
 */
#ifndef CLI_SN_PUB_H
#define CLI_SN_PUB_H

#include "cli/sn_options.h"

/* Returns the exit status. */
int sn_pub_run(const struct sn_options *options);

#endif
