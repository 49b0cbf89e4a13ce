/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CONNECT on its way to a CONNACK, and how who may come in does: on which terms, with which
 * session, and with which answer. Who may is for connect.c to judge.
 */
#ifndef BROKER_CORE_ADMISSION_H
#define BROKER_CORE_ADMISSION_H

#include "broker/core/client_id.h"
#include "broker/core/connection.h"
#include "broker/core/session.h"

enum { ASSIGNED_DIGITS = 22 }; /* behind auto_id_prefix */

struct admission {
    struct core *core;
    struct connection *connection;
    const struct mqtt_connect *connect;
    struct bytes body;      /* of CONNECT, while it is not kept; else empty */
    uint32_t delay_ms;      /* of its answer */
    bool told;              /* the log has heard that it is refused */
    const char *text;       /* why it is refused, where the reason does not say it; NULL */
    struct bytes client_id; /* the effective one */
    bool assigned;          /* CONNECT has none */
    uint8_t assigned_text[CLIENT_ID_PREFIX_MAX + ASSIGNED_DIGITS];
    uint16_t keep_alive_s; /* in force */
    uint32_t expiry_s;     /* in force */
    bool has_patron;       /* its session is counted for its user already */
    bool lasted;           /* the session that was there, if any, outlives the process */
};

/* From what the client asks for and what the settings allow: keep_alive_s and expiry_s. */
void admission_settle_terms(struct admission *admission);

/* False for a client that does not take even what it must be told. The terms are settled. */
bool admission_fits(const struct admission *admission);

/**
 * Brings the client in: takes its session over or makes one, and says CONNACK, or lets that wait
 * for the store. Who it is, what it may, and the terms are settled.
 *
 * Returns MQTT_SUCCESS, or why it has to be refused after all: there is no memory, or there are as
 * many sessions as there may be.
 */
enum mqtt_reason admission_complete(struct admission *admission);

/* The session as it is to be, with its will, also in the store; `present`: it was there before.
 * False when memory is short; it may have the new will already. */
bool admission_settle_session(struct admission *admission, struct session *session, bool present);

/* The will's topic by its full name, which lies where mount_topic() says. */
enum mqtt_reason admission_will_topic(const struct admission *admission, struct bytes *topic);

/* The user name in CONNECT, as far as the log may have it; `connect` may be NULL. */
struct bytes admission_shown_name(
        const struct connection *connection, const struct mqtt_connect *connect);

#endif
