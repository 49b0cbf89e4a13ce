/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells devices of MQTT-SN on a network that the gateway is there, at groups of multicast that
 * listeners name: by ADVERTISE from time to time, and by GWINFO to who asks there. All of that is
 * the first shard's, whose doors the groups' sockets are.
 *
 * Whoever asks may be any address that somebody has put there: it is answered as strangers are, and
 * the group hears of it once in HERALD_QUIET_MS at most.
 *
 * Source: MQTT-SN 1.2 §6.1, [SN-6.1-1], [SN-6.1-8]
 */
#ifndef BROKER_HERALD_H
#define BROKER_HERALD_H

#include "broker/shard.h"

enum { HERALD_QUIET_MS = 1000 };

/* Reads what has come to such a door. */
void herald_serve(struct shard *shard, struct door *door);

/* What is to be told, or how often, may have changed: it is told at once. */
void herald_begin_anew(struct shard *shard);

/* Does what is due; when that is: INT64_MAX: never. */
void herald_tick(struct shard *shard);
int64_t herald_due_ms(const struct shard *shard);

#endif
