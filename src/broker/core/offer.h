/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when a message meets a session's queue, and what becomes of it in the end.
 */
#ifndef BROKER_CORE_OFFER_H
#define BROKER_CORE_OFFER_H

#include "broker/core/counters.h"
#include "broker/core/delivery.h"
#include "broker/core/ledger.h"

struct core;
struct session;
struct ask;

/* How a delivery ends; FATE_DROPPED + an enum drop_reason names a loss. */
enum delivery_fate {
    FATE_DELIVERED,
    FATE_EXPIRED,
    FATE_RETURNED, /* to its group, which gives it to another member */
    FATE_DROPPED,
};

struct offer {
    struct message *message; /* borrowed; the queue takes a reference of its own */
    uint8_t qos;             /* for this receiver */
    bool retain;             /* the RETAIN flag that it will bear */
    bool unlimited;          /* a slice of retained messages: whoever reads them keeps the pace */
    uint32_t identifier_count;
    const uint32_t *identifiers; /* borrowed */
    struct hand *hand;           /* what a group gave; taken. NULL: not from a group */
    struct ask *ask;             /* for QUEUE_BACKPRESSURE; NULL: the publisher does not wait */
};

/* Queues it or not, as limits and policy say; all is counted. False when it was refused for want of
 * room in the queue or of memory, which its publisher should know. */
bool session_offer(struct core *core, struct session *session, const struct offer *offer);

/* A message for the session is lost for want of memory before it could be offered; counted. */
void session_lose(struct core *core, struct session *session, const struct message *message);

/* Tells the log of a message lost, and of those since the last line. */
struct loss {
    struct bytes who;              /* the session's id, or the group's "name/filter" */
    const struct message *message; /* the last one; NULL: it is gone */
    enum drop_reason reason;
    uint64_t queued_bytes; /* in its queue, and their memory: which of the limits it was */
    uint64_t backlog;
};
void loss_tell(struct core *core, struct loss_notes *notes, const struct loss *loss);

/* The session comes, goes or ends: what its log lines have not counted yet is told now. */
void losses_tell_rest(struct core *core, struct session *session);

/* The delivery has left its ring: counts its fate and lets go of all that it holds. */
void delivery_end(struct core *core, struct session *session, struct delivery *delivery, int fate);

/* Lets go of all that a delivery holds, which is counted elsewhere. */
void delivery_forget(struct core *core, struct delivery *delivery);

/* The first delivery of its instant ring or of its queue, which has one, leaves with that fate. */
void session_end_first(
        struct core *core, struct session *session, struct deliveries *ring, int fate);

/* Counts a fate in the ledger and in the shard's sums. */
void ledger_count(struct core *core, struct ledger *ledger, int fate);

/* Counts a message that reached the session or group. */
void ledger_match(struct core *core, struct ledger *ledger);

/*
 * So many messages have come into its full queue, under backpressure, without a publisher that
 * waits for room: its client could not be heard, as it waits for room itself. One that then
 * acknowledges nothing, over more messages than it has packet ids for, would fill the memory: its
 * connection ends.
 */
void session_filled_in_vain(struct core *core, struct session *session, uint32_t count);

/* Publishers that waited for room in this session go on, where there is room now. */
void session_has_room(struct core *core, struct session *session);

#endif
