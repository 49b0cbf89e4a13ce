/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/outgoing.h"

#include "mqtt/outflow.h"

#include <assert.h>

enum { PACKET_IDS = UINT16_MAX };

static bool is_done(const struct delivery *delivery)
{
    return delivery->state == OUT_DONE;
}

/* The first position in flight whose sequence is not below; flight->count when there is none. Not
 * on an empty flight, and not for a sequence before its first. */
static uint32_t position(const struct deliveries *flight, uint64_t sequence)
{
    uint64_t straight = sequence - deliveries_at(flight, 0)->sequence;
    uint32_t low = 0;
    uint32_t high = flight->count;

    /* Mostly there are no holes. */
    if (straight < high && deliveries_at(flight, (uint32_t)straight)->sequence == sequence)
        return (uint32_t)straight;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (deliveries_at(flight, middle)->sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct delivery *outgoing_find(const struct outgoing *outgoing, uint16_t packet_id)
{
    const struct deliveries *flight = &outgoing->flight;
    uint64_t first;
    uint64_t sequence;

    if (packet_id == 0 || flight->count == 0)
        return NULL;
    first = deliveries_at(flight, 0)->sequence;
    /* The smallest sequence from the first on that has this id. A peer that leaves one message open
     * for more than 65,535 others makes further rounds necessary. */
    sequence = first + (packet_id - 1 + PACKET_IDS - first % PACKET_IDS) % PACKET_IDS;
    for (; sequence < outgoing->sequence; sequence += PACKET_IDS) {
        uint32_t at = position(flight, sequence);
        struct delivery *delivery = at < flight->count ? deliveries_at(flight, at) : NULL;

        if (delivery && delivery->sequence == sequence && !is_done(delivery))
            return delivery;
    }
    return NULL;
}

bool outgoing_window_open(const struct outgoing *outgoing)
{
    return outgoing->open < outgoing->window;
}

/* Skips numbers whose packet id is still in use. One is free, for the window is below 65,536. */
static void skip_used(struct outgoing *outgoing)
{
    const struct deliveries *flight = &outgoing->flight;

    while (flight->count > 0 &&
            outgoing->sequence - deliveries_at(flight, 0)->sequence >= PACKET_IDS &&
            outgoing_find(outgoing, (uint16_t)(outgoing->sequence % PACKET_IDS + 1)))
        outgoing->sequence++;
}

static bool keep_open(void *context, struct delivery *delivery)
{
    (void)context;
    return !is_done(delivery);
}

bool outgoing_prepare(struct outgoing *outgoing, const struct memory *memory, uint16_t *packet_id)
{
    /* Holes are closed before the ring would grow for them, where nobody counts positions. */
    if (outgoing->unresent == 0 && outgoing->flight.count == outgoing->flight.capacity &&
            outgoing->flight_open < outgoing->flight.count)
        deliveries_filter(&outgoing->flight, memory, keep_open, NULL);
    if (!deliveries_reserve(&outgoing->flight, memory))
        return false;
    skip_used(outgoing);
    *packet_id = (uint16_t)(outgoing->sequence % PACKET_IDS + 1);
    return true;
}

/* The front of the queue moves into flight. */
static struct delivery *fly(struct outgoing *outgoing, const struct memory *memory)
{
    struct delivery *delivery = deliveries_add(&outgoing->flight, memory);

    assert(delivery); /* Its room was reserved. */
    *delivery = deliveries_take(&outgoing->queue, memory);
    delivery->sequence = outgoing->sequence++;
    delivery->state = delivery->qos == 1 ? OUT_WAIT_PUBACK : OUT_WAIT_PUBREC;
    outgoing->queue_bytes -= delivery->message->payload_size;
    outgoing->flight_bytes += delivery->message->payload_size;
    outgoing->flight_open++;
    return delivery;
}

void outgoing_launch(struct outgoing *outgoing, const struct memory *memory)
{
    assert(outgoing->unresent == 0);
    fly(outgoing, memory)->flags |= DELIVERY_SENT;
    outgoing->open++;
}

void outgoing_stage(struct outgoing *outgoing, const struct memory *memory)
{
    fly(outgoing, memory)->flags |= DELIVERY_STAGED;
    outgoing->unresent++;
}

void outgoing_drop(struct outgoing *outgoing, struct delivery *delivery)
{
    assert(!is_done(delivery));
    delivery->state = OUT_DONE;
    outgoing->flight_open--;
    if (delivery->flags & DELIVERY_SENT)
        outgoing->open--;
}

void outgoing_trim(struct outgoing *outgoing, const struct memory *memory)
{
    /* While some are to be sent again, positions count from the end: the front may go. */
    while (outgoing->flight.count > 0 && is_done(deliveries_at(&outgoing->flight, 0))) {
        deliveries_take(&outgoing->flight, memory);
        if (outgoing->unresent > outgoing->flight.count)
            outgoing->unresent = outgoing->flight.count;
    }
}

void outgoing_done(
        struct outgoing *outgoing, const struct memory *memory, struct delivery *delivery)
{
    outgoing->vain = 0;
    outgoing_drop(outgoing, delivery);
    outgoing_trim(outgoing, memory);
}

void outgoing_resume(struct outgoing *outgoing, uint16_t window)
{
    outgoing->window = window;
    outgoing->open = 0;
    outgoing->unresent = outgoing->flight.count;
    for (uint32_t i = 0; i < outgoing->flight.count; i++)
        deliveries_at(&outgoing->flight, i)->flags &= (uint16_t)~DELIVERY_SENT;
}

bool outgoing_empty(const struct outgoing *outgoing)
{
    return outgoing->instant.count == 0 && outgoing->queue.count == 0 && outgoing->flight_open == 0;
}

void outgoing_release(struct outgoing *outgoing, const struct memory *memory)
{
    deliveries_release(&outgoing->instant, memory);
    deliveries_release(&outgoing->queue, memory);
    deliveries_release(&outgoing->flight, memory);
}
