/* SPDX-License-Identifier: Apache-2.0 */
/* What a client publishes, and how it acknowledges what we publish. */
#include "broker/core/connection.h"
#include "broker/core/offer.h"
#include "broker/core/receive.h"
#include "broker/core/reserved.h"
#include "broker/core/route.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/inflow.h"
#include "mqtt/outflow.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

/* ---- PUBLISH ---- */

static uint32_t withheld_pubacks(const struct connection *connection)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < connection->withheld.count; i++)
        count += connection->withheld.entries[i].type == MQTT_PUBACK;
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
    /* QoS 2 stays open until PUBREL, QoS 1 only while its PUBACK is withheld [U5-3.3.4-5]. */
    if (publish->qos > 0 && connection->version == MQTT_5_0 && receive_max > 0 &&
            connection->session->incoming.count + withheld_pubacks(connection) >= receive_max &&
            !packet_ids_have(&connection->session->incoming, publish->packet_id))
        return MQTT_RECEIVE_MAXIMUM_EXCEEDED;
    return MQTT_SUCCESS;
}

/* Puts the topic in the place of its alias, and learns new aliases [U5-3.3.2.3.4-1]. */
static enum mqtt_reason resolve_alias(
        struct core *core, struct connection *connection, struct mqtt_publish *publish)
{
    struct aliases_in *aliases = &connection->aliases_in;
    uint16_t alias = publish->properties.topic_alias;

    if (!mqtt_properties_have(&publish->properties, MQTT_TOPIC_ALIAS))
        return MQTT_SUCCESS;
    if (alias > aliases->max)
        return MQTT_TOPIC_ALIAS_INVALID; /* [U5-3.3.4-1] */
    if (publish->topic.size > 0)
        return aliases_in_set(aliases, &core->memory, alias, publish->topic) ? MQTT_SUCCESS
                                                                             : MQTT_QUOTA_EXCEEDED;
    publish->topic = aliases_in_find(aliases, alias);
    return publish->topic.size > 0 ? MQTT_SUCCESS : MQTT_PROTOCOL_ERROR; /* [U5-3.3.4-2] */
}

struct refusal {
    enum mqtt_reason reason;
    const char *limit; /* what it broke, for the log */
};

/* What makes the server refuse this message alone; the connection goes on. */
static struct refusal judge(const struct core *core, const struct connection *connection,
        const struct mqtt_publish *publish)
{
    const struct core_settings *settings = core->settings;
    const struct access_request wish = { .action = ACCESS_PUBLISH,
        .client_id = session_id(connection->session),
        .topic = publish->topic,
        .qos = publish->qos,
        .retain = publish->retain };

    /* Clients do not talk through the server's own topics [U5-4.7.2-1]. */
    if (topic_reserved(publish->topic))
        return (struct refusal){ MQTT_NOT_AUTHORIZED, "topics beginning with $" };
    if (publish->topic.size > settings->topic_levels_max &&
            mqtt_topic_levels(publish->topic) > settings->topic_levels_max)
        return (struct refusal){ MQTT_TOPIC_NAME_INVALID, "topic_levels_max" };
    if (settings->message_size_limit > 0 && publish->payload.size > settings->message_size_limit)
        return (struct refusal){ MQTT_QUOTA_EXCEEDED, "message_size_limit" };
    if (publish->properties.user_property_count > settings->user_properties_max)
        return (struct refusal){ MQTT_QUOTA_EXCEEDED, "user_properties_max" };
    if (settings->strict_text && !mqtt_utf8_strict(publish->topic))
        return (struct refusal){ MQTT_TOPIC_NAME_INVALID, "strict_text" };
    if (publish->properties.payload_format_indicator == 1 && !mqtt_utf8_valid(publish->payload))
        return (struct refusal){ MQTT_PAYLOAD_FORMAT_INVALID, "Payload Format Indicator" };
    if (!connection_may(core, connection, wish))
        return (struct refusal){ MQTT_NOT_AUTHORIZED, "access rights" };
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

/* Routes it; the reason is for the publisher. MQTT_IMPLEMENTATION_ERROR: it went to nobody, for
 * want of memory. */
static struct refusal take(
        struct core *core, struct connection *connection, const struct mqtt_publish *publish)
{
    const struct target publisher = session_target(core, connection->session);
    const struct message_parts parts = { .topic = publish->topic,
        .properties = connection->version == MQTT_5_0 ? &publish->properties : NULL,
        .payload = publish->payload,
        .qos = publish->qos,
        .retain = publish->retain,
        .expires_ms = expiry(core, publish) };
    bool waits = publish->qos > 0 && core->settings->queue_full_policy == QUEUE_BACKPRESSURE;
    struct routed routed = { .no_memory = true };

    if (!waits || withheld_add(&connection->withheld, &core->memory))
        routed = route_publish(core, &parts, &publisher, waits ? connection : NULL);
    if (routed.no_memory)
        return (struct refusal){ MQTT_IMPLEMENTATION_ERROR, "memory" };
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
    struct acknowledgement *last = withheld_last(&connection->withheld);

    if (!last) {
        connection_acknowledge(core, connection, type, publish->packet_id, reason);
        return;
    }
    if (last->packet_id > 0 && !withheld_add(&connection->withheld, &core->memory)) {
        connection_fail(core, connection, MQTT_IMPLEMENTATION_ERROR, "no memory to acknowledge");
        return;
    }
    last = withheld_last(&connection->withheld);
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

static void end_for_memory(struct core *core, struct connection *connection)
{
    connection_fail(core, connection, MQTT_IMPLEMENTATION_ERROR, "no memory for its message");
}

static void publish_exactly_once(struct core *core, struct connection *connection,
        const struct mqtt_publish *publish, const struct refusal *refusal)
{
    struct packet_ids *ids = &connection->session->incoming;
    bool held = packet_ids_have(ids, publish->packet_id);
    enum mqtt_reason reason = refusal->reason;
    struct mqtt_inflow_step step;

    if (!held && !packet_ids_add(ids, &core->memory, publish->packet_id)) {
        end_for_memory(core, connection);
        return;
    }
    if (!held && reason == MQTT_SUCCESS)
        reason = take_and_tell(core, connection, publish);
    step = mqtt_inflow_step(held ? IN_HELD : IN_FREE,
            refusal_is_told(connection, reason) ? GOT_PUBLISH_REFUSED : GOT_PUBLISH);
    if (step.next == IN_FREE || must_end(connection, reason))
        packet_ids_remove(ids, &core->memory, publish->packet_id);
    /* A repeat of what is held is only acknowledged again. */
    if (must_end(connection, reason))
        end_for_memory(core, connection);
    else
        acknowledge(core, connection, publish, held ? MQTT_SUCCESS : reason);
}

static void publish_accepted(
        struct core *core, struct connection *connection, const struct mqtt_publish *publish)
{
    struct refusal refusal = judge(core, connection, publish);
    enum mqtt_reason reason = refusal.reason;

    if (reason != MQTT_SUCCESS)
        tell_refused(core, connection, publish, &refusal);
    if (publish->qos == 2) {
        connection->publishes = true;
        publish_exactly_once(core, connection, publish, &refusal);
        return;
    }
    if (reason == MQTT_SUCCESS)
        reason = take_and_tell(core, connection, publish);
    if (publish->qos == 0)
        return;
    connection->publishes = true;
    if (must_end(connection, reason))
        end_for_memory(core, connection);
    else
        acknowledge(core, connection, publish, reason);
}

enum handled receive_publish(
        struct core *core, struct connection *connection, uint8_t flags, struct bytes body)
{
    struct mqtt_publish publish;
    enum mqtt_reason reason;

    wills_publish(core); /* One that is due came before it, and leaves room for it or none. */
    if (!core_has_room(core)) {
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
        connection_fail(core, connection, reason, mqtt_reason_text(reason));
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

static void finish(struct core *core, struct session *session, struct delivery *delivery,
        enum mqtt_reason reason)
{
    bool refused = reason >= MQTT_UNSPECIFIED_ERROR && reason != MQTT_PACKET_ID_NOT_FOUND;

    let_go_of_payload(core, &session->outgoing, delivery);
    delivery_end(core, session, delivery, refused ? FATE_DROPPED + DROP_REFUSED : FATE_DELIVERED);
    outgoing_done(&session->outgoing, &core->memory, delivery);
    /* The place in the window is for what waits: messages, retained ones, publishers. */
    if (session->outgoing.queue.count > 0 || session->outgoing.unresent > 0 ||
            !list_empty(&session->retained_reads) || !list_empty(&session->waiters))
        connection_has_output(core, session->connection);
}

/* PUBACK, PUBREC, PUBCOMP: what the sender's state table says. */
static void receive_outflow(struct core *core, struct connection *connection, enum mqtt_type type,
        const struct mqtt_puback *packet)
{
    struct session *session = connection->session;
    struct delivery *delivery = outgoing_find(&session->outgoing, packet->packet_id);
    struct mqtt_outflow_step step =
            mqtt_outflow_step(delivery ? (enum mqtt_outflow_state)delivery->state : OUT_DONE,
                    event_of(type, packet->reason));

    connection->acknowledged = true;
    switch (step.action) {
    case OUT_RELEASE_ID:
        finish(core, session, delivery, packet->reason);
        return;
    case OUT_SEND_PUBREL:
        delivery->state = (uint8_t)step.next;
        let_go_of_payload(core, &session->outgoing, delivery);
        connection_acknowledge(core, connection, MQTT_PUBREL, packet->packet_id, MQTT_SUCCESS);
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
    struct packet_ids *held = &connection->session->incoming;
    struct mqtt_inflow_step step = mqtt_inflow_step(
            packet_ids_have(held, packet->packet_id) ? IN_HELD : IN_FREE, GOT_PUBREL);

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
        connection_fail(core, connection, reason, mqtt_reason_text(reason));
    else if (type == MQTT_PUBREL)
        receive_pubrel(core, connection, &packet);
    else
        receive_outflow(core, connection, type, &packet);
}
