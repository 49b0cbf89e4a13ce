/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session still has to send: queued, in flight, and the window between them.
 *
 * QoS 0 and QoS 1/2 wait in rings of their own, since only the latter obey Receive Maximum; they
 * leave in order of arrival as long as the window is open. In flight is everything that has a
 * packet id, in order of first sending, with holes where acknowledgements overtook each other. Pure
 * bookkeeping: who holds what is counted here, packets are made by send.c.
 */
#ifndef BROKER_CORE_OUTGOING_H
#define BROKER_CORE_OUTGOING_H

#include "broker/core/delivery.h"

struct outgoing {
    struct deliveries instant; /* QoS 0 */
    struct deliveries queue;   /* QoS 1 and 2, not yet sent */
    struct deliveries flight;  /* QoS 1 and 2 with a packet id */
    uint64_t arrivals;         /* next arrival's number */
    uint64_t sequence;         /* next packet's number; its id is sequence % 65535 + 1 */
    uint64_t instant_bytes;
    uint64_t queue_bytes;
    uint64_t flight_bytes; /* payloads of those in flight */
    int64_t expires_ms;    /* nothing queued expires earlier; as far as is known */
    uint32_t flight_open;  /* in flight, not done */
    uint32_t unresent;     /* after a resume: at the front of flight, not yet sent again */
    uint16_t open;         /* sent on this connection and not done: against the send quota */
    uint16_t window;       /* Receive Maximum of the client or max_inflight_messages */
    uint32_t vain;         /* see session_filled_in_vain(); since an acknowledgement came */
};

/* Memory of what is queued, as limits count it. */
static inline uint64_t outgoing_backlog(const struct outgoing *outgoing)
{
    return outgoing->instant_bytes + outgoing->queue_bytes +
            outgoing->queue.count * (sizeof(struct delivery) + sizeof(struct message));
}

/* Something is queued that expires then. */
static inline void outgoing_note_expiry(struct outgoing *outgoing, int64_t expires_ms)
{
    if (expires_ms < outgoing->expires_ms)
        outgoing->expires_ms = expires_ms;
}

static inline uint16_t outgoing_packet_id(const struct delivery *delivery)
{
    return (uint16_t)(delivery->sequence % UINT16_MAX + 1);
}

/* The delivery in flight with that id and not done; NULL: none. */
struct delivery *outgoing_find(const struct outgoing *outgoing, uint16_t packet_id);

/* True when one more QoS 1 or 2 message may be sent (new or again). */
bool outgoing_window_open(const struct outgoing *outgoing);

/*
 * Makes sure that the front of the queue can be launched, and tells the packet id it will have.
 * False when memory is short. The caller has seen that the window is open.
 */
bool outgoing_prepare(struct outgoing *outgoing, const struct memory *memory, uint16_t *packet_id);

/* The front of the queue was sent with the prepared packet id: it moves into flight. */
void outgoing_launch(struct outgoing *outgoing, const struct memory *memory);

/* The same, but it will be sent later: it is the last of those that are to be sent again. */
void outgoing_stage(struct outgoing *outgoing, const struct memory *memory);

/* The delivery is acknowledged: its place in flight and in the quota is free. What it still holds
 * has been let go by the caller. */
void outgoing_done(
        struct outgoing *outgoing, const struct memory *memory, struct delivery *delivery);

/* As outgoing_done(), while positions in flight are walked; then outgoing_trim(). */
void outgoing_drop(struct outgoing *outgoing, struct delivery *delivery);
void outgoing_trim(struct outgoing *outgoing, const struct memory *memory);

/* A new connection: all that is in flight is to be sent again, in order. */
void outgoing_resume(struct outgoing *outgoing, uint16_t window);

/* True when there is nothing at all to send or to wait for. */
bool outgoing_empty(const struct outgoing *outgoing);

/* Frees what an empty ring keeps. */
void outgoing_release(struct outgoing *outgoing, const struct memory *memory);

#endif
