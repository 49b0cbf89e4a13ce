/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retained messages for new subscriptions, read in slices as fast as the client takes them: what a
 * wide filter finds never has to fit a queue.
 */
#ifndef BROKER_CORE_READER_H
#define BROKER_CORE_READER_H

#include "base/list.h"
#include "broker/core/retained.h"

struct core;
struct session;
struct subscription;

/* One subscription's read; it lives no longer than that. */
struct retained_read {
    struct list link; /* in session->retained_reads */
    struct subscription *subscription;
    struct retained_cursor cursor;
    uint64_t revision_max;
};

/* Starts the read for a subscription, or starts it anew. False when memory is short. */
bool retained_read_start(struct core *core, struct session *session,
        struct subscription *subscription, uint64_t revision_max);

/* No more is read for the subscription. */
void retained_read_stop(
        struct core *core, struct session *session, struct subscription *subscription);

/* Ends all reads of the session. */
void retained_reads_drop(struct core *core, struct session *session);

/* The session may have taken what it had: then it is given more in the next turn. */
void retained_reads_go_on(struct core *core, struct session *session);

/* Gives more to each session that has taken what it had. */
void readers_turn(struct core *core);

#endif
