/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams that have come to a shard's doors for MQTT-SN: which sensor each is for, wherever that
 * lives, and what becomes of those from strangers.
 *
 * A datagram for a sensor of another shard is carried there as an errand. At most
 * RECEPTION_CARRIED_MAX are on their way to a shard, and strangers get at most
 * RECEPTION_ANSWERS_MAX answers a second from a shard, so that two gateways that somebody makes
 * talk to each other do not do so for ever: what is beyond these is thrown away, counted and told.
 */
#ifndef BROKER_RECEPTION_H
#define BROKER_RECEPTION_H

#include "broker/sensor.h"
#include "broker/shard.h"

enum {
    RECEPTION_CARRIED_MAX = 4096,
    RECEPTION_ANSWERS_MAX = 1000,
    RECEPTION_READS_MAX = 16, /* of one socket and turn, each of DATAGRAMS_READ_MAX datagrams */
};

struct reception;

/* `key`: for its table. NULL when memory is short. */
struct reception *reception_new(const struct memory *memory, struct hash_key key);

/* After every thread has ended, for all shards before reception_free() of any: what is still on its
 * way to this one is thrown away. */
void reception_end(struct shard *shard);

/* After its sensors are gone. */
void reception_free(struct shard *shard);

/* Answers to searching devices name this gateway from now on. */
void reception_configure(struct shard *shard, uint8_t gateway_id);

/* Reads what has come to such a listener's door. */
void reception_serve(struct shard *shard, struct door *door);

/* It is the turn of a link that may have datagrams by DTLS to be read: they are. No-op for links of
 * other kinds; the link may be closed afterwards. */
void reception_take_turn(struct shard *shard, struct link *link);

/* Whether a stranger may be answered now, which counts as done; false is told. */
bool reception_may_answer(struct shard *shard);

/* For the shard that is the sensor's ear: its place is a stranger's from now on. */
void reception_forget(struct shard *shard, struct sensor *sensor);

/* The sensor closes, which may be a listener's own connection. */
void reception_forget_voice(struct shard *shard, const struct sensor *sensor);

#endif
