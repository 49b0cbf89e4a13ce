/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client is not told yet, as the store does not have it: acknowledgements, in order, as
 * encoded packets. A connection has a hold from when it first has to wait; what it holds goes to
 * the connection's output when the store is past all that it is bound to. PINGRESP and the like
 * overtake it, but for a CONNACK or SUBACK, which nothing does.
 */
#ifndef BROKER_CORE_HOLD_H
#define BROKER_CORE_HOLD_H

#include "base/buffer.h"
#include "base/list.h"
#include "broker/core/marks.h"

struct core;
struct connection;

/* A client that has so much of it waiting is left unread. */
enum { HOLD_PAUSE_BYTES = 16 << 10 };

struct hold {
    struct list link; /* in core->durable.holders */
    struct connection *connection;
    struct buffer bytes;
    struct marks marks; /* of them */
    uint64_t bound;     /* what is said now waits for that position; MARK_THIS_TURN */
    uint32_t closed;    /* of the bytes, from the first on: what nothing overtakes */
    bool closing;       /* what is said next belongs to them */
    bool connack;       /* the first packet is one: its client has heard nothing yet */
};

/* What its client is told from now on waits for this turn's records. False when memory is short:
 * the connection is condemned then. Nothing where there is no store, or none waits for it. */
bool hold_bind(struct core *core, struct connection *connection);

/* True while it holds something. */
bool hold_is_full(const struct connection *connection);

/* Nothing overtakes what is said next, should it be held. */
void hold_close(struct core *core, struct connection *connection);

/* True while nothing goes out before what is held. */
bool hold_is_closed(const struct connection *connection);

/* The same for a CONNACK: before it nothing may be said, not even why it ends. */
void hold_connack(struct core *core, struct connection *connection);
bool hold_has_connack(const struct connection *connection);

/* The buffer for what answers the client: the held one, or the connection's control buffer. */
struct buffer *hold_buffer(struct core *core, struct connection *connection);

/* So much has been written to it; false when memory is short. */
bool hold_written(struct core *core, struct connection *connection, size_t size);

/* The turn's records have this position (holds) or are durable up to it (release). */
void holds_settle(struct core *core, uint64_t position);
void holds_release(struct core *core, uint64_t durable);

/* Nothing more will be durable: those whom something is held from are told that, and end. */
void holds_end(struct core *core);

/* True while so much is held that its client is left unread. */
bool hold_is_heavy(const struct core *core, const struct connection *connection);

void hold_free(struct core *core, struct connection *connection);

#endif
