/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/client.h"

#include "gateway/exchange.h"
#include "gateway/words.h"
#include "mqtt/connack.h"
#include "mqtt/disconnect.h"
#include "mqtt/ping.h"
#include "mqtt/puback.h"
#include "mqttsn/connect.h"
#include "mqttsn/disconnect.h"
#include "mqttsn/pingreq.h"
#include "mqttsn/refusal.h"
#include "mqttsn/willmsg.h"
#include "mqttsn/willtopic.h"
#include "mqttsn2/connect.h"
#include "mqttsn2/ping.h"

#include <assert.h>

enum {
    CONNECT_REST_SIZE = 128,  /* of a CONNECT, without its names and Will */
    ANSWER_SIZE_MAX = 8,      /* of PUBACK and the like, without properties */
    DISCONNECT_SIZE_MAX = 16, /* with no other property than the session's expiry */
    LONG_MS = 60000,          /* the specification's tolerances, see with_tolerance() */
    SLACK_MS_MIN = 1000,
};

void gateway_client_init(struct gateway_client *client, struct gateway *gateway)
{
    *client = (struct gateway_client){
        .gateway = gateway,
        .phase = GATEWAY_NEW,
        .silence_ms = INT64_MAX,
        .server = { .packet_size_max = UINT16_MAX,
                .receive_max = GATEWAY_PENDING_MAX,
                .qos_max = 2,
                .retains = true },
        .topics = { .max = gateway->settings.topics_max },
    };
}

void gateway_client_move(struct gateway_client *client, struct gateway *gateway)
{
    client->gateway = gateway;
}

/* ---- What is under way ---- */

void gateway_init(struct gateway *gateway, struct hash_key key)
{
    gateway_wills_init(&gateway->wills, key);
    gateway_wills_init(&gateway->ids, key);
}

static void free_underway(struct gateway *gateway, struct gateway_underway *underway)
{
    buffer_reset(&underway->publishing.datagram, &gateway->memory);
    buffer_reset(&underway->packets, &gateway->memory);
    memory_give(&gateway->memory, underway, sizeof(*underway));
}

void gateway_deinit(struct gateway *gateway)
{
    struct gateway_underway *underway;

    while ((underway = gateway->spares)) {
        gateway->spares = underway->next;
        free_underway(gateway, underway);
    }
    gateway->spare_count = 0;
    gateway_wills_deinit(&gateway->wills, &gateway->memory);
    gateway_wills_deinit(&gateway->ids, &gateway->memory);
}

void gateway_tick(struct gateway *gateway, int64_t now_ms)
{
    gateway_wills_tick(&gateway->wills, &gateway->memory, now_ms);
    gateway_wills_tick(&gateway->ids, &gateway->memory, now_ms);
}

struct gateway_underway *exchange_underway(struct gateway_client *client)
{
    struct gateway *gateway = client->gateway;

    if (client->underway)
        return client->underway;
    if (gateway->spares) {
        client->underway = gateway->spares;
        gateway->spares = client->underway->next;
        gateway->spare_count--;
    } else {
        client->underway = memory_take_zeroed(&gateway->memory, sizeof(*client->underway));
    }
    client->broken |= !client->underway;
    if (client->underway) {
        client->underway->client = client;
        list_init(&client->underway->woken);
    }
    return client->underway;
}

static bool is_idle(const struct gateway_underway *underway)
{
    if (underway->registering.topic_id != 0 || underway->publishing.awaits != 0 ||
            underway->packets.size > 0)
        return false;
    for (size_t i = 0; i < GATEWAY_PENDING_MAX; i++) {
        if (underway->pending[i].type != 0)
            return false;
    }
    return true;
}

/* A message is mostly over before the next one comes, of this client or another: then that has its
 * block and its buffers. */
static void put_by(struct gateway_client *client)
{
    struct gateway *gateway = client->gateway;
    struct gateway_underway *underway = client->underway;

    if (!underway || client->phase == GATEWAY_AWAKE || !is_idle(underway))
        return;
    list_remove(&underway->woken);
    client->underway = NULL;
    if (gateway->spare_count == GATEWAY_SPARES_MAX) {
        free_underway(gateway, underway);
        return;
    }
    underway->next = gateway->spares;
    gateway->spares = underway;
    gateway->spare_count++;
}

void gateway_client_deinit(struct gateway_client *client)
{
    gateway_topics_deinit(&client->topics, &client->gateway->memory);
    gateway_said_free(client->said, &client->gateway->memory);
    if (client->is_draft)
        memory_give(&client->gateway->memory, client->draft, sizeof(*client->draft));
    if (client->underway) {
        list_remove(&client->underway->woken);
        free_underway(client->gateway, client->underway);
    }
    client->said = NULL;
    client->underway = NULL;
    client->is_draft = false;
}

void exchange_forget_said(struct gateway_client *client)
{
    const struct gateway_said *said = client->said;

    if (gateway_said_will_topic(said).size + gateway_said_will_message(said).size > 0)
        return;
    /* Where the server calls it by another name, its own one is known here alone. */
    if (!client->unnamed && !bytes_equal(gateway_said_id(said), client->gateway->client_id(client)))
        return;
    gateway_said_free(client->said, &client->gateway->memory);
    client->said = NULL;
}

struct bytes exchange_id(const struct gateway_client *client)
{
    if (client->said || client->unnamed)
        return gateway_said_id(client->said);
    return client->gateway->client_id(client);
}

/* Whether what is agreed on beforehand is still so: the settings may have changed. */
static bool holds(const struct gateway_client *client, const struct gateway_topic *topic)
{
    return topic->type != MQTTSN_TOPIC_PREDEFINED ||
            bytes_equal(gateway_topic_name(topic),
                    gateway_predefined_find(&exchange_settings(client)->predefined,
                            exchange_id(client), topic->id));
}

/* A topic of 2.0 with a predefined alias has no other [MQTTSN2-4.7.2.2-4]. */
static void prefer_predefined(const struct gateway_client *client, struct gateway_topic *topic)
{
    uint16_t id = gateway_predefined_find_id(
            &exchange_settings(client)->predefined, exchange_id(client), gateway_topic_name(topic));

    if (id == 0)
        return;
    topic->type = MQTTSN_TOPIC_PREDEFINED;
    topic->id = id;
}

/* Its session may outlive the connection, and its topic ids with it. */
static bool is_lasting(const struct gateway_client *client)
{
    return client->is_draft || !client->clean;
}

/* The next id that this client is given is another one than any lasting client has been given
 * lately; note_id() is to follow. */
static void seek_id(struct gateway_client *client)
{
    if (is_lasting(client))
        client->topics.last_id = client->gateway->last_id;
}

static void note_id(struct gateway_client *client)
{
    if (is_lasting(client))
        client->gateway->last_id = client->topics.last_id;
}

void exchange_make_normal(struct gateway_client *client, struct gateway_topic *topic)
{
    seek_id(client);
    gateway_topics_make_normal(&client->topics, topic);
    note_id(client);
}

struct gateway_topic *exchange_topic(struct gateway_client *client, struct bytes name)
{
    struct gateway_topic *topic = gateway_topics_find_name(&client->topics, name);

    if (topic && holds(client, topic))
        return topic;
    seek_id(client);
    if (topic) {
        gateway_topics_make_normal(&client->topics, topic);
        topic->given = topic->told = false;
    } else {
        topic = gateway_topics_add(&client->topics, &client->gateway->memory, name);
    }
    if (!topic)
        return NULL;
    topic->ours = true;
    if (client->is_draft)
        prefer_predefined(client, topic);
    if (topic->type == MQTTSN_TOPIC_NORMAL)
        note_id(client);
    return topic;
}

/* ---- Words to the client ---- */

void exchange_send(struct gateway_client *client, const struct writer *message)
{
    if (!message->failed)
        client->gateway->send(client, writer_written(message));
}

void exchange_refuse(struct gateway_client *client, const struct mqttsn_message *message,
        enum mqtt_reason reason)
{
    uint8_t data[MQTTSN_REFUSAL_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    if (mqttsn_refuse(&out, message, reason))
        exchange_send(client, &out);
}

/* WILLTOPICREQ or WILLMSGREQ, which have no body. */
static void ask(struct gateway_client *client, enum mqttsn_type type)
{
    uint8_t data[MQTTSN_REFUSAL_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqttsn_header_encode(&out, type, 0);
    exchange_send(client, &out);
}

/* ---- Words to the server ---- */

bool exchange_begin(struct gateway_client *client, struct writer *out, size_t size_max)
{
    struct gateway_underway *underway = exchange_underway(client);
    uint8_t *room =
            underway ? buffer_room(&underway->packets, &client->gateway->memory, size_max) : NULL;

    if (!room) {
        client->broken = true;
        return false;
    }
    *out = (struct writer){ .data = room, .size = size_max };
    return true;
}

void exchange_put(struct gateway_client *client, const struct writer *packet)
{
    if (packet->failed)
        client->broken = true;
    else
        client->underway->packets.size += (uint32_t)packet->used;
}

void exchange_answer(struct gateway_client *client, enum mqtt_type type, uint16_t packet_id,
        enum mqtt_reason reason)
{
    struct writer out;

    if (!exchange_begin(client, &out, ANSWER_SIZE_MAX))
        return;
    mqtt_puback_brief_encode(&out, type, packet_id, reason, MQTT_5_0);
    exchange_put(client, &out);
}

void exchange_leave(struct gateway_client *client, const struct mqtt_disconnect *disconnect)
{
    struct writer out;

    if (!client->joined || !exchange_begin(client, &out, DISCONNECT_SIZE_MAX))
        return;
    mqtt_disconnect_encode(&out, disconnect, MQTT_5_0);
    exchange_put(client, &out);
    client->joined = false;
}

static void leave_server(struct gateway_client *client, enum mqtt_reason reason)
{
    exchange_leave(client, &(struct mqtt_disconnect){ .reason = reason });
}

/*
 * One message of QoS 1 or 2 at a time, as the client takes no more; none that the server would have
 * to split; and the client's silence is our own affair, as its sleep is.
 */
static void join_server(struct gateway_client *client)
{
    struct bytes id = exchange_id(client);
    struct bytes will_topic = gateway_said_will_topic(client->said);
    struct bytes will_message = gateway_said_will_message(client->said);
    struct mqtt_connect connect = {
        .version = MQTT_5_0,
        .clean_start = client->clean,
        .has_will = will_topic.size > 0,
        .client_id = id,
        .will = { .topic = will_topic,
                .payload = will_message,
                .qos = client->will_qos,
                .retain = client->will_retain },
        .properties = { .present = mqtt_property_bit(MQTT_RECEIVE_MAXIMUM) |
                        mqtt_property_bit(MQTT_MAXIMUM_PACKET_SIZE) |
                        mqtt_property_bit(MQTT_SESSION_EXPIRY_INTERVAL),
                .receive_maximum = 1,
                .maximum_packet_size = GATEWAY_MESSAGE_SIZE_MAX,
                .session_expiry_s = client->clean ? 0 : UINT32_MAX },
    };
    struct writer out;

    if (client->joined) /* One of 2.0 has said all at once. */
        return;
    if (!exchange_begin(
                client, &out, CONNECT_REST_SIZE + id.size + will_topic.size + will_message.size))
        return;
    mqtt_connect_encode(&out, &connect);
    exchange_put(client, &out);
    client->joined = true;
}

/* ---- Time ---- */

/* Source: MQTT-SN 1.2 §7.2, [SN-7.2-2]; a real device's clock needs a second at the least. */
static int64_t with_tolerance(const struct gateway_client *client, uint32_t seconds)
{
    int64_t wanted_ms = INT64_C(1000) * seconds;
    int64_t slack_ms = wanted_ms > LONG_MS ? wanted_ms / 10 : wanted_ms / 2;

    if (client->is_draft)
        return wanted_ms + wanted_ms / 2; /* [MQTTSN2-3.1.6-2], [MQTTSN2-4.14.2-1] */
    return wanted_ms + (slack_ms < SLACK_MS_MIN ? SLACK_MS_MIN : slack_ms);
}

/* The client has just been heard, or has just been left to sleep. */
static void supervise(struct gateway_client *client, int64_t now_ms)
{
    const struct gateway_settings *settings = exchange_settings(client);

    client->silence_ms = INT64_MAX;
    switch ((enum gateway_phase)client->phase) {
    case GATEWAY_WILL_TOPIC:
    case GATEWAY_WILL_MESSAGE:
        /* As long as it may repeat what was not answered, by an interval that does not grow. */
        client->silence_ms = now_ms + (int64_t)settings->retry_ms * (settings->retries_max + 1);
        break;
    case GATEWAY_AWAKE:
        client->silence_ms = now_ms + delivery_patience_ms(settings);
        break;
    case GATEWAY_ACTIVE:
        if (client->keepalive_s > 0)
            client->silence_ms = now_ms + with_tolerance(client, client->keepalive_s);
        break;
    case GATEWAY_ASLEEP:
        client->silence_ms = now_ms +
                with_tolerance(client, client->is_draft ? client->draft->sleep_s : client->sleep_s);
        break;
    case GATEWAY_NEW:
    case GATEWAY_JOINING:
    case GATEWAY_DISCONNECTED:
    case GATEWAY_LOST:
    case GATEWAY_PHASES:
        break;
    }
}

/* ---- The phases ---- */

static void act(struct gateway_client *client, enum gateway_action action, int64_t now_ms)
{
    const struct gateway_words *words = words_for(client);

    switch (action) {
    case GATEWAY_ASK_TOPIC:
        ask(client, MQTTSN_WILLTOPICREQ);
        break;
    case GATEWAY_ASK_MESSAGE:
        ask(client, MQTTSN_WILLMSGREQ);
        break;
    case GATEWAY_JOIN:
        join_server(client);
        break;
    case GATEWAY_ACCEPT:
        words->accept(client);
        break;
    case GATEWAY_WELCOME:
        words->accept(client);
        gateway_topics_forget(&client->topics);
        delivery_resume(client, now_ms);
        break;
    case GATEWAY_LULL:
        words->lull(client);
        break;
    case GATEWAY_TURN_AWAY:
    case GATEWAY_SAY_FAREWELL:
        words->dismiss(client);
        break;
    case GATEWAY_REPLACE: /* [MQTTSN2-3.1.19-3] */
        leave_server(client, client->is_draft ? MQTT_DISCONNECT_WITH_WILL : MQTT_SUCCESS);
        break;
    case GATEWAY_EXPEL:
        leave_server(client, draft_farewell(client));
        words->dismiss(client);
        break;
    case GATEWAY_PONG:
    case GATEWAY_SETTLE:
        words->pong(client);
        break;
    case GATEWAY_WAKE:
        exchange_underway(client);
        delivery_resume(client, now_ms);
        break;
    case GATEWAY_LEAVE:
        leave_server(client, MQTT_SUCCESS);
        if (!client->is_draft) /* Its DISCONNECT is never answered. */
            words->dismiss(client);
        break;
    case GATEWAY_LOSE:
        leave_server(client, MQTT_DISCONNECT_WITH_WILL);
        break;
    case GATEWAY_IGNORE:
    case GATEWAY_REFUSE: /* the caller knows the reason */
    case GATEWAY_DO:
    case GATEWAY_REST:
        break;
    }
}

/* ---- What outlives a connection ---- */

static bool is_in(enum gateway_phase phase)
{
    return phase == GATEWAY_ACTIVE || phase == GATEWAY_ASLEEP || phase == GATEWAY_AWAKE;
}

/* What has been said, by another id. NULL when memory is short. */
static struct gateway_said *said_as(
        const struct gateway_client *client, const struct gateway_said *said, struct bytes id)
{
    return gateway_said_new(&client->gateway->memory, id, gateway_said_will_topic(said),
            gateway_said_will_message(said));
}

/* Its session has the topic ids until it comes back. */
static void keep_topics(struct gateway_client *client, int64_t now_ms)
{
    struct gateway *gateway = client->gateway;
    uint32_t expiry_s = gateway->session_expiry_s(client);
    struct bytes id = gateway->client_id(client);
    struct gateway_will kept = { .topics = client->topics };

    if (!is_lasting(client) || expiry_s == 0 || id.size == 0 || client->topics.count == 0)
        return;
    kept.said = gateway_said_new(&gateway->memory, id, (struct bytes){ 0 }, (struct bytes){ 0 });
    if (!kept.said)
        return;
    client->topics = (struct gateway_topics){ .max = kept.topics.max };
    if (!gateway_wills_keep(&gateway->ids, &gateway->memory, kept, expiry_s, now_ms) &&
            gateway->will_lost)
        gateway->will_lost(client);
}

/* The same of its Will, where it speaks 1.2. A session is known by the id that the server has for
 * it: several devices may say the same one of themselves. */
static void keep_will(struct gateway_client *client, int64_t now_ms)
{
    struct gateway *gateway = client->gateway;
    struct bytes id = gateway->client_id(client);
    struct gateway_will will = { .qos = client->will_qos, .retain = client->will_retain };

    if (client->clean || gateway_said_will_topic(client->said).size == 0)
        return;
    if (id.size > 0)
        will.said = said_as(client, client->said, id);
    if (will.said &&
            gateway_wills_keep(&gateway->wills, &gateway->memory, will,
                    gateway->session_expiry_s(client), now_ms))
        return;
    if (gateway->will_lost)
        gateway->will_lost(client);
}

/* The client has left, or is lost, or another connection takes its session over. */
static void keep_all(struct gateway_client *client, int64_t now_ms)
{
    if (client->yielded)
        return;
    keep_topics(client, now_ms);
    keep_will(client, now_ms);
}

void gateway_client_yield(struct gateway_client *client, int64_t now_ms)
{
    if (is_in((enum gateway_phase)client->phase))
        keep_all(client, now_ms);
    client->yielded = true;
}

/* It has its topic ids again; they are told once more before anything comes by them, as it may have
 * forgotten them. */
static void recall_topics(struct gateway_client *client, bool session_present, int64_t now_ms)
{
    struct gateway *gateway = client->gateway;
    struct gateway_will kept =
            gateway_wills_take(&gateway->ids, &gateway->memory, gateway->client_id(client), now_ms);

    if (session_present && kept.said) {
        gateway_topics_deinit(&client->topics, &gateway->memory);
        client->topics = kept.topics;
        client->topics.max = exchange_settings(client)->topics_max;
        kept.topics = (struct gateway_topics){ 0 };
        gateway_topics_forget(&client->topics);
    }
    gateway_will_reset(&kept, &gateway->memory);
}

/* The client has come: its session's Will is used, or gives way to what it has said. */
static void recall_will(struct gateway_client *client, bool session_present, int64_t now_ms)
{
    struct gateway *gateway = client->gateway;
    struct gateway_will kept = gateway_wills_take(
            &gateway->wills, &gateway->memory, gateway->client_id(client), now_ms);
    bool has_will = gateway_said_will_topic(kept.said).size > 0;
    struct gateway_will will = { .qos = kept.qos, .retain = kept.retain };

    if (!kept.said)
        return;
    if (session_present && !client->is_draft && !client->clean && !client->has_will && has_will) {
        will.said = said_as(client, kept.said, exchange_id(client));
        exchange_change_will(client, will);
    }
    gateway_will_reset(&kept, &gateway->memory);
}

bool exchange_step(struct gateway_client *client, enum gateway_event event, int64_t now_ms)
{
    bool was_in = is_in((enum gateway_phase)client->phase);
    struct gateway_step step = gateway_step((enum gateway_phase)client->phase, event);
    bool was_asleep = client->phase == GATEWAY_ASLEEP;
    bool sleeps_on = was_asleep && step.next == GATEWAY_ASLEEP && step.action != GATEWAY_LULL;

    client->phase = (uint8_t)step.next;
    /* Whoever sleeps is heard by PINGREQ and DISCONNECT alone. */
    if (!sleeps_on)
        supervise(client, now_ms);
    act(client, step.action, now_ms);
    if (was_in &&
            (step.action == GATEWAY_LEAVE || step.action == GATEWAY_LOSE ||
                    step.action == GATEWAY_REPLACE || step.action == GATEWAY_EXPEL))
        keep_all(client, now_ms);
    return step.action == GATEWAY_DO;
}

/* ---- From the client ---- */

/* What it has said of itself is this from now on. False when memory is short. */
static bool keep(struct gateway_client *client, struct bytes id, struct bytes will_topic,
        struct bytes will_message)
{
    const struct memory *memory = &client->gateway->memory;
    struct gateway_said *said = gateway_said_new(memory, id, will_topic, will_message);

    if (!said) {
        client->broken = true;
        return false;
    }
    gateway_said_free(client->said, memory);
    client->said = said;
    return true;
}

static bool is_same(const struct gateway_client *client, const struct mqttsn_connect *connect)
{
    return client->clean == connect->clean_session && client->has_will == connect->has_will &&
            client->keepalive_s == connect->keepalive_s &&
            bytes_equal(exchange_id(client), connect->client_id);
}

/* Goes on with the session that there is, and its Will [SN-6.3-4], [SN-6.14-9]. */
static bool resumes(const struct gateway_client *client, const struct mqttsn_connect *connect)
{
    return is_in((enum gateway_phase)client->phase) && !client->clean && !connect->clean_session &&
            !connect->has_will && bytes_equal(exchange_id(client), connect->client_id);
}

static enum gateway_event connect_event(
        const struct gateway_client *client, const struct mqttsn_connect *connect)
{
    if (client->phase != GATEWAY_NEW && client->fresh && is_same(client, connect))
        return GATEWAY_CONNECT_SAME;
    if (resumes(client, connect))
        return GATEWAY_RESUME;
    return connect->has_will ? GATEWAY_CONNECT_WILL : GATEWAY_CONNECT;
}

/* False: the client begins anew. */
static bool take_connect(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    struct mqttsn_connect connect;
    enum mqtt_reason reason = mqttsn_connect_decode(&connect, message->body);
    bool is_new = client->phase == GATEWAY_NEW;
    enum gateway_event event;

    if (reason != MQTT_SUCCESS) {
        exchange_refuse(client, message, reason);
        client->phase = is_new ? GATEWAY_DISCONNECTED : client->phase;
        return true;
    }
    event = connect_event(client, &connect);
    if (is_new && !keep(client, connect.client_id, (struct bytes){ 0 }, (struct bytes){ 0 }))
        return true;
    if (is_new || event == GATEWAY_RESUME)
        client->keepalive_s = connect.keepalive_s;
    if (is_new) {
        client->unnamed = connect.client_id.size == 0;
        client->clean = connect.clean_session;
        client->has_will = connect.has_will;
    }
    exchange_step(client, event, now_ms);
    client->fresh = true;
    return event == GATEWAY_CONNECT_SAME || event == GATEWAY_RESUME || is_new ||
            !gateway_client_is_over(client);
}

static void take_willtopic(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    bool expected = client->phase == GATEWAY_WILL_TOPIC || client->phase == GATEWAY_WILL_MESSAGE;
    struct mqttsn_willtopic will;
    enum mqtt_reason reason = mqttsn_willtopic_decode(&will, message->body);

    if (reason != MQTT_SUCCESS) {
        if (expected)
            exchange_refuse(client, message, reason);
        return;
    }
    if (expected && will.topic.size > 0) {
        if (!keep(client, exchange_id(client), will.topic, (struct bytes){ 0 }))
            return;
        client->will_qos = (uint8_t)will.qos;
        client->will_retain = will.retain;
    }
    exchange_step(client, will.topic.size > 0 ? GATEWAY_WILLTOPIC : GATEWAY_WILLTOPIC_NONE, now_ms);
}

static void take_willmsg(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    struct mqttsn_willmsg will;

    if (mqttsn_willmsg_decode(&will, message->body) != MQTT_SUCCESS)
        return;
    if (client->phase == GATEWAY_WILL_MESSAGE &&
            !keep(client, exchange_id(client), gateway_said_will_topic(client->said), will.message))
        return;
    exchange_step(client, GATEWAY_WILLMSG, now_ms);
}

static void take_pingreq(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    struct mqttsn_pingreq ping;

    if (mqttsn_pingreq_decode(&ping, message->body, MQTT_FROM_CLIENT) != MQTT_SUCCESS)
        return;
    /* Another client's, who is not here. */
    if (ping.client_id.size > 0 && !bytes_equal(ping.client_id, exchange_id(client)))
        words_for(client)->dismiss(client);
    else
        exchange_step(client, GATEWAY_PING, now_ms);
}

static void take_disconnect(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    struct mqttsn_disconnect disconnect;

    if (mqttsn_disconnect_decode(&disconnect, message->body, MQTT_FROM_CLIENT) != MQTT_SUCCESS)
        return;
    if (disconnect.has_duration)
        client->sleep_s = disconnect.duration_s;
    exchange_step(client, disconnect.has_duration ? GATEWAY_SLEEP : GATEWAY_DISCONNECT, now_ms);
}

static void take_request(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    bool is_passive = client->phase == GATEWAY_ASLEEP || client->phase == GATEWAY_AWAKE ||
            client->phase == GATEWAY_JOINING;

    /* It needs no connection, and so none that is awake [SN-6.8-1]. */
    if (is_passive && request_is_unasked(message))
        request_take(client, message); /* NOLINT(bugprone-branch-clone): the other one steps */
    else if (exchange_step(client, GATEWAY_REQUEST, now_ms))
        request_take(client, message);
}

static void take_answer(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    if (exchange_step(client, GATEWAY_ANSWER, now_ms))
        delivery_answered(client, message, now_ms);
}

/* Takes any message but CONNECT. What is broadcast means nothing here, and neither does PINGRESP,
 * for which we do not ask. */
static void take_message(
        struct gateway_client *client, const struct mqttsn_message *message, int64_t now_ms)
{
    static void (*const takers[])(struct gateway_client * client,
            const struct mqttsn_message *message, int64_t now_ms) = {
        [MQTTSN_WILLTOPIC] = take_willtopic,
        [MQTTSN_WILLMSG] = take_willmsg,
        [MQTTSN_PINGREQ] = take_pingreq,
        [MQTTSN_DISCONNECT] = take_disconnect,
        [MQTTSN_REGACK] = take_answer,
        [MQTTSN_PUBACK] = take_answer,
        [MQTTSN_PUBREC] = take_answer,
        [MQTTSN_PUBCOMP] = take_answer,
        [MQTTSN_REGISTER] = take_request,
        [MQTTSN_PUBLISH] = take_request,
        [MQTTSN_PUBREL] = take_request,
        [MQTTSN_SUBSCRIBE] = take_request,
        [MQTTSN_UNSUBSCRIBE] = take_request,
        [MQTTSN_WILLTOPICUPD] = take_request,
        [MQTTSN_WILLMSGUPD] = take_request,
    };

    if (message->type < sizeof(takers) / sizeof(takers[0]) && takers[message->type])
        takers[message->type](client, message, now_ms);
}

/* Whoever cannot be served any more is left without a word: it finds out by asking again. */
static void end_broken(struct gateway_client *client)
{
    if (client->broken && !gateway_client_is_over(client))
        client->phase = GATEWAY_LOST;
}

static bool receive(struct gateway_client *client, struct bytes datagram, int64_t now_ms)
{
    struct mqttsn_message message;

    if (!mqttsn_message_read(&message, datagram, MQTT_FROM_CLIENT))
        return true;
    if (message.type == MQTTSN_CONNECT)
        return take_connect(client, &message, now_ms);
    client->fresh = false;
    take_message(client, &message, now_ms);
    return true;
}

static bool is_connect(struct bytes datagram)
{
    struct mqttsn_message message;
    struct mqttsn_connect connect;

    return mqttsn_message_read(&message, datagram, MQTT_FROM_CLIENT) &&
            message.type == MQTTSN_CONNECT &&
            mqttsn_connect_decode(&connect, message.body) == MQTT_SUCCESS;
}

bool gateway_client_receive(struct gateway_client *client, struct bytes datagram, int64_t now_ms)
{
    bool is_draft = client->may_draft && mqttsn2_connect_likely(datagram);
    bool is_new = client->phase == GATEWAY_NEW;
    bool goes_on = true;

    if (gateway_client_is_over(client))
        return true;
    if (client->is_draft ? is_connect(datagram) : is_draft && !is_new) {
        /* It begins anew, in the other version. */
        exchange_step(client, GATEWAY_CONNECT, now_ms);
        goes_on = !gateway_client_is_over(client);
    } else if (client->is_draft || is_draft) {
        goes_on = draft_receive(client, datagram, now_ms);
    } else {
        goes_on = receive(client, datagram, now_ms);
    }
    end_broken(client);
    put_by(client);
    return goes_on;
}

/* ---- From the server ---- */

static uint16_t packet_size_max(const struct mqtt_properties *said)
{
    bool is_less = mqtt_properties_have(said, MQTT_MAXIMUM_PACKET_SIZE) &&
            said->maximum_packet_size < UINT16_MAX;

    return is_less ? (uint16_t)said->maximum_packet_size : UINT16_MAX;
}

static uint8_t receive_max(const struct mqtt_properties *said)
{
    bool is_less = mqtt_properties_have(said, MQTT_RECEIVE_MAXIMUM) &&
            said->receive_maximum < GATEWAY_PENDING_MAX;

    return is_less ? (uint8_t)said->receive_maximum : GATEWAY_PENDING_MAX;
}

/* Rather a second too early than too late. */
static uint32_t next_ping_s(const struct gateway_client *client, int64_t now_ms)
{
    return (uint32_t)(now_ms / 1000) + client->server.keep_alive_s;
}

static int64_t ping_ms(const struct gateway_client *client)
{
    return client->ping_s > 0 ? client->ping_s * INT64_C(1000) : INT64_MAX;
}

static void note_server(
        struct gateway_client *client, const struct mqtt_properties *said, int64_t now_ms)
{
    client->server = (struct gateway_server){
        .packet_size_max = packet_size_max(said),
        .receive_max = receive_max(said),
        .keep_alive_s = said->server_keep_alive_s,
        .qos_max = mqtt_properties_have(said, MQTT_MAXIMUM_QOS) ? said->maximum_qos & 3 : 2,
        .retains = !mqtt_properties_have(said, MQTT_RETAIN_AVAILABLE) || said->retain_available,
    };
    if (client->server.keep_alive_s > 0)
        client->ping_s = next_ping_s(client, now_ms);
}

static void take_connack(struct gateway_client *client, struct bytes body, int64_t now_ms)
{
    struct mqtt_connack connack;

    if (client->phase != GATEWAY_JOINING ||
            mqtt_connack_decode(&connack, body, MQTT_5_0) != MQTT_SUCCESS) {
        client->broken = true;
        return;
    }
    if (connack.reason >= MQTT_UNSPECIFIED_ERROR) {
        words_for(client)->refuse(client, connack.reason);
        exchange_step(client, GATEWAY_REFUSED, now_ms);
        return;
    }
    note_server(client, &connack.properties, now_ms);
    recall_topics(client, connack.session_present, now_ms);
    recall_will(client, connack.session_present, now_ms);
    exchange_forget_said(client);
    if (client->is_draft)
        draft_admitted(client, &connack);
    exchange_step(client, GATEWAY_ADMITTED, now_ms);
    if (client->is_draft)
        client->draft->connack = NULL;
}

/* False: it has to wait. */
static bool take_packet(struct gateway_client *client, const struct mqtt_header *header,
        struct bytes body, int64_t now_ms)
{
    if (header->type == MQTT_PUBLISH || header->type == MQTT_PUBREL)
        return delivery_take(client, header, body, now_ms);
    if (client->is_draft && header->type == MQTT_AUTH) {
        draft_challenged(client, body);
        return true;
    }
    if (client->is_draft && header->type == MQTT_DISCONNECT)
        draft_ended(client, body);
    if (header->type == MQTT_CONNACK)
        take_connack(client, body, now_ms);
    else if (header->type == MQTT_DISCONNECT)
        exchange_step(client, GATEWAY_ENDED, now_ms);
    else if (header->type != MQTT_PINGRESP && !request_answered(client, header, body))
        client->broken = true;
    return true;
}

bool gateway_client_takes(const struct gateway_client *client)
{
    switch ((enum gateway_phase)client->phase) {
    case GATEWAY_NEW:
    case GATEWAY_WILL_TOPIC:
    case GATEWAY_WILL_MESSAGE:
    case GATEWAY_ASLEEP:
        return false;
    case GATEWAY_ACTIVE:
    case GATEWAY_AWAKE:
        return !exchange_registers(client);
    case GATEWAY_JOINING:
    case GATEWAY_DISCONNECTED:
    case GATEWAY_LOST:
    case GATEWAY_PHASES:
        break;
    }
    return true;
}

size_t gateway_client_take(struct gateway_client *client, struct bytes in, int64_t now_ms)
{
    size_t used = 0;

    if (in.size > 0 && client->is_draft && client->phase == GATEWAY_ASLEEP)
        draft_hint(client);
    while (used < in.size && gateway_client_takes(client)) {
        struct bytes rest = bytes_from(in, used);
        struct mqtt_header header;
        bool whole = mqtt_header_read(&header, rest) == MQTT_HEADER_DONE &&
                rest.size - header.size >= header.remaining;

        client->broken |= !whole;
        end_broken(client);
        if (gateway_client_is_over(client))
            return in.size;
        if (!take_packet(client, &header,
                    bytes_first(bytes_from(rest, header.size), header.remaining), now_ms))
            break;
        used += header.size + header.remaining;
        end_broken(client);
    }
    put_by(client);
    return used;
}

/* ---- Its end, and what is due ---- */

bool gateway_client_is_over(const struct gateway_client *client)
{
    return client->phase == GATEWAY_DISCONNECTED || client->phase == GATEWAY_LOST;
}

bool gateway_client_is_settled(const struct gateway_client *client)
{
    return client->phase == GATEWAY_AWAKE && !exchange_registers(client) &&
            !exchange_publishes(client) && gateway_client_packets(client).size == 0;
}

bool gateway_client_is_sated(const struct gateway_client *client)
{
    return gateway_client_is_settled(client) && draft_is_sated(client);
}

void gateway_client_drained(struct gateway_client *client, uint64_t waiting, int64_t now_ms)
{
    if (client->is_draft) {
        client->draft->waiting =
                waiting < MQTTSN2_REMAINING_SOME ? (uint8_t)waiting : MQTTSN2_REMAINING_SOME;
        client->draft->is_hinted = waiting > 0;
    }
    exchange_step(client, GATEWAY_DRAINED, now_ms);
    put_by(client);
}

void gateway_client_end(struct gateway_client *client, int64_t now_ms)
{
    exchange_step(client, GATEWAY_ENDED, now_ms);
    put_by(client);
}

static void ping_server(struct gateway_client *client, int64_t now_ms)
{
    struct writer out;

    client->ping_s = next_ping_s(client, now_ms);
    if (!exchange_begin(client, &out, MQTT_HEADER_SIZE_MAX))
        return;
    mqtt_ping_encode(&out, MQTT_PINGREQ);
    exchange_put(client, &out);
}

/* In 2.0 one who listens is told, and one who has been woken and does not answer is not left to
 * sleep on. [MQTTSN2-4.14.2-6] */
static void lose(struct gateway_client *client, enum gateway_event event, int64_t now_ms)
{
    bool listens = client->phase == GATEWAY_ACTIVE ||
            (client->phase == GATEWAY_AWAKE &&
                    (exchange_registers(client) || exchange_publishes(client)));

    if (!client->is_draft || !listens)
        exchange_step(client, event, now_ms);
    else if (event == GATEWAY_SILENCE && client->phase == GATEWAY_ACTIVE)
        draft_fault(client, MQTT_KEEP_ALIVE_TIMEOUT, now_ms);
    else
        draft_fault(client, MQTT_UNSPECIFIED_ERROR, now_ms);
}

void gateway_client_tick(struct gateway_client *client, int64_t now_ms)
{
    if (gateway_client_is_over(client))
        return;
    if (client->silence_ms <= now_ms)
        lose(client, GATEWAY_SILENCE, now_ms);
    else if (delivery_due_ms(client) <= now_ms && !delivery_repeat(client, now_ms))
        lose(client, GATEWAY_GIVE_UP, now_ms);
    if (ping_ms(client) <= now_ms && !gateway_client_is_over(client))
        ping_server(client, now_ms);
    end_broken(client);
    put_by(client);
}

int64_t gateway_client_due_ms(const struct gateway_client *client)
{
    int64_t due_ms = delivery_due_ms(client);

    if (gateway_client_is_over(client))
        return INT64_MAX;
    if (client->silence_ms < due_ms)
        due_ms = client->silence_ms;
    return ping_ms(client) < due_ms ? ping_ms(client) : due_ms;
}

struct bytes gateway_client_packets(const struct gateway_client *client)
{
    return client->underway ? buffer_bytes(&client->underway->packets) : (struct bytes){ 0 };
}

void gateway_client_consume(struct gateway_client *client, size_t size)
{
    const struct memory *memory = &client->gateway->memory;

    if (!client->underway)
        return;
    if (size == client->underway->packets.size)
        buffer_empty(&client->underway->packets, memory, GATEWAY_SPARE_BYTES_MAX);
    else
        buffer_consume(&client->underway->packets, memory, size);
    put_by(client);
}
