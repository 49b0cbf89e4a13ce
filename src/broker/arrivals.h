/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections come in through a shard's doors, from the kernel's queue until their CONNECT is
 * accepted: who may (the listener's addresses, the guard), how many at a time, and in which turn.
 *
 * What newcomers want is done in slices of time, after the clients of a turn have been served and
 * written to: a handshake of TLS takes as long as a hundred messages, and a flood of them is not to
 * be felt by those who are in. Neither is that many leave at once, so it is done there as well.
 */
#ifndef BROKER_ARRIVALS_H
#define BROKER_ARRIVALS_H

#include "broker/shard.h"

/* Serves those who leave and newcomers who want something, and takes connections in where the doors
 * were knocked at: for a slice of time each. */
void arrivals_serve(struct shard *shard);

/*
 * Hears newcomers whose time for a CONNECT is over, where what they have said waits for its turn;
 * and, when the turn is `late`, all who leave: to be called before anyone is judged by the time.
 */
void arrivals_hear(struct shard *shard, bool late);

/* Takes a client in that comes by no door, whose stream this is, which is taken: it may come in or
 * not, as any other. `tls_kib` is counted for its TLS; without, only datagrams say its address.
 * NULL: it may not, and the stream is closed. */
struct link *arrivals_bring(struct shard *shard, struct entrance *entrance, struct stream *stream,
        const struct address *peer, unsigned tls_kib);

/* What a door is to be polled for now: POLL_READ, or 0 while doors are shut. */
unsigned arrivals_door_waits(const struct shard *shard);

/* Opens doors that were shut for a time, when that is over. */
void arrivals_open_doors(struct shard *shard);

/* When arrivals_open_doors() is to be called; INT64_MAX for never. */
int64_t arrivals_due_ms(const struct shard *shard);

/* The layers of a newcomer's link are ready: this is the address of its client, which a proxy may
 * have told. False: it may not come in, which the log has been told. */
bool arrivals_unveil(struct shard *shard, struct link *link, const struct address *address);

/* Says in the log that one from there may not come in, as memory is short. */
void arrivals_tell_memory(
        struct shard *shard, const struct link *link, const struct address *address);

/* A link's CONNECT is accepted, or it has been refused and only hears why. */
void arrivals_settle(struct shard *shard, struct link *link);

/* A link ends. */
void arrivals_leave(struct shard *shard, struct link *link);

/* Ends those whose addresses the listeners do not let in any more. */
void arrivals_check_again(struct shard *shard);

/* A login was wrong (see struct authority): returns how long its answer is to be held back. */
uint32_t arrivals_login_failed(void *shard, const struct login_failure *failure);

/* Whether logins from that peer's address at that listener were wrong lately. */
bool arrivals_suspects(void *shard, struct bytes peer, unsigned listener);

#endif
