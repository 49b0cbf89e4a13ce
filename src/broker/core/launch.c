/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/launch.h"

#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/offer.h"
#include "broker/core/state.h"
#include "broker/core/stored.h"
#include "mqtt/outflow.h"

#include <assert.h>

bool launch_is_needed(
        const struct core *core, const struct session *session, const struct delivery *delivery)
{
    if (!session->lasting)
        return false;
    return delivery->qos == 2 || core->durable.storage.patience == STORAGE_WAITS_MORE;
}

void launch_later(struct core *core, struct session *session)
{
    struct lasting *lasting = session->lasting;
    const struct deliveries *queue = &session->receiver->outgoing.queue;

    if (lasting && session->connection && !list_linked(&lasting->launch) && queue->count > 0 &&
            launch_is_needed(core, session, deliveries_at(queue, 0)))
        list_append(&core->durable.launches, &lasting->launch);
}

/* ---- Staging ---- */

static bool has_place(const struct core *core, const struct outgoing *outgoing)
{
    uint64_t bytes_max = core->settings->max_inflight_bytes;

    return (uint64_t)outgoing->open + outgoing->unresent < outgoing->window &&
            (bytes_max == 0 || outgoing->flight_open == 0 || outgoing->flight_bytes < bytes_max);
}

static uint64_t queue_of(const struct session *session, const struct delivery *delivery)
{
    return delivery->flags & DELIVERY_SHARED ? delivery->extra.hand->queue
                                             : session->lasting->queue;
}

static bool is_stored(const struct session *session, const struct delivery *delivery)
{
    return delivery->message->id != RECORD_NO_ID && queue_of(session, delivery) > 0;
}

/* The store learns the packet id of a stored message. */
static bool note(struct core *core, const struct session *session, const struct delivery *delivery,
        uint64_t sequence)
{
    const struct stored_flight flight = { .session = session->lasting->queue,
        .sequence = sequence,
        .qos = delivery->qos,
        .retain = delivery->flags & DELIVERY_RETAIN,
        .subscription_id = delivery->subscription_id };
    uint8_t bytes[STORED_FLIGHT_SIZE];

    stored_flight_write(bytes, &flight);
    return records_note(durable_batch(core), queue_of(session, delivery), delivery->message->id,
            bytes_of(bytes, sizeof(bytes)));
}

/* The same of what is about to be staged, which then waits for it. */
static bool note_first(
        struct core *core, const struct session *session, const struct delivery *delivery)
{
    uint64_t id = delivery->message->id;

    if (!is_stored(session, delivery))
        return true;
    durable_await(core, id & RECORD_IN_BATCH ? 0 : id + 1);
    return delivery->qos == 1 ||
            note(core, session, delivery, session->receiver->outgoing.sequence);
}

static bool stage_first(struct core *core, struct session *session)
{
    struct outgoing *outgoing = &session->receiver->outgoing;
    struct lasting *lasting = session->lasting;
    uint16_t packet_id;

    if (!outgoing_prepare(outgoing, &core->memory, &packet_id) ||
            !marks_add(&lasting->staged, &core->memory, 1))
        return false;
    /* Where the note fails, one mark too many makes nothing sure too early: it is of this turn. */
    if (!note_first(core, session, deliveries_at(&outgoing->queue, 0)))
        return false;
    outgoing_stage(outgoing, &core->memory);
    if (!list_linked(&lasting->staging))
        list_append(&core->durable.stages, &lasting->staging);
    return true;
}

static void stage(struct core *core, struct session *session)
{
    struct outgoing *outgoing = &session->receiver->outgoing;

    while (session->connection && outgoing->queue.count > 0 && has_place(core, outgoing)) {
        const struct delivery *first = deliveries_at(&outgoing->queue, 0);

        if (message_expired(first->message, core->now_ms)) {
            session_end_first(core, session, &outgoing->queue, FATE_EXPIRED);
            connection_has_output(core, session->connection); /* What is behind it may just go. */
            continue;
        }
        if (!launch_is_needed(core, session, first))
            return;
        if (!stage_first(core, session)) {
            connection_condemn_for_memory(core, session->connection);
            return;
        }
    }
}

void launches_stage(struct core *core)
{
    struct list *link;

    while ((link = list_take_first(&core->durable.launches)))
        stage(core, container_of(link, struct lasting, launch)->session);
}

/* ---- QoS 1 ---- */

bool launch_is_in_doubt(
        const struct core *core, const struct session *session, const struct delivery *delivery)
{
    const struct doubts *doubts = &core->durable.doubts;

    /* Not of QoS 2: it goes out when its packet id is known, and is in flight since then. */
    return session->lasting && delivery->qos == 1 && delivery->message->id != RECORD_NO_ID &&
            delivery->message->id <
            (session->lasting->was_absent ? doubts->absent : doubts->present);
}

static bool is_to_be_noted(const struct session *session, const struct delivery *delivery)
{
    return delivery->state == OUT_WAIT_PUBACK &&
            !(delivery->flags & (DELIVERY_NOTED | DELIVERY_STAGED)) && is_stored(session, delivery);
}

void launch_note_sent(struct core *core, struct session *session)
{
    const struct deliveries *flight = &session->receiver->outgoing.flight;

    if (!session->lasting || !durable_is_on(core))
        return;
    for (uint32_t i = 0; i < flight->count; i++) {
        struct delivery *delivery = deliveries_at(flight, i);

        if (!is_to_be_noted(session, delivery))
            continue;
        if (!note(core, session, delivery, delivery->sequence))
            return;
        delivery->flags |= DELIVERY_NOTED;
        durable_lazy(core);
    }
}

/* ---- Sending ---- */

bool launch_is_sure(const struct session *session)
{
    return session->lasting->sure > 0;
}

void launch_over(struct session *session, struct delivery *delivery)
{
    if (!(delivery->flags & DELIVERY_STAGED))
        return;
    delivery->flags &= (uint16_t)~DELIVERY_STAGED;
    if (session->lasting->sure > 0)
        session->lasting->sure--;
    else
        session->lasting->early++;
}

static void release(struct core *core, struct lasting *lasting, uint64_t durable)
{
    uint64_t sure = marks_take(&lasting->staged, durable);
    uint64_t early = sure < lasting->early ? sure : lasting->early;

    lasting->early -= (uint32_t)early;
    lasting->sure += (uint32_t)(sure - early);
    if (sure > 0 && lasting->session->connection)
        connection_has_output(core, lasting->session->connection);
    if (lasting->staged.count == 0) {
        list_remove(&lasting->staging);
        marks_reset(&lasting->staged, &core->memory);
    }
}

void stages_settle(struct core *core, uint64_t position)
{
    struct list *link;

    for (link = core->durable.stages.next; link != &core->durable.stages; link = link->next)
        marks_settle(&container_of(link, struct lasting, staging)->staged, position);
    if (core->durable.storage.patience == STORAGE_NEVER_WAITS)
        stages_release(core, position);
}

void stages_release(struct core *core, uint64_t durable)
{
    struct list *link = core->durable.stages.next;

    while (link != &core->durable.stages) {
        struct lasting *lasting = container_of(link, struct lasting, staging);

        link = link->next;
        release(core, lasting, durable);
    }
}

void launch_forget(struct core *core, struct session *session)
{
    struct lasting *lasting = session->lasting;

    if (!lasting)
        return;
    list_remove(&lasting->launch);
    list_remove(&lasting->staging);
    marks_reset(&lasting->staged, &core->memory);
}
