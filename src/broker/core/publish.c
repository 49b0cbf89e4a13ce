/* SPDX-License-Identifier: Apache-2.0 */
/* What a client publishes, and how it acknowledges what we publish. */
#include "broker/core/author.h"
#include "broker/core/connection.h"
#include "broker/core/durable.h"
#include "broker/core/group.h"
#include "broker/core/launch.h"
#include "broker/core/mount.h"
#include "broker/core/offer.h"
#include "broker/core/receive.h"
#include "broker/core/reserved.h"
#include "broker/core/rights.h"
#include "broker/core/route.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/stored.h"
#include "broker/core/will.h"
#include "mqtt/inflow.h"
#include "mqtt/outflow.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

#include <assert.h>

/* ---- PUBLISH ---- */

static uint32_t withheld_pubacks(const struct connection *connection)
{
    uint32_t withheld = connection_withheld(connection);
    uint32_t count = 0;

    for (uint32_t i = 0; i < withheld; i++)
        count += connection->extras->withheld.entries[i].type == MQTT_PUBACK;
    return count;
}

/* What ends the connection, though the packet itself is well formed. */
static enum mqtt_reason check_promises(const struct core *core, const struct connection *connection,
        const struct mqtt_publish *publish)
{
    uint16_t receive_max = core->settings->receive_max;

    if (publish->qos > connection->listener->max_qos)
        return MQTT_QOS_NOT_SUPPORTED; /* [U5-3.2.2.3.4-2] */
    if (publish->retain && !core->settings->retain_available)
        return MQTT_RETAIN_NOT_SUPPORTED; /* [U5-3.2.2.3.5-1] */
    /* QoS 2 stays open until PUBREL, QoS 1 only while its PUBACK is withheld [U5-3.3.4-5]. What an
     * earlier connection has left open is not of this one's quota [U5-4.9-1]. */
    if (publish->qos > 0 && connection->version == MQTT_5_0 && receive_max > 0 &&
            packet_ids_count_new(&connection->session->incoming) + withheld_pubacks(connection) >=
                    receive_max &&
            !packet_ids_have(&connection->session->incoming, publish->packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    return MQTT_SUCCESS;
}

/* Puts the topic in the place of its alias, and learns new aliases [U5-3.3.2.3.4-1]. */
static enum mqtt_reason resolve_alias(
        struct core *core, struct connection *connection, struct mqtt_publish *publish)
{
    struct extras *extras;
    uint16_t alias = publish->properties.topic_alias;

    if (!mqtt_properties_have(&publish->properties, MQTT_TOPIC_ALIAS))
        return MQTT_SUCCESS;
    if (alias > connection->aliases_in_max)
        return MQTT_TOPIC_ALIAS_INVALID; /* [U5-3.3.4-1] */
    extras = extras_of(core, connection);
    if (!extras)
        return MQTT_QUOTA_EXCEEDED;
    extras->aliases_in.max = connection->aliases_in_max;
    if (publish->topic.size > 0)
        return aliases_in_set(&extras->aliases_in, &core->memory, alias, publish->topic)
                ? MQTT_SUCCESS
                : MQTT_QUOTA_EXCEEDED;
    publish->topic = aliases_in_find(&extras->aliases_in, alias);
    return publish->topic.size > 0 ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR; /* [U5-3.3.4-2] */
}

struct refusal {
    enum mqtt_reason reason;
    const char *limit; /* what it broke, for the log */
};

/* The topic becomes the full name, which alone counts from here on. */
static struct refusal mount(
        struct core *core, const struct connection *connection, struct mqtt_publish *publish)
{
    enum mqtt_reason reason;

    if (topic_reserved(publish->topic)) /* Which its full name might hide. */
        return (struct refusal){ MQTT_NOT_AUTHORIZED, "topics beginning with $" };
    reason = mount_topic(core, connection->listener, &publish->topic);
    return (struct refusal){ reason, reason == MQTT_QUOTA_EXCEEDED ? "memory" : "mount_point" };
}

static bool may_publish(const struct core *core, const struct connection *connection,
        const struct mqtt_publish *publish)
{
    const struct access_request wish = { .action = ACCESS_PUBLISH,
        .client_id = session_id(connection->session),
        .topic = publish->topic,
        .qos = publish->qos,
        .retain = publish->retain };

    return connection_may(core, connection, wish);
}

/* Who would be told by 3.x that all is well is told nothing, and disconnected. */
static struct refusal not_stored(const struct core *core, const struct connection *connection)
{
    bool is_told = connection->version == MQTT_5_0 && core->durable.health != STORAGE_DEAD;

    return (struct refusal){ is_told ? MQTT_QUOTA_EXCEEDED : MQTT_IMPLEMENTATION_ERROR,
        durable_lack(core) };
}

/* To remove a retained message makes room. */
static bool may_retain(const struct core *core, const struct mqtt_publish *publish)
{
    return publish->payload.size == 0 ? durable_works(core) : durable_is_well(core);
}

/* What makes the server refuse this message alone; the connection goes on. */
static struct refusal judge(
        struct core *core, const struct connection *connection, struct mqtt_publish *publish)
{
    const struct core_settings *settings = core->settings;
    const char *limit;

    if (is_mounted(connection->listener)) {
        struct refusal refusal = mount(core, connection, publish);

        if (refusal.reason != MQTT_SUCCESS)
            return refusal;
    }
    /* Clients do not talk through the server's own topics [U5-4.7.2-1]. */
    if (topic_reserved(publish->topic))
        return (struct refusal){ MQTT_NOT_AUTHORIZED, "topics beginning with $" };
    limit = settings_topic_limit(settings, publish->topic);
    if (limit)
        return (struct refusal){ MQTT_TOPIC_NAME_INVALID, limit };
    if (settings->message_size_limit > 0 && publish->payload.size > settings->message_size_limit)
        return (struct refusal){ MQTT_QUOTA_EXCEEDED, "message_size_limit" };
    if (publish->properties.user_property_count > settings->user_properties_max)
        return (struct refusal){ MQTT_QUOTA_EXCEEDED, "user_properties_max" };
    if (settings->strict_text && !mqtt_utf8_strict(publish->topic))
        return (struct refusal){ MQTT_TOPIC_NAME_INVALID, "strict_text" };
    if (publish->properties.payload_format_indicator == 1 && !mqtt_utf8_valid(publish->payload))
        return (struct refusal){ MQTT_PAYLOAD_FORMAT_INVALID, "Payload Format Indicator" };
    if (!may_publish(core, connection, publish))
        return (struct refusal){ MQTT_NOT_AUTHORIZED, "access rights" };
    if (publish->retain && !may_retain(core, publish))
        return not_stored(core, connection);
    return (struct refusal){ MQTT_SUCCESS, NULL };
}

static int64_t expiry(const struct core *core, const struct mqtt_publish *publish)
{
    if (!mqtt_properties_have(&publish->properties, MQTT_MESSAGE_EXPIRY_INTERVAL))
        return INT64_MAX;
    return core->now_ms + (int64_t)publish->properties.message_expiry_s * 1000;
}

static void tell_refused(struct core *core, const struct connection *connection,
        const struct mqtt_publish *publish, const struct refusal *refusal)
{
    journal_tell(&core->journal, EVENT_WARN, "publish.refused",
            field_bytes("id", session_id(connection->session)),
            field_bytes("topic", publish->topic),
            field_text("reason", mqtt_reason_name(refusal->reason)),
            field_text("limit", refusal->limit));
}

/* What is left of the memory is for answers. One that clears a retained message gives some back. */
static bool is_too_much(const struct core *core, const struct mqtt_publish *publish)
{
    return core->is_full && *core->is_full && publish->payload.size > 0;
}

/* Routes it; the reason is for the publisher. MQTT_IMPLEMENTATION_ERROR: it went to nobody, for
 * want of memory. */
static struct refusal take(
        struct core *core, struct connection *connection, const struct mqtt_publish *publish)
{
    const struct target publisher = session_target(core, connection->session);
    struct author author;
    struct message_parts parts = { .topic = publish->topic,
        .properties = connection->version == MQTT_5_0 ? &publish->properties : NULL,
        .payload = publish->payload,
        .qos = publish->qos,
        .retain = publish->retain,
        .expiry_s = publish->properties.message_expiry_s,
        .expires_ms = expiry(core, publish) };
    bool waits = publish->qos > 0 && core->settings->queue_full_policy == QUEUE_BACKPRESSURE;
    struct routed routed = { .no_memory = true };

    if (publish->retain && publish->payload.size > 0)
        parts.author = rights_author(core, connection, session_id(connection->session), &author);
    if (!is_too_much(core, publish) && (!waits || connection_withhold(core, connection)))
        routed = route_publish(core, &parts, &publisher, waits ? connection : NULL);
    if (routed.no_memory)
        return (struct refusal){ MQTT_IMPLEMENTATION_ERROR, "memory" };
    if (routed.not_stored)
        return not_stored(core, connection);
    if (routed.retained_full)
        return (struct refusal){ MQTT_QUOTA_EXCEEDED, "retained_max" };
    if (routed.matched == 0)
        return (struct refusal){ MQTT_NO_MATCHING_SUBSCRIBERS, NULL };
    if (routed.refused == routed.matched && publish->qos > 0)
        return (struct refusal){ MQTT_QUOTA_EXCEEDED, "the queue of every receiver" };
    return (struct refusal){ MQTT_SUCCESS, NULL };
}

static enum mqtt_reason take_and_tell(
        struct core *core, struct connection *connection, const struct mqtt_publish *publish)
{
    struct refusal refusal = take(core, connection, publish);

    if (refusal.reason >= MQTT_UNSPECIFIED_ERROR)
        tell_refused(core, connection, publish, &refusal);
    return refusal.reason;
}

/* The acknowledgement goes now, or behind those that are withheld. */
static void acknowledge(struct core *core, struct connection *connection,
        const struct mqtt_publish *publish, enum mqtt_reason reason)
{
    enum mqtt_type type = publish->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC;
    struct acknowledgement *last = connection_withheld_last(connection);

    if (!last) {
        connection_acknowledge(core, connection, type, publish->packet_id, reason);
        return;
    }
    if (last->packet_id > 0)
        last = connection_withhold(core, connection);
    if (!last) {
        connection_fail(core, connection, MQTT_IMPLEMENTATION_ERROR, "no memory to acknowledge");
        return;
    }
    last->packet_id = publish->packet_id;
    last->type = (uint8_t)type;
    last->reason = (uint8_t)reason;
    connection_release(core, connection);
}

/* Only 5.0 can be told; for the others a refused message takes its normal course, undelivered. */
static bool refusal_is_told(const struct connection *connection, enum mqtt_reason reason)
{
    return reason >= MQTT_UNSPECIFIED_ERROR && connection->version == MQTT_5_0;
}

/* Lost for want of memory, and its publisher cannot be told: it is disconnected, and sends again
 * [MQTT311-4.8.0-2]. */
static bool must_end(const struct connection *connection, enum mqtt_reason reason)
{
    return reason == MQTT_IMPLEMENTATION_ERROR && connection->version != MQTT_5_0;
}

/* What an answer says must be in the store before it goes out. False when memory is short. */
static bool bind_if_written(struct core *core, struct connection *connection)
{
    return !core->durable.written || durable_bind(core, connection->session);
}

static void end_for_memory(struct core *core, struct connection *connection)
{
    connection_fail(core, connection, MQTT_IMPLEMENTATION_ERROR, "no memory for its message");
}

/* ---- What the store knows of QoS 2 packet ids that came in ---- */

/* False when memory is short. */
static bool store_incoming(struct core *core, const struct session *session, uint16_t packet_id)
{
    uint8_t key[STORED_PACKET_KEY_SIZE];

    if (!session->lasting)
        return true;
    stored_packet_key(key, session->lasting->queue, packet_id);
    core->durable.written = true;
    return records_set(
            durable_batch(core), STORED_INCOMING, bytes_of(key, sizeof(key)), (struct bytes){ 0 });
}

static bool forget_incoming(struct core *core, const struct session *session, uint16_t packet_id)
{
    uint8_t key[STORED_PACKET_KEY_SIZE];

    if (!session->lasting)
        return true;
    stored_packet_key(key, session->lasting->queue, packet_id);
    core->durable.written = true;
    return records_remove(durable_batch(core), STORED_INCOMING, bytes_of(key, sizeof(key)));
}

static void publish_exactly_once(struct core *core, struct connection *connection,
        const struct mqtt_publish *publish, const struct refusal *refusal)
{
    struct packet_ids *ids = &connection->session->incoming;
    bool held = packet_ids_have(ids, publish->packet_id);
    enum mqtt_reason reason = refusal->reason;
    struct mqtt_inflow_step step;

    if (!held && reason == MQTT_SUCCESS && connection->session->lasting && !durable_is_well(core))
        reason = not_stored(core, connection).reason;
    if (!held && !packet_ids_add(ids, &core->memory, publish->packet_id)) {
        end_for_memory(core, connection);
        return;
    }
    if (!held && !store_incoming(core, connection->session, publish->packet_id)) {
        packet_ids_remove(ids, &core->memory, publish->packet_id);
        end_for_memory(core, connection);
        return;
    }
    if (!held && reason == MQTT_SUCCESS)
        reason = take_and_tell(core, connection, publish);
    step = mqtt_inflow_step(held ? IN_HELD : IN_FREE,
            refusal_is_told(connection, reason) ? GOT_PUBLISH_REFUSED : GOT_PUBLISH);
    if (step.next == IN_FREE || must_end(connection, reason)) {
        packet_ids_remove(ids, &core->memory, publish->packet_id);
        forget_incoming(core, connection->session, publish->packet_id);
    }
    if (!bind_if_written(core, connection))
        return;
    /* A repeat of what is held is only acknowledged again. */
    if (must_end(connection, reason))
        end_for_memory(core, connection);
    else
        acknowledge(core, connection, publish, held ? MQTT_SUCCESS : reason);
}

static void publish_at_least_once(struct core *core, struct connection *connection,
        const struct mqtt_publish *publish, const struct refusal *refusal)
{
    enum mqtt_reason reason = refusal->reason;

    if (reason == MQTT_SUCCESS)
        reason = take_and_tell(core, connection, publish);
    if (!bind_if_written(core, connection))
        return;
    if (must_end(connection, reason))
        end_for_memory(core, connection);
    else
        acknowledge(core, connection, publish, reason);
}

static void publish_accepted(
        struct core *core, struct connection *connection, struct mqtt_publish *publish)
{
    struct refusal refusal = judge(core, connection, publish);
    enum mqtt_reason reason = refusal.reason;

    if (reason != MQTT_SUCCESS)
        tell_refused(core, connection, publish, &refusal);
    core->durable.written = false;
    connection->publishes |= publish->qos > 0;
    if (publish->qos == 2)
        publish_exactly_once(core, connection, publish, &refusal);
    else if (publish->qos == 1)
        publish_at_least_once(core, connection, publish, &refusal);
    else if (reason == MQTT_SUCCESS)
        take_and_tell(core, connection, publish);
}

enum handled receive_publish(
        struct core *core, struct connection *connection, uint8_t flags, struct bytes body)
{
    struct mqtt_publish publish;
    enum mqtt_reason reason;

    if (!list_empty(&core->due_wills))
        wills_publish(core); /* They came before it, and leave room for it or none. */
    if (!core_takes_publish(core)) {
        if (!list_linked(&connection->ready))
            list_append(&core->stalled, &connection->ready);
        return HANDLE_LATER;
    }
    reason = mqtt_publish_decode(
            &publish, flags, body, (enum mqtt_version)connection->version, MQTT_FROM_CLIENT);
    if (reason == MQTT_SUCCESS) {
        counter_add(&core->counters.publish_received, 1);
        counter_add(&core->counters.publish_bytes_received, publish.payload.size);
        reason = check_promises(core, connection, &publish);
    }
    if (reason == MQTT_SUCCESS)
        reason = resolve_alias(core, connection, &publish);
    if (reason == MQTT_SUCCESS)
        publish_accepted(core, connection, &publish);
    else
        connection_fail_packet(core, connection, MQTT_PUBLISH, reason);
    return HANDLED;
}

/* ---- The client's acknowledgements ---- */

static enum mqtt_outflow_event event_of(enum mqtt_type type, enum mqtt_reason reason)
{
    if (type == MQTT_PUBACK)
        return GOT_PUBACK;
    if (type == MQTT_PUBCOMP)
        return GOT_PUBCOMP;
    return reason >= MQTT_UNSPECIFIED_ERROR ? GOT_PUBREC_ERROR : GOT_PUBREC;
}

static void let_go_of_payload(
        struct core *core, struct outgoing *outgoing, struct delivery *delivery)
{
    if (!delivery->message)
        return;
    outgoing->flight_bytes -= delivery->message->payload_size;
    core_unref(core, delivery->message);
    delivery->message = NULL;
}

/* ---- What the store knows of QoS 2 messages that go out ---- */

/* The client has it: the message is not needed any more, its packet id is. False when memory is
 * short. */
static bool store_release(
        struct core *core, const struct session *session, const struct delivery *delivery)
{
    uint8_t key[STORED_PACKET_KEY_SIZE];
    uint8_t value[STORED_NUMBER_SIZE];

    if (delivery->flags & DELIVERY_SHARED &&
            durable_done(core, delivery->extra.hand->queue, delivery->message))
        delivery->extra.hand->queue = 0; /* Its group need not say so again. */
    if (!session->lasting)
        return true;
    stored_packet_key(key, session->lasting->queue, outgoing_packet_id(delivery));
    stored_number_write(value, delivery->sequence);
    return records_set(durable_batch(core), STORED_RELEASES, bytes_of(key, sizeof(key)),
                   bytes_of(value, sizeof(value))) &&
            (delivery->flags & DELIVERY_SHARED ||
                    durable_done(core, session->lasting->queue, delivery->message));
}

/* Nobody waits for that: a PUBREL too many does no harm. */
static void forget_release(
        struct core *core, const struct session *session, const struct delivery *delivery)
{
    uint8_t key[STORED_PACKET_KEY_SIZE];

    if (!session->lasting)
        return;
    stored_packet_key(key, session->lasting->queue, outgoing_packet_id(delivery));
    if (records_remove(durable_batch(core), STORED_RELEASES, bytes_of(key, sizeof(key))))
        durable_lazy(core);
}

static void release(struct core *core, struct connection *connection, struct delivery *delivery,
        uint16_t packet_id)
{
    struct session *session = connection->session;

    if (delivery->message &&
            (!store_release(core, session, delivery) ||
                    (session->lasting && !durable_bind(core, session)))) {
        connection_condemn_for_memory(core, connection);
        return;
    }
    delivery->state = OUT_WAIT_PUBCOMP;
    let_go_of_payload(core, &session->receiver->outgoing, delivery);
    connection_acknowledge(core, connection, MQTT_PUBREL, packet_id, MQTT_SUCCESS);
}

static void finish(struct core *core, struct session *session, struct delivery *delivery,
        enum mqtt_reason reason)
{
    bool refused = reason >= MQTT_UNSPECIFIED_ERROR && reason != MQTT_PACKET_ID_NOT_FOUND;

    if (!delivery->message)
        forget_release(core, session, delivery);
    else
        session->receiver->outgoing.flight_bytes -= delivery->message->payload_size;
    launch_over(session, delivery); /* A client may acknowledge what it has not been sent. */
    delivery_end(core, session, delivery, refused ? FATE_DROPPED + DROP_REFUSED : FATE_DELIVERED);
    outgoing_done(&session->receiver->outgoing, &core->memory, delivery);
    /* The place in the window is for what waits: messages, retained ones, publishers. */
    if (session->receiver->outgoing.queue.count > 0 || session->receiver->outgoing.unresent > 0 ||
            !list_empty(&session->receiver->retained_reads) ||
            !list_empty(&session->receiver->waiters))
        connection_has_output(core, session->connection);
}

/* PUBACK, PUBREC, PUBCOMP: what the sender's state table says. */
static void receive_outflow(struct core *core, struct connection *connection, enum mqtt_type type,
        const struct mqtt_puback *packet)
{
    struct session *session = connection->session;
    struct delivery *delivery = outgoing_find(&session->receiver->outgoing, packet->packet_id);
    struct mqtt_outflow_step step =
            mqtt_outflow_step(delivery ? (enum mqtt_outflow_state)delivery->state : OUT_DONE,
                    event_of(type, packet->reason));

    connection->acknowledged = true;
    if (delivery)
        core->solicited++;
    switch (step.action) {
    case OUT_RELEASE_ID:
        assert(delivery); /* Neither this nor the next comes of OUT_DONE. */
        finish(core, session, delivery, packet->reason);
        return;
    case OUT_SEND_PUBREL:
        assert(delivery);
        release(core, connection, delivery, packet->packet_id);
        return;
    case OUT_SEND_PUBREL_NOT_FOUND:
        connection_acknowledge(
                core, connection, MQTT_PUBREL, packet->packet_id, MQTT_PACKET_ID_NOT_FOUND);
        return;
    case OUT_PROTOCOL_ERROR:
        connection_fail(core, connection, MQTT_PROTOCOL_ERROR,
                "the acknowledgement is of another QoS than the message");
        return;
    case OUT_RESEND_PUBLISH: /* only at a resume */
    case OUT_IGNORE:
        return;
    }
}

static void receive_pubrel(
        struct core *core, struct connection *connection, const struct mqtt_puback *packet)
{
    struct session *session = connection->session;
    struct packet_ids *held = &session->incoming;
    struct mqtt_inflow_step step = mqtt_inflow_step(
            packet_ids_have(held, packet->packet_id) ? IN_HELD : IN_FREE, GOT_PUBREL);

    if (step.action == IN_SEND_PUBCOMP && session->lasting &&
            (!forget_incoming(core, session, packet->packet_id) || !durable_bind(core, session))) {
        connection_condemn_for_memory(core, connection);
        return;
    }
    packet_ids_remove(held, &core->memory, packet->packet_id);
    connection_acknowledge(core, connection, MQTT_PUBCOMP, packet->packet_id,
            step.action == IN_SEND_PUBCOMP ? MQTT_SUCCESS : MQTT_PACKET_ID_NOT_FOUND);
}

void receive_acknowledgement(
        struct core *core, struct connection *connection, enum mqtt_type type, struct bytes body)
{
    struct mqtt_puback packet;
    enum mqtt_reason reason = mqtt_puback_decode(
            &packet, type, body, (enum mqtt_version)connection->version, MQTT_FROM_CLIENT);

    if (reason != MQTT_SUCCESS)
        connection_fail_packet(core, connection, type, reason);
    else if (type == MQTT_PUBREL)
        receive_pubrel(core, connection, &packet);
    else
        receive_outflow(core, connection, type, &packet);
}
