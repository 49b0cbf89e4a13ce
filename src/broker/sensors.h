/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard's clients of MQTT-SN: what they go by, what is sent to them, what is due, and their end.
 * What comes from them is reception.h's.
 */
#ifndef BROKER_SENSORS_H
#define BROKER_SENSORS_H

#include "broker/sensor.h"
#include "broker/shard.h"

struct reception;
struct sensors;

/* NULL when memory is short. */
struct sensors *sensors_new(struct shard *shard, uint64_t seed);

/* After every thread has ended, for all shards before sensors_free() of any: what is still on its
 * way is thrown away. */
void sensors_end(struct shard *shard);

/* After its links are gone. NULL is fine. */
void sensors_free(struct shard *shard);

/* What its listeners of MQTT-SN go by from now on. False when memory is short: then nothing has
 * changed. */
bool sensors_configure(struct shard *shard, const struct config *config);

/* Does what is due. */
void sensors_tick(struct shard *shard);

/* When that is; INT64_MAX: not before something comes. */
int64_t sensors_due_ms(const struct shard *shard);

/* After the links are written: sensors that were awake and have everything go on sleeping. */
void sensors_settle(struct shard *shard);

/* Sends what the turn has left for devices: at its end, and before a door is shut. */
void sensors_flush(struct shard *shard);

/* A link of another shard has come home, and is to be admitted; or could not go there. No-op for
 * links of other kinds, as is sensors_send_off(), before it goes. */
void sensors_take_in(struct shard *shard, struct link *link);
void sensors_send_off(struct link *link, unsigned home);

/* ---- For herald.c and reception.c ---- */

/* The shard's socket of that place; NULL when it is shut. */
const struct door *sensors_find_door(const struct shard *shard, const struct sensor_place *place);

struct datagrams *sensors_datagrams(struct shard *shard);

/* ---- For reception.c ---- */

struct reception *sensors_reception(const struct shard *shard);

/* From now on its place is a stranger's. No-op when it was so before. */
void sensors_part(struct sensor *sensor);

/* Frees it where it is closed, nobody can name it, and it is not being heard. */
void sensors_free_if_alone(struct sensor *sensor, const struct memory *memory);

/* Lets its link go on with what has come of what it has heard. The sensor may be gone
 * afterwards. */
void sensors_stir(struct shard *shard, struct sensor *sensor);

/* ---- For sensor.c ---- */

struct gateway *sensors_gateway(struct shard *shard);

/* Whose gateway that is. */
struct shard *sensors_shard(const struct gateway *gateway);
struct timer_wheel *sensors_wheel(struct shard *shard);

/* A Will of a client that has left is gone before that comes back. */
void sensors_tell_will_lost(struct shard *shard);

/* Its client has become awake, or is so no more. */
void sensors_note_phase(struct sensor *sensor);

/* Sends a datagram there, at the next sensors_flush(); it may get lost. */
void sensors_send(struct shard *shard, const struct sensor_place *place, struct bytes datagram);

/* Its link is closed: it is freed as soon as nobody can name it. */
void sensors_close(struct sensor *sensor);

#endif
