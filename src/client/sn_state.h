/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the engine of MQTT-SN do for each other: sn.c is a client's life and its clock,
 * sn_request.c what it asks, sn_message.c the messages that come, sn_topics.c the names it knows,
 * sn_gateways.c those that it could speak with. Not for others.
 */
#ifndef CLIENT_SN_STATE_H
#define CLIENT_SN_STATE_H

#include "nightjar/sn.h"

#include "base/writer.h"
#include "mqttsn/message.h"

enum { SN_NO_NAME = UINT16_MAX };

/* What a client is to the gateway. */
enum sn_state { SN_IDLE, SN_CONNECTING, SN_ACTIVE, SN_ASLEEP, SN_AWAKE };

/* Events that are due without anything having come. */
enum sn_due { SN_DUE_NONE, SN_DUE_DONE, SN_DUE_LOST, SN_DUE_ASLEEP };

static inline struct bytes sn_bytes_in(struct nj_bytes given)
{
    return bytes_of(given.data, given.size);
}

static inline struct nj_bytes sn_bytes_out(struct bytes bytes)
{
    return nj_bytes_of(bytes.data, bytes.size);
}

/* ---- sn.c ---- */

/* Something to send by itself: sn_note() gives room for it, sn_noted() takes it. A note is to be
 * written only where there is none. */
static inline bool sn_has_note(const struct nj_sn *sn)
{
    return sn->note.size > 0;
}

static inline struct writer sn_note(struct nj_sn *sn)
{
    return (struct writer){ .data = sn->note.data, .size = sizeof(sn->note.data) };
}

static inline void sn_noted(struct nj_sn *sn, const struct writer *out, bool broadcast)
{
    sn->note.size = out->failed ? 0 : (uint8_t)out->used;
    sn->note.broadcast = broadcast;
}

/* A random time of at most so many milliseconds. */
uint32_t sn_random_ms(struct nj_sn *sn, uint32_t most_ms);

/* ---- sn_request.c ---- */

/* Room for a request behind the message that is kept; sn_put() makes it the one under way. */
struct writer sn_room(struct nj_sn *sn);
void sn_put(struct nj_sn *sn, enum mqttsn_type type, const struct writer *out, int64_t now_ms);

/* Sends the request that is under way again. False: it was sent often enough. */
bool sn_repeat(struct nj_sn *sn, int64_t now_ms);

/* Nothing is under way any more; a message that is kept stays so. */
void sn_end_request(struct nj_sn *sn);
void sn_drop_kept(struct nj_sn *sn);

/* Begins what the kept message needs next: REGISTER, PUBLISH or PUBREL. */
void sn_send_kept(struct nj_sn *sn, int64_t now_ms);

/* The WILLTOPIC and WILLMSG of CONNECT. */
void sn_put_willtopic(struct nj_sn *sn, int64_t now_ms);
void sn_put_willmsg(struct nj_sn *sn, int64_t now_ms);

/* Takes an answer to a request. Returns whether *event is to be told. */
bool sn_take_answer(struct nj_sn *sn, const struct mqttsn_message *message,
        struct nj_sn_event *event, int64_t now_ms);

/* ---- sn_message.c ---- */

/* Takes a PUBLISH, PUBREL or REGISTER of the gateway. Returns whether *event is to be told. */
bool sn_take_message(
        struct nj_sn *sn, const struct mqttsn_message *message, struct nj_sn_event *event);

/* Answers the message that was told last. */
void sn_answer_message(struct nj_sn *sn);

/* ---- sn_topics.c ---- */

/* The place of a name or an id among the known; SN_NO_NAME: there is none. */
uint16_t sn_known_find(const struct nj_sn *sn, struct bytes name);
uint16_t sn_known_find_id(const struct nj_sn *sn, uint16_t id);

/* The place of a name that is known now if it was not before; the longest unused one gives way.
 * SN_NO_NAME: there is no room for a name of that size. */
uint16_t sn_known_add(struct nj_sn *sn, struct bytes name);

/* From now on the id stands for this name alone. */
void sn_known_set_id(struct nj_sn *sn, uint16_t place, uint16_t id);

struct bytes sn_known_name(const struct nj_sn *sn, uint16_t place);

/* The ids are those of one connection. */
void sn_known_forget_ids(struct nj_sn *sn);

/* ---- sn_gateways.c ---- */

/* Takes an ADVERTISE, SEARCHGW or GWINFO. Returns whether *event is to be told. */
bool sn_take_broadcast(struct nj_sn *sn, const struct mqttsn_message *message,
        struct nj_sn_event *event, int64_t now_ms);

/* Whether a gateway is gone, which *event tells. */
bool sn_gateway_gone(struct nj_sn *sn, struct nj_sn_event *event, int64_t now_ms);

/* When something of this is due, and what to do then. */
int64_t sn_gateways_due_ms(const struct nj_sn *sn);
void sn_gateways_tick(struct nj_sn *sn, int64_t now_ms);

#endif
