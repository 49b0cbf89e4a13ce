/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange.h"
#include "gateway/words.h"

#include "mqtt/field.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"
#include "mqtt/unsubscribe.h"
#include "mqttsn/connack.h"
#include "mqttsn/flags.h"
#include "mqttsn/publish.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/regack.h"
#include "mqttsn/register.h"
#include "mqttsn/subscribe.h"
#include "mqttsn/willmsg.h"
#include "mqttsn/willtopic.h"

#include "base/reader.h"

enum {
    NOTICE_SIZE_MAX = 8,
    REST_SIZE_MAX = 32, /* of a SUBSCRIBE or UNSUBSCRIBE, without its filter */
};

/* ---- What the server has not answered yet ---- */

static struct gateway_pending *find_pending(
        struct gateway_client *client, enum mqttsn_type type, uint16_t msg_id)
{
    struct gateway_underway *underway = client->underway;

    for (size_t i = 0; underway && i < GATEWAY_PENDING_MAX; i++) {
        if (underway->pending[i].type == type && underway->pending[i].msg_id == msg_id)
            return &underway->pending[i];
    }
    return NULL;
}

static enum mqtt_reason add_pending(
        struct gateway_client *client, const struct gateway_pending *pending)
{
    struct gateway_underway *underway = exchange_underway(client);
    unsigned used = 0;
    struct gateway_pending *place = NULL;

    for (size_t i = 0; underway && i < GATEWAY_PENDING_MAX; i++) {
        used += underway->pending[i].type != 0;
        if (underway->pending[i].type == 0)
            place = &underway->pending[i];
    }
    if (!place || used >= client->server.receive_max)
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    *place = *pending;
    return MQTT_SUCCESS;
}

enum mqtt_reason request_judge_room(const struct gateway_client *client, size_t more)
{
    size_t waiting = gateway_client_packets(client).size;

    return waiting + more > GATEWAY_PACKETS_MAX && waiting > 0 ? MQTT_QUOTA_EXCEEDED : MQTT_SUCCESS;
}

/* ---- REGISTER ---- */

struct gateway_topic *request_topic(struct gateway_client *client, struct bytes name)
{
    struct gateway_topic *topic = exchange_topic(client, name);

    if (!topic)
        return NULL;
    topic->given = topic->told = true;
    topic->ours = topic->refused = false;
    return topic;
}

static enum mqtt_reason take_register(
        struct gateway_client *client, const struct mqttsn_message *message)
{
    struct mqttsn_register wish;
    enum mqtt_reason reason = mqttsn_register_decode(&wish, message->body, MQTT_FROM_CLIENT);
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };
    struct gateway_topic *topic;

    if (reason != MQTT_SUCCESS)
        return reason;
    topic = request_topic(client, wish.topic_name);
    if (!topic)
        return MQTT_QUOTA_EXCEEDED;
    if (topic->type != MQTTSN_TOPIC_NORMAL)
        exchange_make_normal(client, topic);
    mqttsn_regack_encode(&out, &(struct mqttsn_regack){ topic->id, wish.msg_id, MQTTSN_ACCEPTED },
            MQTTSN_REGACK);
    exchange_send(client, &out);
    return MQTT_SUCCESS;
}

/* ---- PUBLISH ---- */

/* The topic that stands behind one of a message; empty where nothing does. */
static struct bytes topic_name(
        const struct gateway_client *client, const struct mqttsn_topic *topic)
{
    const struct gateway_topic *known;

    if (topic->name.size > 0)
        return topic->name;
    if (topic->type == MQTTSN_TOPIC_PREDEFINED)
        return gateway_predefined_find(
                &exchange_settings(client)->predefined, exchange_id(client), topic->id);
    known = gateway_topics_find_id(&client->topics, topic->id);
    return known ? gateway_topic_name(known) : (struct bytes){ 0 };
}

static enum mqtt_reason judge_publish(
        const struct gateway_client *client, const struct mqtt_publish *publish)
{
    size_t size = mqtt_publish_size(publish, MQTT_5_0);

    if (publish->topic.size == 0)
        return MQTT_TOPIC_ALIAS_INVALID;
    if (publish->qos > client->server.qos_max)
        return MQTT_QOS_NOT_SUPPORTED;
    if (publish->retain && !client->server.retains)
        return MQTT_RETAIN_NOT_SUPPORTED;
    if (size > client->server.packet_size_max)
        return MQTT_PACKET_TOO_LARGE;
    return request_judge_room(client, size);
}

enum mqtt_reason request_publish(struct gateway_client *client, const struct mqttsn_publish *from)
{
    struct mqtt_publish publish = { .topic = topic_name(client, &from->topic),
        .payload = from->data,
        .packet_id = from->msg_id,
        .qos = from->qos > 0 ? (uint8_t)from->qos : 0,
        .dup = from->dup && from->qos > 0,
        .retain = from->retain };
    enum mqtt_reason reason = judge_publish(client, &publish);
    struct writer out;

    if (reason != MQTT_SUCCESS)
        return reason;
    if (publish.qos > 0 && find_pending(client, MQTTSN_PUBLISH, from->msg_id))
        return MQTT_SUCCESS; /* The server has it, and its answer will be the client's. */
    if (publish.qos > 0)
        reason = add_pending(client,
                &(struct gateway_pending){ .type = MQTTSN_PUBLISH,
                        .msg_id = from->msg_id,
                        .topic_id = from->topic.id });
    if (reason != MQTT_SUCCESS)
        return reason;
    if (!exchange_begin(client, &out, mqtt_publish_size(&publish, MQTT_5_0)))
        return MQTT_SUCCESS;
    mqtt_publish_encode(&out, &publish, MQTT_5_0);
    exchange_put(client, &out);
    return MQTT_SUCCESS;
}

static enum mqtt_reason take_publish(
        struct gateway_client *client, const struct mqttsn_message *message)
{
    struct mqttsn_publish from;
    enum mqtt_reason reason = mqttsn_publish_decode(&from, message->body, MQTT_FROM_CLIENT);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (from.qos == 2 && mqttsn_late_is_copy(&client->late, from.msg_id))
        return MQTT_SUCCESS; /* Its exchange is over: the client waits for nothing. */
    reason = request_publish(client, &from);
    if (reason == MQTT_SUCCESS && from.qos == 2)
        mqttsn_late_begin(&client->late, from.msg_id);
    return reason;
}

bool request_is_unasked(const struct mqttsn_message *message)
{
    struct mqttsn_publish publish;

    return message->type == MQTTSN_PUBLISH &&
            mqttsn_publish_decode(&publish, message->body, MQTT_FROM_CLIENT) == MQTT_SUCCESS &&
            publish.qos == MQTTSN_QOS_MINUS_1;
}

void request_release(struct gateway_client *client, uint16_t msg_id)
{
    /* What there is no room for the client says again. */
    if (request_judge_room(client, MQTT_PUBACK_SIZE) == MQTT_SUCCESS)
        exchange_answer(client, MQTT_PUBREL, msg_id, MQTT_SUCCESS);
}

static enum mqtt_reason take_pubrel(
        struct gateway_client *client, const struct mqttsn_message *message)
{
    struct mqttsn_pubrec release;

    /* What makes no sense the client says again. */
    if (mqttsn_pubrec_decode(&release, message->body) == MQTT_SUCCESS && release.msg_id != 0) {
        mqttsn_late_end(&client->late, release.msg_id);
        request_release(client, release.msg_id);
    }
    return MQTT_SUCCESS;
}

/* ---- SUBSCRIBE and UNSUBSCRIBE ---- */

static bool has_wildcard(struct bytes filter)
{
    return memchr(filter.data, '#', filter.size) || memchr(filter.data, '+', filter.size);
}

/*
 * The entry by which messages on this very topic will come, where there is one topic only: by the
 * type that is asked for, unless the client knows an id of it already. In 2.0 an alias that the
 * client has used itself is not told, and a topic with a predefined one has no other.
 */
static enum mqtt_reason prepare_topic(struct gateway_client *client,
        const struct mqttsn_topic *wanted, struct bytes filter, struct gateway_pending *pending)
{
    bool by_predefined = wanted->type == MQTTSN_TOPIC_PREDEFINED;
    struct gateway_topic *topic;

    pending->topic_id = by_predefined && !client->is_draft ? wanted->id : 0;
    if (has_wildcard(filter) || bytes_start_with(filter, BYTES("$share/")))
        return MQTT_SUCCESS;
    topic = exchange_topic(client, filter); /* the gateway's until the server has granted it */
    if (!topic)
        return MQTT_QUOTA_EXCEEDED;
    topic->refused = false;
    if (wanted->type != MQTTSN_TOPIC_NORMAL && !topic->given) {
        topic->type = (uint8_t)wanted->type;
        topic->id = wanted->id;
        topic->ours = false;
    }
    if (wanted->type == MQTTSN_TOPIC_NORMAL &&
            (topic->type == MQTTSN_TOPIC_NORMAL || client->is_draft)) {
        pending->topic_type = topic->type;
        pending->topic_id = topic->id;
    }
    return MQTT_SUCCESS;
}

static void put_subscribe(
        struct gateway_client *client, const struct request_subscription *wish, struct bytes filter)
{
    struct mqtt_subscription subscription = { .filter = filter,
        .qos = wish->qos,
        .no_local = wish->no_local,
        .retain_as_published = wish->retain_as_published,
        .retain_handling = wish->retain_handling };
    size_t size = REST_SIZE_MAX + filter.size;
    struct writer out;
    struct writer tail;

    if (!exchange_begin(client, &out, 2 * size))
        return;
    /* Written behind the place of the packet, which it becomes a part of. */
    tail = (struct writer){ .data = out.data + size, .size = size };
    out.size = size;
    mqtt_subscription_write(&tail, &subscription, MQTT_5_0);
    mqtt_subscribe_encode(&out,
            &(struct mqtt_subscribe){
                    .packet_id = wish->msg_id, .count = 1, .subscriptions = writer_written(&tail) },
            MQTT_5_0);
    exchange_put(client, &out);
}

static void put_unsubscribe(
        struct gateway_client *client, const struct request_subscription *wish, struct bytes filter)
{
    size_t size = REST_SIZE_MAX + filter.size;
    struct writer out;
    struct writer tail;

    if (!exchange_begin(client, &out, 2 * size))
        return;
    tail = (struct writer){ .data = out.data + size, .size = size };
    out.size = size;
    mqtt_binary_write(&tail, filter);
    mqtt_unsubscribe_encode(&out,
            &(struct mqtt_unsubscribe){
                    .packet_id = wish->msg_id, .count = 1, .filters = writer_written(&tail) },
            MQTT_5_0);
    exchange_put(client, &out);
}

enum mqtt_reason request_subscribe(
        struct gateway_client *client, const struct request_subscription *wish)
{
    struct bytes filter = topic_name(client, &wish->topic);
    struct gateway_pending pending = {
        .type = (uint8_t)wish->type, .topic_type = (uint8_t)wish->topic.type, .msg_id = wish->msg_id
    };
    enum mqtt_reason reason;

    if (filter.size == 0)
        return MQTT_TOPIC_ALIAS_INVALID;
    if (find_pending(client, wish->type, wish->msg_id))
        return MQTT_SUCCESS;
    reason = request_judge_room(client, 2 * filter.size);
    if (reason == MQTT_SUCCESS && wish->type == MQTTSN_SUBSCRIBE)
        reason = prepare_topic(client, &wish->topic, filter, &pending);
    if (reason == MQTT_SUCCESS)
        reason = add_pending(client, &pending);
    if (reason != MQTT_SUCCESS)
        return reason;
    if (wish->type == MQTTSN_SUBSCRIBE)
        put_subscribe(client, wish, filter);
    else
        put_unsubscribe(client, wish, filter);
    return MQTT_SUCCESS;
}

static enum mqtt_reason take_subscribe(
        struct gateway_client *client, const struct mqttsn_message *message)
{
    struct mqttsn_subscribe from;
    enum mqtt_reason reason = mqttsn_subscribe_decode(&from, message->body, message->type);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (topic_name(client, &from.topic).size > 0 && from.msg_id == 0)
        return MQTT_PROTOCOL_ERROR; /* The server takes none without. */
    return request_subscribe(client,
            &(struct request_subscription){ .type = message->type,
                    .topic = from.topic,
                    .msg_id = from.msg_id,
                    .qos = (uint8_t)from.qos,
                    /* Said again, as the answer was lost: its effect is there. */
                    .retain_handling = from.dup ? MQTT_RETAINED_IF_NEW : MQTT_RETAINED_ALWAYS });
}

/* ---- The Will ---- */

enum mqtt_reason exchange_change_will(struct gateway_client *client, struct gateway_will will)
{
    const struct memory *memory = &client->gateway->memory;
    struct mqtt_will wanted = { .topic = gateway_said_will_topic(will.said),
        .payload = gateway_said_will_message(will.said),
        .qos = will.qos,
        .retain = will.retain };
    enum mqtt_reason reason;

    if (!will.said)
        return MQTT_QUOTA_EXCEEDED;
    reason = client->gateway->change_will(client, wanted.topic.size > 0 ? &wanted : NULL);
    if (reason != MQTT_SUCCESS) {
        gateway_said_free(will.said, memory);
        return reason;
    }
    gateway_said_free(client->said, memory);
    client->said = will.said;
    exchange_forget_said(client);
    client->will_qos = will.qos & 3;
    client->will_retain = will.retain;
    return MQTT_SUCCESS;
}

static void answer_update(struct gateway_client *client, enum mqttsn_type type)
{
    uint8_t data[NOTICE_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn_connack_encode(&out, type, MQTTSN_ACCEPTED);
    exchange_send(client, &out);
}

/* An empty topic takes the Will away, with its message [SN-6.4-2]. */
static enum mqtt_reason take_willtopicupd(
        struct gateway_client *client, const struct mqttsn_message *message)
{
    struct mqttsn_willtopic will;
    enum mqtt_reason reason = mqttsn_willtopic_decode(&will, message->body);
    struct bytes kept = gateway_said_will_message(client->said);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (will.topic.size == 0)
        kept = (struct bytes){ 0 };
    reason = exchange_change_will(client,
            (struct gateway_will){ gateway_said_new(&client->gateway->memory, exchange_id(client),
                                           will.topic, kept),
                    (uint8_t)will.qos, will.retain });
    if (reason == MQTT_SUCCESS)
        answer_update(client, MQTTSN_WILLTOPICRESP);
    return reason;
}

static enum mqtt_reason take_willmsgupd(
        struct gateway_client *client, const struct mqttsn_message *message)
{
    struct mqttsn_willmsg will;
    enum mqtt_reason reason = mqttsn_willmsg_decode(&will, message->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    reason = exchange_change_will(client,
            (struct gateway_will){ gateway_said_new(&client->gateway->memory, exchange_id(client),
                                           gateway_said_will_topic(client->said), will.message),
                    client->will_qos, client->will_retain });
    if (reason == MQTT_SUCCESS)
        answer_update(client, MQTTSN_WILLMSGRESP);
    return reason;
}

void request_take(struct gateway_client *client, const struct mqttsn_message *message)
{
    static enum mqtt_reason (*const takers[])(
            struct gateway_client * client, const struct mqttsn_message *message) = {
        [MQTTSN_REGISTER] = take_register,
        [MQTTSN_PUBLISH] = take_publish,
        [MQTTSN_PUBREL] = take_pubrel,
        [MQTTSN_SUBSCRIBE] = take_subscribe,
        [MQTTSN_UNSUBSCRIBE] = take_subscribe,
        [MQTTSN_WILLTOPICUPD] = take_willtopicupd,
        [MQTTSN_WILLMSGUPD] = take_willmsgupd,
    };
    enum mqtt_reason reason = takers[message->type](client, message);

    if (reason != MQTT_SUCCESS)
        exchange_refuse(client, message, reason);
}

/* ---- The server's answers ---- */

/* PUBACK, or PUBREC where the server refuses: the end of the client's PUBLISH. */
static void end_publish(struct gateway_client *client, const struct mqtt_puback *answer, int qos)
{
    struct gateway_pending *pending = find_pending(client, MQTTSN_PUBLISH, answer->packet_id);

    if (!pending)
        return;
    pending->type = 0;
    words_for(client)->settle(client, pending, qos, answer->reason);
}

static bool publish_answered(struct gateway_client *client, enum mqtt_type type, struct bytes body)
{
    const struct gateway_words *words = words_for(client);
    struct mqtt_puback answer;
    struct gateway_pending *pending;

    if (type != MQTT_PUBACK && type != MQTT_PUBREC && type != MQTT_PUBCOMP)
        return false;
    if (mqtt_puback_decode(&answer, type, body, MQTT_5_0, MQTT_FROM_SERVER) != MQTT_SUCCESS)
        return false;
    if (type == MQTT_PUBCOMP) {
        words->acknowledge(client, MQTTSN_PUBCOMP, answer.packet_id, answer.reason);
        return true;
    }
    if (type == MQTT_PUBACK || answer.reason >= MQTT_UNSPECIFIED_ERROR) {
        end_publish(client, &answer, type == MQTT_PUBACK ? 1 : 2);
        return true;
    }
    pending = find_pending(client, MQTTSN_PUBLISH, answer.packet_id);
    if (pending)
        pending->type = 0;
    words->acknowledge(client, MQTTSN_PUBREC, answer.packet_id, MQTT_SUCCESS);
    return true;
}

/* The entry that a granted subscription stands for is the client's from now on. */
static void grant_topic(struct gateway_client *client, const struct gateway_pending *pending)
{
    struct gateway_topic *topic = gateway_topics_find_normal(&client->topics, pending->topic_id);

    if (pending->topic_type != MQTTSN_TOPIC_NORMAL || !topic)
        return;
    topic->ours = false;
    topic->given = topic->told = true;
}

static bool subscribe_answered(struct gateway_client *client, struct bytes body)
{
    struct mqtt_suback answer;
    struct gateway_pending *pending;

    if (mqtt_suback_decode(&answer, MQTT_SUBACK, body, MQTT_5_0) != MQTT_SUCCESS)
        return false;
    pending = find_pending(client, MQTTSN_SUBSCRIBE, answer.packet_id);
    if (!pending)
        return false;
    pending->type = 0;
    if (answer.codes.data[0] < MQTT_UNSPECIFIED_ERROR)
        grant_topic(client, pending);
    words_for(client)->grant(client, pending, answer.codes.data[0]);
    return true;
}

static bool unsubscribe_answered(struct gateway_client *client, struct bytes body)
{
    struct mqtt_suback answer;
    struct gateway_pending *pending;

    if (mqtt_suback_decode(&answer, MQTT_UNSUBACK, body, MQTT_5_0) != MQTT_SUCCESS)
        return false;
    pending = find_pending(client, MQTTSN_UNSUBSCRIBE, answer.packet_id);
    if (!pending)
        return false;
    pending->type = 0;
    words_for(client)->acknowledge(
            client, MQTTSN_UNSUBACK, answer.packet_id, (enum mqtt_reason)answer.codes.data[0]);
    return true;
}

bool request_answered(
        struct gateway_client *client, const struct mqtt_header *header, struct bytes body)
{
    if (header->type == MQTT_SUBACK)
        return subscribe_answered(client, body);
    if (header->type == MQTT_UNSUBACK)
        return unsubscribe_answered(client, body);
    return publish_answered(client, header->type, body);
}
