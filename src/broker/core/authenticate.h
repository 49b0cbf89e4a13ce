/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enhanced authentication: the exchange of AUTH packets by which a client of 5.0 proves who it is,
 * at CONNECT and again later. What the packets say is the authority's (struct access in core.h).
 * (Source: MQTT 5.0 §4.12)
 */
#ifndef BROKER_CORE_AUTHENTICATE_H
#define BROKER_CORE_AUTHENTICATE_H

#include "base/bytes.h"
#include "mqtt/connect.h"
#include "mqtt/reason.h"

struct core;
struct connection;

/**
 * The first step for a CONNECT that names a method; `body` is the packet's, which is copied where
 * the exchange goes on.
 *
 * Returns MQTT_SUCCESS: the connection's identity is known; MQTT_CONTINUE_AUTHENTICATION: the
 * client is asked by an AUTH, and connect_decide() follows when that is over; else the reason for a
 * refusal. What is not to go on is to be told after *delay_ms.
 * Source: [MQTT5-4.12.0-1], [MQTT5-4.12.0-2]
 */
enum mqtt_reason authentication_start(struct core *core, struct connection *connection,
        const struct mqtt_connect *connect, struct bytes body, uint32_t *delay_ms);

/* Adds the method to what CONNACK or AUTH says, and what the authority has told the client last;
 * nothing where CONNECT has named no method. Source: [MQTT5-4.12.0-5], [MQTT5-4.12.0-6] */
void authentication_describe(
        const struct connection *connection, struct mqtt_properties *properties);

/* The exchange is over, if there was one: only the method is kept, for the next. */
void authentication_finish(struct core *core, struct connection *connection);

void authentication_free(struct core *core, struct connection *connection);

#endif
