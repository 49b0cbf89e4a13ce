/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the translator have in common: client.c is a client's life, request.c what it
 * asks of the server, delivery.c what the server has for it, draft.c how one of 2.0 says that. Not
 * for others.
 */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "gateway/client.h"
#include "mqtt/connack.h"
#include "mqtt/disconnect.h"
#include "mqtt/packet.h"
#include "mqttsn/publish.h"
#include "mqttsn/regack.h"

#include "base/writer.h"

/* Room to put a message to the client together. */
struct exchange_message {
    uint8_t data[GATEWAY_MESSAGE_SIZE_MAX];
};

static inline const struct gateway_settings *exchange_settings(const struct gateway_client *client)
{
    return &client->gateway->settings;
}

/* Bytes of a datagram to the client. */
static inline size_t exchange_message_max(const struct gateway_client *client)
{
    size_t max = exchange_settings(client)->message_size_max;

    if (!client->is_draft || client->draft->packet_size_max == 0)
        return max;
    return client->draft->packet_size_max < max ? client->draft->packet_size_max : max;
}

/* The id that the client has said, empty where it has said none. */
struct bytes exchange_id(const struct gateway_client *client);

/* It has come in: what it has said is known to the server, but for a Will that it may change. */
void exchange_forget_said(struct gateway_client *client);

/* What is under way, made where nothing is. NULL when memory is short, and then the client is
 * broken. */
struct gateway_underway *exchange_underway(struct gateway_client *client);

/* The entry of a name, made where there is none: then it is the gateway's, see topics.h. NULL when
 * the client has too many, or memory is short. */
struct gateway_topic *exchange_topic(struct gateway_client *client, struct bytes name);

/* Gives an entry of another type a normal id. */
void exchange_make_normal(struct gateway_client *client, struct gateway_topic *topic);

/* A REGISTER is. */
static inline bool exchange_registers(const struct gateway_client *client)
{
    return client->underway && client->underway->registering.topic_id != 0;
}

/* A PUBLISH of QoS 1 or 2 to the client is. */
static inline bool exchange_publishes(const struct gateway_client *client)
{
    return client->underway && client->underway->publishing.awaits != 0;
}

/* Sends what was written, unless the writer has failed. */
void exchange_send(struct gateway_client *client, const struct writer *message);

/* The answer to a message that is refused, where one is due. */
void exchange_refuse(struct gateway_client *client, const struct mqttsn_message *message,
        enum mqtt_reason reason);

/* Room for a packet for the server, of at most that size; false when memory is short, and then the
 * client is broken. exchange_put() follows, once it is written. */
bool exchange_begin(struct gateway_client *client, struct writer *out, size_t size_max);
void exchange_put(struct gateway_client *client, const struct writer *packet);

/* Gives the server PUBACK, PUBREC, PUBREL or PUBCOMP. */
void exchange_answer(struct gateway_client *client, enum mqtt_type type, uint16_t packet_id,
        enum mqtt_reason reason);

/* Leaves the server, unless that has been done or it knows nothing of the client. */
void exchange_leave(struct gateway_client *client, const struct mqtt_disconnect *disconnect);

/* Does what an event asks for; true where it is GATEWAY_DO, and the caller does it. */
bool exchange_step(struct gateway_client *client, enum gateway_event event, int64_t now_ms);

/* ---- request.c ---- */

/* Does what a connected client asks: REGISTER, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE,
 * WILLTOPICUPD, WILLMSGUPD. */
void request_take(struct gateway_client *client, const struct mqttsn_message *message);

/* The Will is this one from now on; takes will.said. Or the server's reason why not: then nothing
 * has changed. A said of NULL stands for short memory. */
enum mqtt_reason exchange_change_will(struct gateway_client *client, struct gateway_will will);

/* Whether so many bytes more may wait for the server, which reads slower than the client sends. */
enum mqtt_reason request_judge_room(const struct gateway_client *client, size_t more);

/* A PUBLISH of QoS -1, which asks for no connection. */
bool request_is_unasked(const struct mqttsn_message *message);

/* A SUBSCRIBE or UNSUBSCRIBE of any version. */
struct request_subscription {
    enum mqttsn_type type;
    struct mqttsn_topic topic; /* with a name, that is the filter */
    uint16_t msg_id;           /* never 0 */
    uint8_t qos;               /* these are of SUBSCRIBE */
    uint8_t retain_handling;
    bool no_local;
    bool retain_as_published;
};

/* These do what a client asks, in any version; what they return instead of MQTT_SUCCESS is to be
 * said to it. MQTT_TOPIC_ALIAS_INVALID: no topic stands behind the id. */
enum mqtt_reason request_publish(struct gateway_client *client, const struct mqttsn_publish *from);
enum mqtt_reason request_subscribe(
        struct gateway_client *client, const struct request_subscription *wish);
void request_release(struct gateway_client *client, uint16_t msg_id);

/* The entry of a name that the client wants to send by; NULL: there is no room for one. */
struct gateway_topic *request_topic(struct gateway_client *client, struct bytes name);

/* Takes the server's answer to such a request. False when it answers none. */
bool request_answered(
        struct gateway_client *client, const struct mqtt_header *header, struct bytes body);

/* ---- delivery.c ---- */

/* Takes PUBLISH or PUBREL from the server. False: it has to wait. */
bool delivery_take(struct gateway_client *client, const struct mqtt_header *header,
        struct bytes body, int64_t now_ms);

/* Takes the client's REGACK, PUBACK, PUBREC or PUBCOMP. */
void delivery_answered(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms);

/* The same of any version: REGACK, PUBACK or a PUBREC that refuses, and PUBREC or PUBCOMP. */
void delivery_told(
        struct gateway_client *client, const struct mqttsn_regack *answer, int64_t now_ms);
void delivery_ended(
        struct gateway_client *client, const struct mqttsn_regack *answer, int64_t now_ms);
void delivery_went_on(
        struct gateway_client *client, enum mqttsn_type type, uint16_t msg_id, int64_t now_ms);

/* Sends again what is due. False: it has been sent often enough. */
bool delivery_repeat(struct gateway_client *client, int64_t now_ms);

/* Sends at once what is under way, as if for the first time. */
void delivery_resume(struct gateway_client *client, int64_t now_ms);

/* For how long at most a client may leave what it is sent unanswered. */
int64_t delivery_patience_ms(const struct gateway_settings *settings);

/* When delivery_repeat() has something to do; INT64_MAX: never. */
int64_t delivery_due_ms(const struct gateway_client *client);

/* ---- draft.c, for clients of 2.0 ---- */

/* As gateway_client_receive(). */
bool draft_receive(struct gateway_client *client, struct bytes datagram, int64_t now_ms);

/* The server lets it in, asks it for more, or ends it. */
void draft_admitted(struct gateway_client *client, const struct mqtt_connack *connack);
void draft_challenged(struct gateway_client *client, struct bytes auth);
void draft_ended(struct gateway_client *client, struct bytes disconnect);

/* It has broken a rule, or has not answered: a virtual connection does not outlive that. */
void draft_fault(struct gateway_client *client, uint8_t reason, int64_t now_ms);

/* What the server is told of that, and its log says: the reason where MQTT lets a client say it. */
enum mqtt_reason draft_farewell(const struct gateway_client *client);

/* It is awake, and has got as many messages as it wants at a time. */
bool draft_is_sated(const struct gateway_client *client);

/* Something waits for it while it sleeps. */
void draft_hint(struct gateway_client *client);

#endif
