/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/session.h"

#include "broker/core/ask.h"
#include "broker/core/backlog.h"
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/keep.h"
#include "broker/core/launch.h"
#include "broker/core/offer.h"
#include "broker/core/reader.h"
#include "broker/core/rights.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/outflow.h"

#include <assert.h>

static_assert(sizeof(struct session) <= 120, "an idle session is to cost little");
static_assert(sizeof(struct receiver) <= 304, "nor is one that waits for messages");

struct target session_target(const struct core *core, const struct session *session)
{
    return (struct target){ .shard = (uint16_t)core->shard,
        .slot = session->pooled.slot,
        .generation = session->pooled.generation };
}

struct session *session_find(const struct core *core, struct target target)
{
    assert(target.shard == core->shard);
    return pool_find(&core->sessions, target.slot, target.generation);
}

struct session *session_find_id(const struct core *core, struct bytes id)
{
    return map_find(&core->sessions_by_id, core_hash(core, id), id);
}

/* ---- Receivers ---- */

/* What is written to it would show in all sessions without subscription: it cannot be. */
static struct receiver *no_receiver(void)
{
#define EMPTY(member)                                                                              \
    {                                                                                              \
        (struct list *)(uintptr_t)&none.member, (struct list *)(uintptr_t)&none.member             \
    }
    static const struct receiver none = {
        .subscriptions.key = subscription_key,
        .outgoing.expires_ms = INT64_MAX,
        .memberships = EMPTY(memberships),
        .retained_reads = EMPTY(retained_reads),
        .reader = EMPTY(reader),
        .waiters = EMPTY(waiters),
    };
#undef EMPTY

    return (struct receiver *)(uintptr_t)&none;
}

/* False when memory is short. */
static bool make_receiver(struct core *core, struct session *session)
{
    struct receiver *receiver = memory_take_zeroed(&core->memory, sizeof(*receiver));

    if (!receiver)
        return false;
    receiver->session = session;
    receiver->outgoing.expires_ms = INT64_MAX;
    map_init(&receiver->subscriptions, subscription_key);
    list_init(&receiver->memberships);
    list_init(&receiver->retained_reads);
    list_init(&receiver->reader);
    list_init(&receiver->waiters);
    session->receiver = receiver;
    outgoing_resume(&receiver->outgoing, session->window);
    return true;
}

/* ---- Subscriptions ---- */

struct bytes subscription_key(const void *value)
{
    const struct subscription *subscription = value;

    return bytes_of(subscription->filter, subscription->filter_size);
}

struct subscription *session_subscription(
        const struct core *core, const struct session *session, struct bytes filter)
{
    return map_find(&session->receiver->subscriptions, core_hash(core, filter), filter);
}

struct subscription *session_add_subscription(
        struct core *core, struct session *session, struct bytes filter)
{
    struct subscription *subscription;

    if (!session_receives(session) && !make_receiver(core, session))
        return NULL;
    subscription = memory_take_zeroed(&core->memory, sizeof(*subscription) + filter.size);
    if (!subscription)
        return NULL;
    subscription->filter_size = (uint16_t)filter.size;
    memcpy(subscription->filter, filter.data, filter.size);
    if (map_add(&session->receiver->subscriptions, &core->memory, core_hash(core, filter),
                subscription))
        return subscription;
    memory_give(&core->memory, subscription, sizeof(*subscription) + filter.size);
    return NULL;
}

void session_forget_subscription(
        struct core *core, struct session *session, struct subscription *subscription)
{
    retained_read_stop(core, session, subscription);
    map_remove(&session->receiver->subscriptions, &core->memory,
            core_hash(core, subscription_key(subscription)), subscription);
    memory_give(&core->memory, subscription, sizeof(*subscription) + subscription->filter_size);
}

/* ---- Begin and end ---- */

static bool reserve_place(struct core *core, enum mqtt_reason *refusal)
{
    int64_t limit = core->settings->global_max_clients;

    /* Relaxed: a limit counts, it orders nothing. */
    if (atomic_fetch_add_explicit(&core->hub->sessions, 1, memory_order_relaxed) < limit ||
            limit < 0)
        return true;
    atomic_fetch_sub_explicit(&core->hub->sessions, 1, memory_order_relaxed);
    *refusal = MQTT_QUOTA_EXCEEDED;
    return false;
}

static void give_up_place(struct core *core)
{
    atomic_fetch_sub_explicit(&core->hub->sessions, 1, memory_order_relaxed);
}

/* NULL when memory is short. */
static struct session *make_session(struct core *core, struct bytes id)
{
    struct session *session = pool_take(&core->sessions, &core->memory);

    if (!session)
        return NULL;
    if (!client_id_init(&session->id, &core->memory, id))
        goto no_id;
    if (!map_add(&core->sessions_by_id, &core->memory, core_hash(core, id), session))
        goto no_entry;
    session->receiver = no_receiver();
    timer_init(&session->timer);
    counter_add(&core->counters.sessions, 1);
    return session;
no_entry:
    client_id_deinit(&session->id, &core->memory);
no_id:
    pool_give(&core->sessions, session);
    return NULL;
}

/* From here on a client of that id has no session. */
static void unlist_session(struct core *core, struct session *session)
{
    uint64_t hash = core_hash(core, session_id(session));

    map_remove(&core->sessions_by_id, &core->memory, hash, session);
}

/* The rest of what make_session() did. */
static void unmake_session(struct core *core, struct session *session)
{
    client_id_deinit(&session->id, &core->memory);
    pool_give(&core->sessions, session);
    counter_add(&core->counters.sessions, (uint64_t)-1);
}

struct session *session_new(struct core *core, struct bytes id, enum mqtt_reason *refusal)
{
    struct session *session;

    if (!reserve_place(core, refusal))
        return NULL;
    *refusal = MQTT_SERVER_BUSY;
    session = make_session(core, id);
    if (!session)
        give_up_place(core);
    return session;
}

struct session *session_restore(struct core *core, struct bytes id)
{
    struct session *session = make_session(core, id);

    if (!session)
        return NULL;
    if (!make_receiver(core, session)) {
        unlist_session(core, session);
        unmake_session(core, session);
        return NULL;
    }
    atomic_fetch_add_explicit(&core->hub->sessions, 1, memory_order_relaxed);
    session->unseen = true;
    return session;
}

bool session_make_lasting(struct core *core, struct session *session, uint64_t queue)
{
    struct lasting *lasting;

    if (!durable_is_on(core))
        return true;
    lasting = memory_take_zeroed(&core->memory, sizeof(*lasting));
    if (!lasting)
        return false;
    lasting->queue = queue > 0 ? queue : durable_new_queue(core);
    lasting->session = session;
    list_init(&lasting->launch);
    list_init(&lasting->staging);
    list_init(&lasting->spilling);
    session->lasting = lasting;
    return true;
}

static void drop_ring(struct core *core, struct session *session, struct deliveries *ring)
{
    while (ring->count > 0) {
        struct delivery delivery = deliveries_take(ring, &core->memory);
        /* A shared QoS 2 message that was sent ends with its member [MQTT5-4.8.2-5]. */
        bool back = (delivery.flags & DELIVERY_SHARED) && delivery.state != OUT_WAIT_PUBREC &&
                delivery.state != OUT_WAIT_PUBCOMP;

        if (ring == &session->receiver->outgoing.flight && delivery.state == OUT_DONE)
            continue;
        delivery_end(
                core, session, &delivery, back ? FATE_RETURNED : FATE_DROPPED + DROP_SESSION_ENDED);
    }
    deliveries_release(ring, &core->memory);
}

/* All that it was to get; its memberships end later, with its subscriptions. */
static void drop_messages(struct core *core, struct session *session)
{
    struct receiver *receiver = session->receiver;

    if (!session_receives(session))
        return;
    retained_reads_drop(core, session);
    memberships_tell(core, session, 0);
    drop_ring(core, session, &receiver->outgoing.instant);
    drop_ring(core, session, &receiver->outgoing.queue);
    drop_ring(core, session, &receiver->outgoing.flight);
}

static void forget_receiver(struct core *core, struct session *session)
{
    struct receiver *receiver = session->receiver;

    if (!session_receives(session))
        return;
    ask_release(core, &receiver->waiters);
    ledger_release(&receiver->ledger, &core->memory);
    session->receiver = no_receiver();
    memory_give(&core->memory, receiver, sizeof(*receiver));
}

/* Takes the subscriptions out of the index, INDEX_BATCH_MAX in one write section. */
static void leave_index(struct core *core, struct session *session)
{
    const struct target target = session_target(core, session);
    struct subscription *subscription;
    uint32_t at = 0;
    unsigned batch = 0;

    if (session->receiver->subscriptions.count == 0)
        return;
    index_write_begin(core->hub->index);
    while ((subscription = map_next(&session->receiver->subscriptions, &at))) {
        if (subscription->membership)
            continue;
        if (batch++ == INDEX_BATCH_MAX) {
            index_write_end(core->hub->index);
            index_write_begin(core->hub->index);
            batch = 1;
        }
        index_remove(core->hub->index, subscription_key(subscription), &target);
    }
    index_write_end(core->hub->index);
}

static void drop_subscriptions(struct core *core, struct session *session)
{
    struct subscription *subscription;
    uint32_t at = 0;

    if (!session_receives(session))
        return;
    leave_index(core, session);
    while ((subscription = map_next(&session->receiver->subscriptions, &at))) {
        membership_leave(core, session, subscription);
        memory_give(&core->memory, subscription, sizeof(*subscription) + subscription->filter_size);
    }
    map_deinit(&session->receiver->subscriptions, &core->memory);
}

void session_leave_patron(struct core *core, struct session *session)
{
    if (session->has_patron)
        patrons_leave(core->hub->patrons, core_hash(core, session_id(session)));
    session->has_patron = false;
}

void session_end(struct core *core, struct session *session)
{
    assert(!session->connection);
    losses_tell_rest(core, session);
    will_due(core, session);
    drop_messages(core, session);
    drop_subscriptions(core, session);
    launch_forget(core, session);
    backlog_forget(core, session);
    packet_ids_reset(&session->incoming, &core->memory);
    forget_receiver(core, session);
    rights_forget(core, &session->identity);
    session_leave_patron(core, session);
    timer_stop(&session->timer);
    unlist_session(core, session);
    keep_session_ended(core, session);
    unmake_session(core, session);
    give_up_place(core);
}

/* ---- Connected and not ---- */

static int64_t later_s(int64_t now_ms, uint32_t seconds)
{
    return seconds == SESSION_EXPIRY_NEVER ? INT64_MAX : now_ms + (int64_t)seconds * 1000;
}

static void start_timer(struct core *core, struct session *session)
{
    int64_t due_ms = session->expires_ms;

    if (session->will && session->will->due_ms < due_ms)
        due_ms = session->will->due_ms;
    if (due_ms < INT64_MAX)
        timer_start(&core->session_timers, &session->timer, due_ms);
}

void session_restored(struct core *core, struct session *session)
{
    bool due = session->will && session->will->due_ms <= core->now_ms;

    /* No CONNECT comes in time for what is due already. */
    if (due || session->expires_ms <= core->now_ms)
        session_timer_due(core, session);
    else
        start_timer(core, session);
}

void session_resume(struct session *session, uint16_t window)
{
    session->window = window;
    packet_ids_age(&session->incoming);
    if (session_receives(session))
        outgoing_resume(&session->receiver->outgoing, window);
}

/* QoS 0 messages do not wait for an absent client, unless they are to. */
static void drop_instant(struct core *core, struct session *session)
{
    struct outgoing *outgoing = &session->receiver->outgoing;

    if (core->settings->queue_qos0_messages)
        return;
    while (outgoing->instant.count > 0) {
        struct delivery delivery = deliveries_take(&outgoing->instant, &core->memory);

        delivery_end(core, session, &delivery, FATE_DROPPED + DROP_OFFLINE);
    }
    outgoing->instant_bytes = 0;
}

/* Its client is gone for a time. */
static void rest_receiver(struct core *core, struct session *session)
{
    memberships_tell(core, session, 0);
    hands_return(core, session);
    launch_note_sent(core, session);
    drop_instant(core, session);
    backlog_shed(core, session);
    outgoing_release(&session->receiver->outgoing, &core->memory);
    list_remove(&session->receiver->reader);
}

void session_detach(struct core *core, struct session *session)
{
    session->connection = NULL;
    losses_tell_rest(core, session);
    if (session->expiry_interval_s == 0) {
        session_end(core, session);
        return;
    }
    if (session_receives(session))
        rest_receiver(core, session);
    session->expires_ms = later_s(core->now_ms, session->expiry_interval_s);
    if (session->will) {
        session->will->due_ms = later_s(core->now_ms, session->will->delay_s);
        if (session->will->delay_s == 0)
            will_due(core, session);
    }
    /* Without memory the store goes on with a session whose client is there: it expires later. */
    keep_session(core, session, false);
    start_timer(core, session);
}

void session_attach(struct core *core, struct session *session, struct connection *connection)
{
    timer_stop(&session->timer);
    losses_tell_rest(core, session);
    session->connection = connection;
    connection->session = session;
    rights_forget(core, &session->identity);
    rights_settle(core, session);
    memberships_tell(core, session, session->window);
    retained_reads_go_on(core, session);
    launch_later(core, session);
    if (!outgoing_empty(&session->receiver->outgoing) || backlog_count(session) > 0)
        connection_has_output(core, connection);
}

void session_timer_due(struct core *core, struct session *session)
{
    if (session->will && session->will->due_ms <= core->now_ms)
        will_due(core, session);
    if (session->expires_ms > core->now_ms) {
        start_timer(core, session);
        return;
    }
    journal_tell(
            &core->journal, EVENT_INFO, "session.expired", field_bytes("id", session_id(session)));
    counter_add(&core->counters.sessions_expired, 1);
    session_end(core, session);
}
