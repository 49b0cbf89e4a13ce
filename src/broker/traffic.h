/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shard's links carry: bytes from their streams to core, and core's output to the streams.
 *
 * A stream may be a stack. Its layers may hold bytes that the poll knows nothing of, and may have
 * to write before they can be read; so after each read and write the poll is told anew.
 */
#ifndef BROKER_TRAFFIC_H
#define BROKER_TRAFFIC_H

#include "broker/shard.h"

/* Makes a link known to poll and core, which takes it; `moved` when it comes from another shard. */
void traffic_admit(struct shard *shard, struct link *link, bool moved);

/* Does what the poll says that a link is ready for (enum poll_waits). */
void traffic_serve(struct shard *shard, struct link *link, unsigned ready);

/* The stream of a link without a descriptor has something to read or takes something, or both. */
void traffic_stir(struct shard *shard, struct link *link);

/* Does so for the newcomer whose turn it is; traffic_serve() only lets them wait for it. False:
 * none waits. */
bool traffic_serve_newcomer(struct shard *shard);

/* Serves that newcomer before its turn. */
void traffic_hasten_newcomer(struct shard *shard, struct newcomer *newcomer);

/* Serves the client whose turn it is of those who write no more: nobody there waits for an
 * answer, and to close a connection takes as long as several messages. */
bool traffic_serve_leaver(struct shard *shard);

/* Closes a newcomer's connection at once, without a word to the log. */
void traffic_turn_away(struct shard *shard, struct link *link);

/* Reads on where bytes lie inside the stack. */
void traffic_read_unread(struct shard *shard);

/* Reads on where core had waited: first what is kept, then, by the poll, what comes. */
void traffic_resume(struct shard *shard);

/* Writes where core holds so much that it should not wait for the end of the turn. */
void traffic_write_full(struct shard *shard);

/* Writes all that core has. */
void traffic_write(struct shard *shard);

/* While memory is nearly used up: ends the connections of this shard whose next packet, of which a
 * part has come, takes most of it, unless that is below `fat_bytes`. */
void traffic_relieve(struct shard *shard, uint64_t fat_bytes);

/* Closes those links whose time to linger is over. */
void traffic_end_lingering(struct shard *shard);

/* After events of this turn cannot name them any more. */
void traffic_free_closed(struct shard *shard);

#endif
