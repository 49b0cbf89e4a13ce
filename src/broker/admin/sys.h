/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server tells of itself below $SYS/broker/, under Mosquitto's names: sums over all
 * shards, published retained at QoS 2 by one of them, each only when it has changed.
 *
 * Our own below it: publish/messages/dropped/<reason>, one for each reason of core's counters, and
 * connections/refused/<option>, one for each refusal.
 */
#ifndef BROKER_ADMIN_SYS_H
#define BROKER_ADMIN_SYS_H

#include "broker/admin/refusal.h"
#include "broker/core/core.h"

struct sys;

struct sys_setup {
    struct memory memory;
    struct core *core; /* of the calling shard: it publishes */
    struct hub *hub;
    unsigned shard; /* the calling one */
    unsigned shards;
    const struct counters *const *counters; /* of each shard; kept */
    const char *version;                    /* the whole text of $SYS/broker/version; kept */
    int64_t interval_ms;                    /* 0: never */
};

/* What is counted of MQTT-SN. */
enum sn_count {
    SN_DROPPED_DATAGRAMS, /* for a limit */
    SN_REFUSED_DATAGRAMS, /* at a listener that is not for them */
    SN_UNKNOWN_DATAGRAMS, /* messages by DTLS that belong to no association */
    SN_LOST_WILLS,        /* of devices that are not there */
    SN_COUNTS,
};

/* What only the program around the cores knows. */
struct sys_gauges {
    uint64_t heap_current;
    uint64_t heap_maximum;
    uint64_t output_packets; /* writes that a slow connection has left over */
    uint64_t output_bytes;
    uint64_t logins_failed;
    uint64_t bans;
    uint64_t refused[REFUSALS];
    uint64_t sn[SN_COUNTS];
    /* Of the store; all 0 where all is in memory. */
    uint64_t store_health; /* enum storage_health */
    uint64_t store_waiting_bytes;
    uint64_t store_commits;
    uint64_t store_written_bytes;
    uint64_t store_slowest_us; /* commit of the last minute or two */
    uint64_t store_checkpoints;
    uint64_t store_log_bytes;
    uint64_t store_log_messages;
    uint64_t store_archive_bytes;
    uint64_t store_archive_messages;
};

/* NULL when memory is short. The first publication is due at once. */
struct sys *sys_new(const struct sys_setup *setup, int64_t now_ms);

/* NULL is fine. */
void sys_free(struct sys *sys);

/* Changes the interval; the next publication is due at its next whole multiple. */
void sys_set_interval(struct sys *sys, int64_t interval_ms, int64_t now_ms);

/* When sys_publish() is to be called; INT64_MAX for never. */
int64_t sys_due_ms(const struct sys *sys);

/* Once it is due: sums, and publishes what has changed, or as much of it as core takes now. */
void sys_publish(struct sys *sys, const struct sys_gauges *gauges, int64_t now_ms);

#endif
