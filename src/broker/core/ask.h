/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backpressure: a publisher that waits until the queues that its message was too much for have
 * room.
 *
 * An ask goes with a message to one shard. There, each full queue holds a waiter for it; when the
 * last of them has room (or ends), the ask goes back and the publisher's acknowledgement is sent.
 */
#ifndef BROKER_CORE_ASK_H
#define BROKER_CORE_ASK_H

#include "broker/core/mail.h"

struct core;
struct connection;
struct session;

struct ask {
    struct letter letter;
    struct target connection; /* the publisher's */
    uint32_t serial;          /* of its acknowledgement that waits */
    uint32_t waiters;         /* on the shard that it was sent to; one more until ask_settle() */
};

struct waiter {
    struct list link; /* in the full queue's list */
    struct ask *ask;
};

/* An ask for the acknowledgement that this publisher was last made to wait for; NULL when memory is
 * short. */
struct ask *ask_new(struct core *core, struct connection *publisher);

/* It is not sent after all, and not waited for. */
void ask_cancel(struct core *core, struct ask *ask, struct connection *publisher);

/* A full queue is one more to wait for. False when memory is short. */
bool ask_wait(struct core *core, struct ask *ask, struct list *waiters);

/* Every queue of this shard has been offered the message: back it goes, if none is full. */
void ask_settle(struct core *core, struct ask *ask);

/* The queue has room again, or is gone: its waiters wait no more. Returns how many there were. */
uint32_t ask_release(struct core *core, struct list *waiters);

/* It came back to the publisher's shard. */
void ask_returned(struct core *core, struct ask *ask);

#endif
