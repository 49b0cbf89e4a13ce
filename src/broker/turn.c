/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/turn.h"

#include "broker/traffic.h"
#include "loop/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256,    /* of one turn; the poll tells the others next time */
    ACCEPTS_MAX = 64,    /* of one door and turn */
    DOORS_SHUT_MS = 100, /* after the system had no descriptor or memory for a connection */
    STOP_MS = 2000,      /* a stop waits for no peer longer, as core, too, drains that long */
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- Arrivals ---- */

static void tell_refused(struct shard *shard, const struct address *peer, const char *limit)
{
    char text[ADDRESS_TEXT_SIZE];

    journal_tell(&shard->journal, EVENT_WARN, "connection.refused",
            field_bytes("peer", bytes_of_text(address_format(peer, text))),
            field_text("reason", "quota_exceeded"), field_text("limit", limit));
}

/* False when max_connections of the listener or memory forbids another one. */
static bool take_connection(
        struct shard *shard, struct entrance *entrance, const struct listener_accepted *accepted)
{
    int64_t max = shard->listeners[entrance->number].max_connections;
    int64_t before = atomic_fetch_add_explicit(&entrance->connections, 1, memory_order_relaxed);
    struct stream *stream;
    struct link *link;

    if (max >= 0 && before >= max) {
        tell_refused(shard, &accepted->peer, "max_connections");
        close(accepted->fd);
        return false;
    }
    if (entrance_open_stream(
                &stream, entrance, accepted, shard->credentials->listeners[entrance->number]) < 0)
        return false;
    link = link_new(&shard->memory, stream, entrance->number, shard->now_ms);
    if (!link) {
        tell_refused(shard, &accepted->peer, "memory_limit");
        stream_close(stream, STREAM_END_CLEAN);
        return false;
    }
    traffic_admit(shard, link, false);
    return true;
}

static void await_doors(struct shard *shard, unsigned waits)
{
    for (size_t i = 0; i < shard->door_count; i++) {
        struct door *door = &shard->doors[i];

        poll_change(shard->poll, door->listener.fd, waits, &door->waiter);
    }
}

/* Connections wait but the system cannot give them: to ask at once again would be to spin. */
static void shut_doors(struct shard *shard, int error)
{
    journal_tell(&shard->journal, EVENT_WARN, "accept.failed", field_text("text", strerror(-error)),
            field_number("again_in_ms", DOORS_SHUT_MS));
    await_doors(shard, 0);
    shard->doors_open_ms = shard->now_ms + DOORS_SHUT_MS;
}

static void open_doors_when_due(struct shard *shard)
{
    if (shard->doors_open_ms == 0 || shard->now_ms < shard->doors_open_ms)
        return;
    shard->doors_open_ms = 0;
    await_doors(shard, POLL_READ);
}

static void serve_door(struct shard *shard, struct door *door)
{
    struct listener_accepted accepted[ACCEPTS_MAX];
    int count = listener_accept(&door->listener, accepted, ACCEPTS_MAX);

    if (count < 0 && shard->doors_open_ms == 0)
        shut_doors(shard, count);
    for (int i = 0; i < count; i++) {
        if (!take_connection(shard, door->entrance, &accepted[i]))
            atomic_fetch_sub_explicit(&door->entrance->connections, 1, memory_order_relaxed);
    }
}

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

/* ---- The server's word ---- */

static void take_config(struct shard *shard)
{
    const struct config *config = atomic_exchange(&shard->next_config, NULL);

    if (!config)
        return;
    for (size_t i = 0; i < config->listener_count; i++)
        shard->listeners[i] = config->listeners[i].settings;
    shard->journal.level = log_level(&config->log);
    core_tell_up_to(shard->core, shard->journal.level);
    core_apply(shard->core, &config->core, shard->now_ms);
    authority_use(&shard->authority, shard->group->rulebook);
    core_access_changed(shard->core, shard->now_ms);
    if (shard->sys)
        sys_set_interval(shard->sys, config->sys_interval_s * INT64_C(1000), shard->now_ms);
    shard->config = config;
    shard->credentials = shard->group->credentials;
    sem_post(&shard->group->taken);
}

static void begin_stop(struct shard *shard)
{
    if (shard->stopping_ms > 0 || !atomic_load(&shard->stop))
        return;
    shard->stopping_ms = shard->now_ms + STOP_MS;
    for (size_t i = 0; i < shard->door_count; i++) {
        poll_remove(shard->poll, shard->doors[i].listener.fd);
        door_close(&shard->doors[i]);
    }
    shard->door_count = 0;
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

static void publish_sys(struct shard *shard)
{
    struct shard_group *group = shard->group;
    int64_t heap = budget_share_used(group->hub_share);
    struct sys_gauges gauges = { .heap_maximum = (uint64_t)budget_maximum(group->budget) };

    for (unsigned i = 0; i < group->count; i++) {
        heap += budget_share_used(&group->shards[i].share);
        gauges.output_packets += counter_read(&group->shards[i].output_packets);
        gauges.output_bytes += counter_read(&group->shards[i].output_bytes);
    }
    gauges.heap_current = (uint64_t)heap;
    sys_publish(shard->sys, &gauges, shard->now_ms);
}

static void do_what_is_due(struct shard *shard)
{
    open_doors_when_due(shard);
    traffic_end_lingering(shard);
    core_tick(shard->core, shard->now_ms);
    if (shard->sys && sys_due_ms(shard->sys) <= shard->now_ms)
        publish_sys(shard);
    log_source_take(&shard->log, announce_line, shard);
}

static int64_t next_due_ms(const struct shard *shard)
{
    int64_t due_ms = core_due_ms(shard->core);

    if (shard->doors_open_ms > 0)
        due_ms = earlier(due_ms, shard->doors_open_ms);
    if (shard->sys)
        due_ms = earlier(due_ms, sys_due_ms(shard->sys));
    if (!list_empty(&shard->lingering))
        due_ms = earlier(due_ms, container_of(shard->lingering.next, struct link, node)->moment_ms);
    if (shard->stopping_ms > 0)
        due_ms = earlier(due_ms, shard->stopping_ms);
    return due_ms;
}

/* ---- The turn ---- */

static int timeout_ms(const struct shard *shard)
{
    int64_t due_ms = next_due_ms(shard);
    int64_t left_ms;

    if (shard->again || !list_empty(&shard->unread) || shard->log.pending_size > 0)
        return 0;
    if (due_ms == INT64_MAX)
        return -1;
    left_ms = due_ms - clock_now_ms();
    return left_ms <= 0 ? 0 : (int)earlier(left_ms, INT_MAX);
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
        atomic_store(&shard->asleep, true);
        if (core_has_mail(shard->core) || hash_desk_has(&shard->desk) ||
                atomic_load(&shard->next_config) ||
                atomic_load(&shard->stop) != (shard->stopping_ms > 0))
            timeout = 0;
    }
    count = poll_wait(shard->poll, events, EVENTS_MAX, timeout);
    /* Relaxed: one who still sees true only wakes us once too often. */
    atomic_store_explicit(&shard->asleep, false, memory_order_relaxed);
    return count;
}

static void serve_event(struct shard *shard, const struct poll_event *event)
{
    struct waiter *waiter = event->owner;

    switch ((enum waiter_kind)waiter->kind) {
    case WAITER_WAKE:
        wake_clear(&shard->wake);
        break;
    case WAITER_DOOR:
        serve_door(shard, container_of(waiter, struct door, waiter));
        break;
    case WAITER_LINK:
        traffic_serve(shard, container_of(waiter, struct link, waiter), event->ready);
        break;
    }
}

static void rouse_others(struct shard *shard, uint64_t others)
{
    for (unsigned i = 0; others != 0; i++, others >>= 1) {
        if (others & 1)
            shard_rouse(&shard->group->shards[i]);
    }
}

static bool is_done(const struct shard *shard)
{
    if (shard->stopping_ms == 0)
        return false;
    return shard->now_ms >= shard->stopping_ms ||
            (list_empty(&shard->links) && list_empty(&shard->unread) &&
                    list_empty(&shard->lingering));
}

bool turn_run(struct shard *shard)
{
    struct poll_event events[EVENTS_MAX];
    int count = wait_for_events(shard, events);

    shard->now_ms = clock_now_ms();
    shard->again = false;
    traffic_read_unread(shard);
    for (int i = 0; i < count; i++)
        serve_event(shard, &events[i]);
    take_config(shard);
    begin_stop(shard);
    take_mail(shard);
    take_verdicts(shard);
    do_what_is_due(shard);
    rouse_others(shard, core_end_turn(shard->core));
    traffic_write(shard);
    traffic_resume(shard);
    traffic_free_closed(shard);
    return !is_done(shard);
}
