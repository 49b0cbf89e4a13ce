/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange of enhanced authentication: a client logs in by SCRAM-SHA-256 as a user of a password
 * file, at CONNECT or again later. The file may be another one from one step to the next.
 */
#ifndef BROKER_AUTH_EXCHANGE_H
#define BROKER_AUTH_EXCHANGE_H

#include "base/memory.h"
#include "broker/auth/password_file.h"
#include "mqtt/reason.h"

#define EXCHANGE_METHOD "SCRAM-SHA-256"

struct exchange;

/* `expected` is the user that the client must turn out to be, copied; empty: any. NULL when memory
 * is short. Give it back with exchange_free(). */
struct exchange *exchange_new(const struct memory *memory, struct bytes expected);

/* Wipes it. NULL is fine. */
void exchange_free(const struct memory *memory, struct exchange *exchange);

/* The user that the client says to be; empty before it has said so. */
struct bytes exchange_user(const struct exchange *exchange);

/* Whether the client has said what only the server's answer has told it: then it is where that was
 * sent to. */
bool exchange_was_heard(const struct exchange *exchange);

/**
 * Takes what the client says; *answer is for the client, lies in the exchange and may be empty.
 *
 * Returns MQTT_CONTINUE_AUTHENTICATION; MQTT_SUCCESS: it is the user, whom *user is set to; or
 * MQTT_NOT_AUTHORIZED: it is not, or what it says is no SCRAM; or MQTT_SERVER_BUSY: chance is not
 * to be had.
 */
enum mqtt_reason exchange_take(struct exchange *exchange, const struct password_file *file,
        struct bytes data, struct bytes *answer, const struct password_user **user);

#endif
