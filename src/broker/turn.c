/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/turn.h"

#include "broker/arrivals.h"
#include "broker/reception.h"
#include "broker/review.h"
#include "broker/sensors.h"
#include "broker/traffic.h"
#include "loop/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,  /* of one turn; the poll tells the others next time */
    STOP_MS = 2000,   /* a stop waits for no peer longer, as core, too, drains that long */
    FAT_SHARE = 1024, /* of memory_limit: what waits for one client is fat beyond such a part */
    FAT_MIN = 4096,
    LATE_MS = 100, /* after something was due: the machine stood still, or has too much to do */
    LET_GO_MS = 1, /* for publishers that were held to be read, before what is left is judged */
    SHORTAGE_TOLD_EVERY_MS = 60000,
    WALL_LOOK_MS = 1000,
    WALL_JUMP_MS = 1000, /* less is no jump: clocks drift */
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- What has come from other threads ---- */

static void take_mail(struct shard *shard)
{
    struct link *link;

    core_take_mail(shard->core, shard->now_ms);
    traffic_write_full(shard);
    while ((link = core_next_parcel(shard->core)))
        traffic_admit(shard, link, true);
}

/* Clients whose passwords have been checked learn whether they come in. */
static void take_verdicts(struct shard *shard)
{
    struct access_ticket ticket;
    struct access_verdict verdict;

    while (authority_next(&shard->authority, &ticket, &verdict))
        core_admitted(shard->core, ticket, &verdict, shard->now_ms);
}

/* What has waited for the disk goes out as far as that has come. */
static void take_progress(struct shard *shard)
{
    if (persistence_look(shard->group->persistence, &shard->stored))
        core_durable(shard->core, shard->stored.position, shard->stored.health, shard->now_ms);
}

static bool awaits_store(const struct shard *shard)
{
    return core_waits_for(shard->core) > shard->stored.position;
}

/* ---- The server's word ---- */

static void take_config(struct shard *shard)
{
    const struct config *config = atomic_exchange(&shard->next_config, NULL);

    if (!config)
        return;
    shard_use_listeners(shard, config);
    shard->journal.level = log_level(&config->log);
    core_tell_up_to(shard->core, shard->journal.level);
    core_apply(shard->core, &config->core, shard->now_ms);
    authority_use(&shard->authority, shard->group->rulebook);
    core_access_changed(shard->core, shard->now_ms);
    if (shard->sys)
        sys_set_interval(shard->sys, config->sys_interval_s * INT64_C(1000), shard->now_ms);
    shard->config = config;
    shard_use_doors(shard, config);
    arrivals_check_again(shard);
    if (shard->credentials != shard->group->credentials) {
        shard->credentials = shard->group->credentials;
        review_begin(shard);
    }
    sem_post(&shard->group->taken);
}

static void begin_stop(struct shard *shard)
{
    if (shard->stopping_ms > 0 || !atomic_load(&shard->stop))
        return;
    shard->stopping_ms = shard->now_ms + STOP_MS;
    shard_stop_accepting(shard);
    shard->crowded = false;
    core_shut_down(shard->core, shard->now_ms);
}

/* ---- What is due ---- */

static void announce_line(void *context, const struct log_message *message)
{
    struct shard *shard = context;
    char topic[40];
    struct announcement announcement = { .payload = message->text, .qos = 2 };

    snprintf(topic, sizeof(topic), "$SYS/broker/log/%s", message->kind);
    announcement.topic = bytes_of_text(topic);
    core_announce(shard->core, &announcement, shard->now_ms);
}

void turn_announce(struct shard *shard, struct log_source *source)
{
    log_source_take(source, announce_line, shard);
}

static void add_store(struct shard *shard, struct sys_gauges *gauges)
{
    struct persistence_figures figures;

    if (!persistence_count(shard->group->persistence, &figures, shard->now_ms))
        return;
    gauges->store_health = figures.health;
    gauges->store_waiting_bytes = figures.store.waiting_bytes;
    gauges->store_commits = figures.store.commits;
    gauges->store_written_bytes = figures.store.written_bytes;
    gauges->store_slowest_us = (uint64_t)figures.slowest_ns / 1000;
    gauges->store_checkpoints = figures.store.checkpoints;
    gauges->store_log_bytes = figures.store.log_bytes;
    gauges->store_log_messages = figures.store.log_live;
    gauges->store_archive_bytes = figures.store.archive_bytes;
    gauges->store_archive_messages = figures.store.archived;
}

static void publish_sys(struct shard *shard)
{
    struct shard_group *group = shard->group;
    int64_t heap = budget_share_used(group->hub_share);
    struct sys_gauges gauges = { .heap_maximum = (uint64_t)budget_maximum(group->budget) };

    for (unsigned i = 0; i < group->count; i++) {
        heap += budget_share_used(&group->shards[i].share);
        gauges.output_packets += counter_read(&group->shards[i].output_packets);
        gauges.output_bytes += counter_read(&group->shards[i].output_bytes);
        gauges.logins_failed += counter_read(&group->shards[i].logins_failed);
        gauges.bans += counter_read(&group->shards[i].bans);
        for (size_t j = 0; j < REFUSALS; j++)
            gauges.refused[j] += counter_read(&group->shards[i].refused[j]);
        for (size_t j = 0; j < SN_COUNTS; j++)
            gauges.sn[j] += counter_read(&group->shards[i].sn[j]);
    }
    gauges.heap_current = (uint64_t)heap;
    add_store(shard, &gauges);
    sys_publish(shard->sys, &gauges, shard->now_ms);
}

static void rouse_others(struct shard *shard, uint64_t others)
{
    for (unsigned i = 0; others != 0; i++, others >>= 1) {
        if (others & 1)
            shard_rouse(&shard->group->shards[i]);
    }
}

static bool shortage_lasts(void *budget)
{
    return budget_is_short(budget);
}

static void tell_shortage(struct shard *shard, int64_t limit)
{
    if (untold_count(&shard->shortages, shard->now_ms, SHORTAGE_TOLD_EVERY_MS) == 0)
        return;
    journal_tell(&shard->journal, EVENT_WARN, "memory.short", field_number("limit", limit),
            field_text("text",
                    "nine tenths are in use; the longest queues are cut, and publishers wait"));
}

/* While memory is nearly used up, the fattest backlogs give way; every shard has to look. Until
 * they have, publishers wait, unless there is nothing that could give way. */
static void relieve(struct shard *shard)
{
    struct budget *budget = shard->group->budget;
    int64_t limit = budget_limit_bytes(budget);
    struct shortage shortage = {
        .fat_bytes = (uint64_t)(limit / FAT_SHARE), .lasts = shortage_lasts, .context = budget
    };

    struct relief relief;

    if (!budget_is_short(budget)) {
        shard->relieve_ms = 0;
        budget_share_hold(&shard->share, true);
        return;
    }
    if (shard->now_ms < shard->relieve_ms) {
        budget_share_hold(&shard->share, shard->share.helps);
        return;
    }
    if (shard->relieve_ms == 0)
        tell_shortage(shard, limit);
    if (shortage.fat_bytes < FAT_MIN)
        shortage.fat_bytes = FAT_MIN;
    relief = core_relieve(shard->core, &shortage, shard->now_ms);
    shard->relieve_ms = relief.again_ms;
    /* What lies unread of those who waited is no hoard: they go on before anyone is ended. */
    if (relief.in_vain && shard->share.is_held)
        shard->relieve_ms = shard->now_ms + LET_GO_MS;
    else if (relief.in_vain)
        traffic_relieve(shard, shortage.fat_bytes);
    budget_share_hold(&shard->share, !relief.in_vain);
    rouse_others(shard, ((uint64_t)1 << (shard->group->count - 1) << 1) - 1);
}

/* What is stored goes by the wall's clock, which somebody may set. */
static void look_at_wall(struct shard *shard)
{
    int64_t wall_ms;
    int64_t jump_ms;

    if (shard->now_ms < shard->wall_look_ms)
        return;
    shard->wall_look_ms = shard->now_ms + WALL_LOOK_MS;
    wall_ms = clock_wall_ms();
    jump_ms = wall_ms - shard->now_ms - shard->wall_offset_ms;
    if (jump_ms > -WALL_JUMP_MS && jump_ms < WALL_JUMP_MS)
        return;
    shard->wall_offset_ms += jump_ms;
    core_set_wall(shard->core, wall_ms, shard->now_ms);
}

static void do_what_is_due(struct shard *shard)
{
    arrivals_open_doors(shard);
    traffic_end_lingering(shard);
    look_at_wall(shard);
    sensors_tick(shard);
    core_tick(shard->core, shard->now_ms);
    relieve(shard);
    if (shard->sys && sys_due_ms(shard->sys) <= shard->now_ms)
        publish_sys(shard);
    turn_announce(shard, &shard->log);
}

static int64_t next_due_ms(const struct shard *shard)
{
    int64_t due_ms = earlier(core_due_ms(shard->core), arrivals_due_ms(shard));

    due_ms = earlier(due_ms, sensors_due_ms(shard));
    if (shard->relieve_ms > 0)
        due_ms = earlier(due_ms, shard->relieve_ms);
    if (shard->sys)
        due_ms = earlier(due_ms, sys_due_ms(shard->sys));
    if (!list_empty(&shard->lingering))
        due_ms = earlier(due_ms, container_of(shard->lingering.next, struct link, node)->moment_ms);
    if (shard->stopping_ms > 0)
        due_ms = earlier(due_ms, shard->stopping_ms);
    return due_ms;
}

/* ---- The turn ---- */

/* Since it last looked whether memory is short, which it must do before publishers go on. */
static bool is_newly_held(const struct shard *shard)
{
    return shard->share.is_held && shard->relieve_ms == 0;
}

static int timeout_ms(struct shard *shard)
{
    int64_t due_ms = next_due_ms(shard);
    int64_t left_ms;

    shard->rings_ms = INT64_MAX;
    if (shard->again || is_newly_held(shard) || review_is_due(shard) ||
            !list_empty(&shard->unread) || shard->log.pending_size > 0)
        return 0;
    if (due_ms == INT64_MAX)
        return -1;
    left_ms = due_ms - clock_now_ms();
    if (left_ms <= 0)
        return 0;
    shard->rings_ms = due_ms;
    return (int)earlier(left_ms, INT_MAX);
}

/*
 * Sleeps only after it has said so and has then found nothing left for it: whoever leaves something
 * looks at `asleep` afterwards (shard_rouse()), so it is seen here or its giver wakes us.
 */
static int wait_for_events(struct shard *shard, struct poll_event events[])
{
    int timeout = timeout_ms(shard);
    int count;

    if (timeout != 0) {
        bool awaits = awaits_store(shard);

        atomic_store_explicit(&shard->awaits_store, awaits, memory_order_relaxed);
        atomic_store(&shard->asleep, true);
        if (core_has_mail(shard->core) || desk_has(&shard->desk) ||
                atomic_load(&shard->next_config) || errands_wait(&shard->errands) ||
                (awaits && persistence_has_news(shard->group->persistence, &shard->stored)) ||
                atomic_load(&shard->stop) != (shard->stopping_ms > 0))
            timeout = 0;
    }
    count = poll_wait(shard->poll, events, EVENTS_MAX, timeout);
    /* Relaxed: one who still sees true only wakes us once too often. */
    atomic_store_explicit(&shard->asleep, false, memory_order_relaxed);
    return count;
}

/* Datagrams are mostly those of clients that are in; connections wait until these are served. */
static void serve_knock(struct shard *shard, struct door *door)
{
    if (door->entrance->options.datagrams)
        reception_serve(shard, door);
    else
        door->knocked = true;
}

static void serve_event(struct shard *shard, const struct poll_event *event)
{
    struct waiter *waiter = event->owner;

    switch ((enum waiter_kind)waiter->kind) {
    case WAITER_WAKE:
        wake_clear(&shard->wake);
        break;
    case WAITER_DOOR:
        serve_knock(shard, container_of(waiter, struct door, waiter));
        break;
    case WAITER_LINK:
        traffic_serve(shard, container_of(waiter, struct link, waiter), event->ready);
        break;
    }
}

static void serve_events(struct shard *shard, const struct poll_event events[], int count)
{
    shard->kept_up = count < EVENTS_MAX;
    for (int i = 0; i < count; i++)
        serve_event(shard, &events[i]);
}

static bool is_late(const struct shard *shard)
{
    return core_due_ms(shard->core) <= shard->now_ms - LATE_MS;
}

/* How often the poll is asked again before anyone is judged; it tells each connection once in so
 * many answers. */
static uint64_t looks_before_judging(const struct shard *shard)
{
    if (is_late(shard))
        return 1 + counter_read(&core_counters(shard->core)->sockets) / EVENTS_MAX;
    return shard->rings_ms <= shard->now_ms ? 1 : 0;
}

/*
 * Who slept until something was due may have been woken long after that, on a busy machine or one
 * that stood still, and so may who had enough to do. What came in the meantime is heard before
 * anyone is found silent: after the turn's time was taken, so that all that came before it is.
 */
static void listen_for_events(struct shard *shard)
{
    struct poll_event events[EVENTS_MAX];
    int count = wait_for_events(shard, events);

    shard->now_ms = clock_now_ms();
    shard->again = false;
    serve_events(shard, events, count);
    for (uint64_t looks = looks_before_judging(shard); looks > 0 && count >= 0; looks--) {
        count = poll_wait(shard->poll, events, EVENTS_MAX, 0);
        serve_events(shard, events, count);
        if (count < EVENTS_MAX)
            break;
    }
}

static bool is_done(const struct shard *shard)
{
    if (shard->stopping_ms == 0)
        return false;
    return shard->now_ms >= shard->stopping_ms ||
            (list_empty(&shard->links) && list_empty(&shard->unjudged) &&
                    list_empty(&shard->unread) && list_empty(&shard->leaving) &&
                    list_empty(&shard->lingering));
}

bool turn_run(struct shard *shard)
{
    listen_for_events(shard);
    /* Not before: what is read may hand a link over, and an event still name it. */
    traffic_read_unread(shard);
    take_config(shard);
    begin_stop(shard);
    take_mail(shard);
    take_verdicts(shard);
    arrivals_hear(shard, is_late(shard));
    do_what_is_due(shard);
    review_go_on(shard);
    errands_run(&shard->errands, shard);
    take_progress(shard);
    rouse_others(shard, core_end_turn(shard->core));
    traffic_write(shard);
    sensors_settle(shard);
    traffic_resume(shard);
    arrivals_serve(shard);
    traffic_free_closed(shard);
    sensors_flush(shard);
    return !is_done(shard);
}
