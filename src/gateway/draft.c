/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange.h"
#include "gateway/words.h"

#include "mqtt/connect.h"
#include "mqttsn2/auth.h"
#include "mqttsn2/connect.h"
#include "mqttsn2/disconnect.h"
#include "mqttsn2/envelope.h"
#include "mqttsn2/ping.h"
#include "mqttsn2/puback.h"
#include "mqttsn2/publish.h"
#include "mqttsn2/refusal.h"
#include "mqttsn2/register.h"
#include "mqttsn2/sleep.h"
#include "mqttsn2/subscribe.h"

enum {
    CONNECT_REST_SIZE = 128, /* of a CONNECT for the server, without what has a size of its own */
    AUTH_REST_SIZE = 32,     /* likewise of an AUTH */
};

static bool is_in(const struct gateway_client *client)
{
    return client->phase == GATEWAY_ACTIVE || client->phase == GATEWAY_ASLEEP ||
            client->phase == GATEWAY_AWAKE;
}

void draft_fault(struct gateway_client *client, uint8_t reason, int64_t now_ms)
{
    client->draft->reason = reason;
    exchange_step(client, GATEWAY_FAULT, now_ms);
}

enum mqtt_reason draft_farewell(const struct gateway_client *client)
{
    enum mqtt_reason reason = (enum mqtt_reason)client->draft->reason;

    return mqtt_reason_allowed(reason, MQTT_DISCONNECT, MQTT_FROM_CLIENT)
            ? reason
            : MQTT_DISCONNECT_WITH_WILL;
}

static struct mqttsn_topic topic_of(const struct mqttsn2_topic *topic)
{
    return (struct mqttsn_topic){ .type = topic->type == MQTTSN2_TOPIC_PREDEFINED
                ? MQTTSN_TOPIC_PREDEFINED
                : MQTTSN_TOPIC_NORMAL,
        .id = topic->alias,
        .name = topic->name };
}

/* ---- CONNECT ---- */

static void refuse(
        struct gateway_client *client, const struct mqttsn2_packet *packet, uint8_t reason)
{
    uint8_t data[MQTTSN2_REFUSAL_SIZE_MAX];
    struct writer out = { .data = data, .size = sizeof(data) };

    if (mqttsn2_refuse(&out, packet, reason))
        exchange_send(client, &out);
}

/* The Will's topic; empty where nothing stands behind its alias: a session's means nothing yet. */
static struct bytes will_topic(
        const struct gateway_client *client, const struct mqttsn2_connect *connect)
{
    const struct mqttsn2_topic *topic = &connect->will.topic;

    if (topic->type == MQTTSN2_TOPIC_PREDEFINED)
        return gateway_predefined_find(
                &exchange_settings(client)->predefined, connect->client_id, topic->alias);
    return topic->name;
}

/* False: the method's data are not of its shape. A method that is not the one of user name and
 * password the server knows, or refuses. */
static bool take_credentials(
        struct mqtt_connect *to, const struct mqttsn2_authentication *authentication)
{
    struct mqttsn2_basic basic;

    if (!bytes_equal(authentication->method, MQTTSN2_METHOD_BASIC)) {
        to->properties.present |= mqtt_property_bit(MQTT_AUTHENTICATION_METHOD) |
                mqtt_property_bit(MQTT_AUTHENTICATION_DATA);
        to->properties.authentication_method = authentication->method;
        to->properties.authentication_data = authentication->data;
        return true;
    }
    if (!mqttsn2_basic_decode(&basic, authentication->data))
        return false;
    to->has_user_name = basic.user_name.size > 0;
    to->user_name = basic.user_name;
    to->has_password = basic.password.size > 0;
    to->password = basic.password;
    return true;
}

/* The packet for the server. MQTT_SUCCESS, or why there is none. */
static enum mqtt_reason make_connect(struct mqtt_connect *out, const struct gateway_client *client,
        const struct mqttsn2_connect *from)
{
    *out = (struct mqtt_connect){
        .version = MQTT_5_0,
        .clean_start = from->clean_start,
        .has_will = from->has_will,
        .client_id = from->client_id,
        .properties = { .present = mqtt_property_bit(MQTT_RECEIVE_MAXIMUM) |
                        mqtt_property_bit(MQTT_MAXIMUM_PACKET_SIZE) |
                        mqtt_property_bit(MQTT_SESSION_EXPIRY_INTERVAL),
                .receive_maximum = 1,
                .maximum_packet_size = GATEWAY_MESSAGE_SIZE_MAX,
                .session_expiry_s = from->session_expiry_s },
    };
    if (from->has_will) {
        out->will = (struct mqtt_will){ .topic = will_topic(client, from),
            .payload = from->will.payload,
            .qos = from->will.qos,
            .retain = from->will.retain };
        if (out->will.topic.size == 0)
            return MQTT_TOPIC_NAME_INVALID;
    }
    if (from->has_authentication && !take_credentials(out, &from->authentication))
        return MQTT_MALFORMED;
    return MQTT_SUCCESS;
}

/* False when memory is short. */
static bool remember(struct gateway_client *client, const struct mqttsn2_connect *connect)
{
    const struct memory *memory = &client->gateway->memory;
    struct gateway_draft *draft = memory_take_zeroed(memory, sizeof(*draft));
    struct gateway_said *said =
            gateway_said_new(memory, connect->client_id, (struct bytes){ 0 }, (struct bytes){ 0 });

    if (!draft || !said) {
        memory_give(memory, draft, sizeof(*draft));
        gateway_said_free(said, memory);
        client->broken = true;
        return false;
    }
    draft->connect_id = connect->packet_id;
    draft->expiry_s = connect->session_expiry_s;
    draft->packet_size_max = connect->packet_size_max;
    draft->awake_max = connect->awake_messages_max;
    draft->moves = connect->allows_address_change;
    draft->takes_advice = connect->allows_suggestions;
    draft->proves = connect->has_authentication &&
            !bytes_equal(connect->authentication.method, MQTTSN2_METHOD_BASIC);
    client->draft = draft;
    client->said = said;
    client->is_draft = true;
    client->unnamed = connect->client_id.size == 0;
    client->clean = connect->clean_start;
    client->has_will = connect->has_will;
    client->keepalive_s = connect->keepalive_s;
    return true;
}

static void join(struct gateway_client *client, const struct mqtt_connect *connect)
{
    struct writer out;

    if (!exchange_begin(client, &out,
                CONNECT_REST_SIZE + connect->client_id.size + connect->will.topic.size +
                        connect->will.payload.size + connect->user_name.size +
                        connect->password.size + connect->properties.authentication_method.size +
                        connect->properties.authentication_data.size))
        return;
    mqtt_connect_encode(&out, connect);
    exchange_put(client, &out);
    client->joined = true;
}

/* The one that came last, once more: the network has doubled it. */
static bool is_same(const struct gateway_client *client, const struct mqttsn2_connect *connect)
{
    return client->fresh && client->draft->connect_id == connect->packet_id &&
            client->clean == connect->clean_start && client->has_will == connect->has_will &&
            client->keepalive_s == connect->keepalive_s &&
            bytes_equal(exchange_id(client), connect->client_id);
}

/*
 * Whether the one that came last needs no answer once more. An id that the server has made up is
 * larger than what asks for it, and the address may be forged: it is said once a second.
 */
static bool is_answered(struct gateway_client *client, int64_t now_ms)
{
    uint32_t now_s = (uint32_t)(now_ms / 1000);
    bool was = client->unnamed && client->draft->answered_s == now_s;

    client->draft->answered_s = now_s;
    return was;
}

/* As gateway_client_receive(). */
static bool take_connect(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    bool is_new = client->phase == GATEWAY_NEW;
    struct mqttsn2_connect connect;
    struct mqtt_connect wanted;
    enum mqtt_reason reason = mqttsn2_connect_decode(&connect, packet->body);

    if (reason == MQTT_SUCCESS && is_new)
        reason = make_connect(&wanted, client, &connect);
    if (reason != MQTT_SUCCESS) {
        refuse(client, packet, (uint8_t)reason);
        client->phase = is_new ? GATEWAY_DISCONNECTED : client->phase;
        return true;
    }
    if (!is_new) {
        bool is_again = is_same(client, &connect);

        if (!is_again || !is_answered(client, now_ms))
            exchange_step(client, is_again ? GATEWAY_CONNECT_SAME : GATEWAY_CONNECT, now_ms);
        return !gateway_client_is_over(client);
    }
    if (!remember(client, &connect))
        return true;
    is_answered(client, now_ms);
    join(client, &wanted);
    exchange_step(client, GATEWAY_CONNECT, now_ms);
    client->fresh = true;
    return true;
}

/* ---- Requests ---- */

/* Takes the body of a packet. What it returns instead of MQTT_SUCCESS ends the connection. */
typedef enum mqtt_reason draft_taker(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms);

/* Another request of the client is under way, which must be answered first. [MQTTSN2-4.9-1] */
static bool is_crossed(const struct gateway_client *client, uint16_t packet_id)
{
    const struct gateway_underway *underway = client->underway;

    for (size_t i = 0; underway && i < GATEWAY_PENDING_MAX; i++) {
        if (underway->pending[i].type != 0 && underway->pending[i].msg_id != packet_id)
            return true;
    }
    return false;
}

/*
 * Whether a request is to be done. One who sleeps or has just been woken may ask nothing; as the
 * network may have kept back what was asked before, that is passed over.
 */
static bool may_ask(struct gateway_client *client, int64_t now_ms)
{
    return client->phase == GATEWAY_ACTIVE && exchange_step(client, GATEWAY_REQUEST, now_ms);
}

static enum mqtt_reason take_publish(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_publish from;
    enum mqtt_reason reason = mqttsn2_publish_decode(&from, packet->body, packet->type);
    struct mqttsn_publish publish;

    if (reason != MQTT_SUCCESS)
        return reason;
    if (!may_ask(client, now_ms))
        return MQTT_SUCCESS;
    if (from.qos > 0 && is_crossed(client, from.packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    publish = (struct mqttsn_publish){ .topic = topic_of(&from.topic),
        .data = from.payload,
        .msg_id = from.packet_id,
        .qos = (int8_t)from.qos,
        .dup = from.dup,
        .retain = from.retain };
    reason = request_publish(client, &publish);
    if (reason == MQTT_TOPIC_ALIAS_INVALID && from.topic.type == MQTTSN2_TOPIC_PREDEFINED)
        return MQTT_PROTOCOL_ERROR; /* [MQTTSN2-4.7.2.1-2] */
    if (reason != MQTT_SUCCESS && from.qos > 0)
        words_acknowledge(client, from.qos == 1 ? MQTTSN2_PUBACK : MQTTSN2_PUBREC, from.packet_id,
                (uint8_t)reason);
    return MQTT_SUCCESS;
}

/* It belongs to no session, and nothing about it ends one. */
static void say_without_session(struct gateway_client *client, const struct mqttsn2_packet *packet)
{
    struct mqttsn2_publish from;

    if (mqttsn2_publish_decode(&from, packet->body, MQTTSN2_PUBWOS) == MQTT_SUCCESS)
        request_publish(client,
                &(struct mqttsn_publish){ .topic = topic_of(&from.topic),
                        .data = from.payload,
                        .retain = from.retain });
}

static enum mqtt_reason take_pubwos(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    if (is_in(client))
        say_without_session(client, packet);
    if (client->phase == GATEWAY_ACTIVE)
        exchange_step(client, GATEWAY_REQUEST, now_ms);
    return MQTT_SUCCESS;
}

static enum mqtt_reason take_pubrel(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_puback release;
    enum mqtt_reason reason = mqttsn2_puback_decode(&release, packet->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (release.packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    if (!may_ask(client, now_ms))
        return MQTT_SUCCESS;
    if (is_crossed(client, release.packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    request_release(client, release.packet_id);
    return MQTT_SUCCESS;
}

static enum mqtt_reason take_register(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_register wish;
    enum mqtt_reason reason = mqttsn2_register_decode(&wish, packet->body, MQTT_FROM_CLIENT);
    struct mqttsn2_regack answer = { .code = MQTT_QUOTA_EXCEEDED };
    const struct gateway_topic *known;
    bool has_one;

    if (reason != MQTT_SUCCESS)
        return reason;
    if (!may_ask(client, now_ms))
        return MQTT_SUCCESS;
    if (is_crossed(client, wish.packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    answer.packet_id = wish.packet_id;
    known = gateway_topics_find_name(&client->topics, wish.topic_name);
    has_one = known && known->given;
    known = request_topic(client, wish.topic_name);
    if (known) {
        bool is_predefined = known->type == MQTTSN_TOPIC_PREDEFINED;

        answer.has_alias = true;
        answer.type = is_predefined ? MQTTSN2_TOPIC_PREDEFINED : MQTTSN2_TOPIC_SESSION;
        answer.alias = known->id;
        answer.code = is_predefined || has_one ? MQTTSN2_TOPIC_ALIAS_EXISTS : MQTT_SUCCESS;
    }
    words_alias(client, MQTTSN2_REGACK, &answer);
    return MQTT_SUCCESS;
}

static enum mqtt_reason take_subscribe(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    bool is_subscribe = packet->type == MQTTSN2_SUBSCRIBE;
    struct mqttsn2_subscribe from;
    enum mqtt_reason reason = mqttsn2_subscribe_decode(&from, packet->body, packet->type);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (!may_ask(client, now_ms))
        return MQTT_SUCCESS;
    if (is_crossed(client, from.packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    reason = request_subscribe(client,
            &(struct request_subscription){
                    .type = is_subscribe ? MQTTSN_SUBSCRIBE : MQTTSN_UNSUBSCRIBE,
                    .topic = topic_of(&from.topic),
                    .msg_id = from.packet_id,
                    .qos = from.qos,
                    .retain_handling = from.retain_handling,
                    .no_local = from.no_local,
                    .retain_as_published = from.retain_as_published });
    if (reason != MQTT_SUCCESS && is_subscribe)
        words_alias(client, MQTTSN2_SUBACK,
                &(struct mqttsn2_regack){ .packet_id = from.packet_id, .code = (uint8_t)reason });
    else if (reason != MQTT_SUCCESS)
        words_acknowledge(client, MQTTSN2_UNSUBACK, from.packet_id, (uint8_t)reason);
    return MQTT_SUCCESS;
}

/* ---- Signs of life, sleep, and the end ---- */

static enum mqtt_reason take_pingreq(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct gateway_draft *draft = client->draft;
    struct mqttsn2_ping ping;
    enum mqtt_reason reason = mqttsn2_ping_decode(&ping, packet->body, packet->type);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (is_crossed(client, ping.packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    draft->asked_id = ping.packet_id;
    /* What it has not acknowledged the last time comes first. */
    if (client->phase == GATEWAY_ASLEEP)
        draft->awake_count = exchange_publishes(client) ? 1 : 0;
    exchange_step(client, GATEWAY_PING, now_ms);
    return MQTT_SUCCESS;
}

static enum mqtt_reason take_sleepreq(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_sleepreq wish;
    enum mqtt_reason reason = mqttsn2_sleepreq_decode(&wish, packet->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (is_crossed(client, wish.packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    client->draft->asked_id = wish.packet_id;
    client->draft->sleep_s = wish.duration_s;
    client->draft->is_hinted = false;
    exchange_step(client, GATEWAY_SLEEP, now_ms);
    if (!wish.retain_aliases)
        gateway_topics_withdraw(&client->topics);
    return MQTT_SUCCESS;
}

static enum mqtt_reason take_disconnect(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_disconnect from;
    enum mqtt_reason reason = mqttsn2_disconnect_decode(&from, packet->body, MQTT_FROM_CLIENT);
    struct mqtt_disconnect leave = { .reason = MQTT_SUCCESS };

    if (reason != MQTT_SUCCESS)
        return reason;
    if (from.has_session_expiry && from.session_expiry_s > 0 && client->draft->expiry_s == 0)
        return MQTT_PROTOCOL_ERROR;
    if (from.code != MQTT_SUCCESS)
        leave.reason = MQTT_DISCONNECT_WITH_WILL;
    if (from.has_session_expiry) {
        leave.properties.present = mqtt_property_bit(MQTT_SESSION_EXPIRY_INTERVAL);
        leave.properties.session_expiry_s = from.session_expiry_s;
    }
    exchange_leave(client, &leave);
    exchange_step(client, GATEWAY_DISCONNECT, now_ms);
    return MQTT_SUCCESS;
}

/* ---- AUTH ---- */

static enum mqtt_reason take_auth(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_auth from;
    enum mqtt_reason reason = mqttsn2_auth_decode(&from, packet->body);
    size_t size;
    struct mqtt_auth auth;
    struct writer out;

    (void)now_ms;
    if (reason != MQTT_SUCCESS)
        return reason;
    if (!client->draft->proves) /* [MQTTSN2-4.11.1-7] */
        return MQTT_PROTOCOL_ERROR;
    if (client->phase != GATEWAY_JOINING && client->phase != GATEWAY_ACTIVE)
        return MQTT_SUCCESS;
    size = AUTH_REST_SIZE + from.authentication.method.size + from.authentication.data.size;
    /* What there is no room for the client says again. */
    if (request_judge_room(client, size) != MQTT_SUCCESS)
        return MQTT_SUCCESS;
    client->draft->connect_id = from.packet_id;
    auth = (struct mqtt_auth){ .reason = (enum mqtt_reason)from.code,
        .properties = { .present = mqtt_property_bit(MQTT_AUTHENTICATION_METHOD) |
                        mqtt_property_bit(MQTT_AUTHENTICATION_DATA),
                .authentication_method = from.authentication.method,
                .authentication_data = from.authentication.data } };
    if (!exchange_begin(client, &out, size))
        return MQTT_SUCCESS;
    mqtt_auth_encode(&out, &auth);
    exchange_put(client, &out);
    return MQTT_SUCCESS;
}

void draft_challenged(struct gateway_client *client, struct bytes body)
{
    struct mqtt_auth auth;

    if (mqtt_auth_decode(&auth, body, MQTT_FROM_SERVER) != MQTT_SUCCESS)
        client->broken = true;
    else if (client->phase == GATEWAY_JOINING || client->phase == GATEWAY_ACTIVE)
        words_challenge(client, &auth);
}

/* ---- Answers to the server's messages ---- */

static enum mqtt_reason take_regack(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_regack from;
    enum mqtt_reason reason = mqttsn2_regack_decode(&from, packet->body, MQTT_FROM_CLIENT);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (exchange_step(client, GATEWAY_ANSWER, now_ms) && exchange_underway(client))
        delivery_told(client,
                &(struct mqttsn_regack){ .msg_id = from.packet_id,
                        .code = from.code < MQTT_UNSPECIFIED_ERROR ? MQTTSN_ACCEPTED
                                                                   : MQTTSN_NOT_SUPPORTED },
                now_ms);
    return MQTT_SUCCESS;
}

/* A message that is refused is done with. [MQTTSN2-4.4.1-2] Where the client does not know its
 * alias, the next one says it again. */
static void end_refused(
        struct gateway_client *client, const struct mqttsn2_puback *answer, int64_t now_ms)
{
    struct gateway_topic *topic =
            gateway_topics_find_normal(&client->topics, client->underway->publishing.topic_id);

    if (answer->code == MQTTSN2_UNKNOWN_TOPIC_ALIAS && topic &&
            client->underway->publishing.msg_id == answer->packet_id)
        topic->told = false;
    delivery_ended(client,
            &(struct mqttsn_regack){ .msg_id = answer->packet_id, .code = MQTTSN_NOT_SUPPORTED },
            now_ms);
}

static enum mqtt_reason take_puback(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    struct mqttsn2_puback from;
    enum mqtt_reason reason = mqttsn2_puback_decode(&from, packet->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (!exchange_step(client, GATEWAY_ANSWER, now_ms) || !exchange_underway(client))
        return MQTT_SUCCESS;
    if (packet->type == MQTTSN2_PUBCOMP)
        delivery_went_on(client, MQTTSN_PUBCOMP, from.packet_id, now_ms);
    else if (from.code >= MQTT_UNSPECIFIED_ERROR)
        end_refused(client, &from, now_ms);
    else if (packet->type == MQTTSN2_PUBREC)
        delivery_went_on(client, MQTTSN_PUBREC, from.packet_id, now_ms);
    else
        delivery_ended(client, &(struct mqttsn_regack){ .msg_id = from.packet_id }, now_ms);
    return MQTT_SUCCESS;
}

/* ---- Everything ---- */

/* Takes the connection's envelope off, which says only what the address says already. */
static enum mqtt_reason open_envelope(
        const struct gateway_client *client, struct mqttsn2_packet *packet, bool *is_ours)
{
    struct mqttsn2_connection envelope;
    enum mqtt_reason reason = mqttsn2_connection_decode(&envelope, packet->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (!client->draft->moves) /* [MQTTSN2-3.18-1] */
        return MQTT_PROTOCOL_ERROR;
    *is_ours = bytes_equal(envelope.client_id, exchange_id(client)) ||
            bytes_equal(envelope.client_id, client->gateway->client_id(client));
    return mqttsn2_packet_read(packet, envelope.inner, MQTT_FROM_CLIENT);
}

/* What is broadcast means nothing here. */
static enum mqtt_reason take_packet(
        struct gateway_client *client, const struct mqttsn2_packet *packet, int64_t now_ms)
{
    static draft_taker *const takers[] = {
        [MQTTSN2_PUBLISH] = take_publish,
        [MQTTSN2_PUBACK] = take_puback,
        [MQTTSN2_PUBREC] = take_puback,
        [MQTTSN2_PUBREL] = take_pubrel,
        [MQTTSN2_PUBCOMP] = take_puback,
        [MQTTSN2_SUBSCRIBE] = take_subscribe,
        [MQTTSN2_UNSUBSCRIBE] = take_subscribe,
        [MQTTSN2_PINGREQ] = take_pingreq,
        [MQTTSN2_DISCONNECT] = take_disconnect,
        [MQTTSN2_AUTH] = take_auth,
        [MQTTSN2_REGISTER] = take_register,
        [MQTTSN2_REGACK] = take_regack,
        [MQTTSN2_PUBWOS] = take_pubwos,
        [MQTTSN2_SLEEPREQ] = take_sleepreq,
    };

    if (packet->type == MQTTSN2_PROTECTION)
        return (enum mqtt_reason)MQTTSN2_PROTECTION_NOT_SUPPORTED;
    if (packet->type == MQTTSN2_FORWARDER)
        return (enum mqtt_reason)MQTTSN2_FORWARDER_NOT_SUPPORTED;
    if (packet->type < sizeof(takers) / sizeof(takers[0]) && takers[packet->type])
        return takers[packet->type](client, packet, now_ms);
    return MQTT_SUCCESS;
}

/* Before its CONNACK only what belongs to coming in counts. [MQTTSN2-3.1.19-7] */
static bool is_early(const struct gateway_client *client, enum mqttsn2_type type)
{
    return client->phase == GATEWAY_JOINING && type != MQTTSN2_AUTH && type != MQTTSN2_DISCONNECT;
}

bool draft_receive(struct gateway_client *client, struct bytes datagram, int64_t now_ms)
{
    struct mqttsn2_packet packet = { .type = MQTTSN2_WAKEUP };
    enum mqtt_reason reason = mqttsn2_packet_read(&packet, datagram, MQTT_FROM_CLIENT);
    bool is_ours = true;

    if (reason == MQTT_SUCCESS && packet.type == MQTTSN2_CONNECT)
        return take_connect(client, &packet, now_ms);
    if (!client->is_draft) /* A CONNECT that is none. */
        return true;
    if (is_early(client, packet.type))
        return true;
    client->fresh = false;
    if (reason == MQTT_SUCCESS && packet.type == MQTTSN2_CONNECTION)
        reason = open_envelope(client, &packet, &is_ours);
    if (reason == MQTT_SUCCESS && is_ours)
        reason = take_packet(client, &packet, now_ms);
    if (reason != MQTT_SUCCESS)
        draft_fault(client, (uint8_t)reason, now_ms);
    return true;
}

void gateway_client_speak(struct gateway_client *client, struct bytes datagram)
{
    struct mqttsn2_packet packet;

    if (mqttsn2_packet_read(&packet, datagram, MQTT_FROM_CLIENT) == MQTT_SUCCESS &&
            packet.type == MQTTSN2_PUBWOS && !gateway_client_is_over(client))
        say_without_session(client, &packet);
}

/* ---- From the server ---- */

void draft_admitted(struct gateway_client *client, const struct mqtt_connack *connack)
{
    struct gateway_draft *draft = client->draft;
    uint32_t wanted_s = draft->expiry_s;

    draft->connack = connack;
    draft->has_session = connack->session_present;
    if (mqtt_properties_have(&connack->properties, MQTT_SESSION_EXPIRY_INTERVAL))
        draft->expiry_s = connack->properties.session_expiry_s;
    draft->is_advised = draft->takes_advice && draft->expiry_s != wanted_s;
}

void draft_ended(struct gateway_client *client, struct bytes body)
{
    struct mqtt_disconnect disconnect;

    if (mqtt_disconnect_decode(&disconnect, body, MQTT_5_0, MQTT_FROM_SERVER) == MQTT_SUCCESS)
        client->draft->reason = (uint8_t)disconnect.reason;
}

bool draft_is_sated(const struct gateway_client *client)
{
    return client->is_draft && client->phase == GATEWAY_AWAKE && client->draft->awake_max > 0 &&
            client->draft->awake_count >= client->draft->awake_max;
}

void draft_hint(struct gateway_client *client)
{
    if (client->draft->is_hinted)
        return;
    client->draft->is_hinted = true;
    words_hint(client);
}
