/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of incoming packets. Each is given a whole packet's body; what is wrong with it ends
 * the connection before the handler returns.
 */
#ifndef BROKER_CORE_RECEIVE_H
#define BROKER_CORE_RECEIVE_H

#include "base/bytes.h"
#include "mqtt/packet.h"

struct core;
struct connection;

enum handled {
    HANDLED,
    HANDLE_LATER,   /* nothing was done: there is no room in the mailboxes */
    HANDLE_AT_HOME, /* nothing was done: another shard is the client's home */
};

enum handled receive_connect(struct core *core, struct connection *connection, uint8_t flags,
        struct bytes body, unsigned *home);
enum handled receive_publish(
        struct core *core, struct connection *connection, uint8_t flags, struct bytes body);
void receive_acknowledgement(
        struct core *core, struct connection *connection, enum mqtt_type type, struct bytes body);
void receive_subscribe(struct core *core, struct connection *connection, struct bytes body);
void receive_unsubscribe(struct core *core, struct connection *connection, struct bytes body);
void receive_auth(struct core *core, struct connection *connection, struct bytes body);

#endif
