/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/backlog.h"

#include "broker/core/connection.h"
#include "broker/core/launch.h"
#include "broker/core/offer.h"
#include "broker/core/reader.h"
#include "broker/core/rights.h"
#include "broker/core/state.h"
#include "broker/core/stored.h"

#include <assert.h>

uint64_t backlog_count(const struct session *session)
{
    const struct lasting *lasting = session->lasting;
    uint64_t count = session->receiver->outgoing.queue.count;

    return lasting ? count + spill_count(&lasting->spill) + lasting->fresh.count : count;
}

uint64_t backlog_bytes(const struct session *session)
{
    const struct lasting *lasting = session->lasting;
    uint64_t bytes = session->receiver->outgoing.queue_bytes;

    return lasting ? bytes + spill_bytes(&lasting->spill) + lasting->fresh_bytes : bytes;
}

/* ---- Out of memory's way ---- */

static bool is_hot(const struct session *session)
{
    const struct outgoing *outgoing = &session->receiver->outgoing;

    if (!session->connection)
        return outgoing->queue.count >= BACKLOG_COLD_MAX ||
                outgoing->queue_bytes >= BACKLOG_COLD_BYTES_MAX;
    return outgoing->queue.count >= BACKLOG_HOT_MAX ||
            outgoing->queue_bytes >= BACKLOG_HOT_BYTES_MAX;
}

bool backlog_is_long(
        const struct core *core, const struct session *session, const struct offer *offer)
{
    const struct lasting *lasting = session->lasting;

    if (!lasting || !core->durable.storage.fetch || offer->hand || offer->unlimited ||
            offer->message->id == RECORD_NO_ID)
        return false;
    return spill_count(&lasting->spill) > 0 || lasting->fresh.count > 0 || is_hot(session);
}

void backlog_grown(struct core *core, struct session *session, const struct message *message)
{
    session->lasting->fresh_bytes += message->payload_size;
    if (!list_linked(&session->lasting->spilling))
        list_append(&core->durable.spills, &session->lasting->spilling);
}

bool backlog_spill(struct core *core, struct spill *spill, const struct message *message)
{
    const struct spilled entry = { .id = message->id, .size = message->payload_size };

    return spill_add(spill, &core->memory, &entry);
}

/* False when memory is short. */
static bool spill(struct core *core, struct session *session, struct delivery *delivery)
{
    if (!backlog_spill(core, &session->lasting->spill, delivery->message))
        return false;
    delivery_forget(core, delivery);
    return true;
}

static bool spill_fresh(struct core *core, struct lasting *lasting)
{
    struct session *session = lasting->session;

    while (lasting->fresh.count > 0) {
        struct delivery *first = deliveries_at(&lasting->fresh, 0);
        uint32_t size = first->message->payload_size;

        if (!spill(core, session, first))
            return false;
        lasting->fresh_bytes -= size;
        deliveries_take(&lasting->fresh, &core->memory);
    }
    return true;
}

void backlogs_spill(struct core *core)
{
    struct list kept;
    struct list *link;

    list_init(&kept);
    while ((link = list_take_first(&core->durable.spills))) {
        struct lasting *lasting = container_of(link, struct lasting, spilling);

        /* For want of memory it stays in memory: until the next turn. */
        if (!spill_fresh(core, lasting))
            list_append(&kept, &lasting->spilling);
        backlog_refill(core, lasting->session);
    }
    while ((link = list_take_first(&kept)))
        list_append(&core->durable.spills, link);
    groups_spill(core);
}

/* What may not be read again: it has no id, or comes from a group. */
static bool must_stay(const struct delivery *delivery)
{
    return delivery->message->id == RECORD_NO_ID || (delivery->message->id & RECORD_IN_BATCH) ||
            (delivery->flags & DELIVERY_SHARED);
}

void backlog_shed(struct core *core, struct session *session)
{
    struct deliveries *queue = &session->receiver->outgoing.queue;
    struct lasting *lasting = session->lasting;
    uint32_t moved = 0;

    if (!lasting || !core->durable.storage.fetch || spill_count(&lasting->spill) > 0)
        return;
    /* All or nothing of what follows: order is kept. */
    for (uint32_t i = BACKLOG_COLD_MAX; i < queue->count; i++) {
        if (must_stay(deliveries_at(queue, i)))
            return;
    }
    for (uint32_t i = BACKLOG_COLD_MAX; i < queue->count; i++, moved++) {
        struct delivery *delivery = deliveries_at(queue, i);
        uint32_t size = delivery->message->payload_size;

        if (!spill(core, session, delivery))
            break;
        session->receiver->outgoing.queue_bytes -= size;
    }
    deliveries_cut(queue, &core->memory, BACKLOG_COLD_MAX, moved);
    retained_reads_delay(session, moved);
}

/* ---- Back into memory ---- */

void backlog_unreadable(struct core *core, struct spill *spill, struct bytes who)
{
    spill->fetching = 0;
    journal_tell(&core->journal, EVENT_ERROR, "store.unreadable", field_bytes("id", who),
            field_number("messages", spill_count(spill)));
}

/* Its client comes again, and then maybe its backlog can be had. */
static void end_unreadable(struct core *core, struct session *session)
{
    static const struct ending unreadable = { .reason = MQTT_IMPLEMENTATION_ERROR,
        .text = "what waits for it cannot be read from the disk",
        .tell = true,
        .keep_will = true };

    backlog_unreadable(core, &session->lasting->spill, session_id(session));
    if (session->connection)
        connection_condemn(core, session->connection, &unreadable);
}

bool backlog_ask(
        struct core *core, struct spill *spill, struct target who, uint64_t queue, uint64_t max)
{
    uint64_t ids[STORAGE_WISH_MAX];
    struct storage_wish wish = { .who = who, .queue = queue };

    wish.count = max < STORAGE_WISH_MAX ? (uint32_t)max : STORAGE_WISH_MAX;
    if (spill->range.count > 0) {
        wish.after = spill->range.after;
        wish.before = spill->range.before;
    } else {
        wish.ids = ids;
        wish.count = spill_peek(spill, ids, wish.count, BACKLOG_HOT_BYTES_MAX);
    }
    if (!core->durable.storage.fetch(core->durable.storage.context, &wish))
        return false;
    spill->fetching = wish.count;
    return true;
}

void backlog_refill(struct core *core, struct session *session)
{
    struct spill *spill = &session->lasting->spill;
    const struct outgoing *outgoing = &session->receiver->outgoing;

    if (!session->connection || spill->fetching > 0 || spill_count(spill) == 0 ||
            outgoing->queue.count > BACKLOG_LOW || outgoing->queue_bytes > BACKLOG_LOW_BYTES ||
            retained_reads_are_next(session))
        return;
    if (!backlog_ask(core, spill, session_target(core, session), session->lasting->queue,
                retained_reads_ahead(session)))
        connection_condemn_for_memory(core, session->connection);
}

bool backlog_set_place(
        struct core *core, struct delivery *delivery, const struct stored_place *place)
{
    size_t size = sizeof(struct identifiers) + place->identifier_count * sizeof(uint32_t);
    struct identifiers *identifiers;

    delivery->qos = place->qos;
    if (place->retain)
        delivery->flags |= DELIVERY_RETAIN;
    if (place->identifier_count > 0)
        delivery->subscription_id = stored_place_identifier(place, 0);
    if (place->identifier_count < 2)
        return true;
    identifiers = memory_take(&core->memory, size);
    if (!identifiers)
        return false;
    identifiers->count = place->identifier_count;
    for (uint32_t i = 0; i < place->identifier_count; i++)
        identifiers->ids[i] = stored_place_identifier(place, i);
    delivery->extra.identifiers = identifiers;
    delivery->flags |= DELIVERY_IDENTIFIERS;
    return true;
}

bool backlog_enqueue(struct core *core, struct session *session, struct message *message,
        const struct stored_place *place)
{
    struct outgoing *outgoing = &session->receiver->outgoing;
    struct delivery delivery = { .sequence = outgoing->arrivals };
    struct delivery *entry;

    if (!backlog_set_place(core, &delivery, place))
        return false;
    entry = deliveries_add(&outgoing->queue, &core->memory);
    if (!entry) {
        delivery_forget(core, &delivery);
        return false;
    }
    outgoing->arrivals++;
    delivery.message = message;
    message_ref(message);
    *entry = delivery;
    outgoing->queue_bytes += message->payload_size;
    outgoing_note_expiry(outgoing, message->expires_ms);
    return true;
}

static const struct storage_item *find_item(const struct storage_answer *answer, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = answer->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (answer->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < answer->count && answer->items[low].id == id ? &answer->items[low] : NULL;
}

/* False when memory is short. */
static bool take_one(const struct backlog_taker *taker, const struct storage_item *item)
{
    enum fetched fetched = item ? taker->take(taker->context, item) : FETCHED_BROKEN;

    if (fetched == FETCHED_BROKEN)
        taker->lose(taker->context);
    return fetched != FETCHED_NO_MEMORY;
}

/* The spill's list, in the order in which its messages have come: so many were asked for. */
static bool take_listed(struct core *core, struct spill *spill, uint32_t asked,
        const struct storage_answer *answer, const struct backlog_taker *taker)
{
    for (uint32_t i = 0; i < asked && spill->count > 0; i++) {
        if (!take_one(taker, find_item(answer, spill_front(spill)->id)))
            return false;
        spill_drop_front(spill, &core->memory);
    }
    return true;
}

static void shrink(struct spill_range *range, uint64_t bytes)
{
    range->count -= range->count > 1; /* It is not over before the store says so. */
    range->bytes -= bytes < range->bytes ? bytes : range->bytes;
}

static bool take_range(struct spill_range *range, const struct storage_answer *answer,
        const struct backlog_taker *taker)
{
    for (uint32_t i = 0; i < answer->count; i++) {
        const struct storage_item *item = &answer->items[i];

        if (item->note.size == 0) { /* With a packet id, it is in flight already. */
            if (!take_one(taker, item))
                return false;
            shrink(range, item->body.size);
        }
        range->after = item->id;
    }
    if (answer->complete)
        *range = (struct spill_range){ 0 };
    return true;
}

bool backlog_take(struct core *core, struct spill *spill, const struct storage_answer *answer,
        const struct backlog_taker *taker)
{
    uint32_t asked = spill->fetching;

    spill->fetching = 0;
    if (spill->range.count > 0)
        return take_range(&spill->range, answer, taker);
    return take_listed(core, spill, asked, answer, taker);
}

/* A session, in which a message arrives. */
struct arriving {
    struct core *core;
    struct session *session;
};

static enum fetched take(void *context, const struct storage_item *item)
{
    const struct arriving *arriving = context;
    struct core *core = arriving->core;
    struct session *session = arriving->session;
    struct stored_place place;
    struct message *message;
    bool enqueued;
    bool broken;

    if (!stored_place_read(&place, item->tag))
        return FETCHED_BROKEN;
    message = durable_read(core, item->id, item->body, &broken);
    if (!message)
        return broken ? FETCHED_BROKEN : FETCHED_NO_MEMORY;
    if (session->judged && !rights_to_receive(core, session, message)) {
        durable_done(core, session->lasting->queue, message);
        ledger_count(core, &session->receiver->ledger, FATE_DROPPED + DROP_NOT_ALLOWED);
        core_unref(core, message);
        return FETCHED;
    }
    enqueued = backlog_enqueue(core, session, message, &place);
    core_unref(core, message);
    return enqueued ? FETCHED : FETCHED_NO_MEMORY;
}

static void lose(void *context)
{
    const struct arriving *arriving = context;

    ledger_count(
            arriving->core, &arriving->session->receiver->ledger, FATE_DROPPED + DROP_UNREADABLE);
}

static void session_fetched(struct core *core, const struct storage_answer *answer)
{
    struct session *session = session_find(core, answer->who);
    struct arriving arriving = { core, session };
    const struct backlog_taker taker = { take, lose, &arriving };
    uint64_t before;

    if (!session || session_queue(session) != answer->queue)
        return; /* It has ended since. */
    before = spill_count(&session->lasting->spill);
    if (answer->failed)
        end_unreadable(core, session);
    else if (!backlog_take(core, &session->lasting->spill, answer, &taker) && session->connection)
        connection_condemn_for_memory(core, session->connection);
    retained_reads_near(session, before - spill_count(&session->lasting->spill));
    if (session->connection)
        connection_has_output(core, session->connection);
    launch_later(core, session);
}

void core_fetched(struct core *core, const struct storage_answer *answer, int64_t now_ms)
{
    core->now_ms = now_ms;
    if (answer->who.flags & TARGET_GROUP)
        group_fetched(core, answer);
    else
        session_fetched(core, answer);
    core_settle(core);
}

/* ---- Dropping ---- */

bool backlog_drop_spilled(
        struct core *core, struct spill *spill, uint64_t queue, struct ledger *ledger)
{
    /* What is under way to memory, or in a range, cannot be named now. */
    if (spill->fetching > 0 || spill->range.count > 0 || spill->count == 0 ||
            !records_done(durable_batch(core), queue, spill_front(spill)->id))
        return false;
    durable_lazy(core);
    spill_drop_front(spill, &core->memory);
    ledger_count(core, ledger, FATE_DROPPED + DROP_QUEUE_FULL);
    return true;
}

bool backlog_drop_oldest(struct core *core, struct session *session)
{
    struct lasting *lasting = session->lasting;

    if (session->receiver->outgoing.queue.count > 0) {
        session_end_first(
                core, session, &session->receiver->outgoing.queue, FATE_DROPPED + DROP_QUEUE_FULL);
        return true;
    }
    return lasting &&
            backlog_drop_spilled(core, &lasting->spill, lasting->queue, &session->receiver->ledger);
}

void backlog_lose_spill(
        struct core *core, struct spill *spill, uint32_t beside, struct ledger *ledger)
{
    for (uint64_t count = spill_count(spill) + beside; count > 0; count--)
        ledger_count(core, ledger, FATE_DROPPED + DROP_SESSION_ENDED);
    spill_reset(spill, &core->memory);
}

void backlog_forget(struct core *core, struct session *session)
{
    struct lasting *lasting = session->lasting;

    if (!lasting)
        return;
    list_remove(&lasting->spilling);
    backlog_lose_spill(core, &lasting->spill, lasting->fresh.count, &session->receiver->ledger);
    while (lasting->fresh.count > 0) {
        struct delivery delivery = deliveries_take(&lasting->fresh, &core->memory);

        delivery_forget(core, &delivery);
    }
    deliveries_release(&lasting->fresh, &core->memory);
}
