/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard at the doors is told: the limits that go by address. */
#ifndef BROKER_CONFIG_GUARD_SETTINGS_H
#define BROKER_CONFIG_GUARD_SETTINGS_H

#include "net/network.h"

#include <stdint.h>

/* Wrong logins with different credentials that are told apart, so the most that may be waited for.
 */
enum { GUARD_GUESSES_MAX = 256 };

/* 0 stands for no limit. */
struct guard_settings {
    struct network_list exempt;   /* nothing below holds for these, but handshakes_max */
    uint32_t connection_rate_max; /* connections that an address may open in a second */
    uint32_t max_connections_per_address;
    uint32_t handshakes_max;             /* connections of a shard whose CONNECT is not accepted */
    uint32_t handshakes_per_address_max; /* the same of an address, on all shards */
    uint32_t login_failures_max;         /* wrong logins of an address until it is banned */
    uint32_t login_failures_window_s;    /* within which they count */
    uint32_t login_ban_time_s;
    uint32_t login_delay_max_ms; /* of the answer to a wrong login */
};

#endif
