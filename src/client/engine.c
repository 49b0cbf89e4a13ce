/* SPDX-License-Identifier: Apache-2.0 */
#include "client/engine_parts.h"

#include "mqtt/auth.h"
#include "mqtt/connack.h"
#include "mqtt/connect.h"
#include "mqtt/disconnect.h"
#include "mqtt/field.h"
#include "mqtt/inflow.h"
#include "mqtt/outflow.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <assert.h>

enum {
    PROPERTIES_MAX = 65535,
    OLDER_REFUSAL = 1, /* the code of CONNACK by which 3.1.1 says that it knows no version so */
};

/*
 * A slot is in a state of mqtt/outflow.h, or in one of these when the server has lost its session:
 * that it has is to be told yet, though connections may come and go until then.
 */
enum slot_state {
    SLOT_LOST = OUT_DONE + 1,
    SLOT_TAKEN, /* lost too, but the server had answered that it takes the message */
};

/* What a packet that came makes of the engine: an event, nothing, or as an enum mqtt_reason a fault
 * that ends the connection. */
enum handled { EVENT = MQTT_SUCCESS, NOTHING_TO_TELL = UINT8_MAX + 1 };

static_assert((int)NJ_MQTT_3_1 == MQTT_3_1, "versions have the same numbers");
static_assert((int)NJ_MQTT_3_1_1 == MQTT_3_1_1, "versions have the same numbers");
static_assert((int)NJ_MQTT_5_0 == MQTT_5_0, "versions have the same numbers");

static enum mqtt_version version_of(const struct nj_engine *engine)
{
    return (enum mqtt_version)engine->setup.version;
}

/* ---- Output ---- */

/* For what the engine says by itself: room for it is seen to before. */
static void put_answer(struct nj_engine *engine, enum mqtt_type type, uint16_t id,
        enum mqtt_reason reason, int64_t now_ms)
{
    struct writer out = engine_room(engine);

    mqtt_puback_brief_encode(&out, type, id, reason, version_of(engine));
    engine_put(engine, &out, now_ms);
}

/*
 * Whether the caller's properties may stand in a packet of ours; those that are the engine's to say
 * may not, nor what only a server says. Of *out then `present` and the fields that it names are
 * good.
 */
static bool read_properties(const struct nj_engine *engine, struct mqtt_properties *out,
        struct nj_bytes given, unsigned packet)
{
    uint64_t foreign = mqtt_property_bit(MQTT_RECEIVE_MAXIMUM) |
            mqtt_property_bit(MQTT_MAXIMUM_PACKET_SIZE) |
            mqtt_property_bit(MQTT_TOPIC_ALIAS_MAXIMUM) | mqtt_property_bit(MQTT_SERVER_REFERENCE);

    out->present = 0;
    if (given.size == 0)
        return true;
    if (packet == MQTT_PUBLISH)
        foreign |= mqtt_property_bit(MQTT_SUBSCRIPTION_IDENTIFIER); /* [MQTT5-3.3.4-6] */
    return version_of(engine) == MQTT_5_0 && given.size <= PROPERTIES_MAX &&
            mqtt_properties_section_read(out, bytes_in(given), packet) == MQTT_SUCCESS &&
            (out->present & foreign) == 0 && mqtt_properties_authentication_valid(out);
}

static bool may_have_properties(
        const struct nj_engine *engine, struct nj_bytes given, enum mqtt_type packet)
{
    struct mqtt_properties properties;

    return read_properties(engine, &properties, given, packet);
}

/* ---- Connecting ---- */

/* Judges a PUBLISH, or a will. */
static enum nj_error check_message(
        const struct nj_engine *engine, const struct nj_message *message, unsigned packet)
{
    struct bytes topic = bytes_in(message->topic);
    struct mqtt_properties properties;
    bool has_alias;

    if (message->qos > 2 || !read_properties(engine, &properties, message->properties, packet))
        return NJ_INVALID;
    has_alias = mqtt_properties_have(&properties, MQTT_TOPIC_ALIAS);
    if (!(has_alias && topic.size == 0) &&
            !(mqtt_topic_name_valid(topic) && mqtt_utf8_valid(topic)))
        return NJ_INVALID;
    if (has_alias && properties.topic_alias > engine->alias_max)
        return NJ_NOT_OFFERED; /* [MQTT5-3.2.2-17] */
    return NJ_OK;
}

static uint32_t packet_size_max(const struct nj_engine_setup *setup)
{
    return setup->in_size < ENGINE_PACKET_MAX ? (uint32_t)setup->in_size : ENGINE_PACKET_MAX;
}

static void fill_connect(const struct nj_engine *engine, const struct nj_connect_options *options,
        struct mqtt_connect *connect)
{
    const struct nj_engine_setup *setup = &engine->setup;

    *connect = (struct mqtt_connect){
        .version = version_of(engine),
        .clean_start = options->clean_start,
        .has_will = options->will != NULL,
        .has_user_name = options->user_name.size > 0,
        .has_password = options->password.size > 0,
        .keepalive_s = options->keep_alive_s,
        .client_id = bytes_in(options->client_id),
        .user_name = bytes_in(options->user_name),
        .password = bytes_in(options->password),
        .properties = {
            .present = mqtt_property_bit(MQTT_RECEIVE_MAXIMUM) |
                    mqtt_property_bit(MQTT_MAXIMUM_PACKET_SIZE) |
                    mqtt_property_bit(MQTT_TOPIC_ALIAS_MAXIMUM),
            .receive_maximum = setup->held_count > 0 ? setup->held_count : 1,
            .maximum_packet_size = packet_size_max(setup),
            .topic_alias_maximum = setup->alias_count,
            .encoded = bytes_in(options->properties),
        },
    };
    if (!options->will)
        return;
    connect->will.topic = bytes_in(options->will->topic);
    connect->will.payload = bytes_in(options->will->payload);
    connect->will.qos = options->will->qos;
    connect->will.retain = options->will->retain;
    connect->will.properties.encoded = bytes_in(options->will->properties);
}

static bool may_connect(const struct nj_engine *engine, const struct nj_connect_options *options,
        struct mqtt_properties *properties)
{
    bool is_v5 = version_of(engine) == MQTT_5_0;

    if (options->will && check_message(engine, options->will, MQTT_WILL) != NJ_OK)
        return false;
    if (!read_properties(engine, properties, options->properties, MQTT_CONNECT) ||
            !mqtt_utf8_valid(bytes_in(options->client_id)) ||
            !mqtt_utf8_valid(bytes_in(options->user_name)))
        return false;
    /* [MQTT311-3.1.3-7], [MQTT311-3.1.2-22] */
    return is_v5 ||
            ((options->client_id.size > 0 || options->clean_start) &&
                    (options->password.size == 0 || options->user_name.size > 0));
}

enum nj_error nj_engine_connect(
        struct nj_engine *engine, const struct nj_connect_options *options, int64_t now_ms)
{
    struct mqtt_connect connect;
    struct writer out;
    enum nj_error error;

    if (!may_connect(engine, options, &connect.properties))
        return NJ_INVALID;
    nj_engine_closed(engine);
    engine->authenticates = mqtt_properties_have(&connect.properties, MQTT_AUTHENTICATION_METHOD);
    fill_connect(engine, options, &connect);
    out = engine_room(engine);
    mqtt_connect_encode(&out, &connect);
    error = engine_put(engine, &out, now_ms);
    if (error != NJ_OK)
        return error;
    engine->state = ENGINE_CONNECTING;
    engine->clean_start = options->clean_start;
    engine->keep_alive_s = options->keep_alive_s;
    engine->ping_ms = now_ms;
    return NJ_OK;
}

static void forget_aliases(struct nj_engine *engine)
{
    for (size_t i = 0; i < engine->setup.alias_count; i++)
        memset(engine->setup.aliases + i * engine->setup.alias_size, 0, 2);
}

static void take_limits(struct nj_engine *engine, const struct mqtt_properties *properties)
{
    engine->quota = engine->setup.slot_count;
    engine->packet_max = ENGINE_PACKET_MAX;
    engine->alias_max = properties->topic_alias_maximum; /* 0 where it is not said */
    engine->maximum_qos = 2;
    engine->retain_available = true;
    if (mqtt_properties_have(properties, MQTT_RECEIVE_MAXIMUM) &&
            properties->receive_maximum < engine->quota)
        engine->quota = properties->receive_maximum;
    if (mqtt_properties_have(properties, MQTT_MAXIMUM_PACKET_SIZE))
        engine->packet_max = properties->maximum_packet_size;
    if (mqtt_properties_have(properties, MQTT_MAXIMUM_QOS))
        engine->maximum_qos = properties->maximum_qos;
    if (mqtt_properties_have(properties, MQTT_RETAIN_AVAILABLE))
        engine->retain_available = properties->retain_available;
    if (mqtt_properties_have(properties, MQTT_SERVER_KEEP_ALIVE))
        engine->keep_alive_s = properties->server_keep_alive_s; /* [MQTT5-3.1.2-21] */
}

static void resume_slots(struct nj_engine *engine, bool session_present)
{
    for (size_t i = 0; i < engine->setup.slot_count; i++) {
        struct nj_slot *slot = &engine->setup.slots[i];

        slot->again = slot->id != 0;
        if (!session_present && slot->state < SLOT_LOST)
            slot->state = slot->state == OUT_WAIT_PUBCOMP ? SLOT_TAKEN : SLOT_LOST;
    }
    engine->recovering = true;
    for (size_t i = 0; i < engine->setup.held_count && !session_present; i++)
        engine->setup.held[i] = 0;
}

static unsigned take_connack(struct nj_engine *engine, struct bytes body, struct nj_event *out)
{
    struct mqtt_connack connack;
    /* A server that does not know our version refuses it in the words of an older one. */
    bool is_older = body.size == 2 && body.data[1] == OLDER_REFUSAL;
    enum mqtt_reason reason =
            mqtt_connack_decode(&connack, body, is_older ? MQTT_3_1_1 : version_of(engine));

    if (reason != MQTT_SUCCESS)
        return reason;
    if (connack.session_present && engine->clean_start)
        return MQTT_PROTOCOL_ERROR; /* [MQTT5-3.2.2-2] */
    out->reason = (uint8_t)connack.reason;
    out->properties = bytes_out(connack.properties.encoded);
    engine->ping_ms = -1;
    if (connack.reason != MQTT_SUCCESS) {
        out->kind = NJ_EVENT_REFUSED;
        engine->state = ENGINE_ENDED;
        return EVENT;
    }
    out->kind = NJ_EVENT_CONNECTED;
    out->session_present = connack.session_present;
    engine->state = ENGINE_CONNECTED;
    take_limits(engine, &connack.properties);
    resume_slots(engine, connack.session_present);
    forget_aliases(engine);
    return EVENT;
}

/* ---- Ids and slots ---- */

static uint16_t *find_held(struct nj_engine *engine, uint16_t id)
{
    return engine_find_id(engine->setup.held, engine->setup.held_count, id);
}

/* ---- Sending messages ---- */

static enum nj_error may_send(const struct nj_engine *engine, const struct nj_message *message)
{
    enum nj_error error;

    if (engine->state != ENGINE_CONNECTED || engine->fault != 0)
        return NJ_NOT_CONNECTED;
    error = check_message(engine, message, MQTT_PUBLISH);
    /* [MQTT5-3.2.2-11], [MQTT5-3.2.2-14] */
    if (error == NJ_OK &&
            (message->qos > engine->maximum_qos || (message->retain && !engine->retain_available) ||
                    (message->qos > 0 && engine->setup.slot_count == 0)))
        return NJ_NOT_OFFERED;
    return error;
}

enum nj_error nj_engine_check(const struct nj_engine *engine, const struct nj_message *message)
{
    return check_message(engine, message, MQTT_PUBLISH) == NJ_INVALID ? NJ_INVALID : NJ_OK;
}

static enum nj_error put_message(struct nj_engine *engine, const struct nj_message *message,
        uint16_t id, bool dup, int64_t now_ms)
{
    const struct mqtt_publish publish = {
        .topic = bytes_in(message->topic),
        .payload = bytes_in(message->payload),
        .packet_id = id,
        .qos = message->qos,
        .dup = dup,
        .retain = message->retain,
        .properties.encoded = bytes_in(message->properties),
    };
    struct writer out = engine_room(engine);

    /* One that is too large by its head alone is for later first, and then too large. */
    if (message->topic.size + message->properties.size + message->payload.size >
            engine->setup.out_size)
        return NJ_TOO_LARGE;
    mqtt_publish_encode(&out, &publish, version_of(engine));
    return engine_put(engine, &out, now_ms);
}

enum nj_error nj_engine_send(struct nj_engine *engine, const struct nj_message *message,
        uint32_t tag, uint16_t *id, int64_t now_ms)
{
    enum nj_error error = may_send(engine, message);
    struct nj_slot *slot = NULL;
    uint16_t new = 0;

    if (error != NJ_OK)
        return error;
    if (message->qos > 0) {
        slot = engine_free_place(engine);
        if (!slot || engine->recovering)
            return NJ_LATER;
        new = engine_new_id(engine);
    }
    error = put_message(engine, message, new, false, now_ms);
    if (error != NJ_OK || !slot)
        return error;
    *slot = (struct nj_slot){
        .tag = tag,
        .id = new,
        .state = message->qos == 1 ? OUT_WAIT_PUBACK : OUT_WAIT_PUBREC,
    };
    *id = new;
    return NJ_OK;
}

enum nj_error nj_engine_send_again(
        struct nj_engine *engine, uint16_t id, const struct nj_message *message, int64_t now_ms)
{
    enum nj_error error = may_send(engine, message);
    struct nj_slot *slot = engine_find_slot(engine, id);

    if (error == NJ_NOT_CONNECTED)
        return error;
    if (!slot || !slot->again || slot->state > OUT_WAIT_PUBREC)
        return NJ_UNKNOWN_ID;
    if (error == NJ_OK && message->qos != (slot->state == OUT_WAIT_PUBACK ? 1 : 2))
        error = NJ_INVALID;
    if (error == NJ_OK)
        error = put_message(engine, message, id, true, now_ms); /* [MQTT5-3.3.1-1] */
    if (error == NJ_OK)
        slot->again = false;
    engine->again_later = error == NJ_LATER;
    return error;
}

enum nj_error nj_engine_give_up(struct nj_engine *engine, uint16_t id)
{
    struct nj_slot *slot = engine_find_slot(engine, id);

    if (!slot || !slot->again || slot->state > OUT_WAIT_PUBREC)
        return NJ_UNKNOWN_ID;
    /* The server may hold the id of a QoS 2 message; its PUBREL frees it, and does no harm else. */
    if (slot->state == OUT_WAIT_PUBREC)
        slot->state = OUT_WAIT_PUBCOMP;
    else
        engine_free_slot(engine, slot);
    return NJ_OK;
}

/* How many are in flight in this connection. */
static size_t flying(const struct nj_engine *engine)
{
    size_t count = 0;

    for (size_t i = 0; i < engine->setup.slot_count; i++)
        count += engine->setup.slots[i].id != 0 && !engine->setup.slots[i].again;
    return count;
}

/* What recover() has done. */
enum recovery { RECOVERY_WAITS, RECOVERY_GOES_ON, RECOVERY_TELLS };

/* Does what is due about the next slot of connections before. */
static enum recovery recover(struct nj_engine *engine, struct nj_event *out, int64_t now_ms)
{
    struct nj_slot *slot = engine->setup.slots;
    size_t left = engine->setup.slot_count;

    for (; left > 0 && !slot->again; left--)
        slot++;
    if (left == 0) {
        engine->recovering = false;
        return RECOVERY_GOES_ON;
    }
    if (slot->state == OUT_WAIT_PUBCOMP) {
        slot->again = false;
        put_answer(engine, MQTT_PUBREL, slot->id, MQTT_SUCCESS, now_ms);
        return RECOVERY_GOES_ON;
    }
    if (slot->state < SLOT_LOST && (engine->again_later || flying(engine) >= engine->quota))
        return RECOVERY_WAITS; /* [MQTT5-3.3.4-7] */
    out->id = slot->id;
    out->tag = slot->tag;
    out->kind = slot->state == SLOT_LOST ? NJ_EVENT_LOST
            : slot->state == SLOT_TAKEN  ? NJ_EVENT_DONE
                                         : NJ_EVENT_SEND_AGAIN;
    if (slot->state >= SLOT_LOST)
        engine_free_slot(engine, slot);
    return RECOVERY_TELLS;
}

/* PUBACK, PUBREC or PUBCOMP. */
static unsigned take_acknowledgement(struct nj_engine *engine, enum mqtt_type type,
        struct bytes body, struct nj_event *out, int64_t now_ms)
{
    struct mqtt_puback puback;
    enum mqtt_reason reason =
            mqtt_puback_decode(&puback, type, body, version_of(engine), MQTT_FROM_SERVER);
    bool refused = reason == MQTT_SUCCESS && puback.reason >= MQTT_UNSPECIFIED_ERROR;
    enum mqtt_outflow_event event = type == MQTT_PUBACK ? GOT_PUBACK
            : type == MQTT_PUBCOMP                      ? GOT_PUBCOMP
            : refused                                   ? GOT_PUBREC_ERROR
                                                        : GOT_PUBREC;
    struct mqtt_outflow_step step;
    struct nj_slot *slot;

    if (reason != MQTT_SUCCESS)
        return reason;
    slot = engine_find_slot(engine, puback.packet_id);
    step = mqtt_outflow_step(slot ? (enum mqtt_outflow_state)slot->state : OUT_DONE, event);
    switch (step.action) {
    case OUT_RELEASE_ID:
        out->kind = NJ_EVENT_DONE;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without a slot it is OUT_DONE */
        out->id = slot->id;
        out->tag = slot->tag;
        if (type != MQTT_PUBCOMP) /* what that says is of the id; the PUBREC has taken it */
            out->reason = (uint8_t)puback.reason;
        out->properties = bytes_out(puback.properties.encoded);
        engine_free_slot(engine, slot);
        return EVENT;
    case OUT_SEND_PUBREL:
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): as above */
        slot->state = (uint8_t)step.next;
        slot->again = false;
        put_answer(engine, MQTT_PUBREL, puback.packet_id, MQTT_SUCCESS, now_ms);
        break;
    case OUT_SEND_PUBREL_NOT_FOUND:
        put_answer(engine, MQTT_PUBREL, puback.packet_id, MQTT_PACKET_ID_NOT_FOUND, now_ms);
        break;
    case OUT_PROTOCOL_ERROR:
        return MQTT_PROTOCOL_ERROR;
    case OUT_RESEND_PUBLISH:
    case OUT_IGNORE:
        break;
    }
    return NOTHING_TO_TELL;
}

/* ---- Messages that come ---- */

/* The topic that an alias stands for, or that it is to stand for from now on. */
static enum mqtt_reason resolve_alias(struct nj_engine *engine, struct mqtt_publish *publish)
{
    uint16_t alias = publish->properties.topic_alias;
    uint8_t *entry;

    if (!mqtt_properties_have(&publish->properties, MQTT_TOPIC_ALIAS))
        return MQTT_SUCCESS;
    if (alias > engine->setup.alias_count)
        return MQTT_TOPIC_ALIAS_INVALID;
    entry = engine->setup.aliases + (size_t)(alias - 1) * engine->setup.alias_size;
    if (publish->topic.size > 0) {
        if (publish->topic.size + 2 > engine->setup.alias_size)
            return MQTT_QUOTA_EXCEEDED;
        entry[0] = (uint8_t)(publish->topic.size >> 8);
        entry[1] = (uint8_t)publish->topic.size;
        memcpy(entry + 2, publish->topic.data, publish->topic.size);
        return MQTT_SUCCESS;
    }
    publish->topic = bytes_of(entry + 2, (size_t)(entry[0] << 8 | entry[1]));
    return publish->topic.size > 0 ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR;
}

/* Whether a QoS 2 message is to be told: it is the first time that it comes. */
static unsigned hold(struct nj_engine *engine, uint16_t id)
{
    uint16_t *place = find_held(engine, id);

    if (mqtt_inflow_step(place ? IN_HELD : IN_FREE, GOT_PUBLISH).action != IN_DELIVER)
        return NOTHING_TO_TELL;
    place = find_held(engine, 0);
    if (!place)
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    *place = id;
    return EVENT;
}

static unsigned take_message(
        struct nj_engine *engine, uint8_t flags, struct bytes body, struct nj_event *out)
{
    struct mqtt_publish publish;
    enum mqtt_reason reason =
            mqtt_publish_decode(&publish, flags, body, version_of(engine), MQTT_FROM_SERVER);
    unsigned handled = EVENT;

    if (reason == MQTT_SUCCESS)
        reason = resolve_alias(engine, &publish);
    if (reason != MQTT_SUCCESS)
        return reason;
    if (publish.qos == 2)
        handled = hold(engine, publish.packet_id);
    if (publish.qos > 0) {
        engine->pending = publish.qos == 1 ? MQTT_PUBACK : MQTT_PUBREC;
        engine->pending_id = publish.packet_id;
    }
    out->kind = NJ_EVENT_MESSAGE;
    out->message = (struct nj_message){
        .topic = bytes_out(publish.topic),
        .payload = bytes_out(publish.payload),
        .properties = bytes_out(publish.properties.encoded),
        .qos = publish.qos,
        .retain = publish.retain,
        .dup = publish.dup,
        .id = publish.packet_id,
    };
    return handled;
}

static unsigned take_release(struct nj_engine *engine, struct bytes body, int64_t now_ms)
{
    struct mqtt_puback pubrel;
    enum mqtt_reason reason =
            mqtt_puback_decode(&pubrel, MQTT_PUBREL, body, version_of(engine), MQTT_FROM_SERVER);
    struct mqtt_inflow_step step;
    uint16_t *place;

    if (reason != MQTT_SUCCESS)
        return reason;
    place = find_held(engine, pubrel.packet_id);
    step = mqtt_inflow_step(place ? IN_HELD : IN_FREE, GOT_PUBREL);
    if (place)
        *place = 0;
    put_answer(engine, MQTT_PUBCOMP, pubrel.packet_id,
            step.action == IN_SEND_PUBCOMP ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND, now_ms);
    return NOTHING_TO_TELL;
}

/* ---- Subscriptions ---- */

/* A SUBSCRIBE or UNSUBSCRIBE: one of the two lists is there. */
struct request {
    enum mqtt_type type;
    const struct nj_subscription *subscriptions;
    const struct nj_bytes *filters;
    size_t count;
    struct nj_bytes properties;
};

static struct mqtt_subscription part_of(const struct request *request, size_t i)
{
    const struct nj_subscription *given;

    if (request->filters)
        return (struct mqtt_subscription){ .filter = bytes_in(request->filters[i]) };
    given = &request->subscriptions[i];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): one of the two is there */
    return (struct mqtt_subscription){ bytes_in(given->filter), given->qos, given->no_local,
        given->retain_as_published, (enum mqtt_retain_handling)given->retain_handling };
}

static bool may_ask_for(const struct nj_engine *engine, const struct mqtt_subscription *part)
{
    return part->qos <= 2 && part->retain_handling <= MQTT_RETAINED_NEVER &&
            mqtt_topic_filter_check(part->filter, version_of(engine)) == MQTT_SUCCESS &&
            mqtt_utf8_valid(part->filter) &&
            /* [MQTT5-3.8.3-4] */
            !(part->no_local && bytes_start_with(part->filter, BYTES("$share/")));
}

static enum nj_error check_request(const struct nj_engine *engine, const struct request *request)
{
    if (request->count == 0 || !may_have_properties(engine, request->properties, request->type))
        return NJ_INVALID;
    for (size_t i = 0; i < request->count; i++) {
        struct mqtt_subscription part = part_of(request, i);

        if (!may_ask_for(engine, &part))
            return NJ_INVALID;
    }
    return NJ_OK;
}

static void write_request(
        struct writer *out, const struct request *request, uint16_t id, enum mqtt_version version)
{
    const struct mqtt_properties properties = { .encoded = bytes_in(request->properties) };
    bool is_v5 = version == MQTT_5_0;
    size_t size = 2 + (is_v5 ? mqtt_properties_size(&properties) : 0);

    for (size_t i = 0; i < request->count; i++)
        size += 2 + part_of(request, i).filter.size + (request->filters ? 0 : 1);
    mqtt_header_encode(out, request->type, 2, size);
    writer_u16(out, id);
    if (is_v5)
        mqtt_properties_write(out, &properties);
    for (size_t i = 0; i < request->count; i++) {
        struct mqtt_subscription part = part_of(request, i);

        if (request->filters)
            mqtt_binary_write(out, part.filter);
        else
            mqtt_subscription_write(out, &part, version);
    }
}

static enum nj_error ask(
        struct nj_engine *engine, const struct request *request, uint16_t *id, int64_t now_ms)
{
    bool connected = engine->state == ENGINE_CONNECTED && engine->fault == 0;
    enum nj_error error = connected ? check_request(engine, request) : NJ_NOT_CONNECTED;
    uint16_t *asked = engine_find_asked(engine, request->filters != NULL, 0);
    struct writer out = engine_room(engine);
    uint16_t new;

    if (error != NJ_OK || !asked)
        return error != NJ_OK ? error : NJ_LATER;
    new = engine_new_id(engine);
    write_request(&out, request, new, version_of(engine));
    error = engine_put(engine, &out, now_ms);
    if (error == NJ_OK)
        *asked = *id = new;
    return error;
}

enum nj_error nj_engine_subscribe(struct nj_engine *engine,
        const struct nj_subscription subscriptions[], size_t count, struct nj_bytes properties,
        uint16_t *id, int64_t now_ms)
{
    const struct request request = { MQTT_SUBSCRIBE, subscriptions, NULL, count, properties };

    return ask(engine, &request, id, now_ms);
}

enum nj_error nj_engine_unsubscribe(struct nj_engine *engine, const struct nj_bytes filters[],
        size_t count, struct nj_bytes properties, uint16_t *id, int64_t now_ms)
{
    const struct request request = { MQTT_UNSUBSCRIBE, NULL, filters, count, properties };

    return ask(engine, &request, id, now_ms);
}

enum nj_error nj_engine_check_subscribe(const struct nj_engine *engine,
        const struct nj_subscription subscriptions[], size_t count, struct nj_bytes properties)
{
    const struct request request = { MQTT_SUBSCRIBE, subscriptions, NULL, count, properties };

    return check_request(engine, &request);
}

enum nj_error nj_engine_check_unsubscribe(const struct nj_engine *engine,
        const struct nj_bytes filters[], size_t count, struct nj_bytes properties)
{
    const struct request request = { MQTT_UNSUBSCRIBE, NULL, filters, count, properties };

    return check_request(engine, &request);
}

/* SUBACK or UNSUBACK. */
static unsigned take_answer(
        struct nj_engine *engine, enum mqtt_type type, struct bytes body, struct nj_event *out)
{
    struct mqtt_suback suback;
    enum mqtt_reason reason = mqtt_suback_decode(&suback, type, body, version_of(engine));
    bool unsubscribes = type == MQTT_UNSUBACK;
    uint16_t *asked;

    if (reason != MQTT_SUCCESS)
        return reason;
    asked = engine_find_asked(engine, unsubscribes, suback.packet_id);
    if (!asked)
        return NOTHING_TO_TELL;
    *asked = 0;
    out->kind = unsubscribes ? NJ_EVENT_UNSUBSCRIBED : NJ_EVENT_SUBSCRIBED;
    out->id = suback.packet_id;
    out->codes = bytes_out(suback.codes);
    out->properties = bytes_out(suback.properties.encoded);
    return EVENT;
}

/* ---- Authentication and the end ---- */

enum nj_error nj_engine_auth(
        struct nj_engine *engine, uint8_t reason, struct nj_bytes properties, int64_t now_ms)
{
    const struct mqtt_auth auth = { (enum mqtt_reason)reason, { .encoded = bytes_in(properties) } };
    struct writer out = engine_room(engine);
    struct mqtt_properties given;
    enum nj_error error;

    if (engine->fault != 0 ||
            (engine->state != ENGINE_CONNECTED && engine->state != ENGINE_CONNECTING))
        return NJ_NOT_CONNECTED;
    if (!read_properties(engine, &given, properties, MQTT_AUTH) ||
            !mqtt_properties_have(&given, MQTT_AUTHENTICATION_METHOD) ||
            !mqtt_reason_allowed(auth.reason, MQTT_AUTH, MQTT_FROM_CLIENT))
        return NJ_INVALID;
    mqtt_auth_encode(&out, &auth);
    error = engine_put(engine, &out, now_ms);
    if (error == NJ_OK && engine->state == ENGINE_CONNECTING)
        engine->ping_ms = now_ms; /* it is the server's turn, which has its time anew */
    return error;
}

static unsigned take_auth(struct nj_engine *engine, struct bytes body, struct nj_event *out)
{
    struct mqtt_auth auth;
    enum mqtt_reason reason = mqtt_auth_decode(&auth, body, MQTT_FROM_SERVER);

    if (!engine->authenticates)
        return MQTT_PROTOCOL_ERROR; /* [MQTT5-4.12.0-6] */

    if (reason != MQTT_SUCCESS)
        return reason;
    out->kind = NJ_EVENT_AUTH;
    out->reason = (uint8_t)auth.reason;
    out->properties = bytes_out(auth.properties.encoded);
    return EVENT;
}

static enum nj_error put_disconnect(struct nj_engine *engine, enum mqtt_reason reason,
        struct nj_bytes properties, int64_t now_ms)
{
    const struct mqtt_disconnect disconnect = { reason, { .encoded = bytes_in(properties) } };
    struct writer out = engine_room(engine);

    mqtt_disconnect_encode(&out, &disconnect, version_of(engine));
    return engine_put(engine, &out, now_ms);
}

enum nj_error nj_engine_disconnect(
        struct nj_engine *engine, uint8_t reason, struct nj_bytes properties, int64_t now_ms)
{
    enum nj_error error;

    if (engine->state != ENGINE_CONNECTED || engine->fault != 0)
        return NJ_NOT_CONNECTED;
    if (!may_have_properties(engine, properties, MQTT_DISCONNECT) ||
            (reason != 0 && version_of(engine) != MQTT_5_0) ||
            !mqtt_reason_allowed((enum mqtt_reason)reason, MQTT_DISCONNECT, MQTT_FROM_CLIENT))
        return NJ_INVALID;
    error = put_disconnect(engine, (enum mqtt_reason)reason, properties, now_ms);
    if (error == NJ_OK)
        engine->state = ENGINE_ENDED;
    return error;
}

static unsigned take_disconnect(struct nj_engine *engine, struct bytes body, struct nj_event *out)
{
    struct mqtt_disconnect disconnect;
    enum mqtt_reason reason =
            mqtt_disconnect_decode(&disconnect, body, version_of(engine), MQTT_FROM_SERVER);

    if (reason != MQTT_SUCCESS)
        return reason;
    out->kind = NJ_EVENT_ENDED;
    out->by_server = true;
    out->reason = (uint8_t)disconnect.reason;
    out->properties = bytes_out(disconnect.properties.encoded);
    engine->state = ENGINE_ENDED;
    return EVENT;
}

/* What has gone wrong ends the connection; the server is told, where its version has a word. */
static void end(struct nj_engine *engine, struct nj_event *out, int64_t now_ms)
{
    enum mqtt_reason reason = (enum mqtt_reason)engine->fault;

    if (engine->state == ENGINE_CONNECTED && version_of(engine) == MQTT_5_0 &&
            mqtt_reason_allowed(reason, MQTT_DISCONNECT, MQTT_FROM_CLIENT))
        put_disconnect(engine, reason, nj_bytes_of(NULL, 0), now_ms);
    out->kind = NJ_EVENT_ENDED;
    out->reason = (uint8_t)reason;
    engine->state = ENGINE_ENDED;
}

/* ---- Input ---- */

static unsigned take_connected(struct nj_engine *engine, const struct mqtt_header *header,
        struct bytes body, struct nj_event *out, int64_t now_ms)
{
    switch (header->type) {
    case MQTT_PUBLISH:
        return take_message(engine, header->flags, body, out);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBCOMP:
        return take_acknowledgement(engine, header->type, body, out, now_ms);
    case MQTT_PUBREL:
        return take_release(engine, body, now_ms);
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return take_answer(engine, header->type, body, out);
    case MQTT_PINGRESP:
        engine->ping_ms = -1;
        return NOTHING_TO_TELL;
    case MQTT_DISCONNECT:
        return take_disconnect(engine, body, out);
    case MQTT_AUTH:
        return take_auth(engine, body, out);
    case MQTT_CONNECT:
    case MQTT_CONNACK:
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
    case MQTT_PINGREQ:
        break;
    }
    return MQTT_PROTOCOL_ERROR;
}

static unsigned handle(struct nj_engine *engine, const struct mqtt_header *header,
        struct bytes body, struct nj_event *out, int64_t now_ms)
{
    if (!mqtt_header_flags_valid(header, version_of(engine)) ||
            (header->type == MQTT_PINGRESP && body.size > 0))
        return MQTT_MALFORMED;
    if (engine->state == ENGINE_CONNECTED)
        return take_connected(engine, header, body, out, now_ms);
    if (header->type == MQTT_CONNACK)
        return take_connack(engine, body, out);
    if (header->type == MQTT_AUTH)
        return take_auth(engine, body, out);
    return MQTT_PROTOCOL_ERROR; /* [MQTT5-3.2.0-1] */
}

/* The event before is over: its packet goes, and its message is acknowledged. */
static void finish_event(struct nj_engine *engine, int64_t now_ms)
{
    if (engine->in_done > 0)
        engine->in_used = engine->in_done = 0;
    if (engine->pending == 0)
        return;
    put_answer(engine, (enum mqtt_type)engine->pending, engine->pending_id, MQTT_SUCCESS, now_ms);
    engine->pending = 0;
}

static bool has_room(struct nj_engine *engine)
{
    return engine_room(engine).size >= ENGINE_ACK_SIZE;
}

/* One step; each may answer once. */
enum step { STEP_NONE, STEP_DONE, STEP_EVENT };

static enum step step(struct nj_engine *engine, struct nj_event *event, int64_t now_ms)
{
    struct mqtt_header header;
    struct bytes body;
    unsigned handled;

    if (engine->fault != 0) {
        end(engine, event, now_ms);
        return STEP_EVENT;
    }
    if (!has_room(engine))
        return STEP_NONE;
    if (engine->in_done > 0 || engine->pending != 0) {
        finish_event(engine, now_ms);
        return STEP_DONE;
    }
    if (engine->recovering) {
        enum recovery recovery = recover(engine, event, now_ms);

        if (recovery != RECOVERY_WAITS)
            return recovery == RECOVERY_TELLS ? STEP_EVENT : STEP_DONE;
    }
    if (!engine_take_packet(engine, &header, &body))
        return engine->fault != 0 ? STEP_DONE : STEP_NONE;
    handled = handle(engine, &header, body, event, now_ms);
    if (handled == EVENT)
        return STEP_EVENT;
    if (handled != NOTHING_TO_TELL)
        engine->fault = (uint8_t)handled;
    return STEP_DONE;
}

bool nj_engine_next(struct nj_engine *engine, struct nj_event *event, int64_t now_ms)
{
    enum step done = STEP_DONE;

    while (done == STEP_DONE) {
        if (engine->state != ENGINE_CONNECTING && engine->state != ENGINE_CONNECTED) {
            engine->rest = nj_bytes_of(NULL, 0); /* what comes behind the end is nothing */
            return false;
        }
        *event = (struct nj_event){ .kind = NJ_EVENT_ENDED };
        done = step(engine, event, now_ms);
    }
    return done == STEP_EVENT;
}

/* ---- Time ---- */
