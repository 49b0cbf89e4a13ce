/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One turn of a shard: wait, read every ready connection, run core, take and send mail, and write
 * each connection that has output once. So the cost of a message falls as load rises.
 */
#ifndef BROKER_TURN_H
#define BROKER_TURN_H

#include "broker/shard.h"

/* Runs one turn. False when the shard has been told to stop and is done. */
bool turn_run(struct shard *shard);

/* Publishes the lines that wait in a source: the shard's own, or one that is lent for the call. */
void turn_announce(struct shard *shard, struct log_source *source);

#endif
