/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/offer.h"

#include "broker/core/ask.h"
#include "broker/core/backlog.h"
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/keep.h"
#include "broker/core/launch.h"
#include "broker/core/rights.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

#include <assert.h>

enum { LOSSES_TOLD_EVERY_MS = 1000, VAIN_MAX = UINT16_MAX };

const char *drop_reason_name(enum drop_reason reason)
{
    static const char *const names[DROP_REASONS] = {
        [DROP_QUEUE_FULL] = "queue_full",
        [DROP_SLOW_READER] = "slow_reader",
        [DROP_OFFLINE] = "offline",
        [DROP_TOO_LARGE] = "too_large",
        [DROP_SESSION_ENDED] = "session_ended",
        [DROP_NO_MEMORY] = "no_memory",
        [DROP_MAILBOX_FULL] = "mailbox_full",
        [DROP_REFUSED] = "refused",
        [DROP_NOT_ALLOWED] = "not_allowed",
        [DROP_MEMORY] = "memory_eviction",
        [DROP_UNREADABLE] = "unreadable",
    };

    return reason < DROP_REASONS ? names[reason] : "unknown";
}

void ledger_match(struct core *core, struct ledger *ledger)
{
    ledger->matched++;
    counter_add(&core->counters.matched, 1);
}

void ledger_count(struct core *core, struct ledger *ledger, int fate)
{
    assert(fate != FATE_RETURNED);
    if (fate == FATE_DELIVERED) {
        ledger->delivered++;
        counter_add(&core->counters.delivered, 1);
    } else if (fate == FATE_EXPIRED) {
        ledger->expired++;
        counter_add(&core->counters.expired, 1);
    } else {
        counter_add(&core->counters.dropped[fate - FATE_DROPPED], 1);
        ledger_drop(ledger, &core->memory, (enum drop_reason)(fate - FATE_DROPPED));
    }
}

/* The option that set the limit, for the log. */
static const char *limit_name(const struct core *core, const struct loss *loss)
{
    const struct core_settings *settings = core->settings;
    bool fat = settings->client_memory_max > 0 && loss->backlog >= settings->client_memory_max;
    bool heavy = settings->max_queued_bytes > 0 && loss->queued_bytes >= settings->max_queued_bytes;

    if (loss->reason == DROP_SLOW_READER)
        return fat ? "client_memory_max" : "max_qos0_backlog_bytes";
    if (loss->reason == DROP_TOO_LARGE)
        return "the client's Maximum Packet Size";
    if (loss->reason == DROP_MEMORY)
        return "memory_limit";
    if (loss->reason != DROP_QUEUE_FULL)
        return "";
    return fat ? "client_memory_max" : heavy ? "max_queued_bytes" : "max_queued_messages";
}

static void tell_losses(struct core *core, struct loss_notes *notes, const struct loss *loss)
{
    journal_tell(&core->journal, EVENT_WARN, "message.dropped", field_bytes("id", loss->who),
            field_bytes(
                    "topic", loss->message ? message_topic(loss->message) : (struct bytes){ 0 }),
            field_text("reason", drop_reason_name(loss->reason)),
            field_text("limit", limit_name(core, loss)), field_number("messages", notes->untold));
    notes->quiet_until_ms = core->now_ms + LOSSES_TOLD_EVERY_MS;
    notes->untold = 0;
}

void loss_tell(struct core *core, struct loss_notes *notes, const struct loss *loss)
{
    /* What ends with its session, or was QoS 0 for an absent client, took its normal course. */
    if (loss->reason == DROP_OFFLINE || loss->reason == DROP_SESSION_ENDED)
        return;
    notes->untold++;
    notes->last = (uint8_t)loss->reason;
    if (core->now_ms >= notes->quiet_until_ms)
        tell_losses(core, notes, loss);
}

void losses_tell_rest(struct core *core, struct session *session)
{
    if (session->receiver->losses.untold > 0)
        tell_losses(core, &session->receiver->losses,
                &(struct loss){ .who = session_id(session),
                        .reason = (enum drop_reason)session->receiver->losses.last,
                        .queued_bytes = session->receiver->outgoing.queue_bytes,
                        .backlog = outgoing_backlog(&session->receiver->outgoing) });
}

static void tell_drop(struct core *core, struct session *session, const struct message *message,
        enum drop_reason reason)
{
    loss_tell(core, &session->receiver->losses,
            &(struct loss){ .who = session_id(session),
                    .message = message,
                    .reason = reason,
                    .queued_bytes = session->receiver->outgoing.queue_bytes,
                    .backlog = outgoing_backlog(&session->receiver->outgoing) });
}

/* Counts the loss. False where the publisher should know: there was no place for the message. */
static bool refuse(struct core *core, struct session *session, const struct offer *offer,
        enum drop_reason reason)
{
    bool known = reason != DROP_QUEUE_FULL && reason != DROP_NO_MEMORY;

    /* One who subscribes to more than he may have loses nothing; a group, of which he is, does. */
    if (offer->hand || reason != DROP_NOT_ALLOWED)
        tell_drop(core, session, offer->message, reason);
    if (offer->hand) {
        session->receiver->hands--;
        hand_back(core, offer->hand, FATE_DROPPED + (int)reason);
        return known;
    }
    if (offer->qos > 0)
        durable_done(core, session_queue(session), offer->message);
    ledger_count(core, &session->receiver->ledger, FATE_DROPPED + (int)reason);
    return known;
}

void delivery_forget(struct core *core, struct delivery *delivery)
{
    if (delivery->flags & DELIVERY_IDENTIFIERS) {
        struct identifiers *identifiers = delivery->extra.identifiers;

        memory_give(&core->memory, identifiers,
                sizeof(*identifiers) + identifiers->count * sizeof(identifiers->ids[0]));
        delivery->flags &= (uint16_t)~DELIVERY_IDENTIFIERS;
    }
    if (delivery->message)
        core_unref(core, delivery->message);
    delivery->message = NULL;
}

void session_lose(struct core *core, struct session *session, const struct message *message)
{
    ledger_match(core, &session->receiver->ledger);
    tell_drop(core, session, message, DROP_NO_MEMORY);
    ledger_count(core, &session->receiver->ledger, FATE_DROPPED + DROP_NO_MEMORY);
}

void delivery_end(struct core *core, struct session *session, struct delivery *delivery, int fate)
{
    if (fate >= FATE_DROPPED && delivery->message)
        tell_drop(core, session, delivery->message, (enum drop_reason)(fate - FATE_DROPPED));
    if (delivery->flags & DELIVERY_SHARED) {
        session->receiver->hands--;
        hand_back(core, delivery->extra.hand, fate);
        delivery->flags &= (uint16_t)~DELIVERY_SHARED;
    } else {
        /* With a session all that waits for it ends at once. */
        if (delivery->message && delivery->qos > 0 && fate != FATE_DROPPED + DROP_SESSION_ENDED)
            durable_done(core, session_queue(session), delivery->message);
        ledger_count(core, &session->receiver->ledger, fate);
    }
    delivery_forget(core, delivery);
}

/* Places that the queue has beyond its limit because the window will take them at once. */
static uint32_t window_free(const struct session *session)
{
    const struct outgoing *outgoing = &session->receiver->outgoing;

    if (!session->connection || outgoing->unresent > 0 || outgoing->open >= outgoing->window)
        return 0;
    return outgoing->window - outgoing->open;
}

/* What is queued is all that client_memory_max allows. */
static bool is_fat(const struct core *core, const struct session *session)
{
    uint64_t max = core->settings->client_memory_max;

    return max > 0 && outgoing_backlog(&session->receiver->outgoing) >= max;
}

/* max_queued_messages, max_queued_bytes or client_memory_max is reached. */
static bool is_full(const struct core *core, const struct session *session)
{
    const struct core_settings *settings = core->settings;
    uint64_t count = backlog_count(session);

    if (!session->connection)
        count += session->receiver->outgoing.instant.count; /* queue_qos0_messages */
    if (count <= window_free(session))
        return false;
    count -= window_free(session);
    return (settings->max_queued_messages > 0 && count >= settings->max_queued_messages) ||
            (settings->max_queued_bytes > 0 &&
                    backlog_bytes(session) >= settings->max_queued_bytes) ||
            is_fat(core, session);
}

struct freshening {
    struct core *core;
    struct session *session;
};

static bool keep_fresh(void *context, struct delivery *delivery)
{
    struct freshening *freshening = context;
    struct outgoing *outgoing = &freshening->session->receiver->outgoing;

    if (!message_expired(delivery->message, freshening->core->now_ms)) {
        outgoing_note_expiry(outgoing, delivery->message->expires_ms);
        return true;
    }
    if (delivery->qos > 0)
        outgoing->queue_bytes -= delivery->message->payload_size;
    else
        outgoing->instant_bytes -= delivery_size(delivery);
    delivery_end(freshening->core, freshening->session, delivery, FATE_EXPIRED);
    return false;
}

/* Before a queue is called full, what has expired in it makes room. It is searched only when
 * something in it can have expired since the last search. */
static bool full_of_fresh(struct core *core, struct session *session)
{
    struct freshening freshening = { core, session };
    struct outgoing *outgoing = &session->receiver->outgoing;

    if (!is_full(core, session))
        return false;
    if (outgoing->expires_ms > core->now_ms)
        return true;
    outgoing->expires_ms = INT64_MAX;
    deliveries_filter(&outgoing->queue, &core->memory, keep_fresh, &freshening);
    deliveries_filter(&outgoing->instant, &core->memory, keep_fresh, &freshening);
    return is_full(core, session);
}

void session_end_first(
        struct core *core, struct session *session, struct deliveries *ring, int fate)
{
    struct outgoing *outgoing = &session->receiver->outgoing;
    struct delivery delivery = deliveries_take(ring, &core->memory);

    if (ring == &outgoing->queue)
        outgoing->queue_bytes -= delivery.message->payload_size;
    else
        outgoing->instant_bytes -= delivery_size(&delivery);
    delivery_end(core, session, &delivery, fate);
}

void session_filled_in_vain(struct core *core, struct session *session, uint32_t count)
{
    static const struct ending deaf = { .reason = MQTT_QUOTA_EXCEEDED,
        .text = "its queue is full and it publishes on, but acknowledges nothing",
        .tell = true,
        .keep_will = true };
    struct outgoing *outgoing = &session->receiver->outgoing;

    outgoing->vain += count;
    if (outgoing->vain > VAIN_MAX)
        connection_condemn(core, session->connection, &deaf);
}

/* What the policy says where a QoS 1 or 2 message finds the queue full: true to queue it all the
 * same. */
static bool admit_to_full_queue(
        struct core *core, struct session *session, const struct offer *offer)
{
    static const struct ending slow = { .reason = MQTT_QUOTA_EXCEEDED,
        .text = "its queue is full and queue_full_policy is disconnect",
        .tell = true,
        .keep_will = true };

    switch (core->settings->queue_full_policy) {
    case QUEUE_DROP_NEW:
        return false;
    case QUEUE_DROP_OLD:
        /* Several, where they are smaller than the last one was. */
        while (is_full(core, session) && backlog_drop_oldest(core, session))
            ;
        return !is_full(core, session) || backlog_count(session) == 0;
    case QUEUE_DISCONNECT:
        if (session->connection)
            connection_condemn(core, session->connection, &slow);
        return false;
    case QUEUE_BACKPRESSURE:
        if (session->connection && connection_awaits_room(session->connection)) {
            session_filled_in_vain(core, session, 1); /* See leave_unread() in receive.c. */
            return offer->ask;
        }
        return offer->ask && ask_wait(core, offer->ask, &session->receiver->waiters);
    }
    return false;
}

static bool fill_extra(struct core *core, struct delivery *delivery, const struct offer *offer)
{
    struct identifiers *identifiers;
    size_t ids_size = offer->identifier_count * sizeof(uint32_t);

    delivery->subscription_id = offer->identifier_count > 0 ? offer->identifiers[0] : 0;
    if (offer->hand) {
        delivery->extra.hand = offer->hand;
        delivery->flags |= DELIVERY_SHARED;
        return true;
    }
    if (offer->identifier_count < 2)
        return true;
    identifiers = memory_take(&core->memory, sizeof(*identifiers) + ids_size);
    if (!identifiers)
        return false;
    identifiers->count = offer->identifier_count;
    memcpy(identifiers->ids, offer->identifiers, ids_size);
    delivery->extra.identifiers = identifiers;
    delivery->flags |= DELIVERY_IDENTIFIERS;
    return true;
}

static struct delivery *enqueue(struct core *core, struct session *session, struct deliveries *ring,
        const struct offer *offer)
{
    struct delivery *delivery = deliveries_add(ring, &core->memory);

    if (!delivery)
        return NULL;
    *delivery = (struct delivery){ .message = offer->message,
        .sequence = session->receiver->outgoing.arrivals++,
        .qos = offer->qos,
        .flags = offer->retain ? DELIVERY_RETAIN : 0 };
    if (!fill_extra(core, delivery, offer)) {
        ring->count--;
        return NULL;
    }
    core_ref(core, offer->message);
    outgoing_note_expiry(&session->receiver->outgoing, offer->message->expires_ms);
    return delivery;
}

/* QoS 0 for a client that is there: only its backlog is limited. For one that is not, the queue is.
 */
static bool instant_refused(const struct core *core, struct session *session,
        const struct offer *offer, enum drop_reason *reason)
{
    uint64_t backlog = session->receiver->outgoing.instant_bytes;

    if (session->connection) {
        *reason = DROP_SLOW_READER;
        return !offer->unlimited && backlog > 0 &&
                (backlog + message_size(offer->message) > core->settings->qos0_backlog_bytes_max ||
                        is_fat(core, session));
    }
    *reason = DROP_OFFLINE;
    return !core->settings->queue_qos0_messages;
}

static bool offer_instant(struct core *core, struct session *session, const struct offer *offer)
{
    struct outgoing *outgoing = &session->receiver->outgoing;
    uint64_t before = outgoing->instant_bytes;
    struct delivery *delivery;
    enum drop_reason reason;

    if (instant_refused(core, session, offer, &reason))
        return refuse(core, session, offer, reason);
    if (!session->connection && full_of_fresh(core, session))
        return refuse(core, session, offer, DROP_QUEUE_FULL);
    delivery = enqueue(core, session, &outgoing->instant, offer);
    if (!delivery)
        return refuse(core, session, offer, DROP_NO_MEMORY);
    outgoing->instant_bytes += delivery_size(delivery);
    if (!session->connection)
        return true;
    connection_has_output(core, session->connection);
    /* A burst is written out before the turn ends, each time it has grown by this much. */
    if (before / FULL_OUTPUT_BYTES != outgoing->instant_bytes / FULL_OUTPUT_BYTES) {
        list_remove(&session->connection->output);
        list_append(&core->full, &session->connection->output);
    }
    return true;
}

static bool offer_queued(struct core *core, struct session *session, const struct offer *offer)
{
    if (!session->connection)
        keep_absence(core, session);
    /* What a group hands out is bounded by the window that it was told. */
    if (!offer->hand && !offer->unlimited && full_of_fresh(core, session) &&
            !admit_to_full_queue(core, session, offer))
        return refuse(core, session, offer, DROP_QUEUE_FULL);
    if (backlog_is_long(core, session, offer)) {
        if (!enqueue(core, session, &session->lasting->fresh, offer))
            return refuse(core, session, offer, DROP_NO_MEMORY);
        backlog_grown(core, session, offer->message);
        return true;
    }
    if (!enqueue(core, session, &session->receiver->outgoing.queue, offer))
        return refuse(core, session, offer, DROP_NO_MEMORY);
    session->receiver->outgoing.queue_bytes += offer->message->payload_size;
    if (session->connection)
        connection_has_output(core, session->connection);
    launch_later(core, session);
    return true;
}

bool session_offer(struct core *core, struct session *session, const struct offer *offer)
{
    if (!offer->hand)
        ledger_match(core, &session->receiver->ledger);
    if (message_expired(offer->message, core->now_ms)) {
        if (offer->hand) {
            session->receiver->hands--;
            hand_back(core, offer->hand, FATE_EXPIRED);
        } else {
            if (offer->qos > 0)
                durable_done(core, session_queue(session), offer->message);
            ledger_count(core, &session->receiver->ledger, FATE_EXPIRED);
        }
        return true;
    }
    if (session->judged && !rights_to_receive(core, session, offer->message))
        return refuse(core, session, offer, DROP_NOT_ALLOWED);
    return offer->qos == 0 ? offer_instant(core, session, offer)
                           : offer_queued(core, session, offer);
}

void session_has_room(struct core *core, struct session *session)
{
    if (!list_empty(&session->receiver->waiters) && !is_full(core, session))
        ask_release(core, &session->receiver->waiters);
}
