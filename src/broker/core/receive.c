/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to packets: core_receive(). */
#include "broker/core/receive.h"

#include "broker/core/connection.h"
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

void receive_disconnect(struct core *core, struct connection *connection, struct bytes body)
{
    struct mqtt_disconnect packet;
    enum mqtt_reason reason = mqtt_disconnect_decode(
            &packet, body, (enum mqtt_version)connection->version, MQTT_FROM_CLIENT);
    struct ending ending = { 0 };

    if (reason != MQTT_SUCCESS) {
        connection_fail(core, connection, reason, "the DISCONNECT is not valid");
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

/* A packet that is refused from its first bytes: before CONNECT nothing is said to a stranger who
 * does not speak MQTT [MQTT5-3.1.0-1]. */
static void refuse_header(struct core *core, struct connection *connection, uint8_t first,
        struct bytes body, enum mqtt_reason reason)
{
    if (connection->phase == PHASE_EXPECT_CONNECT)
        connect_refuse(core, connection, first, body, reason);
    else
        connection_fail(core, connection, reason, mqtt_reason_text(reason));
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
    uint32_t size = header->size + header->remaining;
    uint32_t size_max = core->settings->max_packet_size;
    struct bytes none = { 0 };

    if (!type_expected(connection, header->type)) {
        refuse_header(core, connection, in.data[0], none, MQTT_PROTOCOL_ERROR);
        return false;
    }
    if (connection->phase != PHASE_CONNECTED && core->settings->connect_size_max < size_max)
        size_max = core->settings->connect_size_max;
    if (size <= size_max)
        return true;
    refuse_header(
            core, connection, in.data[0], bytes_from(in, header->size), MQTT_PACKET_TOO_LARGE);
    return false;
}

/* Takes one packet off `in`. False when there is no whole one, or it cannot be taken now. */
static bool receive_one(struct core *core, struct connection *connection, struct bytes in,
        struct core_received *result)
{
    struct mqtt_header header;
    struct bytes none = { 0 };

    switch (mqtt_header_read(&header, in)) {
    case MQTT_HEADER_PARTIAL:
        return false;
    case MQTT_HEADER_BAD:
        refuse_header(core, connection, in.data[0], none, MQTT_MALFORMED);
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

/* Why reading stops between two packets; CORE_READ: it does not. */
static enum core_verdict pause_reason(struct core *core, struct connection *connection)
{
    if (connection->phase >= PHASE_DRAINING)
        return CORE_END;
    if (connection->phase == PHASE_ADMITTING || connection->waits > 0 ||
            connection->withheld.count >= WITHHELD_MAX) {
        connection->unread = true;
        return CORE_WAIT;
    }
    if (connection->control.size > CONTROL_PAUSE_BYTES) {
        connection->paused = true; /* Until what it leaves unread is gone. */
        return CORE_WAIT;
    }
    if (!list_empty(&core->full))
        return CORE_AGAIN;
    return CORE_READ;
}

struct core_received core_receive(
        struct core *core, struct connection *connection, struct bytes in, int64_t now_ms)
{
    struct core_received result = { .verdict = CORE_READ };

    core->now_ms = now_ms;
    while (result.verdict == CORE_READ) {
        bool taken = receive_one(core, connection, bytes_from(in, result.used), &result);

        core_settle(core);
        if (connection->phase >= PHASE_DRAINING)
            result.verdict = CORE_END;
        if (!taken)
            break;
        result.verdict = pause_reason(core, connection);
    }
    if (result.verdict == CORE_END)
        result.used = in.size;
    counter_add(&core->counters.bytes_received, result.used);
    return result;
}

void connection_control_drained(struct core *core, struct connection *connection)
{
    if (!connection->paused || connection->control.size > 0)
        return;
    connection->paused = false;
    if (connection->phase < PHASE_DRAINING && !list_linked(&connection->ready))
        list_append(&core->ready, &connection->ready);
}
