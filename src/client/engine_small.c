/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small engine, in the place of engine.c: see "The small engine" in nightjar/engine.h.
 */
#include "client/engine_parts.h"

#include "mqtt/field.h"
#include "mqtt/reason.h"
#include "mqtt/topic.h"

enum {
    CLEAN_SESSION = 0x02, /* flags of CONNECT */
    HAS_WILL = 0x04,
    WILL_QOS = 3,
    WILL_RETAIN = 5,
    HAS_PASSWORD = 0x40,
    HAS_USER_NAME = 0x80,
    IN_FLIGHT = 1, /* the one state of a slot */
};

/* ---- Connecting ---- */

static size_t size_of(struct nj_bytes field)
{
    return 2 + field.size;
}

enum nj_error nj_engine_connect(
        struct nj_engine *engine, const struct nj_connect_options *options, int64_t now_ms)
{
    static const struct nj_message no_will;
    const struct nj_message *will = options->will ? options->will : &no_will;
    /* What CONNECT ends with, and the flags that say whether it is there. */
    const struct {
        struct nj_bytes field;
        uint8_t flag;
    } fields[] = {
        { options->client_id, CLEAN_SESSION },
        { will->topic, HAS_WILL },
        { will->payload, HAS_WILL },
        { options->user_name, HAS_USER_NAME },
        { options->password, HAS_PASSWORD },
    };
    uint8_t flags = CLEAN_SESSION;
    size_t size = 10;
    struct writer out;
    enum nj_error error;

    if (engine->setup.version != NJ_MQTT_3_1_1 || will->qos > 1 || options->properties.size > 0 ||
            (options->password.size > 0 && options->user_name.size == 0)) /* [MQTT311-3.1.2-22] */
        return NJ_INVALID;
    if (options->will)
        flags |= (uint8_t)(HAS_WILL | will->qos << WILL_QOS | will->retain << WILL_RETAIN);
    if (options->user_name.size > 0)
        flags |= HAS_USER_NAME;
    if (options->password.size > 0)
        flags |= HAS_PASSWORD;
    nj_engine_closed(engine);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        size += flags & fields[i].flag ? size_of(fields[i].field) : 0;
    out = engine_room(engine);
    mqtt_header_encode(&out, MQTT_CONNECT, 0, size);
    mqtt_binary_write(&out, BYTES("MQTT"));
    writer_u8(&out, MQTT_3_1_1);
    writer_u8(&out, flags);
    writer_u16(&out, options->keep_alive_s);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (flags & fields[i].flag)
            mqtt_binary_write(&out, bytes_in(fields[i].field));
    }
    error = engine_put(engine, &out, now_ms);
    if (error != NJ_OK)
        return error;
    engine->state = ENGINE_CONNECTING;
    engine->keep_alive_s = options->keep_alive_s;
    engine->ping_ms = now_ms;
    return NJ_OK;
}

/* A session ends with its connection, so none can be present. */
static enum mqtt_reason take_connack(
        struct nj_engine *engine, struct bytes body, struct nj_event *out)
{
    static const uint8_t reasons[] = { 0, MQTT_UNSUPPORTED_VERSION, MQTT_CLIENT_ID_NOT_VALID,
        MQTT_SERVER_UNAVAILABLE, MQTT_BAD_USER_NAME_OR_PASSWORD, MQTT_NOT_AUTHORIZED };

    if (body.size != 2 || body.data[0] != 0 || body.data[1] >= sizeof(reasons))
        return MQTT_MALFORMED;
    engine->ping_ms = -1;
    out->reason = reasons[body.data[1]];
    out->kind = body.data[1] == 0 ? NJ_EVENT_CONNECTED : NJ_EVENT_REFUSED;
    engine->state = body.data[1] == 0 ? ENGINE_CONNECTED : ENGINE_ENDED;
    engine->recovering = true;
    engine->quota = engine->setup.slot_count;
    engine->packet_max = ENGINE_PACKET_MAX;
    return MQTT_SUCCESS;
}

/* ---- Sending ---- */

enum nj_error nj_engine_send(struct nj_engine *engine, const struct nj_message *message,
        uint32_t tag, uint16_t *id, int64_t now_ms)
{
    struct writer out = engine_room(engine);
    struct nj_slot *slot = NULL;
    uint16_t new = 0;
    enum nj_error error;

    if (engine->state != ENGINE_CONNECTED || engine->fault != 0)
        return NJ_NOT_CONNECTED;
    if (!mqtt_topic_name_valid(bytes_in(message->topic)) || message->qos > 1 ||
            message->properties.size > 0)
        return NJ_INVALID;
    if (message->qos == 1) {
        slot = engine_free_place(engine);
        if (!slot || engine->recovering)
            return engine->setup.slot_count == 0 ? NJ_NOT_OFFERED : NJ_LATER;
        new = engine_new_id(engine);
    }
    mqtt_header_encode(&out, MQTT_PUBLISH, (uint8_t)(message->qos << 1 | message->retain),
            size_of(message->topic) + (slot ? 2 : 0) + message->payload.size);
    mqtt_binary_write(&out, bytes_in(message->topic));
    if (slot)
        writer_u16(&out, new);
    writer_bytes(&out, bytes_in(message->payload));
    error = engine_put(engine, &out, now_ms);
    if (error != NJ_OK || !slot)
        return error;
    *slot = (struct nj_slot){ tag, new, IN_FLIGHT, false };
    *id = new;
    return NJ_OK;
}

/* Asks with filters, which for SUBSCRIBE lie in subscriptions with a QoS behind each. */
static enum nj_error ask(struct nj_engine *engine, const struct nj_subscription *subscriptions,
        const struct nj_bytes *filters, size_t count, uint16_t *id, int64_t now_ms)
{
    uint16_t *asked = engine_find_asked(engine, filters != NULL, 0);
    struct writer out = engine_room(engine);
    size_t size = 2;
    uint16_t new;
    enum nj_error error;

    if (engine->state != ENGINE_CONNECTED || engine->fault != 0)
        return NJ_NOT_CONNECTED;
    if (count == 0)
        return NJ_INVALID;
    if (!asked)
        return NJ_LATER;
    for (size_t i = 0; i < count; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): one of the two is there */
        size += filters ? size_of(filters[i]) : size_of(subscriptions[i].filter) + 1;
    new = engine_new_id(engine);
    mqtt_header_encode(&out, filters ? MQTT_UNSUBSCRIBE : MQTT_SUBSCRIBE, 2, size);
    writer_u16(&out, new);
    for (size_t i = 0; i < count; i++) {
        mqtt_binary_write(&out, bytes_in(filters ? filters[i] : subscriptions[i].filter));
        if (!filters)
            writer_u8(&out, subscriptions[i].qos & 1);
    }
    error = engine_put(engine, &out, now_ms);
    if (error == NJ_OK)
        *asked = *id = new;
    return error;
}

enum nj_error nj_engine_subscribe(struct nj_engine *engine,
        const struct nj_subscription subscriptions[], size_t count, struct nj_bytes properties,
        uint16_t *id, int64_t now_ms)
{
    return properties.size > 0 ? NJ_INVALID : ask(engine, subscriptions, NULL, count, id, now_ms);
}

enum nj_error nj_engine_unsubscribe(struct nj_engine *engine, const struct nj_bytes filters[],
        size_t count, struct nj_bytes properties, uint16_t *id, int64_t now_ms)
{
    return properties.size > 0 ? NJ_INVALID : ask(engine, NULL, filters, count, id, now_ms);
}

enum nj_error nj_engine_disconnect(
        struct nj_engine *engine, uint8_t reason, struct nj_bytes properties, int64_t now_ms)
{
    struct writer out = engine_room(engine);
    enum nj_error error;

    if (engine->state != ENGINE_CONNECTED || engine->fault != 0)
        return NJ_NOT_CONNECTED;
    if (reason != 0 || properties.size > 0)
        return NJ_INVALID;
    mqtt_header_encode(&out, MQTT_DISCONNECT, 0, 0);
    error = engine_put(engine, &out, now_ms);
    if (error == NJ_OK)
        engine->state = ENGINE_ENDED;
    return error;
}

/* ---- What comes ---- */

static enum mqtt_reason take_message(
        struct nj_engine *engine, uint8_t flags, struct bytes body, struct nj_event *out)
{
    struct reader in = { .rest = body };
    uint8_t qos = flags >> 1 & 3;

    out->kind = NJ_EVENT_MESSAGE;
    out->message.topic = bytes_out(mqtt_binary_read(&in));
    out->message.qos = qos;
    out->message.retain = flags & 1;
    out->message.dup = flags & 8;
    if (qos > 0)
        out->message.id = engine->pending_id = reader_u16(&in);
    out->message.payload = bytes_out(in.rest);
    if (in.failed || !mqtt_topic_name_valid(bytes_in(out->message.topic)) || qos > 1 ||
            (qos > 0 && out->message.id == 0))
        return MQTT_PROTOCOL_ERROR;
    engine->pending = qos > 0 ? MQTT_PUBACK : 0;
    return MQTT_SUCCESS;
}

/* PUBACK, SUBACK or UNSUBACK. The server has no reason to answer what was not asked. */
static enum mqtt_reason take_answer(
        struct nj_engine *engine, enum mqtt_type type, struct bytes body, struct nj_event *out)
{
    struct reader in = { .rest = body };
    uint16_t *asked;
    struct nj_slot *slot;

    out->id = reader_u16(&in);
    if (out->id == 0 || (in.rest.size > 0) != (type == MQTT_SUBACK))
        return MQTT_MALFORMED;
    if (type == MQTT_PUBACK) {
        slot = engine_find_slot(engine, out->id);
        if (!slot)
            return MQTT_PROTOCOL_ERROR;
        out->kind = NJ_EVENT_DONE;
        out->tag = slot->tag;
        engine_free_slot(engine, slot);
        return MQTT_SUCCESS;
    }
    asked = engine_find_asked(engine, type == MQTT_UNSUBACK, out->id);
    if (!asked)
        return MQTT_PROTOCOL_ERROR;
    *asked = 0;
    out->kind = type == MQTT_SUBACK ? NJ_EVENT_SUBSCRIBED : NJ_EVENT_UNSUBSCRIBED;
    out->codes = bytes_out(in.rest);
    return MQTT_SUCCESS;
}

/* Makes an event of a packet. */
static enum mqtt_reason take(struct nj_engine *engine, const struct mqtt_header *header,
        struct bytes body, struct nj_event *out)
{
    if (header->type == MQTT_PUBLISH && engine->state == ENGINE_CONNECTED)
        return take_message(engine, header->flags, body, out);
    if (header->flags != 0)
        return MQTT_MALFORMED;
    if (header->type == MQTT_CONNACK && engine->state == ENGINE_CONNECTING)
        return take_connack(engine, body, out);
    if (engine->state != ENGINE_CONNECTED ||
            (header->type != MQTT_PUBACK && header->type != MQTT_SUBACK &&
                    header->type != MQTT_UNSUBACK))
        return MQTT_PROTOCOL_ERROR;
    return take_answer(engine, header->type, body, out);
}

/* The first of the messages that were in flight when the connection before ended. */
static bool tell_lost(struct nj_engine *engine, struct nj_event *out)
{
    struct nj_slot *slot = engine->setup.slots;

    engine->recovering = engine->setup.slot_count > 0 && slot->id != 0;
    if (!engine->recovering)
        return false;
    out->kind = NJ_EVENT_LOST;
    out->id = slot->id;
    out->tag = slot->tag;
    engine_free_slot(engine, slot);
    return true;
}

/* The event before is over: its packet goes, and its message is acknowledged. */
static void finish_event(struct nj_engine *engine, struct writer *out, int64_t now_ms)
{
    if (engine->in_done > 0)
        engine->in_used = engine->in_done = 0;
    if (engine->pending == 0)
        return;
    mqtt_header_encode(out, (enum mqtt_type)engine->pending, 0, 2);
    writer_u16(out, engine->pending_id);
    engine_put(engine, out, now_ms);
    engine->pending = 0;
}

bool nj_engine_next(struct nj_engine *engine, struct nj_event *event, int64_t now_ms)
{
    struct mqtt_header header;
    struct bytes body;

    for (;;) {
        struct writer out = engine_room(engine);

        if (engine->state != ENGINE_CONNECTING && engine->state != ENGINE_CONNECTED) {
            engine->rest = nj_bytes_of(NULL, 0); /* what comes behind the end is nothing */
            return false;
        }
        *event = (struct nj_event){ .kind = NJ_EVENT_ENDED, .reason = engine->fault };
        if (engine->fault != 0) {
            engine->state = ENGINE_ENDED;
            return true;
        }
        if (out.size < ENGINE_ACK_SIZE)
            return false;
        finish_event(engine, &out, now_ms);
        if (engine->recovering && tell_lost(engine, event))
            return true;
        if (!engine_take_packet(engine, &header, &body)) {
            if (engine->fault == 0)
                return false;
        } else if (header.type == MQTT_PINGRESP && engine->state == ENGINE_CONNECTED) {
            engine->ping_ms = -1;
        } else {
            engine->fault = (uint8_t)take(engine, &header, body, event);
            if (engine->fault == 0)
                return true;
        }
    }
}
