/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/session.h"

#include "broker/core/ask.h"
#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/offer.h"
#include "broker/core/reader.h"
#include "broker/core/rights.h"
#include "broker/core/state.h"
#include "broker/core/will.h"
#include "mqtt/outflow.h"

#include <assert.h>

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

struct bytes subscription_key(const void *value)
{
    const struct subscription *subscription = value;

    return bytes_of(subscription->filter, subscription->filter_size);
}

struct subscription *session_subscription(
        const struct core *core, const struct session *session, struct bytes filter)
{
    return map_find(&session->subscriptions, core_hash(core, filter), filter);
}

void session_forget_subscription(
        struct core *core, struct session *session, struct subscription *subscription)
{
    retained_read_stop(core, session, subscription);
    map_remove(&session->subscriptions, &core->memory,
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

static bool set_id(struct core *core, struct session *session, struct bytes id)
{
    session->id = memory_take(&core->memory, id.size + 1);
    if (!session->id)
        return false;
    memcpy(session->id, id.data, id.size);
    session->id_size = (uint16_t)id.size;
    session->id_hash = core_hash(core, id);
    return true;
}

struct session *session_new(struct core *core, struct bytes id, enum mqtt_reason *refusal)
{
    struct session *session;

    if (!reserve_place(core, refusal))
        return NULL;
    *refusal = MQTT_SERVER_BUSY;
    session = pool_take(&core->sessions, &core->memory);
    if (!session)
        goto no_session;
    if (!set_id(core, session, id))
        goto no_id;
    if (!map_add(&core->sessions_by_id, &core->memory, session->id_hash, session))
        goto no_entry;
    map_init(&session->subscriptions, subscription_key);
    list_init(&session->memberships);
    list_init(&session->retained_reads);
    list_init(&session->reader);
    list_init(&session->waiters);
    timer_init(&session->timer);
    session->outgoing.expires_ms = INT64_MAX;
    counter_add(&core->counters.sessions, 1);
    return session;
no_entry:
    memory_give(&core->memory, session->id, session->id_size + 1u);
no_id:
    pool_give(&core->sessions, session);
no_session:
    give_up_place(core);
    return NULL;
}

static void drop_ring(struct core *core, struct session *session, struct deliveries *ring)
{
    while (ring->count > 0) {
        struct delivery delivery = deliveries_take(ring, &core->memory);
        /* A shared QoS 2 message that was sent ends with its member [MQTT5-4.8.2-5]. */
        bool back = (delivery.flags & DELIVERY_SHARED) && delivery.state != OUT_WAIT_PUBREC &&
                delivery.state != OUT_WAIT_PUBCOMP;

        if (ring == &session->outgoing.flight && delivery.state == OUT_DONE)
            continue;
        delivery_end(
                core, session, &delivery, back ? FATE_RETURNED : FATE_DROPPED + DROP_SESSION_ENDED);
    }
    deliveries_release(ring, &core->memory);
}

/* Takes the subscriptions out of the index, INDEX_BATCH_MAX in one write section. */
static void leave_index(struct core *core, struct session *session)
{
    const struct target target = session_target(core, session);
    struct subscription *subscription;
    uint32_t at = 0;
    unsigned batch = 0;

    if (session->subscriptions.count == 0)
        return;
    index_write_begin(core->hub->index);
    while ((subscription = map_next(&session->subscriptions, &at))) {
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

    leave_index(core, session);
    while ((subscription = map_next(&session->subscriptions, &at))) {
        membership_leave(core, session, subscription);
        memory_give(&core->memory, subscription, sizeof(*subscription) + subscription->filter_size);
    }
    map_deinit(&session->subscriptions, &core->memory);
}

void session_end(struct core *core, struct session *session)
{
    assert(!session->connection);
    losses_tell_rest(core, session);
    will_due(core, session);
    retained_reads_drop(core, session);
    memberships_tell(core, session, 0);
    drop_ring(core, session, &session->outgoing.instant);
    drop_ring(core, session, &session->outgoing.queue);
    drop_ring(core, session, &session->outgoing.flight);
    drop_subscriptions(core, session);
    packet_ids_reset(&session->incoming, &core->memory);
    ask_release(core, &session->waiters);
    rights_forget(core, &session->identity);
    timer_stop(&session->timer);
    map_remove(&core->sessions_by_id, &core->memory, session->id_hash, session);
    memory_give(&core->memory, session->id, session->id_size + 1u);
    pool_give(&core->sessions, session);
    counter_add(&core->counters.sessions, (uint64_t)-1);
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

/* QoS 0 messages do not wait for an absent client, unless they are to. */
static void drop_instant(struct core *core, struct session *session)
{
    struct outgoing *outgoing = &session->outgoing;

    if (core->settings->queue_qos0_messages)
        return;
    while (outgoing->instant.count > 0) {
        struct delivery delivery = deliveries_take(&outgoing->instant, &core->memory);

        delivery_end(core, session, &delivery, FATE_DROPPED + DROP_OFFLINE);
    }
    outgoing->instant_bytes = 0;
}

void session_detach(struct core *core, struct session *session)
{
    session->connection = NULL;
    losses_tell_rest(core, session);
    if (session->expiry_interval_s == 0) {
        session_end(core, session);
        return;
    }
    memberships_tell(core, session, 0);
    hands_return(core, session);
    drop_instant(core, session);
    outgoing_release(&session->outgoing, &core->memory);
    list_remove(&session->reader);
    session->expires_ms = later_s(core->now_ms, session->expiry_interval_s);
    if (session->will) {
        session->will->due_ms = later_s(core->now_ms, session->will->delay_s);
        if (session->will->delay_s == 0)
            will_due(core, session);
    }
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
    memberships_tell(core, session, session->outgoing.window);
    retained_reads_go_on(core, session);
    if (!outgoing_empty(&session->outgoing))
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
