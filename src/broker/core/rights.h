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

#include "broker/core/core.h"

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct author;
struct connection;
struct core;
struct message;
struct session;

/*
 * Of an `unseen` session nobody knows the identity: it was restored, and its client has not come
 * yet. It is not judged until then, and waits without being given anything. Its will is judged by
 * its author, where it says one.
 */

/* Asked of a judged session only. */
bool rights_to_receive(
        const struct core *core, const struct session *session, const struct message *message);

bool rights_to_publish(
        const struct core *core, const struct session *session, const struct message *message);

/* What a retained message of this connection's client is to say of its author: writes it to *out
 * and gives that, or NULL where nobody will ask. */
const struct author *rights_author(const struct core *core, const struct connection *connection,
        struct bytes client_id, struct author *out);

/* The same whether or not retained messages are judged by their authors: for what is stored. */
const struct author *rights_known_author(const struct core *core,
        const struct connection *connection, struct bytes client_id, struct author *out);

/* Whether a retained message's author might publish it now (check_retain_source). */
bool rights_of_author(const struct core *core, const struct message *message);

/* Whether its identity may have that client id: any, but where the user name is the id. */
bool rights_to_id(
        const struct core *core, const struct connection *connection, struct bytes client_id);

/* Its connection ends: the session keeps the identity. */
void rights_keep(struct session *session, struct connection *connection);

/* When an identity that core is given now ends by itself; INT64_MAX: never. */
int64_t rights_end_ms(const struct core *core, void *identity);

/* Gives an identity back to the authority; *identity may be NULL and becomes so. */
void rights_forget(struct core *core, void **identity);

/* Its connection has another identity: finds out whether the session is judged, and drops of what
 * waits for it what its client may not receive. */
void rights_settle(struct core *core, struct session *session);

/* The user name that a connection's client has for the authority; empty: none. */
struct bytes rights_name(const struct core *core, const struct connection *connection);

/* What a client is to the authority now. */
enum access_standing rights_standing(const struct core *core, void *identity);

#endif
