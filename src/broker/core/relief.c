/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/relief.h"

#include "broker/core/connection.h"
#include "broker/core/group.h"
#include "broker/core/offer.h"
#include "broker/core/session.h"
#include "broker/core/state.h"

static uint64_t group_backlog(const struct group *group)
{
    return group->backlog_bytes +
            group->backlog_count * (sizeof(struct hand) + sizeof(struct message));
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t fattest(const struct core *core)
{
    const struct session *session;
    const struct group *group;
    uint64_t most = 0;
    uint32_t slot = 0;

    while ((session = pool_next(&core->sessions, &slot)))
        most = larger(most, outgoing_backlog(&session->receiver->outgoing));
    slot = 0;
    while ((group = pool_next(&core->groups, &slot)))
        most = larger(most, group_backlog(group));
    return most;
}

/* Of all shards; false where one has not looked lately. All relaxed: see struct fatness. */
static bool fattest_of_all(struct core *core, uint64_t *most)
{
    struct hub *hub = core->hub;

    *most = 0;
    for (unsigned i = 0; i < hub->setup.shards; i++) {
        int64_t at_ms = atomic_load_explicit(&hub->fatness[i].at_ms, memory_order_relaxed);

        if (at_ms < core->now_ms - RELIEF_FRESH_MS)
            return false;
        *most = larger(*most, atomic_load_explicit(&hub->fatness[i].bytes, memory_order_relaxed));
    }
    return true;
}

static void write_down(struct core *core, uint64_t bytes)
{
    struct fatness *fatness = &core->hub->fatness[core->shard];

    atomic_store_explicit(&fatness->bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&fatness->at_ms, core->now_ms, memory_order_relaxed);
}

/* One cutting. */
struct cutting {
    struct core *core;
    const struct shortage *shortage;
    uint64_t most; /* that a backlog may keep */
    unsigned dropped;
    bool enough;
};

/* One more is dropped: was it enough? */
static void count_dropped(struct cutting *cutting)
{
    if (++cutting->dropped % RELIEF_ASK_EVERY == 0)
        cutting->enough = !cutting->shortage->lasts(cutting->shortage->context);
}

static void cut_session(struct cutting *cutting, struct session *session)
{
    const int fate = FATE_DROPPED + DROP_MEMORY;
    struct outgoing *outgoing = &session->receiver->outgoing;
    struct core *core = cutting->core;

    while (!cutting->enough && outgoing_backlog(outgoing) > cutting->most) {
        session_end_first(core, session,
                outgoing->instant.count > 0 ? &outgoing->instant : &outgoing->queue, fate);
        count_dropped(cutting);
    }
    session_has_room(core, session);
}

static void cut_group(struct cutting *cutting, struct group *group)
{
    while (!cutting->enough && group_backlog(group) > cutting->most) {
        group_drop_oldest(cutting->core, group, DROP_MEMORY);
        count_dropped(cutting);
    }
}

static void cut(struct cutting *cutting)
{
    struct core *core = cutting->core;
    struct session *session;
    struct group *group;
    uint32_t slot = 0;

    while (!cutting->enough && (session = pool_next(&core->sessions, &slot)))
        cut_session(cutting, session);
    slot = 0;
    while (!cutting->enough && (group = pool_next(&core->groups, &slot)))
        cut_group(cutting, group);
}

/* Cuts what of this shard is among the fattest. False when there is nothing of the kind. */
static bool cut_once(struct cutting *cutting, uint64_t *own, uint64_t most)
{
    cutting->most = larger(most, cutting->shortage->fat_bytes) / 2;
    if (*own <= cutting->most)
        return false;
    cut(cutting);
    *own = fattest(cutting->core);
    write_down(cutting->core, *own);
    return true;
}

struct relief core_relieve(struct core *core, const struct shortage *shortage, int64_t now_ms)
{
    struct cutting cutting = { .core = core, .shortage = shortage };
    uint64_t own = fattest(core);
    uint64_t most;

    core->now_ms = now_ms;
    write_down(core, own);
    if (!fattest_of_all(core, &most))
        return (struct relief){ now_ms + RELIEF_ASKED_MS, false };
    if (most < shortage->fat_bytes)
        return (struct relief){ now_ms + RELIEF_IN_VAIN_MS, true };
    while (!cutting.enough && most >= shortage->fat_bytes && cut_once(&cutting, &own, most))
        fattest_of_all(core, &most);
    core_settle(core);
    return (struct relief){ now_ms + RELIEF_PAUSE_MS + core->sessions.count / RELIEF_PER_MS,
        false };
}

void core_evict(struct core *core, struct connection *connection, int64_t now_ms)
{
    static const struct ending evicted = { .reason = MQTT_QUOTA_EXCEEDED,
        .name = "memory_eviction",
        .text = "memory_limit is near, and its unfinished packet among the largest",
        .tell = true,
        .keep_will = true };

    core->now_ms = now_ms;
    counter_add(&core->counters.evictions, 1);
    connection_end(core, connection, &evicted);
    core_settle(core);
}
