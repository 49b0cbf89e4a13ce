/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to a client, written in the version that it speaks: a table for each. What it says
 * is taken apart by request.c and client.c in 1.2, and by draft.c in 2.0; the rest of the
 * translator knows no version. Not for others.
 */
#ifndef GATEWAY_WORDS_H
#define GATEWAY_WORDS_H

#include "gateway/client.h"
#include "mqtt/auth.h"
#include "mqttsn/publish.h"
#include "mqttsn2/regack.h"

struct gateway_words {
    /* The server has let it in, or has not. */
    void (*accept)(struct gateway_client *client);
    void (*refuse)(struct gateway_client *client, enum mqtt_reason reason);
    /* It is served no more, or has to connect first. */
    void (*dismiss)(struct gateway_client *client);
    /* It sleeps from now on. */
    void (*lull)(struct gateway_client *client);
    /* To its PINGREQ. */
    void (*pong)(struct gateway_client *client);

    /* The end of its PUBLISH of that QoS. */
    void (*settle)(struct gateway_client *client, const struct gateway_pending *pending, int qos,
            enum mqtt_reason reason);
    /* PUBREC, PUBREL, PUBCOMP or UNSUBACK; the reason is one of UNSUBACK. */
    void (*acknowledge)(struct gateway_client *client, enum mqttsn_type type, uint16_t msg_id,
            enum mqtt_reason reason);
    /* To its SUBSCRIBE; the code is SUBACK's of MQTT. */
    void (*grant)(
            struct gateway_client *client, const struct gateway_pending *pending, uint8_t code);

    /* REGISTER, and the bytes that it takes for such a name. */
    void (*tell)(struct gateway_client *client, const struct gateway_topic *topic, uint16_t msg_id);
    size_t (*tell_size)(size_t name_size);
    void (*publish)(struct writer *out, const struct mqttsn_publish *publish);
    size_t (*publish_size)(const struct mqttsn_publish *publish);
};

extern const struct gateway_words gateway_words_1_2;
extern const struct gateway_words gateway_words_2_0;

static inline const struct gateway_words *words_for(const struct gateway_client *client)
{
    return client->is_draft ? &gateway_words_2_0 : &gateway_words_1_2;
}

/* ---- What only 2.0 has ---- */

/* The code to say in such a packet for a reason of ours; an id that stands for nothing is an alias
 * that is unknown. */
uint8_t words_code(uint8_t reason, enum mqttsn2_type type);

/* PUBACK, PUBREC, PUBREL, PUBCOMP or UNSUBACK. */
void words_acknowledge(
        struct gateway_client *client, enum mqttsn2_type type, uint16_t packet_id, uint8_t reason);

/* REGACK or SUBACK; answer->code is a reason of ours. */
void words_alias(
        struct gateway_client *client, enum mqttsn2_type type, const struct mqttsn2_regack *answer);

/* AUTH, and WAKEUP. */
void words_challenge(struct gateway_client *client, const struct mqtt_auth *auth);
void words_hint(struct gateway_client *client);

#endif
