/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store is told of sessions and what belongs to them, whenever that changes: records of
 * this turn, which a client that is told of the change waits for (durable_bind()).
 *
 * All of this does nothing for what does not outlive the process. Where memory is too short for a
 * record, false says so, and what would have been told must not be said.
 */
#ifndef BROKER_CORE_KEEP_H
#define BROKER_CORE_KEEP_H

#include "base/bytes.h"
#include "broker/core/retained.h"
#include "broker/core/stored.h"

#include <stdbool.h>

struct connection;
struct core;
struct group;
struct session;
struct will;

/*
 * The session as it is now: its client has come (`connected`), or is absent until its expires_ms.
 * One that never expires and has no will is the same in both cases, and written once.
 */
bool keep_session(struct core *core, struct session *session, bool connected);

/* A message waits for the session, whose client is away: so it was not sent to it, should somebody
 * ask (struct doubts). One that is written once is written for this, too, and again when its client
 * comes. Without memory it counts as one whose client may be there. */
void keep_absence(struct core *core, struct session *session);

/* The session ends, and is found by its id no more. It takes the session's `lasting`, and its id
 * where the store is to be told later. */
void keep_session_ended(struct core *core, struct session *session);

/* Tells the store what it could not be told for want of memory, as far as there is some. */
void keep_farewells(struct core *core);

/* Frees what is still to be told: at the end. */
void keep_forget_farewells(struct core *core);

/* A new will of that session, with its connection's author, where rights are asked of it later. */
bool keep_will(struct core *core, const struct session *session,
        const struct connection *connection, struct will *will);

/* It is published or discarded. Without memory it stays, and is published once more after a
 * restart. */
void keep_will_gone(struct core *core, struct will *will);

bool keep_subscription(struct core *core, const struct session *session, struct bytes filter,
        const struct stored_subscription *subscription);
bool keep_unsubscribed(struct core *core, const struct session *session, struct bytes filter);

/* The group has its queue now; and it ends. */
bool keep_group(struct core *core, const struct group *group);
void keep_group_ended(struct core *core, const struct group *group);

/* What the store is told when this message becomes its topic's retained one until expires_ms, or
 * clears it: for retained_set() and retained_clear(). Nothing of the server's own topics. */
bool keep_retained(struct core *core, const struct message *message, int64_t expires_ms,
        struct retained_change *out);

#endif
