/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/words.h"

#include "gateway/exchange.h"
#include "mqttsn2/auth.h"
#include "mqttsn2/connack.h"
#include "mqttsn2/disconnect.h"
#include "mqttsn2/ping.h"
#include "mqttsn2/puback.h"
#include "mqttsn2/publish.h"
#include "mqttsn2/register.h"
#include "mqttsn2/sleep.h"

enum {
    NOTICE_SIZE_MAX = 12,   /* no other packet without a name is longer */
    REGISTER_REST_SIZE = 5, /* of a body */
};

uint8_t words_code(uint8_t reason, enum mqttsn2_type type)
{
    if (reason == MQTT_TOPIC_ALIAS_INVALID && type != MQTTSN2_DISCONNECT)
        reason = MQTTSN2_UNKNOWN_TOPIC_ALIAS;
    return mqttsn2_reason_fit(reason, type, MQTT_FROM_SERVER);
}

/* ---- The connection ---- */

static void say_connack(struct gateway_client *client, const struct mqttsn2_connack *connack)
{
    struct exchange_message data;
    struct writer out = { .data = data.data, .size = exchange_message_max(client) };

    mqttsn2_connack_encode(&out, connack);
    exchange_send(client, &out);
}

static void accept(struct gateway_client *client)
{
    const struct gateway_draft *draft = client->draft;
    struct mqttsn2_connack connack = { .packet_id = draft->connect_id,
        .session_present = draft->has_session,
        .has_session_expiry = draft->is_advised,
        .session_expiry_s = draft->expiry_s };

    if (client->unnamed)
        connack.client_id = client->gateway->client_id(client);
    if (draft->connack &&
            mqtt_properties_have(&draft->connack->properties, MQTT_AUTHENTICATION_METHOD)) {
        connack.has_authentication = true;
        connack.authentication =
                (struct mqttsn2_authentication){ draft->connack->properties.authentication_method,
                    draft->connack->properties.authentication_data };
    }
    say_connack(client, &connack);
}

static void refuse(struct gateway_client *client, enum mqtt_reason reason)
{
    say_connack(client,
            &(struct mqttsn2_connack){ .packet_id = client->draft->connect_id,
                    .code = words_code((uint8_t)reason, MQTTSN2_CONNACK) });
}

void words_challenge(struct gateway_client *client, const struct mqtt_auth *auth)
{
    struct exchange_message data;
    struct writer out = { .data = data.data, .size = exchange_message_max(client) };

    mqttsn2_auth_encode(&out,
            &(struct mqttsn2_auth){ .packet_id = client->draft->connect_id,
                    .code = (uint8_t)auth->reason,
                    .authentication = { auth->properties.authentication_method,
                            auth->properties.authentication_data } });
    exchange_send(client, &out);
}

static void dismiss(struct gateway_client *client)
{
    uint8_t reason = client->draft->reason;
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    if (reason == MQTT_SUCCESS)
        reason = MQTT_UNSPECIFIED_ERROR;
    mqttsn2_disconnect_encode(
            &out, &(struct mqttsn2_disconnect){ .code = words_code(reason, MQTTSN2_DISCONNECT) });
    exchange_send(client, &out);
}

/* ---- Sleep ---- */

static void lull(struct gateway_client *client)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn2_sleepresp_encode(
            &out, &(struct mqttsn2_sleepresp){ .packet_id = client->draft->asked_id });
    exchange_send(client, &out);
}

static void pong(struct gateway_client *client)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn2_ping_encode(&out,
            &(struct mqttsn2_ping){ .packet_id = client->draft->asked_id,
                    .has_remaining = client->phase == GATEWAY_ASLEEP,
                    .remaining = client->draft->waiting },
            MQTTSN2_PINGRESP);
    exchange_send(client, &out);
}

void words_hint(struct gateway_client *client)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn2_wakeup_encode(&out);
    exchange_send(client, &out);
}

/* ---- Requests ---- */

void words_acknowledge(
        struct gateway_client *client, enum mqttsn2_type type, uint16_t packet_id, uint8_t reason)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn2_puback_encode(&out, type, packet_id, words_code(reason, type));
    exchange_send(client, &out);
}

void words_alias(
        struct gateway_client *client, enum mqttsn2_type type, const struct mqttsn2_regack *answer)
{
    struct mqttsn2_regack said = *answer;
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    said.code = words_code(answer->code, type);
    mqttsn2_regack_encode(&out, &said, type);
    exchange_send(client, &out);
}

static void settle(struct gateway_client *client, const struct gateway_pending *pending, int qos,
        enum mqtt_reason reason)
{
    words_acknowledge(
            client, qos == 2 ? MQTTSN2_PUBREC : MQTTSN2_PUBACK, pending->msg_id, (uint8_t)reason);
}

static void acknowledge(struct gateway_client *client, enum mqttsn_type type, uint16_t msg_id,
        enum mqtt_reason reason)
{
    static const uint8_t types[] = {
        [MQTTSN_PUBREC] = MQTTSN2_PUBREC,
        [MQTTSN_PUBREL] = MQTTSN2_PUBREL,
        [MQTTSN_PUBCOMP] = MQTTSN2_PUBCOMP,
        [MQTTSN_UNSUBACK] = MQTTSN2_UNSUBACK,
    };

    words_acknowledge(client, (enum mqttsn2_type)types[type], msg_id, (uint8_t)reason);
}

static enum mqttsn2_topic_type alias_type(uint8_t type)
{
    return type == MQTTSN_TOPIC_PREDEFINED ? MQTTSN2_TOPIC_PREDEFINED : MQTTSN2_TOPIC_SESSION;
}

static void grant(
        struct gateway_client *client, const struct gateway_pending *pending, uint8_t code)
{
    bool has_alias = code < MQTT_UNSPECIFIED_ERROR && pending->topic_id != 0;

    words_alias(client, MQTTSN2_SUBACK,
            &(struct mqttsn2_regack){ .has_alias = has_alias,
                    .type = alias_type(pending->topic_type),
                    .alias = has_alias ? pending->topic_id : 0,
                    .packet_id = pending->msg_id,
                    .code = code });
}

/* ---- Deliveries ---- */

static void tell(struct gateway_client *client, const struct gateway_topic *topic, uint16_t msg_id)
{
    struct exchange_message data;
    struct writer out = { .data = data.data, .size = exchange_message_max(client) };

    mqttsn2_register_encode(&out,
            &(struct mqttsn2_register){ .has_alias = true,
                    .alias = topic->id,
                    .packet_id = msg_id,
                    .topic_name = gateway_topic_name(topic) });
    exchange_send(client, &out);
}

static size_t tell_size(size_t name_size)
{
    return mqttsn_message_size(REGISTER_REST_SIZE + name_size);
}

static struct mqttsn2_publish publish_of(const struct mqttsn_publish *from)
{
    struct mqttsn2_publish publish = { .payload = from->data,
        .packet_id = from->msg_id,
        .qos = (uint8_t)from->qos,
        .dup = from->dup && from->qos == 2,
        .retain = from->retain };

    if (from->topic.name.size > 0)
        publish.topic =
                (struct mqttsn2_topic){ .type = MQTTSN2_TOPIC_NAME, .name = from->topic.name };
    else
        publish.topic = (struct mqttsn2_topic){ .type = alias_type((uint8_t)from->topic.type),
            .alias = from->topic.id };
    return publish;
}

static void publish(struct writer *out, const struct mqttsn_publish *from)
{
    struct mqttsn2_publish packet = publish_of(from);

    mqttsn2_publish_encode(out, &packet, MQTTSN2_PUBLISH);
}

static size_t publish_size(const struct mqttsn_publish *from)
{
    struct mqttsn2_publish packet = publish_of(from);

    return mqttsn2_publish_size(&packet);
}

const struct gateway_words gateway_words_2_0 = {
    .accept = accept,
    .refuse = refuse,
    .dismiss = dismiss,
    .lull = lull,
    .pong = pong,
    .settle = settle,
    .acknowledge = acknowledge,
    .grant = grant,
    .tell = tell,
    .tell_size = tell_size,
    .publish = publish,
    .publish_size = publish_size,
};
