/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast one client may send: packets and bytes per second.
 *
 * What a client has sent costs it time, by the dearer of the two limits. It is ahead of its rate by
 * at most RATE_BURST_MS of that time, which an idle client has saved up; then it is left unread
 * until the time has passed. All of it is one number for each client, and no work for one that is
 * well within its rate but a multiplication for each read.
 */
#ifndef BROKER_CORE_RATE_H
#define BROKER_CORE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RATE_BURST_MS = 1000,
    RATE_PAUSE_MIN_MS = 10, /* so that a client at its limit is read a hundred times a second */
};

/* What things cost; 0: nothing. */
struct rates {
    uint64_t packet_ns;
    uint64_t kibibyte_ns;
};

/* From packets and bytes per second; 0: no limit. At most 10^9 packets; at least 1000 bytes. */
struct rates rates_of(uint32_t packets_per_s, uint64_t bytes_per_s);

static inline bool rates_limit(const struct rates *rates)
{
    return (rates->packet_ns | rates->kibibyte_ns) != 0;
}

/* What may be taken now: reading stops behind the packet that reaches one of them, and then
 * rate_charge() says for how long. */
struct rate_room {
    uint64_t packets;
    uint64_t bytes;
};

/* `paid_ns` is the client's number, INT64_MIN at first; `size` bytes wait to be taken. */
struct rate_room rate_room(
        const struct rates *rates, int64_t paid_ns, int64_t now_ms, uint64_t size);

/* Whether it is the packets that are dearer, and not the bytes. */
bool rates_packets_count(const struct rates *rates, uint64_t packets, uint64_t bytes);

/* So much was taken. Returns 0, or in how many milliseconds the client is to be read again. */
int64_t rate_charge(const struct rates *rates, int64_t *paid_ns, int64_t now_ms, uint64_t packets,
        uint64_t bytes);

#endif
