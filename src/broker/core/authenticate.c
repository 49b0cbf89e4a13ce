/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/authenticate.h"

#include "broker/core/connection.h"
#include "broker/core/receive.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"
#include "mqtt/auth.h"

#include <assert.h>

struct authentication {
    void *exchange;    /* the authority's */
    struct bytes data; /* what it told the client last, while the exchange lives; empty: nothing */
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

/* NULL: it has none. */
static struct authentication *authentication_of(const struct connection *connection)
{
    return connection->extras ? connection->extras->authentication : NULL;
}

void authentication_finish(struct core *core, struct connection *connection)
{
    struct authentication *authentication = authentication_of(connection);
    const struct access *access = &core->access;

    if (!authentication)
        return;
    if (authentication->exchange && access->end_exchange)
        access->end_exchange(access->context, authentication->exchange);
    authentication->exchange = NULL;
    authentication->data = (struct bytes){ 0 };
    authentication->under_way = false;
}

void authentication_free(struct core *core, struct connection *connection)
{
    struct authentication *authentication = authentication_of(connection);

    if (!authentication)
        return;
    authentication_finish(core, connection);
    connection->extras->authentication = NULL;
    memory_give(
            &core->memory, authentication, sizeof(*authentication) + authentication->method_size);
}

void authentication_describe(
        const struct connection *connection, struct mqtt_properties *properties)
{
    const struct authentication *authentication = authentication_of(connection);

    if (!authentication)
        return;
    properties->present |= mqtt_property_bit(MQTT_AUTHENTICATION_METHOD);
    properties->authentication_method = method_of(authentication);
    if (authentication->data.size == 0)
        return;
    properties->present |= mqtt_property_bit(MQTT_AUTHENTICATION_DATA);
    properties->authentication_data = authentication->data;
}

/* ---- Steps ---- */

static void tell_step(
        struct core *core, const struct connection *connection, enum mqtt_reason reason)
{
    struct origin_room room;

    journal_tell(&core->journal, EVENT_DEBUG, "client.authenticates",
            field_bytes("peer", connection_peer(connection, &room)),
            field_bytes("method", method_of(authentication_of(connection))),
            field_text("reason", mqtt_reason_name(reason)));
}

/* What the authority says to the client's data, and after which delay. */
static enum mqtt_reason take_step(struct core *core, struct connection *connection,
        struct access_step *step, uint32_t *delay_ms)
{
    struct authentication *authentication = authentication_of(connection);
    struct access_answer answer = { .identity = NULL };
    struct origin_room room;
    enum mqtt_reason reason;

    step->listener = connection->listener;
    step->peer = connection_peer(connection, &room);
    step->identity = connection->identity;
    step->method = method_of(authentication);
    reason = core->access.authenticate(
            core->access.context, step, &authentication->exchange, &answer);
    assert(answer.data.size <= MQTT_TEXT_SIZE_MAX);
    tell_step(core, connection, reason);
    if (reason == MQTT_SUCCESS)
        connection_identify(core, connection, answer.identity);
    authentication->data = answer.data;
    *delay_ms = answer.delay_ms;
    return reason;
}

/* MQTT_SUCCESS, or MQTT_PACKET_TOO_LARGE: the client does not take it. */
static enum mqtt_reason say_auth(
        struct core *core, struct connection *connection, enum mqtt_reason reason)
{
    struct mqtt_auth packet = { .reason = reason };
    struct writer out = { .data = NULL };

    authentication_describe(connection, &packet.properties);
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
        const struct mqtt_connect *connect, struct bytes body, uint32_t *delay_ms)
{
    struct access_step step = { .connect = connect,
        .data = connect->properties.authentication_data };
    struct authentication *authentication;
    struct extras *extras;
    enum mqtt_reason reason;

    if (!core->access.authenticate)
        return MQTT_BAD_AUTHENTICATION_METHOD;
    extras = extras_of(core, connection);
    authentication =
            extras ? authentication_new(core, connect->properties.authentication_method) : NULL;
    if (!authentication)
        return MQTT_QUOTA_EXCEEDED;
    extras->authentication = authentication;
    reason = take_step(core, connection, &step, delay_ms);
    if (reason != MQTT_CONTINUE_AUTHENTICATION)
        return reason;
    if (!buffer_append(&extras->connect, &core->memory, body))
        return MQTT_QUOTA_EXCEEDED;
    reason = say_auth(core, connection, reason);
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
    const struct authentication *authentication = authentication_of(connection);

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
    if (!mqtt_reason_allowed(reason, MQTT_DISCONNECT, MQTT_FROM_SERVER))
        reason = MQTT_NOT_AUTHORIZED;
    connection_fail(core, connection, reason, mqtt_reason_text(reason));
}

/* The end of an exchange, or of what can be said in it. */
static void conclude(struct core *core, struct connection *connection, enum mqtt_reason reason,
        uint32_t delay_ms)
{
    if (connection->phase == PHASE_AUTHENTICATING) {
        connect_decide(core, connection,
                &(struct access_verdict){
                        .reason = reason, .text = mqtt_reason_text(reason), .delay_ms = delay_ms });
        return;
    }
    if (reason == MQTT_SUCCESS && !rights_to_id(core, connection, session_id(connection->session)))
        reason = MQTT_NOT_AUTHORIZED;
    if (reason == MQTT_SUCCESS)
        reason = say_auth(core, connection, MQTT_SUCCESS);
    authentication_finish(core, connection);
    if (reason != MQTT_SUCCESS)
        refuse(core, connection, reason);
}

static void go_on(struct core *core, struct connection *connection, const struct mqtt_auth *packet)
{
    struct access_step step = { .data = packet->properties.authentication_data };
    uint32_t delay_ms;
    enum mqtt_reason reason = take_step(core, connection, &step, &delay_ms);

    if (reason == MQTT_CONTINUE_AUTHENTICATION) {
        authentication_of(connection)->under_way = true;
        reason = say_auth(core, connection, reason);
        if (reason == MQTT_SUCCESS)
            return;
    }
    conclude(core, connection, reason, delay_ms);
}

void receive_auth(struct core *core, struct connection *connection, struct bytes body)
{
    struct mqtt_auth packet;
    enum mqtt_reason reason = mqtt_auth_decode(&packet, body, MQTT_FROM_CLIENT);
    const char *fault = reason == MQTT_SUCCESS ? fault_of(connection, &packet) : NULL;

    if (reason != MQTT_SUCCESS)
        connection_fail_packet(core, connection, MQTT_AUTH, reason);
    else if (fault)
        connection_fail(core, connection, MQTT_PROTOCOL_ERROR, fault);
    else
        go_on(core, connection, &packet);
}
