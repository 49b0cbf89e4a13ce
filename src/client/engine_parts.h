/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both engines are made of, engine.c and engine_small.c: output, input, identifiers, slots and
 * time. The functions of nightjar/engine.h that are about these are in engine_parts.c too.
 */
#ifndef CLIENT_ENGINE_PARTS_H
#define CLIENT_ENGINE_PARTS_H

#include "nightjar/engine.h"

#include "base/writer.h"
#include "mqtt/packet.h"

enum {
    ENGINE_PACKET_MAX = MQTT_REMAINING_MAX + MQTT_HEADER_SIZE_MAX,
    ENGINE_ACK_SIZE = 8, /* at least the longest answer that the engine gives by itself */
};

enum engine_state { ENGINE_IDLE, ENGINE_CONNECTING, ENGINE_CONNECTED, ENGINE_ENDED };

static inline struct bytes bytes_in(struct nj_bytes given)
{
    return bytes_of(given.data, given.size);
}

static inline struct nj_bytes bytes_out(struct bytes bytes)
{
    return nj_bytes_of(bytes.data, bytes.size);
}

/* All the room that is left, behind what is to be sent. */
struct writer engine_room(struct nj_engine *engine);

/* What was written becomes output. NJ_LATER: it may fit when there is less of it; NJ_TOO_LARGE. */
enum nj_error engine_put(struct nj_engine *engine, const struct writer *out, int64_t now_ms);

/* Where that id is among some; NULL. */
uint16_t *engine_find_id(uint16_t ids[], size_t count, uint16_t id);

/* The filled slot of that id; NULL. */
struct nj_slot *engine_find_slot(struct nj_engine *engine, uint16_t id);

/* Where that id of a SUBSCRIBE or UNSUBSCRIBE is, or with 0 a free place; NULL. */
uint16_t *engine_find_asked(struct nj_engine *engine, bool unsubscribes, uint16_t id);

/* One that is not in use. Source: [MQTT5-2.2.1-3] */
uint16_t engine_new_id(struct nj_engine *engine);

/* Slots stay in the order of sending: those that are filled come first. */
void engine_free_slot(struct nj_engine *engine, struct nj_slot *slot);

/* A free slot, of those that the server lets us fill; NULL. */
struct nj_slot *engine_free_place(struct nj_engine *engine);

/* Takes the next packet when it is whole; false with a fault where it is none. Its body is good
 * until the next call. */
bool engine_take_packet(struct nj_engine *engine, struct mqtt_header *header, struct bytes *body);

#endif
