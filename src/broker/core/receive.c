/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to packets: core_receive(). */
#include "broker/core/receive.h"

#include "broker/core/ask.h"
#include "broker/core/connection.h"
#include "broker/core/hold.h"
#include "broker/core/objection.h"
#include "broker/core/offer.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "mqtt/disconnect.h"
#include "mqtt/ping.h"

enum { PING_SIZE = 2 };

static void receive_ping(struct core *core, struct connection *connection, struct bytes body)
{
    struct writer out = { .size = PING_SIZE };

    if (mqtt_ping_decode(body) != MQTT_SUCCESS) {
        connection_fail(core, connection, MQTT_MALFORMED, "a PINGREQ has no body");
        return;
    }
    out.data = connection_control_room(core, connection, out.size);
    if (!out.data)
        return;
    mqtt_ping_encode(&out, MQTT_PINGRESP);
    connection_control_written(core, connection, out.used);
}

static void receive_disconnect(struct core *core, struct connection *connection, struct bytes body)
{
    struct mqtt_disconnect packet;
    enum mqtt_reason reason = mqtt_disconnect_decode(
            &packet, body, (enum mqtt_version)connection->version, MQTT_FROM_CLIENT);
    struct ending ending = { 0 };

    if (reason != MQTT_SUCCESS) {
        connection_fail_packet(core, connection, MQTT_DISCONNECT, reason);
        return;
    }
    if (connection->session &&
            mqtt_properties_have(&packet.properties, MQTT_SESSION_EXPIRY_INTERVAL)) {
        if (connection->expiry_zero && packet.properties.session_expiry_s > 0) {
            connection_fail(core, connection, MQTT_PROTOCOL_ERROR,
                    "a session that was to end with its connection cannot be prolonged");
            return; /* [U5-3.14.2.2.2-2] */
        }
        connection->session->expiry_interval_s =
                core_cap_expiry(core, packet.properties.session_expiry_s);
    }
    ending.reason = packet.reason;
    ending.keep_will = packet.reason != MQTT_SUCCESS; /* [MQTT5-3.14.4-3] */
    ending.name = packet.reason == MQTT_SUCCESS ? "normal" : NULL;
    connection_end(core, connection, &ending);
}

static void unexpected(struct core *core, struct connection *connection)
{
    connection_fail(core, connection, MQTT_PROTOCOL_ERROR,
            "a client does not send this packet, or not twice");
}

static enum handled handle_by_type(struct core *core, struct connection *connection,
        const struct mqtt_header *header, struct bytes body)
{
    if (!mqtt_header_flags_valid(header, (enum mqtt_version)connection->version)) {
        connection_fail(core, connection, MQTT_MALFORMED,
                "the packet's type or flags are not what its version prescribes");
        return HANDLED;
    }
    switch (header->type) {
    case MQTT_PUBLISH:
        return receive_publish(core, connection, header->flags, body);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        receive_acknowledgement(core, connection, header->type, body);
        return HANDLED;
    case MQTT_SUBSCRIBE:
        receive_subscribe(core, connection, body);
        return HANDLED;
    case MQTT_UNSUBSCRIBE:
        receive_unsubscribe(core, connection, body);
        return HANDLED;
    case MQTT_PINGREQ:
        receive_ping(core, connection, body);
        return HANDLED;
    case MQTT_DISCONNECT:
        receive_disconnect(core, connection, body);
        return HANDLED;
    case MQTT_AUTH:
        receive_auth(core, connection, body);
        return HANDLED;
    case MQTT_CONNECT:
    case MQTT_CONNACK:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
    case MQTT_PINGRESP:
        unexpected(core, connection);
        return HANDLED;
    }
    unexpected(core, connection);
    return HANDLED;
}

static enum handled handle(struct core *core, struct connection *connection,
        const struct mqtt_header *header, struct bytes body, unsigned *home)
{
    if (connection->phase == PHASE_EXPECT_CONNECT)
        return receive_connect(core, connection, header->flags, body, home);
    return handle_by_type(core, connection, header, body);
}

struct size_limit {
    uint32_t bytes;
    const char *text; /* for the log and the client: it is passed */
};

static struct size_limit size_limit(const struct core *core, const struct connection *connection)
{
    const struct core_settings *settings = core->settings;

    if (connection->phase != PHASE_CONNECTED &&
            settings->connect_size_max < settings->max_packet_size)
        return (struct size_limit){ settings->connect_size_max, "larger than max_connect_size" };
    return (struct size_limit){ settings->max_packet_size, "larger than max_packet_size" };
}

/* A packet that is refused from its first bytes: before CONNECT nothing is said to a stranger who
 * does not speak MQTT [MQTT5-3.1.0-1]. */
static void refuse_header(struct core *core, struct connection *connection, struct bytes in,
        enum mqtt_reason reason, const char *text)
{
    if (connection->phase == PHASE_EXPECT_CONNECT)
        connect_refuse(core, connection, in, reason, text ? text : objection_to_stranger(in));
    else
        connection_fail(core, connection, reason, text ? text : "this is no packet of MQTT");
}

/* Before CONNACK hardly anything may come. */
static bool type_expected(const struct connection *connection, enum mqtt_type type)
{
    if (connection->phase == PHASE_EXPECT_CONNECT)
        return type == MQTT_CONNECT;
    if (connection->phase == PHASE_AUTHENTICATING)
        return type == MQTT_AUTH || type == MQTT_DISCONNECT; /* [MQTT5-3.1.2-30] */
    return true;
}

/* What may come now: false when the connection has ended over it. */
static bool admit_header(struct core *core, struct connection *connection,
        const struct mqtt_header *header, struct bytes in)
{
    struct size_limit limit = size_limit(core, connection);

    if (!type_expected(connection, header->type)) {
        refuse_header(core, connection, in, MQTT_PROTOCOL_ERROR,
                connection->phase == PHASE_EXPECT_CONNECT
                        ? NULL
                        : "while it authenticates, AUTH or DISCONNECT may come and nothing else");
        return false;
    }
    if (header->size + header->remaining <= limit.bytes)
        return true;
    refuse_header(core, connection, in, MQTT_PACKET_TOO_LARGE, limit.text);
    return false;
}

/* Takes one packet off `in`. False when there is no whole one, or it cannot be taken now. */
static bool receive_one(struct core *core, struct connection *connection, struct bytes in,
        struct core_received *result)
{
    struct mqtt_header header;

    switch (mqtt_header_read(&header, in)) {
    case MQTT_HEADER_PARTIAL:
        return false;
    case MQTT_HEADER_BAD:
        refuse_header(core, connection, in, MQTT_MALFORMED, NULL);
        return false;
    case MQTT_HEADER_DONE:
        break;
    }
    if (!admit_header(core, connection, &header, in))
        return false;
    if (in.size < (size_t)header.size + header.remaining) {
        result->wanted = (size_t)header.size + header.remaining;
        return false;
    }
    switch (handle(core, connection, &header, bytes_of(in.data + header.size, header.remaining),
            &result->home)) {
    case HANDLED:
        break;
    case HANDLE_LATER:
        result->verdict = CORE_WAIT;
        return false;
    case HANDLE_AT_HOME:
        result->verdict = CORE_MOVE;
        return false;
    }
    counter_add(&core->counters.packets_received, 1);
    connection->heard_ms = core->now_ms;
    result->used += (size_t)header.size + header.remaining;
    return true;
}

/* One that is left unread acknowledges nothing, so its queue gets no room: whoever waited for that
 * would be left unread in the end, too, and might be the very one that it waits for, or itself. Of
 * whom a group waits for is not known: who has messages of one waits no more himself. */
static void leave_unread(struct core *core, struct connection *connection)
{
    uint32_t vain;

    connection->unread = true;
    if (!connection_awaits_room(connection) || !session_receives(connection->session))
        return;
    vain = ask_release(core, &connection->session->receiver->waiters);
    if (connection->session->receiver->hands > 0) {
        vain += connection_withheld(connection);
        connection_wait_no_more(core, connection);
    }
    session_filled_in_vain(core, connection->session, vain);
}

/* Why reading stops between two packets; CORE_READ: it does not. */
static enum core_verdict pause_reason(struct core *core, struct connection *connection)
{
    if (connection->phase >= PHASE_DRAINING)
        return CORE_END;
    if (connection->phase == PHASE_ADMITTING || connection->phase == PHASE_HELD ||
            connection_must_wait(connection)) {
        leave_unread(core, connection);
        return CORE_WAIT;
    }
    if (connection->control.size > CONTROL_PAUSE_BYTES || hold_is_heavy(core, connection)) {
        connection->paused = true; /* Until what it leaves unread, or what is held, is gone. */
        return CORE_WAIT;
    }
    if (!list_empty(&core->full))
        return CORE_AGAIN;
    return CORE_READ;
}

/* What one call takes. */
struct intake {
    struct bytes in;
    struct core_received result;
    uint64_t packets_before; /* that this shard had received */
    struct rate_room room;
};

/* The packets taken that count against a client's rate. */
static uint64_t packets_of(const struct core *core, const struct intake *intake)
{
    return counter_read(&core->counters.packets_received) - intake->packets_before -
            core->solicited;
}

static void receive_all(struct core *core, struct connection *connection, struct intake *intake)
{
    struct core_received *result = &intake->result;
    bool near = intake->room.packets != UINT64_MAX || intake->room.bytes != UINT64_MAX;

    while (result->verdict == CORE_READ) {
        bool taken = receive_one(core, connection, bytes_from(intake->in, result->used), result);

        core_settle(core);
        if (connection->phase >= PHASE_DRAINING)
            result->verdict = CORE_END;
        if (!taken)
            break;
        result->verdict = pause_reason(core, connection);
        if (near &&
                (packets_of(core, intake) >= intake->room.packets ||
                        result->used >= intake->room.bytes))
            break;
    }
}

/* What was taken counts; it may have been enough for now. */
static void charge(struct core *core, struct connection *connection, struct intake *intake)
{
    uint64_t packets = packets_of(core, intake);
    uint64_t bytes = intake->result.used;
    int64_t pause_ms =
            rate_charge(&core->rates, &connection->paid_ns, core->now_ms, packets, bytes);

    if (pause_ms == 0 || connection->phase != PHASE_CONNECTED)
        return;
    connection_throttle(core, connection, pause_ms,
            rates_packets_count(&core->rates, packets, bytes) ? "packet_rate_max"
                                                              : "byte_rate_max");
    intake->result.verdict = CORE_WAIT;
}

struct core_received core_receive(
        struct core *core, struct connection *connection, struct bytes in, int64_t now_ms)
{
    struct intake intake = { .in = in,
        .result = { .verdict = CORE_READ },
        .packets_before = counter_read(&core->counters.packets_received),
        .room = { UINT64_MAX, UINT64_MAX } };
    bool limited = rates_limit(&core->rates);

    /* It has been taken over, say, while these bytes were on their way. */
    if (connection->phase >= PHASE_DRAINING)
        return (struct core_received){ .verdict = CORE_END, .used = in.size };
    core->now_ms = now_ms;
    core->solicited = 0;
    connection->heard = true;
    if (connection_is_throttled(connection)) {
        connection->unread = true;
        intake.result.verdict = CORE_WAIT;
        return intake.result;
    }
    if (limited)
        intake.room = rate_room(&core->rates, connection->paid_ns, now_ms, in.size);
    receive_all(core, connection, &intake);
    if (limited)
        charge(core, connection, &intake);
    if (intake.result.verdict == CORE_END)
        intake.result.used = in.size;
    counter_add(&core->counters.bytes_received, intake.result.used);
    return intake.result;
}

void connection_control_drained(struct core *core, struct connection *connection)
{
    if (!connection->paused || connection->control.size > 0 || hold_is_heavy(core, connection))
        return;
    connection->paused = false;
    if (connection->phase < PHASE_DRAINING && !list_linked(&connection->ready))
        list_append(&core->ready, &connection->ready);
}
