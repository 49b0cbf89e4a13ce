/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange.h"
#include "gateway/words.h"

#include "base/hash.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqttsn/flags.h"
#include "mqttsn/front.h"
#include "mqttsn/publish.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/regack.h"

/* ---- Waiting for an answer ---- */

/* The longest wait behind what has been sent again so often. */
static int64_t wait_ms(const struct gateway_settings *settings, unsigned tries)
{
    int64_t wait_ms = settings->retry_ms;
    int64_t max_ms = settings->retry_max_ms;

    for (; tries > 0 && wait_ms < max_ms; tries--)
        wait_ms = 2 * wait_ms < max_ms ? 2 * wait_ms : max_ms;
    return wait_ms;
}

int64_t delivery_patience_ms(const struct gateway_settings *settings)
{
    int64_t patience_ms = 0;

    for (unsigned tries = 0; tries <= settings->retries_max; tries++)
        patience_ms += wait_ms(settings, tries);
    return patience_ms;
}

/*
 * When what is sent now is to be sent again. Waits grow, for a slow network is not made faster by
 * repetitions; and they differ by up to a quarter once they have grown, as one message may be on
 * its way to all devices of a network. (1.2 fixes T_RETRY for what clients send; 2.0 proposes waits
 * that grow [SN-6.13-3].)
 */
static int64_t next_due_ms(struct gateway_client *client, unsigned tries, int64_t now_ms)
{
    const struct gateway_settings *settings = exchange_settings(client);
    int64_t longest_ms = wait_ms(settings, tries);

    if (longest_ms > settings->retry_ms)
        longest_ms -=
                (int64_t)(hash_mix(client->gateway->repeats++) % (uint64_t)(longest_ms / 4 + 1));
    return now_ms + longest_ms;
}

/* ---- REGISTER ---- */

static void send_register(struct gateway_client *client, const struct gateway_topic *topic)
{
    words_for(client)->tell(client, topic, client->underway->registering.msg_id);
}

static void begin_register(
        struct gateway_client *client, const struct gateway_topic *topic, int64_t now_ms)
{
    uint16_t *last_msg_id = &client->topics.last_msg_id;

    *last_msg_id = *last_msg_id < UINT16_MAX ? *last_msg_id + 1 : 1;
    client->underway->registering = (struct gateway_registering){
        .topic_id = topic->id, .msg_id = *last_msg_id, .due_ms = next_due_ms(client, 0, now_ms)
    };
    send_register(client, topic);
}

/* ---- PUBLISH ---- */

/* The server is not to send this one again; it goes no further. */
static void pass_over(struct gateway_client *client, const struct mqtt_publish *publish)
{
    if (publish->qos > 0)
        exchange_answer(client, publish->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, publish->packet_id,
                MQTT_IMPLEMENTATION_ERROR);
}

/* A client is told an id before messages come by it. */
static bool has_to_learn(const struct gateway_topic *topic)
{
    return topic && topic->type == MQTTSN_TOPIC_NORMAL && !topic->told;
}

/* False: the topic or the message is too long for one datagram to the client [SN-6.10-7]. */
static bool fits(const struct gateway_client *client, const struct gateway_topic *topic,
        const struct mqttsn_publish *publish)
{
    const struct gateway_words *words = words_for(client);
    size_t max = exchange_message_max(client);

    return words->publish_size(publish) <= max &&
            (!has_to_learn(topic) || words->tell_size(topic->size) <= max);
}

static void drop_datagram(struct gateway_client *client)
{
    buffer_empty(&client->underway->publishing.datagram, &client->gateway->memory,
            GATEWAY_SPARE_BYTES_MAX);
}

static bool keep_datagram(struct gateway_client *client, struct bytes datagram)
{
    drop_datagram(client);
    if (buffer_append(&client->underway->publishing.datagram, &client->gateway->memory, datagram))
        return true;
    client->broken = true;
    return false;
}

static void send_publish(
        struct gateway_client *client, const struct mqttsn_publish *publish, int64_t now_ms)
{
    struct exchange_message data;
    struct writer out = { .data = data.data, .size = exchange_message_max(client) };

    words_for(client)->publish(&out, publish);
    if (client->is_draft && client->draft->awake_count < UINT8_MAX)
        client->draft->awake_count++;
    if (publish->qos > 0) {
        if (!keep_datagram(client, writer_written(&out)))
            return;
        client->underway->publishing.awaits = publish->qos == 1 ? MQTTSN_PUBACK : MQTTSN_PUBREC;
        client->underway->publishing.msg_id = publish->msg_id;
        client->underway->publishing.topic_id = publish->topic.id;
        client->underway->publishing.tries = 0;
        client->underway->publishing.due_ms = next_due_ms(client, 0, now_ms);
    }
    exchange_send(client, &out);
}

/* By a short name no field needs a lookup; by an id the entry says it. Without an entry only 2.0
 * has a way: by the whole name. */
static struct mqttsn_topic message_topic_of(
        const struct gateway_client *client, const struct gateway_topic *topic, struct bytes name)
{
    struct mqttsn_topic of = { .type = MQTTSN_TOPIC_NORMAL };

    if (topic) {
        of.type = topic->type;
        of.id = topic->id;
    }
    if (topic ? topic->type == MQTTSN_TOPIC_SHORT : client->is_draft)
        of.name = name;
    return of;
}

static bool is_known(const struct mqttsn_topic *topic)
{
    return topic->id != 0 || topic->name.size > 0;
}

/* False: it has to wait. */
static bool take_publish(
        struct gateway_client *client, const struct mqtt_publish *from, int64_t now_ms)
{
    struct gateway_topic *topic;
    struct mqttsn_publish publish = { .data = from->payload,
        .msg_id = from->packet_id,
        .qos = (int8_t)from->qos,
        .dup = from->dup,
        .retain = from->retain };

    if ((from->qos > 0 && exchange_publishes(client)) || draft_is_sated(client))
        return false;
    topic = exchange_topic(client, from->topic);
    if (topic && topic->refused)
        topic = NULL;
    publish.topic = message_topic_of(client, topic, from->topic);
    if (!is_known(&publish.topic) || !fits(client, topic, &publish)) {
        pass_over(client, from);
    } else if (!has_to_learn(topic)) {
        send_publish(client, &publish, now_ms);
    } else {
        /* In 2.0 one packet is under way at a time, of whatever type. */
        if (!client->is_draft || !exchange_publishes(client))
            begin_register(client, topic, now_ms);
        return false;
    }
    return true;
}

/* ---- PUBREL ---- */

static void send_release(struct gateway_client *client, int64_t now_ms)
{
    struct gateway_publishing *publishing = &client->underway->publishing;

    publishing->due_ms = next_due_ms(client, publishing->tries, now_ms);
    words_for(client)->acknowledge(client, MQTTSN_PUBREL, publishing->msg_id, MQTT_SUCCESS);
}

/* The server releases what the client has; after a reconnection it may be the first we hear of it.
 */
static bool take_release(struct gateway_client *client, uint16_t packet_id, int64_t now_ms)
{
    struct gateway_publishing *publishing = &client->underway->publishing;

    if (publishing->awaits != 0 && publishing->msg_id != packet_id)
        return false;
    drop_datagram(client);
    publishing->awaits = MQTTSN_PUBCOMP;
    publishing->msg_id = packet_id;
    publishing->tries = 0;
    send_release(client, now_ms);
    return true;
}

bool delivery_take(struct gateway_client *client, const struct mqtt_header *header,
        struct bytes body, int64_t now_ms)
{
    struct mqtt_publish publish;
    struct mqtt_puback release;

    if (!exchange_underway(client))
        return true;
    if (header->type == MQTT_PUBLISH) {
        if (mqtt_publish_decode(&publish, header->flags, body, MQTT_5_0, MQTT_FROM_SERVER) ==
                MQTT_SUCCESS)
            return take_publish(client, &publish, now_ms);
    } else if (mqtt_puback_decode(&release, MQTT_PUBREL, body, MQTT_5_0, MQTT_FROM_SERVER) ==
            MQTT_SUCCESS) {
        return take_release(client, release.packet_id, now_ms);
    }
    client->broken = true;
    return true;
}

/* ---- The client's answers ---- */

static void end_publishing(struct gateway_client *client)
{
    client->underway->publishing.awaits = 0;
    drop_datagram(client);
}

/* Sends what waits for an answer again; a PUBLISH says that it is not the first, of 2.0 only at
 * QoS 2: at QoS 1 it is the same once more. */
static void send_again(struct gateway_client *client, int64_t now_ms)
{
    struct gateway_publishing *publishing = &client->underway->publishing;
    struct mqttsn_front front;

    if (publishing->awaits == MQTTSN_PUBCOMP) {
        send_release(client, now_ms);
        return;
    }
    publishing->due_ms = next_due_ms(client, publishing->tries, now_ms);
    if (!mqttsn_front_read(&front, buffer_bytes(&publishing->datagram)))
        return;
    if (!client->is_draft || publishing->awaits == MQTTSN_PUBREC)
        publishing->datagram.data[front.size] |= MQTTSN_FLAG_DUP;
    client->gateway->send(client, buffer_bytes(&publishing->datagram));
}

void delivery_told(
        struct gateway_client *client, const struct mqttsn_regack *answer, int64_t now_ms)
{
    struct gateway_registering *registering = &client->underway->registering;
    struct gateway_topic *topic;

    /* A client that has no room now is asked again, as if it had not heard. */
    if (registering->topic_id == 0 || registering->msg_id != answer->msg_id ||
            answer->code == MQTTSN_CONGESTION)
        return;
    topic = gateway_topics_find_normal(&client->topics, registering->topic_id);
    registering->topic_id = 0;
    if (topic && answer->code == MQTTSN_ACCEPTED)
        topic->given = topic->told = true;
    else if (topic)
        topic->refused = true; /* [SN-6.10-4] */
    if (client->underway->publishing.awaits == 0 ||
            client->underway->publishing.due_ms != INT64_MAX)
        return;
    /* A PUBLISH has waited for it whose id the client had forgotten. */
    if (topic && topic->told) {
        send_again(client, now_ms);
    } else {
        exchange_answer(client,
                client->underway->publishing.awaits == MQTTSN_PUBACK ? MQTT_PUBACK : MQTT_PUBREC,
                client->underway->publishing.msg_id, MQTT_IMPLEMENTATION_ERROR);
        end_publishing(client);
    }
}

/* The client does not know the id: it is told it again, and then gets the message again. */
static bool correct_id(struct gateway_client *client, uint16_t topic_id, int64_t now_ms)
{
    struct gateway_topic *topic = gateway_topics_find_normal(&client->topics, topic_id);

    if (!topic)
        return false;
    topic->told = false;
    if (client->underway->registering.topic_id == 0)
        begin_register(client, topic, now_ms);
    return client->underway->registering.topic_id == topic_id;
}

void delivery_ended(
        struct gateway_client *client, const struct mqttsn_regack *answer, int64_t now_ms)
{
    struct gateway_publishing *publishing = &client->underway->publishing;
    bool ours = publishing->awaits == MQTTSN_PUBACK || publishing->awaits == MQTTSN_PUBREC;

    if (!ours || publishing->msg_id != answer->msg_id) {
        /* Of QoS 0, which only an error answers [SN-5.4.13-1]. */
        if (answer->code == MQTTSN_INVALID_TOPIC_ID)
            correct_id(client, answer->topic_id, now_ms);
        return;
    }
    if (answer->code == MQTTSN_CONGESTION)
        return; /* The retry comes later. */
    if (answer->code == MQTTSN_INVALID_TOPIC_ID &&
            correct_id(client, publishing->topic_id, now_ms)) {
        publishing->due_ms = INT64_MAX;
        return;
    }
    if (publishing->awaits == MQTTSN_PUBREC && answer->code == MQTTSN_ACCEPTED)
        return; /* It answers nothing of QoS 2. */
    exchange_answer(client, publishing->awaits == MQTTSN_PUBACK ? MQTT_PUBACK : MQTT_PUBREC,
            publishing->msg_id,
            answer->code == MQTTSN_ACCEPTED ? MQTT_SUCCESS : MQTT_IMPLEMENTATION_ERROR);
    end_publishing(client);
}

void delivery_went_on(
        struct gateway_client *client, enum mqttsn_type type, uint16_t msg_id, int64_t now_ms)
{
    struct gateway_publishing *publishing = &client->underway->publishing;

    if (publishing->awaits == 0 || publishing->msg_id != msg_id)
        return;
    if (type == MQTTSN_PUBCOMP && publishing->awaits == MQTTSN_PUBCOMP) {
        exchange_answer(client, MQTT_PUBCOMP, msg_id, MQTT_SUCCESS);
        end_publishing(client);
    } else if (type == MQTTSN_PUBREC && publishing->awaits == MQTTSN_PUBREC) {
        exchange_answer(client, MQTT_PUBREC, msg_id, MQTT_SUCCESS);
        drop_datagram(client);
        publishing->awaits = MQTTSN_PUBREL;
        publishing->due_ms = INT64_MAX;
    } else if (type == MQTTSN_PUBREC && publishing->awaits == MQTTSN_PUBCOMP) {
        send_release(client, now_ms);
    }
}

void delivery_answered(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    struct mqttsn_regack ids;
    struct mqttsn_pubrec id;

    if (!exchange_underway(client))
        return;
    if (message->type == MQTTSN_REGACK || message->type == MQTTSN_PUBACK) {
        if (mqttsn_regack_decode(&ids, message->body) != MQTT_SUCCESS)
            return;
        if (message->type == MQTTSN_REGACK)
            delivery_told(client, &ids, now_ms);
        else
            delivery_ended(client, &ids, now_ms);
    } else if (mqttsn_pubrec_decode(&id, message->body) == MQTT_SUCCESS) {
        delivery_went_on(client, message->type, id.msg_id, now_ms);
    }
}

/* ---- Time ---- */

static bool is_listening(const struct gateway_client *client)
{
    return client->phase == GATEWAY_ACTIVE || client->phase == GATEWAY_AWAKE;
}

int64_t delivery_due_ms(const struct gateway_client *client)
{
    int64_t due_ms = INT64_MAX;

    if (!is_listening(client) || !client->underway)
        return due_ms;
    if (client->underway->registering.topic_id != 0)
        due_ms = client->underway->registering.due_ms;
    if (client->underway->publishing.awaits != 0 && client->underway->publishing.due_ms < due_ms)
        due_ms = client->underway->publishing.due_ms;
    return due_ms;
}

static void repeat_register(struct gateway_client *client, int64_t now_ms)
{
    const struct gateway_topic *topic =
            gateway_topics_find_normal(&client->topics, client->underway->registering.topic_id);

    client->underway->registering.due_ms =
            next_due_ms(client, client->underway->registering.tries, now_ms);
    if (topic)
        send_register(client, topic);
    else
        client->underway->registering.topic_id = 0;
}

bool delivery_repeat(struct gateway_client *client, int64_t now_ms)
{
    struct gateway_registering *registering;
    struct gateway_publishing *publishing;

    if (!client->underway)
        return true;
    registering = &client->underway->registering;
    publishing = &client->underway->publishing;
    if (registering->topic_id != 0 && registering->due_ms <= now_ms) {
        if (registering->tries++ >= exchange_settings(client)->retries_max)
            return false;
        repeat_register(client, now_ms);
    }
    if (publishing->awaits != 0 && publishing->due_ms <= now_ms) {
        if (publishing->tries++ >= exchange_settings(client)->retries_max)
            return false;
        send_again(client, now_ms);
    }
    return true;
}

void delivery_resume(struct gateway_client *client, int64_t now_ms)
{
    struct gateway_publishing *publishing;
    struct gateway_topic *topic;

    if (!client->underway)
        return;
    publishing = &client->underway->publishing;
    client->underway->registering.tries = publishing->tries = 0;
    if (client->underway->registering.topic_id != 0)
        repeat_register(client, now_ms);
    if (publishing->awaits == 0 || publishing->due_ms == INT64_MAX)
        return;
    /* A client that has connected anew is told the id first. */
    topic = publishing->awaits == MQTTSN_PUBCOMP
            ? NULL
            : gateway_topics_find_normal(&client->topics, publishing->topic_id);
    if (topic && !topic->told && correct_id(client, publishing->topic_id, now_ms))
        publishing->due_ms = INT64_MAX;
    else
        send_again(client, now_ms);
}
