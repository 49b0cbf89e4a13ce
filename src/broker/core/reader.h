/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retained messages for new subscriptions, read in slices as fast as the client takes them: what a
 * wide filter finds never has to fit a queue. What waited when the client subscribed comes before
 * them, though it may lie on disk (backlog.h): a topic's last message comes last.
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
    uint64_t ahead; /* of what waited before it, so many are not in memory */
};

/* Starts the read for a subscription, or starts it anew. False when memory is short. */
bool retained_read_start(struct core *core, struct session *session,
        struct subscription *subscription, uint64_t revision_max);

/* No more is read for the subscription. */
void retained_read_stop(
        struct core *core, struct session *session, struct subscription *subscription);

/* So many messages that wait for the session have come into memory, or are lost; or have gone
 * from it. */
void retained_reads_near(struct session *session, uint64_t messages);
void retained_reads_delay(struct session *session, uint64_t messages);

/* Is something to be read in this turn? It comes before what is not in memory yet. */
bool retained_reads_are_next(const struct session *session);

/* How many that are not in memory come before the next read; UINT64_MAX: there is none that waits
 * for them. */
uint64_t retained_reads_ahead(const struct session *session);

/* Ends all reads of the session. */
void retained_reads_drop(struct core *core, struct session *session);

/* The session may have taken what it had: then it is given more in the next turn. */
void retained_reads_go_on(struct core *core, struct session *session);

/* Gives more to each session that has taken what it had. */
void readers_turn(struct core *core);

#endif
