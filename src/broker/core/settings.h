/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits and choices that core obeys. The configuration fills them; core only reads.
 *
 * A setting whose name ends in _max is a limit of ours; the others bear Mosquitto's name for the
 * same thing. 0 means "no limit" only where the line says so.
 */
#ifndef BROKER_CORE_SETTINGS_H
#define BROKER_CORE_SETTINGS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* What happens to a QoS 1 or 2 message that finds its receiver's queue full (design: §5). */
enum queue_full_policy {
    QUEUE_DROP_NEW,     /* the message is not queued; Mosquitto's way and the default */
    QUEUE_DROP_OLD,     /* the oldest queued message makes room */
    QUEUE_DISCONNECT,   /* the receiver is disconnected with 0x97; offline: as QUEUE_DROP_NEW */
    QUEUE_BACKPRESSURE, /* the publisher's acknowledgement and its next reads wait for room */
};

enum {
    CLIENT_ID_PREFIX_MAX = 50,  /* bytes of auto_id_prefix */
    CLIENT_ID_START_MAX = 1023, /* of clientid_prefixes */
    MOUNT_POINT_MAX = 1023,
};

struct core_settings {
    /* Windows and queues, per session; also per shared group. */
    uint16_t max_inflight_messages;  /* to a client not yet acknowledged, 20; 0: 65,535 */
    uint64_t max_inflight_bytes;     /* payload bytes of those; 0: no limit */
    uint32_t max_queued_messages;    /* QoS 1 and 2 beyond those in flight, 1000; 0: no limit */
    uint64_t max_queued_bytes;       /* payload bytes of those; 0: no limit */
    uint64_t client_memory_max;      /* memory of all that is queued, not per group; 0: no limit */
    uint64_t qos0_backlog_bytes_max; /* QoS 0 bytes waiting for a slow connection, 16 MiB */
    bool queue_qos0_messages;        /* also queue QoS 0 for an absent client */
    bool upgrade_outgoing_qos; /* deliver at the subscription's QoS, even above the publisher's */
    enum queue_full_policy queue_full_policy;
    uint16_t receive_max; /* QoS 1 and 2 we let a client have open, 20; 0: 65,535 */

    /* Packets and topics. */
    uint32_t max_packet_size;    /* bytes of a packet from a client, 2,000,000; announced */
    uint32_t connect_size_max;   /* bytes of a CONNECT, 100,000: what a stranger may make us keep */
    uint32_t message_size_limit; /* bytes of a payload; 0: no limit but max_packet_size */
    uint16_t topic_levels_max;   /* 200 */
    uint16_t topic_size_max;     /* bytes of a topic or filter, 65,535 */
    uint32_t user_properties_max; /* in one packet, 100 */
    uint32_t packet_rate_max;     /* of one client, each second, 10,000,000; 0: no limit */
    uint64_t byte_rate_max;       /* the same in bytes, at least 1,000; 0: no limit */

    /* Connections and sessions. */
    uint32_t connect_timeout_ms;    /* from the transport's start to CONNECT, 10,000 */
    uint16_t max_keepalive_s;       /* 0: no limit */
    int64_t global_max_clients;     /* sessions, connected or not; negative: no limit */
    int64_t global_max_connections; /* negative: no limit */
    uint32_t sessions_per_user_max; /* connected or not, 0: no limit */
    uint32_t subscriptions_max;     /* of one session, 100,000 */
    /* One whose connection is lost more often than so many times in such a time waits for CONNACK,
     * 100 in 60,000; 0: nobody does. */
    uint32_t flapping_max;
    uint32_t flapping_window_ms;
    uint32_t id_fight_max; /* the same for take-overs from other addresses in a minute, 20 */
    uint64_t
            session_expiry_s_max; /* persistent_client_expiration, for every session; 0: no limit */

    /* Retained messages. */
    bool retain_available;
    bool check_retain_source; /* its publisher must still have the right to publish it */
    uint64_t retained_max;    /* how many, 0: no limit */
    uint64_t retain_expiry_s; /* for those without an expiry of their own; 0: never */

    /* Publishing to $-topics is refused, but for $CONTROL and the like in later parts. */
    bool strict_text; /* refuse control characters and non-characters in strings (U5-1.5.4-1) */
    char clientid_prefixes[CLIENT_ID_START_MAX + 1]; /* how a client's id must start; "": as it
                                                        likes */
};

/* What holds for every connection of one listener; lives as long as the listener. */
struct listener_settings {
    uint16_t number;                 /* among the listeners; the authority goes by it */
    uint16_t port;                   /* for log lines; 0 for a Unix socket */
    int64_t max_connections;         /* negative: no limit */
    uint8_t max_qos;                 /* 0..2, announced as Maximum QoS when below 2 */
    uint16_t max_topic_alias;        /* that a client may set, 10 */
    uint16_t max_topic_alias_broker; /* that we may set, 10 */
    uint8_t protocol_versions;       /* bit 3, 4 and 5 for MQTT 3.1, 3.1.1 and 5.0 */
    bool allow_anonymous;
    /* A client is who its transport says, by a certificate or key: CONNECT's user name and password
     * count for nothing, and who has proved no name is refused. */
    bool user_name_proved;
    bool user_name_hidden; /* what CONNECT has in its place may be a secret: it is not logged */
    /* A client's id is its user name, and the one in CONNECT counts for nothing. It does not change
     * while the server runs. */
    bool use_username_as_clientid;
    bool allow_zero_length_clientid;
    char mount_point[MOUNT_POINT_MAX + 1]; /* before each topic of its clients; "": none; mount.h */
    char auto_id_prefix[CLIENT_ID_PREFIX_MAX + 1]; /* "auto-" */
};

/* The option whose limit a topic name or filter breaks, where it is long enough for one of them;
 * NULL: none. */
const char *settings_topic_limit_of_long(const struct core_settings *settings, struct bytes topic);

/* The same for any. */
static inline const char *settings_topic_limit(
        const struct core_settings *settings, struct bytes topic)
{
    if (topic.size <= settings->topic_levels_max && topic.size <= settings->topic_size_max)
        return NULL;
    return settings_topic_limit_of_long(settings, topic);
}

/* Writes the defaults above. */
void core_settings_init(struct core_settings *settings);
void listener_settings_init(struct listener_settings *settings);

#endif
