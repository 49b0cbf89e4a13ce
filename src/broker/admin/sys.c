/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admin/sys.h"

#include "broker/admin/load.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

enum {
    TOPIC_SIZE_MAX = 100,
    RETRY_MS = 20, /* after core took not all of it */
};

/* The sums over all shards. */
struct totals {
    uint64_t clients;
    uint64_t clients_maximum; /* seen at any publication */
    uint64_t connected;
    uint64_t disconnected;
    uint64_t expired;
    uint64_t stored;
    uint64_t stored_bytes;
    uint64_t retained;
    uint64_t subscriptions;
    uint64_t shared_subscriptions;
    uint64_t heap_current;
    uint64_t heap_maximum;
    uint64_t output_packets;
    uint64_t output_bytes;
    uint64_t sockets;
    uint64_t messages_received;
    uint64_t messages_sent;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t publish_received;
    uint64_t publish_sent;
    uint64_t publish_bytes_received;
    uint64_t publish_bytes_sent;
    uint64_t publish_dropped;
    uint64_t sockets_opened;
    uint64_t connections_opened;
    uint64_t delayed_connects;
    uint64_t throttlings;
    uint64_t evictions;
    uint64_t flappings;
    uint64_t id_fights;
    uint64_t user_refusals;
    uint64_t logins_failed;
    uint64_t bans;
    uint64_t store_health;
    uint64_t store_waiting_bytes;
    uint64_t store_commits;
    uint64_t store_written_bytes;
    uint64_t store_slowest_us;
    uint64_t store_checkpoints;
    uint64_t store_log_bytes;
    uint64_t store_log_messages;
    uint64_t store_archive_bytes;
    uint64_t store_archive_messages;
    uint64_t dropped[DROP_REASONS];
    uint64_t refused[REFUSALS];
    uint64_t sn[SN_COUNTS];
};

#define TOTAL(member) (offsetof(struct totals, member) / sizeof(uint64_t))

/* A number and where it is told; some are told under two names. */
struct row {
    const char *topic;
    size_t total;
};

static const struct row number_rows[] = {
    { "clients/total", TOTAL(clients) },
    { "clients/maximum", TOTAL(clients_maximum) },
    { "clients/connected", TOTAL(connected) },
    { "clients/active", TOTAL(connected) },
    { "clients/disconnected", TOTAL(disconnected) },
    { "clients/inactive", TOTAL(disconnected) },
    { "clients/expired", TOTAL(expired) },
    { "clients/delayed", TOTAL(delayed_connects) },
    { "clients/throttled", TOTAL(throttlings) },
    { "clients/evicted", TOTAL(evictions) },
    { "clients/flapping", TOTAL(flappings) },
    { "clients/id_fights", TOTAL(id_fights) },
    { "clients/refused/sessions_per_user_max", TOTAL(user_refusals) },
    { "messages/stored", TOTAL(stored) },
    { "store/messages/count", TOTAL(stored) },
    { "store/messages/bytes", TOTAL(stored_bytes) },
    { "subscriptions/count", TOTAL(subscriptions) },
    { "shared_subscriptions/count", TOTAL(shared_subscriptions) },
    { "retained messages/count", TOTAL(retained) },
    { "heap/current", TOTAL(heap_current) },
    { "heap/maximum", TOTAL(heap_maximum) },
    { "messages/received", TOTAL(messages_received) },
    { "messages/sent", TOTAL(messages_sent) },
    { "bytes/received", TOTAL(bytes_received) },
    { "bytes/sent", TOTAL(bytes_sent) },
    { "publish/messages/received", TOTAL(publish_received) },
    { "publish/messages/sent", TOTAL(publish_sent) },
    { "publish/messages/dropped", TOTAL(publish_dropped) },
    { "publish/bytes/received", TOTAL(publish_bytes_received) },
    { "publish/bytes/sent", TOTAL(publish_bytes_sent) },
    { "packet/out/count", TOTAL(output_packets) },
    { "packet/out/bytes", TOTAL(output_bytes) },
    { "connections/socket/count", TOTAL(sockets) },
    { "logins/failed", TOTAL(logins_failed) },
    { "logins/bans", TOTAL(bans) },
    { "sn/datagrams/dropped", TOTAL(sn) + SN_DROPPED_DATAGRAMS },
    { "sn/datagrams/refused", TOTAL(sn) + SN_REFUSED_DATAGRAMS },
    { "sn/datagrams/unknown", TOTAL(sn) + SN_UNKNOWN_DATAGRAMS },
    { "sn/wills/lost", TOTAL(sn) + SN_LOST_WILLS },
    { "store/health", TOTAL(store_health) },
    { "store/waiting/bytes", TOTAL(store_waiting_bytes) },
    { "store/commits/count", TOTAL(store_commits) },
    { "store/commits/bytes", TOTAL(store_written_bytes) },
    { "store/commits/slowest", TOTAL(store_slowest_us) },
    { "store/checkpoints", TOTAL(store_checkpoints) },
    { "store/log/bytes", TOTAL(store_log_bytes) },
    { "store/log/messages", TOTAL(store_log_messages) },
    { "store/archive/bytes", TOTAL(store_archive_bytes) },
    { "store/archive/messages", TOTAL(store_archive_messages) },
};

static const struct row load_rows[] = {
    { "messages/received", TOTAL(messages_received) },
    { "messages/sent", TOTAL(messages_sent) },
    { "publish/received", TOTAL(publish_received) },
    { "publish/sent", TOTAL(publish_sent) },
    { "publish/dropped", TOTAL(publish_dropped) },
    { "bytes/received", TOTAL(bytes_received) },
    { "bytes/sent", TOTAL(bytes_sent) },
    { "sockets", TOTAL(sockets_opened) },
    { "connections", TOTAL(connections_opened) },
};

enum {
    NUMBERS = sizeof(number_rows) / sizeof(number_rows[0]),
    LOADS = sizeof(load_rows) / sizeof(load_rows[0]),
};

/* Everything that is told, in order: the index of what was told last. */
enum {
    TOLD_VERSION,
    TOLD_UPTIME,
    TOLD_NUMBERS,
    TOLD_LOADS = TOLD_NUMBERS + NUMBERS,
    TOLD_DROPS = TOLD_LOADS + LOADS * LOAD_WINDOWS,
    TOLD_REFUSALS = TOLD_DROPS + DROP_REASONS,
    TOLD_COUNT = TOLD_REFUSALS + REFUSALS,
};

struct sys {
    struct sys_setup setup;
    int64_t started_ms;
    int64_t summed_ms; /* when the totals and loads were last brought up to date */
    int64_t due_ms;
    bool unfinished; /* the totals are not all told yet */
    struct totals totals;
    struct load loads[LOADS];
    int64_t told[TOLD_COUNT]; /* the value last told, -1 for none */
};

/* ---- Sums ---- */

/* What a limit made us drop; a message for someone who is not there is no loss in this sense. */
static uint64_t dropped_by_limits(const struct totals *totals)
{
    return totals->dropped[DROP_QUEUE_FULL] + totals->dropped[DROP_SLOW_READER] +
            totals->dropped[DROP_NO_MEMORY] + totals->dropped[DROP_MAILBOX_FULL] +
            totals->dropped[DROP_MEMORY] + totals->dropped[DROP_UNREADABLE];
}

static void add_shard(struct totals *totals, const struct counters *counters)
{
    const struct {
        uint64_t *total;
        const counter *number;
    } sums[] = {
        { &totals->clients, &counters->sessions },
        { &totals->connected, &counters->connections },
        { &totals->expired, &counters->sessions_expired },
        { &totals->stored, &counters->messages },
        { &totals->stored_bytes, &counters->message_bytes },
        { &totals->sockets, &counters->sockets },
        { &totals->messages_received, &counters->packets_received },
        { &totals->messages_sent, &counters->packets_sent },
        { &totals->bytes_received, &counters->bytes_received },
        { &totals->bytes_sent, &counters->bytes_sent },
        { &totals->publish_received, &counters->publish_received },
        { &totals->publish_sent, &counters->publish_sent },
        { &totals->publish_bytes_received, &counters->publish_bytes_received },
        { &totals->publish_bytes_sent, &counters->publish_bytes_sent },
        { &totals->sockets_opened, &counters->sockets_opened },
        { &totals->connections_opened, &counters->connections_opened },
        { &totals->delayed_connects, &counters->delayed_connects },
        { &totals->throttlings, &counters->throttlings },
        { &totals->evictions, &counters->evictions },
        { &totals->flappings, &counters->flappings },
        { &totals->id_fights, &counters->id_fights },
        { &totals->user_refusals, &counters->user_refusals },
    };

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        *sums[i].total += counter_read(sums[i].number);
    for (size_t i = 0; i < DROP_REASONS; i++)
        totals->dropped[i] += counter_read(&counters->dropped[i]);
}

static uint64_t not_below_zero(uint64_t sum)
{
    return sum <= INT64_MAX ? sum : 0;
}

static void sum_up(struct sys *sys, const struct sys_gauges *gauges)
{
    struct hub_counts counts = hub_count(sys->setup.hub, sys->setup.shard);
    struct totals totals = {
        .clients_maximum = sys->totals.clients_maximum,
        .retained = counts.retained,
        .subscriptions = counts.subscriptions,
        .shared_subscriptions = counts.shared_subscriptions,
        .heap_current = gauges->heap_current,
        .heap_maximum = gauges->heap_maximum,
        .output_packets = gauges->output_packets,
        .output_bytes = gauges->output_bytes,
        .logins_failed = gauges->logins_failed,
        .bans = gauges->bans,
        .store_health = gauges->store_health,
        .store_waiting_bytes = gauges->store_waiting_bytes,
        .store_commits = gauges->store_commits,
        .store_written_bytes = gauges->store_written_bytes,
        .store_slowest_us = gauges->store_slowest_us,
        .store_checkpoints = gauges->store_checkpoints,
        .store_log_bytes = gauges->store_log_bytes,
        .store_log_messages = gauges->store_log_messages,
        .store_archive_bytes = gauges->store_archive_bytes,
        .store_archive_messages = gauges->store_archive_messages,
    };

    memcpy(totals.refused, gauges->refused, sizeof(totals.refused));
    memcpy(totals.sn, gauges->sn, sizeof(totals.sn));
    for (unsigned i = 0; i < sys->setup.shards; i++)
        add_shard(&totals, sys->setup.counters[i]);
    totals.stored -= counts.messages_freed;
    totals.stored_bytes -= counts.message_bytes_freed;
    /* The shards are read one after the other, so what comes and goes meanwhile may be seen to go
     * before it came. */
    totals.stored = not_below_zero(totals.stored);
    totals.stored_bytes = not_below_zero(totals.stored_bytes);
    totals.clients = not_below_zero(totals.clients);
    totals.connected = not_below_zero(totals.connected);
    if (totals.clients > totals.clients_maximum)
        totals.clients_maximum = totals.clients;
    totals.disconnected = totals.clients > totals.connected ? totals.clients - totals.connected : 0;
    totals.publish_dropped = dropped_by_limits(&totals);
    sys->totals = totals;
}

static uint64_t total_of(const struct totals *totals, size_t index)
{
    uint64_t number;

    memcpy(&number, (const char *)totals + index * sizeof(number), sizeof(number));
    return number;
}

static void update_loads(struct sys *sys, int64_t now_ms)
{
    if (now_ms <= sys->summed_ms)
        return;
    for (size_t i = 0; i < LOADS; i++)
        load_update(&sys->loads[i], total_of(&sys->totals, load_rows[i].total),
                now_ms - sys->summed_ms);
    sys->summed_ms = now_ms;
}

/* ---- Telling ---- */

static bool announce(struct sys *sys, const char *topic, const char *payload, int64_t now_ms)
{
    char whole[sizeof("$SYS/broker/") + TOPIC_SIZE_MAX];
    struct announcement announcement = {
        .payload = bytes_of_text(payload),
        .qos = 2,
        .retain = true,
    };

    snprintf(whole, sizeof(whole), "$SYS/broker/%s", topic);
    announcement.topic = bytes_of_text(whole);
    return core_announce(sys->setup.core, &announcement, now_ms);
}

/* Tells a value unless it is the one told last. `text` is how it is written. */
static bool tell(struct sys *sys, size_t told, const char *topic, int64_t value, const char *text,
        int64_t now_ms)
{
    if (sys->told[told] == value)
        return true;
    if (!announce(sys, topic, text, now_ms))
        return false;
    sys->told[told] = value;
    return true;
}

static bool tell_number(
        struct sys *sys, size_t told, const char *topic, uint64_t number, int64_t now_ms)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return tell(sys, told, topic, (int64_t)number, text, now_ms);
}

static bool tell_load(struct sys *sys, size_t row, unsigned window, int64_t now_ms)
{
    double load = sys->loads[row].per_minute[window];
    char topic[TOPIC_SIZE_MAX];
    char text[40];

    snprintf(topic, sizeof(topic), "load/%s/%s", load_rows[row].topic, load_window_name(window));
    snprintf(text, sizeof(text), "%.2f", load);
    return tell(sys, TOLD_LOADS + row * LOAD_WINDOWS + window, topic, llround(load * 100), text,
            now_ms);
}

static bool tell_drops(struct sys *sys, enum drop_reason reason, int64_t now_ms)
{
    char topic[TOPIC_SIZE_MAX];

    snprintf(topic, sizeof(topic), "publish/messages/dropped/%s", drop_reason_name(reason));
    return tell_number(sys, TOLD_DROPS + reason, topic, sys->totals.dropped[reason], now_ms);
}

static bool tell_refusals(struct sys *sys, enum refusal refusal, int64_t now_ms)
{
    char topic[TOPIC_SIZE_MAX];

    snprintf(topic, sizeof(topic), "connections/refused/%s", refusal_name(refusal));
    return tell_number(sys, TOLD_REFUSALS + refusal, topic, sys->totals.refused[refusal], now_ms);
}

static bool tell_uptime(struct sys *sys, int64_t now_ms)
{
    int64_t seconds = (now_ms - sys->started_ms) / 1000;
    char text[40];

    snprintf(text, sizeof(text), "%lld seconds", (long long)seconds);
    return tell(sys, TOLD_UPTIME, "uptime", seconds, text, now_ms);
}

/* False when core takes no more now. */
static bool tell_all(struct sys *sys, int64_t now_ms)
{
    bool room = tell(sys, TOLD_VERSION, "version", 0, sys->setup.version, now_ms) &&
            tell_uptime(sys, now_ms);

    for (size_t i = 0; room && i < NUMBERS; i++)
        room = tell_number(sys, TOLD_NUMBERS + i, number_rows[i].topic,
                total_of(&sys->totals, number_rows[i].total), now_ms);
    for (size_t i = 0; room && i < LOADS * LOAD_WINDOWS; i++)
        room = tell_load(sys, i / LOAD_WINDOWS, i % LOAD_WINDOWS, now_ms);
    for (unsigned i = 0; room && i < DROP_REASONS; i++)
        room = tell_drops(sys, (enum drop_reason)i, now_ms);
    for (unsigned i = 0; room && i < REFUSALS; i++)
        room = tell_refusals(sys, (enum refusal)i, now_ms);
    return room;
}

/* ---- When ---- */

/* The next whole multiple of the interval, as Mosquitto has it. */
static int64_t next_due(const struct sys *sys, int64_t now_ms)
{
    int64_t interval_ms = sys->setup.interval_ms;

    return interval_ms > 0 ? (now_ms / interval_ms + 1) * interval_ms : INT64_MAX;
}

struct sys *sys_new(const struct sys_setup *setup, int64_t now_ms)
{
    struct sys *sys = memory_take_zeroed(&setup->memory, sizeof(*sys));

    if (!sys)
        return NULL;
    sys->setup = *setup;
    sys->started_ms = now_ms;
    sys->summed_ms = now_ms;
    sys->due_ms = setup->interval_ms > 0 ? now_ms : INT64_MAX;
    for (size_t i = 0; i < TOLD_COUNT; i++)
        sys->told[i] = -1;
    return sys;
}

void sys_free(struct sys *sys)
{
    if (sys) {
        struct memory memory = sys->setup.memory;

        memory_give(&memory, sys, sizeof(*sys));
    }
}

void sys_set_interval(struct sys *sys, int64_t interval_ms, int64_t now_ms)
{
    if (sys->setup.interval_ms == interval_ms)
        return;
    sys->setup.interval_ms = interval_ms;
    sys->due_ms = next_due(sys, now_ms);
}

int64_t sys_due_ms(const struct sys *sys)
{
    return sys->due_ms;
}

void sys_publish(struct sys *sys, const struct sys_gauges *gauges, int64_t now_ms)
{
    if (!sys->unfinished) {
        sum_up(sys, gauges);
        update_loads(sys, now_ms);
    }
    sys->unfinished = !tell_all(sys, now_ms);
    sys->due_ms = sys->unfinished ? now_ms + RETRY_MS : next_due(sys, now_ms);
}
