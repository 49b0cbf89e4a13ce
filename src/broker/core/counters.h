/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shard counts. One thread writes, any may read: each number is an atomic that its writer
 * loads and stores relaxed, since nothing else is ordered by it.
 */
#ifndef BROKER_CORE_COUNTERS_H
#define BROKER_CORE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

/* Why a message that matched a session or group never reached it. */
enum drop_reason {
    DROP_QUEUE_FULL,    /* max_queued_messages or max_queued_bytes */
    DROP_SLOW_READER,   /* QoS 0 beyond qos0_backlog_bytes_max */
    DROP_OFFLINE,       /* QoS 0 for an absent client */
    DROP_TOO_LARGE,     /* the receiver's Maximum Packet Size */
    DROP_SESSION_ENDED, /* the session or group ended before it was delivered */
    DROP_NO_MEMORY,
    DROP_MAILBOX_FULL, /* QoS 0 only */
    DROP_REFUSED,      /* a PUBREC of 0x80 or above, or a shared message's PUBACK of that kind */
    DROP_NOT_ALLOWED,  /* the client has no right to receive it */
    DROP_MEMORY,       /* memory_limit was near, and its backlog among the fattest */
    DROP_UNREADABLE,   /* it waited on the disk, where it cannot be read any more */
    DROP_REASONS,
};

const char *drop_reason_name(enum drop_reason reason);

/* One log line for a session or group and second about messages lost, with their number. */
struct loss_notes {
    int64_t quiet_until_ms;
    uint32_t untold; /* lost since the last line, which is told after a second at the next loss */
    uint8_t last;    /* enum drop_reason */
};

struct counters {
    counter bytes_received;
    counter bytes_sent;
    counter packets_received;
    counter packets_sent;
    counter publish_received; /* PUBLISH packets, and the payload bytes in them */
    counter publish_sent;
    counter publish_bytes_received;
    counter publish_bytes_sent;
    counter matched; /* the sum of the ledgers, also of those that are gone */
    counter delivered;
    counter expired;
    counter dropped[DROP_REASONS];
    counter sockets_opened;     /* transports, since the start */
    counter connections_opened; /* accepted CONNECTs, since the start */
    counter connections;        /* open now, CONNECT done */
    counter sockets;            /* open now */
    counter sessions;           /* now, connected or not */
    counter sessions_expired;   /* since the start */
    counter messages;           /* message blocks made less those given back, here */
    counter message_bytes;
    counter refused_connects;
    counter throttlings;      /* how often a client was left unread for its rate, since the start */
    counter flappings;        /* CONNECTs delayed for flapping_max, since the start */
    counter id_fights;        /* the same for id_fight_max */
    counter user_refusals;    /* CONNECTs refused for sessions_per_user_max, since the start */
    counter evictions;        /* connections ended for their unfinished packets, since the start */
    counter delayed_connects; /* whose answer was held back, since the start */
};

static inline void counter_add(counter *number, uint64_t more)
{
    /* Relaxed load and store, not a locked add: there is one writer. */
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + more,
            memory_order_relaxed);
}

static inline uint64_t counter_read(const counter *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

#endif
