/* SPDX-License-Identifier: Apache-2.0 */
/* From a session's queues to bytes: core_fill(). */
#include "broker/core/backlog.h"
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/hold.h"
#include "broker/core/launch.h"
#include "broker/core/mount.h"
#include "broker/core/offer.h"
#include "broker/core/reader.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "mqtt/outflow.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"

#include <assert.h>

/* One call of core_fill(). */
struct sending {
    struct core *core;
    struct connection *connection;
    struct session *session;
    struct output *out;
    struct writer writer;
};

enum sent {
    SENT,
    SENT_WITH_TAIL, /* nothing may follow in this batch */
    SENT_NO_ROOM,   /* the head is full */
    SENT_NO_MEMORY,
    SENT_TOO_LARGE, /* for this client, at any time */
    SENT_OUTSIDE,   /* of its listener's mount point, where it has no name */
};

/* Will this client never get it? */
static bool is_hopeless(enum sent sent)
{
    return sent == SENT_TOO_LARGE || sent == SENT_OUTSIDE;
}

/* What becomes of what is hopeless. */
static int fate_of(enum sent sent)
{
    return FATE_DROPPED + (sent == SENT_TOO_LARGE ? DROP_TOO_LARGE : DROP_NOT_ALLOWED);
}

/* ---- One PUBLISH ---- */

static uint32_t seconds_left(const struct message *message, int64_t now_ms)
{
    /* Rounded up: what is not expired has at least one second, and what has just come has all. But
     * no more, though our turn may have begun before that of the shard that it is from. */
    int64_t most_s = message->expiry_s > 0 ? message->expiry_s : UINT32_MAX;
    int64_t left_s = (message->expires_ms - now_ms + 999) / 1000;

    return (uint32_t)(left_s < 1 ? 1 : left_s > most_s ? most_s : left_s);
}

/* Several identifiers go behind the forwarded properties, in one run of encoded ones. */
static bool gather_identifiers(
        struct sending *sending, const struct delivery *delivery, struct mqtt_publish *publish)
{
    const struct identifiers *identifiers = delivery->extra.identifiers;
    struct bytes forwarded = publish->properties.encoded;
    struct buffer *scratch = &sending->core->scratch;
    struct writer out = { .size = forwarded.size + identifiers->count * 5u };

    scratch->size = 0;
    out.data = buffer_room(scratch, &sending->core->memory, out.size);
    if (!out.data)
        return false;
    writer_bytes(&out, forwarded);
    for (uint32_t i = 0; i < identifiers->count; i++)
        mqtt_subscription_id_write(&out, identifiers->ids[i]);
    assert(!out.failed);
    publish->properties.encoded = writer_written(&out);
    return true;
}

static bool set_properties(
        struct sending *sending, const struct delivery *delivery, struct mqtt_publish *publish)
{
    const struct message *message = delivery->message;
    struct mqtt_properties *properties = &publish->properties;

    *properties = (struct mqtt_properties){ .encoded = message_properties(message) };
    if (message->expires_ms < INT64_MAX) {
        properties->present |= mqtt_property_bit(MQTT_MESSAGE_EXPIRY_INTERVAL);
        properties->message_expiry_s = seconds_left(message, sending->core->now_ms);
    }
    if (delivery->flags & DELIVERY_IDENTIFIERS)
        return gather_identifiers(sending, delivery, publish);
    if (delivery->subscription_id > 0) {
        properties->present |= mqtt_property_bit(MQTT_SUBSCRIPTION_IDENTIFIER);
        properties->subscription_id = delivery->subscription_id;
    }
    return true;
}

/* The alias for the topic; *known: the client has it already. 0: none. */
static uint16_t choose_alias(
        const struct aliases_out *aliases, uint64_t hash, struct bytes topic, bool *known)
{
    uint16_t alias = aliases_out_find(aliases, hash, topic);

    *known = alias > 0;
    if (alias == 0)
        alias = aliases_out_next(aliases);
    return alias;
}

/* Writes the packet, but for a payload that becomes the tail. */
static enum sent write_publish(struct sending *sending, const struct mqtt_publish *publish)
{
    struct connection *connection = sending->connection;
    struct writer *writer = &sending->writer;
    size_t before = writer->used;
    bool tail = publish->payload.size >= OUTPUT_TAIL_MIN;
    size_t size;

    if (tail)
        mqtt_publish_head_encode(writer, publish, connection->version);
    else
        mqtt_publish_encode(writer, publish, connection->version);
    size = writer->used - before + (tail ? publish->payload.size : 0);
    if (!writer->failed && size <= connection->packet_max)
        return tail ? SENT_WITH_TAIL : SENT;
    size = mqtt_publish_size(publish, connection->version);
    writer->used = before;
    writer->failed = false;
    if (size > connection->packet_max || size > MQTT_REMAINING_MAX)
        return SENT_TOO_LARGE;
    if (before == 0)
        sending->out->head_wanted = tail ? size - publish->payload.size : size;
    return SENT_NO_ROOM;
}

/* NULL: none may be set, or memory is too short for them. */
static struct aliases_out *aliases_of(const struct sending *sending)
{
    struct connection *connection = sending->connection;
    struct extras *extras =
            connection->aliases_out_max > 0 ? extras_of(sending->core, connection) : NULL;

    if (!extras)
        return NULL;
    extras->aliases_out.max = connection->aliases_out_max;
    return &extras->aliases_out;
}

/* As write_publish(), with what MQTT 5.0 adds; an alias is set only by a packet that goes out. */
static enum sent write_publish_5(
        struct sending *sending, const struct delivery *delivery, struct mqtt_publish *publish)
{
    struct core *core = sending->core;
    struct aliases_out *aliases = aliases_of(sending);
    struct bytes topic = publish->topic;
    uint64_t hash = 0;
    bool known = false;
    enum sent sent;

    if (!set_properties(sending, delivery, publish))
        return SENT_NO_MEMORY;
    if (aliases) {
        hash = core_hash(core, topic);
        publish->properties.topic_alias = choose_alias(aliases, hash, topic, &known);
        if (publish->properties.topic_alias > 0)
            publish->properties.present |= mqtt_property_bit(MQTT_TOPIC_ALIAS);
        if (known)
            publish->topic = (struct bytes){ 0 };
    }
    sent = write_publish(sending, publish);
    if (sent == SENT_TOO_LARGE && publish->properties.topic_alias > 0 && !known) {
        /* Without the alias it may just fit. */
        publish->properties.present &= ~mqtt_property_bit(MQTT_TOPIC_ALIAS);
        publish->properties.topic_alias = 0;
        sent = write_publish(sending, publish);
    }
    if (sent <= SENT_WITH_TAIL && publish->properties.topic_alias > 0 && !known)
        aliases_out_set(aliases, &core->memory, hash, topic);
    return sent;
}

static enum sent send_publish(
        struct sending *sending, const struct delivery *delivery, uint16_t packet_id, bool again)
{
    const struct message *message = delivery->message;
    const struct listener_settings *listener = sending->connection->listener;
    struct counters *counters = &sending->core->counters;
    struct mqtt_publish publish; /* its properties: for 5.0 alone, see set_properties() */
    enum sent sent;

    publish.topic = message_topic(message);
    publish.payload = message_payload(message);
    publish.packet_id = packet_id;
    publish.qos = delivery->qos;
    publish.dup = again;
    publish.retain = delivery->flags & DELIVERY_RETAIN;
    if (is_mounted(listener) && !unmount_topic(listener, &publish.topic))
        return SENT_OUTSIDE;
    sent = sending->connection->version == MQTT_5_0 ? write_publish_5(sending, delivery, &publish)
                                                    : write_publish(sending, &publish);
    if (sent > SENT_WITH_TAIL)
        return sent;
    if (sent == SENT_WITH_TAIL) {
        sending->out->tail = publish.payload;
        sending->out->owner = delivery->message;
        message_ref(delivery->message);
    }
    counter_add(&counters->packets_sent, 1);
    counter_add(&counters->publish_sent, 1);
    counter_add(&counters->publish_bytes_sent, message->payload_size);
    return sent;
}

/* ---- What was in flight when the last connection ended ---- */

static enum sent send_pubrel(struct sending *sending, const struct delivery *delivery)
{
    size_t before = sending->writer.used;

    mqtt_puback_brief_encode(&sending->writer, MQTT_PUBREL, outgoing_packet_id(delivery),
            MQTT_SUCCESS, sending->connection->version);
    if (sending->writer.failed) {
        sending->writer.used = before;
        sending->writer.failed = false;
        return SENT_NO_ROOM;
    }
    counter_add(&sending->core->counters.packets_sent, 1);
    return SENT;
}

static void end_in_flight(struct sending *sending, struct delivery *delivery, int fate)
{
    struct outgoing *outgoing = &sending->session->receiver->outgoing;

    if (delivery->message)
        outgoing->flight_bytes -= delivery->message->payload_size;
    delivery_end(sending->core, sending->session, delivery, fate);
    outgoing_drop(outgoing, delivery);
}

/* Does the store not know yet that it goes out with that packet id? */
static bool is_staged(const struct session *session, const struct delivery *delivery)
{
    return (delivery->flags & DELIVERY_STAGED) && !launch_is_sure(session);
}

/* Sends one again, or finds that the client no longer takes messages of that size. */
static enum sent resend(struct sending *sending, struct delivery *delivery)
{
    struct outgoing *outgoing = &sending->session->receiver->outgoing;
    enum sent sent;

    if (mqtt_outflow_step((enum mqtt_outflow_state)delivery->state, OUT_RESUMED).action ==
            OUT_SEND_PUBREL)
        return send_pubrel(sending, delivery);
    if (sending->session->judged &&
            !rights_to_receive(sending->core, sending->session, delivery->message)) {
        end_in_flight(sending, delivery, FATE_DROPPED + DROP_NOT_ALLOWED);
        return SENT;
    }
    if (!outgoing_window_open(outgoing) || is_staged(sending->session, delivery))
        return SENT_NO_ROOM;
    sent = send_publish(sending, delivery, outgoing_packet_id(delivery),
            !(delivery->flags & DELIVERY_STAGED) ||
                    launch_is_in_doubt(sending->core, sending->session, delivery));
    if (sent <= SENT_WITH_TAIL) {
        delivery->flags |= DELIVERY_SENT;
        outgoing->open++;
    } else if (is_hopeless(sent)) {
        end_in_flight(sending, delivery, fate_of(sent));
    }
    return sent;
}

static enum sent resend_all(struct sending *sending)
{
    struct outgoing *outgoing = &sending->session->receiver->outgoing;
    enum sent sent = SENT;

    while (outgoing->unresent > 0 && sent == SENT) {
        struct delivery *delivery =
                deliveries_at(&outgoing->flight, outgoing->flight.count - outgoing->unresent);

        if (delivery->state != OUT_DONE)
            sent = resend(sending, delivery);
        if (sent == SENT_NO_ROOM || sent == SENT_NO_MEMORY)
            return sent;
        launch_over(sending->session, delivery);
        outgoing->unresent--;
        if (is_hopeless(sent))
            sent = SENT;
    }
    if (outgoing->unresent == 0)
        outgoing_trim(outgoing, &sending->core->memory);
    return sent;
}

/* ---- What is queued ---- */

static void end_first(struct sending *sending, struct deliveries *ring, int fate)
{
    session_end_first(sending->core, sending->session, ring, fate);
}

static enum sent send_instant(struct sending *sending)
{
    struct deliveries *ring = &sending->session->receiver->outgoing.instant;
    struct delivery *delivery = deliveries_at(ring, 0);
    enum sent sent;

    if (message_expired(delivery->message, sending->core->now_ms)) {
        end_first(sending, ring, FATE_EXPIRED);
        return SENT;
    }
    sent = send_publish(sending, delivery, 0, false);
    if (sent <= SENT_WITH_TAIL) {
        end_first(sending, ring, FATE_DELIVERED);
        return sent;
    }
    if (!is_hopeless(sent))
        return sent;
    end_first(sending, ring, fate_of(sent));
    return SENT;
}

/* At QoS 2 it goes to nobody else now [MQTT5-4.8.2-5]: with a session that ends with the process it
 * ends there. */
static void take_from_group(struct core *core, const struct delivery *delivery)
{
    if (delivery->qos == 2 && durable_done(core, delivery->extra.hand->queue, delivery->message))
        core->durable.urgent |= delivery->extra.hand->queue > 0;
}

static enum sent send_queued(struct sending *sending)
{
    struct outgoing *outgoing = &sending->session->receiver->outgoing;
    struct delivery *delivery = deliveries_at(&outgoing->queue, 0);
    uint16_t packet_id;
    enum sent sent;

    if (message_expired(delivery->message, sending->core->now_ms)) {
        end_first(sending, &outgoing->queue, FATE_EXPIRED);
        return SENT;
    }
    if (!outgoing_prepare(outgoing, &sending->core->memory, &packet_id))
        return SENT_NO_MEMORY;
    sent = send_publish(sending, delivery, packet_id,
            launch_is_in_doubt(sending->core, sending->session, delivery));
    if (is_hopeless(sent)) {
        /* Neither id nor quota is used up [MQTT5-3.1.2-24], [MQTT5-3.1.2-25]. */
        end_first(sending, &outgoing->queue, fate_of(sent));
        return SENT;
    }
    if (sent > SENT_WITH_TAIL)
        return sent;
    if ((delivery->flags & DELIVERY_SHARED) && !sending->session->lasting)
        take_from_group(sending->core, delivery);
    outgoing_launch(outgoing, &sending->core->memory);
    return sent;
}

/* The ring whose turn it is, in order of arrival; NULL when nothing may go now. */
static struct deliveries *next_ring(const struct core *core, struct session *session)
{
    struct outgoing *outgoing = &session->receiver->outgoing;
    uint64_t bytes_max = core->settings->max_inflight_bytes;
    bool open = outgoing->queue.count > 0 && outgoing_window_open(outgoing) &&
            (bytes_max == 0 || outgoing->flight_open == 0 || outgoing->flight_bytes < bytes_max);
    bool instant_first = outgoing->instant.count > 0 &&
            (!open ||
                    deliveries_at(&outgoing->instant, 0)->sequence <
                            deliveries_at(&outgoing->queue, 0)->sequence);

    if (instant_first || !open)
        return instant_first ? &outgoing->instant : NULL;
    if (!launch_is_needed(core, session, deliveries_at(&outgoing->queue, 0)))
        return &outgoing->queue;
    return outgoing->instant.count > 0 && !durable_works(core) ? &outgoing->instant : NULL;
}

/* May the first one that is to be sent again go now, were there room? */
static bool first_may_go(const struct session *session)
{
    const struct outgoing *outgoing = &session->receiver->outgoing;
    const struct delivery *first =
            deliveries_at(&outgoing->flight, outgoing->flight.count - outgoing->unresent);

    return outgoing_window_open(outgoing) && !is_staged(session, first);
}

/* QoS 0 waits behind it for a store that works, and for nothing else. */
static bool may_overtake(const struct core *core, const struct session *session)
{
    return !first_may_go(session) &&
            (!outgoing_window_open(&session->receiver->outgoing) || !durable_works(core));
}

static enum sent send_all(struct sending *sending)
{
    struct outgoing *outgoing = &sending->session->receiver->outgoing;
    enum sent sent = resend_all(sending);
    struct deliveries *ring;

    while (sent == SENT && outgoing->unresent == 0 &&
            (ring = next_ring(sending->core, sending->session)))
        sent = ring == &outgoing->instant ? send_instant(sending) : send_queued(sending);
    /* Nothing else is held up while the window is closed for what is sent again. */
    while (sent == SENT_NO_ROOM && outgoing->unresent > 0 && outgoing->instant.count > 0 &&
            may_overtake(sending->core, sending->session)) {
        if (send_instant(sending) != SENT)
            break;
    }
    return sent;
}

/* ---- The contract's side ---- */

static void fill_control(struct core *core, struct connection *connection, struct output *out)
{
    size_t size = connection->control.size;

    if (size > out->head_size)
        size = out->head_size;
    if (size == 0)
        return;
    memcpy(out->head, connection->control.data, size);
    out->head_used = size;
    buffer_consume(&connection->control, &core->memory, size);
}

/* True when something could go out at once, had the head more room. */
static bool has_more(const struct core *core, struct session *session)
{
    struct outgoing *outgoing = &session->receiver->outgoing;

    if (outgoing->unresent > 0)
        return first_may_go(session) ||
                (outgoing->instant.count > 0 && may_overtake(core, session));
    return next_ring(core, session) != NULL;
}

bool core_fill(struct core *core, struct connection *connection, struct output *out, int64_t now_ms)
{
    struct session *session = connection->session;
    struct sending sending = { core, connection, session, out, { 0 } };
    bool more;

    core->now_ms = now_ms;
    out->head_used = 0;
    out->head_wanted = 0;
    out->tail = (struct bytes){ 0 };
    out->owner = NULL;
    fill_control(core, connection, out);
    connection_control_drained(core, connection);
    more = connection->control.size > 0;
    if (session && session_receives(session) && !more && !hold_is_closed(connection)) {
        sending.writer = (struct writer){
            .data = out->head, .size = out->head_size, .used = out->head_used
        };
        if (send_all(&sending) == SENT_NO_MEMORY)
            connection_condemn_for_memory(core, connection);
        out->head_used = sending.writer.used;
        more = has_more(core, session);
        launch_later(core, session);
        if (session->lasting)
            backlog_refill(core, session);
        session_has_room(core, session);
        retained_reads_go_on(core, session);
    }
    counter_add(&core->counters.bytes_sent, out->head_used + out->tail.size);
    return more;
}
