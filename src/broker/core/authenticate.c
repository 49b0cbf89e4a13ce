/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/authenticate.h"

#include "broker/core/connection.h"
#include "broker/core/receive.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "mqtt/auth.h"

#include <assert.h>

struct authentication {
    void *exchange; /* the authority's */
    bool under_way;
    uint16_t method_size;
    uint8_t method[];
};

static struct bytes method_of(const struct authentication *authentication)
{
    return bytes_of(authentication->method, authentication->method_size);
}

static struct authentication *authentication_new(struct core *core, struct bytes method)
{
    struct authentication *authentication =
            memory_take_zeroed(&core->memory, sizeof(*authentication) + method.size);

    if (!authentication)
        return NULL;
    authentication->method_size = (uint16_t)method.size;
    if (method.size > 0)
        memcpy(authentication->method, method.data, method.size);
    return authentication;
}

void authentication_finish(struct core *core, struct connection *connection)
{
    struct authentication *authentication = connection->authentication;
    const struct access *access = &core->access;

    if (!authentication)
        return;
    if (authentication->exchange && access->end_exchange)
        access->end_exchange(access->context, authentication->exchange);
    authentication->exchange = NULL;
    authentication->under_way = false;
}

void authentication_free(struct core *core, struct connection *connection)
{
    struct authentication *authentication = connection->authentication;

    if (!authentication)
        return;
    authentication_finish(core, connection);
    connection->authentication = NULL;
    memory_give(
            &core->memory, authentication, sizeof(*authentication) + authentication->method_size);
}

void authentication_describe(
        const struct connection *connection, struct bytes data, struct mqtt_properties *properties)
{
    if (!connection->authentication)
        return;
    properties->present |= mqtt_property_bit(MQTT_AUTHENTICATION_METHOD);
    properties->authentication_method = method_of(connection->authentication);
    if (data.size == 0)
        return;
    properties->present |= mqtt_property_bit(MQTT_AUTHENTICATION_DATA);
    properties->authentication_data = data;
}

/* ---- Steps ---- */

static void tell_step(
        struct core *core, const struct connection *connection, enum mqtt_reason reason)
{
    journal_tell(&core->journal, EVENT_DEBUG, "client.authenticates",
            field_bytes("peer", connection_peer_bytes(connection)),
            field_bytes("method", method_of(connection->authentication)),
            field_text("reason", mqtt_reason_name(reason)));
}

/* What the authority says to the client's data; *data is what it answers. */
static enum mqtt_reason take_step(struct core *core, struct connection *connection,
        struct access_step *step, struct bytes *data)
{
    struct authentication *authentication = connection->authentication;
    struct access_answer answer = { .identity = NULL };
    enum mqtt_reason reason;

    step->listener = connection->listener;
    step->identity = connection->identity;
    step->method = method_of(authentication);
    reason = core->access.authenticate(
            core->access.context, step, &authentication->exchange, &answer);
    assert(answer.data.size <= MQTT_TEXT_SIZE_MAX);
    tell_step(core, connection, reason);
    if (reason == MQTT_SUCCESS)
        connection_identify(core, connection, answer.identity);
    *data = answer.data;
    return reason;
}

/* MQTT_SUCCESS, or MQTT_PACKET_TOO_LARGE: the client does not take it. */
static enum mqtt_reason say_auth(struct core *core, struct connection *connection,
        enum mqtt_reason reason, struct bytes data)
{
    struct mqtt_auth packet = { .reason = reason };
    struct writer out = { .data = NULL };

    authentication_describe(connection, data, &packet.properties);
    out.size = mqtt_packet_size(1 + mqtt_properties_size(&packet.properties));
    if (out.size > connection->packet_max)
        return MQTT_PACKET_TOO_LARGE;
    out.data = connection_control_room(core, connection, out.size);
    if (!out.data)
        return MQTT_SUCCESS; /* It is condemned. */
    mqtt_auth_encode(&out, &packet);
    assert(!out.failed);
    connection_control_written(core, connection, out.used);
    return MQTT_SUCCESS;
}

enum mqtt_reason authentication_start(struct core *core, struct connection *connection,
        const struct mqtt_connect *connect, struct bytes body, struct bytes *data)
{
    struct access_step step = { .connect = connect,
        .data = connect->properties.authentication_data };
    struct authentication *authentication;
    enum mqtt_reason reason;

    if (!core->access.authenticate)
        return MQTT_BAD_AUTHENTICATION_METHOD;
    authentication = authentication_new(core, connect->properties.authentication_method);
    if (!authentication)
        return MQTT_QUOTA_EXCEEDED;
    connection->authentication = authentication;
    reason = take_step(core, connection, &step, data);
    if (reason != MQTT_CONTINUE_AUTHENTICATION)
        return reason;
    if (!buffer_append(&connection->connect, &core->memory, body))
        return MQTT_QUOTA_EXCEEDED;
    reason = say_auth(core, connection, reason, *data);
    if (reason != MQTT_SUCCESS)
        return reason;
    authentication->under_way = true;
    connection->phase = PHASE_AUTHENTICATING;
    return MQTT_CONTINUE_AUTHENTICATION;
}

/* ---- AUTH ---- */

/* Why an AUTH may not come now; NULL: it may. */
static const char *fault_of(const struct connection *connection, const struct mqtt_auth *packet)
{
    const struct authentication *authentication = connection->authentication;

    if (!authentication) /* [MQTT5-4.12.0-7] */
        return "no authentication method was agreed on at CONNECT, so there is nothing to go on "
               "with";
    /* [MQTT5-4.12.0-5], [MQTT5-4.12.1-1], [U5-3.15.0-1] */
    if (!bytes_equal(packet->properties.authentication_method, method_of(authentication)))
        return "the authentication method is not that of CONNECT";
    if (packet->reason == MQTT_CONTINUE_AUTHENTICATION && !authentication->under_way)
        return "no authentication is under way";
    if (packet->reason != MQTT_CONTINUE_AUTHENTICATION && authentication->under_way)
        return "an authentication is under way already"; /* [MQTT5-4.12.0-3] */
    return NULL;
}

/* A refusal by the authority; not all of its codes are DISCONNECT's as well [MQTT5-4.12.1-2]. */
static void refuse(struct core *core, struct connection *connection, enum mqtt_reason reason)
{
    if (connection->phase == PHASE_CONNECTED &&
            !mqtt_reason_allowed(reason, MQTT_DISCONNECT, MQTT_FROM_SERVER))
        reason = MQTT_NOT_AUTHORIZED;
    connection_fail(core, connection, reason, mqtt_reason_text(reason));
}

static void succeed(struct core *core, struct connection *connection, struct bytes data)
{
    enum mqtt_reason reason;

    if (connection->phase == PHASE_AUTHENTICATING) {
        connect_resume(core, connection, data);
        return;
    }
    reason = say_auth(core, connection, MQTT_SUCCESS, data);
    authentication_finish(core, connection);
    if (reason != MQTT_SUCCESS)
        refuse(core, connection, reason);
}

static void go_on(struct core *core, struct connection *connection, const struct mqtt_auth *packet)
{
    struct access_step step = { .data = packet->properties.authentication_data };
    struct bytes data;
    enum mqtt_reason reason = take_step(core, connection, &step, &data);

    if (reason == MQTT_SUCCESS) {
        succeed(core, connection, data);
        return;
    }
    connection->authentication->under_way = true;
    if (reason == MQTT_CONTINUE_AUTHENTICATION)
        reason = say_auth(core, connection, reason, data);
    if (reason != MQTT_SUCCESS)
        refuse(core, connection, reason);
}

void receive_auth(struct core *core, struct connection *connection, struct bytes body)
{
    struct mqtt_auth packet;
    enum mqtt_reason reason = mqtt_auth_decode(&packet, body, MQTT_FROM_CLIENT);
    const char *fault = reason == MQTT_SUCCESS ? fault_of(connection, &packet) : NULL;

    if (reason != MQTT_SUCCESS)
        connection_fail(core, connection, reason, "the AUTH is not valid");
    else if (fault)
        connection_fail(core, connection, MQTT_PROTOCOL_ERROR, fault);
    else
        go_on(core, connection, &packet);
}
