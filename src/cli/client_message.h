/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as it came, with all that can be printed of it.
 */
#ifndef CLI_CLIENT_MESSAGE_H
#define CLI_CLIENT_MESSAGE_H

#include "nightjar/mqtt.h"

#include <time.h>

struct client_message {
    struct nj_message message; /* borrowed */
    struct timespec time;      /* when it came */
};

#endif
