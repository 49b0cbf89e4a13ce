/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session's client may receive, and may publish by its will, in the authority's eyes.
 *
 * A session is `judged` when the authority says so of its client (ACCESS_JUDGED): then each message
 * that is offered to it is asked for, and none of the others costs anything. What waits for it is
 * judged again when another identity or other rules take effect.
 *
 * While the client is there its connection holds the identity, then the session does.
 */
#ifndef BROKER_CORE_RIGHTS_H
#define BROKER_CORE_RIGHTS_H

#include <stdbool.h>

struct connection;
struct core;
struct message;
struct session;

/* Asked of a judged session only. */
bool rights_to_receive(
        const struct core *core, const struct session *session, const struct message *message);

bool rights_to_publish(
        const struct core *core, const struct session *session, const struct message *message);

/* Its connection ends: the session keeps the identity. */
void rights_keep(struct session *session, struct connection *connection);

/* Gives an identity back to the authority; *identity may be NULL and becomes so. */
void rights_forget(struct core *core, void **identity);

/* Its connection has another identity: finds out whether the session is judged, and drops of what
 * waits for it what its client may not receive. */
void rights_settle(struct core *core, struct session *session);

#endif
