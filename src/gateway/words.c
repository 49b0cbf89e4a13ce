/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/words.h"

#include "gateway/exchange.h"
#include "mqttsn/connack.h"
#include "mqttsn/pingresp.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/regack.h"
#include "mqttsn/register.h"
#include "mqttsn/suback.h"

enum { NOTICE_SIZE_MAX = 8, REGISTER_REST_SIZE = 4 };

static void say_connack(struct gateway_client *client, enum mqttsn_return_code code)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn_connack_encode(&out, MQTTSN_CONNACK, code);
    exchange_send(client, &out);
}

static void accept(struct gateway_client *client)
{
    say_connack(client, MQTTSN_ACCEPTED);
}

static void refuse(struct gateway_client *client, enum mqtt_reason reason)
{
    say_connack(client, mqttsn_return_code_of(reason));
}

/* One of those that have no body. */
static void say_notice(struct gateway_client *client, enum mqttsn_type type)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn_header_encode(&out, type, 0);
    exchange_send(client, &out);
}

static void dismiss(struct gateway_client *client)
{
    say_notice(client, MQTTSN_DISCONNECT);
}

static void pong(struct gateway_client *client)
{
    say_notice(client, MQTTSN_PINGRESP);
}

static void settle(struct gateway_client *client, const struct gateway_pending *pending, int qos,
        enum mqtt_reason reason)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };
    const struct mqttsn_regack answer = { pending->topic_id, pending->msg_id,
        mqttsn_return_code_of(reason) };

    (void)qos;
    mqttsn_regack_encode(&out, &answer, MQTTSN_PUBACK);
    exchange_send(client, &out);
}

static void acknowledge(struct gateway_client *client, enum mqttsn_type type, uint16_t msg_id,
        enum mqtt_reason reason)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    (void)reason;
    mqttsn_pubrec_encode(&out, type, msg_id);
    exchange_send(client, &out);
}

static void grant(
        struct gateway_client *client, const struct gateway_pending *pending, uint8_t code)
{
    bool granted = code < MQTT_UNSPECIFIED_ERROR;
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn_suback_encode(&out,
            &(struct mqttsn_suback){
                    .qos = granted ? (int8_t)code : 0,
                    .topic_id = granted ? pending->topic_id : 0,
                    .msg_id = pending->msg_id,
                    .code = mqttsn_return_code_of((enum mqtt_reason)code),
            });
    exchange_send(client, &out);
}

static void tell(struct gateway_client *client, const struct gateway_topic *topic, uint16_t msg_id)
{
    const struct mqttsn_register message = {
        .topic_id = topic->id, .msg_id = msg_id, .topic_name = gateway_topic_name(topic)
    };
    struct exchange_message data;
    struct writer out = { .data = data.data, .size = exchange_message_max(client) };

    mqttsn_register_encode(&out, &message);
    exchange_send(client, &out);
}

static size_t tell_size(size_t name_size)
{
    return mqttsn_message_size(REGISTER_REST_SIZE + name_size);
}

const struct gateway_words gateway_words_1_2 = {
    .accept = accept,
    .refuse = refuse,
    .dismiss = dismiss,
    .lull = dismiss,
    .pong = pong,
    .settle = settle,
    .acknowledge = acknowledge,
    .grant = grant,
    .tell = tell,
    .tell_size = tell_size,
    .publish = mqttsn_publish_encode,
    .publish_size = mqttsn_publish_size,
};
